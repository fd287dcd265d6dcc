"""What a call in a script is given, by place and by name, as far as it can be told without running it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stackreel.paraview.trace.made import Made
from stackreel.paraview.trace.values import Draft, Thing, settled


@dataclass(slots=True)
class Arguments:
    """What a call is given. key : the variable that its result goes to; "" for none"""

    values: list[Any]
    named: dict[str, Any]
    lines: dict[str, int]
    line: int
    key: str = ""
    incomplete: bool = False
    taken: set[str] = field(default_factory=set)

    def take(self, index: int, *names: str) -> Any:
        """An argument by its place or one of its names; None where it was not given."""
        self.taken.update(names)
        if 0 <= index < len(self.values):
            return self.values[index]
        return next((self.named[name] for name in names if name in self.named), None)

    def draft(self, index: int, *names: str) -> Draft | None:
        found = self.take(index, *names)
        return found.draft if isinstance(found, Thing) and not found.path else None

    def text(self, index: int, *names: str) -> str:
        found = settled(self.take(index, *names))
        return found if isinstance(found, str) else ""

    def rest(self) -> dict[str, Any]:
        """What is given by names that nothing has taken."""
        return {name: value for name, value in self.named.items() if name not in self.taken}


def set_all(made: Made, thing: Thing, given: Arguments) -> None:
    """thing.A = …, thing.B = … of all names that are left."""
    for name, value in given.rest().items():
        made.set(thing, name, value, given.lines.get(name, given.line))
