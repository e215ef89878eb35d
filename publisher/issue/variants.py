"""Variants of an issue: its content for each kind of reader, by ``::: only EXPR`` and ``only: EXPR`` of an item.

A variant is an issue with fewer items and lines; the remaining lines keep their places in the file. Variants with
equal content are one, so conditions that never differ or have no effect do not create variants.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from publisher.config.outcomes import decide, outcomes
from publisher.config.segments import BAD_AUDIENCE, LONGEST, And, Not, Or, Segment, SegmentError, parse_segment
from publisher.diagnostics import Diagnostic, Place, Sentence, say
from publisher.issue import codes
from publisher.issue.folder import slugged
from publisher.issue.markdown import parsed
from publisher.issue.model import Issue, Item, Prose
from publisher.issue.values import is_seen_in_prose

MOST = 8
DEFAULT = "default"
"""Name of the variant for readers without attributes."""

_OPENING = re.compile(r"\s*:+\s*only(?P<told>.*?)[\s:]*", re.DOTALL)
_BLANKS = re.compile(r"\n\s*\n")
_SIGNS = str.maketrans({"<": "-lt-", ">": "-gt-", "!": "-not-"})


class IssueVariant(NamedTuple):
    """Variant; ``condition`` selects the readers of ``issue``, and is empty if it is for all."""

    name: str
    condition: str
    issue: Issue

    def told(self, finding: Diagnostic) -> Diagnostic:
        """Return a finding with the name of this variant in its message."""
        return replace(finding, message=say("in the variant {name}: {told}", name=self.name, told=finding.message))


class _Box(NamedTuple):
    """Container with its first and last line (from 0), and its condition, or the finding if that is invalid."""

    first: int
    last: int
    told: str
    segment: Segment | Diagnostic


def variants_of(issue: Issue, home: str) -> tuple[tuple[IssueVariant, ...], list[Diagnostic]]:
    """The variants, first that for readers without attributes, or findings. ``home`` is the newsletter's language."""
    found = [finding for prose in _prose(issue) for finding in _faults(prose)]
    conditions: dict[Segment, tuple[str, Place]] = {}
    for told, segment, place in conditions_of(issue):
        if isinstance(segment, Diagnostic):
            found.append(segment)
        else:
            conditions.setdefault(segment, (told, place))
    if found or not conditions:
        return ((IssueVariant(DEFAULT, "", issue),) if not found else ()), found
    words = [told for told, _ in conditions.values()]
    combined = outcomes(list(conditions)) if sum(map(len, words)) <= LONGEST else None
    if combined is None:
        return (), [_too_many(conditions, say("the conditions are too many to be told apart"))]
    for number, (told, place) in enumerate(conditions.values()):
        if not any(answers[number] for answers in combined):
            message = say("no reader meets the condition {condition}", condition=told)
            found.append(BAD_AUDIENCE.at(place, message, help=say("correct it, or delete the text that it is for")))
    by_text: dict[tuple[str, ...], tuple[Issue, list[tuple[bool, ...]]]] = {}
    for answers in combined:
        left = _left(issue, {one for one, holds in zip(conditions, answers, strict=True) if holds})
        by_text.setdefault(_words(left), (left, []))[1].append(answers)
    unknown = tuple(decide(one, (), home, {}) for one in conditions)
    made = sorted(by_text.values(), key=lambda one: (unknown not in one[1], one[1]))
    variants = _named(words, made, combined) if len(made) <= MOST else ()
    if any(len(variant.condition) > LONGEST for variant in variants) or not variants:
        return (), [*found, _too_many(conditions, say("the conditions make more than {most} variants", most=MOST))]
    found += [finding for variant in variants for finding in _empty(issue, variant)]
    return variants if not found else (), found


def _too_many(conditions: Mapping[Segment, tuple[str, Place]], message: Sentence) -> Diagnostic:
    advice = say("use fewer conditions, or ones that exclude each other")
    return codes.TOO_MANY_VARIANTS.at([place for _, place in conditions.values()][-1], message, help=advice)


