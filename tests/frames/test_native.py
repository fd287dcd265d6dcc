"""The renderer against closed forms and against VTK: numbers that can be checked by hand."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import numpy as np
import pytest

from stackreel.errors import CorruptChunkError, EngineError
from stackreel.frames.engine import Output
from stackreel.frames.native import NativeEngine
from stackreel.geometry import Box, Spacing
from stackreel.scene import PRESETS, Camera, Scene, TransferFunction

WHITE = ((0.0, 1.0, 1.0, 1.0),)


def render(volume, scene, size=(65, 65), detail=1e-6, memory=512 << 20, threads=2, stride=1.0):
    """The frame, by default at full resolution wherever the camera stands."""
    session = NativeEngine(memory, threads, stride).open(volume, Output(size, detail))
    try:
        return session.render(scene)
    finally:
        session.close()


def ball(n=64, spacing=(1.0, 1.0, 1.0), sharp=4.0):
    """A soft ball of radius 0.35 world units, 128 on its surface; (z, y, x) uint8 and its spacing."""
    shape = [int(n / s) for s in spacing]
    axes = [(np.arange(m) - m / 2) * s / n for m, s in zip(shape, spacing, strict=True)]
    r = np.sqrt(sum(a**2 for a in np.meshgrid(*axes, indexing="ij")))
    return np.clip(128 + (0.35 - r) * n * sharp, 0, 255).astype(np.uint8), Spacing(*spacing)


def test_constant_fog_obeys_beer_lambert(make_volume):
    volume = make_volume(np.full((40, 48, 64), 100, np.uint8), Spacing(1, 1, 1))
    transfer = TransferFunction(WHITE, ((0, 0.0), (50, 0.3), (255, 0.3)), opacity_unit=0.05)
    camera = Camera((-1 / 128, -1 / 128, 3.0), (-1 / 128, -1 / 128, 0.0), (0, -1, 0), 5.0)
    frame = render(volume, Scene(camera, transfer))
    length = 39 / 64  # from the first to the last sample along z
    expected = 1 - (1 - 0.3) ** (length / 0.05)
    assert frame.rgba[32, 32, 3] == pytest.approx(expected, abs=2e-5)
    assert frame.rgba[32, 32, :3] == pytest.approx(expected, abs=2e-5)


def test_constant_fog_is_the_same_at_every_level_of_detail(make_volume):
    volume = make_volume(np.full((64, 128, 256), 100, np.uint8), Spacing(2, 1, 1))
    transfer = TransferFunction(WHITE, ((0, 0.1), (255, 0.1)), opacity_unit=0.1)
    camera = Camera((0.4, -0.9, 1.9), (0, 0, 0), (0, -1, 0), 30.0)
    scene = Scene(camera, transfer)
    fine, levels = render(volume, scene).rgba, set()
    for detail in (0.6, 1.2, 4.0):
        frame = render(volume, scene, detail=detail)
        levels.add(frame.level)
        assert np.abs(frame.rgba - fine).max() < 2e-5
    assert len(levels) >= 2


def test_opacity_along_a_chord_of_a_sphere(make_volume):
    data, spacing = ball(96)
    volume = make_volume(data, spacing)
    transfer = TransferFunction(WHITE, ((0, 0.0), (127.9, 0.0), (128.0, 0.2), (255, 0.2)), opacity_unit=0.05)
    eye = 60.0
    camera = Camera((0, 0, eye), (0, 0, 0), (0, -1, 0), math.degrees(2 * math.atan(0.4 / eye)))
    alpha = render(volume, Scene(camera, transfer), size=(81, 81)).rgba[40, :, 3]
    b = (np.arange(81) + 0.5 - 40.5) / 40.5 * 0.4
    chord = 2 * np.sqrt(np.maximum(0.35**2 - b**2, 0))
    expected = 1 - (1 - 0.2) ** (chord / 0.05)
    clear = np.abs(np.abs(b) - 0.35) > 0.02
    assert np.abs(alpha - expected)[clear].max() < 0.012  # a voxel at either end of the chord is 0.009
    assert alpha[np.abs(b) > 0.36].max() == 0.0


def linear_ramp(make_volume):
    """Extinction that grows linearly along z, and the transmittance it leaves."""
    n, unit = 64, 0.1
    data = np.broadcast_to(np.arange(n, dtype=np.uint8)[:, None, None] * 4, (n, n, n))
    volume = make_volume(np.ascontiguousarray(data), Spacing(1, 1, 1))
    values = np.linspace(0, 252, 64)
    extinction = 0.5 + 0.02 * values
    transfer = TransferFunction(WHITE, tuple(zip(values, 1 - np.exp(-extinction * unit), strict=True)), unit)
    length = 63 / 64
    expected = 1 - math.exp(-(0.5 * length + 0.02 * 252 / 2 * length))
    camera = Camera((-1 / 128, -1 / 128, 3.0), (-1 / 128, -1 / 128, 0.0), (0, -1, 0), 1.0)
    return volume, Scene(camera, transfer), expected


def test_a_linear_ramp_of_extinction_integrates_to_its_closed_form(make_volume):
    volume, scene, expected = linear_ramp(make_volume)
    assert render(volume, scene).rgba[32, 32, 3] == pytest.approx(expected, abs=2e-4)


def test_error_shrinks_with_the_square_of_the_step(make_volume):
    n = 48
    z = (np.arange(n) - n / 2) / n
    data = np.broadcast_to((200 * np.exp(-((z / 0.12) ** 2))).astype(np.float32)[:, None, None], (n, n, n))
    volume = make_volume(np.ascontiguousarray(data), Spacing(1, 1, 1))
    values = np.linspace(0, 200, 400)
    transfer = TransferFunction(
        tuple((v, v / 200, 1 - v / 200, 0.5) for v in values),
        tuple(zip(values, 1 - np.exp(-0.0004 * values**2 * 0.1), strict=True)),
        0.1,
    )
    scene = Scene(Camera((-0.01, -0.01, 3.0), (-0.01, -0.01, 0.0), (0, -1, 0), 1.0), transfer)
    truth = render(volume, scene, stride=1 / 256).rgba[32, 32]
    errors = [np.abs(render(volume, scene, stride=s).rgba[32, 32] - truth).max() for s in (2.0, 1.0, 0.5)]
    orders = [math.log2(a / b) for a, b in pairwise(errors)]
    assert min(orders) > 1.5, (errors, orders)


def test_thick_sections_look_like_the_same_field_in_cubes(make_volume):
    cubes, _ = ball(96)
    thick, spacing = ball(96, (3.0, 1.0, 1.0))
    transfer = TransferFunction(((0, 0.2, 0.3, 0.9), (255, 1, 0.9, 0.5)), ((60, 0), (255, 0.5)), 0.05)
    scene = Scene(Camera((0.9, -0.7, 1.6), (0, 0, 0), (0, -1, 0), 30.0), transfer)
    a = render(make_volume(cubes, Spacing(1, 1, 1)), scene, size=(120, 120)).over((0, 0, 0))
    b = render(make_volume(thick, spacing), scene, size=(120, 120)).over((0, 0, 0))
    assert a.max() > 150
    assert psnr(a, b) > 38.0


@pytest.mark.parametrize("light", ["none", "studio"])
def test_picture_is_the_same_to_the_bit_for_any_memory_threads_and_passes(make_volume, light):
    rng = np.random.default_rng(3)
    data = rng.integers(0, 255, (70, 150, 130), dtype=np.uint8)
    data[:, :40] = 0
    volume = make_volume(data, Spacing(2, 1, 1))
    transfer = TransferFunction(((0, 0, 0, 1), (255, 1, 1, 0)), ((80, 0), (255, 0.05)), 0.02)
    scene = Scene(Camera((0.5, -0.6, 1.2), (0, 0, 0), (0, -1, 0), 40.0), transfer, light=PRESETS[light])
    ample = render(volume, scene, size=(160, 90))
    with pytest.raises(EngineError) as refused:
        render(volume, scene, size=(160, 90), memory=1)
    least = int(re.search(r"at least (\d+)M", str(refused.value))[1]) << 20
    session = NativeEngine(least).open(volume, Output((160, 90), 1e-6))
    assert session.pool.capacity < 60 < ample_bricks(volume)
    session.close()
    for memory, threads in ((64 << 20, 1), (least, 2), (least, 1), (least + (1 << 20), 2)):
        frame = render(volume, scene, size=(160, 90), memory=memory, threads=threads)
        assert np.array_equal(frame.rgba, ample.rgba), (memory, threads)
    assert ample.rgba[..., 3].max() > 0.5


def test_too_little_memory_is_said_with_what_is_needed(make_volume):
    volume = make_volume(np.full((64, 64, 64), 9, np.uint8), Spacing(1, 1, 1))
    with pytest.raises(EngineError, match=r"--memory 100 kB is too little .* give at least \d+M"):
        NativeEngine(memory=100_000).open(volume, Output((320, 200)))


def test_crop_shows_only_its_box(make_volume):
    volume = make_volume(np.full((64, 64, 64), 200, np.uint8), Spacing(1, 1, 1))
    transfer = TransferFunction(WHITE, ((0, 0.9), (255, 0.9)), 0.01)
    camera = Camera((0, 0, 50.0), (0, 0, 0), (0, -1, 0), math.degrees(2 * math.atan(0.5 / 50)))
    scene = Scene(camera, transfer, crop=Box((-0.25, -0.125, -1.0), (0.125, 0.25, 1.0)))
    alpha = render(volume, scene, size=(128, 128)).rgba[..., 3]
    rows, columns = np.nonzero(alpha > 0.5)
    # seen from +z with -y up, x runs to the left: -0.25 … 0.125 is columns 48 to 95; y -0.125 … 0.25 is rows 48 to 95
    assert (columns.min(), columns.max()) == pytest.approx((48, 95), abs=1)
    assert (rows.min(), rows.max()) == pytest.approx((48, 95), abs=1)


def test_a_scene_without_anything_visible_is_empty(make_volume):
    volume = make_volume(np.full((32, 32, 32), 10, np.uint8), Spacing(1, 1, 1))
    transfer = TransferFunction(WHITE, ((100, 0.0), (255, 0.9)), 0.01)
    for crop in (None, Box((2, 2, 2), (3, 3, 3))):
        frame = render(volume, Scene(Camera(), transfer, crop=crop))
        assert not frame.rgba.any()
        assert frame.samples == 0


def test_camera_inside_the_volume_sees_what_is_in_front_of_it_only(make_volume):
    data = np.zeros((64, 64, 64), np.uint8)
    data[:16] = 200  # behind a camera at the centre that looks towards +z
    volume = make_volume(data, Spacing(1, 1, 1))
    transfer = TransferFunction(WHITE, ((100, 0.0), (200, 0.9)), 0.01)
    ahead = Scene(Camera((0, 0, 0), (0, 0, 1), (0, -1, 0), 60.0), transfer)
    back = Scene(Camera((0, 0, 0), (0, 0, -1), (0, -1, 0), 60.0), transfer)
    assert render(volume, ahead).rgba.max() == 0.0
    assert render(volume, back).rgba[32, 32, 3] > 0.99


@pytest.mark.parametrize("dtype", ["uint8", "int8", "uint16", "int16", "uint32", "float32", "float64"])
def test_every_type_of_sample_gives_the_same_picture(make_volume, dtype):
    data = (ball(48)[0] // 2).astype(dtype)
    transfer = TransferFunction(((0, 0.1, 0.2, 0.9), (127, 1, 0.9, 0.3)), ((30, 0), (127, 0.4)), 0.05)
    scene = Scene(Camera((0.9, -0.7, 1.6), (0, 0, 0), (0, -1, 0), 30.0), transfer)
    a = render(make_volume(data, Spacing(1, 1, 1)), scene).over((0, 0, 0))
    b = render(make_volume(data.astype(np.uint8), Spacing(1, 1, 1)), scene).over((0, 0, 0))
    assert a.max() > 100
    assert np.abs(a.astype(int) - b).max() <= 1


def test_holes_infinities_and_single_sections_do_not_break_it(make_volume):
    data = ball(48)[0].astype(np.float32)
    data[20:24, 20:24, 20:24] = np.nan
    data[30, 30, 30] = np.inf
    transfer = TransferFunction(WHITE, ((100, 0), (255, 0.5)), 0.05)
    scene = Scene(Camera(), transfer)
    frame = render(make_volume(data, Spacing(1, 1, 1)), scene)
    assert np.isfinite(frame.rgba).all()
    assert frame.rgba.max() > 0.5
    section = render(make_volume(np.full((1, 64, 64), 200, np.uint8), Spacing(4, 1, 1)), scene)
    assert section.rgba[32, 32, 3] > 0.3


def test_what_is_no_number_is_shown_alike_in_every_brick(make_volume):
    data = np.full((40, 64, 64), 50.0, np.float32)
    data[:, 20:30] = np.nan  # crosses bricks that hold nothing else of interest
    data[0, 0, 0] = 0.0
    lowest = TransferFunction(WHITE, ((0, 0.9), (10, 0.9), (20, 0.0), (255, 0.0)), 0.05)
    camera = Camera((0, 0, -50.0), (0, 0, 0), (0, -1, 0), math.degrees(2 * math.atan(0.5 / 50)))
    alpha = render(make_volume(data), Scene(camera, lowest), size=(64, 64)).rgba[..., 3]
    assert alpha[22:28, 2:-2].min() > 0.99
    assert alpha[34:, 2:-2].max() == 0.0


@pytest.mark.parametrize("light", ["none", "studio"])
def test_large_numbers_keep_their_differences(make_volume, light):
    data = 1e9 + ball(48)[0].astype(np.float64)
    transfer = TransferFunction(WHITE, ((1e9 + 100, 0), (1e9 + 255, 0.9)), 0.005)  # dense enough to have hollows
    small = TransferFunction(WHITE, ((100, 0), (255, 0.9)), 0.005)
    a = render(make_volume(data), Scene(Camera(), transfer, light=PRESETS[light])).rgba
    b = render(make_volume(data - 1e9), Scene(Camera(), small, light=PRESETS[light])).rgba
    assert b.max() > 0.5
    assert np.abs(a - b).max() < 1e-4


def test_neighbouring_labels_are_told_apart_however_many_there_are(make_volume):
    data = np.full((16, 64, 64), 1000, np.uint16)
    data[:, 20:40, 20:40] = 1003
    data[0, 0, 0] = 20000
    volume = make_volume(data, kind="label")
    points = ((0, 0), (1002, 0), (1003, 0.9), (1004, 0), (20000, 0))
    alpha = render(volume, Scene(Camera(), TransferFunction(WHITE, points, 0.02)), detail=1e-6).rgba[..., 3]
    assert alpha.max() > 0.9
    assert 0.02 < (alpha > 0.5).mean() < 0.2


def test_labels_beyond_counting_are_refused_in_words(make_volume):
    data = np.full((8, 8, 8), 614454270, np.uint32)
    data[0] = 0
    with pytest.raises(EngineError, match="label values run from 0 to 614454270; up to 65536"):
        NativeEngine().open(make_volume(data, kind="label"), Output((64, 64)))


def test_thin_layers_do_not_flicker_while_a_crop_moves(make_volume):
    data = np.zeros((64, 64, 64), np.uint8)
    data[40:42] = 200
    volume = make_volume(data)
    transfer = TransferFunction(WHITE, ((50, 0.0), (200, 0.1)), 0.02)
    camera = Camera((0.0, 0.0, -3.0), (0, 0, 0), (0, -1, 0), 10.0)
    seen = []
    for cut in np.linspace(-0.4, 0.0, 13):
        crop = Box((-1, -1, float(cut)), (1, 1, 1))
        seen.append(render(volume, Scene(camera, transfer, crop=crop), stride=1.5).rgba[32, 32, 3])
    assert min(seen) > 0.01
    assert max(seen) - min(seen) < 1e-6


def test_angles_are_never_averaged_between_neighbours(make_volume):
    """179° beside 1° must not show 90° in between."""
    data = np.full((8, 64, 64), 179, np.uint8)
    data[:, :, 32:] = 1
    volume = make_volume(data, Spacing(1, 1, 1), kind="axial", period=180)
    only_90 = TransferFunction(WHITE, ((20, 0), (45, 0.9), (135, 0.9), (160, 0)), 0.01)
    frame = render(volume, Scene(Camera((0, 0, 2.0)), only_90), detail=1e-6)
    assert frame.rgba.max() == 0.0


def test_a_damaged_chunk_names_file_level_and_chunk(make_volume):
    rng = np.random.default_rng(0)
    volume = make_volume(rng.integers(0, 255, (64, 200, 200), dtype=np.uint8), Spacing(1, 1, 1))
    import h5py

    with h5py.File(volume.path, locking=False) as file:
        info = file["/levels/test/0"].id.get_chunk_info_by_coord((32, 128, 0))
    with open(volume.path, "r+b") as raw:
        raw.seek(info.byte_offset + info.size // 2)
        raw.write(b"\x00" * 40)
    transfer = TransferFunction(WHITE, ((0, 0.1), (255, 0.5)), 0.05)
    with pytest.raises(CorruptChunkError, match=r"test\.h5: level 0, chunk \(1, 1, 0\)"):
        render(volume, Scene(Camera(), transfer))


def ample_bricks(volume):
    return sum(math.prod(-(-n // 32) for n in level.shape) for level in volume.levels)


def psnr(a, b):
    error = np.mean((a.astype(float) - b.astype(float)) ** 2)
    return 10 * math.log10(255**2 / error) if error else math.inf
