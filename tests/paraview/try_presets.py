"""Run by pvpython: `try_presets.py OUT.json FILE NAME …` imports presets, applies each, and tells what came of it."""

import json
import sys

import paraview.simple as simple


def color_at(table, value):
    rgb = [0.0, 0.0, 0.0]
    table.GetColor(value, rgb)
    return rgb


told = []
for file, name in zip(sys.argv[2::2], sys.argv[3::2]):  # noqa: B905
    imported = simple.ImportPresets(file)
    colors = simple.GetColorTransferFunction("of " + name)
    opacities = simple.GetOpacityTransferFunction("of " + name)
    applied = colors.ApplyPreset(name, False)
    colors.Discretize = 0
    with open(file) as text:
        with_opacities = '"Points"' in text.read() and opacities.ApplyPreset(name, False)
    points = list(colors.RGBPoints)
    low, high = points[0], points[-4]
    at = [low + (high - low) * k / 16 for k in range(17)]
    table, curve = colors.GetClientSideObject(), opacities.GetClientSideObject()
    told.append(
        {
            "imported": bool(imported),
            "applied": bool(applied),
            "colors": points,
            "space": colors.ColorSpace.GetData(),
            "opacities": list(opacities.Points) if with_opacities else None,
            "at": at,
            "rgb": [color_at(table, v) for v in at],
            "alpha": [curve.GetValue(v) for v in at],
        }
    )
with open(sys.argv[1], "w") as out:
    json.dump(told, out)
