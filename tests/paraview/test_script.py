"""A movie as a script for ParaView: it says the same as the movie file, and ParaView runs it untouched."""

from __future__ import annotations

import ast
import itertools
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from stackreel.cli import main
from stackreel.errors import EngineError, StackreelError
from stackreel.frames.engine import Output
from stackreel.geometry import Box
from stackreel.movie.subject import subject_of
from stackreel.paraview.exporting import frames as play
from stackreel.paraview.exporting.region import inside, region, view_planes
from stackreel.paraview.finding import environment
from stackreel.paraview.screen import Screen
from stackreel.paraview.script import _filled, script_of
from stackreel.paraview.staging import choose_level
from stackreel.scene import Camera, Scene, Timeline, Title, TransferFunction
from stackreel.scene.document import load
from stackreel.scene.timeline import TitleSpan
from stackreel.volume import Volume, open_volume

from .conftest import find_pvpython

MOVIE = """\
stackreel: 1
volume: brain.h5
output: {size: [160, 90], fps: 2}
scene:
  color: [[20, "#94523f"], [75, "#d29a7e"], [120, "#e9c3a6"], [150, "#f6e6d0"], [230, "#fffaf0"]]
  opacity: [[0, 0], [12, 0], [70, 0.6], [110, 0.9], [255, 0.95]]
  opacity_unit: 0.025
  light: none
  background: "#05070b"
  camera: {position: [-0.55, -0.6, -1.55], focal_point: [0.01, 0, 0.02], view_up: [0, -1, 0], view_angle: 30}
places:
  half: {box: {z: [0.06, 0.2458]}, view_from: [0.28, -0.2, -1]}
  stem: {box: {x: [-0.2, 0.22], y: [-0.22, 0.1], z: [0.06, 0.1]}, view_from: [0.1, -0.12, -1]}
looks:
  white matter:
    color: [[60, "#7a2f52"], [125, "#3a2f6b"], [150, "#22558a"], [180, "#53b3c4"], [205, "#cfeee0"], [235, "#fffdf2"]]
    opacity: [[0, 0], [30, 0], [50, 0.012], [135, 0.02], [165, 0.55], [255, 0.9]]
    opacity_unit: 0.02
shots:
  - {name: opening, seconds: 1.5, orbit: {axis: y, degrees: -70, about: volume}}
  - {name: cut, seconds: 1.5, crop: half, fly: {to: half, margin: 0}}
  - {name: white matter, seconds: 1, look: white matter}
  - {name: dive, seconds: 1, fly: {to: stem, margin: 0}}
  - {name: hold, seconds: 1}
"""
FRAMES = 12
TITLED = """\
stackreel: 1
volume: brain.h5
output: {size: [640, 360], fps: 10}
scene:
  color: [[20, black], [230, white]]
  opacity: [[12, 0], [255, 0.95]]
  opacity_unit: 0.01
  light: headlight
  camera: {position: [0, 0, -2], focal_point: [0, 0, 0], view_up: [0, -1, 0]}
  clip: {origin: [0, 0, 0], normal: [1, 0, 0]}
places: {front: {box: {z: [-0.25, 0]}}}
looks:
  warm: {color: [[10, navy], [100, "#ff8000"], [200, white]], opacity: [[50, 0], [255, 0.3]], light: none,
         background: {top: "#203040", bottom: black}}
shots:
  - seconds: 1.5
    title: {text: 'A "first" title', from: 0.25, for: 1, fade: 0.3, place: upper left}
    look: {to: warm, for: 1}
  - {seconds: 1.55, crop: front, fly: front, titles: [{text: one}, {text: "two\\nlines", place: center, from: 0.52}]}
  - {seconds: 1, slice: {axis: z, from: -0.2, to: 0.2}, clip: {origin: [0, 0, 0], normal: [0, 1, 1]}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """brain.h5, what stands beside it, and two movies."""
    folder = tmp_path_factory.mktemp("a brain's movie")
    shape = ("180", "192")
    assert main(["phantom", str(folder / "sections"), "--shape", "80", *shape, "--no-jitter"]) == 0
    options = ["--shape", *shape, "--dtype", "uint8", "--spacing", "200um", "150um", "150um"]
    assert main(["convert", str(folder / "sections"), str(folder / "brain.h5"), *options]) == 0
    (folder / "flight.yaml").write_text(MOVIE)
    (folder / "titled.yaml").write_text(TITLED)
    return folder


def export(folder: Path, movie: str = "flight", *options: str, to: Path | None = None) -> Path:
    script = to or folder / f"{movie}_pv.py"
    command = ["paraview", "export", str(folder / f"{movie}.yaml"), "-o", str(script), "--overwrite", *options]
    assert main(command) == 0
    return script


def said(script: Path) -> dict[str, Any]:
    """The settings, the data and the shots of a script."""
    text = script.read_text(encoding="utf-8").partition("# Settings\n")[2].partition("# How a frame is drawn\n")[0]
    found: dict[str, Any] = {}
    exec(compile(text, str(script), "exec"), found)
    return found


def timeline_of(movie: Path) -> tuple[Timeline, Volume]:
    document = load(movie)
    volume = open_volume(document.volume)
    return document.timeline(subject_of(volume)), volume


# --- the script says what the movie file says ---


@pytest.fixture
def states(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Timeline, list[dict[str, Any]]]:
    """Every frame of the titled movie as its script has it, and the movie itself."""
    for name, value in said(export(folder, "titled")).items():
        if name.isupper():
            monkeypatch.setattr(play, name, value)
    timeline, _ = timeline_of(folder / "titled.yaml")
    return timeline, [play.state_of(k) for k in range(timeline.frames)]


def pixels(camera: dict[str, Any], points: npt.NDArray[np.float64], rows: int) -> npt.NDArray[np.float64]:
    view = Camera(*(tuple(camera[k]) for k in ("position", "focal_point", "view_up")), camera["view_angle"])
    seen = (points - view.position) @ view.basis.T
    return np.asarray(seen[:, :2] / seen[:, 2:] / view.pixel_size(rows))


def test_no_camera_moves_the_picture_by_half_a_pixel(states: tuple[Timeline, list[dict[str, Any]]]) -> None:
    timeline, found = states
    points = np.random.default_rng(1).uniform(-0.3, 0.3, (200, 3))
    for scene, state in zip(timeline, found, strict=True):
        true = {k: getattr(scene.camera, k) for k in ("position", "focal_point", "view_up", "view_angle")}
        assert np.abs(pixels(state["camera"], points, 2160) - pixels(true, points, 2160)).max() < 0.5


def test_titles_come_and_go_as_in_the_movie(states: tuple[Timeline, list[dict[str, Any]]]) -> None:
    timeline, found = states
    fading = set()
    for scene, state in zip(timeline, found, strict=True):
        assert [t["text"] for t in state["titles"]] == [t.text for t in scene.titles]
        for shown, title in zip(state["titles"], scene.titles, strict=True):
            assert shown["opacity"] == pytest.approx(title.opacity, abs=1e-3)
            assert (shown["place"], shown["size"], tuple(shown["color"])) == (title.place, title.size, title.color)
            fading.add(round(title.opacity, 2))
    assert len(fading) > 4


def test_colours_opacities_boxes_and_cuts_are_those_of_every_scene(
    states: tuple[Timeline, list[dict[str, Any]]],
) -> None:
    timeline, found = states
    values = np.linspace(0, 255, 400)
    for scene, state in zip(timeline, found, strict=True):
        table = np.asarray(state["color"])
        colors = np.stack([np.interp(values, table[:, 0], table[:, k]) for k in (1, 2, 3)], axis=-1)
        assert np.abs(colors - scene.transfer.colors_at(values)).max() < 0.5 / 255
        table = np.asarray(state["opacity"])
        np.testing.assert_allclose(np.interp(values, *table.T), scene.transfer.opacities_at(values), atol=1e-4)
        assert state["opacity_unit"] == pytest.approx(scene.transfer.opacity_unit, rel=1e-6)
        if scene.crop is None:
            assert state["crop"] is None
        else:
            box = np.transpose([scene.crop.lower, scene.crop.upper])
            np.testing.assert_allclose(state["crop"], box, atol=1e-4)
        for plane, true in zip(state["clip"], scene.clip, strict=True):
            np.testing.assert_allclose(plane["origin"], true.origin, atol=1e-4)
            np.testing.assert_allclose(plane["normal"], true.normal, atol=1e-5)
        assert [s["origin"][2] for s in state["slices"]] == pytest.approx([s.origin[2] for s in scene.slices], abs=1e-4)
        assert (state["light"] is None) == (scene.light.ambient == 1.0)


def test_what_stays_is_said_once_and_what_stands_still_is_one_line(folder: Path) -> None:
    shots = said(export(folder))["SHOTS"]
    assert [shot["name"] for shot in shots] == ["opening", "cut", "white matter", "dive", "hold"]
    assert [shot["frames"] for shot in shots] == [3, 3, 2, 2, 2]
    assert [len(shot["cameras"]) for shot in shots] == [3, 3, 1, 2, 1]
    assert set(shots[3]["changes"].get(0, {})) == {"color", "opacity", "opacity_unit"}, "the glide's end, and no more"
    assert all("background" not in shot["changes"].get(0, {}) for shot in shots[1:])


def test_the_script_is_python_3_8_without_paths_or_imports_of_this_place(folder: Path, tmp_path: Path) -> None:
    near = export(folder)
    text = near.read_text(encoding="utf-8")
    tree = ast.parse(text, feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {str(node.module) for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    known = set(sys.stdlib_module_names) | {"vtk", "paraview"}
    assert {name.split(".")[0] for name in imported} <= known
    assert "import stackreel" not in text
    assert "from stackreel" not in text
    for place in (folder, folder.parent, Path.home(), Path.cwd()):
        assert str(place) not in text
    assert said(near)["DATA"] == "."
    far = export(folder, to=tmp_path / "far_pv.py")
    assert (far.parent / said(far)["DATA"]).resolve() == folder.resolve()
    assert max(map(len, text.splitlines())) <= 122


def test_the_first_screen_says_what_it_is_and_how_to_run_it(folder: Path) -> None:
    head = export(folder).read_text(encoding="utf-8")[:2500]
    for words in ('The movie "flight"', "12 frames of 160 x 90", "pvpython flight_pv.py", "#SBATCH", "--part $SLURM"):
        assert words in head


def script_with(folder: Path, text: str, *, fingerprint: str = "") -> str:
    """The flight's script where everything that has a name has this one."""
    timeline, volume = timeline_of(folder / "flight.yaml")
    title = TitleSpan(Title(text), 0.0, 1.0, 0.1)
    shots = [replace(shot, name=text, titles=(title,)) for shot in timeline.shots]
    volume = replace(volume, path=Path(text + ".h5"), name=text, fingerprint=fingerprint or volume.fingerprint)
    names = {"data_folder": text, "script": text + ".py", "movie_file": text + ".yaml"}
    return script_of(text, volume, replace(timeline, shots=tuple(shots)), Output((160, 90)), memory=1 << 30, **names)


