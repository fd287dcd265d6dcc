"""A conversion that is killed, at any moment, goes on where it was, and the file is the same as without."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pytest

from stackreel.errors import VolumeError
from stackreel.geometry import Spacing
from stackreel.slices import open_slices
from stackreel.slices.mapped import mapped
from stackreel.volume import bands, open_volume
from stackreel.volume import build as building
from stackreel.volume.build import build
from stackreel.volume.journal import Journal, journal_of
from stackreel.volume.recipe import Recipe

from .test_build import contents, same_contents

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no such signals on Windows")

ROWS, COLUMNS = 700, 500

CONVERT = """\
import sys, time
from stackreel.slices import open_slices
from stackreel.geometry import Spacing
from stackreel.volume import bands, build as building, pyramid
from stackreel.volume.build import build
from stackreel.volume.recipe import Recipe
from stackreel.volume.reduction import Reduction
folder, out, kind, pending, slow = sys.argv[1:]
building.BAND_BYTES, pyramid.PENDING_BYTES = 1 << 20, int(pending)
reduction = Reduction("axial", 180.0, 255.0) if kind == "axial" else Reduction(kind)
source = open_slices(folder, shape=(700, 500), dtype="uint8")
def progress(_):
    print("band", flush=True)
    time.sleep(float(slow))
