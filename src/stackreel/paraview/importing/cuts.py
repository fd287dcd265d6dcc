"""What cuts the volume in ParaView (Clip, Slice, Extract Subset, Contour) in the words of a movie file."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from stackreel.geometry import Vec3
from stackreel.paraview.importing.frame import Frame
from stackreel.paraview.importing.reading import called, inner, is_on, number, three, type_of, word
from stackreel.paraview.importing.report import Report
from stackreel.paraview.proxies import Proxy, State

_AXES = {"x": 0, "y": 1, "z": 2}
Interval = list[float]


class Cuts:
    """Clip planes, and the box that is left, gathered from one filter after the other."""

    def __init__(self, state: State, frame: Frame, report: Report) -> None:
        self.state, self.frame, self.report = state, frame, report
        self.planes: list[dict[str, Any]] = []
        self.box: dict[str, Interval] = {}
        self.where: dict[str, int] = {}

    def add(self, proxy: Proxy) -> bool:
        """Takes a filter; False where it is none that cuts."""
        kind = type_of(proxy)
        if kind == "Clip":
            self._clip(proxy)
        elif kind == "ExtractSubset":
            self._subset(proxy)
        else:
            return False
        return True

    # ------------------------------------------------------------ clips

    def _clip(self, clip: Proxy) -> None:
        by = inner(self.state, clip, "ClipType", "ClipFunction")
        kind = (by.type if by is not None else "") or "Plane"
        inside = is_on(clip, "Invert", is_on(clip, "InsideOut", True))
        name, line = called(clip), clip.line_of("ClipType")
        crinkle_told(self.state, clip, self.report)
        if kind == "Plane":
            self._plane(clip, by, inside)
        elif kind == "Box" and by is not None:
            self._box(clip, by, inside)
        else:
            ways = {"Scalar": "say with the opacities which values show", "Cylinder": "clip planes are flat"}
            why = ways.get(kind, "a movie cuts with planes and boxes")
            self.report.leave(self.state, line, name, f"a clip by {kind.lower()} cannot be said in a movie file; {why}")

    def _plane(self, clip: Proxy, by: Proxy | None, inside: bool) -> None:
        origin, normal = plane_of(by, self.frame)
        if normal is None:
            self.report.leave(self.state, clip.line, called(clip), "the normal of its plane is zero")
            return
        kept = [-v for v in normal] if inside else normal
        self.where.setdefault("planes", len(self.planes))
        self.planes.append({"origin": origin, "normal": _axis_of(kept) or _clean(kept)})
        self.report.took(
            f"{called(clip)}: a clip plane at {said(origin)}, of which the side to {said(_clean(kept))} stays"
        )

    def _box(self, clip: Proxy, box: Proxy, inside: bool) -> None:
        name, line = called(clip), clip.line_of("ClipType")
        if not inside:
            self.report.leave(
                self.state, line, name, "it cuts a box out and keeps the rest, which a movie cannot; planes can"
            )
            return
        lower, upper = box_of(box)
        if min(b - a for a, b in zip(lower, upper, strict=True)) <= 0.0:
            self.report.leave(self.state, line, name, "its box is empty")
            return
        turned = three(box, "Rotation") or (0.0, 0.0, 0.0)
        if any(abs(v) > 1e-9 for v in turned):
            self._turned_box(name, box, lower, upper, turned)
            return
        a, b = self.frame.point(lower), self.frame.point(upper)
        self.keep({axis: [a[k], b[k]] for axis, k in _AXES.items()}, name)

    def _turned_box(self, name: str, box: Proxy, lower: Vec3, upper: Vec3, degrees: Vec3) -> None:
        """Six planes for a box that stands askew."""
        position = three(box, "Position") or (0.0, 0.0, 0.0)
        turn = rotation(degrees)
        low, high = np.subtract(lower, position), np.subtract(upper, position)
        for k, side in product(range(3), (0, 1)):
            normal = turn[:, k] * (1.0 if side == 0 else -1.0)
            origin = np.add(position, turn @ np.where(np.arange(3) == k, (low, high)[side], 0.5 * (low + high)))
            self.planes.append(
                {"origin": self.frame.point([float(v) for v in origin]), "normal": _clean(self.frame.normal(normal))}
            )
        self.report.took(f"{name}: a box that stands askew became six clip planes")

    def keep(self, box: dict[str, Interval], name: str) -> None:
        """Keeps what lies in this box too."""
        for axis, (a, b) in box.items():
            low, high = self.box.get(axis, [a, b])
            self.box[axis] = [max(a, low), min(b, high)]
        self.report.took(f"{name}: a box, " + ", ".join(f"{axis} {a:.4g} to {b:.4g}" for axis, (a, b) in box.items()))

    # ------------------------------------------------------------ subsets

    def _subset(self, subset: Proxy) -> None:
        voi, name = subset.numbers("VOI"), called(subset)
        if voi is None or len(voi) != 6:
            self.report.leave(self.state, subset.line, name, "it does not say which samples (VOI)")
            return
        grid = self.frame.grid
        if grid is None:
            self.report.leave(
                self.state,
                subset.line_of("VOI"),
                name,
                "its box is given in samples; add --volume brain.h5, so that its place in the world is known",
            )
            return
        ends = [grid.world_from_index(tuple(voi[i::2])[::-1]) for i in (0, 1)]
        bounds = grid.bounds
        box = {
            axis: [ends[0][k] - 0.5 * grid.step[k], ends[1][k] + 0.5 * grid.step[k]]
            for axis, k in _AXES.items()
            if ends[0][k] > bounds.lower[k] + 1e-9 or ends[1][k] < bounds.upper[k] - 1e-9
        }
        if any(a >= b for a, b in box.values()):
            self.report.leave(self.state, subset.line_of("VOI"), name, "its box holds no samples")
        elif box:
            self.keep(box, name)
        for rate in ("SampleRateI", "SampleRateJ", "SampleRateK"):
            if number(subset, rate, 1.0) != 1.0:
                self.report.leave(
                    self.state,
                    subset.line_of(rate),
                    name,
                    "its sampling rate is not needed: every frame takes what it shows",
                )
                break


# ---------------------------------------------------------------- planes and boxes


def plane_of(plane: Proxy | None, frame: Frame) -> tuple[list[float], list[float] | None]:
    """(origin, normal) of an implicit plane in the world; the normal is None where it is zero."""
    origin, normal, offset = (0.0, 0.0, 0.0), (1.0, 0.0, 0.0), 0.0
    if plane is not None:
        origin = three(plane, "Origin", "OriginInfo") or origin
        normal = three(plane, "Normal", "NormalInfo") or normal
        offset = number(plane, "Offset", 0.0)
    if not float(np.linalg.norm(normal)) > 0.0:
        return frame.point(origin), None
    moved = np.add(origin, offset * np.asarray(normal))  # ParaView's offset counts lengths of the normal as it is given
    world = np.asarray(frame.normal(normal))
    return frame.point([float(v) for v in moved]), [float(v) for v in world / np.linalg.norm(world)]


def crinkle_told(state: State, proxy: Proxy, report: Report) -> None:
    """Tells where a cut follows the borders of cells."""
    names = ("Crinkleclip", "Crinkleslice", "PreserveInputCells")
    if any(is_on(proxy, name) for name in names):
        report.leave(state, proxy.line_of(*names), called(proxy), "whole cells (crinkle) are kept; a movie cuts flat")


def box_of(box: Proxy) -> tuple[Vec3, Vec3]:
    """(lower, upper) corner of an implicit box, not yet turned."""
    position = three(box, "Position") or (0.0, 0.0, 0.0)
    length = three(box, "Length", "Scale") or (1.0, 1.0, 1.0)
    bounds = box.numbers("Bounds")
    if bounds is not None and len(bounds) == 6 and (is_on(box, "UseReferenceBounds") or "Length" not in box.settings):
        low, high = bounds[::2], bounds[1::2]
    else:
        low, high = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
    lower = [p + s * v for p, s, v in zip(position, length, low, strict=True)]
    upper = [p + s * v for p, s, v in zip(position, length, high, strict=True)]
    return (lower[0], lower[1], lower[2]), (upper[0], upper[1], upper[2])


def rotation(degrees: Vec3) -> Any:
    """VTK's rotation by angles about x, y and z: first about y, then about x, then about z."""
    x, y, z = np.radians(degrees)
    about_x = np.array([[1, 0, 0], [0, np.cos(x), -np.sin(x)], [0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0], [np.sin(z), np.cos(z), 0], [0, 0, 1]])
    return about_z @ about_x @ about_y


