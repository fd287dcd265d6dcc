"""A damaged volume becomes the one that it was, and a repair that is killed leaves nothing that another cannot mend."""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from stackreel.errors import SliceError, SliceShapeError, VolumeError
from stackreel.geometry import Spacing
from stackreel.paraview.vtkhdf import write_vtkhdf
from stackreel.slices import open_slices
from stackreel.volume import build as building
from stackreel.volume import mendfile, pyramid
from stackreel.volume.build import build
from stackreel.volume.chunkfile import LIBVER
from stackreel.volume.export.whole import copy_volume
from stackreel.volume.ledger import put_ledger, read_ledger
from stackreel.volume.recipe import Recipe
from stackreel.volume.reduction import Reduction
from stackreel.volume.remaking import Remaker, recipe_of
from stackreel.volume.repair import repair, resume
from stackreel.volume.seal import put_seal
from stackreel.volume.undo import put_aside, stopped, undo_of
from stackreel.volume.verify import verify

from .test_build import contents, same_contents
from .test_verify import flip, owner

SHAPE = (70, 300, 260)
REDUCTIONS = {
    "bytes": Reduction("intensity"),
    "brightest": Reduction("intensity", how="max"),
    "shuffled": Reduction("intensity"),
    "axial": Reduction("axial", 180.0, 179.0),
    "label": Reduction("label"),
    "floats": Reduction("intensity"),
}


