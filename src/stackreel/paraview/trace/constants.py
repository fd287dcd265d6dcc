"""What an expression comes to, as far as that can be told without running anything.

Numbers, texts, lists, simple arithmetic with them, and the names they were given. Everything else is Unknown, with the
reason. Nothing here can call a function of Python's but the few in ALLOWED, which only calculate.
"""

from __future__ import annotations

import ast
import math
import operator
import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from stackreel.paraview.trace.values import Foreign, Function, Method, Unknown, settled, weight

_DEEPEST = 80
_BITS = 4096
_LONGEST = 200_000

_OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}


def _range(*bounds: int) -> list[int]:
    found = range(*bounds)
    if len(found) > _LONGEST:
        raise ValueError
    return list(found)


ALLOWED: Mapping[str, Callable[..., Any]] = {
    "abs": abs, "bool": bool, "float": float, "int": int, "len": len, "max": max, "min": min, "round": round,
    "str": str, "sum": sum, "list": list, "tuple": tuple, "sorted": sorted, "range": _range, "xrange": _range,
    "math.radians": math.radians, "math.degrees": math.degrees, "math.sin": math.sin, "math.cos": math.cos,
    "math.tan": math.tan, "math.atan": math.atan, "math.atan2": math.atan2, "math.sqrt": math.sqrt,
    "math.floor": math.floor, "math.ceil": math.ceil, "math.hypot": math.hypot, "math.exp": math.exp,
    "math.log": math.log, "math.log10": math.log10, "math.fabs": math.fabs,
    "os.path.join": posixpath.join, "os.path.basename": posixpath.basename, "os.path.dirname": posixpath.dirname,
}  # fmt: skip
"""The functions that are calculated, by their full names."""

NUMBERS = {"math.pi": math.pi, "math.e": math.e, "numpy.pi": math.pi, "np.pi": math.pi}

_TEXT_METHODS = frozenset(("lower", "upper", "strip", "replace", "rstrip", "lstrip", "join", "format"))
_FIELD = re.compile(
    r"\{(?:\d+|[A-Za-z_]\w*)?(?:![rs])?(?::[-+<>=^ ]?0?\d{0,3}(?:\.\d{1,3})?[dfegsFEGn%]?)?\}|\{\{|\}\}"
)
_PERCENT = re.compile(r"%(?:\([A-Za-z_]\w*\))?[-+ 0#]*\d{0,3}(?:\.\d{1,3})?[diufFeEgGsr]|%%")


class Names(Protocol):
    """What stands behind names; and who knows what to do with ParaView's things."""

    def name(self, name: str) -> Any: ...
    def attribute(self, owner: Any, name: str) -> Any: ...
    def call(self, function: Any, node: ast.Call) -> Any: ...
    def element(self, owner: Any, index: Any) -> Any: ...
    def spend(self, weight: int) -> bool: ...


def evaluated(node: ast.expr | None, names: Names, depth: int = 0) -> Any:
    """A value, a thing of ParaView's, or Unknown. Never raises."""
    if node is None:
        return None
    if depth > _DEEPEST:
        return Unknown("it is nested too deeply")
    try:
        return _evaluated(node, names, depth + 1)
    except (ArithmeticError, ValueError, TypeError, LookupError, AttributeError, MemoryError):
        return Unknown("it cannot be calculated")


