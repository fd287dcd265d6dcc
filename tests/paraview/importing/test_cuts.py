"""Clips, subsets, slices and contours; what stays is what VTK would have kept."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from stackreel.paraview.importing import Wanted, imported, movie_text
from stackreel.paraview.proxies import Ref
from stackreel.paraview.trace import read_trace
from stackreel.scene import parse

from ..conftest import import_vtk
from .conftest import proxy, state, view, volume

POINTS = np.random.default_rng(5).uniform(-0.5, 0.5, (400, 3))


def clip(key="clip1", by="Plane", source="reader", line=12, **settings):
    return proxy(key, "filters", "Clip", key, line, ClipType=by, Input=Ref(source), **settings)


def clipped(*clips, last="clip1"):
    """The parts of a state in which the volume is shown behind these filters."""
    return imported([state(view(), *volume(Input=Ref(last)), *clips)])


def kept(scene):
    """Which of the points the movie shows."""
    stays = np.ones(len(POINTS), dtype=bool)
    axes = {"x": [1, 0, 0], "y": [0, 1, 0], "z": [0, 0, 1], "-x": [-1, 0, 0], "-y": [0, -1, 0], "-z": [0, 0, -1]}
    for plane in scene.get("clip", ()):
        normal = axes[plane["normal"]] if isinstance(plane["normal"], str) else plane["normal"]
        stays &= (POINTS - plane["origin"]) @ np.asarray(normal) >= 0
    for axis, (low, high) in scene.get("crop", {}).items():
        along = POINTS[:, "xyz".index(axis)]
        stays &= (along >= low) & (along <= high)
    return stays


def vtk_values(function):
    return np.array([function.EvaluateFunction(*p) for p in POINTS])


@pytest.mark.parametrize("inside", [0, 1])
@pytest.mark.parametrize("normal", [(1, 0, 0), (0, 0, -2), (0.3, -1, 0.4)])
def test_a_clip_plane_keeps_the_side_that_paraview_keeps(inside, normal):
    plane = import_vtk().vtkPlane()
    plane.SetOrigin(0.1, -0.05, 0.02)
    plane.SetNormal(*normal)
    one = clip(ClipType__Origin=[0.1, -0.05, 0.02], ClipType__Normal=normal, Invert=inside)
    wanted = vtk_values(plane) <= 0 if inside else vtk_values(plane) >= 0
    assert (kept(clipped(one).scene) == wanted).all()


def test_a_clip_without_a_word_keeps_the_side_behind_its_normal():
    scene = clipped(clip(ClipType__Origin=[0, 0, 0.1], ClipType__Normal=[0, 0, 1])).scene
    assert scene["clip"] == [{"origin": [0.0, 0.0, 0.1], "normal": "-z"}]


def test_the_plane_of_a_state_file_stands_by_itself():
    plane = proxy("17", "implicit_functions", "Plane", "", Origin=[0, 0.1, 0], Normal=[0, 1, 0])
    one = proxy("clip1", "filters", "Clip", "Clip1", ClipType=Ref("17"), Input=Ref("reader"), Invert=0)
    assert clipped(one, plane).scene["clip"] == [{"origin": [0.0, 0.1, 0.0], "normal": "y"}]


def test_several_clips_in_a_row_cut_together():
    first = clip("clip1", ClipType__Origin=[0, 0, 0], ClipType__Normal=[1, 0, 0])
    second = clip("clip2", source="clip1", ClipType__Origin=[0, 0, 0], ClipType__Normal=[0, 1, 0])
    scene = clipped(first, second, last="clip2").scene
    assert (kept(scene) == ((POINTS[:, 0] <= 0) & (POINTS[:, 1] <= 0))).all()
    assert "clip" not in clipped(first, second, last="reader").scene


def test_a_box_keeps_its_inside():
    one = clip(by="Box", ClipType__Position=[-0.2, -0.1, -0.3], ClipType__Length=[0.3, 0.5, 0.2])
    assert clipped(one).scene["crop"] == {
        "x": [-0.2, pytest.approx(0.1)], "y": [-0.1, pytest.approx(0.4)], "z": [-0.3, pytest.approx(-0.1)]
    }  # fmt: skip


def test_a_box_of_old_times_is_scaled_and_moved_bounds():
    one = clip(
        by="Box",
        ClipType__Bounds=[-0.4, 0.4, -0.4, 0.4, -0.4, 0.4],
        ClipType__Scale=[0.5, 1, 0.25],
        ClipType__Position=[0.1, 0, 0],
    )
    crop = clipped(one).scene["crop"]
    assert crop["x"] == pytest.approx([-0.1, 0.3])
    assert crop["z"] == pytest.approx([-0.1, 0.1])


def test_a_box_that_stands_askew_becomes_planes():
    vtk = import_vtk()
    move, box = vtk.vtkTransform(), vtk.vtkBox()
    move.Translate(-0.2, -0.1, -0.2)
    move.RotateZ(30)
    move.RotateX(20)
    move.RotateY(10)
    box.SetBounds(0, 0.4, 0, 0.5, 0, 0.3)
    box.SetTransform(move.GetInverse())
    one = clip(
        by="Box",
        ClipType__Position=[-0.2, -0.1, -0.2],
        ClipType__Length=[0.4, 0.5, 0.3],
        ClipType__Rotation=[20, 10, 30],
    )
    inside = np.array([box.FunctionValue(p) for p in POINTS]) <= 0
    assert inside.sum() > 10
    assert (kept(clipped(one).scene) == inside).all()


@pytest.mark.parametrize(
    ("by", "settings", "said"),
    [
        ("Cylinder", {"ClipType__Radius": 0.2}, "a clip by cylinder cannot be said"),
        ("Sphere", {"ClipType__Radius": 0.2}, "a clip by sphere cannot be said"),
        ("Scalar", {"Value": 40}, "which values show"),
        ("Box", {"ClipType__Position": [0, 0, 0], "ClipType__Length": [0.2] * 3, "Invert": 0}, "keeps the rest"),
    ],
)
def test_what_a_movie_cannot_cut_is_told_with_its_line(by, settings, said):
    parts = clipped(clip(by=by, **settings))
    assert "clip" not in parts.scene
    assert "crop" not in parts.scene
    assert next(str(one) for one in parts.report.left if said in str(one)).startswith("trace.py:12: clip1: ")


def test_a_subset_in_samples_is_a_box_in_the_world_with_the_volume_at_hand(ground, subject):
    subset = proxy(
        "clip1", "filters", "ExtractSubset", "ExtractSubset1", 9, VOI=[10, 49, 0, 199, 5, 14], Input=Ref("reader")
    )
    seen = state(view(), *volume(Input=Ref("clip1")), subset)
    crop = imported([seen], Wanted(ground=ground, subject=subject)).scene["crop"]
    assert set(crop) == {"x", "z"}
    low, high = ground.full.world_from_index((5, 0, 10)), ground.full.world_from_index((14, 0, 49))
    step = ground.full.step
    assert crop["x"] == pytest.approx([low[0] - step[0] / 2, high[0] + step[0] / 2])
    assert crop["z"] == pytest.approx([low[2] - step[2] / 2, high[2] + step[2] / 2])
    assert any("trace.py:9" in str(one) and "--volume" in str(one) for one in imported([seen]).report.left)


def test_slices_stand_where_their_offsets_say():
    cut = proxy("slice1", "filters", "Slice", "Slice1", SliceType="Plane", SliceType__Origin=[0, 0, 0.1],
                SliceType__Normal=[0, 0, 1], SliceOffsetValues=[0, -0.05], Input=Ref("reader"))  # fmt: skip
    shown = proxy(
        "d2", "representations", "GeometryRepresentation", Input=Ref("slice1"), View=Ref("renderView1"), Opacity=0.7
    )
    scene = imported([state(view(), *volume(), cut, shown)]).scene
    assert [(s["axis"], round(s["at"], 9), s["opacity"]) for s in scene["slices"]] == [
        ("z", 0.1, 0.7),
        ("z", 0.05, 0.7),
    ]
    assert len({s["name"] for s in scene["slices"]}) == 2


def test_slices_alone_hide_the_volume():
    cut = proxy("slice1", "filters", "Slice", "Slice1", SliceType__Normal=[1, 1, 0], Input=Ref("reader"))
    shown = proxy("d2", "representations", "GeometryRepresentation", Input=Ref("slice1"), View=Ref("renderView1"),
                  ColorArrayName=("POINTS", "PLI"), LookupTable=Ref("lut"), Representation="Surface")  # fmt: skip
    parts = imported([state(view(), *volume(Visibility=0), cut, shown)])
    assert parts.scene["opacity"] == [[0.0, 0.0]]
    assert parts.scene["slices"][0]["normal"] == pytest.approx([0.5**0.5, 0.5**0.5, 0])
    assert parts.scene["color"] == [[0.0, "#000000"], [255.0, "#ff8000"]]
    parse(movie_text(parts, "brain.h5", ["trace.py"]))


def test_a_contour_is_an_iso_surface_in_its_colours():
    contour = proxy("c1", "filters", "Contour", "Contour1", Isosurfaces=[60, 120], Input=Ref("reader"))
    shown = proxy("d2", "representations", "GeometryRepresentation", Input=Ref("c1"), View=Ref("renderView1"),
                  ColorArrayName=(None, ""), DiffuseColor=[1, 0.5, 0], Opacity=0.5)  # fmt: skip
    parts = imported([state(view(), *volume(Visibility=0), contour, shown)])
    assert parts.scene["iso"] == [{"value": v, "color": "#ff8000", "opacity": 0.5} for v in (60.0, 120.0)]
    parse(movie_text(parts, "brain.h5", ["trace.py"]))
    beside = imported([state(view(), *volume(), contour, shown)])
    assert beside.looks["Contour1"]["iso"] == parts.scene["iso"]
    assert "iso" not in beside.scene


def test_of_several_files_the_last_has_the_word_and_no_two_contradict():
    contour = proxy("c1", "filters", "Contour", "Contour1", Isosurfaces=[60], Input=Ref("reader"))
    shown = proxy("d2", "representations", "GeometryRepresentation", Input=Ref("c1"), View=Ref("renderView1"))
    surfaces, volumes = state(view(), *volume(Visibility=0), contour, shown), state(view(), *volume())
    assert "iso" not in imported([surfaces, volumes]).scene
    last = imported([volumes, surfaces])
    assert "color" not in last.scene
    parse(movie_text(last, "brain.h5", ["a.py", "b.py"]))


def test_a_filter_that_changes_values_is_told():
    median = proxy("clip1", "filters", "Median", "Median1", 33, Input=Ref("reader"))
    parts = clipped(median)
    assert any(
        str(one).startswith("trace.py:33: Median1: the filter Median is not applied") for one in parts.report.left
    )


# ---------------------------------------------------------------- the ground

BOTH = {"Background": [0, 0, 0], "Background2": [1, 1, 1]}


@pytest.mark.parametrize(
    ("settings", "wanted"),
    [
        ({"Background": [1, 0.5, 0]}, "#ff8000"),
        ({**BOTH, "BackgroundColorMode": "Gradient"}, {"top": "#ffffff", "bottom": "#000000"}),
        ({**BOTH, "UseGradientBackground": 1}, {"top": "#ffffff", "bottom": "#000000"}),
    ],
)
def test_the_background_is_paraviews(settings, wanted):
    assert imported([state(view(**settings), *volume())]).scene["background"] == wanted


def test_a_palette_brings_its_background():
    palette = proxy("p", "misc", "LoadPalette", "WhiteBackground")
    assert imported([state(view(), *volume(), palette)]).scene["background"] == "#ffffff"
    assert imported([state(view(Background=[0, 0, 0]), *volume(), palette)]).scene["background"] == "#000000"


def test_a_background_that_is_not_in_the_file_is_told():
    parts = imported([state(view(), *volume())])
    assert "background" not in parts.scene
    assert any("the background" in str(one) for one in parts.report.left)


def test_light_and_blend_of_the_volume_come_over():
    lit = volume(Shade=1, Ambient=0.2, Diffuse=0.8, Specular=0.3, SpecularPower=40)
    assert imported([state(view(), *lit)]).scene["light"] == {
        "ambient": 0.2, "diffuse": 0.8, "specular": 0.3, "specular_power": 160.0
    }  # fmt: skip
    parts = imported([state(view(), *volume(BlendMode="Maximum Intensity"))])
    assert parts.scene["blend"] == "maximum"
    assert "light" not in parts.scene
    told = imported([state(view(), *volume(BlendMode="Additive"))]).report.left
    assert any("Additive" in str(one) for one in told)


def test_a_volume_that_is_moved_in_paraview_is_told():
    parts = imported([state(view(), *volume(Position=[1, 0, 0], Scale=[1, 1, 1]))])
    assert any("moved, turned or scaled (Position)" in str(one) for one in parts.report.left)


# ---------------------------------------------------------------- normals of any length

PLANES = """
from paraview.simple import *
source = Wavelet(WholeExtent=[-10, 10, -10, 10, -10, 10])
cut = Clip(Input=source, ClipType="Plane")
cut.ClipType.Origin, cut.ClipType.Normal, cut.ClipType.Offset = [0, 0, 0], [0, 0, 2], 1.5
cut.UpdatePipeline()
print("found", cut.GetDataInformation().GetBounds()[5])
for values in ([1.5], [2.0, 6.0]):
    for offset in (0.0, 0.5):
        one = Slice(Input=source, SliceType="Plane")
        one.SliceType.Origin, one.SliceType.Normal, one.SliceType.Offset = [0, 0, 0], [0, 0, 2], offset
        one.SliceOffsetValues = values
        one.UpdatePipeline()
        print("found", *one.GetDataInformation().GetBounds()[4:])
