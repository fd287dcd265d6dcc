"""ParaView's functions about what is shown where.

A source is shown in a view by a representation: volume, surface, slice …, with an opacity, a light and
colours of its own.
"""

from __future__ import annotations

from typing import Any

from stackreel.paraview.proxies import Ref
from stackreel.paraview.trace.arguments import Arguments, set_all
from stackreel.paraview.trace.made import Made
from stackreel.paraview.trace.values import LAYOUT, Draft, Thing, Unknown, settled


def show(made: Made, name: str, given: Arguments) -> Any:
    """Show, and what only asks for the representation: a source's in a view."""
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
        _set_visible(made, draft, 1.0, given.line)
        set_all(made, Thing(draft), given)
    return Thing(draft)


def _set_visible(made: Made, draft: Draft, value: float, line: int) -> None:
    """A representation is shown, or not."""
    if draft.get("Visibility") != value:
        made.set(Thing(draft), "Visibility", value, line)


def hide(made: Made, name: str, given: Arguments) -> Any:
    """A source is no longer shown in a view."""
    source = given.draft(0, "proxy") or made.source
    view = given.draft(1, "view") or made.view
    found = made.by_identity.get(("representation", source.key if source else "", view.key if view else ""))
    if found:
        _set_visible(made, found, 0.0, given.line)
    return None


def show_all(made: Made, name: str, given: Arguments) -> Any:
    """Everything in a view is shown, or hidden."""
    view = given.draft(0, "view") or made.view
    for draft in made.every():
        if view and draft.get("View") == Ref(view.key) and "Input" in draft.settings:
            _set_visible(made, draft, float(name == "ShowAll"), given.line)
    return None


def set_properties(made: Made, name: str, given: Arguments) -> Any:
    """Settings by their names, of a source, a view or a representation."""
    if name == "SetProperties":
        target = given.take(0, "proxy")
        if target is None and made.source:
            target = Thing(made.source)
    elif name == "SetViewProperties":
        target = given.take(0, "view") or (Thing(made.view) if made.view else None)
    else:
        target = show(made, name, given)
    if isinstance(target, Thing):
        set_all(made, target, given)
    else:
        made.tell(given.line, "what is set is not known here")
    return None


def helper(made: Made, name: str, given: Arguments) -> Any:
    """What stands for a representation in an animation: the source itself."""
    return given.take(0, "sourceproxy", "proxy") or LAYOUT
