"""Linked volumes: the samples are the slices', and no slice that is not what it was is ever shown."""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import h5py
import numpy as np
import pytest
import tifffile

from stackreel.errors import CorruptChunkError, SliceError, VolumeError
from stackreel.geometry import Spacing
from stackreel.slices import open_slices
from stackreel.volume import open_volume, registered
from stackreel.volume.build import build
from stackreel.volume.holes import forgiving, holes_in
from stackreel.volume.linked import whereabouts
from stackreel.volume.linking import link_alone
from stackreel.volume.links import SEGMENTS, Links, links_to
from stackreel.volume.recipe import Recipe
from stackreel.volume.verify import verify

EVERYTHING = (slice(None),) * 3
SHAPE = (40, 150, 300)


def noise(dtype="uint8", shape=SHAPE):
    samples = np.random.default_rng(3).integers(0, 250, shape).astype(dtype)
    samples[:32, :128, :128] = 0
    return samples


def write_raw(folder, samples, *, header=b"", order="="):
    folder.mkdir(exist_ok=True)
    for z, section in enumerate(samples):
        (folder / f"s{z:03}.raw").write_bytes(header + section.astype(section.dtype.newbyteorder(order)).tobytes())
    return folder


def stack(folder, samples, **more):
    return open_slices(folder, shape=samples.shape[1:], dtype=samples.dtype.name, **more)


def linked(source, out, *, relative=False, alone=False, name="brain"):
    links = links_to(source, out.parent if relative else None)
    recipe = Recipe(name, Spacing(2, 1, 1, "um"), links=links)
    if alone:
        return link_alone(source, out, recipe, lambda *_: None)
    return build(source, out, recipe)


@pytest.fixture
def samples():
    return noise()


@pytest.fixture
def raw(tmp_path, samples):
    return write_raw(tmp_path / "raw", samples)


def touch(file):
    found = file.stat()
    os.utime(file, ns=(found.st_atime_ns, found.st_mtime_ns + 5_000_000_000))


def change_byte(file, at, *, touched=True):
    before = file.stat()
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 5_000_000_000 * touched))


def test_a_linked_volume_is_the_converted_one_in_all_but_the_full_resolutions_place(tmp_path, raw, samples):
    source = stack(raw, samples)
    there = linked(source, tmp_path / "linked.h5")
    here = build(source, tmp_path / "copied.h5", Recipe("brain", Spacing(2, 1, 1, "um")))
    assert there.fingerprint == here.fingerprint
    assert there.value_range == here.value_range
    np.testing.assert_array_equal(there.histogram.counts, here.histogram.counts)
    assert len(there.levels) == len(here.levels) > 2
    for a, b in zip(there.levels, here.levels, strict=True):
        assert a.chunk == b.chunk
        np.testing.assert_array_equal(a.read(EVERYTHING), b.read(EVERYTHING))
        np.testing.assert_array_equal(a.summary().mask, b.summary().mask)
        np.testing.assert_array_equal(a.stored_chunks() > 0, b.stored_chunks() > 0)
    np.testing.assert_array_equal(there.levels[0].read(EVERYTHING), samples)
    assert there.path.stat().st_size < here.path.stat().st_size / 2


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int16", "float32"])
def test_any_type_and_byte_order_arrives_in_our_reader_and_in_hdf5(tmp_path, dtype, order):
    samples = noise(dtype, (5, 40, 60)) - (100 if dtype == "int16" else 0)
    samples[4, 39, 59] = np.finfo(dtype).max if dtype == "float32" else np.iinfo(dtype).max
    folder = write_raw(tmp_path / "raw", samples, header=b"a header of 22 bytes..", order=order)
    source = stack(folder, samples, skip_bytes=22, byte_order={"<": "little", ">": "big"}[order])
    volume = linked(source, tmp_path / "brain.h5")
    assert volume.dtype == samples.dtype
    np.testing.assert_array_equal(volume.levels[0].read(EVERYTHING), samples)
    with h5py.File(volume.path) as file:
        np.testing.assert_array_equal(file["brain"][()], samples)
        np.testing.assert_array_equal(file["levels/brain/0"][2:4, 7:31:3, 50:], samples[2:4, 7:31:3, 50:])


