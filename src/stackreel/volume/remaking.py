"""Damaged chunks made again: those of the full resolution of the slices, those of a coarser level of the one below.

The same work as in the conversion gives the same samples, and when packed the same bytes: the recorded hash proves it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from stackreel.errors import SliceError, VolumeError
from stackreel.geometry import Index3, Spacing
from stackreel.slices.source import SliceSource
from stackreel.volume.damage import BadChunk
from stackreel.volume.ledger import Kept, Ledger
from stackreel.volume.place import leads_to
from stackreel.volume.pyramid import LevelPlan, plan_levels
from stackreel.volume.recipe import Recipe
from stackreel.volume.reduction import Reduction
from stackreel.volume.sections import PIECE, SectionHashes
from stackreel.volume.stored import Chunks, samples_of

Blocks = tuple[npt.NDArray[Any], npt.NDArray[Any] | None]
Made = tuple[Kept, Index3, npt.NDArray[Any]]


def recipe_of(ledger: Ledger, threads: int | None = None) -> Recipe:
    """What a volume was made by."""
    settings = ledger.settings
    z, y, x = (float(step) for step in settings["spacing"])
    spacing = Spacing(z, y, x, "" if settings["unit"] == "none" else str(settings["unit"]))
    words = {key: text for key, text in ledger.provenance.items() if key != "written_by"}
    return Recipe(ledger.name, spacing, Reduction(**settings["reduction"]), words, threads or os.cpu_count() or 1)


def plans_of(ledger: Ledger) -> tuple[LevelPlan, ...] | None:
    """The levels as they were planned; None where this stackreel would plan them otherwise."""
    plans = plan_levels(ledger.shape, recipe_of(ledger).spacing, ledger.dtype.itemsize)
    same = [[list(plan.shape), list(plan.chunk)] for plan in plans] == ledger.settings["levels"]
    return plans if same else None


class Remaker:
    """Makes chunks of a volume again.

    plans           : the levels as they were planned
    source, weights : what the volume was made of
    chunks          : where those that are sound are read
    """

    def __init__(
        self,
        path: Path,
        ledger: Ledger,
        plans: Sequence[LevelPlan],
        source: SliceSource,
        weights: SliceSource | None,
        chunks: Chunks,
    ) -> None:
        self.path, self.ledger, self.plans = path, ledger, plans
        self.source, self.weights, self.chunks = source, weights, chunks
        self.reduction = recipe_of(ledger).reduction

    def made(self, bad: Sequence[BadChunk]) -> Iterator[Made]:
        """Chunks of one level: the array, the place there, and the samples that lie inside the level."""
        level = bad[0].level
        return self._from_slices(bad) if level == 0 else self._from_below(level, bad)

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

    def _from_slices(self, bad: Sequence[BadChunk]) -> Iterator[Made]:
        full = self.ledger.full
        assert full is not None
        rows = itertools.groupby(sorted(one.place for one in bad), key=lambda place: place[:2])
        for (z, y), places in rows:
            _, _, band = self._band(self.source, z, y)
            for place in places:
                x = place[2] * full.chunk[2]
                yield full, place, band[:, :, x : x + full.chunk[2]]

    def _from_below(self, level: int, bad: Sequence[BadChunk]) -> Iterator[Made]:
        for place, group in itertools.groupby(sorted(bad, key=lambda one: one.place), key=lambda one: one.place):
            samples, lengths = self._reduced(level, place)
            for one in group:
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
            return _filled(kept, place, samples_of(self.chunks, kept, place))
        except ValueError as error:
            raise went_bad(self.path, error) from error


def check_held(path: Path, handle: int) -> None:
    """Raises VolumeError unless it is still the volume under repair that stands there: another is never written to."""
    if not leads_to(path, handle):
        raise VolumeError(f"{path}: another volume has come there since the repair began, and was left as it is")


def made_otherwise(path: Path, kept: Kept, place: Index3) -> VolumeError:
    """Of a chunk that comes out otherwise than it was, where nothing proves that it holds the same samples."""
    return VolumeError(
        f"{path}: {kept.where}, chunk {place} cannot be made again as it was: other weights than then, or levels that "
        f"another program or release made? Convert the slices again: `stackreel convert SLICES {path} --overwrite`"
    )


def went_bad(path: Path, error: ValueError) -> VolumeError:
    """Of a chunk that was sound a moment ago."""
    return VolumeError(
        f"{path}: {error}, and was not when it was verified just now; is the disk all right? The same command "
        "verifies it again and tries again"
    )


def _filled(kept: Kept, place: Index3, samples: npt.NDArray[Any] | None) -> npt.NDArray[Any]:
    return np.zeros(kept.inside(place), kept.dtype) if samples is None else np.ascontiguousarray(samples)
