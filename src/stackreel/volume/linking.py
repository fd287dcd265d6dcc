"""A linked volume while it is made: its full resolution is there already, only coarser levels and statistics are built.

Without these, nothing but a description is written, at once, however large the slices are: enough for other programs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import numpy.typing as npt

from stackreel.files import true_path
from stackreel.geometry import Index3, Placement
from stackreel.slices.source import SliceSource
from stackreel.volume.chunkfile import ChunkFile
from stackreel.volume.describe import put_attributes, put_slices
from stackreel.volume.hdf5 import open_volume
from stackreel.volume.linked import Slices
from stackreel.volume.links import Links
from stackreel.volume.output import check_output, told, unfinished
from stackreel.volume.pyramid import LevelPlan, plan_levels
from stackreel.volume.recipe import Recipe, settings
from stackreel.volume.seal import make_room, put_seal
from stackreel.volume.shelf import Packed, Shelf, packed
from stackreel.volume.store import left_to_others
from stackreel.volume.uninterrupted import uninterrupted
from stackreel.volume.volume import Volume

Finish = Callable[[h5py.File, str, Sequence[Placement]], None]


class LinkedShelf(Shelf):
    """The full resolution of a linked volume while its coarser levels are made: nothing is put there."""

    def __init__(self, into: ChunkFile, name: str, plan: LevelPlan, links: Links) -> None:
        super().__init__(into, name, plan, links.dtype, made=_linked(into, name, plan, links))
        self._slices = Slices(links)

    @property
    def tables(self) -> dict[str, npt.NDArray[Any]]:
        return {}

    def pack(self, place: Index3, block: npt.NDArray[Any], *, worth: bool) -> Packed:
        return packed(place, b"", plain=False)

    def put(self, chunk: Packed) -> None:
        self._note(chunk.place, 0, 0, False, 0)

    def put_again(self, place: Index3, offset: int, size: int, plain: bool, digest: int) -> None:
        self._note(place, 0, 0, False, 0)

    def get(self, place: Index3) -> npt.NDArray[Any]:
        at = cast(Index3, tuple(p * c for p, c in zip(place, self.plan.chunk, strict=True)))
        pairs = zip(at, self.plan.chunk, self.plan.shape, strict=True)
        shape = cast(Index3, tuple(min(c, n - a) for a, c, n in pairs))
        out = np.empty(shape, self.dtype)
        self._slices.fill(at, shape, out)
        return out


def link_alone(
    source: SliceSource, out: Path, recipe: Recipe, finish: Finish, *, overwrite: bool = False, restart: bool = False
) -> Volume:
    """Write a linked volume without reduced levels and statistics, and open it; no sample is read.

    recipe : with links; the other arguments are those of `build.build`
    Raises OutputExistsError, DiskFullError, SliceError or VolumeError.
    """
    assert recipe.links is not None
    check_output(out, overwrite=overwrite)
    target, name = true_path(out), recipe.name
    wanted = settings(source, recipe) | {"levels": []}
    with told(out), unfinished(target, wanted, restart=restart) as (partial, _):
        into = ChunkFile(partial)
        with left_to_others(into), uninterrupted():
            seal = make_room(into.file)
            plan = plan_levels(source.shape, recipe.spacing, source.dtype.itemsize)[0]
            _linked(into, name, plan, recipe.links)
            put_slices(into.file, name, wanted, recipe.links)
            # of the files, since of the samples nothing is known
            fingerprint = hashlib.sha256(json.dumps([wanted, recipe.links.offsets]).encode()).hexdigest()[:32]
            put_attributes(into.file[f"/levels/{name}"].attrs, source.shape, recipe, fingerprint, None)
            finish(into.file, name, [Placement.of(source.shape, recipe.spacing)])
        into.close()
        put_seal(partial, seal, [])
    return open_volume(out, name)


def _linked(into: ChunkFile, name: str, plan: LevelPlan, links: Links) -> Any:
    dataset = links.create(into.file, f"/{name}")
    into.name(dataset, name, plan)
    return dataset
