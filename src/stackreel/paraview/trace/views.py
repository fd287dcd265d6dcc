"""ParaView's functions about views: the windows that pictures are taken in, their cameras, lights and backgrounds."""

from __future__ import annotations

from typing import Any

from stackreel.paraview.trace import camera
from stackreel.paraview.trace.arguments import Arguments, set_all
from stackreel.paraview.trace.made import Made
from stackreel.paraview.trace.values import CameraOf, Draft, Thing, number, vector

_NONE = Draft("", "", "")


def create(made: Made, type_: str, given: Arguments) -> Thing:
    """A new view of a kind."""
    name = given.text(-1, "registrationName", "guiName")
    given.take(0, "detachedFromLayout")
    view = Thing(made.make_view(type_, given.key, given.line, name))
    set_all(made, view, given)
    return view


def by_type(made: Made, name: str, given: Arguments) -> Any:
    """CreateView, GetActiveViewOrCreate: a view of a kind that is named."""
    type_ = given.text(0, "view_xml_name", "viewtype")
    if not type_:
        made.tell(given.line, "the kind of view is not known here; it is taken for a render view")
        type_ = "RenderView"
    if name == "CreateView":
        return create(made, type_, Arguments(given.values[1:], given.rest(), given.lines, given.line, given.key))
    return Thing(made.the_view(given.key, given.line, type_))


def active(made: Made, name: str, given: Arguments) -> Any:
    """The view that is worked in; one is made where there is none."""
    return Thing(made.view if made.view else made.the_view(given.key, given.line))


def every(made: Made, name: str, given: Arguments) -> Any:
    """All views."""
    return [Thing(draft) for draft in made.every() if draft.group == "views"]


def find(made: Made, name: str, given: Arguments) -> Any:
    """A view by its name; it is the active one from then on."""
    wanted, type_ = given.text(0, "name"), given.text(1, "viewtype") or "RenderView"
    for draft in made.every():
        if draft.group == "views" and wanted and wanted in (draft.name, draft.key):
            made.view = draft
            return Thing(draft)
    return Thing(made.make_view(type_, given.key, given.line, wanted))


def set_active(made: Made, name: str, given: Arguments) -> Any:
    """Another view is worked in."""
    made.view = given.draft(0, "view") or made.view
    return None


def active_camera(made: Made, name: str, given: Arguments) -> Any:
    """The active view's camera."""
    return CameraOf(made.view or made.the_view("", given.line))


def reset_camera(made: Made, name: str, given: Arguments) -> Any:
    """The camera is fitted to the data, from where it looks or from a direction."""
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


def light(made: Made, name: str, given: Arguments) -> Any:
    """A light of a view, by its number."""
    identity = ("light", str(number(given.take(0, "number"))), (given.draft(1, "view") or made.view or _NONE).key)
    return Thing(made.same(identity, given.key, "additional_lights", "Light", given.line))


def palette(made: Made, name: str, given: Arguments) -> Any:
    """The colours of ParaView itself, of which the background is one."""
    made.make("", "misc", "LoadPalette", given.line, given.text(0, "paletteName"))
    return None
