"""What a view of ParaView's shows, as the scene of a movie: colours, opacities, light, cuts, slices, surfaces."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from stackreel.paraview.importing import tables
from stackreel.paraview.importing.cuts import Cuts, slice_of_grid, slices_of
from stackreel.paraview.importing.frame import Frame
from stackreel.paraview.importing.reading import (
    array_of,
    called,
    is_on,
    is_shown,
    number,
    refs,
    three,
    type_of,
    upstream,
    word,
)
from stackreel.paraview.importing.report import Report, free_name
from stackreel.paraview.proxies import Proxy, Setting, State
from stackreel.scene.subject import Subject

_BLENDS = {
    "Composite": "composite",
    "Maximum Intensity": "maximum",
    "Minimum Intensity": "minimum",
    "Average Intensity": "average",
}
_PALETTES = {
    "BlueGrayBackground": (0.32, 0.34, 0.43),
    "DefaultBackground": (0.32, 0.34, 0.43),
    "WhiteBackground": (1.0, 1.0, 1.0),
    "PrintBackground": (1.0, 1.0, 1.0),
    "WarmGrayBackground": (0.29, 0.27, 0.26),
    "NeutralGrayBackground": (0.42, 0.42, 0.42),
    "LightGrayBackground": (0.46, 0.44, 0.42),
    "BlackBackground": (0.0, 0.0, 0.0),
    "GradientBackground": (0.32, 0.34, 0.43),
}
"""Backgrounds of ParaView's palettes; the gradient's is its lower end."""
_DUSK = (0.0, 0.0, 0.16)
_AUXILIARY = ("GridAxes", "PolarAxes", "ScalarBar", "Text", "Annotation", "Axes")
_UNSEEN = {"Outline": "an outline", "Feature Edges": "edges", "Points": "points", "Wireframe": "a wire frame"}
_OF_VIEWS = {
    "EnableRayTracing": "ray tracing; the movie's light has shadows and occlusion of its own",
    "UseAmbientOcclusion": "ambient occlusion; write occlusion into light",
    "Shadows": "shadows; write shadows into light",
    "StereoRender": "stereo pictures, which a movie is not",
    "UseToneMapping": "tone mapping; colours are shown as they are",
    "CenterAxesVisibility": "axes at the centre of rotation",
    "AxesGrid.Visibility": "a grid of axes",
}
_OF_VOLUMES = {
    "UseTransfer2D": "a transfer function of values and slopes; a movie's are of values",
    "UseSeparateOpacityArray": "opacities by another array; name the channels, and write opacity: {channel: …}",
    "UseSeparateColorMap": "a colour map of its own",
    "UseCropping": "a cropping box, which its numbers say in samples; write crop",
}


@dataclass
class Shown:
    """scene : parts of the scene. looks : what a scene cannot hold beside the rest. used : keys that came over"""

    scene: dict[str, Any] = field(default_factory=dict)
    looks: dict[str, dict[str, Any]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


class Display:
    """One view of a state, or all of it where there is no view.

    array   : the array whose volume is meant; None for the one that is shown
    subject : the volume; None where it is not known
    """

    def __init__(
        self, state: State, frame: Frame, report: Report, view: Proxy | None, array: str | None, subject: Subject | None
    ) -> None:
        self.state, self.frame, self.report, self.view = state, frame, report, view
        self.array, self.subject = array, subject
        self.shown = Shown()
        self.data = None if subject is None else subject.color_range

    def make(self) -> Shown:
        reps = self.representations()
        volumes = [r for r in reps if word(r, "Representation") == "Volume"]
        if self.array is not None:
            volumes = [r for r in volumes if array_of(r) == self.array]
        volume = volumes[-1] if volumes else None
        for other in volumes[:-1]:
            reason = (
                f"a movie shows one volume; {self.source(volume)} was taken, --array says otherwise" if volume else ""
            )
            self.report.leave(self.state, other.line, self.source(other), reason)
            self.shown.used.add(other.key)
        table = self.colors(volume, reps)
        if volume is not None:
            self.shown.used.add(volume.key)
            self.volume(volume)
        elif not reps:
            self.opacities(self.opacity_of(None, table), table)
        self.cut(volume, reps)
        self.planes(volume, reps, table)
        self.surfaces(volume, reps)
        if self.view is not None:
            self.ground(self.view)
        self.rest(reps)
        return self.shown

    # ------------------------------------------------------------ what is there

    def representations(self) -> list[Proxy]:
        """Everything that the view shows."""
        found = []
        for rep in self.state.of("representations"):
            if any(part in rep.type for part in _AUXILIARY) or not is_shown(rep):
                continue
            if rep.get("Input") is None and rep.get("Representation") is None:
                continue
            home = self.state.behind(rep, "View")
            listed = None if self.view is None else self.view.get("Representations")
            if self.view is not None and home is not None and home.key != self.view.key:
                continue
            if home is None and listed is not None and rep.key not in set(refs(listed)):
                continue
            found.append(rep)
        return found

    def source(self, rep: Proxy | None) -> str:
        """What a representation shows, by name."""
        behind = None if rep is None else self.state.behind(rep, "Input")
        return called(behind) if behind is not None else "" if rep is None else called(rep)

    def input_type(self, rep: Proxy) -> str:
        behind = self.state.behind(rep, "Input")
        return "" if behind is None else type_of(behind)

    # ------------------------------------------------------------ colours and opacities

    def colors(self, volume: Proxy | None, reps: list[Proxy]) -> Proxy | None:
        """The table of colours; what it says goes into the scene."""
        table = self.table_of(volume, reps)
        if table is None:
            return None
        self.shown.used.add(table.key)
        labels = tables.labels_of(table)
        preset = table.key.startswith("preset") and table.get("ApplyPreset") is None
        if labels is not None and (self.subject is None or self.subject.kind == "label"):
            self.shown.scene["color"] = {"labels": labels}
            self.report.took(f"{self.name_of(table)}: colours of {len(labels)} labels")
        elif table.numbers("RGBPoints") is None and table.numbers("IndexedColors") and table.get("ApplyPreset") is None:
            why = "a colour for each category; that goes with a volume of labels (--kind label)"
            self.report.leave(self.state, table.line_of("IndexedColors"), self.name_of(table), why)
        else:
            data, said = tables.color_data(table, self.data, preset=preset)
            if data is None:
                for sentence in said:
                    self.report.leave(self.state, table.line_of("ApplyPreset"), self.name_of(table), sentence)
            else:
                self.shown.scene["color"] = data
                self.report.took(f"{self.name_of(table)}: " + "; ".join(said))
                flat = table.numbers("RGBPoints")
                if preset and self.data is None and flat and min(flat[::4]) >= 0.0 and max(flat[::4]) <= 1.0:
                    why = "its values run from 0 to 1, for any data; add --volume brain.h5, which lays them over yours"
                    self.report.leave(self.state, table.line, self.name_of(table), why)
        if preset and table.numbers("Points"):
            self.opacities(
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
        self.complain_of(table)
        return table

    def table_of(self, volume: Proxy | None, reps: list[Proxy]) -> Proxy | None:
        known = [t for t in self.state.of("lookup_tables") if t.settings]
        if self.array is not None:
            known = [t for t in known if t.name == self.array] or known
        for rep in [volume] if volume is not None else reps[::-1]:
            found = self.state.behind(rep, "LookupTable")
            if found is None:
                found = next((t for t in known if t.name and t.name == array_of(rep)), None)
            if found is not None and found.group == "lookup_tables" and (self.array in (None, found.name) or volume):
                return found
        if reps and self.array is None:
            return None
        usual = [t for t in known if not is_on(t, "Separate")] or known
        if len(usual) > 1:
            others = ", ".join(self.name_of(t) for t in usual[:-1])
            self.report.took(
                f"{self.state.name} has several tables; {self.name_of(usual[-1])} was taken, not {others} "
                "(--array says otherwise)"
            )
        return usual[-1] if usual else None

    def opacity_of(self, volume: Proxy | None, table: Proxy | None) -> Proxy | None:
        if volume is not None:
            found = self.state.behind(volume, "ScalarOpacityFunction")
            if found is not None:
                return found
        if table is not None:
            found = self.state.behind(table, "ScalarOpacityFunction")
            if found is not None and volume is not None:
                return found
        name = self.array or (array_of(volume) if volume is not None else "") or (table.name if table else "")
        known = [p for p in self.state.of("piecewise_functions") if p.name and p.numbers("Points")]
        own = [p for p in known if p.name == name]
        return own[-1] if own else known[-1] if len(known) == 1 and not name else None

    def opacities(self, function: Proxy | None, table: Proxy | None) -> None:
        flat = None if function is None else function.numbers("Points")
        if function is None or not flat or len(flat) < 4:
            if function is not None and function.get("ApplyPreset") is not None:
                self.report.leave(
                    self.state,
                    function.line,
                    self.name_of(function),
                    "opacities of a preset, which are not in the file",
                )
            return
        self.shown.used.add(function.key)
        log = is_on(function, "UseLogScale") and min(flat[::4]) > 0.0
        span = tables.values_of(function, self.data)
        if is_on(function, "Preset"):
            own = table.numbers("RGBPoints") if table is not None else None
            inside = min(flat[::4]) >= 0.0 and max(flat[::4]) <= 1.0 and (own is None or max(own[::4]) <= 1.0)
            if inside and self.data is not None:
                span = self.data
        if span is not None:
            flat = tables.rescaled(flat, *span, 4, log=log)
        if is_on(function, "InvertTransferFunction"):
            low, high = min(flat[::4]), max(flat[::4])
            flat = tuple(low + high - v if k % 4 == 0 else v for k, v in enumerate(flat))
        points = tables.opacity_points(flat, log=log)
        self.shown.scene["opacity"] = points
        bent = any(m != 0.5 or s != 0.0 for m, s in zip(flat[2::4], flat[3::4], strict=False))
        how = f", from {len(flat) // 4} with midpoints or sharpness," if bent and len(points) != len(flat) // 4 else ""
        self.report.took(
            f"{self.name_of(function)}: {len(points)} opacity points{how} of {min(flat[::4]):g} to {max(flat[::4]):g}"
        )

    def name_of(self, table: Proxy) -> str:
        return table.name or table.key

    def complain_of(self, table: Proxy) -> None:
        nan = three(table, "NanColor")
        if nan is not None and nan != (1.0, 1.0, 0.0) and nan != (0.5, 0.0, 0.0):
            why = "a colour for what is not a number; a movie leaves that away"
            self.report.leave(self.state, table.line_of("NanColor"), self.name_of(table), why)
        if word(table, "VectorMode") == "Component":
            why = "colours by a component; convert that component to a volume"
            self.report.leave(self.state, table.line_of("VectorMode"), self.name_of(table), why)
        few = number(table, "NumberOfTableValues", 256.0)
        if few < 64 and is_on(table, "Discretize", True):
            why = f"{few:.0f} colours in steps, which ParaView shows on surfaces and slices; here they are smooth"
            self.report.leave(self.state, table.line_of("NumberOfTableValues"), self.name_of(table), why)

    # ------------------------------------------------------------ the volume

    def volume(self, rep: Proxy) -> None:
        scene, name = self.shown.scene, self.source(rep)
        blend = word(rep, "BlendMode") or "Composite"
        if blend == "Isosurface":
            self.isosurfaces(rep)
            return
        self.opacities(self.opacity_of(rep, self.state.behind(rep, "LookupTable")), None)
        if blend in _BLENDS:
            if blend != "Composite":
                scene["blend"] = _BLENDS[blend]
                self.report.took(f"{name}: {blend.lower()} along each ray")
        else:
            self.report.leave(
                self.state, rep.line_of("BlendMode"), name, f'the blend mode "{blend}"; composite was taken'
            )
        unit = number(rep, "ScalarOpacityUnitDistance", 0.0)
        if unit > 0.0:
            scene["opacity_unit"] = self.frame.length(unit)
            self.report.took(
                f"{name}: its opacities hold over {scene['opacity_unit']:.4g} (Scalar Opacity Unit Distance)"
            )
        elif self.frame.grid is not None:
            scene["opacity_unit"] = usual_unit(self.frame.grid)
            self.report.took(
                f"{name}: no Scalar Opacity Unit Distance is in the file, which means ParaView's own, "
                f"{scene['opacity_unit']:.4g}"
            )
        else:
            self.report.leave(
                self.state,
                rep.line,
                name,
                "no Scalar Opacity Unit Distance, which ParaView works out from the data; add --volume brain.h5, "
                "or write opacity_unit",
            )
        if blend == "Composite":
            scene["light"] = self.light(rep, is_on(rep, "Shade"))
        for key, what in _OF_VOLUMES.items():
            if is_on(rep, key):
                self.report.leave(self.state, rep.line_of(key), name, what)
        self.complain_of_placing(rep)

    def light(self, rep: Proxy, shaded: bool) -> Any:
        if not shaded:
            self.report.took(f"{self.source(rep)}: unlit, as it is with Shade off")
            return "none"
        light = {
            "ambient": max(number(rep, "Ambient", 0.0), 0.0),
            "diffuse": max(number(rep, "Diffuse", 1.0), 0.0),
            "specular": max(number(rep, "Specular", 0.0), 0.0),
            "specular_power": max(number(rep, "SpecularPower", 100.0), 0.0),
        }
        self.report.took(
            f"{self.source(rep)}: lit from the camera, " + ", ".join(f"{k} {v:g}" for k, v in light.items())
        )
        return light

    def complain_of_placing(self, rep: Proxy) -> None:
        usual = {"Position": (0.0,) * 3, "Orientation": (0.0,) * 3, "Scale": (1.0,) * 3}
        moved = [key for key, value in usual.items() if (three(rep, key) or value) != value]
        if moved:
            why = f"it is moved, turned or scaled ({', '.join(moved)}); a movie shows the volume where it is"
            self.report.leave(self.state, rep.line_of(*moved), self.source(rep), why)

    # ------------------------------------------------------------ cuts, slices, surfaces

    def cut(self, volume: Proxy | None, reps: list[Proxy]) -> None:
        chains = (
            [volume] if volume is not None else [r for r in reps if self.input_type(r) not in ("Slice", "Contour")][-1:]
        )
        filters = [p for rep in chains for p in reversed(list(upstream(self.state, rep)))]
        if not reps:
            filters = [p for p in self.state.of("filters") if type_of(p) in ("Clip", "ExtractSubset")]
        cuts = Cuts(self.state, self.frame, self.report)
        for one in filters:
            self.shown.used.add(one.key)
            if not cuts.add(one) and one.group == "filters":
                why = f"the filter {type_of(one)} is not applied; a movie shows the volume's own values"
                self.report.leave(self.state, one.line, called(one), why)
        if cuts.planes:
            self.shown.scene["clip"] = cuts.planes
        if any(a >= b for a, b in cuts.box.values()):
            self.report.leave(self.state, 0, "its boxes", "they share nothing; nothing would be left of the volume")
        elif cuts.box:
            self.shown.scene["crop"] = cuts.box

    def planes(self, volume: Proxy | None, reps: list[Proxy], table: Proxy | None) -> None:
        found: list[dict[str, Any]] = []
        for rep in reps:
            source = self.state.behind(rep, "Input")
            if word(rep, "Representation") == "Slice":
                one = slice_of_grid(self.state, rep, self.frame, self.report)
                places = [] if one is None else [one]
            elif source is not None and type_of(source) == "Slice":
                places = slices_of(self.state, source, self.frame, self.report)
                self.shown.used |= {source.key, *(p.key for p in upstream(self.state, source))}
            else:
                continue
            self.shown.used.add(rep.key)
            extra = self.slice_look(rep, table)
            for place in places:
                found.append({"name": free_name(self.source(rep), [s["name"] for s in found]), **place, **extra})
            if places:
                self.report.took(f"{self.source(rep)}: {len(places)} slice{'s' if len(places) > 1 else ''}")
        if not found:
            return
        self.shown.scene["slices"] = found
        if volume is None:
            self.shown.scene["opacity"] = [[0.0, 0.0]]
            self.report.took("slices alone are shown, so that the volume itself is transparent (opacity)")

    def slice_look(self, rep: Proxy, table: Proxy | None) -> dict[str, Any]:
        extra: dict[str, Any] = {}
        opacity = min(max(number(rep, "Opacity", 1.0), 0.0), 1.0)
        if opacity < 1.0:
            extra["opacity"] = opacity
        own = self.state.behind(rep, "LookupTable")
        if own is not None and table is not None and own.key != table.key:
            data, said = tables.color_data(own, self.data)
            if data is not None:
                extra["color"] = data
                self.report.took(f"{self.name_of(own)}: " + "; ".join(said))
                self.shown.used.add(own.key)
        return extra

    def surfaces(self, volume: Proxy | None, reps: list[Proxy]) -> None:
        for rep in reps:
            source = self.state.behind(rep, "Input")
            if source is None or type_of(source) != "Contour":
                continue
            values = source.numbers("Isosurfaces", "ContourValues")
            self.shown.used |= {rep.key, source.key}
            if not values:
                self.report.leave(self.state, source.line, called(source), "it has no values (Isosurfaces)")
                continue
            self.put_surfaces(self.iso(rep, values), called(source), rep, beside=volume is not None)

    def isosurfaces(self, rep: Proxy) -> None:
        values = rep.numbers("IsosurfaceValues")
        if values:
            self.put_surfaces(self.iso(rep, values), self.source(rep), rep, beside=False)

    def iso(self, rep: Proxy, values: tuple[float, ...]) -> list[dict[str, Any]]:
        table = self.state.behind(rep, "LookupTable")
        solid = three(rep, "DiffuseColor", "AmbientColor") or (1.0, 1.0, 1.0)
        opacity = min(max(number(rep, "Opacity", 1.0), 0.0), 1.0)
        found = []
        for value in sorted(set(values)):
            color = tables.color_at(table, value) if table is not None and array_of(rep) else None
            found.append(
                {
                    "value": value,
                    "color": color or tables.hex_of(solid),
                    **({"opacity": opacity} if opacity < 1.0 else {}),
                }
            )
        return found

    def put_surfaces(self, iso: list[dict[str, Any]], name: str, rep: Proxy, *, beside: bool) -> None:
        listed = ", ".join(f"{one['value']:g}" for one in iso)
        scene = self.shown.scene
        if beside or "iso" in scene:
            look = free_name(name, self.shown.looks)
            self.shown.looks[look] = {"iso": iso}
            self.report.took(
                f'{name}: surfaces at {listed} are the look "{look}"; a scene shows either them or the volume'
            )
            return
        for key in ("color", "opacity", "opacity_unit"):
            scene.pop(key, None)
        scene["iso"] = iso
        scene["light"] = self.light(rep, True)
        self.report.took(f"{name}: surfaces at {listed}")

    # ------------------------------------------------------------ the view

    def ground(self, view: Proxy) -> None:
        first, second = three(view, "Background"), three(view, "Background2")
        mode = word(view, "BackgroundColorMode") or (
            "Gradient" if is_on(view, "UseGradientBackground") else "Single Color"
        )
        line = view.line_of("BackgroundColorMode", "Background")
        if mode == "Gradient":
            top, bottom = second or (0.0, 0.0, 0.165), first or (0.32, 0.34, 0.43)
            self.shown.scene["background"] = {"top": tables.hex_of(top), "bottom": tables.hex_of(bottom)}
            self.report.took("the background's gradient")
        elif mode == "Single Color":
            if first is not None:
                self.shown.scene["background"] = tables.hex_of(first)
                self.report.took(f"the background, {tables.hex_of(first)}")
            else:
                self.palette(view)
        else:
            self.report.leave(
                self.state, line, "the background", f"{mode.lower()}; a movie's is a colour or a gradient"
            )
        for key, what in _OF_VIEWS.items():
            if is_on(view, key):
                self.report.leave(self.state, view.line_of(key), called(view), what)
        if view.get("AdditionalLights"):
            why = "lights of its own; write them into light (fill, rim)"
            self.report.leave(self.state, view.line_of("AdditionalLights"), called(view), why)

    def palette(self, view: Proxy) -> None:
        """The background of the palette that was loaded; of a picture's own, where it was saved with one."""
        saved = [word(p, "OverrideColorPalette") for p in self.state.of("misc") if p.type.startswith("Save")]
        loaded = [p.name for p in self.state.of("misc", "LoadPalette")]
        name = next((n for n in [*saved[::-1], *loaded[::-1]] if n.replace(" ", "") in _PALETTES), None)
        if name is None:
            usual = tables.hex_of(_PALETTES["DefaultBackground"])
            why = f"it is not in the file, and the movie's is black; ParaView's own is background: \"{usual}\""
            self.report.leave(self.state, view.line, "the background", why)
            return
        plain = name.replace(" ", "")
        color = tables.hex_of(_PALETTES[plain])
        gradient = plain == "GradientBackground"
        self.shown.scene["background"] = {"top": tables.hex_of(_DUSK), "bottom": color} if gradient else color
        self.report.took(f"the background of the palette {name}")

    def rest(self, reps: list[Proxy]) -> None:
        """Names once what was shown and did not come over."""
        for rep in reps:
            if rep.key in self.shown.used:
                continue
            self.shown.used.add(rep.key)
            way = word(rep, "Representation") or "Surface"
            source = self.state.behind(rep, "Input")
            if source is not None and source.key in self.shown.used and way == "Surface":
                why = "its surface alone is shown in ParaView; a movie shows the volume: give it opacities"
            else:
                why = f"shown as {_UNSEEN.get(way, 'a ' + way.lower())}; a movie shows volumes, slices, iso surfaces"
            self.report.leave(self.state, rep.line, self.source(rep), why)


def usual_unit(grid: Any) -> float:
    """ParaView's Scalar Opacity Unit Distance for a grid: its diagonal over the cube root of its number of cells."""
    cells = math.prod(max(n - 1, 1) for n in grid.shape)
    return float(grid.bounds.diagonal / cells ** (1.0 / 3.0))
