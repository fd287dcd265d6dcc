"""What ParaView itself shows of a session, against what comes over from the session's script and state."""

from __future__ import annotations

import json
import subprocess
from math import dist
from pathlib import Path

import numpy as np
import pytest

from stackreel.paraview.importing import Wanted, imported, movie_text
from stackreel.paraview.importing.tables import color_data
from stackreel.paraview.statefiles import read_state_file
from stackreel.paraview.trace import read_trace
from stackreel.scene import parse
from stackreel.scene.colormaps import parse_color

from ..conftest import find_pvpython
from .conftest import proxy

pytestmark = pytest.mark.paraview
SESSION = Path(__file__).with_name("session.py")
VALUES = np.arange(20.0, 290.0)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """(what ParaView sees, the state that it saved)."""
    out = tmp_path_factory.mktemp("session") / "session"
    command = [find_pvpython(), "--force-offscreen-rendering", str(SESSION), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(out.with_suffix(".json").read_text()), read_state_file(out.with_suffix(".pvsm"))


@pytest.fixture(scope="module")
def script():
    """The session's script, as far as someone would have written it."""
    return read_trace(SESSION.read_text().partition("# ------")[0], "session.py")


def states(seen, script):
    return {"script": script, "state": seen[1]}


@pytest.mark.parametrize("which", ["script", "state"])
def test_the_camera_is_paraviews_to_the_last_digit(seen, script, which):
    position, focal, up, angle = seen[0]["camera"]
    text = movie_text(imported([states(seen, script)[which]]), "brain.h5", ["session"])
    camera = parse(text).spec.scene.camera
    assert (camera.position, camera.focal_point, camera.view_up) == (tuple(position), tuple(focal), tuple(up))
    assert camera.view_angle == angle


@pytest.mark.parametrize("which", ["script", "state"])
def test_the_scene_is_what_the_session_shows(seen, script, which):
    parts = imported([states(seen, script)[which]])
    assert parts.scene["opacity_unit"] == 0.031
    assert parts.scene["light"] == "none"
    (plane,) = parts.scene["clip"]
    assert plane["origin"] == [0.1, 0.2, -0.05]
    assert plane["normal"] == pytest.approx([0.0, 0.6, 0.8])
    assert parts.output["size"] == [400, 300]


@pytest.mark.parametrize("which", ["script", "state"])
def test_the_opacities_are_paraviews(seen, script, which):
    points = np.array(imported([states(seen, script)[which]]).scene["opacity"])
    near_step = np.abs(VALUES - 176.0) < 1.0  # the one node of full sharpness
    away = np.abs(np.interp(VALUES, points[:, 0], points[:, 1]) - seen[0]["opacities"])
    assert away[~near_step].max() < 2e-3


@pytest.mark.parametrize("log", ["", " log"])
@pytest.mark.parametrize("space", ["RGB", "HSV", "Lab", "Diverging", "Step"])
def test_the_colours_are_paraviews_to_one_in_255(seen, space, log):
    flat = [37.0, 0.1, 0.2, 0.6, 120.0, 0.9, 0.7, 0.3, 277.0, 0.4, 0.0, 0.1]
    table = proxy(
        "lut", "lookup_tables", "PVLookupTable", "RTData", RGBPoints=flat, ColorSpace=space, UseLogScale=bool(log)
    )
    points = np.array([(x, *parse_color(color)) for x, color in color_data(table)[0]])
    found = np.stack([np.interp(VALUES, points[:, 0], points[:, k]) for k in (1, 2, 3)], axis=-1)
    at_node = np.isin(VALUES, flat[::4]) & (space == "Step")
    assert np.abs(found - seen[0]["colors"][space + log])[~at_node].max() <= 1.0 / 255.0


def test_the_camera_goes_where_paraviews_goes(seen, script):
    from stackreel.geometry import Box
    from stackreel.scene import Subject

    parts = imported([script], Wanted(keys=True, seconds=5.0))
    movie = parse(movie_text(parts, "brain.h5", ["session.py"])).timeline(Subject(Box((-0.5,) * 3, (0.5,) * 3)))
    for i, (position, focal) in enumerate(seen[0]["path"]):
        camera = movie.at(5.0 * i / 50.0).camera
        assert dist(camera.position, position) < 0.005 * dist(position, focal)
        assert dist(camera.focal_point, focal) < 0.005 * dist(position, focal)
