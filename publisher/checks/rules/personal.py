"""Placeholders such as ``{{ subscriber.city }}``: only where they are filled in, and declared with a default."""

import re
from collections.abc import Iterator

from publisher.checks.context import Context, fields, sources, sponsors
from publisher.checks.markdown import Text
from publisher.diagnostics import Diagnostic, Place, Severity, define, listed, say
from publisher.issue.markdown import parsed
from publisher.issue.personal import PLACEHOLDER, default_of, settled

UNKNOWN = define("unknown-attribute", Severity.WARNING)
NOT_HERE = define("personal-not-here", Severity.WARNING)
NO_DEFAULT = define("no-default", Severity.ERROR, fixed=True)
_FILLED, _LITERAL = {"subject", "preheader"}, {"key point", "footer"}
_MARK = "subscriberplaceholder"


def check(context: Context) -> Iterator[Diagnostic]:
    """Check plain-text fields, the URLs of sources and sponsors, and texts without code."""
    for line in fields(context):
        for found in PLACEHOLDER.finditer(line.text):
            yield from _told(context, found, line.place(*found.span()), filled=line.key in _FILLED)
    for item in context.issue.items:
        for link in (*sources(item), *sponsors(item)):
            for found in PLACEHOLDER.finditer(link.url):
                yield from _told(context, found, link.place)
    for text in context.texts:
        if "{{" in text.prose.text:
            yield from _of_text(context, text)


def _of_text(context: Context, text: Text) -> Iterator[Diagnostic]:
    prose, kept = text.prose, dict[int, str]()
    placeholders = list(PLACEHOLDER.finditer(prose.text))
    numbers = iter(range(len(placeholders)))
    marked = PLACEHOLDER.sub(lambda _: f"{_MARK}{next(numbers)}z", prose.text)

    def note(part: str, where: str) -> str:
        kept.update((int(number), where) for number in re.findall(f"{_MARK}([0-9]+)z", part))
        return part

    settled(parsed(marked, inline=text.inline).tokens, note)
    for number, found in enumerate(placeholders):
        if kept.get(number) != "code":
            line, start = prose.text.count("\n", 0, found.start()), prose.text.rfind("\n", 0, found.start()) + 1
            place = prose.place(line, found.start() - start, found.end() - start)
            yield from _told(context, found, place, filled=number not in kept and text.role not in _LITERAL)


def _told(context: Context, found: re.Match[str], place: Place, *, filled: bool = True) -> Iterator[Diagnostic]:
    attributes, name = context.config.audience.attributes, found[1]
    if name not in attributes:
        message = say("no attribute {name} is declared: readers would see {tag}", name=name, tag=found[0])
        advice = say("declare it in audience.attributes of config.yaml, or put a backslash before the braces")
        if attributes:
            advice = say("write one of {names}", names=listed(attributes))
        yield UNKNOWN.at(place, message, help=advice)
    elif not filled:
        message = say("nothing is filled in here: readers would see {tag}", tag=found[0])
        advice = say("write it in subject, preheader, intro, body, commentary, attribution or the address of a link")
        yield NOT_HERE.at(place, message, help=advice)
    elif default_of(found, attributes) is None:
        message = say("the attribute {name} has no default: some readers would get nothing here", name=name)
        yield NO_DEFAULT.at(place, message, help=say("add a default to it in audience.attributes of config.yaml"))
