"""`stackreel paraview import`, as it is typed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from stackreel.cli import main
from stackreel.scene import load

from ..conftest import convert

TRACE = """\
# trace generated using paraview version 5.11.0
from paraview.simple import *
renderView1 = GetActiveViewOrCreate('RenderView')
brain = XDMFReader(registrationName='brain.xmf2', FileNames=['/data/brain.xmf2'])
brainDisplay = Show(brain, renderView1, 'UniformGridRepresentation')
brainDisplay.Representation = 'Volume'
pliLUT = GetColorTransferFunction('brain')
pliLUT.RGBPoints = [10.0, 0.231373, 0.298039, 0.752941, 110.0, 0.865003, 0.865003, 0.865003, 210.0, 0.705882, 0.0156863, 0.14902]
pliPWF = GetOpacityTransferFunction('brain')
pliPWF.Points = [10.0, 0.0, 0.5, 0.0, 60.0, 0.0, 0.5, 0.0, 210.0, 0.6, 0.5, 0.0]
brainDisplay.LookupTable = pliLUT
brainDisplay.ScalarOpacityFunction = pliPWF
brainDisplay.ScalarOpacityUnitDistance = 0.02
renderView1.CameraPosition = [1.1, -0.7, -1.6]
renderView1.CameraFocalPoint = [0.0, 0.05, 0.0]
renderView1.CameraViewUp = [0.0, -1.0, 0.0]
renderView1.ViewSize = [64, 48]
rd = sys.argv[1]
glyph = Glyph(registrationName='Glyph1', Input=brain)
glyphDisplay = Show(glyph, renderView1, 'GeometryRepresentation')
"""  # noqa: E501
CAMERA = """\
<?xml version="1.0"?>
<PVCameraConfiguration description="ParaView camera configuration" version="1.0">
  <Proxy group="views" type="RenderView" id="6136" servers="21">
    <Property name="CameraPosition" id="6136.CameraPosition" number_of_elements="3">
      <Element index="0" value="-1.9"/>
      <Element index="1" value="0.25"/>
      <Element index="2" value="0.125"/>
    </Property>
  </Proxy>
