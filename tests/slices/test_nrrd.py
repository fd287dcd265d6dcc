"""NRRD: every encoding and byte order, detached headers, spaces of anatomy brought to RAS+."""

from __future__ import annotations

import bz2
import gzip
import json
from itertools import permutations, product
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
import pytest

from stackreel.errors import SliceError, SliceReadError
from stackreel.geometry import Spacing
from stackreel.slices import SliceSource, open_slices
from stackreel.slices.checks import TYPES

WAYS = [(order, signs) for order in permutations(range(3)) for signs in product((1, -1), repeat=3)]
SPACES = {
    "right-anterior-superior": (1, 1, 1),
    "left-anterior-superior": (-1, 1, 1),
    "left-posterior-superior": (-1, -1, 1),
}


def whole(source: SliceSource) -> np.ndarray:
    depth, rows, _ = source.shape
    return np.stack([source.read(z, slice(0, rows)) for z in range(depth)])


def by_hand(path: Path, array: np.ndarray, *lines: str, encoding: str = "raw", data: bytes | None = None) -> Path:
    """A file with the header lines that are given; array is indexed as stored, fastest axis first."""
    kind = {"i": "int", "u": "uint"}.get(array.dtype.kind, "")
    name = f"{kind}{array.dtype.itemsize * 8}" if kind else {4: "float", 8: "double"}[array.dtype.itemsize]
    header = [
        "NRRD0004",
        f"type: {name}",
        f"dimension: {array.ndim}",
        f"sizes: {' '.join(map(str, array.shape))}",
        f"encoding: {encoding}",
        *lines,
    ]
    samples = array.tobytes(order="F") if data is None else data
    path.write_bytes("\n".join(header).encode() + b"\n\n" + samples)
    return path


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize(("order", "signs"), WAYS, ids=str)
def test_all_48_ways_in_every_space_of_anatomy_come_out_alike(
    head: Any, tmp_path: Path, space: str, order: tuple[int, ...], signs: tuple[int, ...]
) -> None:
    to_space = np.diag([*SPACES[space], 1])
    affine = to_space @ head.affine(order, signs)
    header = {
        "space": space,
        "space directions": affine[:3, :3].T,
        "space origin": affine[:3, 3],
        "space units": ["mm"] * 3,
        "encoding": "raw",
    }
    nrrd.write(str(tmp_path / "brain.nrrd"), head.stored(order, signs), header)
    source = open_slices(tmp_path / "brain.nrrd")
    assert isinstance(source, SliceSource)
    np.testing.assert_array_equal(whole(source), head.zyx)
    assert source.spacing == Spacing(3000, 2000, 500, "um")
    np.testing.assert_allclose(
        json.loads(source.provenance["affine"]), head.affine((0, 1, 2), (1, 1, 1))
    )  # wherever it was stored, the first sample of the turned volume is at one place
    assert source.provenance["space"] == space


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
@pytest.mark.parametrize("detached", [False, True])
def test_every_encoding_is_read_attached_or_detached(head: Any, tmp_path: Path, encoding: str, detached: bool) -> None:
    path = tmp_path / ("brain.nhdr" if detached else "brain.nrrd")
    nrrd.write(str(path), head.ras, {"encoding": encoding, "spacings": [0.5, 2, 3]}, detached_header=detached)
    source = open_slices(path)
    np.testing.assert_array_equal(whole(source), nrrd.read(str(path))[0].T)
    np.testing.assert_array_equal(source.read(30, slice(1, 4)), head.zyx[30, 1:4])
    assert len(source.files) == 1 + detached
    assert sum(file.count for file in source.files) == 37
    assert source.notes[0] == "the file does not say how the head lies; axes are kept as stored (first axis: columns)"
    assert "no unit of length; millimetres are assumed" in source.notes[1]


@pytest.mark.parametrize("endian", ["little", "big"])
@pytest.mark.parametrize("dtype", TYPES)
def test_every_type_and_byte_order_is_read(tmp_path: Path, dtype: str, endian: str) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)
    stored = array.astype(array.dtype.newbyteorder({"little": "<", "big": ">"}[endian]))
    source = open_slices(by_hand(tmp_path / "a.nrrd", stored, f"endian: {endian}"))
    assert source.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(whole(source), array.T)


def test_bytes_and_lines_before_the_samples_are_skipped(head: Any, tmp_path: Path) -> None:
    samples = head.ras.tobytes(order="F")
    for lines, data in (
        (["byte skip: 5"], b"12345" + samples),
        (["line skip: 2"], b"one\ntwo\n" + samples),
        (["line skip: 1", "byte skip: 3"], b"one\nabc" + samples),
        (["byte skip: -1"], b"whatever" + samples),
    ):
        path = by_hand(tmp_path / "a.nrrd", head.ras, "endian: little", *lines, data=data)
        np.testing.assert_array_equal(whole(open_slices(path)), head.zyx)
    for encoding, pack in (("gzip", gzip.compress), ("bzip2", bz2.compress)):
        path = by_hand(
            tmp_path / "a.nrrd",
            head.ras,
            "endian: little",
            "byte skip: 3",
            encoding=encoding,
            data=pack(b"abc" + samples),
        )
        np.testing.assert_array_equal(whole(open_slices(path)), head.zyx)


