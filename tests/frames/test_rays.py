"""Rays walked one by one against the renderer's runs of pixels: two programs, one picture."""

from __future__ import annotations

import numpy as np
import pytest
import raycases
from onebyone import OneByOne

CASES = raycases.cases()


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    return raycases.volumes(tmp_path_factory.mktemp("volumes"), 170)


@pytest.mark.parametrize("name", CASES)
def test_rays_walked_one_by_one_make_the_same_picture(volumes, name):
    case = CASES[name]
    runs, passes = raycases.draw(volumes, case)
    single, _ = raycases.draw(volumes, case, lambda session: OneByOne())
    assert np.ptp(single[..., 0]) > 0.05, "there is something to see"
    difference = np.abs(runs - single)
    # where a value lies on the edge between two entries or two labels, the last bit decides
    assert (difference > 0.25 / 255).mean() <= 0.001, difference.max() * 255
    assert difference.mean() < 1e-5
    assert passes > (1 if case.few or case.detail > 1 else 0)
