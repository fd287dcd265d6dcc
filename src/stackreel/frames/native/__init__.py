"""Our own renderer: out of core, planned from the camera, on the processor's cores."""

from stackreel.frames.native.engine import NativeEngine, NativeSession, default_memory

__all__ = ["NativeEngine", "NativeSession", "default_memory"]
