"""Our own renderer: out of core, planned from the camera, on the processor's cores."""

from stackreel.frames.native.choosing import default_memory
from stackreel.frames.native.engine import NativeEngine, NativeSession

__all__ = ["NativeEngine", "NativeSession", "default_memory"]
