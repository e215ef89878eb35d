"""The position of a cursor in YAML that may still be incomplete, and descriptions from the schemas.

The position is determined from the indentation of the lines. A path consists of keys, and 0 for any element of a list.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from publisher.config.model import config_schema
from publisher.documents.nodes import KeyPath
from publisher.issue.folder import MARKDOWN_SUFFIXES, SERIES, YAML_SUFFIXES
from publisher.issue.item_file import RULE
from publisher.issue.raw import issue_schema, item_schema, step_schema
from publisher.issue.series import slug_of_path

_LINE = re.compile(
    r"(?P<lead> *(?:-(?: +|$))*)(?:(?P<key>[^\s:#\"'\[\]{},&*!|>-][^:#]*?)[ \t]*:(?:[ \t]+|$))?", re.DOTALL
)
_WRITTEN = re.compile(r"[^\[\]{},]*\Z")
LISTS = frozenset({"issue", "step folder"})
"""Kinds of files with a list of items."""
_SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "config": config_schema, "issue": issue_schema, "item": item_schema,
    "step": partial(step_schema, folder=False), "step folder": partial(step_schema, folder=True),
}  # fmt: skip


class Spot(NamedTuple):
    """Position of a cursor. ``path``: the enclosing mapping or list, or the value being typed; ``written``: the part of
    the key or value before the cursor. ``value``: a key is not possible here. ``beside``: other keys of the mapping.
    """

    path: KeyPath
    written: str
    value: bool
    beside: frozenset[str]


def kind_of(path: str) -> str | None:
    """The schema of a file, a key of ``_SCHEMAS``; None if it has none."""
    if path == "config.yaml":
        return "config"
    depth, suffix, of_series = path.count("/"), PurePosixPath(path).suffix.lower(), path.startswith(f"{SERIES}/")
    if slug_of_path(path) is None or suffix not in YAML_SUFFIXES | MARKDOWN_SUFFIXES:
        return None
    if of_series and depth == 2:
        return "step" if suffix in MARKDOWN_SUFFIXES else None
    if depth != 2 + of_series:
        return None
    if PurePosixPath(path).stem != "issue" or suffix not in YAML_SUFFIXES:
        return "item"
    return "step folder" if of_series else "issue"


def yaml_lines(path: str, lines: Sequence[str]) -> range:
    """The lines of YAML in a file, from 0: all lines, or the front matter."""
    if PurePosixPath(path).suffix.lower() not in MARKDOWN_SUFFIXES:
        return range(len(lines))
    if not RULE.fullmatch(lines[0]):
        return range(0)
    end = next((number for number, line in enumerate(lines[1:], 1) if RULE.fullmatch(line)), len(lines))
    return range(1, end)


def spot(lines: Sequence[str], number: int, column: int) -> Spot:
    """Locate a cursor in YAML; line and column count from 0."""
    line = lines[number]
    before = line[:column]
    match = _line(line)
    if not match["key"] or column < match.end():
        lead = _line(before)["lead"] if before.strip() else before
        path = _parents(lines, number, lead)
        return Spot(path, before[len(lead) :].lstrip(), False, frozenset(_beside(lines, number, len(lead))))
    return _in_flow((*_parents(lines, number, match["lead"]), match["key"]), before[match.end() :])


def key_at(lines: Sequence[str], number: int, column: int) -> KeyPath | None:
    """The path of the key at the cursor, or None."""
    match = _line(lines[number])
    if not match["key"]:
        return None
    path = (*_parents(lines, number, match["lead"]), match["key"])
    if match.start("key") <= column <= match.end("key"):
        return path
    for word in re.finditer(r"[\w-]+(?=\s*:)", lines[number]):
        if word.start() <= column <= word.end() and column >= match.end():
            return (*_in_flow(path, lines[number][match.end() : word.start()]).path, word[0])
    return None


def _line(line: str) -> re.Match[str]:
    match = _LINE.match(line)
    assert match is not None
    return match


def _in_flow(path: KeyPath, before: str) -> Spot:
    """The position after ``before``, the beginning of a value, which may be in flow style (brackets)."""
    if not before.startswith(("[", "{")):
        return Spot(path, before.lstrip("\"'"), True, frozenset())
    opened: list[str] = []
    keys: list[str] = []
    for sign in re.finditer(r"[\[\]{}]|([\w-]+)\s*:\s", before):
        if sign[0] in "[{":
            path = (*path, *keys[-1:], *([0] if sign[0] == "[" else []))
            opened.append(sign[0])
            keys = []
        elif sign[0] in "]}":
            opened, path, keys = opened[:-1], path[:-1], []
        else:
            keys.append(sign[1])
    written = _WRITTEN.search(before)
    last = (written[0] if written else "").lstrip()
    if opened[-1:] != ["{"]:
        return Spot(path, last.lstrip("\"'"), True, frozenset())
    key, colon, rest = last.partition(":")
    if colon:
        return Spot((*path, key.strip()), rest.lstrip().lstrip("\"'"), True, frozenset())
    return Spot(path, last, False, frozenset(keys))


def _parents(lines: Sequence[str], number: int, lead: str) -> KeyPath:
    """The path of the mapping or list that contains the key or element after ``lead`` on a line."""
    path: list[str | int] = []
    limit, listed = len(lead), False
    for dash in [place for place, sign in enumerate(lead) if sign == "-"][::-1]:
        path.insert(0, 0)
        limit, listed = dash, True
    for line in reversed(lines[:number]):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _line(line)
        indent = len(match["lead"])
        if match["key"] and (indent < limit or (indent == limit and listed)):
            path.insert(0, match["key"])
            limit, listed = indent, False
        for dash in [place for place, sign in enumerate(match["lead"]) if sign == "-"][::-1]:
            if dash < limit:
                path.insert(0, 0)
                limit, listed = dash, True
        if limit == 0 and not listed:
            break
    return tuple(path)


def _beside(lines: Sequence[str], number: int, indent: int) -> Iterator[str]:
    """The other keys of the mapping whose keys begin at column ``indent``."""
    for around in (reversed(lines[:number]), lines[number + 1 :]):
        for line in around:
            match = _line(line)
            if line.strip() and len(match["lead"]) < indent:
                break
            if len(match["lead"]) == indent and match["key"]:
                yield match["key"]
            if line.strip() and len(match["lead"]) == indent and "-" in match["lead"]:
                break


@cache
def _schema(kind: str) -> dict[str, Any]:
    return _SCHEMAS[kind]()


def _plain(kind: str, node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema with the schemas that it refers to and its alternatives."""
    if "$ref" in node:
        yield from _plain(kind, _schema(kind)["$defs"][node["$ref"].rpartition("/")[2]])
    for choice in node.get("anyOf", ()):
        yield from _plain(kind, choice)
    yield node


