"""Which ParaViews are found, in which order, and what is not taken for one."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from stackreel.errors import EngineError
from stackreel.paraview import finding
from stackreel.paraview.finding import display, environment, find_mpiexec, find_paraview

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="programs here are shell scripts")


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine without any ParaView: an empty PATH, and no usual places."""
    for variable in finding.NAMED_BY:
        monkeypatch.delenv(variable, raising=False)
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr(finding, "PLACES", {sys.platform: (f"{tmp_path}/opt/ParaView*",)})
    return tmp_path


def install(folder: Path, version: str, *names: str) -> Path:
    """Programs that say what ParaView's say when asked for their version."""
    folder.mkdir(parents=True)
    for name in names or ("pvpython", "pvbatch", "paraview"):
        (folder / name).write_text(f'#!/bin/sh\necho "paraview version {version}"\n')
        (folder / name).chmod(0o755)
    return folder


def test_a_machine_without_paraview_has_none(bare):
    assert find_paraview() == []


def test_what_the_environment_names_comes_first_then_the_path_then_usual_places_newest_first(bare, monkeypatch):
    install(bare / "opt" / "ParaView-5.9.1" / "bin", "5.9.1")
    install(bare / "opt" / "ParaView-5.13.2" / "bin", "5.13.2")
    monkeypatch.setenv("PATH", str(install(bare / "on the path", "5.11.0")))
    monkeypatch.setenv("STACKREEL_PARAVIEW", str(install(bare / "mine" / "bin", "6.0.1").parent))
    found = find_paraview()
    assert [one.version for one in found] == [(6, 0, 1), (5, 11, 0), (5, 13, 2), (5, 9, 1)]
    assert [one.found_by for one in found[:2]] == ["STACKREEL_PARAVIEW", "PATH"]


def test_one_that_two_ways_lead_to_is_found_once(bare, monkeypatch):
    real = install(bare / "real", "5.11.0")
    (bare / "link").symlink_to(real)
    monkeypatch.setenv("PATH", f"{bare / 'link'}{os.pathsep}{real}")
    assert len(find_paraview()) == 1


def test_a_version_or_a_path_chooses(bare, monkeypatch):
    old, new = install(bare / "old", "5.1.0"), install(bare / "new", "5.11.0")
    monkeypatch.setenv("PATH", f"{old}{os.pathsep}{new}")
    assert [one.folder for one in find_paraview("5.11")] == [new]
    assert [one.folder for one in find_paraview("5.1")] == [old]
    assert [one.folder for one in find_paraview(str(new / "pvpython"))] == [new]
    with pytest.raises(EngineError, match=r"no ParaView 5\.12 here; found: 5\.1\.0 \(.*old\), 5\.11\.0"):
        find_paraview("5.12")
    with pytest.raises(EngineError, match="no ParaView there"):
        find_paraview(str(bare / "empty"))


def test_a_variable_of_ours_that_names_no_paraview_is_not_passed_over(bare, monkeypatch):
    monkeypatch.setenv("STACKREEL_PARAVIEW", str(bare / "gone"))
    with pytest.raises(EngineError, match=r"STACKREEL_PARAVIEW=.*gone"):
        find_paraview()


def test_a_program_that_does_not_say_its_version_has_its_folder_s(bare, monkeypatch):
    folder = install(bare / "ParaView-5.12.0-MPI-Linux" / "bin", "?")
    monkeypatch.setenv("PARAVIEW_HOME", str(folder.parent))
    assert find_paraview()[0].version_text == "5.12.0"


def test_an_application_of_macos_is_found_by_its_bundle(bare):
    app = bare / "opt" / "ParaView-5.13.1.app" / "Contents"
    install(app / "bin", "5.13.1", "pvpython", "pvbatch")
    install(app / "MacOS", "5.13.1", "paraview")
    (one,) = find_paraview()
    assert one.paraview == app / "MacOS" / "paraview"
    assert one.pvpython == app / "bin" / "pvpython"


def test_an_mpi_is_known_by_what_it_says(bare, monkeypatch):
    assert find_mpiexec() is None
    folder = bare / "mpi"
    folder.mkdir()
    for said, flavour, version in [
        ("mpiexec (OpenRTE) 4.1.4", "Open MPI", "4.1.4"),
        ("HYDRA build details:\n    Version:      4.2.0", "MPICH", "4.2.0"),
        ("Intel(R) MPI Library for Linux* OS, Version 2021.9", "Intel MPI", "2021.9"),
    ]:
        (folder / "mpiexec").write_text(f"#!/bin/sh\ncat <<'X'\n{said}\nX\n")
        (folder / "mpiexec").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")
        found = find_mpiexec()
        assert (found.flavour, found.version) == (flavour, version)


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS always has a display")
def test_a_display_counts_when_a_server_answers_there(monkeypatch, tmp_path):
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.delenv("DISPLAY", raising=False)
    assert display().server is None
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        monkeypatch.setenv("DISPLAY", f"127.0.0.1:{port - 6000}.0")
        assert display().server == "x11"
    gone = display()
    assert (gone.server, gone.dead) == (None, True)


def test_paraview_s_python_does_not_look_in_ours(monkeypatch):
    monkeypatch.setenv("PYTHONHOME", "/somewhere")
    assert "PYTHONHOME" not in environment()
    assert environment({"DISPLAY": ":7"})["DISPLAY"] == ":7"


@pytest.mark.paraview
def test_the_paraview_of_this_machine_is_found_and_is_what_it_says(pvpython):
    found = [one for one in find_paraview() if one.pvpython is not None]
    said = subprocess.run([str(found[0].pvpython), "--version"], capture_output=True, text=True).stdout
    assert found[0].version_text in said
    assert os.path.realpath(pvpython) in [os.path.realpath(one.pvpython) for one in found]
