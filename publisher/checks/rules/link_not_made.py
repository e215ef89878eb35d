"""What was meant as a link is not one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it.common.utils import normalizeReference

from publisher.checks.context import Context
from publisher.checks.markdown import Text
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.documents.yaml_typos import shortened

CODE = define("link-not-made", Severity.WARNING)
BROKEN = re.compile(
    r"[\[【](?P<text>[^\[\]【】\n]+)[\]】](?P<gap>[ \t\u3000]*)[(（][ \t]*(?P<url>https?://[^\s()（）]+)[)）]"
)
REFERENCE = re.compile(r"(?<![A-Za-z0-9_\])\\])\[(?P<text>[^\[\]\n^][^\[\]\n]*)\]\[(?P<label>[^\[\]\n^]*)\](?!\()")
_SOUND = re.compile(r"\[[^\[\]\n]+\]\(")
_BRACKETED = re.compile(r"^ {0,3}\[[^\[\]\n]+\]:|\[([^\[\]\n]+)\]", re.MULTILINE)
_ADDRESS = re.compile(r"https?:|mailto:", re.IGNORECASE)
_CODE = re.compile(r"`[^`\n]*`")


def check(context: Context) -> Iterator[Diagnostic]:
    """Look for brackets and parentheses that are nearly those of a link."""
    together: dict[object, set[str]] = {}  # body and commentary share their definitions
    for text in context.texts:
        together.setdefault(_file(text), set()).update(labels(text.prose.text))
    for text in context.texts:
        yield from _without_definition(text)
        yield from _without_reference(text, together[_file(text)])
        fences = {
            line
            for token in text.tokens
            if token.type in {"fence", "code_block"} and token.map
            for line in range(*token.map)
        }
        for number, line in enumerate(text.prose.lines):
            for found in BROKEN.finditer(_CODE.sub(lambda code: "`" * len(code[0]), line)):
                if number not in fences and not _SOUND.match(found[0]):
                    yield CODE.at(
                        text.prose.place(number, found.start(), found.end()),
                        say("this is not a link: its brackets are full-width, or stand apart"),
                        help=say("write [{text}]({url})", text=found["text"], url=found["url"]),
                    )


def _file(text: Text) -> object:
    return id(text) if text.item is None else text.item


def labels(text: str) -> Iterator[str]:
    """The labels in brackets that are not those of a definition."""
    return (normalizeReference(found[1]) for found in _BRACKETED.finditer(text) if found[1])


def _without_reference(text: Text, used: set[str]) -> Iterator[Diagnostic]:
    defined = text.env.get("references", {})
    doubled = [(each["label"], each) for each in text.env.get("duplicate_refs", ())]
    for label, definition in (*defined.items(), *doubled):
        url = str(definition["href"])
        if _ADDRESS.match(url) and (label not in used or url != defined[label]["href"]):
            first = definition["map"][0]
            place = text.prose.place(first, 0, len(text.prose.lines[first].rstrip()))
            message = say(
                "nothing refers to this definition of [{label}], and its address is lost: {url}",
                label=shortened(label.lower()),
                url=url,
            )
            yield CODE.at(place, message, help=say("write [words][label] where it belongs, or delete the line"))


def _without_definition(text: Text) -> Iterator[Diagnostic]:
    for words, place in text.written:
        for found in REFERENCE.finditer(words):
            label = found["label"].strip() or found["text"]
            cited = found["text"].isdecimal() and label.isdecimal()  # [1][2]: sources by number, meant as they stand
            if not cited and normalizeReference(label) not in text.env.get("references", {}):
                message = say("this is not a link: [{label}] is defined nowhere in the file", label=shortened(label))
                advice = say(
                    "add a line [{label}]: https://…, or write [{text}](https://…)",
                    label=shortened(label),
                    text=shortened(found["text"]),
                )
                yield CODE.at(place(found.start(), found.end()), message, help=advice)
