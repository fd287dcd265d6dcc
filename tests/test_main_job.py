"""The way through, as a user walks it: sections in a folder, three commands, a movie."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import av
import h5py
import numpy as np
import pytest
import yaml
from PIL import Image

from stackreel.cli import main
from stackreel.volume import open_volume

EVERYTHING = (slice(None),) * 3


def stackreel(*words):
    """The command line in a process of its own, as in a shell; what it printed."""
    done = subprocess.run(
        [sys.executable, "-m", "stackreel", *map(str, words)], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def pictures(movie):
    """All frames of a movie as players show them: uint8 (frames, height, width, 3)."""
    with av.open(str(movie)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def listing(folder):
    return sorted(p.name for p in folder.iterdir())


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """phantom, convert, new, render, in a folder with a blank in its name."""
    folder = tmp_path_factory.mktemp("the main job") / "my brain"
    folder.mkdir()
    stackreel("phantom", folder / "sections", "--shape", 30, 120, 136)
    said = stackreel(
        "convert", folder / "sections", folder / "brain.h5",
        "--shape", 120, 136, "--dtype", "uint8", "--spacing", "60um", "20um", "20um",
    )  # fmt: skip
    stackreel("new", folder / "brain.h5", "-o", folder / "movie.yaml")
    stackreel("render", folder / "movie.yaml", "-o", folder / "movie.mp4", "--draft", "--fps", 3)
    return folder, said


def test_three_commands_make_a_movie_that_shows_the_brain(job):
    folder, _ = job
    frames = pictures(folder / "movie.mp4")
    assert frames.shape == (30, 180, 320, 3)
    for k in (0, 8, 20, 29):
        lit = (frames[k].max(axis=-1) > 40).mean()
        assert 0.05 < lit < 1.0, (k, lit)
    assert frames[:21, :5, :5].max() < 30  # space around it stays dark, until the dive
    turned = np.abs(frames[0].astype(int) - frames[3]).mean()
    assert turned > 2.0  # it moves


def test_the_volume_holds_the_sections(job):
    folder, said = job
    volume = open_volume(folder / "brain.h5")
    assert volume.shape == (30, 120, 136)
    whole = volume.levels[0].read(EVERYTHING)
    files = sorted((folder / "sections").glob("*.raw"))
    assert len(files) == 30
    for z, file in enumerate(files):
        np.testing.assert_array_equal(whole[z], np.fromfile(file, np.uint8).reshape(120, 136))
    assert "30 sections of 120 × 136 uint8, 60 µm × 20 µm × 20 µm" in said


def test_only_what_was_asked_for_lies_in_the_folder(job):
    folder, _ = job
    beside = [f"brain{level}.{ending}" for level in ("", ".L1of2", ".L2of2") for ending in ("hdf", "xmf2")]
    assert listing(folder) == sorted([*beside, "brain.h5", "movie.mp4", "movie.reel", "movie.yaml", "sections"])


def test_a_frame_is_the_same_picture_as_in_the_movie(job):
    folder, _ = job
    stackreel("frame", folder / "movie.yaml", "--at", "1.0s", "-o", folder.parent / "frame.png", "--draft")
    still = np.asarray(Image.open(folder.parent / "frame.png").convert("RGB")).astype(int)
    assert np.abs(still - pictures(folder / "movie.mp4")[3]).mean() < 3.0  # what H.264 costs


def test_without_draft_it_is_the_same_movie_in_its_full_size(job):
    folder, _ = job
    out = folder.parent / "full.mp4"
    stackreel("render", folder / "movie.yaml", "-o", out, "--fps", 1, "--frames", "1:3")
    frames = pictures(out)
    assert frames.shape == (2, 720, 1280, 3)
    small = pictures(folder / "movie.mp4")[3].astype(int)
    shrunk = frames[0].reshape(180, 4, 320, 4, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - small).mean() < 6.0


# ---- movie files that cannot be: the message names the place, and nothing is written

GOOD = {
    "stackreel": 1,
    "volume": "brain.h5",
    "output": {"size": [160, 90], "fps": 5},
    "scene": {
        "color": {"map": "bone", "range": [0, 255]},
        "opacity": [[0, 0], [80, 0], [255, 0.5]],
        "opacity_unit": 0.02,
    },
    "shots": [{"name": "turn", "seconds": 2, "orbit": {"axis": "y", "degrees": 90}}],
}


def without(document, **changes):
    return {**document, **changes}


@pytest.fixture
def desk(job, tmp_path):
    """write(document) → a movie file beside a volume; the folder holds nothing else."""
    (tmp_path / "brain.h5").symlink_to(job[0] / "brain.h5")

    def write(document):
        text = document if isinstance(document, str) else yaml.safe_dump(document, sort_keys=False)
        (tmp_path / "movie.yaml").write_text(text)
        return tmp_path / "movie.yaml"

    return write


def render(movie, *words):
    return main(["render", str(movie), "-o", str(movie.with_name("movie.mp4")), *words])


def test_the_good_movie_is_good(desk):
    assert render(desk(GOOD)) == 0


@pytest.mark.parametrize(
    ("document", "place", "complaint"),
    [
        (without(GOOD, shotz=[]), "shotz", "shots"),
        (without(GOOD, scene={**GOOD["scene"], "opasity": []}), "scene.opasity", "opacity"),
        (without(GOOD, scene={**GOOD["scene"], "opacity": [[0, 0], [255, 1.5]]}), "scene.opacity", "1.5"),
        (without(GOOD, scene={**GOOD["scene"], "opacity": [[0, -0.1], [255, 1]]}), "scene.opacity", "-0.1"),
        (
            without(
                GOOD, shots=[{"seconds": 2, "orbit": {"degrees": 90}, "title": {"text": "a", "from": 3, "for": 1}}]
            ),
            "shots[0]",
            "2",
        ),
        (without(GOOD, shots=[{"seconds": -2}]), "shots[0].seconds", "-2"),
        (without(GOOD, shots=[{"seconds": 1, "fly": {"to": "nowhere"}}]), "shots[0].fly", "nowhere"),
        (without(GOOD, scene={**GOOD["scene"], "color": {"map": "bonee"}}), "scene.color", "bone"),
        (without(GOOD, volume="gone.h5"), "", "gone.h5"),
        (without(GOOD, stackreel=99), "stackreel", "99"),
        ("stackreel: 1\nvolume: [brain.h5\n", "movie.yaml:3", "look for a missing ]"),
        ("", "", "movie.yaml"),
    ],
)
def test_a_movie_file_that_cannot_be_is_refused_by_its_place(desk, tmp_path, capsys, document, place, complaint):
    assert render(desk(document)) == 1
    said = capsys.readouterr().err
    assert place in said
    assert complaint in said
    assert "movie.yaml" in said or "gone.h5" in said
    assert "Traceback" not in said
    assert listing(tmp_path) == ["brain.h5", "movie.yaml"]


def test_a_volume_that_is_not_ours_is_refused(desk, tmp_path, capsys):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["PLI"] = np.zeros((3, 4, 5), np.uint8)
    (tmp_path / "text.h5").write_text("not HDF5")
    for name, complaint in {"other.h5": "not a stackreel volume", "text.h5": "not a readable HDF5 file"}.items():
        assert render(desk(without(GOOD, volume=name))) == 1
        said = capsys.readouterr().err
        assert complaint in said
        assert "Traceback" not in said
        assert listing(tmp_path) == ["brain.h5", "movie.yaml", "other.h5", "text.h5"]


def test_a_movie_file_that_is_missing_is_said(tmp_path, capsys):
    assert render(tmp_path / "flight.yaml") == 1
    said = capsys.readouterr().err
    assert "flight.yaml" in said
    assert "Traceback" not in said
    assert listing(tmp_path) == []


# ---- real data


@pytest.fixture(scope="module")
def volumes():
    folder = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "volumes"
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}")
    return folder


def test_a_mouse_brain_from_the_light_sheet_becomes_a_movie(volumes, tmp_path):
    """The three commands of the README on 270 TIFFs that nobody here made; two frames a second, to be short."""
    with tarfile.open(volumes / "mouse_lightsheet_brainreg.tar.xz") as tar:
        tar.extractall(tmp_path, filter="data")
    (sections,) = (p for p in tmp_path.iterdir() if p.is_dir())
    stackreel("convert", sections, tmp_path / "brain.h5", "--spacing", "50um", "40um", "40um")
    stackreel("new", tmp_path / "brain.h5", "-o", tmp_path / "movie.yaml")
    stackreel("render", tmp_path / "movie.yaml", "-o", tmp_path / "movie.mp4", "--draft", "--fps", 2)
    volume = open_volume(tmp_path / "brain.h5")
    assert volume.shape == (270, 193, 271)
    assert volume.placement.um_per_unit == pytest.approx(13_500)
    frames = pictures(tmp_path / "movie.mp4")
    assert frames.shape == (20, 180, 320, 3)
    # whole in the picture at first, filling it at the end
    lit = (frames.max(axis=-1) > 30).mean(axis=(1, 2))
    assert 0.1 < lit[0] < 0.6
    assert lit[-1] > 0.5
    assert frames[0][[0, -1], :].max() < 30


def test_electron_micrographs_keep_the_order_of_their_numbers(volumes, tmp_path):
    """0.png, 1.png, 2.png, …, 10.png: slice k is k.png."""
    folder = volumes / "isbi2012_ssTEM_png"
    stackreel("convert", folder, tmp_path / "em.h5", "--spacing", "50nm", "4nm", "4nm")
    volume = open_volume(tmp_path / "em.h5")
    whole = volume.levels[0].read(EVERYTHING)
    assert whole.shape == (30, 512, 512)
    for k in range(30):
        np.testing.assert_array_equal(whole[k], np.asarray(Image.open(folder / f"{k}.png")))
    assert [level.factors for level in volume.levels] == [(1, 1, 1), (1, 2, 2), (1, 4, 4), (1, 8, 8)]
    assert "50 nm × 4 nm × 4 nm" in stackreel("info", tmp_path / "em.h5")
    shutil.rmtree(tmp_path)
