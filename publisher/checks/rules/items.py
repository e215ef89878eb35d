"""Items: duplicate anchors and headlines; a commentary in the body, missing though required, or its author alone."""

import re
import unicodedata
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.markdown import Text
from publisher.config import Config
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.issue.folder import MARKDOWN_SUFFIXES
from publisher.issue.model import Item
from publisher.language.locale import every

ANCHOR_TWICE = define("duplicate-anchor", Severity.ERROR, fixed=True)
COMMENTARY_BY_ALONE = define("commentary-by-alone", Severity.WARNING)
COMMENTARY_IN_BODY = define("commentary-in-body", Severity.WARNING)
COMMENTARY_MISSING = define("commentary-missing", Severity.ERROR)
HEADLINE_TWICE = define("duplicate-headline", Severity.ERROR)


def check(context: Context) -> Iterator[Diagnostic]:
    """Check for duplicate items, and check the commentary of each."""
    yield from _duplicates(context)
    yield from _commentary(context)


def _duplicates(context: Context) -> Iterator[Diagnostic]:
    """Compare anchors (only written ones can be equal), and headlines regardless of case, width and white space."""
    anchors: dict[str, str] = {}
    headlines: dict[str, str] = {}
    for item in context.issue.items:
        place, anchor = item.places.of("anchor"), item.anchor
        if anchor in anchors:
            message = say("the anchor {anchor} already belongs to {seen}", anchor=anchor, seen=anchors[anchor])
            yield ANCHOR_TWICE.at(place, message, help=say("write another, such as anchor: {anchor}-2", anchor=anchor))
        else:
            anchors[anchor] = f"{place.path}:{place.span.line}"
        place, key = item.places.of("headline"), unicodedata.normalize("NFKC", item.headline).casefold()
        if (key := "".join(key.split())) in headlines:
            message = say("the same headline is already at {seen}", seen=headlines[key])
            yield HEADLINE_TWICE.at(place, message, help=say("delete one of the two, or reword it"))
        elif key:
            headlines[key] = f"{place.path}:{place.span.line}:{place.span.column}"


def _commentary(context: Context) -> Iterator[Diagnostic]:
    """Find lines that begin with the label of a commentary in any language, and items without a commentary."""
    label = commentary_label(context.config)
    for text in context.texts:
        if text.role == "body" and text.item is not None:
            yield from _of_body(text, context.issue.items[text.item], label)
    for item in context.issue.items:
        if item.commentary_by and item.commentary is None:
            message = say("readers would not see “{name}”: there is no commentary", name=item.commentary_by[:40])
            place = item.places.of("commentary_by")
            yield COMMENTARY_BY_ALONE.at(place, message, help=say("write the commentary, or delete the key"))
    for item in context.issue.items if context.config.checks.commentary == "required" else ():
        if item.commentary is None and item.kind in {"story", "brief"}:
            message = say("“{headline}” has no commentary, and config.yaml asks for one", headline=item.headline[:40])
            yield COMMENTARY_MISSING.at(item.places.of(), message, help=say("add it between ::: commentary and :::"))


def commentary_label(config: Config) -> re.Pattern[str]:
    """The pattern of a commentary's label at the beginning of a line, in any language, optionally in bold."""
    own = (words.get("commentary", "") for words in config.labels.values())
    labels = {label.strip().rstrip(":：") for label in (*every("email", "commentary"), *own)} - {""}
    labels |= {label.upper() for label in labels}
    names = "|".join(re.escape(name) for name in sorted(labels, key=len, reverse=True))
    return re.compile(
        rf"(?P<mark>\*\*|__|)(?:编辑|編輯|小编|编者|本刊)?(?:{names})(?:[:：](?P=mark)|(?P=mark)[:：])[ \t\u3000]*"
    )


def _of_body(text: Text, item: Item, label: re.Pattern[str]) -> Iterator[Diagnostic]:
    lines = text.prose.text.split("\n")
    found: list[tuple[int, re.Match[str]]] = []
    last = True  # no heading or rule follows
    for before, token in zip(text.tokens, text.tokens[1:], strict=False):
        if before.type == "paragraph_open" and before.level == 0 and token.map:
            found += [(n, match) for n in range(*token.map) if (match := label.match(lines[n]))]
            last = True if found and found[-1][0] in range(*token.map) else last
        elif token.type in {"heading_open", "hr"}:
            last = False
    one = len(found) == 1 and last and item.commentary is None and _below(text, item)
    for number, match in found:
        end = match.end() if one and number and lines[number][match.end() :].strip() else len(lines[number].rstrip())
        message = say("by its label {match} this is the commentary, but it is in the body", match=match[0].strip())
        advice = say("put it between ::: commentary and :::, without the label")
        yield COMMENTARY_IN_BODY.at(text.prose.place(number, 0, end), message, help=advice)


def _below(text: Text, item: Item) -> bool:
    """Whether the body is the text from the front matter to the end of the file."""
    return ("body",) not in item.places.values and text.prose.path.lower().endswith(tuple(MARKDOWN_SUFFIXES))
