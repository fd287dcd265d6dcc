"""Macros for ParaView's window: run by the real ParaView as they are written."""

from __future__ import annotations

import ast
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from stackreel.cli import main
from stackreel.geometry import Placement, Spacing
from stackreel.paraview.macro import level_for, memory_of_level, reader_for
from stackreel.volume import Volume

from .conftest import convert
from .pvpython import run_pvpython, screen

RUN = Path(__file__).with_name("run_macro.py")


def ball() -> npt.NDArray[np.uint8]:
    """Tissue, brighter towards the middle, in an empty surrounding."""
    axes = [(np.arange(n) - (n - 1) / 2) / (n / 2) for n in (60, 112, 128)]
    z, y, x = np.ix_(*(axis**2 for axis in axes))
    r = np.sqrt(z + y + x)
    rng = np.random.default_rng(3)
    samples: npt.NDArray[np.uint8] = (np.where(r < 0.8, 230 - 120 * r, 8) + rng.normal(0, 2, r.shape)).astype(np.uint8)
    return samples


@pytest.fixture(scope="module")
def brain(tmp_path_factory: pytest.TempPathFactory) -> Volume:
    folder = tmp_path_factory.mktemp("an ünusual 'folder'")
    return convert(folder, "brain.h5", ball(), "--spacing", "2um", "1um", "1um")


def seen(macro: Path) -> tuple[dict[str, Any], npt.NDArray[np.float64]]:
    """What stands in ParaView after the macro, and its picture, 0..1."""
    out = macro.with_suffix("")
    run_pvpython(RUN, macro, out)
    facts = json.loads(Path(f"{out}.json").read_text())
    return facts, np.asarray(Image.open(f"{out}.png").convert("RGB"), dtype=np.float64) / 255


@pytest.mark.paraview
def test_the_macro_shows_the_volume_in_colours_that_suit_it(brain: Volume, tmp_path: Path) -> None:
    macro = tmp_path / "look.py"
    assert main(["paraview", "open", str(brain.path), "-o", str(macro)]) == 0
    facts, picture = seen(macro)
    assert facts["reader"] == "HDFReader"
    assert facts["sources"] == ["box of brain.h5", "brain.h5, level 0"]
    assert (facts["representation"], facts["array"], facts["axes"]) == ("Volume", ["POINTS", "brain"], 1)
    assert facts["samples"] == 60 * 112 * 128
    movie = tmp_path / "new.yaml"
    assert main(["new", str(brain.path), "-o", str(movie)]) == 0
    said = movie.read_text()
    assert f"opacity_unit: {facts['unit']:g}" in said  # as `stackreel new` would film it
    values = ", ".join(
        f"[{v:g}, {a:g}]" for v, a in zip(facts["opacities"][::4], facts["opacities"][1::4], strict=True)
    )
    assert f"opacity: [{values}]" in said
    middle, corner = picture[80:120, 95:145], picture[:12, :12]
    assert middle.mean() > 0.25  # tissue, lit
    assert middle[..., 0].mean() > 1.1 * middle[..., 2].mean()  # in warm colours
    assert corner.max() == 0.0  # on black
    rows, columns = np.nonzero(picture.max(axis=-1) > 0.1)
    assert 0 < rows.min() <= 40  # the box around it is in the picture, and fills it
    assert 160 <= rows.max() < 199
    assert columns.max() - columns.min() > 120


@pytest.mark.paraview
def test_directions_are_shown_unlit_and_not_mixed(make_volume: Callable[..., Volume], tmp_path: Path) -> None:
    angles = (ball().astype(np.float32) / 255 * 150 + 20).astype(np.float32)
    volume = make_volume(angles, Spacing(1, 1, 1), kind="axial", period=180.0, name="direction")
    macro = tmp_path / "axial.py"
    assert main(["paraview", "open", str(volume.path), "-o", str(macro)]) == 0
    facts, picture = seen(macro)
    assert facts["reader"] == "XdmfReader"  # made without the groups that VTKHDF goes by
    assert (facts["interpolation"], facts["shade"]) == ("Nearest", 0)
    assert (facts["colors"][0], facts["colors"][-4]) == (0, 180)
    assert picture[80:120, 95:145].mean() > 0.15


