"""YAML as written: a tree whose every node knows its place. Nothing is interpreted yet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from publisher.diagnostics import Span

KeyPath = tuple[str | int, ...]  # ("cover", "alt"), ("key_points", "points", 2)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A value as written. ``style`` is empty for a plain scalar, else the quote or block indicator."""

    text: str
    span: Span
    style: str = ""


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class Entry:
    """A key and its value."""

    key: Scalar
    value: Node


@dataclass(frozen=True)
class Mapping:
    """Keys and values, in the order of the file; no key occurs twice."""

    entries: tuple[Entry, ...]
    span: Span

    def entry(self, name: str | int) -> Entry | None:
        """The entry whose key is written ``name``."""
        return self._by_name.get(str(name))

    @cached_property
    def _by_name(self) -> dict[str, Entry]:
        return {entry.key.text: entry for entry in self.entries}

    def get(self, name: str) -> Node | None:
        """The value of the key ``name``."""
        entry = self.entry(name)
        return entry.value if entry else None


Node = Scalar | Sequence | Mapping


def is_null(node: Node) -> bool:
    """Whether the node is YAML 1.2's null: a plain scalar with nothing in it, ``~`` or ``null``."""
    return isinstance(node, Scalar) and not node.style and node.text in {"", "~", "null", "Null", "NULL"}


def find(node: Node, path: KeyPath) -> Node | None:
    """The node at ``path``, or ``None``."""
    for part in path:
        child: Node | None = None
        if isinstance(node, Mapping):
            child = node.get(str(part))
        elif isinstance(node, Sequence) and isinstance(part, int) and part < len(node.items):
            child = node.items[part]
        if child is None:
            return None
        node = child
    return node
