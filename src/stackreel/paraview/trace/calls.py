"""ParaView's functions: what each of them makes, or changes.

Nothing is called. A name is looked up, and what ParaView would have made by it is written down.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from stackreel.paraview.proxies import Ref
from stackreel.paraview.trace import camera
from stackreel.paraview.trace.known import FILTERS, LAYOUTS, MADE, SHOTS, TYPES, VIEWS
from stackreel.paraview.trace.known import SILENT as NAMES_OF_NO_ACCOUNT
from stackreel.paraview.trace.made import Made
from stackreel.paraview.trace.values import (
    LAYOUT,
    CameraOf,
    Draft,
    Generated,
    PropertyOf,
    Thing,
    Unknown,
    number,
    settled,
    vector,
)


@dataclass(slots=True)
class Arguments:
    """What a call is given. key : the variable that its result goes to; "" for none"""

    values: list[Any]
    named: dict[str, Any]
    lines: dict[str, int]
    line: int
    key: str = ""
    incomplete: bool = False
    taken: set[str] = field(default_factory=set)

    def take(self, index: int, *names: str) -> Any:
        """An argument by its place or one of its names; None where it was not given."""
        self.taken.update(names)
        if 0 <= index < len(self.values):
            return self.values[index]
        return next((self.named[name] for name in names if name in self.named), None)

    def draft(self, index: int, *names: str) -> Draft | None:
        found = self.take(index, *names)
        return found.draft if isinstance(found, Thing) and not found.path else None

    def text(self, index: int, *names: str) -> str:
        found = settled(self.take(index, *names))
        return found if isinstance(found, str) else ""

    def rest(self) -> dict[str, Any]:
        """What is given by names that nothing has taken."""
        return {name: value for name, value in self.named.items() if name not in self.taken}


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
        return _shot(made, name, given)
    if name in VIEWS:
        return _create_view(made, VIEWS[name], given)
    if name in MADE:
        return _make(made, name, given)
    if name[:1].isupper() and not name.startswith(("Get", "Set", "Load", "Save", "Update", "Create", "Is", "Has")):
        return _pipeline(made, name, given)
    made.tell(given.line, f"{name} is not known to this reader")
    return Unknown(f"it depends on {name}(…), which is not run")


def set_all(made: Made, thing: Thing, given: Arguments) -> None:
    """thing.A = …, thing.B = … of all names that are left."""
    for name, value in given.rest().items():
        made.set(thing, name, value, given.lines.get(name, given.line))


def _create_view(made: Made, type_: str, given: Arguments) -> Thing:
    name = given.text(-1, "registrationName", "guiName")
    given.take(0, "detachedFromLayout")
    view = Thing(made.make_view(type_, given.key, given.line, name))
    set_all(made, view, given)
    return view


def _view_by_type(made: Made, name: str, given: Arguments) -> Any:
    type_ = given.text(0, "view_xml_name", "viewtype")
    if not type_:
        made.tell(given.line, "the kind of view is not known here; it is taken for a render view")
        type_ = "RenderView"
    if name == "CreateView":
        return _create_view(made, type_, Arguments(given.values[1:], given.rest(), given.lines, given.line, given.key))
    return Thing(made.the_view(given.key, given.line, type_))


def _active_view(made: Made, name: str, given: Arguments) -> Any:
    return Thing(made.view if made.view else made.the_view(given.key, given.line))


def _views(made: Made, name: str, given: Arguments) -> Any:
    return [Thing(draft) for draft in made.every() if draft.group == "views"]


def _find_view(made: Made, name: str, given: Arguments) -> Any:
    wanted, type_ = given.text(0, "name"), given.text(1, "viewtype") or "RenderView"
    for draft in made.every():
        if draft.group == "views" and wanted and wanted in (draft.name, draft.key):
            made.view = draft
            return Thing(draft)
    return Thing(made.make_view(type_, given.key, given.line, wanted))


def _set_active_view(made: Made, name: str, given: Arguments) -> Any:
    made.view = given.draft(0, "view") or made.view
    return None


def _set_active_source(made: Made, name: str, given: Arguments) -> Any:
    made.source = given.draft(0, "source") or made.source
    return None


def _active_source(made: Made, name: str, given: Arguments) -> Any:
    if made.source is None:
        made.source = made.make(given.key, "sources", "", given.line)
    return Thing(made.source)


def _find_source(made: Made, name: str, given: Arguments) -> Any:
    wanted = given.text(0, "name")
    for draft in made.every():
        if draft.group in ("sources", "filters") and wanted and wanted in (draft.name, draft.key):
            return Thing(draft)
    return Thing(made.same(("source", wanted), given.key, "sources", "", given.line, wanted))


def _open(made: Made, name: str, given: Arguments) -> Any:
    files = given.take(0, "filename")
    called = given.text(-1, "registrationName", "guiName")
    thing = Thing(made.make(given.key, "sources", "OpenDataFile", given.line, called))
    made.source = thing.draft
    made.set(thing, "FileNames", files, given.line)
    set_all(made, thing, given)
    return thing


def _pipeline(made: Made, name: str, given: Arguments) -> Any:
    """A reader, a source or a filter, by whatever name."""
    source = given.take(0, "Input")
    inputs = source if isinstance(source, list) else [source]
    called = given.text(-1, "registrationName", "guiName")
    is_filter = name in FILTERS or any(isinstance(each, Thing) for each in inputs)
    if is_filter and source is None and made.source:
        source = Thing(made.source)
    thing = Thing(made.make(given.key, "filters" if is_filter else "sources", name, given.line, called))
    made.source = thing.draft
    if is_filter and source is not None:
        made.set(thing, "Input", source, given.line)
    elif source is not None:
        made.set(thing, "FileNames", source, given.line)
    set_all(made, thing, given)
    return thing


def _make(made: Made, name: str, given: Arguments) -> Any:
    if MADE[name] == "animation_keyframes" and made.loops:
        reason = f"key frames are made in {made.loops[-1]}"
        made.tell(given.line, reason)
        return Unknown(reason)
    if name == "AnimationScene":
        return _scene(made, name, given)
    type_ = TYPES.get(name, name)
    if type_ == "PythonAnimationCue":
        made.tell(given.line, "a Python animation cue runs a script of its own at every frame")
    if name == "AddLight":
        given.take(0, "view")
    thing = Thing(made.make(given.key, MADE[name], type_, given.line))
    set_all(made, thing, given)
    return thing


def _show(made: Made, name: str, given: Arguments) -> Any:
    source, view = given.draft(0, "proxy"), given.draft(1, "view")
    asked = settled(given.take(0, "proxy"))
    if source is None and isinstance(asked, Unknown):
        made.tell(given.line, asked.reason)
        return Unknown("what is shown is not known here")
    source = source or made.source
    if source is None:
        made.tell(given.line, "what is shown is not known here")
        return Unknown("what is shown is not known here")
    type_ = given.text(2, "representationType") if name == "Show" else ""
    view = view or made.view or made.the_view("", given.line)
    draft = made.representation(source, view, type_, given.key, given.line)
    if name == "Show":
        _visible(made, draft, 1.0, given.line)
        set_all(made, Thing(draft), given)
    return Thing(draft)


def _visible(made: Made, draft: Draft, value: float, line: int) -> None:
    if draft.get("Visibility") != value:
        made.set(Thing(draft), "Visibility", value, line)


def _hide(made: Made, name: str, given: Arguments) -> Any:
    source = given.draft(0, "proxy") or made.source
    view = given.draft(1, "view") or made.view
    found = made.by_identity.get(("representation", source.key if source else "", view.key if view else ""))
    if found:
        _visible(made, found, 0.0, given.line)
    return None


def _show_all(made: Made, name: str, given: Arguments) -> Any:
    view = given.draft(0, "view") or made.view
    for draft in made.every():
        if view and draft.get("View") == Ref(view.key) and "Input" in draft.settings:
            _visible(made, draft, float(name == "ShowAll"), given.line)
    return None


def _table(made: Made, name: str, given: Arguments) -> Any:
    array = settled(given.take(0, "arrayname", "name"))
    groups = {"GetOpacityTransferFunction": "piecewise_functions", "GetTransferFunction2D": "transfer_2d_functions"}
    group = groups.get(name, "lookup_tables")
    if name == "GetTransferFunction2D":
        given.take(1, "array2name")
        owner, apart = given.draft(2, "representation"), settled(given.take(3, "separate"))
    else:
        owner, apart = given.draft(1, "representation"), settled(given.take(2, "separate"))
    if name == "GetLookupTableForArray":
        given.take(1, "num_components")
        owner, apart = None, False
    if not isinstance(array, str):
        made.tell(given.line, array.reason if isinstance(array, Unknown) else "the array's name is not known here")
        return Thing(
            made.make(
                given.key, group, "PVLookupTable" if group == "lookup_tables" else "PiecewiseFunction", given.line
            )
        )
    thing = Thing(made.table(group, array, given.line, given.key, owner if apart is True or apart == 1 else None))
    set_all(made, thing, given)
    return thing


def _new_table(made: Made, name: str, given: Arguments) -> Any:
    group, type_ = {
        "CreateLookupTable": ("lookup_tables", "PVLookupTable"),
        "CreatePiecewiseFunction": ("piecewise_functions", "PiecewiseFunction"),
    }[name]
    thing = Thing(made.make(given.key, group, type_, given.line))
    set_all(made, thing, given)
    return thing


def _generate(made: Made, name: str, given: Arguments) -> Any:
    preset = settled(given.take(0, "preset_name"))
    low, high = settled(given.take(1, "range_min")), settled(given.take(2, "range_max"))
    for each in (preset, low, high):
        if isinstance(each, Unknown):
            return each
    if not (preset is None or isinstance(preset, str)):
        return Unknown("the preset's name is not a text")
    return Generated(preset, number(low), number(high))


def _color_by(made: Made, name: str, given: Arguments) -> Any:
    thing = given.take(0, "rep")
    value = settled(given.take(1, "value"))
    draft = thing.draft if isinstance(thing, Thing) else None
    if draft is None and thing is None and made.source and made.view:
        draft = made.by_identity.get(("representation", made.source.key, made.view.key))
    return color_by(made, draft, value, settled(given.take(2, "separate")), given.line)


def color_by(made: Made, draft: Draft | None, value: Any, separate: Any, line: int) -> None:
    """A representation takes its colours from an array. value : a name, (association, name, component) or None"""
    parts = value if isinstance(value, list) else [value]
    if (
        draft is None
        or any(isinstance(each, Unknown) for each in parts)
        or not all(each is None or isinstance(each, str | int) for each in parts)
    ):
        reason = next(
            (each.reason for each in parts if isinstance(each, Unknown)), "what is coloured is not known here"
        )
        made.tell(line, reason)
        return
    if not made.sure(draft):
        made.tell(line, f"it depends on {made.conditions[-1]}")
        return
    array: tuple[Any, ...]
    if value is None:
        array = (None, "")
    elif len(parts) == 1:
        array = ("POINTS", str(parts[0]))
    else:
        array = (str(parts[0]), str(parts[1] or ""), *(str(each) for each in parts[2:3]))
    if separate:
        draft.put("UseSeparateColorMap", 1.0, line)
    made.color_by(draft, array, line)


def _preset_to_array(made: Made, name: str, given: Arguments) -> Any:
    array, preset = given.text(0, "array_name"), given.text(1, "preset_name")
    spanned = settled(given.take(2, "range_override"))
    if not array or not preset:
        made.tell(given.line, "the array or the preset is not known here")
        return None
    draft = made.table("lookup_tables", array, given.line)
    made.preset(draft, preset, True, given.line)
    if isinstance(spanned, list):
        made.set(Thing(draft), "RescaleTransferFunction", spanned, given.line)
    return None


def _set_properties(made: Made, name: str, given: Arguments) -> Any:
    if name == "SetProperties":
        target = given.take(0, "proxy")
        if target is None and made.source:
            target = Thing(made.source)
    elif name == "SetViewProperties":
        target = given.take(0, "view") or (Thing(made.view) if made.view else None)
    else:
        target = _show(made, name, given)
    if isinstance(target, Thing):
        set_all(made, target, given)
    else:
        made.tell(given.line, "what is set is not known here")
    return None


def _scene(made: Made, name: str, given: Arguments) -> Any:
    return Thing(made.same(("scene",), given.key, "animation", "AnimationScene", given.line))


def _time_track(made: Made, name: str, given: Arguments) -> Any:
    return Thing(made.same(("time",), given.key, "animation", "TimeAnimationCue", given.line))


def _camera_track(made: Made, name: str, given: Arguments) -> Any:
    view = given.draft(0, "view") or made.view or made.the_view("", given.line)
    draft = made.same(("camera track", view.key), given.key, "animation", "CameraAnimationCue", given.line)
    draft.put("AnimatedProxy", Ref(view.key), given.line)
    return Thing(draft)


def _track(made: Made, name: str, given: Arguments) -> Any:
    what, index, target = given.take(0, "propertyname_or_property"), given.take(1, "index"), given.take(2, "proxy")
    if isinstance(what, PropertyOf):
        before, _, what = what.thing.path.rpartition(".")
        target = Thing(
            given.values[0].thing.draft if given.values else given.named["propertyname_or_property"].thing.draft, before
        )
    elif target is None and made.source:
        target = Thing(made.source)
    what, at = settled(what), number(index)
    if not isinstance(target, Thing) or not isinstance(what, str):
        made.tell(given.line, "what is animated is not known here")
        return Unknown("what is animated is not known here")
    path = target.inside(what)
    identity = ("track", target.draft.key, path, "" if at is None else str(at))
    draft = made.same(identity, given.key, "animation", "KeyFrameAnimationCue", given.line)
    draft.put("AnimatedProxy", Ref(target.draft.key), given.line)
    draft.put("AnimatedPropertyName", path, given.line)
    if at is not None:
        draft.put("AnimatedElement", at, given.line)
    return Thing(draft)


def _helper(made: Made, name: str, given: Arguments) -> Any:
    return given.take(0, "sourceproxy", "proxy") or LAYOUT


def _scalar_bar(made: Made, name: str, given: Arguments) -> Any:
    table, view = given.draft(0, "ctf"), given.draft(1, "view") or made.view
    key = ("bar", table.key if table else "", view.key if view else "")
    draft = made.same(key, given.key, "representations", "ScalarBarWidgetRepresentation", given.line)
    if table:
        draft.put("LookupTable", Ref(table.key), given.line)
    return Thing(draft)


def _light(made: Made, name: str, given: Arguments) -> Any:
    identity = ("light", str(number(given.take(0, "number"))), (given.draft(1, "view") or made.view or _NONE).key)
    return Thing(made.same(identity, given.key, "additional_lights", "Light", given.line))


def _camera(made: Made, name: str, given: Arguments) -> Any:
    return CameraOf(made.view or made.the_view("", given.line))


def _render(made: Made, name: str, given: Arguments) -> Any:
    view = given.draft(0, "view") or (made.view if name == "Render" else None)
    if view is None and name == "Render":
        view = made.the_view("", given.line)
    made.shot(view, given.line)
    return Thing(view) if view else None


def _reset_camera(made: Made, name: str, given: Arguments) -> Any:
    view = given.draft(0 if name == "ResetCamera" else 3, "view") or made.view or made.the_view("", given.line)
    if not made.sure(view):
        made.tell(given.line, f"it depends on {made.conditions[-1]}")
        return None
    if name == "ResetCameraToDirection":
        focal, way = vector(given.take(0, "position")), vector(given.take(1, "direction"))
        up = vector(given.take(2, "up"))
        if focal is None or way is None:
            made.tell(given.line, "the direction is not known here")
            return None
        place = tuple(p - d for p, d in zip(focal, way, strict=True))
        for path, value in ((camera.FOCAL_POINT, focal), (camera.POSITION, place), (camera.VIEW_UP, up)):
            if value is not None:
                made.put(view, path, value, given.line)
    camera.fit(view, given.line)
    made.camera_moved(view, given.line)
    return None


def _shot(made: Made, name: str, given: Arguments) -> Any:
    """A picture or a film is written."""
    file, view = given.text(0, "filename"), given.draft(1, "viewOrLayout", "view", "View")
    draft = made.make(given.key, "misc", name, given.line)
    if file:
        draft.put("FileName", file, given.line)
    whose = view or made.view
    if whose:
        draft.put("View", Ref(whose.key), given.line)
    if name == "SaveAnimation":
        given.take(2, "scene")
    set_all(made, Thing(draft), given)
    if name in ("SaveScreenshot", "WriteImage"):
        made.shot(whose, given.line, file)
    return None


def _palette(made: Made, name: str, given: Arguments) -> Any:
    made.make("", "misc", "LoadPalette", given.line, given.text(0, "paletteName"))
    return None


def _load_state(made: Made, name: str, given: Arguments) -> Any:
    file = given.text(0, "filename", "statefile")
    made.tell(given.line, "it loads another state" + (f", {file}; read that file as well" if file else ""))
    return None


def _delete(made: Made, name: str, given: Arguments) -> Any:
    draft = given.draft(0, "proxy") or (made.source if not given.values else None)
    if draft:
        made.delete(draft)
    return None


def _port(made: Made, name: str, given: Arguments) -> Any:
    return given.take(0, "proxy") or Unknown("it is the output of something that is not known here")


def _nothing_known(made: Made, name: str, given: Arguments) -> Any:
    return Unknown(f"it depends on {name}(…), which is not run")


_NONE = Draft("", "", "")

_HANDLERS: dict[str, Callable[[Made, str, Arguments], Any]] = {
    "AssignFieldToColorPreset": _preset_to_array,
    "ColorBy": _color_by,
    "CreateLookupTable": _new_table,
    "CreatePiecewiseFunction": _new_table,
    "CreateView": _view_by_type,
    "Delete": _delete,
    "FindSource": _find_source,
    "FindView": _find_view,
    "FindViewOrCreate": _find_view,
    "GenerateRGBPoints": _generate,
    "GetActiveCamera": _camera,
    "GetActiveSource": _active_source,
    "GetActiveView": _active_view,
    "GetActiveViewOrCreate": _view_by_type,
    "GetAnimationScene": _scene,
    "GetAnimationTrack": _track,
    "GetCameraTrack": _camera_track,
    "GetColorTransferFunction": _table,
    "GetDisplayProperties": _show,
    "GetDisplayProperty": _nothing_known,
    "GetLight": _light,
    "GetLookupTableForArray": _table,
    "GetOpacityTransferFunction": _table,
    "GetRenderView": _active_view,
    "GetRenderViews": _views,
    "GetRepresentation": _show,
    "GetRepresentationAnimationHelper": _helper,
    "GetScalarBar": _scalar_bar,
    "GetSources": _nothing_known,
    "GetTimeTrack": _time_track,
    "GetTransferFunction2D": _table,
    "GetViews": _views,
    "Hide": _hide,
    "HideAll": _show_all,
    "LoadPalette": _palette,
    "LoadState": _load_state,
    "OpenDataFile": _open,
    "OutputPort": _port,
    "Render": _render,
    "RenderAllViews": _render,
    "ResetCamera": _reset_camera,
    "ResetCameraToDirection": _reset_camera,
    "SetActiveSource": _set_active_source,
    "SetActiveView": _set_active_view,
    "SetDisplayProperties": _set_properties,
    "SetProperties": _set_properties,
    "SetViewProperties": _set_properties,
    "Show": _show,
    "ShowAll": _show_all,
}

UNDERSTOOD = frozenset((*_HANDLERS, *SHOTS, *VIEWS, *MADE, *LAYOUTS, *NAMES_OF_NO_ACCOUNT))
"""All functions that mean something here; any other name with a capital is a source or a filter."""
