"""A damaged volume becomes what it was: only what is broken is made again, from the slices it was made of.

A damaged chunk of the full resolution is read from the slices once more, one of a coarser level is made of the level
below, as in the conversion. The same work gives the same bytes, and the recorded hash proves it; they go where the
damaged ones lie. Where what lies around the chunks is damaged, HDF5's index or the statistics, the slices are converted
again beside the file, and the new one takes its place once every byte of it is checked.

A repair that is killed leaves what `verify` still reports and what another repair still mends.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import numpy.typing as npt
import xxhash

from stackreel.errors import DiskFullError, SliceError, StackreelError, VolumeError
from stackreel.files import true_path
from stackreel.geometry import Index3, Spacing
from stackreel.slices.source import SliceSource
from stackreel.volume import build as building
from stackreel.volume.against import check_fits
from stackreel.volume.chunkfile import LIBVER
from stackreel.volume.codec import pack
from stackreel.volume.damage import BadChunk, Report
from stackreel.volume.ledger import Kept, Ledger, put_ledger, read_ledger
from stackreel.volume.output import says_no_room, sync
from stackreel.volume.pyramid import LevelPlan, plan_levels
from stackreel.volume.recipe import Recipe
from stackreel.volume.reduction import Reduction
from stackreel.volume.seal import put_seal
from stackreel.volume.sections import PIECE, SectionHashes
from stackreel.volume.undo import Found, forget, put_aside, stopped_ledger, take_back, undo_of
from stackreel.volume.verify import verify

Progress = Callable[[int], object]
Blocks = tuple[npt.NDArray[Any], npt.NDArray[Any] | None]


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
    """Mend a volume file.

    source, weights : what it was made of, opened as then
    report          : of `verify`, where that has just been asked
    begin, progress : called once with how much there is to do, in chunks or bytes ("chunk", "B"), then with how much
                      has been done since
    finish          : as `build` takes it; only for a file that has to be made anew
    Raises SliceError when the slices are not those of then, VolumeError when there is not enough left to go by; the
    file then stays as it is.
    """
    path = true_path(Path(path))
    with _alone(path):
        before = stopped_ledger(path)
        if before is not None:
            check_fits(path, before, source)
        if take_back(path) == "taken back" or report is None:
            report = verify(path, threads=threads)
        if report.whole:
            return Mended(0, False, report)
        ledger = read_ledger(path)
        if ledger is None:
            raise VolumeError(lost(path))
        check_fits(path, ledger, source)
        if ledger.settings.get("weights") and weights is None and (not report.metadata or _coarse(report.bad)):
            raise VolumeError(f"{path}: its coarser levels were made with weights, which are needed again to mend them")
        plans = _plans(ledger)
        if report.metadata and plans is not None:
            begin(len(report.bad), "chunk")
            mender = _Mender(path, ledger, plans, source, weights)
            mender.check_slices(report.bad)
            try:
                mender.run(report.bad, progress)
            except (OSError, RuntimeError) as error:
                if isinstance(error, StackreelError):
                    raise
                kind = DiskFullError if says_no_room(error) else VolumeError
                reason = str(error).splitlines()[0]
                raise kind(f"{path}: could not be mended ({reason}); the same command tries again") from error
            return Mended(len(report.bad), False, verify(path, threads=threads))
        if report.linked:
            raise VolumeError(
                f"{path}: its index is damaged, and no samples are in it: link the slices again, with the options of "
                f"then: `stackreel link SLICES {path} --overwrite`"
            )
        begin(math.prod(ledger.shape) * ledger.dtype.itemsize, "B")
        return Mended(0, True, _anew(path, ledger, source, weights, threads, progress, finish))


def lost(path: Path) -> str:
    """What to do with a file that does not even say any more what it was made of."""
    return (
        f"{path}: what it was made of, and how, is lost with its end. Convert the slices again, with the options of "
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


def recipe_of(ledger: Ledger, threads: int | None = None) -> Recipe:
    """What a volume was made by."""
    settings = ledger.settings
    z, y, x = (float(step) for step in settings["spacing"])
    spacing = Spacing(z, y, x, "" if settings["unit"] == "none" else str(settings["unit"]))
    words = {key: text for key, text in ledger.provenance.items() if key != "written_by"}
    return Recipe(ledger.name, spacing, Reduction(**settings["reduction"]), words, threads or os.cpu_count() or 1)


def _plans(ledger: Ledger) -> tuple[LevelPlan, ...] | None:
    """The levels as they were planned; None where this stackreel would plan them otherwise."""
    plans = plan_levels(ledger.shape, recipe_of(ledger).spacing, ledger.dtype.itemsize)
    same = [[list(plan.shape), list(plan.chunk)] for plan in plans] == ledger.settings["levels"]
    return plans if same else None


def _coarse(bad: Sequence[BadChunk]) -> bool:
    return any(one.level > 0 for one in bad)


class _Mender:
    """Makes damaged chunks again, finer levels first, and writes each where it lay."""

    def __init__(
        self,
        path: Path,
        ledger: Ledger,
        plans: Sequence[LevelPlan],
        source: SliceSource,
        weights: SliceSource | None,
    ) -> None:
        self.path, self.ledger, self.plans = path, ledger, plans
        self.source, self.weights = source, weights
        self.reduction = recipe_of(ledger).reduction
        self.file: h5py.File | None = None  # open once a chunk takes more or less room than before
        self.handle = -1

    def check_slices(self, bad: Sequence[BadChunk]) -> None:
        """Raises SliceError unless the slices are those of then, as far as they are needed."""
        below = {child[:2] for one in bad if one.level == 1 for child in self._children(1, one.place)}
        needed = below if self.ledger.full is None else {one.place[:2] for one in bad if one.level == 0}
        for z, y in sorted(needed):
            self._check(self.source, self.ledger.slices[0], z, y)
        if self.weights is not None and len(self.ledger.slices) > 1:
            for z, y in sorted(below):
                self._check(self.weights, self.ledger.slices[1], z, y)

    def _check(self, source: SliceSource, known: npt.NDArray[np.uint64], z: int, y: int) -> None:
        z0, y0, band = self._band(source, z, y)
        hashes = SectionHashes((band.shape[0], band.shape[1], 0))
        hashes.add(band, 0, 0)
        first = y0 // PIECE
        wrong = np.argwhere(hashes.table != known[z0 : z0 + len(band), first : first + hashes.table.shape[1]])
        if len(wrong):
            i, piece = (int(n) for n in wrong[0])
            files = source.files
            file = f" ({files[z0 + i].path.name})" if len(files) == self.ledger.shape[0] else ""
            rows = f"{y0 + piece * PIECE} to {min(y0 + piece * PIECE + PIECE, self.ledger.shape[1]) - 1}"
            raise SliceError(
                f"slice {z0 + i}{file}, rows {rows}: not what was converted, so {self.path.name} cannot be mended "
                "with it; nothing was changed. Name the slices, and give the options, of then; or convert anew"
            )

    def _band(self, source: SliceSource, z: int, y: int) -> tuple[int, int, npt.NDArray[Any]]:
        """Slice and row where a row of chunks begins, and its samples, (z, y, x)."""
        depth, tall, _ = self.plans[0].chunk
        z0, y0 = z * depth, y * tall
        count, height, _ = self.ledger.shape
        rows = slice(y0, min(y0 + tall, height))
        return z0, y0, np.stack([source.read(k, rows) for k in range(z0, min(z0 + depth, count))])

    def _piece(self, source: SliceSource, place: Index3) -> npt.NDArray[Any]:
        """The samples of a chunk of the full resolution, from slices."""
        wide = self.plans[0].chunk[2]
        _, _, band = self._band(source, *place[:2])
        return np.ascontiguousarray(band[:, :, place[2] * wide : (place[2] + 1) * wide])

    def run(self, bad: Sequence[BadChunk], progress: Progress) -> None:
        self.handle = os.open(self.path, os.O_RDWR)
        try:
            for level in sorted({one.level for one in bad}):
                here = [one for one in bad if one.level == level]
                made = self._from_slices(here) if level == 0 else self._from_below(level, here)
                for kept, place, block in made:
                    self._put(kept, place, block)
                    progress(1)
            os.fsync(self.handle)
            if self.file is not None:
                self._complete(self.file)
        except BaseException:
            if self.file is not None:
                with contextlib.suppress(OSError, RuntimeError):
                    self.file.close()
                take_back(self.path)
            raise
        finally:
            os.close(self.handle)

    def _from_slices(self, bad: Sequence[BadChunk]) -> Iterator[tuple[Kept, Index3, npt.NDArray[Any]]]:
        full = self.ledger.full
        assert full is not None
        rows = itertools.groupby(sorted(one.place for one in bad), key=lambda place: place[:2])
        for (z, y), places in rows:
            _, _, band = self._band(self.source, z, y)
            for place in places:
                x = place[2] * full.chunk[2]
                yield full, place, band[:, :, x : x + full.chunk[2]]

    def _from_below(self, level: int, bad: Sequence[BadChunk]) -> Iterator[tuple[Kept, Index3, npt.NDArray[Any]]]:
        for place in sorted({one.place for one in bad}):
            samples, lengths = self._reduced(level, place)
            for one in bad:
                if one.place == place:
                    kept = self.ledger.find(level, resultants=one.resultants)
                    block = lengths if one.resultants else samples
                    assert kept is not None
                    assert block is not None
                    yield kept, place, block

    def _reduced(self, level: int, place: Index3) -> Blocks:
        """A chunk's samples, and the resultants where the level has some, made of the level below."""
        plan, below, kept = self.plans[level], self.plans[level - 1], self.ledger.find(level)
        beside = self.ledger.find(level, resultants=True)
        assert kept is not None
        shape = kept.inside(place)
        corner = tuple(p * c for p, c in zip(place, plan.chunk, strict=True))
        out = np.zeros(shape, kept.dtype)
        out_lengths = None if beside is None else np.zeros(shape, beside.dtype)
        for child in self._children(level, place):
            block, lengths = self._chunk(level - 1, child)
            at = [p * c for p, c in zip(child, below.chunk, strict=True)]
            ends = [o + n == size for o, n, size in zip(at, block.shape, below.shape, strict=True)]
            wz, wy, wx = (w if end else 1.0 for w, end in zip(below.tail_weights(self.ledger.shape), ends, strict=True))
            room = tuple(
                slice(o // f - c, -(-(o + n) // f) - c)
                for o, n, f, c in zip(at, block.shape, plan.halved, corner, strict=True)
            )
            if out_lengths is None:
                self.reduction.into(block, out[room], plan.halved, (wz, wy, wx))
            else:
                self.reduction.into(block, out[room], plan.halved, (wz, wy, wx), lengths, out_lengths[room])
        return out, out_lengths

    def _children(self, level: int, place: Index3) -> Iterator[Index3]:
        """The chunks of the level below that a chunk is made of; none of them belongs to two."""
        plan, below = self.plans[level], self.plans[level - 1]
        spans = []
        for p, chunk, factor, size, under in zip(place, plan.chunk, plan.halved, below.shape, below.chunk, strict=True):
            first, last = p * chunk * factor, min((p + 1) * chunk * factor, size)
            spans.append(range(first // under, -(-last // under)))
        for child in itertools.product(*spans):
            yield cast(Index3, child)

    def _chunk(self, level: int, place: Index3) -> Blocks:
        """A sound chunk's samples, and what each is worth where that is known."""
        kept, beside = self.ledger.find(level), self.ledger.find(level, resultants=True)
        lengths = None
        if beside is not None:
            lengths = self._sound(beside, place)
        elif level == 0 and self.weights is not None:
            lengths = self._piece(self.weights, place)
        if kept is None:
            return self._piece(self.source, place), lengths
        return self._sound(kept, place), lengths

    def _sound(self, kept: Kept, place: Index3) -> npt.NDArray[Any]:
        try:
            return _filled(kept, place, kept.samples(self.handle, place))
        except ValueError as error:
            raise VolumeError(
                f"{self.path}: {error}, and was not when it was verified just now; is the disk all right? The same "
                "command verifies it again and tries again"
            ) from error

    def _put(self, kept: Kept, place: Index3, block: npt.NDArray[Any]) -> None:
        chunk = np.zeros(kept.chunk, kept.dtype)
        chunk[tuple(slice(0, n) for n in block.shape)] = block
        plain = bool(kept.plain[place])
        stored = chunk.tobytes() if plain else pack(chunk)
        digest = xxhash.xxh3_64_intdigest(stored)
        if digest == int(kept.hashes[place]):
            _write(self.handle, stored, int(kept.offsets[place]))
            return
        if plain:  # nothing was packed that could have been packed otherwise
            raise VolumeError(
                f"{self.path}: {kept.where}, chunk {place} cannot be made again as it was: other weights than then, or "
                "levels that another program or release made? Convert the slices again: "
                f"`stackreel convert SLICES {self.path} --overwrite`"
            )
        # another release of ISA-L packs the same samples otherwise
        if self.file is None:
            put_aside(self.path, self.ledger.extents)
            self.file = h5py.File(self.path, "r+", libver=LIBVER, locking=False)
        dataset = self.file[kept.where].id
        corner = tuple(p * c for p, c in zip(place, kept.chunk, strict=True))
        dataset.write_direct_chunk(corner, stored)
        kept.offsets[place] = dataset.get_chunk_info_by_coord(corner).byte_offset
        kept.sizes[place], kept.hashes[place] = len(stored), digest

    def _complete(self, file: h5py.File) -> None:
        """Note the chunks that have changed in the tables, and seal the file anew."""
        for kept in self.ledger.kept:
            part = "resultants/" if kept.resultants else ""
            group = file[f"/summary/{self.ledger.name}/{part}{kept.level}"]
            for key in ("offsets", "sizes", "plain", "hashes"):
                group[key][...] = getattr(kept, key)
        put_ledger(file, self.ledger)
        file.close()
        os.fsync(self.handle)  # from the new seal on, nothing is taken back
        put_seal(self.path, self.ledger.seal, self.ledger.extents)
        forget(self.path)


def _anew(
    path: Path,
    ledger: Ledger,
    source: SliceSource,
    weights: SliceSource | None,
    threads: int | None,
    progress: Progress,
    finish: building.Finish,
) -> Report:
    """Convert again, beside the file; it is replaced when the new one is whole and made of the same slices."""
    new = path.with_name(f"{path.stem}.repaired{path.suffix}")
    building.build(
        source, new, recipe_of(ledger, threads), weights=weights, overwrite=True, progress=progress, finish=finish
    )
    made, report = read_ledger(new), verify(new, threads=threads)
    if made is None or not report.whole:
        raise VolumeError(f"{new}: the volume made anew is damaged at once; is the disk all right? {path} stays")
    # a volume that was exported keeps no hashes of its weights
    wrong = [np.argwhere(a != b) for a, b in zip(ledger.slices, made.slices, strict=False)]
    for places in wrong:
        if len(places):
            new.unlink()
            raise SliceError(
                f"slice {int(places[0][0])} is not what was converted, so {path.name} cannot be mended with it; it "
                "stays as it is. Name the slices, and give the options, of then; or convert anew"
            )
    os.replace(new, path)
    sync(path.parent)
    return verify(path, threads=threads)


def _filled(kept: Kept, place: Index3, samples: npt.NDArray[Any] | None) -> npt.NDArray[Any]:
    return np.zeros(kept.inside(place), kept.dtype) if samples is None else np.ascontiguousarray(samples)


def _write(handle: int, data: bytes, at: int) -> None:
    done = 0
    while done < len(data):
        done += os.pwrite(handle, data[done:], at + done)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keeps a second repair away. Raises VolumeError while there is one, or where the file may not be written."""
    try:
        handle = os.open(path, os.O_RDWR)
    except OSError as error:
        raise VolumeError(f"{path}: cannot be written ({error.strerror}), so it cannot be mended") from error
    try:
        try:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise VolumeError(f"{path}: another repair of it is at work at this moment; wait for that one") from None
        except (ImportError, OSError):  # not on Windows, nor on some network file systems
            pass
        yield
    finally:
        os.close(handle)
