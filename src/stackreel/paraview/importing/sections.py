"""What is cut off a volume, and the slices through it.

ParaView clips, crops and slices by filters, which stand one behind the other between the data and what is shown.
"""

from __future__ import annotations

from typing import Any

from stackreel.paraview.importing import tables
from stackreel.paraview.importing.cuts import Cuts, slice_of_grid, slices_of
from stackreel.paraview.importing.reading import called, number, type_of, upstream, word
from stackreel.paraview.importing.report import free_name
from stackreel.paraview.importing.shown import Display
from stackreel.paraview.proxies import Proxy


def put_cuts(display: Display, volume: Proxy | None, reps: list[Proxy]) -> None:
    """The planes and the box that the filters before the volume leave of it."""
    chains = (
        [volume] if volume is not None else [r for r in reps if display.input_type(r) not in ("Slice", "Contour")][-1:]
    )
    filters = [p for rep in chains for p in reversed(list(upstream(display.state, rep)))]
    if not reps:
        filters = [p for p in display.state.of("filters") if type_of(p) in ("Clip", "ExtractSubset")]
    cuts = Cuts(display.state, display.frame, display.report)
    for one in filters:
        display.shown.used.add(one.key)
        if not cuts.add(one) and one.group == "filters":
            why = f"the filter {type_of(one)} is not applied; a movie shows the volume's own values"
            display.leave(one.line, called(one), why)
    if cuts.planes:
        display.shown.scene["clip"] = cuts.planes
    if any(a >= b for a, b in cuts.box.values()):
        display.leave(0, "its boxes", "they share nothing; nothing would be left of the volume")
    elif cuts.box:
        display.shown.scene["crop"] = cuts.box


def put_slices(display: Display, volume: Proxy | None, reps: list[Proxy], table: Proxy | None) -> None:
    """The slices that are shown. table : the volume's colours, which a slice has where it has none of its own"""
    found: list[dict[str, Any]] = []
    for rep in reps:
        source = display.state.behind(rep, "Input")
        if word(rep, "Representation") == "Slice":
            one = slice_of_grid(display.state, rep, display.frame, display.report)
            places = [] if one is None else [one]
        elif source is not None and type_of(source) == "Slice":
            places = slices_of(display.state, source, display.frame, display.report)
            display.shown.used |= {source.key, *(p.key for p in upstream(display.state, source))}
        else:
            continue
        display.shown.used.add(rep.key)
        extra = _look(display, rep, table)
        for place in places:
            found.append({"name": free_name(display.source(rep), [s["name"] for s in found]), **place, **extra})
        if places:
            display.took(f"{display.source(rep)}: {len(places)} slice{'s' if len(places) > 1 else ''}")
    if not found:
        return
    display.shown.scene["slices"] = found
    if volume is None:
        display.shown.scene["opacity"] = [[0.0, 0.0]]
        display.took("slices alone are shown, so that the volume itself is transparent (opacity)")


def _look(display: Display, rep: Proxy, table: Proxy | None) -> dict[str, Any]:
    """What a slice has beside its place: an opacity and colours, where they are its own."""
    extra: dict[str, Any] = {}
    opacity = min(max(number(rep, "Opacity", 1.0), 0.0), 1.0)
    if opacity < 1.0:
        extra["opacity"] = opacity
    own = display.state.behind(rep, "LookupTable")
    if own is not None and table is not None and own.key != table.key:
        data, said = tables.color_data(own, display.data)
        if data is not None:
            extra["color"] = data
            display.took(f"{called(own)}: " + "; ".join(said))
            display.shown.used.add(own.key)
    return extra
