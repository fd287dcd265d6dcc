"""Scripts that people write by hand: what is plain in them is taken, what only a run would tell is told."""

from __future__ import annotations

import pytest

from stackreel.errors import ParaViewError
from stackreel.paraview.proxies import Proxy, State
from stackreel.paraview.trace import LARGEST, read_trace, read_trace_file

VIEW = "from paraview.simple import *\nview = GetActiveViewOrCreate('RenderView')\n"


def of(state: State, key: str) -> Proxy:
    found = state.find(key)
    assert found, f"{key} is not among {[each.key for each in state.proxies]}"
    return found


def position(said: str) -> tuple[float, ...] | None:
    state = read_trace(VIEW + said, "a.py")
    assert not state.unread
    return of(state, "view").numbers("CameraPosition")


def told(said: str) -> list[tuple[int, str]]:
    return [(each.line - 2, each.reason) for each in read_trace(VIEW + said, "a.py").unread]


@pytest.mark.parametrize(
    "said",
    [
        "view.CameraPosition = [1, 2, 3]",
        "view.CameraPosition = (+1.0, --2, 6/2)",
        "import math\nview.CameraPosition = [math.cos(0), math.sqrt(4), round(math.pi)]",
        "x, y = 1, 2\nview.CameraPosition = [x, y] + [x + y]",
        "places = {'far': [1, 2, 3]}\nview.CameraPosition = places['far']",
        "places = [[9, 9, 9]]\nplaces.append([1, 2, 3])\nview.CameraPosition = places[-1]",
        "p = [0, 2, 0]\np[0] = 1\np[2] += 3\nview.CameraPosition = p",
        "p = (1, 2, 3, 4)\nview.CameraPosition = p[:3]",
        "view.CameraPosition = [1] * 3\nview.CameraPosition[1] = 2\nview.CameraPosition[2] += 2",
        "view.Set(CameraPosition=[1, 2, 3])",
        "SetProperties(view, CameraPosition=[1, 2, 3])",
        "SetViewProperties(view, CameraPosition=[1, 2, 3])",
        "given = {'CameraPosition': [1, 2, 3]}\nview.Set(**given)",
        "setattr(view, 'CameraPosition', [1, 2, 3])",
        "camera = GetActiveCamera()\ncamera.SetPosition(1, 2, 3)",
        "view.GetActiveCamera().SetPosition([1, 2, 3])",
        "if __name__ == '__main__':\n    view.CameraPosition = [1, 2, 3]",
        "try:\n    view.CameraPosition = [1, 2, 3]\nfinally:\n    pass",
        "with open('a') as f:\n    view.CameraPosition = [1, 2, 3]",
        "far = True\nif not far:\n    view.CameraPosition = [9, 9, 9]\nelif far:\n    view.CameraPosition = [1, 2, 3]\n"
        "else:\n    view.CameraPosition = [8, 8, 8]",
        "for i in range(10):\n    view.CameraPosition = [1, 2, 3]",
        "def main():\n    view.CameraPosition = [1, 2, 3]\nmain()",
        "def main():\n    view.CameraPosition = [1, 2, 3]",
        "def put(v, x, y=2):\n    v.CameraPosition = [x, y, 3]\nput(view, 1)",
        "def place():\n    return [1, 2, 3]\nview.CameraPosition = place()",
        "import paraview.simple as pvs\npvs.GetActiveView().CameraPosition = [1, 2, 3]",
        "import paraview.simple\nparaview.simple.GetActiveView().CameraPosition = [1, 2, 3]",
        "from paraview import simple\nsimple.GetRenderViews()[0].CameraPosition = [1, 2, 3]",
        "view.CameraPosition = [1,\n2,  # why\n\n3]",
        "view.CameraPosition = \\\n    [1, 2, 3]",
        "a = 5; view.CameraPosition = [1, 2, 3]; b = 6",
        "view.CameraPosition = [float('%d' % 1), int(f'{2}'), len('{}bc'.format('a'))]",
    ],
)
def test_what_is_plain_is_taken(said):
    assert position(said) == (1.0, 2.0, 3.0)


