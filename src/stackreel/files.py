"""How files appear, complete under their final name or not at all; and how their sizes are said.

Everything is written to a temporary name in the same folder and renamed when it is whole. A run that is killed
leaves such a temporary file behind; the next run on that folder sweeps it away.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from stackreel.errors import DiskFullError, OutputExistsError, StackreelError

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_STALE_SECONDS = 24 * 3600.0
_UNITS = ((1e3, "kB"), (1e6, "MB"), (1e9, "GB"), (1e12, "TB"), (1e15, "PB"))
_TEMPORARY = re.compile(r"\..+\.([^.]+)-(\d+)\.part(\.\w+)?")


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary name beside path; it becomes path when the block ends well and disappears when it does not.

    A symbolic link stays: the file that it leads to is replaced, on that file's own disk.
    Raises DiskFullError when the block fails for want of room, StackreelError when it cannot write.
    """
    target = true_path(path)
    refuse_device(path)
    temporary = target.parent / f".{target.stem}.{_host()}-{os.getpid()}.part{target.suffix}"
    try:
        yield temporary
        os.replace(temporary, target)
    except StackreelError:  # some are OSErrors too, and say themselves what went wrong
        raise
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise DiskFullError(f"{path}: no room left on the disk; nothing half-written stays behind") from error
        reason = str(error.strerror or error).splitlines()[0]
        raise StackreelError(f"{path}: cannot be written ({reason}); choose a folder that can") from error
    finally:
        temporary.unlink(missing_ok=True)


def sweep(folder: Path) -> None:
    """Remove temporary files whose run is gone: on this host by its process, on another after a day."""
    for path in folder.glob(".*.part*"):
        match = _TEMPORARY.fullmatch(path.name)
        if match is None:
            continue
        with contextlib.suppress(OSError):
            if match[1] == _host():
                gone = not _alive(int(match[2]))
            else:
                gone = time.time() - path.stat().st_mtime > _STALE_SECONDS
            if gone:
                path.unlink(missing_ok=True)


def true_path(path: Path) -> Path:
    """Where a file really stands, or will: behind all symbolic links."""
    return Path(os.path.realpath(path))


def refuse_device(path: Path) -> None:
    """Raises StackreelError where something stands that is neither a file nor a folder: it would be replaced by one."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise StackreelError(f"{path}: is a device or a pipe, not a file; name a file to write")


def check_writable(path: Path, *, overwrite: bool) -> None:
    """Raise, before any work is done, when path could not be written at its end.

    OutputExistsError when it stands already and may not be replaced; StackreelError when its folder is missing,
    is none, or refuses new files.
    """
    folder = path.absolute().parent
    if not folder.is_dir():
        raise StackreelError(f"{path}: the folder {folder} does not exist; make it first, or write elsewhere")
    if path.is_dir():
        raise StackreelError(f"{path}: is a folder; name a file in it, such as {path / 'movie.mp4'}")
    refuse_device(path)
    if path.exists() and not overwrite:
        raise OutputExistsError(f"{path}: stands already; --overwrite replaces it, once the new one is complete")
    probe = folder / f".probe.{_host()}-{os.getpid()}.part"
    try:
        probe.touch()
    except OSError as error:
        raise StackreelError(f"{path}: the folder {folder} cannot be written to ({error.strerror})") from error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)


def size_on_disk(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    if not path.is_dir():
        return path.stat().st_size
    return sum(one.stat().st_size for one in path.rglob("*") if one.is_file())


def format_bytes(count: int) -> str:
    """Bytes as a person says them, in powers of ten: 12501888000 → "12.5 GB"."""
    if count < 1000:
        return f"{count} bytes"
    scale, unit = next(((s, u) for s, u in _UNITS if count < 999.5 * s), _UNITS[-1])
    return f"{count / scale:.3g} {unit}"


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9_]+", "_", socket.gethostname())


def _alive(pid: int) -> bool:
    if os.name == "nt":  # signal 0 is not harmless there; let age decide
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
