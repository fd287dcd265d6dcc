"""The movie file: YAML or JSON that says which volume, how it looks, and what happens, shot by shot.

`load` reads one and reports everything that is wrong with it at once; `Document.timeline` lays it over a volume.
The first line of a movie file may tell an editor to complete and check it, once `stackreel schema -o
movie.schema.json` is done:

    # yaml-language-server: $schema=movie.schema.json
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from stackreel.errors import MovieFileError
from stackreel.files import replacing
from stackreel.scene.document.problems import Path, Problem, movie_file_error, problem_of
from stackreel.scene.document.resolve import contradictions, resolve
from stackreel.scene.document.spec import MovieSpec
from stackreel.scene.document.text import Parsed, read, write
from stackreel.scene.subject import Subject
from stackreel.scene.timeline import Timeline

__all__ = ["Document", "from_data", "json_schema", "load", "parse"]


@dataclass(frozen=True)
class Document:
    """A movie file that has been read and holds no contradiction. Two are equal when they say the same.

    spec   : what it says
    name   : as messages name it
    folder : paths in it are relative to this
    """

    spec: MovieSpec
    name: str = field(default="movie", compare=False)
    folder: FilePath = field(default_factory=FilePath, compare=False)
    _parsed: Parsed = field(default_factory=Parsed, compare=False, repr=False)

    @property
    def volumes(self) -> dict[str, FilePath]:
        """The volumes' files by channel; the name is "" where there is one file only."""
        said = self.spec.volume
        files = {"": said} if isinstance(said, str) else said
        return {name: self.folder / FilePath(file).expanduser() for name, file in files.items()}

    @property
    def volume(self) -> FilePath:
        """The volume's file; the first of several."""
        return next(iter(self.volumes.values()))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the picture in pixels."""
        return self.spec.output.size

    @property
    def fps(self) -> int:
        return self.spec.output.fps

    def timeline(self, subject: Subject) -> Timeline:
        """The movie over that volume. MovieFileError, with all problems, where the two do not fit."""
        timeline, problems = resolve(self.spec, subject)
        if problems:
            raise movie_file_error(self.name, _with_lines(problems, self._parsed))
        return timeline

    def to_data(self) -> dict[str, Any]:
        """What the file says, as plain dicts and lists; what it left out stays out."""
        data: dict[str, Any] = self.spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return data

    def to_yaml(self) -> str:
        """The movie file's text; reading it gives an equal Document."""
        return write(self.to_data())

    def save(self, path: str | os.PathLike[str]) -> FilePath:
        """Writes the movie file, whole or not at all, over what stood there."""
        target = FilePath(path)
        with replacing(target) as partial:
            partial.write_text(self.to_yaml(), encoding="utf-8")
        return target


def load(path: str | os.PathLike[str]) -> Document:
    """The movie file at that path. MovieFileError, one line a problem, for anything that it cannot mean."""
    file = FilePath(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise MovieFileError(
            f"{file}: there is no such movie file; `stackreel new VOLUME.h5 -o {file}` writes one"
        ) from None
    except UnicodeDecodeError as error:
        raise MovieFileError(f"{file}: not a text in UTF-8 (byte {error.start}); is it a movie file?") from None
    except OSError as error:
        raise MovieFileError(f"{file}: cannot be read: {error.strerror}") from None
    return parse(text, name=file.name, folder=file.parent)


def parse(text: str, name: str = "movie", folder: str | os.PathLike[str] = ".") -> Document:
    """The movie file with that text; `name` is what messages call it. MovieFileError as in `load`."""
    parsed = read(text)
    if parsed.data is None:
        raise movie_file_error(name, parsed.problems)
    return _document(parsed, name, FilePath(folder))


def from_data(data: Mapping[str, Any], name: str = "movie", folder: str | os.PathLike[str] = ".") -> Document:
    """The movie that plain dicts and lists describe, as in the file. MovieFileError as in `load`, without lines."""
    return _document(Parsed(data=_plain(data)), name, FilePath(folder))


def json_schema() -> dict[str, Any]:
    """The movie file's JSON Schema (draft 2020-12), for editors and other programs."""
    schema = _strict(MovieSpec.model_json_schema(by_alias=True))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "stackreel movie file, version 1",
    }


_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
"""Bounds as pydantic writes them behind a validator of ours → as JSON Schema does."""