def for_anyone(issue: Issue, home: str) -> Issue:
    """Return the variant for readers without attributes; the whole issue if there are no valid variants."""
    variants, _ = variants_of(issue, home)
    return variants[0].issue if variants else issue


def _prose(issue: Issue) -> Iterator[Prose]:
    texts = (issue.intro, *(text for item in issue.items for text in (item.body, item.commentary)))
    return (text for text in texts if text is not None)


def _may_hold(prose: Prose) -> bool:
    return "only" in prose.text and ":::" in prose.text


def conditions_of(issue: Issue) -> Iterator[tuple[str, Segment | Diagnostic, Place]]:
    """Yield each condition as written, its meaning and its place, in reading order."""
    if issue.intro:
        yield from _of_boxes(issue.intro)
    for item in issue.items:
        if item.only:
            yield item.only, parse_segment(item.only), item.places.of("only")
        for prose in filter(None, (item.body, item.commentary)):
            yield from _of_boxes(prose)


def _of_boxes(prose: Prose) -> Iterator[tuple[str, Segment | Diagnostic, Place]]:
    for box in _boxes(prose):
        yield box.told, box.segment, _line(prose, box.first)


def _boxes(prose: Prose) -> Iterator[_Box]:
    for token in parsed(prose.text).tokens if _may_hold(prose) else ():
        if token.type == "container_only_open" and token.level == 0 and token.map:
            first, last = token.map
            match = _OPENING.fullmatch(prose.lines[first])
            told = match["told"] if match else ""
            at = match.start("told") + len(told) - len(told.lstrip()) if match else 0
            yield _Box(first, last, told.strip(), _read(prose, first, at, told.strip()))


def _read(prose: Prose, line: int, at: int, told: str) -> Segment | Diagnostic:
    try:
        return parse_segment(told)
    except SegmentError as error:
        place = prose.place(line, at + error.start, at + max(error.end, error.start + 1))
        message = say("the condition cannot be read: {told}", told=error.message)
        return BAD_AUDIENCE.at(place, message, help=error.help)


def _line(prose: Prose, number: int) -> Place:
    text = prose.lines[number]
    return prose.place(number, len(text) - len(text.lstrip()), len(text.rstrip()))


def _faults(prose: Prose) -> Iterator[Diagnostic]:
    """Findings about a container within another, in a list or in a quote, and about one without an end."""
    inside: list[str] = []
    until = -1
    for token in parsed(prose.text).tokens if _may_hold(prose) else ():
        if token.nesting < 0:
            inside.pop()
        elif token.nesting > 0:
            box = token.type.startswith("container_")
            if box and token.map and inside and (token.type == "container_only_open" or token.map[0] < until):
                message, advice = say("::: only is inside a list or quote"), say("write it at the margin")
                if any(one.startswith("container_") for one in inside):
                    message = say("a container begins inside another")
                    advice = say("close the first with ::: before it, or delete the line")
                yield codes.CONTAINER_NESTED.at(_line(prose, token.map[0]), message, help=advice)
            elif token.type == "container_only_open" and token.map:
                until = token.map[1]
                end = prose.lines[until] if until < len(prose.lines) else ""
                if set(end.strip()) != {":"}:
                    message = say("the container that opens here is not closed")
                    advice = say("write ::: on a line of its own")
                    yield codes.CONTAINER_OPEN.at(_line(prose, token.map[0]), message, help=advice)
            inside.append(token.type)


def _left(issue: Issue, held: Collection[Segment]) -> Issue:
    """The content for readers who meet the conditions ``held``."""
    items = [
        replace(
            item, body=_kept(item.body, held) or replace(item.body, text=""), commentary=_kept(item.commentary, held)
        )
        for item in issue.items
        if item.only is None or parse_segment(item.only) in held
    ]
    return replace(issue, intro=_kept(issue.intro, held), items=tuple(items))