@pytest.mark.parametrize(
    "text",
    [
        'a"""b',
        '""""',
        '"""\nHARMED = True\n"""',
        '"\nHARMED = True\n#',
        "C:\\Users\\new movie\\N{x}",
        "\\",
        "a\rHARMED = True\x0cb\0\u2028\udcff",
        "{name} %d $(touch x)",
    ],
)
def test_no_name_is_more_than_a_name(folder: Path, text: str, tmp_path: Path) -> None:
    script = script_with(folder, text)
    tree = ast.parse(script.encode(), feature_version=(3, 8))
    known = [type(node) for node in ast.parse(script_with(folder, "plain")).body]
    assert [type(node) for node in tree.body] == known
    (tmp_path / "some_pv.py").write_text(script, encoding="utf-8", newline="\n")
    found = said(tmp_path / "some_pv.py")
    assert "HARMED" not in found
    assert {found["NAME"], found["DATA"], found["ARRAY"], *(shot["name"] for shot in found["SHOTS"])} == {text}
    head = ast.get_docstring(tree, clean=False) or ""
    words = "".join(c if c.isprintable() else " " for c in text)
    assert f'The movie "{words}", drawn' in head
    assert head.count(shlex.quote(words + ".py")) == 5, "the commands that it advises"
    assert re.search(r"--job-name=[A-Za-z0-9_.-]* --array", head)