def _strict(schema: Any) -> Any:
    """The schema in JSON Schema's words alone, without null: in a movie file, what is not said is left out."""
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {_BOUNDS.get(k, k): _strict(v) for k, v in schema.items() if not (k == "default" and v is None)}
    if {"type": "null"} in plain.get("anyOf", ()):
        forms = [form for form in plain.pop("anyOf") if form != {"type": "null"}]
        plain = {**forms[0], **plain} if len(forms) == 1 else {"anyOf": forms, **plain}
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    if hasattr(value, "tolist"):  # numpy's scalars and arrays
        return _plain(value.tolist())
    if isinstance(value, str):  # half a character, as JSON can hold, is none
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return os.fspath(value) if isinstance(value, os.PathLike) else value


def _document(parsed: Parsed, name: str, folder: FilePath) -> Document:
    problems = list(parsed.problems)
    if not isinstance(parsed.data, dict):
        problems.append(Problem((), "is not a movie file; it begins with stackreel: 1", 1))
        raise movie_file_error(name, problems)
    spec, found = _validated(parsed.data)
    problems += _with_lines(found, parsed)
    reported = {p.path for p in problems}
    checked = spec if spec is not None else _salvaged(parsed.data, [p.path for p in found])
    if checked is not None:
        fresh = [p for p in contradictions(checked) if not _touches(p, reported, parsed.data)]
        problems += _with_lines(fresh, parsed)
    if problems or spec is None:
        raise movie_file_error(name, problems)
    return Document(spec, name, folder, parsed)


def _validated(data: Any) -> tuple[MovieSpec | None, list[Problem]]:
    models: dict[int, Any] = {}
    try:
        return MovieSpec.model_validate(data, context=models), []
    except ValidationError as error:
        problems = [problem_of(dict(e), data, models) for e in error.errors(include_url=False)]
        return None, [p for p in problems if not _is_misspelt(p, problems)]


def _is_misspelt(missing: Problem, problems: list[Problem]) -> bool:
    """Whether a key is missing only because its neighbour means it."""
    return any(
        p.path[:-1] == missing.path and missing.message.startswith(f'"{word}" is missing')
        for p in problems
        if (word := p.message.partition('did you mean "')[2].partition('"')[0])
    )


def _with_lines(problems: list[Problem], parsed: Parsed) -> list[Problem]:
    return [Problem(p.path, p.message, p.line if p.line is not None else parsed.line_of(p.path)) for p in problems]


def _touches(problem: Problem, reported: set[Path], data: dict[str, Any]) -> bool:
    """Whether a contradiction may only be the echo of a problem that is reported already."""
    if any(problem.path[: len(p)] == p or p[: len(problem.path)] == problem.path for p in reported if p):
        return True
    said = [f'there is no {group[:-1]} "{name}"' for group in ("places", "looks") for name in _names(data.get(group))]
    return any(problem.message.startswith(start) for start in said)


def _names(group: Any) -> list[str]:
    return list(group) if isinstance(group, dict) else []


def _salvaged(data: dict[str, Any], bad: list[Path]) -> MovieSpec | None:
    """The movie without its ill-formed parts, so that contradictions among the rest show in the same run."""
    data = _plain(data)
    for _ in range(8):
        for path in sorted(set(bad), key=len, reverse=True):
            _prune(data, path)
        spec, found = _validated(data)
        if spec is not None:
            return spec
        still = [p.path for p in found]
        bad = [p[:-1] for p in bad if len(p) > 1] if still == bad else still
    return None


def _prune(data: dict[str, Any], path: Path) -> None:
    """Takes the part at `path` out; a shot stays as a very long hold, so that the others keep their numbers."""
    if path in ((), ("stackreel",), ("volume",), ("shots",)):
        for key, default in (("stackreel", 1), ("volume", "-"), ("shots", [{"seconds": 1}])):
            if path == (key,) or key not in data:
                data[key] = default
        return
    holder: Any = data
    for depth, step in enumerate(path[:-1]):
        if isinstance(holder, list) and path[0] != "shots":
            return _prune(data, path[:depth])
        try:
            holder = holder[step]
        except (KeyError, IndexError, TypeError):
            return None
    if path[0] == "shots" and len(path) <= 3 and (len(path) == 2 or path[2] == "seconds"):
        shot = data["shots"][path[1]]
        data["shots"][path[1]] = {**shot, "seconds": 86400} if isinstance(shot, dict) else {"seconds": 86400}
    elif isinstance(holder, dict):
        holder.pop(path[-1], None)
    elif isinstance(holder, list):
        _prune(data, path[:-1])
    return None
