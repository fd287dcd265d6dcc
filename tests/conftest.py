"""What many tests need: volumes made of arrays, and real data where they lie beside the checkout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stackreel.geometry import Spacing

REAL_DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"


class ArraySource:
    """A stack of sections that already is an array (z, y, x)."""

    spacing = None
    files = ()
    notes = ()

    def __init__(self, array, banded=True):
        self.array, self.banded = array, banded
        self.shape, self.dtype = array.shape, array.dtype

    def read(self, z, rows, out=None):
        if out is None:
            return self.array[z, rows].copy()
        out[...] = self.array[z, rows]
        return out

    def close(self):
        pass


@pytest.fixture
def array_source():
    return ArraySource


@pytest.fixture
def make_volume(tmp_path):
    """make_volume(array, spacing=…, kind=…, period=…, name=…) → Volume in a real file."""
    from stackreel.volume.build import build
    from stackreel.volume.recipe import Recipe
    from stackreel.volume.reduction import Reduction

    count = iter(range(1000))

    def make(array, spacing=None, *, kind="intensity", period=None, background=None, name="test", ending=".h5"):
        folder = tmp_path / f"volume{next(count)}"
        folder.mkdir()
        recipe = Recipe(name, spacing or Spacing(1, 1, 1), Reduction(kind, period, background))
        return build(ArraySource(np.ascontiguousarray(array)), folder / f"{name}{ending}", recipe)

    return make


@pytest.fixture
def noisy_brain(make_volume, tmp_path, monkeypatch):
    """noisy_brain(movie) → a small volume of noise, brain.h5 in the test's working folder, beside flight.yaml."""

    def make(movie):
        rng = np.random.default_rng(5)
        volume = make_volume(rng.integers(30, 255, (48, 200, 200), dtype=np.uint8), name="brain")
        (tmp_path / "brain.h5").symlink_to(volume.path)
        (tmp_path / "flight.yaml").write_text(movie)
        monkeypatch.chdir(tmp_path)
        return volume

    return make


@pytest.fixture
def real_data():
    """The folder of real data beside the checkout; the test is skipped where there is none."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real data at {REAL_DATA}")
    return REAL_DATA
