"""How far a conversion has come, as a record of its journal; and a conversion that stands there again.

Only what is new since the last record is written: where each chunk lies, its hash, its bricks' statistics, the hashes
of sections that came in, the counts that changed. All records together say everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Index3
from stackreel.volume.counting import Counter
from stackreel.volume.journal import Journal, Record
from stackreel.volume.levels import LevelWriter
from stackreel.volume.sections import SectionHashes
from stackreel.volume.shelf import Shelf

CHUNKS = np.dtype(
    [("shelf", "<i4"), ("place", "<i4", 3), ("offset", "<i8"), ("size", "<i8"), ("plain", "?"), ("hash", "<u8")]
)


class Progress:
    """All that a conversion must not forget. `note` every chunk in the order of writing; then `save`."""

    def __init__(self, levels: Sequence[LevelWriter], counter: Counter, hashes: Sequence[SectionHashes]) -> None:
        self._levels, self._counter, self._hashes = levels, counter, hashes
        self._shelves: list[tuple[Shelf, LevelWriter | None]] = []
        for level in levels:
            self._shelves.append((level.samples, level))
            if level.lengths is not None:
                self._shelves.append((level.lengths, None))
        self._numbers = {id(shelf): number for number, (shelf, _) in enumerate(self._shelves)}
        self._new: list[tuple[int, Index3]] = []
        self._remember()

    def note(self, shelf: Shelf, place: Index3) -> None:
        self._new.append((self._numbers[id(shelf)], place))

    def save(self, journal: Journal, bands: int, **more: npt.NDArray[Any]) -> None:
        """Write a record: so many bands of sections, and all that follows from them, are done and on the disk.

        more : to be kept with it
        """
        chunks = np.zeros(len(self._new), CHUNKS)
        statistics: dict[str, list[npt.NDArray[Any]]] = {"low": [], "high": [], "mask": []}
        for row, (number, place) in zip(chunks, self._new, strict=True):
            shelf, level = self._shelves[number]
            row["shelf"], row["place"] = number, place
            row["offset"], row["size"] = shelf.offsets[place], shelf.sizes[place]
            row["plain"], row["hash"] = shelf.plain[place], shelf.hashes[place]
            if level is not None:
                where = level.bricks(place)
                for key, values in level.statistics.items():
                    statistics[key].append(values[where].ravel())
        empty = {key: level.dtype for key, level in self._levels[0].statistics.items()}
        journal.append(
            bands=np.array(bands),
            chunks=chunks,
            **{key: np.concatenate(parts) if parts else np.zeros(0, empty[key]) for key, parts in statistics.items()},
            **self._new_hashes(),
            **self._new_counts(),
            **more,
        )
        self._new.clear()
        self._remember()

    def _new_hashes(self) -> Record:
        """The rows of every table of hashes from the first that changed to the last, and which the first is."""
        out = {}
        for i, (one, before) in enumerate(zip(self._hashes, self._said_hashes, strict=True)):
            changed = np.flatnonzero((one.table != before).any(axis=1))
            first, end = (int(changed[0]), int(changed[-1]) + 1) if len(changed) else (0, 0)
            out[f"hashes{i}_first"], out[f"hashes{i}"] = np.array(first), one.table[first:end]
        return out

    def _new_counts(self) -> Record:
        """The counts that changed, and of which bins they are."""
        state = self._counter.state()
        bins = np.flatnonzero(state["counts"] != self._said_counts)
        return state | {"counted": bins.astype(np.int32), "counts": state["counts"][bins]}

    def _remember(self) -> None:
        """What all records together say now."""
        self._said_hashes = [one.table.copy() for one in self._hashes]
        self._said_counts = self._counter.state()["counts"]

    def restore(self, records: Sequence[Record]) -> int:
        """Take over what earlier runs did; how many bands of sections that is."""
        for record in records:
            self._take_over(record)
        last = records[-1]
        self._counter.resume(self._counts(records), last["span"])
        self._remember()
        return int(last["bands"])

    def _counts(self, records: Sequence[Record]) -> npt.NDArray[np.int64]:
        counts = np.zeros_like(self._said_counts)
        for record in records:
            # older records have all bins
            counts[record["counted"] if "counted" in record else slice(None)] = record["counts"]
        return counts

    def _take_over(self, record: Record) -> None:
        statistics = {key: record[key] for key in ("low", "high", "mask")}
        at = 0
        for row in record["chunks"]:
            shelf, level = self._shelves[int(row["shelf"])]
            place = cast(Index3, tuple(int(p) for p in row["place"]))
            shelf.put_again(place, int(row["offset"]), int(row["size"]), bool(row["plain"]), int(row["hash"]))
            if level is None:
                continue
            where = level.bricks(place)
            count = level.mask[where].size
            for key, values in level.statistics.items():
                part = values[where]
                part[...] = statistics[key][at : at + count].reshape(part.shape)
            at += count
        for i, one in enumerate(self._hashes):
            # older records have all sections
            first = int(record[f"hashes{i}_first"]) if f"hashes{i}_first" in record else 0
            rows = record[f"hashes{i}"]
            one.table[first : first + len(rows)] = rows
