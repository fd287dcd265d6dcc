"""A trace and a state that the installed ParaView writes itself."""

from __future__ import annotations

import subprocess

import pytest

from stackreel.paraview.proxies import Ref
from stackreel.paraview.trace import read_trace_file

from ..conftest import find_pvpython

SCRIPT = """
import sys
from paraview import smstate, smtrace
from paraview.simple import *

smtrace.start_trace()
source = Wavelet()
view = GetActiveViewOrCreate('RenderView')
display = Show(source, view)
display.SetRepresentationType('Volume')
ColorBy(display, ('POINTS', 'RTData'))
table = GetColorTransferFunction('RTData')
table.ApplyPreset('Viridis (matplotlib)', True)
table.RescaleTransferFunction(50.0, 250.0)
clip = Clip(Input=source)
clip.ClipType = 'Box'
Show(clip, view)
view.ResetCamera()
view.CameraPosition = [1, 2, 3]
view.CameraFocalPoint = [0, 0.5, 0]
with open('trace.py', 'w') as file:
    file.write(smtrace.stop_trace())
with open('state.py', 'w') as file:
    file.write(smstate.get_state())
"""


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The folder with trace.py and state.py."""
    pvpython = find_pvpython()
    folder = tmp_path_factory.mktemp("written")
    (folder / "write.py").write_text(SCRIPT)
    command = [pvpython, "--force-offscreen-rendering", "write.py"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.mark.paraview
@pytest.mark.parametrize("name", ["trace.py", "state.py"])
def test_what_paraview_writes_is_read_whole(written, name):
    state = read_trace_file(written / name)
    assert not state.unread
    assert state.version.startswith(("5.", "6."))
    (view,) = state.of("views")
    assert view.numbers("CameraPosition") == (1.0, 2.0, 3.0)
    assert view.numbers("CameraFocalPoint") == (0.0, 0.5, 0.0)
    (source,) = state.of("sources")
    (clip,) = state.of("filters")
    assert (source.type, clip.type, clip.get("Input")) == ("Wavelet", "Clip", Ref(source.key))
    volume = next(each for each in state.of("representations") if each.get("Input") == Ref(source.key))
    assert (volume.type, volume.get("Representation")) == ("UniformGridRepresentation", "Volume")
    assert volume.get("ColorArrayName") == ("POINTS", "RTData")
    table, opacity = state.behind(volume, "LookupTable"), state.behind(volume, "ScalarOpacityFunction")
    assert table
    assert opacity
    assert (table.group, table.name, opacity.group) == ("lookup_tables", "RTData", "piecewise_functions")
    if name == "trace.py":
        assert table.get("ApplyPreset") == ("Viridis (matplotlib)", 1.0)
        assert table.get("RescaleTransferFunction") == (50.0, 250.0)
    else:
        assert len(table.numbers("RGBPoints") or ()) > 100
        assert clip.get("ClipType") == "Box"
        assert clip.numbers("ClipType.Length") == (20.0, 20.0, 20.0)
