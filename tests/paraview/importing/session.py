# ruff: noqa: F403, F405
# What someone might do in ParaView. pvpython runs it, and tells what it sees; stackreel reads it, and never runs it.
import json
import sys

from paraview.simple import *

view = CreateView("RenderView")
view.SuppressRendering = 1
view.ViewSize = [401, 300]
view.CameraPosition = [1.25, -0.6000000000000001, -1.9]
view.CameraFocalPoint = [0.013, 0.1, -0.025]
view.CameraViewUp = [0.1, -0.97, 0.05]
view.CameraViewAngle = 27.5

wavelet = Wavelet(registrationName="Wavelet1", WholeExtent=[-10, 10, -10, 10, -10, 10])
cut = Clip(registrationName="Clip1", Input=wavelet)
cut.ClipType = "Plane"
cut.ClipType.Origin = [0.1, 0.2, -0.05]
cut.ClipType.Normal = [0.0, 0.6, 0.8]
cut.Invert = 0
display = Show(cut, view, "UnstructuredGridRepresentation")
display.SetRepresentationType("Volume")
display.ColorArrayName = ["POINTS", "RTData"]
display.ScalarOpacityUnitDistance = 0.031

table = GetColorTransferFunction("RTData")
table.ColorSpace = "Lab"
table.RGBPoints = [37.0, 0.1, 0.2, 0.6, 120.0, 0.9, 0.7, 0.3, 277.0, 0.4, 0.0, 0.1]
opacities = GetOpacityTransferFunction("RTData")
opacities.Points = [37.0, 0.0, 0.3, 0.6, 120.0, 0.8, 0.7, 1.0, 200.0, 0.1, 0.5, 0.0, 277.0, 0.5, 0.5, 0.0]
display.LookupTable = table
display.ScalarOpacityFunction = opacities

scene = GetAnimationScene()
scene.PlayMode = "Sequence"
scene.StartTime = 0.0
scene.EndTime = 1.0
scene.NumberOfFrames = 50
track = GetCameraTrack(view=view)
track.Mode = "Path-based"
first = CameraKeyFrame()
first.KeyTime = 0.0
first.PositionPathPoints = [2.0, 0.0, 0.3, 0.0, 1.5, 0.8, -1.8, 0.2, 1.2, -0.2, -1.6, 0.1]
first.FocalPathPoints = [0.0, 0.0, 0.0, 0.1, 0.05, 0.0, 0.0, 0.1, 0.1]
first.ClosedPositionPath = 1
first.ViewUp = [0.0, 0.0, 1.0]
first.ViewAngle = 33.0
last = CameraKeyFrame()
last.KeyTime = 1.0
track.KeyFrames = [first, last]

# ---------------------------------------------------------------- what ParaView itself says to that
seen = {
    "camera": [list(view.CameraPosition), list(view.CameraFocalPoint), list(view.CameraViewUp), view.CameraViewAngle]
}
values = [20.0 + i for i in range(270)]
client = table.GetClientSideObject()
client.Build()
seen["colors"] = {}
for space in ("RGB", "HSV", "Lab", "Diverging", "Step"):
    for log in (0, 1):
        other = CreateLookupTable(
            RGBPoints=[37.0, 0.1, 0.2, 0.6, 120.0, 0.9, 0.7, 0.3, 277.0, 0.4, 0.0, 0.1],
            ColorSpace=space,
            UseLogScale=log,
            Discretize=0,
        )
        other.UpdateVTKObjects()
        map_ = other.GetClientSideObject()
        map_.Build()
        colors = []
        for value in values:
            rgb = [0.0, 0.0, 0.0]
            map_.GetColor(value, rgb)
            colors.append(rgb)
        seen["colors"][space + " log" * log] = colors
function = opacities.GetClientSideObject()
seen["opacities"] = [function.GetValue(value) for value in values]
seen["path"] = []
for i in range(51):
    scene.AnimationTime = i / 50.0
    seen["path"].append([list(view.CameraPosition), list(view.CameraFocalPoint)])
track.KeyFrames = []
view.CameraPosition, view.CameraFocalPoint, view.CameraViewUp, view.CameraViewAngle = seen["camera"]
SaveState(sys.argv[1] + ".pvsm")
with open(sys.argv[1] + ".json", "w") as file:
    json.dump(seen, file)
