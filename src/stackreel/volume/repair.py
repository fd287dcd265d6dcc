"""A damaged volume becomes what it was: only what is broken is made again, from the slices it was made of.

A damaged chunk of the full resolution is read from the slices once more, one of a coarser level is made of the level
below, as in the conversion. The same work gives the same bytes, and the recorded hash proves it; they go where the
damaged ones lie. Where what lies around the chunks is damaged, HDF5's index or the statistics, the slices are converted
again beside the volume, and the new one takes its place once every byte of it is checked.

A repair that is killed leaves what `verify` still reports and what another repair still mends.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stackreel.errors import DiskFullError, SliceError, StackreelError, VolumeError
from stackreel.files import true_path
from stackreel.slices.source import SliceSource
from stackreel.volume import build as building
from stackreel.volume.against import check_fits
from stackreel.volume.damage import BadChunk, Report
from stackreel.volume.ledger import Ledger
from stackreel.volume.mendfile import FileMender
from stackreel.volume.mendshards import ShardMender
from stackreel.volume.output import left_by, says_no_room, told
from stackreel.volume.place import leads_to, locked, put_in_place, remove, settle
from stackreel.volume.pyramid import LevelPlan
from stackreel.volume.remaking import Remaker, plans_of, recipe_of
from stackreel.volume.shardledger import read_any_ledger
from stackreel.volume.stored import ShardChunks, open_chunks
from stackreel.volume.undo import Found, stopped_ledger, take_back, undo_of
from stackreel.volume.verify import verify

Progress = Callable[[int], object]


@dataclass(frozen=True)
class Mended:
    """What `repair` did.

    chunks : that were made again, each in its place
    anew   : everything was converted again
    report : what `verify` says of the file now
    """

    chunks: int
    anew: bool
    report: Report


def repair(
    path: str | Path,
    source: SliceSource,
    *,
    weights: SliceSource | None = None,
    report: Report | None = None,
    threads: int | None = None,
    begin: Callable[[int, str], object] = lambda _total, _unit: None,
    progress: Progress = lambda _: None,
    finish: building.Finish = lambda _file, _name, _placements: None,
) -> Mended:
    """Mend a volume.

    source, weights : what it was made of, opened as then
    report          : of `verify`, where that has just been asked
    begin, progress : called once with how much there is to do, in chunks or bytes ("chunk", "B"), then with how much
                      has been done since
    finish          : as `build` takes it; only for a file that has to be made anew
    Raises SliceError when the slices are not those of then, VolumeError when there is not enough left to go by; the
    file then stays as it is.
    """
    path = true_path(Path(path))
    with told(path):
        settle(path)
    with _alone(path) as handle:
        before = stopped_ledger(path)
        if before is not None:
            check_fits(path, before, source)
        if take_back(path) == "taken back" or report is None:
            report = verify(path, threads=threads)
        if report.whole:
            return Mended(0, False, report)
        ledger = read_any_ledger(path)
        if ledger is None:
            raise VolumeError(lost(path))
        check_fits(path, ledger, source)
        if ledger.weighted and weights is None and (not report.metadata or _coarse(report.bad)):
            raise VolumeError(f"{path}: its coarser levels were made with weights, which are needed again to mend them")
        if weights is not None and not ledger.weighted:
            raise VolumeError(f"{path}: its coarser levels were made without weights; leave them away to mend it")
        plans = plans_of(ledger)
        if report.metadata and plans is not None:
            begin(len(report.bad), "chunk")
            _mend(path, handle, ledger, plans, source, weights, report.bad, progress)
            return Mended(len(report.bad), False, verify(path, threads=threads))
        if report.linked:
            raise VolumeError(
                f"{path}: its index is damaged, and no samples are in it: link the slices again, with the options of "
                f"then: `stackreel link SLICES {path} --overwrite`"
            )
        if not (ledger.proved or report.sealed):
            raise VolumeError(lost(path))
        if not ledger.provable(1):
            raise VolumeError(
                f"{path}: made with weights of which there are no hashes, so that nothing proves that these are those "
                f"of then. Convert the slices again: `stackreel convert SLICES {path} --overwrite`"
            )
        begin(math.prod(ledger.shape) * ledger.dtype.itemsize, "B")
        after = _anew(path, handle, ledger, source, weights, threads, progress, finish)
    settle(path)  # not before: what stood there is held until here
    return Mended(0, True, after)


def lost(path: Path) -> str:
    """What to do with a file that does not even say any more what it was made of."""
    return (
        f"{path}: what it was made of, and how, is lost. Convert the slices again, with the options of "
        f"then: `stackreel convert SLICES {path} --overwrite`"
    )


def resume(path: str | Path) -> Found:
    """Take back what a repair that was stopped in the middle had done to the index, where that was of this very file.

    Raises VolumeError while that repair is still at work, or where the file may not be written.
    """
    path = true_path(Path(path))
    if not undo_of(path).exists():
        return "nothing"
    with _alone(path):
        return take_back(path)


def _coarse(bad: Sequence[BadChunk]) -> bool:
    return any(one.level > 0 for one in bad)


def _mend(
    path: Path,
    handle: int,
    ledger: Ledger,
    plans: Sequence[LevelPlan],
    source: SliceSource,
    weights: SliceSource | None,
    bad: Sequence[BadChunk],
    progress: Progress,
) -> None:
    """Make damaged chunks again, and nothing else."""
    chunks = open_chunks(path, ledger)
    remaker = Remaker(path, ledger, plans, source, weights, chunks)
    if isinstance(chunks, ShardChunks):
        mender: ShardMender | FileMender = ShardMender(path, handle, ledger, chunks)
    else:
        mender = FileMender(path, handle, ledger)
    remaker.check_slices(bad)
    try:
        mender.run(remaker, bad, progress)
    except (OSError, RuntimeError) as error:
        if isinstance(error, StackreelError):
            raise
        kind = DiskFullError if says_no_room(error) else VolumeError
        reason = str(error).splitlines()[0]
        raise kind(f"{path}: could not be mended ({reason}); the same command tries again") from error
    finally:
        chunks.close()


def _anew(
    path: Path,
    handle: int,
    ledger: Ledger,
    source: SliceSource,
    weights: SliceSource | None,
    threads: int | None,
    progress: Progress,
    finish: building.Finish,
) -> Report:
    """Convert again, beside the file; it is replaced when the new one is whole and made of the same slices."""
    new = path.with_name(f".{path.stem}.repaired{path.suffix}")  # a name that nobody gives to what he keeps
    if not _finished(new, ledger, threads):
        recipe = recipe_of(ledger, threads)
        try:
            building.build(source, new, recipe, weights=weights, overwrite=True, progress=progress, finish=finish)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"stopped; {path} is as it was. {left_by(new)}") from None
    made, report = read_any_ledger(new), verify(new, threads=threads)
    if made is None or not report.whole:
        raise VolumeError(f"{new}: the volume made anew is damaged at once; is the disk all right? {path} stays")
    wrong = [np.argwhere(a != b) for a, b in zip(ledger.slices, made.slices, strict=False)]
    for places in wrong:
        if len(places):
            remove(new)
            raise SliceError(
                f"slice {int(places[0][0])} is not what was converted, so {path.name} cannot be mended with it; it "
                "stays as it is. Name the slices, and give the options, of then; or convert anew"
            )
    with told(path):
        if not leads_to(path, handle):
            raise VolumeError(
                f"{path}: another volume has come there since the repair began, and was left as it is. The one made "
                f"anew is {new}"
            )
        settle(path)
        put_in_place(new, path)
    return verify(path, threads=threads)


def _finished(new: Path, ledger: Ledger, threads: int | None) -> bool:
    """Whether a repair that was killed at its very end has left such a volume."""
    if not new.exists():
        return False
    with contextlib.suppress(StackreelError, OSError):
        made = read_any_ledger(new)
        same = made is not None and made.settings == ledger.settings and made.provenance == ledger.provenance
        return same and verify(new, threads=threads).whole
    return False


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[int]:
    """Keeps a second repair away, and conversions that would replace it; the open file or folder.

    Raises VolumeError while one is at work, or where the file may not be written.
    """
    try:
        if path.is_dir() and not os.access(path, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        handle = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    except OSError as error:
        raise VolumeError(f"{path}: cannot be written ({error.strerror}), so it cannot be mended") from error
    try:
        if not (locked(handle) and leads_to(path, handle)):
            raise VolumeError(f"{path}: another repair of it is at work at this moment; wait for that one")
        yield handle
    finally:
        os.close(handle)
