"""What was meant as a link is not one.

## Why it matters

Readers see brackets and an address where a link was meant.

## Example

    [report]（https://example.com/report）

The parentheses are full-width. Write `[report](https://example.com/report)`, without a space before the parenthesis.

    See [that report][r].

No line `[r]: https://example.com/report` is in the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it.common.utils import normalizeReference

from publisher.checks.context import Context
from publisher.checks.markdown import Text
from publisher.diagnostics import Diagnostic, Severity, define
from publisher.documents.slips import shortened

CODE = define("link-not-made", Severity.WARNING, __doc__)
BROKEN = re.compile(
    r"[\[【](?P<text>[^\[\]【】\n]+)[\]】](?P<gap>[ \t\u3000]*)[(（][ \t]*(?P<url>https?://[^\s()（）]+)[)）]"
)
REFERENCE = re.compile(r"(?<![A-Za-z0-9_\])\\])\[(?P<text>[^\[\]\n^][^\[\]\n]*)\]\[(?P<label>[^\[\]\n^]*)\](?!\()")
_SOUND = re.compile(r"\[[^\[\]\n]+\]\(")
_CODE = re.compile(r"`[^`\n]*`")


def check(context: Context) -> Iterator[Diagnostic]:
    """Look for brackets and parentheses that are nearly those of a link."""
    for text in context.texts:
        yield from _without_definition(text)
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
                        "this is not a link: its brackets are full-width, or stand apart",
                        help=f"write [{found['text']}]({found['url']})",
                    )


def _without_definition(text: Text) -> Iterator[Diagnostic]:
    for words, place in text.written():
        for found in REFERENCE.finditer(words):
            label = found["label"].strip() or found["text"]
            cited = found["text"].isdecimal() and label.isdecimal()  # [1][2]: sources by number, meant as they stand
            if not cited and normalizeReference(label) not in text.env.get("references", {}):
                message = f"this is not a link: [{shortened(label)}] is defined nowhere in the file"
                advice = f"add a line [{shortened(label)}]: https://…, or write [{shortened(found['text'])}](https://…)"
                yield CODE.at(place(found.start(), found.end()), message, help=advice)
