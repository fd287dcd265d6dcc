"""What came of opening a file in ParaView is told, whatever ParaView did; and nothing of it is left running."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest

from stackreel.errors import EngineError
from stackreel.paraview.finding import Installation, find_paraview
from stackreel.paraview.trying import Job, ask, root_of, try_all

PLACES = [(0, 0, 0), (3, 4, 5), (9, 9, 9)]

XDMF = """<Xdmf Version="2.2"><Domain><Grid Name="g" GridType="Uniform">
<Topology TopologyType="3DCoRectMesh" Dimensions="{dims}"/><Geometry GeometryType="ORIGIN_DXDYDZ">
<DataItem Dimensions="3" NumberType="Float" Precision="8" Format="XML">0 0 0</DataItem>
<DataItem Dimensions="3" NumberType="Float" Precision="8" Format="XML">1 1 1</DataItem></Geometry>
<Attribute Name="d" AttributeType="Scalar" Center="Node">
<DataItem Dimensions="{dims}" NumberType="{kind}" Precision="{bytes}" Format="HDF">{file}:/d</DataItem>
</Attribute></Grid></Domain></Xdmf>"""


def describe(path: Path, file: str, array: np.ndarray) -> Path:
    """An XDMF file for the data set /d of an HDF5 file."""
    dims = " ".join(str(n) for n in array.shape)
    kind = {1: "UChar", 4: "Int"}[array.itemsize]
    path.write_text(XDMF.format(dims=dims, kind=kind, bytes=array.itemsize, file=file))
    return path


@pytest.fixture(scope="module")
def paraview(pvpython):
    return next(one for one in find_paraview() if one.pvpython is not None)


@pytest.fixture(scope="module")
def array():
    return np.arange(20 * 40 * 50, dtype=np.int32).reshape(20, 40, 50) + 1


@pytest.fixture
def plain(tmp_path, array):
    with h5py.File(tmp_path / "plain.h5", "w") as file:
        file["d"] = array
    return describe(tmp_path / "plain.xmf2", "plain.h5", array)


def program(folder: Path, text: str) -> Installation:
    """Something that is started as pvpython is."""
    folder.mkdir()
    (folder / "pvpython").write_text(f"#!{sys.executable}\n{text}\n")
    (folder / "pvpython").chmod(0o755)
    return Installation(folder / "pvpython", None, None, "the test")


@pytest.mark.paraview
def test_samples_are_those_of_the_file(paraview, plain, array):
    jobs = [Job(plain, reader, PLACES) for reader in ("Xdmf2", "Xdmf3", "")]
    for outcome in try_all(paraview, jobs):
        assert (outcome.how, outcome.shape, outcome.dtype) == ("read", array.shape, "int32")
        assert outcome.samples == {place: array[place] for place in PLACES}


@pytest.mark.paraview
def test_what_ends_paraview_is_told_and_what_follows_is_tried_all_the_same(paraview, plain, tmp_path, array):
    with h5py.File(tmp_path / "new.h5", "w", libver="latest") as file:
        file.create_dataset("d", data=array, chunks=(4, 10, 10), compression="gzip")
    new = describe(tmp_path / "new.xmf", "new.h5", array)
    outcomes = try_all(paraview, [Job(new, "Xdmf2", PLACES), Job(new, "Xdmf3", PLACES), Job(plain, "Xdmf2", PLACES)])
    assert [outcome.how for outcome in outcomes] == ["read", "ended", "read"]
    assert [bool(outcome.samples) for outcome in outcomes] == [False, False, True]
    assert "bad version number" in outcomes[0].reason
    assert "bad version number" in outcomes[1].reason


@pytest.mark.paraview
@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_file_that_takes_more_memory_than_it_may_fails_alone(paraview, plain, tmp_path):
    large = np.broadcast_to(np.uint8(0), (600, 1000, 1000))
    with h5py.File(tmp_path / "large.h5", "w") as file:
        file.create_dataset("d", shape=large.shape, dtype="u1", chunks=(10, 1000, 1000))
    big = describe(tmp_path / "large.xmf2", "large.h5", large)
    first, second = try_all(paraview, [Job(big, "Xdmf2", PLACES), Job(plain, "Xdmf2", PLACES)], memory=300_000_000)
    assert first.how == "memory"
    assert second.how == "read"


@pytest.mark.skipif(sys.platform == "win32", reason="processes are ended otherwise there")
def test_a_paraview_that_hangs_is_ended_with_all_that_it_started(tmp_path):
    text = f"""
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
open({str(tmp_path / "child")!r}, "w").write(str(child.pid))
time.sleep(600)"""
    hangs = program(tmp_path / "hangs", text)
    begun = time.monotonic()
    (outcome,) = try_all(hangs, [Job(tmp_path / "some.xmf2", "Xdmf2", PLACES)], seconds=2.0)
    assert outcome.how == "timeout"
    assert time.monotonic() - begun < 20
    time.sleep(0.2)
    assert not alive(int((tmp_path / "child").read_text()))


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and that nobody has asked after does not."""
    try:
        return (
            "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text() if sys.platform == "linux" else _signalled(pid)
        )
    except FileNotFoundError:
        return False


def _signalled(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_program_that_does_not_work_is_told_as_such(tmp_path):
    broken = program(tmp_path / "broken", "raise ImportError('libGL.so.1: cannot open shared object file')")
    with pytest.raises(EngineError, match=r"does not start: .*libGL\.so\.1"):
        ask(broken)
    (outcome,) = try_all(broken, [Job(tmp_path / "some.xmf2", "Xdmf2", PLACES)])
    assert outcome.how == "ended"
    assert "libGL" in outcome.reason


@pytest.mark.paraview
def test_a_paraview_tells_what_it_is_made_of(paraview):
    found = ask(paraview, (1, 32015))
    assert set(found.readers) <= {"Xdmf2", "Xdmf3", "VTKHDF"}
    assert "Xdmf2" in found.readers
    assert found.windows
    assert found.python.startswith("3.")
    if found.filters is not None:
        assert 1 in found.filters


def test_of_many_lines_the_cause_is_told():
    stack = """HDF5-DIAG: Error detected in HDF5 (1.10.8) MPI-process 0:
  #000: ../../../src/H5Dio.c line 199 in H5Dread(): can't read data
    major: Dataset
    minor: Read failed
  #001: ../../../src/H5Z.c line 1404 in H5Z_pipeline(): required filter 'lzf' is not registered
    major: Data filters
    minor: Read failed
XDMF Error in XdmfValuesHDF.cxx line 112 (Can't Read Dataset x.h5:/d)"""
    assert root_of(stack) == "HDF5: required filter 'lzf' is not registered"
    assert root_of(stack.splitlines()[-1]) == "Can't Read Dataset x.h5:/d"
    assert root_of("") == ""
