"""What a view of ParaView's shows, as the scene of a movie.

A view can show many things; a scene shows one volume. Which one that is is found here, the modules for colours, light,
cuts, slices, surfaces and the background are gone through in order, and what none of them took is named.
"""

from __future__ import annotations

from dataclasses import replace

from stackreel.paraview.importing.background import put_background
from stackreel.paraview.importing.reading import array_of, is_shown, refs, upstream, word
from stackreel.paraview.importing.sections import put_cuts, put_slices
from stackreel.paraview.importing.shown import Display, Shown
from stackreel.paraview.importing.surfaces import put_contours
from stackreel.paraview.importing.transfer import opacity_of, put_colors, put_opacities
from stackreel.paraview.importing.volumes import put_volume
from stackreel.paraview.proxies import Proxy, State

__all__ = ["Display", "Shown", "shown_by"]


_AUXILIARY = ("GridAxes", "PolarAxes", "ScalarBar", "Text", "Annotation", "Axes")
_UNSEEN = {"Outline": "an outline", "Feature Edges": "edges", "Points": "points", "Wireframe": "a wire frame"}


def shown_by(display: Display) -> Shown:
    """Everything that the view shows and a scene can hold; the rest is told to the display's report."""
    display = replace(display, state=_inheriting(display.state))
    reps = _representations(display)
    volumes = [r for r in reps if word(r, "Representation") == "Volume"]
    if display.array is not None:
        volumes = [r for r in volumes if array_of(r) == display.array]
    volume = volumes[-1] if volumes else None
    for other in volumes[:-1]:
        reason = (
            f"a movie shows one volume; {display.source(volume)} was taken, --array says otherwise" if volume else ""
        )
        display.leave(other.line, display.source(other), reason)
        display.shown.used.add(other.key)
    table = put_colors(display, volume, reps)
    if volume is not None:
        display.shown.used.add(volume.key)
        put_volume(display, volume)
    elif not reps:
        put_opacities(display, opacity_of(display, None, table), table)
    put_cuts(display, volume, reps)
    put_slices(display, volume, reps, table)
    put_contours(display, volume, reps)
    if display.view is not None:
        put_background(display, display.view)
    _rest(display, reps)
    return display.shown


def _inheriting(state: State) -> State:
    """The same where what a filter shows has the colours of what it came from, as Show gives it."""
    shown: dict[tuple[str, str], Proxy] = {}
    colors = ("ColorArrayName", "LookupTable", "ScalarOpacityFunction")
    for rep in state.of("representations"):
        behind, view = state.behind(rep, "Input"), state.behind(rep, "View")
        if behind is not None:
            shown[behind.key, "" if view is None else view.key] = rep
    found = []
    for proxy in state.proxies:
        if proxy.group == "representations" and not any(name in proxy.settings for name in colors[:2]):
            view = state.behind(proxy, "View")
            before = (shown.get((p.key, "" if view is None else view.key)) for p in upstream(state, proxy))
            giver = next((r for r in before if r is not None and "ColorArrayName" in r.settings), None)
            if giver is not None:
                taken = {name: giver.settings[name] for name in colors if name in giver.settings}
                proxy = replace(proxy, settings={**taken, **proxy.settings})
        found.append(proxy)
    return replace(state, proxies=tuple(found))


def _representations(display: Display) -> list[Proxy]:
    """Everything that the view shows."""
    found = []
    for rep in display.state.of("representations"):
        if any(part in rep.type for part in _AUXILIARY) or not is_shown(rep):
            continue
        if rep.get("Input") is None and rep.get("Representation") is None:
            continue
        home = display.state.behind(rep, "View")
        listed = None if display.view is None else display.view.get("Representations")
        if display.view is not None and home is not None and home.key != display.view.key:
            continue
        if home is None and listed is not None and rep.key not in set(refs(listed)):
            continue
        found.append(rep)
    return found


def _rest(display: Display, reps: list[Proxy]) -> None:
    """Names once what was shown and did not come over."""
    for rep in reps:
        if rep.key in display.shown.used:
            continue
        display.shown.used.add(rep.key)
        way = word(rep, "Representation") or "Surface"
        source = display.state.behind(rep, "Input")
        if source is not None and source.key in display.shown.used and way == "Surface":
            why = "its surface alone is shown in ParaView; a movie shows the volume: give it opacities"
        else:
            why = f"shown as {_UNSEEN.get(way, 'a ' + way.lower())}; a movie shows volumes, slices, iso surfaces"
        display.leave(rep.line, display.source(rep), why)
