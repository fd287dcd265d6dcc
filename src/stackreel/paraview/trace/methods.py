"""Methods of views, representations, transfer functions and cameras that say something about the picture."""

from __future__ import annotations

from typing import Any

from stackreel.paraview.trace import camera
from stackreel.paraview.trace.arguments import Arguments, set_all
from stackreel.paraview.trace.coloring import colored_by
from stackreel.paraview.trace.known import ADJUST, CAMERA, MOVES, SILENT_METHODS
from stackreel.paraview.trace.made import TABLES, Made
from stackreel.paraview.trace.values import (
    CameraOf,
    Draft,
    PropertyOf,
    Thing,
    Unknown,
    number,
    settled,
)


def call_method(made: Made, owner: Thing, name: str, given: Arguments) -> Any:
    """What a method of a proxy gives, or changes."""
    draft = owner.draft
    if given.incomplete:
        made.tell(given.line, "it is given arguments that are not known here (*…, **…)")
    if name == "GetProperty":
        asked = given.text(0, "name")
        return PropertyOf(Thing(draft, owner.inside(asked))) if asked else Unknown("a property that is not known here")
    if name == "GetActiveCamera":
        return CameraOf(draft)
    if name in SILENT_METHODS:
        return Unknown(f"it depends on {name}(), which is not run", quiet=True)
    if name in ("Set", "SetProperties"):
        set_all(made, owner, given)
        return None
    if not made.sure(draft):
        made.tell(given.line, f"it depends on {made.conditions[-1]}")
        return None
    if name == "SetPropertyWithName" and given.text(0):
        made.set(owner, given.text(0), given.take(1), given.line)
    elif name == "GetPropertyValue" and given.text(0):
        return Thing(draft, owner.inside(given.text(0)))
    elif (draft.group in TABLES and _of_a_table(made, draft, name, given)) or (
        draft.group == "views" and _of_a_view(made, draft, name, given)
    ):
        pass
    elif name == "SetRepresentationType":
        made.set(owner, "Representation", given.take(0), given.line)
    elif name == "SetScalarColoring":
        association = {0: "POINTS", 1: "CELLS"}.get(settled(given.take(1)), "POINTS")
        array = settled(given.take(0))
        colored_by(made, draft, [association, array] if array is not None else None, False, given.line)
    elif name in ("RescaleTransferFunctionToDataRange", "RescaleTransferFunctionToDataRangeOverTime"):
        made.put(draft, "RescaleToData", tuple(number(each) or 0.0 for each in given.values), given.line)
    elif name in ("append", "extend"):
        _lengthened(made, owner, name, given)
    elif name.startswith("Get"):
        return Unknown(f"it depends on {name}(), which is not run")
    else:
        made.tell(given.line, f"{name}() is not known to this reader")
    return None


def call_camera(made: Made, owner: CameraOf, name: str, given: Arguments) -> Any:
    """A method of vtkCamera."""
    view = owner.draft
    if name.startswith("Get"):
        path = CAMERA.get("S" + name[1:], "")
        if path == camera.SCALE or path == camera.ANGLE:
            return Thing(view, path) if path in view.settings else (30.0 if path == camera.ANGLE else Unknown(_DATA))
        found = camera.place(view, path) if path in (camera.POSITION, camera.FOCAL_POINT, camera.VIEW_UP) else None
        return list(found) if found else Unknown(_DATA)
    if name in SILENT_METHODS:
        return None
    if not made.sure(view):
        made.tell(given.line, f"it depends on {made.conditions[-1]}")
        return None
    if name in ("ParallelProjectionOn", "ParallelProjectionOff"):
        made.set(Thing(view), camera.PARALLEL, float(name.endswith("On")), given.line)
    elif name in CAMERA:
        value = given.values[0] if len(given.values) == 1 else list(given.values)
        made.set(Thing(view), CAMERA[name], value, given.line)
    elif name == "OrthogonalizeViewUp":
        camera.upright(view, given.line)
    elif name in MOVES:
        _moved(made, view, name, given)
    else:
        made.tell(given.line, f"{name}() of the camera is not known to this reader")
    return None


_DATA = "where the camera is depends on the data"


def _moved(made: Made, view: Draft, how: str, given: Arguments) -> None:
    amount = settled(given.take(0))
    if isinstance(amount, Unknown) or number(amount) is None:
        made.tell(given.line, amount.reason if isinstance(amount, Unknown) else "it is not a number")
        return
    if len(made.loops) > len(view.loops):
        made.tell(given.line, f"the camera is moved in {made.loops[-1]}")
        return
    reason = camera.move(view, how, float(amount), given.line)
    if reason:
        made.tell(given.line, reason)
    else:
        made.camera_moved(view, given.line)


def _of_a_view(made: Made, view: Draft, name: str, given: Arguments) -> bool:
    if name in ("ResetCamera", "ZoomToData", "ZoomTo"):
        camera.fit(view, given.line)
    elif name in camera.DIRECTIONS:
        camera.look_along(view, name, given.line)
    elif name in ADJUST:
        _moved(made, view, ADJUST[name], given)
        return True
    elif name in ("StillRender", "InteractiveRender", "Update"):
        made.shot(view, given.line)
        return True
    elif name in ("WriteImage",):
        made.shot(view, given.line, given.text(0))
        return True
    else:
        return False
    made.camera_moved(view, given.line)
    return True


def _of_a_table(made: Made, table: Draft, name: str, given: Arguments) -> bool:
    line = given.line
    if name == "ApplyPreset":
        preset, rescale = settled(given.take(0, "presetname")), settled(given.take(1, "rescale"))
        if isinstance(preset, str) and not isinstance(rescale, Unknown):
            made.preset(table, preset, rescale is None or bool(rescale), line)
        else:
            made.tell(line, preset.reason if isinstance(preset, Unknown) else "the preset's name is not known here")
    elif name == "RescaleTransferFunction":
        first = settled(given.take(0))
        bounds = first if isinstance(first, list) else [first, settled(given.take(1))]
        extend = settled(given.take(1 if isinstance(first, list) else 2, "extend"))
        low, high = (number(each) for each in (*bounds, None, None)[:2])
        if low is None or high is None:
            unknown = next((each.reason for each in bounds if isinstance(each, Unknown)), "the range is not known here")
            made.tell(line, unknown)
            return True
        before = made.range_of(table)
        if extend and not isinstance(extend, Unknown):
            if before is None:
                made.tell(line, "it widens a range that is not known here")
                return True
            low, high = min(low, before[0]), max(high, before[1])
        table.drop("RescaleToData")
        table.put("RescaleTransferFunction", (low, high), line)
    elif name in ("RescaleTransferFunctionToDataRange", "RescaleToData"):
        table.put("RescaleToData", tuple(number(each) or 0.0 for each in given.values), line)
    elif name == "InvertTransferFunction":
        if table.get("InvertTransferFunction"):
            table.drop("InvertTransferFunction")
        else:
            table.put("InvertTransferFunction", 1.0, line)
    else:
        return False
    return True


def _lengthened(made: Made, owner: Thing, name: str, given: Arguments) -> None:
    """track.KeyFrames.append(key)"""
    before, _, last = owner.path.rpartition(".")
    if not last or last == "Cues":
        return
    if len(made.loops) > len(owner.draft.loops):
        made.tell(given.line, f"a list grows in {made.loops[-1]}")
        return
    found = owner.draft.get(owner.path)
    old = list(found) if isinstance(found, tuple) else []
    value = given.take(0)
    new = [value] if name == "append" else value if isinstance(value, list) else [Unknown("it is not a list")]
    made.set(Thing(owner.draft, before), last, old + new, given.line)
