"""From a stack of brain sections to a movie, however large the stack.

The way through, and what there is at each station:

    slices   open_slices("sections/")                     a stack of section files, checked
    volume   open_volume("brain.h5")                      one file, all resolutions
    scene    load("flight.yaml"), Movie(…), Scene(…)      what to show: the movie file, or the same in Python
    frames   NativeEngine().open(volume, Output(…))       a scene becomes a picture
    movie    stackreel render flight.yaml -o flight.mp4   frames in order, never rendered twice

Names are imported when they are first used, so `import stackreel` costs next to nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from stackreel._version import __version__

if TYPE_CHECKING:
    from stackreel.frames.engine import Frame, Output
    from stackreel.frames.native import NativeEngine
    from stackreel.scene import Camera, Light, Movie, Scene, TransferFunction, load
    from stackreel.slices import open_slices
    from stackreel.volume import Volume, open_volume

_HOME = {
    "open_slices": "stackreel.slices",
    "open_volume": "stackreel.volume",
    "Volume": "stackreel.volume",
    "Camera": "stackreel.scene",
    "Light": "stackreel.scene",
    "Movie": "stackreel.scene",
    "Scene": "stackreel.scene",
    "TransferFunction": "stackreel.scene",
    "load": "stackreel.scene",
    "Frame": "stackreel.frames.engine",
    "Output": "stackreel.frames.engine",
    "NativeEngine": "stackreel.frames.native",
}

__all__ = [
    "Camera",
    "Frame",
    "Light",
    "Movie",
    "NativeEngine",
    "Output",
    "Scene",
    "TransferFunction",
    "Volume",
    "__version__",
    "load",
    "open_slices",
    "open_volume",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'stackreel' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted(__all__)
