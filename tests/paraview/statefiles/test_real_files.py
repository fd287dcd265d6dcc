"""States, cameras and colour maps that others made, with ParaView 5.1 to 5.13, vtk.js and 3D Slicer."""

from __future__ import annotations

from pathlib import Path

import pytest

from stackreel.errors import ParaViewError
from stackreel.paraview.proxies import Ref
from stackreel.paraview.statefiles import read_state_file

COLORMAPS = {
    "paraview_ColorMaps.json": 199,
    "vtkjs_ColorMaps.json": 191,
    "slicer_VolumeProperty.vp": 1,
    "slicer_volren_presets.xml": 31,
    "paraview_xml/RdYlBu_Brewer.xml": 1,
    "paraview_xml/blueBrownGreenBathyTopoColorMap.xml": 1,
    "paraview_xml/blueGreenBathyTopoColorMap.xml": 1,
}


def test_an_animated_state_of_5_1_gives_its_orbit_and_its_moving_contours(real_data: Path) -> None:
    state = read_state_file(real_data / "traces" / "pvsm" / "jonas_anim.pvsm")
    assert state.version == "5.1.2"
    (camera,) = state.of("animation", "CameraAnimationCue")
    assert (camera.get("Mode"), camera.get("Enabled")) == ("Path-based", 0.0)
    view = state.behind(camera, "AnimatedProxy")
    assert view is not None
    assert (view.group, view.name) == ("views", "RenderView1")
    first = state.behind(camera, "KeyFrames")
    assert first is not None
    assert len(first.numbers("PositionPathPoints") or ()) == 21
    assert first.get("ClosedPositionPath") == 1.0
    moving = [cue for cue in state.of("animation", "KeyFrameAnimationCue") if cue.get("Enabled")]
    assert [cue.get("AnimatedPropertyName") for cue in moving] == ["Isosurfaces"]
    keys = [state.find(ref.key) for ref in moving[0].get("KeyFrames") if isinstance(ref, Ref)]  # type: ignore[union-attr]
    told = {key.get("KeyTime"): key.numbers("KeyValues") for key in keys if key is not None}
    assert told == {k / 5: (10.0 + 20.0 * k,) for k in range(6)}
    assert {table.name for table in state.of("lookup_tables")} == {"S", "Scalar"}
    assert state.unread == ()


def test_a_volume_rendering_of_5_12_gives_its_camera_colours_and_opacities(real_data: Path) -> None:
    state = read_state_file(real_data / "traces" / "pvsm" / "surf_volren.pvsm")
    (view,) = state.of("views", "RenderView")
    assert view.numbers("CameraViewUp") == pytest.approx((0.23990549, -0.25370941, -0.93705756))
    (shown,) = state.of("representations", "UniformGridRepresentation")
    assert (shown.get("Representation"), shown.get("ColorArrayName")) == ("Volume", ("POINTS", "scalars"))
    colors, opacities = (state.behind(shown, name) for name in ("LookupTable", "ScalarOpacityFunction"))
    assert colors is not None
    assert opacities is not None
    assert (colors.name, opacities.name, colors.get("ColorSpace")) == ("scalars", "scalars", "Diverging")
    assert (colors.numbers("RGBPoints") or ())[::4] == (0.0, 2047.5, 4095.0)
    assert (opacities.numbers("Points") or ())[:4] == (0.0, 0.0, 0.5, 0.0)


def test_a_state_of_5_13_gives_its_pipeline(real_data: Path) -> None:
    state = read_state_file(real_data / "traces" / "pvsm" / "kitware_WaveletExample.pvsm")
    part = next(p for p in state.of("filters", "ExtractGrid") if p.name == "ExtractSubset1")
    source = state.behind(part, "Input")
    assert source is not None
    assert (source.type, source.name) == ("RTAnalyticSource", "Wavelet1")
    assert len(part.numbers("VOI") or ()) == 6
    assert {table.name for table in state.of("lookup_tables")} == {"RTData"}  # one of them separate


def test_every_camera_file_gives_a_camera(real_data: Path) -> None:
    files = sorted((real_data / "traces" / "pvcc").iterdir())
    assert len(files) >= 4
    for file in files:
        (view,) = read_state_file(file).of("views", "RenderView")
        for name, size in (("CameraPosition", 3), ("CameraFocalPoint", 3), ("CameraViewUp", 3), ("CameraViewAngle", 1)):
            assert len(view.numbers(name) or ()) == size, (file.name, name)


@pytest.mark.parametrize("name", COLORMAPS)
def test_every_collection_of_colour_maps_is_read_whole(real_data: Path, name: str) -> None:
    state = read_state_file(real_data / "colormaps" / name)
    assert state.unread == ()
    assert len(state.of("lookup_tables", "PVLookupTable")) == COLORMAPS[name]
    for table in state.proxies:
        values = (table.numbers("RGBPoints") or ())[::4]
        assert table.name
        assert values or table.numbers("IndexedColors")
        assert list(values) == sorted(values), table.name


def test_groups_of_colour_maps_hold_no_colours(real_data: Path) -> None:
    with pytest.raises(ParaViewError, match="holds no colour map"):
        read_state_file(real_data / "colormaps" / "paraview_pqPresetGroups.json")
