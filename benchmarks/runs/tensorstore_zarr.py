"""Zarr 3 with tensorstore: the base level in slabs, then each level from the one before through its downsample driver.

SECTIONS OUT ROWS COLUMNS zstd|blosc|gzip
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import tensorstore as ts

CHUNK = (16, 256, 256)
CODECS: dict[str, dict[str, Any]] = {
    "zstd": {"name": "zstd", "configuration": {"level": 1}},
    "gzip": {"name": "gzip", "configuration": {"level": 1}},
    "blosc": {"name": "blosc", "configuration": {"cname": "lz4", "clevel": 1, "shuffle": "noshuffle"}},
}


def create(path: Path, shape: list[int], codec: str) -> Any:
    """A new, empty zarr 3 array of uint8."""
    metadata = {
        "shape": shape,
        "data_type": "uint8",
        "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": CHUNK}},
        "codecs": [{"name": "bytes"}, CODECS[codec]],
    }
    store = {"driver": "file", "path": str(path)}
    return ts.open({"driver": "zarr3", "kvstore": store, "metadata": metadata, "create": True}).result()


def main(folder: Path, out: Path, rows: int, columns: int, codec: str) -> None:
    sections = sorted(folder.glob("*.raw"))
    level = create(out / "0", [len(sections), rows, columns], codec)
    for z in range(0, len(sections), CHUNK[0]):
        slab = np.stack([np.fromfile(s, np.uint8).reshape(rows, columns) for s in sections[z : z + CHUNK[0]]])
        level[z : z + len(slab)].write(slab).result()
    number = 0
    while max(level.shape[1:]) > CHUNK[1]:
        number += 1
        reduced = ts.downsample(level, [1, 2, 2], "mean")
        level = create(out / str(number), list(reduced.shape), codec)
        for z in range(0, level.shape[0], CHUNK[0]):
            end = min(z + CHUNK[0], level.shape[0])
            level[z:end].write(reduced[z:end]).result()


main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
