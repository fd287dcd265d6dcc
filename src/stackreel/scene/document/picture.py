"""How things look in a movie file: picture, colours, opacities, light, camera, crop, named places and looks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from stackreel.scene.document.part import Part, Text, form
from stackreel.scene.document.values import (
    BlendName,
    Color,
    ColorPoint,
    Flag,
    Interval,
    LabelNumber,
    Length,
    Name,
    NotNegative,
    Number,
    OpacityPoint,
    Point,
    Positive,
    Samples,
    Share,
    Size,
    ValueRange,
    Vector,
    Whole,
    WholeLabel,
)

AxisName = Literal["x", "y", "z", "-x", "-y", "-z"]


class OutputSpec(Part):
    """The picture asked for."""

    size: Size = Field(
        (1920, 1080),
        description="Width and height in pixels, both even.",
        examples=[[1920, 1080], [1280, 720], [3840, 2160]],
    )
    fps: Annotated[Whole, Field(ge=1, le=240)] = Field(25, description="Frames in a second.", examples=[25, 30, 60])
    samples: Samples = Field(
        1,
        description="Rays a pixel: 1, 4 or 9; more make edges and fine structures smooth, and take as much longer.",
        examples=[4],
    )
    transparent: Flag = Field(
        False, description="Leave the background away: pictures with an alpha channel, for PNG.", examples=[True]
    )


class ColorMap(Part):
    """Colours over values: a named map over a range, points, or a colour for each label."""

    channel: Text | None = Field(
        None,
        description="The channel whose values are meant; the one that opacities come from if left out.",
        examples=["direction"],
    )
    map: Text | None = Field(
        None,
        description="A map's name: matplotlib's, cmocean's, Crameri's …, ParaView's (Cool to Warm, X Ray), or tissue; "
        "`_r` at its end reverses it.",
        examples=["bone", "viridis", "Cool to Warm", "tissue"],
    )
    range: ValueRange | None = Field(
        None,
        description="Values at the map's first and last colour; the volume's own range if left out.",
        examples=[[0, 255]],
    )
    points: list[ColorPoint] | None = Field(
        None, min_length=1, description="Points [[value, colour], …].", examples=[[[0, "#000000"], [255, "white"]]]
    )
    labels: dict[LabelNumber, Color] | None = Field(
        None, min_length=1, description="A colour for each label.", examples=[{"1": "#e41a1c", "7": "gold"}]
    )
    other: Color | None = Field(None, description="Colour of labels that are not listed.", examples=["#808080"])
    brightness: list[OpacityPoint] | None = Field(
        None,
        min_length=1,
        description="How bright colours are, 0 to 1, over the values that opacities come from; if left out, hues of "
        "directions are darker where these values are low, all others are as they are.",
        examples=[[[20, 0.1], [160, 1]]],
    )


ColorCurve = Annotated[
    Annotated[Text, Tag("<name>")] | Annotated[ColorMap, Tag("<map>")] | Annotated[list[ColorPoint], Tag("<points>")],
    form(text="<name>", mapping="<map>", list="<points>"),
]


class OpacityOf(Part):
    """Opacities over the values of a channel."""

    channel: Text | None = Field(None, description="The channel whose values are meant.", examples=["retardation"])
    points: list[OpacityPoint] | None = Field(
        None,
        min_length=1,
        description="Points [[value, opacity 0..1], …]; chosen to fit the channel if left out.",
        examples=[[[0, 0], [20, 0], [255, 0.9]]],
    )


OpacityPoints = Annotated[list[OpacityPoint], Field(min_length=1)]
OpacityCurve = Annotated[
    Annotated[OpacityPoints, Tag("<points>")] | Annotated[OpacityOf, Tag("<channel>")],
    form(list="<points>", mapping="<channel>"),
]


class ChannelSpec(Part):
    """How one of several channels looks that shine in the same place."""

    color: ColorCurve | None = Field(
        None,
        description="A colour, a map's name, {map, range}, or points [[value, colour], …].",
        examples=["#00d050", {"map": "magma", "range": [0, 4000]}],
    )
    opacity: OpacityCurve | None = Field(
        None, description="Opacity over the channel's values.", examples=[[[200, 0], [4000, 0.5]]]
    )
    opacity_unit: Length | None = Field(
        None, description="The length over which those opacities hold.", examples=[0.004, "250 um"]
    )


class LabelsSpec(Part):
    """Which regions stand out, and which are not shown."""

    channel: Text | None = Field(
        None, description="The channel of labels; the one that gives the colours if left out.", examples=["regions"]
    )
    highlight: list[WholeLabel] | None = Field(
        None, description="These labels stay as they are, all others are dimmed.", examples=[[3, 7]]
    )
    hide: list[WholeLabel] | None = Field(None, description="These labels are not shown.", examples=[[12]])
    dim: Share = Field(0.05, description="How much is left of what is not highlighted, 0 to 1.", examples=[0.05])


class LightSpec(Part):
    """Weights of the light's parts, and where it comes from."""

    preset: Text | None = Field(
        None, description="Start from this preset: none, headlight, studio or raking.", examples=["studio"]
    )
    ambient: NotNegative | None = Field(
        None, description="Light from everywhere; 1 and nothing else is unlit.", examples=[0.3]
    )
    diffuse: NotNegative | None = Field(None, description="Light that shows slopes.", examples=[0.7])
    specular: NotNegative | None = Field(None, description="Highlights.", examples=[0.2])
    specular_power: NotNegative | None = Field(None, description="How sharp highlights are.", examples=[20])
    occlusion: Share | None = Field(None, description="How much darker hollows are, 0 to 1.", examples=[0.8])
    shadows: Share | None = Field(
        None, description="How dark the shadow is that the volume throws on itself, 0 to 1.", examples=[0.5]
    )
    direction: Vector | None = Field(
        None,
        description="Towards the light, in camera axes (right, up, backward).",
        examples=[[-0.45, 0.65, 0.75]],
    )

    fill: NotNegative | None = Field(
        None, description="A soft light from the other side, which opens the shadows.", examples=[0.3]
    )
    fill_direction: Vector | None = Field(None, description="Towards the fill light.", examples=[[0.8, 0.1, 0.6]])
    rim: NotNegative | None = Field(None, description="A light from behind, which draws the outline.", examples=[0.5])
    rim_direction: Vector | None = Field(None, description="Towards the rim light.", examples=[[0.5, 0.7, -0.5]])


