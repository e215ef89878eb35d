"""An issue from its folder: every file read, every problem found, and an :class:`Issue` where there is none."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from publisher.config import Config
from publisher.diagnostics import Diagnostic, Place, Sentence, Severity, Span, say
from publisher.documents import Mapping, Scalar, Sequence, TextFile, find, parse_yaml, read_text, typo_in
from publisher.documents.validate import EMPTY_VALUE, WRONG_TYPE
from publisher.issue import codes
from publisher.issue.anchors import numbered_anchors
from publisher.issue.folder import IssueFolder, read_folder
from publisher.issue.lines import lines_of_scalar
from publisher.issue.model import Issue, Item, KeyPoints, Prose, Status
from publisher.issue.model_reader import ModelReader, prose
from publisher.issue.raw import RawIssue
from publisher.issue.read_item import ReadItem, read_inline_item, read_item

_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:-|$)")


@dataclass(frozen=True, slots=True)
class Reading:
    """What was read.

    ``issue`` is there only when nothing prevents building. ``partial`` is for the checks alone: it is there whenever
    issue.yaml could be read, with what is wrong left out, so that an editor hears of everything at once.
    """

    slug: str
    issue: Issue | None
    partial: Issue | None
    findings: tuple[Diagnostic, ...]


def load_issue(config: Config, slug: str) -> tuple[Issue | None, list[Diagnostic]]:
    """Read ``issues/<slug>``: the issue, unless there are errors, and all findings."""
    reading = read_issue(config, slug)
    return reading.issue, list(reading.findings)


def read_issue(config: Config, slug: str) -> Reading:
    """Read ``issues/<slug>`` as far as it can be read."""
    folder = read_folder(config.root, slug)
    findings = list(folder.findings)
    file, node = _issue_node(config.root, folder, findings)
    items = _items(config.root, folder, file, node, findings)
    partial = None
    if file is not None and node is not None:
        partial = _assemble(config, folder, file, node, tuple(items), findings)
    blocked = any(finding.severity is Severity.ERROR for finding in findings)
    ordered = tuple(sorted(set(findings), key=lambda finding: finding.sort_key))
    return Reading(slug, None if blocked else partial, partial, ordered)


def date_of_slug(slug: str) -> date | None:
    """The date that a slug begins with, if it is one."""
    match = _DATE.match(slug)
    try:
        return date(*(int(part) for part in match.groups())) if match else None
    except ValueError:
        return None


def _issue_node(root: Path, folder: IssueFolder, findings: list[Diagnostic]) -> tuple[TextFile | None, Mapping | None]:
    if folder.issue_file is None:
        return None, None
    file, wrong = read_text(root, folder.issue_file)
    findings += wrong
    if file is None:
        return None, None
    node, wrong = parse_yaml(file)
    findings += wrong
    if node is None and not wrong:
        node = Mapping((), Span.point(1, 1))
    if node is not None and not isinstance(node, Mapping):
        typo = typo_in(file, node.span.line, node.span.end_line)
        findings.append(
            typo
            or WRONG_TYPE.at(
                Place(file.path), say("issue.yaml has to be keys and values"), help=say("begin with title: …")
            )
        )
    return file, node if isinstance(node, Mapping) else None


def _items(
    root: Path, folder: IssueFolder, file: TextFile | None, node: Mapping | None, findings: list[Diagnostic]
) -> list[Item]:
    order = node.get("items") if node is not None else None
    read: list[ReadItem] = []
    if file is not None and isinstance(order, Sequence):
        read = _ordered(root, folder, file, order, findings)
    else:
        read = [read_item(root, folder.path, path, number) for number, path in enumerate(folder.items, 1)]
    for each in read:
        findings += each.findings
    if not read and node is not None and (order is None or isinstance(order, Sequence)):
        given = node.entry("items")
        place = Place(folder.issue_file or folder.path, given.key.span if given else Span.point(1))
        findings.append(
            codes.NO_ITEMS.at(place, say("the issue has no items"), help=say("add an item file beside issue.yaml"))
        )
    return numbered_anchors([each.item for each in read if each.item is not None])


def _ordered(
    root: Path, folder: IssueFolder, file: TextFile, order: Sequence, findings: list[Diagnostic]
) -> list[ReadItem]:
    """The items in the order that issue.yaml gives; what it leaves out is read too, for its own findings."""
    files = {path.rpartition("/")[2]: path for path in folder.items}
    seen: dict[str, int] = {}
    read: list[ReadItem] = []
    for number, entry in enumerate(order.items, 1):
        place = Place(file.path, entry.span)
        if isinstance(entry, Mapping):
            read.append(read_inline_item(root, folder.path, file, entry, number))
            continue
        if not isinstance(entry, Scalar):
            message = say("an item has to be the name of a file, or keys and values, not a list")
            findings.append(WRONG_TYPE.at(place, message, help=say("write the name of an item file")))
            continue
        name = entry.text.strip().removeprefix("./")
        if not name:
            findings.append(
                EMPTY_VALUE.at(place, say("the item has no value"), help=say("write the name of an item file"))
            )
        elif name in seen:
            message = say("{name} was already named at line {line}", name=name, line=seen[name])
            findings.append(codes.ITEM_TWICE.at(place, message, help=say("delete one of the two")))
        elif name not in files:
            findings.append(
                codes.ITEM_MISSING.at(place, say("there is no item {name}", name=name), help=_item_names(name, files))
            )
        else:
            seen[name] = entry.span.line
            read.append(read_item(root, folder.path, files[name], number))
    for name, path in files.items():
        if name not in seen:
            message = say("issue.yaml gives an order of items and leaves {name} out", name=name)
            findings.append(
                codes.ITEM_LEFT_OUT.at(
                    Place(path), message, help=say("add {name} to items, or delete the file", name=name)
                )
            )
            findings += read_item(root, folder.path, path, 0).findings
    return read


def _item_names(name: str, files: dict[str, str]) -> Sentence:
    same = [
        known
        for known in files
        if known.rpartition(".")[0].lower() == name.rpartition(".")[0].lower() or known.lower() == f"{name.lower()}.md"
    ]
    if same:
        return say("write {words}", words=same[0])
    return say("the item files are {files}", files=", ".join(files)) if files else say("add the file beside issue.yaml")


def _assemble(
    config: Config,
    folder: IssueFolder,
    file: TextFile,
    node: Mapping,
    items: tuple[Item, ...],
    findings: list[Diagnostic],
) -> Issue:
    assembly = ModelReader(config.root, folder.path, file, node, Span.point(1, 1))
    raw = assembly.validate(RawIssue, context={"zone": config.newsletter.zone})
    issue = Issue(
        slug=folder.slug,
        folder=folder.path,
        title=raw.title,
        date=(date_of_slug(folder.slug) or raw.date) if "date" in assembly.broken else raw.date,
        language=raw.language or config.newsletter.language,
        subject=raw.subject or raw.title,
        places=assembly.places(),
        items=items,
        number=raw.number,
        subtitle=raw.subtitle,
        preheader=raw.preheader,
        status=Status(raw.status),
        publish_at=raw.publish_at,
        authors=tuple(raw.authors or ()),
        tags=tuple(dict.fromkeys(raw.tags or ())),
        cover=assembly.picture(raw.cover, "cover"),
        intro=_prose(file, node, "intro") if raw.intro else None,
        key_points=_key_points(file, node, raw),
        attribution=_prose(file, node, "attribution") if raw.attribution else None,
        audience=raw.audience,
        overflow=raw.overflow,
    )
    findings += assembly.findings
    return issue


def _prose(file: TextFile, node: Mapping, *at: str | int) -> Prose | None:
    value = find(node, at)
    return prose(file.path, lines_of_scalar(file, value)) if isinstance(value, Scalar) else None


def _key_points(file: TextFile, node: Mapping, raw: RawIssue) -> KeyPoints | None:
    if raw.key_points is None:
        return None
    at = ("key_points",) if isinstance(node.get("key_points"), Sequence) else ("key_points", "points")
    points = [_prose(file, node, *at, index) for index in range(len(raw.key_points.points))]
    return KeyPoints(tuple(point for point in points if point is not None), raw.key_points.generated_by)
