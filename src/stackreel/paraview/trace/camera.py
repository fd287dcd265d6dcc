"""A view's camera as vtkCamera moves it: turned around what it looks at, rolled, brought nearer.

Scripts often fit the data first (ResetCamera) and turn then. How far away the camera is depends on the data, and is
not known here; where it looks from is. So position and focal point are kept as a direction, and the setting
"ResetCamera" names those that the data decide.
"""

from __future__ import annotations

import math

from stackreel.paraview.trace.values import Draft, vector

POSITION, FOCAL_POINT, VIEW_UP = "CameraPosition", "CameraFocalPoint", "CameraViewUp"
SCALE, ANGLE, PARALLEL = "CameraParallelScale", "CameraViewAngle", "CameraParallelProjection"
RESET = "ResetCamera"
FITTED = (POSITION, FOCAL_POINT, SCALE)
POSE = (POSITION, FOCAL_POINT, VIEW_UP, ANGLE, SCALE, PARALLEL, RESET)
"""Everything that says where a camera stands, and how it looks."""

_DEFAULTS = {POSITION: (0.0, 0.0, 1.0), FOCAL_POINT: (0.0, 0.0, 0.0), VIEW_UP: (0.0, 1.0, 0.0)}
_WIDEST = 179.0  # degrees, as vtkCamera has it
_ISOMETRIC = math.degrees(math.asin(math.tan(math.pi / 6.0)))

