"""One statement, parsed; with Python 2's ways of saying things put into Python 3's first, where that is needed.

`1024L`, `0777`, `print x`, `a <> b`, `ur"…"` and Windows paths such as 'C:\\Users' are what keeps
old traces from being read.
"""

from __future__ import annotations

import ast
import re

_SPOKEN = re.compile(r"(print|exec|raise)\b(?!\s*[=.])")

_TOKEN = re.compile(
    r"""(?P<string>[uUbBrRfF]{0,3}(?:'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"))"""
    r"""|(?P<name>[A-Za-z_]\w*)"""
    r"""|(?P<number>(?:0[xXoObB][\da-fA-F]+|(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)[lL]?)"""
    r"""|(?P<unequal><>)""",
    re.DOTALL,
)


def parsed(code: str) -> tuple[tuple[ast.stmt, ...], str]:
    """(what a statement says, "") or ((), why it cannot be read). Needs warnings to be silenced by the caller."""
    try:
        return _parse(code), ""
    except SyntaxError as error:
        problem = str(error.msg or "not Python")
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return (), _reason(error)
    if _SPOKEN.match(code):
        return (), ""
    try:
        mended = _TOKEN.sub(_mended, code)
        if mended != code:
            return _parse(mended), ""
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        pass
    return (), f"not Python: {problem}"


def _parse(code: str) -> tuple[ast.stmt, ...]:
    return tuple(ast.parse(code).body)


def _reason(error: Exception) -> str:
    return "not Python: it is nested too deeply" if isinstance(error, RecursionError | MemoryError) else "not Python"


def _mended(found: re.Match[str]) -> str:
    text = found.group()
    if found["unequal"]:
        return "!="
    if found["number"]:
        digits = text.rstrip("lL")
        return f"0o{digits.lstrip('0')}" if re.fullmatch(r"0+[1-7][0-7]*", digits) else digits
    if found["string"]:
        prefix = re.match(r"[A-Za-z]*", text)
        letters = prefix.group() if prefix else ""
        body = text[len(letters) :]
        if set(letters.lower()) == {"u", "r"}:
            return "r" + body
        if "r" not in letters.lower():
            return letters.replace("b", "").replace("B", "") + re.sub(
                r"\\(.)", lambda each: "\\\\" + each[1] if each[1] in "UNux" else each[0], body, flags=re.DOTALL
            )
    return text
