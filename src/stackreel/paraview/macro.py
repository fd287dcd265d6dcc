"""A macro for ParaView: a short script, to be read and changed, that opens a level of a volume and makes it look well.

A volume opened by hand is a grey box: ParaView draws its outline, guesses colours over all values, and takes for
opacity's length something that makes a brain a solid block. The macro does by itself what one would otherwise click
together: volume rendering, colours and opacities that suit the values, light, camera, background, a box around it.
"""

from __future__ import annotations

import math
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import h5py

from stackreel.errors import VolumeError
from stackreel.files import format_bytes
from stackreel.geometry import Placement, Vec3
from stackreel.paraview import presets
from stackreel.paraview.beside import vtkhdf_path, xdmf_path
from stackreel.paraview.exporting.literals import in_docstring, one_line
from stackreel.paraview.vtkhdf import is_readable
from stackreel.paraview.xdmf import level_grids, size_text
from stackreel.scene.light import PRESETS
from stackreel.scene.scene import Scene, edges_of
from stackreel.volume import Volume

Kind = Literal["vtkhdf", "xdmf"]

COPIES = 2
"""What drawing a volume takes, in sizes of its samples: once as read, once more where the pictures are made."""

LONGEST = 2048
"""Samples along an axis that every graphics card takes at once."""

MOST_SAMPLES = 2**31 - 1
"""That ParaView 5.11 reads at once through VTKHDF; from there on it gives no array, and XDMF does."""


@dataclass(frozen=True, slots=True)
class Door:
    """The small file through which a level is opened, and the reader that takes it."""

    path: Path
    kind: Kind


def memory_of_level(volume: Volume, level: int) -> int:
    """Bytes that drawing a level takes."""
    return COPIES * level_grids(volume)[level].nbytes


def level_for(volume: Volume, memory: int) -> int:
    """The finest level that fits the memory and every graphics card; the coarsest where none does."""
    for k, level in enumerate(volume.levels):
        if memory_of_level(volume, k) <= memory and max(level.shape) <= LONGEST:
            return k
    return len(volume.levels) - 1


def reader_for(placement: Placement) -> Kind:
    """Which of ParaView's readers serves such a grid: VTKHDF, or XDMF where that fails."""
    return "vtkhdf" if is_readable(placement) and math.prod(placement.shape) <= MOST_SAMPLES else "xdmf"


def door_of(volume: Volume, level: int) -> Door:
    """Through which file ParaView opens that level best. Raises VolumeError for one that is not there."""
    count = len(volume.levels)
    door = Door(vtkhdf_path(volume.path, level, count), "vtkhdf")
    if reader_for(volume.levels[level].placement) == "xdmf" or not _leads_somewhere(door.path):
        door = Door(xdmf_path(volume.path, level, count), "xdmf")
    if not door.path.is_file():
        raise VolumeError(
            f"{door.path}: not there, and ParaView opens the volume through it; "
            f"`stackreel xdmf {volume.path}` writes it again"
        )
    return door


def _leads_somewhere(companion: Path) -> bool:
    """Whether a VTKHDF file is there, and what it leads to as well; a volume may have been made without."""
    try:
        with h5py.File(companion, "r") as file:
            return "Type" in file["VTKHDF"].attrs
    except (OSError, KeyError, RuntimeError):
        return False


def macro_folder() -> Path:
    """Where ParaView keeps its user's macros, and looks for them when it starts."""
    if sys.platform == "win32":
        base = Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    else:
        base = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return base / "ParaView" / "Macros"