DIRECTIONS = {
    "ResetActiveCameraToPositiveX": ((1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    "ResetActiveCameraToNegativeX": ((-1.0, 0.0, 0.0), (0.0, 0.0, 1.0)),
    "ResetActiveCameraToPositiveY": ((0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "ResetActiveCameraToNegativeY": ((0.0, -1.0, 0.0), (0.0, 0.0, 1.0)),
    "ResetActiveCameraToPositiveZ": ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0)),
    "ResetActiveCameraToNegativeZ": ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
    "ApplyIsometricView": ((0.0, 0.0, -1.0), (0.0, 1.0, 0.0)),
}
"""ParaView's buttons that look along an axis: (where to, what is up)."""

Vector = tuple[float, float, float]


def was_set(view: Draft, name: str) -> None:
    """To be called once a camera's property was given a value: the data decide it no longer."""
    left = tuple(each for each in _fitted(view) if each != name)
    if left:
        view.put(RESET, left, view.settings[RESET].line)
    else:
        view.drop(RESET)


def fit(view: Draft, line: int) -> None:
    """ResetCamera: as far away as shows all of the data, in the direction in which it looked before."""
    view.put(RESET, FITTED, line)


def look_along(view: Draft, name: str, line: int) -> None:
    """One of DIRECTIONS."""
    way, up = DIRECTIONS[name]
    view.put(POSITION, (0.0, 0.0, 0.0), line)
    view.put(FOCAL_POINT, way, line)
    view.put(VIEW_UP, up, line)
    view.drop(RESET)
    if name == "ApplyIsometricView":
        move(view, "Azimuth", 45.0, line)
        move(view, "AdjustElevation", _ISOMETRIC, line)


def move(view: Draft, how: str, amount: float, line: int) -> str:
    """Moves the camera by an angle in degrees, or by a factor; "", or why that cannot be told.

    how: Azimuth, Elevation, Roll, Yaw, Pitch, Dolly, Zoom of vtkCamera; AdjustElevation, AdjustZoom of ParaView's views
    """
    if how == "AdjustZoom":
        how = "Zoom" if view.get(PARALLEL) else "Dolly"
    if how == "Zoom":
        return _zoom(view, amount, line)
    places = [vector(list(_value(view, name))) for name in (POSITION, FOCAL_POINT, VIEW_UP)]
    position, focal, up = places
    if position is None or focal is None or up is None:
        return "where the camera was before is not known"
    if RESET not in view.settings and POSITION not in view.settings and FOCAL_POINT not in view.settings:
        view.put(RESET, FITTED, line)  # ParaView fits the data by itself where a script does not
    fitted = _fitted(view)
    if len(set(fitted) & {POSITION, FOCAL_POINT}) == 1 or (fitted and how in ("Yaw", "Pitch", "Dolly")):
        return "where the camera was before depends on the data"
    dop = _unit(_minus(focal, position))
    right = _unit(_cross(dop, up))
    if dop == (0.0, 0.0, 0.0) or (how in ("Elevation", "Pitch", "AdjustElevation") and right == (0.0, 0.0, 0.0)):
        return "the camera looks nowhere, or along what is up"
    if how == "Azimuth":
        position = _plus(focal, _turned(_minus(position, focal), up, amount))
    elif how == "Elevation":
        position = _plus(focal, _turned(_minus(position, focal), _times(right, -1.0), amount))
    elif how == "Yaw":
        focal = _plus(position, _turned(_minus(focal, position), up, amount))
    elif how == "Pitch":
        focal = _plus(position, _turned(_minus(focal, position), right, amount))
    elif how == "Roll":
        up = _turned(up, dop, amount)
    elif how == "AdjustElevation":  # which ParaView does around the world's origin
        up = _cross(right, dop)
        position, focal, up = (_turned(each, right, -amount) for each in (position, focal, up))
    elif how == "Dolly":
        if amount <= 0.0:
            return "a factor must be positive"
        position = _minus(focal, _times(_minus(focal, position), 1.0 / amount))
    for name, value in ((POSITION, position), (FOCAL_POINT, focal), (VIEW_UP, up)):
        if value != _value(view, name):
            view.put(name, value, line)
    return ""


def upright(view: Draft, line: int) -> None:
    """OrthogonalizeViewUp."""
    position, focal, up = (vector(list(_value(view, name))) for name in (POSITION, FOCAL_POINT, VIEW_UP))
    if position and focal and up:
        dop = _unit(_minus(focal, position))
        view.put(VIEW_UP, _cross(_unit(_cross(dop, up)), dop), line)


def _zoom(view: Draft, amount: float, line: int) -> str:
    if amount <= 0.0:
        return "a factor must be positive"
    name, default = (SCALE, 1.0) if view.get(PARALLEL) else (ANGLE, 30.0)
    if name == SCALE and SCALE in _fitted(view):
        return "how much the camera showed before depends on the data"
    before = view.get(name) if name in view.settings else default
    if not isinstance(before, float):
        return "how much the camera showed before is not known"
    after = before / amount
    view.put(name, min(after, _WIDEST) if name == ANGLE else after, line)
    return ""


def place(view: Draft, name: str) -> tuple[float, ...] | None:
    """Position, focal point or view up as a script would be told; None where the data decide it."""
    if name in _fitted(view) or (RESET not in view.settings and not {POSITION, FOCAL_POINT} & set(view.settings)):
        return None if name != VIEW_UP else vector(list(_value(view, name)))
    return vector(list(_value(view, name)))


def _value(view: Draft, name: str) -> tuple[float, ...]:
    value = view.get(name) if name in view.settings else _DEFAULTS[name]
    return value if isinstance(value, tuple) else ()  # type: ignore[return-value]


def _fitted(view: Draft) -> tuple[str, ...]:
    value = view.get(RESET)
    return value if isinstance(value, tuple) else ()  # type: ignore[return-value]


def _turned(v: Vector, axis: Vector, degrees: float) -> Vector:
    """A vector turned around an axis (Rodrigues)."""
    n = _unit(axis)
    if n == (0.0, 0.0, 0.0):
        return v
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    along = _times(n, _dot(n, v) * (1.0 - c))
    return _plus(_plus(_times(v, c), _times(_cross(n, v), s)), along)


def _plus(a: Vector, b: Vector) -> Vector:
    return (a[0] + b[0], a[1] + b[1], a[2] + b[2])


def _minus(a: Vector, b: Vector) -> Vector:
    return (a[0] - b[0], a[1] - b[1], a[2] - b[2])


def _times(a: Vector, f: float) -> Vector:
    return (a[0] * f, a[1] * f, a[2] * f)


def _dot(a: Vector, b: Vector) -> float:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: Vector, b: Vector) -> Vector:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def _unit(a: Vector) -> Vector:
    length = math.hypot(*a)
    return _times(a, 1.0 / length) if 0.0 < length < math.inf else (0.0, 0.0, 0.0)
