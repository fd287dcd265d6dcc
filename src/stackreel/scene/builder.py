"""The movie file, written in Python: the same words, the same checks, the same document.

    movie = (
        Movie("brain.h5", size=(1280, 720), fps=25)
        .scene(color="bone", light="studio")
        .place("hilus", x=(-0.1, 0.2), y=(0.0, 0.25), z=("-2 mm", "2 mm"))
        .shot("opening", seconds=10, orbit={"axis": "y", "degrees": 360}, title="A mouse brain")
        .shot("dive", seconds=6, fly="hilus", crop="hilus")
    )
    movie.save("flight.yaml")            # the movie file, for the command line
    movie.document.timeline(subject)     # or go on in Python

Where the file says `from` and `for`, which Python keeps for itself, a keyword may be written `from_` and `for_`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict

if TYPE_CHECKING:
    from stackreel.scene.document import Document

Length = float | str
"""World units, or with a unit, as in "250 um"."""
Interval = tuple[Length, Length]
PointLike = Sequence[Length]
Color = str | Sequence[float]
ColorCurve = str | Mapping[str, Any] | Sequence[Sequence[Any]]
OpacityCurve = Sequence[Sequence[float]] | Mapping[str, Any]
Channels = Mapping[str, "Channel"]
Ease = Literal["linear", "in", "out", "in-out", "smooth"]
PathName = Literal["arc", "spline", "line"]


class Timed(TypedDict, total=False):
    from_: float
    for_: float


class Eased(Timed, total=False):
    ease: Ease


class Orbit(Eased, total=False):
    axis: str | Sequence[float]
    degrees: float
    about: str | PointLike


class Pose(TypedDict, total=False):
    position: PointLike
    focal_point: PointLike
    view_up: Sequence[float]
    view_angle: float


class Fly(Eased, total=False):
    to: str | Pose
    path: PathName
    via: Sequence[PointLike]
    view_from: str | Sequence[float]
    view_up: Sequence[float]
    margin: float


class Zoom(Eased, total=False):
    factor: float


class Key(Pose, total=False):
    at: float


class CameraMove(Pose, Eased, total=False):
    keys: Sequence[Key]
    path: PathName


class LightWeights(TypedDict, total=False):
    preset: str
    ambient: float
    diffuse: float
    specular: float
    specular_power: float
    occlusion: float
    shadows: float
    direction: Sequence[float]
    fill: float
    fill_direction: Sequence[float]
    rim: float
    rim_direction: Sequence[float]


class Iso(TypedDict, total=False):
    value: float
    color: Color
    opacity: float
    width: float
    inside: Literal["above", "below"]


class Gradient(TypedDict):
    top: Color
    bottom: Color


Background = Color | Gradient
Surfaces = Iso | Sequence[Iso]
Blend = Literal["composite", "maximum", "mip", "minimum", "average"]


class Channel(TypedDict, total=False):
    color: ColorCurve
    opacity: OpacityCurve
    opacity_unit: Length


class Labels(TypedDict, total=False):
    channel: str
    highlight: Sequence[int]
    hide: Sequence[int]
    dim: float


class Look(TypedDict, total=False):
    color: ColorCurve
    opacity: OpacityCurve
    opacity_unit: Length
    channels: Channels
    labels: Labels
    iso: Surfaces
    light: str | LightWeights
    blend: Blend
    background: Background


class LookMove(Look, Eased, total=False):
    to: str


class Box(TypedDict, total=False):
    x: Interval
    y: Interval
    z: Interval


class CropMove(Box, Eased, total=False):
    to: str | Box


class ClipPlane(TypedDict, total=False):
    origin: PointLike
    normal: str | Sequence[float]


ClipPlanes = str | ClipPlane | Sequence[ClipPlane]


class ClipMove(ClipPlane, Eased, total=False):
    to: ClipPlanes


class SliceLook(TypedDict, total=False):
    name: str
    axis: str
    normal: Sequence[float]
    origin: PointLike
    opacity: float
    color: ColorCurve
    masked: bool
    cropped: bool
    cut: bool
    outline: Color


class Slice(SliceLook, total=False):
    at: Length


class SliceMove(SliceLook, total=False):
    from_: Length
    to: Length
    after: float
    for_: float
    ease: Ease


class Title(Timed, total=False):
    text: str
    place: str
    fade: float
    size: float
    color: Color


def _paths(volume: str | os.PathLike[str] | Mapping[str, str | os.PathLike[str]]) -> str | dict[str, str]:
    if isinstance(volume, Mapping):
        return {name: os.fspath(path) for name, path in volume.items()}
    return os.fspath(volume)


def _said(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


class Movie:
    """A movie in the making; every method adds to it and gives it back, so that calls may be chained."""

    def __init__(
        self,
        volume: str | os.PathLike[str] | Mapping[str, str | os.PathLike[str]],
        *,
        size: tuple[int, int] | None = None,
        fps: int | None = None,
        samples: int | None = None,
        transparent: bool | None = None,
    ) -> None:
        """A movie of that volume, or of several registered ones by name.

        size        : in pixels, 1920 × 1080 if left out; fps : frames a second, 25 if left out
        samples     : rays a pixel: 1, 4 or 9
        transparent : pictures with an alpha channel, and no background
        """
        self._data: dict[str, Any] = {"stackreel": 1, "volume": _paths(volume)}
        output = _said(size=size, fps=fps, samples=samples, transparent=transparent)
        if output:
            self._data["output"] = output

    def scene(
        self,
        *,
        color: ColorCurve | None = None,
        opacity: OpacityCurve | None = None,
        opacity_unit: Length | None = None,
        channels: Channels | None = None,
        labels: Labels | None = None,
        iso: Surfaces | None = None,
        light: str | LightWeights | None = None,
        blend: Blend | None = None,
        background: Background | None = None,
        camera: Pose | None = None,
        crop: str | Box | None = None,
        clip: ClipPlanes | None = None,
        slices: Sequence[Slice] | None = None,
    ) -> Self:
        """What is shown at the beginning; what is left out is chosen to fit the volume."""
        self._data.setdefault("scene", {}).update(
            _said(
                color=color,
                opacity=opacity,
                opacity_unit=opacity_unit,
                channels=channels,
                labels=labels,
                iso=iso,
                light=light,
                blend=blend,
                background=background,
                camera=camera,
                crop=crop,
                clip=clip,
                slices=slices,
            )
        )
        return self

    def place(
        self,
        name: str,
        *,
        x: Interval | None = None,
        y: Interval | None = None,
        z: Interval | None = None,
        camera: Pose | None = None,
        view_from: str | Sequence[float] | None = None,
        view_up: Sequence[float] | None = None,
    ) -> Self:
        """A named box, an axis left out spanning the whole volume; or a camera pose, with or without a box."""
        box = _said(x=x, y=y, z=z)
        self._data.setdefault("places", {})[name] = {
            **({} if camera is not None and not box else {"box": box}),
            **_said(camera=camera, view_from=view_from, view_up=view_up),
        }
        return self

    def look(
        self,
        name: str,
        *,
        color: ColorCurve | None = None,
        opacity: OpacityCurve | None = None,
        opacity_unit: Length | None = None,
        channels: Channels | None = None,
        labels: Labels | None = None,
        iso: Surfaces | None = None,
        light: str | LightWeights | None = None,
        blend: Blend | None = None,
        background: Background | None = None,
    ) -> Self:
        """A named look; what is left out stays as it is when a shot glides to the look."""
        self._data.setdefault("looks", {})[name] = _said(
            color=color,
            opacity=opacity,
            opacity_unit=opacity_unit,
            channels=channels,
            labels=labels,
            iso=iso,
            light=light,
            blend=blend,
            background=background,
        )
        return self

    def shot(
        self,
        name: str | None = None,
        *,
        seconds: float,
        ease: Ease | None = None,
        orbit: Orbit | None = None,
        fly: str | Fly | None = None,
        zoom: float | Zoom | None = None,
        camera: CameraMove | None = None,
        look: str | LookMove | None = None,
        crop: str | CropMove | None = None,
        clip: str | ClipMove | Sequence[ClipPlane] | None = None,
        slice: SliceMove | None = None,
        slices: Sequence[SliceMove] | None = None,
        title: str | Title | None = None,
        titles: Sequence[str | Title] | None = None,
    ) -> Self:
        """The next shot; all that it says happens together, and with seconds alone it holds."""
        said = _said(
            name=name,
            seconds=seconds,
            ease=ease,
            orbit=orbit,
            fly=fly,
            zoom=zoom,
            camera=camera,
            look=look,
            crop=crop,
            clip=clip,
            slice=slice,
            slices=slices,
            title=title,
            titles=titles,
        )
        self._data.setdefault("shots", []).append(said)
        return self

    @property
    def document(self) -> Document:
        """The movie, checked. MovieFileError, one line a problem, for anything that it cannot mean."""
        from stackreel.scene.document import from_data

        return from_data(self._data)

    def to_yaml(self) -> str:
        """The movie file's text."""
        return self.document.to_yaml()

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Writes the movie file; paths in it are meant relative to it."""
        return self.document.save(path)
