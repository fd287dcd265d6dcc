"""Whether ParaView shows what is in a file: every way into it tried, what came compared with what is there, and what
to do where it differs.

The case to be feared is the silent one: a reader that cannot read the samples and shows zeros, which looks like an
empty brain. So nothing is called right that was not compared.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stackreel.files import format_bytes
from stackreel.paraview.finding import Installation
from stackreel.paraview.needs import EVERYWHERE
from stackreel.paraview.trying import Job, Outcome, try_all
from stackreel.paraview.ways import Way
from stackreel.volume import Volume

MOST = 4_000_000_000
"""Bytes that a file may take to be opened unasked: more takes minutes."""
_LONGEST = 2**31  # samples at once, less one, that VTKHDF's reader of ParaView 5.11 takes
_OVERHEAD = 1_000_000_000  # of a pvpython that has read something
_SLOWEST = 20e6  # bytes a second

Pair = tuple[str, str]


@dataclass(frozen=True)
class Shown:
    """What a ParaView shows of a file by one way.

    verdict  : "right"; "opens", where nothing is known to compare with; "untried", being too large for here; and
               "zeros", "wrong", "nothing", "refused", "ends", "too slow", "memory"
    compared : samples; differ : of them
    text     : the same in a sentence; way_out : what to do about it, or ""
    chosen   : whether this reader is the one that File > Open takes for this file
    """

    way: Way
    verdict: str
    text: str
    way_out: str = ""
    compared: int = 0
    differ: int = 0
    chosen: bool = True
    seconds: float = 0.0
    took: int = 0

    @property
    def state(self) -> str:
        """ "ok", "note" or "bad": what nobody would come across is no more than a note."""
        if self.verdict == "right":
            return "ok"
        return "note" if self.verdict in ("opens", "untried") or not self.chosen else "bad"


def show(
    paraview: Installation, ways: Sequence[Way], volume: Volume | None, *, room: int, asked: int | None = None
) -> list[Shown]:
    """What a ParaView shows by each of the ways.

    volume : that they lead to, for advice; room : bytes of memory that are free
    asked  : bytes that opening a file may take; unless given, what is sensible for the machine and not above MOST
    """
    most = asked if asked is not None else min(int(room * 0.6), MOST)
    readers = [way for way in ways if way.memory <= most or way.reader == "VTKHDF"]
    jobs = [_job(way, most) for way in readers]
    seconds = 60.0 + max((way.memory for way in ways if way.memory <= most), default=0) / _SLOWEST
    outcomes = try_all(paraview, jobs, seconds=seconds, memory=2 * most + _OVERHEAD) if jobs else []
    seen = dict(zip([id(way) for way in readers], outcomes, strict=True))
    shown = []
    for way in ways:
        outcome = seen.get(id(way))
        shown.append(_untried(way, room) if outcome is None else _judged(way, outcome, most, volume))
    return [_with_better_ending(one, shown) for one in shown]


def _with_better_ending(one: Shown, shown: Sequence[Shown]) -> Shown:
    """With the advice to rename a file where only the reader that ParaView would not choose shows it."""
    way = one.way
    if one.state != "bad" or way.reader != "Xdmf3":
        return one
    better = any(s.verdict == "right" and s.way.reader == "Xdmf2" and s.way.file == way.file for s in shown)
    out = f"rename it to {way.file.stem}.xmf2: then ParaView chooses Xdmf2, which shows it"
    return replace(one, way_out=out) if better else one


def _job(way: Way, most: int) -> Job:
    whole = way.memory <= most
    return Job(way.file, way.reader, list(way.places.samples), () if whole else way.places.boxes, way.array)


def _untried(way: Way, room: int) -> Shown:
    text = f"not tried: opening it takes {format_bytes(way.memory)} of memory; {format_bytes(room)} are free here"
    fits = way.memory <= room * 0.8
    if fits:
        out = f"--memory {math.ceil(way.memory / 1e9)}G tries it, in a minute or more"
    else:
        out = "on this machine open a coarser level, or a part: `stackreel xdmf --stride`, or the .hdf and a box of it"
    return Shown(way, "untried", text, out)


def _judged(way: Way, seen: Outcome, most: int, volume: Volume | None) -> Shown:
    chosen = way.made or not seen.chosen or seen.chosen == way.reader
    if way.made and way.reader == "Xdmf3":
        chosen = False
    verdict, differ = _verdict(way, seen)
    count = len(way.places.samples)
    if verdict == "right":
        return Shown(way, verdict, _right(way, seen, most), "", count, 0, chosen, seen.seconds, seen.took)
    if verdict == "opens":
        size = " × ".join(map(str, seen.shape))
        text = f"opens: {size} samples of {seen.dtype}; what they should be is not known here"
        return Shown(way, verdict, text, "", 0, 0, chosen, seen.seconds, seen.took)
    why, out = _cause(way, seen, volume)
    words = {
        "zeros": "shows zeros",
        "nothing": "shows no samples",
        "wrong": f"shows something else: {differ} of {count} samples differ",
        "refused": "does not open it",
        "ends": "ParaView ends",
        "too slow": f"is not done after {seen.seconds or 60:.0f} s",
        "memory": "fails for want of memory",
    }[verdict]
    if verdict == "zeros" and not seen.said.strip():
        words = "shows zeros, without a word"
    return Shown(
        way, verdict, f"{words}{': ' if why else ''}{why}", out, count, differ, chosen, seen.seconds, seen.took
    )


def _verdict(way: Way, seen: Outcome) -> tuple[str, int]:
    """What came of it, and at how many places another sample, or none."""
    if seen.how != "read":
        return {"error": "refused", "ended": "ends", "timeout": "too slow", "memory": "memory"}[seen.how], 0
    expected = way.places.samples
    if not expected:
        # nothing to compare with, but an error while reading leaves zeros or nothing
        if not seen.arrays or not seen.dtype:
            return "nothing", 0
        return ("zeros" if "HDF5-DIAG" in seen.said else "opens"), 0
    if not seen.arrays or not seen.samples:
        return "nothing", len(expected)
    differ = way.places.differing(seen)
    blank = not any(np.any(np.asarray(value) != 0) for value in seen.samples.values())
    if blank and (differ or "HDF5-DIAG" in seen.said):
        return "zeros", differ
    return ("wrong" if differ else "right"), differ


def _right(way: Way, seen: Outcome, most: int) -> str:
    text = f"right ({len(way.places.samples)} samples compared)"
    if not way.places.telling:
        text = f"as it should be, but all {len(way.places.samples)} samples compared are zero"
    if way.memory > most:
        text += f"; read in boxes, the whole takes {format_bytes(way.memory)}"
        if way.known is not None and math.prod(way.known.shape) >= _LONGEST:
            text += ", and from 2³¹ samples on ParaView 5.11 reads boxes only"
    elif way.known is not None and np.dtype(seen.dtype).itemsize > way.known.dtype.itemsize:
        times = np.dtype(seen.dtype).itemsize // way.known.dtype.itemsize
        text += f"; as {seen.dtype}, {times} times the memory"
    elif way.part:
        text += "; a hyperslab, which takes 3 times its memory"
    return text


def _cause(way: Way, seen: Outcome, volume: Volume | None) -> Pair:
    """Why, and the way out; the reader's own words where nothing better is known."""
    needs, reason, said = way.needs, seen.reason, seen.said
    if needs.locked or "lock file" in reason:
        return (
            "another program has the file open for writing",
            "wait until it is done, or start ParaView with HDF5_USE_FILE_LOCKING=FALSE in its environment",
        )
    lacking = [name for number, name in zip(needs.filters, needs.names, strict=True) if number not in EVERYWHERE]
    if lacking and ("filter" in reason or "plugin" in reason or not reason):
        return _filters(lacking)
    if "bad version number" in said or "unknown version" in said or "version bounds" in said:
        return (
            "written in a newer HDF5 format than its HDF5 reads (libver='latest')",
            "write it again with libver=('earliest', 'v110') in h5py, or make a volume of it: `stackreel convert`",
        )
    if needs.external or "external" in reason:
        return _external(way)
    if ":" in way.file.name or (way.known is not None and ":" in getattr(way.known, "file", way.file).name):
        return "a colon in a file's name: the reader takes what follows for the data set", "rename the file"
    if "No such file" in reason or "Cannot open" in reason or "unable to open file" in reason:
        return "the file that it leads to is not there", ""
    if "doesn't exist" in said or "Can't Open Dataset" in said or "Object not found" in said:
        return "the data set that it names is not in the file", ""
    if "not within extent" in said:
        return "it says larger Dimensions than the data set has", "correct Dimensions in the XDMF file"
    if way.part and way.reader == "Xdmf3":
        return "Xdmf3 leaves hyperslabs out without a word", "let the file's name end in .xmf2, which chooses Xdmf2"
    if seen.how == "memory":
        return f"opening it takes {format_bytes(way.memory)}", _smaller(volume)
    if way.reader == "VTKHDF" and way.known is not None and math.prod(way.known.shape) >= _LONGEST:
        return "2³¹ samples or more at once", "open the .xmf2, or ask the .hdf for a box (ExtractSubset)"
    if way.known is not None and seen.shape and tuple(seen.shape) != tuple(way.known.shape):
        return f"it has {' × '.join(map(str, seen.shape))} samples, not {' × '.join(map(str, way.known.shape))}", ""
    return reason.removeprefix("HDF5: "), ""


def _filters(names: Sequence[str]) -> Pair:
    what = f"its HDF5 has no {' and no '.join(names)}, with which the samples are compressed"
    if "lzf" in names:
        return what, "write it again with gzip, which every HDF5 can undo, or make a volume of it: `stackreel convert`"
    return what, (
        "start ParaView with HDF5_PLUGIN_PATH=FOLDER of that plugin (`pip install hdf5plugin` brings them), or make a "
        "volume with gzip of it: `stackreel convert`"
    )


def _external(way: Way) -> Pair:
    needs = way.needs
    if needs.absent:
        return f"its samples lie in {needs.absent[0]}, which is not there", "put the files back, or link them again"
    if needs.relative:
        return (
            "its samples lie in other files, named relative to the folder that ParaView is started in",
            "start it with HDF5_EXTFILE_PREFIX='${ORIGIN}' in its environment (single quotes)",
        )
    return "its samples lie in other files, which it cannot open", ""


def _smaller(volume: Volume | None) -> str:
    if volume is None or len(volume.levels) < 2:
        return "a part of it takes less: a stride in a hyperslab, or a box through VTKHDF"
    return f"open a coarser level, such as {volume.path.stem}.L1of{len(volume.levels) - 1}.xmf2"
