"""Data sets in HDF5: any, and those of the PLI pipelines."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from stackreel.errors import SliceError, SliceReadError, SliceShapeError
from stackreel.geometry import Spacing
from stackreel.slices import SliceSource, open_slices


def samples(shape: tuple[int, ...] = (9, 70, 50), dtype: str = "uint16") -> np.ndarray:
    return np.random.default_rng(13).integers(0, 250, shape).astype(dtype)


def assert_stack(source: SliceSource, stack: np.ndarray) -> None:
    assert isinstance(source, SliceSource)
    assert (source.shape, source.dtype) == (stack.shape, stack.dtype)
    height = stack.shape[1]
    for z in range(len(stack)):
        for rows in (slice(0, height), slice(1, 20), slice(height - 1, height)):
            np.testing.assert_array_equal(source.read(z, rows), stack[z, rows])


def refused(src: Path | str, kind: type[SliceError] = SliceError, **options: Any) -> str:
    with pytest.raises(kind) as caught:
        open_slices(src, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunks": (4, 32, 16)},
        {"chunks": (1, 70, 50), "compression": "gzip"},
        {"chunks": (9, 16, 50), "compression": "lzf", "shuffle": True, "fletcher32": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["uint8", ">i2", "float32", "float64"])
def test_a_data_set_is_read_as_it_was_written(tmp_path: Path, options: dict[str, Any], dtype: str) -> None:
    array = samples(dtype=dtype)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("entry/data", data=array, **options)
        file["entry/note"] = "a word"
    stack = array.astype(array.dtype.newbyteorder("="))
    with open_slices(f"{tmp_path}/a.h5:/entry/data") as source:
        assert_stack(source, stack)
        assert source.label(3) == "slice 3 (a.h5:/entry/data)"
        assert source.provenance["data_set"] == "/entry/data"
    assert_stack(open_slices(tmp_path / "a.h5"), stack)  # the only one that can be meant


def test_threads_may_read_different_bands_at_once(tmp_path: Path) -> None:
    array = samples((40, 300, 20))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("data", data=array, chunks=(8, 64, 20), compression="gzip")
    with open_slices(tmp_path / "a.h5") as source, ThreadPoolExecutor(4) as pool:
        places = [(z, y) for y in range(0, 300, 50) for z in range(40)]
        bands = pool.map(lambda place: source.read(place[0], slice(place[1], place[1] + 50)), places)
        for (z, y), band in zip(places, bands, strict=True):
            np.testing.assert_array_equal(band, array[z, y : y + 50])


def test_several_data_sets_are_listed_to_choose_from(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["red"], file["blue"], file["times"] = samples(), samples((3, 70, 50)), np.arange(9)
    message = refused(tmp_path / "a.h5")
    assert "holds 2 data sets; name one, as in" in message
    assert "/red (9 × 70 × 50 uint16)" in message
    assert "a.h5 holds no /green; it holds /blue (3 × 70 × 50 uint16), /red" in refused(f"{tmp_path}/a.h5:/green")
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["times"] = np.arange(9)
    assert "holds no data set of sections; it holds /times (9 int64)" in refused(tmp_path / "b.h5")


def test_axes_and_channels_that_are_labelled_are_understood(tmp_path: Path) -> None:
    array = samples((50, 70, 9, 2))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = array
        for dimension, label in zip(file["data"].dims, "xyzc", strict=True):
            dimension.label = label
        file["data"].attrs["element_size_um"] = [4.0, 0.5, 0.25]
    source = open_slices(tmp_path / "a.h5", channel=1)
    assert_stack(source, array[..., 1].transpose(2, 1, 0))
    assert source.spacing == Spacing(4, 0.5, 0.25, "um")
    assert source.provenance["channel"] == "1"


def test_a_fourth_axis_is_asked_about(tmp_path: Path) -> None:
    array = samples((2, 9, 70, 50))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["data"] = array
    assert "holds 2 channels: 0, 1; a volume is made of one" in refused(tmp_path / "a.h5")
    assert_stack(open_slices(tmp_path / "a.h5", channel=1), array[1])
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file["data"] = samples((2, 2, 3, 4, 5))
    assert "has 5 axes (2 × 2 × 3 × 4 × 5)" in refused(tmp_path / "b.h5")


def test_colour_and_other_types_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["fom"], file["ids"] = samples((70, 50, 3), "uint8"), samples(dtype="int64")
    assert "is a colour image (3 samples in each pixel)" in refused(f"{tmp_path}/a.h5:/fom")
    assert "holds int64; stackreel reads" in refused(f"{tmp_path}/a.h5:/ids")
    assert "leave --level 2 out" in refused(f"{tmp_path}/a.h5:/fom", level=2)


def plim(path: Path, section: np.ndarray, modality: str = "Direction", **attrs: Any) -> None:
    """A section as Jülich's pipelines store it."""
    with h5py.File(path, "w") as file:
        file.create_dataset("Image", data=section, chunks=(32, 32), compression="gzip")
        for level in (0, 1):
            file.create_dataset(f"pyramid/{level:02}", data=section[:: 2**level, :: 2**level])
        words = {"id": path.stem, "image_modality": modality, "created_by": "someone", "pixel_width": 1.3}
        file["Image"].attrs.update({**words, **attrs})


