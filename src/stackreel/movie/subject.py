"""What a movie file needs to know of a volume, taken from the volume; and a word where there is nothing to film."""

from __future__ import annotations

import math
from dataclasses import replace

from stackreel.errors import VolumeError
from stackreel.scene.subject import Subject
from stackreel.volume import Volume
from stackreel.volume.linked import no_levels


def subject_of(volume: Volume) -> Subject:
    """The volume as a movie file sees it: bounds, scale, values; reads no voxels.

    Raises VolumeError for slices that were linked without looking at their values.
    """
    if not volume.summarised:
        raise VolumeError(no_levels(volume.path))
    histogram = volume.histogram
    counted = int(histogram.counts.sum())
    known = counted > 0
    return Subject(
        bounds=volume.placement.bounds,
        um_per_unit=volume.placement.um_per_unit,
        value_range=(float(volume.value_range[0]), float(volume.value_range[1])),
        kind=volume.kind,
        step=volume.placement.step,
        histogram=(tuple(map(float, histogram.edges)), tuple(map(float, histogram.counts))) if known else None,
        period=volume.period,
        background=volume.background,
        numbers=min(counted / math.prod(volume.shape), 1.0) if known else 1.0,
        anatomical=volume.provenance.get("orientation", "").startswith("RAS"),
        channels=tuple((name, subject_of(replace(one, channels={}))) for name, one in volume.channels.items()),
    )


def without_background(volume: Volume) -> list[str]:
    """A sentence for every channel of directions that does not say which value means "no direction"."""
    return [
        f'{one.path.name}: no value means "no direction", so 0 is a direction like any other and colours the borders; '
        "if 0 is background, convert again with --background 0"
        for one in volume.channels.values()
        if one.kind == "axial" and one.background is None and one.value_range[0] == 0.0
    ]


def nothing_to_see(volume: Volume) -> str | None:
    """Why every movie of the volume is empty, in a sentence; None when there is something in it."""
    if volume.channels:
        found = [nothing_to_see(replace(one, channels={})) for one in volume.channels.values()]
        return "; ".join(said for said in found if said) if all(found) else None
    low, high = volume.value_range
    if len(volume.histogram.counts) and not volume.histogram.counts.any():
        return f"{volume.path.name}: no sample is a number: nothing to see"
    if low == high:
        return f"{volume.path.name}: all samples are {low:g}: nothing to see"
    return None
