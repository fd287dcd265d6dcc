"""Bands of a stack: all of it, in order, and valid for as long as is promised."""

from __future__ import annotations

import os
import signal
import threading

import numpy as np
import pytest

from stackreel.slices.following import follow
from stackreel.volume.bands import bands


@pytest.mark.parametrize("banded", [True, False])
@pytest.mark.parametrize("rows", [32, 100])
def test_a_band_is_valid_until_the_next_but_one_is_asked_for(tmp_path, array_source, banded, rows):
    samples = np.random.default_rng(0).integers(0, 256, (11, 100, 30), dtype=np.uint8)
    found = np.zeros_like(samples)
    last = None
    for z0, y0, band in bands(array_source(samples, banded=banded), 4, rows, tmp_path):
        if last is not None:
            z, y, before = last
            found[z : z + before.shape[0], y : y + before.shape[1]] = before
        last = z0, y0, band
    z, y, before = last
    found[z:, y:] = before
    np.testing.assert_array_equal(found, samples)


@pytest.mark.skipif(os.name == "nt", reason="no such signals on Windows")
@pytest.mark.parametrize("banded", [True, False])
def test_a_run_that_is_stopped_waits_for_no_section(tmp_path, banded):
    """Ctrl-C comes while a thread waits for a section that never will."""
    for k in range(2):
        (tmp_path / f"s{k}.raw").write_bytes(bytes([k]) * 600)
    source = follow(tmp_path, 4, shape=(20, 30), dtype="uint8", settle=0.1)
    source.banded = banded
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    ctrl_c = threading.Timer(1.0, signal.pthread_kill, (threading.get_ident(), signal.SIGINT))
    too_late = threading.Timer(20.0, source.close)
    try:
        ctrl_c.start()
        too_late.start()
        with pytest.raises(KeyboardInterrupt):
            list(bands(source, 4, 10, tmp_path))
        assert too_late.is_alive()
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("stackreel-read")]
    finally:
        signal.signal(signal.SIGINT, handler)
        ctrl_c.cancel()
        too_late.cancel()