def test_a_folder_of_pli_sections_is_a_stack(tmp_path: Path) -> None:
    stack = samples((3, 70, 50), "float32")
    for z, section in enumerate(stack):
        plim(tmp_path / f"PE-2012_s{z + 9}_direction.h5", section)
    source = open_slices(tmp_path)
    assert_stack(source, stack)
    assert [file.path.name[8:11] for file in source.files] == ["s9_", "s10", "s11"]
    assert "pixels of 1.3 µm × 1.3 µm but no distance between sections" in source.notes[0]
    assert "--kind axial --period 180" in source.notes[1]
    assert "SLIX marks pixels without a direction with -1: --background -1" in source.notes[1]
    assert source.provenance == {
        "data_set": "/Image",
        "level": "0",
        "source_image_modality": "Direction",
        "source_created_by": "someone",
        "source_pixel_width": "1.3",
    }
    coarse = open_slices(f"{tmp_path}/*_direction.h5", level=1)
    assert_stack(coarse, stack[:, ::2, ::2])
    assert "pixels of 2.6 µm × 2.6 µm" in coarse.notes[0]
    assert_stack(open_slices(f"{tmp_path}/*_direction.h5:/pyramid/01"), stack[:, ::2, ::2])


def test_other_modalities_ask_nothing(tmp_path: Path) -> None:
    plim(tmp_path / "direction_of_travel.h5", samples((70, 50), "float32"), "Retardation")
    (note,) = open_slices(tmp_path / "direction_of_travel.h5").notes
    assert "no distance between sections" in note


def test_attributes_beside_a_pli_file_are_found(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "s1.h5", "w") as file:
        file["Image"] = samples((70, 50), "float32")
    said = {
        "image_modality": {"value": "direction", "dtype": "str"},
        "pixel_width": {"value": 0.0013, "dtype": "float", "unit": "mm"},
    }
    (tmp_path / "s1.json").write_text(json.dumps(said))
    source = open_slices(tmp_path / "s1.h5")
    assert source.provenance["source_image_modality"] == "direction"
    assert "pixels of 1.3 µm × 1.3 µm" in source.notes[0]


def test_files_that_do_not_belong_together_are_told(tmp_path: Path) -> None:
    for z in range(3):
        plim(tmp_path / f"s{z}.h5", samples((70, 50 + (z == 2)), "float32"))
    assert "slice 2 (s2.h5) is 70 × 51 float32; 2 of the 3 files are 70 × 50" in refused(tmp_path, SliceShapeError)
    with h5py.File(tmp_path / "s2.h5", "w") as file:
        file["Image"] = samples((4, 70, 50), "float32")
    assert "holds 4 sections in /Image, and there are 3 such files" in refused(tmp_path)
    with h5py.File(tmp_path / "s2.h5", "w") as file:
        file["data"] = samples((70, 50), "float32")
    assert "would give /data" in refused(tmp_path)


def test_sections_are_preferred_to_results_that_lie_beside_them(tmp_path: Path) -> None:
    import tifffile

    tifffile.imwrite(tmp_path / "s0.tif", samples((70, 50), "uint8"))
    plim(tmp_path / "brain.h5", samples((70, 50), "float32"))
    source = open_slices(tmp_path)
    assert source.dtype == np.uint8
    assert "brain.h5" in source.notes[0]


def test_a_volume_of_our_own_is_read_back(tmp_path: Path, make_volume: Any) -> None:
    array = samples((40, 70, 50), "uint8")
    volume = make_volume(array, Spacing(4, 1.3, 1.3, "um"))
    source = open_slices(volume.path)
    assert_stack(source, array)
    assert source.spacing == Spacing(4, 1.3, 1.3, "um")


def test_damage_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.h5").write_bytes(b"no HDF5")
    assert "a.h5 is not an HDF5 file that can be read" in refused(tmp_path / "a.h5", SliceReadError)
    array = samples((40, 70, 50))
    with h5py.File(tmp_path / "b.h5", "w") as file:
        data = file.create_dataset("data", data=array, chunks=(32, 70, 50), compression="gzip")
        place = data.id.get_chunk_info(1).byte_offset
    torn = bytearray((tmp_path / "b.h5").read_bytes())
    torn[place : place + 40] = bytes(40)
    (tmp_path / "b.h5").write_bytes(torn)
    source = open_slices(tmp_path / "b.h5")
    np.testing.assert_array_equal(source.read(3, slice(0, 70)), array[3])
    with pytest.raises(SliceReadError, match=r"slice 35 \(b.h5:/data\)"):
        source.read(35, slice(0, 70))
    source.close()
    with open(tmp_path / "b.h5", "ab") as file:
        file.write(b"more")
    with pytest.raises(SliceReadError, match="has changed since the stack was opened"):
        source.read(3, slice(0, 70))


def test_a_filter_that_hdf5_does_not_know_is_named(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((9, 70, 50))
        plist.set_filter(32768, h5py.h5z.FLAG_OPTIONAL, (1,))
        space = h5py.h5s.create_simple((9, 70, 50))
        h5py.h5d.create(file.id, b"data", h5py.h5t.NATIVE_UINT8, space, plist)
    assert "filter 32768 (unnamed), which HDF5 does not know here" in refused(tmp_path / "a.h5", SliceReadError)


def test_a_colon_behind_another_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.raw").write_bytes(b"123")
    assert "a colon and a name are for data sets in HDF5 files" in refused(f"{tmp_path}/a.raw:/data")
    assert "there is no such file" in refused(f"{tmp_path}/none.h5:/data")
