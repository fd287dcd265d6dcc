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

from stackreel.errors import DiskFullError, OutputExistsError, StackreelError, VolumeError
from stackreel.files import format_bytes, refuse_device, size_on_disk, true_path
from stackreel.volume.journal import Journal, has_record, journal_of, preview_of
from stackreel.volume.recipe import differences
from stackreel.volume.undo import undo_of


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
    if stepped_aside(out) and not overwrite:
        raise OutputExistsError(
            f"{out} was about to be replaced when a run was killed, and stands in {stepped_aside(out)} now; rename it "
            "back, or --overwrite to replace it"
        )
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
def unfinished(
    out: Path, settings: Mapping[str, Any] | None, *, restart: bool = False
) -> Iterator[tuple[Path, Journal]]:
    """The name that `out` has until the block ends well, and the journal beside it; for this process alone.

    The names, brain.h5.partial and brain.h5.journal, are the same for every run and, unlike those of
    `files.replacing`, in plain sight: two runs can tell that they would write one file, and what a stopped run left,
    up to hundreds of gigabytes, is seen. When the block fails and the journal has a record, both stay for the next
    run; otherwise nothing is left. When it ends well, the new name outlives a power cut.

    settings : what the run is to do; an earlier run's journal is taken up only where that was to do the same.
               None of a run that cannot be gone on with: it writes no records, and never discards those of another
    restart  : never take up an earlier run
    Raises VolumeError while another run is at work on it, or when an earlier run was to do something else.
    """
    partial = out.with_name(f"{out.name}.partial")
    path = journal_of(partial)
    handle = _begin(partial, folder=is_zarr(out))
    try:
        _lock(handle, partial, out)
        journal: Journal | None = None
        try:
            settle(out)
            size = None if partial.is_dir() else os.fstat(handle).st_size
            journal = _journal(out, path, settings, size, restart=restart)
            sync(out.parent)
            yield partial, journal
            put_in_place(partial, out)
        except KeyboardInterrupt:
            if _leads_to(out, handle):
                raise KeyboardInterrupt(f"stopped; {out} was just complete") from None
            raise
        finally:
            try:
                _clear(partial, out, handle, journal)
            finally:
                if journal is not None:
                    journal.close()
    finally:
        os.close(handle)


def _clear(partial: Path, out: Path, handle: int, journal: Journal | None) -> None:
    """At the end of a run, remove all that neither a reader nor a later run could use."""
    path = journal_of(partial)
    settle(out)
    if _leads_to(partial, handle):
        if not (has_record(path) if journal is None else journal.worth_keeping):
            remove(partial)
            path.unlink(missing_ok=True)
            preview_of(partial).unlink(missing_ok=True)
        return
    # it has become `out`, and another run may have begun one of that name
    if journal is not None:
        journal.discard()
    if _leads_to(out, handle):
        preview_of(partial).unlink(missing_ok=True)
        undo_of(out).unlink(missing_ok=True)  # it would put pieces of the file that stood there before into this one
        sync(out.parent)


def left_by(out: Path) -> str:
    """In a sentence, what a run that failed has left for the next one."""
    partial = true_path(out).with_name(f"{true_path(out).name}.partial")
    if not (partial.exists() and has_record(journal_of(partial))):
        return "Nothing was left behind"
    size = format_bytes(size_on_disk(partial))
    return f"What was done is kept in {partial} ({size}): the same command goes on from there"


def _journal(out: Path, path: Path, settings: Mapping[str, Any] | None, size: int | None, *, restart: bool) -> Journal:
    """The journal to write to: an earlier run's, when this one can go on with it.

    size : of the unfinished file; None for a folder, whose files are looked at when they are gone on with
    """
    found = None if restart else Journal.resume(path)
    if found is None:
        return _anew(path, settings)
    before, journal = found
    try:
        gone = not any(path.with_suffix(".partial").iterdir()) if size is None else journal.reaches_to > size
        if not gone:  # otherwise somebody took the unfinished file away
            _check_same(out, before, settings)
            return journal
    except BaseException:
        journal.close()
        raise
    journal.close()
    return _anew(path, settings)


def _check_same(out: Path, before: Mapping[str, Any], settings: Mapping[str, Any] | None) -> None:
    if settings is None:
        raise VolumeError(
            f"{out}: a conversion to this name was stopped on the way, and what it did is kept in {out.name}.partial. "
            f"Give another name, or go on with that conversion first; to give it up, remove {out.name}.partial and "
            f"{out.name}.journal"
        )
    differing = differences(before, settings)
    if differing:
        raise VolumeError(
            f"{out}: an earlier run was stopped on the way, and this one would make something else: "
            f"{'; '.join(differing)}. Give the same arguments to go on with it, or --restart to begin anew"
        )


def _anew(path: Path, settings: Mapping[str, Any] | None) -> Journal:
    preview_of(path).unlink(missing_ok=True)
    return Journal.start(path, settings or {})


def _begin(partial: Path, *, folder: bool) -> int:
    """Make an unfinished file or folder, or open the one that stands there."""
    if not folder:
        return os.open(partial, os.O_RDWR | os.O_CREAT, 0o666)
    partial.mkdir(exist_ok=True)
    return os.open(partial, os.O_RDONLY)


def put_in_place(new: Path, out: Path) -> None:
    """Give a complete file or folder its name, which outlives a power cut, instead of what has it.

    A folder cannot replace another in one step: the old one steps aside first.
    """
    if new.is_dir() and out.is_dir():
        os.replace(out, _aside(out))
    os.replace(new, out)
    sync(out.parent)


def _aside(out: Path) -> Path:
    return out.with_name(f".{out.name}.replaced")


def stepped_aside(out: Path) -> Path | None:
    """Where the folder is that `out` was before a run was killed just while putting another in its place."""
    aside = _aside(true_path(out))
    return aside if not out.exists() and (aside / "zarr.json").is_file() else None


def settle(out: Path) -> None:
    """Put back the folder that stepped aside when nothing came in its place; remove it otherwise."""
    aside = _aside(out)
    if stepped_aside(out):
        os.replace(aside, out)
    elif aside.is_dir():
        (aside / "zarr.json").unlink(missing_ok=True)  # first: what is half removed is never put back
        shutil.rmtree(aside)


def remove(path: Path) -> None:
    """A file, or a folder with all that lies in it."""
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


@contextlib.contextmanager
def told(out: Path) -> Iterator[None]:
    """What keeps `out` from being written, in words: DiskFullError or VolumeError, with what was left."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        if isinstance(error, StackreelError):
            raise
        if says_no_room(error):
            raise DiskFullError(
                f"{true_path(out).parent}: the disk is full, or a quota or limit is reached. Free some space, or write "
                f"elsewhere. {left_by(out)}"
            ) from error
        raise VolumeError(f"{out}: could not be written ({str(error).splitlines()[0]})") from error


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
