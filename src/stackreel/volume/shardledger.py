"""What an OME-Zarr volume can be checked by: its tables of sizes and hashes, and the pages that say what it is made of.

Nothing stands there twice, as in an HDF5 file it does. But every table has a checksum of its own, so that one damaged
table does not keep the others from being used.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from stackreel.geometry import Index3
from stackreel.volume import zarrfile
from stackreel.volume.ledger import Kept, Ledger, read_ledger
from stackreel.volume.reduction import LENGTHS, Reduction
from stackreel.volume.sections import PIECE, TABLES
from stackreel.volume.zarrwriter import OURS, WORDS

_BROKEN = (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError, ArithmeticError, MemoryError)


def read_any_ledger(path: Path) -> Ledger | None:
    """The ledger of a volume, file or folder; None where there is none that can be read."""
    return read_shard_ledger(path)[0] if path.is_dir() else read_ledger(path)


def read_shard_ledger(folder: Path) -> tuple[Ledger | None, list[str]]:
    """The ledger, with the arrays whose tables can be read, and in sentences what cannot; no ledger at all where
    the volume does not say any more what it was made of."""
    try:
        settings = json.loads(zarrfile.read_table(folder / OURS / "slices" / "settings").tobytes())
        words, proved, wrong = _words(folder)
        full = _index3(settings["shape"])
        slices = _slices(folder, full)
        factors = [_index3(one) for one in words["factors"]]
        companion = Reduction(**settings["reduction"]).companion
        plans = list(zip(factors, settings["levels"], strict=True))
        dtype = np.dtype(str(settings["type"]))
    except _BROKEN as error:
        return None, [f"what it is made of cannot be read ({error})"]
    prefix = "provenance_"
    provenance = {k.removeprefix(prefix): str(v) for k, v in words.items() if k.startswith(prefix)}
    provenance.pop("written_at", None)
    kept = []
    for index, (factor, (shape, chunk)) in enumerate(plans):
        for resultants in (False, True) if companion and index else (False,):
            where = f"/{OURS}/resultants/{index}" if resultants else f"/{index}"
            grid = tuple(-(-n // c) for n, c in zip(shape, chunk, strict=True))
            tables = _tables(folder, index, resultants=resultants)
            try:
                sizes, hashes = (_table(tables / key, grid) for key in ("sizes", "hashes"))
            except _BROKEN as error:
                wrong.append(f"the hashes of {where} cannot be read ({error}), so its chunks cannot be checked")
                continue
            kept.append(
                Kept(
                    where,
                    index,
                    resultants,
                    _index3(shape),
                    _index3(chunk),
                    factor,
                    np.dtype(LENGTHS) if resultants else dtype,
                    np.zeros_like(sizes),
                    sizes,
                    np.zeros(sizes.shape, bool),
                    hashes,
                )
            )
    return Ledger(0, settings, provenance, tuple(kept), slices, proved), wrong


def _words(folder: Path) -> tuple[dict[str, Any], bool, list[str]]:
    """Our attributes; whether a checksum proves them; and what is wrong with them, in sentences.

    Early volumes have them only in the page that other programs read, where nothing proves them but the seal.
    """
    wrong = []
    if (folder / OURS / WORDS).is_dir():
        try:
            words: dict[str, Any] = json.loads(zarrfile.read_table(folder / OURS / WORDS).tobytes())
            return words, True, []
        except _BROKEN as error:
            wrong.append(f"where the data come from stands there only once, unproved ({error})")
    found: dict[str, Any] = zarrfile.read_page(folder)["attributes"][OURS]
    return found, False, wrong


def _slices(folder: Path, full: Index3) -> tuple[npt.NDArray[Any], ...]:
    """Hashes of the slices, and of the weights where there are any."""
    made_of = folder / OURS / "slices"
    shape = (full[0], -(-full[1] // PIECE))
    return tuple(_table(made_of / key, shape) for key in TABLES if (made_of / key).is_dir())


def _table(folder: Path, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """A table of such a shape; its page has no checksum of its own."""
    found = zarrfile.read_table(folder)
    if found.shape != shape:
        raise ValueError(f"{folder.name} is {found.shape}, and not {shape}")
    return found


def _index3(values: Any) -> Index3:
    z, y, x = (int(n) for n in values)
    return (z, y, x)


def tables_of(folder: Path, kept: Kept) -> Path:
    """Where what is known of the chunks of an array stands."""
    return _tables(folder, kept.level, resultants=kept.resultants)


def _tables(folder: Path, index: int, *, resultants: bool) -> Path:
    return folder / OURS / "summary" / (f"resultants/{index}" if resultants else str(index))