def test_the_slices_are_never_written_to(tmp_path, raw, samples):
    before = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in raw.iterdir()}
    linked(stack(raw, samples), tmp_path / "brain.h5").levels[0].read(EVERYTHING)
    with h5py.File(tmp_path / "brain.h5", "r+") as file:  # somebody adds something
        file.attrs["seen"] = True
    assert {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in raw.iterdir()} == before


def test_chunks_cost_the_bytes_that_were_announced(tmp_path, raw, samples):
    level = linked(stack(raw, samples), tmp_path / "brain.h5").levels[0]
    sizes = level.stored_chunks()
    assert sizes.sum() == samples.size - 32 * 128 * 128  # the corner of zeros costs nothing
    assert level.read_chunk((0, 0, 0)) is None
    for place in [(0, 0, 1), (0, 0, 2), (0, 1, 0), (1, 1, 2)]:
        before = level.bytes_read
        chunk = level.read_chunk(place)
        assert chunk.shape == level.chunk
        assert level.bytes_read - before == sizes[place]
        inside = [min(c, n - p * c) for c, n, p in zip(level.chunk, level.shape, place, strict=True)]
        assert not chunk[inside[0] :].any()
        assert not chunk[:, inside[1] :].any()
        assert not chunk[:, :, inside[2] :].any()


def test_many_threads_may_read_at_once(tmp_path, raw, samples):
    level = linked(stack(raw, samples), tmp_path / "brain.h5").levels[0]
    for file in raw.iterdir():
        touch(file)
    places = [tuple(place) for place in np.argwhere(level.stored_chunks() >= 0)] * 5
    with ThreadPoolExecutor(8) as pool:
        chunks = list(pool.map(level.read_chunk, places))
    for (z, y, x), chunk in zip(places, chunks, strict=True):
        part = samples[z * 32 : z * 32 + 32, y * 128 : y * 128 + 128, x * 128 : x * 128 + 128]
        found = np.zeros(part.shape, np.uint8) if chunk is None else chunk[tuple(slice(0, n) for n in part.shape)]
        np.testing.assert_array_equal(found, part)


def test_one_file_of_the_whole_stack_is_one_place_in_it(tmp_path, samples):
    (tmp_path / "stack.raw").write_bytes(b"head" + samples.tobytes())
    volume = linked(stack(tmp_path / "stack.raw", samples, skip_bytes=4), tmp_path / "brain.h5")
    np.testing.assert_array_equal(volume.levels[0].read(EVERYTHING), samples)
    with h5py.File(volume.path) as file:
        assert file["brain"].external == [(str(tmp_path / "stack.raw"), 4, samples.size)]


@pytest.mark.parametrize("how", [{}, {"rowsperstrip": 7}, {"byteorder": ">"}, {"bigtiff": True}])
def test_plain_tiff_can_be_linked(tmp_path, how):
    samples = noise("uint16", (6, 40, 60))
    folder = tmp_path / "tiff"
    folder.mkdir()
    for z, section in enumerate(samples):
        tifffile.imwrite(folder / f"s{z}.tif", section, **how)
    tifffile.imwrite(tmp_path / "pages.tif", samples, photometric="minisblack", **how)
    for source in (open_slices(folder), open_slices(tmp_path / "pages.tif")):
        volume = linked(source, tmp_path / f"{len(source.files)}.h5")
        np.testing.assert_array_equal(volume.levels[0].read(EVERYTHING), samples)
        with h5py.File(volume.path) as file:
            np.testing.assert_array_equal(file["brain"][()], samples)


def test_nifti_that_is_ras_can_be_linked_and_what_must_be_turned_cannot(tmp_path):
    nibabel = pytest.importorskip("nibabel")
    samples = noise("int16", (9, 20, 30))
    for name, affine in (("ras", np.eye(4)), ("las", np.diag([-1.0, 1, 1, 1]))):
        nibabel.save(nibabel.Nifti1Image(samples.T, affine), tmp_path / f"{name}.nii")
    volume = linked(open_slices(tmp_path / "ras.nii"), tmp_path / "ras.h5")
    np.testing.assert_array_equal(volume.levels[0].read(EVERYTHING), samples)
    with pytest.raises(SliceError, match="stackreel convert"):
        links_to(open_slices(tmp_path / "las.nii"))


