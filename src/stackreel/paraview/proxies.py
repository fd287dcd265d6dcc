"""What a ParaView trace, state or preset holds, as values: the things that were made, and how they were set.

ParaView calls them proxies: views, sources, filters, representations, transfer functions, animation cues, key frames. A
Python trace, a state file and a camera file say the same in three notations; here they become one, so that whatever
is made of them need not know where they come from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Ref:
    """A property's value that is another proxy. key : that proxy's `key`"""

    key: str


Value = float | str | Ref | None | tuple["Value", ...]
"""A property's value: numbers are floats (truth is 1.0 and 0.0), lists are tuples, in ParaView's own order."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it was read: the line, counted from 1; 0 where there are no lines."""

    value: Value
    line: int = 0


@dataclass(frozen=True, slots=True)
class Proxy:
    """One thing that ParaView made.

    key      : tells it from all others of its state: a variable's name, or a state file's number
    group    : ParaView's: views, sources, filters, representations, lookup_tables, piecewise_functions, animation,
               animation_keyframes, misc; "" where that is not known
    type     : ParaView's XML name (RenderView, Clip, PVLookupTable …), or in a trace the function that made it where
               nothing else is known
    name     : what people call it: "Clip1", or the array of a transfer function; "" without one
    settings : the last value that every property was given, by ParaView's names. Those of a proxy inside another one
               have both names: "ClipType.Origin"; in a state file such a one stands alone, and "ClipType" is a Ref
    line     : where it was made
    """

    key: str
    group: str
    type: str
    name: str = ""
    settings: Mapping[str, Setting] = field(default_factory=dict)
    line: int = 0

    def get(self, *names: str) -> Value:
        """The value of the first of these properties that was set; None where none was."""
        return next((self.settings[name].value for name in names if name in self.settings), None)

    def numbers(self, *names: str) -> tuple[float, ...] | None:
        """The same where it is a finite number or a list of them, nested lists as one; None for anything else."""
        found = _numbers(self.get(*names))
        return found or None

    def line_of(self, *names: str) -> int:
        return next((self.settings[name].line for name in names if name in self.settings), self.line)


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that a reader came upon and could not take. line : from 1; 0 where there are no lines."""

    line: int
    text: str
    reason: str


@dataclass(frozen=True)
class State:
    """What a file holds. version : of the ParaView that wrote it, "5.11.0"; "" where it does not say."""

    name: str
    proxies: tuple[Proxy, ...] = ()
    unread: tuple[Unread, ...] = ()
    version: str = ""

    def find(self, key: str) -> Proxy | None:
        return next((proxy for proxy in self.proxies if proxy.key == key), None)

    def of(self, group: str, *types: str) -> list[Proxy]:
        """All proxies of a group, or only those of some types in it."""
        return [p for p in self.proxies if p.group == group and (not types or p.type in types)]

    def behind(self, proxy: Proxy, name: str) -> Proxy | None:
        """The proxy that a property leads to; None where it leads nowhere."""
        value = proxy.get(name)
        while isinstance(value, tuple) and value:
            value = value[0]
        return self.find(value.key) if isinstance(value, Ref) else None


def _numbers(value: Value) -> tuple[float, ...]:
    if isinstance(value, float):
        return (value,) if math.isfinite(value) else ()
    if isinstance(value, tuple):
        parts = [_numbers(one) for one in value]
        return tuple(number for part in parts for number in part) if all(parts) else ()
    return ()