def macro_of(volume: Volume, scene: Scene, level: int) -> str:
    """The macro's text, which shows the scene's camera, colours, light and background on that level."""
    door, look, lit = door_of(volume, level), scene.transfer, scene.light.diffuse > 0.0
    low, high = (float(v) for v in volume.value_range)
    top, bottom = edges_of(scene.background)
    flat = min(volume.levels[level].shape) == 1
    shape = size_text(volume.levels[level].shape)
    title = f"{volume.path.name}, level {level}"
    return f'''\
"""Opens {in_docstring(one_line(title))} in ParaView: {shape} samples, {_size(volume, level)} to draw.

Written by `stackreel paraview open`; it needs only ParaView. In ParaView: Macros > Import new macro…, or Tools > Python
Shell > Run Script; or in a terminal: paraview --script=NAME.py. Change what you like.
"""

import os

from paraview import servermanager, simple

# which level: the small files beside the volume; the samples are in {one_line(volume.path.name)}
{_levels(volume, level)}
FILE = {str(door.path.absolute())!r}
ARRAY = {volume.name!r}

# value, red, green, blue
COLORS = [
{_rows(presets.rgb_points(look, (low, high)))}
]

# value, opacity, midpoint, sharpness
OPACITIES = [
{_rows(presets.opacity_points(look, (low, high)))}
]

# the length over which those opacities hold, in the volume's own unit: smaller is denser
OPACITY_UNIT = {look.opacity_unit:.6g}

POSITION, FOCAL_POINT = {_vector(scene.camera.position)}, {_vector(scene.camera.focal_point)}
VIEW_UP, VIEW_ANGLE = {_vector(scene.camera.view_up)}, {scene.camera.view_angle:.6g}
BACKGROUND_TOP, BACKGROUND_BOTTOM = {_vector(top)}, {_vector(bottom)}

remote = servermanager.ActiveConnection is not None and servermanager.ActiveConnection.IsRemote()
if not remote and not os.path.exists(FILE):
    raise RuntimeError(FILE + " is not there; change FILE in this script to where it is now")

simple._DisableFirstRenderCameraReset()  # the camera below stays

# what is shown
{_reader(door)}
simple.RenameSource({title!r}, volume)
view = simple.GetActiveViewOrCreate("RenderView")
shown = simple.Show(volume, view)
simple.ColorBy(shown, ("POINTS", ARRAY))
shown.SetRepresentationType("{"Surface" if flat else "Volume"}")

# its colours and opacities; ParaView would change them with every array it meets
colors = simple.GetColorTransferFunction(ARRAY)
colors.AutomaticRescaleRangeMode = "Never"
colors.ColorSpace = "RGB"
colors.NumberOfTableValues = 1024
colors.RGBPoints = COLORS
opacities = simple.GetOpacityTransferFunction(ARRAY)
opacities.Points = OPACITIES
shown.LookupTable = colors
shown.ScalarOpacityFunction = opacities
shown.ScalarOpacityUnitDistance = OPACITY_UNIT
shown.SetScalarBarVisibility(view, False)
{_light(scene, lit)}{_nearest(volume)}
# the box around it
box = simple.Outline(Input=volume)
simple.RenameSource({f"box of {volume.path.name}"!r}, box)
edges = simple.Show(box, view)
edges.AmbientColor = edges.DiffuseColor = [0.55, 0.55, 0.55]
simple.SetActiveSource(volume)

# where one looks from, and against what
if hasattr(view, "UseColorPaletteForBackground"):  # ParaView 5.10 and later
    view.UseColorPaletteForBackground = 0
    view.BackgroundColorMode = "Single Color" if BACKGROUND_TOP == BACKGROUND_BOTTOM else "Gradient"
view.Background, view.Background2 = BACKGROUND_BOTTOM, BACKGROUND_TOP
view.OrientationAxesVisibility = 1
view.CameraPosition, view.CameraFocalPoint = POSITION, FOCAL_POINT
view.CameraViewUp, view.CameraViewAngle = VIEW_UP, VIEW_ANGLE
view.CameraParallelProjection = 0
view.CenterOfRotation = FOCAL_POINT
simple.Render(view)
'''


def _reader(door: Door) -> str:
    if door.kind == "vtkhdf":
        return "volume = simple.VTKHDFReader(FileName=FILE)"
    return "volume = simple.XDMFReader(FileNames=[FILE])"


def _light(scene: Scene, lit: bool) -> str:
    if not lit:
        return "shown.Shade = 0  # no light: values keep their colours\n"
    light = PRESETS["headlight"]
    return (
        f"shown.Shade = 1  # a light at the camera; ParaView's volumes know no other\n"
        f"shown.Ambient, shown.Diffuse = {light.ambient:g}, {light.diffuse:g}\n"
        f"shown.Specular, shown.SpecularPower = {light.specular:g}, {light.specular_power / 4.0:g}\n"
    )


def _nearest(volume: Volume) -> str:
    if volume.kind == "intensity":
        return ""
    what = "a region's number" if volume.kind == "label" else "an angle"
    return f'shown.InterpolationType = "Nearest"  # between {what} and the next there is nothing\n'


def _levels(volume: Volume, level: int) -> str:
    """Every level's file and what drawing it takes, as comments."""
    count = len(volume.levels)
    rows = [
        (one_line(vtkhdf_path(volume.path, k, count).name), size_text(one.shape), _size(volume, k))
        for k, one in enumerate(volume.levels)
    ]
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [
        f"#   {name:{widths[0]}}   {shape:{widths[1]}}   {size:>{widths[2]}}{'   <- this one' if k == level else ''}"
        for k, (name, shape, size) in enumerate(rows)
    ]
    return "\n".join(lines)


def _size(volume: Volume, level: int) -> str:
    return format_bytes(memory_of_level(volume, level))


def _rows(values: list[float]) -> str:
    rows = (", ".join(f"{v:.6g}" for v in values[i : i + 4]) for i in range(0, len(values), 4))
    return "\n".join(f"    {row}," for row in rows)


def _vector(values: Vec3) -> str:
    return "[" + ", ".join(f"{v + 0.0:.6g}" for v in values) + "]"