@pytest.mark.parametrize(
    ("said", "line", "reason"),
    [
        ("import sys\nview.CameraPosition = [float(sys.argv[1]), 0, 0]", 2, "sys.argv"),
        ("import numpy as np\np = np.linspace(0, 1, 3)\nview.CameraPosition = p", 3, "numpy.linspace"),
        ("for i in range(9):\n    view.CameraPosition = [i, 0, 0]", 2, "loop (`for i in range(9):`, line 3)"),
        ("x = 0\nwhile x < 9:\n    x += 1\n    view.CameraPosition = [x, 0, 0]", 4, "loop"),
        ("if anything():\n    view.CameraPosition = [1, 2, 3]", 2, "`if anything():`"),
        ("import sys\nx = 1\nif len(sys.argv) > 1:\n    x = 2\nview.CameraPosition = [x, 0, 0]", 5, "len(sys.argv)"),
        ("view.CameraPosition = [a for a in (1, 2, 3)]", 1, "loop"),
        ("view.CameraPosition = nowhere", 1, "`nowhere` is not known"),
        ("def put(x):\n    view.CameraPosition = [x, 0, 0]\nput(1)\nput(2)", 2, "what put() is given"),
        ("view.CameraPosition = 9 ** 9 ** 9", 1, "too large"),
        ("view.CameraPosition = [0] * 10 ** 9", 1, "too long"),
        ("view.CameraPosition = '%99999999d' % 1", 1, "text"),
        (
            "keys = []\nfor i in range(9):\n    keys.append(CameraKeyFrame())\nGetCameraTrack(view).KeyFrames = keys",
            4,
            "loop",
        ),
        ("Mine(view)\nmy_own(view)", 2, "view"),
        ("LoadState('other.pvsm')", 1, "other.pvsm"),
        ("view.DoSomethingNew(3)", 1, "DoSomethingNew"),
        ("other.CameraPosition = [1, 2, 3]", 1, "`other`"),
    ],
)
def test_what_only_a_run_would_tell_is_told_with_its_line(said, line, reason):
    found = told(said)
    assert [each for each in found if each[0] == line and reason in each[1]], found


def test_what_has_nothing_to_do_with_paraview_is_not_told():
    assert not told(
        """
import os, sys
import matplotlib.pyplot as plt
'''a text'''
print("hello")
plt.Figure = 3
data = open(sys.argv[1]).read()
os.makedirs('x')
for name in os.listdir('.'):
    print(name)
LoadPlugin('a.so')
layout = GetLayout()
layout.SplitHorizontal(0, 0.5)
HideScalarBarIfNotNeeded(GetColorTransferFunction('a'), view)
view.Update()
UpdatePipeline()
"""
    )


def test_a_value_that_is_not_known_does_not_leave_the_one_before():
    state = read_trace(VIEW + "view.ViewSize = [1, 2]\nview.ViewSize = sizes()\n", "a.py")
    assert of(state, "view").get("ViewSize") is None
    assert [each.line for each in state.unread] == [4]


def test_in_a_branch_that_is_not_known_the_value_before_stays():
    state = read_trace(VIEW + "view.ViewSize = [1, 2]\nif what():\n    view.ViewSize = [3, 4]\n", "a.py")
    assert of(state, "view").numbers("ViewSize") == (1.0, 2.0)
    assert [each.text for each in state.unread] == ["view.ViewSize = [3, 4]"]


PYTHON_2 = """\
#!/usr/bin/env pvpython
from paraview.simple import *
view = GetRenderView()
print "reading", 'a'
print >>log, "b"
view.ViewSize = [1024L, 0777]
if 1 <> 2:
\tview.Background = [1, 1, 1]
        view.Background2 = [0, 0, 0]
try:
    pass
except ValueError, error:
    raise ValueError, "no"
exec "x = 1"
r = XMLImageDataReader(FileName=[ur'C:\\Users\\new', 'D:\\User\\x'])
s = u"é"
view.CameraPosition = [1, 2, 3L]
"""