"""


@pytest.mark.paraview
def test_offsets_along_long_normals_are_paraviews(pvpython, tmp_path):
    script = tmp_path / "planes.py"
    script.write_text(PLANES)
    done = subprocess.run(
        [pvpython, "--force-offscreen-rendering", script], capture_output=True, text=True, timeout=60, check=True
    )
    found = [[float(v) for v in line.split()[1:]] for line in done.stdout.splitlines() if line.startswith("found")]
    cut = clip(ClipType__Origin=[0, 0, 0], ClipType__Normal=[0, 0, 2], ClipType__Offset=1.5)
    assert clipped(cut).scene["clip"][0]["origin"][2] == pytest.approx(found[0][0])
    cases = [(values, offset) for values in ([1.5], [2.0, 6.0]) for offset in (0.0, 0.5)]
    for (values, offset), bounds in zip(cases, found[1:], strict=True):
        places = [s["at"] for s in sliced(values, offset)]
        assert [min(places), max(places)] == pytest.approx(bounds)


def sliced(values, offset):
    one = proxy("slice1", "filters", "Slice", "Slice1", SliceType="Plane", SliceType__Normal=[0, 0, 2],
                SliceType__Offset=offset, SliceOffsetValues=values, Input=Ref("reader"))  # fmt: skip
    shown = proxy("d2", "representations", "GeometryRepresentation", Input=Ref("slice1"), View=Ref("renderView1"))
    return imported([state(view(), *volume(), one, shown)]).scene["slices"]


def test_whole_cells_along_a_clip_are_told():
    left = clipped(clip(ClipType__Normal=[1, 0, 0], Crinkleclip=1)).report.left
    assert any("whole cells (crinkle)" in str(one) for one in left)


def test_behind_a_clip_the_opacity_unit_is_said_to_be_the_full_grids(ground, subject):
    wanted = Wanted(ground=ground, subject=subject)
    bare = volume(Input=Ref("clip1"), ScalarOpacityUnitDistance=0)
    behind = imported([state(view(), *bare, clip(ClipType__Normal=[1, 0, 0]))], wanted)
    assert any("that of the full grid was taken" in str(one) for one in behind.report.left)
    whole = imported([state(view(), *volume(ScalarOpacityUnitDistance=0))], wanted)
    assert whole.scene["opacity_unit"] == behind.scene["opacity_unit"]
    assert not any("full grid" in str(one) for one in whole.report.left)


# ---------------------------------------------------------------- colours that no line says

COLORED = """from paraview.simple import *
reader = XDMFReader(FileNames=["/data/brain.xmf2"])
view = GetActiveViewOrCreate("RenderView")
first = Show(reader, view)
ColorBy(first, ("POINTS", "brain"))
first.SetRepresentationType("Volume")
lut = GetColorTransferFunction("brain")
"""
CUT = """cut = Clip(Input=reader)
second = Show(cut, view)
Hide(reader, view)
second.SetRepresentationType("Volume")
"""


@pytest.mark.parametrize("more", ["", CUT])
def test_an_array_without_values_has_paraviews_own_colours(ground, subject, more):
    seen = read_trace(COLORED + more, "trace.py")
    scene = imported([seen], Wanted(ground=ground, subject=subject)).scene
    low, high = subject.color_range
    assert scene["color"] == {"map": "Cool to Warm", "range": [low, high]}
    assert scene["opacity"] == [[low, 0.0], [high, 1.0]]
    assert any("no opacities are in the file" in str(one) for one in imported([seen]).report.left)


def test_what_a_filter_shows_inherits_its_inputs_colours():
    said = "lut.RGBPoints = [0, 0, 0, 0, 255, 1, 0.5, 0]\nlut.ColorSpace = 'RGB'\n"
    scene = imported([read_trace(COLORED + said + CUT, "trace.py")]).scene
    assert scene["color"] == [[0.0, "#000000"], [255.0, "#ff8000"]]
