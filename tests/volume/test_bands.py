"""Bands of a stack: all of it, in order, and valid for as long as is promised."""

from __future__ import annotations

import numpy as np
import pytest

from stackreel.volume.bands import bands


@pytest.mark.parametrize("banded", [True, False])
@pytest.mark.parametrize("rows", [32, 100])
def test_a_band_is_valid_until_the_next_but_one_is_asked_for(tmp_path, array_source, banded, rows):
    samples = np.random.default_rng(0).integers(0, 256, (11, 100, 30), dtype=np.uint8)
    found = np.zeros_like(samples)
    last = None
    for z0, y0, band in bands(array_source(samples, banded=banded), 4, rows, tmp_path):
        if last is not None:
            z, y, before = last
            found[z : z + before.shape[0], y : y + before.shape[1]] = before
        last = z0, y0, band
    z, y, before = last
    found[z:, y:] = before
    np.testing.assert_array_equal(found, samples)
