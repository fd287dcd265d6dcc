"""The volume file as others find it: HDF5's own tools, h5py, and whoever opens the wrong file."""

from __future__ import annotations

import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import h5py
import numpy as np
import pytest

from stackreel.errors import CorruptChunkError, VolumeError, VolumeMissingError
from stackreel.geometry import Spacing
from stackreel.volume import open_volume
from stackreel.volume.hdf5 import FORMAT

EVERYTHING = (slice(None),) * 3


def samples():
    rng = np.random.default_rng(0)
    samples = rng.integers(0, 60_000, (40, 150, 280), dtype=np.uint16)
    samples[:32, :128] = 0
    return samples


@pytest.fixture
def volume(make_volume):
    return make_volume(samples(), Spacing(60, 1.3, 1.3, "um"), name="brain")


@pytest.fixture(params=[".h5", ".ome.zarr"])
def either(make_volume, request):
    """The same volume in either kind of file: what every store promises."""
    return make_volume(samples(), Spacing(60, 1.3, 1.3, "um"), name="brain", ending=request.param)


def test_h5py_reads_what_we_read(volume):
    with h5py.File(volume.path) as file:
        for level in volume.levels:
            np.testing.assert_array_equal(file[level.dataset][()], level.read(EVERYTHING))
        assert file["brain"] == file["/levels/brain/0"]
        assert file["brain"].compression == "gzip"
        assert file["brain"].shuffle


@pytest.mark.parametrize(
    "box",
    [
        (slice(0, 1), slice(0, 1), slice(0, 1)),
        (slice(31, 33), slice(127, 130), slice(120, 260)),
        (slice(39, 40), slice(149, 150), slice(279, 280)),
        (slice(None), slice(5, 6), slice(None)),
        (slice(10, 10), slice(0, 5), slice(0, 5)),
        (slice(30, 99), slice(100, 999), slice(200, 999)),
    ],
)
def test_any_box_is_the_same_part_of_the_whole(either, box):
    np.testing.assert_array_equal(either.levels[0].read(box), samples()[box])


def test_chunks_of_zeros_take_no_room(volume):
    with h5py.File(volume.path) as file:
        dataset = file["/levels/brain/0"]
        assert dataset.chunks == (32, 128, 128)
        assert dataset.id.get_num_chunks() == 12 - 3


def test_a_chunk_is_read_whole_and_none_where_all_is_zero(either):
    level = either.levels[0]
    assert level.read_chunk((0, 0, 1)) is None
    assert level.read_chunk((1, 0, 0)).shape == (32, 128, 128)
    stored = level.stored_chunks()
    assert stored.shape == (2, 2, 3)
    assert (stored == 0).sum() == 3
    assert stored.sum() == level.stored_bytes


