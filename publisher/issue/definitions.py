"""Sharing of footnotes and link definitions between the body and the commentary of an item."""

import re

from markdown_it.common.utils import normalizeReference

from publisher.issue.markdown import parsed
from publisher.issue.model import Item, Prose

_BRACKETED = re.compile(r"\[([^\[\]\n]+)\]")
Definitions = dict[str, tuple[int, int]]  # label (^label of a note): first line, end (exclusive)


def with_shared_definitions(item: Item) -> tuple[Prose, Prose | None]:
    """Return body and commentary, each with the (invisible) definitions of the other that it uses but lacks."""
    body, commentary = item.body, item.commentary
    if commentary is None or not ("]:" in body.text or "]:" in commentary.text):
        return body, commentary
    of_body, of_commentary = _definitions(body.text), _definitions(commentary.text)
    return _completed(body, of_body, commentary, of_commentary), _completed(commentary, of_commentary, body, of_body)


def _definitions(text: str) -> Definitions:
    env = parsed(text).env
    found = {label: tuple(each["map"]) for label, each in env.get("references", {}).items()}
    found |= {f"^{label}": tuple(lines) for label, lines in env["notes"].items()}
    lines = text.split("\n")
    return {label: lines_ for label, lines_ in found.items() if lines[lines_[0]].lstrip(" ").startswith("[")}


def _completed(prose: Prose, own: Definitions, other: Prose, others: Definitions) -> Prose:
    lines = other.lines
    taken: list[int | None] = []  # None: a blank line, which separates blocks
    wanted = _labels(prose.text)
    for note in (True, False):  # a copied note may itself need a link definition
        for label, (first, after) in others.items():
            if label.startswith("^") == note and label in wanted and label not in own:
                taken += [None, *range(first, after)]
                wanted |= _labels("\n".join(lines[first:after])) if note else set()
    if not taken:
        return prose
    own_places, places = _positions(prose), _positions(other)
    end = own_places[-1][-1:]
    text = "\n".join([prose.text, *("" if number is None else lines[number] for number in taken)])
    origins = (*prose.origins, *(end[0] if number is None else other.origins[number] for number in taken))
    positions = (*own_places, *(end if number is None else places[number] for number in taken))
    return Prose(text, prose.path, origins, positions if prose.positions or other.positions else ())


def _labels(text: str) -> set[str]:
    found = _BRACKETED.findall(text)
    return {*(label for label in found if label.startswith("^")), *map(normalizeReference, found)}


def _positions(prose: Prose) -> tuple[tuple[tuple[int, int], ...], ...]:
    """The place of each character and of the end, line by line; computed if the prose has no ``positions``."""
    lines = zip(prose.lines, prose.origins, strict=True)
    return prose.positions or tuple(
        tuple((at, column + offset) for offset in range(len(line) + 1)) for line, (at, column) in lines
    )
