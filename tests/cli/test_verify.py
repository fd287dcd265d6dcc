"""`stackreel verify`: what a person reads of a damaged volume, and how it is mended."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from stackreel.cli import main
from stackreel.volume import open_volume, undofolder
from stackreel.volume.ledger import read_ledger
from stackreel.volume.undo import put_aside

EVERYTHING = (slice(None),) * 3
SHAPE = (40, 300, 280)
RAW = ["--shape", "300", "280", "--dtype", "uint8"]


@pytest.fixture
def sections(tmp_path, monkeypatch):
    """Raw sections, and brain.h5 made of them, in the test's working folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sections").mkdir()
    stack = np.random.default_rng(0).integers(0, 40, SHAPE, dtype=np.uint8)
    for z, section in enumerate(stack):
        section.tofile(tmp_path / "sections" / f"s{z:02}.raw")
    assert main(["convert", "sections", "brain.h5", *RAW, "--spacing", "3", "1", "1"]) == 0
    return tmp_path / "sections"


def verify(*words, path="brain.h5"):
    return main(["verify", path, *map(str, words)])


def hurt(level, *places, resultants=False, path="brain.h5"):
    """Flip a bit in some chunks of a level."""
    kept = read_ledger(path).find(level, resultants=resultants)
    with open(path, "r+b") as file:
        for place in places:
            at = int(kept.offsets[place]) + int(kept.sizes[place]) // 2
            file.seek(at)
            (byte,) = file.read(1)
            file.seek(at)
            file.write(bytes([byte ^ 16]))


def hurt_index():
    with open("brain.h5", "r+b") as file:
        file.seek(600)
        (byte,) = file.read(1)
        file.seek(600)
        file.write(bytes([byte ^ 1]))


def test_a_whole_file(sections, capsys):
    capsys.readouterr()
    assert verify() == 0
    said = capsys.readouterr()
    assert said.out.startswith("brain.h5: whole; ")
    assert "and all that lies around them checked in" in said.out
    assert "verifying: 100%" in said.err


def test_damaged_chunks_are_told_as_parts_of_the_brain(sections, capsys):
    hurt(0, (0, 0, 0), (0, 0, 1), (1, 2, 2))
    hurt(1, (0, 1, 0))
    capsys.readouterr()
    assert verify() == 1
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("brain.h5: DAMAGED; ")
    assert said[1:] == [
        "  full resolution: 3 chunks damaged (changed)",
        "    sections 0 to 31, rows 0 to 127, columns 0 to 255   (2 chunks)",
        "    sections 32 to 39, rows 256 to 299, columns 256 to 279   (1 chunk)",
        "  level 1: 1 chunk damaged (changed)",
        "    sections 0 to 31, rows 256 to 299, columns 0 to 255",
        "next: stackreel verify brain.h5 --repair SLICES    with the slices, and the options about them, of then",
    ]


def test_damage_around_the_chunks_leaves_the_samples_all_right(sections, capsys):
    hurt_index()
    assert verify() == 1
    said = capsys.readouterr().out
    assert "the bytes around the chunks are not what was written" in said
    assert "all samples are as they were written" in said


