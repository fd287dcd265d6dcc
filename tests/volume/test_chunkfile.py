"""The file below HDF5: every write may fail or be interrupted, and nothing half-written is ever vouched for."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys

import h5py
import numpy as np
import pytest

from stackreel.volume.chunkfile import ChunkFile
from stackreel.volume.pyramid import LevelPlan
from stackreel.volume.uninterrupted import uninterrupted

SOME = LevelPlan(0, (64, 256, 300), (1, 1, 1), (1, 1, 1), (32, 128, 128), True)

# every write in turn either fails for want of room or is interrupted; in a process of its own, which may fall over
FAULTS = """\
import errno, os, sys
from pathlib import Path
import numpy as np
from stackreel.errors import DiskFullError
from stackreel.geometry import Spacing
from stackreel.slices import open_slices
from stackreel.volume import chunkfile
from stackreel.volume.build import build
from stackreel.volume.recipe import Recipe

folder, kind, every = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
sections = folder / "sections"
real, state = chunkfile._Disk._put, {"n": 0, "at": -1}

def put(self, data, size):
    state["n"] += 1
    if state["n"] == state["at"]:
        if kind == "signal":
            os.kill(os.getpid(), 2)
        else:
            self._error = OSError(errno.ENOSPC, "No space left on device")
    real(self, data, size)

def convert():
    source = open_slices(sections, shape=(300, 300), dtype="uint8")
    build(source, folder / "a.h5", Recipe("brain", Spacing(1, 1, 1), threads=1))

convert()
(folder / "a.h5").unlink()
count, ended = state["n"], []
chunkfile._Disk._put = put
state["n"] = 0
convert()
(folder / "a.h5").unlink()
for at in range(1, state["n"] + 1, every):
    total = state["n"]
    state.update(n=0, at=at)
    try:
        convert()
        ended.append("built")
    except BaseException as error:
        ended.append(type(error).__name__)
    state["n"] = total
print(*sorted(set(ended)), len(ended) > 10, [p.name for p in folder.iterdir()])
"""


@pytest.mark.skipif(os.name == "nt", reason="no such signals on Windows")
@pytest.mark.parametrize(("kind", "end"), [("full", "DiskFullError"), ("signal", "KeyboardInterrupt")])
def test_whichever_write_fails_or_is_interrupted_the_run_ends_well_and_leaves_no_file(tmp_path, kind, end):
    """HDF5 hides errors of tables that it writes late, and falls over errors that pass through it."""
    (tmp_path / "sections").mkdir()
    rng = np.random.default_rng(1)
    for k in range(40):
        rng.integers(0, 100, (300, 300), dtype=np.uint8).tofile(tmp_path / "sections" / f"s{k:03}.raw")
    program = "import signal; signal.signal(2, signal.default_int_handler)\n" + FAULTS
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), kind, "7"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"{end} True ['sections']"


def test_where_a_chunk_lies_is_known_without_asking_hdf5(tmp_path):
    """Sizes as those of HDF5's own pieces among them."""
    file = ChunkFile(tmp_path / "a.partial")
    dataset = file.create("brain", SOME, np.dtype(np.uint8))
    sizes = (8, 96, 272, 512, 544, 2048, 3000, 70000, 300, 544, 96, 40)
    told = {}
    for number, size in enumerate(sizes):
        place = (number // 6, number // 3 % 2, number % 3)
        told[place] = file.add(dataset, place, bytes([number + 1]) * size, plain=True)
    file.close()
    with h5py.File(tmp_path / "a.partial") as done:
        for (z, y, x), offset in told.items():
            info = done["brain"].id.get_chunk_info_by_coord((z * 32, y * 128, x * 128))
            assert info.byte_offset == offset


def test_placing_again_where_hdf5_would_not_is_refused(tmp_path):
    from stackreel.errors import VolumeError

    file = ChunkFile(tmp_path / "a.partial")
    dataset = file.create("brain", SOME, np.dtype(np.uint8))
    offset = file.add(dataset, (0, 0, 0), b"12345678", plain=True)
    file.give_up()
    again = ChunkFile(tmp_path / "a.partial")
    dataset = again.create("brain", SOME, np.dtype(np.uint8))
    with pytest.raises(VolumeError, match="--restart begins anew"):
        again.add_again(dataset, (0, 0, 0), offset + 8, 8, plain=True)
    again.give_up()


def test_after_an_error_nothing_is_written_and_it_is_told(tmp_path):
    file = ChunkFile(tmp_path / "a.partial")
    dataset = file.create("brain", SOME, np.dtype(np.uint8))
    file._disk._error = OSError(errno.EIO, "gone")
    size = os.fstat(file.handle).st_size
    with pytest.raises(OSError, match="gone"):
        file.add(dataset, (0, 0, 0), b"12345678" * 1000, plain=True)
    with pytest.raises(OSError, match="gone"):
        file.close()
    assert (tmp_path / "a.partial").stat().st_size == size


@pytest.mark.skipif(os.name == "nt", reason="no such signals on Windows")
def test_a_signal_waits_for_the_end_of_a_block_and_is_not_lost():
    reached = []

    def held():
        with uninterrupted(), uninterrupted():
            os.kill(os.getpid(), signal.SIGINT)
            reached.append("end")

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            held()
        assert reached == ["end"]
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)
