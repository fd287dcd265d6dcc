"""OME-Zarr with ngff-zarr, as its documentation shows for data larger than memory: a lazy dask array, three levels.

SECTIONS OUT ROWS COLUMNS
"""

import sys
from pathlib import Path

import dask
import dask.array
import ngff_zarr
import numpy as np

CHUNK = (16, 256, 256)


@dask.delayed
def section(path: Path, rows: int, columns: int) -> np.ndarray:
    return np.fromfile(path, np.uint8).reshape(rows, columns)


def main(folder: Path, out: Path, rows: int, columns: int) -> None:
    paths = sorted(folder.glob("*.raw"))
    lazy = [dask.array.from_delayed(section(path, rows, columns), (rows, columns), np.uint8) for path in paths]
    image = ngff_zarr.to_ngff_image(
        dask.array.stack(lazy).rechunk(CHUNK), dims=("z", "y", "x"), scale={"z": 2.5, "y": 1.0, "x": 1.0}
    )
    levels = ngff_zarr.to_multiscales(
        image,
        scale_factors=[{"z": 1, "y": factor, "x": factor} for factor in (2, 4, 8)],
        method=ngff_zarr.Methods.ITKWASM_BIN_SHRINK,
        chunks=256,
    )
    ngff_zarr.to_ngff_zarr(str(out), levels)


main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
