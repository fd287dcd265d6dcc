"""Where things are: the only place where index order meets world order.

Arrays are indexed (z, y, x): section, row, column. World points are (x, y, z), the frame that ParaView shows.
In the world the largest extent of the full-resolution volume (samples × spacing) is exactly 1, sample i of an
axis with n samples lies at (i - n/2) · step, and every level, crop and exported file lives in that one frame.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from stackreel.errors import UnitError

Index3 = tuple[int, int, int]
Vec3 = tuple[float, float, float]

MICROMETRES_PER = {
    "nm": 1e-3,
    "um": 1.0,
    "µm": 1.0,  # micro sign
    "μm": 1.0,  # Greek mu
    "micron": 1.0,
    "mm": 1e3,
    "cm": 1e4,
    "m": 1e6,
}

LARGEST_RATIO = 1e6
"""Of two spacings of a volume; more than that is a slip in a number or a unit."""

_LENGTH = re.compile(r"\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*([^\d\s.]*)\s*")


def parse_length(text: str) -> tuple[float, str | None]:
    """A length as people write it: "60um" → (60.0, "um"), "1.3" → (1.3, None), "0.25 mm" → (250.0, "um").

    With a unit, the value comes back in µm and the unit as "um"; without one, as it stands.
    Raises UnitError for anything else.
    """
    match = _LENGTH.fullmatch(text)
    if match is None:
        raise UnitError(f'"{text}" is not a length; write a number and a unit, as in 1.3um, 60 um or 0.07mm')
    value, unit = float(match[1]), match[2]
    if not unit:
        return value, None
    if unit not in MICROMETRES_PER:
        raise UnitError(f'"{text}": unknown unit "{unit}"; known are {", ".join(sorted(MICROMETRES_PER))}')
    return value * MICROMETRES_PER[unit], "um"


def format_um(value_um: float) -> str:
    """A length in µm in the unit a person would choose: 0.004 → "4 nm", 1.3 → "1.3 µm", 37364 → "37.4 mm"."""
    size = abs(value_um)
    if size < 0.1:
        return f"{value_um * 1e3:.3g} nm"
    if size < 1e3:
        return f"{value_um:.3g} µm"
    if size < 1e5:
        return f"{value_um / 1e3:.3g} mm"
    return f"{value_um / 1e4:.3g} cm"


@dataclass(frozen=True, slots=True)
class Spacing:
    """Distance between neighbouring samples along (z, y, x).

    unit : "um" when the numbers are micrometres, "" when only their ratios are known.
    """

    z: float
    y: float
    x: float
    unit: str = ""

    def __post_init__(self) -> None:
        for axis, value in zip("zyx", self.zyx, strict=True):
            if not (0 < value < float("inf")):
                raise UnitError(f"spacing along {axis} is {value:g}; it must be a positive length")
        # reduced levels come to more than a person may state
        self._refuse_beyond(1e3 * LARGEST_RATIO)
        if self.unit not in ("", "um"):
            raise UnitError(f'spacing unit "{self.unit}" must be "um" or "" (ratios only)')

    def _refuse_beyond(self, ratio: float) -> None:
        if max(self.zyx) > ratio * min(self.zyx) or not 1e-100 < min(self.zyx) <= max(self.zyx) < 1e100:
            raise UnitError(
                f"spacing {' × '.join(f'{v:g}' for v in self.zyx)} (z × y × x) is of no microscope: the largest may be "
                f"{ratio:,.0f} times the smallest; check the numbers and their units"
            )

    @property
    def zyx(self) -> Vec3:
        return (self.z, self.y, self.x)

    @staticmethod
    def parse(texts: Sequence[str]) -> Spacing:
        """Spacing from three texts in the order z y x: ["60um", "1.3um", "1.3um"] or ["40", "1", "1"].

        Either all three carry a unit or none does; otherwise UnitError.
        """
        if len(texts) != 3:
            raise UnitError(f"spacing needs three lengths (z y x); got {len(texts)}: {' '.join(texts)}")
        parsed = [parse_length(text) for text in texts]
        units = {unit for _, unit in parsed}
        if len(units) > 1:
            raise UnitError(f"spacing {' '.join(texts)} mixes lengths with and without a unit; give all three one")
        z, y, x = (value for value, _ in parsed)
        spacing = Spacing(z, y, x, units.pop() or "")
        spacing._refuse_beyond(LARGEST_RATIO)
        return spacing

    def scaled(self, factors: Sequence[float]) -> Spacing:
        return Spacing(self.z * factors[0], self.y * factors[1], self.x * factors[2], self.unit)

    def __str__(self) -> str:
        if self.unit == "um":
            return " × ".join(format_um(v) for v in self.zyx)
        return " : ".join(f"{v:g}" for v in self.zyx)


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box in world coordinates, corners as (x, y, z)."""

    lower: Vec3
    upper: Vec3

    @property
    def center(self) -> Vec3:
        return _vec(0.5 * (a + b) for a, b in zip(self.lower, self.upper, strict=True))

    @property
    def size(self) -> Vec3:
        return _vec(b - a for a, b in zip(self.lower, self.upper, strict=True))

    @property
    def diagonal(self) -> float:
        return float(sum(s * s for s in self.size) ** 0.5)

    @property
    def is_empty(self) -> bool:
        return any(b <= a for a, b in zip(self.lower, self.upper, strict=True))

    @property
    def corners(self) -> tuple[Vec3, ...]:
        xs, ys, zs = zip(self.lower, self.upper, strict=True)
        return tuple((x, y, z) for z in zs for y in ys for x in xs)

    def intersect(self, other: Box) -> Box:
        """What both boxes share; `is_empty` when they share nothing."""
        return Box(
            _vec(max(a, b) for a, b in zip(self.lower, other.lower, strict=True)),
            _vec(min(a, b) for a, b in zip(self.upper, other.upper, strict=True)),
        )

    def contains(self, point: Sequence[float]) -> bool:
        return all(a <= p <= b for a, p, b in zip(self.lower, point, self.upper, strict=True))


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a regular grid of samples stands in the world.

    shape       : samples along (z, y, x)
    origin      : world (x, y, z) of sample (0, 0, 0)
    step        : world distance between neighbouring samples along (x, y, z)
    um_per_unit : micrometres in one world unit; None when the spacing carries no unit
    """

    shape: Index3
    origin: Vec3
    step: Vec3
    um_per_unit: float | None = None

    @staticmethod
    def of(shape: Sequence[int], spacing: Spacing) -> Placement:
        """The full-resolution grid: largest extent 1, index n/2 at 0 on every axis.

        The convention of the XDMF files this project comes from: origin -n·step/2, step spacing/extent.
        """
        unit = max(n * s for n, s in zip(shape, spacing.zyx, strict=True))
        step_zyx = [s / unit for s in spacing.zyx]
        origin_zyx = [-n * s / 2 for n, s in zip(shape, step_zyx, strict=True)]
        return Placement(
            _index(shape), _vec(origin_zyx[::-1]), _vec(step_zyx[::-1]), unit if spacing.unit == "um" else None
        )

    def reduced(self, factors: Sequence[int]) -> Placement:
        """The grid whose samples each stand for factors (z, y, x) of ours: centred on them, rounded up at the end."""
        shape = [-(-n // f) for n, f in zip(self.shape, factors, strict=True)]
        fx = tuple(factors)[::-1]
        origin = (o + 0.5 * (f - 1) * s for o, s, f in zip(self.origin, self.step, fx, strict=True))
        step = (s * f for s, f in zip(self.step, fx, strict=True))
        return Placement(_index(shape), _vec(origin), _vec(step), self.um_per_unit)

    def strided(self, start: Sequence[int], stride: Sequence[int], count: Sequence[int]) -> Placement:
        """The grid of every stride-th of our samples from start on; all (z, y, x). Registers exactly with ours."""
        start_x, stride_x = tuple(start)[::-1], tuple(stride)[::-1]
        origin = (o + a * s for o, s, a in zip(self.origin, self.step, start_x, strict=True))
        step = (s * k for s, k in zip(self.step, stride_x, strict=True))
        return Placement(_index(count), _vec(origin), _vec(step), self.um_per_unit)

    @property
    def bounds(self) -> Box:
        """From the first to the last sample's position on every axis: the bounds that ParaView shows."""
        nx = self.shape[::-1]
        upper = (o + (n - 1) * s for o, s, n in zip(self.origin, self.step, nx, strict=True))
        return Box(self.origin, _vec(upper))

    @property
    def extent(self) -> Box:
        """Bounds grown by half a sample on every side: where the samples' own boxes end."""
        b = self.bounds
        return Box(
            _vec(a - 0.5 * s for a, s in zip(b.lower, self.step, strict=True)),
            _vec(a + 0.5 * s for a, s in zip(b.upper, self.step, strict=True)),
        )

    def world_from_index(self, zyx: Sequence[float]) -> Vec3:
        i = tuple(zyx)[::-1]
        return _vec(o + s * k for o, s, k in zip(self.origin, self.step, i, strict=True))

    def index_from_world(self, xyz: Sequence[float]) -> Vec3:
        """Continuous index (z, y, x) of a world point (x, y, z)."""
        k = [(p - o) / s for p, o, s in zip(xyz, self.origin, self.step, strict=True)]
        return _vec(k[::-1])


def _vec(values: object) -> Vec3:
    x, y, z = (float(v) for v in values)  # type: ignore[attr-defined]
    return (x, y, z)


def _index(values: Sequence[int]) -> Index3:
    z, y, x = (int(v) for v in values)
    return (z, y, x)
