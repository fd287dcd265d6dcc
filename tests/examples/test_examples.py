"""The examples do what they say, on small data."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from stackreel.cli import main
from stackreel.scene.document import load

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture
def sections(tmp_path):
    folder = tmp_path / "sections"
    assert main(["phantom", str(folder), "--shape", "12", "64", "72", "--format", "tiff"]) == 0
    return folder


def test_a_movie_written_in_python_can_be_filmed(sections, tmp_path):
    volume, movie, picture = tmp_path / "brain.h5", tmp_path / "turn.yaml", tmp_path / "frame.png"
    assert main(["convert", str(sections), str(volume), "--spacing", "10", "1", "1"]) == 0
    subprocess.run([sys.executable, EXAMPLES / "turntable.py", volume, movie], check=True)
    assert main(["frame", str(movie), "--at", "9", "-o", str(picture), "--draft"]) == 0
    assert picture.stat().st_size > 1000


def test_own_sections_become_a_page_and_a_draft_and_a_second_run_keeps_the_edited_movie(sections, tmp_path):
    out = tmp_path / "mine"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    command = ["bash", EXAMPLES / "own-sections.sh", sections, out, "600um", "60um", "60um"]
    subprocess.run(command, check=True, env={**os.environ, "PATH": path})
    movie = out / "movie.yaml"
    movie.write_text(movie.read_text("utf-8").replace("degrees: 360", "degrees: 90"), "utf-8")
    subprocess.run(command, check=True, env={**os.environ, "PATH": path})
    assert "degrees: 90" in movie.read_text("utf-8")
    assert {"brain.h5", "sheet.png", "draft.mp4"} <= {p.name for p in out.iterdir()}


def test_the_recipe_without_its_words_says_what_they_are():
    done = subprocess.run(["bash", EXAMPLES / "own-sections.sh"], capture_output=True, text=True)
    assert done.returncode == 2
    assert "SECTIONS OUT Z Y X" in done.stderr


def test_the_stills_of_the_synthetic_hemisphere_are_pictures_and_those_without_data_are_left_out(tmp_path):
    out, missing = tmp_path / "talk", tmp_path / "nothing here"
    command = [sys.executable, EXAMPLES / "stills.py", out, "--data", missing, "--shape", "12", "90", "98"]
    done = subprocess.run([*command, "--size", "96", "54"], check=True, capture_output=True, text=True)
    assert {p.stem for p in out.glob("*.png")} == {"close-up", "cut-away", "fibres"}
    for path in out.glob("*.png"):
        picture = np.asarray(Image.open(path).convert("RGB"))
        assert picture.shape == (54, 96, 3)
        assert (picture.max(axis=2) > 60).mean() > 0.2, f"{path.stem} shows something"
    for name in ("human", "mouse", "regions", "vessels"):
        assert f"{name}: left out, because there is no {missing}" in done.stdout
    assert done.stdout.strip().endswith("close-up, cut-away, fibres")


def test_every_still_says_what_it_shows_and_is_a_movie_file_without_mistakes():
    movies = sorted((EXAMPLES / "stills").glob("*.yaml"))
    assert len(movies) == 7
    for path in movies:
        assert path.read_text("utf-8").startswith("# ")
        load(path)
