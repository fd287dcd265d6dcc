"""Sections become a volume: stackreel next to the plainest script, to a fast chunked store, and to copying.

plain h5py    one data set, contiguous, not compressed, no levels: what most people write first
tensorstore   a zarr 3 base level and its downsample driver's levels, chunks of 16 × 256 × 256
ngff-zarr     OME-Zarr with three reduced levels, from a lazy dask array
stackreel     gzip, all levels, statistics of every brick, ParaView's files, as `stackreel convert` does
cp            the sections copied as they are: what the disk allows
"""

from __future__ import annotations

import shutil
import statistics
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.measure import Run, RunError, in_turn, median_ratio, run, say, settle
from benchmarks.stack import Stack

RUNS = Path(__file__).parent / "runs"
OURS = "stackreel convert"
Finished = tuple[Run, float, int]


def measure(stack: Stack, rounds: int) -> dict[str, Any]:
    """Seconds, memory and output of every command, as written to the results file."""
    out = stack.work / "out"
    commands = _commands(stack, out)
    missing = {}
    for package, called in (("tensorstore", "tensorstore"), ("ngff_zarr", "ngff-zarr")):
        if find_spec(package) is None:
            for name in [name for name in commands if name.startswith(called)]:
                missing[name] = f"{called} is not installed: pip install -e '.[bench]'"
                del commands[name]
    say("a first run of stackreel, not measured: Numba compiles once")
    _once(stack, out, commands[OURS])
    contestants: dict[str, Callable[[], Finished]] = {
        name: partial(_once, stack, out, command) for name, command in commands.items()
    }
    results, failed = in_turn(contestants, rounds)
    if OURS not in results:
        raise RunError(failed[OURS])
    ours = [done.seconds for done, *_ in results[OURS]]
    return {
        "shape": stack.shape,
        "bytes": stack.nbytes,
        "rounds": rounds,
        "commands": {name: _figures(done, ours) for name, done in results.items()},
        "missing": missing | failed,
    }


def _commands(stack: Stack, out: Path) -> dict[str, list[str]]:
    rows, columns = (str(n) for n in stack.shape[1:])
    store = [sys.executable, str(RUNS / "tensorstore_zarr.py"), str(stack.folder), str(out / "zarr"), rows, columns]
    ngff = [sys.executable, str(RUNS / "ngff_levels.py"), str(stack.folder), str(out / "ngff"), rows, columns]
    plain = [sys.executable, str(RUNS / "plain_h5py.py"), str(stack.folder), str(out / "plain.h5"), rows, columns]
    return {
        "plain h5py": plain,
        "tensorstore zstd": [*store, "zstd"],
        "tensorstore blosc-lz4": [*store, "blosc"],
        "tensorstore gzip": [*store, "gzip"],
        "ngff-zarr": ngff,
        OURS: stack.convert_command(out / "stack.h5"),
        "cp": ["cp", "-rL", str(stack.folder), str(out / "copy")],
    }


def _once(stack: Stack, out: Path, command: list[str]) -> Finished:
    """One measured command into an empty folder, with all sections in the page cache: the run, the seconds
    after which the output is on the disk as well, and its bytes."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    stack.warm()
    settle()
    try:
        done = run(command)
        on_disk = done.seconds + settle()
        return done, on_disk, sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
    finally:
        shutil.rmtree(out, ignore_errors=True)


def _figures(done: list[Finished], ours: list[float]) -> dict[str, Any]:
    seconds = [each.seconds for each, *_ in done]
    return {
        "seconds": seconds,
        "min": min(seconds),
        "median": statistics.median(seconds),
        "cpu": statistics.median(each.cpu for each, *_ in done),
        "peak": max(each.peak for each, *_ in done),
        "on_disk": statistics.median(seconds for _, seconds, _ in done),
        "output": done[-1][2],
        "ratio": median_ratio(ours, seconds),
    }
