"""What the volume file says of its samples: geometry, kind, statistics, hashes, and where everything comes from."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from stackreel._version import __version__
from stackreel.geometry import Index3, Placement
from stackreel.slices.source import SliceSource
from stackreel.volume.counting import Counter
from stackreel.volume.levels import LevelWriter
from stackreel.volume.links import Links
from stackreel.volume.recipe import FORMAT, Recipe, settings
from stackreel.volume.sections import PIECE, TABLES, SectionHashes


def describe(
    file: h5py.File,
    source: SliceSource,
    weights: SliceSource | None,
    recipe: Recipe,
    levels: Sequence[LevelWriter],
    counter: Counter,
    hashes: Sequence[SectionHashes],
) -> None:
    """Statistics, geometry and provenance, once all samples are in. hashes : of the slices, and of the weights."""
    name = recipe.name
    for level in levels:
        index = level.plan.index
        _tables(file, f"/summary/{name}/{index}", level.statistics | level.samples.tables)
        file[f"/summary/{name}/{index}"].attrs["brick"] = np.asarray(level.plan.brick, np.int64)
        if level.lengths is not None:
            _tables(file, f"/summary/{name}/resultants/{index}", level.lengths.tables)
    histogram = counter.histogram()
    group = file.create_group(f"/summary/{name}/histogram")
    group["edges"], group["counts"] = histogram.edges, histogram.counts
    _tables(file, f"/slices/{name}", {key: one.table for key, one in zip(TABLES, hashes, strict=False)})
    file[f"/slices/{name}"].attrs["rows"] = PIECE
    made_of = settings(source, recipe, weights)
    put_slices(file, name, made_of, recipe.links)
    same = [made_of[key] for key in ("shape", "type", "spacing", "unit", "reduction")]
    digest = hashlib.sha256(json.dumps(same, sort_keys=True).encode())
    for one in hashes:
        digest.update(one.table.tobytes())
    put_attributes(file[f"/levels/{name}"].attrs, source.shape, recipe, digest.hexdigest()[:32], counter.value_range)


def put_slices(file: h5py.File, name: str, made_of: Mapping[str, Any], links: Links | None) -> None:
    """What the volume was made of and how; and where the full resolution lies, if not here."""
    group = file.require_group(f"/slices/{name}")
    # data sets: attributes end at 64 kB
    group.create_dataset("settings", data=np.frombuffer(json.dumps(made_of).encode(), np.uint8))
    if links is not None:
        group.create_dataset("links", data=np.frombuffer(links.to_bytes(), np.uint8))


def _tables(file: h5py.File, where: str, arrays: dict[str, Any]) -> None:
    group = file.create_group(where)
    for key, values in arrays.items():
        group.create_dataset(key, data=values, compression="gzip", compression_opts=1, shuffle=True)


def put_attributes(
    attrs: h5py.AttributeManager,
    shape: Index3,
    recipe: Recipe,
    fingerprint: str,
    value_range: tuple[float, float] | None,
) -> None:
    """Geometry, meaning and provenance. value_range : None where nobody has looked."""
    placement = Placement.of(shape, recipe.spacing)
    attrs["format"] = FORMAT
    attrs["kind"] = recipe.reduction.kind
    attrs["reduced_by"] = recipe.reduction.how
    if recipe.reduction.period is not None:
        attrs["period"] = recipe.reduction.period
    if recipe.reduction.background is not None:
        attrs["background"] = recipe.reduction.background
    attrs["spacing"], attrs["spacing_unit"] = recipe.spacing.zyx, recipe.spacing.unit
    attrs["origin_xyz"], attrs["step_xyz"] = placement.origin, placement.step
    if placement.um_per_unit is not None:
        attrs["um_per_unit"] = placement.um_per_unit
    if value_range is not None:
        attrs["value_range"] = value_range
    attrs["fingerprint"] = fingerprint
    words = {"written_by": f"stackreel {__version__}", "written_at": _now(), **recipe.provenance}
    for key, text in words.items():
        # names of files need not be text
        attrs[f"provenance_{key}"] = text.encode(errors="backslashreplace").decode()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
