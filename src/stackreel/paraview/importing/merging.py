"""Parts put into a movie file that someone wrote, which stays as it is in every other letter: comments, order, spacing.

The text is not written anew. Where a part stands is looked up, and its letters alone are replaced; a new one goes
behind the last of its kind. What comes out is read again, and has to say what was meant.
"""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

import yaml

from stackreel.errors import ParaViewError
from stackreel.paraview.importing.report import Parts, free_name
from stackreel.scene.document import parse
from stackreel.scene.document.text import read, write

_LOOK = ("color", "opacity", "opacity_unit", "iso", "blend", "light", "background")


def merged(text: str, parts: Parts, name: str, look: str, *, scene: bool = False) -> tuple[str, list[str]]:
    """(the movie file's text with the parts in it, a sentence for each of them).

    name  : of the movie file, for messages
    look  : what the look is called that colours, opacities and light become
    scene : replace these parts of the scene instead of adding a look and places

    Raises MovieFileError where the text is no sound movie file, ParaViewError where it cannot be edited.
    """
    parse(text, name)
    text = text if text.endswith("\n") else text + "\n"
    edit = _Edit(text.removeprefix("\ufeff"), name)
    said: list[str] = []
    if scene:
        for key, value in parts.scene.items():
            for word in _rivals(key, edit.data.get("scene")):
                edit.remove(("scene", word))
                said.append(f"scene.{word} went, as {key} does not go with it")
            said.append(edit.put(("scene", key), value))
    else:
        words = {key: parts.scene[key] for key in _LOOK if key in parts.scene}
        if words:
            said.append(edit.put(("looks", look), words))
        if any(key in parts.scene for key in ("clip", "slices")):
            cuts = " and ".join(key for key in ("clip", "slices") if key in parts.scene)
            said.append(
                f"{cuts}: not put in, as neither a look nor a place holds them; --scene puts them into the scene"
            )
    several = sum("camera" in place for place in parts.places.values()) > 1
    for place, value in parts.places.items():
        if not scene or ("camera" in value and several):  # the scene has the only one, and the box, already
            said.append(edit.put(("places", place), value))
    for other, value in parts.looks.items():
        said.append(edit.put(("looks", other), value))
    taken = [shot.get("name") for shot in edit.data.get("shots", ())]
    for shot in parts.shots:
        named = {**shot, "name": free_name(str(shot.get("name", "shot")), taken)}
        taken.append(named["name"])
        said.append(edit.append(("shots",), named))
    parse(edit.text, name)
    return edit.text, said


def _rivals(key: str, scene: Any) -> list[str]:
    """Words of the scene that do not go with a new one."""
    there = scene if isinstance(scene, dict) else {}
    if key == "iso":
        return [w for w in ("color", "opacity", "opacity_unit", "channels") if w in there]
    if key in ("color", "opacity", "opacity_unit"):
        return [w for w in ("iso", "channels") if w in there]
    return []


