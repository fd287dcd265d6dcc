"""Single pictures: a frame, a contact sheet. Complete under their name, or not there."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from stackreel.errors import EncodeError
from stackreel.files import check_writable, replacing


def check_picture(path: Path, *, overwrite: bool) -> None:
    """Raise, before anything is rendered, when the picture could not be written: wrong ending, standing, no folder."""
    if path.suffix.lower() != ".png":
        raise EncodeError(f"{path}: pictures are written as PNG; give it the ending .png")
    check_writable(path, overwrite=overwrite)


def write_picture(path: Path, rgb: npt.NDArray[np.uint8]) -> None:
    """Write uint8 (height, width, 3) as a PNG."""
    with replacing(path) as temporary:
        Image.fromarray(rgb).save(temporary, format="PNG", compress_level=1)  # a third of the time, a tenth more bytes
