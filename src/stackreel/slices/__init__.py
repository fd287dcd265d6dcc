"""What the microscope left: stacks of sections in raw, TIFF, PNG or JPEG files, and a phantom.

from stackreel.slices import open_slices

source = open_slices("sections/", shape=(28721, 31076), dtype="uint8")
band = source.read(117, slice(0, 256))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackreel.slices.opening import open_slices
    from stackreel.slices.source import SliceFile, SliceSource

__all__ = ["SliceFile", "SliceSource", "open_slices"]


def __getattr__(name: str) -> Any:
    if name == "open_slices":
        from stackreel.slices.opening import open_slices

        return open_slices
    if name in ("SliceFile", "SliceSource"):
        from stackreel.slices import source

        return getattr(source, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
