"""Reading and writing the movie file's notation, line by line: YAML 1.2's plain rules, which JSON shares.

Only true and false are booleans, only decimal (or 0x, 0o) digits are numbers, so that `no`, `on`, 1:30 and 1e-3 mean
what they look like. A key given twice is a problem, never a silent loss. Every value's line is remembered.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import yaml

from stackreel.scene.document.problems import Path, Problem

_INT = re.compile(r"[-+]?[0-9]+|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_MOST_NODES = 200_000


class _Loader(yaml.SafeLoader):
    """Leaves plain scalars as texts; `_plain` reads them."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012


def _plain(text: str) -> Any:
    """A plain scalar by YAML 1.2's core rules."""
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if _INT.fullmatch(text):
        return int(text, 0) if text[:2] in ("0x", "0o") else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if text.lower() in (".inf", "+.inf", "-.inf", ".nan"):
        return float(text.replace(".", ""))
    return text


@dataclass
class Parsed:
    """What a text says.

    data     : dicts, lists, texts, numbers
    lines    : line (from 1) of every value, by its path
    problems : what could not be read
    """

    data: Any = None
    lines: dict[Path, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    _nodes: int = 0

    def line_of(self, path: Path) -> int | None:
        """The line of that value, or of the nearest that holds it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path)

    def say(self, path: Path, message: str, line: int | None = None) -> None:
        self.problems.append(Problem(path, message, line if line is not None else self.line_of(path)))

    def build(self, node: Any, path: Path, depth: int = 0) -> Any:
        self._nodes += 1
        if depth > 40 or self._nodes > _MOST_NODES:
            raise yaml.YAMLError("the file is nested too deeply, or its aliases refer to themselves")
        self.lines.setdefault(path, node.start_mark.line + 1)
        if node.tag not in (
            "tag:yaml.org,2002:str",
            "tag:yaml.org,2002:map",
            "tag:yaml.org,2002:seq",
        ):
            self.say(path, f'"{node.tag}" is a YAML tag; a movie file needs none')
        if isinstance(node, yaml.ScalarNode):
            text: str = node.value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            return _plain(text) if node.style is None else text
        if isinstance(node, yaml.SequenceNode):
            return [self.build(child, (*path, i), depth + 1) for i, child in enumerate(node.value)]
        return self._mapping(node, path, depth)

    def _mapping(self, node: Any, path: Path, depth: int) -> dict[str, Any]:
        result: dict[str, Any] = {}
        first: dict[str, int] = {}
        for key_node, child in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.say(path, "a key must be a plain word", line)
                continue
            key: str = key_node.value
            if key == "<<":
                self.say(
                    path,
                    'merging with "<<" is not part of this notation; name a look or a place instead',
                    line,
                )
                continue
            if key in first:
                self.say((*path, key), f"given twice; it stands on line {first[key]} already", line)
                continue
            first[key] = line
            self.lines[(*path, key)] = line
            value = self.build(child, (*path, key), depth + 1)
            if value is None:
                if path == () and key in ("scene", "output", "places", "looks"):
                    continue
                self.say((*path, key), "is empty; give it a value, or leave the line out", line)
                continue
            result[key] = value
        return result


def read(text: str) -> Parsed:
    """The data of a YAML or JSON text, with lines and problems; a text that is no YAML has one problem."""
    parsed = Parsed()
    text = text.removeprefix("\ufeff")
    if text.lstrip()[:1] == "{" and "\t" in text:
        try:
            json.loads(text)
        except ValueError:
            pass
        else:
            text = text.replace("\t", " ")  # JSON may be indented by tabs, YAML may not; JSON texts hold none
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is None:
            parsed.say((), "the file is empty; `stackreel new` writes one to start from")
        else:
            parsed.data = parsed.build(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = (error.problem or str(error)).strip()
        if "'\\t'" in said:
            said = "a tab cannot indent YAML; use spaces"
        elif "<stream end>" in said or "unexpected end of stream" in said:
            said = "the file ends too early; look for a missing ], } or quotation mark"
        elif "found another document" in said or ("but found" in said and "document" in (error.context or "")):
            said = "a second document begins here; a movie file holds one"
        parsed.say((), f"not readable as YAML: {said}", mark.line + 1 if mark else None)
    except (yaml.YAMLError, UnicodeError) as error:
        parsed.say((), f"not readable as YAML: {error}")
    return parsed


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        return super().increase_indent(flow, False)


def _represent_str(dumper: Any, value: str) -> Any:
    if "\n" in value:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style='"')
    style = '"' if not isinstance(_plain(value), str) or value.startswith("#") else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


def _represent_float(dumper: Any, value: float) -> Any:
    text = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if "e" in text and "." not in text:  # 1e-05, which YAML takes for a word
        text = text.replace("e", ".0e")
    return dumper.represent_scalar("tag:yaml.org,2002:float" if "." in text else "tag:yaml.org,2002:int", text)


class _Line(dict[str, Any]):
    """A mapping that is written on one line."""


def _shaped(value: Any, path: Path) -> Any:
    """The same data, with the mappings marked that read best on one line."""
    if isinstance(value, list):
        return [_shaped(v, (*path, i)) for i, v in enumerate(value)]
    if not isinstance(value, dict):
        return value
    open_ended = path in (("scene",), ("places",), ("looks",)) or (len(path) == 2 and path[0] == "shots")
    if not open_ended and len(repr(value)) <= 100 and "\n" not in repr(value):
        return _Line(value)
    return {k: _shaped(v, (*path, k)) for k, v in value.items()}


def _represent_list(dumper: Any, value: Any) -> Any:
    flow = not any(isinstance(v, dict) for v in value)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", value, flow_style=flow)


def _represent_dict(dumper: Any, value: dict[str, Any]) -> Any:
    return dumper.represent_mapping("tag:yaml.org,2002:map", value.items(), flow_style=isinstance(value, _Line))


_Dumper.add_representer(str, _represent_str)
_Dumper.add_representer(float, _represent_float)
_Dumper.add_representer(list, _represent_list)
_Dumper.add_representer(dict, _represent_dict)
_Dumper.add_representer(_Line, _represent_dict)


def write(data: dict[str, Any]) -> str:
    """The data as YAML that a person would write: short things on one line, top-level parts apart."""
    parts = [
        yaml.dump({key: _shaped(value, (key,))}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
        for key, value in data.items()
    ]
    blocks = [("\n" if "\n" in part.rstrip() else "") + part for part in parts]
    return "".join(blocks).lstrip()
