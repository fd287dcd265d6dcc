"""Files appear complete or not at all."""

from __future__ import annotations

import pytest

from stackreel.errors import StackreelError
from stackreel.files import replacing


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
