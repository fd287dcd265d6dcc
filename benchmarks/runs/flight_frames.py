"""A long flight close over the brain. VOLUME.h5 OUT.json --size W H --frames N [--memory BYTES] [--no-foresight]

Draws every frame and writes seconds, bytes decoded and a checksum over all float pixels. With --forecast nothing is
drawn: the bytes are what `stackreel plan` would tell; --bricks-alone then leaves no memory to decoded chunks.
"""

import argparse
import hashlib
import json
import math
import time
from pathlib import Path

import numpy as np
from benchmarks.view import COLOR, OPACITY, OPACITY_UNIT

from stackreel.frames.engine import Output
from stackreel.frames.native import NativeEngine
from stackreel.frames.native.forecast import Forecast
from stackreel.scene import Camera, Scene, TransferFunction
from stackreel.volume import Volume, open_volume

ABOVE, TILT, SWAY, TURNS = 0.05, 0.3, 0.25, 1.5


def flight(volume: Volume, frames: int) -> list[Scene]:
    """From one end of the brain to the other in curves, looking down and a little ahead."""
    transfer = TransferFunction(COLOR, OPACITY, OPACITY_UNIT)
    top = volume.placement.bounds.upper[2] + ABOVE

    def at(t: float) -> np.ndarray:
        return np.array([-0.38 + 0.76 * t, SWAY * math.sin(2.0 * math.pi * TURNS * t), top])

    scenes = []
    for t in np.linspace(0.0, 1.0, frames):
        here, ahead = at(t), at(t + 1e-3) - at(t)
        ahead /= np.linalg.norm(ahead)
        camera = Camera(tuple(here), tuple(here + [0.0, 0.0, -1.0] + TILT * ahead), tuple(ahead), 30.0)
        scenes.append(Scene(camera, transfer))
    return scenes


def draw(args: argparse.Namespace) -> dict[str, object]:
    volume = open_volume(args.volume)
    session = NativeEngine(memory=args.memory, device="cpu").open(volume, Output(tuple(args.size)))
    scenes, checksum = flight(volume, args.frames), hashlib.sha256()
    session.render(scenes[0])  # compiles and opens
    begun, before = time.perf_counter(), session.books.chunks.decoded_bytes
    if not args.no_foresight:
        session.expect(scenes)
    for scene in scenes:
        checksum.update(session.render(scene).rgba.tobytes())
    seconds = time.perf_counter() - begun
    session.close()
    decoded = session.books.chunks.decoded_bytes
    return {"seconds": seconds, "decoded": decoded, "first": before, "checksum": checksum.hexdigest()}


def forecast(args: argparse.Namespace) -> dict[str, object]:
    volume = open_volume(args.volume)
    told = Forecast(volume, Output(tuple(args.size)), args.memory, 1.5, expect=not args.no_foresight)
    if args.bricks_alone:
        told.books.bricks_alone()
    begun = time.perf_counter()
    needs = list(told.frames(flight(volume, args.frames)))
    return {
        "seconds": time.perf_counter() - begun,
        "decoded": sum(n.decoded for n in needs),
        "stored": sum(n.stored for n in needs),
        "most": max(len(n.bricks) for n in needs) * told.brick_bytes,
        "bricks": len(np.unique(np.concatenate([n.bricks for n in needs]))),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("volume", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", nargs=2, type=int, required=True)
    parser.add_argument("--frames", type=int, required=True)
    parser.add_argument("--memory", type=int)
    for flag in ("--no-foresight", "--forecast", "--bricks-alone"):
        parser.add_argument(flag, action="store_true")
    given = parser.parse_args()
    given.out.write_text(json.dumps(forecast(given) if given.forecast else draw(given)))
