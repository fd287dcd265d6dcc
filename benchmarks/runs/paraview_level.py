"""ParaView opens one level of a volume; run by pvpython. FILE SCENE.json OUT

FILE is a VTKHDF (.hdf) or XDMF (.xmf2) file that stackreel wrote. Into the folder OUT: picture.png, drawn on the
processor, and result.json with the seconds that reading and the picture took, the grid, and the values at a thousand
places: (column, row, section, value).
"""

import json
import sys
import time

from paraview import simple  # type: ignore[import-not-found]

PLACES = 1000


def main(path: str, scene_file: str, out: str) -> None:
    with open(scene_file) as file:
        told = json.load(file)
    begin = time.perf_counter()
    vtkhdf = path.endswith(".hdf")
    reader = simple.VTKHDFReader(FileName=path) if vtkhdf else simple.XDMFReader(FileNames=[path])
    reader.UpdatePipeline()
    opening = time.perf_counter() - begin
    image = reader.GetClientSideObject().GetOutputDataObject(0)
    while not image.IsA("vtkImageData"):  # the XDMF reader may give it in a block
        image = image.GetBlock(0)
    array = image.GetPointData().GetArray(0)
    columns, rows, sections = image.GetDimensions()
    values, state = [], 12345
    for _ in range(PLACES):
        place = []
        for count in (columns, rows, sections):
            state = (1103515245 * state + 12345) % 2**31
            place.append((state >> 8) * count >> 23)
        i, j, k = place
        values.append([i, j, k, array.GetTuple1((k * rows + j) * columns + i)])

    begin = time.perf_counter()
    view = simple.CreateView("RenderView")
    view.ViewSize = told["size"]
    view.UseColorPaletteForBackground = 0
    view.Background = [0.0, 0.0, 0.0]
    view.OrientationAxesVisibility = 0
    shown = simple.Show(reader, view)
    simple.ColorBy(shown, ("POINTS", array.GetName()))
    shown.SetRepresentationType("Volume")
    color = simple.GetColorTransferFunction(array.GetName())
    opacity = simple.GetOpacityTransferFunction(array.GetName())
    color.ColorSpace = "RGB"
    color.RGBPoints = [float(number) for point in told["color"] for number in point]
    opacity.Points = [float(number) for point in told["opacity"] for number in (*point, 0.5, 0.0)]
    shown.ScalarOpacityUnitDistance = told["opacity_unit"]
    shown.VolumeRenderingMode = "Ray Cast Only"
    view.CameraPosition = told["position"]
    view.CameraFocalPoint = told["focal_point"]
    view.CameraViewUp = told["view_up"]
    view.CameraViewAngle = told["view_angle"]
    simple.SaveScreenshot(out + "/picture.png", view, ImageResolution=told["size"])
    drawing = time.perf_counter() - begin
    found = {
        "opening": opening,
        "drawing": drawing,
        "shape": [sections, rows, columns],
        "origin": image.GetOrigin(),
        "spacing": image.GetSpacing(),
        "bytes": array.GetDataSize() * array.GetDataTypeSize(),
        "values": values,
    }
    with open(out + "/result.json", "w") as file:
        json.dump(found, file)


simple._DisableFirstRenderCameraReset()
main(*sys.argv[1:4])
