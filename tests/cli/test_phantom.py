"""`stackreel phantom`: sections on disk, resumed after a stop, refused before they could do harm."""

from __future__ import annotations

import json
import shlex
import time

import numpy as np
import pytest
import tifffile

from stackreel.cli import main
from stackreel.slices.phantom import Phantom

SHAPE = (6, 64, 72)
SHAPE_WORDS = ["--shape", *map(str, SHAPE)]


def test_raw_sections_hold_what_the_phantom_says(tmp_path):
    folder = tmp_path / "brain"
    assert main(["phantom", str(folder), *SHAPE_WORDS, "--seed", "2"]) == 0
    names = sorted(p.name for p in folder.iterdir())
    assert names == ["phantom.json", *(f"transmittance_{z:04d}.raw" for z in range(6))]
    for z in range(6):
        written = np.fromfile(folder / f"transmittance_{z:04d}.raw", np.uint8).reshape(SHAPE[1:])
        np.testing.assert_array_equal(written, Phantom(SHAPE, seed=2).rows(z, 0, 64, "transmittance"))
    note = json.loads((folder / "phantom.json").read_text())
    assert (note["shape"], note["dtype"], note["seed"]) == ([6, 64, 72], "uint8", 2)


def test_all_modalities_as_tiff_with_their_resolution(tmp_path):
    words = ["phantom", str(tmp_path), *SHAPE_WORDS, "--modality", "all", "--format", "tiff"]
    assert main([*words, "--spacing", "60um", "10um", "10um"]) == 0
    for modality in ("transmittance", "retardation", "direction"):
        with tifffile.TiffFile(tmp_path / modality / f"{modality}_0004.tif") as tiff:
            assert tiff.pages[0].shape == SHAPE[1:]
            assert tiff.pages[0].resolution == (1000, 1000)
            assert tiff.asarray().any()


def test_the_printed_command_makes_a_volume(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["phantom", "fibres", *SHAPE_WORDS, "--modality", "direction"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("next: "))
    program, *words = shlex.split(line.removeprefix("next: "))
    assert program == "stackreel"
    assert "--period 256" in line
    assert main(words) == 0
    assert (tmp_path / "direction.h5").stat().st_size > 0


def test_a_second_run_writes_only_what_is_missing(tmp_path, capsys):
    words = ["phantom", str(tmp_path), *SHAPE_WORDS]
    assert main(words) == 0
    kept, cut, gone = (tmp_path / f"transmittance_{z:04d}.raw" for z in (0, 1, 2))
    whole = cut.read_bytes(), gone.read_bytes()
    cut.write_bytes(b"short")
    gone.unlink()
    before = kept.stat().st_mtime_ns
    assert main(words) == 0
    assert "4 of 6 sections stand already" in capsys.readouterr().out
    assert (cut.read_bytes(), gone.read_bytes()) == whole
    assert kept.stat().st_mtime_ns == before
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def test_a_stop_leaves_whole_sections_and_no_scraps(tmp_path, monkeypatch):
    true_rows = Phantom.rows

    def rows(self, z, *args, **more):
        if z == 3:
            raise KeyboardInterrupt
        return true_rows(self, z, *args, **more)

    monkeypatch.setattr(Phantom, "rows", rows)
    assert main(["phantom", str(tmp_path), *SHAPE_WORDS]) == 130
    monkeypatch.undo()
    found = {p.name: p.stat().st_size for p in tmp_path.iterdir() if p.suffix != ".json"}
    assert "transmittance_0003.raw" not in found
    assert set(found.values()) <= {64 * 72}
    assert all(name.startswith("transmittance_") for name in found)
    assert main(["phantom", str(tmp_path), *SHAPE_WORDS]) == 0
    assert len(list(tmp_path.glob("*.raw"))) == 6


def test_another_phantom_is_not_mixed_in(tmp_path, capsys):
    assert main(["phantom", str(tmp_path), *SHAPE_WORDS]) == 0
    assert main(["phantom", str(tmp_path), *SHAPE_WORDS, "--seed", "9"]) == 1
    assert "another phantom: seed 4 there, 9 asked for" in capsys.readouterr().err


def test_a_folder_of_other_things_is_left_alone(tmp_path, capsys):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert main(["phantom", str(tmp_path), *SHAPE_WORDS]) == 1
    assert "holds other files" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize("below", ["", "inside"])
def test_a_file_is_no_folder(tmp_path, capsys, below):
    (tmp_path / "brain").write_text("")
    assert main(["phantom", str(tmp_path / "brain" / below), *SHAPE_WORDS]) == 1
    assert "is a file" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("shape", "complaint"),
    [(["999999", "99999999", "99999999"], "the sections need 9,9"), (["99999999"] * 3, "99,999,999 sections")],
)
def test_a_phantom_of_no_sensible_size_is_refused_at_once(tmp_path, capsys, shape, complaint):
    begun = time.perf_counter()
    assert main(["phantom", str(tmp_path / "huge"), "--shape", *shape]) == 1
    assert time.perf_counter() - begun < 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "huge").exists()


def test_too_little_room_is_noticed_before_anything_is_written(tmp_path, capsys):
    folder = tmp_path / "huge"
    assert main(["phantom", str(folder), "--shape", "100000", "100000", "100000"]) == 1
    assert "the sections need 1,000,000.0 GB" in capsys.readouterr().err
    assert not folder.exists()


@pytest.mark.parametrize("words", [["--shape", "0", "5", "5"], ["--shape", "5", "5"], ["--modality", "colour"]])
def test_wrong_use_ends_with_2(tmp_path, words, capsys):
    assert main(["phantom", str(tmp_path), *words]) == 2
    assert "usage" in capsys.readouterr().err
