"""`stackreel convert`: what it makes, what it says, and what it leaves behind when it cannot."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from stackreel.cli import main
from stackreel.volume import open_volume

EVERYTHING = (slice(None),) * 3
SHAPE = (4, 40, 50)


@pytest.fixture
def samples():
    return np.random.default_rng(0).integers(0, 255, SHAPE, dtype=np.uint8)


@pytest.fixture
def tiffs(tmp_path, samples):
    return write_tiffs(tmp_path / "sections", samples)


@pytest.fixture
def out(tmp_path):
    """The volume to write, in a folder of its own that can be looked at afterwards."""
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "brain.h5"


def write_tiffs(folder, samples):
    folder.mkdir()
    for z, section in enumerate(samples):
        tifffile.imwrite(folder / f"s{z}.tif", section)
    return folder


def write_raw(folder, samples):
    folder.mkdir()
    for z, section in enumerate(samples):
        section.tofile(folder / f"s{z:03}.raw")
    return folder


def convert(source, out, *words):
    return main(["convert", str(source), str(out), *map(str, words)])


def listing(folder):
    return sorted(p.name for p in folder.iterdir())


def test_sections_of_every_kind_become_the_same_volume(tmp_path, samples, tiffs):
    raw = write_raw(tmp_path / "raw", samples)
    png = tmp_path / "png"
    png.mkdir()
    for z, section in enumerate(samples):
        Image.fromarray(section).save(png / f"{z}.png")
    tifffile.imwrite(tmp_path / "one.tif", samples, photometric="minisblack")
    stacks = {
        "tiffs": [tiffs],
        "raw": [raw, "--shape", 40, 50, "--dtype", "uint8"],
        "png": [png],
        "one": [tmp_path / "one.tif"],
        "glob": [tiffs / "s?.tif"],
    }
    for name, (source, *words) in stacks.items():
        assert convert(source, tmp_path / f"{name}.h5", "--spacing", 3, 1, 1, *words) == 0
    volumes = [open_volume(tmp_path / f"{name}.h5") for name in stacks]
    assert len({v.fingerprint for v in volumes}) == 1
    np.testing.assert_array_equal(volumes[0].levels[0].read(EVERYTHING), samples)


def test_it_says_what_it_does_and_how_to_go_on(tiffs, out, capsys, monkeypatch):
    strange = out.with_name("a brain & more.h5")
    assert convert(tiffs, strange, "--spacing", "60um", "1.3um", "1.3um") == 0
    said = capsys.readouterr()
    assert "4 sections of 40 × 50 uint8, 60 µm × 1.3 µm × 1.3 µm (z × y × x)" in said.out
    assert "1 level, " in said.out
    assert "and 2 small files beside it for ParaView" in said.out
    line = next(line for line in said.out.splitlines() if line.startswith("next: "))
    program, *words = shlex.split(line.removeprefix("next: ").partition("    ")[0])
    monkeypatch.chdir(out.parent)
    assert program == "stackreel"
    assert main(words) == 0
    assert (out.parent / "movie.yaml").is_file()
    assert said.err.count("note:") == 0


def test_lengths_may_have_any_unit_and_ratios_none(tiffs, out):
    expected = {
        ("0.06mm", "1300nm", "1.3 um"): (60.0, 1.3, 1.3, "um"),
        ("50nm", "4nm", "4nm"): (0.05, 0.004, 0.004, "um"),
        ("60µm", "1.3μm", "1.3micron"): (60.0, 1.3, 1.3, "um"),
        ("40", "1", "1"): (40.0, 1.0, 1.0, ""),
    }
    for texts, (z, y, x, unit) in expected.items():
        assert convert(tiffs, out, "--overwrite", "--spacing", *texts) == 0
        spacing = open_volume(out).spacing
        assert spacing.zyx == pytest.approx((z, y, x))
        assert spacing.unit == unit


def test_without_spacing_it_says_what_it_assumes(tiffs, out, capsys):
    assert convert(tiffs, out) == 0
    assert "do not say how far apart samples are; cubes are assumed" in capsys.readouterr().err
    assert open_volume(out).spacing.zyx == (1.0, 1.0, 1.0)


def test_spacing_in_the_files_is_used_unless_another_is_given(tmp_path, samples, out, capsys):
    stack = tmp_path / "stack.tif"
    words = {"axes": "ZYX", "spacing": 60.0, "unit": "um"}
    tifffile.imwrite(stack, samples, imagej=True, resolution=(0.5, 0.5), metadata=words)
    assert convert(stack, out) == 0
    assert "cubes are assumed" not in capsys.readouterr().err
    assert open_volume(out).spacing.zyx == pytest.approx((60.0, 2.0, 2.0))
    assert convert(stack, out, "--overwrite", "--spacing", "70um", "1um", "1um") == 0
    assert open_volume(out).spacing.zyx == (70.0, 1.0, 1.0)


def test_gaps_in_the_numbering_are_told(tiffs, out, capsys):
    (tiffs / "s2.tif").unlink()
    assert convert(tiffs, out) == 0
    assert "jumps" in capsys.readouterr().err
    assert open_volume(out).shape == (3, 40, 50)


@pytest.mark.parametrize(
    ("file", "name", "expected"),
    [
        ("brain.h5", None, "brain"),
        ("a brain.v2.h5", None, "a_brain_v2"),
        ("levels.h5", None, "levels_"),
        ("brain.h5", "PLI", "PLI"),
        ("Gehirn-é.hdf5", None, "Gehirn-é"),
    ],
)
def test_the_data_are_named_after_the_file_or_as_asked(tiffs, out, file, name, expected):
    target = out.with_name(file)
    assert convert(tiffs, target, *(["--name", name] if name else [])) == 0
    assert open_volume(target).name == expected


def test_provenance_tells_where_it_came_from(tiffs, out, monkeypatch):
    monkeypatch.chdir(tiffs.parent)
    assert convert("sections", out) == 0
    provenance = open_volume(out).provenance
    assert provenance["source"] == str(tiffs)
    assert provenance["files"] == "4"
    assert provenance["written_by"].startswith("stackreel")
    assert provenance["written_at"].startswith("20")


def test_a_smaller_volume_in_the_same_place_leaves_no_files_of_the_larger_one(tmp_path, out):
    large = write_tiffs(tmp_path / "large", np.ones((3, 200, 200), np.uint8))
    small = write_tiffs(tmp_path / "small", np.ones((3, 40, 40), np.uint8))
    assert convert(large, out) == 0
    assert "brain.L1of2.xmf2" in listing(out.parent)
    assert convert(small, out, "--overwrite") == 0
    assert listing(out.parent) == ["brain.h5", "brain.hdf", "brain.xmf2"]


# ---- bad input: a clear message, exit code 1 or 2, no traceback, and nothing left behind


def ruin(folder: Path, name: str, how) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(how(data))


def make_bad(tmp_path, kind, samples):
    """A folder of sections with a fault, and the options that belong to them."""
    folder = tmp_path / "bad"
    raw = ["--shape", 40, 50, "--dtype", "uint8"]
    if kind == "an empty folder":
        folder.mkdir()
        return folder, []
    if kind == "no such folder":
        return tmp_path / "nowhere", []
    if kind == "a wrong shape":
        return write_raw(folder, samples), ["--shape", 41, 50, "--dtype", "uint8"]
    if kind == "an unknown type":
        return write_raw(folder, samples), ["--shape", 40, 50, "--dtype", "uint3"]
    if kind == "raw without a shape":
        return write_raw(folder, samples), []
    if kind == "a truncated raw slice":
        ruin(write_raw(folder, samples), "s003.raw", lambda data: data[:-7])
        return folder, raw
    if kind == "files of no known kind":
        folder.mkdir()
        (folder / "scan.czi").write_bytes(b"hello")
        return folder, []
    if kind == "64-bit integers":
        return write_raw(folder, samples.astype(np.int64)), ["--shape", 40, 50, "--dtype", "int64"]
    if kind == "64-bit integers in TIFFs":
        return write_tiffs(folder, samples.astype(np.uint64)), []
    if kind == "colour sections":
        return write_tiffs(folder, np.stack([samples] * 3, -1)), []
    write_tiffs(folder, samples)
    if kind == "mixed sizes":
        tifffile.imwrite(folder / "s2.tif", samples[2, :30])
    elif kind == "mixed types":
        tifffile.imwrite(folder / "s2.tif", samples[2].astype(np.uint16))
    elif kind == "a truncated TIFF":
        ruin(folder, "s1.tif", lambda data: data[: len(data) // 2])
    elif kind == "a TIFF that is none":
        ruin(folder, "s1.tif", lambda data: b"hello")
    elif kind == "an unreadable file":
        (folder / "s1.tif").unlink()
        (folder / "s1.tif").symlink_to(tmp_path / "gone.tif")
    return folder, []


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        ("an empty folder", "the folder is empty; name the folder that holds the sections"),
        ("no such folder", "there is no such file or folder"),
        ("mixed sizes", "slice 2 (s2.tif) is 30 × 50 uint8; 3 of the 4 files are 40 × 50 uint8"),
        ("mixed types", "slice 2 (s2.tif) is 40 × 50 uint16; 3 of the 4 files are 40 × 50 uint8"),
        ("a truncated raw slice", "slice 3 (s003.raw) holds 1,993 bytes; 40 × 50 uint8 needs 2,000"),
        ("a truncated TIFF", "slice 1 (s1.tif) is truncated"),
        ("a TIFF that is none", "slice 1 (s1.tif) is not a TIFF that can be read"),
        ("an unreadable file", "s1.tif"),
        ("a wrong shape", "slice 0 (s000.raw) holds 2,000 bytes; 41 × 50 uint8 needs 2,050"),
        ("an unknown type", '"uint3" is not a type; stackreel reads uint8'),
        ("raw without a shape", "give --shape ROWS COLS and --dtype"),
        ("files of no known kind", "no sections found; it holds 1 .czi"),
        ("64-bit integers", "float64: convert them to int32 first"),
        ("64-bit integers in TIFFs", "convert them to uint32 first, e.g. with Fiji or numpy"),
        ("colour sections", "is a colour image"),
    ],
)
def test_bad_sections_are_refused_with_a_way_out(tmp_path, samples, out, capsys, kind, complaint):
    source, words = make_bad(tmp_path, kind, samples)
    before = listing(source) if source.is_dir() else []
    assert convert(source, out, *words) == 1
    said = capsys.readouterr().err
    assert complaint in said
    assert "Traceback" not in said
    assert said.splitlines()[-1].startswith(("stackreel: error: ", "("))
    assert listing(out.parent) == []
    assert (listing(source) if source.is_dir() else []) == before


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="for root every file is readable")
def test_a_file_without_the_right_to_read_is_named(tiffs, out, capsys):
    (tiffs / "s1.tif").chmod(0)
    assert convert(tiffs, out) == 1
    assert "s1.tif" in capsys.readouterr().err
    assert listing(out.parent) == []


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (["--spacing", "1um", "2", "3"], 1, "mixes lengths with and without a unit"),
        (["--spacing", "1ly", "2um", "3um"], 1, 'unknown unit "ly"'),
        (["--spacing", "0", "1", "1"], 1, "spacing along z is 0; it must be a positive length"),
        (["--spacing", "1e-300", "1", "1e300"], 1, "the largest may be 1,000,000,000 times the smallest"),
        (["--spacing", "60mm", "1nm", "1nm"], 1, "check the numbers and their units"),
        (["--spacing", "1", "2"], 2, "expected 3 arguments"),
        (["--kind", "axial"], 1, "axial data need --period"),
        (["--period", "180"], 1, "--period belongs to axial data"),
        (["--background", "0"], 1, "--background belongs to axial data"),
        (["--kind", "colour"], 2, "invalid choice"),
        (["--threads", "0"], 2, "not a whole number from 1 on"),
        (["--name", "a/b"], 1, '"a/b" cannot name a volume'),
        (["--name", "summary"], 1, '"summary" cannot name a volume'),
        (["--shape", "30", "50"], 1, "but --shape says 30 × 50"),
        (["--shape", "-3", "50"], 2, "--shape"),
    ],
)
def test_options_that_make_no_sense_are_refused(tiffs, out, capsys, words, code, complaint):
    assert convert(tiffs, out, *words) == code
    said = capsys.readouterr().err
    assert complaint in said
    assert "Traceback" not in said
    assert listing(out.parent) == []


def test_an_output_that_stands_is_not_touched(tiffs, out, capsys):
    out.write_text("mine")
    assert convert(tiffs, out) == 1
    assert "stands already; give another name, or --overwrite to replace it" in capsys.readouterr().err
    assert out.read_text() == "mine"
    assert listing(out.parent) == ["brain.h5"]


def test_an_output_that_cannot_be_is_noticed_first(tiffs, out, capsys):
    (out.parent / "a file").write_text("")
    for target, complaint in {
        out.parent / "missing" / "brain.h5": "there is no such folder; create it first",
        out.parent: "is a folder; name a file in it",
        out.parent / "a file" / "brain.h5": "there is no such folder",
        out.parent / "brain.xmf2": "end the name in .h5",
        out.parent / "brain": "end the name in .h5",
        out.parent / "a:b.h5": "choose a name without a colon",
    }.items():
        assert convert(tiffs, target, "--overwrite") == 1
        said = capsys.readouterr()
        assert complaint in said.err, target
        assert "sections of" not in said.out
        assert listing(out.parent) == ["a file"]


@pytest.mark.parametrize("make", [Path.mkdir, lambda p: p.symlink_to("nowhere"), os.mkfifo])
def test_whatever_stands_where_a_file_for_paraview_belongs_is_noticed_first(tiffs, out, capsys, make):
    for name in ("brain.xmf2", "brain.L1of2.hdf"):
        make(out.with_name(name))
        assert convert(tiffs, out) == 1
        assert f"{name} stands already and was not written by stackreel" in capsys.readouterr().err
        assert listing(out.parent) == [name]
        (Path.rmdir if out.with_name(name).is_dir() else Path.unlink)(out.with_name(name))


def test_the_files_of_a_volume_are_not_taken_by_one_of_the_same_stem(tiffs, out, capsys):
    assert convert(tiffs, out) == 0
    before = {p.name: p.read_bytes() for p in out.parent.iterdir()}
    assert convert(tiffs, out.with_suffix(".hdf5")) == 1
    assert "brain.xmf2 shows brain.h5 in ParaView and would be replaced" in capsys.readouterr().err
    assert {p.name: p.read_bytes() for p in out.parent.iterdir()} == before
    out.with_name("brain.xmf2").unlink()
    assert convert(tiffs, out.with_suffix(".hdf5")) == 1
    assert "brain.hdf shows brain.h5 in ParaView and would be replaced" in capsys.readouterr().err
    out.unlink()
    assert convert(tiffs, out.with_suffix(".hdf5")) == 0
    assert "brain.hdf5:/brain" in out.with_name("brain.xmf2").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
def test_a_name_that_is_no_text_is_noticed_first(tiffs, out, capsys):
    assert convert(tiffs, os.fsdecode(bytes(out.parent) + b"/br\xe4in.h5")) == 1
    said = capsys.readouterr()
    assert "is not text in UTF-8" in said.err
    assert "sections of" not in said.out
    assert listing(out.parent) == []


@pytest.mark.skipif(sys.platform != "linux", reason="names are text elsewhere")
def test_sections_may_lie_in_a_folder_whose_name_is_no_text(tiffs, out):
    strange = os.fsdecode(bytes(tiffs.parent) + b"/sch\xf6n")
    tiffs.rename(strange)
    assert convert(strange, out) == 0
    assert open_volume(out).provenance["source"].endswith("/sch\\udcf6n")


def test_through_a_link_the_volume_lands_where_the_link_leads(tmp_path, tiffs, out, samples):
    large_disk = tmp_path / "large disk"
    large_disk.mkdir()
    out.symlink_to(large_disk / "v.h5")
    for words in ([], ["--overwrite"]):
        assert convert(tiffs, out, *words) == 0
        assert out.is_symlink()
        assert listing(large_disk) == ["v.h5"]
        assert listing(out.parent) == ["brain.h5", "brain.hdf", "brain.xmf2"]
        np.testing.assert_array_equal(open_volume(out).levels[0].read(EVERYTHING), samples)
    assert convert(tiffs, out) == 1


@pytest.mark.skipif(os.name == "nt", reason="no named pipes on Windows")
def test_a_pipe_is_no_file_of_sections(tmp_path, out, capsys):
    os.mkfifo(tmp_path / "scan.raw")
    assert convert(tmp_path / "scan.raw", out, "--shape", 4, 5, "--dtype", "uint8") == 1
    assert "slice 0 (scan.raw) is a pipe or a device, not a file" in capsys.readouterr().err


def test_an_xdmf_file_of_somebody_else_is_noticed_first(tiffs, out, capsys):
    (out.parent / "brain.xmf2").write_text("<Xdmf>written by hand</Xdmf>")
    assert convert(tiffs, out) == 1
    assert "was not written by stackreel; move it away" in capsys.readouterr().err
    assert listing(out.parent) == ["brain.xmf2"]


def noise(folder, sections=40, kind="raw"):
    """Sections of 200 kB that do not compress."""
    folder.mkdir()
    for z in range(sections):
        section = np.random.default_rng(z).integers(0, 255, (400, 500), dtype=np.uint8)
        if kind == "png":
            Image.fromarray(section).save(folder / f"s{z:03}.png", compress_level=0)
        else:
            section.tofile(folder / f"s{z:03}.raw")
    return [str(folder)], ["--threads", "2", *(["--shape", "400", "500", "--dtype", "uint8"] if kind == "raw" else [])]


STAGE_ON_DISK = """\
import sys
from stackreel.cli import main
from stackreel.volume import bands
bands.STAGE_BYTES = 1 << 16
sys.exit(main(sys.argv[1:]))
"""


def command(source, out, words):
    """PNG sections, decoded whole, go through a file as those of many gigabytes do."""
    return [sys.executable, "-c", STAGE_ON_DISK, "convert", *source, str(out), *words]


@pytest.mark.parametrize("kind", ["raw", "png"])
def test_a_full_disk_leaves_nothing_behind(tmp_path, kind):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if os.name == "nt" or os.geteuid() != 0 or mount is None:
        pytest.skip("only root can make a disk of three megabytes")
    if subprocess.run([mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("this machine does not let root mount a disk of three megabytes")
    try:
        source, words = noise(tmp_path / "noise", kind=kind)
        done = subprocess.run(command(source, disk / "brain.h5", words), capture_output=True, text=True)
        assert done.returncode == 1
        assert ("6.4 MB of it for whole sections on their way" in done.stderr) == (kind == "png")
        assert "the disk is full" in done.stderr
        assert "Nothing was left behind" in done.stderr
        assert "Traceback" not in done.stderr
        assert "free on" in done.stderr  # it had been said beforehand
        assert listing(disk) == []
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.skipif(os.name == "nt", reason="no such limits on Windows")
def test_a_limit_on_file_sizes_leaves_nothing_behind(tmp_path, out):
    import resource

    source, words = noise(tmp_path / "noise")
    done = subprocess.run(
        command(source, out, words),
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20)),
    )
    assert done.returncode == 1
    assert "the disk is full, or a quota or limit is reached" in done.stderr
    assert "Traceback" not in done.stderr
    assert listing(out.parent) == []


@pytest.fixture
def under_way(tmp_path, out):
    """start(kind) → a conversion in another process that has begun to write."""
    started = []

    def start(kind="raw"):
        source, words = noise(tmp_path / "noise", 400, kind)
        process = subprocess.Popen(
            command(source, out, words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        started.append(process)
        partial = out.with_name(f"{out.name}.partial")
        deadline = time.monotonic() + 60
        while not (partial.exists() and partial.stat().st_size > 4096):
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.002)
        return process

    def again():
        raw = ["--shape", "400", "500", "--dtype", "uint8"]
        return subprocess.run(command([str(tmp_path / "noise")], out, raw), capture_output=True, text=True)

    start.again = again
    yield start
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.skipif(os.name == "nt", reason="no such signals on Windows")
@pytest.mark.parametrize("kind", ["raw", "png"])
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_the_end_of_a_jobs_time_leave_nothing_behind(under_way, out, stop, kind):
    process = under_way(kind)
    process.send_signal(stop)
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    assert "was not written. Nothing was left behind" in said
    assert "Traceback" not in said
    assert listing(out.parent) == []


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere files in use cannot be without a name")
def test_a_killed_conversion_leaves_no_more_than_the_file_it_wrote(under_way, out):
    process = under_way("png")
    process.kill()
    process.communicate()
    assert listing(out.parent) == ["brain.h5.journal", "brain.h5.partial"]


@pytest.mark.skipif(os.name == "nt", reason="no such signals on Windows")
def test_a_killed_conversion_is_not_in_the_way_of_the_next(under_way, out):
    process = under_way()
    process.kill()
    process.communicate()
    assert not out.exists()
    assert under_way.again().returncode == 0
    assert not [name for name in listing(out.parent) if "partial" in name]
    volume = open_volume(out)
    first = np.random.default_rng(0).integers(0, 255, (400, 500), dtype=np.uint8)
    np.testing.assert_array_equal(volume.levels[0].read((slice(0, 1), slice(None), slice(None)))[0], first)


@pytest.mark.skipif(os.name == "nt", reason="no such locks on Windows")
def test_two_conversions_never_write_one_file(under_way, out):
    process = under_way()
    process.send_signal(signal.SIGSTOP)
    second = under_way.again()
    process.send_signal(signal.SIGCONT)
    assert second.returncode == 1
    assert "another stackreel is writing it at this moment" in second.stderr
    assert process.wait(timeout=60) == 0
    assert open_volume(out).shape == (400, 400, 500)


def test_missing_sections_keep_their_place_and_info_names_them(tiffs, out, capsys, samples):
    (tiffs / "s2.tif").unlink()
    assert convert(tiffs, out, "--missing", "repeat") == 0
    assert "section 2 of the files' numbering is missing: the nearest section is repeated" in capsys.readouterr().err
    found = open_volume(out).levels[0].read(EVERYTHING)
    np.testing.assert_array_equal(found, samples[[0, 1, 1, 3]])
    assert main(["info", str(out)]) == 0
    said = capsys.readouterr().out
    assert "missing sections 2\n" in said
    assert "missing filled by repeat\n" in said
    assert convert(tiffs, out, "--overwrite", "--missing", "refuse") == 1
    assert "section 2 of the files' numbering is missing; --missing fill" in capsys.readouterr().err
    assert convert(tiffs, out, "--overwrite", "--absent", "2") == 1
    assert "add --missing fill, repeat or interpolate" in capsys.readouterr().err


def test_a_damaged_section_can_be_done_without(tiffs, out, capsys, samples):
    (tiffs / "s1.tif").write_bytes((tiffs / "s1.tif").read_bytes()[:200])
    assert convert(tiffs, out) == 1
    assert "If it is lost: --missing interpolate --absent N" in capsys.readouterr().err
    assert convert(tiffs, out, "--missing", "fill", "--absent", "1", "--fill-value", "7") == 0
    found = open_volume(out).levels[0].read(EVERYTHING)
    assert (found[1] == 7).all()
    np.testing.assert_array_equal(found[[0, 2, 3]], samples[[0, 2, 3]])
