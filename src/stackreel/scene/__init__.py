"""What to show, as values: camera, transfer function, crop, light, titles; and how they change over a movie.

    document = load("flight.yaml")            # or Movie("brain.h5").shot(seconds=10, orbit=…).document
    timeline = document.timeline(subject)     # subject: what is known of the volume
    scene = timeline.at(4.2)                  # depends on nothing earlier

Reading movie files needs pydantic, which is imported only when a document is asked for.
"""

from typing import TYPE_CHECKING, Any

from stackreel.scene.camera import Camera
from stackreel.scene.clip import ClipPlane
from stackreel.scene.light import PRESETS, Light
from stackreel.scene.scene import Background, Blend, Gradient, Scene, Title, edges_of
from stackreel.scene.slice import Slice
from stackreel.scene.subject import Subject
from stackreel.scene.timeline import Shot, Timeline
from stackreel.scene.transfer import TransferFunction

if TYPE_CHECKING:
    from stackreel.scene.builder import Movie
    from stackreel.scene.document import Document, load, parse

__all__ = [
    "PRESETS",
    "Background",
    "Blend",
    "Camera",
    "ClipPlane",
    "Document",
    "Gradient",
    "Light",
    "Movie",
    "Scene",
    "Shot",
    "Slice",
    "Subject",
    "Timeline",
    "Title",
    "TransferFunction",
    "edges_of",
    "load",
    "parse",
]

_LAZY = {"Document": "document", "load": "document", "parse": "document", "Movie": "builder"}


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        from importlib import import_module

        return getattr(import_module(f"stackreel.scene.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
