"""A folder under repair: killed at any step, short of room, without its weights; it never gets worse than it was."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tracemalloc

import numpy as np
import pytest

from stackreel.errors import VolumeError
from stackreel.geometry import Spacing
from stackreel.slices import open_slices
from stackreel.volume import open_volume, zarrfile
from stackreel.volume.build import build
from stackreel.volume.recipe import Recipe
from stackreel.volume.reduction import Reduction
from stackreel.volume.repair import repair, resume
from stackreel.volume.shardledger import read_shard_ledger
from stackreel.volume.undo import stopped, undo_of
from stackreel.volume.verify import verify
from stackreel.volume.zarrwriter import put_seal

from .test_verify import flip
from .test_verify_shards import Folder

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no such signals on Windows")


@pytest.fixture
def folder(tmp_path):
    return lambda kind: Folder(tmp_path, kind)


def packed_otherwise(monkeypatch):
    """As another release of Blosc may pack: the same samples in other bytes."""
    import imagecodecs

    encode = imagecodecs.blosc_encode
    monkeypatch.setattr(imagecodecs, "blosc_encode", lambda *a, **k: encode(*a, **k | {"level": 3 * k["level"]}))


KILLED = """\
import os, signal, sys
import imagecodecs
from stackreel.slices import open_slices
from stackreel.volume.repair import repair
folder, path, last = sys.argv[1:]
encode, replace, seen = imagecodecs.blosc_encode, os.replace, []
imagecodecs.blosc_encode = lambda *a, **k: encode(*a, **k | {"level": 3 * k["level"]})
def killed(old, new):
    if "/stackreel/" in str(new) and "resultants/1/c" not in str(new).replace("summary/", ""):
        seen.append(new)
        if len(seen) > int(last):
            os.kill(os.getpid(), signal.SIGKILL)
    replace(old, new)
