"""A volume that waits for sections shows all that has come, in every resolution, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from stackreel.cli import main
from stackreel.errors import CorruptChunkError, VolumeError, VolumeMissingError
from stackreel.geometry import Spacing
from stackreel.slices import open_slices
from stackreel.slices.following import follow
from stackreel.volume import build as building
from stackreel.volume import open_volume, pyramid
from stackreel.volume.build import build
from stackreel.volume.recipe import Recipe
from stackreel.volume.reduction import Reduction

from .test_build import check_summaries

EVERYTHING = (slice(None),) * 3
COUNT, ROWS, COLUMNS = 110, 300, 170
RAW = {"shape": (ROWS, COLUMNS), "dtype": "uint8"}


class StopsError(Exception):
    pass


@pytest.fixture
def scan(tmp_path, monkeypatch):
    """scan(kind, arrived) → the unfinished volume of so many sections, and the finished one."""
    monkeypatch.setattr(building, "BAND_BYTES", 1 << 20)
    z, y, x = np.indices((COUNT, ROWS, COLUMNS), sparse=True)
    rng = np.random.default_rng(0)
    stack = ((x * 0.3 + y * 0.2 + 2 * z + rng.integers(0, 9, (COUNT, ROWS, COLUMNS))) % 170).astype(np.uint8)
    stack[(y - 150) ** 2 + (x - 85) ** 2 > 80**2 + 0 * z] = 255
    folder, rest = tmp_path / "scan", tmp_path / "rest"
    folder.mkdir()
    rest.mkdir()

    def make(kind, arrived):
        reduction = Reduction("axial", 180.0, 255.0) if kind == "axial" else Reduction(kind)
        recipe = Recipe("brain", Spacing(2, 1, 1), reduction)
        for k, section in enumerate(stack):
            section.tofile((folder if k < arrived else rest) / f"s{k:03}.raw")

        def stop(_):
            raise StopsError

        arriving = follow(folder, COUNT, settle=0.0, **RAW)
        with pytest.raises(StopsError):
            build(arriving, tmp_path / "brain.h5", recipe, arriving=arriving, awaiting=stop)
        for file in rest.iterdir():
            file.rename(folder / file.name)
        whole = build(open_slices(folder, **RAW), tmp_path / "whole.h5", recipe)
        return open_volume(tmp_path / "brain.h5.partial"), whole

    return make


@pytest.mark.parametrize("pending", [1 << 14, 128 << 20])
@pytest.mark.parametrize("kind", ["intensity", "axial", "label"])
def test_every_level_has_all_that_has_come_and_nothing_else(scan, monkeypatch, kind, pending):
    monkeypatch.setattr(pyramid, "PENDING_BYTES", pending)
    volume, whole = scan(kind, 70)
    assert volume.provenance["unfinished"] == f"64 of {COUNT} sections"
    assert volume.shape == whole.shape
    assert (volume.kind, volume.period, volume.background) == (whole.kind, whole.period, whole.background)
    empty = 255 if kind == "axial" else 0
    assert len(volume.levels) == len(whole.levels) >= 3
    for level, finished in zip(volume.levels, whole.levels, strict=True):
        assert (level.shape, level.chunk, level.factors) == (finished.shape, finished.chunk, finished.factors)
        complete = 64 // level.factors[0]
        found = level.read(EVERYTHING)
        np.testing.assert_array_equal(found[:complete], finished.read(EVERYTHING)[:complete])
        assert (found[complete:] == empty).all()
    check_summaries(volume)
    stored = [volume.levels[0].stored_chunks() > 0, whole.levels[0].stored_chunks() > 0]
    np.testing.assert_array_equal(stored[0][:2], stored[1][:2])
    assert volume.histogram.counts.sum() == 64 * ROWS * COLUMNS


def test_what_is_in_the_file_counts_more_than_an_old_look_ahead(scan, tmp_path):
    """Killed between two looks ahead: 32 more sections are in the file, and the look ahead knows nothing of them."""
    volume, whole = scan("intensity", 40)
    assert volume.provenance["unfinished"].startswith("32 of")
    old = (tmp_path / "brain.h5.preview").read_bytes()
    for k in range(70, COUNT):
        (tmp_path / "scan" / f"s{k:03}.raw").rename(tmp_path / "rest" / f"s{k:03}.raw")

    def stop(_):
        raise StopsError

    arriving = follow(tmp_path / "scan", COUNT, settle=0.0, **RAW)
    recipe = Recipe("brain", Spacing(2, 1, 1))
    with pytest.raises(StopsError):
        build(arriving, tmp_path / "brain.h5", recipe, arriving=arriving, awaiting=stop)
    (tmp_path / "brain.h5.preview").write_bytes(old)
    now = open_volume(tmp_path / "brain.h5.partial")
    assert now.provenance["unfinished"].startswith("64 of")
    assert now.fingerprint != volume.fingerprint
    np.testing.assert_array_equal(now.levels[0].read(EVERYTHING)[:64], whole.levels[0].read(EVERYTHING)[:64])
    top = len(now.levels) - 1
    assert now.levels[top].read(EVERYTHING)[: 32 // now.levels[top].factors[0]].any()


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", None])
def test_without_a_whole_look_ahead_the_file_alone_is_shown(scan, tmp_path, damage):
    scan("intensity", 40)
    preview = tmp_path / "brain.h5.preview"
    if damage is None:
        preview.unlink()
    else:
        preview.write_bytes(damage)
    volume = open_volume(tmp_path / "brain.h5.partial")
    assert volume.levels[0].read(EVERYTHING)[:32].any()
    assert not volume.levels[-1].read(EVERYTHING).any()


def test_a_conversion_that_was_stopped_can_be_looked_at_too(tmp_path, array_source):
    samples = np.random.default_rng(0).integers(1, 255, (70, 200, 150), dtype=np.uint8)
    seen = []

    def progress(size):
        seen.append(size)
        if len(seen) > 2:
            raise StopsError

    with pytest.raises(StopsError):
        build(array_source(samples), tmp_path / "a.h5", Recipe("a", Spacing(1, 1, 1), durable=0.0), progress=progress)
    volume = open_volume(tmp_path / "a.h5.partial")
    found = volume.levels[0].read(EVERYTHING)
    np.testing.assert_array_equal(found[:64], samples[:64])
    assert not found[64:].any()


def test_images_that_are_decoded_whole_are_followed_too(tmp_path):
    sections = np.random.default_rng(0).integers(0, 255, (40, 90, 60), dtype=np.uint8)
    folder = tmp_path / "scan"
    folder.mkdir()

    def arrive(*which):
        for k in which:
            Image.fromarray(sections[k]).save(folder / f"s{k}.png")

    arrive(*range(20, 40))
    waited = []

    def come(status):
        waited.append(status)
        arrive(*range(20))

    arriving = follow(folder, 40, settle=0.0)
    assert not arriving.banded
    volume = build(arriving, tmp_path / "a.h5", Recipe("a", Spacing(2, 1, 1)), arriving=arriving, awaiting=come)
    assert len(waited) == 1
    assert waited[0].names == tuple(f"s{k}.png" for k in range(20))
    np.testing.assert_array_equal(volume.levels[0].read(EVERYTHING), sections)


def test_damaged_samples_are_said_to_be(scan, tmp_path):
    scan("intensity", 40)
    partial = tmp_path / "brain.h5.partial"
    partial.write_bytes(bytes(partial.stat().st_size))
    with pytest.raises(CorruptChunkError, match=r"brain\.h5\.partial: level 0, chunk .* is damaged"):
        open_volume(partial).levels[0].read(EVERYTHING)


def test_what_cannot_be_opened_says_why(scan, tmp_path):
    scan("intensity", 40)
    partial = tmp_path / "brain.h5.partial"
    with pytest.raises(VolumeError, match='holds no volume "other"; it holds brain'):
        open_volume(partial, "other")
    with pytest.raises(VolumeMissingError, match=r"is not finished; .*brain\.h5\.partial"):
        open_volume(tmp_path / "brain.h5")
    (tmp_path / "brain.h5.journal").unlink()
    with pytest.raises(VolumeError, match=r"brain\.h5\.journal beside it is gone"):
        open_volume(partial)


def test_info_says_how_much_is_there_and_paraview_has_to_wait(scan, tmp_path, capsys):
    scan("intensity", 40)
    partial = str(tmp_path / "brain.h5.partial")
    assert main(["info", partial]) == 0
    assert f"unfinished: 32 of {COUNT} sections" in capsys.readouterr().out.splitlines()[0]
    assert main(["xdmf", partial]) == 1
    assert "ParaView opens it when it is" in capsys.readouterr().err
