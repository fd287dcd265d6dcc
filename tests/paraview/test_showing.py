"""`stackreel doctor FILE`: it names what keeps ParaView from showing a file, and calls nothing right that is not.

The files are made as people make them; each is really opened in ParaView.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import h5py
import imagecodecs
import numpy as np
import numpy.typing as npt
import pytest
import tifffile

from stackreel.cli import main

pytestmark = [pytest.mark.paraview, pytest.mark.usefixtures("pvpython")]

XDMF = """<Xdmf Version="2.2"><Domain><Grid Name="g" GridType="Uniform">
<Topology TopologyType="3DCoRectMesh" Dimensions="{dims}"/><Geometry GeometryType="ORIGIN_DXDYDZ">
<DataItem Dimensions="3" NumberType="Float" Precision="8" Format="XML">0 0 0</DataItem>
<DataItem Dimensions="3" NumberType="Float" Precision="8" Format="XML">1 1 1</DataItem></Geometry>
<Attribute Name="d" AttributeType="Scalar" Center="Node">{item}</Attribute></Grid></Domain></Xdmf>"""
ITEM = '<DataItem Dimensions="{dims}" NumberType="UChar" Precision="1" Format="HDF">{file}</DataItem>'
SLAB = """<DataItem ItemType="HyperSlab" Dimensions="10 20 25"><DataItem Dimensions="3 3" NumberType="Int" Precision="8"
Format="XML">0 0 0 2 2 2 10 20 25</DataItem>{item}</DataItem>"""
DIMS = "20 40 50"


@pytest.fixture
def brain():
    """A block of something in the middle of nothing, (20, 40, 50)."""
    samples = np.zeros((20, 40, 50), np.uint8)
    samples[:, 10:30, 10:40] = np.random.default_rng(3).integers(1, 5, (20, 20, 30))
    return samples


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def describe(name: str, file: str = "scan.h5:/d", dims: str = DIMS, slab: bool = False) -> None:
    """An XDMF file as people write it."""
    item = ITEM.format(dims=DIMS if slab else dims, file=file)
    text = XDMF.format(dims="10 20 25" if slab else dims, item=SLAB.format(item=item) if slab else item)
    Path(name).write_text(text)


def write(samples: npt.NDArray[Any], name: str = "scan.h5", **options) -> None:
    with h5py.File(name, "w", libver=options.pop("libver", None)) as file:
        file.create_dataset("d", data=samples, **options)


def text_of(capsys, *words: str) -> tuple[int, str]:
    """The exit code, and what a person reads, on one line."""
    capsys.readouterr()
    code = main(["doctor", *words])
    text = capsys.readouterr().out
    assert max(len(line) for line in text.splitlines()) <= 100
    return code, " ".join(text.split())


def told(capsys, *words: str) -> tuple[int, str, dict]:
    """The exit code, all sentences, and everything for programs."""
    capsys.readouterr()
    code = main(["doctor", *words, "--json"])
    facts = json.loads(capsys.readouterr().out)
    lines = [*facts["remarks"], *facts["paraview"][0]["ways"]]
    return code, " | ".join(f"{line['text']} → {line['way_out']}" for line in lines), facts


def verdicts(facts: dict) -> dict[str, str]:
    return {way["reader"]: way["verdict"] for way in facts["paraview"][0]["ways"]}


def convert(samples: npt.NDArray[Any], name: str) -> None:
    Path("sections").mkdir()
    for z, section in enumerate(samples):
        tifffile.imwrite(f"sections/s{z:03}.tif", section)
    assert main(["convert", "sections", name, "--spacing", "2", "1", "1"]) == 0


def test_a_volume_of_ours_is_right_in_every_way(here, brain, capsys):
    convert(brain.repeat(2, axis=1).repeat(2, axis=2), "brain.h5")
    _, _, facts = told(capsys, "brain.h5")
    code, text = text_of(capsys, "brain.h5")
    assert code == 0
    assert "next: in ParaView, File > Open > brain.xmf2, Apply" in text
    ways = facts["paraview"][0]["ways"]
    assert {(way["what"], way["reader"]) for way in ways} >= {("full", "Xdmf2"), ("full", "VTKHDF")}
    assert {way["verdict"] for way in ways} == {"right"}
    assert min(way["compared"] for way in ways) > 100


def test_without_its_small_files_a_volume_is_tried_and_they_are_asked_for(here, brain, capsys):
    convert(brain, "brain.h5")
    (here / "elsewhere").mkdir()
    shutil.move("brain.h5", "elsewhere/alone.h5")
    code, text = text_of(capsys, "elsewhere/alone.h5")
    assert code == 0
    assert "first write what it opens: stackreel xdmf elsewhere/alone.h5" in text
    assert [path.name for path in (here / "elsewhere").iterdir()] == ["alone.h5"]
    code, text, _ = told(capsys, "brain.hdf")
    assert code == 1
    assert "brain.h5 is not there" in text


def test_what_does_not_fit_is_not_tried_but_boxes_of_it_are(here, brain, capsys):
    convert(brain, "brain.h5")
    code, text, facts = told(capsys, "brain.h5", "--memory", "20k")
    ways = {way["reader"]: way for way in facts["paraview"][0]["ways"] if way["what"] == "full"}
    assert code == 0
    assert ways["Xdmf2"]["verdict"] == "untried"
    assert "takes 40 kB of memory" in ways["Xdmf2"]["text"]
    assert ways["VTKHDF"]["verdict"] == "right"
    assert "read in boxes" in text


def test_damage_that_makes_zeros_is_found_out(here, brain, capsys):
    """The same file with other samples behind the same description: an empty brain."""
    write(brain)
    describe("scan.xmf2")
    assert verdicts(told(capsys, "scan.xmf2")[2]) == {"Xdmf2": "right", "Xdmf3": "right"}
    write(brain, compression="lzf", chunks=(4, 10, 10))
    code, text, facts = told(capsys, "scan.xmf2")
    assert code == 1
    assert verdicts(facts) == {"Xdmf2": "nothing", "Xdmf3": "zeros"}
    assert "its HDF5 has no lzf" in text


def test_a_filter_that_nobody_has_here_is_named(here, brain, capsys):
    with h5py.File("scan.h5", "w") as file:
        plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plan.set_chunk(brain.shape)
        plan.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))
        space = h5py.h5s.create_simple(brain.shape)
        made = h5py.h5d.create(file.id, b"d", h5py.h5t.NATIVE_UINT8, space, plan)
        made.write_direct_chunk((0, 0, 0), imagecodecs.zstd_encode(brain.tobytes()))
    code, text, facts = told(capsys, "scan.h5")
    assert code == 1
    assert verdicts(facts) == {"Xdmf2": "nothing", "Xdmf3": "zeros"}
    assert "it has no zstd here → pip install hdf5plugin" in text
    assert "HDF5_PLUGIN_PATH=FOLDER" in text


def test_a_format_that_is_too_new_is_named(here, brain, capsys):
    write(brain, libver="latest", compression="gzip", chunks=(4, 10, 10))
    describe("scan.xmf")
    code, text, facts = told(capsys, "scan.xmf")
    assert code == 1
    assert verdicts(facts) == {"Xdmf2": "nothing", "Xdmf3": "ends"}
    assert "libver=('earliest', 'v110')" in text


def test_samples_in_other_files_are_missed_by_name(here, brain, capsys, monkeypatch):
    brain.tofile("raw.bin")
    with h5py.File("scan.h5", "w") as file:
        file.create_dataset("d", brain.shape, brain.dtype, external=[("raw.bin", 0, brain.nbytes)])
    describe("scan.xmf2")
    code, text, facts = told(capsys, "scan.xmf2")
    assert code == 1
    assert verdicts(facts) == {"Xdmf2": "nothing", "Xdmf3": "zeros"}
    assert "HDF5_EXTFILE_PREFIX='${ORIGIN}'" in text
    with monkeypatch.context() as patch:
        patch.setenv("HDF5_EXTFILE_PREFIX", "${ORIGIN}")
        assert verdicts(told(capsys, "scan.xmf2")[2]) == {"Xdmf2": "right", "Xdmf3": "right"}
    os.rename("raw.bin", "moved.bin")
    assert "raw.bin not there" in told(capsys, "scan.xmf2")[1]


def test_a_hyperslab_needs_the_other_ending(here, brain, capsys):
    write(brain)
    describe("scan.xmf", slab=True)
    code, text, facts = told(capsys, "scan.xmf")
    assert code == 1
    assert verdicts(facts) == {"Xdmf2": "right", "Xdmf3": "nothing"}
    assert "rename it to scan.xmf2" in text


def test_what_an_xdmf_file_says_wrongly_is_named(here, brain, capsys):
    write(brain)
    describe("crop.xmf2", dims="10 40 50")
    assert "ParaView shows the first part of it, and says nothing" in told(capsys, "crop.xmf2")[1]
    describe("large.xmf2", dims="40 40 50")
    assert "larger Dimensions than the data set has" in told(capsys, "large.xmf2")[1]
    describe("other.xmf2", "scan.h5:/e")
    assert "scan.h5 holds no /e; its volumes: /d" in told(capsys, "other.xmf2")[1]
    shutil.copy("scan.h5", "a:b.h5")
    describe("colon.xmf2", "a:b.h5:/d")
    assert "a colon in a file's name" in told(capsys, "colon.xmf2")[1]


@pytest.mark.skipif(sys.platform == "win32", reason="HDF5 locks otherwise there")
def test_a_file_that_is_being_written_is_told_as_such(here, brain, capsys):
    import fcntl

    write(brain)
    describe("scan.xmf2")
    with open("scan.h5", "rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        code, text, facts = told(capsys, "scan.xmf2")
    assert code == 1
    assert verdicts(facts)["Xdmf2"] == "nothing"
    assert "another program has the file open for writing → wait until it is done" in text