def _evaluated(node: ast.expr, names: Names, depth: int) -> Any:
    def inner(each: ast.expr) -> Any:
        return settled(evaluated(each, names, depth))

    match node:
        case ast.Constant(value=value):
            return value if value is None or isinstance(value, bool | int | float | str) else Unknown("not a number")
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            if any(isinstance(part, ast.Starred) for part in parts):
                return _starred(parts, inner)
            found = [evaluated(part, names, depth) if isinstance(part, ast.Name) else inner(part) for part in parts]
            nested = any(isinstance(each, list | dict) for each in found)
            return found if not nested else _bounded(found, names)
        case ast.Dict(keys=keys, values=values):
            if any(key is None for key in keys):
                return Unknown("a dictionary is put into it")
            pairs = zip(keys, values, strict=True)
            return _bounded({inner(key): inner(value) for key, value in pairs if key is not None}, names)
        case ast.Name(id=name):
            return names.name(name)
        case ast.Attribute(value=owner, attr=attribute):
            return names.attribute(evaluated(owner, names, depth), attribute)
        case ast.Call(func=function):
            return _called(evaluated(function, names, depth), node, names, inner)
        case ast.Subscript(value=owner, slice=index):
            return _element(evaluated(owner, names, depth), index, inner, names)
        case ast.UnaryOp(op=op, operand=operand):
            value = inner(operand)
            if isinstance(value, Unknown):
                return value
            return not value if isinstance(op, ast.Not) else _applied(op, value)
        case ast.BinOp(left=left, op=op, right=right):
            return _bounded(_binary(op, inner(left), inner(right)), names)
        case ast.BoolOp(op=op, values=values):
            return _first(isinstance(op, ast.Or), [inner(value) for value in values])
        case ast.Compare(left=left, ops=ops, comparators=others):
            return _compared([inner(left), *(inner(each) for each in others)], ops)
        case ast.IfExp(test=test, body=body, orelse=orelse):
            answer = inner(test)
            return answer if isinstance(answer, Unknown) else evaluated(body if answer else orelse, names, depth)
        case ast.JoinedStr(values=parts):
            return _joined(parts, inner)
        case ast.ListComp() | ast.GeneratorExp() | ast.SetComp() | ast.DictComp():
            return Unknown("it is made in a loop")
    return Unknown("it is more than a value")


def _called(function: Any, node: ast.Call, names: Names, inner: Callable[[ast.expr], Any]) -> Any:
    if isinstance(function, Function | Foreign) and function.name in ALLOWED and not node.keywords:
        values = [inner(each) for each in node.args]
        unknown = next((value for value in values if isinstance(value, Unknown)), None)
        flat = [each for value in values for each in (value if isinstance(value, list) else [value])]
        if unknown or not all(each is None or isinstance(each, bool | int | float | str) for each in flat):
            return unknown or Unknown("a part of it is not known")
        return _bounded(_checked(ALLOWED[function.name](*values)), names)
    if isinstance(function, Method) and isinstance(function.owner, str) and function.name in _TEXT_METHODS:
        return _text(function.owner, function.name, node, inner)
    return names.call(function, node)


def _text(text: str, method: str, node: ast.Call, inner: Callable[[ast.expr], Any]) -> Any:
    values = [inner(each) for each in node.args]
    named = {each.arg: inner(each.value) for each in node.keywords if each.arg}
    for value in (*values, *named.values()):
        if isinstance(value, Unknown):
            return value
    if method == "format" and re.search(r"[{}]", _FIELD.sub("", text)):
        return Unknown("a text is put together in a way that is not known here")
    if method == "replace" and len(text) > 10_000:
        return Unknown("a text is too long")
    return _checked(getattr(text, method)(*values, **named))


def _element(owner: Any, index: ast.expr, inner: Callable[[ast.expr], Any], names: Names) -> Any:
    if isinstance(index, ast.Slice):
        bounds = [inner(each) if each else None for each in (index.lower, index.upper, index.step)]
        values = settled(owner)
        whole = all(bound is None or isinstance(bound, int) for bound in bounds)
        return values[slice(*bounds)] if whole and isinstance(values, list | str) else Unknown("it is a part of a list")
    at = inner(index)
    if isinstance(at, Unknown):
        return at
    if isinstance(owner, dict | list | str):
        return owner[at]
    return names.element(owner, at)


