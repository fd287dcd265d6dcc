"""The reel: finished frames, kept under what is on them.

A frame's name is computed from everything that decides how it looks: the scene, the data, the engine and the size of
the picture. So a movie that was interrupted goes on where it stopped, and a movie that was edited at second 12
renders only what the edit changed; nothing stale can be picked up, because a frame that ought to look different
has a different name. A reel is a folder beside the movie and may be deleted at any time; that costs only time.

Several runs may work on one reel: a frame appears under its name in one step, complete, and equal names mean equal
pictures.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.errors import OutputExistsError
from stackreel.files import replacing, sweep
from stackreel.frames import overlay
from stackreel.frames.engine import Output
from stackreel.movie.picture import png
from stackreel.scene import Scene

FORMAT = 1  # part of every key: raise it when frames are drawn or kept differently

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def frame_key(scene: Scene, *, data: str, engine: str, output: Output) -> str:
    """The name of a frame: 32 hex digits (half a SHA-256) over everything that decides how it looks.

    data   : the volume's fingerprint
    engine : name and version
    """
    value = {
        "reel": FORMAT,
        "data": data,
        "engine": engine,
        "size": [int(n) for n in output.size],
        "detail": float(output.detail),
        "samples": int(output.samples),
        "transparent": bool(output.transparent),
        "scene": _plain(scene),
        "titles": overlay.STYLE if scene.titles else None,
    }
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Reel:
    """A folder of frames, `<key>.png`, 8-bit RGB; RGBA of movies without a background.

    Made when the first frame is kept.
    """

    folder: Path

    @staticmethod
    def beside(movie: Path) -> Reel:
        """The reel of a movie: `flight.mp4` → `flight.reel/`; the sequence `frames/%04d.png` → `frames.reel/`."""
        if movie.suffix.lower() == ".png":
            folder = movie.absolute().parent
            return Reel(folder.with_name(folder.name + ".reel"))
        return Reel(movie.with_suffix(".reel"))

    def check(self) -> None:
        """Raises OutputExistsError when something that is no folder stands where the reel belongs."""
        if os.path.lexists(self.folder) and not self.folder.is_dir():
            raise OutputExistsError(
                f"{self.folder} is not a folder, but finished frames are to be kept there; "
                "move it away, or give the movie another name with -o"
            )

    def path(self, key: str) -> Path:
        return self.folder / f"{key}.png"

    def holds(self, key: str, size: tuple[int, int]) -> bool:
        """Whether the frame stands here complete: right size and every checksum inside the file right."""
        try:
            return is_whole_png(self.path(key).read_bytes(), size)
        except OSError:
            return False

    def keep(self, key: str, rgb: npt.NDArray[np.uint8]) -> Path:
        """Write a frame, uint8 (height, width, 3 or 4), under its key; complete or not at all.

        Raises DiskFullError when there is no room.
        """
        path = self.path(key)
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary, open(temporary, "wb") as file:
            file.write(png(rgb))
            file.flush()
            os.fsync(file.fileno())
        return path

    def size_bytes(self) -> int:
        return sum(p.stat().st_size for p in self.folder.glob("*.png"))

    def sweep(self) -> None:
        """Remove what runs that were killed left half-written; leave alone what a living run is writing."""
        sweep(self.folder)


def is_whole_png(data: bytes, size: tuple[int, int]) -> bool:
    """Whether data is a complete 8-bit RGB or RGBA PNG of such a size: all chunks there, all checksums right."""
    if data[:8] != _SIGNATURE:
        return False
    at, first = 8, True
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        body = memoryview(data)[at + 4 : at + 8 + length]
        stored = data[at + 8 + length : at + 12 + length]
        if len(stored) < 4 or zlib.crc32(body) != int.from_bytes(stored, "big"):
            return False
        kind = bytes(body[:4])
        if first:
            header = size[0].to_bytes(4, "big") + size[1].to_bytes(4, "big") + b"\x08"
            if kind != b"IHDR" or bytes(body[4:13]) != header or body[13] not in (2, 6):
                return False
            first = False
        if kind == b"IEND":
            return True
        at += 12 + length
    return False


def _plain(value: Any) -> Any:
    """A scene as JSON values; numbers as floats, which JSON writes exactly, and -0 as 0."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if value is None or isinstance(value, (bool, str)):
        return value
    return float(value) + 0.0
