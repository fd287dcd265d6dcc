"""What is written goes to the disk while work goes on, and a disk that refuses is heard."""

from __future__ import annotations

import errno
import os

import numpy as np
import pytest

from stackreel.errors import DiskFullError, VolumeError
from stackreel.geometry import Spacing
from stackreel.volume import behind
from stackreel.volume.build import build
from stackreel.volume.recipe import Recipe


@pytest.fixture
def calls(monkeypatch):
    """The files passed on to the disk, by inode, every 64 KiB; `calls.error` is raised from the second call on."""

    class Calls(list):
        error = None

    found = Calls()

    def pass_on(handle):
        found.append(os.fstat(handle).st_ino)
        if found.error is not None and len(found) > 1:
            raise found.error

    monkeypatch.setattr(behind, "STEP_BYTES", 1 << 16)
    monkeypatch.setattr(behind, "_pass_on", pass_on)
    return found


def noise():
    return np.random.default_rng(3).integers(0, 256, (70, 300, 200), dtype=np.uint8)


def test_a_volume_goes_to_its_disk_while_it_grows(tmp_path, array_source, calls):
    volume = build(array_source(noise()), tmp_path / "a.h5", Recipe("a", Spacing(2, 1, 1)))
    assert len(calls) > 1
    assert set(calls) == {volume.path.stat().st_ino}


@pytest.mark.parametrize(
    ("number", "error", "words"),
    [(errno.ENOSPC, DiskFullError, "the disk is full"), (errno.EDQUOT, DiskFullError, "a quota or limit is reached"),
     (errno.EIO, VolumeError, "could not be written")],
)  # fmt: skip
def test_a_disk_that_refuses_later_is_heard_and_leaves_nothing(tmp_path, array_source, calls, number, error, words):
    calls.error = OSError(number, os.strerror(number))
    with pytest.raises(error, match=words):
        build(array_source(noise()), tmp_path / "a.h5", Recipe("a", Spacing(2, 1, 1)))
    assert not list(tmp_path.iterdir())


def test_a_refusal_of_the_last_bytes_is_heard_too(tmp_path, calls):
    path = tmp_path / "a"
    path.write_bytes(b"1")
    calls.append(0)
    calls.error = OSError(errno.EIO, "gone")
    with pytest.raises(OSError, match="gone"), behind.WriteBehind(path) as file:
        file.wrote(1 << 16)
