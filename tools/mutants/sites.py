"""Possible mutants: each place of a module that an operator changes, and the block of statements around it.

Left out: code outside functions, annotations, decorators, docstrings, sentences (strings with a space), what
``raise`` says, and calls of a logger.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

PACKAGES = ("audience", "channels", "delivery", "feedback", "mail", "proofing", "providers", "publishing")
_PAIRS = "Eq NotEq,Lt LtE,Gt GtE,Is IsNot,In NotIn,And Or,Add Sub,Mult Div,BitAnd BitOr,FloorDiv Mod"
SWAPS = {a: b for pair in _PAIRS.split(",") for a, b in (pair.split(), pair.split()[::-1])}
SKIPPED = {"annotation", "returns", "decorator_list", "exc", "cause"}


@dataclass(frozen=True)
class Site:
    """A place, with functions that put the mutant into its tree and remove it again."""

    block: str
    name: str
    line: int
    do: Callable[[], None]
    undo: Callable[[], None]


def modules() -> list[Path]:
    """The modules of the packages, below the current folder."""
    return [path for package in PACKAGES for path in sorted(Path("publisher", package).rglob("*.py"))]


def blocks(path: str, tree: ast.Module) -> Iterator[tuple[str, list[ast.stmt]]]:
    """Each list of statements in a function, under a name that stays the same when the rest of the module changes."""
    seen: Counter[str] = Counter()

    def walk(node: ast.AST, name: str) -> Iterator[tuple[str, list[ast.stmt]]]:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            name += ("" if name.endswith("::") else ".") + node.name
        for key, value in ast.iter_fields(node):
            body = isinstance(value, list) and value and key in {"body", "orelse", "finalbody"}
            if body and not isinstance(node, (ast.Module, ast.ClassDef)):
                seen[name] += 1
                yield f"{name}#{seen[name]}", value
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from walk(child, name)

    yield from walk(tree, f"{path}::")


def sites(path: str, tree: ast.Module) -> list[Site]:
    """Every mutant of a module, in the order of the text."""
    names = {id(body): name for name, body in blocks(path, tree)}
    found: list[Site] = []
    seen: Counter[str] = Counter()

    def add(block: str, node: Any, put: Callable[[Any], None], old: ast.AST, new: ast.AST) -> None:
        before = ast.unparse(node).splitlines()[0]
        put(new)
        after = ast.unparse(new if old is node else node).splitlines()[0]
        put(old)
        name = f"{block}: {before[:110]} → {after[:110]}"
        seen[name] += 1
        name += f" ({seen[name]})" if seen[name] > 1 else ""
        if not block.endswith("::"):
            found.append(Site(block, name, node.lineno, partial(put, new), partial(put, old)))

    def walk(node: ast.AST, block: str) -> None:
        for key, value in ast.iter_fields(node):
            if key in SKIPPED or (isinstance(node, ast.JoinedStr) and key == "values"):
                continue
            inner = names.get(id(value), block)
            for index, child in enumerate(value if isinstance(value, list) else [value]):
                if not isinstance(child, ast.AST) or _left_out(child):
                    continue
                put = partial(value.__setitem__, index) if isinstance(value, list) else partial(setattr, node, key)
                if type(child).__name__ in SWAPS and not _joins_text(node):
                    add(block, node, put, child, getattr(ast, SWAPS[type(child).__name__])())
                for new in _instead(child, tested=key in {"test", "ifs"}):
                    add(inner, child, put, child, ast.copy_location(new, child))
                walk(child, inner)

    walk(tree, f"{path}::")
    return found


def _left_out(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) or ast.unparse(node).startswith(("log.", "logger.", "_log."))
    return isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)


def _joins_text(node: ast.AST) -> bool:
    sides = (node.left, node.right) if isinstance(node, ast.BinOp) else ()
    return any(isinstance(s, ast.JoinedStr) or isinstance(getattr(s, "value", None), str) for s in sides)


def _instead(node: ast.AST, *, tested: bool) -> Iterator[ast.AST]:
    """The possible replacements of this node."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif tested and isinstance(node, ast.expr) and not isinstance(node, ast.Compare):
        yield ast.UnaryOp(ast.Not(), node)
    match node:
        case ast.Constant(value=bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(value=int(value)):
            yield ast.Constant(value + 1)
        case ast.Constant(value=str(value)) if value and " " not in value:
            yield ast.Constant(f"XX{value}")
        case ast.Expr(value=ast.Call() | ast.Await()) | ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break():
            yield ast.Pass()
        case ast.Return(value=value) if not isinstance(value, ast.Constant | None):
            yield ast.Return(ast.Constant(None))
