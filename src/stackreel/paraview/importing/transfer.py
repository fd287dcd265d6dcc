"""A volume's transfer function: which colour and which opacity each of its values has.

ParaView keeps the colours in one table and the opacities in another, by the name of the array; a view shows the volume
by those of its own, or by the array's, and a session can have tables that nothing is shown by.
"""

from __future__ import annotations

from stackreel.paraview.importing import tables
from stackreel.paraview.importing.reading import array_of, called, is_on, number, three, word
from stackreel.paraview.importing.shown import Display
from stackreel.paraview.proxies import Proxy, Setting


def put_colors(display: Display, volume: Proxy | None, reps: list[Proxy]) -> Proxy | None:
    """The table of colours; what it says goes into the scene."""
    table = _table_of(display, volume, reps)
    if volume is not None and array_of(volume) and (table is None or not _says_colors(table)):
        _put_usual_colors(display, volume, table)
        return table
    if table is None:
        return None
    display.shown.used.add(table.key)
    labels = tables.labels_of(table)
    preset = table.key.startswith("preset") and table.get("ApplyPreset") is None
    if labels is not None and (display.subject is None or display.subject.kind == "label"):
        display.shown.scene["color"] = {"labels": labels}
        display.took(f"{called(table)}: colours of {len(labels)} labels")
    elif table.numbers("RGBPoints") is None and table.numbers("IndexedColors") and table.get("ApplyPreset") is None:
        why = "a colour for each category; that goes with a volume of labels (--kind label)"
        display.leave(table.line_of("IndexedColors"), called(table), why)
    else:
        data, said = tables.color_data(table, display.data, preset=preset)
        if data is None:
            for sentence in said:
                display.leave(table.line_of("ApplyPreset"), called(table), sentence)
        else:
            display.shown.scene["color"] = data
            display.took(f"{called(table)}: " + "; ".join(said))
            flat = table.numbers("RGBPoints")
            if preset and display.data is None and flat and min(flat[::4]) >= 0.0 and max(flat[::4]) <= 1.0:
                why = "its values run from 0 to 1, for any data; add --volume brain.h5, which lays them over yours"
                display.leave(table.line, called(table), why)
    if preset and table.numbers("Points"):
        put_opacities(
            display,
            Proxy(
                table.key,
                "piecewise_functions",
                "",
                table.name,
                {**table.settings, "Preset": Setting(1.0)},
                table.line,
            ),
            table,
        )
    _complain(display, table)
    return table


def _says_colors(table: Proxy) -> bool:
    return any(name in table.settings for name in ("RGBPoints", "IndexedColors", "ApplyPreset"))


def _put_usual_colors(display: Display, volume: Proxy, table: Proxy | None) -> None:
    """ParaView's own colours, where a file names an array and not its colours."""
    if display.subject is not None and display.subject.kind == "label":
        return
    if table is not None:
        display.shown.used.add(table.key)
    name = tables.DEFAULT if display.state.version.startswith("6") else "Cool to Warm"
    span = (tables.values_of(table, display.data) if table is not None else None) or display.data
    over = "the volume's own values" if span is None else f"{span[0]:g} to {span[1]:g}"
    display.shown.scene["color"] = {"map": name} if span is None else {"map": name, "range": list(span)}
    display.took(f"{array_of(volume)}: no colours are in the file, which means ParaView's own, {name}, over {over}")


def put_usual_opacities(display: Display, volume: Proxy) -> None:
    """ParaView's own opacities, from 0 to 1, where a file names an array and not its opacities."""
    array, function = array_of(volume), opacity_of(display, volume, display.state.behind(volume, "LookupTable"))
    if not array or "opacity" in display.shown.scene or (function is not None and "ApplyPreset" in function.settings):
        return
    if display.subject is not None and display.subject.kind == "label":
        return
    span = (tables.values_of(function, display.data) if function is not None else None) or display.data
    if span is None:
        why = "no opacities are in the file, which means ParaView's own, 0 to 1 over the values; add --volume brain.h5"
        display.leave(volume.line_of("ColorArrayName"), array, why)
        return
    display.shown.scene["opacity"] = [[span[0], 0.0], [span[1], 1.0]]
    display.took(
        f"{array}: no opacities are in the file, which means ParaView's own, 0 at {span[0]:g}, 1 at {span[1]:g}"
    )


