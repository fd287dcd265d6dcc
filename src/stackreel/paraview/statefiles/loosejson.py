"""JSON as programs around ParaView write it: with comments, commas before a closing bracket, and NaN."""

from __future__ import annotations

import json
import re

from stackreel.errors import ParaViewError
from stackreel.paraview.proxies import Value

_STRING = r'"(?:[^"\\]|\\.)*(?:"|\Z)'
_COMMENT = re.compile(rf"({_STRING})|//[^\n]*|/\*.*?(?:\*/|\Z)", re.DOTALL)
_COMMA = re.compile(rf"({_STRING})|,(?=\s*[\]}}])", re.DOTALL)


def parse(text: str, name: str) -> object:
    """What the text holds. Raises ParaViewError, with the line, for what is no JSON even so."""
    for pattern in (_COMMENT, _COMMA):  # blanks instead, so that lines stay where they are
        text = pattern.sub(lambda m: m[1] if m[1] else re.sub(r"[^\n]", " ", m[0]), text)
    try:
        found: object = json.loads(text, strict=False)
    except json.JSONDecodeError as error:
        if error.pos >= len(text.rstrip()):
            raise ParaViewError(
                f"{name}, line {error.lineno}: the file breaks off there; it was not saved or copied whole"
            ) from None
        raise ParaViewError(
            f"{name}, line {error.lineno}, column {error.colno}: not JSON ({error.msg}); save it again in ParaView"
        ) from None
    except (RecursionError, ValueError):  # nested without end; a number of thousands of digits
        raise ParaViewError(f"{name}: not JSON as ParaView writes it; save it again there") from None
    return found


def as_value(data: object) -> Value:
    """JSON as a property's value: numbers as floats, lists as tuples; a mapping is none."""
    if isinstance(data, (bool, int, float)):
        try:
            return float(data)
        except OverflowError:
            return None
    if isinstance(data, str):
        return data
    return tuple(as_value(one) for one in data) if isinstance(data, list) else None


def flat(data: object) -> tuple[float, ...] | None:
    """A list of numbers, or of lists of numbers, as one; None for anything else."""
    if not isinstance(data, list):
        return None
    found: list[float] = []
    for one in data:
        if isinstance(one, list):
            inner = flat(one)
            if inner is None:
                return None
            found.extend(inner)
        elif isinstance(value := as_value(one), float):
            found.append(value)
        else:
            return None
    return tuple(found)