build(source, out, Recipe("brain", Spacing(3, 1, 1), reduction, durable=0.0), progress=progress)
"""


@pytest.fixture(scope="module")
def sections(tmp_path_factory):
    """137 raw sections with tissue and empty places; values below 180, 255 for none."""
    folder = tmp_path_factory.mktemp("sections")
    rng = np.random.default_rng(0)
    z, y, x = np.indices((137, ROWS, COLUMNS), sparse=True)
    stack = ((x * 0.3 + y * 0.2 + 3 * z + rng.integers(0, 9, (137, ROWS, COLUMNS))) % 180).astype(np.uint8)
    stack[(y - 350) ** 2 + (x - 250) ** 2 > 220**2 + 0 * z] = 255
    stack[:, :, :128] = 0
    for k, section in enumerate(stack):
        section.tofile(folder / f"s{k:03}.raw")
    return folder


def convert(sections, out, kind="intensity", pending=1 << 16, slow=0.0):
    return subprocess.Popen(
        [sys.executable, "-c", CONVERT, str(sections), str(out), kind, str(pending), str(slow)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process):
    said, wrong = process.communicate(timeout=120)
    assert process.returncode == 0, wrong
    return said.count("band")


def kill_after(process, bands, then=0.0):
    for _ in range(bands):
        assert process.stdout.readline() == "band\n", process.stderr.read()
    time.sleep(then)
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.fixture(scope="module")
def whole(sections, tmp_path_factory):
    """kind, pending → what an uninterrupted run makes, and its number of bands."""
    made = {}

    def make(kind, pending, name="a.h5"):
        if (kind, pending, name) not in made:
            out = tmp_path_factory.mktemp("whole") / name
            count = finish(convert(sections, out, kind, pending))
            made[kind, pending, name] = contents(out), count
        return made[kind, pending, name]

    return make


def killed_often(sections, out, whole, seed, kind, pending, kills):
    """Kill a conversion at random moments, then let it end: it must be the file of an undisturbed run."""
    rng = random.Random(seed)
    expected, count = whole(kind, pending, out.name)
    assert count == 30
    begun = 0
    for _ in range(kills):
        process = convert(sections, out, kind, pending, slow=0.002)
        if count - begun < 3:
            process.kill()
            process.communicate()
            break
        until = rng.randint(1, max(1, (count - begun) // 3))
        kill_after(process, until, rng.random() * 0.02)
        begun += until - 1
        assert not out.exists()
        assert sorted(p.name for p in out.parent.iterdir()) == [f"{out.name}.journal", f"{out.name}.partial"]
    rest = finish(convert(sections, out, kind, pending))
    assert rest <= count - begun  # what was done was not done again
    same_contents(contents(out), expected)
    assert [p.name for p in out.parent.iterdir()] == [out.name]


@pytest.mark.parametrize(("seed", "kind"), [(4, "intensity"), (5, "axial")])
def test_a_killed_conversion_to_ome_zarr_goes_on_too(sections, tmp_path, monkeypatch, whole, seed, kind):
    killed_often(sections, tmp_path / "a.ome.zarr", whole, seed, kind, 1 << 16, kills=3)


def test_a_power_cut_tears_the_ends_of_shards(sections, tmp_path, whole):
    """What was not safe: chunks after the last record, and the index of a shard that was just full."""
    out = tmp_path / "a.ome.zarr"
    kill_after(convert(sections, out, "axial", slow=0.002), 11)
    _, journal = Journal.resume(journal_of(tmp_path / "a.ome.zarr.partial"))
    journal.close()
    shards = [p for p in (tmp_path / "a.ome.zarr.partial").rglob("c/*/*/*") if p.is_file()]
    assert len(shards) >= 5
    for shard in shards:
        with open(shard, "ab") as file:
            file.write(b"torn" * 100)
    expected, count = whole("axial", 1 << 16, out.name)
    assert finish(convert(sections, out, "axial")) <= count - 10
    same_contents(contents(out), expected)


def test_a_shard_that_was_taken_away_is_noticed(sections, tmp_path):
    out = tmp_path / "a.ome.zarr"
    kill_after(convert(sections, out, slow=0.002), 11)
    for shard in (tmp_path / "a.ome.zarr.partial" / "0").rglob("c/*/*/*"):
        shard.unlink()
    process = convert(sections, out)
    _, wrong = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "--restart begins anew" in wrong


@pytest.mark.parametrize(
    ("seed", "kind", "pending"),
    [(0, "intensity", 1 << 16), (1, "intensity", 128 << 20), (2, "axial", 1 << 16), (3, "label", 1 << 16)],
)
def test_a_killed_conversion_goes_on_and_gives_the_same_file(sections, tmp_path, whole, seed, kind, pending):
    killed_often(sections, tmp_path / "a.h5", whole, seed, kind, pending, kills=3)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_sixty_kills(sections, tmp_path, whole, seed):
    killed_often(sections, tmp_path / "a.h5", whole, seed, ("intensity", "axial", "label")[seed % 3], 1 << 16, kills=3)


def scramble_what_is_not_safe(partial):
    """What a power cut may leave: of all that was written, only what was synced before the last whole record."""
    size = partial.stat().st_size
    _, journal = Journal.resume(journal_of(partial))
    journal.close()
    safe = np.zeros(size, bool)
    for record in journal.records:
        for row in record["chunks"]:
            safe[row["offset"] : row["offset"] + row["size"]] = True
    data = np.fromfile(partial, np.uint8)
    data[~safe] = np.random.default_rng(1).integers(0, 256, np.count_nonzero(~safe), dtype=np.uint8)
    data.tofile(partial)
    return np.count_nonzero(safe)


def test_a_power_cut_costs_no_more_than_a_kill(sections, tmp_path, whole):
    """All that had not been synced is garbage afterwards, HDF5's index among it, and the last record is torn."""
    out = tmp_path / "a.h5"
    process = convert(sections, out, "axial", slow=0.002)
    kill_after(process, 11)
    journal = tmp_path / "a.h5.journal"
    with open(journal, "ab") as file:
        file.write(journal.read_bytes()[-700:-300])
    assert scramble_what_is_not_safe(tmp_path / "a.h5.partial") > 1e5
    expected, count = whole("axial", 1 << 16)
    assert finish(convert(sections, out, "axial")) <= count - 10
    same_contents(contents(out), expected)


@pytest.mark.parametrize("keep", [0, 10, 100, 5000])
def test_a_torn_journal_is_good_up_to_where_it_is_torn(sections, tmp_path, whole, keep):
    out, journal = tmp_path / "a.h5", tmp_path / "a.h5.journal"
    kill_after(convert(sections, out, slow=0.002), 6)
    os.truncate(journal, keep)
    expected, _ = whole("intensity", 1 << 16)
    finish(convert(sections, out))
    same_contents(contents(out), expected)


class StopsError(Exception):
    pass


def stopped(source, out, recipe, after=2, **more):
    """A run that ends at such a band."""
    seen = []

    def progress(size):
        seen.append(size)
        if len(seen) > after:
            raise StopsError

    with pytest.raises(StopsError):
        build(source, out, recipe, progress=progress, **more)


@pytest.fixture
def small_bands(monkeypatch):
    monkeypatch.setattr(building, "BAND_BYTES", 1 << 16)


