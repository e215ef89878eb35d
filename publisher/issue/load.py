"""Loading of an issue from its folder: reads every file, collects all findings, and creates an :class:`Issue`."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path

from publisher.config import Config
from publisher.config.values import composed
from publisher.diagnostics import Diagnostic, Place, Sentence, Span, blocking, in_order, listed, say
from publisher.documents import Mapping, Scalar, Sequence, TextFile, parse_mapping, read_text
from publisher.documents.text import UNREADABLE
from publisher.documents.validate import EMPTY_VALUE, WRONG_TYPE
from publisher.issue import codes
from publisher.issue.folder import NOT_READ, OUTSIDE, SERIES, SUFFIXES, IssueFolder, is_markdown, read_folder
from publisher.issue.item_file import read_item_file
from publisher.issue.model import Issue, Item, KeyPoints, Status, Wechat
from publisher.issue.model_reader import ModelReader
from publisher.issue.raw import RawIssue, RawStep, RawTextStep
from publisher.issue.read_item import numbered_anchors, origins, read_inline_item, read_item, text_of_step

_NUMBER = re.compile(r"\d{1,3}(?=[-_. ])")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:-|$)")
MOST_MARKS = 8_000
"""Limit of markup in an issue, or one mark per 20 bytes in a larger one. Of 1,000 real issues none has over 4,200."""
_MARKS = dict.fromkeys((*"*_~`[<&\\|^#{:", "://"), 1) | {"\n": 2, "<pre": 2, "//": 2, "@": 3, "[^": 4, "^[": 8}
"""Strings that begin markup, weighted by the time that parsing takes."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Result of reading an issue.

    ``issue`` is None if a finding is an error. ``partial``, for the checks only, is set whenever issue.yaml could be
    parsed; invalid values are left out, so that all problems are reported at once. ``files`` are the readable files.
    """

    slug: str
    issue: Issue | None
    partial: Issue | None
    findings: tuple[Diagnostic, ...]
    files: tuple[TextFile, ...]


def read_issue(config: Config, slug: str) -> Reading:
    """Read ``issues/<slug>``, or the step ``series/<name>/<slug>``, as far as possible, to report all problems."""
    folder = read_folder(config.root, slug)
    findings = list(folder.findings)
    files = _files(config.root, folder, findings)
    if dense := _dense(files.values()):
        return Reading(slug, None, None, tuple(in_order((*findings, dense))), (*files.values(),))
    file, node = _issue_node(folder, files, findings)
    items: tuple[Item, ...]
    if is_markdown(folder.issue_file or ""):
        items = (text_of_step(file, node, findings),) if file and node else ()
    else:
        items = _items(config, folder, files, node, findings)
    partial = _assemble(config, folder, file, node, items, findings) if file and node else None
    issue = None if blocking(findings) else partial
    return Reading(slug, issue, partial, tuple(in_order(findings)), (*files.values(),))


def date_of_slug(slug: str) -> date | None:
    """The date at the beginning of a slug, or None."""
    match = _DATE.match(slug)
    try:
        return date(*(int(part) for part in match.groups())) if match else None
    except ValueError:
        return None


def _files(root: Path, folder: IssueFolder, findings: list[Diagnostic]) -> dict[str, TextFile]:
    """The readable files, by path."""
    files = {}
    for path in (*filter(None, (folder.issue_file,)), *folder.items):
        file, wrong = read_text(root, path)
        findings += wrong
        if file is not None:
            files[path] = file
    return files


def _dense(files: Collection[TextFile]) -> Diagnostic | None:
    """The finding for files with an implausible amount of markup, which would take too long to check, or None."""
    count = _marks(" ".join(file.text for file in files))
    most = max(MOST_MARKS, sum(len(file.text.encode()) for file in files) // 20)
    if count <= most:
        return None
    message = say("the issue has {count:,} marks of Markdown and YAML; {most:,} are the most", count=count, most=most)
    advice = say("split the issue, or shorten this file: it has the most")
    return codes.TOO_MUCH_MARKUP.at(Place(max(files, key=lambda file: _marks(file.text)).path), message, help=advice)


def _marks(text: str) -> int:
    return sum(text.count(mark) * weight for mark, weight in _MARKS.items())


def _issue_node(
    folder: IssueFolder, files: dict[str, TextFile], findings: list[Diagnostic]
) -> tuple[TextFile | None, Mapping | None]:
    if (file := files.get(folder.issue_file or "")) is None:
        return None, None
    if is_markdown(folder.issue_file or ""):
        parts, found = read_item_file(file)
        findings += found
        return file, parts.matter if parts else None
    node, wrong = parse_mapping(file, say("issue.yaml has to be keys and values"), say("begin with title: …"))
    findings += wrong
    return file, node


def _items(
    config: Config, folder: IssueFolder, files: dict[str, TextFile], node: Mapping | None, findings: list[Diagnostic]
) -> tuple[Item, ...]:
    root, order, before = config.root, node.get("items") if node is not None else None, len(findings)
    if isinstance(order, Sequence):
        read = _ordered(root, folder, files, order, findings)
    else:
        numbered = ((number, files.get(path)) for number, path in enumerate(folder.items, 1))
        read = [read_item(root, folder.path, file, number, findings) for number, file in numbered]
        _by_number(folder, findings)
    told = len(findings) > before or any(_keeps_an_item(config, finding) for finding in folder.findings)
    if not read and not told and node is not None and (order is None or isinstance(order, Sequence)):
        given = node.entry("items")
        place = Place(folder.issue_file or folder.path, given.key.span if given else Span.point(1))
        advice = say("add an item file beside issue.yaml")
        findings.append(codes.NO_ITEMS.at(place, say("the issue has no items"), help=advice))
    return numbered_anchors([item for item in read if item is not None])


def _by_number(folder: IssueFolder, findings: list[Diagnostic]) -> None:
    """Report the first item file whose number is lower than that of the file before it: names are compared as text."""
    begun = [(int(found[0]), path) for path in folder.items if (found := _NUMBER.match(path.rpartition("/")[2]))]
    for (before, above), (number, path) in pairwise(begun):
        if number < before:
            above, name = above.rpartition("/")[2], path.rpartition("/")[2]
            message = say("{above} comes before {name}: names are sorted as text", above=above, name=name)
            better = name.zfill(len(name) + len(str(before)) - len(str(number)))
            advice = say("name it {better}, so that all numbers have as many digits", better=better)
            findings.append(codes.ITEM_ORDER.at(Place(path), message, help=advice))
            return


def _keeps_an_item(config: Config, finding: Diagnostic) -> bool:
    """Whether the finding is an error about a file meant as an item, which explains why the issue has no items."""
    if finding.code == NOT_READ.name:
        return config.checks.levels.get(finding.code, "error") == "error"
    return finding.code in {OUTSIDE.name, UNREADABLE.name} and finding.path.lower().endswith(SUFFIXES)


def _ordered(
    root: Path, folder: IssueFolder, files: dict[str, TextFile], order: Sequence, findings: list[Diagnostic]
) -> list[Item | None]:
    """The items in the order given in issue.yaml; files that it omits are read too, for their own findings."""
    file, names = files[folder.issue_file or ""], {composed(path.rpartition("/")[2]): path for path in folder.items}
    seen: dict[str, int] = {}
    read: list[Item | None] = []
    for number, entry in enumerate(order.items, 1):
        place, by_name = Place(file.path, entry.span), say("write the name of an item file")
        if isinstance(entry, Mapping):
            read.append(read_inline_item(root, folder.path, file, entry, number, findings))
            continue
        if not isinstance(entry, Scalar):
            message = say("an item has to be the name of a file, or keys and values, not a list")
            findings.append(WRONG_TYPE.at(place, message, help=by_name))
            continue
        name = composed(entry.text.strip().removeprefix("./"))
        if not name:
            findings.append(EMPTY_VALUE.at(place, say("the item has no value"), help=by_name))
        elif name in seen:
            message = say("{name} was already named at line {line}", name=name, line=seen[name])
            findings.append(codes.ITEM_TWICE.at(place, message, help=say("delete one of the two")))
        elif name not in names:
            message = say("there is no item {name}", name=name)
            findings.append(codes.ITEM_MISSING.at(place, message, help=_item_names(name, names)))
        else:
            seen[name] = entry.span.line
            read.append(read_item(root, folder.path, files.get(names[name]), number, findings))
    for name, path in names.items():
        if name not in seen:
            message = say("issue.yaml gives an order of items and leaves {name} out", name=name)
            advice = say("add {name} to items, or delete the file", name=name)
            findings.append(codes.ITEM_LEFT_OUT.at(Place(path), message, help=advice))
            read_item(root, folder.path, files.get(path), 0, findings)
    return read


def _item_names(name: str, files: dict[str, str]) -> Sentence:
    stem = name.rpartition(".")[0].lower()
    same = [one for one in files if one.lower() == f"{name.lower()}.md" or one.rpartition(".")[0].lower() == stem]
    if same:
        return say("write {words}", words=same[0])
    return say("the item files are {files}", files=listed(files)) if files else say("add the file beside issue.yaml")


def _assemble(
    config: Config,
    folder: IssueFolder,
    file: TextFile,
    node: Mapping,
    items: tuple[Item, ...],
    findings: list[Diagnostic],
) -> Issue:
    start = node.entries[0].key.span if is_markdown(folder.issue_file or "") and node.entries else Span.point(1)
    reader = ModelReader(config.root, folder.path, file, node, Span.point(*start[:2]), findings)
    model: type[RawIssue] = RawIssue
    if folder.slug.startswith(f"{SERIES}/"):
        model = RawTextStep if is_markdown(folder.issue_file or "") else RawStep
    raw = reader.validate(model, context={"zone": config.newsletter.zone})
    return Issue(
        slug=folder.slug,
        folder=folder.path,
        title=raw.title,
        date=(date_of_slug(folder.slug) or raw.date) if "date" in reader.broken else raw.date,
        language=raw.language or config.newsletter.language,
        subject=raw.subject or raw.title,
        places=reader.places(),
        items=items,
        number=raw.number,
        subtitle=raw.subtitle,
        preheader=raw.preheader,
        status=Status(raw.status),
        publish_at=raw.publish_at,
        deliver_at=raw.deliver_at,
        authors=tuple(raw.authors or ()),
        tags=tuple(dict.fromkeys(raw.tags or ())),
        cover=reader.picture(raw.cover, "cover"),
        intro=reader.prose("intro") if raw.intro else None,
        key_points=_key_points(reader, raw),
        attribution=reader.prose("attribution") if raw.attribution else None,
        audience=raw.audience,
        overflow=raw.overflow,
        generated=origins(raw.generated),
        wechat=Wechat(**raw.wechat.model_dump()) if raw.wechat else Wechat(),
        translation_of=raw.translation_of,
        after=raw.after if isinstance(raw, RawStep) else None,
    )


def _key_points(reader: ModelReader, raw: RawIssue) -> KeyPoints | None:
    if raw.key_points is None:
        return None
    at = ("key_points",) if isinstance(reader.node.get("key_points"), Sequence) else ("key_points", "points")
    points = (reader.prose(*at, index) for index in range(len(raw.key_points.points)))
    return KeyPoints(tuple(point for point in points if point is not None), raw.key_points.generated_by)
