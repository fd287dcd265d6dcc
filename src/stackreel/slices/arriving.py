"""Sections that are still arriving: a scan takes days, and the volume grows with it.

A folder is watched. Sections may come in any order; one counts as there when it is complete: its file has stopped
growing for some seconds, or a marker lies beside it, and its header and size are right. Whoever reads a section that
has not come yet waits for it. A section that changes after it was read is an error: the volume holds what it was.
"""

from __future__ import annotations

import datetime
import os
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.errors import SliceError, SliceReadError, SliceShapeError
from stackreel.geometry import Index3, Spacing
from stackreel.slices.names import Names
from stackreel.slices.source import SliceFile, SliceSource
from stackreel.slices.stack import reason

_SHOWN = 3
_TRY_AGAIN = 5.0  # seconds after which a file that could not be read is looked into again
_CHECK = 10  # how many looks at the folder until those that were read are looked at, too

_thread = threading.local()  # stopped: an event by which waiting in this thread ends

Identity = tuple[int, int]  # size and time of the last change (ns)
Open = Callable[[Path], SliceSource]


@dataclass(frozen=True, slots=True)
class Awaiting:
    """What a conversion waits for.

    arrived  : sections of `count` that are complete
    names    : of the next sections that are needed and not complete
    since    : when waiting began
    troubles : what is wrong with those that lie there, in words
    """

    arrived: int
    count: int
    names: tuple[str, ...]
    since: datetime.datetime
    troubles: tuple[str, ...] = ()

    def __str__(self) -> str:
        more = f" and {len(self.names) - _SHOWN} more" if len(self.names) > _SHOWN else ""
        trouble = f" ({self.troubles[0]})" if self.troubles else ""
        return (
            f"{self.arrived} of {self.count} sections are there; waiting for {', '.join(self.names[:_SHOWN])}{more} "
            f"since {self.since:%d %b %H:%M}{trouble}"
        )


Say = Callable[[Awaiting], object]


@dataclass
class _Place:
    """What is known of one section. identity, since : of its file, and when (monotonic) it was first seen like that."""

    path: Path
    identity: Identity
    since: float
    tried: float = -1e9
    trouble: str = ""
    source: SliceSource | None = None


