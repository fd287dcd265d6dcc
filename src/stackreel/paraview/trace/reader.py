"""A trace, statement by statement: names are bound, things made and set, and whatever only a run would tell is told.

with, try, if __name__ == "__main__"     are gone through
if …                                     where the condition is known here; else what is in it is told, not taken
for …, while …                           once: what is the same every time is taken, what changes is told
def …                                    where it is called first; with its arguments where that is the only call
"""

from __future__ import annotations

import ast
import re
from typing import Any

from stackreel.paraview.proxies import Ref, State
from stackreel.paraview.trace.arguments import Arguments
from stackreel.paraview.trace.blocks import Block
from stackreel.paraview.trace.calls import UNDERSTOOD, call
from stackreel.paraview.trace.constants import NUMBERS, evaluated
from stackreel.paraview.trace.known import BUILTINS, MODULES
from stackreel.paraview.trace.made import Made
from stackreel.paraview.trace.methods import call_camera, call_method
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

_CHAINED = ("elif", "else")
_DEEPEST = 20


class Reader:
    """Goes through blocks, and fills `made`."""

    def __init__(self, text: str) -> None:
        self.made = Made()
        self.names: dict[str, Any] = {
            "__name__": "__main__",
            "__file__": Unknown("it depends on where the script lies"),
        }
        self.journal: list[dict[str, Any]] = []
        self.functions: dict[str, Block] = {}
        self.entered: set[str] = set()
        self.within: list[str] = []
        self.offset = 0
        self.key = ""
        self.calls: dict[str, int] = {}
        self.returned: dict[str, Any] = {}
        for found in re.finditer(r"\b([A-Za-z_]\w*)[ \t]*\(", text):
            self.calls[found[1]] = self.calls.get(found[1], 0) + 1

    def read(self, blocks: list[Block], name: str, version: str) -> State:
        self.run(blocks)
        for one in list(self.functions):
            self.enter(one, None)
        return self.made.state(name, version)

    # ------------------------------------------------------------ blocks

    def run(self, blocks: list[Block]) -> None:
        answer: Any = False  # of the if that elif and else belong to
        chain = ""
        for block in blocks:
            if block.kind in _CHAINED and chain == "if":
                answer = self.branch(block, answer)
                continue
            chain = ""
            if block.kind == "if":
                chain, answer = "if", self.branch(block, False)
            elif block.kind in ("for", "while"):
                self.loop(block)
            elif block.kind == "def":
                self.define(block)
            elif block.kind == "except":
                self.under(block, f"an error before it ({block.text}, line {block.line})")
            elif block.kind == "":
                self.statement(block)
            elif block.kind == "broken":
                self.made.tell(block.line, block.problem, block.text)
            else:  # with, try, else, finally, class
                if block.kind == "with":
                    self.managed(block)
                if isinstance(block.tree, ast.ClassDef):
                    self.bind(block.tree.name, Unknown(f"it depends on {block.tree.name}, a class", quiet=True))
                self.run(block.body)

    def branch(self, block: Block, before: Any) -> Any:
        """One of if, elif, else; the answer so far: True, False or Unknown."""
        if before is True:
            return True
        test: Any = True
        if block.kind != "else":
            tree = block.tree
            self.offset = block.offset
            test = settled(evaluated(tree.test, self)) if isinstance(tree, ast.If) else Unknown("")
        if isinstance(test, Unknown) or isinstance(before, Unknown):
            self.under(block, f"`{block.text[:60]}` in line {block.line}, which is not known here")
            return Unknown("")
        if test:
            self.run(block.body)
        return bool(test)

    def under(self, block: Block, condition: str) -> None:
        """Goes through what may not be run at all."""
        self.made.conditions += (condition,)
        changed: dict[str, Any] = {}
        self.journal.append(changed)
        self.run(block.body)
        self.journal.pop()
        self.made.conditions = self.made.conditions[:-1]
        for name, before in changed.items():
            now = self.names.get(name)
            if (
                not isinstance(now, Thing | Module | Function | Foreign | CameraOf)
                and now is not before
                and now != before
            ):
                self.bind(name, Unknown(f"it depends on {condition}"))

    def loop(self, block: Block) -> None:
        where = f"a loop (`{block.text[:60]}`, line {block.line})"
        for name in _assigned(block):
            before = self.names.get(name)
            if not isinstance(before, Module | Function | Foreign):
                self.bind(name, Unknown(f"it changes in {where}"))
        if isinstance(block.tree, ast.For | ast.AsyncFor):
            for each in ast.walk(block.tree.target):
                if isinstance(each, ast.Name):
                    self.bind(each.id, Unknown(f"it changes in {where}"))
        self.made.loops += (where,)
        self.run(block.body)
        self.made.loops = self.made.loops[:-1]

    def managed(self, block: Block) -> None:
        if isinstance(block.tree, ast.With | ast.AsyncWith):
            for item in block.tree.items:
                if isinstance(item.optional_vars, ast.Name):
                    self.bind(item.optional_vars.id, Unknown("it depends on what is opened", quiet=True))

    def define(self, block: Block) -> None:
        if isinstance(block.tree, ast.FunctionDef | ast.AsyncFunctionDef):
            self.functions[block.tree.name] = block
            self.entered.discard(block.tree.name)
            self.bind(block.tree.name, Method(None, block.tree.name))

    def enter(self, name: str, given: Arguments | None) -> Any:
        """Goes through the body of a function of the script's own, the first time that it is called."""
        block = self.functions[name]
        outcome = Unknown(f"it depends on {name}(…), which is not run")
        if name in self.entered or len(self.within) >= _DEEPEST or not isinstance(block.tree, ast.FunctionDef):
            return outcome
        self.entered.add(name)
        before, self.names = self.names, dict(self.names) if len(self.names) < 5000 else self.names
        spot, made = (self.offset, self.key, self.made.text), self.made
        asked = block.tree.args
        plain = [each.arg for each in (*asked.posonlyargs, *asked.args)]
        for each in (*plain, *(a.arg for a in asked.kwonlyargs), *(a.arg for a in (asked.vararg, asked.kwarg) if a)):
            self.bind(each, Unknown(f"it depends on what {name}() is given"))
        once = given is not None and self.calls.get(name, 0) <= 2 and not given.incomplete  # its def, and the call
        if once and given:
            for each, default in zip(reversed(plain), reversed(asked.defaults), strict=False):
                self.bind(each, evaluated(default, self))
            for each, value in zip(plain, given.values, strict=False):
                self.bind(each, value)
            for each, value in given.named.items():
                self.bind(each, value)
        self.within.append(name)
        self.run(block.body)
        self.within.pop()
        self.names = before
        self.offset, self.key, made.text = spot
        return self.returned.pop(name, outcome) if given else outcome

    # ------------------------------------------------------------ statements

    def statement(self, block: Block) -> None:
        tree = block.tree
        self.offset, self.made.text, self.key = block.offset, block.text, ""
        match tree:
            case ast.Assign(targets=targets, value=value):
                first = targets[0]
                self.key = first.id if isinstance(first, ast.Name) else ""
                found = evaluated(value, self)
                self.key = ""
                for target in targets:
                    self.assign(target, found, block.line)
            case ast.AnnAssign(target=only, value=value) if value is not None:
                self.key = only.id if isinstance(only, ast.Name) else ""
                found = evaluated(value, self)
                self.key = ""
                self.assign(only, found, block.line)
            case ast.AugAssign(target=only, op=op, value=value):
                self.augment(only, op, value, block.line)
            case ast.Expr(value=value):
                evaluated(value, self)
            case ast.Import(names=names):
                for name in names:
                    top = name.name if name.asname else name.name.split(".")[0]
                    self.bind(name.asname or top, _module(top))
            case ast.ImportFrom(module=module, names=names):
                self.imported(module or "", names)
            case ast.Delete(targets=targets):
                for target in targets:
                    if isinstance(target, ast.Name):
                        self.bind(target.id, Unknown("it was deleted"))
            case ast.Return(value=value) if value is not None:
                found = evaluated(value, self)
                if self.within and not self.made.conditions and not self.made.loops:
                    self.returned.setdefault(self.within[-1], found)
            case _:
                pass  # nothing that a picture shows

    def imported(self, module: str, names: list[ast.alias]) -> None:
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
            self.bind(name.asname or name.name, value)

    def augment(self, target: ast.expr, op: ast.operator, value: ast.expr, line: int) -> None:
        if isinstance(target, ast.Name) and isinstance(self.names.get(target.id), Unknown):
            return
        load = ast.fix_missing_locations(ast.BinOp(_loaded(target), op, value))
        self.assign(target, evaluated(load, self), line)

    def assign(self, target: ast.expr, value: Any, line: int) -> None:
        if isinstance(target, ast.Name):
            if isinstance(value, Thing) and value.path and not isinstance(settled(value), str | Unknown | Ref):
                value = settled(value)
            self.bind(target.id, value)
        elif isinstance(target, ast.Tuple | ast.List):
            parts = settled(value)
            fits = isinstance(parts, list) and len(parts) == len(target.elts)
            for i, each in enumerate(target.elts):
                self.assign(each, parts[i] if fits else Unknown("it is one of several values"), line)
        elif isinstance(target, ast.Attribute):
            self.set_attribute(evaluated(target.value, self), target.attr, value, line)
        elif isinstance(target, ast.Subscript):
            self.set_element(target, value, line)

    def set_attribute(self, owner: Any, name: str, value: Any, line: int) -> None:
        if isinstance(owner, Thing):
            self.made.set(self.followed(owner), name, value, line)
        elif isinstance(owner, Unknown) and not owner.quiet and name[:1].isupper():
            self.made.tell(line, owner.reason)

    def set_element(self, target: ast.Subscript, value: Any, line: int) -> None:
        owner: Any = evaluated(target.value, self)
        index: Any = settled(evaluated(target.slice, self)) if not isinstance(target.slice, ast.Slice) else None
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
            self.changes(owner, target.value)
            owner[index] = value  # type: ignore[index]
        elif isinstance(target.value, ast.Name):
            self.bind(target.value.id, Unknown("an element of it that is not known here was set"))

    def changes(self, owner: list[Any] | dict[Any, Any], node: ast.expr) -> None:
        """A list is changed in place, which under a condition or in a loop leaves it unknown."""
        if (self.made.conditions or self.made.loops) and isinstance(node, ast.Name):
            self.bind(node.id, Unknown("it changes in a loop or under a condition"))

    def bind(self, name: str, value: Any) -> None:
        for changed in self.journal[-1:]:
            changed.setdefault(name, self.names.get(name))
        self.names[name] = value

    # ------------------------------------------------------------ what expressions ask for

    def spend(self, weight: int) -> bool:
        return self.made.spend(weight)

    def name(self, name: str) -> Any:
        if name in self.names:
            return self.names[name]
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
                return Thing(self.made.by_key[one.key]) if isinstance(one, Ref) else settled_value(one)
            return Unknown(f"nothing is known of {owner.draft.key}.{owner.path} here")
        if isinstance(owner, Foreign):
            return Unknown(f"it depends on {owner.name}", quiet=True)
        return owner if isinstance(owner, Unknown) else Unknown("it is a part of something that is not known here")

    def call(self, function: Any, node: ast.Call) -> Any:
        given = self.arguments(node)
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
            return self.method(function, given, node)
        if isinstance(function, Foreign):
            if function.name == "setattr" and len(given.values) == 3 and isinstance(given.values[1], str):
                self.set_attribute(given.values[0], given.values[1], given.values[2], given.line)
            quiet = function.name not in ("input", "raw_input")
            self.handed_over(function.name, given)
            return Unknown(f"it depends on {function.name}(…), which is not run", quiet=quiet)
        if isinstance(function, Unknown):
            if not function.quiet:
                self.handed_over(ast.unparse(node.func)[:60], given)
            return Unknown(function.reason, function.quiet)
        return Unknown("it depends on a call that is not run")

    def method(self, function: Method, given: Arguments, node: ast.Call) -> Any:
        owner, name = function.owner, function.name
        if owner is None:
            return self.enter(name, given) if name in self.functions else Unknown(f"it depends on {name}(…)")
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
                self.bind(holder.id, Unknown(f"it depends on {name}(…), which is not run"))
            self.changes(owner, holder)
            return None
        return Unknown(f"it depends on {name}(…), which is not run")

    def handed_over(self, name: str, given: Arguments) -> None:
        """Something of ParaView's goes to code that is not looked at."""
        if name.split(".")[-1] in ("print", "len", "isinstance", "setattr", "type", "str", "repr", "hasattr", "dir"):
            return
        for each in (*given.values, *given.named.values()):
            if isinstance(each, Thing):
                self.made.tell(given.line, f"what {name}(…) does with {each.draft.key} is not known here")
                return

    def arguments(self, node: ast.Call) -> Arguments:
        key, self.key = self.key, ""
        line = node.lineno + self.offset
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
                given.lines[keyword.arg] = keyword.lineno + self.offset
        return given


def settled_value(value: Any) -> Any:
    """A stored value as Python has it: lists for tuples."""
    return [settled_value(each) for each in value] if isinstance(value, tuple) else value


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
