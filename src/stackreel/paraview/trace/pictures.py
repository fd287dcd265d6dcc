"""ParaView's functions that draw: on the screen, as a picture, as a film. They tell what was seen, and when."""

from __future__ import annotations

from typing import Any

from stackreel.paraview.proxies import Ref
from stackreel.paraview.trace.arguments import Arguments, set_all
from stackreel.paraview.trace.made import Made
from stackreel.paraview.trace.values import Thing


def render(made: Made, name: str, given: Arguments) -> Any:
    """A view is drawn on the screen."""
    view = given.draft(0, "view") or (made.view if name == "Render" else None)
    if view is None and name == "Render":
        view = made.the_view("", given.line)
    made.shot(view, given.line)
    return Thing(view) if view else None


def shot(made: Made, name: str, given: Arguments) -> Any:
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
