"""Run by pvpython: `run_macro.py MACRO OUT` runs the macro and writes OUT.png, and OUT.json: what then stands."""

import json
import runpy
import sys

from paraview.simple import FindSource, GetActiveSource, GetActiveView, GetRepresentation, GetSources, SaveScreenshot

runpy.run_path(sys.argv[1])
view, source = GetActiveView(), GetActiveSource()
shown = GetRepresentation(source, view)
facts = {
    "reader": source.GetXMLName(),
    "sources": sorted(name for name, _ in GetSources()),
    "found": FindSource("box of brain.h5") is not None,
    "representation": shown.Representation.GetData(),
    "array": list(shown.ColorArrayName),
    "colors": list(shown.LookupTable.RGBPoints),
    "opacities": list(shown.ScalarOpacityFunction.Points),
    "unit": float(shown.ScalarOpacityUnitDistance),
    "shade": int(shown.Shade),
    "interpolation": shown.InterpolationType.GetData(),
    "position": list(view.CameraPosition),
    "axes": int(view.OrientationAxesVisibility),
    "samples": source.GetDataInformation().GetNumberOfPoints(),
}
with open(sys.argv[2] + ".json", "w") as file:
    json.dump(facts, file)
view.ViewSize = [240, 200]
SaveScreenshot(sys.argv[2] + ".png", view, ImageResolution=[240, 200])
