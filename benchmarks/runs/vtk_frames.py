"""VTK's own mappers, from its Python package, draw the scene with half-voxel steps. VOLUME.h5 SCENE.json OUT gpu|fixed

Into the folder OUT: last.png, and result.json with the seconds that reading took and those of each frame until it was
saved.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import vtkmodules.vtkRenderingOpenGL2
import vtkmodules.vtkRenderingVolumeOpenGL2  # noqa: F401
from vtkmodules.util.numpy_support import numpy_to_vtk
from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPiecewiseFunction
from vtkmodules.vtkIOImage import vtkPNGWriter
from vtkmodules.vtkRenderingCore import (
    vtkColorTransferFunction,
    vtkRenderer,
    vtkRenderWindow,
    vtkVolume,
    vtkVolumeProperty,
    vtkWindowToImageFilter,
)
from vtkmodules.vtkRenderingVolume import vtkFixedPointVolumeRayCastMapper, vtkGPUVolumeRayCastMapper

from stackreel.volume import open_volume


def image_of(path: Path) -> vtkImageData:
    volume = open_volume(path)
    with h5py.File(path) as file:
        samples = file[volume.levels[0].dataset][()]
    image = vtkImageData()
    image.SetDimensions(*volume.shape[::-1])
    image.SetOrigin(*volume.placement.origin)
    image.SetSpacing(*volume.placement.step)
    image.GetPointData().SetScalars(numpy_to_vtk(samples.reshape(-1), deep=True))  # type: ignore[no-untyped-call]
    return image


def volume_of(image: vtkImageData, told: dict[str, Any], kind: str) -> vtkVolume:
    half = 0.5 * min(image.GetSpacing())
    mapper: Any = vtkGPUVolumeRayCastMapper() if kind == "gpu" else vtkFixedPointVolumeRayCastMapper()
    if kind == "fixed":
        mapper.SetImageSampleDistance(1.0)
        mapper.SetInteractiveSampleDistance(half)
    mapper.SetAutoAdjustSampleDistances(False)
    mapper.SetSampleDistance(half)
    mapper.SetInputData(image)
    color, opacity, look = vtkColorTransferFunction(), vtkPiecewiseFunction(), vtkVolumeProperty()
    for point in told["color"]:
        color.AddRGBPoint(*point)
    for point in told["opacity"]:
        opacity.AddPoint(*point)
    look.SetInterpolationTypeToLinear()
    look.SetColor(color)
    look.SetScalarOpacity(opacity)
    look.SetScalarOpacityUnitDistance(told["opacity_unit"])
    look.SetShade(told["shaded"])
    volume = vtkVolume()
    volume.SetMapper(mapper)
    volume.SetProperty(look)
    return volume


def window_of(volume: vtkVolume, told: dict[str, Any]) -> tuple[vtkRenderer, vtkRenderWindow]:
    """A window without a screen that shows the volume; its camera only wants a position."""
    renderer, window = vtkRenderer(), vtkRenderWindow()
    renderer.AddVolume(volume)
    window.SetOffScreenRendering(True)
    window.SetSize(*told["size"])
    window.SetMultiSamples(0)
    window.AddRenderer(renderer)
    camera = renderer.GetActiveCamera()
    camera.SetFocalPoint(*told["focal_point"])
    camera.SetViewUp(*told["view_up"])
    camera.SetViewAngle(told["view_angle"])
    return renderer, window


def main(path: Path, scene_file: Path, out: Path, kind: str) -> None:
    told = json.loads(scene_file.read_text())
    begin = time.perf_counter()
    image = image_of(path)
    opening = time.perf_counter() - begin
    renderer, window = window_of(volume_of(image, told, kind), told)
    frames = []
    for position in told["positions"]:
        renderer.GetActiveCamera().SetPosition(*position)
        renderer.ResetCameraClippingRange()
        begin = time.perf_counter()
        window.Render()
        grab, writer = vtkWindowToImageFilter(), vtkPNGWriter()
        grab.SetInput(window)
        grab.ReadFrontBufferOff()
        grab.ShouldRerenderOff()
        writer.SetFileName(str(out / "last.png"))
        writer.SetInputConnection(grab.GetOutputPort())
        writer.Write()
        frames.append(time.perf_counter() - begin)
    (out / "result.json").write_text(json.dumps({"opening": opening, "frames": frames}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4])
