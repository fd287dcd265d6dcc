"""What stands under a volume's name is never lost to a run that did not see it: replaced, repaired, killed, refused."""

from __future__ import annotations

import dataclasses
import os
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from stackreel.errors import OutputExistsError, VolumeError
from stackreel.geometry import Spacing
from stackreel.slices import open_slices
from stackreel.volume import open_volume, place
from stackreel.volume import repair as repairing
from stackreel.volume.build import build
from stackreel.volume.export import copy_volume
from stackreel.volume.output import left_by
from stackreel.volume.place import put_in_place
from stackreel.volume.recipe import Recipe
from stackreel.volume.repair import repair
from stackreel.volume.verify import verify

SHAPE = (40, 150, 140)
ENDINGS = [".h5", ".ome.zarr"]
pytestmark = pytest.mark.skipif(os.name == "nt", reason="no such locks and signals on Windows")


class Place:
    """A folder with raw sections, and volumes of them or of others."""

    def __init__(self, folder):
        self.folder = folder
        rng = np.random.default_rng(0)
        for name in ("one", "other"):
            (folder / name).mkdir(parents=True)
            for k, section in enumerate(rng.integers(1, 200, SHAPE, dtype=np.uint8)):
                section.tofile(folder / name / f"s{k:02}.raw")

    def source(self, name="one"):
        return open_slices(self.folder / name, shape=SHAPE[1:], dtype="uint8")

    def make(self, path, name="one"):
        build(self.source(name), path, Recipe("brain", Spacing(1, 1, 1)), overwrite=True)
        return path

    def names(self):
        return sorted(p.name for p in self.folder.iterdir() if p.name not in ("one", "other"))


@pytest.fixture
def here(tmp_path):
    return Place(tmp_path / "here")


def made_of(path):
    """The first sample."""
    return int(open_volume(path).levels[0].read_chunk((0, 0, 0))[0, 0, 0])


def first(here, name):
    return int(here.source(name).read(0, slice(0, 1))[0, 0])


def hurt(path):
    """Damage a chunk of the full resolution."""
    if path.is_dir():
        at, file = 100, path / "0" / "c" / "0" / "0" / "0"
    else:
        from stackreel.volume.ledger import read_ledger

        at, file = int(read_ledger(path).full.offsets[0, 0, 0]) + 100, path
    with open(file, "r+b") as handle:
        handle.seek(at)
        (byte,) = handle.read(1)
        handle.seek(at)
        handle.write(bytes([byte ^ 1]))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_repair_at_work_is_not_replaced_and_writes_into_nothing_else(here, ending):
    path = here.make(here.folder / f"brain{ending}")
    hurt(path)
    refused = []

    def progress(_):
        with pytest.raises(VolumeError, match=r"is being repaired.*The new volume is complete in .*\.partial") as error:
            here.make(path, "other")
        refused.append(error.value)

    assert repair(path, here.source(), progress=progress).report.whole
    assert refused
    assert made_of(path) == first(here, "one")
    partial = here.folder / f"brain{ending}.partial"
    assert verify(partial).whole  # complete, as was said
    here.make(path, "other")  # as was said, too
    assert made_of(path) == first(here, "other")
    assert verify(path).whole
    assert here.names() == [path.name]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_repair_never_writes_to_what_has_moved_into_its_place(here, ending):
    """By hand, or by a program that knows no locks."""
    path, new = here.make(here.folder / f"brain{ending}"), here.make(here.folder / f"new{ending}", "other")
    shutil.move(path, here.folder / "kept")
    (shutil.copytree if new.is_dir() else shutil.copy)(new, path)
    shutil.move(path, here.folder / "second")
    shutil.move(here.folder / "kept", path)
    hurt(path)

    def progress(_):
        shutil.move(path, here.folder / "kept")
        shutil.move(here.folder / "second", path)

    if ending == ".h5":  # its chunks go through the open file, wherever that is
        repair(path, here.source(), progress=progress)
    else:
        with pytest.raises(VolumeError, match="another volume has come there since the repair began"):
            repair(path, here.source(), progress=progress)
    assert verify(path).whole
    assert made_of(path) == first(here, "other")


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_comes_to_the_name_of_a_conversion_meanwhile_is_kept(here, ending):
    path = here.folder / f"brain{ending}"

    def progress(_):
        if not path.exists():
            if ending == ".h5":
                path.write_bytes(b"precious")
            else:
                path.mkdir()
                (path / "zarr.json").write_bytes(b"precious")

    recipe = Recipe("brain", Spacing(1, 1, 1))
    with pytest.raises(VolumeError, match=r"has come there since this run began, and was left as it is\. The new"):
        build(here.source(), path, recipe, progress=progress)
    assert (path if path.is_file() else path / "zarr.json").read_bytes() == b"precious"
    with pytest.raises(OutputExistsError):
        build(here.source(), path, recipe)
    partial = here.folder / f"brain{ending}.partial"
    os.replace(partial, here.folder / f"mine{ending}")  # as the message proposes
    assert verify(here.folder / f"mine{ending}").whole
    (shutil.rmtree if path.is_dir() else os.unlink)(path)
    assert verify(here.make(path)).whole
    assert here.names() == [f"brain{ending}", f"mine{ending}"]


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_comes_to_the_name_of_an_export_meanwhile_is_kept(here, ending):
    volume = open_volume(here.make(here.folder / f"brain{ENDINGS[ending == '.h5']}"))
    path = here.folder / f"out{ending}"

    def moved(_):
        if not path.exists():
            os.replace(here.make(here.folder / f"else{ending}", "other"), path)

    with pytest.raises(VolumeError, match=r"The new volume is complete in .*\.partial"):
        copy_volume(volume, path, threads=1, progress=moved)
    assert made_of(path) == first(here, "other")
    assert verify(here.folder / f"out{ending}.partial").whole


