"""Which ParaViews this machine has, how MPI starts programs here, and what a window could open on.

ParaView is not a Python package but a program with a Python of its own, installed by a package manager, unpacked
somewhere, or loaded as a module on a cluster; there may be several. They are looked for where the user says, then on
the PATH, then where its installers put it. Nothing is remembered between two runs: what is told is so now.
"""

from __future__ import annotations

import contextlib
import glob
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from stackreel.errors import EngineError

NAMED_BY = ("STACKREEL_PARAVIEW", "PARAVIEW_HOME", "EBROOTPARAVIEW")
"""Environment variables that name an installation: ours, the usual one, and what EasyBuild's modules set."""

PLACES = {
    "linux": (
        "/opt/ParaView*",
        "/opt/paraview*",
        "/usr/local/ParaView*",
        "/usr/local/paraview*",
        "~/ParaView*",
        "~/paraview*",
        "~/.local/ParaView*",
        "~/opt/ParaView*",
        "~/Downloads/ParaView*",
        "~/software/ParaView*",
    ),
    "darwin": ("/Applications/ParaView*.app", "~/Applications/ParaView*.app", "/opt/homebrew", "/usr/local"),
    "win32": (r"C:\Program Files\ParaView*", r"C:\Program Files (x86)\ParaView*", r"~\ParaView*"),
}
"""Where ParaView's own installers and people put it, by sys.platform."""

_FOLDERS = ("", "bin", "Contents/bin", "Contents/MacOS")
_SECONDS = 30.0
_VERSION = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_UNWANTED = ("PYTHONHOME", "PYTHONSTARTUP", "PYTHONINSPECT", "PYTHONSAFEPATH", "__PYVENV_LAUNCHER__")


@dataclass(frozen=True)
class Installation:
    """One ParaView.

    pvpython, pvbatch, paraview : its programs, None where it lacks one; pvpython is the one for scripts
    found_by : the environment variable, "PATH", or the place, through which it was found
    """

    pvpython: Path | None
    pvbatch: Path | None
    paraview: Path | None
    found_by: str

    @property
    def folder(self) -> Path:
        """Where its programs lie."""
        return next(p for p in (self.pvpython, self.pvbatch, self.paraview) if p is not None).parent

    @cached_property
    def version(self) -> tuple[int, ...]:
        """(5, 11, 0), as the program says when asked; () when it does not answer."""
        for program in (self.pvpython, self.pvbatch):
            if program is not None and (found := _VERSION.search(_first_output([str(program), "--version"]))):
                return _numbers(found)
        found = re.search(r"paraview-?v?(\d+)\.(\d+)(?:\.(\d+))?", str(self.folder), re.IGNORECASE)
        return _numbers(found) if found else ()

    @property
    def version_text(self) -> str:
        return ".".join(str(n) for n in self.version) or "unknown"


@dataclass(frozen=True)
class Mpi:
    """What starts a program in several processes. flavour : "Open MPI", "MPICH", "Intel MPI", "Slurm", …"""

    mpiexec: Path
    flavour: str
    version: str


@dataclass(frozen=True)
class Display:
    """What a window could open on.

    server   : "x11", "wayland", "native" (macOS, Windows), or None
    name     : DISPLAY or WAYLAND_DISPLAY
    dead     : DISPLAY is set, and no X server answers there
    xvfb_run : starts an X server in memory, for programs that need one where there is none
    """

    server: str | None
    name: str = ""
    dead: bool = False
    xvfb_run: Path | None = None


def find_paraview(wanted: str | None = None) -> list[Installation]:
    """Every ParaView here: what the environment names first, then the PATH's, then others from the newest on.

    wanted : a folder, a program, or the beginning of a version such as "5.11"; only what fits is given
    Raises EngineError when nothing fits `wanted`, or when STACKREEL_PARAVIEW names something that is no ParaView.
    """
    numbers = re.fullmatch(r"\d+(\.\d+)*", wanted or "")
    if wanted is not None and numbers is None:
        if (one := _installation(Path(wanted).expanduser(), "the path given")) is None:
            raise EngineError(
                f"{wanted}: no ParaView there; name its folder, its pvpython, or an installed version such as 5.11"
            )
        return [one]
    found = list(_distinct(_everywhere()))
    if wanted is None:
        return found
    beginning = [int(n) for n in wanted.split(".")]
    fitting = [one for one in found if list(one.version[: len(beginning)]) == beginning]
    if not fitting:
        have = ", ".join(f"{one.version_text} ({one.folder})" for one in found) or "none"
        raise EngineError(f"there is no ParaView {wanted} here; found: {have}. STACKREEL_PARAVIEW=FOLDER names another")
    return fitting


def find_mpiexec() -> Mpi | None:
    """What starts programs under MPI: mpiexec or mpirun; inside a Slurm job without either, srun."""
    for name in ("mpiexec", "mpirun", "mpiexec.hydra", "orterun"):
        if path := shutil.which(name):
            said = _first_output([path, "--version"])
            return Mpi(Path(path), *_flavour(said))
    if "SLURM_JOB_ID" in os.environ and (path := shutil.which("srun")):
        said = _first_output([path, "--version"])
        return Mpi(Path(path), "Slurm", next(iter(re.findall(r"\d+(?:\.\d+)+", said)), ""))
    return None