def _binary(op: ast.operator, left: Any, right: Any) -> Any:
    for value in (left, right):
        if isinstance(value, Unknown):
            return value
    if isinstance(op, ast.Mod) and isinstance(left, str):
        if "%" in _PERCENT.sub("", left):
            return Unknown("a text is put together in a way that is not known here")
        return _checked(left % (tuple(right) if isinstance(right, list) else right))
    if isinstance(op, ast.Mult):
        for some, times in ((left, right), (right, left)):
            if isinstance(some, list | str) and isinstance(times, int) and len(some) * times > 10_000:
                return Unknown("a list is too long")
    whole = isinstance(left, int) and isinstance(right, int)
    if isinstance(op, ast.Pow) and whole and (abs(right) > _BITS or abs(right) * left.bit_length() > _BITS):
        return Unknown("a number is too large")
    lists = isinstance(left, list | str) and isinstance(right, list | str)
    if isinstance(op, ast.Add) and lists and len(left) + len(right) > _LONGEST:
        return Unknown("a list is too long")
    return _applied(op, left, right)


def _applied(op: ast.AST, *values: Any) -> Any:
    function = _OPERATORS.get(type(op))
    if not function or not all(isinstance(value, bool | int | float | str | list) for value in values):
        return Unknown("it is calculated in a way that is not known here")
    return _checked(function(*values))


def _bounded(value: Any, names: Names) -> Any:
    """The value, unless it, or all that were made before, hold too much."""
    size = len(value) // 8 if isinstance(value, str) else weight(value, _LONGEST)
    return value if size < _LONGEST and names.spend(size) else Unknown("a list is too long")


def _checked(value: Any) -> Any:
    if isinstance(value, complex) or (isinstance(value, int) and value.bit_length() > _BITS):
        return Unknown("a number is too large")
    return list(value) if isinstance(value, tuple) else value


def _compared(values: list[Any], ops: list[ast.cmpop]) -> Any:
    unknown = next((value for value in values if isinstance(value, Unknown)), None)
    if unknown:
        return unknown
    for left, op, right in zip(values, ops, values[1:], strict=False):
        if isinstance(op, ast.In | ast.NotIn):
            answer: Any = (
                (left in right) is isinstance(op, ast.In) if isinstance(right, list | str | dict) else Unknown("")
            )
        elif isinstance(op, ast.Is | ast.IsNot):
            answer = (left is right) is isinstance(op, ast.Is) if right is None else Unknown("")
        else:
            answer = _OPERATORS[type(op)](left, right)
        if isinstance(answer, Unknown):
            return Unknown("it is compared in a way that is not known here")
        if not answer:
            return False
    return True


def _first(any_: bool, values: list[Any]) -> Any:
    for value in values:
        if isinstance(value, Unknown):
            return value
        if bool(value) is any_:
            return value
    return values[-1]


def _joined(parts: list[ast.expr], inner: Callable[[ast.expr], Any]) -> Any:
    found = ""
    for part in parts:
        if isinstance(part, ast.FormattedValue):
            value, shape = inner(part.value), inner(part.format_spec) if part.format_spec else ""
            if isinstance(value, Unknown) or isinstance(shape, Unknown):
                return value if isinstance(value, Unknown) else shape
            if not _FIELD.fullmatch("{:" + shape + "}" if shape else "{}") or not isinstance(value, str | int | float):
                return Unknown("a text is put together in a way that is not known here")
            found += format(repr(value) if part.conversion == ord("r") else value, shape)
        else:
            found += str(inner(part))
        if len(found) > _LONGEST:
            return Unknown("a text is too long")
    return found


def _starred(parts: list[ast.expr], inner: Callable[[ast.expr], Any]) -> Any:
    found: list[Any] = []
    for part in parts:
        value = inner(part.value if isinstance(part, ast.Starred) else part)
        if isinstance(part, ast.Starred):
            if not isinstance(value, list) or len(found) + len(value) > _LONGEST:
                return value if isinstance(value, Unknown) else Unknown("a list is too long")
            found += value
        else:
            found.append(value)
    return found
