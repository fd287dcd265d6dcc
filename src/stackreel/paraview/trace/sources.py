"""ParaView's functions about data: files that are opened, sources that make data, filters that change them."""

from __future__ import annotations

from typing import Any

from stackreel.paraview.trace.arguments import Arguments, set_all
from stackreel.paraview.trace.known import FILTERS
from stackreel.paraview.trace.made import Made
from stackreel.paraview.trace.values import Thing, Unknown


def open_file(made: Made, name: str, given: Arguments) -> Any:
    """A file, whose reader ParaView would find by its ending."""
    files = given.take(0, "filename")
    called = given.text(-1, "registrationName", "guiName")
    thing = Thing(made.make(given.key, "sources", "OpenDataFile", given.line, called))
    made.source = thing.draft
    made.set(thing, "FileNames", files, given.line)
    set_all(made, thing, given)
    return thing


def pipeline(made: Made, name: str, given: Arguments) -> Any:
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


def find(made: Made, name: str, given: Arguments) -> Any:
    """A source or a filter by its name."""
    wanted = given.text(0, "name")
    for draft in made.every():
        if draft.group in ("sources", "filters") and wanted and wanted in (draft.name, draft.key):
            return Thing(draft)
    return Thing(made.same(("source", wanted), given.key, "sources", "", given.line, wanted))


def active(made: Made, name: str, given: Arguments) -> Any:
    """The source or filter that is worked on; one is made where there is none."""
    if made.source is None:
        made.source = made.make(given.key, "sources", "", given.line)
    return Thing(made.source)


def set_active(made: Made, name: str, given: Arguments) -> Any:
    """Another source or filter is worked on."""
    made.source = given.draft(0, "source") or made.source
    return None


def delete(made: Made, name: str, given: Arguments) -> Any:
    """A source, a view or whatever else is thrown away."""
    draft = given.draft(0, "proxy") or (made.source if not given.values else None)
    if draft:
        made.delete(draft)
    return None


def port(made: Made, name: str, given: Arguments) -> Any:
    """One of the outputs of a filter."""
    return given.take(0, "proxy") or Unknown("it is the output of something that is not known here")
