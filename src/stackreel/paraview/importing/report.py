"""What came over from ParaView and what did not, in sentences; and the parts of a movie file that were made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stackreel.paraview.proxies import State

MOST = 160
"""Characters of a line that are quoted."""


@dataclass(frozen=True, slots=True)
class Left:
    """Something that was not taken. line : from 1; 0 where there are no lines"""

    file: str
    line: int
    what: str
    reason: str

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}" if self.line else self.file
        what = self.what if len(self.what) <= MOST else f"{self.what[:MOST]} …"
        return f"{where}: {what}: {self.reason}"


@dataclass
class Report:
    """taken : a sentence for each thing that came over. left : what did not"""

    taken: list[str] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    def took(self, sentence: str) -> None:
        if sentence not in self.taken:
            self.taken.append(sentence)

    def leave(self, state: State, line: int, what: str, reason: str) -> None:
        one = Left(state.name, line, what, reason)
        if one not in self.left:
            self.left.append(one)


@dataclass
class Parts:
    """Parts of a movie file, as plain data in its own words.

    scene    : what is shown at the beginning
    places   : cameras and boxes by name
    looks    : looks by name
    shots    : what moves
    output   : size, fps
    comments : words to stand beside a part, by its path: ("scene", "camera") → a sentence
    report   : what was taken, and what was not
    """

    scene: dict[str, Any] = field(default_factory=dict)
    places: dict[str, dict[str, Any]] = field(default_factory=dict)
    looks: dict[str, dict[str, Any]] = field(default_factory=dict)
    shots: list[dict[str, Any]] = field(default_factory=list)
    output: dict[str, Any] = field(default_factory=dict)
    comments: dict[tuple[str, ...], str] = field(default_factory=dict)
    report: Report = field(default_factory=Report)

    @property
    def empty(self) -> bool:
        """Whether there is nothing that a movie file could take."""
        return not (self.scene or self.places or self.looks or self.shots or self.output)


def free_name(wanted: str, taken: Any) -> str:
    """The name itself, or with a number where it is taken; without characters that would read badly in YAML."""
    plain = "".join(c if c.isalnum() or c in "._- " else "_" for c in wanted).strip() or "view"
    if plain.lower() in ("volume", "none", "focal_point", "null", "true", "false", "~"):
        plain = f"{plain} view"
    name, k = plain, 2
    while name in taken:
        name, k = f"{plain} {k}", k + 1
    return name
