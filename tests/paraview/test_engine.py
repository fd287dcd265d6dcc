"""ParaView as an engine: what every engine promises, and what a person is told when something is amiss."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from stackreel.errors import EngineError
from stackreel.frames.engine import Output
from stackreel.paraview import process
from stackreel.paraview.engine import ParaViewEngine
from stackreel.paraview.finding import find_mpiexec, find_paraview
from stackreel.paraview.vtkhdf import LIBVER
from stackreel.scene import Camera, ClipPlane, Scene, Slice, TransferFunction

from .conftest import convert, find_pvpython

sys.path.insert(0, str(Path(__file__).parents[1] / "frames"))
from contract import EngineContract

pytestmark = pytest.mark.paraview


class TestParaView(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def engine(cls):
        find_pvpython()
        return ParaViewEngine(256 << 20)

    @classmethod
    def made(cls, fog, folder):
        return convert(folder, "fog.h5", fog, "--spacing", "1", "1", "1")


TABLE = TransferFunction(((0, 0, 0, 0), (255, 1, 1, 1)), ((0, 0), (255, 0.5)), 0.02)
SCENE = Scene(Camera((0.5, -0.4, -2.2), (0, 0, 0), (0, -1, 0), 30.0), TABLE)
SMALL = Output((80, 60))


@pytest.fixture
def volume(tmp_path):
    return convert(tmp_path, "b.h5", np.full((8, 40, 50), 200, np.uint8), "--spacing", "2", "1", "1")


@pytest.fixture
def opened(volume):
    """A session, and whatever processes belong to it when the test begins."""
    find_pvpython()
    session = ParaViewEngine(64 << 20).open(volume, SMALL)
    yield session
    session.close()


def descendants(pid):
    """Every process that one has started, and those that these have started."""
    found, new = set(), {pid}
    while new:
        found |= new
        parents = {int(p.parent.name): int(s[1]) for p, s in _stats()}
        new = {child for child, parent in parents.items() if parent in found} - found
    return found - {pid}


def _stats():
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            yield path, path.read_text().rpartition(")")[2].split()


def alive(pids):
    return {pid for pid in pids if any(int(p.parent.name) == pid and s[0] != "Z" for p, s in _stats())}


def test_nothing_is_left_behind(volume, tmp_path):
    find_pvpython()
    session = ParaViewEngine(64 << 20).open(volume, SMALL)
    session.render(SCENE)
    started = descendants(os.getpid())
    assert started, "ParaView is a process of its own"
    session.close()
    session.close()
    assert not alive(started)


def test_a_paraview_that_was_killed_is_told_in_a_sentence(opened):
    opened.render(SCENE)
    for pid in descendants(os.getpid()):
        if b"player.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGSEGV)
    with pytest.raises(EngineError, match="ParaView was ended by SIGSEGV"):
        opened.render(SCENE)


def test_a_paraview_that_does_nothing_any_more_is_noticed(opened, monkeypatch):
    opened.render(SCENE)
    monkeypatch.setattr(process, "PATIENCE", 2.0)
    for pid in descendants(os.getpid()):
        if b"player.py" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGSTOP)
    with pytest.raises(EngineError, match=r"has not answered for . s and does nothing"):
        opened.render(SCENE)


def test_a_file_that_is_none_is_told_with_its_name_and_the_next_frame_is_drawn(opened, volume):
    (file,) = volume.path.parent.glob("b.hdf")
    whole = file.read_bytes()
    file.write_bytes(b"no HDF5 at all")
    with pytest.raises(EngineError, match=r"(?s)ParaView could not draw this frame: .*b\.hdf"):
        opened.render(SCENE)
    file.write_bytes(whole)
    assert opened.render(SCENE).over((0, 0, 0)).any()


def test_zeros_where_there_are_samples_are_an_error_and_no_picture(opened, volume):
    with h5py.File(volume.path, "r") as there, h5py.File(volume.path.with_suffix(".hdf"), "w", libver=LIBVER) as file:
        there.copy("VTKHDF", file)
        name = volume.name
        del file[f"VTKHDF/PointData/{name}"]
        file[f"VTKHDF/PointData/{name}"] = np.zeros(volume.shape, np.uint8)
    with pytest.raises(EngineError, match="nothing but zeros where there are samples"):
        opened.render(SCENE)


def test_without_a_paraview_there_is_a_way_out(monkeypatch, tmp_path):
    with pytest.raises(EngineError, match="no ParaView there"):
        ParaViewEngine(paraview=str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("stackreel.paraview.finding.PLACES", {"linux": ()})
    for name in ("STACKREEL_PARAVIEW", "PARAVIEW_HOME", "EBROOTPARAVIEW"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(EngineError, match=r"install it .* or name it: --paraview FOLDER"):
        ParaViewEngine()


@pytest.mark.parametrize(
    ("scene", "reason"),
    [
        (replace(SCENE, added=(replace(TABLE, channel="b", color_channel="b"),)), "one channel"),
        (replace(SCENE, transfer=replace(TABLE, color_period=180.0)), "colours come round again"),
        (replace(SCENE, transfer=replace(TABLE, mask=((0, 1), (1, 0)), mask_channel="")), "by labels"),
        (replace(SCENE, blend="average"), "mean along rays"),
        (replace(SCENE, fade=("average", 0.5)), "mean along rays"),
        (replace(SCENE, blend="maximum", slices=(Slice((0, 0, 0), (0, 0, 1)),)), "slices in a projection"),
    ],
)
def test_what_paraview_cannot_draw_is_said_beforehand(scene, reason):
    find_pvpython()
    said = ParaViewEngine().refuse(scene)
    assert said is not None
    assert reason in said
    assert "--engine native" in said


def test_directions_are_refused_with_the_reason(make_volume):
    find_pvpython()
    angles = np.random.default_rng(0).integers(0, 180, (6, 40, 40), dtype=np.uint8)
    directions = make_volume(angles, kind="axial", period=180.0)
    with pytest.raises(EngineError, match="between 179° and 1°"):
        ParaViewEngine().remarks([SCENE], directions, SMALL)


MOVIE = """\
stackreel: 1
volume: b.h5
output: {size: [96, 64], fps: 5}
scene: {light: none}
shots:
  - {seconds: 4, orbit: {axis: y, degrees: 90}, title: Once around}
