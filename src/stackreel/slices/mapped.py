"""Sections in fewer grey values: a window of intensities is stretched over 8 or 16 bits while they are read.

Cameras write 12 bits into 16, reconstructions write floats; a movie shows 256 greys. Mapped once, when the volume is
made, a window such as 200..4000 halves or quarters what lies on disk and in memory. What lies outside of it is clipped,
so it is never done unasked, and the window stays with the volume: `stackreel info` shows it.

    from stackreel.slices.mapped import mapped

    source = mapped(open_slices("sections/"), window=(200, 4000), to="uint8")
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.errors import SliceError, SliceShapeError
from stackreel.geometry import Index3, Spacing
from stackreel.slices.source import SliceFile, SliceSource

TARGETS = ("uint8", "uint16")


def mapped(
    source: SliceSource, window: Sequence[float] | None = None, to: str | None = None, *, kind: str = "intensity"
) -> SliceSource:
    """The source with its samples as `to`, the values of `window` (low, high) over the whole of that type.

    Without both it is the source itself. Without a window, `to` must be able to hold every value of the source's type.
    Raises SliceError where values would be lost unasked, and for windows of what is no intensity.
    """
    if to is None:
        if window is not None:
            raise SliceError(
                "--window says which values become the darkest and the brightest; say of which type, too: "
                f"--to {' or --to '.join(TARGETS)}"
            )
        return source
    if to not in TARGETS:
        raise SliceError(f"--to {to}: samples become {' or '.join(TARGETS)}")
    if window is not None:
        if kind != "intensity":
            raise SliceError(
                f"--window belongs to intensity data; stretched, {_MEANING.get(kind, 'values')} would mean something "
                "else. Leave it out"
            )
        return Mapped(source, float(window[0]), float(window[1]), np.dtype(to))
    if source.dtype == np.dtype(to):
        return source
    if not np.can_cast(source.dtype, np.dtype(to)):
        raise SliceError(_lossy(source.dtype, to, kind))
    return Mapped(source, 0.0, float(np.iinfo(to).max), np.dtype(to))


_MEANING = {"axial": "directions", "label": "labels"}


def _lossy(dtype: np.dtype[Any], to: str, kind: str) -> str:
    if kind != "intensity":
        return f"--to {to}: {dtype} {_MEANING.get(kind, 'values')} may not fit; leave it out, they stay as they are"
    top = np.iinfo(to).max
    example = "0 1" if dtype.kind == "f" else "0 4095"
    return (
        f"--to {to}: {dtype} samples do not fit as they are; say with --window LOW HIGH which values become 0 and "
        f"{top}, as in --window {example} (`stackreel info` of a volume made without --to shows which values there are)"
    )


@dataclass(frozen=True)
class Mapped:
    """A SliceSource whose samples are another one's, low..high stretched over uint8 or uint16 and clipped.

    Halves are rounded to even; NaN becomes 0. Files, spacing and the way of reading are the other one's.
    """

    source: SliceSource
    low: float
    high: float
    dtype: np.dtype[Any]

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", np.dtype(self.dtype))
        if self.dtype.name not in TARGETS:
            raise SliceError(f"samples are mapped to {' or '.join(TARGETS)}, not to {self.dtype}")
        if not self.low < self.high or not math.isfinite((self.high - self.low) * self.top):
            raise SliceError(
                f"--window {_plain(self.low)} {_plain(self.high)}: give two numbers, the lower one first: the value "
                f"that becomes 0 and the one that becomes {self.top}"
            )

    @property
    def top(self) -> int:
        """What `high` becomes."""
        return int(np.iinfo(self.dtype).max)

    @property
    def shape(self) -> Index3:
        return self.source.shape

    @property
    def spacing(self) -> Spacing | None:
        return self.source.spacing

    @property
    def files(self) -> tuple[SliceFile, ...]:
        return self.source.files

    @property
    def banded(self) -> bool:
        return self.source.banded

    @property
    def notes(self) -> tuple[str, ...]:
        """The other source's, and what becomes of its values."""
        was, low, high = self.source.dtype, _plain(self.low), _plain(self.high)
        if np.can_cast(was, self.dtype) and (self.low, self.high) == (0, self.top):
            return (*self.source.notes, f"{was} samples are stored as {self.dtype}, with their values unchanged")
        holes = "; NaN becomes 0" if was.kind == "f" else ""
        return (
            *self.source.notes,
            f"values {low} to {high} ({was}) are stored as 0 to {self.top} ({self.dtype}); what is lower or higher "
            f"becomes 0 or {self.top}{holes}",
        )

    @property
    def provenance(self) -> Mapping[str, str]:
        """What goes with the volume: the other source's words, window_low, window_high and window_from, a type.

        A sample v of the volume was window_low + v / top · (window_high - window_low).
        """
        window = {
            "window_low": _plain(self.low),
            "window_high": _plain(self.high),
            "window_from": self.source.dtype.name,
        }
        return {**getattr(self.source, "provenance", {}), **window}

    def read(self, z: int, rows: slice, out: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """Rows of slice z, mapped, as a C-contiguous (rows, columns) array, into `out` when given. Thread-safe."""
        from stackreel.kernels.window import stretch

        samples = self.source.read(z, rows)
        if out is None:
            out = np.empty(samples.shape, self.dtype)
        elif out.shape != samples.shape or out.dtype != self.dtype:
            raise SliceShapeError(
                f"slice {z} needs an array of {samples.shape} {self.dtype}; got {out.shape} {out.dtype}"
            )
        stretch(samples, out, self.low, self.high, float(self.top))
        return out

    def close(self) -> None:
        self.source.close()


def _plain(value: float) -> str:
    """A number as a person would write it, and no digit lost."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