def test_programs_that_only_read_keep_nobody_from_replacing(here):
    """HDF5 holds such a lock on every file that it reads."""
    import h5py

    path = here.make(here.folder / "brain.h5")
    with h5py.File(path, "r", locking=True) as file:
        here.make(path, "other")
        assert file["brain"][0, 0, 0] == first(here, "one")
    assert made_of(path) == first(here, "other")


def lose_pages(path):
    """Damage what lies around the chunks, so that all is made anew."""
    if path.is_dir():
        (path / "0" / "zarr.json").write_text("{")
    else:
        with open(path, "r+b") as file:
            file.seek(600)
            file.write(b"\xff")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_volume_that_happens_to_be_called_repaired_is_left_alone(here, ending):
    path = here.make(here.folder / f"brain{ending}")
    theirs = here.make(path.with_name(f"{path.stem}.repaired{path.suffix}"), "other")
    lose_pages(path)
    mended = repair(path, here.source())
    assert mended.anew
    assert mended.report.whole
    assert made_of(theirs) == first(here, "other")
    assert here.names() == sorted([path.name, theirs.name])


def test_what_an_earlier_run_left_aside_does_not_keep_a_repair_from_its_end(here):
    path = here.make(here.folder / "brain.ome.zarr")
    aside = here.folder / ".brain.ome.zarr.replaced"
    shutil.copytree(path, aside)
    lose_pages(path)
    assert repair(path, here.source()).report.whole
    assert here.names() == [path.name]


KILLED = """\
import os, signal, sys
from stackreel.slices import open_slices
from stackreel.volume.repair import repair
folder, path = sys.argv[1:]
replace, seen = os.replace, []
def killed(old, new):
    if str(new) == path:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(old, new)
os.replace = killed
repair(path, open_slices(folder, shape=(150, 140), dtype="uint8"))
"""


