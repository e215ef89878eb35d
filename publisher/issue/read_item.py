"""One item: from its file, or from a mapping inside issue.yaml, to an :class:`Item`."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from publisher.diagnostics import Diagnostic, Place, Span, say
from publisher.documents import Mapping, Scalar, TextFile, find, parse_yaml, read_text, typo_in
from publisher.documents.validate import WRONG_TYPE, near_key
from publisher.issue import codes
from publisher.issue.anchors import anchor_of_file, anchor_of_headline
from publisher.issue.folder import MARKDOWN_SUFFIXES
from publisher.issue.item_file import ItemFile, read_item_file
from publisher.issue.lines import lines_of_scalar
from publisher.issue.model import Item, Prose, Source, Sponsor
from publisher.issue.model_reader import ModelReader, prose
from publisher.issue.raw import RawItem
from publisher.issue.values import is_seen_in_prose


@dataclass(slots=True)
class ReadItem:
    """What was made of one item. ``item`` is there whenever anything of it could be read; ``whole`` when all could."""

    item: Item | None
    findings: list[Diagnostic] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether the item is as its author meant it."""
        return self.item is not None and not self.findings


def read_item(root: Path, folder: str, path: str, position: int) -> ReadItem:
    """Read the item file ``path``; ``position`` counts from 1."""
    file, findings = read_text(root, path)
    if file is None:
        return ReadItem(None, findings)
    anchor = anchor_of_file(path, position)
    if PurePosixPath(path).suffix.lower() in MARKDOWN_SUFFIXES:
        parts, wrong = read_item_file(file)
        findings += wrong
        item = _markdown_item(root, folder, file, parts, anchor, findings) if parts else None
        return ReadItem(item, findings)
    node, wrong = parse_yaml(file)
    findings += wrong
    if node is None and not wrong:
        node = Mapping((), Span.point(1, 1))
    if node is not None and not isinstance(node, Mapping):
        typo = typo_in(file, node.span.line, node.span.end_line)
        findings.append(
            typo
            or WRONG_TYPE.at(Place(path), say("the item has to be keys and values"), help=say("begin with headline: …"))
        )
    if not isinstance(node, Mapping):
        return ReadItem(None, findings)
    return ReadItem(_item(root, folder, file, node, anchor, Span.point(1, 1), findings), findings)


def read_inline_item(root: Path, folder: str, file: TextFile, node: Mapping, position: int) -> ReadItem:
    """Read an item that stands whole in issue.yaml."""
    findings: list[Diagnostic] = []
    headline = node.get("headline")
    anchor = anchor_of_headline(headline.text if isinstance(headline, Scalar) else "", position)
    start = Span.point(node.span.line, node.span.column)
    return ReadItem(_item(root, folder, file, node, anchor, start, findings), findings)


def _item(
    root: Path, folder: str, file: TextFile, node: Mapping, anchor: str, start: Span, findings: list[Diagnostic]
) -> Item:
    assembly = ModelReader(root, folder, file, node, start)
    raw = assembly.validate(RawItem)
    body = _own(file, node, "body") if raw.body else None
    commentary = _own(file, node, "commentary") if raw.commentary else None
    item = _build(assembly, raw, body or _nothing(file.path, start), commentary, anchor)
    findings += assembly.findings
    return item


def _markdown_item(
    root: Path, folder: str, file: TextFile, parts: ItemFile, anchor: str, findings: list[Diagnostic]
) -> Item:
    matter = parts.matter
    first_key = matter.entries[0].key.span if matter.entries else Span.point(1, 1)
    start = Span.point(first_key.line, first_key.column)
    assembly = ModelReader(root, folder, file, matter, start)
    below: dict[str, Prose | None] = {
        "body": prose(file.path, parts.body) if is_seen_in_prose(parts.body.text) else None,
        "commentary": prose(file.path, parts.commentary)
        if parts.commentary and is_seen_in_prose(parts.commentary.text)
        else None,
    }
    extra: dict[str, Any] = {}
    if below["body"] is not None:
        _given_once(assembly, "body", below["body"].place(0))
        extra["body"] = below["body"].text
    elif matter.entry("body") is None:
        extra["body"] = "…"
        keys = [entry.key.text for entry in matter.entries]
        if "body" not in [near_key(key, [*RawItem.model_fields]) for key in keys]:  # misspelt, it is told there
            place = Place(file.path, Span.point(parts.body_at))
            advice = say("write it below the front matter")
            assembly.findings.append(codes.EMPTY_BODY.at(place, say("the item has no text"), help=advice))
    if parts.commentary_at is not None:
        line = file.lines[parts.commentary_at - 1]
        place = Place(file.path, Span(parts.commentary_at, 1, parts.commentary_at, len(line.rstrip()) + 1))
        _given_once(assembly, "commentary", place)
        if below["commentary"] is None:
            message = say("the commentary is empty")
            assembly.findings.append(
                codes.EMPTY_COMMENTARY.at(place, message, help=say("write it, or delete the container"))
            )
    raw = assembly.validate(RawItem, extra)
    body = below["body"] or (_own(file, matter, "body") if matter.entry("body") and raw.body else None)
    commentary = below["commentary"] or (_own(file, matter, "commentary") if raw.commentary else None)
    item = _build(assembly, raw, body or _nothing(file.path, Span.point(parts.body_at)), commentary, anchor)
    findings += assembly.findings
    return item


def _given_once(assembly: ModelReader, name: str, below: Place) -> None:
    entry = assembly.node.entry(name)
    if entry is not None:
        at = f"{entry.key.span.line}:{entry.key.span.column}"
        message = say("the {name} was already given at {at}, in the front matter", name=name, at=at)
        assembly.findings.append(codes.TWICE.at(below, message, help=say("keep one of the two")))


def _own(file: TextFile, node: Mapping, name: str) -> Prose | None:
    value = find(node, (name,))
    return prose(file.path, lines_of_scalar(file, value)) if isinstance(value, Scalar) else None


def _nothing(path: str, at: Span) -> Prose:
    return Prose("", path, ((at.line, at.column),))


def _build(assembly: ModelReader, raw: RawItem, body: Prose, commentary: Prose | None, anchor: str) -> Item:
    return Item(
        headline=raw.headline,
        body=body,
        anchor=raw.anchor or anchor,
        places=assembly.places(),
        commentary=commentary,
        commentary_by=raw.commentary_by,
        sources=tuple(Source(source.name, source.url) for source in raw.source or ()),
        image=assembly.picture(raw.image, "image"),
        tags=tuple(dict.fromkeys(raw.tags or ())),
        section=raw.section,
        sponsored=Sponsor(raw.sponsored.by, raw.sponsored.url) if raw.sponsored else None,
    )
