"""What ParaView is told to open for a picture, and what it is told to show."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from stackreel.errors import EngineError
from stackreel.frames.engine import Output
from stackreel.geometry import Box
from stackreel.paraview import staging
from stackreel.scene import PRESETS, Camera, Scene, Slice, Title, TransferFunction
from stackreel.volume import Volume, open_volume

from .conftest import convert

TABLE = TransferFunction(((0, 0, 0, 0), (255, 1, 1, 1)), ((0, 0), (255, 0.5)), 0.02)
AFAR = Camera((0, 0, -3.0), (0, 0, 0), (0, -1, 0), 30.0)
NEAR = Camera((0.1, 0.1, -0.4), (0.1, 0.1, 0), (0, -1, 0), 30.0)
MUCH = 1 << 40
OUTPUT = Output((640, 360))


@pytest.fixture(scope="module")
def volume(tmp_path_factory: pytest.TempPathFactory) -> Volume:
    """200 × 320 × 400 samples with three levels or more, and its files for ParaView."""
    samples = np.random.default_rng(3).integers(0, 255, (200, 320, 400), dtype=np.uint8)
    return convert(tmp_path_factory.mktemp("staged"), "b.h5", samples, "--spacing", "1", "1", "1")


def chosen(volume: Volume, scene: Scene, memory: int = MUCH, output: Output = OUTPUT) -> staging.Choice:
    return staging.choose_level(volume, scene, output, memory)


def test_from_near_a_finer_level_is_opened_than_from_afar(volume: Volume) -> None:
    assert chosen(volume, Scene(NEAR, TABLE)).level == 0
    afar = chosen(volume, Scene(AFAR, TABLE))
    assert afar.level == afar.wanted >= 1
    assert afar.file.name == f"b.L{afar.level}of{len(volume.levels) - 1}.hdf"
    assert afar.file.is_file()


def test_only_what_is_in_view_and_inside_of_the_crop_is_read(volume: Volume) -> None:
    grid = volume.levels[0].placement
    assert chosen(volume, Scene(Camera((0, 0, -9.0), (0, 0, 0), (0, -1, 0), 30.0), TABLE)).extent is None
    crop = Box((-0.1, 0.05, -0.05), (0.12, 0.2, 0.1))
    choice = chosen(volume, Scene(AFAR, TABLE, crop=crop), output=Output((640, 360), 1e-6))
    assert choice.level == 0
    assert choice.extent is not None
    x0, x1, y0, y1, z0, z1 = choice.extent
    low, high = grid.index_from_world(crop.lower), grid.index_from_world(crop.upper)
    for (a, b), begin, end in zip(((z0, z1), (y0, y1), (x0, x1)), low, high, strict=True):
        assert a <= begin - 1, "slopes at the crop's faces need a sample more"
        assert b >= end + 1
        assert b - a < (end - begin) + 2 * 26 + 4, "not much more than what is needed"


def test_what_does_not_fit_into_the_memory_is_shown_coarser(volume: Volume) -> None:
    whole = volume.nbytes * 3
    fine = Output((4000, 3000), 1e-6)
    assert chosen(volume, Scene(AFAR, TABLE), whole, fine).level == 0
    less = chosen(volume, Scene(AFAR, TABLE), whole - 1, fine)
    assert (less.wanted, less.level) == (0, 1)
    with pytest.raises(EngineError, match="--memory gives more"):
        chosen(volume, Scene(AFAR, TABLE), 1000, fine)


def test_more_samples_than_vtkhdf_takes_at_once_come_through_xdmf(
    volume: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = Output((4000, 3000), 1e-6)
    assert chosen(volume, Scene(AFAR, TABLE), output=fine).kind == "vtkhdf"
    monkeypatch.setattr(staging, "MOST_AT_ONCE", volume.nbytes - 1)
    choice = chosen(volume, Scene(AFAR, TABLE), output=fine)
    assert (choice.level, choice.kind, choice.file.name) == (0, "xdmf", "b.xmf2")


def test_slices_are_opened_as_sharp_as_they_are_shown(volume: Volume) -> None:
    camera = Camera((0, 0, -2.9), (0, 0, 0), (0, -1, 0), 30.0)
    plain = chosen(volume, Scene(camera, TABLE)).level
    assert chosen(volume, Scene(camera, TABLE, slices=(Slice((0, 0, 0), (0, 0, 1)),))).level < plain


def test_a_volume_without_its_files_is_told_how_to_get_them(volume: Volume, tmp_path: Path) -> None:
    (tmp_path / "b.h5").write_bytes(volume.path.read_bytes())
    reason = staging.closed(open_volume(tmp_path / "b.h5"))
    assert reason is not None
    assert "`stackreel xdmf" in reason
    assert staging.closed(volume) is None


def test_a_state_is_plain_json_and_says_all(volume: Volume) -> None:
    scene = Scene(
        NEAR,
        TABLE,
        crop=Box((-0.1, -0.1, -0.1), (0.1, 0.1, 0.1)),
        light=PRESETS["studio"],
        titles=(Title("µ"),),
        slices=(Slice((0, 0, 0), (0, 0, 1), color=((0.0, 1.0, 0.0, 0.0),)),),
    )
    state = staging.state_of(scene, chosen(volume, scene).data)
    assert json.loads(json.dumps(state)) == state
    assert state["camera"] == {
        "position": [0.1, 0.1, -0.4], "focal_point": [0.1, 0.1, 0], "view_up": [0, -1, 0], "view_angle": 30.0
    }  # fmt: skip
    assert state["opacity_unit"] == 0.02
    assert [lamp["weight"] for lamp in state["lamps"]] == [0.95, 0.15, 0.45]
    assert state["titles"][0]["text"] == "µ"


def test_lights_that_shine_from_the_camera_alone_need_no_lamps() -> None:
    assert staging.state_of(Scene(NEAR, TABLE, light=PRESETS["headlight"]), {})["lamps"] == []
    assert staging.state_of(Scene(NEAR, TABLE, light=PRESETS["none"]), {})["light"] is None


def test_hollows_and_shadows_are_said_to_be_missing() -> None:
    assert "no hollows and no shadows" in staging.approximations(Scene(NEAR, TABLE, light=PRESETS["studio"]))[0]
    assert staging.approximations(Scene(NEAR, TABLE, light=PRESETS["headlight"])) == []
