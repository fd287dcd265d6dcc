"""One run of the conversion, as `stackreel convert` does it. VOLUME.h5 LOG.jsonl --shape Z Y X --tissue T [--kill F]

Goes on where an earlier run was stopped. Every second a line is added to the log: bytes taken in, seconds, seconds of
processor time of the process and of making the samples, and its peak memory. With --kill the process kills itself
(SIGKILL) when that fraction of the stack has been taken in.
"""

import argparse
import json
import os
import signal
import sys
import time
from pathlib import Path

from benchmarks.runs.origin_source import Glass
from tqdm import tqdm

from stackreel.cli.converting import _keep_freed_memory
from stackreel.paraview.doors import write_doors
from stackreel.paraview.vtkhdf import write_vtkhdf
from stackreel.volume.build import build
from stackreel.volume.recipe import Recipe


def peak() -> int:
    """Bytes resident at most, of this process since it became this program."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


class Log:
    """What was done till when, for whoever wants to know afterwards; also of a run that did not end well."""

    def __init__(self, path: Path, source: Glass) -> None:
        self.path, self.source = path, source
        self.begun, self.last, self.start, self.at = time.perf_counter(), 0.0, 0, 0

    def resumed(self, count: int) -> None:
        self.start = self.at = count
        self.note()

    def took(self, count: int) -> None:
        self.at += count
        if time.perf_counter() - self.last >= 1.0:
            self.note()

    def note(self, **more: bool) -> None:
        self.last = time.perf_counter()
        said = {
            "process": os.getpid(),
            "start": self.start,
            "at": self.at,
            "seconds": self.last - self.begun,
            "cpu": time.process_time(),
            "generator": self.source.generator,
            "peak": peak(),
        }
        with self.path.open("a") as file:
            file.write(json.dumps(said | more) + "\n")


def main(args: argparse.Namespace) -> None:
    source = Glass(tuple(args.shape), args.tissue)
    log = Log(args.log, source)
    total = source.shape[0] * source.shape[1] * source.shape[2]
    _keep_freed_memory()
    with tqdm(total=total, unit="B", unit_scale=True, desc="converting", smoothing=0.1) as bar:

        def resumed(count: int) -> None:
            tqdm.write(f"going on where an earlier run was stopped, at {count / total:.0%}", sys.stderr)
            bar.initial = bar.n = count
            log.resumed(count)

        def took(count: int) -> None:
            bar.update(count)
            log.took(count)
            if args.kill and log.at >= args.kill * total:
                log.note(killed=True)
                os.kill(os.getpid(), signal.SIGKILL)

        recipe = Recipe("transmittance", source.spacing)
        volume = build(source, args.volume, recipe, overwrite=True, progress=took, resumed=resumed, finish=write_vtkhdf)
    write_doors(volume)
    log.note(done=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("volume", type=Path)
    parser.add_argument("log", type=Path)
    parser.add_argument("--shape", nargs=3, type=int, required=True)
    parser.add_argument("--tissue", type=float, required=True)
    parser.add_argument("--kill", type=float)
    main(parser.parse_args())
