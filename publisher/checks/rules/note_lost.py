"""A note and the places that refer to it do not fit together.

## Why it matters

A note that nothing refers to is not printed, nor is one of two with the same mark: its words and addresses are lost.
A reference without a note is printed as it was typed.

## Example

    A claim[^source].

    [^sauce]: The report is at https://example.com/report.

Body and commentary of a file share their notes.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from publisher.checks.context import Context
from publisher.checks.markdown import Text
from publisher.diagnostics import Diagnostic, Severity, define
from publisher.documents.slips import shortened

CODE = define("note-lost", Severity.WARNING, __doc__)
_REFERENCE = re.compile(r"(?<!\\)\[\^(?P<label>[^\[\]\s]+)\](?!:)")
_NOTE = re.compile(r"[ >]{0,9}\[\^(?P<label>[^\[\]\s]+)\]:[ \t]*(?P<words>.*)")
_RANGE = re.compile(r".-.|\\.+")  # [^a-z], a class of characters


def check(context: Context) -> Iterator[Diagnostic]:
    """Match the references and notes of each file of an item, and of each other text."""
    together: dict[object, list[Text]] = {}
    for text in context.texts:
        together.setdefault(id(text) if text.item is None else text.item, []).append(text)
    for texts in together.values():
        if any("[^" in text.prose.text for text in texts):
            yield from _references(texts)
            yield from _notes(texts)


def _known(text: Text) -> dict[str, int]:
    """The notes of a text by ``:label``; -1 where nothing refers to one."""
    refs: dict[str, int] = text.env.get("footnotes", {}).get("refs", {}) if text.tokens else {}
    return refs


def _references(texts: Iterable[Text]) -> Iterator[Diagnostic]:
    for text in texts:
        for words, place in text.written():
            for found in _REFERENCE.finditer(words):
                label = found["label"]
                if f":{label}" not in _known(text) and not _RANGE.fullmatch(label):
                    message = f"[^{label}] has no note, and readers see it as written"
                    where = "notes stand in intro, body and commentary" if text.inline else f"add a line [^{label}]: …"
                    yield CODE.at(place(found.start(), found.end()), message, help=where)


def _notes(texts: list[Text]) -> Iterator[Diagnostic]:
    used = {label for text in texts for label, number in _known(text).items() if number >= 0}
    for text in texts:
        code = {line for t in text.tokens if t.type in {"fence", "code_block"} and t.map for line in range(*t.map)}
        later: set[str] = set()  # of two notes with one mark the last is printed
        for number, line in reversed([*enumerate(text.prose.lines)]):
            found = _NOTE.match(line)
            if not found or number in code or f":{found['label']}" not in _known(text):
                continue
            label, words = found["label"], shortened(found["words"])
            place = text.prose.place(number, line.index("["), len(line.rstrip()))
            if label in later:
                message = f"the note [^{label}] stands twice, and this one is lost: “{words}”"
                yield CODE.at(place, message, help="give it another mark, and refer to that")
            elif f":{label}" not in used:
                message = f"nothing refers to the note [^{label}], and it is lost: “{words}”"
                yield CODE.at(place, message, help=f"write [^{label}] where it belongs, or delete the note")
            later.add(label)
