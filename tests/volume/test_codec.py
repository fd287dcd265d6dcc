"""Chunks packed and unpacked."""

from __future__ import annotations

import numpy as np
import pytest

from stackreel.volume.codec import pack, unpack


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "float32", "float64"])
def test_what_was_packed_comes_back(dtype):
    rng = np.random.default_rng(0)
    chunk = rng.integers(0, 99, (5, 60, 70)).astype(dtype)
    shuffled = chunk.itemsize > 1
    found = unpack(pack(chunk), chunk.shape, chunk.dtype, shuffled=shuffled, deflated=True)
    np.testing.assert_array_equal(found, chunk)


def test_torn_bytes_are_no_chunk():
    chunk = np.arange(6000, dtype=np.uint8).reshape(10, 20, 30)
    with pytest.raises(ValueError, match="incomplete or truncated"):
        unpack(pack(chunk)[:-9], chunk.shape, chunk.dtype, shuffled=False, deflated=True)
    with pytest.raises(ValueError, match="decodes to 5,999 bytes instead of 6,000"):
        unpack(chunk.tobytes()[:-1], chunk.shape, chunk.dtype, shuffled=False, deflated=False)
