"""A note and the places that refer to it do not fit together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from publisher.checks.context import Context
from publisher.checks.markdown import Text
from publisher.diagnostics import Diagnostic, Place, Severity, Span, define, say
from publisher.documents.yaml_typos import shortened

CODE = define("note-lost", Severity.WARNING)
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
    refs: dict[str, int] = text.env.get("footnotes", {}).get("refs", {})
    return refs


def _references(texts: Iterable[Text]) -> Iterator[Diagnostic]:
    for text in texts:
        for words, place in text.written:
            for found in _REFERENCE.finditer(words):
                label = found["label"]
                if f":{label}" not in _known(text) and not _RANGE.fullmatch(label):
                    message = say("[^{label}] has no note, and readers see it as written", label=label)
                    where = (
                        say("notes stand in intro, body and commentary")
                        if text.inline
                        else say("add a line [^{label}]: …", label=label)
                    )
                    yield CODE.at(place(found.start(), found.end()), message, help=where)


def _after(lines: Sequence[str], number: int) -> int:
    """The line after a note that begins at ``number``: it goes on to a blank line, and after it where indented."""
    end = after = number + 1
    while after < len(lines):
        line = lines[after]
        if line.strip() and (_NOTE.match(line) or not (line.startswith(("    ", "\t")) or lines[after - 1].strip())):
            break
        after += 1
        end = after if line.strip() else end
    return end


def _notes(texts: list[Text]) -> Iterator[Diagnostic]:
    used = {label for text in texts for label, number in _known(text).items() if number >= 0}
    for text in texts:
        code = {line for t in text.tokens if t.type in {"fence", "code_block"} and t.map for line in range(*t.map)}
        later: set[str] = set()  # of two notes with one mark the last is printed
        for number, line in reversed([*enumerate(text.prose.lines)]):
            found = _NOTE.match(line)
            if not found or number in code or f":{found['label']}" not in _known(text):
                continue
            after = _after(text.prose.lines, number)
            label, more = found["label"], (each.strip() for each in text.prose.lines[number + 1 : after])
            words = shortened(" ".join(filter(None, [found["words"], *more])))
            first, last = text.prose.place(number, line.index("[")), text.prose.place(after - 1).span
            place = Place(first.path, Span(first.span.line, first.span.column, last.end_line, last.end_column))
            if label in later:
                message = say(
                    "the note [^{label}] stands twice, and this one is lost: “{words}”", label=label, words=words
                )
                yield CODE.at(place, message, help=say("give it another mark, and refer to that"))
            elif f":{label}" not in used:
                message = say(
                    "nothing refers to the note [^{label}], and it is lost: “{words}”", label=label, words=words
                )
                yield CODE.at(
                    place, message, help=say("write [^{label}] where it belongs, or delete the note", label=label)
                )
            later.add(label)
