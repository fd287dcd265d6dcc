"""From a folder that fills to a stack of sections: what they are called, how many will come, what each is like."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from stackreel.errors import SliceError, SliceReadError
from stackreel.slices.arriving import Arriving, Awaiting, Say, now
from stackreel.slices.find import ENDINGS, ending
from stackreel.slices.missing import Filled, Layout, Missing, filled
from stackreel.slices.names import Names
from stackreel.slices.opening import open_slices
from stackreel.slices.raw import ByteOrder, parse_dtype
from stackreel.slices.source import SliceSource


def follow(
    folder: Path,
    count: int,
    *,
    names: str | None = None,
    first: int = 0,
    settle: float = 10.0,
    marker: str | None = None,
    shape: tuple[int, int] | None = None,
    dtype: str | None = None,
    byte_order: ByteOrder | None = None,
    skip_bytes: int = 0,
    say: Say = lambda _: None,
) -> Arriving:
    """The stack that a folder will hold; returns when its first section is complete.

    count         : sections that will come
    names         : of their files, as slice_%04d.raw; None: as those that lie there are
    first         : number of the first section
    settle        : seconds for which a file must not have changed to be complete
    marker        : ending of a file beside a section that says that it is complete; instead of settling
    shape … skip_bytes : as open_slices has them
    say           : called with what is waited for
    Raises SliceError.
    """
    if not folder.is_dir():
        raise SliceReadError(f"{folder}: there is no such folder to follow; create it, or name the one that will fill")
    if settle < 0:
        raise SliceError(f"--settle {settle:g}: a time in seconds")
    raw = shape is not None and dtype is not None
    series = Names.parse(names) if names is not None else _learnt(folder, count, raw, marker, settle, say)
    kind = ENDINGS.get(ending(Path(series.suffix or ".")) or ending(Path(series.name(first))))
    raw_bytes = None
    if kind == "raw" or (kind is None and raw):
        if shape is None or dtype is None:
            raise SliceError("raw files do not state their size and type; give --shape ROWS COLS and --dtype")
        raw_bytes = skip_bytes + shape[0] * shape[1] * parse_dtype(dtype)[0].itemsize
    elif kind is None:
        raise SliceError(f"{series.name(first)}: sections that can be followed end in {', '.join(ENDINGS)}")
    one = partial(open_slices, shape=shape, dtype=dtype, byte_order=byte_order, skip_bytes=skip_bytes)
    arriving = Arriving(folder, series, count, first, one, raw_bytes, settle, marker)
    arriving.learn(say)
    return arriving


def without_waiting(arriving: Arriving, missing: Missing, say: Say = lambda _: None) -> SliceSource:
    """The stack as it will be when no more sections come: what is missing is filled.

    Files that lie there are waited for until they are complete.
    """
    there = arriving.there()
    absent = [z - arriving.first for z in missing.absent]
    beyond = [n for n, z in zip(missing.absent, absent, strict=True) if not 0 <= z < arriving.count]
    if beyond:
        raise SliceError(f"--absent {beyond[0]}: not among the {arriving.count} sections from {arriving.first} on")
    here = [z for z in range(arriving.count) if there[z] and z not in absent]
    arriving.wait(here, say)
    present = tuple(z if z in set(here) else -1 for z in range(arriving.count))
    numbers = tuple(range(arriving.first, arriving.first + arriving.count))
    source = filled(arriving, missing, Layout(tuple(range(arriving.count)), present, numbers))
    arriving.lacking = tuple(z for z, i in enumerate(present) if i < 0)
    if isinstance(source, Filled):
        arriving.filled_by = source.provenance["missing_filled_by"]
    return source


def _learnt(folder: Path, count: int, raw: bool, marker: str | None, settle: float, say: Say) -> Names:
    """Names as those that lie in the folder, once there is one."""
    since = now()
    while True:
        series = Names.of(_candidates(folder, raw, marker))
        if series is not None:
            return series
        say(Awaiting(0, count, ("the first section",), since))
        time.sleep(min(2.0, max(0.05, settle / 5)))


def _candidates(folder: Path, raw: bool, marker: str | None) -> Sequence[str]:
    files = [p for p in folder.iterdir() if not p.name.startswith((".", "~")) and not p.is_dir()]
    known = [p.name for p in files if ending(p) in ENDINGS]
    return known or [p.name for p in files if raw and not (marker and p.name.endswith(marker))]
