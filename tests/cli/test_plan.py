"""`stackreel plan`: what it says of a real, small movie is what rendering it then does."""

import json

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


def test_a_volume_that_is_not_there_is_the_error_that_render_gives(volume, tmp_path, capsys):
    (tmp_path / "brain.h5").unlink()
    assert main(["plan", "flight.yaml"]) == 1
    plan = capsys.readouterr().err
    assert main(["render", "flight.yaml", "-o", "flight.mp4"]) == 1
    assert plan == capsys.readouterr().err
    assert "there is no such volume" in plan
