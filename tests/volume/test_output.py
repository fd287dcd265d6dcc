"""Whatever happens while a volume is made: it is whole under its name or not there, and nothing else is lost."""

from __future__ import annotations

import errno
import os
import shutil

import numpy as np
import pytest

from stackreel.errors import DiskFullError, OutputExistsError, VolumeError, VolumeMissingError
from stackreel.geometry import Spacing
from stackreel.slices import open_slices
from stackreel.volume import build as building
from stackreel.volume import open_volume, output, shards
from stackreel.volume.build import build
from stackreel.volume.export import copy_volume
from stackreel.volume.journal import Journal, journal_of, read_journal
from stackreel.volume.linking import link_alone
from stackreel.volume.links import links_to
from stackreel.volume.output import left_by
from stackreel.volume.recipe import Recipe
from stackreel.volume.undo import undo_of

from .test_build import contents, same_contents

EVERYTHING = (slice(None),) * 3
RECIPE = Recipe("brain", Spacing(1, 1, 1), durable=0.0)


class StopsError(Exception):
    pass


@pytest.fixture
def samples():
    return np.random.default_rng(1).integers(1, 100, (150, 300, 300), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Where the volumes of a test stand, and nothing else."""
    (tmp_path / "here").mkdir()
    return tmp_path / "here"


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def stop(source, out, bands=3, **more):
    """Convert no further than so many bands."""
    seen = []

    def progress(size):
        seen.append(size)
        if len(seen) > bands:
            raise StopsError

    with pytest.raises(StopsError):
        build(source, out, RECIPE, progress=progress, **more)


@pytest.mark.parametrize("ending", [".h5", ".ome.zarr"])
def test_an_export_leaves_a_stopped_conversion_alone(make_volume, array_source, samples, folder, ending):
    volume = make_volume(samples[:40], name="brain", ending=".ome.zarr" if ending == ".h5" else ".h5")
    out = folder / f"brain{ending}"
    stop(array_source(samples), out)
    before = journal_of(folder / f"{out.name}.partial").read_bytes()
    with pytest.raises(VolumeError, match=r"was stopped on the way.*Give another name, or go on"):
        copy_volume(volume, out, threads=1)
    assert journal_of(folder / f"{out.name}.partial").read_bytes() == before
    gone_on_with = []
    build(array_source(samples), out, RECIPE, resumed=gone_on_with.append)
    assert gone_on_with[0] > 0
    assert names(folder) == [out.name]


class Interrupts:
    """os.replace, after so many of which somebody presses Ctrl-C, once."""

    def __init__(self, after):
        self.left, self.replace = after, os.replace

    def __call__(self, old, new):
        self.replace(old, new)
        self.left -= not str(old).endswith(".part")  # of a small file in a folder
        if self.left == 0:
            raise KeyboardInterrupt


@pytest.mark.parametrize("replaced", [1, 2])
def test_a_volume_being_replaced_never_vanishes(array_source, samples, folder, monkeypatch, replaced):
    out = folder / "brain.ome.zarr"
    build(array_source(samples), out, RECIPE)
    with monkeypatch.context() as patch:
        patch.setattr(output.os, "replace", Interrupts(replaced))
        with pytest.raises(KeyboardInterrupt) as stopped:
            build(array_source(100 - samples), out, RECIPE, overwrite=True)
    expected = samples if replaced == 1 else 100 - samples
    np.testing.assert_array_equal(open_volume(out).levels[0].read(EVERYTHING), expected)
    if replaced == 1:
        assert names(folder) == ["brain.ome.zarr", "brain.ome.zarr.journal", "brain.ome.zarr.partial"]
        assert "goes on from there" in left_by(out)
    else:
        assert names(folder) == ["brain.ome.zarr"]
        assert "was just complete" in str(stopped.value)
    build(array_source(100 - samples), out, RECIPE, overwrite=True)
    assert names(folder) == ["brain.ome.zarr"]


def test_what_a_kill_left_aside_is_found_and_put_back(array_source, samples, folder):
    out, aside = folder / "brain.ome.zarr", folder / ".brain.ome.zarr.replaced"
    build(array_source(samples), out, RECIPE)
    os.replace(out, aside)
    with pytest.raises(VolumeMissingError, match=r"about to be replaced.*\.brain\.ome\.zarr\.replaced now"):
        open_volume(out)
    with pytest.raises(OutputExistsError, match="--overwrite to replace it"):
        build(array_source(samples), out, RECIPE)
    stop(array_source(100 - samples), out, overwrite=True)
    np.testing.assert_array_equal(open_volume(out).levels[0].read(EVERYTHING), samples)
    assert not aside.exists()
    shutil.copytree(out, aside)
    build(array_source(100 - samples), out, RECIPE, overwrite=True)
    np.testing.assert_array_equal(open_volume(out).levels[0].read(EVERYTHING), 100 - samples)
    assert names(folder) == ["brain.ome.zarr"]


def test_ctrl_c_just_after_the_end_leaves_the_volume_alone(array_source, samples, folder, monkeypatch):
    out = folder / "brain.h5"
    with monkeypatch.context() as patch:
        patch.setattr(output.os, "replace", Interrupts(1))
        with pytest.raises(KeyboardInterrupt, match="was just complete"):
            build(array_source(samples), out, RECIPE)
    assert names(folder) == ["brain.h5"]
    assert left_by(out) == "Nothing was left behind"
    np.testing.assert_array_equal(open_volume(out).levels[0].read(EVERYTHING), samples)


def test_nothing_is_promised_where_nothing_is(array_source, samples, folder):
    out = folder / "brain.h5"
    stop(array_source(samples), out)
    assert "the same command goes on from there" in left_by(out)
    (folder / "brain.h5.partial").unlink()
    assert left_by(out) == "Nothing was left behind"
    Journal.start(folder / "brain.h5.journal", {}).close()
    (folder / "brain.h5.partial").touch()
    assert left_by(out) == "Nothing was left behind"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()])
def test_a_journal_that_cannot_be_begun_leaves_nothing(array_source, samples, folder, monkeypatch, error):
    def full(self, payload):
        raise error

    monkeypatch.setattr(Journal, "_append", full)
    with pytest.raises((DiskFullError, KeyboardInterrupt)):
        build(array_source(samples), folder / "brain.h5", RECIPE)
    assert names(folder) == []


def test_ctrl_c_before_an_earlier_run_was_looked_at_keeps_it(array_source, samples, folder, monkeypatch):
    out = folder / "brain.h5"
    stop(array_source(samples), out)
    with monkeypatch.context() as patch:

        def interrupted(path):
            raise KeyboardInterrupt

        patch.setattr(Journal, "resume", interrupted)
        with pytest.raises(KeyboardInterrupt):
            build(array_source(samples), out, RECIPE)
    gone_on_with = []
    build(array_source(samples), out, RECIPE, resumed=gone_on_with.append)
    assert gone_on_with[0] > 0


def test_what_a_repair_put_aside_goes_with_its_volume(array_source, samples, folder):
    out = folder / "brain.h5"
    build(array_source(samples), out, RECIPE)
    undo_of(out).write_bytes(b"pieces of the old file")
    build(array_source(samples), out, RECIPE, overwrite=True)
    assert names(folder) == ["brain.h5"]


def test_the_journal_of_another_run_is_left_alone(tmp_path):
    one = Journal.start(tmp_path / "a.journal", {})
    other = Journal.start(tmp_path / "a.journal", {"its": "own"})
    one.discard()
    assert read_journal(tmp_path / "a.journal")[0] == {"its": "own"}
    other.discard()
    assert names(tmp_path) == []
    one.close()
    other.close()


def test_the_folder_is_synced_after_the_rename_and_before_the_journal_goes(array_source, samples, folder, monkeypatch):
    """Otherwise a power cut could leave the old name without its journal."""
    seen, replace, fsync, discard = [], os.replace, os.fsync, Journal.discard

    def noted(handle):
        if os.path.samestat(os.fstat(handle), folder.stat()):
            seen.append("sync")
        fsync(handle)

    monkeypatch.setattr(output.os, "fsync", noted)
    monkeypatch.setattr(output.os, "replace", lambda old, new: (replace(old, new), seen.append("rename")))
    monkeypatch.setattr(Journal, "discard", lambda self: (discard(self), seen.append("discard")))
    build(array_source(samples), folder / "brain.h5", RECIPE)
    assert seen[0] == "sync"
    assert seen[-4:] == ["rename", "sync", "discard", "sync"]


def test_records_of_the_journal_do_not_grow(array_source, folder):
    """As long as each tells of as many sections, the last one is as large as the first."""
    rng = np.random.default_rng(1)
    samples = np.zeros((640, 256, 130), np.uint16)
    samples[:] = rng.integers(0, 9, samples.shape)
    sizes = []

    class Counts(array_source):
        def read(self, z, rows, out=None):
            journal = folder / "brain.h5.journal"
            sizes.append(journal.stat().st_size if journal.exists() else 0)
            return super().read(z, rows, out)

    build(Counts(samples), folder / "brain.h5", RECIPE)
    grown = np.diff(sizes)
    grown = grown[grown > 0]
    assert len(grown) > 8
    assert grown.max() < 12_000  # the counts of 16 bits alone are 512 kB, and a table of hashes is 10 kB


def test_a_journal_of_an_older_version_is_gone_on_with(array_source, samples, folder):
    """Each of its records tells all hashes and counts."""
    out, journal = folder / "brain.h5", folder / "brain.h5.journal"
    build(array_source(samples), folder / "whole.h5", RECIPE)
    stop(array_source(samples), out)
    settings, records, _ = read_journal(journal)
    records = [dict(record) for record in records]
    older = Journal.start(journal, settings)
    hashes, counts = np.zeros((150, 3), np.uint64), np.zeros(256, np.int64)
    for record in records:
        first = int(record.pop("hashes0_first"))
        hashes[first : first + len(record["hashes0"])] = record["hashes0"]
        counts[record.pop("counted")] = record["counts"]
        older.append(**(record | {"hashes0": hashes, "counts": counts}))
    older.close()
    gone_on_with = []
    build(array_source(samples), out, RECIPE, resumed=gone_on_with.append)
    assert gone_on_with[0] > 0
    same_contents(contents(out), contents(folder / "whole.h5"))


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), OSError(errno.EIO, "broken")])
def test_a_disk_that_fails_while_linking_is_said(tmp_path, folder, samples, error):
    slices = tmp_path / "slices"
    slices.mkdir()
    for k, section in enumerate(samples[:5]):
        section.tofile(slices / f"s{k:03}.raw")
    source = open_slices(slices, shape=(300, 300), dtype="uint8")

    def fails(*_):
        raise error

    recipe = Recipe("brain", Spacing(1, 1, 1), links=links_to(source, None))
    words = "the disk is full" if error.errno == errno.ENOSPC else "could not be written"
    with (
        pytest.raises(VolumeError, match=words)
        if error.errno == errno.EIO
        else pytest.raises(DiskFullError, match=words)
    ):
        link_alone(source, folder / "brain.h5", recipe, fails)
    assert names(folder) == []


def test_folders_that_a_killed_run_made_are_safe_on_the_disk_too(array_source, samples, folder, monkeypatch):
    """A power cut after the end must not lose a shard because nobody synced the folder that its folder is in."""
    out, partial = folder / "brain.ome.zarr", folder / "brain.ome.zarr.partial"
    stop(array_source(samples), out, bands=1)
    (partial / "0" / "c" / "3" / "0").mkdir(parents=True)  # by the run that was killed; never synced
    synced, fsync = set(), os.fsync

    def noted(handle):
        synced.add(os.fstat(handle).st_ino)
        fsync(handle)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", noted)
        build(array_source(samples), out, RECIPE)
    assert {(out / name).stat().st_ino for name in ("0/c/3/0", "0/c/3", "0/c", "0")} <= synced
    assert out.stat().st_ino in synced


def test_the_last_seconds_which_ctrl_c_waits_for_have_no_shards_to_sync(array_source, samples, folder, monkeypatch):
    out, waiting = folder / "brain.ome.zarr", []
    complete, fdatasync = building.complete, shards._fdatasync

    def noted(handle):
        assert not waiting
        fdatasync(handle)

    monkeypatch.setattr(shards, "_fdatasync", noted)
    monkeypatch.setattr(building, "complete", lambda *a: (waiting.append(1), complete(*a)))
    build(array_source(samples), out, Recipe("brain", Spacing(1, 1, 1), durable=1e9))
    assert waiting
