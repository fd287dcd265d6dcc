"""A volume's file while it is written: under a temporary name, by one process alone, and whole or not there at all."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from stackreel.errors import OutputExistsError, VolumeError
from stackreel.files import true_path


def check_output(out: Path, *, overwrite: bool) -> None:
    """Raises unless a file can be made at `out`, and what goes beside it."""
    try:
        str(out).encode()
    except UnicodeEncodeError:
        raise VolumeError(
            f"{str(out)!a} is not text in UTF-8, and neither HDF5 nor XDMF could say it; choose another name"
        ) from None
    if out.is_dir():
        raise VolumeError(f"{out} is a folder; name a file in it, such as {out / 'brain.h5'}")
    if out.exists() and not overwrite:
        raise OutputExistsError(f"{out} stands already; give another name, or --overwrite to replace it")
    for folder in (out.parent, true_path(out).parent):
        if not folder.is_dir():
            raise VolumeError(f"{folder}: there is no such folder; create it first")
        if not os.access(folder, os.W_OK):
            raise VolumeError(f"{folder}: no right to write here; choose another folder")


@contextlib.contextmanager
def temporary(out: Path) -> Iterator[Path]:
    """The name that `out` has until the block ends well, for this process alone; otherwise nothing is left of it.

    The name is the same for every run and, unlike those of `files.replacing`, in plain sight: two runs can tell that
    they would write one file, and what a killed run left, up to hundreds of gigabytes, is seen and is overwritten by
    the next. Raises VolumeError while another run is at work on it.
    """
    partial = out.with_name(f"{out.name}.partial")
    handle = os.open(partial, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(handle, partial, out)
        try:
            yield partial
            os.replace(partial, out)
        finally:
            if _leads_to(partial, handle):  # once it is `out`, another run may have begun one of that name
                partial.unlink()
    finally:
        os.close(handle)


def _leads_to(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def _lock(handle: int, partial: Path, out: Path) -> None:
    try:
        import fcntl
    except ImportError:  # not on Windows
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        ours = _leads_to(partial, handle)  # not so when the other run has just come to its end
    except BlockingIOError:
        ours = False
    except OSError:  # some network file systems have no locks
        return
    if not ours:
        raise VolumeError(
            f"{out}: another stackreel is writing it at this moment; wait for that one, or give another name"
        )


def says_no_room(error: OSError | RuntimeError) -> bool:
    """Whether an error of ours or of HDF5, which hides the number in its message, means that nothing more fits."""
    number = re.search(r"errno = (\d+)", str(error))
    code = int(number[1]) if number else getattr(error, "errno", None)
    return code in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) or "No space left" in str(error)


def sync(path: Path) -> None:
    """Make sure that what was written outlives a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
