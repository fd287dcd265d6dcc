"""As for a volume in one file, so for one in a folder: any flipped bit is found, and what is broken is mended."""

from __future__ import annotations

import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import zarr

from stackreel.errors import SliceError, VolumeError
from stackreel.geometry import Spacing
from stackreel.slices import open_slices
from stackreel.volume import build as building
from stackreel.volume import open_volume, pyramid, zarrfile
from stackreel.volume.against import Rows, compare
from stackreel.volume.build import build
from stackreel.volume.export.whole import copy_volume
from stackreel.volume.recipe import Recipe
from stackreel.volume.reduction import Reduction
from stackreel.volume.repair import repair
from stackreel.volume.shardledger import read_shard_ledger
from stackreel.volume.stored import members, samples_of, shards_of
from stackreel.volume.stored import open_chunks as chunks_of
from stackreel.volume.verify import verify
from stackreel.volume.zarrwriter import digest, own_files

from .test_repair import REDUCTIONS, SHAPE
from .test_repair import samples_of as stack_of
from .test_verify import flip

KINDS = ("bytes", "shuffled", "axial", "label", "floats")


class Folder:
    """Raw sections of a kind, and the volume made of them in a folder."""

    def __init__(self, folder, kind):
        self.kind, self.sections, self.path = kind, folder / "sections", folder / "brain.ome.zarr"
        self.sections.mkdir()
        samples = stack_of(kind)
        self.dtype = samples.dtype.name
        for k, section in enumerate(samples):
            section.tofile(self.sections / f"s{k:02}.raw")
        build(
            self.source(), self.path, Recipe("brain", Spacing(3.0, 1.0, 1.0, "um"), REDUCTIONS[kind], {"source": "x"})
        )

    def source(self):
        return open_slices(self.sections, shape=SHAPE[1:], dtype=self.dtype)

    @property
    def ledger(self):
        ledger, wrong = read_shard_ledger(self.path)
        assert wrong == []
        return ledger

    def files(self):
        return {p.relative_to(self.path).as_posix(): p.read_bytes() for p in self.path.rglob("*") if p.is_file()}

    def chunks(self):
        """(where, place) → stored bytes of all chunks."""
        ledger = self.ledger
        chunks = chunks_of(self.path, ledger)
        return {
            (kept.where, place): chunks.stored(kept, place)
            for kept in ledger.kept
            for place in itertools.product(*(range(n) for n in kept.sizes.shape))
        }

    def samples(self):
        """(where, place) → samples of all stored chunks."""
        ledger = self.ledger
        chunks = chunks_of(self.path, ledger)
        return {
            (kept.where, place): samples_of(chunks, kept, place)
            for kept in ledger.kept
            for place in members(kept, (0, 0, 0), (1000, 1000, 1000))
        }

    def located(self):
        """(path, first byte, last + 1, where, place) of all stored chunks."""
        for kept in self.ledger.kept:
            shards = shards_of(self.path, kept)
            for place in members(kept, (0, 0, 0), (1000, 1000, 1000)):
                where, slot = shards.holding(place)
                begin, size = (int(n) for n in shards.open(where).index[slot])
                yield shards.path(where), begin, begin + size, kept.where, place

    def hurt(self, seed, count=40):
        """Flip a bit in many chunks of all levels; their number."""
        rng = random.Random(seed)
        chosen = rng.sample(list(self.located()), count)
        for path, begin, end, _, _ in chosen:
            flip(path, 8 * rng.randrange(begin, end) + rng.randrange(8))
        return len(chosen)