LightChoice = Annotated[
    Annotated[Text, Tag("<preset>")] | Annotated[LightSpec, Tag("<light>")],
    form(text="<preset>", mapping="<light>"),
]


class BoxSpec(Part):
    """A box along the world's axes; an axis left out spans the whole volume."""

    x: Interval | None = Field(
        None, description="From and to along x (columns).", examples=[[-0.1, 0.2], ["-2 mm", "3 mm"]]
    )
    y: Interval | None = Field(None, description="From and to along y (rows).", examples=[[0, 0.25]])
    z: Interval | None = Field(None, description="From and to along z (sections).", examples=[[-0.15, 0.15]])


BoxChoice = Annotated[
    Annotated[Text, Tag("<place>")] | Annotated[BoxSpec, Tag("<box>")], form(text="<place>", mapping="<box>")
]

Direction = Annotated[
    Annotated[AxisName, Tag("<axis>")] | Annotated[Vector, Tag("<vector>")],
    form(text="<axis>", list="<vector>"),
]


class CameraSpec(Part):
    """A camera pose, in ParaView's terms; its numbers can be pasted as they are."""

    position: Point | None = Field(None, description="Where the camera stands, (x, y, z).", examples=[[1.5, -0.6, 1.9]])
    focal_point: Point | None = Field(None, description="What it looks at, (x, y, z).", examples=[[0, 0, 0]])
    view_up: Vector | None = Field(
        None,
        description="Which way is up; rows of an image run along +y, so up is -y.",
        examples=[[0, -1, 0]],
    )
    view_angle: Annotated[Number, Field(gt=0, lt=180)] | None = Field(
        None, description="Vertical field of view in degrees.", examples=[30]
    )


