"""Histograms of what went by, against numpy's of the whole."""

from __future__ import annotations

import numpy as np
import pytest

from stackreel.volume import Histogram


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16"])
def test_small_integers_are_counted_one_by_one(make_volume, dtype):
    info = np.iinfo(dtype)
    samples = np.random.default_rng(0).integers(max(info.min, -900), min(info.max, 900), (35, 140, 150)).astype(dtype)
    samples[:, 128:] = 0  # whole chunks that are never stored
    histogram = make_volume(samples).histogram
    values = np.arange(int(samples.min()), int(samples.max()) + 1)
    np.testing.assert_array_equal(histogram.edges, np.append(values, values[-1] + 1) - 0.5)
    np.testing.assert_array_equal(histogram.counts, [(samples == v).sum() for v in values])


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint32"])
def test_wide_types_are_counted_within_a_hundredth(make_volume, dtype):
    rng = np.random.default_rng(1)
    samples = (rng.gamma(4.0, 500.0, (20, 100, 100)) - (0 if dtype == "uint32" else 900)).astype(dtype)
    volume = make_volume(samples)
    histogram = volume.histogram
    assert volume.value_range == (samples.min(), samples.max())
    assert histogram.counts.sum() == samples.size
    assert len(histogram.counts) == 1024
    assert (histogram.edges[0], histogram.edges[-1]) == (samples.min(), samples.max())
    for percent in (1, 10, 50, 90, 99):
        exact = np.percentile(samples, percent)
        width = histogram.edges[1] - histogram.edges[0]
        assert histogram.percentile(percent) == pytest.approx(exact, rel=0.01, abs=width)


def test_what_is_not_a_number_is_not_counted(make_volume):
    samples = np.random.default_rng(2).normal(size=(5, 40, 50)).astype(np.float32)
    samples[0, :10] = np.nan
    samples[1, 0, :3] = [np.inf, -np.inf, np.nan]
    volume = make_volume(samples)
    finite = samples[np.isfinite(samples)]
    assert volume.histogram.counts.sum() == finite.size
    assert volume.value_range == (finite.min(), finite.max())


@pytest.mark.parametrize("value", [0.0, -2.5, 7.0, -(2.0**100), np.nan])
def test_a_constant_has_a_histogram_of_one_bin(make_volume, value):
    volume = make_volume(np.full((4, 30, 30), value, np.float32))
    some = not np.isnan(value)
    assert volume.value_range == ((value, value) if some else (0.0, 0.0))
    assert volume.histogram.counts.sum() == (3600 if some else 0)
    assert (volume.histogram.edges[1:] > volume.histogram.edges[:-1]).all()


def test_percentiles_above_a_background():
    histogram = Histogram(np.array([-0.5, 0.5, 1.5, 2.5, 3.5]), np.array([96, 2, 1, 1]))
    assert histogram.percentile(50) < 0.5
    assert histogram.percentile(50, above=0) == pytest.approx(1.5)
    assert histogram.percentile(100) == 3.5
    assert histogram.percentile(50, above=99) == 3.5


def test_ranges_too_narrow_or_too_wide_for_bins_do_not_stop_a_conversion(make_volume):
    for low, high in ((1.0, 1.0 + 1e-15), (1e30, 1e30 * (1 + 1e-12)), (-1.7e308, 1.7e308)):
        samples = np.full((3, 20, 20), low)
        samples[1] = high
        volume = make_volume(samples)
        assert volume.value_range == (low, high)
        assert (volume.histogram.edges[1:] > volume.histogram.edges[:-1]).all()
