"""What a simple statement of a script does: renderView1.CameraPosition = [0, 0, 1], an import, a call by itself.

Most lines of a trace are such: a name comes to stand for a thing of ParaView's, or a property of it is set.
"""

from __future__ import annotations

import ast
from typing import Any

from stackreel.paraview.proxies import Ref
from stackreel.paraview.trace.blocks import Block
from stackreel.paraview.trace.calls import UNDERSTOOD
from stackreel.paraview.trace.constants import NUMBERS, evaluated
from stackreel.paraview.trace.expressions import Expressions
from stackreel.paraview.trace.known import MODULES
from stackreel.paraview.trace.scope import Scope
from stackreel.paraview.trace.values import Foreign, Function, Module, Thing, Unknown, settled


class Statements:
    """Carries out one statement after the other: names come to stand for values, properties are set."""

    def __init__(self, scope: Scope, expressions: Expressions) -> None:
        self.scope, self.made, self.expressions = scope, scope.made, expressions

    def carry_out(self, block: Block) -> None:
        """A simple statement: an assignment, an import, a call by itself, a return."""
        tree = block.tree
        self.scope.offset, self.made.text, self.scope.key = block.offset, block.text, ""
        match tree:
            case ast.Assign(targets=targets, value=value):
                first = targets[0]
                self.scope.key = first.id if isinstance(first, ast.Name) else ""
                found = evaluated(value, self.expressions)
                self.scope.key = ""
                for target in targets:
                    self._assign(target, found, block.line)
            case ast.AnnAssign(target=only, value=value) if value is not None:
                self.scope.key = only.id if isinstance(only, ast.Name) else ""
                found = evaluated(value, self.expressions)
                self.scope.key = ""
                self._assign(only, found, block.line)
            case ast.AugAssign(target=only, op=op, value=value):
                self._augment(only, op, value, block.line)
            case ast.Expr(value=value):
                evaluated(value, self.expressions)
            case ast.Import(names=names):
                for name in names:
                    top = name.name if name.asname else name.name.split(".")[0]
                    self.scope.bind(name.asname or top, _module(top))
            case ast.ImportFrom(module=module, names=names):
                self._imported(module or "", names)
            case ast.Delete(targets=targets):
                for target in targets:
                    if isinstance(target, ast.Name):
                        self.scope.bind(target.id, Unknown("it was deleted"))
            case ast.Return(value=value) if value is not None:
                found = evaluated(value, self.expressions)
                if self.scope.within and not self.made.conditions and not self.made.loops:
                    self.scope.returned.setdefault(self.scope.within[-1], found)
            case _:
                pass  # nothing that a picture shows

    def _imported(self, module: str, names: list[ast.alias]) -> None:
        ours = module.split(".")[0] in MODULES
        for name in names:
            if name.name == "*":
                continue
            full = f"{module}.{name.name}" if module else name.name
            value: Any = Foreign(full)
            if ours:
                value = Module(name.name) if name.name in MODULES else Function(name.name)
                if not name.name[:1].isupper() and name.name not in MODULES and name.name not in UNDERSTOOD:
                    value = Foreign(full)
            elif full in NUMBERS:
                value = NUMBERS[full]
            self.scope.bind(name.asname or name.name, value)

    def _augment(self, target: ast.expr, op: ast.operator, value: ast.expr, line: int) -> None:
        if isinstance(target, ast.Name) and isinstance(self.scope.names.get(target.id), Unknown):
            return
        load = ast.fix_missing_locations(ast.BinOp(_loaded(target), op, value))
        self._assign(target, evaluated(load, self.expressions), line)

    def _assign(self, target: ast.expr, value: Any, line: int) -> None:
        if isinstance(target, ast.Name):
            if isinstance(value, Thing) and value.path and not isinstance(settled(value), str | Unknown | Ref):
                value = settled(value)
            self.scope.bind(target.id, value)
        elif isinstance(target, ast.Tuple | ast.List):
            parts = settled(value)
            fits = isinstance(parts, list) and len(parts) == len(target.elts)
            for i, each in enumerate(target.elts):
                self._assign(each, parts[i] if fits else Unknown("it is one of several values"), line)
        elif isinstance(target, ast.Attribute):
            self.expressions.set_attribute(evaluated(target.value, self.expressions), target.attr, value, line)
        elif isinstance(target, ast.Subscript):
            self._set_element(target, value, line)

    def _set_element(self, target: ast.Subscript, value: Any, line: int) -> None:
        owner: Any = evaluated(target.value, self.expressions)
        index: Any = (
            settled(evaluated(target.slice, self.expressions)) if not isinstance(target.slice, ast.Slice) else None
        )
        if isinstance(owner, Thing) and owner.path:
            parts = settled(owner)
            before, _, last = owner.path.rpartition(".")
            if isinstance(parts, list) and isinstance(index, int) and -len(parts) <= index < len(parts):
                parts[index] = settled(value)
                self.made.set(Thing(owner.draft, before), last, parts, line)
            else:
                self.made.tell(line, "an element of a list is set, and the list is not known here")
        elif (isinstance(owner, list) and isinstance(index, int) and -len(owner) <= index < len(owner)) or (
            isinstance(owner, dict) and isinstance(index, str | int | float)
        ):
            self.scope.changes(target.value)
            owner[index] = value  # type: ignore[index]
        elif isinstance(target.value, ast.Name):
            self.scope.bind(target.value.id, Unknown("an element of it that is not known here was set"))


def _module(name: str) -> Any:
    if name.split(".")[0] in MODULES:
        return Module(name.rsplit(".", 1)[-1])
    return Foreign(name)


def _loaded(target: ast.expr) -> ast.expr:
    """The same expression, to be read."""
    match target:
        case ast.Name(id=name):
            return ast.Name(name, ast.Load())
        case ast.Attribute(value=value, attr=attribute):
            return ast.Attribute(value, attribute, ast.Load())
        case ast.Subscript(value=value, slice=index):
            return ast.Subscript(value, index, ast.Load())
    return target
