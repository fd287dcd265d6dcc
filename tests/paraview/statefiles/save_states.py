"""Run by pvpython: `save_states.py OUT` makes a session, saves it as OUT/session.pvsm, and what it holds as JSON.

values.json is {"number of the proxy": {"type": …, "values": {property in Python: its value}}}; another proxy in it is
{"proxy": number}. More files: names.json, a camera.pvcc, and preset.json as ParaView exports its own colour maps.
"""

import json
import os
import sys

from paraview.simple import (
    CameraKeyFrame,
    Clip,
    ColorBy,
    CompositeKeyFrame,
    CreateLayout,
    CreateView,
    ExtractSubset,
    GetAnimationScene,
    GetAnimationTrack,
    GetCameraTrack,
    GetColorTransferFunction,
    GetOpacityTransferFunction,
    Render,
    SaveState,
    Show,
    Slice,
    Wavelet,
)

from paraview import servermanager

out = sys.argv[1]
view = CreateView("RenderView")
view.ViewSize = [200, 150]
second = CreateView("RenderView")
layout = CreateLayout("Both")
layout.AssignView(layout.SplitHorizontal(0, 0.5), view)
layout.AssignView(2, second)

source = Wavelet(registrationName="5.PLI wavelet", WholeExtent=[-4, 4, -4, 4, -4, 4])
shown = Show(source, view, "UniformGridRepresentation")
shown.SetRepresentationType("Volume")
ColorBy(shown, ("POINTS", "RTData"))
shown.ScalarOpacityUnitDistance = 0.125

colors = GetColorTransferFunction("RTData")
colors.RGBPoints = [40.0, 0.0, 0.0, 0.5, 150.0, 0.25, 0.75, 0.25, 270.0, 1.0, 1.0, 0.875]
colors.ColorSpace = "HSV"
colors.NanColor = [0.5, 0.0, 0.25]
GetOpacityTransferFunction("RTData").Points = [40.0, 0.0, 0.5, 0.0, 150.0, 0.25, 0.625, 0.0, 270.0, 1.0, 0.5, 0.0]

part = ExtractSubset(registrationName="Corner", Input=source)
part.VOI = [-4, 2, -4, 3, -4, 4]
cut = Clip(registrationName="Open", Input=part, ClipType="Plane")
cut.ClipType.Origin, cut.ClipType.Normal, cut.Invert = [0.5, 0.25, 0.0], [0.0, 0.0, 1.0], 0
Show(cut, second)
section = Slice(registrationName="Section", Input=source, SliceType="Plane")
section.SliceType.Normal = [0.0, 1.0, 0.0]
Show(section, second)

view.CameraPosition, view.CameraFocalPoint = [30.0, -20.0, 10.5], [0.0, 0.5, 0.25]
view.CameraViewUp, view.CameraViewAngle = [0.0, 0.0, 1.0], 25.0
view.Background, view.UseColorPaletteForBackground = [0.125, 0.25, 0.5], 0
second.CameraParallelProjection, second.CameraParallelScale = 1, 7.5
Render(view)

times = GetAnimationScene()
times.NumberOfFrames, times.PlayMode = 48, "Sequence"
around = GetCameraTrack(view=view)
around.Mode = "Path-based"
first, last = CameraKeyFrame(KeyTime=0.0), CameraKeyFrame(KeyTime=1.0)
first.PositionPathPoints = [30.0, 0.0, 0.0, 0.0, 30.0, 0.0, -30.0, 0.0, 0.0, 0.0, -30.0, 0.0]
first.ClosedPositionPath, first.FocalPathPoints, first.ViewUp = 1, [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]
around.KeyFrames = [first, last]
glide = GetCameraTrack(view=second)
glide.KeyFrames = [
    CameraKeyFrame(KeyTime=0.0, Position=[0.0, 0.0, 50.0], FocalPoint=[0.0, 0.0, 0.0], ViewUp=[0.0, 1.0, 0.0]),
    CameraKeyFrame(KeyTime=0.5, Position=[50.0, 0.0, 0.0], FocalPoint=[1.0, 0.0, 0.0], ViewUp=[0.0, 1.0, 0.0]),
]
moved = GetAnimationTrack("Origin", index=2, proxy=cut.ClipType)
moved.KeyFrames = [
    CompositeKeyFrame(KeyTime=0.0, KeyValues=[-4.0], Interpolation="Exponential"),
    CompositeKeyFrame(KeyTime=1.0, KeyValues=[4.0]),
]
opening = GetAnimationTrack("SliceOffsetValues", index=0, proxy=section)
opening.KeyFrames = [CompositeKeyFrame(KeyTime=0.0, KeyValues=[-3.0]), CompositeKeyFrame(KeyTime=1.0, KeyValues=[3.0])]

for k, key in enumerate([first, last, *glide.KeyFrames, *moved.KeyFrames, *opening.KeyFrames]):  # as the GUI does
    servermanager.ProxyManager().RegisterProxy("animation", f"KeyFrame{k}", key)

SaveState(os.path.join(out, "session.pvsm"))


def plain(value):
    proxy = getattr(value, "SMProxy", None)
    if proxy is not None and not isinstance(value, str):
        return {"proxy": proxy.GetGlobalIDAsString()}
    if type(value).__name__.endswith("Property"):
        return plain(value.GetData())
    if hasattr(value, "__len__") and not isinstance(value, str):
        return [plain(one) for one in value]
    return value


values, names = {}, {}
seen = [source, part, cut, cut.ClipType, section, section.SliceType, view, second, shown, colors, times, around, glide]
seen += [GetOpacityTransferFunction("RTData"), moved, opening, first, last, *glide.KeyFrames, *moved.KeyFrames]
for proxy in seen:
    held = {}
    for name in proxy.ListProperties():
        try:
            held[name] = plain(getattr(proxy, name))
        except Exception:  # properties that only cause something
            continue
    values[proxy.GetGlobalIDAsString()] = {"type": proxy.GetXMLName(), "values": held}
for name, proxy in [("view", view), ("second", second), ("shown", shown), ("cut", cut), ("section", section)]:
    names[name] = proxy.GetGlobalIDAsString()
for name, proxy in [("around", around), ("glide", glide), ("moved", moved), ("opening", opening), ("source", source)]:
    names[name] = proxy.GetGlobalIDAsString()
for name, held in (("values", values), ("names", names)):
    with open(os.path.join(out, name + ".json"), "w") as file:
        json.dump(held, file)

writer = servermanager.vtkSMCameraConfigurationWriter()
writer.SetRenderViewProxy(view.SMProxy)
writer.SetFileName(os.path.join(out, "camera.pvcc"))
writer.WriteConfiguration()

presets = servermanager.vtkSMTransferFunctionPresets.GetInstance()
every = [json.loads(presets.GetPresetAsString(k)) for k in range(presets.GetNumberOfPresets())]
with open(os.path.join(out, "presets.json"), "w") as file:
    json.dump(every, file)