@pytest.fixture
def folder(tmp_path):
    return lambda kind: Folder(tmp_path, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_as_it_was_written_is_whole(folder, kind):
    one, done, total = folder(kind), [], []
    report = verify(one.path, begin=total.append, progress=done.append)
    assert report.whole
    assert report.sealed
    assert report.chunks == len(list(one.located()))
    assert [sum(done)] == total == [report.size]
    assert report.size == sum(len(content) for content in one.files().values()) - sum(
        zarrfile.index_bytes(int(np.prod(shards_of(one.path, kept).per)))
        for kept in one.ledger.kept
        for _ in shards_of(one.path, kept).folder.rglob("c/*/*/*")
    ) - len((one.path / "stackreel" / "zarr.json").read_bytes())  # fmt: skip


@pytest.mark.parametrize("kind", ["bytes", "shuffled", "axial"])
def test_every_flipped_bit_is_found_where_it_is(folder, kind):
    """Anywhere in the shards, in their indices, and in every one of the small files."""
    one, rng = folder(kind), random.Random(0)
    located = list(one.located())
    files = sorted(p for p in one.path.rglob("*") if p.is_file())
    shards = sorted({path for path, *_ in located})
    small = [path for path in files if path not in shards]
    spots = [(path, rng.randrange(begin, end)) for path, begin, end, *_ in rng.sample(located, 40)]
    spots += [(path, path.stat().st_size - 1 - k) for path in shards for k in rng.sample(range(16), 2)]
    spots += [(path, rng.randrange(path.stat().st_size)) for path in small]
    assert len(spots) > 80
    for path, byte in spots:
        flip(path, 8 * byte + byte % 8)
        report = verify(one.path, threads=1)
        assert not report.whole, f"{path}, byte {byte}"
        whose = [(where, place) for file, a, b, where, place in located if file == path and a <= byte < b]
        in_shard = {(where, place) for file, _, _, where, place in located if file == path}
        found = [(bad.where, bad.place) for bad in report.bad]
        if whose:
            assert found == whose
        elif path in shards:  # its index: none of its chunks is found
            assert set(found) == in_shard
        else:
            assert not report.metadata
            assert found == []
        flip(path, 8 * byte + byte % 8)
    assert verify(one.path).whole


def test_the_bytes_of_the_seal_count(folder):
    one = folder("bytes")
    path = one.path / "stackreel" / "zarr.json"
    size = path.stat().st_size
    for byte in sorted({*range(150), *range(150, size, 17), *range(size - 80, size)}):  # the names of files are many
        flip(path, 8 * byte + byte % 8)
        assert not verify(one.path, threads=1).whole
        flip(path, 8 * byte + byte % 8)


def _whole(path):
    """Also where it is so damaged that it is not known as a volume any more."""
    try:
        return verify(path).whole
    except VolumeError:
        return False


def test_files_that_are_missing_cut_short_or_too_many(folder):
    one = folder("shuffled")
    everything = {path: len(content) for path, content in one.files().items()}
    for name, size in everything.items():
        content = (one.path / name).read_bytes()
        for cut in sorted({None, 0, size // 2, size - 1}, key=str):
            if cut is None:
                (one.path / name).unlink()
            else:
                os.truncate(one.path / name, cut)
            assert not _whole(one.path), f"{name} {cut}"
            (one.path / name).write_bytes(content)
        if "/c/" in name and not name.startswith("stackreel"):
            (one.path / name).write_bytes(content[:-100] + b"x" * 7 + content[-100:])
            assert not verify(one.path).whole
            (one.path / name).write_bytes(content)
    shutil.copytree(one.path / "0" / "c" / "0", one.path / "0" / "c" / "7")
    assert verify(one.path).whole  # nobody looks there
    (one.path / "stackreel" / "summary" / "0" / "low" / "c" / "1").mkdir()
    (one.path / "stackreel" / "summary" / "0" / "low" / "c" / "1" / "0").write_text("here")  # would be read as a piece
    assert not verify(one.path).metadata


FOREIGN = [".DS_Store", "0/@eaDir/zarr.json@SynoEAStream", "stackreel/Thumbs.db", "stackreel/slices/.nfs0000000042",
           "1/.AppleDouble/zarr.json", "labels/zarr.json"]  # fmt: skip


def test_what_others_put_beside_is_named_and_does_no_harm(folder):
    one = folder("axial")
    for name in FOREIGN:
        (one.path / name).parent.mkdir(exist_ok=True)
        (one.path / name).write_text("{}")
    report = verify(one.path)
    assert report.whole
    assert report.strangers == tuple(sorted(FOREIGN))
    one.hurt(0, 3)
    assert repair(one.path, one.source()).report.whole
    assert set(FOREIGN) < set(one.files())
    flip(one.path / "0" / "zarr.json", 80)
    assert not verify(one.path).metadata


def test_a_level_that_was_moved_to_another_disk_is_still_of_the_volume(folder, tmp_path):
    one = folder("bytes")
    shutil.move(one.path / "0", tmp_path / "elsewhere")
    (one.path / "0").symlink_to(tmp_path / "elsewhere")
    assert verify(one.path).whole
    flip(tmp_path / "elsewhere" / "zarr.json", 80)
    assert not verify(one.path).sealed
    flip(tmp_path / "elsewhere" / "zarr.json", 80)
    (tmp_path / "elsewhere" / "c" / "0" / "0" / "0").unlink()
    assert verify(one.path).bad
    assert repair(one.path, one.source()).report.whole
    assert (one.path / "0").is_symlink()


def test_a_folder_sealed_by_an_earlier_version_is_checked_as_then(folder):
    """Without a list, all small files that are there count."""
    one = folder("bytes")
    names = own_files(one.path)
    zarrfile.write_page(one.path / "stackreel", zarrfile.group({"seal": f"{digest(one.path, names):016x}"}))
    assert verify(one.path).whole
    (one.path / ".DS_Store").write_text("x")
    assert not verify(one.path).sealed


def test_a_shard_where_nothing_was_stored_is_told(tmp_path, array_source):
    samples = np.zeros((64, 40, 50), np.uint8)
    samples[:32] = 7
    build(array_source(samples), tmp_path / "a.ome.zarr", Recipe("a", Spacing(1, 1, 1), Reduction("intensity")))
    shutil.copytree(tmp_path / "a.ome.zarr" / "0" / "c" / "0", tmp_path / "a.ome.zarr" / "0" / "c" / "1")
    report = verify(tmp_path / "a.ome.zarr")
    assert report.index == ("/0 has a shard c/1/0/0 where nothing was stored",)
    assert not report.whole


def test_what_was_written_to_it_by_others_is_told(folder):
    one = folder("bytes")
    zarr.open_array(one.path / "0", mode="r+")[3, 4, 205] = 77
    report = verify(one.path)
    assert (0, (0, 0, 1)) in {(bad.level, bad.place) for bad in report.bad}
    mended = repair(one.path, one.source())
    assert not mended.anew
    assert mended.report.whole
    zarr.open_array(one.path / "0", mode="r+")[3, 4, 5] = 77  # where all was zero, and nothing stored
    report = verify(one.path)
    assert report.index == ("shard c/0/0/0 of /0 holds chunks that were not stored",)
    assert repair(one.path, one.source()).report.whole


@pytest.mark.parametrize("kind", KINDS)
def test_slices_and_folder_are_compared(folder, kind):
    one = folder(kind)
    assert compare(one.path, one.ledger, one.source()).same
    changed = np.fromfile(one.sections / "s07.raw", one.dtype)
    changed[201 * SHAPE[2]] += 1
    changed.tofile(one.sections / "s07.raw")
    found = compare(one.path, one.ledger, one.source())
    assert found.changed == (Rows(7, (128, 256)),)
    assert found.differ == (Rows(7, (201, 202)),)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_chunks_become_what_they_were_to_the_byte(folder, kind):
    one = folder(kind)
    chunks, files = one.chunks(), one.files()
    number, done = one.hurt(0), []
    assert len(verify(one.path).bad) == number
    mended = repair(one.path, one.source(), begin=lambda *what: done.append(what), progress=done.append)
    assert (mended.chunks, mended.anew) == (number, False)
    assert mended.report.whole
    assert done == [(number, "chunk"), *[1] * number]
    assert one.chunks() == chunks
    after = one.files()
    assert after.keys() == files.keys()
    assert all(after[name] == content for name, content in files.items() if "/c/" not in name or "summary" in name)


@pytest.mark.parametrize("kind", ["bytes", "axial"])
def test_lost_shards_come_back_at_all_levels(folder, kind, monkeypatch):
    """With levels that go band by band, as those of large stacks do."""
    monkeypatch.setattr(pyramid, "PENDING_BYTES", 1 << 12)
    monkeypatch.setattr(building, "BAND_BYTES", 1 << 20)
    one = folder(kind)
    chunks = one.chunks()
    for path in {path for path, *_ in one.located()}:
        path.unlink()
    report = verify(one.path)
    assert {bad.why for bad in report.bad} == {"missing"}
    assert len(report.bad) == report.chunks
    assert repair(one.path, one.source()).report.whole
    assert one.chunks() == chunks


def test_a_damaged_table_is_mended_by_converting_anew(folder):
    one = folder("axial")
    chunks = one.chunks()
    table = one.path / "stackreel" / "summary" / "1" / "hashes" / "c" / "0" / "0" / "0"
    one.hurt(0, 3)
    flip(table, 8 * 30)
    report = verify(one.path)
    assert [text for text in report.index if "the hashes of /1 cannot be read" in text]
    mended = repair(one.path, one.source())
    assert mended.anew
    assert mended.report.whole
    assert one.chunks() == chunks
    assert sorted(p.name for p in one.path.parent.iterdir()) == ["brain.ome.zarr", "sections"]
    assert open_volume(one.path).provenance["source"] == "x"


def test_without_its_words_nothing_can_be_mended(folder):
    one = folder("bytes")
    (one.path / "zarr.json").write_text("{}")
    assert repair(one.path, one.source()).report.whole  # they stand there twice
    assert open_volume(one.path).provenance["source"] == "x"
    (one.path / "zarr.json").write_text("{}")
    shutil.rmtree(one.path / "stackreel" / "words")
    report = verify(one.path)
    assert not report.hashed
    assert not report.whole
    with pytest.raises(VolumeError, match="stackreel convert SLICES"):
        repair(one.path, one.source())


def test_words_that_are_damaged_are_never_sealed_anew(folder):
    """The page that other programs read has no checksum of its own; what is mended is made by words that have one."""
    one = folder("bytes")
    page = one.path / "zarr.json"
    before = page.read_bytes()
    at = 8 * (before.index(b'"provenance_source": "x"') + len(b'"provenance_source": "'))
    flip(page, at)
    assert one.ledger.provenance["source"] == "x"
    assert not verify(one.path).sealed
    assert repair(one.path, one.source()).report.whole
    assert open_volume(one.path).provenance["source"] == "x"
    flip(page, at)
    flip(one.path / "stackreel" / "words" / "c" / "0", 8 * 20)
    report = verify(one.path)
    assert [text for text in report.index if "stands there only once, unproved" in text]
    with pytest.raises(VolumeError, match="stackreel convert SLICES"):
        repair(one.path, one.source())
    shutil.rmtree(one.path / "stackreel" / "words")  # as early volumes are
    with pytest.raises(VolumeError, match="stackreel convert SLICES"):
        repair(one.path, one.source())


@pytest.mark.parametrize("table", ["summary/0/sizes", "summary/1/hashes", "slices/hashes", "slices/settings", "words"])
def test_every_bit_of_a_tables_shape_may_flip_and_it_is_said(folder, table):
    """As its page has no checksum either."""
    one = folder("bytes")
    page = one.path / "stackreel" / table / "zarr.json"
    text = page.read_bytes()
    spots = [(text.index(key), text.index(b"]", text.index(key))) for key in (b'"shape"', b'"chunk_shape"')]
    digits = [at for first, last in spots for at in range(first, last) if text[at : at + 1].isdigit()]
    assert digits
    for at in digits:
        for bit in range(8):
            flip(page, 8 * at + bit)
            assert not verify(one.path, threads=1).whole
            flip(page, 8 * at + bit)
    flip(page, 8 * digits[0])
    if not table.startswith("s"):
        with pytest.raises(VolumeError, match="stackreel convert SLICES"):
            repair(one.path, one.source())
    elif "summary" in table:
        assert repair(one.path, one.source()).report.whole


def test_a_comparison_that_could_not_be_made_says_so(folder):
    one = folder("bytes")
    flip(one.path / "stackreel" / "summary" / "0" / "sizes" / "c" / "0" / "0" / "0", 8 * 20)
    ledger, wrong = read_shard_ledger(one.path)
    assert wrong
    found = compare(one.path, ledger, one.source())
    assert not found.same
    assert found.damaged == 3 * 3 * 3  # all chunks of the full resolution


def test_other_slices_mend_nothing(folder):
    one = folder("bytes")
    one.hurt(0)
    changed = np.fromfile(one.sections / "s05.raw", one.dtype)
    changed[7] ^= 1
    changed.tofile(one.sections / "s05.raw")
    before = one.files()
    with pytest.raises(SliceError, match=r"slice 5 \(s05.raw\), rows 0 to 127: not what was converted"):
        repair(one.path, one.source())
    flip(one.path / "stackreel" / "summary" / "1" / "low" / "zarr.json", 80)
    before = one.files()
    with pytest.raises(SliceError, match="slice 5 is not what was converted"):
        repair(one.path, one.source())
    assert one.files() == before
    assert sorted(p.name for p in one.path.parent.iterdir()) == ["brain.ome.zarr", "sections"]


def test_chunks_that_are_packed_otherwise_than_before(folder, monkeypatch):
    """As by another release of Blosc: tables and seal follow."""
    import imagecodecs

    one = folder("axial")
    samples = one.samples()
    number = one.hurt(4)
    encode = imagecodecs.blosc_encode
    monkeypatch.setattr(imagecodecs, "blosc_encode", lambda *a, **k: encode(*a, **k | {"level": 3 * k["level"]}))
    mended = repair(one.path, one.source())
    monkeypatch.undo()
    assert (mended.chunks, mended.anew) == (number, False)
    assert mended.report.whole
    again = one.samples()
    for key, before in samples.items():
        np.testing.assert_array_equal(again[key], before)
    volume = open_volume(one.path)
    assert volume.levels[0].read_chunk((1, 1, 1)) is not None
    one.hurt(5)
    assert repair(one.path, one.source()).report.whole


REPAIR = """\
import sys, time
from stackreel.slices import open_slices
from stackreel.volume.repair import repair
folder, path, dtype = sys.argv[1:]
def progress(_):
    print("chunk", flush=True)
    time.sleep(0.003)
print("ready", flush=True)
repair(path, open_slices(folder, shape=(300, 260), dtype=dtype), progress=progress)
"""


@pytest.mark.skipif(os.name == "nt", reason="no such signals on Windows")
@pytest.mark.parametrize("seed", [0, 1, 2, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(3, 12))])
def test_a_repair_that_is_killed_is_repaired(folder, seed):
    one, rng = folder("axial" if seed % 2 else "shuffled"), random.Random(seed)
    chunks, files = one.chunks(), set(one.files())
    number = one.hurt(seed, 40)
    if seed == 2:
        flip(one.path / "stackreel" / "summary" / "1" / "low" / "zarr.json", 80)
    process = subprocess.Popen(
        [sys.executable, "-c", REPAIR, str(one.sections), str(one.path), one.dtype], stdout=subprocess.PIPE, text=True
    )
    for _ in range(rng.randrange(2, number // 2) if seed != 2 else 2):
        assert process.stdout.readline()
    time.sleep(rng.random() * 0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not verify(one.path).whole
    assert repair(one.path, one.source()).report.whole
    assert one.chunks() == chunks
    left = set(one.files()) - files
    assert all(name.endswith(".part") for name in left)
    assert len(left) <= 1
    assert verify(one.path).whole


def test_an_exported_folder_with_weights_is_mended(tmp_path, array_source):
    rng = np.random.default_rng(0)
    samples, weights = (array_source(rng.integers(0, 180, (40, 150, 140), dtype=np.uint8)) for _ in range(2))
    recipe = Recipe("a", Spacing(2, 1, 1), Reduction("axial", 180.0))
    volume = build(samples, tmp_path / "a.h5", recipe, weights=weights)
    path = tmp_path / "a.ome.zarr"
    copy_volume(volume, path, threads=1)
    ledger, _ = read_shard_ledger(path)
    assert len(ledger.slices) == 2
    flip(path / "1" / "c" / "0" / "0" / "0", 8 * 100)
    with pytest.raises(SliceError, match="slice 0, rows 0 to 127: not what was converted"):
        repair(path, samples, weights=array_source(weights.array + np.uint8(1)))
    assert repair(path, samples, weights=weights).report.whole


def test_folders_that_are_no_volumes(tmp_path):
    with pytest.raises(VolumeError, match="a folder, but no volume"):
        verify(tmp_path)
    zarr.create_array(tmp_path / "a.zarr", shape=(3, 3), dtype="uint8")
    with pytest.raises(VolumeError, match="Zarr without hashes to check it by"):
        verify(tmp_path / "a.zarr")


def test_two_repairs_do_not_get_in_each_others_way(folder):
    one = folder("bytes")
    one.hurt(0, 3)
    started = []

    def progress(_):
        if not started:
            started.append(1)
            with pytest.raises(VolumeError, match="another repair of it is at work"):
                repair(one.path, one.source())

    assert repair(one.path, one.source(), progress=progress).report.whole
    assert started
    json.loads((one.path / "zarr.json").read_text())