"""


def words(pid):
    """What a process was started with; nothing where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def test_a_render_that_was_killed_goes_on_and_leaves_nothing_running(volume):
    find_pvpython()
    folder = volume.path.parent
    (folder / "flight.yaml").write_text(MOVIE)
    command = [sys.executable, "-m", "stackreel", "render", "flight.yaml", "-o", "flight.mp4", "--engine", "paraview"]
    run = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    reel = folder / "flight.reel"
    begun = time.monotonic()
    while len(list(reel.glob("*.png"))) < 3 and run.poll() is None and time.monotonic() - begun < 120:
        time.sleep(0.05)
    started = descendants(run.pid)
    folders = {
        word for pid in started for word in words(pid) if word.startswith(("/dev/shm/stackreel", "/tmp/stackreel"))
    }
    run.kill()
    run.wait()
    assert folders
    kept = len(list(reel.glob("*.png")))
    assert 3 <= kept < 20
    assert started
    until = time.monotonic() + 30
    while (alive(started) or any(map(os.path.exists, folders))) and time.monotonic() < until:
        time.sleep(0.2)
    assert not alive(started)
    assert not [folder for folder in folders if os.path.exists(folder)]
    again = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200)
    assert again.returncode == 0, again.stderr
    assert f"{kept} reused" in again.stdout
    assert (folder / "flight.mp4").stat().st_size > 1000


def test_a_paraview_that_hangs_does_not_outlive_us(volume):
    """Our process is killed while ParaView does nothing: nobody is left who could end it but its guard."""
    find_pvpython()
    program = (
        "import os, signal, sys; from pathlib import Path; from stackreel.paraview.engine import ParaViewEngine\n"
        "from stackreel.frames.engine import Output; from stackreel.volume import open_volume\n"
        "session = ParaViewEngine(64 << 20).open(open_volume(Path(sys.argv[1])), Output((80, 60)))\n"
        "print(session._process._process.pid, flush=True); sys.stdin.read()"
    )
    run = subprocess.Popen(
        [sys.executable, "-c", program, str(volume.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    hung = int(run.stdout.readline())
    os.kill(hung, signal.SIGSTOP)
    started = descendants(run.pid)
    run.kill()
    run.communicate()
    until = time.monotonic() + 40
    while alive(started) and time.monotonic() < until:
        time.sleep(0.5)
    assert not alive(started)


def test_two_processes_draw_what_one_draws(volume):
    find_pvpython()
    if find_mpiexec() is None or find_paraview()[0].pvbatch is None:
        pytest.skip("there is no mpiexec here, or no pvbatch")
    scene = replace(SCENE, clip=(ClipPlane((0, 0, 0), (1, 0.2, 0)),), slices=(Slice((0, 0, 0), (0, 1, 0)),))
    pictures = []
    for processes in (1, 2):
        session = ParaViewEngine(64 << 20, processes).open(volume, SMALL)
        try:
            pictures.append(session.render(scene).over((0, 0, 0)).astype(int))
        finally:
            session.close()
    assert pictures[0].std() > 10
    assert np.abs(pictures[0] - pictures[1]).mean() < 1.0
