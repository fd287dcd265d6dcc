"""A damaged chunk: the run stops and names it, or goes on without it and says which frames show that."""

import h5py
import numpy as np
import pytest
from PIL import Image

from stackreel.cli import main
from stackreel.movie.shoot import _spans

MOVIE = """\
stackreel: 1
volume: brain.h5
output: {size: [96, 64], fps: 5}
scene:
  color: {map: bone, range: [0, 255]}
  opacity: [[0, 0], [20, 0], [255, 0.5]]
  opacity_unit: 0.05
  light: none
shots:
  - {name: hold, seconds: 0.4}
  - {name: turn, seconds: 1, orbit: {axis: y, degrees: 20}}
"""


@pytest.fixture
def work(noisy_brain, tmp_path):
    """The folder of a movie file, and its volume."""
    return tmp_path, noisy_brain(MOVIE)


def damage(volume, level, at):
    with h5py.File(volume.path, locking=False) as file:
        info = file[f"/levels/brain/{level}"].id.get_chunk_info_by_coord(at)
    with open(volume.path, "r+b") as raw:
        raw.seek(info.byte_offset)
        whole = raw.read(info.size)
        raw.seek(info.byte_offset + info.size // 8)
        raw.write(b"\x55" * 600)
    return info.byte_offset, whole


def mend(volume, where):
    with open(volume.path, "r+b") as raw:
        raw.seek(where[0])
        raw.write(where[1])


def test_a_frame_stops_at_a_damaged_chunk_unless_told_to_draw_a_hole(work, capsys):
    _, volume = work
    picture = ["frame", "flight.yaml", "--size", "960", "640", "-o"]
    assert main([*picture, "whole.png"]) == 0
    damage(volume, 0, (0, 0, 0))
    capsys.readouterr()
    assert main([*picture, "stop.png"]) == 1
    assert "level 0, chunk (0, 0, 0)" in capsys.readouterr().err
    assert main([*picture, "hole.png", "--on-error", "hole"]) == 0
    assert "level 0, chunk (0, 0, 0) of /levels/brain/0 cannot be read: nothing is drawn" in capsys.readouterr().err
    whole, hole = (np.asarray(Image.open(name)).astype(int) for name in ("whole.png", "hole.png"))
    changed = np.abs(whole - hole).max(axis=2) > 0
    assert 0.05 < changed.mean() < 0.6
    assert hole.sum() < whole.sum()


def test_a_movie_with_holes_says_where_and_keeps_no_such_frame_as_whole(work, capsys):
    folder, volume = work
    where = damage(volume, 0, (32, 128, 128))
    command = ["render", "flight.yaml", "-o", "flight.mp4", "--size", "960", "640"]
    assert main(command) == 1
    assert "--overwrite" not in capsys.readouterr().err
    assert main([*command, "--on-error", "hole"]) == 0
    said = capsys.readouterr().err
    assert "level 0, chunk (1, 1, 1) of /levels/brain/0 cannot be read: nothing is drawn there in frames 0 to 6" in said
    kept = {path.stem for path in (folder / "flight.reel").iterdir()}
    assert kept
    assert all(name.endswith("-holes") for name in kept)
    mend(volume, where)
    assert main([*command, "--overwrite"]) == 0
    assert "5 frames rendered" in capsys.readouterr().out


def test_frames_that_show_no_hole_are_kept_as_they_are(work, capsys):
    """Only level 0 is damaged, and a small picture does not need it."""
    folder, volume = work
    damage(volume, 0, (0, 0, 0))
    assert main(["render", "flight.yaml", "-o", "flight.mp4", "--draft", "--on-error", "hole"]) == 0
    assert "cannot be read" not in capsys.readouterr().err
    assert not any("holes" in path.stem for path in (folder / "flight.reel").iterdir())


def test_frames_are_told_in_spans():
    assert _spans([3]) == "frame 3"
    assert _spans([3, 4, 5, 9, 12, 13]) == "frames 3 to 5, 9 and 12 to 13"
