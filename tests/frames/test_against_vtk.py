"""The same scene drawn here and by VTK's ray caster (vtkGPUVolumeRayCastMapper in software, float, half-voxel steps).

VTK's other mapper, vtkFixedPointVolumeRayCastMapper, composites in 15 bits: on these scenes it stands 35 to 47 dB from
either of the two, so the one that computes in floats is the measure.
"""

from __future__ import annotations

import importlib
import math
import os
import shutil
import subprocess

import numpy as np
import pytest

from stackreel.frames.engine import Output
from stackreel.frames.native import NativeEngine
from stackreel.geometry import Spacing
from stackreel.scene import Camera, Scene, TransferFunction
from stackreel.slices.phantom import Phantom
from stackreel.volume.build import build
from stackreel.volume.recipe import Recipe

SIZE = (240, 180)
CAMERA = Camera((0.9, -1.1, -1.6), (0.05, 0.02, -0.04), (0.2, -1.0, 0.1), 33.0)


@pytest.fixture(scope="module")
def vtk():
    try:
        return importlib.import_module("vtk")
    except ImportError:
        if os.environ.get("CI") == "true":
            pytest.fail("VTK is not installed; `pip install vtk` brings it")
        pytest.skip("VTK is not installed; `pip install vtk` brings it")


@pytest.fixture(scope="module")
def brain(tmp_path_factory):
    """A phantom of 60 × 320 × 360 voxels, three times as thick as wide, with its samples."""
    source = Phantom((60, 320, 360)).source("transmittance")
    volume = build(source, tmp_path_factory.mktemp("brain") / "brain.h5", Recipe("brain", source.spacing))
    assert volume.spacing.z > 2.5 * volume.spacing.x
    return volume, volume.levels[0].read((slice(None),) * 3)


def random_scene(seed):
    """A camera anywhere around the volume, rolled and off its centre; any colours, opacities and opacity unit."""
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=3)
    position = direction / np.linalg.norm(direction) * rng.uniform(1.2, 2.4) + rng.uniform(-0.1, 0.1, 3)
    camera = Camera(
        tuple(position), tuple(rng.uniform(-0.15, 0.15, 3)), tuple(rng.normal(size=3)), float(rng.uniform(20, 45))
    )
    color = tuple((float(v), *map(float, rng.random(3))) for v in np.linspace(0, 255, 5))
    foot = float(rng.uniform(20, 90))
    opacity = ((0, 0), (foot, 0), (foot + 60, float(rng.uniform(0.02, 0.3))), (255, float(rng.uniform(0.1, 0.8))))
    background = tuple(map(float, rng.random(3))) if seed % 2 else (0.0, 0.0, 0.0)
    transfer = TransferFunction(color, opacity, float(rng.uniform(0.01, 0.06)))
    return Scene(camera, transfer, background=background)


def vtk_renderer(vtk, scene, size):
    """A VTK renderer and its window, with the scene's camera and background."""
    renderer = vtk.vtkRenderer()
    renderer.SetBackground(*scene.background)
    camera = renderer.GetActiveCamera()
    camera.SetPosition(*scene.camera.position)
    camera.SetFocalPoint(*scene.camera.focal_point)
    camera.SetViewUp(*scene.camera.view_up)
    camera.SetViewAngle(scene.camera.view_angle)
    window = vtk.vtkRenderWindow()
    window.SetOffScreenRendering(1)
    window.SetMultiSamples(0)
    window.SetSize(*size)
    window.AddRenderer(renderer)
    return renderer, window


def drawn_by_vtk(vtk, brain, scene, size=SIZE):
    """uint8 (height, width, 3)"""
    from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

    volume, samples = brain
    image = vtk.vtkImageData()
    image.SetDimensions(*samples.shape[::-1])
    image.SetOrigin(*volume.placement.origin)
    image.SetSpacing(*volume.placement.step)
    image.GetPointData().SetScalars(numpy_to_vtk(samples.ravel(), deep=1))

    mapper = vtk.vtkGPUVolumeRayCastMapper()
    mapper.SetInputData(image)
    mapper.SetAutoAdjustSampleDistances(0)
    mapper.SetImageSampleDistance(1)
    mapper.SetSampleDistance(0.5 * min(volume.placement.step))
    mapper.SetUseJittering(0)

    color, opacity = vtk.vtkColorTransferFunction(), vtk.vtkPiecewiseFunction()
    for point in scene.transfer.color:
        color.AddRGBPoint(*point)
    for point in scene.transfer.opacity:
        opacity.AddPoint(*point)
    look = vtk.vtkVolumeProperty()
    look.SetInterpolationTypeToLinear()
    look.ShadeOff()
    look.SetColor(color)
    look.SetScalarOpacity(opacity)
    look.SetScalarOpacityUnitDistance(scene.transfer.opacity_unit)

    actor = vtk.vtkVolume()
    actor.SetMapper(mapper)
    actor.SetProperty(look)
    renderer, window = vtk_renderer(vtk, scene, size)
    renderer.AddVolume(actor)
    renderer.ResetCameraClippingRange()
    window.Render()
    grab = vtk.vtkWindowToImageFilter()
    grab.SetInput(window)
    grab.ReadFrontBufferOff()
    grab.Update()
    pixels = vtk_to_numpy(grab.GetOutput().GetPointData().GetScalars())
    return pixels.reshape(size[1], size[0], -1)[::-1, :, :3]


