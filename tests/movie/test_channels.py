"""Movies of several channels, from the movie file to the picture."""

from __future__ import annotations

import numpy as np
import pytest

from stackreel.cli import main
from stackreel.errors import VolumeError
from stackreel.movie.production import produce
from stackreel.movie.shoot import takes

MOVIE = """\
stackreel: 1
volume: {{retardation: {}, direction: {}}}
output: {{size: [64, 48], fps: 4}}
scene: {{color: {{channel: direction}}}}
shots: [{{seconds: 1, orbit: {{degrees: 40}}}}]
"""


@pytest.fixture
def files(make_volume):
    """Retardation and two directions of one place, and one of another."""
    grey = np.zeros((24, 32, 40), np.uint8)
    grey[4:20, 4:28, 4:36] = 200
    axial = {"kind": "axial", "period": 256.0}
    return {
        "ret": make_volume(grey).path,
        "one": make_volume((grey > 0).astype(np.uint8) * 40, background=0.0, **axial).path,
        "two": make_volume((grey > 0).astype(np.uint8) * 90, background=0.0, **axial).path,
        "unsaid": make_volume((grey > 0).astype(np.uint8) * 90, **axial).path,
        "small": make_volume(grey[:, :, 1:]).path,
    }


def keys(movie):
    production = produce(movie)
    identity = {"data": production.volume.fingerprint, "engine": production.engine_identity}
    return {take.key for take in takes(production.timeline, range(4), output=production.output, **identity)}


def test_frames_are_others_when_any_channel_is_another(tmp_path, files):
    movie = tmp_path / "m.yaml"
    found = []
    for direction in ("one", "two"):
        movie.write_text(MOVIE.format(files["ret"], files[direction]))
        found.append(keys(movie))
    assert len(found[0]) == 4
    assert not found[0] & found[1]


def test_a_movie_of_two_channels_is_rendered(tmp_path, files, capsys):
    from PIL import Image

    movie = tmp_path / "m.yaml"
    movie.write_text(MOVIE.format(files["ret"], files["one"]))
    assert main(["frame", str(movie), "--at", "0.5s", "-o", str(tmp_path / "m.png")]) == 0
    center = np.asarray(Image.open(tmp_path / "m.png"))[24, 32].astype(int)
    assert center.max() - center.min() > 40  # a hue
    assert "direction" not in capsys.readouterr().err


def test_channels_of_different_shape_are_refused_before_anything_starts(tmp_path, files):
    movie = tmp_path / "m.yaml"
    movie.write_text(MOVIE.format(files["ret"], files["small"]))
    with pytest.raises(VolumeError, match="24 × 32 × 40 and 24 × 32 × 39"):
        produce(movie)


def test_directions_without_a_background_are_doubted(tmp_path, files):
    movie = tmp_path / "m.yaml"
    for direction, count in (("one", 0), ("unsaid", 1)):
        movie.write_text(MOVIE.format(files["ret"], files[direction]))
        said = produce(movie).check([])
        assert len([s for s in said if "convert again with --background 0" in s]) == count


def test_a_file_of_several_volumes_is_asked_for_one_by_name(tmp_path, files):
    movie = tmp_path / "m.yaml"
    movie.write_text(MOVIE.format(f"{files['ret']}/test", f"{files['one']}/test"))
    assert list(produce(movie).volume.channels) == ["retardation", "direction"]
