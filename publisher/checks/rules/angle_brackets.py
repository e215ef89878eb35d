"""Words in angle brackets look like HTML, and are none."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.html import without_comments
from publisher.diagnostics import Diagnostic, Severity, define, say
from publisher.documents.yaml_typos import shortened
from publisher.issue.markdown.tags import TAG, is_words

CODE = define("angle-brackets", Severity.WARNING)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look for tags of no element, and for tags that go on as a sentence."""
    for text in context.texts:
        blocks = ((without_comments(html), place) for html, place in text.html())
        for words, place in (*text.written, *blocks):
            for tag in TAG.finditer(words):
                if is_words(tag) and not words.endswith("\\", 0, tag.start()):
                    message = say("{tag} is no HTML: readers see it as written", tag=shortened(tag[0]))
                    advice = say("write it in backticks, or &lt;{tag}", tag=shortened(tag[0][1:]))
                    yield CODE.at(place(tag.start(), tag.end()), message, help=advice)
