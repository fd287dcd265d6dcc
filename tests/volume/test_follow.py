"""A conversion that follows a scan, as a process of its own: sections arrive in pieces, it is killed, it goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from stackreel.errors import VolumeError
from stackreel.volume import open_volume

from .test_build import contents

pytestmark = pytest.mark.skipif(os.name == "nt", reason="no such signals on Windows")

EVERYTHING = (slice(None),) * 3
COUNT, ROWS, COLUMNS = 70, 150, 140
SETTLE = 0.4


@pytest.fixture(scope="module")
def sections():
    z, y, x = np.indices((COUNT, ROWS, COLUMNS), sparse=True)
    rng = np.random.default_rng(0)
    stack = 20 + z + ((x - 70) ** 2 + (y - 75) ** 2) // 150 + rng.integers(0, 9, (COUNT, ROWS, COLUMNS))
    return stack.astype(np.uint8)


class Scan:
    """A folder that fills, and conversions that follow it."""

    def __init__(self, tmp_path, sections):
        self.folder, self.out, self.sections = tmp_path / "scan", tmp_path / "out" / "a.h5", sections
        self.folder.mkdir()
        self.out.parent.mkdir()
        self.partial = self.out.with_name("a.h5.partial")
        self.processes = []

    def arrive(self, *which, pieces=1, pause=0.0):
        for z in which:
            data = self.sections[z].tobytes()
            step = -(-len(data) // pieces)
            with open(self.folder / f"s{z:03}.raw", "wb", buffering=0) as file:
                for begin in range(0, len(data), step):
                    file.write(data[begin : begin + step])
                    time.sleep(pause)

    def follow(self, *words, settle=SETTLE):
        more = ["--follow", "--count", str(COUNT), "--settle", str(settle), *words]
        return self.start(self.folder, self.out, *more)

    def start(self, source, out, *words):
        raw = ["--shape", str(ROWS), str(COLUMNS), "--dtype", "uint8", "--spacing", "2", "1", "1"]
        process = subprocess.Popen(
            [sys.executable, "-m", "stackreel", "convert", str(source), str(out), *raw, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.processes.append(process)
        return process

    def until_in(self, sections):
        """Wait until so many sections are in the unfinished file, and shown."""
        for _ in range(600):
            if self.partial.exists() and self.out.with_name("a.h5.preview").exists():
                volume = open_volume(self.partial)
                if int(volume.provenance["unfinished"].split()[0]) >= sections:
                    return volume
            time.sleep(0.1)
        raise AssertionError("it never came so far")

    def kill(self, process, how=signal.SIGKILL):
        process.send_signal(how)
        said, wrong = process.communicate(timeout=60)
        return process.returncode, said + wrong

    def finished(self, process):
        said, wrong = process.communicate(timeout=120)
        assert process.returncode == 0, wrong
        assert sorted(p.name for p in self.out.parent.iterdir() if p.name.startswith("a.h5")) == ["a.h5"]
        return said + wrong

    def failed(self, process):
        _, wrong = process.communicate(timeout=120)
        assert process.returncode == 1, wrong
        return wrong.splitlines()[-1]

    def same_as_plain(self, *words):
        """The file is the one that a conversion makes of the folder as it is now, but for the order of its chunks."""
        plain = self.out.with_name("plain.h5")
        said, wrong = self.start(self.folder, plain, "--name", "a", *words).communicate(timeout=120)
        assert plain.exists(), said + wrong
        ours, theirs = contents(self.out), contents(plain)
        assert ours.keys() == theirs.keys()
        for key in ours:
            if "offsets" not in key and "ledger" not in key:
                np.testing.assert_array_equal(ours[key], theirs[key], err_msg=key)
        assert open_volume(self.out).fingerprint == open_volume(plain).fingerprint


@pytest.fixture
def scan(tmp_path, sections):
    scan = Scan(tmp_path, sections)
    yield scan
    for process in scan.processes:
        if process.poll() is None:
            process.kill()
            process.communicate()


def test_it_is_killed_while_it_waits_and_loses_nothing(scan, sections):
    """Sections come out of order and in pieces; kills in the middle; the file is that of a plain conversion."""
    scan.arrive(3, 1, 0)
    process = scan.follow("--names", "s%03d.raw")
    scan.arrive(*range(40, 50), *range(31, 3, -1), 2, pieces=4, pause=0.01)
    shown = scan.until_in(32)
    assert shown.provenance["unfinished"] == f"32 of {COUNT} sections"
    scan.kill(process)
    np.testing.assert_array_equal(open_volume(scan.partial).levels[0].read(EVERYTHING)[:32], sections[:32])
    process = scan.follow("--names", "s%03d.raw")
    scan.arrive(*range(50, COUNT), *range(32, 40), pieces=3, pause=0.01)
    said = scan.finished(process)
    assert "going on where an earlier run was stopped, at 46%" in said
    np.testing.assert_array_equal(open_volume(scan.out).levels[0].read(EVERYTHING), sections)
    scan.same_as_plain()


def test_ctrl_c_says_that_it_can_be_gone_on_with_and_names_are_learnt(scan, sections):
    scan.arrive(*range(33))
    process = scan.follow()
    scan.until_in(32)
    time.sleep(2.0)  # it says so right after
    code, said = scan.kill(process, signal.SIGINT)
    assert code == 130
    assert "33 of 70 sections are there; waiting for s033.raw, s034.raw, s035.raw and 28 more since" in said
    assert f"can be looked at meanwhile: stackreel info {scan.partial}" in said
    assert "the same command goes on from there" in said
    scan.arrive(*range(33, COUNT))
    scan.finished(scan.follow())
    scan.same_as_plain()


def test_a_section_that_changed_meanwhile_is_named(scan):
    scan.arrive(*range(40))
    process = scan.follow()
    scan.until_in(32)
    scan.arrive(7)
    assert "slice 7 (s007.raw) has changed since it was taken in (it was written anew)" in scan.failed(process)
    assert "slice 7 (s007.raw) has changed since it was taken in" in scan.failed(scan.follow())
    scan.arrive(*range(40, COUNT))
    scan.finished(scan.follow("--restart"))
    scan.same_as_plain()


def test_when_sections_never_come_the_gaps_are_filled(scan, sections):
    gone = [5, 40, 41, 69]
    scan.arrive(*(z for z in range(33) if z != 5))
    process = scan.follow()
    time.sleep(2.0)
    assert scan.kill(process, signal.SIGTERM)[0] == 130
    scan.arrive(*(z for z in range(33, COUNT) if z not in gone))
    said = scan.finished(scan.follow("--missing", "interpolate"))
    assert "sections 5, 40-41, 69 of the files' numbering are missing: interpolated" in said
    provenance = open_volume(scan.out).provenance
    assert (provenance["missing_sections"], provenance["missing_filled_by"]) == ("5, 40-41, 69", "interpolate")
    found = open_volume(scan.out).levels[0].read(EVERYTHING)
    kept = [z for z in range(COUNT) if z not in gone]
    np.testing.assert_array_equal(found[kept], sections[kept])
    assert np.abs(found[5].astype(float) - sections[[4, 6]].mean(axis=0)).max() <= 0.5
    scan.same_as_plain("--missing", "interpolate", "--absent", "69")


def test_gaps_after_days_of_waiting_can_be_filled_too(scan):
    """Forty sections were taken in before it turned out that one of the others will never come."""
    scan.arrive(*range(40))
    process = scan.follow()
    scan.until_in(32)
    scan.kill(process)
    scan.arrive(*range(41, COUNT))
    said = scan.finished(scan.follow("--missing", "repeat"))
    assert "going on where an earlier run was stopped" in said
    scan.same_as_plain("--missing", "repeat")


def test_other_names_or_counts_do_not_go_on_with_it(scan):
    scan.arrive(*range(32))
    process = scan.follow()
    scan.until_in(32)
    scan.kill(process)
    other = scan.start(scan.folder, scan.out, "--follow", "--count", "71", "--settle", "0.1")
    assert "shape was 70 150 140, is 71 150 140" in scan.failed(other)


def test_following_says_what_it_needs(scan):
    scan.arrive(0)
    assert "say how many sections will come with --count" in scan.failed(scan.start(scan.folder, scan.out, "--follow"))
    assert "--count is about sections that are still arriving; add --follow" in scan.failed(
        scan.start(scan.folder, scan.out, "--count", "3")
    )


def test_before_the_first_slab_there_is_nothing_to_open(scan):
    scan.arrive(0, 1)
    process = scan.follow()
    for _ in range(300):
        if scan.partial.exists():
            break
        time.sleep(0.1)
    with pytest.raises(VolumeError, match="nothing of it is there yet; the first 32 sections show when all of them"):
        open_volume(scan.partial)
    scan.kill(process, signal.SIGINT)
    assert list(scan.out.parent.iterdir()) == []
