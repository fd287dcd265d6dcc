"""Pages that would go stale if people wrote them: filled in from the program when the documentation is built.

<!-- movie-file-keys -->   every key of the movie file, from its JSON Schema
<!-- command-line -->      the help of every verb
"""

from __future__ import annotations

import argparse
import json
import os
import re
from typing import Any

Schema = dict[str, Any]

# in the order in which a reader meets them; each with the key that it stands behind
PARTS = (
    ("OutputSpec", "output"),
    ("SceneSpec", "scene"),
    ("ColorMap", "color: {map, range}"),
    ("OpacityOf", "opacity: {channel, points}"),
    ("ChannelSpec", "channels: <name>"),
    ("LabelsSpec", "labels: {…}"),
    ("IsoSpec", "iso: {…}"),
    ("GradientSpec", "background: {top, bottom}"),
    ("ClipSpec", "clip (in scene)"),
    ("SliceSpec", "slices (in scene)"),
    ("LightSpec", "light: {…}"),
    ("CameraSpec", "camera (in scene)"),
    ("BoxSpec", "a box"),
    ("PlaceSpec", "places: <name>"),
    ("LookSpec", "looks: <name>"),
    ("ShotSpec", "shots"),
    ("OrbitSpec", "orbit"),
    ("FlySpec", "fly: {…}"),
    ("ZoomSpec", "zoom: {…}"),
    ("CameraMove", "camera (in a shot)"),
    ("KeySpec", "keys (of a camera)"),
    ("LookMove", "look: {…}"),
    ("CropMove", "crop: {…}"),
    ("ClipMove", "clip: {…}"),
    ("SliceMove", "slice: {…}"),
    ("TitleSpec", "title: {…}"),
)


def on_page_markdown(markdown: str, **_: Any) -> str:
    if "<!-- movie-file-keys -->" in markdown:
        markdown = markdown.replace("<!-- movie-file-keys -->", movie_file_keys())
    if "<!-- command-line -->" in markdown:
        markdown = markdown.replace("<!-- command-line -->", command_line())
    return markdown


def movie_file_keys() -> str:
    """A table for every part of the movie file."""
    from stackreel.scene.document import json_schema

    schema = json_schema()
    parts = schema["$defs"]
    unknown = set(parts) - {name for name, _ in PARTS}
    if unknown:
        raise SystemExit(f"the movie file has parts that the reference does not show: {', '.join(sorted(unknown))}")
    out = ["### The whole file", *table(schema)]
    for name, key in PARTS:
        out += [f"### `{key}`", "", parts[name]["description"], *table(parts[name])]
    return "\n".join(out)


def table(part: Schema) -> list[str]:
    rows = ["", "| key | what | example | if left out |", "| --- | --- | --- | --- |"]
    required = set(part.get("required", ()))
    for key, spec in part["properties"].items():
        example = cell(spec["examples"][0]) if spec.get("examples") else ""
        default = "must be there" if key in required else cell(spec["default"]) if is_telling(spec) else ""
        rows.append(f"| `{key}` | {spec.get('description', '')} | {example} | {default} |")
    return [*rows, ""]


def is_telling(spec: Schema) -> bool:
    return spec.get("default") is not None and not isinstance(spec["default"], dict)


def cell(value: Any) -> str:
    return f"`{flow(value)}`".replace("|", "\\|")


def flow(value: Any) -> str:
    """A value as YAML would have it on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(v) for v in value) + "]"
    if isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w ./-]*|-[xyz]", value):
        return value
    return json.dumps(value, ensure_ascii=False)


def command_line() -> str:
    """The help of every verb, as the terminal shows it."""
    from stackreel.cli import GROUPS, parser

    os.environ["COLUMNS"] = "100"
    top = parser()
    verbs = next(a for a in top._actions if isinstance(a, argparse._SubParsersAction)).choices
    out = []
    for title, names in GROUPS:
        out += [f"## {title}", ""]
        for name in names:
            out += help_of(f"stackreel {name}", verbs[name])
    return "\n".join(out)


def help_of(name: str, verb: argparse.ArgumentParser, depth: int = 3) -> list[str]:
    """A verb's help, and that of the verbs below it."""
    out = [f"{'#' * depth} {name}", "", "```text", verb.format_help().rstrip(), "```", ""]
    for action in verb._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below, parser in action.choices.items():
                out += help_of(f"{name} {below}", parser, depth + 1)
    return out
