"""Files appear complete or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from stackreel.errors import StackreelError
from stackreel.files import check_writable, replacing
from stackreel.volume.output import check_output


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "b.xmf2"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as half:
            half.write_text("half")
            raise OSError(5, "Input/output error")

    with pytest.raises(StackreelError, match=r"b\.xmf2: cannot be written \(Input/output error\)"):
        fail()
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["b.xmf2"]


def test_a_link_stays_a_link_and_its_file_is_replaced_where_that_stands(tmp_path):
    here, other_disk = tmp_path / "here", tmp_path / "other"
    here.mkdir()
    other_disk.mkdir()
    (other_disk / "big.txt").write_text("old")
    (here / "b.txt").symlink_to(other_disk / "big.txt")
    with replacing(here / "b.txt") as half:
        half.write_text("new")
        assert half.parent == other_disk
    assert (here / "b.txt").is_symlink()
    assert (other_disk / "big.txt").read_text() == "new"
    assert [p.name for p in other_disk.iterdir()] == ["big.txt"]


def test_a_write_that_ends_well_replaces_the_old_file(tmp_path):
    path = tmp_path / "b.txt"
    path.write_text("old")
    with replacing(path) as half:
        half.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [p.name for p in tmp_path.iterdir()] == ["b.txt"]


@pytest.mark.skipif(os.name == "nt", reason="no such devices on Windows")
def test_a_device_is_never_replaced(tmp_path):
    """Root may: and a machine without /dev/null soon stands still."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, Path("/dev/full")):
        for write in (True, False):
            with pytest.raises(StackreelError, match="is a device or a pipe"):
                check_writable(path, overwrite=write)
        with pytest.raises(StackreelError, match="is a device or a pipe"), replacing(path):
            raise AssertionError("never comes here")
        with pytest.raises(StackreelError, match="is a device or a pipe"):
            check_output(path, overwrite=True)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
