"""From axes in any order to sections, rows and columns.

Microscopes write time, channel, z, y and x in every order, and so do programs. Sections are read along z, rows along
y, columns along x; one channel and one time point are chosen; an axis of one sample is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.errors import SliceError
from stackreel.geometry import Index3
from stackreel.slices.choice import Choice

CHANNEL, TIME = "c", "t"


@dataclass(frozen=True, slots=True)
class Arranged:
    """One stack of sections inside an array with more, or other, axes.

    shape : of the stack (z, y, x); one section where the array has no z
    place : for z, y, x: which of the array's axes that is, None where it has none
    fixed : for each of the array's axes: the index that is taken, None for z, y and x
    notes : what was done, where it is not plain
    words : channel and time, as provenance keeps them
    """

    shape: Index3
    place: tuple[int | None, int | None, int | None]
    fixed: tuple[int | None, ...]
    notes: tuple[str, ...] = ()
    words: tuple[tuple[str, str], ...] = ()

    def along(self, values: Sequence[float]) -> tuple[float | None, float | None, float | None]:
        """Of values for all axes, those along z, y, x."""
        z, y, x = (None if axis is None else float(values[axis]) for axis in self.place)
        return (z, y, x)

    def chunk(self, sizes: Sequence[int]) -> Index3:
        """Of the array's chunk sizes, those along z, y, x."""
        z, y, x = (1 if axis is None else int(sizes[axis]) for axis in self.place)
        return (z, y, x)

    def key(self, z: slice, rows: slice) -> tuple[int | slice, ...]:
        """What to ask the array for, to get some rows of some sections."""
        wanted = {self.place[0]: z, self.place[1]: rows, self.place[2]: slice(0, self.shape[2])}
        return tuple(wanted[axis] if fixed is None else fixed for axis, fixed in enumerate(self.fixed))

    def turned(self, part: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """What the array answered to `key`, as (z, y, x)."""
        kept = [axis for axis, fixed in enumerate(self.fixed) if fixed is None]
        order = [kept.index(axis) for axis in self.place if axis is not None]
        turned = part.transpose(order)
        return turned[None] if self.place[0] is None else turned


def arrange(
    axes: Sequence[str],
    shape: Sequence[int],
    choice: Choice,
    where: str,
    names: Sequence[str] = (),
) -> Arranged:
    """The stack that a choice picks from an array.

    axes  : names of the array's axes, in its order: z, y, x, c and t, in either case; others must hold one sample
    names : of the channels
    Raises SliceError when there are channels or times to choose from, or more than three dimensions are left.
    """
    said = [axis.strip().lower() for axis in axes]
    if len(said) != len(shape):
        raise SliceError(
            f"{where} names {len(said)} axes ({', '.join(axes)}), but its samples have {len(shape)}: its description "
            "does not belong to its samples; have it written again"
        )
    twice = [axis for axis in said if said.count(axis) > 1]
    if twice:
        raise SliceError(f"{where} names two of its axes {twice[0]}; have it written again with each of its own")
    if not {"y", "x"} <= set(said):
        raise SliceError(
            f"{where} has the axes {', '.join(axes)}; rows (y) and columns (x) must be among them, sections (z) may be"
        )
    fixed: list[int | None] = []
    words = []
    for axis, count in zip(said, map(int, shape), strict=True):
        if count < 1:
            raise SliceError(f"{where} is empty: it has no samples along {axis}")
        if axis in ("z", "y", "x"):
            fixed.append(None)
        elif axis == CHANNEL:
            channel = choice.pick_channel(count, names, where)
            fixed.append(channel)
            label = names[channel] if channel < len(names) else ""
            if count > 1:
                words.append(("channel", f"{channel} ({label})" if label else str(channel)))
        elif axis == TIME:
            fixed.append(choice.pick_time(count, where))
            if count > 1:
                words.append(("time", str(fixed[-1])))
        elif count == 1:
            fixed.append(0)
        else:
            raise SliceError(
                f"{where} has {count} samples along an axis {axis}, besides sections, rows and columns; "
                "export one stack of sections from it"
            )
    if CHANNEL not in said:
        choice.refuse(where, channel="no channels")
    if TIME not in said:
        choice.refuse(where, time="no time points")
    place = tuple(said.index(axis) if axis in said else None for axis in "zyx")
    z, y, x = (1 if axis is None else int(shape[axis]) for axis in place)
    order = [axis for axis in said if axis in "zyx"]
    notes: tuple[str, ...] = ()
    if order != [axis for axis in "zyx" if axis in said]:
        notes = (f"axes lie as {', '.join(order)}; sections are read along z, rows along y, columns along x",)
    return Arranged((z, y, x), (place[0], place[1], place[2]), tuple(fixed), notes, tuple(words))


def native(dtype: Any) -> np.dtype[Any]:
    found: np.dtype[Any] = np.dtype(dtype).newbyteorder("=")
    return found
