"""What OME-Zarr's metadata say of an image, in versions 0.1 to 0.5: axes, units, channels, sizes and places."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from stackreel.errors import SliceError
from stackreel.geometry import Spacing
from stackreel.slices.axes import Arranged
from stackreel.slices.lengths import spacing_of_scale

OLD_AXES = ("t", "c", "z", "y", "x")  # of versions 0.1 and 0.2, which did not write them


class Image(NamedTuple):
    """One image as its multiscales metadata tell it.

    path  : of the chosen level's array, below the image
    axes  : their names
    units : of the axes, None where there is none
    scale, translation : of the chosen level along the axes; None where nothing is said
    names : of the channels
    words : for the provenance
    """

    path: str
    axes: tuple[str, ...]
    units: tuple[str | None, ...]
    scale: tuple[float, ...] | None
    translation: tuple[float, ...] | None
    names: tuple[str, ...]
    notes: tuple[str, ...]
    words: tuple[tuple[str, str], ...]


def multiscales(ome: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = ome.get("multiscales")
    return [entry for entry in found if isinstance(entry, Mapping)] if isinstance(found, Sequence) else []


def axes_of(
    multiscale: Mapping[str, Any], rank: int, version: str, where: str
) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
    """Names and units of the axes, in whichever way the version writes them."""
    axes = multiscale.get("axes")
    if axes is None:
        if version not in ("", "0.1", "0.2") or rank > len(OLD_AXES):
            raise SliceError(
                f"{where} does not name its axes as OME-Zarr 0.1 to 0.5 do (it says version {version}); "
                "name the array itself, such as "
                f"{where}/{multiscale['datasets'][0]['path']}, and state --spacing"
            )
        return OLD_AXES[-rank:], (None,) * rank
    named: list[str] = []
    units: list[str | None] = []
    for axis in axes:
        entry = axis if isinstance(axis, Mapping) else {"name": axis}
        name, kind = str(entry.get("name", "?")).lower(), entry.get("type")
        named.append({"channel": "c", "time": "t"}.get(str(kind), name))
        unit = entry.get("unit")
        units.append(unit if isinstance(unit, str) and unit else None)
    return tuple(named), tuple(units)


def transform_of(
    multiscale: Mapping[str, Any], dataset: Mapping[str, Any], rank: int
) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None, list[str]]:
    """Scale and translation of a level, its own and then the image's, and what could not be understood."""
    scale, translation = np.ones(rank), np.zeros(rank)
    any_scale = any_translation = False
    for step in (*_steps(dataset), *_steps(multiscale)):
        kind = step.get("type")
        values = step.get(str(kind))
        if kind == "identity":
            continue
        try:
            numbers = np.asarray(values, float).reshape(rank)
        except (TypeError, ValueError):
            return None, None, [f"the files' OME-Zarr metadata have a transformation ({kind}) that is not understood"]
        if kind == "scale":
            scale, translation, any_scale = scale * numbers, translation * numbers, True
        elif kind == "translation":
            translation, any_translation = translation + numbers, True
        else:
            return None, None, [f"the files' OME-Zarr metadata have a transformation ({kind}) that is not understood"]
    return (
        tuple(scale.tolist()) if any_scale else None,
        tuple(translation.tolist()) if any_translation else None,
        [],
    )


def _steps(entry: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    steps = entry.get("coordinateTransformations") or ()
    return [step for step in steps if isinstance(step, Mapping)]


def channels_of(ome: Mapping[str, Any]) -> tuple[str, ...]:
    omero = ome.get("omero")
    channels = omero.get("channels") if isinstance(omero, Mapping) else None
    if not isinstance(channels, Sequence):
        return ()
    return tuple(str(entry.get("label") or "") if isinstance(entry, Mapping) else "" for entry in channels)


def spacing_of(image: Image, arranged: Arranged) -> tuple[Spacing | None, list[str]]:
    if image.scale is None:
        return None, []
    units = [None if axis is None else image.units[axis] for axis in arranged.place]
    return spacing_of_scale(arranged.along(image.scale), units, "OME-Zarr metadata")


def offset_of(image: Image, arranged: Arranged) -> dict[str, str]:
    """Where the first sample lies, as the metadata say: the volume's own world frame has no place for it."""
    if image.translation is None:
        return {}
    said = [
        f"{name} {image.translation[axis]:g} {image.units[axis] or ''}".strip()
        for name, axis in zip("zyx", arranged.place, strict=True)
        if axis is not None
    ]
    return {"translation": ", ".join(said)}