os.replace = killed
repair(path, open_slices(folder, shape=(300, 260), dtype="uint16"))
print(len(seen))
"""


@pytest.mark.parametrize("steps", [(0, 1, 2, 8), pytest.param(range(100), marks=pytest.mark.slow)])
def test_a_kill_anywhere_among_the_tables_leaves_what_the_next_repair_mends(folder, steps):
    one = folder("shuffled")
    samples, whole = one.samples(), one.path.with_name("whole")
    one.hurt(4, 12)
    shutil.copytree(one.path, whole)
    states = 0
    for last in steps:
        shutil.rmtree(one.path)
        shutil.copytree(whole, one.path)
        done = subprocess.run(
            [sys.executable, "-c", KILLED, str(one.sections), str(one.path), str(last)],
            capture_output=True,
            check=False,
        )
        if done.returncode == 0:
            break
        assert done.returncode == -signal.SIGKILL, done.stderr
        states += 1
        report = verify(one.path)
        assert report.hashed
        assert 0 < len(report.bad) <= 12 or report.stopped
        assert report.stopped == (last > 0) == stopped(one.path)
        good = next(key for key in samples if key[0] == "/0" and not any(b.place == key[1] for b in report.bad))
        assert open_volume(one.path).levels[0].read_chunk(good[1]) is not None
        mended = repair(one.path, one.source())
        assert not mended.anew
        assert mended.report.whole
        assert not [name for name in one.files() if name.endswith(".part") or "undo" in name]
    assert states > 3
    again = one.samples()
    for key, before in samples.items():
        np.testing.assert_array_equal(again[key], before)


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_disk_that_fills_up_while_tables_are_written_leaves_them_as_they_were(folder, monkeypatch, error):
    one = folder("shuffled")
    number, tables = one.hurt(4), {k: v for k, v in one.files().items() if k.startswith("stackreel/s")}
    seal = one.files()["stackreel/zarr.json"]
    put_file, seen = zarrfile.put_file, []

    def full(path, content):
        seen.append(path)
        if "hashes" in str(path) and error not in seen:
            seen.append(error)
            path.with_name("half").write_bytes(content[: len(content) // 2])
            path.with_name("half").unlink()
            raise error
        put_file(path, content)

    with monkeypatch.context() as patch:
        packed_otherwise(patch)
        patch.setattr(zarrfile, "put_file", full)
        with pytest.raises((VolumeError, OSError, KeyboardInterrupt)):
            repair(one.path, one.source())
    after = one.files()
    assert {k: v for k, v in after.items() if k.startswith("stackreel/s")} == tables
    assert after["stackreel/zarr.json"] == seal
    assert not undo_of(one.path).exists()
    report = verify(one.path)
    assert report.metadata
    assert len(report.bad) == number
    assert not repair(one.path, one.source()).anew


def test_a_stopped_repair_of_a_folder_can_be_taken_back_by_itself(folder):
    one = folder("shuffled")
    one.hurt(4, 12)
    tables = {k: v for k, v in one.files().items() if k.startswith("stackreel")}
    subprocess.run([sys.executable, "-c", KILLED, str(one.sections), str(one.path), "3"], check=False)
    assert stopped(one.path)
    assert resume(one.path) == "taken back"
    assert {k: v for k, v in one.files().items() if k.startswith("stackreel")} == tables
    assert resume(one.path) == "nothing"


class Weighted:
    """Directions and weights in raw sections, and a folder made of both, its hashes of the weights lost if need be."""

    def __init__(self, tmp_path, most, hashed=False):
        rng = np.random.default_rng(0)
        for name in ("directions", "weights", "others"):
            (tmp_path / name).mkdir()
            for z, section in enumerate(rng.integers(0, most, (40, 150, 140), dtype=np.uint8)):
                section.tofile(tmp_path / name / f"{z:02}.raw")
        self.tmp_path, self.path = tmp_path, tmp_path / "a.ome.zarr"
        recipe = Recipe("a", Spacing(2, 1, 1), Reduction("axial", 256.0, 0.0))
        build(self.open("directions"), self.path, recipe, weights=self.open("weights"))
        if not hashed:  # as an early export left it
            shutil.rmtree(self.path / "stackreel" / "slices" / "weights_hashes")
            (self.path / "stackreel" / "zarr.json").unlink()
            put_seal(self.path)
        assert verify(self.path).whole

    def open(self, name):
        return open_slices(self.tmp_path / name, shape=(150, 140), dtype="uint8")


@pytest.mark.parametrize("most", [20, 256])
def test_weights_that_nothing_proves_make_a_chunk_as_it_was_or_not_at_all(tmp_path, most):
    one = Weighted(tmp_path, most)
    shard = one.path / "1" / "c" / "0" / "0" / "0"
    before = shard.read_bytes()
    flip(shard, 8 * 200)
    hurt = shard.read_bytes()
    with pytest.raises(VolumeError, match=r"/1, chunk \(0, 0, 0\) cannot be made again as it was: other weights"):
        repair(one.path, one.open("directions"), weights=one.open("others"))
    assert shard.read_bytes() == hurt
    assert repair(one.path, one.open("directions"), weights=one.open("weights")).report.whole
    assert shard.read_bytes() == before
    (one.path / "0" / "zarr.json").write_text("{")
    with pytest.raises(VolumeError, match="made with weights of which there are no hashes"):
        repair(one.path, one.open("directions"), weights=one.open("weights"))


def test_a_chunk_that_was_only_wrapped_is_never_renewed(tmp_path, monkeypatch):
    """No other release packs otherwise what is not packed: other bytes would be other samples."""
    rng = np.random.default_rng(0)
    (tmp_path / "s").mkdir()
    for z, section in enumerate(rng.integers(0, 256, (40, 150, 140), dtype=np.uint8)):
        section.tofile(tmp_path / "s" / f"{z:02}.raw")
    source = open_slices(tmp_path / "s", shape=(150, 140), dtype="uint8")
    path = tmp_path / "a.ome.zarr"
    build(source, path, Recipe("a", Spacing(2, 1, 1)))
    kept = read_shard_ledger(path)[0].find(1)
    size = int(np.prod(kept.chunk)) + 16
    assert int(kept.sizes[0, 0, 0]) == size
    flip(path / "1" / "c" / "0" / "0" / "0", 8 * 200)
    reduce = Reduction.into
    monkeypatch.setattr(Reduction, "into", lambda *a, **k: (reduce(*a, **k), a[2].__iadd__(np.uint8(1)))[0])
    with pytest.raises(VolumeError, match="cannot be made again as it was"):
        repair(path, source)


def test_weights_are_refused_where_there_were_none(folder):
    one = folder("axial")
    one.hurt(0, 3)
    with pytest.raises(VolumeError, match="made without weights; leave them away"):
        repair(one.path, one.source(), weights=one.source())
    assert repair(one.path, one.source()).report.whole


def test_a_lost_shard_is_mended_chunk_by_chunk(tmp_path):
    """Whatever a shard holds, no more than a row of its chunks is in memory at once."""
    rng = np.random.default_rng(0)
    (tmp_path / "s").mkdir()
    for z in range(32):
        rng.random((1024, 256)).tofile(tmp_path / "s" / f"{z:02}.raw")
    source = open_slices(tmp_path / "s", shape=(1024, 256), dtype="float64")
    path = tmp_path / "a.ome.zarr"
    build(source, path, Recipe("a", Spacing(1, 1, 1)))
    shard = path / "0" / "c" / "0" / "0" / "0"
    before = shard.read_bytes()
    shard.unlink()
    report = verify(path)
    tracemalloc.start()
    mended = repair(path, source, report=report, threads=1)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert mended.report.whole
    assert shard.read_bytes() == before
    assert most < len(before) / 2
