"""Cameras: one in a file, and the viewpoints of a session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from stackreel.errors import ParaViewError
from stackreel.paraview.statefiles import read_state_file

Written = Callable[[str, "str | bytes"], Path]

CAMERA = """\
<PVCameraConfiguration description="ParaView camera configuration" version="1.0">
  <Proxy group="views" type="RenderView" id="11332" servers="21">
    <Property name="CameraPosition" id="11332.CameraPosition" number_of_elements="3">
      <Element index="0" value="1.5"/><Element index="1" value="-2"/><Element index="2" value="0.25"/>
    </Property>
    <Property name="CameraViewAngle" id="11332.CameraViewAngle" number_of_elements="1">
      <Element index="0" value="30"/>
    </Property>
  </Proxy>
</PVCameraConfiguration>
"""


def test_a_camera_file_is_a_view_with_a_camera(written: Written) -> None:
    state = read_state_file(written("pose.pvcc", '<?xml version="1.0"?>\n' + CAMERA))
    (view,) = state.of("views", "RenderView")
    assert view.numbers("CameraPosition") == (1.5, -2.0, 0.25)
    assert view.get("CameraViewAngle") == 30.0
    assert view.line_of("CameraPosition") == 4
    assert state.version == ""


def test_custom_viewpoints_are_views_with_the_names_of_their_buttons(written: Written) -> None:
    text = f"""<?xml version="1.0"?>
<CustomViewpointsConfiguration version="1.0">
  <CustomViewpointButton0><ToolTip value="from the left"/><Configuration is_empty="0">{CAMERA}</Configuration>
  </CustomViewpointButton0>
  <CustomViewpointButton1><ToolTip value="Unnamed Viewpoint"/><Configuration is_empty="1"/></CustomViewpointButton1>
  <CustomViewpointButton2><ToolTip value="close-up"/><Configuration is_empty="0">{CAMERA}</Configuration>
  </CustomViewpointButton2>
</CustomViewpointsConfiguration>"""
    views = read_state_file(written("views.pvcvbc", text)).of("views")
    assert [(view.key, view.name) for view in views] == [("camera 1", "from the left"), ("camera 2", "close-up")]


def test_a_configuration_without_a_camera_is_refused(written: Written) -> None:
    with pytest.raises(ParaViewError, match="holds no camera"):
        read_state_file(written("none.pvcc", '<PVCameraConfiguration version="1.0"/>'))
