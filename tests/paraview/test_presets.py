"""Presets for ParaView's Color Map Editor: imported and applied by the real ParaView."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from stackreel.cli import main
from stackreel.movie.subject import subject_of
from stackreel.paraview.presets import look_preset, rgb_points
from stackreel.paraview.statefiles import read_state_file
from stackreel.scene.colormaps import color_points
from stackreel.scene.document import load
from stackreel.scene.transfer import TransferFunction

from .conftest import convert
from .pvpython import run_pvpython

TRY = Path(__file__).with_name("try_presets.py")
MOVIE = """\
stackreel: 1
volume: brain.h5
scene:
  color: {map: bone, range: [10, 200]}
  opacity: [[0, 0], [50, 0.25], [255, 0.75]]
  opacity_unit: 0.02
looks:
  fibres: {color: [[0, "#000000"], [128, "#ff8000"], [255, "#ffffff"]], opacity: [[100, 0], [200, 0.5]]}
shots:
  - {seconds: 2, look: fibres}
"""


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("movie")
    ramp = np.broadcast_to(np.arange(24, dtype=np.uint8) * 11, (6, 20, 24))
    convert(folder, "brain.h5", ramp, "--spacing", "1", "1", "1")
    path = folder / "flight.yaml"
    path.write_text(MOVIE)
    return path


@pytest.mark.paraview
def test_paraview_takes_the_colours_and_opacities_as_they_are(movie: Path, tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.json" for name in ("tissue", "flight", "flight fibres")}
    assert main(["paraview", "preset", "tissue", "-o", str(files["tissue"]), "--range", "0", "255"]) == 0
    assert main(["paraview", "preset", str(movie), "-o", str(files["flight"])]) == 0
    assert main(["paraview", "preset", f"{movie}#fibres", "-o", str(files["flight fibres"])]) == 0
    run_pvpython(TRY, tmp_path / "told.json", *(part for name, file in files.items() for part in (file, name)))
    tissue, flight, fibres = json.loads((tmp_path / "told.json").read_text())
    timeline = load(movie).timeline(subject_of_movie(movie))
    looks = (None, timeline.at(0.0).transfer, timeline.at(2.0).transfer)
    for told, look in zip((tissue, flight, fibres), looks, strict=True):
        assert told["imported"]
        assert told["applied"]
        assert told["space"] == "RGB"
        if look is None:
            flat = TransferFunction(color_points("tissue", 0.0, 255.0), ((0.0, 1.0),), 1.0)
            np.testing.assert_allclose(told["rgb"], flat.colors_at(told["at"]), atol=1e-6)
            assert told["opacities"] is None
        else:
            np.testing.assert_allclose(told["rgb"], look.colors_at(told["at"]), atol=1e-6)
            np.testing.assert_allclose(told["alpha"], look.opacities_at(told["at"]), atol=1e-6)
    assert fibres["opacities"] == [100, 0, 0.5, 0, 200, 0.5, 0.5, 0]


def subject_of_movie(movie: Path):  # type: ignore[no-untyped-def]
    from stackreel.volume import open_registered

    return subject_of(open_registered(load(movie).volumes))


def test_a_preset_is_read_back_as_what_it_was(movie: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["paraview", "preset", f"{movie}#fibres", "-o", str(tmp_path / "f.json")]) == 0
    assert "set Scalar Opacity Unit Distance to 0.02" in capsys.readouterr().out
    (table,) = read_state_file(tmp_path / "f.json").proxies
    assert table.name == "flight fibres"
    orange = tuple(round(v, 9) for v in (128.0, 1.0, 128 / 255, 0.0))
    assert (table.numbers("RGBPoints") or ())[4:8] == orange
    assert table.numbers("Points") == (100, 0, 0.5, 0, 200, 0.5, 0.5, 0)


def test_colours_that_come_round_again_are_written_out() -> None:
    wheel = TransferFunction(((0, 1, 0, 0), (90, 0, 1, 0), (180, 1, 0, 0)), ((0, 0.5),), 0.1, color_period=180.0)
    points = np.reshape(rgb_points(wheel, (-170.0, 350.0)), (-1, 4))
    assert points[:, 0].tolist() == [-180, -90, 0, 0, 90, 180, 180, 270, 360]
    at = np.linspace(-170.0, 350.0, 53)
    shown = np.stack([np.interp(at, points[:, 0], points[:, k]) for k in (1, 2, 3)], axis=-1)
    np.testing.assert_allclose(shown, wheel.colors_at(at), atol=1e-9)


def test_a_curve_of_one_point_becomes_a_level_line() -> None:
    plain = TransferFunction(((7.0, 1.0, 0.5, 0.0),), ((7.0, 0.25),), 0.1)
    preset = look_preset("plain", plain, (0.0, 255.0))
    assert preset["RGBPoints"] == [0, 1, 0.5, 0, 255, 1, 0.5, 0]
    assert preset["Points"] == [0, 0.25, 0.5, 0, 255, 0.25, 0.5, 0]


def test_a_movie_of_two_channels_gives_a_preset_for_each(tmp_path: Path) -> None:
    ramp = np.broadcast_to(np.arange(24, dtype=np.uint8) * 11, (6, 20, 24))
    for name in ("a", "b"):
        convert(tmp_path, f"{name}.h5", ramp, "--spacing", "1", "1", "1")
    movie = tmp_path / "both.yaml"
    movie.write_text(
        "stackreel: 1\nvolume: {a: a.h5, b: b.h5}\n"
        'scene:\n  channels:\n    a: {color: "#ff0000", opacity: [[0, 0], [255, 0.5]]}\n'
        '    b: {color: "#00ff00", opacity: [[0, 0], [255, 0.25]]}\n'
        "shots: [{seconds: 1}]\n"
    )
    assert main(["paraview", "preset", str(movie), "-o", str(tmp_path / "both.json")]) == 0
    names = [one.name for one in read_state_file(tmp_path / "both.json").proxies]
    assert names == ["both a", "both b"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["tisue", "-o", "t.json"], "did you mean tissue?"),
        (["tissue", "-o", "t.xml"], "name it t.xml.json"),
        (["tissue", "-o", "t.json", "--range", "3", "3"], "two different numbers"),
        (["none.yaml", "-o", "t.json"], "there is no such movie file"),
        (["MOVIE#none", "-o", "t.json"], "its looks are fibres"),
        (["MOVIE", "-o", "t.json", "--range", "0", "1"], "--range goes with a colour map"),
    ],
)
def test_what_is_no_colour_map_is_said(
    movie: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["paraview", "preset", *(a.replace("MOVIE", str(movie)) for a in arguments)]) == 1
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
