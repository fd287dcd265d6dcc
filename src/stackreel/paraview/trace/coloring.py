"""ParaView's functions about colours and opacities: transfer functions, presets, what is coloured by which array."""

from __future__ import annotations

from typing import Any

from stackreel.paraview.proxies import Ref
from stackreel.paraview.trace.arguments import Arguments, set_all
from stackreel.paraview.trace.made import Made
from stackreel.paraview.trace.values import Draft, Generated, Thing, Unknown, number, settled


def table(made: Made, name: str, given: Arguments) -> Any:
    """The colours or opacities that belong to an array."""
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


def new_table(made: Made, name: str, given: Arguments) -> Any:
    """Colours or opacities that belong to no array yet."""
    group, type_ = {
        "CreateLookupTable": ("lookup_tables", "PVLookupTable"),
        "CreatePiecewiseFunction": ("piecewise_functions", "PiecewiseFunction"),
    }[name]
    thing = Thing(made.make(given.key, group, type_, given.line))
    set_all(made, thing, given)
    return thing


def generated(made: Made, name: str, given: Arguments) -> Any:
    """The points of a preset, laid over a range."""
    preset = settled(given.take(0, "preset_name"))
    low, high = settled(given.take(1, "range_min")), settled(given.take(2, "range_max"))
    for each in (preset, low, high):
        if isinstance(each, Unknown):
            return each
    if not (preset is None or isinstance(preset, str)):
        return Unknown("the preset's name is not a text")
    return Generated(preset, number(low), number(high))


def color_by(made: Made, name: str, given: Arguments) -> Any:
    """ColorBy: what is shown takes its colours from an array."""
    thing = given.take(0, "rep")
    value = settled(given.take(1, "value"))
    draft = thing.draft if isinstance(thing, Thing) else None
    if draft is None and thing is None and made.source and made.view:
        draft = made.by_identity.get(("representation", made.source.key, made.view.key))
    return colored_by(made, draft, value, settled(given.take(2, "separate")), given.line)


def colored_by(made: Made, draft: Draft | None, value: Any, separate: Any, line: int) -> None:
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


def preset_to_array(made: Made, name: str, given: Arguments) -> Any:
    """An array has the colours of a preset."""
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


def scalar_bar(made: Made, name: str, given: Arguments) -> Any:
    """The bar that explains the colours."""
    table, view = given.draft(0, "ctf"), given.draft(1, "view") or made.view
    key = ("bar", table.key if table else "", view.key if view else "")
    draft = made.same(key, given.key, "representations", "ScalarBarWidgetRepresentation", given.line)
    if table:
        draft.put("LookupTable", Ref(table.key), given.line)
    return Thing(draft)