@pytest.mark.parametrize("how", [{"compression": "zlib"}, {"tile": (16, 16)}])
def test_what_does_not_lie_bare_is_refused_with_the_way_out(tmp_path, how):
    folder = tmp_path / "tiff"
    folder.mkdir()
    for z, section in enumerate(noise("uint8", (3, 40, 60))):
        tifffile.imwrite(folder / f"s{z}.tif", section, **(how if z == 1 else {}))
    with pytest.raises(SliceError, match=r"slice 1 \(s1.tif\).*`stackreel convert`"):
        links_to(open_slices(folder))


def test_slices_of_both_byte_orders_are_refused(tmp_path):
    folder = tmp_path / "tiff"
    folder.mkdir()
    for z, section in enumerate(noise("uint16", (2, 40, 60))):
        tifffile.imwrite(folder / f"s{z}.tif", section, byteorder="<>"[z])
    with pytest.raises(SliceError, match=r"big-endian.*stackreel convert"):
        links_to(open_slices(folder))


def test_more_slices_than_hdf5_lists_in_one_data_set_are_joined(tmp_path):
    samples = np.arange(SEGMENTS * 2 + 10, dtype=np.uint16)[:, None, None] * np.ones((2, 3), np.uint16)
    folder = tmp_path / ("a long name " * 10)
    folder.mkdir()
    for z, section in enumerate(samples):
        section.tofile(folder / f"s{z:05}.raw")
    for count, names in ((2000, "s0[01]*.raw"), (len(samples), "*.raw")):
        volume = linked(stack(folder / names, samples), tmp_path / f"{count}.h5", alone=True)
        with h5py.File(volume.path) as file:
            np.testing.assert_array_equal(file["brain"][()], samples[:count])
            assert file["brain"].is_virtual == (count > 2000)
        np.testing.assert_array_equal(volume.levels[0].read(EVERYTHING), samples[:count])


def test_no_place_is_longer_than_old_hdf5_reads_at_once(tmp_path):
    path = tmp_path / "stack.raw"
    with open(path, "wb") as file:
        file.truncate(3 * 50_000 * 40_000)  # sparse: 6 GB
    links = links_to(open_slices(path, shape=(50_000, 40_000), dtype="uint8"))
    with h5py.File(tmp_path / "brain.h5", "w") as file:
        places = links.create(file, "/brain").external
    assert all(size <= 1 << 30 for _, _, size in places)
    assert sum(size for _, _, size in places) == path.stat().st_size
    assert [offset for _, offset, _ in places] == [i << 30 for i in range(6)]


def test_links_are_what_was_written(tmp_path, raw, samples):
    for folder in (None, tmp_path):
        links = links_to(stack(raw, samples), folder)
        again = Links.from_bytes(links.to_bytes(), tmp_path)
        assert (again.names, again.files, again.offsets) == (links.names, links.files, links.offsets)
        assert links.relative == (folder is not None)
        assert links.names[3] == ("raw/s003.raw" if folder else str(raw / "s003.raw"))


def test_relative_names_let_volume_and_slices_move_together(tmp_path, raw, samples, monkeypatch):
    linked(stack(raw, samples), tmp_path / "absolute.h5")
    linked(stack(raw, samples), tmp_path / "relative.h5", relative=True)
    (tmp_path / "new").mkdir()
    for name in ("raw", "absolute.h5", "relative.h5"):
        shutil.move(tmp_path / name, tmp_path / "new" / name)
    monkeypatch.chdir("/")
    moved = open_volume(tmp_path / "new" / "relative.h5")
    np.testing.assert_array_equal(moved.levels[0].read(EVERYTHING), samples)
    (tmp_path / "elsewhere.h5").symlink_to(tmp_path / "new" / "relative.h5")
    np.testing.assert_array_equal(open_volume(tmp_path / "elsewhere.h5").levels[0].read(EVERYTHING), samples)
    with pytest.raises(CorruptChunkError, match=r"slice 0 \(.*s000.raw\) is not there any more"):
        open_volume(tmp_path / "new" / "absolute.h5").levels[0].read_chunk((0, 0, 1))


