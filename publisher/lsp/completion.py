"""Completion: keys and values of YAML, names of pictures, anchors and containers of Markdown."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from zoneinfo import available_timezones

from lsprotocol import types

from publisher.config.theme import built_in
from publisher.diagnostics import Span
from publisher.documents import Scalar, Sequence, TextFile, parse_yaml
from publisher.documents.nodes import KeyPath
from publisher.issue.folder import read_folder
from publisher.issue.load import date_of_slug
from publisher.issue.markdown.boxes import CONTAINERS
from publisher.issue.pictures import pictures_of
from publisher.issue.read_item import anchor_of_file
from publisher.issue.series import slug_of_path
from publisher.language import canonical, spoken
from publisher.lsp import keys
from publisher.lsp.document import Document
from publisher.lsp.newsletter import OpenNewsletter

Kind = types.CompletionItemKind
_PICTURE = re.compile(r"!\[[^\]]*\]\((?P<written>[^)\s]*)\Z")
_ANCHOR = re.compile(r"\]\(#(?P<written>[\w-]*)\Z")
_CONTAINER = re.compile(r" {0,3}:{3,}[ \t]*(?P<written>\w*)\Z")


def complete(
    newsletter: OpenNewsletter, path: str, document: Document, position: types.Position
) -> list[types.CompletionItem]:
    """Return the completions at the cursor, most likely first."""
    kind = keys.kind_of(path)
    if kind is None:
        return []
    line, column = document.place(position)
    before = document.lines[line - 1][: column - 1]
    if line - 1 in keys.yaml_lines(path, document.lines):
        spot = keys.spot(document.lines, line - 1, column - 1)
        quoted = before[: len(before) - len(spot.written)][-1:] in {'"', "'"}
        start, offered = spot.written, [*_in_yaml(newsletter, path, kind, spot, quoted)]
    elif match := next(filter(None, (each.search(before) for each in (_PICTURE, _ANCHOR, _CONTAINER))), None):
        start, offered = match["written"], [*_in_markdown(newsletter, path, match.re)]
    else:
        return []
    place = document.range(Span(line, column - len(start), line, column))
    return [
        types.CompletionItem(
            label,
            kind=sort,
            detail=detail or None,
            sort_text=f"{number:04}",
            filter_text=label,
            text_edit=types.TextEdit(place, text),
        )
        for number, (label, text, sort, detail) in enumerate(offered)
    ]


_Offer = tuple[str, str, types.CompletionItemKind, str]


def _in_yaml(newsletter: OpenNewsletter, path: str, kind: str, spot: keys.Spot, quoted: bool) -> Iterator[_Offer]:
    if not spot.value:
        for name, meaning in keys.keys(kind, spot.path).items():
            if name not in spot.beside:
                yield name, f"{name}: ", Kind.Property, meaning
    for value in dict.fromkeys((*keys.values(kind, spot.path), *_used(newsletter, path, kind, spot.path))):
        yield value, value if quoted else _written(value), Kind.Value, ""


def _used(newsletter: OpenNewsletter, path: str, kind: str, at: KeyPath) -> list[str]:
    """Values that depend on the repository."""
    name = next((str(part) for part in reversed(at) if part != 0), "")
    slug = slug_of_path(path) or ""
    own = newsletter.config.newsletter.language if newsletter.config else "en"
    known: dict[str, Callable[[], list[str]]] = {
        "tags": lambda: newsletter.archive.used("tags"),
        "section": lambda: newsletter.archive.used("sections"),
        "authors": lambda: newsletter.archive.used("authors"),
        "commentary_by": lambda: newsletter.archive.used("authors"),
        "image": lambda: pictures_of(newsletter.real / PurePosixPath(path).parent),
        "language": lambda: [*dict.fromkeys((own, *(canonical(name) or name for name in spoken())))],
        "translation_of": lambda: sorted(newsletter.archive.facts, reverse=True),
        "anchor": lambda: [anchor_of_file(path, 1)],
        "date": lambda: [day.isoformat()] if (day := date_of_slug(slug)) else [],
        "items": lambda: _files(newsletter, path, slug),
        "timezone": lambda: sorted(available_timezones()),
    }
    if kind == "config":
        known = {name: known[name] for name in ("language", "timezone")}
        return [*built_in()] if at == ("theme", "name") else known.get(name, list)()
    return known[name]() if name in known and (name != "items" or at == ("items", 0)) else []


def _files(newsletter: OpenNewsletter, path: str, slug: str) -> list[str]:
    """The item files of an issue, those not yet in its list first."""
    names = [PurePosixPath(item).name for item in newsletter.seen(lambda: read_folder(newsletter.real, slug)).items]
    lines = newsletter.open[path].lines if path in newsletter.open else ()
    listed = {word for line in lines for word in line.split()}
    return sorted(names, key=lambda name: (name in listed, name))


def _in_markdown(newsletter: OpenNewsletter, path: str, where: re.Pattern[str]) -> Iterator[_Offer]:
    if where is _PICTURE:
        for name in pictures_of(newsletter.real / PurePosixPath(path).parent):
            yield name, name.replace(" ", "%20"), Kind.File, ""
    elif where is _ANCHOR:
        issue = newsletter.issue(slug_of_path(path) or "")
        for item in issue.items if issue else ():
            yield item.anchor, item.anchor, Kind.Reference, item.headline
    else:
        for name in ("commentary", *CONTAINERS):
            yield name, name, Kind.Keyword, ""


def _written(value: str) -> str:
    """The value as YAML, quoted if necessary."""
    node, _ = parse_yaml(TextFile("", f"[{value}]"))
    item = node.items[0] if isinstance(node, Sequence) and len(node.items) == 1 else None
    plain = isinstance(item, Scalar) and item.text == value and not item.style
    return value if plain else json.dumps(value, ensure_ascii=False)