def samples_of(kind):
    rng = np.random.default_rng(0)
    z, y, x = np.indices(SHAPE, sparse=True)
    if kind in ("shuffled", "floats"):
        stack = 300 * np.sin(x / 30) + 20 * z + rng.integers(0, 300, SHAPE) + 300
        return stack.astype(np.uint16 if kind == "shuffled" else np.float32)
    stack = ((x // 8 + y // 4 + z) % 180 + 0 * z).astype(np.uint8)
    stack[:, :, 128:] = rng.integers(0, 180, (*SHAPE[:2], SHAPE[2] - 128))
    stack[:32, :128, :128] = 0
    return stack


class Stack:
    """Raw sections of a kind, and the volume made of them."""

    def __init__(self, folder, kind, pending=128 << 20):
        self.kind, self.sections, self.path = kind, folder / "sections", folder / "brain.h5"
        self.sections.mkdir()
        samples = samples_of(kind)
        self.dtype = samples.dtype.name
        for k, section in enumerate(samples):
            section.tofile(self.sections / f"s{k:02}.raw")
        recipe = Recipe("brain", Spacing(3.0, 1.0, 1.0, "um"), REDUCTIONS[kind], {"source": "here"})
        build(self.source(), self.path, recipe, finish=write_vtkhdf)
        self.before = contents(self.path)
        self.data = self.path.read_bytes()

    def source(self):
        return open_slices(self.sections, shape=SHAPE[1:], dtype=self.dtype)

    def hurt(self, seed, count=40):
        """Flip bits in many chunks of all levels; the number of chunks."""
        ledger, rng = read_ledger(self.path), random.Random(seed)
        hurt = set()
        for kept in ledger.kept:
            stored = np.argwhere(kept.sizes > 0).tolist()
            for place in rng.sample(stored, min(len(stored), max(1, count // len(ledger.kept)))):
                at = tuple(place)
                flip(self.path, 8 * (int(kept.offsets[at]) + rng.randrange(int(kept.sizes[at]))) + rng.randrange(8))
                hurt.add((kept.where, at))
        return len(hurt)


@pytest.fixture
def stack(tmp_path):
    return lambda kind: Stack(tmp_path, kind)


@pytest.mark.parametrize("kind", REDUCTIONS)
def test_damaged_chunks_become_what_they_were_to_the_byte(stack, kind):
    one = stack(kind)
    number = one.hurt(0)
    assert len(verify(one.path).bad) == number
    done = []
    mended = repair(one.path, one.source(), begin=lambda *what: done.append(what), progress=done.append)
    assert (mended.chunks, mended.anew) == (number, False)
    assert mended.report.whole
    assert done == [(number, "chunk"), *[1] * number]
    assert one.path.read_bytes() == one.data
    assert [p.name for p in one.path.parent.iterdir() if p.is_file()] == ["brain.h5"]


@pytest.mark.parametrize("kind", ["bytes", "axial"])
def test_levels_that_go_band_by_band_are_mended_too(stack, kind, monkeypatch):
    """As those of large stacks do: their chunks are flatter."""
    monkeypatch.setattr(pyramid, "PENDING_BYTES", 1 << 12)
    monkeypatch.setattr(building, "BAND_BYTES", 1 << 20)
    one = stack(kind)
    assert read_ledger(one.path).find(3).chunk[0] < 32
    one.hurt(1, 100)
    assert repair(one.path, one.source()).report.whole
    assert one.path.read_bytes() == one.data


def test_weights_are_needed_for_the_level_that_was_made_with_them(tmp_path, array_source):
    rng = np.random.default_rng(0)
    samples, weights = (array_source(rng.integers(0, 180, (40, 150, 140), dtype=np.uint8)) for _ in range(2))
    weights.files = open_slices(_one_raw(tmp_path), shape=(3, 4), dtype="uint8").files
    path = tmp_path / "a.h5"
    build(samples, path, Recipe("a", Spacing(2, 1, 1), Reduction("axial", 180.0)), weights=weights)
    data, ledger = path.read_bytes(), read_ledger(path)
    for kept in ledger.kept[1:3]:
        flip(path, 8 * int(kept.offsets[0, 0, 0]) + 100)
    with pytest.raises(VolumeError, match="made with weights, which are needed again"):
        repair(path, samples)
    with pytest.raises(SliceError, match="slice 0, rows 0 to 127: not what was converted"):
        repair(path, samples, weights=array_source(weights.array + np.uint8(1)))
    assert repair(path, samples, weights=weights).chunks == 2
    assert path.read_bytes() == data


def _one_raw(folder):
    (folder / "weights").mkdir()
    (folder / "weights" / "w.raw").write_bytes(bytes(12))
    return folder / "weights"


def test_an_exported_volume_with_weights_is_made_anew(tmp_path, array_source):
    rng = np.random.default_rng(0)
    samples, weights = (array_source(rng.integers(0, 180, (40, 150, 140), dtype=np.uint8)) for _ in range(2))
    weights.files = open_slices(_one_raw(tmp_path), shape=(3, 4), dtype="uint8").files
    recipe = Recipe("a", Spacing(2, 1, 1), Reduction("axial", 180.0))
    volume = build(samples, tmp_path / "a.h5", recipe, weights=weights)
    path = tmp_path / "exported.h5"
    copy_volume(volume, path, threads=1)
    assert len(read_ledger(path).slices) == 2
    before = contents(path)
    flip(path, 8 * 40)
    hurt = path.read_bytes()
    with pytest.raises(SliceError, match="slice 0 is not what was converted"):
        repair(path, array_source(samples.array + np.uint8(1)), weights=weights)
    assert path.read_bytes() == hurt
    mended = repair(path, samples, weights=weights)
    assert mended.anew
    assert mended.report.whole
    after = contents(path)
    for key in before:
        if key.startswith(("levels/", "resultants/")) or key == "a":
            np.testing.assert_array_equal(after[key], before[key], err_msg=key)


def test_a_chunk_that_went_bad_since_it_was_verified_is_told(stack):
    one = stack("bytes")
    ledger = read_ledger(one.path)
    flip(one.path, 8 * int(ledger.find(1).offsets[0, 0, 0]) + 9)
    report = verify(one.path)
    flip(one.path, 8 * int(ledger.full.offsets[0, 1, 0]) + 9)
    with pytest.raises(VolumeError, match=r"/levels/brain/0, chunk \(0, 1, 0\) is damaged, and was not when"):
        repair(one.path, one.source(), report=report)
    assert repair(one.path, one.source()).report.whole
    assert one.path.read_bytes() == one.data


def test_a_chunk_stored_as_it_is_becomes_itself_or_nothing(tmp_path, array_source, monkeypatch):
    """With other weights other samples come out: noticed by their hashes, and were these lost, by the chunk."""
    rng = np.random.default_rng(0)
    samples, weights = (array_source(rng.integers(0, 256, (40, 150, 140), dtype=np.uint8)) for _ in range(2))
    weights.files = open_slices(_one_raw(tmp_path), shape=(3, 4), dtype="uint8").files
    recipe = Recipe("a", Spacing(2, 1, 1), Reduction("axial", 256.0))
    path = tmp_path / "exported.h5"
    copy_volume(build(samples, tmp_path / "a.h5", recipe, weights=weights), path, threads=1)
    data, kept = path.read_bytes(), read_ledger(path).find(1)
    assert kept.plain[0, 0, 0]
    flip(path, 8 * int(kept.offsets[0, 0, 0]) + 100)
    hurt = path.read_bytes()
    other = array_source(weights.array[::-1].copy())
    with pytest.raises(SliceError, match="slice 0, rows 0 to 127: not what was converted"):
        repair(path, samples, weights=other)
    with monkeypatch.context() as patch:
        patch.setattr(Remaker, "check_slices", lambda *_: None)
        with pytest.raises(VolumeError, match=r"/levels/a/1, chunk \(0, 0, 0\) cannot be made again as it was: other"):
            repair(path, samples, weights=other)
    assert path.read_bytes() == hurt
    assert repair(path, samples, weights=weights).report.whole
    assert path.read_bytes() == data


def test_weights_without_hashes_make_a_chunk_as_it_was_or_not_at_all(tmp_path, array_source):
    rng = np.random.default_rng(0)
    samples, weights, other = (array_source(rng.integers(0, 20, (40, 150, 140), dtype=np.uint8)) for _ in range(3))
    weights.files = open_slices(_one_raw(tmp_path), shape=(3, 4), dtype="uint8").files
    path = tmp_path / "a.h5"
    build(samples, path, Recipe("a", Spacing(2, 1, 1), Reduction("axial", 256.0)), weights=weights)
    ledger = read_ledger(path)
    with h5py.File(path, "r+", libver=LIBVER) as file:  # as an early export left it
        del file["slices/a/weights_hashes"]
        put_ledger(file, dataclasses.replace(ledger, slices=ledger.slices[:1]))
    put_seal(path, ledger.seal, ledger.extents)
    assert verify(path).whole
    data, kept = path.read_bytes(), ledger.find(1)
    assert not kept.plain[0, 0, 0]
    flip(path, 8 * int(kept.offsets[0, 0, 0]) + 100)
    hurt = path.read_bytes()
    with pytest.raises(VolumeError, match=r"/levels/a/1, chunk \(0, 0, 0\) cannot be made again as it was: other"):
        repair(path, samples, weights=other)
    assert path.read_bytes() == hurt
    assert repair(path, samples, weights=weights).report.whole
    assert path.read_bytes() == data


def test_a_whole_file_is_left_alone(stack):
    one = stack("bytes")
    before = one.path.stat().st_mtime_ns
    mended = repair(one.path, one.source())
    assert (mended.chunks, mended.anew) == (0, False)
    assert one.path.stat().st_mtime_ns == before


def test_other_slices_are_refused_and_nothing_changes(stack):
    one = stack("bytes")
    ledger = read_ledger(one.path)
    flip(one.path, 8 * int(ledger.full.offsets[2, 1, 1]) + 9)
    hurt = one.path.read_bytes()
    section = np.fromfile(one.sections / "s66.raw", np.uint8)
    section[200 * SHAPE[2] + 7] ^= 1
    section.tofile(one.sections / "s66.raw")
    with pytest.raises(SliceError, match=r"slice 66 \(s66\.raw\), rows 128 to 255: not what was converted"):
        repair(one.path, one.source())
    assert one.path.read_bytes() == hurt
    np.zeros(SHAPE[1:], np.uint8).tofile(one.sections / "s03.raw")  # a slice that is not needed
    section[200 * SHAPE[2] + 7] ^= 1
    section.tofile(one.sections / "s66.raw")
    assert repair(one.path, one.source()).report.whole


@pytest.mark.parametrize("kind", ["bytes", "axial"])
def test_a_damaged_index_is_made_anew_from_the_slices(stack, kind):
    one = stack(kind)
    ledger = read_ledger(one.path)
    rng = random.Random(0)
    size = one.path.stat().st_size
    for byte in [12, *(b for b in rng.sample(range(size), 3000) if owner(ledger, b) is None)][:6]:
        flip(one.path, 8 * byte)
    one.hurt(3)
    assert not verify(one.path).metadata
    mended = repair(one.path, one.source(), finish=write_vtkhdf)
    assert mended.anew
    assert mended.report.whole
    same_contents(contents(one.path), one.before)
    assert recipe_of(read_ledger(one.path)) == recipe_of(ledger)
    assert [p.name for p in one.path.parent.iterdir() if p.is_file()] == ["brain.h5"]


def test_an_index_is_not_made_anew_from_other_slices(stack):
    one = stack("bytes")
    flip(one.path, 8 * 40)
    hurt = one.path.read_bytes()
    np.zeros(SHAPE[1:], np.uint8).tofile(one.sections / "s30.raw")
    with pytest.raises(SliceError, match=r"slice 30 is not what was converted.* it stays"):
        repair(one.path, one.source())
    assert one.path.read_bytes() == hurt
    assert [p.name for p in one.path.parent.iterdir() if p.is_file()] == ["brain.h5"]


def test_where_the_end_is_lost_the_command_is_told(stack):
    one = stack("bytes")
    os.truncate(one.path, len(one.data) // 2)
    with pytest.raises(VolumeError, match=r"`stackreel convert SLICES .*brain\.h5 --overwrite`"):
        repair(one.path, one.source())
    assert one.path.stat().st_size == len(one.data) // 2


def packed_otherwise(monkeypatch, level=9):
    """As another release of ISA-L, or another processor, may pack: the same samples in other bytes."""
    import zlib

    from stackreel.volume.codec import shuffle

    monkeypatch.setattr(
        mendfile, "pack", lambda c: zlib.compress((c if c.itemsize == 1 else shuffle(c)).tobytes(), level)
    )


@pytest.mark.parametrize(("kind", "level"), [("shuffled", 9), ("axial", 0)])
def test_chunks_that_take_more_or_less_room_than_before(stack, monkeypatch, kind, level):
    one = stack(kind)
    one.hurt(4)
    packed_otherwise(monkeypatch, level)
    mended = repair(one.path, one.source())
    assert not mended.anew
    assert mended.report.whole
    after = contents(one.path)
    for key, value in one.before.items():
        if not key.startswith("ledger") and key.split("/")[-1] not in ("offsets", "sizes", "hashes"):
            np.testing.assert_array_equal(after[key], value, err_msg=key)
    assert not undo_of(one.path).exists()
    one.hurt(5)
    monkeypatch.undo()
    assert repair(one.path, one.source()).report.whole


def test_a_repair_that_fails_on_the_way_takes_itself_back(stack, monkeypatch):
    one = stack("shuffled")
    number = one.hurt(4)
    packed_otherwise(monkeypatch)
    seen = []

    def progress(_):
        seen.append(1)
        if len(seen) == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        repair(one.path, one.source(), progress=progress)
    report = verify(one.path)
    assert report.metadata
    assert 0 < len(report.bad) <= number
    monkeypatch.undo()
    assert repair(one.path, one.source()).report.whole
    assert one.path.read_bytes() == one.data


REPAIR = """\
import sys, time, zlib
from stackreel.slices import open_slices
from stackreel.volume import mendfile
from stackreel.volume.repair import repair
folder, path, dtype, otherwise = sys.argv[1:]
if otherwise == "True":
    from stackreel.volume.codec import shuffle
    mendfile.pack = lambda c: zlib.compress((c if c.itemsize == 1 else shuffle(c)).tobytes(), 9)
def progress(_):
    print("chunk", flush=True)
    time.sleep(0.003)
print("ready", flush=True)
repair(path, open_slices(folder, shape=(300, 260), dtype=dtype), progress=progress)
"""


@pytest.mark.skipif(os.name == "nt", reason="no such signals on Windows")
@pytest.mark.parametrize("otherwise", [False, True])
@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12))])
def test_a_repair_that_is_killed_is_repaired(stack, otherwise, seed):
    one = stack("axial" if seed % 2 else "shuffled")
    number, rng = one.hurt(seed, 60), random.Random(seed)
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", REPAIR, str(one.sections), str(one.path), one.dtype, str(otherwise)],
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(rng.randrange(1, number // 3)):
            assert process.stdout.readline()
        time.sleep(rng.random() * 0.005)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        report = verify(one.path)
        assert not report.whole
        assert report.stopped == undo_of(one.path).exists()
    mended = repair(one.path, one.source())
    assert mended.report.whole
    assert not mended.anew
    assert one.path.read_bytes() == one.data
    assert [p.name for p in one.path.parent.iterdir() if p.is_file()] == ["brain.h5"]


@pytest.mark.skipif(os.name == "nt", reason="no such signals on Windows")
def test_what_hdf5_half_rewrote_is_put_back(stack):
    """A kill while HDF5 rewrites its index: whatever it did around the chunks is undone."""
    one = stack("bytes")
    ledger = read_ledger(one.path)
    put_aside(one.path, ledger.extents)
    with h5py.File(one.path, "r+") as file:
        file["/summary/brain/0/hashes"][...] = 0
        file["more"] = np.arange(100_000)
    flip(one.path, 8 * 20)
    assert verify(one.path).stopped
    assert repair(one.path, one.source()).report.whole
    assert one.path.read_bytes() == one.data


def test_what_an_earlier_file_left_is_never_written_over_a_new_one(stack):
    """A repair was killed, and the slices, other ones by then, were converted anew instead."""
    one = stack("bytes")
    put_aside(one.path, read_ledger(one.path).extents)
    left = undo_of(one.path).read_bytes()
    for k in range(0, SHAPE[0], 2):
        np.full(SHAPE[1:], k, np.uint8).tofile(one.sections / f"s{k:02}.raw")
    build(one.source(), one.path, Recipe("brain", Spacing(3, 1, 1), REDUCTIONS["bytes"]), overwrite=True)
    undo_of(one.path).write_bytes(left)
    new = one.path.read_bytes()
    report = verify(one.path)
    assert report.whole
    assert not report.stopped
    assert resume(one.path) == "dropped"
    assert one.path.read_bytes() == new
    assert not undo_of(one.path).exists()
    undo_of(one.path).write_bytes(left)
    assert repair(one.path, one.source()).report.whole
    assert one.path.read_bytes() == new


def test_an_undo_is_of_one_file_only_though_another_has_its_number_or_its_bytes(stack):
    one = stack("bytes")
    put_aside(one.path, read_ledger(one.path).extents)
    assert stopped(one.path)
    twin = one.path.with_name("twin.h5")
    shutil.copy(one.path, twin)
    shutil.copy(undo_of(one.path), undo_of(twin))
    assert not stopped(twin)  # the same bytes, in another file
    os.truncate(one.path, 0)
    one.path.write_bytes(bytes(len(one.data)))
    assert not stopped(one.path)  # a disk gives the number of a file that is gone to the next


def test_a_link_to_a_file_with_a_stopped_repair_says_so(stack, tmp_path):
    one = stack("bytes")
    put_aside(one.path, read_ledger(one.path).extents)
    link = tmp_path / "link.h5"
    link.symlink_to(one.path)
    assert verify(link).stopped


def test_slices_that_do_not_fit_take_nothing_back(stack):
    one = stack("bytes")
    put_aside(one.path, read_ledger(one.path).extents)
    with h5py.File(one.path, "r+") as file:
        file["more"] = np.arange(100_000)
    half = one.path.read_bytes()
    with pytest.raises(SliceShapeError):
        repair(one.path, open_slices(one.sections, shape=(SHAPE[2], SHAPE[1]), dtype="uint8"))
    assert one.path.read_bytes() == half
    assert stopped(one.path)
    assert repair(one.path, one.source()).report.whole
    assert one.path.read_bytes() == one.data


def test_a_repair_that_was_killed_behind_its_last_byte_is_done(stack, monkeypatch):
    one = stack("shuffled")
    one.hurt(4)
    packed_otherwise(monkeypatch)
    monkeypatch.setattr(mendfile, "forget", lambda _: None)
    assert repair(one.path, one.source()).report.whole
    assert undo_of(one.path).exists()
    mended = one.path.read_bytes()
    assert verify(one.path).whole
    assert resume(one.path) == "dropped"
    assert one.path.read_bytes() == mended


def test_a_file_that_may_not_be_written_is_refused(stack):
    if os.geteuid() == 0:
        pytest.skip("root may write anything")
    one = stack("bytes")
    one.path.chmod(0o444)
    with pytest.raises(VolumeError, match="cannot be written"):
        repair(one.path, one.source())


def test_two_repairs_do_not_get_in_each_others_way(stack):
    fcntl = pytest.importorskip("fcntl")
    one = stack("bytes")
    with open(one.path, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(VolumeError, match="another repair of it is at work"):
            repair(one.path, one.source())


def test_a_link_stays_a_link(stack, tmp_path):
    one = stack("bytes")
    link = tmp_path / "link.h5"
    link.symlink_to(one.path)
    flip(one.path, 8 * 40)
    assert repair(link, one.source()).report.path == one.path
    assert link.is_symlink()
    assert verify(link).whole
    shutil.rmtree(one.sections)
