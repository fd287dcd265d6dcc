"""The curves on which ParaView leads a camera: through key poses (Kochanek), and along drawn paths (cardinal).

Both are VTK's, ends included: a camera starts and ends at rest.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def kochanek_at(times: Array, values: Array, t: float) -> Array:
    """Values (n, k) at increasing times (n,), smoothly between them; at rest at both ends, constant beyond them.

    vtkKochanekSpline without tension, bias or continuity.
    """
    if len(times) == 1 or t <= times[0]:
        return np.asarray(values[0])
    if t >= times[-1]:
        return np.asarray(values[-1])
    i = int(np.clip(np.searchsorted(times, t, side="right") - 1, 0, len(times) - 2))
    h = times[i + 1] - times[i]

    def slope(j: int, *, leaving: bool) -> Array:
        """How fast values change at a key, per interval that follows (leaving) or precedes it."""
        if j in (0, len(times) - 1):
            return np.zeros_like(values[0])
        before, after = times[j] - times[j - 1], times[j + 1] - times[j]
        mean = 0.5 * (values[j + 1] - values[j - 1])
        return np.asarray(mean * 2.0 * (after if leaving else before) / (before + after))

    u = (t - times[i]) / h
    return _hermite(values[i], values[i + 1], slope(i, leaving=True), slope(i + 1, leaving=False), u)


def linear_at(times: Array, values: Array, t: float) -> Array:
    """The same with straight lines."""
    return np.stack([np.interp(t, times, values[:, k]) for k in range(values.shape[1])])


def _hermite(a: Array, b: Array, da: Array, db: Array, u: float) -> Array:
    v = 1.0 - u
    return np.asarray(v * v * (1.0 + 2.0 * u) * a + u * u * (3.0 - 2.0 * u) * b + u * v * (v * da - u * db))


@dataclass(frozen=True)
class Path:
    """A smooth curve through points (n, 3), at even speed along straight lines between them (vtkParametricSpline).

    slopes : of the curve at each point, per length
    """

    points: Array
    knots: Array
    slopes: Array

    @staticmethod
    def through(points: npt.ArrayLike, *, closed: bool) -> Path:
        """A path that ends at rest, or comes back to where it began."""
        p = np.asarray(points, dtype=np.float64).reshape(-1, 3)
        if closed and len(p) > 2 and float(np.linalg.norm(p[0] - p[-1])) > 0.0:
            p = np.concatenate([p, p[:1]])
        keep = np.concatenate([[True], np.linalg.norm(np.diff(p, axis=0), axis=1) > 0.0])
        p = p[keep]
        knots = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(p, axis=0), axis=1))])
        round_ = closed and len(p) > 3
        return Path(p, knots, _periodic(p, knots) if round_ else _clamped(p, knots))

    def at(self, u: float) -> Array:
        """The point at share u of the path."""
        if len(self.points) == 1:
            return np.asarray(self.points[0])
        s = min(max(u, 0.0), 1.0) * self.knots[-1]
        i = int(np.clip(np.searchsorted(self.knots, s, side="right") - 1, 0, len(self.knots) - 2))
        h = self.knots[i + 1] - self.knots[i]
        ends = self.points[i], self.points[i + 1], h * self.slopes[i], h * self.slopes[i + 1]
        return _hermite(*ends, (s - self.knots[i]) / h)


def _clamped(p: Array, knots: Array) -> Array:
    """Slopes of the cubic spline that is at rest at both ends."""
    n = len(p)
    slopes = np.zeros_like(p)
    if n > 2:
        m, right = np.zeros((n - 2, n - 2)), np.zeros((n - 2, 3))
        h = np.diff(knots)
        for r, i in enumerate(range(1, n - 1)):
            m[r, r] = 2.0 * (1.0 / h[i - 1] + 1.0 / h[i])
            if r > 0:
                m[r, r - 1] = 1.0 / h[i - 1]
            if r < n - 3:
                m[r, r + 1] = 1.0 / h[i]
            right[r] = 3.0 * ((p[i] - p[i - 1]) / h[i - 1] ** 2 + (p[i + 1] - p[i]) / h[i] ** 2)
        slopes[1:-1] = np.linalg.solve(m, right)
    return slopes


def _periodic(p: Array, knots: Array) -> Array:
    """Slopes of the cubic spline that goes round; its last point is its first."""
    n, h = len(p) - 1, np.diff(knots)
    m, right = np.zeros((n, n)), np.zeros((n, 3))
    for i in range(n):
        before, after = h[i - 1], h[i]
        m[i, i] += 2.0 * (1.0 / before + 1.0 / after)
        m[i, (i - 1) % n] += 1.0 / before
        m[i, (i + 1) % n] += 1.0 / after
        right[i] = 3.0 * ((p[i] - p[i - 1 if i else n - 1]) / before**2 + (p[i + 1] - p[i]) / after**2)
    slopes = np.linalg.solve(m, right)
    return np.concatenate([slopes, slopes[:1]])
