"""A movie written in Python: any volume turns once, and is shown section by section.

python examples/turntable.py demo/brain.h5 demo/turntable.yaml
stackreel render demo/turntable.yaml -o demo/turntable.mp4 --draft
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from stackreel.scene import Movie
from stackreel.volume import Volume, open_volume


def turntable(volume: Volume, path_from_movie: str) -> Movie:
    """A turn of eight seconds, then a cut that sweeps through the stack and back."""
    lower, upper = volume.placement.bounds.lower, volume.placement.bounds.upper
    nearly = lower[2] + 0.97 * (upper[2] - lower[2])
    samples = volume.histogram
    # from the darkest value that is not background to the brightest ones
    dark, bright = (samples.percentile(p, above=float(samples.edges[1])) for p in (2, 99))
    return (
        Movie(path_from_movie, size=(1280, 720), fps=25)
        .scene(
            color={"map": "tissue", "range": (dark - 0.5 * (bright - dark), bright)},  # surfaces not too dark
            opacity=[[dark, 0.0], [dark + 0.1 * (bright - dark), 0.7], [bright, 0.95]],
            opacity_unit=3.0 * volume.placement.step[0],
            light="studio",
        )
        .shot("turn", seconds=8, orbit={"axis": "y", "degrees": 360}, ease="linear", title=volume.name)
        .shot("sweep", seconds=4, crop={"z": (nearly, upper[2])}, look={"light": "none"})
        .shot("back", seconds=4, crop="none", look={"light": "studio"})
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a movie file in which a volume turns.")
    parser.add_argument("volume", type=Path)
    parser.add_argument("movie", type=Path)
    args = parser.parse_args()
    seen = os.path.relpath(args.volume, args.movie.absolute().parent)
    print(turntable(open_volume(args.volume), seen).save(args.movie))


if __name__ == "__main__":
    main()
