"""What a movie file needs to know of a volume, taken from the volume."""

from __future__ import annotations

from stackreel.scene.subject import Subject
from stackreel.volume import Volume


def subject_of(volume: Volume) -> Subject:
    """The volume as a movie file sees it: bounds, scale, values; reads no voxels."""
    histogram = volume.histogram
    known = len(histogram.counts) > 0 and bool(histogram.counts.sum() > 0)
    return Subject(
        bounds=volume.placement.bounds,
        um_per_unit=volume.placement.um_per_unit,
        value_range=(float(volume.value_range[0]), float(volume.value_range[1])),
        kind=volume.kind,
        step=volume.placement.step,
        histogram=(tuple(map(float, histogram.edges)), tuple(map(float, histogram.counts))) if known else None,
    )
