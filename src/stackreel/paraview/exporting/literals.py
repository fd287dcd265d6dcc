"""Values as Python writes them, laid out for people: short numbers, and lines that end before the screen does."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

WIDTH = 116


def literal(value: Any) -> str:
    """A value in one line: lists, tuples, mappings, texts, numbers; 1.0 as 1."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return repr(value) if not isinstance(value, str) else _text(value)
    if isinstance(value, float):
        return repr(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(literal(v) for v in value) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, list):
        return "[" + ", ".join(literal(v) for v in value) + "]"
    return repr(value)


def laid_out(value: Any, indent: int, taken: int = 0) -> str:
    """A value in one line where it fits, else over several; continuation lines are indented by so many spaces.

    taken : columns that the first line has before it, and the last one behind it
    """
    line = literal(value)
    if len(line) + taken <= WIDTH:
        return line
    inner, outer = " " * (indent + 4), " " * indent
    if isinstance(value, Mapping):
        rows = [
            f"{inner}{literal(k)}: {laid_out(v, indent + 4, indent + 8 + len(literal(k)))}," for k, v in value.items()
        ]
        return "{\n" + "\n".join(rows) + f"\n{outer}}}"
    if isinstance(value, (list, tuple)) and any(isinstance(v, Mapping) for v in value):
        rows = [f"{inner}{laid_out(v, indent + 4, indent + 6)}," for v in value]
        return "[\n" + "\n".join(rows) + f"\n{outer}]"
    if isinstance(value, (list, tuple)):
        glued = ", ".join(literal(v).replace(" ", "\0") for v in value) + ","
        lines = textwrap.wrap(
            glued, WIDTH, initial_indent=inner, subsequent_indent=inner, break_long_words=False, break_on_hyphens=False
        )
        return "[\n" + "\n".join(lines).replace("\0", " ") + f"\n{outer}]"
    return line


def one_line(text: str) -> str:
    """Fit to stand in a comment: without line breaks and whatever else cannot be printed."""
    return "".join(c if c.isprintable() else " " for c in text)


def in_docstring(text: str) -> str:
    """Fit to stand between three double quotes."""
    return text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')


def _text(text: str) -> str:
    """A text in double quotes, as people write it; repr's quotes where that would need more escapes."""
    plain = repr(text)
    return f'"{plain[1:-1]}"' if plain[0] == "'" and '"' not in text else plain
