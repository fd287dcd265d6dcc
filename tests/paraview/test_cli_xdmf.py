from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stackreel.cli import main
from stackreel.volume import Volume

from .conftest import convert


@pytest.fixture
def volume(tmp_path: Path) -> Volume:
    samples = np.random.default_rng(3).integers(0, 200, (6, 200, 310), dtype=np.uint8)
    return convert(tmp_path, "b.h5", samples, "--spacing", "40", "1", "1")


def beside(volume: Volume) -> list[str]:
    return sorted(p.name for p in volume.path.parent.iterdir() if p.suffix in (".xmf2", ".hdf"))


def test_convert_leaves_a_pair_of_files_for_every_level(volume: Volume) -> None:
    n = len(volume.levels) - 1
    assert n >= 1
    names = ["b", *(f"b.L{k}of{n}" for k in range(1, n + 1))]
    assert beside(volume) == sorted(name + suffix for name in names for suffix in (".xmf2", ".hdf"))


def test_a_file_says_what_opening_it_costs_and_what_a_small_machine_opens(volume: Volume) -> None:
    text = volume.path.with_suffix(".xmf2").read_text(encoding="utf-8")
    head = text[: text.index("-->")]
    assert "full resolution: 6 × 200 × 310 samples (z, y, x) of uint8" in head
    assert "takes 372000 bytes (372 kB) of memory" in head
    assert "40 : 1 : 1" in head
    assert "On a small machine (8 GB of memory) open b.xmf2" in head


def test_without_options_the_files_are_written_again(volume: Volume, capsys: pytest.CaptureFixture[str]) -> None:
    names = beside(volume)
    before = volume.path.with_suffix(".xmf2").read_bytes()
    for name in names:
        (volume.path.parent / name).unlink()
    assert main(["xdmf", str(volume.path)]) == 0
    assert beside(volume) == names
    assert volume.path.with_suffix(".xmf2").read_bytes() == before
    assert "File > Open" in capsys.readouterr().out


def test_files_of_levels_that_are_no_more_go(volume: Volume) -> None:
    names = beside(volume)
    for suffix in (".xmf2", ".hdf"):
        own = volume.path.with_suffix(suffix)
        own.with_name(f"b.L9of9{suffix}").write_bytes(own.read_bytes())
    assert main(["xdmf", str(volume.path)]) == 0
    assert beside(volume) == names


def test_a_part_tells_its_cost_and_the_cheaper_level(volume: Volume, capsys: pytest.CaptureFixture[str]) -> None:
    out = volume.path.with_name("quarter.xmf2")
    assert main(["xdmf", str(volume.path), "--stride", "1", "2", "2", "-o", str(out)]) == 0
    said = capsys.readouterr().out
    assert "6 × 100 × 155 samples of level 0; opening it takes 279 kB, 3 times" in said
    assert f"b.L1of{len(volume.levels) - 1}.xmf2 shows the whole volume" in said
    assert 'ItemType="HyperSlab" Dimensions="6 100 155"' in out.read_text(encoding="utf-8")


def test_a_part_is_not_replaced_unless_asked(volume: Volume, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["xdmf", str(volume.path), "--count", "1", "2", "3"]
    assert main(command) == 0
    part = volume.path.with_name("b.part.xmf2")
    assert part.exists()
    assert main([*command[:-1], "4"]) == 1
    assert "--overwrite replaces it" in capsys.readouterr().err
    assert main([*command[:-1], "4", "--overwrite"]) == 0
    assert 'Dimensions="1 2 4"' in part.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--start", "0", "0", "310"], "start along x is 310; there are samples 0 to 309"),
        (["--count", "7", "1", "1"], "1 to 6 of 6 samples fit"),
        (["--level", "17"], "has no level 17"),
        (["--level", "1", "-o", "x.xmf"], "end the name in .xmf2"),
        (["--level", "1", "-o", "nowhere/x.xmf2"], "there is no such folder"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    volume: Volume, options: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    names = beside(volume)
    assert main(["xdmf", str(volume.path), *options]) == 1
    assert message in capsys.readouterr().err
    assert beside(volume) == names


def test_a_stride_of_zero_is_wrong_use(volume: Volume) -> None:
    assert main(["xdmf", str(volume.path), "--stride", "1", "0", "1"]) == 2
