"""Levels of a pyramid computed slowly and obviously, one cell at a time."""

from __future__ import annotations

import itertools
import math
from collections import Counter

import numpy as np


def cells(samples, halved, weights=(1.0, 1.0, 1.0)):
    """(index of the coarser sample, values, weights) for every cell; the last samples of an axis weigh less."""
    shape = [-(-n // f) for n, f in zip(samples.shape, halved, strict=True)]
    axes = [np.where(np.arange(n) == n - 1, w, 1.0) for n, w in zip(samples.shape, weights, strict=True)]
    weight = axes[0][:, None, None] * axes[1][None, :, None] * axes[2][None, None, :]
    for index in itertools.product(*map(range, shape)):
        box = tuple(slice(i * f, i * f + f) for i, f in zip(index, halved, strict=True))
        yield index, samples[box].ravel(), weight[box].ravel()


def mean(samples, factors):
    """Mean over cells of such factors of all samples that are numbers, in one go from the full resolution; float64."""
    pads = [(0, -n % f) for n, f in zip(samples.shape, factors, strict=True)]
    blocks = []
    for array in (np.nan_to_num(samples.astype(np.float64)), (~np.isnan(samples.astype(np.float64))).astype(float)):
        padded = np.pad(array, pads)
        split = [part for n, f in zip(padded.shape, factors, strict=True) for part in (n // f, f)]
        blocks.append(padded.reshape(split).sum(axis=(1, 3, 5)))
    with np.errstate(invalid="ignore"):
        return blocks[0] / blocks[1]


def mode(samples, halved):
    """The most frequent value of each cell; of equals, the one that comes first in (z, y, x) order."""
    out = np.empty([-(-n // f) for n, f in zip(samples.shape, halved, strict=True)], samples.dtype)
    for index, values, _ in cells(samples, halved):
        counts = Counter(values.tolist())
        most = max(counts.values())
        out[index] = next(v for v in values.tolist() if counts[v] == most)
    return out


def axial_mean(samples, halved, weights, period, background, lengths=None):
    """Mean direction in 0..period and the mean vector's length 0..1; (nan, 0) where no sample has a direction.

    With `lengths`, directions count by them, and the length is that of the mean over the whole cell, empty parts too.
    """
    shape = [-(-n // f) for n, f in zip(samples.shape, halved, strict=True)]
    angle, length = np.full(shape, np.nan), np.zeros(shape)
    worth = np.ones(samples.shape) if lengths is None else lengths.astype(float)
    both = zip(cells(samples, halved, weights), cells(worth, halved, weights), strict=True)
    for (index, values, weight), (_, own, _) in both:
        keep = np.isfinite(values.astype(float)) & (own > 0)
        if background is not None:
            keep &= values != background
        if keep.any():
            turn = 2 * math.pi / period
            vector = ((weight * own)[keep] * np.exp(1j * turn * values[keep].astype(float))).sum()
            vector /= weight[keep].sum() if lengths is None else weight.sum()
            angle[index], length[index] = (np.angle(vector) / turn) % period, abs(vector)
    return angle, length


def exact_axial_mean(samples, factor, period, background, lengths=None):
    """As axial_mean over whole cells of 1 × factor × factor samples, all at once; lengths against full = 1."""
    worth = np.ones(samples.shape) if lengths is None else lengths / np.iinfo(lengths.dtype).max
    if background is not None:
        worth = np.where(samples == background, 0.0, worth)
    vectors = worth * np.exp(2j * math.pi / period * samples.astype(float))
    z, y, x = samples.shape
    vectors = vectors.reshape(z, y // factor, factor, x // factor, factor).mean(axis=(2, 4))
    return (np.angle(vectors) / (2 * math.pi) * period) % period, np.abs(vectors)


def cell_mean(samples, halved, weights):
    """Weighted mean of the finite samples of each cell, float64; nan where there is none."""
    out = np.full([-(-n // f) for n, f in zip(samples.shape, halved, strict=True)], np.nan)
    for index, values, weight in cells(samples, halved, weights):
        keep = np.isfinite(values.astype(np.float64))
        if keep.any():
            share = weight[keep] / weight[keep].sum()
            out[index] = (share * values[keep].astype(np.float64)).sum()
    return out


def rounded(mean):
    """To integers; halfway ones up where z + y + x of the sample is odd, down where it is even."""
    low = np.floor(mean)
    odd = np.indices(mean.shape).sum(axis=0) % 2
    return low + (mean - low + np.where(odd, 0, -1e-12) >= 0.5)


def largest(samples, halved):
    """The largest finite sample of each cell; nan (or the type's zero) where there is none."""
    out = np.zeros([-(-n // f) for n, f in zip(samples.shape, halved, strict=True)], samples.dtype)
    for index, values, _ in cells(samples, halved):
        numbers = values[np.isfinite(values.astype(np.float64))]
        out[index] = numbers.max() if numbers.size else math.nan
    return out


def apart(a, b, period):
    """Distance of two axial values: at most half a period."""
    return np.abs((np.asarray(a, float) - b + period / 2) % period - period / 2)