@pytest.mark.parametrize("alone", [False, True])
def test_a_slice_that_is_missing_or_cut_short_is_named_and_never_zero(tmp_path, raw, samples, alone):
    volume = linked(stack(raw, samples), tmp_path / "brain.h5", alone=alone)
    os.truncate(raw / "s007.raw", 45_000 - 1)
    with pytest.raises(CorruptChunkError, match=r"slice 7 \(.*s007.raw\) holds 44,999 bytes, 45,000 when"):
        volume.levels[0].read_chunk((0, 0, 1))
    (raw / "s007.raw").unlink()
    with pytest.raises(CorruptChunkError, match=r"slice 7 \(.*s007.raw\) is not there any more"):
        volume.levels[0].read_chunk((0, 0, 1))
    volume.levels[0].read_chunk((1, 0, 1))  # the others are as they were
    said = whereabouts(volume).said
    assert len(said) == 1
    assert "1 of 40" in said[0]
    assert "s007.raw" in said[0]


def test_a_slice_that_was_only_touched_is_read_and_mentioned(tmp_path, raw, samples):
    volume = linked(stack(raw, samples), tmp_path / "brain.h5")
    touch(raw / "s007.raw")
    level = volume.levels[0]
    level.read_chunk((0, 0, 1))
    assert level.bytes_read == level.stored_chunks()[0, 0, 1] + 128 * 300  # the piece was hashed
    level.read_chunk((0, 0, 2))
    assert level.bytes_read == level.stored_chunks()[0, 0, 1:].sum() + 128 * 300  # once
    np.testing.assert_array_equal(level.read(EVERYTHING), samples)
    assert "1 of 40 linked files have another date" in whereabouts(volume).said[0]


def test_a_slice_with_other_samples_is_refused_where_they_differ(tmp_path, raw, samples):
    volume = linked(stack(raw, samples), tmp_path / "brain.h5")
    change_byte(raw / "s007.raw", 140 * 300 + 20)
    level = volume.levels[0]
    level.read_chunk((0, 0, 1))
    for _ in range(2):
        with pytest.raises(CorruptChunkError, match=r"slice 7 .*other samples in rows 128 to 149 than when it was"):
            level.read_chunk((0, 1, 2))  # though the sample that differs lies in another chunk of the row
    holed = forgiving(volume)
    assert (holed.levels[0].read_chunk((0, 1, 2)) == 0).all()
    assert list(holes_in(holed.levels[0])) == [(0, 1, 2)]


def test_big_endian_slices_are_hashed_as_they_were(tmp_path):
    samples = noise("uint16")
    folder = write_raw(tmp_path / "raw", samples, order=">")
    volume = linked(stack(folder, samples, byte_order="big"), tmp_path / "brain.h5")
    for file in folder.iterdir():
        touch(file)
    np.testing.assert_array_equal(volume.levels[0].read(EVERYTHING), samples)


def test_without_hashes_a_touched_slice_is_refused(tmp_path, raw, samples):
    volume = linked(stack(raw, samples), tmp_path / "brain.h5", alone=True)
    np.testing.assert_array_equal(volume.levels[0].read(EVERYTHING), samples)
    touch(raw / "s007.raw")
    with pytest.raises(CorruptChunkError, match=r"slice 7 .*was written again on 20.*no hashes"):
        volume.levels[0].read_chunk((0, 0, 1))


def test_check_reads_all_of_a_slice(tmp_path, raw, samples):
    slices = linked(stack(raw, samples), tmp_path / "brain.h5").levels[0].slices
    assert [slices.check(z) for z in range(40)] == [None] * 40
    change_byte(raw / "s007.raw", 149 * 300, touched=False)
    touch(raw / "s008.raw")
    (raw / "s009.raw").unlink()
    found = {z: said for z in range(40) if (said := slices.check(z))}
    assert list(found) == [7, 9]
    assert "rows 128 to 149" in found[7]


