"""`stackreel plan`: what it says of a real, small movie is what rendering it then does."""

import json

import numpy as np
import pytest

from stackreel.cli import main

MOVIE = """\
stackreel: 1
volume: brain.h5
output: {size: [320, 200], fps: 5}
scene:
  opacity: [[0, 0], [20, 0], [255, 0.5]]
  opacity_unit: 0.05
  light: none
shots:
  - {name: turn, seconds: 1, orbit: {axis: y, degrees: 20}}
  - {name: hold, seconds: 1}
  - {name: dive, seconds: 1, zoom: {factor: 8}}
"""


@pytest.fixture
def volume(noisy_brain):
    return noisy_brain(MOVIE)


def test_it_tells_bytes_memory_levels_time_and_where_data_run_out(volume, capsys):
    assert main(["plan", "flight.yaml", "--device", "cpu"]) == 0
    said = capsys.readouterr().out
    assert "15 frames of 320 × 200, 10 to be rendered" in said
    assert "from the file" in said
    assert "takes about" in said
    assert "chunks read and decoded at" in said
    assert "again, for want of memory" not in said
    assert 'shot "dive"' in said
    assert 'shot "turn"' not in said
    assert [line.split()[0] for line in said.splitlines() if " – " in line] == ["turn", "hold", "dive"]
    assert said.splitlines()[-1] == "next: stackreel render flight.yaml -o flight.mp4"


def test_its_bytes_are_those_that_rendering_reads(volume, capsys):
    from stackreel.movie.production import produce

    assert main(["plan", "flight.yaml", "--json", "--device", "cpu"]) == 0
    told = json.loads(capsys.readouterr().out)
    production = produce(volume.path.parents[1] / "flight.yaml", device="cpu")
    session = production.engine.open(production.volume, production.output)
    scenes = list(production.timeline)
    before = sum(level.bytes_read for level in production.volume.levels)
    session.expect(scenes)
    for scene in scenes:
        session.render(scene)
    session.close()
    assert told["stored"] == sum(level.bytes_read for level in production.volume.levels) - before
    assert told["frames"] == 15
    assert told["stored"] == told["unique_stored"] > 0


SLICES = """\
  slices:
    - {axis: z, at: -0.05, masked: true, outline: white}
    - {normal: [1, 0.3, 0.2], opacity: 0.5}
shots:
  - {name: sweep, seconds: 1, slice: {axis: z, to: 0.08}}
  - {name: beyond, seconds: 1, orbit: {axis: y, degrees: 20}, look: {blend: maximum}}
  - {name: open, seconds: 1, slice: {axis: y, from: -0.3, to: 0.1, cut: true}, zoom: {factor: 3}}
"""


@pytest.mark.parametrize("memory", ["11M", "200M"])
def test_what_slices_show_is_among_its_bytes(volume, memory, tmp_path, capsys):
    from stackreel.movie.production import produce

    movie = tmp_path / "slices.yaml"
    movie.write_text(MOVIE.split("shots:", maxsplit=1)[0] + SLICES)
    plain = tmp_path / "plain.yaml"
    plain.write_text(MOVIE.split("shots:", maxsplit=1)[0] + "shots:\n" + SLICES.split("shots:\n")[1])
    assert main(["plan", str(movie), "--memory", memory, "--device", "cpu"]) == 0
    assert "not counted" not in capsys.readouterr().out
    assert main(["plan", str(movie), "--json", "--memory", memory, "--device", "cpu"]) == 0
    told = json.loads(capsys.readouterr().out)
    production = produce(movie, memory=int(memory[:-1]) << 20, device="cpu")
    session = production.engine.open(production.volume, production.output)
    scenes = list(dict.fromkeys(production.timeline))
    before = sum(level.bytes_read for level in production.volume.levels)
    session.expect(scenes)
    for scene in scenes:
        session.render(scene)
    session.close()
    assert told["stored"] == sum(level.bytes_read for level in production.volume.levels) - before
    assert told["stored"] >= told["unique_stored"] > 0


@pytest.mark.parametrize("verb", ["plan", "render"])
def test_a_projection_of_several_channels_is_refused_before_the_first_frame(make_volume, verb, tmp_path, capsys):
    rng = np.random.default_rng(5)
    for name in ("red", "green"):
        made = make_volume(rng.integers(30, 255, (20, 40, 40), dtype=np.uint8), name=name)
        (tmp_path / f"{name}.h5").symlink_to(made.path)
    movie = tmp_path / "flight.yaml"
    movie.write_text(
        "stackreel: 1\nvolume: {red: red.h5, green: green.h5}\noutput: {size: [64, 48], fps: 5}\n"
        "shots:\n  - {name: turn, seconds: 2, orbit: {axis: y, degrees: 20}}\n"
        "  - {name: brightest, seconds: 1, look: {blend: maximum}}\n"
    )
    out = ["-o", str(tmp_path / "flight.mp4")] if verb == "render" else []
    assert main([verb, str(movie), *out]) == 1
    said = capsys.readouterr().err
    assert "at 2" in said
    assert "projections show one channel" in said
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} == {"red.h5", "green.h5", "flight.yaml"}


def test_a_volume_that_is_not_there_is_the_error_that_render_gives(volume, tmp_path, capsys):
    (tmp_path / "brain.h5").unlink()
    assert main(["plan", "flight.yaml"]) == 1
    plan = capsys.readouterr().err
    assert main(["render", "flight.yaml", "-o", "flight.mp4"]) == 1
    assert plan == capsys.readouterr().err
    assert "there is no such volume" in plan
