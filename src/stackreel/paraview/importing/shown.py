"""One view of a ParaView session, and what has been made of it for the scene of a movie so far.

ParaView shows a volume by several things at once: a transfer function, a light, clips and slices, a background. Each of
them is a module beside this one, whose functions take a Display: there they look the view up, and write down what they
made of it, and what they could not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from stackreel.paraview.importing.frame import Frame
from stackreel.paraview.importing.reading import called, type_of
from stackreel.paraview.importing.report import Report
from stackreel.paraview.proxies import Proxy, State
from stackreel.scene.subject import Subject


@dataclass
class Shown:
    """scene : parts of the scene. looks : what a scene cannot hold beside the rest. used : keys that came over"""

    scene: dict[str, Any] = field(default_factory=dict)
    looks: dict[str, dict[str, Any]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Display:
    """One view of a state, or all of it where there is no view.

    array   : the array whose volume is meant; None for the one that is shown
    subject : the volume; None where it is not known
    shown   : what has been made of it so far
    """

    state: State
    frame: Frame
    report: Report
    view: Proxy | None
    array: str | None
    subject: Subject | None
    shown: Shown = field(default_factory=Shown)

    @property
    def data(self) -> tuple[float, float] | None:
        """The values that the volume's colours go over; None where that is not known."""
        return None if self.subject is None else self.subject.color_range

    def source(self, rep: Proxy | None) -> str:
        """What a representation shows, by name."""
        behind = None if rep is None else self.state.behind(rep, "Input")
        return called(behind) if behind is not None else "" if rep is None else called(rep)

    def input_type(self, rep: Proxy) -> str:
        """The kind of source or filter that a representation shows; "" where there is none."""
        behind = self.state.behind(rep, "Input")
        return "" if behind is None else type_of(behind)

    def took(self, sentence: str) -> None:
        """Tells what came over."""
        self.report.took(sentence)

    def leave(self, line: int, what: str, reason: str) -> None:
        """Tells what did not come over, and why."""
        self.report.leave(self.state, line, what, reason)
