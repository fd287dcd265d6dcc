"""`stackreel link`: a volume without a copy of its slices, and what every other verb makes of it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from stackreel.cli import main
from stackreel.frames.native.forecast import Forecast
from stackreel.movie.production import produce
from stackreel.volume import open_volume

EVERYTHING = (slice(None),) * 3
SHAPE = (48, 150, 200)
RAW = ("--shape", "150", "200", "--dtype", "uint16", "--byte-order", "big", "--spacing", "3um", "1um", "1um")


@pytest.fixture
def samples():
    """A soft ball of uint16 with noise in it, nothing around it."""
    z, y, x = np.ix_(*(np.linspace(-1, 1, n) for n in SHAPE))
    ball = np.clip(1.2 - np.sqrt(z**2 + y**2 + x**2) * 1.6, 0, 1)
    return (ball * np.random.default_rng(2).uniform(0.6, 1, SHAPE) * 3000).astype(np.uint16)


@pytest.fixture
def here(tmp_path, monkeypatch, samples):
    """The working folder, with the slices in raw/."""
    (tmp_path / "raw").mkdir()
    for z, section in enumerate(samples):
        section.astype(">u2").tofile(tmp_path / "raw" / f"s{z:03}.raw")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def frame(folder, volume, *more):
    """A picture of a volume, through a movie file of its own."""
    movie = folder / f"{volume}.yaml"
    if not movie.exists():
        assert main(["new", f"{volume}.h5", "-o", str(movie), "--title", "ball"]) == 0
    picture = folder / f"{volume}.png"
    words = ["frame", str(movie), "--at", "2s", "-o", str(picture), "--size", "160", "120", "--overwrite", *more]
    assert main(words) == 0
    return np.asarray(Image.open(picture))


def test_the_picture_of_a_linked_volume_is_that_of_the_converted_one(here, samples):
    assert main(["link", "raw", "linked.h5", *RAW]) == 0
    assert main(["convert", "raw", "copied.h5", *RAW]) == 0
    np.testing.assert_array_equal(open_volume("linked.h5").levels[0].read(EVERYTHING), samples)
    linked, copied = frame(here, "linked"), frame(here, "copied")
    assert linked.std() > 10
    np.testing.assert_array_equal(linked, copied)


def test_what_was_done_and_what_to_do_next_is_said(here, capsys):
    assert main(["link", "raw", "brain.h5", *RAW, "--relative"]) == 0
    said = capsys.readouterr().out
    assert "2.88 MB of full resolution stay where they are" in said
    assert "next: stackreel new brain.h5" in said
    assert "HDF5_EXTFILE_PREFIX='${ORIGIN}'" in said
    assert main(["info", "brain.h5"]) == 0
    said = capsys.readouterr().out
    assert f"the full resolution stays in {here / 'raw' / 's000.raw'} … (48 files)" in said
    assert "all as they were when linked" in said


def test_without_levels_everything_that_needs_them_says_what_is_missing(here, capsys):
    assert main(["link", "raw", "brain.h5", *RAW]) == 0
    assert main(["new", "brain.h5", "-o", "movie.yaml"]) == 0
    capsys.readouterr()
    assert main(["link", "raw", "brain.h5", *RAW, "--no-levels", "--overwrite"]) == 0
    assert sorted(p.name for p in here.iterdir()) == ["brain.h5", "brain.hdf", "brain.xmf2", "movie.yaml", "raw"]
    assert "stackreel new" not in capsys.readouterr().out
    for words in (["new", "brain.h5", "-o", "m.yaml"], ["plan", "movie.yaml"], ["render", "movie.yaml", "-o", "m.mp4"]):
        assert main(words) == 1
        error = capsys.readouterr().err
        assert "brain.h5: no reduced levels" in error, words
        assert "`stackreel link SRC brain.h5 --overwrite` without --no-levels" in error.replace(f"{here}/", "")
    assert main(["info", "brain.h5"]) == 0
    assert "not known: linked without levels and statistics" in capsys.readouterr().out
    assert main(["info", "brain.h5", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["value_range"] is None
    assert len(facts["linked"]["files"]) == 48
    assert main(["xdmf", "brain.h5", "--stride", "2", "2", "2"]) == 0


def test_a_slice_that_changed_stops_the_picture_and_is_named(here, capsys):
    assert main(["link", "raw", "brain.h5", *RAW]) == 0
    before = frame(here, "brain")
    file = here / "raw" / "s024.raw"
    os.utime(file)
    np.testing.assert_array_equal(frame(here, "brain"), before)
    assert "1 of 48 linked files have another date" in capsys.readouterr().err
    file.write_bytes(bytes(file.stat().st_size))
    words = ["frame", "brain.yaml", "--at", "2s", "-o", "x.png", "--size", "800", "600"]
    assert main(words) == 1
    error = capsys.readouterr().err
    assert "s024.raw" in error
    assert "other samples in rows" in error
    assert not (here / "x.png").exists()
    assert main([*words, "--on-error", "hole"]) == 0


def test_slices_that_are_gone_are_told_before_the_picture(here, capsys):
    assert main(["link", "raw", "brain.h5", *RAW]) == 0
    assert main(["new", "brain.h5", "-o", "brain.yaml"]) == 0
    shutil.rmtree(here / "raw")
    capsys.readouterr()
    assert main(["frame", "brain.yaml", "-o", "x.png", "--size", "800", "600"]) == 1
    error = capsys.readouterr().err
    assert "48 of 48 linked files cannot be used" in error
    assert "s000.raw: no such file" in error


@pytest.mark.parametrize("ending", ["h5", "ome.zarr"])
def test_what_cannot_be_linked_is_refused_before_anything_is_written(here, samples, capsys, ending):
    (here / "tiff").mkdir()
    for z, section in enumerate(samples):
        tifffile.imwrite(here / "tiff" / f"s{z:03}.tif", section, compression="zlib")
    assert main(["link", "tiff" if ending == "h5" else "raw", f"x.{ending}", *(() if ending == "h5" else RAW)]) == 1
    assert ("`stackreel convert`" if ending == "h5" else "end the name in .h5") in capsys.readouterr().err
    assert sorted(p.name for p in here.iterdir()) == ["raw", "tiff"]


def test_the_plan_of_a_linked_volume_counts_the_bytes_that_are_read(here):
    assert main(["link", "raw", "brain.h5", *RAW]) == 0
    assert main(["new", "brain.h5", "-o", "brain.yaml"]) == 0
    production = produce(Path("brain.yaml"), size=(160, 120))
    scene = production.timeline.at(2.0)
    forecast = Forecast(production.volume, production.output, None, production.engine.stride)
    chunks = next(forecast.frames([scene])).chunks
    announced = forecast.stored_bytes(chunks[chunks < forecast.books.chunks.first[1]])
    session = production.engine.open(production.volume, production.output)
    session.render(scene)
    session.close()
    assert production.volume.levels[0].bytes_read == announced > 0


def test_a_linked_volume_is_verified_with_its_slices(here, capsys):
    assert main(["link", "raw", "brain.h5", *RAW]) == 0
    options = [word for word in RAW if word not in ("--spacing", "3um", "1um")]
    assert main(["verify", "brain.h5"]) == 0
    assert main(["verify", "brain.h5", "--against", "raw", *options]) == 0
    data = bytearray((here / "raw" / "s030.raw").read_bytes())
    data[149 * 400 + 7] ^= 1
    (here / "raw" / "s030.raw").write_bytes(data)
    capsys.readouterr()
    assert main(["verify", "brain.h5", "--against", "raw", *options]) == 1
    assert "30" in capsys.readouterr().out
