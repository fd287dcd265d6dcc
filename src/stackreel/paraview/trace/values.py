"""What the names of a trace can stand for while it is read: values, things of ParaView's, and what is not known."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from stackreel.paraview.proxies import Proxy, Ref, Setting, Value


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that only running the script would give.

    reason : why, to be told to whoever needs the value
    quiet  : it has nothing to do with ParaView; what is done with it need not be told
    """

    reason: str
    quiet: bool = False


@dataclass(eq=False, slots=True)
class Draft:
    """A proxy in the making. conditions, loops : those it was made under"""

    key: str
    group: str
    type: str
    name: str = ""
    line: int = 0
    settings: dict[str, Setting] = field(default_factory=dict)
    conditions: tuple[str, ...] = ()
    loops: tuple[str, ...] = ()

    def put(self, name: str, value: Value, line: int) -> None:
        self.settings.pop(name, None)
        self.settings[name] = Setting(value, line)

    def drop(self, *names: str) -> None:
        for name in names:
            self.settings.pop(name, None)

    def get(self, name: str) -> Value:
        found = self.settings.get(name)
        return found.value if found else None

    def proxy(self) -> Proxy:
        return Proxy(self.key, self.group, self.type, self.name, dict(self.settings), self.line)


@dataclass(frozen=True, slots=True)
class Thing:
    """A proxy, or with a path a property of it, which can be a proxy inside of it: ClipType."""

    draft: Draft
    path: str = ""

    def inside(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name


@dataclass(frozen=True, slots=True)
class CameraOf:
    """A view's camera: vtkCamera, with its methods."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class PropertyOf:
    """What GetProperty gives: a property by itself, for an animation track."""

    thing: Thing


@dataclass(frozen=True, slots=True)
class Module:
    """ParaView's Python modules."""

    name: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function of ParaView's, or one of Python's that this reader knows."""

    name: str


@dataclass(frozen=True, slots=True)
class Foreign:
    """Something of a module that has nothing to do with ParaView: sys.argv, np.linspace."""

    name: str


@dataclass(frozen=True, slots=True)
class Method:
    """A function that belongs to a value."""

    owner: Any
    name: str


@dataclass(frozen=True, slots=True)
class Generated:
    """What ParaView 6 says in place of all the points of a colour map. preset : None for ParaView's own"""

    preset: str | None
    low: float | None
    high: float | None


LAYOUT = Unknown("a layout, of which only the size says something of the picture", quiet=True)


def settled(value: Any) -> Any:
    """The value itself where it is a property that was set before; lists for tuples."""
    if isinstance(value, Thing) and value.path:
        if value.path not in value.draft.settings:
            return Unknown(f"nothing is known of {value.draft.key}.{value.path} here")
        return _listed(value.draft.settings[value.path].value)
    if isinstance(value, Foreign):
        return Unknown(f"it depends on {value.name}")
    if isinstance(value, Function | Module | Method | CameraOf | PropertyOf):
        return Unknown("it depends on a function, not on a value")
    return value


def stored(value: Any) -> Value | Unknown:
    """A value as a property's: floats, strings, tuples, references; or why it cannot be one."""
    value = settled(value)
    if value is None or isinstance(value, str | Unknown | Ref):
        return value
    if isinstance(value, bool | int | float):
        try:
            return float(value)
        except OverflowError:
            return Unknown("a number in it is too large")
    if isinstance(value, Thing):
        return Ref(value.draft.key)
    if isinstance(value, list | tuple):
        found: list[Value] = []
        for each in value:
            one = stored(each)
            if isinstance(one, Unknown):
                return one
            found.append(one)
        return tuple(found)
    return Unknown("it is neither a number, nor a text, nor a list of them")


def weight(value: Any, limit: int) -> int:
    """How many values lie in lists inside of lists; counted no further than a limit."""
    if not isinstance(value, list | tuple | dict):
        return 1
    count = 1
    for each in value.values() if isinstance(value, dict) else value:
        count += weight(each, limit - count) if isinstance(each, list | tuple | dict) else 1
        if count > limit:
            break
    return count


def number(value: Any) -> float | None:
    """A finite number; None for anything else."""
    value = stored(value)
    return value if isinstance(value, float) and math.isfinite(value) else None


def vector(value: Any) -> tuple[float, float, float] | None:
    """Three finite numbers; None for anything else."""
    value = stored(value)
    if isinstance(value, tuple) and len(value) == 3:
        numbers = [number(each) for each in value]
        if None not in numbers:
            return tuple(numbers)  # type: ignore[return-value]
    return None


def _listed(value: Value) -> Any:
    return [_listed(each) for each in value] if isinstance(value, tuple) else value
