"""How a move starts and stops: share of the time gone by → share of the way gone.

A camera that starts and stops at full speed looks like a machine fault; `in-out` starts gently and stops gently.
All easings go from 0 to 1, never backwards and never beyond.
"""

from __future__ import annotations

from collections.abc import Callable

EASINGS: dict[str, Callable[[float], float]] = {
    "linear": lambda u: u,
    "in": lambda u: u * u,
    "out": lambda u: u * (2.0 - u),
    "in-out": lambda u: u * u * (3.0 - 2.0 * u),
    "smooth": lambda u: u * u * u * (u * (6.0 * u - 15.0) + 10.0),
}
"""linear: even speed. in: gentle start. out: gentle stop. in-out: both. smooth: both, gentler still."""


def ease(name: str, u: float) -> float:
    """Share of the way, 0..1, when share u of the time has gone by; u beyond 0..1 counts as the nearer end."""
    return EASINGS[name](min(max(u, 0.0), 1.0))


def gentle_ends(name: str) -> tuple[bool, bool]:
    """Whether an easing starts from rest and ends at rest."""
    return name not in ("linear", "out"), name not in ("linear", "in")