@pytest.mark.parametrize("by", ["verify", "repair"])
def test_a_repair_killed_between_its_two_renames_is_found_and_goes_on(here, by, monkeypatch):
    path = here.make(here.folder / "brain.ome.zarr")
    lose_pages(path)
    done = subprocess.run([sys.executable, "-c", KILLED, str(here.folder / "one"), str(path)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert here.names() == [".brain.ome.repaired.zarr", ".brain.ome.zarr.replaced"]
    if by == "verify":
        assert not verify(path).metadata
    converted = []
    mended = repair(path, here.source(), progress=converted.append)
    assert mended.report.whole
    assert converted == []  # that was done already
    assert here.names() == [path.name]


def test_a_repair_anew_that_is_stopped_says_where_it_left_off(here, monkeypatch):
    recipe_of = repairing.recipe_of
    monkeypatch.setattr(repairing, "recipe_of", lambda *a: dataclasses.replace(recipe_of(*a), durable=0.0))
    path = here.make(here.folder / "brain.h5")
    lose_pages(path)
    hurt = path.read_bytes()

    done = []

    def interrupted(_):
        done.append(1)
        if len(done) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"is as it was\. What was done is kept in .*\.repaired"):
        repair(path, here.source(), progress=interrupted)
    assert path.read_bytes() == hurt
    assert repair(path, here.source()).report.whole
    assert here.names() == [path.name]


def test_ctrl_c_while_the_old_folder_is_removed_tells_that_the_new_one_stands(here, monkeypatch):
    path = here.make(here.folder / "brain.ome.zarr")
    rmtree = shutil.rmtree

    def interrupted(what, *more, **options):
        if ".replaced" in str(what):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.5)
        rmtree(what, *more, **options)

    with monkeypatch.context() as patch:
        patch.setattr(place.shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt, match=r"stopped; .*brain\.ome\.zarr was just complete"):
            here.make(path, "other")
    assert made_of(path) == first(here, "other")
    assert here.names() == [".brain.ome.zarr.replaced", path.name]  # and no journal
    assert left_by(path) == "Nothing was left behind"
    here.make(path)
    assert here.names() == [path.name]


def test_an_old_folder_that_cannot_be_removed_is_noted_and_stops_nobody(here, monkeypatch, caplog):
    path = here.make(here.folder / "brain.ome.zarr")
    rmtree = shutil.rmtree

    def refused(what, *more, **options):
        if ".replaced" in str(what):
            raise PermissionError(13, "Permission denied", str(what))
        rmtree(what, *more, **options)

    monkeypatch.setattr(place.shutil, "rmtree", refused)
    for name in ("other", "one"):
        caplog.clear()
        here.make(path, name)
        assert made_of(path) == first(here, name)
        assert "could not be removed (Permission denied) and lies in" in caplog.text
        assert verify(path).whole
    assert here.names() == [".brain.ome.zarr.replaced-1", ".brain.ome.zarr.replaced-2", path.name]


def test_what_cannot_get_out_of_the_way_is_said_before_the_work(here, monkeypatch):
    path = here.make(here.folder / "brain.ome.zarr")
    shutil.copytree(path, here.folder / ".brain.ome.zarr.replaced")

    def refuses(do):
        def refused(what, *more, **options):
            if ".replaced" in str(what):
                raise PermissionError(1, "Operation not permitted", str(what))
            do(what, *more, **options)

        return refused

    monkeypatch.setattr(place.shutil, "rmtree", refuses(shutil.rmtree))
    monkeypatch.setattr(place.os, "replace", refuses(os.replace))
    seen = []
    with pytest.raises(VolumeError, match=r"cannot be replaced before .*\.replaced is removed"):
        build(here.source("other"), path, Recipe("b", Spacing(1, 1, 1)), overwrite=True, progress=seen.append)
    assert not seen
    assert made_of(path) == first(here, "one")


def test_what_a_run_left_aside_is_not_put_back_while_somebody_holds_it(here):
    """A repair between its two renames."""
    import fcntl

    path = here.make(here.folder / "brain.ome.zarr")
    new = here.make(here.folder / "new.ome.zarr", "other")
    handle = os.open(path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    put_in_place(new, path)
    os.replace(path, new)
    with pytest.raises(VolumeError, match=r"is about to be replaced.*and stands in .*\.replaced"):
        verify(path)
    assert not path.exists()
    os.close(handle)
    assert verify(path).whole
    assert made_of(path) == first(here, "one")