def _kept(prose: Prose | None, held: Collection[Segment]) -> Prose | None:
    """The text with lines for other readers replaced by blank lines; None if nothing visible remains."""
    if prose is None or not (boxes := list(_boxes(prose))):
        return prose
    lines = list(prose.lines)
    for box in boxes:
        for number in (box.first, box.last) if box.segment in held else range(box.first, box.last + 1):
            lines[number] = ""
    text = "\n".join(lines)
    return replace(prose, text=text) if is_seen_in_prose(text) else None


def _words(issue: Issue) -> tuple[str, ...]:
    """The content by which variants are compared."""
    texts = [text.text if text else "" for item in issue.items for text in (item.body, item.commentary)]
    anchors = (item.anchor for item in issue.items)
    return *anchors, *(_BLANKS.sub("\n\n", text).strip() for text in (issue.intro.text if issue.intro else "", *texts))


def _empty(issue: Issue, variant: IssueVariant) -> Iterator[Diagnostic]:
    """Findings about a variant without items, or with an item without text."""
    if not variant.issue.items:
        message = say("the variant {name} ({condition}) has no items", name=variant.name, condition=variant.condition)
        advice = say("leave one item for everybody")
        yield codes.EMPTY_VARIANT.at(issue.places.of("items"), message, help=advice)
    whole: dict[str, Item] = {item.anchor: item for item in issue.items}
    for item in variant.issue.items:
        box = next(_boxes(whole[item.anchor].body), None)
        if box and not item.body.text:
            told = {"name": variant.name, "condition": variant.condition, "headline": item.headline}
            message = say("in the variant {name} ({condition}) the item “{headline}” has no text", **told)
            advice = say("write a sentence for everybody, or only: … on the item")
            yield codes.EMPTY_VARIANT.at(_line(whole[item.anchor].body, box.first), message, help=advice)


def _named(
    words: Sequence[str], made: Sequence[tuple[Issue, list[tuple[bool, ...]]]], combined: Sequence[tuple[bool, ...]]
) -> tuple[IssueVariant, ...]:
    """Give variants names and conditions; ``made`` has the content of each and its combinations of answers."""
    named: dict[str, IssueVariant] = {}
    for left, own in made:
        cubes = list(dict.fromkeys(tuple(_cube(answers, own, combined).items()) for answers in own))
        told = " or ".join(" and ".join(_literal(words[n], holds) for n, holds in cube) for cube in cubes)
        met = [words[n] for n, holds in cubes[0] if holds] or [f"not {words[n]}" for n, _ in cubes[0][:1]]
        slugs = (slugged(one.translate(_SIGNS).encode("ascii", "replace").decode()) for one in met)
        name = ("_".join(filter(None, slugs))[:60].strip("-_") or "variant") if named else DEFAULT
        numbered = (f"{name}-{number}" for number in range(2, MOST + 1))
        name = next(one for one in (name, *numbered) if one not in named)
        named[name] = IssueVariant(name, told, left)
    return tuple(named.values())


def _cube(
    answers: tuple[bool, ...], own: Collection[tuple[bool, ...]], combined: Collection[tuple[bool, ...]]
) -> dict[int, bool]:
    """Reduce the answers to a minimal subset that occurs in no other variant."""
    cube = dict(enumerate(answers))
    others = [one for one in combined if one not in own]
    for number in sorted(cube, key=lambda n: (cube[n], -n)):
        less = {n: holds for n, holds in cube.items() if n != number}
        if not any(all(one[n] == holds for n, holds in less.items()) for one in others):
            cube = less
    return cube


def _literal(told: str, holds: bool) -> str:
    segment = parse_segment(told)
    if isinstance(segment, Or) or (not holds and isinstance(segment, And | Not)):
        told = f"({told})"
    return told if holds else f"not {told}"
