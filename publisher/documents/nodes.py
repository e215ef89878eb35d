"""YAML syntax tree whose nodes know their places. Values are not interpreted."""

from __future__ import annotations

from typing import NamedTuple

from publisher.diagnostics import Span

KeyPath = tuple[str | int, ...]  # ("cover", "alt"), ("key_points", "points", 2)


class Scalar(NamedTuple):
    """Value as written. ``style`` is empty for a plain scalar, otherwise the quote or block indicator."""

    text: str
    span: Span
    style: str = ""


class Sequence(NamedTuple):
    """YAML list."""

    items: tuple[Node, ...]
    span: Span


class Entry(NamedTuple):
    """Key and its value."""

    key: Scalar
    value: Node


class Mapping(NamedTuple):
    """Keys and values, in the order of the file and by key; keys are unique."""

    entries: tuple[Entry, ...]
    span: Span
    by_name: dict[str, Entry]

    def entry(self, name: str | int) -> Entry | None:
        """The entry whose key is written ``name``, or ``None``."""
        return self.by_name.get(str(name))

    def get(self, name: str) -> Node | None:
        """The value of the key ``name``, or ``None``."""
        entry = self.entry(name)
        return entry.value if entry else None


Node = Scalar | Sequence | Mapping


def is_null(node: Node) -> bool:
    """Whether the node is null as in YAML 1.2: an empty plain scalar, ``~`` or ``null``."""
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
