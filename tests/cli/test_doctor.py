"""`stackreel doctor` without a file: what it tells of a machine; and of files for which no ParaView is needed."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from stackreel.cli import machine, main


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def told(capsys, *words: str) -> tuple[int, str, dict]:
    """The exit code, the text on one line, and the same for programs."""
    capsys.readouterr()
    code = main(["doctor", *words])
    text = capsys.readouterr().out
    assert max(len(line) for line in text.splitlines()) <= 100
    assert main(["doctor", *words, "--json"]) == code
    return code, " ".join(text.split()), json.loads(capsys.readouterr().out)


def test_a_machine_is_told_line_by_line(here, capsys):
    code, text, facts = told(capsys)
    assert code == 0
    assert "all that stackreel needs is here" in text
    names = {line["name"]: line for lines in facts.values() for line in lines}
    assert names["cores"]["value"]["cores"] == os.cpu_count()
    assert names["HDF5"]["value"]["hdf5"] == h5py.version.hdf5_version
    assert "H.264" in names["movies"]["value"]["encoders"]
    assert {line["state"] for line in names.values()} <= set(machine.STATES)
    assert names["disk here"]["value"]["free"] == pytest.approx(shutil.disk_usage(here).free, rel=0.2)


def test_what_is_missing_is_no_failure_and_is_said_with_what_it_is_good_for(here, capsys, monkeypatch):
    for variable in ("STACKREEL_PARAVIEW", "PARAVIEW_HOME", "EBROOTPARAVIEW", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PATH", str(here))
    monkeypatch.setattr("stackreel.paraview.finding.PLACES", {sys.platform: ()})
    code, text, facts = told(capsys)
    assert code == 0
    lines = {line["name"]: line for line in facts["paraview"]}
    assert lines["ParaView"]["state"] == "missing"
    assert "STACKREEL_PARAVIEW=FOLDER" in lines["ParaView"]["way_out"]
    assert lines["MPI"]["state"] == "missing"
    if sys.platform == "linux":
        assert "needs none" in lines["display"]["way_out"]
    assert "none ParaView" in text


def test_a_variable_that_leads_nowhere_is_named(here, capsys, monkeypatch):
    monkeypatch.setenv("STACKREEL_PARAVIEW", str(here / "gone"))
    code, text, _ = told(capsys)
    assert code == 0
    assert "gone: no pvpython there" in text


def test_a_check_that_breaks_is_one_more_thing_to_tell():
    def breaks() -> None:
        raise ImportError("libx264.so: cannot open shared object file")

    (line,) = machine.safely("movies", breaks)
    assert (line.state, line.name) == ("bad", "movies")
    assert "libx264.so" in line.text


@pytest.mark.skipif(sys.platform != "linux", reason="control groups and affinities are Linux's")
def test_what_a_job_may_use_of_the_machine_is_told(monkeypatch):
    total = machine.memory().total
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "1024")
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    limited = machine.memory()
    assert (limited.total, limited.limit) == (1 << 30, "Slurm")
    assert limited.free <= 1 << 30 < total
    if os.cpu_count() != 1:
        assert machine.cores().state == "note"
        assert "--threads 1" in machine.cores().way_out


def test_a_file_that_is_not_there_or_no_volume_is_refused(here, capsys):
    (here / "notes.txt").write_text("nothing to see")
    for name, said in (("gone.h5", "no such file"), ("notes.txt", "stackreel convert")):
        assert main(["doctor", name]) == 1
        assert said in capsys.readouterr().err


def convert(samples: np.ndarray, name: str) -> None:
    Path("sections").mkdir()
    for z, section in enumerate(samples):
        tifffile.imwrite(f"sections/s{z:03}.tif", section)
    assert main(["convert", "sections", name, "--spacing", "2", "1", "1"]) == 0


def test_ome_zarr_is_read_here_and_not_in_paraview(here, capsys):
    convert(np.full((8, 40, 50), 7, np.uint8), "brain.ome.zarr")
    code, text, _ = told(capsys, "brain.ome.zarr")
    assert code == 1
    assert "stackreel reads it" in text
    assert "`stackreel export brain.ome.zarr brain.h5` makes what it opens" in text


def test_a_folder_that_is_no_zarr_is_refused(tmp_path, capsys):
    assert main(["doctor", str(tmp_path)]) == 1
    assert "a folder, but no OME-Zarr" in capsys.readouterr().err
