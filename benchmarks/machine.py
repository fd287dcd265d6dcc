"""What the figures were measured on: processor, memory, system, and the versions of everybody who took part."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("stackreel", "numpy", "numba", "h5py", "isal", "tensorstore", "vtk", "pillow")


def describe() -> dict[str, Any]:
    """The machine and its programs; what cannot be found out is None."""
    return {
        "processor": _field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "virtual": "hypervisor" in (_field("/proc/cpuinfo", "flags") or "").split(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "paraview": _says("pvbatch", "--version"),
        "commit": _says("git", "describe", "--always", "--dirty"),
    }


def load() -> float:
    """How many processes wanted a core during the last minute, on average."""
    return os.getloadavg()[0]


def _field(path: str, name: str) -> str | None:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.split(":")[0].strip() == name), None)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _says(*command: str) -> str | None:
    if shutil.which(command[0]) is None:
        return None
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parent, check=False)
    return done.stdout.strip() or None
