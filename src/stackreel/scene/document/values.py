"""The small values that a movie file is written in: numbers, lengths, colours, points, names.

Each says what it expects in words, and each publishes a JSON Schema that editors complete from. YAML's old habits do
not reach here: only true and false are booleans, and neither they nor texts count as numbers.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from stackreel.errors import UnitError
from stackreel.geometry import parse_length
from stackreel.scene.colormaps import parse_color

_LARGEST = 1e30


def wrong(message: str) -> PydanticCustomError:
    """A problem in our own words; braces in them are text."""
    return PydanticCustomError("movie", "{said}", {"said": message})


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        clock = re.fullmatch(r"(\d+):([0-5]\d(?:\.\d+)?)", value) if isinstance(value, str) else None
        if clock:
            raise wrong(
                f'"{value}" is not a number; one minute thirty is 90, so write {60 * int(clock[1]) + float(clock[2]):g}'
            )
        raise wrong(f"{_shown(value)} is not a number")
    if not abs(value) <= _LARGEST:
        raise wrong(f"{value:.3g} is no number to reckon with" if isinstance(value, float) else "is too large a number")
    return 0.0 if abs(value) < 1.0 / _LARGEST else float(value)


def _shown(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    return "a list" if isinstance(value, (list, tuple)) else str(value)


def _length(value: Any) -> Any:
    if not isinstance(value, str):
        return _number(value)
    try:
        parsed, unit = parse_length(value)
    except UnitError as error:
        raise wrong(str(error)) from None
    if not math.isfinite(parsed) or abs(parsed) > _LARGEST:
        raise wrong(f'"{value}" is not a finite length')
    return parsed if unit is None else value.strip()


def _color(value: Any) -> Any:
    try:
        parse_color(value)
    except ValueError as error:
        raise wrong(str(error)) from None
    return [float(c) for c in value] if isinstance(value, (list, tuple)) else value


def _flag(value: Any) -> Any:
    if not isinstance(value, bool):
        raise wrong(f"{_shown(value)} is neither true nor false")
    return value


def _name(value: Any) -> Any:
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _whole(value: Any) -> Any:
    number = _number(value)
    if number != int(number):
        raise wrong(f"{value} is not a whole number")
    return int(number)


def _label(value: Any) -> Any:
    text = str(value).strip()
    if isinstance(value, bool) or not re.fullmatch(r"-?\d{1,9}", text):
        raise wrong(f"{_shown(value)} is not a label; labels are whole numbers")
    return str(int(text))


def _size(value: Any) -> Any:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise wrong(f"{_shown(value)} is not a picture's size; write [width, height], as in [1920, 1080]")
    width, height = (_whole(v) for v in value)
    for what, n in (("width", width), ("height", height)):
        if not 16 <= n <= 16384:
            raise wrong(f"{what} {n} must lie between 16 and 16384 pixels")
        if n % 2:
            raise wrong(f"{what} {n} is odd; video needs even numbers, so write {n + 1}")
    return (width, height)


def _samples(value: Any) -> Any:
    if _number(value) not in (1.0, 4.0, 9.0):
        raise wrong(f"{value} is not a number of rays a pixel; write 1, 4 or 9")
    return int(value)


def _pair(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        raise wrong(f"{_shown(value)} is not a list of two")
    if len(value) != 2:
        raise wrong(f"needs two entries, as in [a, b]; it has {len(value)}")
    return tuple(value)


def _triple(value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        raise wrong(f"{_shown(value)} is not a list of three, as in [0, 0.5, 1]")
    if len(value) != 3:
        raise wrong(f"needs three entries (x, y, z), as in [0, 0.5, 1]; it has {len(value)}")
    return tuple(value)


Flag = Annotated[bool, BeforeValidator(_flag)]
Number = Annotated[float, BeforeValidator(_number)]
Samples = Annotated[int, BeforeValidator(_samples), WithJsonSchema({"enum": [1, 4, 9], "type": "integer"})]
BlendName = Annotated[
    Literal["composite", "maximum", "minimum", "average"],
    BeforeValidator(lambda value: "maximum" if value == "mip" else value),
    WithJsonSchema({"enum": ["composite", "maximum", "mip", "minimum", "average"], "type": "string"}),
]
Whole = Annotated[int, BeforeValidator(_whole)]
WholeLabel = Annotated[int, BeforeValidator(lambda value: int(_label(value)))]
LabelNumber = Annotated[str, BeforeValidator(_label)]
Size = Annotated[tuple[int, int], BeforeValidator(_size)]
Share = Annotated[Number, Field(ge=0.0, le=1.0)]
Positive = Annotated[Number, Field(gt=0.0)]
NotNegative = Annotated[Number, Field(ge=0.0)]
Name = Annotated[str, BeforeValidator(_name), Field(min_length=1)]

Length = Annotated[
    float | str,
    BeforeValidator(_length),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number"},
                {
                    "type": "string",
                    "pattern": r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*(nm|um|µm|μm|micron|mm|cm|m)?\s*$",
                },
            ],
            "description": "A length: a number in world units (the volume's largest extent is 1), or with a unit.",
            "examples": [0.25, "250 um", "2 mm"],
        }
    ),
]

Color = Annotated[
    str | tuple[float, float, float] | list[float],
    BeforeValidator(_color),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "array",
                    "items": {"type": "number", "minimum": 0, "maximum": 1},
                    "minItems": 3,
                    "maxItems": 3,
                },
            ],
            "description": 'A colour: "#rrggbb", a CSS name such as white, or red, green, blue from 0 to 1.',
            "examples": ["#000000", "white", [1, 0.5, 0]],
        }
    ),
]

Point = Annotated[tuple[Length, Length, Length], BeforeValidator(_triple)]
Vector = Annotated[tuple[Number, Number, Number], BeforeValidator(_triple)]
Interval = Annotated[tuple[Length, Length], BeforeValidator(_pair)]
ValueRange = Annotated[tuple[Number, Number], BeforeValidator(_pair)]
OpacityPoint = Annotated[tuple[Number, Share], BeforeValidator(_pair)]
ColorPoint = Annotated[tuple[Number, Color], BeforeValidator(_pair)]