class GradientSpec(Part):
    """A background that changes from top to bottom."""

    top: Color = Field(description="At the picture's upper edge.", examples=["#1c2530"])
    bottom: Color = Field(description="At its lower edge.", examples=["#050608"])


BackgroundChoice = Annotated[
    Annotated[Color, Tag("<color>")] | Annotated[GradientSpec, Tag("<gradient>")],
    form(text="<color>", list="<color>", mapping="<gradient>"),
]


class IsoSpec(Part):
    """A surface of equal value."""

    value: Number = Field(description="The value on the surface.", examples=[120])
    color: Color = Field("#e8d8c8", description="Its colour.", examples=["#e8d8c8"])
    opacity: Share = Field(1.0, description="1 is solid; less lets through what lies within.", examples=[0.3])
    width: Positive | None = Field(
        None,
        description="Values over which the surface builds up; narrower is sharper, wider is smoother.",
        examples=[30],
    )
    inside: Literal["above", "below"] | None = Field(
        None,
        description="Whether the inside has the higher or the lower values; as the volume's tissue has if left out.",
        examples=["above"],
    )


IsoChoice = Annotated[
    Annotated[IsoSpec, Tag("<surface>")] | Annotated[list[IsoSpec], Field(min_length=1), Tag("<surfaces>")],
    form(mapping="<surface>", list="<surfaces>"),
]


class ClipSpec(Part):
    """A plane that cuts the volume open."""

    origin: Point | None = Field(
        None, description="A point of the plane; the volume's centre if left out.", examples=[[0, 0, "1 mm"]]
    )
    normal: Direction = Field(
        description="Points to the side that is kept: an axis, or a direction.", examples=[[1, 0, 0.5], "-z"]
    )


ClipChoice = Annotated[
    Annotated[Literal["none"], Tag("<none>")]
    | Annotated[ClipSpec, Tag("<plane>")]
    | Annotated[list[ClipSpec], Tag("<planes>")],
    form(text="<none>", mapping="<plane>", list="<planes>"),
]


class LookSpec(Part):
    """Part of how the volume looks; what is left out stays as it is."""

    color: ColorCurve | None = Field(
        None,
        description="Colours over values: a map's name, {map, range}, points [[value, colour], …], or {channel, …}.",
        examples=["bone", {"map": "Cool to Warm", "range": [0, 255]}, [[0, "#000000"], [255, "white"]]],
    )
    opacity: OpacityCurve | None = Field(
        None,
        description="Opacity over values: points [[value, opacity 0..1], …], straight between them, or {channel, …}; "
        "a value given twice is a step.",
        examples=[[[0, 0], [50, 0], [160, 0.1], [255, 0.4]], {"channel": "retardation"}],
    )
    opacity_unit: Length | None = Field(
        None,
        description="The length over which those opacities hold (VTK's ScalarOpacityUnitDistance); smaller is denser.",
        examples=[0.004, "250 um"],
    )
    channels: dict[Name, ChannelSpec] | None = Field(
        None,
        min_length=1,
        description="Channels that shine in the same place, each with its own colours and opacities; they add up.",
        examples=[{"nuclei": {"color": "#20a0ff"}, "vessels": {"color": "#ff30d0"}}],
    )
    labels: LabelsSpec | None = Field(
        None,
        description="Regions that stand out, and regions that are hidden.",
        examples=[{"highlight": [3, 7]}, {"hide": [12]}],
    )
    light: LightChoice | None = Field(
        None,
        description="A preset (none, headlight, studio, raking) or weights.",
        examples=["studio", {"ambient": 0.3, "diffuse": 0.7}],
    )
    iso: IsoChoice | None = Field(
        None,
        description="Surfaces of equal value, instead of color and opacity.",
        examples=[{"value": 120}, [{"value": 60, "opacity": 0.2}, {"value": 150, "color": "#d04030"}]],
    )
    blend: BlendName | None = Field(
        None,
        description="What rays do with the values they meet: composite (the default), maximum (mip), minimum, average.",
        examples=["maximum"],
    )
    background: BackgroundChoice | None = Field(
        None,
        description="What is behind the volume: a colour, or a gradient {top, bottom}.",
        examples=["#000000", "white", {"top": "#1c2530", "bottom": "#050608"}],
    )


