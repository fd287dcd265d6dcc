"""A scan that is half done can be seen, from near and from far, and what is seen is what the whole will show there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stackreel.frames.engine import Output
from stackreel.frames.native import NativeEngine
from stackreel.geometry import Box, Spacing
from stackreel.scene import PRESETS, Camera, Scene, TransferFunction
from stackreel.slices import open_slices
from stackreel.slices.following import follow
from stackreel.slices.phantom import Phantom
from stackreel.volume import open_volume
from stackreel.volume.build import build
from stackreel.volume.recipe import Recipe

SHAPE = (96, 240, 260)
RAW = {"shape": SHAPE[1:], "dtype": "uint8"}
TISSUE = TransferFunction(
    ((0, 0.1, 0.1, 0.1), (120, 0.8, 0.5, 0.4), (255, 1, 0.95, 0.9)), ((0, 0), (20, 0), (90, 0.4), (255, 0.9)), 0.004
)


class StopsError(Exception):
    pass


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    """A phantom of which 64 of 96 sections have come, and the same when all have."""
    folder = tmp_path_factory.mktemp("half")
    scan = folder / "scan"
    scan.mkdir()
    source = Phantom(SHAPE).source("transmittance")
    sections = [source.read(z, slice(0, SHAPE[1])) for z in range(SHAPE[0])]
    for z in range(70):
        sections[z].tofile(scan / f"s{z:02}.raw")

    def stop(_):
        raise StopsError

    recipe = Recipe("brain", Spacing(2.5, 1, 1))
    arriving = follow(scan, SHAPE[0], settle=0.0, **RAW)
    with pytest.raises(StopsError):
        build(arriving, folder / "brain.h5", recipe, arriving=arriving, awaiting=stop)
    for z in range(70, SHAPE[0]):
        sections[z].tofile(scan / f"s{z:02}.raw")
    whole = build(open_slices(scan, **RAW), folder / "whole.h5", recipe)
    return open_volume(folder / "brain.h5.partial"), whole


def between(volume, first, last):
    """The world box of some sections."""
    bounds = volume.placement.bounds
    step, z0 = volume.placement.step[2], bounds.lower[2]
    return Box((*bounds.lower[:2], z0 + first * step), (*bounds.upper[:2], z0 + last * step))


def drawn(volume, scene, size, detail):
    session = NativeEngine(256 << 20, 2).open(volume, Output(size, detail))
    try:
        frame = session.render(scene)
        return frame.rgba, frame.level
    finally:
        session.close()


@pytest.mark.parametrize(("size", "detail", "coarse"), [((160, 120), 1e-6, False), ((80, 60), 3.0, True)])
def test_a_half_done_scan_is_drawn_as_the_whole_will_be(volumes, size, detail, coarse):
    half, whole = volumes
    scene = Scene(Camera((0.7, -0.6, -1.4), (0, 0, -0.15), (0, -1, 0), 40.0), TISSUE, light=PRESETS["headlight"])
    near = replace(scene, crop=between(half, 0, 55))  # a coarse voxel from where it ends by now
    ours, level = drawn(half, near, size, detail)
    theirs, same = drawn(whole, near, size, detail)
    assert level == same
    assert (level > 0) == coarse
    assert (theirs[..., 3] > 0.9).mean() > 0.15
    assert np.abs(ours - theirs).max() < 0.02
    rest, _ = drawn(half, replace(scene, crop=between(half, 72, 95)), size, detail)
    assert rest[..., 3].max() == 0.0
    there, _ = drawn(whole, replace(scene, crop=between(half, 72, 95)), size, detail)
    assert there[..., 3].max() > 0.9