def drawn_here(volume, scene, detail, size=SIZE):
    session = NativeEngine(512 << 20, 2).open(volume, Output(size, detail))
    try:
        return session.render(scene)
    finally:
        session.close()


def psnr(a, b):
    error = np.mean((a.astype(float) - b.astype(float)) ** 2)
    return 10 * math.log10(255**2 / error) if error else math.inf


@pytest.mark.parametrize("seed", range(12))
def test_pictures_agree_with_vtk(vtk, brain, seed):
    scene = random_scene(seed)
    theirs = drawn_by_vtk(vtk, brain, scene)
    assert theirs.std() > 10, "the brain is not in the picture"
    full = drawn_here(brain[0], scene, 1e-6)
    assert full.level == 0
    assert psnr(full.over(scene.background), theirs) > 42.0  # 43 to 61 dB; the lowest are close-ups of dense tissue
    ours = drawn_here(brain[0], scene, 1.5)
    assert psnr(ours.over(scene.background), theirs) > 40.0  # 41 to 55 dB


def test_detail_1_5_draws_most_of_those_pictures_from_a_reduced_level(brain):
    levels = [drawn_here(brain[0], random_scene(seed), 1.5).level for seed in range(12)]
    assert sum(level >= 1 for level in levels) >= 5, levels


def test_half_the_step_brings_the_picture_nearer_to_vtk(vtk, brain):
    """What is left between the two is the length of our steps, not a different idea of the scene."""
    scene = random_scene(5)
    theirs = drawn_by_vtk(vtk, brain, scene)
    session = NativeEngine(512 << 20, 2, stride=0.25).open(brain[0], Output(SIZE, 1e-6))
    fine = session.render(scene).over(scene.background)
    session.close()
    assert psnr(fine, theirs) > 50.0
    assert np.abs(fine.astype(int) - theirs).max() <= 8


def test_a_wrong_opacity_unit_would_be_noticed(vtk, brain):
    scene = random_scene(7)
    theirs = drawn_by_vtk(vtk, brain, scene)
    t = scene.transfer
    thicker = Scene(
        scene.camera, TransferFunction(t.color, t.opacity, 0.6 * t.opacity_unit), background=scene.background
    )
    assert psnr(drawn_here(brain[0], thicker, 1e-6).over(scene.background), theirs) < 40.0


def spots(make_volume, places):
    """A volume with a small soft spot at each of such indices (z, y, x), one volume each."""
    grid = np.indices((40, 96, 120), dtype=np.float32)
    for place in places:
        apart = sum((g - c) ** 2 for g, c in zip(grid, place, strict=True))
        yield make_volume((250 * np.exp(-apart / 4.0)).astype(np.uint8), Spacing(3, 1, 1))


def test_a_landmark_appears_where_vtk_projects_it(vtk, make_volume):
    """Camera numbers taken over from VTK or ParaView mean the same to half a pixel, in a picture wider than high."""
    places = [(8.0, 20.0, 25.0), (30.0, 80.0, 20.0), (12.0, 30.0, 100.0), (33.0, 70.0, 95.0), (20.0, 48.0, 60.0)]
    transfer = TransferFunction(((0, 1, 1, 1),), ((0, 0), (10, 0), (250, 0.02)), 0.01)
    scene, size = Scene(CAMERA, transfer), (400, 250)
    renderer, window = vtk_renderer(vtk, scene, size)
    window.Render()
    for place, volume in zip(places, spots(make_volume, places), strict=True):
        alpha = drawn_here(volume, scene, 1e-6, size).rgba[..., 3]
        rows, columns = np.indices(alpha.shape)
        found = np.array([(columns * alpha).sum(), (rows * alpha).sum()]) / alpha.sum() + 0.5
        renderer.SetWorldPoint(*volume.placement.world_from_index(place), 1.0)
        renderer.WorldToDisplay()
        x, y, _ = renderer.GetDisplayPoint()
        assert np.abs(found - (x, size[1] - y)).max() < 0.5, (place, found, (x, size[1] - y))


@pytest.mark.paraview
def test_camera_numbers_from_a_paraview_script_mean_the_same(tmp_path):
    """Positions as ParaView's trace writes them; ParaView says how far right, up and ahead a world point lies."""
    pvpython = shutil.which("pvpython")
    if pvpython is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("pvpython is not installed")
    script = tmp_path / "where.py"
    script.write_text(
        "from paraview.simple import *\n"
        "view = CreateView('RenderView')\n"
        f"view.CameraPosition = {list(CAMERA.position)}\n"
        f"view.CameraFocalPoint = {list(CAMERA.focal_point)}\n"
        f"view.CameraViewUp = {list(CAMERA.view_up)}\n"
        "view.UpdateVTKObjects()\n"
        "matrix = view.GetActiveCamera().GetViewTransformMatrix()\n"
        "for p in [(0, 0, 0), (0.4, 0.3, 0.2), (-0.4, 0.1, -0.3), (0.1, -0.4, 0.45)]:\n"
        "    print('at', *p, *matrix.MultiplyPoint((*p, 1))[:3])\n"
    )
    done = subprocess.run(
        [pvpython, "--force-offscreen-rendering", str(script)], capture_output=True, text=True, timeout=120
    )
    lines = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("at ")]
    assert len(lines) == 4, done.stdout + done.stderr
    for words in lines:
        numbers = np.array(words, float)
        right, up, ahead = CAMERA.basis @ (numbers[:3] - CAMERA.position)
        assert (right, up, -ahead) == pytest.approx(tuple(numbers[3:]), abs=1e-9)