class _Edit:
    """A text and what it says; every change is made to both, and compared."""

    def __init__(self, text: str, name: str) -> None:
        self.text, self.name = text, name
        self.data: dict[str, Any] = read(text).data

    # ------------------------------------------------------------ changes

    def put(self, path: tuple[str, str], value: Any) -> str:
        """Sets a part of a part; a sentence on what happened."""
        group, key = path
        wanted = deepcopy(self.data)
        held = wanted.get(group)
        there: dict[str, Any] = held if isinstance(held, dict) else {}
        same = key in there and there[key] == _plain(value)
        known = key in there
        wanted[group] = {**there, key: _plain(value)}
        if same:
            return f"{group}.{key}: said so already"
        top = self._root()
        holder = _child(top, group)
        if holder is None:
            self._add(top, group, {key: value})
        elif not isinstance(holder[1], yaml.MappingNode):  # `looks:` with nothing behind it
            self._replace(top, holder, {key: value})
        elif known:
            found = _child(holder[1], key)
            assert found is not None
            self._replace(holder[1], found, value)
        else:
            self._add(holder[1], key, value)
        self._check(wanted, f"{group}.{key}")
        return f"{group}.{key}: {'replaced' if known else 'added'}"

    def remove(self, path: tuple[str, str]) -> None:
        group, key = path
        wanted = deepcopy(self.data)
        del wanted[group][key]
        holder = _child(self._root(), group)
        assert holder is not None
        node = holder[1]
        pair = _child(node, key)
        assert pair is not None
        start, end = pair[0].start_mark.index, _end(self.text, pair[1])
        if node.flow_style:
            after = self.text[end:]
            rest = after.lstrip()
            if rest.startswith(","):
                end += len(after) - len(rest) + 1
                end += len(self.text[end:]) - len(self.text[end:].lstrip(" "))
            else:
                before = self.text[:start].rstrip()
                start = len(before) - 1 if before.endswith(",") else start
        else:
            start = self.text.rfind("\n", 0, start) + 1
            line_end = self.text.find("\n", end)
            end = len(self.text) if line_end < 0 else line_end + 1
        self.text = self.text[:start] + self.text[end:]
        self._check(wanted, f"{group}.{key}")

    def append(self, path: tuple[str], value: dict[str, Any]) -> str:
        """Adds an entry to a list at the top of the file."""
        wanted = deepcopy(self.data)
        wanted.setdefault(path[0], []).append(_plain(value))
        holder = _child(self._root(), path[0])
        assert holder is not None  # a movie has shots
        node = holder[1]
        last = node.value[-1]
        if node.flow_style:
            at = _end(self.text, last)
            self.text = f"{self.text[:at]}, {_flow(value)}{self.text[at:]}"
        else:
            dash = self.text.rfind("-", self.text.rfind("\n", 0, last.start_mark.index) + 1, last.start_mark.index + 1)
            column = dash - (self.text.rfind("\n", 0, dash) + 1)
            lines = write({"shots": [value]}).splitlines()[1:]
            pad = len(lines[0]) - len(lines[0].lstrip())
            block = "".join(" " * column + line[pad:] + "\n" for line in lines)
            at = self._line_end(_end(self.text, last))
            self.text = self.text[:at] + block + self.text[at:]
        self._check(wanted, path[0])
        return f"{path[0]}: the shot {value['name']} was added at the end"

    # ------------------------------------------------------------ letters

    def _root(self) -> Any:
        return yaml.compose(self.text, Loader=yaml.BaseLoader)

    def _add(self, holder: Any, key: str, value: Any) -> None:
        """A new key behind the last one of a mapping."""
        if holder.flow_style:
            at = _end(self.text, holder.value[-1][1]) if holder.value else holder.end_mark.index - 1
            comma = ", " if holder.value else ""
            self.text = f"{self.text[:at]}{comma}{_key(key, self._json)}: {_flow(value)}{self.text[at:]}"
            return
        column = holder.value[0][0].start_mark.column
        last = holder.value[-1]
        at = self._line_end(_end(self.text, last[1]))
        block = _block(key, value, column)
        if column == 0:
            block = "\n" + block
        self.text = self.text[:at] + block + self.text[at:]

    def _replace(self, holder: Any, pair: Any, value: Any) -> None:
        key_node, node = pair
        end = _end(self.text, node)
        if holder.flow_style:
            start = node.start_mark.index
            self.text = self.text[:start] + _flow(value) + self.text[end:]
            return
        column = key_node.start_mark.column
        block = _block(key_node.value, value, column)
        tail = self._line_end(end)
        comment = self.text[end:tail].strip()
        lines = block.splitlines()
        if comment.startswith("#"):
            lines[0] += f"   {comment}"
        start = key_node.start_mark.index - column
        self.text = self.text[:start] + "\n".join(lines) + "\n" + self.text[tail:]

    def _line_end(self, at: int) -> int:
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found + 1

    @property
    def _json(self) -> bool:
        return self.text.lstrip()[:1] == "{"

    def _check(self, wanted: dict[str, Any], what: str) -> None:
        found = read(self.text)
        if found.problems or found.data != wanted:
            raise ParaViewError(
                f"{self.name}: {what} cannot be put into this file without touching the rest; write it to a new "
                "one with -o, and copy it over"
            )
        self.data = wanted


def _child(mapping: Any, key: str) -> Any:
    """(key, value) nodes of a key in a mapping; None without it."""
    if not isinstance(mapping, yaml.MappingNode):
        return None
    return next((pair for pair in mapping.value if pair[0].value == key), None)


def _end(text: str, node: Any) -> int:
    """Where a node's own letters end; a block's end mark lies behind the comments and blank lines that follow."""
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(text, last[1] if isinstance(last, tuple) else last)
    end: int = node.end_mark.index
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        return len(text[:end].rstrip())
    return end


def _block(key: str, value: Any, column: int) -> str:
    """A key and its value as lines, indented."""
    lines = write({"looks": {key: value}}).splitlines()[1:]
    pad = len(lines[0]) - len(lines[0].lstrip())
    return "".join(" " * column + line[pad:] + "\n" for line in lines)


def _flow(value: Any) -> str:
    """A value on one line, in JSON, which YAML reads too."""
    return json.dumps(_short(value), ensure_ascii=False)


def _key(key: str, as_json: bool) -> str:
    plain = key.replace("_", "").isalnum() and not key[:1].isdigit()
    return key if plain and not as_json else json.dumps(key, ensure_ascii=False)


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(k): _short(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_short(v) for v in value]
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else value


def _plain(value: Any) -> Any:
    """As it comes back when the text is read."""
    return read(write({"looks": {"x": value}})).data["looks"]["x"]