def test_without_levels_nothing_is_read_and_what_needs_them_says_so(tmp_path, raw, samples):
    volume = linked(stack(raw, samples), tmp_path / "brain.h5", alone=True)
    assert len(volume.levels) == 1
    assert not volume.summarised
    assert volume.levels[0].stored_chunks().sum() == samples.size
    with pytest.raises(VolumeError, match=r"no reduced levels.*without --no-levels"):
        volume.levels[0].summary()


def test_234_slices_of_892_megabytes_are_linked_at_once(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    for z in range(234):
        with open(folder / f"s{z:03}.raw", "wb") as file:
            file.truncate(28721 * 31076)  # sparse
    source = open_slices(folder, shape=(28721, 31076), dtype="uint8")
    volume = linked(source, tmp_path / "brain.h5", alone=True)
    assert volume.nbytes == 234 * 28721 * 31076
    assert volume.path.stat().st_size < 100_000
    with open(folder / "s233.raw", "r+b") as file:
        file.seek(28720 * 31076 + 31070)
        file.write(b"\x07")
    os.utime(folder / "s233.raw", ns=(0, source.files[233].mtime_ns))
    level = volume.levels[0]
    assert level.read((slice(233, 234), slice(28720, 28721), slice(31070, 31071))).item() == 7
    with h5py.File(volume.path) as file:
        assert file["brain"][233, 28720, 31070] == 7


def test_a_link_that_was_stopped_goes_on_where_it_was(tmp_path, samples):
    samples = noise(shape=(70, 700, 300))
    source = stack(write_raw(tmp_path / "raw", samples), samples)
    whole = linked(source, tmp_path / "whole.h5")
    seen, went_on = [], []

    def stop(count):
        seen.append(count)
        if len(seen) == 2:
            raise KeyboardInterrupt

    recipe = Recipe("brain", Spacing(2, 1, 1, "um"), links=links_to(source), durable=0.0)
    out = tmp_path / "brain.h5"
    for _ in range(20):
        seen.clear()
        try:
            volume = build(source, out, recipe, progress=stop, resumed=went_on.append)
            break
        except KeyboardInterrupt:
            assert not out.exists()
            with pytest.raises(VolumeError, match=r"samples was linked by absolute names, as \|u1, is copied"):
                build(source, out, replace(recipe, links=None))
    assert went_on
    for a, b in zip(whole.levels, volume.levels, strict=True):
        np.testing.assert_array_equal(a.read(EVERYTHING), b.read(EVERYTHING))
        np.testing.assert_array_equal(a.summary().mask, b.summary().mask)
    assert whole.fingerprint == volume.fingerprint


def test_what_the_file_itself_holds_can_be_verified(tmp_path, raw, samples):
    volume = linked(stack(raw, samples), tmp_path / "brain.h5")
    report = verify(volume.path)
    assert report.whole
    assert report.linked
    data = bytearray(volume.path.read_bytes())
    data[len(data) // 3] ^= 1
    volume.path.write_bytes(data)
    assert not verify(volume.path).whole


def test_linked_and_converted_volumes_can_be_shown_together(tmp_path, raw, samples):
    there = linked(stack(raw, samples), tmp_path / "linked.h5")
    here = build(stack(raw, samples), tmp_path / "copied.h5", Recipe("brain", Spacing(2, 1, 1, "um")))
    together = registered({"a": there, "b": here})
    for name in "ab":
        np.testing.assert_array_equal(together.channel(name).levels[0].read(EVERYTHING), samples)


@pytest.mark.parametrize("relative", [False, True])
def test_a_linked_volume_as_a_source_is_refused_where_hdf5_would_show_zeros(
    tmp_path, raw, samples, relative, monkeypatch
):
    volume = linked(stack(raw, samples), tmp_path / "brain.h5", relative=relative)
    monkeypatch.chdir("/")
    if relative:
        with pytest.raises(SliceError, match=r"set HDF5_EXTFILE_PREFIX='\${ORIGIN}'"):
            open_slices(f"{volume.path}:/brain")
    else:
        source = open_slices(f"{volume.path}:/brain")
        np.testing.assert_array_equal(source.read(39, slice(0, 150)), samples[39])
        os.truncate(raw / "s007.raw", 44_999)
        with pytest.raises(SliceError, match=r"s007.raw ends after 44,999 bytes"):
            open_slices(f"{volume.path}:/brain")