@pytest.mark.parametrize("fingerprint", ['"; HARMED = True #', "abc\nHARMED = True", "x" * 32])
def test_what_a_volume_calls_its_samples_is_a_number_or_nothing(folder: Path, fingerprint: str) -> None:
    assert '\nSAMPLES_ID = ""  #' in script_with(folder, "plain", fingerprint=fingerprint)
    assert '\nSAMPLES_ID = "0123456789abcdef"  #' in script_with(folder, "plain", fingerprint="0123456789abcdef" * 2)


def test_a_script_that_would_be_no_python_is_not_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackreel.paraview.script.PARAVIEW", "\nthis is no Python\n")
    with pytest.raises(StackreelError, match=r"plain\.py: not written"):
        script_with(folder, "plain")


ODD_NAMES = [
    "plain",
    "50% of a 'brain'",
    "a%d",
    "%(prog)s %s",
    '$(touch harmed) `touch harmed` "; touch harmed; "',
    "-y:x",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_the_advised_command_makes_the_film_of_the_frames_whatever_they_are_called(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for key, value in {"NAME": name, "FPS": 2, "FRAMES": (0, 3), "is_first": lambda: True}.items():
        monkeypatch.setattr(play, key, value)
    folder = tmp_path / ("frames of " + name)
    folder.mkdir()
    for k in range(3):
        Image.new("RGB", (64, 48), (80 * k, 0, 0)).save(play.path_of(str(folder), k))
    play.say_next(str(folder), None)
    (command,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  ffmpeg ")]
    words = shlex.split(command)
    assert words[words.index("-i") + 1] == str(folder).replace("%", "%%") + f"/{name.replace('%', '%%')}.%06d.png"
    assert words[-1] == (name if name[0] != "-" else f"./{name}") + ".mp4"
    if shutil.which("ffmpeg") is None:
        return
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True, capture_output=True, timeout=60)
    assert not (tmp_path / "harmed").exists()
    import av

    with av.open(str(tmp_path / f"{name}.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) == 3


@pytest.mark.parametrize("name", ODD_NAMES)
def test_help_takes_percent_signs_as_they_are(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for key, value in {"NAME": name, "VOLUME": name + ".h5", "OUTPUT": name, "__file__": name + "_pv.py"}.items():
        monkeypatch.setattr(play, key, value)
    monkeypatch.setenv("COLUMNS", "400")
    with pytest.raises(SystemExit) as left:
        play.read_options(["--help"])
    assert left.value.code == 0
    told = " ".join(capsys.readouterr().out.split())
    assert f"the movie {name} with ParaView" in told
    assert f"the folder with {name}.h5" in told
    assert f"the frames ({name})" in told


@pytest.mark.parametrize("parts", [1, 3, 8, 50])
def test_parts_make_the_whole(
    states: tuple[Timeline, list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch, parts: int
) -> None:
    monkeypatch.setattr(play, "__file__", "titled_pv.py")
    chosen = [play.chosen_frames(play.read_options(["--part", f"{i + 1}/{parts}"])) for i in range(parts)]
    assert [frame for part in chosen for frame in part] == list(range(len(states[1])))


# --- which samples ---


def test_the_box_that_is_read_holds_all_that_comes_into_view(folder: Path) -> None:
    timeline, volume = timeline_of(folder / "flight.yaml")
    scenes = list(timeline)[-1:]
    box = region(scenes, volume.placement, 16 / 9)
    assert box is not None
    points = np.random.default_rng(2).uniform(-0.5, 0.5, (200_000, 3))
    shown = scenes[0].crop
    assert shown is not None
    lower = np.maximum(shown.lower, volume.placement.bounds.lower)
    upper = np.minimum(shown.upper, volume.placement.bounds.upper)
    seen = ((points >= lower) & (points <= upper)).all(axis=1)
    for normal, d in view_planes(scenes[0].camera, 16 / 9):
        seen &= points @ normal >= d
    assert seen.sum() > 100
    assert ((points[seen] >= np.asarray(box.lower) - 1e-9) & (points[seen] <= np.asarray(box.upper) + 1e-9)).all()
    tight = np.r_[points[seen].min(axis=0) - box.lower, box.upper - points[seen].max(axis=0)]
    assert tight.max() < 0.05


def test_a_box_cut_by_planes_is_as_small_as_it_can_be() -> None:
    cube = Box((0, 0, 0), (1, 1, 1))
    corner = inside(cube, [(np.array([-1.0, -1.0, 0.0]), -0.5)])  # x + y <= 0.5
    assert corner is not None
    assert corner.upper == pytest.approx((0.5, 0.5, 1.0))
    assert inside(cube, [(np.array([1.0, 0.0, 0.0]), 2.0)]) is None


def test_a_camera_within_the_volume_sees_what_is_before_it() -> None:
    look = TransferFunction(((0, 0, 0, 0),), ((0, 1),), 1.0)
    scene = Scene(Camera((0, 0, 0), (0, 0, 1), (0, -1, 0), 60.0), look)
    from stackreel.geometry import Placement, Spacing

    box = region([scene], Placement.of((100, 100, 100), Spacing(1, 1, 1)), 1.0)
    assert box is not None
    assert box.lower[2] == pytest.approx(0.0)
    assert box.upper[0] == pytest.approx(0.49 * np.tan(np.pi / 6), rel=1e-6)


def test_little_memory_is_told_in_the_script_and_too_little_stops_the_export(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = export(folder, "titled", "--memory", "1M").read_text(encoding="utf-8")
    assert re.search(r"# level 0: 98 x 180 x 80 samples, 4\.23 MB of memory\n\s+# as MEMORY .* will be level 1: ", text)
    assert "MEMORY = 0.00104 " in text
    script = folder / "none_pv.py"
    assert main(["paraview", "export", str(folder / "titled.yaml"), "-o", str(script), "--memory", "1k"]) == 1
    assert "give more with --memory" in capsys.readouterr().err
    assert not script.exists()


def test_a_dive_is_drawn_from_finer_and_finer_levels_where_memory_is_short(folder: Path) -> None:
    (folder / "dive.yaml").write_text(
        TITLED.partition("shots:")[0].replace("fps: 10", "fps: 4")
        + "shots:\n  - {seconds: 5, camera: {position: [0, 0, -0.3], focal_point: [0, 0, 0]}}\n"
    )
    (shot,) = said(export(folder, "dive", "--memory", "12M"))["SHOTS"]
    assert shot["samples"] == {0: (0, shot["samples"][0][1])}
    (shot,) = said(export(folder, "dive", "--memory", "1500k"))["SHOTS"]
    assert len(shot["samples"]) > 1
    text = (folder / "dive_pv.py").read_text(encoding="utf-8")
    used = [int(n) for n in re.findall(r"^        # .*level (\d): .*\n        \d+: \(", text, re.M)]
    assert used == sorted(used, reverse=True), "never coarser as it comes nearer"
    assert used[-1] < used[0]
    timeline, volume = timeline_of(folder / "dive.yaml")
    firsts = [*shot["samples"], shot["frames"]]
    for first, end in itertools.pairwise(firsts):
        _, box = shot["samples"][first]
        for scene in list(timeline)[first:end]:
            seen = region([scene], volume.placement, 16 / 9)
            assert box is None or (
                seen is not None
                and all(
                    low - 1e-3 <= a and b <= high + 1e-3
                    for (low, high), a, b in zip(box, seen.lower, seen.upper, strict=True)
                )
            )


# --- what ParaView cannot draw ---


@pytest.mark.parametrize(
    ("change", "place", "reason"),
    [
        (("light: none", "light: none\n  blend: average"), "bad.yaml:4, scene", "mean along rays"),
        (("look: white matter}", "look: {blend: maximum}}"), 'bad.yaml:22, shots[2] "white matter", at 3.5 s', "blend"),
    ],
)
def test_what_paraview_cannot_draw_is_refused_with_its_place(
    folder: Path, capsys: pytest.CaptureFixture[str], change: tuple[str, str], place: str, reason: str
) -> None:
    assert change[0] in MOVIE
    (folder / "bad.yaml").write_text(MOVIE.replace(*change))
    assert main(["paraview", "export", str(folder / "bad.yaml"), "-o", str(folder / "bad_pv.py")]) == 1
    error = capsys.readouterr().err
    assert place in error
    assert reason in error
    assert not (folder / "bad_pv.py").exists()


def test_what_looks_a_little_different_is_noted_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "lit.yaml").write_text(MOVIE.replace("light: none", "light: studio"))
    export(folder, "lit")
    error = capsys.readouterr().err
    assert error.count("no hollows and no shadows") == 1
    assert "lit.yaml:4, scene" in error


def test_a_script_that_stands_is_kept_unless_told_otherwise(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script = export(folder)
    script.write_text("edited")
    assert main(["paraview", "export", str(folder / "flight.yaml"), "-o", str(script)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert script.read_text() == "edited"


@pytest.mark.parametrize(
    ("option", "reason"),
    [
        (("--fps", "1000000000"), "--fps: 1e+09 must be at most 240"),
        (("--fps", "241"), "--fps: 241 must be at most 240"),
        (("--size", "99999999", "9999999"), "--size: width 99999999 must lie between 16 and 16384 pixels"),
        (("--size", "160", "8"), "--size: height 8 must lie between 16 and 16384 pixels"),
        (("--size", "161", "90"), "--size: width 161 is odd"),
    ],
)
def test_what_no_movie_file_may_say_no_option_may_either(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: tuple[str, ...], reason: str
) -> None:
    script = tmp_path / "some_pv.py"
    assert main(["paraview", "export", str(folder / "flight.yaml"), "-o", str(script), *option]) == 1
    assert reason in capsys.readouterr().err
    assert not script.exists()


def sections_of(folder: Path, count: int) -> None:
    """brain.h5 of so many sections."""
    (folder / "sections").mkdir()
    for k in range(count):
        np.full((90, 96), 100 + k, np.uint8).tofile(folder / "sections" / f"{k:03d}.raw")
    options = ["--shape", "90", "96", "--dtype", "uint8", "--spacing", "200um", "150um", "150um"]
    assert main(["convert", str(folder / "sections"), str(folder / "brain.h5"), *options]) == 0
    (folder / "thin.yaml").write_text(TITLED)


def test_a_single_section_is_refused_as_the_engine_does(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sections_of(tmp_path, 1)
    capsys.readouterr()
    assert main(["paraview", "export", str(tmp_path / "thin.yaml"), "-o", str(tmp_path / "thin_pv.py")]) == 1
    refused = capsys.readouterr().err
    assert "brain.h5: no level has two samples or more along every axis" in refused
    assert not (tmp_path / "thin_pv.py").exists()
    timeline, volume = timeline_of(tmp_path / "thin.yaml")
    with pytest.raises(EngineError) as engine:
        choose_level(volume, timeline.at(0.0), Output((640, 360)), 1 << 30)
    assert str(engine.value) in refused


def test_no_level_of_a_single_section_is_drawn_where_others_have_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sections_of(tmp_path, 2)
    script = export(tmp_path, "thin", "--size", "16", "16")
    found = said(script)
    thick = [min(level["samples"]) > 1 for level in found["LEVELS"]]
    assert thick[0]
    assert all(thick[level] for shot in found["SHOTS"] for level, _ in shot["samples"].values())
    assert {level for shot in found["SHOTS"] for level, _ in shot["samples"].values()} <= {0}
    for name, value in found.items():
        if name.isupper():
            monkeypatch.setattr(play, name, value)
    monkeypatch.setattr(play, "LEVELS", [found["LEVELS"][0], found["LEVELS"][0] | {"samples": (48, 45, 1)}])
    with pytest.raises(play.Refused):
        play.level_for(0, 1, None, 1.0)


# --- ParaView runs it ---


@pytest.fixture(scope="module")
def screen() -> Iterator[dict[str, str]]:
    find_pvpython()
    one = Screen()
    yield environment(one.environment)
    one.close()


def run(
    screen: dict[str, str], script: Path, *options: str, program: tuple[str, ...] = ("pvbatch",), ok: bool = True
) -> str:
    """What a script says; in a folder of its own, so that nothing is found by chance."""
    elsewhere = script.parent / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    command = [*program, str(script), *options]
    done = subprocess.run(command, cwd=elsewhere, env=screen, capture_output=True, text=True, timeout=150)
    assert (done.returncode == 0) == ok, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout + done.stderr


def picture(file: Path) -> npt.NDArray[np.float64]:
    return np.asarray(Image.open(file).convert("RGB"), dtype=np.float64)


def psnr(a: npt.NDArray[np.float64], b: npt.NDArray[np.float64]) -> float:
    error = float(((a - b) ** 2).mean())
    return 10.0 * np.log10(255.0**2 / error) if error else np.inf


@pytest.fixture(scope="module")
def drawn(folder: Path, screen: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The script and the volume, both carried to another folder and run there; and what the script said."""
    there = tmp_path_factory.mktemp("the cluster")
    for file in folder.iterdir():
        if file.name.startswith("brain"):
            shutil.copy(file, there / file.name)
    script = shutil.copy(export(folder), there)
    return there, run(screen, Path(script))


@pytest.mark.paraview
def test_the_exported_script_runs_untouched_and_draws_what_our_engine_draws(
    drawn: tuple[Path, str], folder: Path
) -> None:
    there, told = drawn
    files = sorted(file.name for file in (there / "frames").iterdir())
    assert files == [f"flight.{k:06d}.png" for k in range(FRAMES)]
    assert "12 frames drawn, 0 were there already" in told
    pattern = folder / "native" / "%04d.png"
    assert main(["render", str(folder / "flight.yaml"), "-o", str(pattern), "--overwrite"]) == 0
    likeness = [
        psnr(picture(there / "frames" / f"flight.{k:06d}.png"), picture(folder / "native" / f"{k:04d}.png"))
        for k in range(FRAMES)
    ]
    assert min(likeness) > 30.0, likeness
    assert picture(there / "frames" / "flight.000000.png").std() > 20.0


@pytest.mark.paraview
def test_the_command_that_it_ends_with_makes_the_film(drawn: tuple[Path, str]) -> None:
    there, told = drawn
    (command,) = [line.strip() for line in told.splitlines() if line.strip().startswith("ffmpeg ")]
    if shutil.which("ffmpeg") is None:
        pytest.skip("no ffmpeg here")
    subprocess.run(shlex.split(command), cwd=there, check=True, capture_output=True, timeout=60)
    import av

    with av.open(str(there / "flight.mp4")) as film:
        stream = film.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (160, 90, 2)
        assert sum(1 for _ in film.decode(stream)) == FRAMES


@pytest.mark.paraview
def test_a_run_that_was_killed_goes_on_and_draws_nothing_twice(
    folder: Path, screen: dict[str, str], drawn: tuple[Path, str], tmp_path: Path
) -> None:
    script, frames = export(folder, to=tmp_path / "flight_pv.py"), tmp_path / "frames"
    running = subprocess.Popen(["pvpython", script], env=screen, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.time() + 60.0
    while not (frames / "flight.000002.png").exists() and time.time() < deadline:
        assert running.poll() is None
        time.sleep(0.02)
    running.send_signal(signal.SIGKILL)
    running.wait()
    before = {file.name: file.stat().st_mtime_ns for file in frames.glob("flight.*.png")}
    assert 3 <= len(before) < FRAMES
    left = frames / f".flight.000099-{play.this_host()}-{running.pid}.part.png"
    left.write_bytes(b"half a picture")
    last = frames / "flight.000001.png"
    last.write_bytes(last.read_bytes()[:-20])  # and one that a full disk cut short
    told = run(screen, script)
    assert f"{FRAMES - len(before) + 1} frames drawn, {len(before) - 1} were there already" in told
    after = {file.name: file.stat().st_mtime_ns for file in frames.glob("flight.*.png")}
    assert len(after) == FRAMES
    assert [name for name, at in before.items() if after[name] != at] == [last.name]
    assert not left.exists()
    for file in frames.glob("flight.*.png"):
        np.testing.assert_array_equal(picture(file), picture(drawn[0] / "frames" / file.name))


@pytest.mark.paraview
def test_several_processes_draw_the_same_pictures(
    screen: dict[str, str], drawn: tuple[Path, str], tmp_path: Path
) -> None:
    if shutil.which("mpiexec") is None:
        pytest.skip("no mpiexec here")
    there, _ = drawn
    (there / "lit.yaml").write_text(MOVIE.replace("light: none", "light: studio"))
    lit = export(there, "lit")
    run(screen, lit, "--frames", "4:6", "--output", str(there / "frames"))
    mpi = ("mpiexec", *(["--allow-run-as-root"] if os.geteuid() == 0 else []), "--oversubscribe", "-n", "2", "pvbatch")
    quiet = {**screen, "OMPI_MCA_mpi_yield_when_idle": "1"}
    options = ("--output", str(tmp_path), "--frames", "4:6")
    run(quiet, lit, *options, program=(*mpi, "--sym"))
    assert len(list(tmp_path.iterdir())) == 2
    for file in tmp_path.iterdir():
        assert psnr(picture(file), picture(there / "frames" / file.name)) > 40.0
    assert "write pvbatch --sym" in run(quiet, lit, *options, program=mpi, ok=False)


@pytest.mark.paraview
def test_titles_stand_where_ours_do(folder: Path, screen: dict[str, str], tmp_path: Path) -> None:
    script = export(folder, "titled")
    run(screen, script, "--frames", "7:8", "--output", str(tmp_path))
    assert main(["frame", str(folder / "titled.yaml"), "--at", "0.7", "-o", str(tmp_path / "ours.png")]) == 0
    found = []
    for file in (tmp_path / "titled.000007.png", tmp_path / "ours.png"):
        rows, columns = np.nonzero(picture(file)[:60, :200].min(axis=-1) > 150)
        found.append((rows.min(), rows.max(), columns.min(), columns.max()))
    (top, bottom, left, right), ours = found
    assert abs(top - ours[0]) <= 2
    assert abs(bottom - ours[1]) <= 2
    assert abs(left - ours[2]) <= 3
    assert abs(right - ours[3]) <= 12, "other letters, of about the same width"


@pytest.mark.paraview
def test_an_edited_line_changes_the_level_and_frames_are_drawn_anew(
    drawn: tuple[Path, str], screen: dict[str, str], tmp_path: Path
) -> None:
    there, _ = drawn
    text = (there / "flight_pv.py").read_text(encoding="utf-8")
    assert text.count("\nLEVEL = None ") == 1
    edited = there / "edited_pv.py"
    edited.write_text(text.replace("\nLEVEL = None ", "\nLEVEL = 1 "), encoding="utf-8")
    shutil.copytree(there / "frames", tmp_path / "frames")
    told = run(screen, edited, "--frames", ":2", "--output", str(tmp_path / "frames"))
    assert "level 1, brain.L1of" in told
    assert "2 frames drawn, 0 were there already" in told
    fine, coarse = (picture(place / "frames" / "flight.000000.png") for place in (there, tmp_path))
    assert 20.0 < psnr(fine, coarse) < 60.0


@pytest.mark.paraview
def test_frames_of_another_conversion_are_not_kept_and_those_of_a_copy_are(
    drawn: tuple[Path, str], folder: Path, screen: dict[str, str], tmp_path: Path
) -> None:
    there, _ = drawn
    for file in there.glob("*"):
        if file.is_file() and file.name.startswith(("brain", "flight_pv")):
            shutil.copyfile(file, tmp_path / file.name)  # with another time
    script = tmp_path / "flight_pv.py"
    shutil.copytree(there / "frames", tmp_path / "frames")
    kept = picture(tmp_path / "frames" / "flight.000000.png")
    assert "0 frames drawn, 2 were there already" in run(screen, script, "--frames", ":2")
    dimmed = tmp_path / "sections"
    shutil.copytree(folder / "sections", dimmed)
    for file in dimmed.iterdir():
        pixels = np.fromfile(file, np.uint8)
        if pixels.size == 180 * 192:
            (pixels // 2).tofile(file)
    options = ["--shape", "180", "192", "--dtype", "uint8", "--spacing", "200um", "150um", "150um", "--overwrite"]
    assert main(["convert", str(dimmed), str(tmp_path / "brain.h5"), *options]) == 0
    assert "1 frames drawn, 0 were there already" in run(screen, script, "--frames", ":1")
    assert psnr(kept, picture(tmp_path / "frames" / "flight.000000.png")) < 40.0


@pytest.mark.paraview
def test_zeros_where_there_are_samples_are_an_error_and_no_frame(
    drawn: tuple[Path, str], screen: dict[str, str], tmp_path: Path
) -> None:
    there, _ = drawn
    for file in there.glob("*"):
        if file.is_file() and file.name.startswith(("brain", "flight_pv")):
            shutil.copyfile(file, tmp_path / file.name)
    with h5py.File(tmp_path / "brain.h5", "r+") as file:
        file["brain"][:] = 0
    told = run(screen, tmp_path / "flight_pv.py", "--frames", ":1", "--level", "0", ok=False)
    assert "ParaView reads nothing but zeros where there are samples" in told
    assert not list((tmp_path / "frames").iterdir())


@pytest.mark.parametrize(("x", "filled"), [((-0.3, 0.3), True), ((-9.0, -8.0), False)])
def test_only_boxes_that_hold_samples_are_said_to(folder: Path, x: tuple[float, float], filled: bool) -> None:
    volume = open_volume(folder / "brain.h5")
    box = Box((x[0], -0.3, -0.3), (x[1], 0.3, 0.3))
    assert (0 in _filled(volume, box)) == filled
    assert _filled(volume, None) == tuple(range(len(volume.levels)))
    assert _filled(replace(volume, value_range=(np.nan, np.nan)), None) == (), "nobody has looked"


@pytest.mark.paraview
def test_a_part_is_planned_with_its_frames_and_samples_alone(drawn: tuple[Path, str], screen: dict[str, str]) -> None:
    there, _ = drawn
    script = there / "flight_pv.py"
    told = run(screen, script, "--plan", "--part", "2/5", "--size", "64", "36", program=("pvpython",))
    assert "flight: frames 2 to 3 of 64 x 36" in told
    assert 'shot "cut": level' in told
    assert "hold" not in told


@pytest.mark.paraview
def test_what_is_missing_is_said_in_a_sentence(drawn: tuple[Path, str], screen: dict[str, str], tmp_path: Path) -> None:
    there, _ = drawn
    script = there / "flight_pv.py"
    told = run(screen, script, "--data", str(tmp_path), program=("pvpython",), ok=False)
    assert f"there is no {tmp_path / 'brain'}" in told
    assert "say which with --data" in told
    assert "Traceback" not in told
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env={"PATH": os.environ["PATH"]})
    assert done.returncode != 0
    if importable_vtk():
        return
    assert "this is a script for ParaView: pvpython flight_pv.py" in done.stderr


def importable_vtk() -> bool:
    import importlib.util

    return importlib.util.find_spec("paraview") is not None
