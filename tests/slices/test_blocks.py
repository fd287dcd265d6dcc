"""Chunks deeper than a section: each is decoded once, and few are kept."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from stackreel.slices.blocks import Blocks


class Store:
    """An array in chunks that counts which of them were decoded."""

    def __init__(self, shape: tuple[int, int, int], chunk: tuple[int, int, int]) -> None:
        self.array = np.random.default_rng(3).integers(0, 65536, shape).astype(np.uint16)
        self.chunk = chunk
        self.decoded: Counter[tuple[int, int]] = Counter()
        self.largest = 0

    def load(self, z: slice, rows: slice) -> np.ndarray:
        part = self.array[z, rows]
        self.largest = max(self.largest, part.nbytes)
        for i in range(z.start // self.chunk[0], -(-z.stop // self.chunk[0])):
            for j in range(rows.start // self.chunk[1], -(-rows.stop // self.chunk[1])):
                self.decoded[i, j] += 1
        return part


def convert(store: Store, rows: int, budget: int = 1 << 30) -> Blocks:
    """Read a stack as a conversion does: slabs of 32 sections, bands of rows, two readers."""
    blocks = Blocks(store.array.shape, store.chunk, 2, store.load, budget)
    count, height, width = store.array.shape
    step = rows if blocks.banded else height
    with ThreadPoolExecutor(2) as pool:
        for z0 in range(0, count, 32):
            for y in range(0, height, step):

                def read(z: int, y: int = y) -> None:
                    out = np.empty((min(step, height - y), width), np.uint16)
                    blocks.read(z, y, y + len(out), out)
                    np.testing.assert_array_equal(out, store.array[z, y : y + step])

                list(pool.map(read, range(z0, min(z0 + 32, count))))
    return blocks


@pytest.mark.parametrize(
    ("shape", "chunk"),
    [
        ((70, 300, 11), (64, 64, 4)),
        ((70, 300, 11), (16, 100, 11)),
        ((64, 300, 11), (1, 128, 4)),
        ((64, 300, 11), (1, 300, 11)),
        ((40, 260, 11), (32, 512, 4)),
        ((1, 260, 11), (1, 64, 64)),
    ],
)
def test_a_conversion_decodes_each_chunk_once(shape: tuple[int, int, int], chunk: tuple[int, int, int]) -> None:
    store = Store(shape, chunk)
    blocks = convert(store, 128)
    assert blocks.again == 1
    assert set(store.decoded.values()) == {1}
    assert len(store.decoded) == -(-shape[0] // chunk[0]) * -(-shape[1] // chunk[1])


def test_chunks_of_whole_sections_are_read_as_whole_sections() -> None:
    store = Store((40, 600, 11), (1, 600, 11))
    blocks = convert(store, 128, budget=100_000)
    assert not blocks.banded
    assert set(store.decoded.values()) == {1}


def test_chunks_too_large_to_keep_are_decoded_as_often_as_announced() -> None:
    store = Store((64, 512, 11), (64, 512, 11))
    blocks = convert(store, 128, budget=2 * 32 * 128 * 11 * 2)
    assert (blocks.depth, blocks.rows, blocks.again) == (32, 128, 8)
    assert set(store.decoded.values()) == {8}
    assert store.largest <= 32 * 128 * 11 * 2


def test_a_fault_reaches_every_reader_and_is_not_kept() -> None:
    faults = [OSError("torn"), None]
    array = np.zeros((4, 8, 8), np.uint8)

    def load(z: slice, rows: slice) -> Any:
        fault = faults.pop(0)
        if fault is not None:
            raise fault
        return array[z, rows]

    blocks = Blocks((4, 8, 8), (4, 8, 8), 1, load)
    out = np.ones((8, 8), np.uint8)
    with pytest.raises(OSError, match="torn"):
        blocks.read(0, 0, 8, out)
    blocks.read(0, 0, 8, out)
    assert not out.any()
