"""Whatever stands in a file, reading it ends, and ends well."""

from __future__ import annotations

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackreel.paraview.proxies import State
from stackreel.paraview.trace import read_trace

TRACE = """\
# trace generated using paraview version 5.10.1
from paraview.simple import *
view = GetActiveViewOrCreate('RenderView')
r = XDMFReader(FileNames=['a', "b"]); r.X = 1
d = Show(r, view, 'UniformGridRepresentation')
ColorBy(d, ('POINTS', 'PLI'))
t = GetColorTransferFunction('PLI', d, separate=True)
t.RGBPoints = [0.0, 1, 1, 1,
    2.0, 0, 0, 0]
t.ApplyPreset('Jet', True)
d.LookupTable.RescaleTransferFunction(1, 2)
if __name__ == '__main__':
\tfor i in range(3):
\t\tview.CameraPosition = [i, 2, 3]
        Render()
else: pass
camera = GetActiveCamera()
camera.Azimuth(30); camera.Elevation(-20.5)
def f(a, b=2, *c, **e):
    k = CameraKeyFrame(KeyTime=a)
    return [k] * b
keys = f(1) + f(2)
GetCameraTrack(view=view).KeyFrames = keys
c = Clip(Input=r)
c.ClipType.Set(Origin=[0] * 3, Normal='%d' % 3)
view.Set(ViewSize=[10L, 20],
    CameraParallelScale=1.5)
SaveScreenshot(f'{i}.png', view, ImageResolution=[1, 2])
""".split("\n")  # noqa: SIM905

pieces = st.sampled_from(
    [*TRACE, *"()[]{}'\"#\\\n\t;:=.,@*%", '"""', "'''", "f'{", "1L", "view", "GetActiveView()", "lambda:", "**", "\\\n"]
)


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_is_read(text):
    assert isinstance(read_trace(text, "a.py"), State)


@settings(max_examples=300, deadline=None)
@given(st.lists(pieces, max_size=40), st.sampled_from(["", "\n", " "]))
def test_anything_that_looks_like_a_trace_is_read(parts, between):
    state = read_trace(between.join(parts), "a.py")
    assert all(each.line > 0 and each.reason for each in state.unread)
    assert len({each.key for each in state.proxies}) == len(state.proxies)


@pytest.mark.parametrize("seed", range(5))
def test_a_trace_with_any_damage_is_read(seed):
    chance = random.Random(seed)
    for _ in range(60):
        lines = list(TRACE)
        for _ in range(chance.randrange(1, 8)):
            j = chance.randrange(len(lines))
            at = chance.randrange(len(lines[j]) + 1)
            kind = chance.randrange(3)
            if kind == 0:
                lines[j] = lines[j][:at] + chance.choice("()[]{}'\"#\\\n\t;:=.,1") + lines[j][at:]
            elif kind == 1:
                lines[j] = lines[j][:at]
            else:
                lines.insert(j, chance.choice(lines))
        assert isinstance(read_trace("\n".join(lines), "a.py"), State)


HOSTILE = {
    "brackets": "(" * 50_000,
    "brackets on lines": "(\n" * 20_000,
    "quotes": "x = '\n" * 10_000,
    "triple quotes": "'''\\\n" * 10_000,
    "signs": "x = " + "-" * 50_000 + "1",
    "sums": "x = " + "1+" * 50_000 + "1",
    "calls": "a" + "()" * 20_000,
    "attributes": "a" + ".b" * 20_000 + " = 1",
    "lists in lists": "a = [1] * 10000\n"
    + "a = [a, a, a, a, a, a, a, a, a, a]\n" * 30
    + "GetRenderView().A = a\n" * 100,
    "growing text": "a = 'x' * 9999\n" + "a = a + a\n" * 100,
    "growing numbers": "a = 7\n" + "a = a * a + a\n" * 2_000,
    "functions that call each other": "".join(f"def f{i}():\n f{i + 1}()\n" for i in range(1_000)) + "f0()",
    "a function that calls itself": "def f():\n f()\nf()\n",
    "blocks in blocks": "".join(" " * i + "if x:\n" for i in range(500)),
    "unclosed lists": "x = Foo(1,\n  2, 3\n" * 5_000,
    "statements on a line": "a=1;" * 5_000 + "=",
    "white space": (" " * 200_000 + "\n" + "\t" * 200_000 + "\n") * 2 + "x",
    "empty lines": "\n" * 300_000,
    "comments": "#" * 500_000,
    "views with things shown": "".join(
        f"v{i} = CreateRenderView()\nd{i} = Show(Sphere(), v{i})\n" for i in range(1_000)
    ),
    "all hidden": "s = Sphere()\nShow(s)\nHideAll()\n" * 3_000,
    "pictures": "v = GetRenderView()\n"
    + "v.CameraPosition = [1, 2, 3]\nRender()\nv.CameraPosition = [3, 2, 1]\nRender()\n" * 1_000,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_reading_ends_soon(what):
    start = time.process_time()
    assert isinstance(read_trace(HOSTILE[what], "a.py"), State)
    assert time.process_time() - start < 10.0  # a tenth of it, in truth


def test_a_long_list_is_read_whole():
    said = (
        "t = GetColorTransferFunction('a')\nt.RGBPoints = [" + ",\n".join(["0.5, 1.0, 0.0, 0.25"] * 4096) + "]\nx = 1\n"
    )
    found = read_trace(said, "a.py").find("t")
    assert found
    assert len(found.numbers("RGBPoints") or ()) == 4 * 4096


def test_functions_that_call_one_another_from_deep_inside_are_told():
    deep = "".join(f"def f{k}(x):\n    y = {'[x, ' * 30}f{k + 1}(x){']' * 30}\n" for k in range(25))
    last = "def f25(x):\n    return x\na = f0(1)\nv.CameraPosition = [1, 2, 3]\n"
    text = f"v = GetActiveViewOrCreate('RenderView')\n{deep}{last}"
    state = read_trace(text, "t")
    assert state.proxies[0].numbers("CameraPosition") == (1.0, 2.0, 3.0)
    assert "it goes deeper than is followed" in {one.reason for one in state.unread}
