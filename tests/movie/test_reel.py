"""The reel: equal pictures have equal names, different ones different names, and nothing broken is taken for whole."""

import os
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import painter
import pytest
from PIL import Image

from stackreel.frames.engine import Output
from stackreel.geometry import Box
from stackreel.movie.reel import Reel, frame_key, is_whole_png
from stackreel.scene import Camera, ClipPlane, Light, Scene, Slice, Title, TransferFunction

PICTURE = np.random.default_rng(1).integers(0, 255, (36, 64, 3), dtype=np.uint8)


def key(scene=None, data="d", engine="native 1", output=painter.OUTPUT):
    return frame_key(scene or painter.scene(), data=data, engine=engine, output=output)


CHANGES = {
    "camera": Camera(position=(0.0, 0.0, 2.6)),
    "transfer": TransferFunction(((0, 0, 0, 0), (255, 1, 1, 1)), ((0, 0), (255, 0.51)), 0.01),
    "crop": Box((0, 0, 0), (1, 1, 1)),
    "light": Light(0.5, 0.5),
    "background": (0.0, 0.0, 0.1),
    "titles": (Title("a"),),
    "slices": (Slice((0.0, 0.0, 0.0), (0.0, 0.0, 1.0)),),
    "added": (TransferFunction(((0, 0, 0, 0),), ((0, 0), (255, 0.51)), 0.01),),
    "clip": (ClipPlane((0.0, 0.0, 0.0), (0.0, 0.0, 1.0)),),
    "blend": "maximum",
    "fade": ("maximum", 0.5),
}


def test_everything_that_a_scene_says_is_part_of_the_key():
    for field in fields(Scene):
        assert field.name in CHANGES, f"a new property, {field.name}: say here that it changes the key"
        assert key(replace(painter.scene(), **{field.name: CHANGES[field.name]})) != key(), field.name


@pytest.mark.parametrize(
    "other",
    [
        {"data": "e"},
        {"engine": "native 2"},
        {"output": Output((64, 38))},
        {"output": Output((64, 36), 3.0)},
        {"output": replace(painter.OUTPUT, samples=4)},
        {"output": replace(painter.OUTPUT, transparent=True)},
    ],
    ids=["data", "engine", "size", "detail", "samples", "transparent"],
)
def test_data_engine_and_output_are_part_of_the_key(other):
    assert key(**other) != key()


def test_the_key_is_the_same_in_another_process_and_for_equal_numbers():
    program = f"import sys; sys.path.insert(0, {os.path.dirname(__file__)!r}); import test_reel; print(test_reel.key())"
    other = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == key()
    assert key(painter.scene(background=(0, -0.0, np.float64(0.0)))) == key()


def test_a_title_of_another_opacity_is_another_picture():
    assert key(painter.scene(titles=(Title("a", opacity=0.5),))) != key(painter.scene(titles=(Title("a"),)))


def test_a_kept_frame_comes_back_pixel_for_pixel(tmp_path):
    reel = Reel(tmp_path / "a.reel")
    assert not reel.holds("k", painter.SIZE)
    path = reel.keep("k", PICTURE)
    assert reel.holds("k", painter.SIZE)
    assert not reel.holds("k", (64, 35)), "a picture of another size is not this frame"
    assert (np.asarray(Image.open(path)) == PICTURE).all()
    assert os.listdir(reel.folder) == ["k.png"]


def test_every_truncation_of_a_frame_is_noticed(tmp_path):
    whole = Reel(tmp_path).keep("k", PICTURE).read_bytes()
    assert is_whole_png(whole, painter.SIZE)
    assert not any(is_whole_png(whole[:n], painter.SIZE) for n in range(len(whole)))


def test_every_flipped_byte_and_a_hole_of_zeros_are_noticed(tmp_path):
    reel = Reel(tmp_path)
    path = reel.keep("k", PICTURE)
    whole = path.read_bytes()
    for n in range(0, len(whole), 7):
        assert not is_whole_png(whole[:n] + bytes([whole[n] ^ 1]) + whole[n + 1 :], painter.SIZE), n
    path.write_bytes(bytes(len(whole)))
    assert not reel.holds("k", painter.SIZE)


def test_reels_stand_beside_their_movies(tmp_path):
    assert Reel.beside(tmp_path / "flight.mp4").folder == tmp_path / "flight.reel"
    assert Reel.beside(tmp_path / "frames" / "%04d.png").folder == tmp_path / "frames.reel"


def test_what_a_killed_run_left_is_swept_and_what_a_living_one_writes_stays(tmp_path):
    reel = Reel(tmp_path)
    program = (
        "import sys, os, signal; from pathlib import Path\n"
        "from stackreel.files import replacing\n"
        "with replacing(Path(sys.argv[1]) / 'k.png') as temporary:\n"
        "    temporary.write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False)
    (left,) = os.listdir(tmp_path)
    from stackreel.files import replacing

    with replacing(tmp_path / "other.png") as mine:
        mine.write_bytes(b"half")
        reel.sweep()
        assert left not in os.listdir(tmp_path)
        assert mine.exists()
    assert os.listdir(tmp_path) == ["other.png"]