def test_hdf5s_own_tools_open_it(volume):
    h5dump = shutil.which("h5dump")
    if h5dump is None:
        pytest.skip("h5dump is not installed; `apt install hdf5-tools` brings it")
    done = subprocess.run([h5dump, "-H", "-p", volume.path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert 'DATASET "brain"' in done.stdout
    assert "( 40, 150, 280 ) / ( 40, 150, 280 )" in done.stdout
    done = subprocess.run(
        [h5dump, "-d", "/brain", "-s", "39,149,270", "-c", "1,1,3", "-y", "-w", "0", volume.path],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    row = volume.levels[0].read((slice(39, 40), slice(149, 150), slice(270, 273))).ravel()
    assert ", ".join(map(str, row)) in done.stdout


def test_a_reader_of_hdf5_1_10_finds_nothing_newer(volume):
    """Superblock 3 at most, and chunk indices that 1.10 brought."""
    with h5py.File(volume.path) as file:
        assert file.id.get_create_plist().get_version()[0] <= 3


@pytest.mark.parametrize("ending", [".h5", ".ome.zarr"])
def test_everything_said_is_found_again(make_volume, ending):
    volume = make_volume(
        np.ones((3, 70, 80), np.uint8),
        Spacing(2, 1, 1, "um"),
        kind="axial",
        period=180,
        background=255,
        name="dir",
        ending=ending,
    )
    again = open_volume(volume.path)
    assert (again.kind, again.period, again.background, again.name) == ("axial", 180.0, 255.0, "dir")
    assert again.spacing == Spacing(2, 1, 1, "um")
    assert again.placement == volume.placement
    assert again.placement.um_per_unit == 80.0
    assert again.nbytes == 3 * 70 * 80
    assert again.provenance["written_by"].startswith("stackreel ")


def test_reading_is_counted_and_may_be_done_by_many_threads(either):
    level = either.levels[0]
    whole = level.read(EVERYTHING)
    before = level.bytes_read
    boxes = [(slice(z, z + 9), slice(y, y + 70), slice(None)) for z in (0, 15, 31) for y in (0, 60, 80)] * 5
    with ThreadPoolExecutor(4) as pool:
        for box, part in zip(boxes, pool.map(level.read, boxes), strict=True):
            np.testing.assert_array_equal(part, whole[box])
    assert level.bytes_read > before


def test_a_volume_that_is_missing(tmp_path):
    with pytest.raises(VolumeMissingError, match=r"there is no such volume; make one with `stackreel convert SLICES"):
        open_volume(tmp_path / "brain.h5")


def test_a_file_that_is_no_hdf5(tmp_path):
    (tmp_path / "brain.h5").write_text("certainly not")
    with pytest.raises(VolumeError, match="not a readable HDF5 file"):
        open_volume(tmp_path / "brain.h5")


def test_hdf5_files_of_others(tmp_path):
    """The origin's own file, and files that happen to use our words for something else."""
    path = tmp_path / "Vervet_Sehrinde.h5"
    with h5py.File(path, "w") as file:
        file["PLI"] = np.zeros((3, 4, 5), np.uint8)
    with pytest.raises(VolumeError, match="an HDF5 file, but not a stackreel volume"):
        open_volume(path)
    with h5py.File(path, "a") as file:
        file["levels"] = np.arange(5)
    with pytest.raises(VolumeError, match="not a stackreel volume"):
        open_volume(path)
    with h5py.File(path, "a") as file:
        del file["levels"]
        file["levels/a/0"] = np.zeros((3, 4, 5), np.uint8)
    with pytest.raises(VolumeError, match="incomplete volume"):
        open_volume(path)


@pytest.mark.parametrize("kind", ["flat data", "a group for data", "a format in words", "two lengths", "data alone"])
def test_what_others_keep_under_our_names_is_told_apart(make_volume, kind):
    path = make_volume(np.ones((3, 70, 80), np.uint8), name="a").path
    with h5py.File(path, "a") as file:
        group = file["levels/a"]
        if kind == "a format in words":
            group.attrs["format"] = "zarr-like"
        elif kind == "two lengths":
            group.attrs["spacing"] = (1.0, 1.0)
        elif kind == "data alone":
            del file["levels/a"]
            file["levels/a"] = np.zeros((3, 4, 5))
        else:
            del group["0"]
            if kind == "flat data":
                group["0"] = np.zeros((4, 5), np.uint8)
            else:
                group.create_group("0")
    with pytest.raises(VolumeError, match="incomplete volume, or another program's file"):
        open_volume(path)


def test_a_volume_cut_short(volume):
    data = volume.path.read_bytes()
    volume.path.write_bytes(data[: len(data) // 2])
    with pytest.raises(VolumeError, match="not a readable HDF5 file"):
        open_volume(volume.path)


def test_a_volume_from_the_future(volume):
    with h5py.File(volume.path, "a") as file:
        file["/levels/brain"].attrs["format"] = FORMAT + 1
    with pytest.raises(VolumeError, match=f"format {FORMAT + 1}; this stackreel reads up to {FORMAT}: update it"):
        open_volume(volume.path)


def test_a_name_that_is_not_there(either):
    with pytest.raises(VolumeError, match='holds no volume "retardation"; it holds brain'):
        open_volume(either.path, "retardation")


def test_a_volume_from_the_future_in_a_folder(make_volume):
    volume = make_volume(samples(), name="brain", ending=".ome.zarr")
    page = volume.path / "zarr.json"
    page.write_text(page.read_text().replace(f'"format": {FORMAT}', f'"format": {FORMAT + 1}'))
    with pytest.raises(VolumeError, match=f"format {FORMAT + 1}; this stackreel reads up to {FORMAT}: update it"):
        open_volume(volume.path)


@pytest.mark.parametrize("damage", ["flipped", "zeroed"])
def test_a_damaged_chunk_is_named(volume, damage):
    with h5py.File(volume.path) as file:
        info = file["/levels/brain/0"].id.get_chunk_info_by_coord((32, 128, 256))
    with open(volume.path, "r+b") as raw:
        raw.seek(info.byte_offset + info.size // 2)
        bytes_there = raw.read(64)
        raw.seek(info.byte_offset + info.size // 2)
        raw.write(bytes(64) if damage == "zeroed" else bytes(b ^ 0xFF for b in bytes_there))
    with pytest.raises(
        CorruptChunkError,
        match=r"brain\.h5: level 0, chunk \(1, 1, 2\) .* is damaged .*verify .* --repair SLICES` mends it",
    ):
        open_volume(volume.path).levels[0].read_chunk((1, 1, 2))


def test_what_h5repack_makes_of_it_is_still_a_volume(volume, tmp_path):
    h5repack = shutil.which("h5repack")
    if h5repack is None:
        pytest.skip("h5repack is not installed; `apt install hdf5-tools` brings it")
    for filters in ("GZIP=6", "NONE"):
        out = tmp_path / f"{filters}.h5"
        subprocess.run([h5repack, "-f", filters, volume.path, out], check=True, capture_output=True)
        again = open_volume(out)
        for level, old in zip(again.levels, volume.levels, strict=True):
            np.testing.assert_array_equal(level.read(EVERYTHING), old.read(EVERYTHING))