def _at(kind: str, path: Iterable[str | int]) -> list[dict[str, Any]]:
    found = [*_plain(kind, _schema(kind))]
    for part in path:
        if part == 0:
            inner = [node["items"] for node in found if isinstance(node.get("items"), dict)]
        else:
            inner = [node["properties"][part] for node in found if part in node.get("properties", ())]
            inner = inner or [one for node in found if isinstance(one := node.get("additionalProperties"), dict)]
        found = [plain for node in inner for plain in _plain(kind, node)]
    return found


def keys(kind: str, path: KeyPath) -> dict[str, str]:
    """The keys allowed in the mapping at ``path``, with their descriptions."""
    named = [name for node in _at(kind, path) for name in node.get("properties", ())]
    return {name: described(kind, (*path, name)) for name in dict.fromkeys(named)}


def values(kind: str, path: KeyPath) -> list[str]:
    """The values that the schema lists for ``path``."""
    found: list[str] = []
    for node in _at(kind, path):
        found += [str(value) for value in node.get("enum", ())] + ([str(node["const"])] if "const" in node else [])
        found += ["true", "false"] if node.get("type") == "boolean" else []
    return [*dict.fromkeys(found)]


def described(kind: str, path: KeyPath) -> str:
    """The schema's description of the key at ``path``, or an empty text."""
    texts = [node["description"] for node in reversed(_at(kind, path)) if node.get("description")]
    return str(texts[0]) if texts else ""


def known(kind: str, path: KeyPath) -> bool:
    """Whether the schema has the key at ``path``."""
    return bool(_at(kind, path))


def examples(kind: str, path: KeyPath) -> list[Any]:
    """The schema's example values."""
    return [example for node in _at(kind, path) for example in node.get("examples", ())]