class SlicePart(Part):
    """A plane in the volume, and what it looks like."""

    name: Text | None = Field(
        None, description="For shots to move it; the axis (x, y or z), or slice, if left out.", examples=["sagittal"]
    )
    axis: AxisName | None = Field(
        None,
        description="The axis that the plane is perpendicular to; with cut, its sign says which side is cut away.",
        examples=["z", "-z"],
    )
    normal: Vector | None = Field(
        None, description="Instead of an axis: a direction perpendicular to the plane.", examples=[[1, 0, 1]]
    )
    origin: Point | None = Field(
        None, description="With normal: a point of the plane; the volume's centre if left out.", examples=[[0, 0, 0.1]]
    )
    opacity: Share | None = Field(None, description="Of the whole plane, 0 to 1; 1 if left out.", examples=[0.8])
    color: ColorCurve | None = Field(
        None,
        description="Its own colours: a map's name, {map, range}, or points; the scene's if left out.",
        examples=["gray", {"map": "viridis", "range": [0, 255]}],
    )
    masked: Flag | None = Field(
        None, description="Leave out what the opacities hide; not if left out.", examples=[True]
    )
    cropped: Flag | None = Field(
        None, description="Whether crop and clip planes cut it too; yes if left out.", examples=[False]
    )
    cut: Flag | None = Field(
        None,
        description="Open the volume here: nothing is shown on the side to which axis or normal point.",
        examples=[True],
    )
    outline: Color | None = Field(
        None, description="Colour of a thin line along its border; none if left out.", examples=["white"]
    )


class SliceSpec(SlicePart):
    """A plane in the volume that shows its values."""

    at: Length | None = Field(
        None, description="Where on the axis (or along the normal) it stands; the middle if left out.", examples=[0.05]
    )


class SceneSpec(LookSpec):
    """What is shown at the movie's beginning."""

    camera: CameraSpec | None = Field(
        None,
        description="Where we look from; if left out, the whole volume is framed, seen as the sections were imaged.",
    )
    crop: BoxChoice | None = Field(
        None,
        description="Show this box only: a place's name, {x, y, z}, or none.",
        examples=["none", {"x": [-0.1, 0.2]}],
    )
    clip: ClipChoice | None = Field(
        None,
        description="Planes that cut the volume open; one, several, or none.",
        examples=[{"normal": [1, 0, 0.5]}, "none"],
    )
    slices: list[SliceSpec] | None = Field(
        None,
        description="Planes in the volume that show its values.",
        examples=[[{"axis": "z", "at": 0.05}, {"normal": [1, 0, 1], "opacity": 0.8}]],
    )


class PlaceSpec(Part):
    """A box or a camera with a name, for shots to go to; a box can also be cut out."""

    box: BoxSpec | None = Field(
        None, description="Where it is.", examples=[{"x": [-0.1, 0.2], "y": [0, 0.25], "z": [-0.15, 0.15]}]
    )
    camera: CameraSpec | None = Field(
        None,
        description="The pose that shots fly to, instead of framing the box.",
        examples=[{"position": [0.9, -0.6, -1.9], "focal_point": [0, 0, 0], "view_up": [0, -1, 0]}],
    )
    view_from: Direction | None = Field(
        None,
        description="Look at it from this side: an axis such as -z, or a direction (x, y, z) from it to the camera.",
        examples=["-z", [1, -0.5, 1]],
    )
    view_up: Vector | None = Field(None, description="Which way is up when looking at it.", examples=[[0, -1, 0]])
