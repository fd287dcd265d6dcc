"""Single pictures: any PNG reader gives back what was written."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from stackreel.frames.engine import Frame
from stackreel.movie.picture import png, write_picture


@pytest.mark.parametrize("size", [(1, 1), (7, 13), (1080, 1920)])
def test_a_png_is_read_back_as_it_was(size):
    noise = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    flat = np.full((*size, 3), (12, 200, 255), np.uint8)
    for picture in (noise, flat):
        read = Image.open(io.BytesIO(png(picture)))
        read.verify()
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(png(picture)))), picture)
        assert read.mode == "RGB"


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
