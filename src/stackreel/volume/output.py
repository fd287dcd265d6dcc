"""A volume's file while it is written: under a temporary name, by one process alone, and whole or not there at all."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stackreel.errors import DiskFullError, OutputExistsError, StackreelError, VolumeError
from stackreel.files import format_bytes, refuse_device, size_on_disk, true_path
from stackreel.volume.journal import Journal, has_record, journal_of, preview_of
from stackreel.volume.place import (
    Identity,
    held,
    identity,
    in_the_way,
    leads_to,
    locked,
    put_in_place,
    remove,
    settle,
    stepped_aside,
    sync,
)
from stackreel.volume.recipe import differences
from stackreel.volume.undo import undo_of

_log = logging.getLogger(__name__)


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
    handle = _begin(partial, folder=is_zarr(out))
    try:
        if not (locked(handle) and leads_to(partial, handle)):  # the other run may have just come to its end
            raise VolumeError(
                f"{out}: another stackreel is writing it at this moment; wait for that one, or give another name"
            )
        with _begun(partial, out, handle, settings, restart=restart) as journal:
            yield partial, journal
    finally:
        os.close(handle)


@contextlib.contextmanager
def _begun(
    partial: Path, out: Path, handle: int, settings: Mapping[str, Any] | None, *, restart: bool
) -> Iterator[Journal]:
    """The journal, for a block that completes `partial`; at its end that gets its name, or stays, or goes."""
    journal: Journal | None = None
    try:
        try:
            settle(out)
            if (aside := in_the_way(out)) is not None:
                raise VolumeError(f"{out}: cannot be replaced before {aside} is removed, which was refused; remove it")
            before = identity(out)
            size = None if partial.is_dir() else os.fstat(handle).st_size
            journal = _journal(out, journal_of(partial), settings, size, restart=restart)
            sync(out.parent)
            yield journal
            with _unchanged(out, before, partial):
                put_in_place(partial, out)
        except _InTheWayError:
            raise
        except BaseException as error:
            if not leads_to(out, handle):
                _give_up(partial, out, handle, journal)
                raise
            if not isinstance(error, OSError):
                _clean_up(partial, out, journal)
                raise _complete(out) from None
            _log.warning("note: %s is complete, but may not outlive a power cut (%s)", out, error)
        _clean_up(partial, out, journal)
    finally:
        if journal is not None:
            journal.close()


class _InTheWayError(VolumeError):
    """A volume is complete, and cannot have its name."""


@contextlib.contextmanager
def _unchanged(out: Path, before: Identity | None, partial: Path) -> Iterator[None]:
    """For the moment in which `out` is replaced. Raises _InTheWayError where something else has come there since the
    run began, or where somebody mends it."""
    go_on = (
        f"The new volume is complete in {partial}: rename that, or give the same command with --overwrite to have it "
        "in that place"
    )
    with held(out, shared=True) as ours:
        if identity(out) not in (before, None):
            raise _InTheWayError(f"{out}: has come there since this run began, and was left as it is. {go_on}")
        if not ours:
            raise _InTheWayError(f"{out}: is being repaired at this moment, and was left as it is. {go_on}")
        yield


def _give_up(partial: Path, out: Path, handle: int, journal: Journal | None) -> None:
    """At the end of a run that failed, remove all that neither a reader nor a later run could use."""
    path = journal_of(partial)
    settle(out)
    if leads_to(partial, handle) and not (has_record(path) if journal is None else journal.worth_keeping):
        remove(partial)
        path.unlink(missing_ok=True)
        preview_of(partial).unlink(missing_ok=True)


def _clean_up(partial: Path, out: Path, journal: Journal | None) -> None:
    """Remove what a volume that has its name needs no more. Another run may have begun one beside it by now."""
    try:
        try:
            if journal is not None:
                journal.discard()
            preview_of(partial).unlink(missing_ok=True)
            if not out.is_dir():  # it would put pieces of the file that stood there before into this one
                undo_of(out).unlink(missing_ok=True)
            sync(out.parent)
            settle(out)
        except OSError as error:
            _log.warning("note: %s is complete, but not all that it needs no more could be removed (%s)", out, error)
    except KeyboardInterrupt:
        raise _complete(out) from None


def _complete(out: Path) -> KeyboardInterrupt:
    return KeyboardInterrupt(f"stopped; {out} was just complete")


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
