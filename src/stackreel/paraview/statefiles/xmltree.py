"""XML from anywhere, read piece by piece: what a ParaView file may hold, and nothing that could do harm.

A state file can be large, and is not needed all at a time: it is walked through, and only one piece of it, such as one
proxy, is held as a tree. Document type declarations are refused: no file of ParaView's has one, and through
them XML reaches for other files and grows without bounds.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.parsers import expat

from stackreel.errors import ParaViewError

_DEEPEST = 500
_CHUNK = 1 << 20
_NUMBER = re.compile(r"\s*[-+]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|inf(?:inity)?|nan)\s*", re.IGNORECASE)
_CUT_SHORT = ("no element found", "unclosed token", "partial character", "unclosed CDATA section")


@dataclass(slots=True)
class Node:
    """An element: its name, attributes, children, and the line where it begins."""

    tag: str
    attributes: dict[str, str]
    line: int
    children: list[Node] = field(default_factory=list)

    def get(self, name: str, default: str = "") -> str:
        return self.attributes.get(name, default)

    def all(self, *tags: str) -> Iterator[Node]:
        """The children of those names."""
        return (child for child in self.children if child.tag in tags)

    def number(self, name: str) -> float | None:
        """An attribute as a number; None where it is none."""
        value = as_number(self.get(name))
        return value if isinstance(value, float) else None


Take = Callable[[Node, tuple[Node, ...]], None]


def as_number(text: str) -> float | str:
    """The number that a text is, or the text itself."""
    return float(text) if _NUMBER.fullmatch(text) else text


def walk(path: Path, pieces: Collection[str], take: Take) -> None:
    """Calls take(piece, the elements around it, outermost first) for every outermost element of those names.

    Raises ParaViewError for what is no XML, breaks off, or declares a document type.
    """
    around: list[Node] = []  # the elements around a piece, without their children
    inside: list[Node] = []  # the open elements of a piece
    parser = _parser(path, _encoding(path))

    def start(tag: str, attributes: dict[str, str]) -> None:
        node = Node(tag, attributes, parser.CurrentLineNumber)
        if len(around) + len(inside) > _DEEPEST:
            raise ParaViewError(f"{path}, line {node.line}: nested deeper than any file of ParaView's")
        if inside:
            inside[-1].children.append(node)
            inside.append(node)
        else:
            (inside if tag in pieces else around).append(node)

    def end(_: str) -> None:
        if not inside:
            around.pop()
            return
        node = inside.pop()
        if not inside:
            take(node, tuple(around))

    parser.StartElementHandler, parser.EndElementHandler = start, end
    _feed(parser, path)


def tree(path: Path, root: str) -> Node:
    """The whole file as a tree; for small ones."""
    found: list[Node] = []
    walk(path, (root,), lambda node, _: found.append(node))
    return found[0]


class _FoundError(Exception):
    """The root's name is known, and no more is wanted."""


def root_of(path: Path) -> str:
    """The name of the outermost element. Raises ParaViewError as `walk` does."""
    names: list[str] = []
    parser = _parser(path, _encoding(path))

    def start(tag: str, _: dict[str, str]) -> None:
        names.append(tag)
        raise _FoundError

    parser.StartElementHandler = start
    with contextlib.suppress(_FoundError):
        _feed(parser, path)
    return names[0]


def _parser(path: Path, encoding: str | None) -> expat.XMLParserType:
    parser = expat.ParserCreate(encoding)

    def refuse(*_: object) -> None:
        raise ParaViewError(
            f"{path}, line {parser.CurrentLineNumber}: declares a document type, which no file of ParaView's does and "
            "which could reach for other files; it is not read. If you trust it, take the <!DOCTYPE …> out"
        )

    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    return parser


def _feed(parser: expat.XMLParserType, path: Path) -> None:
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                parser.Parse(chunk, False)
            parser.Parse(b"", True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code) or "not well-formed"
        where = f"{path}, line {error.lineno}"
        if reason in _CUT_SHORT:
            raise ParaViewError(
                f"{where}: the file breaks off there; it was not saved or copied whole. Save it again in ParaView"
            ) from None
        raise ParaViewError(
            f"{where}, column {error.offset + 1}: not XML as ParaView writes it ({reason}); save it again in ParaView"
        ) from None
    except (LookupError, ValueError) as error:  # an encoding that Python does not have
        if isinstance(error, ParaViewError):
            raise
        raise ParaViewError(f"{path}: {error}; save it as UTF-8") from None
    except OSError as error:
        raise ParaViewError(f"{path}: cannot be read ({error.strerror})") from error


def _encoding(path: Path) -> str | None:
    """What to read the file in, where it is not what it says: names of files may stand in it as the system has them."""
    try:
        with path.open("rb") as file:
            head = file.read(200)
            if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"encoding" in head.split(b"?>")[0]:
                return None
            decoder, chunk = codecs.getincrementaldecoder("utf-8")(), head
            while chunk:
                decoder.decode(chunk)
                chunk = file.read(_CHUNK)
    except UnicodeDecodeError:
        return "iso-8859-1"
    except OSError:
        return None  # said when it is read
    return None
