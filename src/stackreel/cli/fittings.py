"""What stackreel uses where it is there: encoders, a graphics card, MPI, HDF5 plugins, packages; and what for."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from stackreel.cli.machine import Line, safely

ENCODERS = (
    ("libx264", "H.264", ".mp4 .mov .mkv"),
    ("libvpx-vp9", "VP9", ".webm"),
    ("gif", "GIF", ".gif"),
    ("libx265", "HEVC", ""),
    ("libsvtav1", "AV1", ""),
    ("prores_ks", "ProRes", ""),
)
"""FFmpeg's names, people's names, and the endings that need it."""

PACKAGES = (
    ("zarr", "reads OME-Zarr of any codec, and over HTTP", "pip install 'stackreel[zarr]'"),
    ("hdf5plugin", "reads HDF5 compressed with zstd, blosc, lz4, bitshuffle", "pip install hdf5plugin"),
    ("vtk", "opens volumes in Python scripts of your own with VTK", "pip install vtk"),
)

FAMILIAR_FILTERS = {32000: "lzf", 32001: "blosc", 32004: "lz4", 32008: "bitshuffle", 32015: "zstd", 32026: "blosc2"}


def drawing() -> Iterator[Line]:
    """What frames are drawn with and become a movie with."""
    yield from safely("renderer", compiled)
    yield from safely("graphics card", graphics_card)
    yield from safely("movies", encoders)


def reading() -> Iterator[Line]:
    """What files of other programs are read with."""
    yield from safely("HDF5 filters", filters)
    for name, what, install in PACKAGES:
        with contextlib.suppress(PackageNotFoundError):
            yield Line("ok", name, f"{version(name)}: {what}")
            continue
        yield Line("missing", name, what, install)


def compiled() -> Line:
    """Whether the renderer's code is compiled for this machine already, and where that is kept."""
    import stackreel

    beside = Path(stackreel.__file__).parent / "kernels" / "__pycache__"
    own = os.environ.get("NUMBA_CACHE_DIR", "")
    where = Path(own) if own else beside if os.access(beside.parent, os.W_OK) else _numba_cache()
    count = sum(1 for _ in where.rglob("*.nbi")) if own or where != beside else len(list(beside.glob("*.nbi")))
    value = {"folder": str(where), "functions": count}
    try:
        text = f"Numba {version('numba')}: "
    except PackageNotFoundError:
        return Line("bad", "renderer", "Numba is not installed", "pip install stackreel")
    if count:
        return Line("ok", "renderer", f"{text}compiled already ({count} functions)", value=value)
    return Line("note", "renderer", f"{text}not compiled yet", "the first frame takes half a minute more, once", value)


def graphics_card() -> Line:
    """An NVIDIA card that frames can be drawn on."""
    names = _nvidia_smi()
    try:
        package = version("numba-cuda")
    except PackageNotFoundError:
        package = ""
    if package:
        from stackreel.kernels import cuda

        if (why := cuda.missing()) is None:
            return Line("ok", "graphics card", f"{'; '.join(names) or 'NVIDIA'}: frames are drawn on it")
        return Line("note" if names else "missing", "graphics card", why, "frames are drawn on the processor")
    if names:
        install = "pip install 'stackreel[cuda]' has frames drawn on it"
        return Line("note", "graphics card", "; ".join(names), install, names)
    return Line("missing", "graphics card", "no NVIDIA card answers", "not needed: frames are drawn on the processor")


def encoders() -> Line:
    """What movies can be written as."""
    import av
    from av.codec import Codec

    there, absent = [], []
    for name, people, endings in ENCODERS:
        try:
            Codec(name, "w")
            there.append((people, endings))
        except Exception:  # PyAV has an error of its own for each version
            absent.append((people, endings))
    value = {"pyav": av.__version__, "encoders": [name for name, _ in there]}
    needed = [f"{name} ({endings})" for name, endings in absent if endings]
    if needed:
        return Line(
            "bad", "movies", f"FFmpeg here has no {', '.join(needed)}", "pip install --force-reinstall av", value
        )
    words = ", ".join(f"{name} ({endings})" if endings else name for name, endings in there if endings)
    return Line("ok", "movies", f"PyAV {av.__version__}: {words}", value=value)


def filters() -> Line:
    """HDF5 filters that h5py has here beyond gzip, and where plugins are looked for."""
    import h5py

    folder = os.environ.get("HDF5_PLUGIN_PATH", "")
    has = [name for number, name in FAMILIAR_FILTERS.items() if h5py.h5z.filter_avail(number)]
    value = {"plugin_path": folder or None, "filters": has}
    if folder and not any(Path(one).is_dir() for one in folder.split(os.pathsep)):
        return Line("note", "HDF5 filters", f"HDF5_PLUGIN_PATH={folder} is no folder", "correct it, or unset it", value)
    where = f"; plugins in {folder}" if folder else "; no plugins (HDF5_PLUGIN_PATH is not set)"
    return Line("ok", "HDF5 filters", f"gzip {' '.join(has)}{where}", value=value)


def around_paraview() -> Iterator[Line]:
    """What ParaView needs beside itself."""
    yield from safely("MPI", mpi)
    yield from safely("display", screen)


def mpi() -> Line:
    """What starts ParaView in several processes."""
    from stackreel.paraview.finding import find_mpiexec

    found = find_mpiexec()
    if found is None:
        return Line("missing", "MPI", "no mpiexec", "not needed: lets pvbatch and pvserver use many processes")
    value = {"mpiexec": str(found.mpiexec), "flavour": found.flavour, "version": found.version}
    return Line("ok", "MPI", f"{found.flavour} {found.version} ({found.mpiexec})", value=value)


def screen() -> Line:
    """What a window could open on."""
    from stackreel.paraview.finding import display

    found = display()
    value = {"server": found.server, "name": found.name, "xvfb_run": str(found.xvfb_run) if found.xvfb_run else None}
    if found.server:
        return Line("ok", "display", f"{found.server} {found.name}".strip(), value=value)
    why = f"nobody answers at DISPLAY={found.name}" if found.dead else "no display"
    if found.xvfb_run:
        return Line("ok", "display", f"{why}; xvfb-run stands in for one, so ParaView draws, in software", value=value)
    out = "for ParaView to draw: apt install xvfb, or a ParaView built for EGL or OSMesa. Our own renderer needs none"
    return Line("missing", "display", why, out, value)


def _nvidia_smi() -> list[str]:
    """Names of NVIDIA cards, with their memory; none without a driver."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    command = [program, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()] if done.returncode == 0 else []


def _numba_cache() -> Path:
    """Where Numba keeps what it compiles when it cannot be beside the modules."""
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "numba"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", home)) / "numba"
    return Path(os.environ.get("XDG_CACHE_HOME", home / ".cache")) / "numba"