@dataclass(eq=False)
class Arriving:
    """A SliceSource for a folder that fills. Thread-safe.

    folder, names : where the sections come, and what they are called
    count, first  : how many there will be, and the number of the first
    open_one      : a complete file as a stack of one section
    raw_bytes     : the size that a raw file must have; None for files with a header
    settle        : seconds for which a file must not have changed; unless there is
    marker        : the ending of a file that says that the one beside it is complete: s007.raw.done, or s007.done
    lacking, filled_by : sections that are no longer waited for, and what stands in for them; see following
    """

    folder: Path
    names: Names
    count: int
    first: int
    open_one: Open
    raw_bytes: int | None = None
    settle: float = 10.0
    marker: str | None = None
    spacing: Spacing | None = field(default=None, init=False)
    notes: tuple[str, ...] = field(default=(), init=False)
    banded: bool = field(default=True, init=False)
    provenance: Mapping[str, str] = field(default_factory=dict, init=False)
    lacking: tuple[int, ...] = field(default=(), init=False)
    filled_by: str = field(default="", init=False)

    def __post_init__(self) -> None:
        if self.count < 1:
            raise SliceError(f"--count {self.count}: say how many sections will come")
        self._lock = threading.RLock()
        self._places: dict[int, _Place] = {}
        self._taken: dict[int, SliceFile] = {}
        self._promised: dict[int, Identity] = {}  # said to be complete, as they were then
        self._shape: Index3 | None = None
        self._dtype: np.dtype[Any] = np.dtype(np.uint8)
        self._closed = False
        self._looks = 0
        self._asked = -1

    # what a SliceSource is

    @property
    def shape(self) -> Index3:
        if self._shape is None:
            raise SliceError("no section has come yet")
        return self._shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._dtype

    @property
    def files(self) -> tuple[SliceFile, ...]:
        """Those that have been read; for others a name, size and time -1."""
        return tuple(self._taken.get(z) or self._expected(z) for z in range(self.count))

    def read(self, z: int, rows: slice, out: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """Rows of section z, as soon as that is complete.

        Raises SliceReadError when it was complete before and is not any more, or when waiting for it is stopped.
        """
        if not 0 <= z < self.count:
            raise SliceError(f"there is no slice {z}; the stack has {self.count}, numbered from 0")
        place, source = self._complete(z)
        try:
            found = source.read(0, rows, out)
        except SliceError as error:
            raise self._of(z, error) from error
        current = _identity(place.path)
        if current != place.identity:
            raise _changed(self._label(z), place.identity, current)
        with self._lock:
            self._taken.setdefault(z, SliceFile(place.path, *place.identity))
        return found

    def close(self) -> None:
        self._closed = True

    # what is special about it

    def learn(self, say: Say) -> None:
        """Wait for the first complete section, whichever, and know by it what all are like."""
        since = now()
        while self._shape is None:
            self._look()
            if self._shape is None:
                say(Awaiting(0, self.count, ("the first section",), since, self._troubles(range(self.count))))
                self._sleep()

    def there(self) -> list[bool]:
        """Of every section, whether a file of its name lies there, complete or not."""
        self._look()
        return [z in self._places for z in range(self.count)]

    def ready(self, sections: Sequence[int]) -> bool:
        """Whether all of them are complete."""
        if self._awaited(sections) or sections[0] != self._asked:
            self._look()
        self._asked = sections[0]
        return not self._promise(sections)

    def wait(self, sections: Sequence[int], say: Say = lambda _: None) -> None:
        """Return when all of them are complete; `say` is called whenever that which is waited for changes."""
        since, said = now(), ""
        while True:
            self._look()
            awaited = self._promise(sections)
            if not awaited:
                return
            names = tuple(self._places[z].path.name if z in self._places else self._name(z) for z in awaited)
            arrived = sum(place.source is not None for place in self._places.values())
            status = Awaiting(arrived, self.count, names, since, self._troubles(awaited))
            if str(status) != said:
                said = str(status)
                say(status)
            self._sleep()

    def check(self) -> None:
        """Raises SliceReadError, naming it, when a section is no longer what was read."""
        for z, file in self._taken.items():
            current = _identity(file.path)
            if current is not None and current != (file.size, file.mtime_ns):
                raise _changed(self._label(z), (file.size, file.mtime_ns), current)

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Which files were read so far, to go on from with `resume`."""
        with self._lock:
            files = self.files
        return {
            "files": np.array([[file.size, file.mtime_ns] for file in files], np.int64),
            "file_names": np.array([os.fsencode(file.path.name) for file in files]),
            "filled_by": np.array(self.filled_by),
        }

    def resume(self, state: Mapping[str, npt.NDArray[Any]], done: int) -> None:
        """Take over what an earlier run read, when it had done so many sections.

        Raises SliceReadError when one has changed since, or when one that was filled then would not be now.
        """
        for z, ((size, mtime), name) in enumerate(zip(state["files"].tolist(), state["file_names"], strict=True)):
            if size >= 0:
                self._taken[z] = SliceFile(self.folder / os.fsdecode(bytes(name)), size, mtime)
        self.check()
        gone = [z for z in self.lacking if z in self._taken and z < done]
        if gone:
            raise SliceReadError(
                f"{self._label(gone[0])} was read by an earlier run, and is said to be missing now. Bring its file "
                "back as it was, or give --restart to begin anew"
            )
        filled = [z for z in range(done) if z not in self._taken]
        how = str(state["filled_by"])
        if filled and (how != self.filled_by or not set(filled) <= set(self.lacking)):
            raise SliceReadError(
                f"{self._label(filled[0])} was missing in an earlier run, which filled it (--missing {how}). Give the "
                "same option again, without a file of that section, or --restart to begin anew"
            )

    # how it is done

    def _look(self) -> None:
        with self._lock:
            if self._closed:
                raise SliceReadError("reading was stopped")
            self._looks += 1
            if self._looks % _CHECK == 0:
                self.check()
            here, others = self._listed()
            for z in [z for z in self._places if z not in here]:
                del self._places[z]
            for z, (path, identity) in here.items():
                self._note(z, path, identity)
                place = self._places[z]
                if place.source is None and self._settled(place, others):
                    self._take_in(z, place)

    def _listed(self) -> tuple[dict[int, tuple[Path, Identity]], set[str]]:
        """Files of sections by their place, and the names of everything in the folder."""
        here: dict[int, tuple[Path, Identity]] = {}
        try:
            entries = list(os.scandir(self.folder))
        except OSError as error:
            raise SliceReadError(f"{self.folder}: the folder cannot be listed: {reason(error)}") from error
        for entry in entries:
            number = self.names.number(entry.name)
            if number is None:
                continue
            z = number - self.first
            if not 0 <= z < self.count:
                raise SliceError(
                    f"{entry.name} is none of the {self.count} sections from {self._name(0)} to "
                    f"{self._name(self.count - 1)}; mend --count or --first, or move the file away"
                )
            if z in here:
                raise SliceError(f"{here[z][0].name} and {entry.name} carry the same number; move one of them away")
            path = self.folder / entry.name
            identity = _identity(path)
            if identity is not None:
                here[z] = (path, identity)
        return here, {entry.name for entry in entries}

    def _note(self, z: int, path: Path, identity: Identity) -> None:
        taken, place = self._taken.get(z), self._places.get(z)
        if taken is not None and identity != (taken.size, taken.mtime_ns):
            raise _changed(self._label(z), (taken.size, taken.mtime_ns), identity)
        if place is None or (place.path, place.identity) != (path, identity):
            self._places[z] = _Place(path, identity, time.monotonic())

    def _settled(self, place: _Place, others: set[str]) -> bool:
        if self.marker is not None:
            return not others.isdisjoint({place.path.name + self.marker, place.path.stem + self.marker})
        return time.monotonic() - place.since >= self.settle

    def _take_in(self, z: int, place: _Place) -> None:
        """Open a section that seems complete; it stays awaited where its file ends too early."""
        size, _ = place.identity
        if self.raw_bytes is not None and size < self.raw_bytes:
            place.trouble = f"{place.path.name} holds {size:,} bytes of {self.raw_bytes:,}"
            return
        if time.monotonic() - place.tried < _TRY_AGAIN:
            return
        place.tried = time.monotonic()
        try:
            source = self.open_one(place.path)
        except SliceReadError as error:
            place.trouble = str(self._of(z, error))
            return
        except SliceError as error:
            raise self._of(z, error) from error
        if source.shape[0] != 1:
            raise SliceError(f"{self._label(z)} holds {source.shape[0]} sections; one a file can be followed")
        if self._shape is None:
            self._shape, self._dtype, self.banded = (self.count, *source.shape[1:]), source.dtype, source.banded
            self.spacing, self.notes = source.spacing, source.notes
            self.provenance = getattr(source, "provenance", {})
        if source.shape[1:] != self._shape[1:] or source.dtype != self._dtype:
            (_, rows, columns), (_, others, across) = source.shape, self._shape
            raise SliceShapeError(
                f"{self._label(z)} is {rows} × {columns} {source.dtype}; the others are {others} × {across} "
                f"{self._dtype}. All sections must have one size and type: mend it, then the same command goes on"
            )
        self.banded = self.banded and source.banded
        place.source, place.trouble = source, ""

    def _complete(self, z: int) -> tuple[_Place, SliceSource]:
        """A section and how it is read. Nobody waits again, unseen in a thread, for one that was complete."""
        while True:
            with self._lock:
                place, promised = self._places.get(z), self._promised.get(z)
                if place is not None and place.source is not None:
                    return place, place.source
            if promised is not None:
                raise _changed(self._label(z), promised, None if place is None else place.identity)
            self.wait(range(z, z + 1))

    def _promise(self, sections: Sequence[int]) -> list[int]:
        """Those that are not complete; where there is none, all are to stay as they are from now on."""
        with self._lock:
            awaited = self._awaited(sections)
            if not awaited:
                self._promised |= {z: self._places[z].identity for z in sections if z in self._places}
            return awaited

    def _awaited(self, sections: Sequence[int]) -> list[int]:
        with self._lock:
            wanted = [z for z in sections if z not in self.lacking]
            return [z for z in wanted if z not in self._places or self._places[z].source is None]

    def _troubles(self, sections: Sequence[int]) -> tuple[str, ...]:
        places = [self._places[z] for z in sections if z in self._places]
        found = [place.trouble for place in places if place.trouble]
        if self.first == 0 and 0 in sections and 0 not in self._places and 1 in self._places:
            found.append("if numbers begin with 1, say --first 1")
        return tuple(found)

    def _sleep(self) -> None:
        """Until it is time to look again."""
        seconds = min(2.0, max(0.05, self.settle / 5))
        stopped: threading.Event | None = getattr(_thread, "stopped", None)
        if stopped is None:
            time.sleep(seconds)
        elif stopped.wait(seconds):
            raise SliceReadError("reading was stopped")

    def _expected(self, z: int) -> SliceFile:
        """Without padding, so that it is the same however much of that is known by now."""
        return SliceFile(self.folder / f"{self.names.prefix}{self.first + z}{self.names.suffix}", -1, -1)

    def _name(self, z: int) -> str:
        return self.names.name(self.first + z)

    def _label(self, z: int) -> str:
        place = self._places.get(z)
        return f"slice {z} ({place.path.name if place else self._name(z)})"

    def _of(self, z: int, error: SliceError) -> SliceError:
        """An error about the only section of a stack as one about section z."""
        return type(error)(re.sub(r"\bslice 0 \(", f"slice {z} (", str(error)))


def waiting_ends_with(stopped: threading.Event) -> None:
    """Have this thread wait for sections no longer once that is set: it reads for someone who is being stopped."""
    _thread.stopped = stopped


def _identity(path: Path) -> Identity | None:
    """None where there is no such file, any more."""
    try:
        stat = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise SliceReadError(f"{path.name} cannot be read: {reason(error)} ({path})") from error
    return stat.st_size, stat.st_mtime_ns


def _changed(label: str, was: Identity, current: Identity | None) -> SliceReadError:
    if current is None:
        return SliceReadError(f"{label} was taken away while it was read; bring it back, then the same command goes on")
    what = f"{was[0]:,} bytes then, {current[0]:,} now" if was[0] != current[0] else "it was written anew"
    return SliceReadError(
        f"{label} has changed since it was taken in ({what}). The volume holds what it was: bring that back, with its "
        "date, or give --restart to begin anew; --settle and --marker say when a section is complete"
    )


def now() -> datetime.datetime:
    return datetime.datetime.now()