def test_python_2_is_read():
    state = read_trace(PYTHON_2, "a.py")
    assert not state.unread
    view = of(state, "view")
    assert view.numbers("ViewSize") == (1024.0, 511.0)
    assert (view.numbers("Background"), view.numbers("Background2")) == ((1.0,) * 3, (0.0,) * 3)
    assert view.numbers("CameraPosition") == (1.0, 2.0, 3.0)
    assert of(state, "r").get("FileName") == (r"C:\Users\new", r"D:\User\x")


@pytest.mark.parametrize(
    "broken",
    [
        "view.Background = [1, 1,",
        "view.Background = [1, 1, 1))",
        "view.Background = (1, 1, 1]",
        "t = Foo(a, b\n    c = 3",
        'text = """never closed',
        "text = 'never closed",
        "view.Background = ",
        "def f(a, b:\n    pass",
        "for in range(3):\n    pass",
        "if (a:\n    pass",
        "x = {1: 2",
        "1 2 3",
        "view..Background = 3",
        "\x00\x01",
        "a = (((((((((((",
        "x = " + "(" * 70 + ")" * 70,
    ],
)
def test_a_broken_line_swallows_nothing_but_itself(broken):
    before = VIEW + "view.ViewSize = [800, 600]\n"
    state = read_trace(f"{before}{broken}\nview.CameraPosition = [1, 2, 3]\nview.CameraViewAngle = 20\n", "a.py")
    assert state.unread[0].line == 4
    assert state.unread[0].reason
    assert all(each.line <= 4 + broken.count("\n") for each in state.unread)
    view = of(state, "view")
    assert view.numbers("ViewSize") == (800.0, 600.0)
    assert view.numbers("CameraPosition") == (1.0, 2.0, 3.0)
    assert view.line_of("CameraViewAngle") == 6 + broken.count("\n")


def test_nothing_of_a_trace_is_ever_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    state = read_trace(
        f"""
import os, subprocess, pathlib
open({str(tmp_path / "a")!r}, 'w').write('x')
os.system('touch {tmp_path / "b"}')
subprocess.run(['touch', {str(tmp_path / "c")!r}])
__import__('os').mkdir({str(tmp_path / "d")!r})
exec("open('e', 'w')")
eval("open('f', 'w')")
v = GetRenderView()
v.CameraPosition = [os.mkdir({str(tmp_path / "g")!r}), 0, 0]
v.ViewSize = pathlib.Path({str(tmp_path / "h")!r}).touch()
v.Title = '{{0.__class__}}'.format(v)
v.Other = [].__class__.__base__.__subclasses__()
v.More = f"{{open('i', 'w')}}"
SaveScreenshot({str(tmp_path / "j.png")!r}, v)
class A(metaclass=print): pass
@os.system
def f(x=os.mkdir({str(tmp_path / "k")!r})): pass
f()
""",
        "a.py",
    )
    assert list(tmp_path.iterdir()) == []
    assert [each.type for each in state.of("misc")] == ["SaveScreenshot"]
    names = {"CameraPosition", "ViewSize", "Title", "Other", "More"}
    assert not names & set(of(state, "v").settings)


def test_a_file_is_read_in_the_encodings_that_people_have(tmp_path):
    said = "# trace generated using paraview version 5.9.0\r\nv = GetRenderView()\r\nv.Title = 'é'\r\n"
    for name, encoding in (("a", "utf-8"), ("b", "latin-1"), ("c", "utf-16"), ("d", "utf-8-sig")):
        path = tmp_path / f"{name}.py"
        path.write_bytes(said.encode(encoding))
        state = read_trace_file(path)
        assert (state.name, state.version, of(state, "v").get("Title")) == (f"{name}.py", "5.9.0", "é")


def test_a_file_that_is_no_text_is_refused_with_its_name(tmp_path):
    with pytest.raises(ParaViewError, match="there is no such file"):
        read_trace_file(tmp_path / "none.py")
    with pytest.raises(ParaViewError, match="is a folder"):
        read_trace_file(tmp_path)
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    with pytest.raises(ParaViewError, match=r"a\.png: is not text"):
        read_trace_file(tmp_path / "a.png")
    with (tmp_path / "long.py").open("wb") as file:
        file.truncate(LARGEST + 1)
    with pytest.raises(ParaViewError, match=r"long\.py: is 64 MB long"):
        read_trace_file(tmp_path / "long.py")
