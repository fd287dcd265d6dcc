"""What an expression of a script stands for, where it is about ParaView: a thing, a property of it, what a call makes.

Numbers, texts and lists are worked out in constants.py, which asks here for names, attributes, elements and calls.
Nothing is run: a call makes what ParaView would have made, or is Unknown, with the reason.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from stackreel.paraview.proxies import Ref
from stackreel.paraview.trace.arguments import Arguments
from stackreel.paraview.trace.calls import UNDERSTOOD, call
from stackreel.paraview.trace.constants import NUMBERS, evaluated
from stackreel.paraview.trace.known import BUILTINS, MODULES
from stackreel.paraview.trace.methods import call_camera, call_method
from stackreel.paraview.trace.scope import Scope
from stackreel.paraview.trace.values import (
    LAYOUT,
    CameraOf,
    Foreign,
    Function,
    Method,
    Module,
    PropertyOf,
    Thing,
    Unknown,
    settled,
)


class Expressions:
    """What a script's names, attributes, elements and calls come to.

    enter : goes through a function of the script's own, for what it gives
    """

    def __init__(self, scope: Scope, enter: Callable[[str, Arguments], Any]) -> None:
        self.scope, self.made, self.enter = scope, scope.made, enter

    def spend(self, weight: int) -> bool:
        return self.made.spend(weight)

    def name(self, name: str) -> Any:
        if name in self.scope.names:
            return self.scope.names[name]
        if name in UNDERSTOOD or (name[:1].isupper() and not name.isupper()):
            return Function(name)
        if name in MODULES:
            return Module(name)
        if name in BUILTINS:
            return Foreign(name)
        return Unknown(f"`{name}` is not known here")

    def attribute(self, owner: Any, name: str) -> Any:
        if isinstance(owner, Thing):
            owner = self.followed(owner)
            linked = (
                self.made.tables_behind(owner.draft, owner.inside(name), owner.draft.line) if not owner.path else None
            )
            return (
                Thing(linked)
                if linked and owner.path + name not in owner.draft.settings
                else self.followed(Thing(owner.draft, owner.inside(name)))
            )
        if isinstance(owner, Module):
            if name in MODULES or (not name[:1].isupper() and name not in UNDERSTOOD):
                return Module(name)
            return Function(name)
        if isinstance(owner, Foreign):
            full = f"{owner.name}.{name}"
            return NUMBERS.get(full, Foreign(full))
        if owner is LAYOUT and name == "SetSize":
            return Method(owner, name)
        if isinstance(owner, Unknown):
            return owner
        return Method(owner, name)

    def followed(self, thing: Thing) -> Thing:
        """The proxy that a property refers to, where it refers to one."""
        value = thing.draft.get(thing.path) if thing.path else None
        if isinstance(value, Ref) and value.key in self.made.by_key:
            return Thing(self.made.by_key[value.key])
        return thing

    def element(self, owner: Any, index: Any) -> Any:
        if isinstance(owner, Thing):
            if not owner.path:
                return owner  # an output of a source
            value = owner.draft.get(owner.path)
            if isinstance(value, tuple) and isinstance(index, int):
                one = value[index]
                return Thing(self.made.by_key[one.key]) if isinstance(one, Ref) else _settled_value(one)
            return Unknown(f"nothing is known of {owner.draft.key}.{owner.path} here")
        if isinstance(owner, Foreign):
            return Unknown(f"it depends on {owner.name}", quiet=True)
        return owner if isinstance(owner, Unknown) else Unknown("it is a part of something that is not known here")

    def set_attribute(self, owner: Any, name: str, value: Any, line: int) -> None:
        """owner.name = value, or setattr(owner, name, value)"""
        if isinstance(owner, Thing):
            self.made.set(self.followed(owner), name, value, line)
        elif isinstance(owner, Unknown) and not owner.quiet and name[:1].isupper():
            self.made.tell(line, owner.reason)

    def call(self, function: Any, node: ast.Call) -> Any:
        given = self._arguments(node)
        if isinstance(function, Function):
            return call(self.made, function.name, given)
        if isinstance(function, Thing):
            before, _, method = function.path.rpartition(".")
            return (
                call_method(self.made, Thing(function.draft, before), method, given)
                if method
                else Unknown("it is a call")
            )
        if isinstance(function, Method):
            return self._method(function, given, node)
        if isinstance(function, Foreign):
            if function.name == "setattr" and len(given.values) == 3 and isinstance(given.values[1], str):
                self.set_attribute(given.values[0], given.values[1], given.values[2], given.line)
            quiet = function.name not in ("input", "raw_input")
            self._handed_over(function.name, given)
            return Unknown(f"it depends on {function.name}(…), which is not run", quiet=quiet)
        if isinstance(function, Unknown):
            if not function.quiet:
                self._handed_over(ast.unparse(node.func)[:60], given)
            return Unknown(function.reason, function.quiet)
        return Unknown("it depends on a call that is not run")

    def _method(self, function: Method, given: Arguments, node: ast.Call) -> Any:
        owner, name = function.owner, function.name
        if owner is None:
            return self.enter(name, given)
        if owner is LAYOUT:
            self.made.tab_size(given.take(0) if len(given.values) == 1 else given.values, given.line)
            return None
        if isinstance(owner, CameraOf):
            return call_camera(self.made, owner, name, given)
        if isinstance(owner, PropertyOf):
            return Unknown("it depends on a property, which is not asked")
        if isinstance(owner, list) and name in ("append", "extend", "insert", "pop", "reverse", "sort", "remove"):
            holder = node.func.value if isinstance(node.func, ast.Attribute) else node.func
            more = given.values[0] if given.values else None
            if name == "append" and given.values:
                owner.append(more)
            elif (
                name == "extend"
                and isinstance(more, list)
                and self.spend(len(more))
                and len(owner) + len(more) < 200_000
            ):
                owner.extend(more)
            elif name == "reverse":
                owner.reverse()
            elif isinstance(holder, ast.Name):
                self.scope.bind(holder.id, Unknown(f"it depends on {name}(…), which is not run"))
            self.scope.changes(holder)
            return None
        return Unknown(f"it depends on {name}(…), which is not run")

    def _handed_over(self, name: str, given: Arguments) -> None:
        """Something of ParaView's goes to code that is not looked at."""
        if name.split(".")[-1] in ("print", "len", "isinstance", "setattr", "type", "str", "repr", "hasattr", "dir"):
            return
        for each in (*given.values, *given.named.values()):
            if isinstance(each, Thing):
                self.made.tell(given.line, f"what {name}(…) does with {each.draft.key} is not known here")
                return

    def _arguments(self, node: ast.Call) -> Arguments:
        key, self.scope.key = self.scope.key, ""
        line = node.lineno + self.scope.offset
        given = Arguments([], {}, {}, line, key)
        for value in node.args:
            if isinstance(value, ast.Starred):
                parts = settled(evaluated(value.value, self))
                given.incomplete |= not isinstance(parts, list)
                given.values += parts if isinstance(parts, list) else []
            else:
                given.values.append(evaluated(value, self))
        for keyword in node.keywords:
            value_of = evaluated(keyword.value, self)
            if keyword.arg is None:
                parts = settled(value_of)
                whole = isinstance(parts, dict) and all(isinstance(each, str) for each in parts)
                given.incomplete |= not whole
                if whole:
                    given.named.update(parts)
            else:
                given.named[keyword.arg] = value_of
                given.lines[keyword.arg] = keyword.lineno + self.scope.offset
        return given


def _settled_value(value: Any) -> Any:
    """A stored value as Python has it: lists for tuples."""
    return [_settled_value(each) for each in value] if isinstance(value, tuple) else value
