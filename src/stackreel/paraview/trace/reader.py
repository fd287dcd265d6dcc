"""A trace, statement by statement: names are bound, things made and set, and whatever only a run would tell is told.

with, try, if __name__ == "__main__"     are gone through
if …                                     where the condition is known here; else what is in it is told, not taken
for …, while …                           once: what is the same every time is taken, what changes is told
def …                                    where it is called first; with its arguments where that is the only call

What a single statement does, and what an expression comes to, stands in statement.py and expressions.py.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from stackreel.paraview.proxies import State
from stackreel.paraview.trace.arguments import Arguments
from stackreel.paraview.trace.blocks import Block
from stackreel.paraview.trace.constants import evaluated
from stackreel.paraview.trace.expressions import Expressions
from stackreel.paraview.trace.scope import Scope
from stackreel.paraview.trace.statement import Statements
from stackreel.paraview.trace.values import CameraOf, Foreign, Function, Method, Module, Thing, Unknown, settled

_CHAINED = ("elif", "else")
_DEEPEST = 20


class Reader:
    """Goes through the blocks of a script, in the order in which ParaView would."""

    def __init__(self, text: str) -> None:
        self.scope = Scope()
        self.made = self.scope.made
        self.expressions = Expressions(self.scope, self._called)
        self.statements = Statements(self.scope, self.expressions)
        self.functions: dict[str, Block] = {}
        self.entered: set[str] = set()
        self.calls: dict[str, int] = {}
        for found in re.finditer(r"\b([A-Za-z_]\w*)[ \t]*\(", text):
            self.calls[found[1]] = self.calls.get(found[1], 0) + 1

    def read(self, blocks: list[Block], name: str, version: str) -> State:
        """What the script says. name : of the file; version : of ParaView"""
        self._run(blocks)
        for one in list(self.functions):
            self._enter(one, None)
        return self.made.state(name, version)

    def _run(self, blocks: list[Block]) -> None:
        answer: Any = False  # of the if that elif and else belong to
        chain = ""
        for block in blocks:
            if block.kind in _CHAINED and chain == "if":
                answer = self._branch(block, answer)
                continue
            chain = ""
            if block.kind == "if":
                chain, answer = "if", self._branch(block, False)
            elif block.kind in ("for", "while"):
                self._loop(block)
            elif block.kind == "def":
                self._define(block)
            elif block.kind == "except":
                self._under(block, f"an error before it ({block.text}, line {block.line})")
            elif block.kind == "":
                try:
                    self.statements.carry_out(block)
                except RecursionError:  # functions that call one another, each from deep inside of an expression
                    self.made.tell(block.line, "it goes deeper than is followed", block.text)
            elif block.kind == "broken":
                self.made.tell(block.line, block.problem, block.text)
            else:  # with, try, else, finally, class
                if block.kind == "with":
                    self._managed(block)
                if isinstance(block.tree, ast.ClassDef):
                    self.scope.bind(block.tree.name, Unknown(f"it depends on {block.tree.name}, a class", quiet=True))
                self._run(block.body)

    def _branch(self, block: Block, before: Any) -> Any:
        """One of if, elif, else; the answer so far: True, False or Unknown."""
        if before is True:
            return True
        test: Any = True
        if block.kind != "else":
            tree = block.tree
            self.scope.offset = block.offset
            test = settled(evaluated(tree.test, self.expressions)) if isinstance(tree, ast.If) else Unknown("")
        if isinstance(test, Unknown) or isinstance(before, Unknown):
            self._under(block, f"`{block.text[:60]}` in line {block.line}, which is not known here")
            return Unknown("")
        if test:
            self._run(block.body)
        return bool(test)

    def _under(self, block: Block, condition: str) -> None:
        """Goes through what may not be run at all."""
        self.made.conditions += (condition,)
        changed: dict[str, Any] = {}
        self.scope.journal.append(changed)
        self._run(block.body)
        self.scope.journal.pop()
        self.made.conditions = self.made.conditions[:-1]
        for name, before in changed.items():
            now = self.scope.names.get(name)
            if (
                not isinstance(now, Thing | Module | Function | Foreign | CameraOf)
                and now is not before
                and now != before
            ):
                self.scope.bind(name, Unknown(f"it depends on {condition}"))

    def _loop(self, block: Block) -> None:
        """Goes once through what may be run often, or never."""
        where = f"a loop (`{block.text[:60]}`, line {block.line})"
        for name in _assigned(block):
            before = self.scope.names.get(name)
            if not isinstance(before, Module | Function | Foreign):
                self.scope.bind(name, Unknown(f"it changes in {where}"))
        if isinstance(block.tree, ast.For | ast.AsyncFor):
            for each in ast.walk(block.tree.target):
                if isinstance(each, ast.Name):
                    self.scope.bind(each.id, Unknown(f"it changes in {where}"))
        self.made.loops += (where,)
        self._run(block.body)
        self.made.loops = self.made.loops[:-1]

    def _managed(self, block: Block) -> None:
        if isinstance(block.tree, ast.With | ast.AsyncWith):
            for item in block.tree.items:
                if isinstance(item.optional_vars, ast.Name):
                    self.scope.bind(item.optional_vars.id, Unknown("it depends on what is opened", quiet=True))

    def _define(self, block: Block) -> None:
        if isinstance(block.tree, ast.FunctionDef | ast.AsyncFunctionDef):
            self.functions[block.tree.name] = block
            self.entered.discard(block.tree.name)
            self.scope.bind(block.tree.name, Method(None, block.tree.name))

    def _called(self, name: str, given: Arguments) -> Any:
        return self._enter(name, given) if name in self.functions else Unknown(f"it depends on {name}(…)")

    def _enter(self, name: str, given: Arguments | None) -> Any:
        """Goes through the body of a function of the script's own, the first time that it is called."""
        block = self.functions[name]
        outcome = Unknown(f"it depends on {name}(…), which is not run")
        if name in self.entered or len(self.scope.within) >= _DEEPEST or not isinstance(block.tree, ast.FunctionDef):
            return outcome
        self.entered.add(name)
        before = self.scope.names
        self.scope.names = dict(before) if len(before) < 5000 else before
        spot = (self.scope.offset, self.scope.key, self.made.text)
        asked = block.tree.args
        plain = [each.arg for each in (*asked.posonlyargs, *asked.args)]
        for each in (*plain, *(a.arg for a in asked.kwonlyargs), *(a.arg for a in (asked.vararg, asked.kwarg) if a)):
            self.scope.bind(each, Unknown(f"it depends on what {name}() is given"))
        once = given is not None and self.calls.get(name, 0) <= 2 and not given.incomplete  # its def, and the call
        if once and given:
            for each, default in zip(reversed(plain), reversed(asked.defaults), strict=False):
                self.scope.bind(each, evaluated(default, self.expressions))
            for each, value in zip(plain, given.values, strict=False):
                self.scope.bind(each, value)
            for each, value in given.named.items():
                self.scope.bind(each, value)
        self.scope.within.append(name)
        self._run(block.body)
        self.scope.within.pop()
        self.scope.names = before
        self.scope.offset, self.scope.key, self.made.text = spot
        return self.scope.returned.pop(name, outcome) if given else outcome


def _assigned(block: Block) -> set[str]:
    """The names that a loop's body gives values to, or whose lists it changes."""
    found: set[str] = set()
    for each in block.walk():
        if each is block or each.tree is None:
            continue
        for node in ast.walk(each.tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
            elif (
                isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name)
            ):
                found.add(node.value.id)
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.attr in ("append", "extend", "insert", "pop")
            ):
                found.add(node.func.value.id)
    return found