@pytest.mark.paraview
def test_a_single_section_is_opened_through_xdmf_as_a_picture(tmp_path: Path) -> None:
    volume = convert(tmp_path, "thin.h5", ball()[30:31], "--spacing", "2", "1", "1")
    macro = tmp_path / "thin.py"
    assert main(["paraview", "open", str(volume.path), "-o", str(macro)]) == 0
    facts, picture = seen(macro)
    assert (facts["reader"], facts["representation"]) == ("XdmfReader", "Surface")
    assert picture[80:120, 95:145].mean() > 0.2


def test_the_macro_needs_nothing_of_ours_and_says_what_it_does(brain: Volume, tmp_path: Path) -> None:
    macro = tmp_path / "m.py"
    assert main(["paraview", "open", str(brain.path), "-o", str(macro), "--level", "1"]) == 0
    tree = ast.parse(macro.read_text())
    modules = {name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in [node.module]}
    assert modules == {"paraview"}
    assert "brain.L1of" in (ast.get_docstring(tree) or "") + macro.read_text()
    assert "Opens brain.h5, level 1" in (ast.get_docstring(tree) or "")
    assert "<- this one" in macro.read_text()


def test_the_finest_level_that_fits_is_chosen(brain: Volume) -> None:
    everything = memory_of_level(brain, 0)
    assert level_for(brain, everything) == 0
    assert level_for(brain, everything - 1) == 1
    assert level_for(brain, 1) == len(brain.levels) - 1


def test_vtkhdf_is_taken_up_to_what_its_reader_can_and_xdmf_beyond() -> None:
    assert reader_for(Placement((2, 2**15, 2**15), (0, 0, 0), (1, 1, 1))) == "xdmf"  # 2^31 samples
    assert reader_for(Placement((2, 2**15, 2**15 - 1), (0, 0, 0), (1, 1, 1))) == "vtkhdf"
    assert reader_for(Placement((1, 50, 50), (0, 0, 0), (1, 1, 1))) == "xdmf"


def test_install_puts_it_where_paraview_looks(
    brain: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert main(["paraview", "open", str(brain.path), "--install"]) == 0
    assert (tmp_path / "ParaView" / "Macros" / "open_brain.py").is_file()
    assert "Macros > open_brain" in capsys.readouterr().out
    assert main(["paraview", "open", str(brain.path), "--install"]) == 1
    assert "--overwrite replaces it" in capsys.readouterr().err


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for ParaView is a shell script")
def test_run_starts_paraview_with_the_macro(
    brain: Volume, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program, told = tmp_path / "paraview", tmp_path / "told.txt"
    program.write_text(f'#!/bin/sh\necho "$@" > "{told}"\nexit 0\n')
    program.chmod(0o755)
    monkeypatch.setenv("STACKREEL_PARAVIEW", str(tmp_path))
    macro = tmp_path / "m.py"
    command = [
        "paraview",
        "open",
        str(brain.path),
        "-o",
        str(macro),
        "--run",
        "--overwrite",
        "--paraview",
        str(tmp_path),
    ]
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    if sys.platform == "linux":
        assert main(command) == 1
        assert "no display" in capsys.readouterr().err
        assert not macro.exists()
    with screen() as shown:
        if sys.platform == "linux" and not shown:
            pytest.skip("Xvfb is not installed")
        for name, value in shown.items():
            monkeypatch.setenv(name, value)
        assert main(command) == 0
        program.write_text("#!/bin/sh\nexit 3\n")
        assert main(command) == 1
    for _ in range(100):
        if told.exists() and told.read_text().strip():
            break
        time.sleep(0.05)
    assert told.read_text().strip() == f"--script={macro}"
    assert "ended at once, with code 3" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["-o", "macro.txt"], "name it macro.txt.py"),
        (["--level", "9"], "has no level 9; it has 0 to"),
        (["-o", "nowhere/m.py"], "make it first"),
    ],
)
def test_what_cannot_be_written_is_said_first(
    brain: Volume,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["paraview", "open", str(brain.path), *arguments]) == 1
    assert said in capsys.readouterr().err


def test_missing_files_beside_the_volume_are_written_again(tmp_path: Path) -> None:
    volume = convert(tmp_path, "brain.h5", ball(), "--spacing", "2", "1", "1")
    for beside in (*tmp_path.glob("*.hdf"), *tmp_path.glob("*.xmf2")):
        beside.unlink()
    assert main(["paraview", "open", str(volume.path)]) == 0
    assert (tmp_path / "open_brain.py").is_file()
    assert (tmp_path / "brain.hdf").is_file()
