"""Slices in the movie file: planes that show the volume's values, where they stand and how they travel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from stackreel.geometry import Vec3
from stackreel.scene.colormaps import parse_color
from stackreel.scene.document.looks import Looks
from stackreel.scene.document.picture import ColorMap, SlicePart, SliceSpec
from stackreel.scene.document.problems import Path, did_you_mean
from stackreel.scene.document.spec import ShotSpec, SliceMove
from stackreel.scene.scene import Scene
from stackreel.scene.slice import Slice
from stackreel.scene.sweep import SliceGlide, placed
from stackreel.scene.timeline import Span

_TINY = 1e-9


class Slices(Looks):
    """What the words of slices stand for."""

    def slices(self, specs: Sequence[SliceSpec], scene: Scene, path: Path) -> tuple[Slice, ...]:
        """The slices of a scene; one with a problem is left out."""
        found: list[Slice] = []
        for i, spec in enumerate(specs):
            here = (*path, i)
            if spec.axis is None and spec.normal is None:
                self.say(here, "says not how it lies; give an axis (x, y or z), or a normal")
                continue
            some = self._shaped(spec, None, scene, here)
            if some is None:
                continue
            if spec.at is not None:
                if spec.origin is not None:
                    self.say((*here, "at"), "does not go with origin; write one of the two")
                some = placed(some, self.length(spec.at, (*here, "at")))
            if some.name in [s.name for s in found]:
                self.say(here, f'there is a slice "{some.name}" already; give this one a name of its own')
                continue
            found.append(some)
        return tuple(found)

    def slice_spans(self, shot: ShotSpec, opening: Scene, path: Path) -> list[Span]:
        """What the slices do in a shot."""
        said = [] if shot.slice is None else [(shot.slice, (*path, "slice"))]
        said += [(spec, (*path, "slices", i)) for i, spec in enumerate(shot.slices or ())]
        moved: set[str] = set()
        spans = []
        for spec, here in said:
            start, seconds = self._timing(spec, shot.seconds, here)
            move = self.slice_move(spec, opening, moved, here)
            if move is not None:
                spans.append(Span(move, start, seconds, spec.ease or shot.ease))
        return spans

    def _timing(self, spec: SliceMove, seconds: float, path: Path) -> tuple[float, float]:
        start = spec.after or 0.0
        if start >= seconds:
            self.say((*path, "after"), f"sets off at {start:g} s, but the shot lasts {seconds:g} s")
            return 0.0, seconds
        lasts = seconds - start if spec.for_ is None else spec.for_
        if start + lasts > seconds + _TINY:
            self.say(
                (*path, "for"),
                f"{f'from {start:g} s for ' if start else ''}{lasts:g} s goes beyond the shot, "
                f"which lasts {seconds:g} s",
            )
            return start, seconds - start
        return start, lasts

    def slice_move(self, spec: SliceMove, opening: Scene, moved: set[str], path: Path) -> SliceGlide | None:
        """How a slice travels in a shot; None after a problem. `moved` gathers the names of those that do."""
        there = {s.name: s for s in opening.slices}
        name = spec.name or (spec.axis or "").lstrip("-") or ("slice" if "slice" in there or spec.normal else None)
        if name is None:
            if len(there) != 1:
                listed = f", one of {', '.join(there)}" if there else ""
                self.say(path, f"says not which slice; give its name{listed}, or an axis")
                return None
            name = next(iter(there))
        if name in moved:
            self.say(path, f'slice "{name}" moves in this shot already; give each move a shot of its own')
            return None
        moved.add(name)
        base = there.get(name)
        if base is None and spec.axis is None and spec.normal is None:
            self.say(
                (*path, "name"),
                f'there is no slice "{name}"' + did_you_mean(name, there) + "; a new one needs an axis or a normal",
            )
            return None
        lies = spec if base is None or spec.name is not None else spec.model_copy(update={"axis": None})
        end = self._shaped(lies, base, opening, path, name)
        if end is None:
            return None
        start = base or end
        if spec.from_ is not None:
            start = placed(start, self.length(spec.from_, (*path, "from")))
            end = end if spec.origin is not None else placed(end, self.length(spec.from_, path))
        if spec.to is not None:
            if spec.origin is not None and base is not None:
                self.say((*path, "to"), "does not go with origin; write one of the two")
            end = placed(end, self.length(spec.to, (*path, "to")))
        return SliceGlide(start, end)

    def _shaped(
        self, spec: SlicePart, base: Slice | None, scene: Scene, path: Path, name: str | None = None
    ) -> Slice | None:
        """The slice with what the words say of it, the rest as in `base`; None after a problem."""
        before = len(self.problems)
        if spec.axis is not None and spec.normal is not None:
            self.say((*path, "normal"), "does not go with axis; write one of the two")
        if spec.axis is not None and spec.origin is not None:
            self.say((*path, "origin"), "does not go with axis; say where on the axis it stands (at, or from and to)")
        lies = spec.axis if spec.axis is not None else spec.normal
        where = "axis" if spec.axis is not None else "normal"
        normal: Vec3 | None = base.normal if base else (0.0, 0.0, 1.0)
        if lies is not None:
            normal = self.direction(lies, (*path, where))
        origin = base.origin if base else self.subject.bounds.center
        if spec.origin is not None:
            origin = self.point(spec.origin, (*path, "origin"))
        color = base.color if base else None
        if spec.color is not None:
            color = self._slice_colors(spec.color, scene, (*path, "color"))
        if len(self.problems) > before or normal is None:
            return None
        called = name or spec.name or (spec.axis or "slice").lstrip("-")
        given: dict[str, Any] = {
            key: value for key in ("opacity", "masked", "cropped", "cut") if (value := getattr(spec, key)) is not None
        }
        if spec.outline is not None:
            given["outline"] = parse_color(spec.outline)
        some = base or Slice(origin, normal)
        return replace(some, origin=origin, normal=normal, color=color, name=called, **given)

    def _slice_colors(self, spec: Any, scene: Scene, path: Path) -> Any:
        if isinstance(spec, ColorMap):
            for key in ("channel", "labels", "other"):
                if getattr(spec, key) is not None:
                    self.say((*path, key), "is not for slices, which show the channel that opacities come from")
                    return None
            if spec.map is None and spec.points is None:
                self.say(path, "says nothing; give a map or points")
                return None
        return self.colors(spec, path, self.subject.channel(scene.transfer.channel), None)
