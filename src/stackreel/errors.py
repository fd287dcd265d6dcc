"""What can go wrong, in words a person can act on.

Every error says what, where and the way out. The command line prints the message alone; a traceback is for
defects in stackreel, never for a file that is too short.
"""

from __future__ import annotations


class StackreelError(Exception):
    """The root of everything stackreel raises on purpose."""


class SliceError(StackreelError, ValueError):
    """A slice, or the set of slices, is not what was announced."""


class SliceShapeError(SliceError):
    """A slice holds more or fewer samples than its neighbours or than `--shape` says."""


class SliceReadError(SliceError, OSError):
    """A slice could not be read: missing, unreadable, truncated, or an unknown encoding."""


class VolumeError(StackreelError, ValueError):
    """A volume file is missing something, or is not one of ours."""


class VolumeMissingError(VolumeError, FileNotFoundError):
    """There is no volume where one was named."""


class CorruptChunkError(VolumeError, OSError):
    """A stored chunk does not decode; the message names file, level and chunk."""


class OutputExistsError(StackreelError, FileExistsError):
    """The output stands already; `--overwrite` replaces it."""


class DiskFullError(StackreelError, OSError):
    """The disk filled up (or would); nothing stands under the final name."""


class MovieFileError(StackreelError, ValueError):
    """The movie file says something it cannot mean; the message names the place in the file."""


class UnitError(StackreelError, ValueError):
    """A length without a known unit, or one that is not a length."""


class EngineError(StackreelError, RuntimeError):
    """An engine cannot draw this scene, or failed while drawing it."""


class EncodeError(StackreelError, RuntimeError):
    """Frames could not be turned into the movie file asked for."""


class ParaViewError(StackreelError, ValueError):
    """A trace, state, camera or colour map of ParaView's that cannot be read, or has nothing to take over."""
