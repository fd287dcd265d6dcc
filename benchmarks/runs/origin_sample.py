"""A sample of the stack from all of its depth and height: what making it costs, and what converting it costs.

WORK RESULT.json --shape Z Y X --tissue T. Writes the generator's seconds of processor time, and the seconds, seconds of
processor time and size that the sample's conversion takes when it is read from memory; each with the sample's bytes.
"""

import argparse
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.runs.origin_source import Glass

from stackreel.cli.converting import _keep_freed_memory
from stackreel.volume.build import build
from stackreel.volume.pyramid import CHUNK, SLAB
from stackreel.volume.recipe import Recipe

BANDS = 3  # of every slab of sections


class Held:
    """Samples in memory as a stack of slices."""

    dtype = np.dtype(np.uint8)
    files: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()
    banded = True

    def __init__(self, samples: Any, like: Glass) -> None:
        self.samples, self.shape, self.spacing = samples, samples.shape, like.spacing

    def read(self, z: int, rows: slice, out: Any = None) -> Any:
        if out is None:
            return self.samples[z, rows].copy()
        out[:] = self.samples[z, rows]
        return out

    def close(self) -> None:
        """Nothing is open."""


def main(args: argparse.Namespace) -> None:
    stack = Glass(tuple(args.shape), args.tissue)
    sections, rows, _ = stack.shape
    slabs, height = max(sections // SLAB, 1), CHUNK[1]
    bands = min(BANDS, max(rows // height, 1))
    stack.read(sections // 2, slice(rows // 2, rows // 2 + 1))  # compiles, and makes what all sections share
    stack.generator = 0.0
    samples = np.empty((slabs * min(SLAB, sections), bands * height, stack.shape[2]), np.uint8)

    def make(z: int) -> None:
        shift = z // SLAB * 0.618 % 1.0  # so that the bands of all slabs together are spread over the rows
        for k in range(bands):
            first = int((k + shift) / bands * (rows - height))
            stack.read(z, slice(first, first + height), samples[z, k * height : (k + 1) * height])

    begin = time.perf_counter()
    with ThreadPoolExecutor() as pool:
        list(pool.map(make, range(len(samples))))
    found = {"bytes": samples.nbytes, "making": time.perf_counter() - begin, "generator": stack.generator}

    _keep_freed_memory()
    out = args.work / "sample.h5"
    for _ in range(2):  # the first one compiles
        begin, busy = time.perf_counter(), time.process_time()
        build(Held(samples, stack), out, Recipe("sample", stack.spacing), overwrite=True, restart=True)
        found |= {"converting": time.perf_counter() - begin, "converter": time.process_time() - busy}
    found["stored"] = out.stat().st_size
    out.unlink()
    args.result.write_text(json.dumps(found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("work", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--shape", nargs=3, type=int, required=True)
    parser.add_argument("--tissue", type=float, required=True)
    main(parser.parse_args())
