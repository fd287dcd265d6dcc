"""What a machine has that stackreel uses: versions, cores, memory, disks. And what a job on a cluster may use of it.

A container or a batch job often may use less than the machine has, and is ended when it takes more. So the limits of
control groups and of Slurm are told beside what is there.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

STATES = ("ok", "note", "missing", "bad")
_LITTLE_MEMORY, _LITTLE_DISK = 4_000_000_000, 5_000_000_000
_NO_LIMIT = 1 << 60


@dataclass(frozen=True)
class Line:
    """One thing that was looked at.

    state   : "ok"; "note", of which to know; "missing", what would be good to have; "bad", without which nothing goes
    text    : what it is; way_out : what to do, or what it would be good for
    value   : the same for programs, where there is more to it than words
    """

    state: str
    name: str
    text: str
    way_out: str = ""
    value: Any = field(default=None)


@dataclass(frozen=True)
class Memory:
    """Bytes. total : what the machine has, or what may be used of it where that is less; free : of those"""

    total: int
    free: int
    limit: str = ""


def safely(name: str, check: Callable[[], Line | None]) -> Iterator[Line]:
    """What a check tells; what is broken is one more thing to tell."""
    try:
        line = check()
    except Exception as error:
        line = Line("bad", name, f"{type(error).__name__}: {error}", "pip install --force-reinstall stackreel")
    if line is not None:
        yield line


def system() -> Iterator[Line]:
    """Python, what reads and writes volumes, cores, memory and disks."""
    yield from safely("stackreel", versions)
    yield from safely("packages", required)
    yield from safely("HDF5", hdf5)
    yield from safely("cores", cores)
    yield from safely("memory", lambda: _memory_line(memory()))
    yield from safely("disk here", lambda: disk("disk here", Path.cwd()))
    yield from safely("disk for tmp", lambda: disk("disk for tmp", Path(tempfile.gettempdir())))


def versions() -> Line:
    """Which stackreel on which Python on which system."""
    from stackreel._version import __version__

    python, where = platform.python_version(), platform.platform(terse=True)
    text = f"{__version__} on Python {python}, {where}"
    value = {"stackreel": __version__, "python": python, "platform": where, "executable": sys.executable}
    return Line("ok", "stackreel", text, value=value)


def required() -> Line | None:
    """That all packages which stackreel cannot do without are there; None where it was not installed as a package."""
    try:
        wanted = [word for word in metadata.requires("stackreel") or () if "extra ==" not in word]
    except metadata.PackageNotFoundError:
        return None
    absent = []
    for word in wanted:
        name = re.split(r"[^\w.-]", word, maxsplit=1)[0]
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            absent.append(name)
    if absent:
        return Line("bad", "packages", f"not installed: {', '.join(absent)}", f"pip install {' '.join(absent)}", absent)
    return Line("ok", "packages", f"all {len(wanted)} that it needs")


def hdf5() -> Line:
    """What reads and writes volumes."""
    import h5py

    own, inner = h5py.version.version, h5py.version.hdf5_version
    text = f"{inner} in h5py {own}, NumPy {metadata.version('numpy')}"
    return Line("ok", "HDF5", text, value={"h5py": own, "hdf5": inner})


def cores() -> Line:
    """How many cores there are, and how many of them this process may use."""
    have = os.cpu_count() or 1
    allowed: list[tuple[int, str]] = []
    if hasattr(os, "sched_getaffinity"):
        allowed.append((len(os.sched_getaffinity(0)), "the processor affinity"))
    if (quota := _core_quota()) is not None:
        allowed.append((max(1, round(quota)), "a control group"))
    if "SLURM_CPUS_PER_TASK" in os.environ:
        allowed.append((int(os.environ["SLURM_CPUS_PER_TASK"]), "Slurm"))
    usable, by = min(allowed, default=(have, ""))
    value = {"cores": have, "usable": min(usable, have)}
    if usable < have:
        out = f"--threads {usable} keeps to them; unless told, stackreel starts a thread for every core"
        return Line("note", "cores", f"{usable} of {have} may be used ({by})", out, value)
    return Line("ok", "cores", f"{have}", value=value)


def memory() -> Memory:
    """What this process may use, as far as the system tells."""
    total, free = _whole_memory()
    limits = [(limit, used, "a control group") for limit, used in _memory_groups()]
    if "SLURM_MEM_PER_NODE" in os.environ:
        limits.append((int(os.environ["SLURM_MEM_PER_NODE"]) << 20, 0, "Slurm"))
    for limit, used, by in limits:
        if limit < total:
            total, free, reason = limit, min(free, limit - used), by
            return Memory(total, max(free, 0), reason)
    return Memory(total, free)


def disk(name: str, folder: Path) -> Line | None:
    """The room on the disk of a folder; None where the system does not tell."""
    from stackreel.files import format_bytes

    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return None
    text = f"{format_bytes(free)} free in {folder}"
    value = {"folder": str(folder), "free": free}
    if not os.access(folder, os.W_OK):
        return Line("note", name, f"{text}, where nothing can be written", "work in a folder of yours", value)
    if free < _LITTLE_DISK:
        return Line("note", name, text, "a volume takes as much as its slices, a movie's frames some GB", value)
    return Line("ok", name, text, value=value)


def _memory_line(found: Memory) -> Line:
    from stackreel.files import format_bytes

    value = {"total": found.total, "free": found.free, "limited_by": found.limit or None}
    if not found.total:
        return Line("note", "memory", "the system does not tell", value=value)
    by = f" that {found.limit} allows" if found.limit else ""
    text = f"{format_bytes(found.free)} free of {format_bytes(found.total)}{by}"
    if found.free < _LITTLE_MEMORY:
        return Line("note", "memory", text, "movies need some GB: --memory 2G bounds them, at the cost of time", value)
    if found.limit:
        return Line("note", "memory", text, "--memory SIZE, well below, keeps a job from being ended", value)
    return Line("ok", "memory", text, value=value)


def _whole_memory() -> tuple[int, int]:
    """Total and free bytes of the machine; 0 where the system does not tell."""
    try:
        with open("/proc/meminfo") as file:
            found = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in file}
        return found["MemTotal"], found.get("MemAvailable", found["MemFree"])
    except (OSError, KeyError, IndexError, ValueError):
        pass
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0, 0
    return total, total // 2


def _core_quota() -> float | None:
    """The cores that control groups grant; None without a limit."""
    least = None
    for folder in _groups("cpu"):
        words = _read(folder / "cpu.max").split() or [
            _read(folder / "cpu.cfs_quota_us").strip(),
            _read(folder / "cpu.cfs_period_us").strip(),
        ]
        if len(words) == 2 and words[0].isdigit() and words[1].isdigit() and int(words[1]):
            granted = int(words[0]) / int(words[1])
            least = granted if least is None else min(least, granted)
    return least


def _memory_groups() -> Iterator[tuple[int, int]]:
    """Limits of control groups and how much of each is used, the tightest first."""
    found = []
    for folder in _groups("memory"):
        for limit, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
            most, now = _read(folder / limit).strip(), _read(folder / used).strip()
            if most.isdigit() and int(most) < _NO_LIMIT:
                kept = _cached(folder)
                found.append((int(most), max(0, int(now or 0) - kept)))
    yield from sorted(found)


def _cached(folder: Path) -> int:
    """Bytes of a group that are files kept in memory, which the system gives up when it must."""
    for line in _read(folder / "memory.stat").splitlines():
        name, _, count = line.partition(" ")
        if name in ("inactive_file", "total_inactive_file"):
            return int(count)
    return 0


def _groups(controller: str) -> Iterator[Path]:
    """The folders of this process's control group and those above it, of version 2 and of version 1."""
    if sys.platform != "linux":
        return
    root = Path("/sys/fs/cgroup")
    for line in _read(Path("/proc/self/cgroup")).splitlines():
        _, names, path = line.split(":", 2)
        if names == "" or controller in names.split(","):
            top = root if names == "" else root / controller
            inner = top / path.lstrip("/")
            yield from [inner, *(above for above in inner.parents if above == top or top in above.parents)]


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
