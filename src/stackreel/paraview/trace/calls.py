"""ParaView's functions: what each of them makes, or changes.

Nothing is called. A name is looked up, and what ParaView would have made by it is written down. What the functions do
stands in modules by what they are about (views, sources, showing, coloring, animation, pictures); here is which name
means which of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from stackreel.paraview.trace import animation, coloring, pictures, showing, sources, views
from stackreel.paraview.trace.arguments import Arguments, set_all
from stackreel.paraview.trace.known import LAYOUTS, MADE, SHOTS, TYPES, VIEWS
from stackreel.paraview.trace.known import SILENT as NAMES_OF_NO_ACCOUNT
from stackreel.paraview.trace.made import Made
from stackreel.paraview.trace.values import LAYOUT, Thing, Unknown


def call(made: Made, name: str, given: Arguments) -> Any:
    """What a function of ParaView's gives."""
    if name in NAMES_OF_NO_ACCOUNT:
        return Unknown(f"{name}() is not run", quiet=True)
    if name in LAYOUTS:
        return LAYOUT
    if given.incomplete:
        made.tell(given.line, "it is given arguments that are not known here (*…, **…)")
    handler = _HANDLERS.get(name)
    if handler:
        return handler(made, name, given)
    if name in SHOTS:
        return pictures.shot(made, name, given)
    if name in VIEWS:
        return views.create(made, VIEWS[name], given)
    if name in MADE:
        return _make(made, name, given)
    if name[:1].isupper() and not name.startswith(("Get", "Set", "Load", "Save", "Update", "Create", "Is", "Has")):
        return sources.pipeline(made, name, given)
    made.tell(given.line, f"{name} is not known to this reader")
    return Unknown(f"it depends on {name}(…), which is not run")


def _make(made: Made, name: str, given: Arguments) -> Any:
    """What needs nothing but its name: key frames, lights, empty tables."""
    if MADE[name] == "animation_keyframes" and made.loops:
        reason = f"key frames are made in {made.loops[-1]}"
        made.tell(given.line, reason)
        return Unknown(reason)
    if name == "AnimationScene":
        return animation.scene(made, name, given)
    type_ = TYPES.get(name, name)
    if type_ == "PythonAnimationCue":
        made.tell(given.line, "a Python animation cue runs a script of its own at every frame")
    if name == "AddLight":
        given.take(0, "view")
    thing = Thing(made.make(given.key, MADE[name], type_, given.line))
    set_all(made, thing, given)
    return thing


def _load_state(made: Made, name: str, given: Arguments) -> Any:
    file = given.text(0, "filename", "statefile")
    made.tell(given.line, "it loads another state" + (f", {file}; read that file as well" if file else ""))
    return None


def _nothing_known(made: Made, name: str, given: Arguments) -> Any:
    return Unknown(f"it depends on {name}(…), which is not run")


_HANDLERS: dict[str, Callable[[Made, str, Arguments], Any]] = {
    "AssignFieldToColorPreset": coloring.preset_to_array,
    "ColorBy": coloring.color_by,
    "CreateLookupTable": coloring.new_table,
    "CreatePiecewiseFunction": coloring.new_table,
    "CreateView": views.by_type,
    "Delete": sources.delete,
    "FindSource": sources.find,
    "FindView": views.find,
    "FindViewOrCreate": views.find,
    "GenerateRGBPoints": coloring.generated,
    "GetActiveCamera": views.active_camera,
    "GetActiveSource": sources.active,
    "GetActiveView": views.active,
    "GetActiveViewOrCreate": views.by_type,
    "GetAnimationScene": animation.scene,
    "GetAnimationTrack": animation.track,
    "GetCameraTrack": animation.camera_track,
    "GetColorTransferFunction": coloring.table,
    "GetDisplayProperties": showing.show,
    "GetDisplayProperty": _nothing_known,
    "GetLight": views.light,
    "GetLookupTableForArray": coloring.table,
    "GetOpacityTransferFunction": coloring.table,
    "GetRenderView": views.active,
    "GetRenderViews": views.every,
    "GetRepresentation": showing.show,
    "GetRepresentationAnimationHelper": showing.helper,
    "GetScalarBar": coloring.scalar_bar,
    "GetSources": _nothing_known,
    "GetTimeTrack": animation.time_track,
    "GetTransferFunction2D": coloring.table,
    "GetViews": views.every,
    "Hide": showing.hide,
    "HideAll": showing.show_all,
    "LoadPalette": views.palette,
    "LoadState": _load_state,
    "OpenDataFile": sources.open_file,
    "OutputPort": sources.port,
    "Render": pictures.render,
    "RenderAllViews": pictures.render,
    "ResetCamera": views.reset_camera,
    "ResetCameraToDirection": views.reset_camera,
    "SetActiveSource": sources.set_active,
    "SetActiveView": views.set_active,
    "SetDisplayProperties": showing.set_properties,
    "SetProperties": showing.set_properties,
    "SetViewProperties": showing.set_properties,
    "Show": showing.show,
    "ShowAll": showing.show_all,
}

UNDERSTOOD = frozenset((*_HANDLERS, *SHOTS, *VIEWS, *MADE, *LAYOUTS, *NAMES_OF_NO_ACCOUNT))
"""All functions that mean something here; any other name with a capital is a source or a filter."""
