"""Where the reader of a script is: which names stand for what, and in which line.

Under a condition or in a loop names may come to stand for something else, or not, which only a run would tell. What
changes there is put down, so that it is known afterwards to be unknown.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import Any

from stackreel.paraview.trace.made import Made
from stackreel.paraview.trace.values import Unknown


def _at_the_beginning() -> dict[str, Any]:
    return {"__name__": "__main__", "__file__": Unknown("it depends on where the script lies")}


@dataclass(slots=True)
class Scope:
    """The place in a script that is being read.

    made     : ParaView's things so far
    names    : what each name stands for
    journal  : for each condition around it, what names stood for before
    within   : the script's own functions that it is in; returned : what they give
    offset   : of the line numbers of the statement that is read
    key      : the variable that the statement gives a value to; "" for none
    """

    made: Made = field(default_factory=Made)
    names: dict[str, Any] = field(default_factory=_at_the_beginning)
    journal: list[dict[str, Any]] = field(default_factory=list)
    within: list[str] = field(default_factory=list)
    returned: dict[str, Any] = field(default_factory=dict)
    offset: int = 0
    key: str = ""

    def bind(self, name: str, value: Any) -> None:
        """From here on, the name stands for the value."""
        for changed in self.journal[-1:]:
            changed.setdefault(name, self.names.get(name))
        self.names[name] = value

    def changes(self, node: ast.expr) -> None:
        """A list is changed in place, which under a condition or in a loop leaves it unknown."""
        if (self.made.conditions or self.made.loops) and isinstance(node, ast.Name):
            self.bind(node.id, Unknown("it changes in a loop or under a condition"))