def test_a_file_cut_short_says_by_how_much(sections, capsys):
    size = os.path.getsize("brain.h5")
    os.truncate("brain.h5", size // 3)
    assert verify() == 1
    said = capsys.readouterr().out
    assert f"{size // 3:,} bytes long, and {size:,} by its own superblock" in said
    assert f"{size - size // 3:,} bytes are missing at the end, HDF5 refuses to open it" in said
    assert "next: stackreel convert SLICES brain.h5 --overwrite" in said
    assert verify("--repair", sections, *RAW) == 1
    assert "Convert the slices again, with the options of then" in capsys.readouterr().err


def test_json_for_programs(sections, capsys):
    hurt(0, (1, 2, 2))
    capsys.readouterr()
    assert verify("--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["whole"], found["metadata_whole"], found["sealed"]) == (False, True, True)
    assert found["damaged"] == [
        {
            "dataset": "/levels/brain/0",
            "level": 0,
            "resultants": False,
            "chunk": [1, 2, 2],
            "why": "changed",
            "sections": [32, 40],
            "rows": [256, 300],
            "columns": [256, 280],
        }
    ]
    assert verify("--json", "--repair", sections, *RAW) == 0
    assert json.loads(capsys.readouterr().out)["repair"] == {"chunks": 1, "anew": False, "whole": True}
    assert verify("--json", "--against", sections, *RAW) == 0
    assert json.loads(capsys.readouterr().out)["against"]["same"]


def test_it_is_mended_by_the_command_that_it_names(sections, capsys):
    before = open_volume("brain.h5").levels[1].read(EVERYTHING)
    with open("brain.h5", "rb") as file:
        data = file.read()
    hurt(0, (0, 0, 0), (1, 1, 1))
    hurt(1, (0, 0, 0))
    capsys.readouterr()
    verify()
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("next: "))
    program, *words = shlex.split(line.removeprefix("next: ").partition("    ")[0].replace("SLICES", "sections"))
    assert program == "stackreel"
    assert main([*words, *RAW]) == 0
    assert "brain.h5: 3 chunks mended; every byte has been checked since, it is whole" in capsys.readouterr().out
    assert verify() == 0
    with open("brain.h5", "rb") as file:
        assert file.read() == data
    np.testing.assert_array_equal(open_volume("brain.h5").levels[1].read(EVERYTHING), before)


def test_a_damaged_index_is_mended_by_converting_anew(sections, capsys):
    with h5py.File("brain.h5") as file:
        names = []
        file.visit(names.append)
    hurt_index()
    hurt(0, (0, 0, 0))
    assert verify("--repair", sections, *RAW) == 0
    assert "brain.h5: converted anew; every byte has been checked since" in capsys.readouterr().out
    assert verify("--against", sections, *RAW) == 0
    with h5py.File("brain.h5") as file:
        again = []
        file.visit(again.append)
    assert again == names
    assert "VTKHDF" in names
    volume = open_volume("brain.h5")
    assert volume.spacing.zyx == (3.0, 1.0, 1.0)
    assert volume.provenance["source"] == str(sections)


def test_other_slices_mend_nothing(sections, capsys):
    hurt(0, (0, 0, 0))
    section = np.fromfile(sections / "s05.raw", np.uint8)
    section[7] ^= 1
    section.tofile(sections / "s05.raw")
    assert verify("--repair", sections, *RAW) == 1
    assert "slice 5 (s05.raw), rows 0 to 127: not what was converted" in capsys.readouterr().err
    assert verify("--repair", sections, "--shape", 280, 300, "--dtype", "uint8") == 1
    assert "brain.h5 holds 40 slices of 300 × 280 uint8, these slices are 40 slices of 280 × 300" in (
        capsys.readouterr().err
    )


def test_against_the_slices(sections, capsys):
    capsys.readouterr()
    assert verify("--against", sections, *RAW) == 0
    assert f"{sections}: every sample is the same" in capsys.readouterr().out
    os.utime(sections / "s03.raw", ns=(1, 1))
    assert verify("--against", sections, *RAW) == 0
    assert "1 file (s03.raw) changed date since the conversion, and nothing else" in capsys.readouterr().out
    for z in (7, 8, 9):
        section = np.fromfile(sections / f"s{z:02}.raw", np.uint8).reshape(300, 280)
        section[130:132, 5] ^= 255
        section.tofile(sections / f"s{z:02}.raw")
    assert verify("--against", sections, *RAW) == 1
    said = capsys.readouterr().out
    assert f"{sections}: not what was converted in 3 slices:\n  slices 7 to 9, rows 128 to 255\n" in said
    assert "volume and slices hold other samples in 3 slices:\n  slices 7 to 9, rows 130 to 131\n" in said


def test_a_window_is_taken_from_the_volume(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deep").mkdir()
    for z in range(3):
        np.random.default_rng(z).integers(0, 4000, (150, 140)).astype(np.uint16).tofile(f"deep/{z}.raw")
    raw = ["--shape", "150", "140", "--dtype", "uint16"]
    assert main(["convert", "deep", "brain.h5", *raw, "--to", "uint8", "--window", "200", "3000"]) == 0
    assert verify("--against", "deep", *raw) == 0
    hurt(0, (0, 0, 0))
    assert verify("--repair", "deep", *raw) == 0
    assert verify("--against", "deep", *raw, "--window", "200", "3100") == 1
    assert "not what was converted in 3 slices" in capsys.readouterr().out


def test_directions_with_weights(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for folder, most in (("direction", 180), ("worth", 256)):
        (tmp_path / folder).mkdir()
        for z in range(3):
            np.random.default_rng(z).integers(0, most, (150, 140)).astype(np.uint8).tofile(f"{folder}/{z}.raw")
    raw = ["--shape", "150", "140", "--dtype", "uint8"]
    axial = ["--kind", "axial", "--period", "180", "--weights", "worth"]
    assert main(["convert", "direction", "brain.h5", *raw, *axial]) == 0
    with open("brain.h5", "rb") as file:
        data = file.read()
    hurt(1, (0, 0, 0))
    hurt(1, (0, 0, 0), resultants=True)
    capsys.readouterr()
    assert verify("--repair", "direction", *raw) == 1
    said = capsys.readouterr()
    assert "level 1, how far directions agree: 1 chunk damaged (changed)" in said.out
    assert "made with weights, which are needed again" in said.err
    assert verify("--repair", "direction", *raw, "--weights", "worth") == 0
    with open("brain.h5", "rb") as file:
        assert file.read() == data


def test_a_linked_volume_has_its_levels_checked_and_mended(sections, capsys):
    assert main(["link", "sections", "brain.h5", "--overwrite", *RAW, "--spacing", "3", "1", "1"]) == 0
    capsys.readouterr()
    assert verify() == 0
    assert "the full resolution is not in it but in the slices' own files" in capsys.readouterr().out
    with open("brain.h5", "rb") as file:
        data = file.read()
    hurt(1, (0, 0, 0))
    assert verify("--repair", sections, *RAW) == 0
    with open("brain.h5", "rb") as file:
        assert file.read() == data
    assert verify("--against", sections, *RAW) == 0
    hurt_index()
    assert verify("--repair", sections, *RAW) == 1
    assert "`stackreel link SLICES" in capsys.readouterr().err


def test_a_repair_that_was_stopped_is_gone_on_with(sections, capsys):
    put_aside(sections.parent / "brain.h5", read_ledger("brain.h5").extents)
    with h5py.File("brain.h5", "r+") as file:
        file["more"] = np.arange(10_000)
    assert verify() == 1
    assert "a repair was stopped in the middle; --repair goes on with it" in capsys.readouterr().out
    assert verify("--repair", sections, *RAW) == 0
    assert "what it had done to the index is taken back" in capsys.readouterr().err
    assert verify() == 0


def test_the_slices_are_looked_at_before_a_stopped_repair_is_taken_back(sections, capsys):
    put_aside(sections.parent / "brain.h5", read_ledger("brain.h5").extents)
    with h5py.File("brain.h5", "r+") as file:
        file["more"] = np.arange(10_000)
    with open("brain.h5", "rb") as file:
        half = file.read()
    for wrong in (["nowhere", *RAW], [sections, "--shape", 280, 300, "--dtype", "uint8"]):
        assert verify("--repair", *wrong) == 1
        with open("brain.h5", "rb") as file:
            assert file.read() == half
        assert os.path.exists("brain.h5.undo")
    assert verify("--repair", sections, *RAW) == 0


def test_a_repair_of_an_earlier_file_does_nothing_to_the_new_one(sections, capsys):
    put_aside(sections.parent / "brain.h5", read_ledger("brain.h5").extents)
    with open("brain.h5.undo", "rb") as file:
        left = file.read()
    (sections / "s00.raw").write_bytes(bytes(SHAPE[1] * SHAPE[2]))
    assert main(["convert", "sections", "brain.h5", "--overwrite", *RAW]) == 0
    with open("brain.h5.undo", "wb") as file:
        file.write(left)
    with open("brain.h5", "rb") as file:
        new = file.read()
    assert verify() == 0
    capsys.readouterr()
    assert verify("--repair", sections, *RAW) == 0
    assert "brain.h5.undo was of a repair of another file that stood here before" in capsys.readouterr().err
    with open("brain.h5", "rb") as file:
        assert file.read() == new
    assert not os.path.exists("brain.h5.undo")


def test_wrong_files_and_wrong_use(tmp_path, capsys):
    assert main(["verify", str(tmp_path / "none.h5")]) == 1
    assert "there is no such volume" in capsys.readouterr().err
    assert main(["verify", str(tmp_path)]) == 1
    assert "a folder, but no volume" in capsys.readouterr().err
    assert main(["verify", "brain.h5", "--against", "a", "--repair", "a"]) == 2


@pytest.mark.parametrize("seed", range(3))
def test_hdf5_never_sees_a_torn_index(sections, seed):
    """In a process of its own: HDF5 may crash, or never come back, where the index is damaged all over."""
    rng = np.random.default_rng(seed)
    data = np.fromfile("brain.h5", np.uint8)
    ledger = read_ledger("brain.h5")
    around = np.ones(len(data), bool)
    for offset, size in np.concatenate(ledger.extents):
        around[offset : offset + size] = False
    hit = rng.choice(np.flatnonzero(around)[:4000], 300)
    data[hit] ^= rng.integers(1, 256, 300).astype(np.uint8)
    data.tofile("brain.h5")
    done = subprocess.run(
        [sys.executable, "-m", "stackreel", "verify", "brain.h5"], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1, done.stderr
    assert "all samples are as they were written" in done.stdout


def test_a_folder_is_checked_compared_and_mended(sections, capsys):
    assert main(["convert", str(sections), "brain.ome.zarr", *RAW]) == 0
    assert verify("--against", sections, *RAW, path="brain.ome.zarr") == 0
    said = capsys.readouterr().out
    assert "brain.ome.zarr: whole; " in said
    assert f"{sections}: every sample is the same" in said
    shard = Path("brain.ome.zarr/0/c/0/0/0")
    os.truncate(shard, shard.stat().st_size // 2)
    assert verify(path="brain.ome.zarr") == 1
    said = capsys.readouterr().out
    assert "full resolution: " in said
    assert "(not in the index)" in said
    assert "next: stackreel verify brain.ome.zarr --repair SLICES" in said
    assert verify("--repair", sections, *RAW, path="brain.ome.zarr") == 0
    assert "mended; every byte has been checked since, it is whole" in capsys.readouterr().out
    Path("brain.ome.zarr/stackreel/summary/1/zarr.json").write_text("{}")
    assert verify("--json", path="brain.ome.zarr") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["damaged"] == []
    assert found["sealed"] is False
    assert verify(path="brain.ome.zarr") == 1
    said = capsys.readouterr().out
    assert "the files around the shards are not what was written: OME's pages" in said
    assert "all samples are as they were written" in said


def test_a_folder_whose_table_is_lost_is_not_said_to_be_the_same(sections, capsys):
    assert main(["convert", str(sections), "brain.ome.zarr", *RAW]) == 0
    with open("brain.ome.zarr/stackreel/summary/0/sizes/c/0/0/0", "r+b") as file:
        file.write(b"x")
    capsys.readouterr()
    assert verify("--against", sections, *RAW, path="brain.ome.zarr") == 1
    said = capsys.readouterr().out
    assert "every sample is the same" not in said
    assert "18 damaged chunks could not be compared" in said
    assert verify("--repair", sections, *RAW, path="brain.ome.zarr") == 0
    assert verify("--against", sections, *RAW, path="brain.ome.zarr") == 0


def test_what_a_file_manager_left_in_a_folder_is_named(sections, capsys):
    assert main(["convert", str(sections), "brain.ome.zarr", *RAW]) == 0
    Path("brain.ome.zarr/.DS_Store").write_bytes(b"x")
    capsys.readouterr()
    assert verify(path="brain.ome.zarr") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("brain.ome.zarr: whole; ")
    assert said[1:] == ["  not of the volume, and doing it no harm: 1 file (.DS_Store)"]
    assert verify("--json", path="brain.ome.zarr") == 0
    assert json.loads(capsys.readouterr().out)["strangers"] == [".DS_Store"]


def test_a_stopped_repair_of_a_folder_is_gone_on_with(sections, capsys):
    assert main(["convert", str(sections), "brain.ome.zarr", *RAW]) == 0
    table = Path("brain.ome.zarr/stackreel/summary/1/sizes")
    undofolder.put_aside(Path("brain.ome.zarr"), [table])
    (table / "c" / "0" / "0" / "0").write_bytes(b"half")
    assert verify(path="brain.ome.zarr") == 1
    assert "a repair was stopped in the middle; --repair goes on with it" in capsys.readouterr().out
    assert verify("--repair", sections, *RAW, path="brain.ome.zarr") == 0
    assert "is taken back" in capsys.readouterr().err
    assert verify(path="brain.ome.zarr") == 0


CONVERT = """\
import os, shutil, signal, sys, time
from stackreel.cli import main
rmtree = shutil.rmtree
def interrupted(what, *more, **options):
    if ".replaced" in str(what):
        if sys.argv[1] == "refused":
            raise PermissionError(13, "Permission denied", str(what))
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(1)
    rmtree(what, *more, **options)
shutil.rmtree = interrupted
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize(("why", "code"), [("interrupted", 130), ("refused", 0)])
def test_what_fails_behind_the_end_is_not_told_as_if_nothing_was_written(sections, why, code):
    words = ["convert", str(sections), "brain.ome.zarr", *RAW, "--overwrite"]
    assert main(words) == 0
    done = subprocess.run([sys.executable, "-c", CONVERT, why, *words], capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert "not written" not in done.stderr
    assert ("was just complete" if why == "interrupted" else "could not be removed (Permission denied)") in done.stderr
    assert verify(path="brain.ome.zarr") == 0
