"""`stackreel info`: everything about a volume, for people and for programs."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest
import tifffile

from stackreel.cli import main
from stackreel.volume import open_volume


@pytest.fixture
def brain(tmp_path):
    """A volume made from 6 sections; its file, its samples."""
    samples = np.zeros((6, 100, 150), np.uint8)
    samples[:, 20:80, 30:120] = np.random.default_rng(0).integers(50, 200, (6, 60, 90))
    folder = tmp_path / "sections"
    folder.mkdir()
    for z, section in enumerate(samples):
        tifffile.imwrite(folder / f"s{z}.tif", section)
    words = ["--spacing", "60um", "1.3um", "1.3um"]
    assert main(["convert", str(folder), str(tmp_path / "brain.h5"), *words]) == 0
    return tmp_path / "brain.h5", samples


def told(capsys, *words):
    capsys.readouterr()
    assert main(["info", *map(str, words)]) == 0
    return capsys.readouterr().out


def test_json_holds_everything(brain, capsys):
    file, samples = brain
    facts = json.loads(told(capsys, file, "--json"))
    volume = open_volume(file)
    assert (facts["path"], facts["name"], facts["kind"]) == (str(file), "brain", "intensity")
    assert (facts["period"], facts["background"]) == (None, None)
    assert (facts["dtype"], facts["shape"], facts["bytes"]) == ("uint8", [6, 100, 150], 90_000)
    assert (facts["spacing"], facts["spacing_unit"]) == ([60.0, 1.3, 1.3], "um")
    assert facts["um_per_world_unit"] == pytest.approx(360.0)
    assert facts["world_bounds"]["lower"] == pytest.approx([-75 * 1.3 / 360, -50 * 1.3 / 360, -0.5])
    assert facts["world_bounds"]["upper"] == pytest.approx([74 * 1.3 / 360, 49 * 1.3 / 360, 2 / 6])
    assert facts["stored_bytes"] == file.stat().st_size
    assert facts["value_range"] == [0, 199]
    for percent, value in facts["percentiles"].items():
        assert value == pytest.approx(np.percentile(samples, float(percent)), abs=1), percent
    assert facts["fingerprint"] == volume.fingerprint
    assert [level["factors"] for level in facts["levels"]] == [list(level.factors) for level in volume.levels]
    with h5py.File(file) as stored:
        for level in facts["levels"]:
            dataset = stored[level["dataset"]]
            assert tuple(level["shape"]) == dataset.shape
            assert tuple(level["chunk"]) == dataset.chunks
            assert level["bytes"] == dataset.nbytes
            assert level["stored_bytes"] == dataset.id.get_storage_size()
    assert facts["provenance"]["files"] == "6"
    assert facts["provenance"]["source"].endswith("/sections")


def test_the_text_says_what_a_person_asks(brain, capsys):
    file, _ = brain
    text = told(capsys, file)
    for part in (
        "brain: intensity, uint8",
        "6 sections × 100 rows × 150 columns, 90 kB",
        "60 µm × 1.3 µm × 1.3 µm (z × y × x)",
        "360 µm × 130 µm × 195 µm; one world unit is 360 µm",
        "x -0.2708 … 0.2672, y -0.1806 … 0.1769, z -0.5 … 0.3333",
        "values      0 … 199; median 0",
        "6 × 50 × 75",
        "1 : 1 × 2 × 2",
        open_volume(file).fingerprint,
        "/sections",
        "stackreel ",
    ):
        assert part in text, part
    assert max(map(len, text.splitlines())) <= 120


def test_the_histogram_is_high_where_values_are_many(brain, capsys):
    line = next(line for line in told(capsys, brain[0]).splitlines() if line.startswith("  histogram"))
    bars = line.removeprefix("  histogram   ").removesuffix("  (logarithmic)")
    assert len(bars) == 48
    assert bars[0] == "█"  # the empty surroundings
    assert bars[2:11].strip() == ""  # nothing between 1 and 49
    assert set(bars[13:]) <= set("▃▄▅▆▇█")


def test_angles_and_ratios_are_told_as_such(make_volume, capsys):
    volume = make_volume(np.ones((3, 20, 20), np.uint8), kind="axial", period=180, background=255, name="direction")
    text = told(capsys, volume.path)
    assert "direction: axial (repeats after 180, 255 means no direction), uint8" in text
    assert "spacing     1 : 1 : 1 (z × y × x)" in text
    assert "extent" not in text
    facts = json.loads(told(capsys, volume.path, "--json"))
    assert (facts["period"], facts["background"]) == (180.0, 255.0)
    assert (facts["spacing_unit"], facts["um_per_world_unit"]) == (None, None)


@pytest.mark.parametrize("value", [0.0, np.nan, -1e30])
def test_odd_data_are_told_too(make_volume, capsys, value):
    volume = make_volume(np.full((3, 20, 20), value, np.float32))
    assert "values" in told(capsys, volume.path)
    text = told(capsys, volume.path, "--json")
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


def test_what_is_no_volume_is_said(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("not HDF5")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["PLI"] = np.zeros(3)
    for name, complaint in {
        "missing.h5": "there is no such volume; make one with `stackreel convert SLICES",
        "notes.txt": "not a readable HDF5 file",
        "other.h5": "an HDF5 file, but not a stackreel volume",
    }.items():
        assert main(["info", str(tmp_path / name)]) == 1
        said = capsys.readouterr().err
        assert complaint in said
        assert "Traceback" not in said
    assert main(["info"]) == 2
