"""One cell of a coarser level by hand, any cell against the oracle, and what six levels make of it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stackreel.errors import VolumeError
from stackreel.slices.checks import TYPES
from stackreel.volume.reduction import LENGTHS, Reduction

from . import oracle

WHOLE = (1.0, 1.0, 1.0)


def coarser(src, halved, dtype=None):
    return np.zeros([-(-n // f) for n, f in zip(src.shape, halved, strict=True)], dtype or src.dtype)


def reduced(values, dtype="uint8", halved=(1, 2, 2), weights=WHOLE, **kind):
    src = np.array(values, dtype)
    out = coarser(src, halved)
    Reduction(**({"kind": "intensity"} | kind)).into(src, out, halved, weights)
    return out


def axially(values, lengths=None, *, dtype="uint8", halved=(1, 2, 2), weights=WHOLE, kept="uint8", **kind):
    """(angles, lengths) of the next level."""
    src = np.array(values, dtype)
    out, out_lengths = coarser(src, halved), coarser(src, halved, kept)
    Reduction("axial", **kind).into(src, out, halved, weights, lengths, out_lengths)
    return out, out_lengths


def test_a_mean_is_rounded_and_its_ties_go_up_and_down_in_turn():
    assert reduced([[[0, 0], [0, 3]]]).item() == 1  # 0.75
    tie = np.tile(np.array([[1, 2], [3, 4]]), (3, 3, 4))  # 2.5 everywhere
    for dtype, lower in (("uint8", 2), ("int16", -98), ("uint32", 2**32 - 5)):
        found = reduced(tie.astype("int64") + lower - 2, dtype)
        up = np.indices(found.shape).sum(axis=0) % 2
        np.testing.assert_array_equal(found.astype("int64"), lower + up)
    for halved in ((2, 2, 2), (1, 1, 2), (2, 1, 1), (1, 2, 1)):
        src = np.indices((4, 8, 8)).sum(axis=0) % 2  # neighbours differ by one
        assert reduced(src, halved=halved).mean() == 0.5


def test_the_largest_values_do_not_overflow():
    for dtype in ("uint8", "int8", "uint16", "int16", "uint32", "int32"):
        info = np.iinfo(dtype)
        for value in (info.min, info.max):
            for how in ("mean", "max"):
                assert reduced(np.full((2, 2, 2), value), dtype, (2, 2, 2), how=how).item() == value
    for dtype in ("float32", "float64"):
        for value in (np.finfo(dtype).max, np.finfo(dtype).min):
            for n in (2, 3):
                assert (reduced(np.full((n, 2, 2), value), dtype, (2, 2, 2)) == value).all()


def test_a_border_sample_counts_for_the_part_of_a_cell_that_it_is():
    # the last column stands for half a cell of two: (4 + 10/2) / 1.5
    assert reduced([[[4, 10]]], "float32", (1, 1, 2), (1, 1, 0.5)).item() == pytest.approx(6.0)
    assert reduced([[[4, 10]]], "uint8", (1, 1, 2), (1, 1, 0.5)).item() == 6


def test_a_lone_border_sample_is_taken_as_it_is():
    np.testing.assert_array_equal(reduced([[[4, 8, 10]]], halved=(1, 1, 2)), [[[6, 10]]])
    np.testing.assert_array_equal(reduced([[[4, 8, 10]]], halved=(1, 1, 2), weights=(0.3, 0.7, 0.1)), [[[6, 10]]])


def test_numbers_beside_holes_are_kept():
    nan, inf = math.nan, math.inf
    for how in ("mean", "max"):
        assert math.isnan(reduced([[[nan, nan], [nan, inf]]], "float32", how=how).item())
    assert reduced([[[nan, 2], [4, nan]]], "float32").item() == 3.0
    assert reduced([[[inf, 2], [4, -inf]]], "float32").item() == 3.0
    assert reduced([[[inf, -2], [-4, nan]]], "float32", how="max").item() == -2.0


def levels(samples, reduction, count=6):
    """The samples of the coarsest of so many levels, halved in plane."""
    for _ in range(count):
        out = coarser(samples, (1, 2, 2))
        reduction.into(samples, out, (1, 2, 2), WHOLE)
        samples = out
    return samples


@pytest.mark.parametrize("top", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32"])
def test_faint_noise_keeps_its_mean_over_six_levels(top, dtype):
    """Ties to even put noise of 0..3 half a grey value too high, and noise of 0..1 half of one too low."""
    samples = np.random.default_rng(top).integers(0, top, (4, 1024, 1024), endpoint=True).astype(dtype)
    assert abs(levels(samples, Reduction("intensity")).mean() - samples.mean()) <= 0.05


def test_faint_noise_keeps_its_mean_where_all_axes_are_halved():
    samples = np.random.default_rng(0).integers(0, 4, (64, 256, 256)).astype(np.uint8)
    exact, found = samples.mean(), samples
    for _ in range(6):
        out = coarser(found, (2, 2, 2))
        Reduction("intensity").into(found, out, (2, 2, 2), WHOLE)
        found = out
        assert abs(found.mean() - exact) <= (0.05 if found.size >= 512 else 0.3)


def test_a_bright_thread_stays_as_bright_in_a_maximum_and_fades_in_a_mean():
    samples = np.zeros((1, 256, 256), np.uint8)
    samples[0, 77, :] = 240
    assert levels(samples, Reduction("intensity", how="max")).max(axis=1).tolist() == [[240] * 4]
    assert levels(samples, Reduction("intensity")).max() <= 5


def samples_of(draw, dtype, shape):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    if np.dtype(dtype).kind == "f":
        samples = rng.normal(scale=draw(st.sampled_from([1.0, 1e-30, 1e30])), size=shape).astype(dtype)
        for value in (math.nan, math.inf, -math.inf):
            samples[rng.random(shape) < draw(st.sampled_from([0.0, 0.2, 0.9]))] = value
        return samples
    info = np.iinfo(dtype)
    few = draw(st.booleans())
    return rng.integers(0 if few else info.min, 5 if few else info.max, shape, dtype, endpoint=True)


@st.composite
def blocks(draw, types=TYPES):
    """(samples, halved, weights): any small block of a level, 1-thick axes and partial cells among them."""
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 9), st.integers(1, 35)))
    halved = draw(st.tuples(*[st.sampled_from([1, 2])] * 3).filter(lambda f: max(f) == 2))
    weights = draw(st.tuples(*[st.sampled_from([1.0, 1.0, 0.5, 0.25, 2 / 3])] * 3))
    return samples_of(draw, draw(st.sampled_from(types)), shape), halved, weights


@settings(max_examples=200, deadline=None)
@given(blocks())
def test_any_block_becomes_the_mean_that_the_oracle_says(block):
    samples, halved, weights = block
    found, mean = reduced(samples, samples.dtype, halved, weights), oracle.cell_mean(samples, halved, weights)
    if samples.dtype.kind == "f":
        np.testing.assert_array_equal(np.isnan(found), np.isnan(mean))
        near = np.nanmax(np.abs(np.where(np.isfinite(samples), samples, 0)).astype(np.float64))
        off = np.abs(found.astype(np.float64) - mean)
        assert not (off > np.finfo(samples.dtype).eps * near).any()
    elif weights == WHOLE:
        np.testing.assert_array_equal(found, oracle.rounded(mean))
    else:
        assert np.abs(found - mean).max() <= 0.5 + 1e-6


@settings(max_examples=100, deadline=None)
@given(blocks())
def test_any_block_becomes_the_maximum_that_the_oracle_says(block):
    samples, halved, weights = block
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal(
            reduced(samples, samples.dtype, halved, weights, how="max"), oracle.largest(samples, halved)
        )


@settings(max_examples=60, deadline=None)
@given(blocks([t for t in TYPES if "int" in t]))
def test_any_block_becomes_the_mode_that_the_oracle_says(block):
    samples, halved, weights = block
    found = reduced(samples, samples.dtype, halved, weights, kind="label")
    np.testing.assert_array_equal(found, oracle.mode(samples, halved))


@settings(max_examples=200, deadline=None)
@given(st.data(), blocks(), st.sampled_from([LENGTHS, np.dtype("uint8"), None]))
def test_any_block_of_directions_becomes_what_the_oracle_says(data, block, kept):
    samples, halved, weights = block
    whole = samples.dtype.kind != "f"
    period = data.draw(st.sampled_from([256, 180, 60] if whole else [180.0, math.pi]))
    background = data.draw(st.sampled_from([None, 0, 3, 59, 127] if whole else [None, 0.0, -1.0]))
    rng = np.random.default_rng(0)
    signed = data.draw(st.booleans()) and samples.dtype.kind != "u"
    angles = rng.uniform(-period / 2 if signed else 0, period / 2 if signed or whole else period, samples.shape)
    angles = np.floor(angles) if whole else np.where(np.isfinite(samples), angles, samples)
    samples = angles.astype(samples.dtype)
    if background is not None:
        samples[rng.random(samples.shape) < 0.4] = background
    lengths = None
    if kept is not None and data.draw(st.booleans()):
        lengths = rng.integers(0, np.iinfo(kept).max, samples.shape, kept, endpoint=True)
        lengths[rng.random(samples.shape) < 0.2] = 0
    most = 1 if kept is None else np.iinfo(kept).max
    out, out_lengths = coarser(samples, halved), None if kept is None else coarser(samples, halved, kept)
    Reduction("axial", period, background).into(samples, out, halved, weights, lengths, out_lengths)

    worth = np.ones(samples.shape) if lengths is None else lengths / most
    angle, length = oracle.axial_mean(samples, halved, weights, period, background, worth)
    none = np.isnan(angle)
    if background is not None:
        np.testing.assert_array_equal(out == samples.dtype.type(background), none)
    if kept is not None:
        assert (out_lengths[none] == 0).all()
        assert (out_lengths[~none] >= 1).all()
        off = np.abs(out_lengths / most - length)
        assert off.max(initial=0) <= 1 / most
    sure = ~none & (length > 1e-3)
    moved = 1.5 if background is not None else 0.5  # a mean that is the background's value goes beside it
    limit = moved if whole else 3e-6 * period
    assert oracle.apart(out[sure], angle[sure], period).max(initial=0) <= limit + 1e-6
    least, top = (-period / 2, period / 2) if signed else (0, period)
    values = out[sure & np.isfinite(out.astype(float))].astype(float)
    assert values.min(initial=0) >= least
    assert values.max(initial=0) <= top


@pytest.mark.parametrize(
    ("values", "period", "mean"),
    [
        ([179, 1, 179, 1], 180, 0),
        ([170, 170, 10, 10], 180, 0),
        ([80, 90, 90, 100], 180, 90),
        ([250, 6, 250, 6], 256, 0),
        ([10, 10, 10, 30], 180, 15),
    ],
)
def test_angles_meet_across_the_place_where_they_begin_anew(values, period, mean):
    for dtype in ("uint8", "uint16", "int32", "float32"):
        found = reduced([[values[:2], values[2:]]], dtype, kind="axial", period=period).item()
        assert oracle.apart(found, mean, period) <= 0.5
        assert 0 <= found < period


def test_samples_without_a_direction_have_no_say():
    axial = {"kind": "axial", "period": 256, "background": 0}
    assert reduced([[[0, 0], [0, 77]]], **axial).item() == 77
    assert reduced([[[0, 0], [0, 0]]], **axial).item() == 0
    nan, inf = math.nan, math.inf
    degrees = {"dtype": "float32", "kind": "axial", "period": 180}
    assert reduced([[[nan, inf], [77, -inf]]], **degrees).item() == pytest.approx(77)
    assert math.isnan(reduced([[[nan, inf], [nan, -inf]]], **degrees).item())
    assert reduced([[[nan, inf], [nan, -1]]], **degrees, background=-1).item() == -1


def test_a_mean_never_turns_into_the_value_of_no_direction():
    assert reduced([[[255, 1], [255, 1]]], kind="axial", period=256, background=0).item() == 1
    assert reduced([[[254, 0], [254, 0]]], kind="axial", period=256, background=255).item() in (254, 0)
    assert reduced([[[126, -128], [126, -128]]], "int8", kind="axial", period=256, background=127).item() in (126, -128)
    found = reduced([[[179, 1], [179, 1]]], "float32", kind="axial", period=180, background=0).item()
    assert found != 0
    assert oracle.apart(found, 0, 180) < 0.001


def test_directions_that_cancel_leave_one_of_them():
    assert reduced([[[0, 90], [0, 90]]], kind="axial", period=180).item() == 0
    found, length = axially([[[200, 90], [0, 0]]], period=180, background=200, halved=(1, 1, 2))
    assert found[0, 0].tolist() == [90]
    found, length = axially([[[200, 10], [100, 200]]], period=180, background=200)
    assert (found.item(), length.item()) == (10, 1)


def test_signed_angles_come_out_signed():
    axial = {"dtype": "int8", "kind": "axial", "period": 180}
    assert reduced([[[-45, -45], [-45, -45]]], **axial).item() == -45
    assert reduced([[[89, -89], [89, -89]]], **axial).item() == -90
    assert reduced([[[80, 90], [80, 90]]], **axial).item() == 85


def test_a_mean_stays_within_what_the_type_can_hold():
    """0 and 126 of 180 lie nearest to each other across 153, which int8 has not; -27 is the same direction."""
    assert reduced([[[0, 126], [0, 126]]], "int8", kind="axial", period=180).item() == -27


def test_lengths_tell_what_a_mean_is_worth():
    axial = {"period": 180, "background": 255}
    assert axially([[[40, 40], [40, 40]]], **axial)[1].item() == 255
    assert axially([[[40, 255], [40, 255]]], **axial)[1].item() in (127, 128)  # half of it is empty
    assert axially([[[255, 255], [255, 255]]], **axial)[1].item() == 0
    assert axially([[[40, 40], [130, 130]]], **axial)[1].item() == 1  # across each other
    assert axially([[[40, 40], [40, 40]]], kept="uint16", **axial)[1].item() == 65535
    assert axially([[[40, 40], [100, 100]]], **axial)[1].item() in (127, 128)  # 60° apart: cos 60°


def test_a_sample_counts_by_its_length():
    lengths = np.array([[[200, 0], [0, 1]]], np.uint8)
    found, length = axially([[[20, 90], [90, 110]]], lengths, period=180)
    assert (found.item(), length.item()) == (20, 50)  # 110 lies across 20: 199 of 4 × 255
    found, length = axially([[[20, 90], [90, 110]]], lengths * 0, period=180, background=0)
    assert (found.item(), length.item()) == (0, 0)
    found, length = axially([[[20, 90], [90, 110]]], lengths * 0, period=180)
    assert (found.item(), length.item()) == (20, 0)


def test_lengths_are_for_directions_alone_and_as_many_as_samples():
    src = np.zeros((1, 2, 2), np.uint8)
    assert Reduction("axial", 180).companion
    assert not Reduction("label").companion
    assert not Reduction("intensity").companion
    with pytest.raises(ValueError, match="lengths belong to axial data"):
        Reduction("intensity").into(src, coarser(src, (1, 2, 2)), (1, 2, 2), WHOLE, src)
    for lengths in (src.astype(float), src[:, :1]):
        with pytest.raises(ValueError, match="beside samples of shape"):
            Reduction("axial", 180).into(src, coarser(src, (1, 2, 2)), (1, 2, 2), WHOLE, lengths)


def crossing_bundles(period, dtype, background):
    """Two bundles that cross everywhere, with noise; and what part of a section is bare of them, in ragged shapes."""
    rng = np.random.default_rng(11)
    y, x = np.indices((1024, 1024)) / 1024
    along = 90 * np.sin(2.1 * x + 1.3 * y) + 60 * np.cos(3 * y - x)
    which = np.sin(2 * np.pi * (31 * x + 9 * y)) + np.sin(2 * np.pi * (23 * y - 5 * x)) + rng.normal(0, 0.6, x.shape)
    degrees = np.where(which > 0.4, along + 10, along + 75) + rng.normal(0, 12, x.shape)
    codes = degrees / 180 * period
    codes = (codes if np.dtype(dtype).kind == "f" else np.rint(codes)) % period
    samples = codes.astype(dtype)[None]
    if background is not None:
        samples[samples == background] += 1
        bare = np.sin(9 * x) * np.cos(7 * y) + 0.25 * np.sin(60 * x) * np.sin(80 * y) < -0.2
        samples[0, bare] = background
    return samples


def coarsest(samples, reduction, kept, lengths=None):
    for _ in range(6):
        out, out_lengths = coarser(samples, (1, 2, 2)), None if kept is None else coarser(samples, (1, 2, 2), kept)
        reduction.into(samples, out, (1, 2, 2), WHOLE, lengths, out_lengths)
        samples, lengths = out, out_lengths
    return samples, lengths


def degrees_off(samples, period, background, kept, lengths=None):
    """Degrees that cells of 64 × 64 samples are off the exact mean, those that have a direction."""
    exact, length = oracle.exact_axial_mean(samples, 64, period, background, lengths)
    found, _ = coarsest(samples, Reduction("axial", period, background), kept, lengths)
    there = length > 1e-9
    if background is not None:
        np.testing.assert_array_equal(found == background, length == 0)
    return oracle.apart(found, exact, period)[there] / period * 180


@pytest.mark.parametrize("background", [None, 0])
@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize(
    ("dtype", "period", "kept", "limit"),
    [
        ("uint8", 256, "uint8", 0.3),
        ("uint8", 256, "uint16", 0.25),
        ("uint16", 1800, "uint8", 0.3),
        ("uint16", 1800, "uint16", 0.05),
        ("float32", 180, "uint8", 0.3),
        ("float32", 180, "uint16", 0.01),
    ],
)
def test_coarse_directions_are_the_mean_of_all_that_they_stand_for(dtype, period, kept, limit, weighed, background):
    samples, lengths, most = crossing_bundles(period, dtype, background), None, np.iinfo(kept).max
    if weighed:
        lengths = np.clip(np.random.default_rng(3).gamma(2, most / 4, samples.shape), 0, most).astype(kept)
    assert degrees_off(samples, period, background, kept, lengths).mean() <= limit


def test_without_lengths_coarse_directions_drift():
    assert degrees_off(crossing_bundles(256, "uint8", None), 256, None, None).mean() > 3


@settings(deadline=None)
@given(st.lists(st.integers(0, 4), min_size=8, max_size=8))
def test_labels_vote(values):
    src = np.array(values).reshape(2, 2, 2)
    assert reduced(src, halved=(2, 2, 2), kind="label").item() == oracle.mode(src, (2, 2, 2)).item()


@settings(max_examples=30, deadline=None)
@given(st.tuples(*[st.integers(1, 4)] * 3), st.sampled_from(["mean", "max"]), st.integers(0, 99))
def test_levels_do_not_depend_on_how_they_are_cut(size, how, seed):
    """Blocks that begin at even places of the coarser level, as chunks do, give the same samples as one."""
    assume(max(size) > 1)
    src = np.random.default_rng(seed).integers(0, 4, [4 * n for n in size]).astype(np.uint8)
    at_once, piecewise = coarser(src, (2, 2, 2)), coarser(src, (2, 2, 2))
    reduction = Reduction("intensity", how=how)
    reduction.into(src, at_once, (2, 2, 2), WHOLE)
    for place in np.ndindex(*size):
        low = tuple(slice(4 * i, 4 * i + 4) for i in place)
        high = tuple(slice(2 * i, 2 * i + 2) for i in place)
        reduction.into(src[low], piecewise[high], (2, 2, 2), WHOLE)
    np.testing.assert_array_equal(at_once, piecewise)


def test_arrays_may_lie_in_memory_as_they_like():
    src = np.random.default_rng(2).integers(0, 180, (6, 10, 40)).astype(np.uint8)
    expected = reduced(src, halved=(2, 2, 2))
    flipped = src[:, ::-1, ::-1].copy()[:, ::-1, ::-1]
    for turned in (src, np.asfortranarray(src), src.repeat(2, axis=2)[..., ::2], flipped):
        for room in (np.zeros(expected.shape, np.uint8), np.zeros((20, 5, 3), np.uint8).T):
            Reduction("intensity").into(turned, room, (2, 2, 2), WHOLE)
            np.testing.assert_array_equal(room, expected)


def test_what_is_not_said_follows_from_the_kind():
    assert Reduction("intensity").how == "mean"
    assert Reduction("axial", 180).how == "mean"
    assert Reduction("label").how == "mode"
    assert Reduction("intensity", how="mean") == Reduction("intensity")


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({"kind": "colour"}, "none of intensity, axial, label"),
        ({"kind": "axial"}, "axial data need --period"),
        ({"kind": "axial", "period": -1.0}, "axial data need --period"),
        ({"kind": "axial", "period": math.inf}, "axial data need --period"),
        ({"kind": "label", "period": 3.0}, "--period belongs to axial data; this is label data"),
        ({"kind": "intensity", "background": 0.0}, "--background belongs to axial data; this is intensity data"),
        (
            {"kind": "intensity", "how": "mode"},
            'reduced by "mean" or "max", not by "mode"; for labels say --kind label',
        ),
        ({"kind": "intensity", "how": "median"}, 'not by "median"'),
        ({"kind": "label", "how": "mean"}, "the most frequent of them, not their mean"),
        ({"kind": "label", "how": "max"}, "the most frequent of them, not their max"),
        ({"kind": "axial", "period": 180, "how": "max"}, '"max" of angles means nothing'),
    ],
)
def test_what_makes_no_sense_is_refused(said, complaint):
    with pytest.raises(VolumeError, match=complaint):
        Reduction(**said)


@pytest.mark.parametrize(("dtype", "period"), [("uint8", 360), ("int8", 1), ("int16", 70000)])
def test_a_period_that_the_samples_cannot_have_is_refused(dtype, period):
    with pytest.raises(VolumeError, match=rf"--period {period:g}: {dtype} samples have"):
        Reduction("axial", period).check(np.dtype(dtype))
