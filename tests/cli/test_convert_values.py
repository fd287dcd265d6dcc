"""`stackreel convert` where values change on their way: mapped through a window, or reduced by maximum."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tifffile

from stackreel.cli import main
from stackreel.volume import open_volume

EVERYTHING = (slice(None),) * 3


@pytest.fixture
def sections(tmp_path):
    """A folder of 12-bit sections, dim but for a thread of one pixel, and their samples."""
    samples = np.random.default_rng(0).integers(100, 400, (3, 140, 200)).astype(np.uint16)
    samples[:, 70, :] = 4000
    (tmp_path / "sections").mkdir()
    for z, section in enumerate(samples):
        tifffile.imwrite(tmp_path / "sections" / f"s{z}.tif", section)
    return tmp_path / "sections", samples


def convert(source, out, *words):
    return main(["convert", str(source), str(out), "--spacing", "40", "1", "1", *map(str, words)])


def test_a_window_is_said_stored_and_shown(sections, tmp_path, capsys):
    source, samples = sections
    out = tmp_path / "brain.h5"
    assert convert(source, out, "--to", "uint8", "--window", 200, 3200) == 0
    said = capsys.readouterr()
    assert "values 200 to 3200 (uint16) are stored as 0 to 255 (uint8)" in said.err
    assert "3 sections of 140 × 200 uint8" in said.out
    volume = open_volume(out)
    expected = np.rint(np.clip((samples - 200.0) * 255 / 3000, 0, 255))
    np.testing.assert_array_equal(volume.levels[0].read(EVERYTHING), expected)
    for key, text in (("window_low", "200"), ("window_high", "3200"), ("window_from", "uint16")):
        assert volume.provenance[key] == text
    assert main(["info", str(out)]) == 0
    shown = capsys.readouterr().out
    for line in ("window low  200", "window high 3200", "window from uint16"):
        assert line in shown
    assert main(["info", str(out), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["provenance"]["window_high"] == "3200"


def test_values_are_not_clipped_unasked(sections, tmp_path, capsys):
    assert convert(sections[0], tmp_path / "brain.h5", "--to", "uint8") == 1
    assert "uint16 samples do not fit as they are; say with --window" in capsys.readouterr().err
    assert convert(sections[0], tmp_path / "brain.h5", "--window", 0, 100) == 1
    assert "say of which type, too: --to uint8" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["sections"]


def test_a_thread_stays_bright_in_maxima(sections, tmp_path):
    for how in ("mean", "max"):
        assert convert(sections[0], tmp_path / f"{how}.h5", "--reduce", how) == 0
    mean, most = (open_volume(tmp_path / f"{how}.h5") for how in ("mean", "max"))
    assert len(most.levels) >= 3
    for level in most.levels:
        assert (level.read(EVERYTHING).max(axis=1) == 4000).all()
    assert mean.levels[-1].read(EVERYTHING).max() < 2500
    assert mean.fingerprint != most.fingerprint


def test_what_cannot_be_reduced_by_maximum_is_said(sections, tmp_path, capsys):
    assert convert(sections[0], tmp_path / "a.h5", "--kind", "label", "--reduce", "max") == 1
    assert "labels are numbers of regions" in capsys.readouterr().err
    assert convert(sections[0], tmp_path / "a.h5", "--kind", "axial", "--period", 180, "--reduce", "max") == 1
    assert '"max" of angles means nothing' in capsys.readouterr().err
