"""From a path to an ordered list of sections: what is taken, what is left, and what is asked back."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackreel.errors import SliceError, SliceReadError
from stackreel.slices.find import find_slices


def put(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder


def names(src: str | Path, **options: bool) -> list[str]:
    return [p.name for p in find_slices(src, **options).paths]


def test_a_folder_gives_its_sections_in_natural_order(tmp_path: Path) -> None:
    put(tmp_path, "10.png", "9.png", "1.png", "0.PNG")
    assert names(tmp_path) == ["0.PNG", "1.png", "9.png", "10.png"]


def test_what_viewers_and_people_leave_is_no_section(tmp_path: Path) -> None:
    put(tmp_path, "s1.raw", "s2.raw", "Thumbs.db", ".DS_Store", "._s1.raw", "phantom.json", "README.txt")
    found = find_slices(tmp_path)
    assert [p.name for p in found.paths] == ["s1.raw", "s2.raw"]
    assert found.notes == ()


def test_other_files_are_left_and_named(tmp_path: Path) -> None:
    put(tmp_path, "s1.tif", "s2.tif", "notes.docx")
    (note,) = find_slices(tmp_path).notes
    assert note == f"1 file in {tmp_path} not taken for sections: notes.docx"


def test_mixed_endings_are_asked_back_with_counts_and_globs(tmp_path: Path) -> None:
    put(tmp_path, "s1.tif", "s2.tif", "s3.tif", "s1.png")
    with pytest.raises(SliceError, match=r"3 \.tif and 1 \.png together") as caught:
        find_slices(tmp_path)
    assert f"'{tmp_path}/*.png' or '{tmp_path}/*.tif'" in str(caught.value)
    assert names(f"{tmp_path}/*.tif") == ["s1.tif", "s2.tif", "s3.tif"]


def test_a_glob_may_reach_over_folders(tmp_path: Path) -> None:
    put(tmp_path, "block10/s1.tif", "block2/s2.tif", "block2/s10.tif")
    found = find_slices(f"{tmp_path}/block*/*.tif")
    assert [p.relative_to(tmp_path).as_posix() for p in found.paths] == [
        "block2/s2.tif",
        "block2/s10.tif",
        "block10/s1.tif",
    ]


def test_a_folder_with_brackets_in_its_name_is_a_folder(tmp_path: Path) -> None:
    put(tmp_path / "scan [a]", "s1.tif")
    assert names(tmp_path / "scan [a]") == ["s1.tif"]


def test_gaps_are_noted_from_the_file_names(tmp_path: Path) -> None:
    put(tmp_path, *(f"s{i:04}.raw" for i in range(14) if i != 12))
    assert find_slices(tmp_path).notes == ("numbering jumps from 0011 to 0013: 1 section may be missing",)


def test_sections_may_be_numbered_in_the_ending(tmp_path: Path) -> None:
    put(tmp_path, *(f"scan.{i:03}" for i in (1, 2, 4, 5)))
    found = find_slices(tmp_path, raw=True)
    assert [p.name for p in found.paths] == ["scan.001", "scan.002", "scan.004", "scan.005"]
    assert found.notes == ("numbering jumps from 002 to 004: 1 section may be missing",)


def test_unknown_endings_are_raw_once_their_shape_is_stated(tmp_path: Path) -> None:
    put(tmp_path, "s1.pli", "s2.pli", "notes.txt")
    assert names(tmp_path, raw=True) == ["s1.pli", "s2.pli"]
    with pytest.raises(SliceReadError, match="need --shape and --dtype"):
        find_slices(tmp_path)


def test_a_missing_source_says_what_is_nearby(tmp_path: Path) -> None:
    put(tmp_path, "sections/s1.tif")
    with pytest.raises(SliceReadError, match=r"no such file or folder; did you mean .*sections\?"):
        find_slices(tmp_path / "section")


def test_an_empty_folder_is_said_to_be_empty(tmp_path: Path) -> None:
    with pytest.raises(SliceReadError, match="the folder is empty"):
        find_slices(tmp_path)


def test_sections_one_folder_deeper_are_pointed_at(tmp_path: Path) -> None:
    put(tmp_path, "blue/s1.tif")
    with pytest.raises(SliceReadError, match=r"blue holds sections: perhaps that folder is meant"):
        find_slices(tmp_path)


def test_a_folder_without_sections_says_what_it_holds(tmp_path: Path) -> None:
    put(tmp_path, "a.czi", "b.czi", "c.txt")
    with pytest.raises(SliceReadError, match=r"it holds 2 \.czi and 1 \.txt\. Sections end in \.raw"):
        find_slices(tmp_path)


def test_a_glob_without_a_match_says_what_is_there(tmp_path: Path) -> None:
    put(tmp_path, "s1.tif", "s2.tif")
    with pytest.raises(SliceReadError, match=r"no file matches; .* holds 2 \.tif"):
        find_slices(f"{tmp_path}/*.tiff")


def test_an_unknown_type_of_file_says_which_are_known(tmp_path: Path) -> None:
    put(tmp_path, "brain.czi", "noending")
    with pytest.raises(SliceError, match=r"the ending \.czi is unknown; sections end in .*\.tif.*--shape ROWS COLS"):
        find_slices(tmp_path / "brain.czi")
    with pytest.raises(SliceError, match="the name has no ending"):
        find_slices(tmp_path / "noending")


def test_zarr_is_known_by_its_ending_or_by_what_lies_in_it(tmp_path: Path) -> None:
    put(tmp_path / "brain", ".zgroup", ".zattrs")
    put(tmp_path / "whole.ome.zarr", "zarr.json")
    put(tmp_path, "packed.ome.zarr.zip")
    for name in ("brain", "whole.ome.zarr", "packed.ome.zarr.zip"):
        assert find_slices(tmp_path / name).kind == "zarr"
    assert find_slices(f"{tmp_path}/*.zarr").paths == (tmp_path / "whole.ome.zarr",)
    put(tmp_path / "other.zarr", "zarr.json")
    with pytest.raises(SliceError, match=r"2 of what matches is Zarr, a volume each; name one, such as"):
        find_slices(f"{tmp_path}/*.zarr")


def test_zarr_one_folder_deeper_is_pointed_at(tmp_path: Path) -> None:
    put(tmp_path / "whole.ome.zarr", "zarr.json")
    with pytest.raises(SliceReadError, match=r"whole\.ome\.zarr is Zarr: perhaps that is meant"):
        find_slices(tmp_path)


def test_an_address_on_the_web_is_zarr() -> None:
    found = find_slices("https://host.org/data/brain.zarr/")
    assert (found.kind, found.address) == ("zarr", "https://host.org/data/brain.zarr")


def test_a_name_behind_a_colon_is_a_data_set(tmp_path: Path) -> None:
    put(tmp_path, "s10.h5", "s9.h5", "notes.txt")
    for src in (f"{tmp_path}:/Image", f"{tmp_path}/s*.h5:/Image"):
        found = find_slices(src)
        assert (found.kind, found.inside) == ("hdf5", "/Image")
        assert [path.name for path in found.paths] == ["s9.h5", "s10.h5"]
