"""Conversion of a file, or of a mapping in issue.yaml, to an :class:`Item`, and assignment of anchors.

An anchor is the URL fragment of one story: short, stable, unique within its issue.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from publisher.diagnostics import Diagnostic, Place, Span, say
from publisher.documents import Mapping, Scalar, TextFile, parse_mapping
from publisher.documents.validate import BAD_VALUE, near_key
from publisher.issue import codes
from publisher.issue.folder import is_markdown, slugged
from publisher.issue.item_file import COMMENTS, ItemFile, read_item_file
from publisher.issue.markdown import parsed
from publisher.issue.model import Item, Origin, Origins, Places, Prose, Source, Sponsor
from publisher.issue.model_reader import ModelReader
from publisher.issue.raw import MODELS, RawItem, RawOrigin, RawPictureItem, RawSource
from publisher.issue.values import is_seen_in_prose
from publisher.regex import regex

_LONGEST = 60
_ORDERING = regex(r"^\d{1,3}[-_. ]+")
_HAN_OR_KANA = regex("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\U00020000-\U0003ffff]")


def read_item(root: Path, folder: str, file: TextFile | None, position: int, findings: list[Diagnostic]) -> Item | None:
    """Return the item of a file, or None if nothing can be parsed; ``position`` counts from 1."""
    if file is None:
        return None
    anchor = anchor_of_file(file.path, position)
    if is_markdown(file.path):
        parts, found = read_item_file(file)
        findings += found
        return _markdown_item(root, folder, file, parts, anchor, findings) if parts else None
    node, wrong = parse_mapping(file, say("the item has to be keys and values"), say("begin with headline: …"))
    findings += wrong
    return _item(ModelReader(root, folder, file, node, Span.point(1), findings), anchor) if node else None


def read_inline_item(
    root: Path, folder: str, file: TextFile, node: Mapping, position: int, findings: list[Diagnostic]
) -> Item:
    """Return an item that is written in issue.yaml."""
    headline = node.get("headline")
    anchor = _anchor_of_headline(headline.text if isinstance(headline, Scalar) else "", position)
    return _item(ModelReader(root, folder, file, node, Span.point(*node.span[:2]), findings), anchor)


def text_of_step(file: TextFile, node: Mapping, findings: list[Diagnostic]) -> Item:
    """Return the only item of a step in a single file: the text below the front matter, without headline."""
    parts, _ = read_item_file(file)
    assert parts is not None
    if not is_seen_in_prose(parts.body.text):
        place, advice = Place(file.path, Span.point(parts.body_at)), say("write it below the front matter")
        findings.append(codes.EMPTY_BODY.at(place, say("the step has no text"), help=advice))
    return Item("", parts.body, "text", Places(file.path, node.span), parts.commentary)


def _item(reader: ModelReader, anchor: str) -> Item:
    raw = reader.validate(_model(reader.node))
    body = (reader.prose("body") if raw.body else None) or _nothing(reader.file, reader.start)
    return _build(reader, raw, body, reader.prose("commentary") if raw.commentary else None, anchor)


def _model(node: Mapping) -> type[RawItem]:
    kind = node.get("kind")
    return MODELS.get(kind.text, RawItem) if isinstance(kind, Scalar) else RawItem


def _markdown_item(
    root: Path, folder: str, file: TextFile, parts: ItemFile, anchor: str, findings: list[Diagnostic]
) -> Item:
    matter = parts.matter
    start = Span.point(*matter.entries[0].key.span[:2]) if matter.entries else Span.point(1)
    reader = ModelReader(root, folder, file, matter, start, findings)
    body, commentary = (
        part if part and is_seen_in_prose(part.text) else None for part in (parts.body, parts.commentary)
    )
    extra: dict[str, Any] = {}
    if body is not None:
        _given_once(reader, "body", body.place(0))
        extra["body"] = body.text
    elif matter.entry("body") is None and _model(matter) is not RawPictureItem:
        extra["body"] = "…"
        keys = [entry.key.text for entry in matter.entries]
        if "body" not in [near_key(key, [*RawItem.model_fields]) for key in keys]:  # a misspelt key is reported there
            place, advice = Place(file.path, Span.point(parts.body_at)), say("write it below the front matter")
            if "]:" in parts.body.text:
                advice = say("write \\[ where a line begins with words in brackets and a colon: readers do not see it")
            findings.append(codes.EMPTY_BODY.at(place, say("the item has no text"), help=advice))
    if parts.commentary_at is not None:
        line = file.lines[parts.commentary_at - 1]
        place = Place(file.path, Span(parts.commentary_at, 1, parts.commentary_at, len(line.rstrip()) + 1))
        _given_once(reader, "commentary", place)
        if commentary is None:
            message, advice = say("the commentary is empty"), say("write it, or delete the container")
            findings.append(codes.EMPTY_COMMENTARY.at(place, message, help=advice))
    raw = reader.validate(_model(matter), extra)
    body = body or (reader.prose("body") if raw.body else None) or _nothing(file, Span.point(parts.body_at))
    return _build(reader, raw, body, commentary or (reader.prose("commentary") if raw.commentary else None), anchor)


def _given_once(reader: ModelReader, name: str, below: Place) -> None:
    entry = reader.node.entry(name)
    if entry is not None:
        at = f"{entry.key.span.line}:{entry.key.span.column}"
        message = say("the {name} was already given at {at}, in the front matter", name=name, at=at)
        reader.findings.append(codes.TWICE.at(below, message, help=say("keep one of the two")))


def _nothing(file: TextFile, at: Span) -> Prose:
    return Prose("", file.path, ((at.line, at.column),))


def _no_list(body: Prose) -> int | None:
    """The first line, from 0, that does not belong to a list; None if there is none."""
    found = (token for token in parsed(body.text).tokens if token.level == 0 and token.nesting >= 0)
    blocks = (token for token in found if token.type != "html_block" or not COMMENTS.fullmatch(token.content))
    return next((token.map[0] for token in blocks if token.map and not token.type.endswith("list_open")), None)


def _build(reader: ModelReader, raw: RawItem, body: Prose, commentary: Prose | None, anchor: str) -> Item:
    if raw.kind == "links" and (other := _no_list(body)) is not None:
        message = say("a list of links contains something other than a list")
        reader.findings.append(BAD_VALUE.at(body.place(other), message, help=say("begin each line with - and a space")))
    return Item(
        headline=raw.headline,
        kind=raw.kind,
        body=body,
        anchor=raw.anchor or anchor,
        places=reader.places(),
        commentary=commentary,
        commentary_by=raw.commentary_by,
        sources=_sources(raw.source),
        image=reader.picture(raw.image, "image"),
        tags=tuple(dict.fromkeys(raw.tags or ())),
        section=raw.section,
        only=raw.only,
        sponsored=Sponsor(raw.sponsored.by, raw.sponsored.url) if raw.sponsored else None,
        generated=origins(raw.generated),
    )


def origins(raw: dict[str, RawOrigin] | None) -> Origins:
    """Convert the origins of an issue or an item, by part."""
    return tuple(
        (part, Origin(given.by, given.grade, tuple(given.reviewed_by or ()), _sources(given.sources)))
        for part, given in (raw or {}).items()
    )


def _sources(raw: Sequence[RawSource] | None) -> tuple[Source, ...]:
    return tuple(Source(source.name, source.url) for source in raw or ())


def anchor_of_file(name: str, position: int) -> str:
    """Derive an anchor from the file name without its ordering number: ``01-openai-pbc.md`` → ``openai-pbc``."""
    name = name.rpartition("/")[2]
    return _slug(_ORDERING.sub("", name.rpartition(".")[0] or name, count=1)) or f"item-{position}"


def _anchor_of_headline(headline: str, position: int) -> str:
    """Derive an anchor from a Latin headline; for a Chinese one ``item-N``, by position (from 1)."""
    return ("" if _HAN_OR_KANA.search(headline) else _slug(headline)) or f"item-{position}"


def numbered_anchors(items: Sequence[Item]) -> tuple[Item, ...]:
    """Number generated anchors that are equal to others: ``openai``, ``openai-2``. Written anchors are kept."""
    taken = {item.anchor for item in items if ("anchor",) in item.places.values}
    numbers: dict[str, int] = {}  # last number of each anchor, to avoid quadratic search
    numbered = []
    for item in items:
        if ("anchor",) not in item.places.values:
            anchor, number = item.anchor, numbers.get(item.anchor, 1)
            while anchor in taken:
                number += 1
                anchor = f"{item.anchor}-{number}"
            numbers[item.anchor] = number
            taken.add(anchor)
            item = replace(item, anchor=anchor) if anchor != item.anchor else item
        numbered.append(item)
    return tuple(numbered)


def _slug(text: str) -> str:
    slug = slugged(re.sub("['＇]", "", text))
    if len(slug) <= _LONGEST:
        return slug
    return slug[: _LONGEST + 1].rpartition("-")[0] or slug[:_LONGEST]
