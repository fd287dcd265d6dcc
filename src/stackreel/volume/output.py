"""A volume's file while it is written: under a temporary name, by one process alone, and whole or not there at all."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stackreel.errors import OutputExistsError, VolumeError
from stackreel.files import format_bytes, refuse_device, size_on_disk, true_path
from stackreel.volume.journal import Journal, journal_of, preview_of
from stackreel.volume.recipe import differences


def check_output(out: Path, *, overwrite: bool) -> None:
    """Raises unless a file can be made at `out`, and what goes beside it."""
    try:
        str(out).encode()
    except UnicodeEncodeError:
        raise VolumeError(
            f"{str(out)!a} is not text in UTF-8, and neither HDF5 nor XDMF could say it; choose another name"
        ) from None
    refuse_device(out)
    if out.is_dir() and not (is_zarr(out) and (out / "zarr.json").is_file()):
        raise VolumeError(f"{out} is a folder; name a file in it, such as {out / 'brain.h5'}")
    if out.is_dir() and "stackreel" not in _attributes(out):
        raise OutputExistsError(f"{out} is Zarr that was not written by stackreel; give another name, or remove it")
    if is_zarr(out) and out.is_file():
        raise VolumeError(f"{out} is a file, and OME-Zarr is a folder; give another name")
    if out.exists() and not overwrite:
        raise OutputExistsError(f"{out} stands already; give another name, or --overwrite to replace it")
    for folder in (out.parent, true_path(out).parent):
        if not folder.is_dir():
            raise VolumeError(f"{folder}: there is no such folder; create it first")
        if not os.access(folder, os.W_OK):
            raise VolumeError(f"{folder}: no right to write here; choose another folder")


def _attributes(folder: Path) -> Any:
    """Of a Zarr group; none where its page is not one."""
    with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
        return json.loads((folder / "zarr.json").read_text()).get("attributes") or ()
    return ()


def is_zarr(path: Path) -> bool:
    """Whether a volume of such a name is, or is to be, a folder of OME-Zarr."""
    return path.suffix.lower() == ".zarr"


@contextlib.contextmanager
def unfinished(out: Path, settings: Mapping[str, Any], *, restart: bool = False) -> Iterator[tuple[Path, Journal]]:
    """The name that `out` has until the block ends well, and the journal beside it; for this process alone.

    The names, brain.h5.partial and brain.h5.journal, are the same for every run and, unlike those of
    `files.replacing`, in plain sight: two runs can tell that they would write one file, and what a stopped run left,
    up to hundreds of gigabytes, is seen. When the block fails and the journal has a record, both stay for the next
    run; otherwise nothing is left.

    settings : what the run is to do; an earlier run's journal is taken up only where that was to do the same
    restart  : never take up an earlier run
    Raises VolumeError while another run is at work on it, or when an earlier run was to do something else.
    """
    partial = out.with_name(f"{out.name}.partial")
    handle = _begin(partial, folder=is_zarr(out))
    try:
        _lock(handle, partial, out)
        size = None if partial.is_dir() else os.fstat(handle).st_size
        journal = _journal(out, journal_of(partial), settings, size, restart=restart)
        try:
            yield partial, journal
            _put_in_place(partial, out)
            journal.path.unlink()
            preview_of(partial).unlink(missing_ok=True)
        finally:
            journal.close()
            if _leads_to(partial, handle) and not journal.worth_keeping:
                # once it is `out`, another run may have begun one of that name
                _remove(partial)
                journal.path.unlink(missing_ok=True)
                preview_of(partial).unlink(missing_ok=True)
    finally:
        os.close(handle)


def left_by(out: Path) -> str:
    """In a sentence, what a run that failed has left for the next one."""
    partial = true_path(out).with_name(f"{true_path(out).name}.partial")
    if not journal_of(partial).exists():
        return "Nothing was left behind"
    size = format_bytes(size_on_disk(partial)) if partial.exists() else "nothing"
    return f"What was done is kept in {partial} ({size}): the same command goes on from there"


def _journal(out: Path, path: Path, settings: Mapping[str, Any], size: int | None, *, restart: bool) -> Journal:
    """The journal to write to: an earlier run's, when this one can go on with it.

    size : of the unfinished file; None for a folder, whose files are looked at when they are gone on with
    """
    found = None if restart else Journal.resume(path)
    if found is None:
        return _anew(path, settings)
    before, journal = found
    differing = differences(before, settings)
    if differing:
        journal.close()
        raise VolumeError(
            f"{out}: an earlier run was stopped on the way, and this one would make something else: "
            f"{'; '.join(differing)}. Give the same arguments to go on with it, or --restart to begin anew"
        )
    gone = not any(path.with_suffix(".partial").iterdir()) if size is None else journal.reaches_to > size
    if gone:  # somebody took the unfinished file away
        journal.close()
        return _anew(path, settings)
    return journal


def _anew(path: Path, settings: Mapping[str, Any]) -> Journal:
    preview_of(path).unlink(missing_ok=True)
    return Journal.start(path, settings)


def _begin(partial: Path, *, folder: bool) -> int:
    """Make an unfinished file or folder, or open the one that stands there."""
    if not folder:
        return os.open(partial, os.O_RDWR | os.O_CREAT, 0o666)
    partial.mkdir(exist_ok=True)
    return os.open(partial, os.O_RDONLY)


def _put_in_place(partial: Path, out: Path) -> None:
    """Give a complete file its name. A folder cannot replace another in one step: the old one steps aside first."""
    if not (partial.is_dir() and out.is_dir()):
        os.replace(partial, out)
        return
    aside = out.with_name(f".{out.name}.replaced-{os.getpid()}")
    os.replace(out, aside)
    try:
        os.replace(partial, out)
    except BaseException:
        os.replace(aside, out)
        raise
    _remove(aside)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink()


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
