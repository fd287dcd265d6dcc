"""Statements with what is indented below them: the shape of a script, however its tabs and spaces are mixed."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from stackreel.paraview.trace.lines import Statement

DEEPEST = 40
"""Blocks inside of blocks beyond which a script is not read."""


@dataclass(slots=True)
class Block:
    """A statement, and the body below it.

    kind   : "" for what has no body; "broken"; or the word it begins with: if, for, def …
    line   : of its beginning, from 1
    tree   : of it; None for else, try, except, finally, and for what is broken
    offset : what to add to the tree's line numbers
    """

    kind: str
    line: int
    text: str
    tree: ast.stmt | None = None
    offset: int = 0
    body: list[Block] = field(default_factory=list)
    problem: str = ""

    def walk(self) -> Iterator[Block]:
        yield self
        for block in self.body:
            yield from block.walk()


def blocks(statements: Iterable[Statement]) -> list[Block]:
    """The outermost blocks of a script, with all others in them."""
    top: list[Block] = []
    open_ones: list[tuple[int, list[Block]]] = []
    for one in statements:
        while open_ones and one.indent <= open_ones[-1][0]:
            open_ones.pop()
        home = open_ones[-1][1] if open_ones else top
        if len(open_ones) > DEEPEST:
            home.append(Block("broken", one.line, one.text, problem="it lies in too many blocks"))
            continue
        if one.problem:
            home.append(Block("broken", one.line, one.text, problem=one.problem))
        if one.head:
            block = Block(one.head, one.line, one.text, one.trees[0] if one.trees else None, one.line - 1)
            home.append(block)
            open_ones.append((one.indent, block.body))
        else:
            for tree in one.trees:
                home += _of_tree(tree, one.line - 1, one.text, 0)
    return top


def _of_tree(tree: ast.stmt, offset: int, text: str, depth: int) -> list[Block]:
    """The blocks of a statement that was written with its body: `if x: y = 1`."""
    line = offset + tree.lineno

    def inside(body: list[ast.stmt]) -> list[Block]:
        if depth > DEEPEST:
            return [Block("broken", line, text, problem="it lies in too many blocks")]
        return [block for each in body for block in _of_tree(each, offset, text, depth + 1)]

    match tree:
        case ast.If():
            found = [Block("if", line, text, tree, offset, inside(tree.body))]
            return found + ([Block("else", line, text, None, offset, inside(tree.orelse))] if tree.orelse else [])
        case ast.For() | ast.AsyncFor():
            return [Block("for", line, text, tree, offset, inside(tree.body))]
        case ast.While():
            return [Block("while", line, text, tree, offset, inside(tree.body))]
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return [Block("def", line, text, tree, offset, inside(tree.body))]
        case ast.ClassDef():
            return [Block("class", line, text, tree, offset, inside(tree.body))]
        case ast.With() | ast.AsyncWith():
            return [Block("with", line, text, tree, offset, inside(tree.body))]
    return [Block("", line, text, tree, offset)]
