"""Chunks packed and unpacked."""

from __future__ import annotations

import numpy as np

from stackreel.volume.codec import checksum, checksum_within, pack


def test_a_packed_chunk_of_bytes_ends_with_its_checksum():
    rng = np.random.default_rng(0)
    for chunk in (np.zeros((2, 3, 4), np.uint8), rng.integers(0, 9, (5, 60, 70), dtype=np.int8)):
        assert checksum_within(pack(chunk)) == checksum(chunk)
