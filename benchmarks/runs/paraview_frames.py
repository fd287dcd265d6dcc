"""ParaView draws the scene from the XDMF file that stackreel wrote; run by pvbatch. FILE.xmf2 SCENE.json OUT MODE

MODE is ParaView's VolumeRenderingMode: "GPU Based" or "Ray Cast Only". Into the folder OUT: last.png, and result.json
with the seconds that reading took and those of each frame until it was saved.
"""

import json
import sys
import time
from collections.abc import Iterable, Sequence

from paraview import simple  # type: ignore[import-not-found]


def flat(points: Iterable[Sequence[float]]) -> list[float]:
    return [float(number) for point in points for number in point]


def main(path: str, scene_file: str, out: str, mode: str) -> None:
    with open(scene_file) as file:
        told = json.load(file)
    begin = time.perf_counter()
    reader = simple.XDMFReader(FileNames=[path])
    reader.UpdatePipeline()
    opening = time.perf_counter() - begin
    array = reader.PointArrayStatus[0]

    view = simple.CreateView("RenderView")
    view.ViewSize = told["size"]
    view.UseColorPaletteForBackground = 0
    view.Background = [0.0, 0.0, 0.0]
    view.OrientationAxesVisibility = 0
    shown = simple.Show(reader, view)
    simple.ColorBy(shown, ("POINTS", array))
    shown.SetRepresentationType("Volume")
    color, opacity = simple.GetColorTransferFunction(array), simple.GetOpacityTransferFunction(array)
    color.ColorSpace = "RGB"
    color.RGBPoints = flat(told["color"])
    opacity.Points = flat((*point, 0.5, 0.0) for point in told["opacity"])
    shown.ScalarOpacityUnitDistance = told["opacity_unit"]
    shown.VolumeRenderingMode = mode
    shown.Shade = int(told["shaded"])
    view.CameraFocalPoint = told["focal_point"]
    view.CameraViewUp = told["view_up"]
    view.CameraViewAngle = told["view_angle"]

    frames = []
    for position in told["positions"]:
        view.CameraPosition = position
        begin = time.perf_counter()
        simple.SaveScreenshot(out + "/last.png", view, ImageResolution=told["size"])
        frames.append(time.perf_counter() - begin)
    with open(out + "/result.json", "w") as file:
        json.dump({"opening": opening, "frames": frames}, file)


simple._DisableFirstRenderCameraReset()
main(*sys.argv[1:5])
