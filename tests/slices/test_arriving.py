"""Sections that arrive while they are waited for: none is taken in half, none is missed, none changes unnoticed."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import tifffile
from PIL import Image

from stackreel.errors import SliceError, SliceReadError, SliceShapeError
from stackreel.slices.arriving import waiting_ends_with
from stackreel.slices.following import follow, without_waiting
from stackreel.slices.missing import Missing
from stackreel.slices.names import Names

SHAPE = (40, 30)
RAW = {"shape": SHAPE, "dtype": "uint8", "settle": 0.3}


@pytest.fixture
def sections():
    return np.random.default_rng(0).integers(0, 256, (6, *SHAPE), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "scan"
    folder.mkdir()
    return folder


def put(folder, sections, *which, name="s{:03}.raw"):
    for z in which:
        sections[z].tofile(folder / name.format(z))


def in_background(work):
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def whole(source):
    return np.stack([source.read(z, slice(0, SHAPE[0])) for z in range(source.shape[0])])


class Said(list):
    """What is said while waiting."""

    def __call__(self, status):
        self.append(str(status))


def test_a_file_that_grows_in_pieces_is_read_when_it_has_stopped(folder, sections):
    """Pauses are shorter than the time to settle; the size is the right one from the beginning."""
    put(folder, sections, 0)
    arriving = follow(folder, 6, **RAW)

    def write():
        with open(folder / "s001.raw", "wb", buffering=0) as file:
            file.truncate(1200)
            for piece in range(8):
                time.sleep(0.1)
                file.write(sections[1].tobytes()[150 * piece :][:150])

    writer = in_background(write)
    np.testing.assert_array_equal(arriving.read(1, slice(0, 40)), sections[1])
    writer.join()


def test_a_file_that_is_too_short_is_waited_for_however_long_it_rests(folder, sections):
    put(folder, sections, 0)
    arriving, said = follow(folder, 6, **RAW), Said()
    (folder / "s001.raw").write_bytes(bytes(500))
    waiter = in_background(lambda: arriving.wait(range(2), said))
    time.sleep(1.0)
    assert waiter.is_alive()
    assert "waiting for s001.raw since" in said[-1]
    assert "(s001.raw holds 500 bytes of 1,200)" in said[-1]
    put(folder, sections, 1)
    waiter.join(10)
    assert not waiter.is_alive()
    np.testing.assert_array_equal(arriving.read(1, slice(0, 40)), sections[1])


@pytest.mark.parametrize("kind", ["tif", "png"])
def test_an_image_without_its_end_is_waited_for(folder, sections, kind):
    def save(z, path):
        if kind == "tif":
            tifffile.imwrite(path, sections[z], compression="zlib", rowsperstrip=8)
        else:
            Image.fromarray(sections[z]).save(path)

    save(0, folder / f"s0.{kind}")
    save(1, folder.parent / f"s1.{kind}")
    arriving, said = follow(folder, 6, settle=0.2), Said()
    assert arriving.shape == (6, *SHAPE)
    assert arriving.banded == (kind == "tif")
    data = (folder.parent / f"s1.{kind}").read_bytes()
    (folder / f"s1.{kind}").write_bytes(data[: len(data) // 2])
    waiter = in_background(lambda: arriving.wait([1], said))
    time.sleep(0.8)
    assert waiter.is_alive()
    assert f"slice 1 (s1.{kind})" in said[-1]
    (folder / f"s1.{kind}").write_bytes(data)
    waiter.join(10)
    np.testing.assert_array_equal(arriving.read(1, slice(3, 9)), sections[1, 3:9])


def test_sections_may_come_in_any_order_and_are_named_while_they_are_awaited(folder, sections):
    put(folder, sections, 4)
    arriving, said = follow(folder, 6, names="s%03d.raw", **RAW), Said()
    waiter = in_background(lambda: arriving.wait(range(6), said))
    for z in (2, 5, 0, 3, 1):
        put(folder, sections, z)
        time.sleep(0.1)
    waiter.join(10)
    assert "1 of 6 sections are there; waiting for s000.raw, s001.raw, s002.raw and 2 more since" in said[0]
    np.testing.assert_array_equal(whole(arriving), sections)
    assert [file.path.name for file in arriving.files] == [f"s{z:03}.raw" for z in range(6)]


def test_numbers_that_seem_to_begin_with_one_are_asked_about(folder, sections):
    put(folder, sections, 1, 2)
    arriving, said = follow(folder, 6, **RAW), Said()
    waiter = in_background(lambda: arriving.wait(range(1), said))
    time.sleep(0.2)
    put(folder, sections, 0)
    waiter.join(10)
    assert "waiting for s000.raw since" in said[0]
    assert "(if numbers begin with 1, say --first 1)" in said[0]


def test_numbers_may_begin_anywhere(folder, sections):
    stack = np.concatenate([sections, sections[::-1]])
    put(folder, stack, 7, 8, 9)
    arriving = follow(folder, 3, first=7, **RAW)
    arriving.wait(range(3))
    np.testing.assert_array_equal(arriving.read(2, slice(0, 40)), stack[9])


@pytest.mark.parametrize("marker", ["s{:03}.raw.done", "s{:03}.done"])
def test_a_marker_says_that_a_section_is_complete(folder, sections, marker):
    put(folder, sections, 0, 1)
    (folder / marker.format(0)).touch()
    arriving = follow(folder, 6, marker=".done", **RAW | {"settle": 0.0})
    time.sleep(0.3)
    assert arriving.ready([0])
    assert not arriving.ready([1])
    (folder / marker.format(1)).touch()
    assert arriving.ready([0, 1])


def test_a_section_that_changes_after_it_was_read_is_named(folder, sections):
    put(folder, sections, 0, 1, 2)
    arriving = follow(folder, 6, **RAW)
    arriving.wait(range(3))
    arriving.read(1, slice(0, 20))
    put(folder, sections, 2)  # not read by now: that may change
    os.utime(folder / "s001.raw", ns=(1, 1))
    with pytest.raises(SliceReadError, match=r"slice 1 \(s001\.raw\) has changed since it was taken in"):
        arriving.read(1, slice(20, 40))
    with pytest.raises(SliceReadError, match=r"slice 1 \(s001\.raw\) has changed"):
        arriving.check()
    with pytest.raises(SliceReadError, match=r"slice 1 \(s001\.raw\) has changed"):
        arriving.wait(range(6))


@pytest.mark.parametrize("seen", [False, True])
def test_a_section_that_is_taken_away_when_it_was_complete_is_not_waited_for(folder, sections, seen):
    put(folder, sections, 0, 1, 2)
    arriving = follow(folder, 6, **RAW)
    arriving.wait(range(3))
    (folder / "s001.raw").unlink()
    if seen:
        assert not arriving.ready(range(1, 3))
    with pytest.raises(SliceReadError, match=r"slice 1 \(s001\.raw\)"):
        arriving.read(1, slice(0, 40))
    put(folder, sections, 1)
    arriving.wait(range(3))
    np.testing.assert_array_equal(arriving.read(1, slice(0, 40)), sections[1])


def test_who_reads_stops_waiting_when_asked_to(folder, sections):
    """Only the threads that were told so: the source stays good."""
    put(folder, sections, 0)
    arriving, stopped = follow(folder, 6, **RAW), threading.Event()
    with ThreadPoolExecutor(1, "reader", waiting_ends_with, (stopped,)) as pool:
        waiting = pool.submit(arriving.read, 1, slice(0, 40))
        time.sleep(0.3)
        assert not waiting.done()
        stopped.set()
        with pytest.raises(SliceReadError, match="reading was stopped"):
            waiting.result(10)
    put(folder, sections, 1)
    np.testing.assert_array_equal(arriving.read(1, slice(0, 40)), sections[1])


def test_what_can_be_no_section_of_the_stack_is_an_error_at_once(folder, sections):
    put(folder, sections, 0)
    arriving = follow(folder, 6, **RAW)
    put(folder, sections[:1].repeat(9, 0), 8)
    with pytest.raises(SliceError, match=r"s008\.raw is none of the 6 sections from s000\.raw to s005\.raw"):
        arriving.wait(range(6))
    (folder / "s008.raw").unlink()
    (folder / "s0.raw").write_bytes(bytes(1200))
    with pytest.raises(SliceError, match="carry the same number"):
        arriving.wait(range(6))
    (folder / "s0.raw").unlink()
    (folder / "s001.raw").write_bytes(bytes(2400))
    with pytest.raises(SliceError, match=r"slice 1 \(s001\.raw\) holds 2 sections"):
        arriving.wait(range(6))


def test_images_of_another_size_are_an_error_that_names_both(folder, sections):
    Image.fromarray(sections[0]).save(folder / "s0.png")
    arriving = follow(folder, 3, settle=0.1)
    Image.fromarray(sections[1, :30]).save(folder / "s1.png")
    with pytest.raises(SliceShapeError, match=r"slice 1 \(s1\.png\) is 30 × 30 uint8; the others are 40 × 30 uint8"):
        arriving.wait(range(3))


def test_an_empty_folder_is_waited_on_until_its_first_section_tells_the_names(folder, sections):
    said = Said()
    found = []
    waiter = in_background(lambda: found.append(follow(folder, 6, say=said, **RAW)))
    time.sleep(0.3)
    put(folder, sections, 3)
    waiter.join(10)
    assert "0 of 6 sections are there; waiting for the first section" in said[0]
    assert found[0].names == Names("s", ".raw", 3)


def test_when_no_more_come_the_rest_is_filled(folder, sections):
    put(folder, sections, 0, 1, 3, 5)
    arriving = follow(folder, 6, **RAW)
    source = without_waiting(arriving, Missing("repeat"))
    np.testing.assert_array_equal(whole(source), sections[[0, 1, 1, 3, 3, 5]])
    assert source.provenance["missing_sections"] == "2, 4"
    assert len(source.files) == 4


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("slice_%04d.raw", Names("slice_", ".raw", 4)),
        ("%d.tif", Names("", ".tif", 0)),
        ("s%3d-a.png", Names("s", "-a.png", 3)),
    ],
)
def test_names_can_be_said(pattern, expected):
    names = Names.parse(pattern)
    assert names == expected
    assert names.number(names.name(17)) == 17


def test_names_can_be_learnt():
    assert Names.of([]) is None
    assert Names.of(["b2_s0007.raw", "b2_s0019.raw"]) == Names("b2_s", ".raw", 4)
    assert Names.of(["9.tif", "10.tif"]) == Names("", ".tif", 0)
    assert Names.of(["s05.tif"]) == Names("s", ".tif", 2)
    for unclear in (["a2_s7.raw"], ["a.raw"], ["a1.raw", "b1.raw"], ["a1_b1.raw", "a2_b2.raw"]):
        with pytest.raises(SliceError, match="--names 'slice_%04d"):
            Names.of(unclear)
    for wrong in ("slice.raw", "%04d_%04d.raw", "%s.raw", "a/%d.raw"):
        with pytest.raises(SliceError, match="--names"):
            Names.parse(wrong)
    names = Names("s", ".raw", 3)
    assert [names.number(n) for n in ("s012.raw", "s12.raw", ".s012.raw.Xy", "s012.raw.done", "s.raw", "s1x.raw")] == [
        12,
        12,
        None,
        None,
        None,
        None,
    ]
