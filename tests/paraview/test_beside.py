from __future__ import annotations

from pathlib import Path

import pytest

from stackreel.errors import OutputExistsError, VolumeError
from stackreel.files import format_bytes
from stackreel.paraview.beside import existing, vtkhdf_path, xdmf_path
from stackreel.paraview.doors import check_doors


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (999, "999 bytes"),
        (1000, "1 kB"),
        (999_600, "1 MB"),
        (208_851_234_504, "209 GB"),
        (13_037_875_200, "13 GB"),
        (2 * 10**18, "2e+03 PB"),
    ],
)
def test_bytes_are_said_in_powers_of_ten(count: int, text: str) -> None:
    assert format_bytes(count) == text


def test_names_say_which_level_of_how_many(tmp_path: Path) -> None:
    volume = tmp_path / "my.brain.h5"
    assert [xdmf_path(volume, k, 3).name for k in range(3)] == [
        "my.brain.xmf2",
        "my.brain.L1of2.xmf2",
        "my.brain.L2of2.xmf2",
    ]
    assert vtkhdf_path(volume, 1, 3).name == "my.brain.L1of2.hdf"


def test_only_our_names_are_found(tmp_path: Path) -> None:
    ours = ["b.xmf2", "b.L1of2.xmf2", "b.L12of20.xmf2"]
    for name in [*ours, "b.part.xmf2", "bb.xmf2", "b.L1.xmf2", "b.h5", "b.xmf2.old"]:
        (tmp_path / name).touch()
    assert {p.name for p in existing(tmp_path / "b.h5", ".xmf2")} == set(ours)


@pytest.mark.parametrize("name", ["b.hdf", "b.xmf2", "b.L1of3.hdf"])
def test_a_file_of_someone_else_stops_the_work_before_it_begins(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("measured in 1998, the only copy")
    with pytest.raises(OutputExistsError, match="not written by stackreel"):
        check_doors(tmp_path / "b.h5")
    assert (tmp_path / name).read_text() == "measured in 1998, the only copy"


def test_a_volume_name_with_a_colon_stops_the_work_before_it_begins(tmp_path: Path) -> None:
    with pytest.raises(VolumeError, match="without a colon"):
        check_doors(tmp_path / "scan 12:30.h5")
