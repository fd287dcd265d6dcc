"""`stackreel info`: all that a person wants to know of a volume file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stackreel.volume import Volume

EXAMPLES = """\
examples:
  stackreel info brain.h5
  stackreel info brain.h5 --json | jq .levels[0].shape"""

BARS = " ▁▂▃▄▅▆▇█"


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "info",
        help="what is in a volume file: size, spacing, levels, values, where it comes from",
        description="Tell what is in a volume file. Nothing but its description is read.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="a volume made by `stackreel convert`")
    parser.add_argument("--json", action="store_true", help="for programs: everything, as JSON")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    import json

    from stackreel.volume import open_volume

    volume = open_volume(args.file)
    if args.json:
        print(json.dumps(facts(volume), indent=2, ensure_ascii=False))
    else:
        print(describe(volume))
    return 0


def facts(volume: Volume) -> dict[str, Any]:
    """Everything as plain values, for JSON. Shapes and spacing are (z, y, x), world points (x, y, z)."""
    from stackreel.files import size_on_disk

    bounds, known = volume.placement.bounds, volume.summarised
    return {
        "path": str(volume.path),
        "name": volume.name,
        "kind": volume.kind,
        "reduced_by": volume.reduced_by,
        "period": volume.period,
        "background": volume.background,
        "dtype": volume.dtype.name,
        "shape": list(volume.shape),
        "spacing": list(volume.spacing.zyx),
        "spacing_unit": volume.spacing.unit or None,
        "um_per_world_unit": volume.placement.um_per_unit,
        "world_bounds": {"lower": list(bounds.lower), "upper": list(bounds.upper)},
        "bytes": volume.nbytes,
        "stored_bytes": size_on_disk(volume.path),
        "linked": _linked(volume),
        "value_range": list(volume.value_range) if known else None,
        "percentiles": {str(p): _percentile(volume, p) for p in (1, 5, 25, 50, 75, 95, 99)} if known else None,
        "fingerprint": volume.fingerprint,
        "levels": [
            {
                "index": level.index,
                "dataset": level.dataset,
                "shape": list(level.shape),
                "factors": list(level.factors),
                "chunk": list(level.chunk),
                "bytes": _bytes(level.shape, level.dtype.itemsize),
                "stored_bytes": level.stored_bytes,
            }
            for level in volume.levels
        ],
        "provenance": dict(volume.provenance),
    }


def describe(volume: Volume) -> str:
    """The same for a person."""
    from stackreel.files import size_on_disk
    from stackreel.geometry import format_um

    z, y, x = volume.shape
    part = volume.provenance.get("unfinished")
    title = f"{volume.path} (unfinished: {part})" if part else f"{volume.path}"
    lines = [title, f"  data        {volume.name}: {_kind(volume)}, {volume.dtype.name}"]
    lines.append(f"  samples     {z} sections × {y} rows × {x} columns, {_size(volume.nbytes)}")
    lines.append(f"  spacing     {volume.spacing} (z × y × x)")
    if um := volume.placement.um_per_unit:
        across = [format_um(n * s) for n, s in zip(volume.shape, volume.spacing.zyx, strict=True)]
        lines.append(f"  extent      {' × '.join(across)}; one world unit is {format_um(um)}")
    bounds = volume.placement.bounds
    spans = [f"{axis} {a:.4g} … {b:.4g}" for axis, a, b in zip("xyz", bounds.lower, bounds.upper, strict=True)]
    lines.append(f"  world       {', '.join(spans)}")
    low, high = volume.value_range
    if volume.summarised:
        lines.append(f"  values      {low:g} … {high:g}; median {_percentile(volume, 50):.4g}")
        lines.append(f"  histogram   {_sparkline(volume)}  (logarithmic)")
    else:
        lines.append("  values      not known: linked without levels and statistics (--no-levels)")
    if linked := _linked(volume):
        first, count = linked["files"][0], len(linked["files"])
        lines.append(f"  linked      the full resolution stays in {first}{f' … ({count} files)' if count > 1 else ''}")
        lines += [f"              {said}" for said in linked["amiss"]] or ["              all as they were when linked"]
    lines.append(f"  stored      {_size(size_on_disk(volume.path))} on disk")
    lines.append(f"  levels      coarser ones by {_reduced(volume)}")
    for level in volume.levels:
        shape = " × ".join(str(n) for n in level.shape)
        factors = " × ".join(str(f) for f in level.factors)
        size = _size(_bytes(level.shape, level.dtype.itemsize))
        stored = "in the slices" if linked and level.index == 0 else f"{_size(level.stored_bytes)} stored"
        lines.append(f"    {level.index:>2}  {shape:<22} {size:>9}, {stored:>16}   1 : {factors}")
    lines.append(f"  fingerprint {volume.fingerprint}")
    for key, text in volume.provenance.items():
        if key == "unfinished":
            continue
        lines.append(f"  {key.replace('_', ' '):<11} {text}")
    return "\n".join(lines)


def _linked(volume: Volume) -> dict[str, Any] | None:
    """The slices that hold the full resolution, and what has become of them; None where the volume holds it itself."""
    from stackreel.volume.linked import whereabouts

    found = whereabouts(volume)
    if found is None:
        return None
    return {
        "files": [str(file.path) for file in found.links.files],
        "relative": found.links.relative,
        "missing_or_changed": [str(path) for path, _ in found.lost],
        "redated": [str(path) for path in found.redated],
        "amiss": found.said,
    }


def _kind(volume: Volume) -> str:
    if volume.kind != "axial":
        return volume.kind
    none = "" if volume.background is None else f", {volume.background:g} means no direction"
    return f"axial (repeats after {volume.period:g}{none})"


def _reduced(volume: Volume) -> str:
    words = {"mode": "majority", "max": "maximum"}
    return "mean of the doubled angle" if volume.kind == "axial" else words.get(volume.reduced_by, volume.reduced_by)


def _percentile(volume: Volume, percent: float) -> float:
    """A value that can occur: a bin of integers reaches half a step to either side of its one value."""
    low, high = volume.value_range
    value = min(max(volume.histogram.percentile(percent), low), high)
    return float(round(value)) if volume.dtype.kind in "ui" else value


def _bytes(shape: tuple[int, int, int], itemsize: int) -> int:
    return shape[0] * shape[1] * shape[2] * itemsize


def _size(count: int) -> str:
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:.3g} {unit}"
    return f"{count} B"


def _sparkline(volume: Volume, width: int = 48) -> str:
    """The histogram as a row of bars, heights logarithmic."""
    import numpy as np

    edges, counts = volume.histogram.edges, volume.histogram.counts
    middles = 0.5 * (edges[:-1] + edges[1:])
    bins, _ = np.histogram(middles, bins=min(width, len(counts)), range=(edges[0], edges[-1]), weights=counts)
    heights = np.log1p(bins)
    scaled = np.ceil(heights / max(heights.max(), 1e-9) * (len(BARS) - 1)).astype(int)
    return "".join(BARS[h] for h in scaled)
