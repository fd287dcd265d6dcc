"""What an OME-Zarr volume can be checked by: its tables of sizes and hashes, and the pages that say what it is made of.

Nothing stands there twice, as in an HDF5 file it does. But every table has a checksum of its own, so that one damaged
table does not keep the others from being used.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy as np

from stackreel.geometry import Index3
from stackreel.volume import zarrfile
from stackreel.volume.ledger import Kept, Ledger, read_ledger
from stackreel.volume.reduction import LENGTHS, Reduction
from stackreel.volume.sections import TABLES
from stackreel.volume.zarrwriter import OURS

_BROKEN = (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError)


def read_any_ledger(path: Path) -> Ledger | None:
    """The ledger of a volume, file or folder; None where there is none that can be read."""
    return read_shard_ledger(path)[0] if path.is_dir() else read_ledger(path)


def read_shard_ledger(folder: Path) -> tuple[Ledger | None, list[str]]:
    """The ledger, with the arrays whose tables can be read, and in sentences what cannot; no ledger at all where
    the volume does not say any more what it was made of."""
    wrong: list[str] = []
    try:
        ours: dict[str, Any] = zarrfile.read_page(folder)["attributes"][OURS]
        prefix = "provenance_"
        settings = json.loads(zarrfile.read_table(folder / OURS / "slices" / "settings").tobytes())
        made_of = folder / OURS / "slices"
        slices = [zarrfile.read_table(made_of / key) for key in TABLES if (made_of / key).is_dir()]
        words = {k.removeprefix(prefix): str(v) for k, v in ours.items() if k.startswith(prefix)}
        factors = [cast(Index3, tuple(int(n) for n in one)) for one in ours["factors"]]
        companion = Reduction(**settings["reduction"]).companion
        plans = list(zip(factors, settings["levels"], strict=True))
        dtype = np.dtype(str(settings["type"]))
    except _BROKEN as error:
        return None, [f"what it is made of cannot be read ({error})"]
    words.pop("written_at", None)
    kept = []
    for index, (factor, (shape, chunk)) in enumerate(plans):
        for resultants in (False, True) if companion and index else (False,):
            where = f"/{OURS}/resultants/{index}" if resultants else f"/{index}"
            tables = _tables(folder, index, resultants=resultants)
            try:
                sizes, hashes = zarrfile.read_table(tables / "sizes"), zarrfile.read_table(tables / "hashes")
            except _BROKEN as error:
                wrong.append(f"the hashes of {where} cannot be read ({error}), so its chunks cannot be checked")
                continue
            kept.append(
                Kept(
                    where,
                    index,
                    resultants,
                    cast(Index3, tuple(shape)),
                    cast(Index3, tuple(chunk)),
                    factor,
                    np.dtype(LENGTHS) if resultants else dtype,
                    np.zeros_like(sizes),
                    sizes,
                    np.zeros(sizes.shape, bool),
                    hashes,
                )
            )
    return Ledger(0, settings, words, tuple(kept), tuple(slices)), wrong


def tables_of(folder: Path, kept: Kept) -> Path:
    """Where what is known of the chunks of an array stands."""
    return _tables(folder, kept.level, resultants=kept.resultants)


def _tables(folder: Path, index: int, *, resultants: bool) -> Path:
    return folder / OURS / "summary" / (f"resultants/{index}" if resultants else str(index))
