"""Every frame of a movie, drawn as `stackreel render` draws them. MOVIE.yaml RESULT.json [--memory M]

Writes, for every frame, seconds, the finest level drawn, stored bytes read and bytes decoded; seconds of opening; a
checksum over all float pixels. --save DIR keeps the frames, and them all on one page.
"""

import argparse
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from stackreel.cli.values import byte_count
from stackreel.movie.picture import write_picture
from stackreel.movie.production import produce

COLUMNS, WIDTH, GAP = 5, 384, 4


def disk_bytes() -> int:
    """What this process has made the system fetch from the disk."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("read_bytes"))


def main(args: argparse.Namespace) -> None:
    begin, fetched = time.perf_counter(), disk_bytes()
    production = produce(args.movie, memory=args.memory, device="cpu")
    volume, timeline = production.volume, production.timeline
    session = production.engine.open(volume, production.output)
    scenes = [timeline.at(timeline.time_of(k)) for k in range(timeline.frames)][: args.frames]
    session.expect(scenes)  # type: ignore[attr-defined]
    found: dict[str, Any] = {"opening": time.perf_counter() - begin, "size": production.output.size, "frames": []}
    checksum, pictures = hashlib.sha256(), []
    for scene in scenes:
        begin = time.perf_counter()
        frame = session.render(scene)
        picture = frame.over(scene.background)
        seconds = time.perf_counter() - begin
        checksum.update(frame.rgba.tobytes())
        read = sum(level.bytes_read for level in volume.levels)
        decoded = session.books.chunks.decoded_bytes  # type: ignore[attr-defined]
        found["frames"].append({"seconds": seconds, "level": frame.level, "stored": read, "decoded": decoded})
        if args.save:
            write_picture(args.save / f"{len(pictures):02d}.png", picture)
            pictures.append(picture)
    session.close()
    found |= {"checksum": checksum.hexdigest(), "fetched": disk_bytes() - fetched}
    if args.save:
        sheet(pictures).save(args.save / "dive.jpg", quality=85, optimize=True)
    args.result.write_text(json.dumps(found))


def sheet(pictures: list[Any]) -> Image.Image:
    """All pictures on one page, row by row."""
    height = round(WIDTH * pictures[0].shape[0] / pictures[0].shape[1])
    rows = -(-len(pictures) // COLUMNS)
    page = np.full((rows * (height + GAP) - GAP, COLUMNS * (WIDTH + GAP) - GAP, 3), 40, np.uint8)
    for k, picture in enumerate(pictures):
        y, x = k // COLUMNS * (height + GAP), k % COLUMNS * (WIDTH + GAP)
        small = Image.fromarray(picture).resize((WIDTH, height), Image.Resampling.LANCZOS)
        page[y : y + height, x : x + WIDTH] = np.asarray(small)
    return Image.fromarray(page)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name in ("movie", "result"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--memory", type=byte_count)
    parser.add_argument("--frames", type=int)
    parser.add_argument("--save", type=Path)
    main(parser.parse_args())
