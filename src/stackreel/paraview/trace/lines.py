"""A script's text as statements, one by one, whatever state it is in.

Python's own parser gives nothing for a file with one bad line; a quarter of all traces that people publish have one.
So brackets, strings and comments are followed here, every statement is parsed alone, and where one is broken the next
begins at the next line that looks like a beginning. Text is only ever looked at: nothing here runs any of it.
"""

from __future__ import annotations

import ast
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from stackreel.paraview.trace.mending import parsed

HEADS = frozenset("if elif else for while def class with try except finally".split())  # noqa: SIM905

_PLAIN = re.compile(r"""[^'"#\\()\[\]{};\n]+""")
_BRACKETS = {"(": ")", "[": "]", "{": "}"}
_WORD = re.compile(r"(?:async\s+)?([A-Za-z_]\w*)")
_SPACE = re.compile(r"[ \t\f]*")

# What cannot stand at the start of a line inside of brackets, and what mostly does not.
_SURELY_A_START = re.compile(
    r"[ \t]*(?:[A-Za-z_]\w*(?:\.\w+)+[ \t]*=(?!=)"
    r"|(?:def|class|import|while|with|try|return)\b(?!\s*[,=)]))"
)
_LIKE_A_START = re.compile(
    r"[ \t]*(?:[A-Za-z_][\w.]*(?:\[[^\]\n]*\])?[ \t]*[-+*/]?=(?!=)"
    r"|[A-Za-z_][\w.]*\("
    r"|(?:def|class|if|elif|else|for|while|try|except|finally|with|import|from|return|print|del|pass)\b)"
)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, or the head of a block.

    line   : of its beginning, from 1
    indent : columns; a tab leads to the next multiple of eight
    text   : its first line
    head   : the word that a block begins with ("if", "for" …); "" for anything else
    trees  : what it says, with line numbers that begin at 1; of a head with an empty body. Nothing where it is broken,
             or where it says nothing by itself (else:, try:, print x)
    problem: why it could not be read; "" where it could
    """

    line: int
    indent: int
    text: str
    head: str = ""
    trees: tuple[ast.stmt, ...] = ()
    problem: str = ""


def statements(text: str) -> Iterator[Statement]:
    """Every statement of a script, in order; broken ones too. text : with \\n at the ends of lines"""
    starts = [0, *(found.end() for found in re.finditer("\n", text))]
    patience = 4 * len(text) + 100_000  # characters read in vain: beyond it, a broken line is taken for one line
    position = 0
    while position < len(text):
        line = bisect_right(starts, position)
        indent_end = _SPACE.match(text, position).end()  # type: ignore[union-attr]  # it matches nothing, too
        one = _follow(text, indent_end, position, to_the_end=patience > 0)
        if not one.code.strip() and not one.problem:
            position = one.end
            continue
        indent = len(text[position:indent_end].expandtabs(8))
        found = _understood(one, line, indent, text[position : _line_end(text, position)].strip())
        broken = any(part.problem for part in found)
        end = one.end
        if broken and one.end > _line_end(text, position) + 1:
            patience -= one.end - position
            end = _next_start(text, position, indent, one.end, bool(found[0].head))
        yield from found
        position = end


@dataclass(frozen=True, slots=True)
class _Followed:
    code: str
    end: int
    semicolons: tuple[int, ...]
    problem: str


def _follow(text: str, position: int, line_start: int, *, to_the_end: bool) -> _Followed:
    """The logical line that begins at a position, without its comments; and where the next one begins."""
    parts: list[str] = []
    length = 0
    semicolons: list[int] = []
    expected: list[str] = []
    problem = ""
    indent = text[line_start:position]
    while position < len(text):
        plain = _PLAIN.match(text, position)
        if plain:
            piece, position = plain.group(), plain.end()
        else:
            letter = text[position]
            piece = letter
            if letter == "\n":
                position += 1
                if not expected:
                    return _Followed("".join(parts), position, tuple(semicolons), problem)
                if not to_the_end or _begins_here(text, position, indent):
                    return _Followed("".join(parts), position, (), "a bracket in it is never closed")
            elif letter == "#":
                position, piece = _line_end(text, position), ""
            elif letter == "\\":
                piece = text[position : position + 2]
                position += len(piece)
            elif letter in "'\"":
                piece, position, whole = _string(text, position)
                if not whole:
                    parts.append(piece)
                    end = min(_line_end(text, position) + 1, len(text))
                    return _Followed("".join(parts), end, (), "a string in it is never closed")
            else:
                position += 1
                if letter in _BRACKETS:
                    expected.append(_BRACKETS[letter])
                    if len(expected) > 60:
                        problem = problem or "brackets lie more than 60 deep"
                elif letter == ";":
                    if not expected:
                        semicolons.append(length)
                elif expected and expected[-1] == letter:
                    expected.pop()
                else:
                    end = min(_line_end(text, position) + 1, len(text))
                    return _Followed("".join(parts), end, (), f"'{letter}' closes a bracket that was not opened")
        parts.append(piece)
        length += len(piece)
    return _Followed(
        "".join(parts), len(text), tuple(semicolons), problem or ("a bracket in it is never closed" if expected else "")
    )


def _string(text: str, start: int) -> tuple[str, int, bool]:
    """(its text, where it ends, whether it does) of the string that begins at a quote."""
    quote = text[start] * 3 if text.startswith(text[start] * 3, start) else text[start]
    position = start + len(quote)
    while True:
        found = text.find(quote, position)
        stop = len(text) if len(quote) == 3 else _line_end(text, position)
        escape = text.find("\\", position, found if found >= 0 else stop)
        if 0 <= escape < (stop if len(quote) == 1 else len(text)):
            position = escape + 2
            continue
        if found < 0 or (len(quote) == 1 and found > stop):
            end = stop if len(quote) == 1 else _line_end(text, start)
            return text[start:end], end, False
        return text[start : found + len(quote)], found + len(quote), True


def _begins_here(text: str, position: int, indent: str) -> bool:
    """Whether a statement begins at this line, though a bracket is still open."""
    found = _SURELY_A_START.match(text, position, _line_end(text, position))
    spaces = _SPACE.match(text, position)
    return bool(found and spaces and len(spaces.group().expandtabs(8)) <= len(indent.expandtabs(8)))


def _understood(one: _Followed, line: int, indent: int, first: str) -> list[Statement]:
    """The statements of a logical line; more than one where semicolons part them."""
    code = one.code.strip()
    word = _WORD.match(code)
    head = word.group(1) if word and word.group(1) in HEADS else ""
    if one.problem:
        return [Statement(line, indent, first, head if first.endswith(":") else "", (), one.problem)]
    if head and code.endswith(":"):
        trees, problem = _head_parsed(head, code)
        return [Statement(line, indent, first, head, trees, problem)]
    trees, problem = parsed(code)
    if not problem:
        return [Statement(line, indent, first, "", trees)]
    if head and "\n" not in code and ":" in code:  # else: x = 1
        return _alone(head, code, line, indent, first, problem)
    if not one.semicolons:
        return [Statement(line, indent, first, "", (), problem)]
    found, before = [], 0
    lead = len(one.code) - len(one.code.lstrip())
    for cut in (*one.semicolons, len(one.code)):
        piece = one.code[before:cut]
        trees, problem = parsed(piece.strip().strip(";").strip())
        at = line + one.code.count("\n", lead, before + len(piece) - len(piece.lstrip(" ;\t\n")))
        found.append(Statement(at, indent, piece.strip().strip(";").strip(), "", trees, problem))
        before = cut
    return found


def _alone(head: str, code: str, line: int, indent: int, first: str, problem: str) -> list[Statement]:
    """The head and the body of `else: x = 1`, which Python cannot read without its `if`."""
    before, _, after = code.partition(":")
    if head not in ("else", "elif", "except", "finally", "try"):
        return [Statement(line, indent, first, "", (), problem)]
    trees, worse = _head_parsed(head, before + ":")
    inner, problem = parsed(after.strip())
    return [
        Statement(line, indent, first, head, trees, worse),
        Statement(line, indent + 1, after.strip(), "", inner, problem),
    ]


def _head_parsed(head: str, code: str) -> tuple[tuple[ast.stmt, ...], str]:
    if head in ("else", "try", "finally", "except"):
        return (), ""
    return parsed((code[2:] if head == "elif" else code) + " pass")


def _line_end(text: str, position: int) -> int:
    found = text.find("\n", position)
    return len(text) if found < 0 else found


def _next_start(text: str, position: int, indent: int, end: int, head: bool) -> int:
    """Where to go on behind a broken statement: at what looks like the next one."""
    anywhere = 0
    position = _line_end(text, position) + 1
    if head:
        return min(position, end)
    while position < end:
        found = _LIKE_A_START.match(text, position, _line_end(text, position))
        if found:
            spaces = _SPACE.match(text, position)
            if spaces and len(spaces.group().expandtabs(8)) <= indent:
                return position
            anywhere = anywhere or position
        position = _line_end(text, position) + 1
    return anywhere or end