def _table_of(display: Display, volume: Proxy | None, reps: list[Proxy]) -> Proxy | None:
    """The table that the volume is coloured by; without a volume, that of the array, or the last one."""
    known = [t for t in display.state.of("lookup_tables") if t.settings]
    if display.array is not None:
        known = [t for t in known if t.name == display.array] or known
    for rep in [volume] if volume is not None else reps[::-1]:
        found = display.state.behind(rep, "LookupTable")
        if found is None:
            found = next((t for t in known if t.name and t.name == array_of(rep)), None)
        if found is not None and found.group == "lookup_tables" and (display.array in (None, found.name) or volume):
            return found
    if reps and display.array is None:
        return None
    usual = [t for t in known if not is_on(t, "Separate")] or known
    if len(usual) > 1:
        others = ", ".join(called(t) for t in usual[:-1])
        display.took(
            f"{display.state.name} has several tables; {called(usual[-1])} was taken, not {others} "
            "(--array says otherwise)"
        )
    return usual[-1] if usual else None


def opacity_of(display: Display, volume: Proxy | None, table: Proxy | None) -> Proxy | None:
    """The volume's opacities: its own, its table's, or those of the same name."""
    if volume is not None:
        found = display.state.behind(volume, "ScalarOpacityFunction")
        if found is not None:
            return found
    if table is not None:
        found = display.state.behind(table, "ScalarOpacityFunction")
        if found is not None and volume is not None:
            return found
    name = display.array or (array_of(volume) if volume is not None else "") or (table.name if table else "")
    known = [p for p in display.state.of("piecewise_functions") if p.name and p.numbers("Points")]
    own = [p for p in known if p.name == name]
    return own[-1] if own else known[-1] if len(known) == 1 and not name else None


def put_opacities(display: Display, function: Proxy | None, table: Proxy | None) -> None:
    """The scene's opacities. table : the colours that a preset has beside its opacities"""
    flat = None if function is None else function.numbers("Points")
    if function is None or not flat or len(flat) < 4:
        if function is not None and function.get("ApplyPreset") is not None:
            display.leave(
                function.line,
                called(function),
                "opacities of a preset, which are not in the file",
            )
        return
    display.shown.used.add(function.key)
    log = is_on(function, "UseLogScale") and min(flat[::4]) > 0.0
    span = tables.values_of(function, display.data)
    if is_on(function, "Preset"):
        own = table.numbers("RGBPoints") if table is not None else None
        inside = min(flat[::4]) >= 0.0 and max(flat[::4]) <= 1.0 and (own is None or max(own[::4]) <= 1.0)
        if inside and display.data is not None:
            span = display.data
    if span is not None:
        flat = tables.rescaled(flat, *span, 4, log=log)
    if is_on(function, "InvertTransferFunction"):
        low, high = min(flat[::4]), max(flat[::4])
        flat = tuple(low + high - v if k % 4 == 0 else v for k, v in enumerate(flat))
    points = tables.opacity_points(flat, log=log)
    display.shown.scene["opacity"] = points
    bent = any(m != 0.5 or s != 0.0 for m, s in zip(flat[2::4], flat[3::4], strict=False))
    how = f", from {len(flat) // 4} with midpoints or sharpness," if bent and len(points) != len(flat) // 4 else ""
    display.took(f"{called(function)}: {len(points)} opacity points{how} of {min(flat[::4]):g} to {max(flat[::4]):g}")


def name_of(display: Display, table: Proxy) -> str:
    return table.name or table.key


def _complain(display: Display, table: Proxy) -> None:
    """Tells what else a table says, and a scene's colours do not."""
    nan = three(table, "NanColor")
    if nan is not None and nan != (1.0, 1.0, 0.0) and nan != (0.5, 0.0, 0.0):
        why = "a colour for what is not a number; a movie leaves that away"
        display.leave(table.line_of("NanColor"), called(table), why)
    if word(table, "VectorMode") == "Component":
        why = "colours by a component; convert that component to a volume"
        display.leave(table.line_of("VectorMode"), called(table), why)
    few = number(table, "NumberOfTableValues", 256.0)
    if few < 64 and is_on(table, "Discretize", True):
        why = f"{few:.0f} colours in steps, which ParaView shows on surfaces and slices; here they are smooth"
        display.leave(table.line_of("NumberOfTableValues"), called(table), why)
