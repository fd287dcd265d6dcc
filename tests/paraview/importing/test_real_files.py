"""Every file of ParaView's that others have made becomes a sound movie file, and what is not in it is told."""

from __future__ import annotations

import json

import pytest

from stackreel.cli import main
from stackreel.scene.document import load


@pytest.mark.parametrize(
    ("name", "taken", "left"),
    [
        ("pvcc/camera_pos.pvcc", ["its camera is the movie's first"], []),
        ("pvcc/camera_pos3D.pvcc", ["its camera is the movie's first"], []),
        ("pvcc/camera_position_lambda2.pvcc", ["its camera is the movie's first"], []),
        ("pvcc/camera_position_vtp_bubble.pvcc", ["its camera is the movie's first"], []),
        ("pvsm/jonas_anim.pvsm", ["Blue to Red Rainbow", "1000 frames", "surfaces at 10"], ["TableToStructuredGrid"]),
        ("pvsm/kitware_WaveletExample.pvsm", ["9 colour points", "140, 150, 200"], ["its box is given in samples"]),
        ("pvsm/surf_volren.pvsm", ["Cool to Warm", "4 opacity points"], ["shadows"]),
    ],
)
def test_it_becomes_a_sound_movie(real_data, tmp_path, capsys, name, taken, left):
    movie = tmp_path / "movie.yaml"
    assert main(["paraview", "import", str(real_data / "traces" / name), "--keys", "-o", str(movie), "--json"]) == 0
    said = json.dumps(json.loads(capsys.readouterr().out))
    for words in taken + left:
        assert words in said
    spec = load(movie).spec
    assert spec.scene.camera is not None
    assert spec.shots