def test_other_arguments_or_changed_slices_are_refused_with_what_differs(tmp_path, small_bands):
    folder, out = tmp_path / "sections", tmp_path / "a.h5"
    folder.mkdir()
    for k in range(40):
        np.full((300, 200), k, np.uint8).tofile(folder / f"s{k:02}.raw")

    def source():
        return open_slices(folder, shape=(300, 200), dtype="uint8")

    recipe = Recipe("brain", Spacing(3, 1, 1), durable=0.0)
    stopped(source(), out, recipe)
    with pytest.raises(VolumeError, match=r"spacing was 3.0 1.0 1.0, is 4.0 1.0 1.0. .*--restart to begin anew"):
        build(source(), out, Recipe("brain", Spacing(4, 1, 1)))
    with pytest.raises(VolumeError, match="name was brain, is other"):
        build(source(), out, Recipe("other", Spacing(3, 1, 1)))
    os.utime(folder / "s07.raw", ns=(1, 1))
    with pytest.raises(VolumeError, match=r"1 of 40 slices changed since \(.*s07\.raw\)"):
        build(source(), out, recipe)
    (folder / "s40.raw").write_bytes(bytes(60000))
    with pytest.raises(VolumeError, match=r"other slices: 40 files then, 41 now"):
        build(source(), out, recipe)
    assert (tmp_path / "a.h5.journal").exists()
    assert build(source(), out, recipe, restart=True).shape == (41, 300, 200)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "sections"]


def test_the_same_files_read_otherwise_are_not_gone_on_with(tmp_path, small_bands):
    """Byte order, header and window change what is read, not the files."""
    folder, out = tmp_path / "sections", tmp_path / "a.h5"
    folder.mkdir()
    for k in range(40):
        np.full(300 * 200 + 1, k, np.uint16).tofile(folder / f"s{k:02}.raw")

    def source(order="little", window=None, skip=2):
        found = open_slices(folder, shape=(300, 200), dtype="uint16", byte_order=order, skip_bytes=skip)
        return mapped(found, window, "uint8" if window else None)

    recipe = Recipe("brain", Spacing(3, 1, 1), durable=0.0)
    stopped(source(), out, recipe)
    with pytest.raises(VolumeError, match=r"reading was .*raw_byte_order=little.*, is .*raw_byte_order=big"):
        build(source("big"), out, recipe)
    with pytest.raises(VolumeError, match="type was uint16, is uint8"):
        build(source(window=(0, 9)), out, recipe)
    stopped(source(window=(0, 9)), out, recipe, restart=True)
    with pytest.raises(VolumeError, match="window_high=9"):
        build(source(window=(0, 8)), out, recipe)
    build(source(window=(0, 9)), out, recipe)


def test_slices_that_are_decoded_whole_go_on_in_the_middle_of_a_slab(tmp_path, array_source, monkeypatch, small_bands):
    samples = np.random.default_rng(0).integers(1, 9, (45, 700, 150), dtype=np.uint16)
    recipe = Recipe("brain", Spacing(2, 1, 1), durable=0.0)
    monkeypatch.setattr(bands, "STAGE_BYTES", 1 << 16)
    build(array_source(samples, banded=False), tmp_path / "whole.h5", recipe)
    done = []
    for after in (1, 2, 5):
        stopped(array_source(samples, banded=False), tmp_path / "a.h5", recipe, after, resumed=done.append)
    build(array_source(samples, banded=False), tmp_path / "a.h5", recipe, resumed=done.append)
    assert len(done) == 3
    assert 0 < done[0] < done[1] < done[2] < samples.nbytes
    same_contents(contents(tmp_path / "whole.h5"), contents(tmp_path / "a.h5"))


def test_weights_are_gone_on_with_too(tmp_path, array_source, monkeypatch, small_bands):
    from stackreel.volume.reduction import Reduction

    rng = np.random.default_rng(0)
    samples = rng.integers(0, 180, (45, 700, 150), dtype=np.uint8)
    weights = rng.integers(0, 256, samples.shape, dtype=np.uint8)
    recipe = Recipe("brain", Spacing(2, 1, 1), Reduction("axial", 180.0), durable=0.0)
    build(array_source(samples), tmp_path / "whole.h5", recipe, weights=array_source(weights))
    stopped(array_source(samples), tmp_path / "a.h5", recipe, 3, weights=array_source(weights))
    build(array_source(samples), tmp_path / "a.h5", recipe, weights=array_source(weights))
    same_contents(contents(tmp_path / "whole.h5"), contents(tmp_path / "a.h5"))
    build(array_source(samples), tmp_path / "unweighted.h5", recipe)
    with h5py.File(tmp_path / "a.h5") as a, h5py.File(tmp_path / "unweighted.h5") as b:
        assert (a["/levels/brain/1"][()] != b["/levels/brain/1"][()]).any()


