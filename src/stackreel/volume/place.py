"""How a complete volume gets its name, while others may look for it, replace it or mend it at the same moment.

A file replaces another in one step. A folder cannot: the old one steps aside first, and is removed when the new one
stands there. Whoever changes a volume that has its name holds a lock on it, on the file or folder itself and not on its
name: what has moved away is still known.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from stackreel.files import true_path

Identity = tuple[int, int]  # the disk, and the number of a file or folder there

_log = logging.getLogger(__name__)


def put_in_place(new: Path, out: Path) -> None:
    """Give a complete file or folder its name, which outlives a power cut, instead of what has it.

    A folder that had the name stands aside then, until `settle`.
    """
    if new.is_dir() and out.is_dir():
        os.replace(out, _aside(out))
    os.replace(new, out)
    sync(out.parent)


def stepped_aside(out: Path) -> Path | None:
    """Where the folder is that `out` was before a run was killed just while putting another in its place."""
    aside = _aside(true_path(out))
    return aside if not out.exists() and (aside / "zarr.json").is_file() else None


def settle(out: Path) -> None:
    """Put back the folder that stepped aside when nothing came in its place; remove it otherwise.

    One that somebody else holds is left to him. What cannot be removed is noted, and gets out of the way.
    """
    aside = _aside(out)
    if not aside.is_dir():
        return
    with held(aside, shared=True) as ours:
        if not ours:
            return
        if stepped_aside(out):
            os.replace(aside, out)
            return
        try:
            (aside / "zarr.json").unlink(missing_ok=True)  # first: what is half removed is never put back
            shutil.rmtree(aside)
        except OSError as error:
            left = next(name for k in itertools.count(1) if not (name := Path(f"{aside}-{k}")).exists())
            with contextlib.suppress(OSError):
                os.replace(aside, left)
            _log.warning(
                "note: what stood at %s before could not be removed (%s) and lies in %s; remove that by hand",
                out,
                error.strerror or error,
                left if left.exists() else aside,
            )


def in_the_way(out: Path) -> Path | None:
    """What keeps a folder from stepping aside, after `settle`: what is there belongs to somebody else, or is held."""
    return _aside(out) if out.is_dir() and _aside(out).exists() else None


def remove(path: Path) -> None:
    """A file, or a folder with all that lies in it."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


def identity(path: Path) -> Identity | None:
    """Which file or folder it is that stands there; None where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def leads_to(path: Path, handle: int) -> bool:
    """Whether it is this open file or folder that stands there."""
    found = os.fstat(handle)
    return identity(path) == (found.st_dev, found.st_ino)


def locked(handle: int, *, shared: bool = False) -> bool:
    """Lock an open file or folder until it is closed; False where somebody else has.

    shared : only against those who change it; programs that read HDF5 hold such a lock, too
    """
    try:
        import fcntl

        fcntl.flock(handle, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except (ImportError, OSError):  # there are no locks on Windows, nor on some network file systems
        return True
    return True


@contextlib.contextmanager
def held(path: Path, *, shared: bool = False) -> Iterator[bool]:
    """Whether what stands there is ours for the block, as `locked`; what cannot be opened cannot be held by others."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        yield True
        return
    try:
        yield locked(handle, shared=shared)
    finally:
        os.close(handle)


def sync(path: Path) -> None:
    """Make sure that what was written outlives a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _aside(out: Path) -> Path:
    return out.with_name(f".{out.name}.replaced")
