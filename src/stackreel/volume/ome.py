"""What OME-Zarr 0.5 says of an image in several resolutions: axes, units, places of the levels, how to show it.

Written as napari, Fiji, Neuroglancer and others expect it; https://ngff.openmicroscopy.org/0.5 is the word.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stackreel.geometry import Index3, Spacing
from stackreel.volume.volume import Histogram, Kind

VERSION = "0.5"
AXES = ("z", "y", "x")
_METHODS = {"intensity": "mean", "axial": "mean of the doubled angle", "label": "most frequent label"}


def multiscale(
    name: str, kind: Kind, spacing: Spacing, factors: Sequence[Index3], reduced_by: str = ""
) -> dict[str, Any]:
    """The image and its levels. factors : (z, y, x) of each against the full resolution."""
    unit = {"unit": "micrometer"} if spacing.unit == "um" else {}
    datasets = []
    for index, level in enumerate(factors):
        scale = [f * s for f, s in zip(level, spacing.zyx, strict=True)]
        shift = [(f - 1) / 2 * s for f, s in zip(level, spacing.zyx, strict=True)]
        steps = [{"type": "scale", "scale": scale}, {"type": "translation", "translation": shift}]
        datasets.append({"path": str(index), "coordinateTransformations": steps})
    method = "largest value" if reduced_by == "max" else _METHODS[kind]
    return {
        "name": name,
        "axes": [{"name": axis, "type": "space", **unit} for axis in AXES],
        "datasets": datasets,
        "type": "mode" if kind == "label" else reduced_by or "mean",
        "metadata": {"description": f"a sample of a coarser level is the {method} of those it stands for"},
    }


def rendering(name: str, histogram: Histogram, value_range: tuple[float, float]) -> dict[str, Any]:
    """How to show it at first: grey, between the 1st and the 99.8th percentile of what is not zero."""
    low, high = value_range
    first, last = (histogram.percentile(p, above=0.0 if low >= 0.0 else None) for p in (1.0, 99.8))
    first, last = max(first, low), min(last, high)
    if not first < last:
        first, last = low, high if high > low else low + 1.0
    window = {"min": low, "max": max(high, last), "start": first, "end": last}
    channel = {"label": name, "color": "FFFFFF", "active": True, "window": window}
    return {"channels": [channel], "rdefs": {"model": "greyscale"}}