def test_rows_of_weights_that_are_needed_again_are_read_once(tmp_path, array_source, monkeypatch, small_bands):
    """Many chunks side by side wait to be reduced with them."""
    from stackreel.volume.reduction import Reduction

    rng = np.random.default_rng(0)
    samples = rng.integers(0, 180, (32, 300, 400), dtype=np.uint8)
    weights = rng.integers(0, 256, samples.shape, dtype=np.uint8)
    recipe = Recipe("brain", Spacing(2, 1, 1), Reduction("axial", 180.0), durable=0.0)
    build(array_source(samples), tmp_path / "whole.h5", recipe, weights=array_source(weights))
    stopped(array_source(samples), tmp_path / "a.h5", recipe, 1, weights=array_source(weights))
    source, again, reads = array_source(weights), [], []
    monkeypatch.setattr(source, "read", lambda *asked: reads.append(asked[:2]) or array_source(weights).read(*asked))
    build(array_source(samples), tmp_path / "a.h5", recipe, weights=source, resumed=lambda _: again.append(list(reads)))
    assert len(again[0]) > 0
    assert len({(z, rows.start) for z, rows in again[0]}) == len(again[0])
    same_contents(contents(tmp_path / "whole.h5"), contents(tmp_path / "a.h5"))


def test_other_weights_from_the_same_file_are_not_gone_on_with(tmp_path, array_source, small_bands):
    """Two data sets of one file, and two windows."""
    from stackreel.volume.reduction import Reduction

    rng = np.random.default_rng(0)
    samples, one, other = rng.integers(0, 180, (3, 45, 300, 150), dtype=np.uint8)
    with h5py.File(tmp_path / "w.h5", "w") as file:
        file["a"], file["b"] = one, other

    def weights(name, window=None):
        found = open_slices(f"{tmp_path / 'w.h5'}:/{name}")
        return mapped(found, window, "uint8") if window else found

    recipe = Recipe("brain", Spacing(2, 1, 1), Reduction("axial", 180.0), durable=0.0)
    stopped(array_source(samples), tmp_path / "o.h5", recipe, weights=weights("a"))
    with pytest.raises(VolumeError, match=r"weights reading was .*/a.*, is .*/b"):
        build(array_source(samples), tmp_path / "o.h5", recipe, weights=weights("b"))
    with pytest.raises(VolumeError, match=r"weights reading was .*, is .*window_high=90"):
        build(array_source(samples), tmp_path / "o.h5", recipe, weights=weights("a", (0, 90)))
    build(array_source(samples), tmp_path / "o.h5", recipe, weights=weights("a"))


def test_an_unfinished_file_without_its_journal_is_begun_anew(sections, tmp_path, whole):
    out = tmp_path / "a.h5"
    kill_after(convert(sections, out, slow=0.002), 4)
    journal = (tmp_path / "a.h5.journal").read_bytes()
    (tmp_path / "a.h5.partial").unlink()
    expected, count = whole("intensity", 1 << 16)
    assert finish(convert(sections, out)) == count
    same_contents(contents(out), expected)
    out.unlink()
    kill_after(convert(sections, out, slow=0.002), 4)
    (tmp_path / "a.h5.journal").unlink()
    assert finish(convert(sections, out)) == count
    assert len(journal) > 1000
    same_contents(contents(out), expected)


def test_the_full_disk_of_one_run_is_the_beginning_of_the_next(sections, tmp_path):
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root can make a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=12m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("this machine does not let root mount a small disk")
    try:
        process = convert(sections, disk / "a.h5")
        said, wrong = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "the disk is full" in wrong
        assert "a.h5.partial" in wrong
        assert "the same command goes on from there" in wrong
        done = said.count("band")
        subprocess.run([mount, "-o", "remount,size=200m", disk], check=True)
        assert finish(convert(sections, disk / "a.h5")) <= 30 - done + 2
        volume = open_volume(disk / "a.h5")
        stack = np.stack([np.fromfile(p, np.uint8).reshape(ROWS, COLUMNS) for p in sorted(sections.iterdir())])
        np.testing.assert_array_equal(volume.levels[0].read((slice(None),) * 3), stack)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)  # the volume is still open
