"""Run by pvpython: `look_in_paraview.py OUT FILE…` opens each file and writes what it sees to OUT/<i>.json and .npy."""

import json
import os
import sys

import numpy as np
from paraview.simple import Delete, OpenDataFile
from paraview.vtk.util.numpy_support import vtk_to_numpy

from paraview import servermanager

out, files = sys.argv[1], sys.argv[2:]
for i, file in enumerate(files):
    source = OpenDataFile(file)
    source.UpdatePipeline()
    image = servermanager.Fetch(source)
    if image.IsA("vtkMultiBlockDataSet"):
        image = image.GetBlock(0)
    values = image.GetPointData().GetArray(0)
    facts = {
        "reader": source.GetXMLName(),
        "bounds": image.GetBounds(),
        "origin": image.GetOrigin(),
        "spacing": image.GetSpacing(),
        "name": values.GetName(),
    }
    with open(os.path.join(out, f"{i}.json"), "w") as stream:
        json.dump(facts, stream)
    np.save(os.path.join(out, f"{i}.npy"), vtk_to_numpy(values).reshape(image.GetDimensions()[::-1]))
    Delete(source)
