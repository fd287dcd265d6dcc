"""Tables of colours and opacities, against VTK's own at 256 values."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from stackreel.paraview.importing import tables
from stackreel.scene.colormaps import color_points, parse_color

from ..conftest import import_vtk
from .conftest import proxy

vtk = import_vtk()

COOL_TO_WARM = [0, 0.231373, 0.298039, 0.752941, 0.5, 0.865003, 0.865003, 0.865003, 1, 0.705882, 0.0156863, 0.14902]
RAINBOW = [0, 0, 0, 1, 1, 1, 0, 0]
TISSUE = [20, 0.1, 0.05, 0.3, 60, 0.6, 0.3, 0.2, 61, 0.2, 0.7, 0.4, 240, 1, 0.95, 0.8]
WORDS = {
    "RGB": "RGB", "HSV": "HSV", "Lab": "Lab", "Diverging": "Diverging", "Lab/CIEDE2000": "LabCIEDE2000", "Step": "Step"
}  # fmt: skip


def vtk_colors(flat, space, values, *, log=False, wrap=False):
    table = vtk.vtkColorTransferFunction()
    table.AllowDuplicateScalarsOn()
    getattr(table, f"SetColorSpaceTo{WORDS[space]}")()
    table.SetHSVWrap(int(wrap))
    if log:
        table.SetScaleToLog10()
    for k in range(0, len(flat), 4):
        table.AddRGBPoint(*flat[k : k + 4])
    return np.array([table.GetColor(v) for v in values])


def movie_colors(data, values):
    if isinstance(data, dict):
        points = np.array(color_points(data["map"], *data["range"]))
    else:
        points = np.array([(x, *parse_color(c)) for x, c in data])
    return np.stack([np.interp(values, points[:, 0], points[:, k]) for k in (1, 2, 3)], axis=-1)


def table(flat, space, **settings):
    return proxy("lut", "lookup_tables", "PVLookupTable", "PLI", RGBPoints=flat, ColorSpace=space, **settings)


@pytest.mark.parametrize("flat", [COOL_TO_WARM, RAINBOW, TISSUE], ids=["cool to warm", "rainbow", "tissue"])
@pytest.mark.parametrize("space", ["RGB", "HSV", "Lab", "Diverging", "Step"])
@pytest.mark.parametrize("log", [False, True], ids=["linear", "log"])
def test_colours_are_vtks_to_one_in_255(flat, space, log):
    if log:  # a logarithm needs values above 0
        flat = [v + 1 if k % 4 == 0 else v for k, v in enumerate(flat)]
    low, high = flat[0], flat[-4]
    values = np.linspace(low - 0.1 * (high - low), high + 0.1 * (high - low), 256)
    values = values[values > 0] if log else values
    data, _ = tables.color_data(table(flat, space, UseLogScale=log))
    away = np.abs(movie_colors(data, values) - vtk_colors(flat, space, values, log=log))
    near_step = np.min(np.abs(values[:, None] - np.array(flat[::4])), axis=1) < 1e-9 * (high - low)
    assert away[~near_step].max() <= 1.0 / 255.0 + 1e-9
    if isinstance(data, list):
        assert len(data) <= 130


def test_colours_by_ciede2000_are_vtks():
    """VTK looks for its way anew for every value, and rounds what it finds: half of 1/255 on top, and few values."""
    values = np.linspace(-0.05, 1.05, 40)
    data, _ = tables.color_data(table(COOL_TO_WARM, "Lab/CIEDE2000"))
    away = np.abs(movie_colors(data, values) - vtk_colors(COOL_TO_WARM, "Lab/CIEDE2000", values))
    assert away.max() <= 1.25 / 255.0


@pytest.mark.parametrize("wrap", [False, True])
def test_hues_take_the_way_that_hsv_wrap_says(wrap):
    flat = [0, 1, 0, 0.2, 1, 1, 0.3, 0]
    values = np.linspace(0, 1, 256)
    data, _ = tables.color_data(table(flat, "HSV", HSVWrap=wrap))
    assert np.abs(movie_colors(data, values) - vtk_colors(flat, "HSV", values, wrap=wrap)).max() <= 1.0 / 255.0


def test_a_map_of_256_colours_needs_far_fewer_points():
    values = np.linspace(0, 255, 256)
    rgb = np.stack([values / 255, (values / 255) ** 2, np.sqrt(values / 255)], axis=-1)
    flat = [v for x, c in zip(values, rgb, strict=True) for v in (x, *c)]
    data, _ = tables.color_data(table(flat, "RGB"))
    assert len(data) < 60
    assert np.abs(movie_colors(data, values) - rgb).max() <= 1.0 / 255.0


def test_colours_that_have_a_name_are_written_by_name():
    data, _ = tables.color_data(table([v * 200 if k % 4 == 0 else v for k, v in enumerate(COOL_TO_WARM)], "Diverging"))
    assert data == {"map": "Cool to Warm", "range": [0.0, 200.0]}


def test_few_points_in_rgb_stay_as_they_are():
    data, _ = tables.color_data(table(TISSUE, "RGB"))
    assert [x for x, _ in data] == TISSUE[::4]


def test_a_preset_takes_the_range_that_was_set():
    lut = proxy("lut", "lookup_tables", ApplyPreset=("X Ray", 1), RescaleTransferFunction=[10, 90])
    assert tables.color_data(lut)[0] == {"map": "X Ray", "range": [10.0, 90.0]}


def test_an_inverted_preset_is_the_map_turned_round():
    lut = proxy("lut", "lookup_tables", ApplyPreset=("X Ray", 1), InvertTransferFunction=1)
    assert tables.color_data(lut)[0] == {"map": "X Ray_r"}


def test_an_inverted_table_has_its_colours_the_other_way_round():
    lut = table([10, 1, 0, 0, 20, 0, 1, 0, 50, 0, 0, 1], "RGB", InvertTransferFunction=1)
    assert tables.color_data(lut)[0] == [[10.0, "#0000ff"], [40.0, "#00ff00"], [50.0, "#ff0000"]]


def test_a_preset_that_nobody_knows_is_told_with_the_way_out():
    data, said = tables.color_data(proxy("lut", "lookup_tables", ApplyPreset=("Our Own Map 7", 1)))
    assert data is None
    assert "Our Own Map 7" in said[0]
    assert "Export" in said[0]


def test_points_are_stretched_to_the_range_that_a_script_set_after_them():
    lut = table([0, 0, 0, 0, 1, 1, 1, 1], "RGB", RescaleTransferFunction=[50, 150])
    data, _ = tables.color_data(lut)
    assert (data["map"], data["range"]) == ("Grayscale", [50.0, 150.0])


def test_colours_below_and_above_the_range_stand_at_its_ends():
    ends = {
        "UseBelowRangeColor": 1,
        "BelowRangeColor": [1, 0, 0],
        "UseAboveRangeColor": 1,
        "AboveRangeColor": [0, 0, 1],
    }
    data, _ = tables.color_data(table([10, 0, 0, 0, 20, 1, 1, 1], "RGB", **ends))
    assert data == [[10.0, "#ff0000"], [10.0, "#000000"], [20.0, "#ffffff"], [20.0, "#0000ff"]]


def test_categories_become_labels():
    lut = proxy(
        "lut", "lookup_tables", InterpretValuesAsCategories=1, Annotations=("3", "CA3", "7", "DG", "9", "fimbria"),
        IndexedColors=[1, 0, 0, 0, 1, 0],
    )  # fmt: skip
    assert tables.labels_of(lut) == {3: "#ff0000", 7: "#00ff00", 9: "#ff0000"}


# ---------------------------------------------------------------- opacities


def vtk_opacities(flat, values, *, log=False):
    function = vtk.vtkPiecewiseFunction()
    function.AllowDuplicateScalarsOn()
    if log:
        function.SetUseLogScale(True)
    for k in range(0, len(flat), 4):
        function.AddPoint(*flat[k : k + 4])
    return np.array([function.GetValue(v) for v in values])


@pytest.mark.parametrize(
    ("middle", "sharp"), [*itertools.product([0.5, 0.1, 0.8, 0.0, 1.0], [0.0, 0.005, 0.3, 0.7, 0.95])]
)
def test_opacities_are_vtks(middle, sharp):
    flat = [0, 0.0, middle, sharp, 100, 0.8, 0.3, 0.5 * sharp, 180, 0.1, 0.5, 0, 255, 0.4, 0.5, 0]
    values = np.linspace(-10, 265, 256)
    points = np.array(tables.opacity_points(flat))
    assert np.abs(np.interp(values, points[:, 0], points[:, 1]) - vtk_opacities(flat, values)).max() < 1.5e-3
    assert len(points) < 200


def test_full_sharpness_is_a_step_at_the_midpoint():
    """As in ParaView 5.11; VTK 9.7 has given that up."""
    assert tables.opacity_points([0, 0.1, 0.25, 1, 100, 0.9, 0.5, 0]) == [[0, 0.1], [25, 0.1], [25, 0.9], [100, 0.9]]


def test_opacities_on_a_logarithmic_scale_are_vtks():
    flat = [1, 0, 0.5, 0, 30, 0.7, 0.4, 0, 1000, 0.2, 0.5, 0]
    values = np.geomspace(1, 1000, 256)
    points = np.array(tables.opacity_points(flat, log=True))
    assert np.abs(np.interp(values, points[:, 0], points[:, 1]) - vtk_opacities(flat, values, log=True)).max() < 1e-3


def test_plain_opacities_stay_as_they_are():
    flat = [0, 0, 0.5, 0, 50, 0, 0.5, 0, 160, 0.1, 0.5, 0, 255, 0.4, 0.5, 0]
    assert tables.opacity_points(flat) == [[0, 0], [50, 0], [160, 0.1], [255, 0.4]]


def test_a_midpoint_alone_needs_one_more_point():
    assert tables.opacity_points([0, 0, 0.25, 0, 100, 1, 0.5, 0]) == [[0, 0], [25, 0.5], [100, 1]]


def test_a_step_is_a_value_given_twice():
    flat = [0, 0, 0.5, 0, 50, 0, 0.5, 0, 50, 0.2, 0.5, 0, 50, 0.9, 0.5, 0, 80, 1, 0.5, 0]
    assert tables.opacity_points(flat) == [[0, 0], [50, 0], [50, 0.9], [80, 1]]
