"""What to make of a stack, as a value: name, spacing, kind; and the words by which two runs know that they agree."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import h5py

from stackreel.errors import VolumeError
from stackreel.geometry import Spacing
from stackreel.slices.arriving import Arriving
from stackreel.slices.source import SliceFile, SliceSource
from stackreel.volume.links import Links
from stackreel.volume.pyramid import CHUNK, plan_levels
from stackreel.volume.reduction import Reduction

FORMAT = 3
RESERVED = ("levels", "resultants", "summary", "slices", "links", "vtkhdf", "VTKHDF", "ledger", "seal")


@dataclass(frozen=True)
class Recipe:
    """What to make of the slices.

    name       : of the data set, as ParaView will show it
    spacing    : of the samples
    reduction  : what coarser levels hold
    provenance : words to keep with the data
    threads    : that pack and reduce
    durable    : seconds of work that a killed run may lose
    links      : where the full resolution stays, in the slices' own files; None where it is copied
    """

    name: str
    spacing: Spacing
    reduction: Reduction = field(default_factory=lambda: Reduction("intensity"))
    provenance: Mapping[str, str] = field(default_factory=dict)
    threads: int = field(default_factory=lambda: os.cpu_count() or 1)
    durable: float = 10.0
    links: Links | None = None

    def __post_init__(self) -> None:
        if not self.name or self.name in RESERVED or any(c in self.name for c in "/.:\\ \t\n\"'<>&"):
            raise VolumeError(
                f'"{self.name}" cannot name a volume: use letters, digits, - and _, and none of {", ".join(RESERVED)}'
            )


def settings(source: SliceSource, recipe: Recipe, weights: SliceSource | None = None) -> dict[str, Any]:
    """All that decides what the volume file holds, in plain words and numbers: equal where a run may go on."""
    plans = plan_levels(source.shape, recipe.spacing, source.dtype.itemsize)
    return {
        "name": recipe.name,
        "shape": list(source.shape),
        "type": source.dtype.name,
        "spacing": [float(step) for step in recipe.spacing.zyx],
        "unit": recipe.spacing.unit or "none",
        "reduction": asdict(recipe.reduction),
        "levels": [[list(plan.shape), list(plan.chunk)] for plan in plans],
        "format": [FORMAT, list(CHUNK)],
        "HDF5": h5py.version.hdf5_version,
        "samples": "copied" if recipe.links is None else recipe.links.said,
        "slices": _files(source.files),
        "weights": _files(weights.files) if weights is not None else [],
        "reading": _reading(source),
        "weights reading": [] if weights is None else _reading(weights),
    }


def agreement(
    source: SliceSource, recipe: Recipe, weights: SliceSource | None = None, arriving: Arriving | None = None
) -> dict[str, Any]:
    """What two runs must agree in: the settings; of sections that still arrive, only what they will be called.

    Which of them were read is for every record of the journal to say, and what stands in for missing ones may be
    decided when no more come.
    """
    found = settings(source, recipe, weights)
    if arriving is not None:
        found["slices"] = _files(arriving.files)
        for key in ("reading", "weights reading"):
            found[key] = [words for words in found[key] if not words.startswith("missing_")]
    return found


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two settings, each a few words with both values."""
    found = []
    for key in now:
        old, new = before.get(key), now[key]
        if old == new:
            continue
        if key in ("slices", "weights") and isinstance(old, list):
            found += _changed_files(old, new)
        elif isinstance(old, dict) and isinstance(new, dict):
            both = [(name, old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())]
            found += [f"{name} was {_said(a)}, is {_said(b)}" for name, a, b in both if a != b]
        else:
            found.append(f"{key} was {_said(old)}, is {_said(new)}")
    return found


def _reading(source: SliceSource) -> list[str]:
    return [f"{key}={text}" for key, text in sorted(getattr(source, "provenance", {}).items())]


def _files(files: Sequence[SliceFile]) -> list[list[Any]]:
    return [[_text(str(file.path.absolute())), file.size, file.mtime_ns] for file in files]


def _text(path: str) -> str:
    return path.encode(errors="backslashreplace").decode()


def _changed_files(old: list[Any], new: list[Any]) -> list[str]:
    if [one[0] for one in old] != [one[0] for one in new]:
        was, now = {one[0] for one in old}, {one[0] for one in new}
        gone, come = was - now, now - was
        some = sorted(gone)[:1] + sorted(come)[:1]
        return [f"other slices: {len(old)} files then, {len(new)} now" + (f" ({', '.join(some)} …)" if some else "")]
    changed = [b[0] for a, b in zip(old, new, strict=True) if a != b]
    some_changed = ", ".join(changed[:3]) + (" …" if changed[3:] else "")
    return [f"{len(changed)} of {len(new)} slices changed since ({some_changed})"]


def _said(value: Any) -> str:
    if value is None:
        return "not stated"
    return " ".join(str(v) for v in value) if isinstance(value, list) else str(value)
