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


def axial_mean(samples, halved, weights, period, background):
    """Mean direction in 0..period and the mean vector's length 0..1; (nan, 0) where no sample has a direction."""
    shape = [-(-n // f) for n, f in zip(samples.shape, halved, strict=True)]
    angle, length = np.full(shape, np.nan), np.zeros(shape)
    for index, values, weight in cells(samples, halved, weights):
        keep = np.ones(len(values), bool) if background is None else values != background
        if keep.any():
            turn = 2 * math.pi / period
            vector = (weight[keep] * np.exp(1j * turn * values[keep].astype(float))).sum() / weight[keep].sum()
            angle[index], length[index] = (np.angle(vector) / turn) % period, abs(vector)
    return angle, length


def apart(a, b, period):
    """Distance of two axial values: at most half a period."""
    return np.abs((np.asarray(a, float) - b + period / 2) % period - period / 2)
