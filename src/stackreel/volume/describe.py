"""What the volume file says of its samples: geometry, kind, statistics, hashes, and where everything comes from."""

from __future__ import annotations

import datetime
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import h5py
import numpy as np

from stackreel._version import __version__
from stackreel.geometry import Placement
from stackreel.slices.source import SliceSource
from stackreel.volume.counting import Counter
from stackreel.volume.levels import LevelWriter
from stackreel.volume.recipe import FORMAT, Recipe, settings
from stackreel.volume.sections import PIECE, SectionHashes


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
    _tables(file, f"/slices/{name}", {"hashes": hashes[0].table})
    file[f"/slices/{name}"].attrs["rows"] = PIECE
    words = json.dumps(settings(source, recipe, weights))
    # a data set: attributes end at 64 kB
    file[f"/slices/{name}"].create_dataset("settings", data=np.frombuffer(words.encode(), np.uint8))
    _attributes(file[f"/levels/{name}"].attrs, source, recipe, counter, hashes)


def _tables(file: h5py.File, where: str, arrays: dict[str, Any]) -> None:
    group = file.create_group(where)
    for key, values in arrays.items():
        group.create_dataset(key, data=values, compression="gzip", compression_opts=1, shuffle=True)


def _attributes(
    attrs: h5py.AttributeManager,
    source: SliceSource,
    recipe: Recipe,
    counter: Counter,
    hashes: Sequence[SectionHashes],
) -> None:
    digest = hashlib.sha256(repr((source.shape, source.dtype.name, recipe.spacing, recipe.reduction)).encode())
    for one in hashes:
        digest.update(one.table.tobytes())
    placement = Placement.of(source.shape, recipe.spacing)
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
    attrs["value_range"] = counter.value_range
    attrs["fingerprint"] = digest.hexdigest()[:32]
    words = {"written_by": f"stackreel {__version__}", "written_at": _now(), **recipe.provenance}
    for key, text in words.items():
        # names of files need not be text
        attrs[f"provenance_{key}"] = text.encode(errors="backslashreplace").decode()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
