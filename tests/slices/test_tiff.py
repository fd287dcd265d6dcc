"""TIFF sections: any band of any file is what tifffile reads of the whole; the rest is refused in words."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile

from stackreel.errors import SliceError, SliceReadError, SliceShapeError
from stackreel.geometry import Spacing
from stackreel.slices import SliceSource, open_slices

ROWS, COLUMNS = 83, 70
BANDS = [slice(0, 1), slice(0, ROWS), slice(7, 8), slice(15, 33), slice(16, 32), slice(ROWS - 3, ROWS)]


def sections(n: int = 3, dtype: str = "uint16") -> np.ndarray:
    """Smooth enough for JPEG, noisy enough to betray a shift."""
    z, y, x = np.indices((n, ROWS, COLUMNS))
    noise = np.random.default_rng(1).integers(0, 6, (n, ROWS, COLUMNS))
    return (100 + 20 * z + 40 * np.sin(y / 9) + 30 * np.cos(x / 7) + noise).astype(dtype)


def assert_bands(source: SliceSource, whole: np.ndarray) -> None:
    assert source.shape == whole.shape
    assert source.dtype == whole.dtype.newbyteorder("=")
    assert source.dtype.isnative
    for z in range(len(whole)):
        for band in BANDS:
            got = source.read(z, band)
            assert got.flags.c_contiguous
            np.testing.assert_array_equal(got, whole[z, band])


KINDS: list[tuple[str, str, dict[str, Any], bool]] = [
    ("plain", "uint16", {}, True),
    ("big-endian", "uint16", {"byteorder": ">"}, True),
    ("float", "float32", {"byteorder": ">"}, True),
    ("signed", "int16", {}, True),
    ("double", "float64", {}, True),
    ("bigtiff", "uint16", {"bigtiff": True}, True),
    ("bigtiff big-endian", "uint32", {"bigtiff": True, "byteorder": ">"}, True),
    ("strips", "uint8", {"rowsperstrip": 16}, True),
    ("tiled", "uint8", {"tile": (16, 32)}, True),
    ("tiled big-endian", "uint16", {"tile": (32, 16), "byteorder": ">"}, True),
    ("deflate strips", "uint16", {"compression": "zlib", "rowsperstrip": 16}, True),
    ("deflate, one strip", "uint16", {"compression": "zlib", "rowsperstrip": ROWS}, False),
    ("deflate, a row a strip", "uint8", {"compression": "zlib", "rowsperstrip": 1}, True),
    ("deflate, predictor", "uint16", {"compression": "zlib", "predictor": 2, "rowsperstrip": 16}, True),
    (
        "deflate, predictor, big-endian",
        "uint16",
        {"compression": "zlib", "predictor": 2, "rowsperstrip": 16, "byteorder": ">"},
        True,
    ),
    ("float predictor", "float32", {"compression": "zlib", "predictor": 3, "tile": (16, 16)}, True),
    ("lzw", "uint8", {"compression": "lzw", "rowsperstrip": 16}, True),
    ("lzw, predictor, tiled", "uint16", {"compression": "lzw", "predictor": 2, "tile": (16, 48)}, True),
    ("zstd", "uint16", {"compression": "zstd", "tile": (32, 32)}, True),
    ("packbits", "uint8", {"compression": "packbits", "rowsperstrip": 16}, True),
    ("lzma", "uint8", {"compression": "lzma", "rowsperstrip": 16}, True),
    ("jpeg", "uint8", {"compression": "jpeg", "rowsperstrip": 16}, True),
    ("jpeg, tiled", "uint8", {"compression": "jpeg", "tile": (32, 32)}, True),
    ("jpeg2000", "uint16", {"compression": "jpeg2000", "tile": (32, 32)}, True),
]


@pytest.mark.parametrize(("dtype", "options", "banded"), [k[1:] for k in KINDS], ids=[k[0] for k in KINDS])
@pytest.mark.parametrize("pages", ["a file each", "one file"])
def test_any_band_of_any_kind_is_what_the_whole_reads(
    tmp_path: Path, dtype: str, options: dict[str, Any], banded: bool, pages: str
) -> None:
    array = sections(3, dtype)
    if pages == "one file":
        src = tmp_path / "stack.tif"
        with tifffile.TiffWriter(src, **{k: v for k, v in options.items() if k in ("bigtiff", "byteorder")}) as writer:
            for section in array:
                writer.write(
                    section,
                    photometric="minisblack",
                    metadata=None,
                    **{k: v for k, v in options.items() if k not in ("bigtiff", "byteorder")},
                )
        whole = tifffile.imread(src)
    else:
        src = tmp_path
        for z, section in enumerate(array):
            tifffile.imwrite(src / f"s{z}.tif", section, photometric="minisblack", **options)
        whole = np.stack([tifffile.imread(src / f"s{z}.tif") for z in range(3)])
    source = open_slices(src)
    assert source.banded == banded
    assert_bands(source, whole)
    if options.get("compression") not in ("jpeg", "jpeg2000"):
        np.testing.assert_array_equal(whole, array)


@pytest.mark.parametrize(
    "options",
    [
        {"imagej": True, "metadata": {"axes": "ZYX"}},
        {"imagej": True, "metadata": {"axes": "ZYX"}, "compression": "zlib"},
        {"ome": True, "metadata": {"axes": "ZYX"}},
        {"ome": True, "metadata": {"axes": "ZYX"}, "tile": (32, 32)},
        {},
        {"contiguous": False},
        {"metadata": None},
    ],
    ids=str,
)
def test_a_stack_in_one_file_is_read_page_by_page(tmp_path: Path, options: dict[str, Any]) -> None:
    array = sections(5, "uint16")
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, array, photometric="minisblack", **options)
    source = open_slices(path)
    assert_bands(source, array)
    assert source.files[0].count == 5


def test_an_imagej_stack_behind_a_single_directory_is_read_whole(tmp_path: Path) -> None:
    """ImageJ writes stacks of more than 4 GB with one directory and the samples in one run behind it."""
    array = sections(4, "uint16")
    path = tmp_path / "stack.tif"
    description = "ImageJ=1.53c\nimages=4\nslices=4\n"
    with tifffile.TiffWriter(path, byteorder=">") as writer:
        writer.write(array[0], description=description, metadata=None)
    with path.open("ab") as file, tifffile.TiffFile(path) as tif:
        page = tif.pages.first
        assert page.dataoffsets[0] + page.nbytes == path.stat().st_size
        file.write(array[1:].astype(">u2").tobytes())
    assert_bands(open_slices(path), array)
    os.truncate(path, path.stat().st_size - 100)
    with pytest.raises(
        SliceReadError, match=r"slice 0 \(stack\.tif\) is truncated: it announces 4 images and has 1; copy"
    ):
        open_slices(path)


def test_files_of_several_pages_follow_each_other(tmp_path: Path) -> None:
    array = sections(5, "uint8")
    tifffile.imwrite(tmp_path / "part1.tif", array[:2], metadata=None, compression="zlib", photometric="minisblack")
    tifffile.imwrite(tmp_path / "part2.tif", array[2:], metadata=None, byteorder=">", photometric="minisblack")
    source = open_slices(tmp_path)
    assert_bands(source, array)
    assert [f.count for f in source.files] == [2, 3]


def test_files_of_both_byte_orders_may_lie_side_by_side(tmp_path: Path) -> None:
    array = sections(2, "uint16")
    tifffile.imwrite(tmp_path / "s0.tif", array[0], byteorder="<")
    tifffile.imwrite(tmp_path / "s1.tif", array[1], byteorder=">")
    assert_bands(open_slices(tmp_path), array)


def test_an_empty_tile_reads_as_zero(tmp_path: Path) -> None:
    """Sparse files leave tiles out: offset and byte count 0."""
    array = sections(1, "uint8")
    path = tmp_path / "s0.tif"
    tifffile.imwrite(path, array[0], tile=(32, 32), compression="zlib")
    with tifffile.TiffFile(path, mode="r+b") as tif:
        page = tif.pages.first
        counts, offsets = list(page.databytecounts), list(page.dataoffsets)
        counts[0] = offsets[0] = 0
        page.tags["TileByteCounts"].overwrite(counts)
        page.tags["TileOffsets"].overwrite(offsets)
    expected = array.copy()
    expected[0, :32, :32] = 0
    assert_bands(open_slices(path), expected)


def test_previews_inside_a_file_are_left_out(tmp_path: Path) -> None:
    """A pyramid in SubIFDs: the stack is the full resolution alone."""
    array = sections(3, "uint8")
    path = tmp_path / "pyramid.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as writer:
        options: dict[str, Any] = {"tile": (16, 16), "compression": "zlib", "photometric": "minisblack"}
        writer.write(array, subifds=1, metadata={"axes": "ZYX"}, **options)
        writer.write(array[:, ::2, ::2], subfiletype=1, **options)
    assert_bands(open_slices(path), array)


def test_threads_may_read_different_bands_at_once(tmp_path: Path) -> None:
    array = sections(12, "uint16")
    for z, section in enumerate(array):
        tifffile.imwrite(tmp_path / f"s{z}.tif", section, compression="zlib", predictor=2, rowsperstrip=5)
    source = open_slices(tmp_path)
    jobs = [(z, slice(a, min(a + 9, ROWS))) for a in range(0, ROWS, 9) for z in range(12)] * 3
    with ThreadPoolExecutor(2) as pool:
        bands = list(pool.map(lambda job: source.read(*job), jobs))
    for (z, rows), band in zip(jobs, bands, strict=True):
        np.testing.assert_array_equal(band, array[z, rows])


def test_no_file_stays_open(tmp_path: Path) -> None:
    for z, section in enumerate(sections(40, "uint8")):
        tifffile.imwrite(tmp_path / f"s{z}.tif", section, compression="zlib", rowsperstrip=10)
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    source = open_slices(tmp_path)
    for z in range(40):
        source.read(z, slice(3, 30))
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


# --- what the files say of their spacing -------------------------------------------------------------------


def test_ome_lengths_become_micrometres(tmp_path: Path) -> None:
    metadata = {
        "axes": "ZYX",
        "PhysicalSizeZ": 0.05,
        "PhysicalSizeZUnit": "mm",
        "PhysicalSizeY": 650,
        "PhysicalSizeYUnit": "nm",
        "PhysicalSizeX": 0.65,
        "PhysicalSizeXUnit": "µm",
    }
    tifffile.imwrite(tmp_path / "a.ome.tif", sections(), metadata=metadata, photometric="minisblack")
    spacing = open_slices(tmp_path / "a.ome.tif").spacing
    assert spacing is not None
    assert spacing.unit == "um"
    assert spacing.zyx == pytest.approx((50, 0.65, 0.65))


@pytest.mark.parametrize("unit", ["micron", "um", "\\u00B5m"])
def test_imagej_lengths_become_micrometres(tmp_path: Path, unit: str) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif",
        sections(),
        imagej=True,
        resolution=(1 / 1.3, 1 / 1.25),
        metadata={"axes": "ZYX", "spacing": 60.0, "unit": unit},
    )
    spacing = open_slices(tmp_path / "a.tif").spacing
    assert spacing is not None
    assert spacing.zyx == pytest.approx((60, 1.25, 1.3))


def test_imagej_without_a_depth_means_one_and_says_so(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", sections(), imagej=True, resolution=(2, 2), metadata={"axes": "ZYX", "unit": "um"}
    )
    source = open_slices(tmp_path / "a.tif")
    assert source.spacing == Spacing(1, 0.5, 0.5, "um")
    assert source.notes == ("ImageJ states no distance between sections, which for it means 1 µm",)


def test_lengths_of_no_microscope_are_not_believed(tmp_path: Path) -> None:
    words = {"axes": "ZYX", "spacing": 6e9, "unit": "um"}
    tifffile.imwrite(tmp_path / "a.tif", sections(), imagej=True, resolution=(1, 1), metadata=words)
    source = open_slices(tmp_path / "a.tif")
    assert source.spacing is None
    (note,) = source.notes
    assert note.startswith("the files' ImageJ metadata are not believed: spacing 6e+09 × 1 × 1 (z × y × x)")


def test_a_pixel_size_without_section_distance_is_passed_on_as_a_note(tmp_path: Path) -> None:
    for z, section in enumerate(sections()):
        tifffile.imwrite(tmp_path / f"s{z}.tif", section, resolution=(20_000, 20_000), resolutionunit="CENTIMETER")
    source = open_slices(tmp_path)
    assert source.spacing is None
    (note,) = source.notes
    assert note == (
        "the files' resolution tags give pixels of 0.5 µm × 0.5 µm but no distance between sections; "
        "--spacing Z 0.5um 0.5um states all three"
    )


@pytest.mark.parametrize(("dots", "unit"), [(72, "INCH"), (300, "INCH"), (1, "NONE"), (1, "CENTIMETER"), (28.35, 3)])
def test_a_printers_resolution_is_not_believed(tmp_path: Path, dots: float, unit: str | int) -> None:
    tifffile.imwrite(tmp_path / "s.tif", sections()[0], resolution=(dots, dots), resolutionunit=unit)
    source = open_slices(tmp_path)
    assert source.spacing is None
    assert source.notes == ()


# --- what is refused, and in which words -------------------------------------------------------------------


def refused(src: Path, kind: type[SliceError] = SliceError, **options: Any) -> str:
    with pytest.raises(kind) as caught:
        open_slices(src, **options)
    return str(caught.value)


def test_colour_is_refused_with_the_way_to_grey(tmp_path: Path) -> None:
    rgb = np.zeros((16, 16, 3), np.uint8)
    tifffile.imwrite(tmp_path / "s0.tif", rgb, photometric="rgb")
    message = refused(tmp_path)
    assert message.startswith("slice 0 (s0.tif) is a colour image (3 samples in each pixel)")
    assert "Split Channels" in message
    tifffile.imwrite(tmp_path / "s0.tif", rgb.transpose(2, 0, 1).copy(), photometric="rgb", planarconfig="separate")
    assert "colour image" in refused(tmp_path)


@pytest.mark.parametrize(
    ("axes", "said", "option"),
    [
        ("CYX", "3 channels: 0, 1, 2", "--channel N"),
        ("TYX", "3 time points, 0 to 2", "--time N"),
        ("ZCYX", "2 channels: 0, 1", "--channel N"),
    ],
)
@pytest.mark.parametrize("dialect", [{"imagej": True}, {"ome": True}], ids=str)
def test_channels_and_times_are_asked_back(
    tmp_path: Path, axes: str, said: str, option: str, dialect: dict[str, Any]
) -> None:
    array = sections(3, "uint8") if len(axes) == 3 else sections(4, "uint8").reshape(2, 2, ROWS, COLUMNS)
    tifffile.imwrite(tmp_path / "a.tif", array, metadata={"axes": axes}, photometric="minisblack", **dialect)
    message = refused(tmp_path / "a.tif")
    assert message.startswith(f"slice 0 (a.tif) holds {said}; a volume is made of one: choose it with {option}")
    assert "If they are sections, say so in Fiji (Image › Properties" in message


@pytest.mark.parametrize(
    ("axes", "dialect"),
    [(axes, {"imagej": True}) for axes in ("TZCYX", "ZCYX")]  # the one order that ImageJ has
    + [(axes, {"ome": True}) for axes in ("TZCYX", "CZYX", "ZCYX", "CTZYX")]
    + [("CZYX", {"ome": True, "compression": "zlib", "tile": (32, 32)})],
    ids=str,
)
def test_one_channel_at_one_time_is_the_stack_that_was_written(
    tmp_path: Path, axes: str, dialect: dict[str, Any]
) -> None:
    sizes = {"T": 2, "C": 3, "Z": 4, "Y": ROWS, "X": COLUMNS}
    shape = tuple(sizes[axis] for axis in axes)
    array = np.random.default_rng(5).integers(0, 65536, shape).astype("uint16")
    metadata = {"axes": axes} | ({"Channel": {"Name": ["DAPI", "GFP", "NeuN"]}} if dialect.get("ome") else {})
    tifffile.imwrite(tmp_path / "a.tif", array, metadata=metadata, photometric="minisblack", **dialect)
    times = {"time": 1} if "T" in axes else {}
    source = open_slices(tmp_path / "a.tif", channel="gfp" if dialect.get("ome") else 1, **times)
    wanted = array[tuple({"C": 1, "T": 1}.get(axis, slice(None)) for axis in axes)]
    assert_bands(source, wanted)
    assert source.provenance["channel"] == ("1 (GFP)" if dialect.get("ome") else "1")


def test_the_question_for_a_channel_names_them(tmp_path: Path) -> None:
    metadata = {"axes": "CYX", "Channel": {"Name": ["DAPI", "GFP"]}}
    tifffile.imwrite(tmp_path / "a.ome.tif", sections(2), metadata=metadata, photometric="minisblack")
    assert "2 channels: 0 (DAPI), 1 (GFP); " in refused(tmp_path / "a.ome.tif")
    assert "has no channel CFP; it holds 0 (DAPI), 1 (GFP)" in refused(tmp_path / "a.ome.tif", channel="CFP")
    assert "has no channel 2; it holds" in refused(tmp_path / "a.ome.tif", channel=2)
    assert "has no time point 1; it holds one time point, 0" in refused(tmp_path / "a.ome.tif", channel=0, time=1)
    assert "has no level 1; it holds 0 (83 × 70)" in refused(tmp_path / "a.ome.tif", channel=0, level=1)


def test_a_coarser_level_of_a_pyramid_has_larger_pixels(tmp_path: Path) -> None:
    full = sections(2).repeat(2, axis=1).repeat(2, axis=2)
    metadata = {
        "axes": "ZYX",
        **{f"PhysicalSize{axis}": size for axis, size in (("X", 0.5), ("Y", 0.5), ("Z", 4.0))},
    }
    with tifffile.TiffWriter(tmp_path / "a.ome.tif") as writer:
        writer.write(full, subifds=1, metadata=metadata, tile=(32, 32), photometric="minisblack")
        writer.write(sections(2), subfiletype=1, metadata=None, tile=(32, 32), photometric="minisblack")
    assert_bands(open_slices(tmp_path / "a.ome.tif"), full)
    coarse = open_slices(tmp_path / "a.ome.tif", level=1)
    assert_bands(coarse, sections(2))
    assert coarse.spacing == Spacing(4, 1, 1, "um")
    assert coarse.provenance["level"] == "1"


def ome_set(folder: Path, channels: int = 1) -> np.ndarray:
    """Three files of a set, each with the metadata of the whole."""
    array = sections(3 * channels, "uint16").reshape(3, channels, ROWS, COLUMNS)
    data = "".join(
        f'<TiffData IFD="{c}" FirstZ="{z}" FirstC="{c}" PlaneCount="1">'
        f'<UUID FileName="z{z}.ome.tif">urn:uuid:{z}</UUID></TiffData>'
        for z in range(3)
        for c in range(channels)
    )
    for z in range(3):
        xml = (
            '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:{z}"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYCZT" '
            f'Type="uint16" SizeX="{COLUMNS}" SizeY="{ROWS}" SizeZ="3" SizeC="{channels}" SizeT="1" '
            'PhysicalSizeX="0.5" PhysicalSizeY="0.5" PhysicalSizeZ="2">'
            f'<Channel ID="Channel:0:0" SamplesPerPixel="1"/>{data}</Pixels></Image></OME>'
        )
        tifffile.imwrite(folder / f"z{z}.ome.tif", array[z], description=xml, metadata=None, photometric="minisblack")
    return array


def test_a_set_of_ome_files_is_read_from_its_folder(tmp_path: Path) -> None:
    array = ome_set(tmp_path)
    source = open_slices(tmp_path)
    assert_bands(source, array[:, 0])
    assert source.spacing == Spacing(2, 0.5, 0.5, "um")
    assert source.notes == ()


def test_one_file_of_an_ome_set_says_that_there_are_more(tmp_path: Path) -> None:
    array = ome_set(tmp_path)
    source = open_slices(tmp_path / "z1.ome.tif")
    assert_bands(source, array[1])
    assert source.notes == (
        "z1.ome.tif is one file of a set of 3 sections; name the folder, or a glob, to read them all",
    )


def test_channels_of_an_ome_set_are_not_taken_for_sections(tmp_path: Path) -> None:
    array = ome_set(tmp_path, channels=2)
    assert "slice 0 (z0.ome.tif) holds 2 channels" in refused(tmp_path)
    for channel in (0, 1):
        assert_bands(open_slices(tmp_path, channel=channel), array[:, channel])


def test_files_of_other_channels_of_an_ome_set_are_left_out(tmp_path: Path) -> None:
    array = sections(6, "uint16").reshape(2, 3, ROWS, COLUMNS)
    data = "".join(
        f'<TiffData FirstC="{c}" PlaneCount="3"><UUID FileName="c{c}.ome.tif">urn:uuid:{c}</UUID></TiffData>'
        for c in range(2)
    )
    for c in range(2):
        xml = (
            '<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" '
            f'UUID="urn:uuid:{c}"><Image ID="Image:0"><Pixels ID="Pixels:0" DimensionOrder="XYZCT" '
            f'Type="uint16" SizeX="{COLUMNS}" SizeY="{ROWS}" SizeZ="3" SizeC="2" SizeT="1">'
            '<Channel ID="Channel:0:0" Name="red"/><Channel ID="Channel:0:1" Name="green"/>'
            f"{data}</Pixels></Image></OME>"
        )
        tifffile.imwrite(tmp_path / f"c{c}.ome.tif", array[c], description=xml, metadata=None, photometric="minisblack")
    assert "the set of 2 files holds 2 channels: 0 (red), 1 (green)" in refused(tmp_path)
    assert_bands(open_slices(tmp_path, channel="green"), array[1])
    assert_bands(open_slices(tmp_path / "c0.ome.tif"), array[0])


def test_sizes_that_differ_are_told_with_what_most_files_have(tmp_path: Path) -> None:
    for z, section in enumerate(sections(5, "uint8")):
        tifffile.imwrite(tmp_path / f"s{z}.tif", section if z != 3 else section[:, :-2])
    message = refused(tmp_path, SliceShapeError)
    assert message.startswith("slice 3 (s3.tif) is 83 × 68 uint8; 4 of the 5 files are 83 × 70 uint8; ")
    assert "crop them to one size" in message
    tifffile.imwrite(tmp_path / "s3.tif", sections(1, "uint16")[0])
    assert "slice 3 (s3.tif) is 83 × 70 uint16" in refused(tmp_path, SliceShapeError)


def test_pages_that_differ_inside_one_file_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as writer:
        for width in (70, 70, 60):
            writer.write(np.zeros((83, width), np.uint8), metadata=None, photometric="minisblack")
    message = refused(path)
    assert "slice 0 (a.tif) mixes pages of different sizes" in message
    assert "page 0 is 83 × 70 uint8, page 2 is 83 × 60 uint8" in message


def test_what_was_stated_is_held_against_the_files(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "s0.tif", sections(1, "uint16")[0])
    assert open_slices(tmp_path, shape=(83, 70), dtype="uint16").shape == (1, 83, 70)
    assert "is 83 × 70, but --shape says 70 × 83" in refused(tmp_path, SliceShapeError, shape=(70, 83))
    assert "is uint16, but --dtype says uint8" in refused(tmp_path, SliceShapeError, dtype="uint8")


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((16, 16), np.complex64), "complex numbers"),
        (np.zeros((16, 16), bool), "bool (one bit a sample)"),
        (np.zeros((16, 16), np.float16), "float16"),
    ],
    ids=["complex", "bool", "half"],
)
def test_odd_types_are_refused(tmp_path: Path, array: np.ndarray, said: str) -> None:
    tifffile.imwrite(tmp_path / "s0.tif", array)
    message = refused(tmp_path)
    assert f"slice 0 (s0.tif) holds {said}" in message
    assert "convert the sections" in message


def test_a_truncated_section_is_found_before_anything_is_read(tmp_path: Path) -> None:
    for z, section in enumerate(sections(4, "uint8")):
        tifffile.imwrite(tmp_path / f"s{z}.tif", section, compression="zlib" if z % 2 else None, rowsperstrip=9)
    for z in (1, 2):
        os.truncate(tmp_path / f"s{z}.tif", (tmp_path / f"s{z}.tif").stat().st_size - 40)
    message = refused(tmp_path, SliceReadError)
    assert message.startswith("slice 1 (s1.tif) is truncated")
    assert "copy it again" in message
    assert "1 more of the 4 files have faults" in message


@pytest.mark.parametrize("content", [b"", b"II*\0", b"not a TIFF at all", b"II*\0\x08\0\0\0\xff\xff" + bytes(40)])
def test_a_file_that_is_no_tiff_is_told(tmp_path: Path, content: bytes) -> None:
    tifffile.imwrite(tmp_path / "s0.tif", sections()[0])
    (tmp_path / "s1.tif").write_bytes(content)
    assert "slice 1 (s1.tif)" in refused(tmp_path, SliceReadError)


def test_a_folder_named_like_a_section_is_told(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "s0.tif", sections()[0])
    (tmp_path / "x.tif").mkdir()
    assert "slice 1 (x.tif) is a folder, not a file" in refused(tmp_path, SliceReadError)


def test_damage_inside_a_section_names_the_file_when_it_is_read(tmp_path: Path) -> None:
    for z, section in enumerate(sections(3, "uint16")):
        tifffile.imwrite(tmp_path / f"s{z}.tif", section, compression="zlib", rowsperstrip=20)
    with tifffile.TiffFile(tmp_path / "s2.tif") as tif:
        offset = tif.pages.first.dataoffsets[2]
    with (tmp_path / "s2.tif").open("r+b") as file:
        file.seek(offset)
        file.write(b"\xff" * 30)
    source = open_slices(tmp_path)
    source.read(2, slice(0, 40))
    with pytest.raises(SliceReadError, match=r"slice 2 \(s2\.tif\) does not decode: .*copy it again"):
        source.read(2, slice(45, 50))


def test_a_section_that_changes_after_opening_is_told(tmp_path: Path) -> None:
    for z, section in enumerate(sections(2, "uint16")):
        tifffile.imwrite(tmp_path / f"s{z}.tif", section)
    source = open_slices(tmp_path)
    os.truncate(tmp_path / "s1.tif", 900)
    with pytest.raises(SliceReadError, match=r"slice 1 \(s1\.tif\) has changed since the stack was opened"):
        source.read(1, slice(0, 2))


def test_what_viewers_would_alter_is_noted(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "s0.tif", sections()[0], photometric="miniswhite")
    assert open_slices(tmp_path).notes == ("the files say that 0 is white (MinIsWhite); values are used as stored",)