def test_an_atlas_in_micrometres_that_says_so_is_believed(head: Any, tmp_path: Path) -> None:
    path = by_hand(
        tmp_path / "a.nrrd",
        head.ras,
        "endian: little",
        "space: left-posterior-superior",
        "space directions: (25,0,0) (0,25,0) (0,0,25)",
        'space units: "microns" "microns" "microns"',
    )
    source = open_slices(path)
    assert source.spacing == Spacing(25, 25, 25, "um")
    np.testing.assert_array_equal(whole(source), head.zyx[:, ::-1, ::-1])


def test_an_atlas_in_micrometres_that_does_not_say_so_is_questioned(head: Any, tmp_path: Path) -> None:
    big = np.zeros((90, 2, 2), np.uint8)
    path = by_hand(
        tmp_path / "a.nrrd", big, "space: left-posterior-superior", "space directions: (25,0,0) (0,25,0) (0,0,25)"
    )
    notes = open_slices(path).notes
    assert any("if micrometres are meant, say --spacing 25um 25um 25um" in note for note in notes)


@pytest.mark.parametrize("kind", ["list", "time"])
@pytest.mark.parametrize("place", [0, 3])
def test_one_of_several_volumes_is_picked_by_time(head: Any, tmp_path: Path, kind: str, place: int) -> None:
    film = np.stack([head.ras + i for i in range(3)], place)
    rows = ["(1,0,0)", "(0,1,0)", "(0,0,1)"]
    kinds = ["domain"] * 3
    rows.insert(place, "none")
    kinds.insert(place, kind)
    path = by_hand(
        tmp_path / "film.nrrd",
        film,
        "endian: little",
        f"kinds: {' '.join(kinds)}",
        "space: right-anterior-superior",
        f"space directions: {' '.join(rows)}",
    )
    with pytest.raises(SliceError, match=r"holds 3 time points, 0 to 2.*--time N"):
        open_slices(path)
    np.testing.assert_array_equal(whole(open_slices(path, time=2)), head.zyx + 2)


@pytest.mark.parametrize("kind", ["vector", "RGB-color", "3D-symmetric-matrix"])
def test_vectors_and_colours_are_refused_with_a_way_out(head: Any, tmp_path: Path, kind: str) -> None:
    many = np.stack([head.ras] * 3)
    path = by_hand(tmp_path / "a.nrrd", many, "endian: little", f"kinds: {kind} domain domain domain")
    with pytest.raises(SliceError, match=rf"3 values at every voxel \(axis 0, of kind {kind}\).*unu slice -a 0 -p 0"):
        open_slices(path)


def test_a_single_section_is_a_stack_of_one(tmp_path: Path) -> None:
    array = np.arange(12, dtype=np.uint8).reshape(4, 3)
    source = open_slices(by_hand(tmp_path / "a.nrrd", array, "spacings: 2 3"))
    np.testing.assert_array_equal(whole(source), array.T[None])


@pytest.mark.parametrize("encoding", ["raw", "gzip", "bzip2"])
@pytest.mark.parametrize("kept", [0, 3, 30, 200, 1500, -1])
def test_a_file_cut_short_anywhere_is_said_at_opening(head: Any, tmp_path: Path, encoding: str, kept: int) -> None:
    path = tmp_path / "brain.nrrd"
    nrrd.write(str(path), head.ras, {"encoding": encoding})
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(SliceReadError, match=r"(?s)brain\.nrrd.*opy it again"):
        open_slices(path)


def test_what_a_header_cannot_mean_is_refused_with_a_way_out(head: Any, tmp_path: Path) -> None:
    path = tmp_path / "a.nrrd"
    with pytest.raises(SliceError, match="holds its samples as ascii; save it as raw or gzip"):
        open_slices(by_hand(path, head.ras, "endian: little", encoding="ascii"))
    with pytest.raises(SliceError, match="spreads its samples over several files; join them"):
        open_slices(by_hand(path, head.ras, "endian: little", "data file: s%03d.raw 0 36 1 2"))
    with pytest.raises(SliceError, match="spreads its samples over several files; join them"):
        open_slices(by_hand(path, head.ras, "endian: little", "data file: LIST", "a.raw", "b.raw"))
    with pytest.raises(SliceReadError, match=r"samples are in lost\.raw, and there is no file .*put it beside"):
        open_slices(by_hand(path, head.ras, "endian: little", "data file: lost.raw"))
    path.write_bytes(b"P5 2 2 255\n1234")
    with pytest.raises(SliceReadError, match=r"cannot be read as NRRD"):
        open_slices(path)
    path.write_bytes(b"NRRD0004\ntype: block\ndimension: 1\nsizes: 1\nencoding: raw\nblock size: 3\n\n123")
    with pytest.raises(SliceError, match="type block, which is none of grey values"):
        open_slices(path)


def test_samples_without_a_byte_order_are_noted(head: Any, tmp_path: Path) -> None:
    source = open_slices(by_hand(tmp_path / "a.nrrd", head.ras))
    assert "a.nrrd does not state its byte order; little-endian is assumed" in source.notes