def slices_of(state: State, proxy: Proxy, frame: Frame, report: Report) -> list[dict[str, Any]]:
    """The planes of a Slice filter, one for each of its offsets."""
    by = inner(state, proxy, "SliceType", "CutFunction")
    kind = (by.type if by is not None else "") or "Plane"
    if kind != "Plane":
        report.leave(state, proxy.line_of("SliceType"), called(proxy), f"a slice by {kind.lower()}; a movie's are flat")
        return []
    offsets = proxy.numbers("SliceOffsetValues", "ContourValues") or (0.0,)
    origin, normal = plane_of(by, Frame())
    if normal is None:
        report.leave(state, proxy.line, called(proxy), "the normal of its plane is zero")
        return []
    crinkle_told(state, proxy, report)
    given = np.asarray((three(by, "Normal", "NormalInfo") if by is not None else None) or (1.0, 0.0, 0.0))
    square, moved = float(given @ given), number(by, "Offset", 0.0) if by is not None else 0.0
    # ParaView moves the plane itself for one value; of several it makes level sets of the plane's function
    moves = [moved * square + offsets[0]] if len(offsets) == 1 else [moved + v / square for v in offsets]
    own = np.asarray(origin) - moved * given
    world = np.asarray(frame.normal(normal))
    axis = _axis_of([float(v) for v in world])
    found = []
    for move in moves:
        origin = frame.point([float(v) for v in own + move * given])
        if axis is not None:
            found.append({"axis": axis, "at": origin[_AXES[axis.lstrip("-")]]})
        else:
            found.append({"origin": origin, "normal": _clean([float(v) for v in world / np.linalg.norm(world)])})
    return found


