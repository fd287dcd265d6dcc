"""Lengths, boxes and places of a movie file, measured out on a volume; problems are collected on the way."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stackreel.geometry import Box, Vec3, parse_length
from stackreel.scene.document.picture import BoxSpec
from stackreel.scene.document.problems import Path, Problem, did_you_mean
from stackreel.scene.document.spec import MovieSpec
from stackreel.scene.subject import Subject
from stackreel.scene.suggest import suggest

_AXES: dict[str, Vec3] = {
    "x": (1.0, 0.0, 0.0), "y": (0.0, 1.0, 0.0), "z": (0.0, 0.0, 1.0),
    "-x": (-1.0, 0.0, 0.0), "-y": (0.0, -1.0, 0.0), "-z": (0.0, 0.0, -1.0),
}  # fmt: skip


FARTHEST = 1e4
"""World units; nothing that a movie speaks of is farther from the centre."""


class Measure:
    """The values that words stand for; a part with a problem is left out and the walk goes on."""

    def __init__(self, spec: MovieSpec, subject: Subject, *, early: bool) -> None:
        self.spec, self.subject, self.early = spec, subject, early
        self.problems: list[Problem] = []
        self.aspect = spec.output.size[0] / spec.output.size[1]
        self.first_look = suggest(subject)
        self.places: dict[str, Box | None] = {}

    def say(self, path: Path, message: str, *, needs_volume: bool = False) -> None:
        if not (self.early and needs_volume):
            self.problems.append(Problem(path, message))

    # ------------------------------------------------------------ lengths, points, boxes

    def length(self, value: float | str, path: Path) -> float:
        length = float(value) if isinstance(value, (int, float)) else self._converted(value, path)
        if abs(length) > FARTHEST:
            self.say(
                path,
                f"{said(value)} is farther away than a picture can show; the volume's longest side is 1",
                needs_volume=isinstance(value, str),
            )
            return 0.0
        return length

    def _converted(self, value: str, path: Path) -> float:
        um, _ = parse_length(value)
        if self.subject.um_per_unit is None:
            self.say(
                path,
                f'"{value}" has a unit, but the volume has no physical size; write world units (its longest side is 1)',
                needs_volume=True,
            )
            return um / 1e4
        return um / self.subject.um_per_unit

    def point(self, value: tuple[Any, Any, Any], path: Path) -> Vec3:
        x, y, z = (self.length(v, (*path, i)) for i, v in enumerate(value))
        return (x, y, z)

    def box(self, spec: BoxSpec, path: Path) -> Box | None:
        bounds, sound = self.subject.extent, True
        lower, upper = list(bounds.lower), list(bounds.upper)
        for k, axis in enumerate("xyz"):
            interval = getattr(spec, axis)
            if interval is None:
                continue
            lower[k], upper[k] = (self.length(v, (*path, axis, i)) for i, v in enumerate(interval))
            if not lower[k] < upper[k]:
                mixed = len({isinstance(v, str) for v in interval}) > 1
                self.say(
                    (*path, axis),
                    f"from {said(interval[0])} to {said(interval[1])} is empty; write the smaller first",
                    needs_volume=mixed,
                )
                sound = False
        box = Box((lower[0], lower[1], lower[2]), (upper[0], upper[1], upper[2]))
        if sound and box.intersect(bounds).is_empty:
            shown = self.subject.bounds
            spans = ", ".join(f"{a} {p:.3g} … {q:.3g}" for a, p, q in zip("xyz", shown.lower, shown.upper, strict=True))
            self.say(path, f"lies outside the volume, which spans {spans}", needs_volume=True)
            sound = False
        return box if sound else None

    def place(self, name: str, path: Path, others: Iterable[str] = ()) -> Box | None:
        """The named place's box; None after a problem."""
        if name == "volume":
            return self.subject.bounds
        if name not in self.places:
            known = [*self.places, "volume", *others]
            self.say(path, f'there is no place "{name}"' + did_you_mean(name, known))
            return None
        if self.spec.places[name].box is None and self.spec.places[name].camera is not None:
            self.say(path, f'"{name}" is a camera; give that place a box too')
        return self.places[name]

    def direction(self, value: str | tuple[float, float, float], path: Path) -> Vec3 | None:
        if isinstance(value, str):
            return _AXES[value]
        if not max(map(abs, value)) > 1e-9:
            self.say(path, "is zero, which is no direction")
            return None
        return value


def said(length: float | str) -> str:
    """A length as the file has it."""
    return length if isinstance(length, str) else f"{length:g}"
