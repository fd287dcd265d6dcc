"""Volumes as scanners store them: every sample tells its anatomical place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest

Order = tuple[int, ...]


class Head:
    """A volume indexed (right, anterior, superior), and the ways to store it.

    order : which anatomical axis each stored one runs along; signs: and in which sense
    """

    steps = (0.5, 2.0, 3.0)

    def __init__(self, ras: np.ndarray) -> None:
        self.ras = ras

    @property
    def zyx(self) -> np.ndarray:
        """As a volume of stackreel's has it."""
        return self.ras.transpose(2, 1, 0)

    def stored(self, order: Order, signs: Order) -> np.ndarray:
        return self.ras.transpose(order)[tuple(slice(None, None, sign) for sign in signs)]

    def affine(self, order: Order, signs: Order) -> np.ndarray:
        """From stored indices to millimetres (right, anterior, superior); sample (0, 0, 0) of ras at (-7, 3, 11)."""
        matrix = np.zeros((4, 4))
        matrix[:3, 3] = (-7, 3, 11)
        matrix[3, 3] = 1
        for column, (axis, sign) in enumerate(zip(order, signs, strict=True)):
            matrix[axis, column] = sign * self.steps[axis]
            if sign < 0:
                matrix[axis, 3] += (self.ras.shape[axis] - 1) * self.steps[axis]
        return matrix


@pytest.fixture
def head() -> Head:
    return Head(np.random.default_rng(3).integers(0, 30_000, (5, 6, 37)).astype(np.int16))


@pytest.fixture
def write_nifti(tmp_path: Path) -> Callable[..., Path]:
    def write(
        array: np.ndarray,
        affine: np.ndarray | None = None,
        *,
        name: str = "brain.nii",
        slope: tuple[float, float] = (1, 0),
        unit: str = "mm",
        **header: Any,
    ) -> Path:
        """A file whose stored numbers are exactly those of the array; header fields as given."""
        import gzip

        endian = ">" if array.dtype.byteorder == ">" else "<"
        head = nibabel.Nifti1Header(endianness=endian)
        head.set_data_dtype(array.dtype.newbyteorder("="))
        head.set_data_shape(array.shape)
        matrix = np.eye(4) if affine is None else affine
        head.set_zooms([*np.linalg.norm(matrix[:3, :3], axis=0), *[1.0] * array.ndim][: array.ndim])
        head.set_sform(matrix, 1)
        head.set_xyzt_units(unit)
        head["scl_slope"], head["scl_inter"] = slope
        head["magic"], head["vox_offset"] = b"n+1", 352
        for key, value in header.items():
            head[key] = value
        data = head.binaryblock + bytes(4) + array.tobytes(order="F")
        path = tmp_path / name
        path.write_bytes(gzip.compress(data, 1) if name.endswith("gz") else data)
        return path

    return write