</PVCameraConfiguration>
"""


@pytest.fixture(scope="module")
def brain(tmp_path_factory):
    z, y, x = np.mgrid[-1:1:12j, -1:1:40j, -1:1:50j]
    samples = np.where(x**2 + y**2 + z**2 < 0.8, 120 + 90 * x, 10).astype(np.uint8)
    folder = tmp_path_factory.mktemp("import")
    return convert(folder, "brain.h5", samples, "--spacing", "4", "1", "1").path


@pytest.fixture
def trace(tmp_path):
    file = tmp_path / "look.py"
    file.write_text(TRACE)
    return file


def run(*words):
    return main(["paraview", "import", *map(str, words)])


def test_a_trace_becomes_a_movie_file_that_renders(tmp_path, brain, trace, capsys):
    movie = tmp_path / "flight.yaml"
    assert run(trace, "--volume", brain, "-o", movie) == 0
    document = load(movie)
    assert document.volume.resolve() == brain.resolve()
    assert document.spec.scene.camera.position == (1.1, -0.7, -1.6)
    assert document.spec.scene.color.map == "Cool to Warm"
    assert document.spec.scene.opacity_unit == 0.02
    assert document.size == (64, 48)
    said = capsys.readouterr().out
    assert "came over:" in said
    assert "look.py:20: Glyph1" in said
    assert f"stackreel frame {movie}" in said
    assert main(["frame", str(movie), "-o", str(tmp_path / "frame.png"), "--threads", "1"]) == 0


def test_without_a_target_the_movie_is_printed_and_nothing_is_written(tmp_path, trace, capsys):
    before = sorted(tmp_path.iterdir())
    assert run(trace) == 0
    printed = capsys.readouterr()
    assert "position: [1.1, -0.7, -1.6]" in printed.out
    assert "Glyph1" in printed.err
    assert sorted(tmp_path.iterdir()) == before


def test_a_camera_goes_into_a_movie_and_the_old_one_stays_beside_it(tmp_path, brain, capsys):
    movie, camera = tmp_path / "m.yaml", tmp_path / "left.pvcc"
    before = f"# mine\r\nstackreel: 1\r\nvolume: {brain}\r\nshots:   # all\r\n  - seconds: 2\r\n".encode()
    movie.write_bytes(before)
    camera.write_text(CAMERA)
    assert run(camera, "--into", movie) == 0
    assert load(movie).spec.places["left"].camera.position == (-1.9, 0.25, 0.125)
    after = movie.read_bytes()
    assert after.startswith(before[:30])
    assert b"shots:   # all\r\n" in after
    assert after.count(b"\n") == after.count(b"\r\n")
    assert (tmp_path / "m.yaml.bak").read_bytes() == before
    assert "places.left: added" in capsys.readouterr().out


def test_the_report_is_there_for_programs_too(tmp_path, trace, capsys):
    assert run(trace, "-o", tmp_path / "m.yaml", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["movie"] == str(tmp_path / "m.yaml")
    assert any(one["file"] == "look.py" and one["line"] == 20 for one in report["left"])
    assert report["taken"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere.py"], "nowhere.py: there is no such file"),
        (["empty.py"], "nothing in it that a movie file could take"),
        (["look.py", "--view", "left"], 'no view "left"; there are renderView1'),
        (["look.py", "--array", "PLX"], 'no array "PLX"'),
        (["look.py", "--frame", "voxel"], "add --volume"),
        (["look.py", "-o", "there.yaml"], "stands already; --overwrite"),
        (["look.py", "-o", "no/folder/m.yaml"], "does not exist"),
        (["look.py", "--into", "missing.yaml"], "there is no such movie file"),
        (["look.py", "--scene"], "--scene goes with --into"),
        (["look.py", "--volume", "missing.h5"], "missing.h5"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(tmp_path, trace, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.py").write_text("x = 1\n")
    (tmp_path / "there.yaml").write_text("mine")
    before = {p: p.read_text() for p in tmp_path.iterdir()}
    assert run(*words) == 1
    assert said in capsys.readouterr().err
    assert {p: p.read_text() for p in tmp_path.iterdir()} == before


def test_wrong_use_exits_with_2(trace, capsys):
    assert run(trace, "-o", "a.yaml", "--into", "b.yaml") == 2
    assert run() == 2


def test_a_trace_is_read_and_never_run(tmp_path):
    trap = tmp_path / "trap.py"
    trap.write_text(
        TRACE + f"open({str(tmp_path / 'ran')!r}, 'w')\n__import__('os').mkdir({str(tmp_path / 'ran2')!r})\n"
    )
    assert run(trap) == 0
    assert not list(tmp_path.glob("ran*"))


_WARM = [0, 0, 0, 0, 1, 1, 0.5, 0]
PRESETS = [
    {"Name": "Warm", "ColorSpace": "RGB", "RGBPoints": _WARM, "Points": [0, 0, 0.5, 0, 1, 0.8, 0.5, 0]},
    {"Name": "Cold", "ColorSpace": "RGB", "RGBPoints": [0, 0, 0, 0, 1, 0, 0.5, 1]},
]


def test_a_preset_is_laid_over_the_volumes_values(tmp_path, brain, capsys):
    colors, movie = tmp_path / "colors.json", tmp_path / "m.yaml"
    colors.write_text(json.dumps(PRESETS[:1]))
    assert run(colors, "--volume", brain, "-o", movie) == 0
    scene = load(movie).spec.scene
    assert [v for v, _ in scene.color] == [v for v, _ in scene.opacity]
    low, high = scene.color[0][0], scene.color[1][0]
    assert 5 < low < 60
    assert 150 < high < 215
    assert run(colors, "-o", tmp_path / "other.yaml") == 0
    assert "add --volume" in capsys.readouterr().out


def test_of_several_presets_one_is_chosen(tmp_path, capsys):
    colors = tmp_path / "colors.json"
    colors.write_text(json.dumps(PRESETS))
    assert run(colors) == 1
    assert "choose one with --array: Warm, Cold" in capsys.readouterr().err
    assert run(colors, "--array", "Cold") == 0
    assert "#0080ff" in capsys.readouterr().out


def test_exported_key_frames_become_a_shot(tmp_path, brain):
    pose = {"focalPoint": [0, 0, 0], "viewUp": [0, -1, 0], "viewAngle": 30, "parallelScale": 1}
    frames = [
        {"time": 0, "camera": {"position": [0, 0, -2], **pose}},
        {"time": 1, "camera": {"position": [-2, 0, 0], **pose}},
    ]
    keys, movie = tmp_path / "turn.pvkfc", tmp_path / "m.yaml"
    keys.write_text(json.dumps({"keyFrames": frames}))
    assert run(keys, "--keys", "--seconds", "6s", "--volume", brain, "-o", movie) == 0
    (shot,) = load(movie).spec.shots
    assert shot.seconds == 6
    assert (shot.camera.keys[0].position, shot.camera.keys[-1].position) == ((0, 0, -2), (-2, 0, 0))
    assert main(["plan", str(movie)]) == 0


def test_a_state_may_be_called_py(tmp_path, capsys):
    """SaveState("session.py") of pvpython 5.11 writes XML all the same."""
    (tmp_path / "session.py").write_text(
        '<ParaView><ServerManagerState version="5.11.0"><Proxy group="views" type="RenderView" id="7">'
        '<Property name="CameraPosition" id="7.CameraPosition" number_of_elements="3"><Element index="0" value="1"/>'
        '<Element index="1" value="2"/><Element index="2" value="3"/></Property></Proxy>'
        "</ServerManagerState></ParaView>"
    )
    assert main(["paraview", "import", str(tmp_path / "session.py"), "-o", str(tmp_path / "a.yaml")]) == 0
    assert "position: [1, 2, 3]" in (tmp_path / "a.yaml").read_text()


def test_what_is_read_is_never_written_over_and_no_copy_is_lost(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    trace = "v = GetActiveViewOrCreate('RenderView')\nv.CameraPosition = [1, 2, 3]\n"
    (tmp_path / "a.py").write_text(trace)
    (tmp_path / "same.yaml").symlink_to("a.py")
    assert main(["paraview", "import", "a.py", "-o", "a.py", "--overwrite"]) == 1
    assert main(["paraview", "import", "a.py", "-o", "same.yaml", "--overwrite"]) == 1
    assert "is what should be read" in capsys.readouterr().err
    assert (tmp_path / "a.py").read_text() == trace
    assert main(["paraview", "import", "a.py", "-o", "b.py"]) == 1
    assert main(["paraview", "import", "a.py", "-o", "m.yaml"]) == 0
    mine = "# mine\n" + (tmp_path / "m.yaml").read_text()
    (tmp_path / "m.yaml").write_text(mine)
    (tmp_path / "m.yaml.bak").write_text("somebody's")
    for position in ("[2, 2, 3]", "[3, 2, 3]"):
        (tmp_path / "a.py").write_text(trace.replace("[1, 2, 3]", position))
        assert main(["paraview", "import", "a.py", "--into", "m.yaml"]) == 0
    assert (tmp_path / "m.yaml.bak").read_text() == "somebody's"
    assert (tmp_path / "m.yaml.bak.1").read_text() == mine
    assert "[2, 2, 3]" in (tmp_path / "m.yaml.bak.2").read_text()
    assert "the file as it was: m.yaml.bak.2" in capsys.readouterr().out
