"""The words of the movie file, as models: what may be said, what it means, and an example of each.

The JSON Schema that `stackreel schema` prints comes from here, descriptions and examples included, so that an
editor can complete a movie file and explain it. Cross-checks (does that place exist? does the key lie
inside its shot?) are made in `resolve`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from stackreel.scene.document.part import Part, Text, form
from stackreel.scene.document.picture import (
    BoxChoice,
    BoxSpec,
    CameraSpec,
    ClipChoice,
    ClipSpec,
    Direction,
    LookSpec,
    OutputSpec,
    PlaceSpec,
    SceneSpec,
    SlicePart,
)
from stackreel.scene.document.values import Color, Length, Name, NotNegative, Number, Point, Positive, Vector

Ease = Literal["linear", "in", "out", "in-out", "smooth"]
TitlePlace = Literal["lower", "center", "upper", "lower left", "lower right", "upper left", "upper right"]
Factor = Annotated[Number, Field(ge=0.001, le=1000)]
PathName = Literal["arc", "spline", "line"]


class Timed(Part):
    """Something that may start later than its shot, or end earlier."""

    from_: NotNegative | None = Field(
        None,
        alias="from",
        description="Seconds into the shot at which it begins; 0 if left out.",
        examples=[0.5],
    )
    for_: Positive | None = Field(
        None,
        alias="for",
        description="Seconds that it takes; until the shot's end if left out.",
        examples=[4],
    )


class Eased(Timed):
    """A move with its own start, length and easing."""

    ease: Ease | None = Field(
        None, description="How it starts and stops; as the shot if left out.", examples=["in-out"]
    )


class OrbitSpec(Eased):
    """Turn about an axis through a point, on an exact circle."""

    axis: Annotated[
        Annotated[Literal["x", "y", "z", "-x", "-y", "-z", "up"], Tag("<axis>")] | Annotated[Vector, Tag("<vector>")],
        form(text="<axis>", list="<vector>"),
    ] = Field(
        "up",
        description="x, y, z, up (the camera's view up), or a direction.",
        examples=["y", "up", [0, 1, 0.2]],
    )
    degrees: Number = Field(
        description="How far; right-handed about the axis, negative the other way.", examples=[360, -90]
    )
    about: Annotated[
        Annotated[Text, Tag("<name>")] | Annotated[Point, Tag("<point>")],
        form(text="<name>", list="<point>"),
    ] = Field(
        "volume",
        description="The point that stays: volume, focal_point, a place's name, or (x, y, z).",
        examples=["volume", [0, 0, 0]],
    )


class FlySpec(Eased):
    """Fly to a place, or to a pose."""

    to: Annotated[
        Annotated[Text, Tag("<place>")] | Annotated[CameraSpec, Tag("<pose>")],
        form(text="<place>", mapping="<pose>"),
    ] = Field(
        description="A place's name, volume, or a pose {position, focal_point, …}.",
        examples=["calcarine", "volume"],
    )
    path: PathName | None = Field(
        None,
        description="arc turns about what is looked at (the default); spline leads the camera smoothly through `via`; "
        "line goes straight.",
        examples=["spline"],
    )
    via: list[Point] | None = Field(
        None,
        description="Positions that the camera passes on its way; makes the path a spline.",
        examples=[[[0.5, -0.4, -1.2]]],
    )
    view_from: Direction | None = Field(
        None,
        description="Arrive looking from this side: -z, or a direction from the place to the camera.",
        examples=["-z"],
    )
    view_up: Vector | None = Field(None, description="Which way is up on arrival.", examples=[[0, -1, 0]])
    margin: Annotated[Number, Field(ge=0, lt=0.95)] = Field(
        0.1, description="Border left free around the place, as a share of the picture.", examples=[0.1]
    )


class ZoomSpec(Eased):
    """Come nearer to the focal point, or go away from it."""

    factor: Factor = Field(
        description="How many times larger things look at the end; below 1 smaller.", examples=[2, 0.5]
    )


class KeySpec(CameraSpec):
    """A camera pose at a moment of the shot; what is left out is as in the key before."""

    at: NotNegative = Field(description="Seconds into the shot.", examples=[0, 2.5])


class CameraMove(CameraSpec, Eased):
    """Glide to a pose, or pass several key poses."""

    keys: list[KeySpec] | None = Field(
        None,
        min_length=1,
        description="Poses at times; the shot begins where the camera is, unless a key is at 0.",
        examples=[[{"at": 2, "position": [1, 0, 1]}, {"at": 5, "position": [0, 0, 2]}]],
    )
    path: PathName | None = Field(
        None,
        description="arc turns about the focal point, spline leads the position on a smooth curve, line goes straight. "
        "If left out: arc towards one pose, or where all keys share one focal point; else spline.",
        examples=["arc"],
    )


class LookMove(LookSpec, Eased):
    """Glide to a named look, to a look given here, or to a named look with changes."""

    to: Text | None = Field(None, description="A look's name.", examples=["fibres"])


class CropMove(BoxSpec, Eased):
    """Glide the shown box to a place, a box, or the whole volume."""

    to: BoxChoice | None = Field(
        None,
        description="A place's name, {x, y, z}, or none for the whole volume.",
        examples=["calcarine", "none"],
    )


class SliceMove(SlicePart):
    """Move a slice through the volume; one that is not there yet appears."""

    from_: Length | None = Field(
        None,
        alias="from",
        description="Where on the axis (or along the normal) it begins; where it stands if left out.",
        examples=[-0.15],
    )
    to: Length | None = Field(None, description="Where it ends.", examples=[0.15, "2 mm"])
    after: NotNegative | None = Field(
        None, description="Seconds into the shot at which it sets off; 0 if left out.", examples=[0.5]
    )
    for_: Positive | None = Field(
        None, alias="for", description="Seconds that it takes; until the shot's end if left out.", examples=[4]
    )
    ease: Ease | None = Field(
        None, description="How it starts and stops; as the shot if left out.", examples=["in-out"]
    )


class ClipMove(Eased):
    """Move the planes that cut the volume open; one that is not there yet comes in from outside."""

    origin: Point | None = Field(
        None, description="A point of the plane; the volume's centre if left out.", examples=[[0, 0, "1 mm"]]
    )
    normal: Direction | None = Field(
        None, description="Points to the side that is kept: an axis, or a direction.", examples=[[1, 0, 0.5], "-z"]
    )
    to: ClipChoice | None = Field(
        None,
        description="Instead of origin and normal: several planes, or none.",
        examples=["none", [{"normal": "x"}, {"normal": "z"}]],
    )


class TitleSpec(Timed):
    """Text on the picture."""

    text: Annotated[Text, Field(min_length=1)] = Field(
        description="The words; may hold line breaks.", examples=["Vervet visual cortex"]
    )
    place: TitlePlace = Field("lower", description="Where on the picture.", examples=["lower", "upper left"])
    fade: NotNegative = Field(0.5, description="Seconds to appear and to vanish.", examples=[0.5])
    size: Annotated[Number, Field(gt=0, le=0.5)] = Field(
        0.055, description="Height of a line as a share of the picture's height.", examples=[0.055]
    )
    color: Color = Field("white", description="The text's colour.", examples=["white", "#ffcc00"])


TitleChoice = Annotated[
    Annotated[Text, Tag("<text>")] | Annotated[TitleSpec, Tag("<title>")],
    form(text="<text>", mapping="<title>"),
]


class ShotSpec(Part):
    """One shot. All that it says happens together; what it does not mention stays; nothing but seconds is a hold."""

    name: Text | None = Field(None, description="For messages and for rendering one shot alone.", examples=["opening"])
    seconds: Annotated[Positive, Field(le=86400)] = Field(description="How long it lasts.", examples=[10])
    ease: Ease = Field(
        "in-out",
        description="How its moves start and stop: linear, in (gentle start), out (gentle stop), in-out, smooth.",
        examples=["in-out"],
    )
    orbit: OrbitSpec | None = Field(
        None, description="Turn about an axis; may go with a zoom.", examples=[{"axis": "y", "degrees": 360}]
    )
    fly: (
        Annotated[
            Annotated[Text, Tag("<place>")] | Annotated[FlySpec, Tag("<fly>")],
            form(text="<place>", mapping="<fly>"),
        ]
        | None
    ) = Field(
        None,
        description="Fly to a place or a pose; a place is framed.",
        examples=["calcarine", {"to": "calcarine", "path": "spline"}],
    )
    zoom: (
        Annotated[
            Annotated[Factor, Tag("<factor>")] | Annotated[ZoomSpec, Tag("<zoom>")],
            form(number="<factor>", mapping="<zoom>"),
        ]
        | None
    ) = Field(None, description="Come nearer by this factor; may go with an orbit.", examples=[2, {"factor": 2}])
    camera: CameraMove | None = Field(
        None,
        description="Glide to a pose, or pass key poses.",
        examples=[{"position": [1.5, -0.6, 1.9], "focal_point": [0, 0, 0]}],
    )
    look: (
        Annotated[
            Annotated[Text, Tag("<look>")] | Annotated[LookMove, Tag("<glide>")],
            form(text="<look>", mapping="<glide>"),
        ]
        | None
    ) = Field(
        None,
        description="Glide to a look: a name, or given here.",
        examples=["fibres", {"opacity": [[0, 0], [255, 0.5]]}],
    )
    crop: (
        Annotated[
            Annotated[Text, Tag("<place>")] | Annotated[CropMove, Tag("<glide>")],
            form(text="<place>", mapping="<glide>"),
        ]
        | None
    ) = Field(
        None,
        description="Cut to a box: a place's name, {x, y, z}, {to: …}, or none.",
        examples=["calcarine", {"to": "none", "for": 2}],
    )
    clip: (
        Annotated[
            Annotated[Literal["none"], Tag("<none>")]
            | Annotated[ClipMove, Tag("<glide>")]
            | Annotated[list[ClipSpec], Tag("<planes>")],
            form(text="<none>", mapping="<glide>", list="<planes>"),
        ]
        | None
    ) = Field(
        None,
        description="Cut open by planes {origin, normal}, one or several; none closes the volume.",
        examples=[{"normal": [1, 0, 0.5], "for": 2}, "none"],
    )
    slice: SliceMove | None = Field(
        None,
        description="Move a slice through the volume; one that is not there yet appears.",
        examples=[{"axis": "z", "from": -0.15, "to": 0.15}],
    )
    slices: list[SliceMove] | None = Field(
        None,
        description="Move several slices.",
        examples=[[{"axis": "z", "to": 0.1}, {"axis": "x", "opacity": 0}]],
    )
    title: TitleChoice | None = Field(
        None,
        description="A title, for the whole shot or from/for seconds of it.",
        examples=["Visual cortex", {"text": "Visual cortex", "for": 4}],
    )
    titles: list[TitleChoice] | None = Field(
        None,
        description="Several titles.",
        examples=[[{"text": "First", "for": 2}, {"text": "Then", "from": 2}]],
    )


class MovieSpec(Part):
    """A movie: a volume, the scene at time 0, and shots that follow one another."""

    stackreel: Literal[1] = Field(description="Version of this notation.", examples=[1])
    volume: Annotated[
        Annotated[Text, Field(min_length=1), Tag("<file>")]
        | Annotated[dict[Name, Text], Field(min_length=1), Tag("<channels>")],
        form(text="<file>", mapping="<channels>"),
    ] = Field(
        description="The volume's file, relative to the movie file; or several registered ones, as {name: file}.",
        examples=["vervet.h5", {"retardation": "retardation.h5", "direction": "direction.h5"}],
    )
    output: OutputSpec = Field(
        default_factory=lambda: OutputSpec.model_validate({}), description="Size of the picture and frames in a second."
    )
    scene: SceneSpec = Field(
        default_factory=lambda: SceneSpec.model_validate({}),
        description="The state at time 0; what is left out is chosen to fit the volume.",
    )
    places: dict[Name, PlaceSpec] = Field(
        default_factory=dict,
        description="Names for boxes and cameras.",
        examples=[{"calcarine": {"box": {"x": [-0.1, 0.2]}}, "left": {"camera": {"position": [-2, 0, 0]}}}],
    )
    looks: dict[Name, LookSpec] = Field(
        default_factory=dict,
        description="Names for looks.",
        examples=[{"fibres": {"opacity": [[0, 0], [255, 0.9]]}}],
    )
    shots: list[ShotSpec] = Field(
        min_length=1, description="What happens, in order.", examples=[[{"name": "opening", "seconds": 10}]]
    )
