"""Navigation: definitions, the outline of a file, and the edits that renaming an item file requires."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

import yaml
from lsprotocol import types

from publisher.diagnostics import Span, listed, rendered, say
from publisher.documents import Mapping, Node, Scalar, Sequence, TextFile
from publisher.documents.nodes import KeyPath
from publisher.issue.folder import MARKDOWN_SUFFIXES, YAML_SUFFIXES, is_markdown, read_folder
from publisher.issue.item_file import keys_of, read_item_file
from publisher.issue.read_item import anchor_of_file
from publisher.issue.series import slug_of_path
from publisher.lsp import keys
from publisher.lsp.document import Document
from publisher.lsp.newsletter import OpenNewsletter

Kind = types.SymbolKind
_LINK = re.compile(r"!?\[[^\]]*\]\((?P<target>[^)\s]+)[^)]*\)")
_DEEPEST = 3


def tree(path: str, document: Document) -> Node | None:
    """The YAML of a file or of its front matter; None if it cannot be parsed."""
    return keys_of(TextFile(path, document.file.text))


def scalar_at(node: Node | None, place: tuple[int, int], path: KeyPath = ()) -> tuple[KeyPath, Scalar] | None:
    """The value at the cursor with its path, or None."""
    if isinstance(node, Scalar):
        return (path, node) if node.span[:2] <= place <= node.span[2:] else None
    inner: list[tuple[str | int, Node]] = []
    if isinstance(node, Mapping):
        inner = [(entry.key.text, entry.value) for entry in node.entries]
    elif isinstance(node, Sequence):
        inner = [*enumerate(node.items)]
    return next(filter(None, (scalar_at(one, place, (*path, name)) for name, one in inner)), None)


def definition(
    newsletter: OpenNewsletter, path: str, document: Document, position: types.Position
) -> types.Location | None:
    """The place of the item file, picture, item or issue named at the cursor."""
    kind, folder = keys.kind_of(path), PurePosixPath(path).parent
    if kind in {None, "config"}:
        return None
    line, column = document.place(position)
    if found := scalar_at(tree(path, document), (line, column)):
        at, scalar = found
        written = scalar.text.strip().removeprefix("./")
        if at[-1] == "translation_of":
            return _location(newsletter, f"issues/{written}/issue.yaml")
        if at[-1] == "image" or (kind in keys.LISTS and len(at) == 2 and at[0] == "items"):
            return _location(newsletter, f"{folder}/{written}")
    for link in _LINK.finditer(document.lines[line - 1]):
        if link.start() < column <= link.end() + 1:
            target = link["target"]
            if not target.startswith("#"):
                return _location(newsletter, f"{folder}/{target.removeprefix('./').replace('%20', ' ')}")
            issue = newsletter.issue(slug_of_path(path) or "")
            for item in issue.items if issue else ():
                if item.anchor == target[1:]:
                    place = item.places.of("headline")
                    return _location(newsletter, place.path, place.span)
    return None


def _location(newsletter: OpenNewsletter, path: str, span: Span | None = None) -> types.Location | None:
    """A place in a file of the repository; None if the file does not exist."""
    if ".." in PurePosixPath(path).parts or (path not in newsletter.open and not (newsletter.root / path).is_file()):
        return None
    if span is None:
        start = types.Position(0, 0)
        return types.Location(newsletter.uri(path), types.Range(start, start))
    return types.Location(newsletter.uri(path), newsletter.document(path).range(span))


def outline(path: str, document: Document) -> list[types.DocumentSymbol]:
    """The keys of a file; for a Markdown item, these and its texts under its headline."""
    node = tree(path, document)
    found = [*_symbols(document, node, 1)] if node is not None else [*_lines_of_keys(path, document)]
    if not is_markdown(path):
        return found
    item, _ = read_item_file(TextFile(path, document.file.text))
    if item:
        last = len(document.lines)
        end = (item.commentary_at or last + 1) - 1
        found.append(_symbol(document, "body", Kind.String, Span(item.body_at, 1, max(end, item.body_at), 10**6)))
        if item.commentary_at:
            found.append(_symbol(document, "commentary", Kind.String, Span(item.commentary_at, 1, last, 10**6)))
    headline = item.matter.get("headline") if item else None
    name = headline.text if isinstance(headline, Scalar) else PurePosixPath(path).name
    whole = _symbol(document, name, Kind.Class, Span(1, 1, len(document.lines), 10**6))
    whole.children = found
    return [whole]


def _symbols(document: Document, node: Node, depth: int) -> Iterator[types.DocumentSymbol]:
    pairs: list[tuple[str, Span, Node]] = []
    if isinstance(node, Mapping):
        pairs = [(entry.key.text, entry.key.span, entry.value) for entry in node.entries]
    elif isinstance(node, Sequence):
        pairs = [(_name(one), Span.point(*one.span[:2]), one) for one in node.items]
    for name, at, value in pairs:
        kind = Kind.Array if isinstance(value, Sequence) else Kind.Object if isinstance(value, Mapping) else Kind.Key
        symbol = _symbol(document, name, kind, Span(*at[:2], *max(at[2:], value.span[2:])))
        symbol.selection_range = document.range(at)
        symbol.detail = " ".join(value.text.split())[:80] if isinstance(value, Scalar) and name != value.text else None
        symbol.children = [*_symbols(document, value, depth + 1)] if depth < _DEEPEST else []
        yield symbol


def _name(node: Node) -> str:
    """The name of a list element: its text, its headline, or its first value."""
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Mapping) and node.entries:
        value = node.get("headline") or node.entries[0].value
        return value.text if isinstance(value, Scalar) else node.entries[0].key.text
    return "…"


def _lines_of_keys(path: str, document: Document) -> Iterator[types.DocumentSymbol]:
    """The keys at the beginnings of lines, for YAML that is not complete yet."""
    for number in keys.yaml_lines(path, document.lines):
        if key := re.match(r"[\w-]+(?=:)", document.lines[number]):
            yield _symbol(document, key[0], Kind.Key, Span(number + 1, 1, number + 1, len(document.lines[number]) + 1))


def _symbol(document: Document, name: str, kind: types.SymbolKind, span: Span) -> types.DocumentSymbol:
    whole = document.range(span)
    return types.DocumentSymbol(name.strip() or "…", kind, whole, types.Range(whole.start, whole.start))


def item_entry(path: str, document: Document, position: types.Position) -> Scalar | None:
    """The entry of ``items:`` at the cursor that names a file."""
    found = scalar_at(tree(path, document), document.place(position)) if keys.kind_of(path) in keys.LISTS else None
    return found[1] if found and len(found[0]) == 2 and found[0][0] == "items" else None


def is_item(*paths: str) -> bool:
    """Whether files at all these paths are read as items."""
    return all(keys.kind_of(path) == "item" for path in paths)


def references(newsletter: OpenNewsletter, old: str, new: str) -> dict[str, list[types.TextEdit]]:
    """The edits, by path, for renaming an item file: in the list of items, and in links to an anchor from its name."""
    slug, name = slug_of_path(old) or "", PurePosixPath(new).name
    folder = newsletter.seen(lambda: read_folder(newsletter.real, slug))
    edits: dict[str, list[types.TextEdit]] = {}
    listing = folder.issue_file
    order = tree(listing, newsletter.document(listing)) if listing else None
    listed = order.get("items") if isinstance(order, Mapping) else None
    for entry in listed.items if listing and isinstance(listed, Sequence) else ():
        if isinstance(entry, Scalar) and entry.text.strip().removeprefix("./") == PurePosixPath(old).name:
            text = f"{'./' if entry.text.strip().startswith('./') else ''}{name}"
            flow = yaml.dump([text], default_style=entry.style, default_flow_style=True, allow_unicode=True, width=999)
            place = newsletter.document(str(listing)).range(entry.span)
            edits.setdefault(str(listing), []).append(types.TextEdit(place, flow[1:-2]))  # without the brackets
    issue = newsletter.issue(slug)
    item = next((one for one in issue.items if one.places.path == old), None) if issue else None
    anchor = anchor_of_file(new, 1)
    if item is None or ("anchor",) in item.places.values or anchor == item.anchor:
        return edits
    for path in (*folder.items, *([listing] if listing else [])):
        document = newsletter.document(path)
        for number, line in enumerate(document.lines, 1):
            for link in re.finditer(rf"\]\(#(?P<anchor>{re.escape(item.anchor)})(?=[\s)])", line):
                span = Span(number, link.start("anchor") + 1, number, link.end("anchor") + 1)
                edits.setdefault(path, []).append(types.TextEdit(document.range(span), anchor))
    return edits


def fault_of_name(newsletter: OpenNewsletter, old: str, name: str) -> str | None:
    """The reason why an item file cannot have a name; None if it can."""
    path = f"{PurePosixPath(old).parent}/{name}"
    if not re.fullmatch(r"[^/\\\0]+", name) or name in {".", ".."} or not is_item(path):
        endings = listed(sorted(MARKDOWN_SUFFIXES | YAML_SUFFIXES))
        fault = say(
            "{name} is not a name of an item file: it has no / and ends in one of {endings}", name=name, endings=endings
        )
        return rendered(fault)
    return rendered(say("{name} exists already", name=name)) if (newsletter.root / path).exists() else None
