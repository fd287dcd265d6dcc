"""PNG and JPEG sections: grey values exact, colour refused, a missing end noticed before any work."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stackreel.errors import SliceError, SliceReadError, SliceShapeError
from stackreel.slices import SliceSource, open_slices


def sections(dtype: str = "uint8", n: int = 3) -> np.ndarray:
    top = np.iinfo(dtype).max
    return np.random.default_rng(0).integers(0, top, (n, 40, 30), dtype, endpoint=True)


def write(folder: Path, array: np.ndarray, ending: str = "png", **options: object) -> Path:
    for z, section in enumerate(array):
        Image.fromarray(section).save(folder / f"s{z}.{ending}", **options)  # type: ignore[arg-type]
    return folder


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_png_sections_are_exact_in_every_band(tmp_path: Path, dtype: str) -> None:
    array = sections(dtype)
    source = open_slices(write(tmp_path, array))
    assert isinstance(source, SliceSource)
    assert (source.shape, source.dtype, source.spacing) == ((3, 40, 30), np.dtype(dtype), None)
    assert not source.banded
    for z in range(3):
        for rows in (slice(0, 40), slice(0, 1), slice(7, 19), slice(39, 40), slice(4, 4)):
            np.testing.assert_array_equal(source.read(z, rows), array[z, rows])


def test_grey_of_few_bits_spreads_over_eight(tmp_path: Path) -> None:
    """Programs write a blank section with fewer bits than its neighbours; it belongs to them all the same."""
    ramp = (np.arange(40 * 30).reshape(40, 30) % 4 * 85).astype(np.uint8)
    Image.fromarray(ramp).save(tmp_path / "s0.png", bits=2)
    Image.fromarray(ramp).save(tmp_path / "s1.png")
    Image.fromarray(ramp > 100).save(tmp_path / "s2.png")
    assert [(tmp_path / f"s{z}.png").read_bytes()[24] for z in range(3)] == [2, 8, 1]
    source = open_slices(tmp_path)
    np.testing.assert_array_equal(source.read(0, slice(0, 40)), ramp)
    np.testing.assert_array_equal(source.read(1, slice(0, 40)), ramp)
    np.testing.assert_array_equal(source.read(2, slice(0, 40)), np.where(ramp > 100, 255, 0))


def test_a_transparent_grey_value_stays_a_value(tmp_path: Path) -> None:
    array = sections(n=1)
    source = open_slices(write(tmp_path, array, transparency=7))
    np.testing.assert_array_equal(source.read(0, slice(0, 40)), array[0])


def test_jpeg_sections_are_what_pillow_decodes_and_the_loss_is_noted(tmp_path: Path) -> None:
    source = open_slices(write(tmp_path, sections(), "jpg", quality=90))
    for z in range(3):
        with Image.open(tmp_path / f"s{z}.jpg") as image:
            np.testing.assert_array_equal(source.read(z, slice(5, 20)), np.asarray(image)[5:20])
    assert source.notes == ("JPEG has altered the values a little; take the originals where they still exist",)


def test_progressive_jpeg_opens(tmp_path: Path) -> None:
    source = open_slices(write(tmp_path, sections(), "jpeg", progressive=True, dpi=(300, 300)))
    assert source.shape == (3, 40, 30)


def test_sections_beyond_pillows_limit_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array = sections(n=1)
    write(tmp_path, array)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    np.testing.assert_array_equal(open_slices(tmp_path).read(0, slice(0, 40)), array[0])


@pytest.mark.parametrize(
    ("mode", "ending", "said"),
    [
        ("RGB", "png", "RGB"),
        ("RGBA", "png", "RGB and transparency"),
        ("LA", "png", "grey and transparency"),
        ("P", "png", "colours from a table"),
        ("RGB", "jpg", "3 colours"),
        ("CMYK", "jpg", "4 colours"),
    ],
)
def test_colour_is_refused_with_the_way_to_grey(tmp_path: Path, mode: str, ending: str, said: str) -> None:
    Image.fromarray(sections(n=1)[0]).convert(mode).save(tmp_path / f"s0.{ending}")
    with pytest.raises(SliceError) as caught:
        open_slices(tmp_path)
    assert f"slice 0 (s0.{ending}) is a colour image ({said})" in str(caught.value)
    assert "Fiji: Image › Type › 8-bit" in str(caught.value)


@pytest.mark.parametrize("ending", ["png", "jpg"])
@pytest.mark.parametrize("kept", [0.9, 0.5, 0.02])
def test_a_truncated_section_is_found_before_anything_is_read(tmp_path: Path, ending: str, kept: float) -> None:
    write(tmp_path, sections(), ending)
    path = tmp_path / f"s1.{ending}"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(SliceReadError, match=rf"slice 1 \(s1\.{ending}\).*(truncated|breaks off).*copy it again"):
        open_slices(tmp_path)


@pytest.mark.parametrize("ending", ["png", "jpg"])
def test_bytes_behind_the_end_do_no_harm(tmp_path: Path, ending: str) -> None:
    write(tmp_path, sections(n=1), ending)
    with (tmp_path / f"s0.{ending}").open("ab") as file:
        file.write(b"trailing bytes of a careless program")
    assert open_slices(tmp_path).read(0, slice(0, 40)).shape == (40, 30)


def test_a_file_that_is_something_else_is_told(tmp_path: Path) -> None:
    write(tmp_path, sections())
    (tmp_path / "s1.png").write_bytes(b"GIF89a...")
    with pytest.raises(SliceReadError, match=r"slice 1 \(s1\.png\) is neither PNG nor JPEG"):
        open_slices(tmp_path)


def test_sizes_that_differ_are_told_with_what_most_files_have(tmp_path: Path) -> None:
    write(tmp_path, sections(n=4))
    Image.fromarray(sections("uint16")[0]).save(tmp_path / "s2.png")
    with pytest.raises(
        SliceShapeError, match=r"slice 2 \(s2\.png\) is 40 × 30 uint16; 3 of the 4 files are 40 × 30 uint8"
    ):
        open_slices(tmp_path)


def test_damage_inside_a_section_names_the_file_when_it_is_read(tmp_path: Path) -> None:
    write(tmp_path, sections())
    path = tmp_path / "s2.png"
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 40] = b"\xff" * 40
    path.write_bytes(data)
    source = open_slices(tmp_path)
    with pytest.raises(SliceReadError, match=r"slice 2 \(s2\.png\) does not decode: .*copy it again"):
        source.read(2, slice(0, 1))


def test_a_section_that_changes_after_opening_is_told(tmp_path: Path) -> None:
    source = open_slices(write(tmp_path, sections()))
    with (tmp_path / "s1.png").open("ab") as file:
        file.write(b"x")
    with pytest.raises(SliceReadError, match=r"slice 1 \(s1\.png\) has changed"):
        source.read(1, slice(0, 2))
