"""Plans of pyramids: numbers that follow from shape and spacing alone."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackreel.geometry import Placement, Spacing
from stackreel.volume.pyramid import CHUNK, LONGEST, SLAB, plan_levels

sizes = st.integers(1, 40_000)
steps = st.floats(1e-3, 1e3)


def test_the_origins_brain_gets_five_flat_reductions_then_cubes():
    plans = plan_levels((234, 28721, 31076), Spacing(40, 1, 1), 1)
    assert [p.factors for p in plans] == [
        (1, 1, 1),
        (1, 2, 2),
        (1, 4, 4),
        (1, 8, 8),
        (1, 16, 16),
        (1, 32, 32),
        (2, 64, 64),
        (4, 128, 128),
        (8, 256, 256),
        (16, 512, 512),
    ]
    assert [p.shape for p in plans[:3]] == [(234, 28721, 31076), (234, 14361, 15538), (234, 7181, 7769)]
    assert plans[-1].shape == (15, 57, 61)
    gigabytes = [math.prod(p.shape) / 1e9 for p in plans]
    assert gigabytes[:6] == pytest.approx([208.9, 52.2, 13.05, 3.26, 0.816, 0.204], rel=5e-3)
    chunks = [-(-a // b) for a, b in zip(plans[0].shape, plans[0].chunk, strict=True)]
    assert chunks == [8, 225, 243]
    assert plans[0].chunk == (32, 128, 128)


def test_sections_of_50_nm_with_pixels_of_4_nm():
    plans = plan_levels((30, 512, 512), Spacing(50, 4, 4), 1)
    assert [p.factors for p in plans] == [(1, 1, 1), (1, 2, 2), (1, 4, 4), (1, 8, 8)]


def test_an_isotropic_cube_is_halved_along_all_axes():
    plans = plan_levels((300, 300, 300), Spacing(1, 1, 1), 2)
    assert [p.factors for p in plans] == [(1, 1, 1), (2, 2, 2), (4, 4, 4), (8, 8, 8)]


def test_thin_sections_are_halved_along_z_first():
    plans = plan_levels((256, 128, 128), Spacing(1, 4, 4), 1)
    assert [p.factors for p in plans] == [(1, 1, 1), (2, 1, 1), (4, 1, 1), (8, 2, 2)]


def test_a_volume_of_at_most_64_samples_has_one_level():
    assert len(plan_levels((64, 64, 64), Spacing(1, 1, 1), 1)) == 1
    assert len(plan_levels((64, 64, 65), Spacing(1, 1, 1), 1)) == 2


def test_a_single_section_is_never_halved_along_z():
    plans = plan_levels((1, 1000, 1000), Spacing(40, 1, 1), 1)
    assert {p.factors[0] for p in plans} == {1}
    assert max(plans[-1].shape) <= LONGEST


@settings(deadline=None)
@given(st.tuples(sizes, sizes, sizes), st.tuples(steps, steps, steps), st.sampled_from([1, 2, 4, 8]))
def test_every_plan_keeps_its_promises(shape, spacing, itemsize):
    spacing = Spacing(*spacing)
    plans = plan_levels(shape, spacing, itemsize)
    assert plans[0].shape == shape
    assert max(plans[-1].shape) <= LONGEST
    assert all(max(p.shape) > LONGEST for p in plans[:-1])
    for below, plan in pairwise(plans):
        assert set(plan.halved) <= {1, 2}
        assert plan.halved != (1, 1, 1)
        assert plan.factors == tuple(a * b for a, b in zip(below.factors, plan.halved, strict=True))
    for plan in plans:
        assert plan.shape == Placement.of(shape, spacing).reduced(plan.factors).shape
        assert all(c <= n for c, n in zip(plan.chunk, plan.shape, strict=True))
        assert all(c <= limit for c, limit in zip(plan.chunk, CHUNK, strict=True))
        if plan.streamed and plan.chunk[0] < plan.shape[0]:
            assert plan.chunk[0] * plan.factors[0] == SLAB
        # bricks never cross a chunk, or one thread would overwrite what another found
        for chunk, brick, size in zip(plan.chunk, plan.brick, plan.shape, strict=True):
            assert chunk % brick == 0 or chunk == size
        assert all(0.0 < w <= 1.0 for w in plan.tail_weights(shape))


@settings(deadline=None)
@given(st.tuples(sizes, sizes, sizes), st.tuples(steps, steps, steps))
def test_reduction_never_makes_voxels_less_like_cubes(shape, spacing):
    spacing = Spacing(*spacing)

    def stretch(plan):
        sides = [s for s, n in zip(spacing.scaled(plan.factors).zyx, shape, strict=True) if n > 1]
        return max(sides) / min(sides) if sides else 1.0

    # an axis that is down to one sample cannot be halved any more; before that nothing gets worse than 2 : 1,
    # which is √2 to either side of an axis in between
    alive = [stretch(p) for p in plan_levels(shape, spacing, 1) if _halvable(p, shape)]
    assert all(b <= max(a, 2.0) * (1 + 1e-9) for a, b in pairwise(alive))


def _halvable(plan, shape):
    return all(m > 1 for m, n in zip(plan.shape, shape, strict=True) if n > 1)


@settings(deadline=None)
@given(st.integers(1, 500), st.sampled_from([1, 2, 4, 8, 16]))
def test_tail_weight_is_the_share_of_the_last_cell_that_exists(size, factor):
    shape = (size, 1, 1)
    covered = np.bincount(np.arange(size) // factor)[-1] / factor
    for plan in plan_levels(shape, Spacing(1, 1, 1), 1):
        if plan.factors[0] == factor:
            assert plan.tail_weights(shape)[0] == pytest.approx(covered)