def slice_of_grid(state: State, shown: Proxy, frame: Frame, report: Report) -> dict[str, Any] | None:
    """The plane that the representation Slice shows: one layer of samples."""
    mode = word(shown, "SliceMode") or "XY Plane"
    axis = {"XY Plane": "z", "YZ Plane": "x", "XZ Plane": "y"}.get(mode)
    if axis is None or frame.grid is None:
        why = (
            f'"{mode}" is no plane'
            if axis is None
            else "it counts samples; add --volume brain.h5, so that their place is known"
        )
        report.leave(state, shown.line_of("SliceMode", "Slice"), called(shown), why)
        return None
    k = _AXES[axis]
    return {"axis": axis, "at": frame.grid.origin[k] + number(shown, "Slice", 0.0) * frame.grid.step[k]}


def said(values: Any) -> str:
    return ", ".join(f"{float(v):.4g}" for v in values)


def _clean(values: Any) -> list[float]:
    """Without the dust of arithmetic: -0.0 and 1e-17 are 0."""
    return [0.0 if abs(v) < 1e-15 else float(v) for v in values]


def _axis_of(normal: list[float]) -> str | None:
    """The axis that a direction lies on, with its sign; None for one that lies askew."""
    size = max(abs(v) for v in normal)
    along = [k for k, v in enumerate(normal) if abs(v) > 1e-12 * size]
    if len(along) != 1:
        return None
    return ("-" if normal[along[0]] < 0.0 else "") + "xyz"[along[0]]
