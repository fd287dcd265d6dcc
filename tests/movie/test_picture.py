"""Single pictures: any PNG reader gives back what was written."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from stackreel.errors import EncodeError
from stackreel.frames.engine import Frame
from stackreel.frames.overlay import draw_titles
from stackreel.movie.encode import check_output
from stackreel.movie.picture import png, write_picture
from stackreel.movie.reel import is_whole_png
from stackreel.scene import Title


@pytest.mark.parametrize("size", [(1, 1), (7, 13), (1080, 1920)])
def test_a_png_is_read_back_as_it_was(size):
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    flat = np.full((*size, 3), (12, 200, 255), np.uint8)
    for picture in (noise, flat):
        read = Image.open(io.BytesIO(png(picture)))
        read.verify()
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(picture)))), picture)
        assert read.mode == "RGB"


def test_a_png_with_alpha_is_read_back_as_it_was():
    picture = np.random.default_rng(2).integers(0, 256, (13, 7, 4), dtype=np.uint8)
    read = Image.open(io.BytesIO(png(picture)))
    assert read.mode == "RGBA"
    assert np.array_equal(np.asarray(read), picture)
    assert is_whole_png(png(picture), (7, 13))
    assert not is_whole_png(png(picture)[:-30], (7, 13))


def test_titles_are_opaque_on_a_picture_without_background():
    clear = np.zeros((90, 160, 4), np.uint8)
    clear[:40] = (200, 100, 50, 128)
    titled = draw_titles(clear, [Title("Hippocampus", "lower", 0.2)])
    letters = titled[50:, :, 3] == 255
    assert 0.02 < letters.mean() < 0.6
    assert titled[50:][letters].max(axis=0).tolist() == [255, 255, 255, 255]
    assert np.abs(titled[:30].astype(int) - clear[:30]).max() <= 1, "what lies beside them stays"
    assert (titled[-2:, :2] == 0).all()


def test_a_movie_without_background_is_refused_before_rendering_where_it_could_not_be_kept(tmp_path):
    with pytest.raises(EncodeError, match="no alpha channel"):
        check_output(tmp_path / "a.mp4", (64, 64), range(2), overwrite=False, transparent=True)
    assert check_output(tmp_path / "%04d.png", (64, 64), range(2), overwrite=False, transparent=True) is None


def test_a_picture_is_there_complete(tmp_path):
    path = tmp_path / "a.png"
    write_picture(path, np.zeros((4, 5, 3), np.uint8))
    assert Image.open(path).size == (5, 4)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


def test_a_premultiplied_frame_lies_over_its_background():
    rgba = np.random.default_rng(1).random((30, 40, 4)).astype(np.float32)
    rgba[..., :3] *= rgba[..., 3:]
    rgba[0, 0] = (2.0, -1.0, 0.5, 1.0)  # beyond what a file can hold
    background = (0.2, 0.5, 1.0)
    expected = np.clip((rgba[..., :3] + (1 - rgba[..., 3:]) * background) * 255, 0, 255)
    assert np.abs(Frame(rgba).over(background) - expected).max() <= 0.5 + 1e-4