def display() -> Display:
    """What a window could open on, asked now: a DISPLAY where nobody answers does not count."""
    xvfb = shutil.which("xvfb-run")
    xvfb_run = Path(xvfb) if xvfb else None
    if sys.platform in ("darwin", "win32"):
        return Display("native")
    name = os.environ.get("DISPLAY", "")
    if name and _x_answers(name):
        return Display("x11", name, xvfb_run=xvfb_run)
    wayland = os.environ.get("WAYLAND_DISPLAY", "")
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent"))
    if wayland and (runtime / wayland).exists():
        return Display("wayland", wayland, xvfb_run=xvfb_run)
    return Display(None, name, dead=bool(name), xvfb_run=xvfb_run)


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for ParaView's programs: ours, without what would send their Python looking in ours."""
    kept = {key: value for key, value in os.environ.items() if key not in _UNWANTED}
    return {**kept, **(more or {})}


def _everywhere() -> Iterator[Installation]:
    for variable in NAMED_BY:
        if not (value := os.environ.get(variable, "")):
            continue
        one = _installation(Path(value).expanduser(), variable)
        if one is not None:
            yield one
        elif variable == NAMED_BY[0]:
            raise EngineError(f"{variable}={value}: no pvpython there; let it name ParaView's folder, or unset it")
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        if folder and (one := _in_folder(Path(folder), "PATH")) is not None:
            yield one
    others = []
    for pattern in PLACES.get(sys.platform, PLACES["linux"]):
        for place in glob.glob(os.path.expanduser(pattern)):
            if (one := _installation(Path(place), place)) is not None:
                others.append(one)
    yield from sorted(others, key=lambda one: one.version, reverse=True)


def _distinct(found: Iterator[Installation]) -> Iterator[Installation]:
    """Each once, however many links lead to it."""
    seen = set()
    for one in found:
        program = one.pvpython or one.pvbatch or one.paraview
        true = os.path.realpath(str(program))
        if true not in seen:
            seen.add(true)
            yield one


def _installation(place: Path, found_by: str) -> Installation | None:
    """The installation that a folder, an application's bundle or a program belongs to."""
    if place.is_file():
        place = place.parent
    for below in _FOLDERS:
        if (one := _in_folder(place / below, found_by)) is not None:
            return one
    return None


def _in_folder(folder: Path, found_by: str) -> Installation | None:
    pvpython, pvbatch, paraview = (_program(folder, name) for name in ("pvpython", "pvbatch", "paraview"))
    if paraview is None and folder.name == "bin" and folder.parent.name == "Contents":  # an application on macOS
        paraview = _program(folder.parent / "MacOS", "paraview")
    if pvpython is None and pvbatch is None and paraview is None:
        return None
    return Installation(pvpython, pvbatch, paraview, found_by)


def _program(folder: Path, name: str) -> Path | None:
    path = folder / (f"{name}.exe" if os.name == "nt" else name)
    return path.absolute() if path.is_file() and os.access(path, os.X_OK) else None


def _numbers(found: re.Match[str]) -> tuple[int, ...]:
    return tuple(int(n) for n in found.groups() if n is not None)


def _first_output(command: list[str]) -> str:
    """What a program says of itself; "" when it does not start, or says nothing in time."""
    with contextlib.suppress(OSError, subprocess.SubprocessError):
        done = subprocess.run(
            command,
            env=environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
        )
        return done.stdout or done.stderr
    return ""


def _flavour(said: str) -> tuple[str, str]:
    known = (
        ("OpenRTE", "Open MPI"),
        ("Open MPI", "Open MPI"),
        ("Intel", "Intel MPI"),
        ("HYDRA", "MPICH"),
        ("MVAPICH", "MVAPICH"),
        ("Microsoft", "Microsoft MPI"),
        ("slurm", "Slurm"),
    )
    flavour = next((name for mark, name in known if mark in said), "unknown")
    return flavour, next(iter(re.findall(r"\d+(?:\.\d+)+", said)), "")


def _x_answers(name: str) -> bool:
    """Whether an X server listens at a DISPLAY such as ":0", "unix:1.0" or "host:10.0"."""
    found = re.fullmatch(r"(.*?):(\d+)(\.\d+)?", name)
    if found is None:
        return name.startswith("/")  # launchd's socket on macOS
    host, number = found[1].removesuffix("/unix"), int(found[2])
    if host in ("", "unix"):
        at = f"/tmp/.X11-unix/X{number}"
        return any(_listens(socket.AF_UNIX, where) for where in (at, f"\0{at}"))
    with contextlib.suppress(OSError), socket.create_connection((host, 6000 + number), timeout=1.0):
        return True
    return False


def _listens(family: socket.AddressFamily, where: str) -> bool:
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as line:
        line.settimeout(1.0)
        line.connect(where)
        return True
    return False
