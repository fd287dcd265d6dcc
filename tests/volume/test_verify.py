"""Any flipped bit of a volume file is found, and what is found is said of the right part of the brain."""

from __future__ import annotations

import os
import random
import shutil

import h5py
import numpy as np
import pytest

from stackreel.errors import SliceShapeError, VolumeError, VolumeMissingError
from stackreel.geometry import Spacing
from stackreel.slices import open_slices
from stackreel.volume.against import Rows, compare
from stackreel.volume.build import build
from stackreel.volume.damage import Part, announced_size, parts
from stackreel.volume.ledger import LEDGER, MARK, read_ledger
from stackreel.volume.recipe import Recipe
from stackreel.volume.reduction import Reduction
from stackreel.volume.seal import put_seal
from stackreel.volume.verify import verify

from ..conftest import ArraySource

KINDS = ("bytes", "shuffled", "axial")


def samples_of(kind):
    """With places that are empty, that shrink and that do not, of each kind that is stored differently."""
    rng = np.random.default_rng(0)
    z, y, x = np.indices((40, 200, 260), sparse=True)
    if kind == "shuffled":
        return (300 * np.sin(x / 30) + 20 * z + rng.integers(0, 300, (40, 200, 260)) + 300).astype(np.uint16)
    stack = ((x // 8 + y // 4 + z) % 180 + 0 * z).astype(np.uint8)
    stack[:, :, 128:] = rng.integers(0, 180, (40, 200, 132))
    stack[:, :128, :128] = 0
    return stack


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """kind → a volume file, made once; not to be written to."""
    folder = tmp_path_factory.mktemp("made")
    for kind in KINDS:
        reduction = Reduction("axial", 180.0) if kind == "axial" else Reduction("intensity")
        build(ArraySource(samples_of(kind)), folder / f"{kind}.h5", Recipe("brain", Spacing(3, 1, 1), reduction))
    return {kind: folder / f"{kind}.h5" for kind in KINDS}


@pytest.fixture
def copy(made, tmp_path):
    """copy(kind) → a volume file of one's own."""

    def make(kind):
        return shutil.copy(made[kind], tmp_path / f"{kind}.h5")

    return make


def flip(path, bit):
    with open(path, "r+b") as file:
        file.seek(bit // 8)
        (byte,) = file.read(1)
        file.seek(bit // 8)
        file.write(bytes([byte ^ 1 << bit % 8]))


def owner(ledger, byte):
    """(where, place) of the chunk that a byte belongs to; None for what lies around the chunks."""
    for kept in ledger.kept:
        at = np.argwhere((kept.offsets <= byte) & (byte < kept.offsets + kept.sizes))
        if len(at):
            return kept.where, tuple(at[0].tolist())
    return None


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_as_it_was_written_is_whole(made, kind):
    report = verify(made[kind])
    assert report.whole
    assert report.metadata
    assert not report.bad
    assert report.missing == 0
    assert report.expected == report.size
    ledger = read_ledger(made[kind])
    assert any(kept.plain.any() for kept in ledger.kept) == (kind != "shuffled")
    assert (ledger.full.sizes == 0).any() == (kind != "shuffled")
    assert any(kept.resultants for kept in ledger.kept) == (kind == "axial")


@pytest.mark.parametrize("kind", KINDS)
def test_every_flipped_bit_is_found_where_it_is(copy, kind):
    """Anywhere in the file, then in what lies around the chunks, HDF5's index and the seal among it."""
    path = copy(kind)
    ledger, rng = read_ledger(path), random.Random(0)
    size = path.stat().st_size
    around = [byte for byte in rng.sample(range(size), 30_000) if owner(ledger, byte) is None]
    bytes_ = rng.sample(range(size), 60) + around[:40] + list(range(ledger.seal, ledger.seal + 8))
    assert len(around) >= 40
    for byte in bytes_:
        bit = 8 * byte + rng.randrange(8)
        flip(path, bit)
        report = verify(path, threads=1)
        assert not report.whole, f"bit {bit}"
        whose = owner(ledger, byte)
        if whose is None:
            assert not report.metadata
            assert not report.bad
        else:
            assert [(one.where, one.place) for one in report.bad] == [whose]
            assert report.metadata
        flip(path, bit)
    assert verify(path).whole


def test_every_byte_of_the_first_kilobyte_is_vouched_for(copy):
    """The superblock, which says where everything begins, and how long the file is."""
    path = copy("shuffled")
    for byte in range(1024):
        flip(path, 8 * byte + byte % 8)
        assert not verify(path, threads=1).whole
        flip(path, 8 * byte + byte % 8)


def test_many_damages_at_once_are_each_reported(copy):
    path = copy("axial")
    ledger, rng = read_ledger(path), random.Random(1)
    whose = set()
    for byte in rng.sample(range(path.stat().st_size), 12):
        flip(path, 8 * byte + 3)
        whose.add(owner(ledger, byte))
    found = {(one.where, one.place) for one in verify(path).bad}
    assert found == whose - {None}


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_short_anywhere_is_found(copy, made, kind):
    path = copy(kind)
    size, rng = path.stat().st_size, random.Random(0)
    for length in [size - 1, size - 8, size // 2, 4096, *(rng.randrange(100, size) for _ in range(12))]:
        shutil.copy(made[kind], path)
        os.truncate(path, length)
        report = verify(path)
        assert not report.whole
        assert report.missing == size - length
        assert all(one.why in ("cut off", "changed") for one in report.bad)


def test_bytes_that_came_to_the_end_are_found(copy):
    path = copy("bytes")
    with open(path, "ab") as file:
        file.write(b"more")
    report = verify(path)
    assert not report.whole
    assert not report.bad


def test_no_file_and_files_of_others(tmp_path, copy):
    with pytest.raises(VolumeMissingError, match="no such volume"):
        verify(tmp_path / "none.h5")
    (tmp_path / "words.h5").write_text("certainly not HDF5 " * 100)
    with pytest.raises(VolumeError, match="neither a volume nor another HDF5 file"):
        verify(tmp_path / "words.h5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["brain"] = np.zeros((3, 4, 5))
    with pytest.raises(VolumeError, match="holds no hashes to check it by"):
        verify(tmp_path / "other.h5")


def test_a_chunk_that_hdf5_does_not_know_is_found(copy):
    """The bytes are all right, and so is the seal; but HDF5's own index leads nowhere."""
    path = copy("bytes")
    ledger = read_ledger(path)
    with h5py.File(path, "r+") as file:
        old = file["/levels/brain/1"]
        attrs, number = dict(old.attrs), old.id.get_num_chunks()
        new = file.create_dataset("new", old.shape, old.dtype, chunks=old.chunks, compression="gzip")
        new.attrs.update(attrs)
        file.move("/levels/brain/1", "/old")  # so that its chunks stay where they are
        file.move("/new", "/levels/brain/1")
    put_seal(path, ledger.seal, ledger.extents)
    report = verify(path)
    assert report.sealed
    assert not report.metadata
    assert {(one.where, one.why) for one in report.bad} == {("/levels/brain/1", "not in the index")}
    assert len(report.bad) == number > 1
    assert "/levels/brain/1" in report.index[0]


def test_a_level_that_is_missing_is_found(copy):
    path = copy("bytes")
    ledger = read_ledger(path)
    with h5py.File(path, "r+") as file:
        file.move("/levels/brain/1", "/levels/brain/one")
    put_seal(path, ledger.seal, ledger.extents)
    assert "/levels/brain/1 is missing" in verify(path).index


@pytest.mark.parametrize("copies", [1, 2])
def test_one_copy_of_the_ledger_is_enough(copy, copies):
    path = copy("bytes")
    ledger = read_ledger(path)
    data = path.read_bytes()
    places = [at for at in range(len(data)) if data.startswith(MARK, at)] if copies else []
    assert len(places) == 2
    for at in places[:copies]:
        flip(path, 8 * (at + len(MARK) + 60))
    if copies == 1:
        report = verify(path)
        assert (report.hashed, report.sealed, report.bad) == (True, False, ())
        again = read_ledger(path)
        np.testing.assert_array_equal(again.full.hashes, ledger.full.hashes)
    else:
        with pytest.raises(VolumeError, match="or these are damaged"):
            verify(path)


def test_the_ledger_is_an_ordinary_data_set(made):
    with h5py.File(made["axial"]) as file:
        first, second = (file[f"{LEDGER}/{k}"][()].tobytes() for k in (0, 1))
    assert first == second
    assert first.startswith(MARK)


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="needs a file whose reading fails")
def test_a_disk_that_refuses_is_no_defect(tmp_path):
    (tmp_path / "a.h5").symlink_to("/proc/self/mem")
    with pytest.raises(VolumeError, match=r"cannot be read .*is the disk all right"):
        verify(tmp_path / "a.h5")


def test_progress_comes_to_the_whole_file(made):
    total, done = [], []
    verify(made["axial"], begin=total.append, progress=done.append)
    assert total == [made["axial"].stat().st_size] == [sum(done)]


def test_parts_are_whole_ranges_of_the_full_resolution(copy):
    """Four chunks in a square are one part; a chunk of a coarse level shows more of the brain."""
    path = copy("shuffled")
    ledger = read_ledger(path)
    for place in ((0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1), (1, 1, 2)):
        flip(path, 8 * int(ledger.full.offsets[place]))
    flip(path, 8 * int(ledger.find(1).offsets[0, 0, 0]))
    report = verify(path)
    fine = parts(one for one in report.bad if one.level == 0)
    assert fine == [Part(((0, 32), (0, 200), (0, 256)), 4), Part(((32, 40), (128, 200), (256, 260)), 1)]
    assert parts(one for one in report.bad if one.level == 1) == [Part(((0, 32), (0, 200), (0, 256)), 1)]


def test_the_superblock_tells_how_long_a_file_is(tmp_path):
    for libver in ("earliest", "v108", "v110", "latest"):
        path = tmp_path / f"{libver}.h5"
        with h5py.File(path, "w", libver=libver) as file:
            file["a"] = np.arange(1000)
        assert announced_size(path) == path.stat().st_size


@pytest.fixture
def sections(tmp_path):
    """45 raw sections and the volume made of them."""
    folder = tmp_path / "sections"
    folder.mkdir()
    stack = np.random.default_rng(0).integers(0, 30, (45, 300, 200), dtype=np.uint8)
    stack[:32, :128, :128] = 0
    for k, section in enumerate(stack):
        section.tofile(folder / f"s{k:02}.raw")

    def opened():
        return open_slices(folder, shape=(300, 200), dtype="uint8")

    path = tmp_path / "brain.h5"
    build(opened(), path, Recipe("brain", Spacing(3, 1, 1)))
    return folder, opened, path


def test_slices_and_volume_are_the_same(sections):
    _, opened, path = sections
    done = []
    found = compare(path, read_ledger(path), opened(), progress=done.append)
    assert found.same
    assert found.redated == ()
    assert sum(done) == 45 * 300 * 200


def test_a_slice_that_was_touched_is_the_same_with_another_date(sections):
    folder, opened, path = sections
    os.utime(folder / "s07.raw", ns=(1, 1))
    found = compare(path, read_ledger(path), opened())
    assert found.same
    assert found.redated == (folder / "s07.raw",)


def test_a_changed_sample_of_a_slice_is_found_by_slice_and_row(sections):
    folder, opened, path = sections
    for z, y, x in ((7, 5, 3), (7, 6, 199), (40, 299, 0)):
        section = np.fromfile(folder / f"s{z:02}.raw", np.uint8)
        section[y * 200 + x] ^= 128
        section.tofile(folder / f"s{z:02}.raw")
    found = compare(path, read_ledger(path), opened())
    assert found.differ == (Rows(7, (5, 7)), Rows(40, (299, 300)))
    assert found.changed == (Rows(7, (0, 128)), Rows(40, (256, 300)))


def test_what_is_damaged_in_the_volume_is_not_laid_to_the_slices(sections):
    _, opened, path = sections
    ledger = read_ledger(path)
    flip(path, 8 * int(ledger.full.offsets[1, 2, 1]) + 70)
    found = compare(path, ledger, opened())
    assert (found.damaged, found.changed, found.differ) == (1, (), ())
    assert not found.same


def test_other_slices_are_refused(sections, array_source):
    _, _, path = sections
    with pytest.raises(SliceShapeError, match=r"holds 45 slices of 300 × 200 uint8, these slices are 45 slices of 300"):
        compare(path, read_ledger(path), array_source(np.zeros((45, 300, 200), np.uint16)))


def test_holes_in_floats_are_equal_to_themselves(tmp_path, array_source):
    stack = np.random.default_rng(0).normal(size=(5, 60, 70)).astype(np.float32)
    stack[2, 3:9] = np.nan
    stack[4] = -0.0
    build(array_source(stack), tmp_path / "a.h5", Recipe("a", Spacing(1, 1, 1)))
    assert compare(tmp_path / "a.h5", read_ledger(tmp_path / "a.h5"), array_source(stack)).differ == ()
