"""What is wrong with a movie file, one line each: where it stands, what it says, and the way out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from stackreel.errors import MovieFileError

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong.

    path : keys and indices that lead to it, ("shots", 2, "camera", "view_up")
    line : in the file, from 1; None when there is no file
    """

    path: Path
    message: str
    line: int | None = None

    def __str__(self) -> str:
        place = place_of(self.path)
        return f"{place}: {self.message}" if place else self.message


def place_of(path: Path) -> str:
    """A path as people write it: shots[2].camera.view_up."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def movie_file_error(name: str, problems: Iterable[Problem]) -> MovieFileError:
    """All problems as one error, a line each, in the order of the file."""
    ordered = sorted(dict.fromkeys(problems), key=lambda p: p.line if p.line is not None else 0)
    lines = []
    for problem in ordered:
        where = name if problem.line is None else f"{name}:{problem.line}"
        place = place_of(problem.path)
        lines.append(f"{where}, {place}: {problem.message}" if place else f"{where}: {problem.message}")
    return MovieFileError("\n".join(lines))


def did_you_mean(word: str, known: Iterable[str], *, listing: str = "known are") -> str:
    """`; did you mean "opacity"?` when something is near, else `; known are …`, else nothing."""
    options = list(known)
    near = difflib.get_close_matches(word, options, n=1, cutoff=0.6)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; {listing} {', '.join(options)}" if options else ""


def path_in(data: Any, loc: tuple[Any, ...]) -> Path:
    """Pydantic's location with the names of alternatives taken out, so that only steps of the file remain."""
    path: list[str | int] = []
    for i, step in enumerate(loc):
        listed = isinstance(data, (list, tuple)) and isinstance(step, int) and step < len(data)
        if listed or (isinstance(data, dict) and step in data):
            data = data[step]
        elif i == len(loc) - 1 and isinstance(data, dict) and isinstance(step, str) and not step.startswith("<"):
            pass  # a key that is missing
        else:
            continue
        path.append(step)
    return tuple(path)


def value_at(data: Any, path: Path) -> Any:
    for step in path:
        data = data[step]
    return data


def problem_of(error: dict[str, Any], data: Any, models: dict[int, Any]) -> Problem:
    """One of pydantic's errors in our words.

    models : which model read which mapping, by id
    """
    path, kind, given = path_in(data, error["loc"]), error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        key, holder = str(path[-1]), models.get(id(value_at(data, path[:-1])))
        return Problem(
            path,
            f'there is no "{key}" here'
            + did_you_mean(key, holder.written_keys() if holder else (), listing="known keys are"),
        )
    if kind == "missing":
        return Problem(
            path[:-1],
            f'"{path[-1]}" is missing' + (f"; {_FOR_EXAMPLE[str(path[-1])]}" if path[-1] in _FOR_EXAMPLE else ""),
        )
    if kind == "literal_error":
        value = error["input"]
        if path == ("stackreel",):
            return Problem(path, f"version {value} is not known; this stackreel reads version 1")
        options = [o.strip("' ") for o in str(given["expected"]).replace(" or ", ", ").split(", ")]
        return Problem(path, f'"{value}" is not one of {", ".join(options)}' + _near(str(value), options))
    if kind in ("greater_than", "greater_than_equal", "less_than", "less_than_equal"):
        word = {"gt": "more than", "ge": "at least", "lt": "less than", "le": "at most"}
        short = next(k for k in word if k in given)
        return Problem(path, f"{error['input']:g} must be {word[short]} {given[short]:g}")
    if kind in ("too_short", "string_too_short"):
        return Problem(path, "is empty; it needs at least one entry")
    if kind in ("list_type", "tuple_type"):
        return Problem(path, f"{_brief(error['input'])} is not a list")
    if kind == "dict_type":
        return Problem(path, f"{_brief(error['input'])} is not a mapping; write name: {{…}}")
    if kind == "string_type":
        return Problem(path, f"{_brief(error['input'])} is not a text")
    return Problem(path, str(error["msg"]))


def _near(word: str, options: list[str]) -> str:
    near = difflib.get_close_matches(word, options, n=1, cutoff=0.6)
    return f'; did you mean "{near[0]}"?' if near else ""


def _brief(value: Any) -> str:
    text = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else f'"{value}"'
    return text if len(text) < 60 else text[:57] + '…"'


_FOR_EXAMPLE = {
    "stackreel": "begin the file with stackreel: 1",
    "volume": "name the volume's file, as in volume: brain.h5",
    "shots": "a movie needs at least one, as in shots: [{seconds: 10}]",
    "seconds": "say how long the shot lasts, as in seconds: 5",
    "degrees": "say how far, as in degrees: 360",
    "at": "say when, in seconds of the shot, as in at: 2",
    "to": "say where to: a place's name, volume, or a pose",
}
