from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackreel.errors import VolumeError
from stackreel.geometry import Placement, Spacing
from stackreel.paraview.grid import Grid, Slab, grid_xml, renormalised

# the vervet's visual cortex, of which two XDMF files were written by hand
VERVET = Grid(
    "Vervet_Sehrinde.h5",
    "/PLI",
    "PLI",
    np.dtype("u1"),
    Placement.of((234, 28721, 31076), Spacing(40, 1, 1)),
)
SMALL = Grid("a.h5", "/d", "d", np.dtype("u1"), Placement.of((5, 6, 7), Spacing(3, 2, 1)))


def geometry(text: str) -> tuple[list[float], list[float]]:
    """Origin and spacing (z, y, x) as the document states them."""
    origin, spacing = ET.fromstring(text.encode()).iterfind(".//Geometry/DataItem")
    return [float(v) for v in origin.text.split()], [float(v) for v in spacing.text.split()]


def test_the_origins_full_size_file_is_reproduced_number_for_number() -> None:
    text = grid_xml(VERVET)
    (oz, oy, ox), (dz, dy, dx) = geometry(text)
    assert [f"{oz:.3f}", f"{oy:.4f}", f"{ox:.1f}"] == ["-0.151", "-0.4621", "-0.5"]
    assert [f"{dz:.4e}", f"{dy:.5e}", f"{dx:.5e}"] == ["1.2872e-03", "3.21792e-05", "3.21792e-05"]
    root = ET.fromstring(text.encode())
    assert root.find(".//Topology").attrib == {"TopologyType": "3DCoRectMesh", "Dimensions": "234 28721 31076"}
    data = root.find(".//Attribute/DataItem")
    assert data.text == "Vervet_Sehrinde.h5:/PLI"
    assert (data.get("NumberType"), data.get("Precision")) == ("UChar", "1")


def test_the_origins_subsampled_file_is_reproduced_number_for_number() -> None:
    slab = Slab.of(VERVET.placement.shape, (0, 0, 0), (1, 4, 4), (234, 7180, 7760))
    text = grid_xml(VERVET, slab, renormalise=True)
    (oz, oy, ox), (dz, dy, dx) = geometry(text)
    assert [f"{oz:.3f}", f"{oy:.4f}", f"{ox:.1f}"] == ["-0.151", "-0.4626", "-0.5"]
    assert [f"{dz:.5e}", f"{dy:.5e}", f"{dx:.5e}"] == ["1.28866e-03", "1.28866e-04", "1.28866e-04"]
    root = ET.fromstring(text.encode())
    assert root.find(".//Topology").get("Dimensions") == "234 7180 7760"
    item = root.find(".//DataItem[@ItemType='HyperSlab']")
    rows, source = item.findall("DataItem")
    assert rows.text.split() == ["0", "0", "0", "1", "4", "4", "234", "7180", "7760"]
    assert source.get("Dimensions") == "234 28721 31076"
    assert 12.5e9 < 234 * 7180 * 7760 < 13.1e9  # "12.5 GB" there


def test_without_renormalising_the_quarter_lies_on_the_full_grid() -> None:
    slab = Slab.of(VERVET.placement.shape, (10, 3, 2), (1, 4, 4))
    origin, spacing = geometry(grid_xml(VERVET, slab))
    full_origin, full_spacing = geometry(grid_xml(VERVET))
    assert spacing == [full_spacing[0], 4 * full_spacing[1], 4 * full_spacing[2]]
    assert origin == pytest.approx(
        [o + a * s for o, a, s in zip(full_origin, (10, 3, 2), full_spacing, strict=True)], rel=1e-15
    )


def test_renormalising_keeps_the_physical_size_of_a_voxel() -> None:
    full = Placement.of((30, 400, 500), Spacing(60, 1.3, 1.3, "um"))
    part = Slab.of(full.shape, stride=(1, 4, 4)).placement(full)
    own = renormalised(part)
    assert own.um_per_unit is not None
    assert own.step[2] * own.um_per_unit == pytest.approx(60)
    assert own.step[0] * own.um_per_unit == pytest.approx(5.2)


@given(st.tuples(*[st.floats(-1e3, 1e3)] * 3), st.tuples(*[st.floats(1e-9, 1e3)] * 3))
def test_written_numbers_give_the_same_doubles_back(
    origin: tuple[float, float, float], step: tuple[float, float, float]
) -> None:
    placed = replace(SMALL, placement=Placement((5, 6, 7), origin, step))
    assert geometry(grid_xml(placed)) == ([*origin[::-1]], [*step[::-1]])


@given(st.integers(1, 40), st.integers(0, 39), st.integers(1, 12))
def test_without_a_count_every_sample_that_fits_is_taken(n: int, start: int, stride: int) -> None:
    start = min(start, n - 1)
    assert Slab.of((n, n, n), (start, 0, 0), (stride, 1, 1)).count == (len(range(start, n, stride)), n, n)


@pytest.mark.parametrize(
    ("start", "stride", "count", "message"),
    [
        ((5, 0, 0), (1, 1, 1), None, "start along z is 5; there are samples 0 to 4"),
        ((0, -1, 0), (1, 1, 1), None, "start along y is -1"),
        ((0, 0, 0), (1, 0, 1), None, "stride along y is 0"),
        ((0, 0, 1), (1, 1, 3), (1, 1, 3), r"count along x is 3; from sample 1 on in steps of 3, 1 to 2 of 7"),
        ((0, 0, 0), (1, 1, 1), (0, 1, 1), "count along z is 0"),
    ],
)
def test_a_slab_that_leaves_the_grid_is_refused_with_what_would_fit(
    start: tuple[int, int, int], stride: tuple[int, int, int], count: tuple[int, int, int] | None, message: str
) -> None:
    with pytest.raises(VolumeError, match=message):
        Slab.of((5, 6, 7), start, stride, count)


def test_the_last_sample_that_fits_is_allowed() -> None:
    assert Slab.of((5, 6, 7), (4, 5, 0), (9, 9, 3), (1, 1, 3)).count == (1, 1, 3)


@pytest.mark.parametrize("grid", [replace(SMALL, file="a:b.h5"), replace(SMALL, dataset="/a:b")])
def test_a_colon_is_refused_because_the_reader_splits_there(grid: Grid) -> None:
    with pytest.raises(VolumeError, match="without a colon"):
        grid_xml(grid)


@pytest.mark.parametrize("dtype", ["u8", "f2", "?", "c8"])
def test_a_type_that_paraview_would_change_is_refused(dtype: str) -> None:
    with pytest.raises(VolumeError, match="cannot take"):
        grid_xml(replace(SMALL, dtype=np.dtype(dtype)))


def test_names_with_markup_and_comments_with_dashes_stay_well_formed() -> None:
    grid = replace(SMALL, file='R&D <1> "x".h5', name='a<b & "c"')
    root = ET.fromstring(grid_xml(grid, comment="left --> right ---- µ").encode())
    assert root.find(".//Grid").get("Name") == 'a<b & "c"'
    assert root.find(".//Attribute/DataItem").text == 'R&D <1> "x".h5:/d'
