"""Rows gathered from a file: against the file read whole."""

from __future__ import annotations

import os

import numpy as np
import pytest

from stackreel.kernels.gather import gather_rows


@pytest.fixture
def rows(tmp_path):
    """Twenty rows of 30 bytes behind a header of 7, and the open file that holds them."""
    samples = np.random.default_rng(1).integers(0, 255, (20, 30), dtype=np.uint8)
    (tmp_path / "rows").write_bytes(b"headers" + samples.tobytes())
    handle = os.open(tmp_path / "rows", os.O_RDONLY)
    yield samples, handle
    os.close(handle)


def test_pieces_of_rows_are_what_the_file_holds(rows):
    samples, handle = rows
    out = np.full((16, 12), 99, np.uint8)
    assert gather_rows(handle, 7 + 3 * 30 + 5, 30, 14, 10, out) == 14 * 10
    np.testing.assert_array_equal(out[:14, :10], samples[3:17, 5:15])
    assert (out[14:] == 99).all()
    assert (out[:, 10:] == 99).all()


def test_a_file_that_ends_early_gives_fewer_bytes(rows):
    samples, handle = rows
    out = np.zeros((4, 10), np.uint8)
    assert gather_rows(handle, 7 + 18 * 30 + 25, 30, 2, 10, out) == 10 + 5
    np.testing.assert_array_equal(out[0, :5], samples[18, 25:])


def test_what_cannot_be_read_gives_none(rows):
    assert gather_rows(-1, 0, 30, 2, 10, np.zeros((4, 10), np.uint8)) == 0
