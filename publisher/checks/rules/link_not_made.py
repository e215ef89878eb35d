"""What was meant as a link is not one.

## Why it matters

Readers see brackets and an address where a link was meant.

## Example

    [report]（https://example.com/report）

The parentheses are full-width. Write `[report](https://example.com/report)`, without a space before the parenthesis.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define

CODE = define("link-not-made", Severity.WARNING, __doc__)
BROKEN = re.compile(
    r"[\[【](?P<text>[^\[\]【】\n]+)[\]】](?P<gap>[ \t\u3000]*)[(（][ \t]*(?P<url>https?://[^\s()（）]+)[)）]"
)
_SOUND = re.compile(r"\[[^\[\]\n]+\]\(")
_CODE = re.compile(r"`[^`\n]*`")


def check(context: Context) -> Iterator[Diagnostic]:
    """Look for brackets and parentheses that are nearly those of a link."""
    for text in context.texts:
        fences = {
            line
            for token in text.tokens
            if token.type in {"fence", "code_block"} and token.map
            for line in range(*token.map)
        }
        for number, line in enumerate(text.prose.text.split("\n")):
            for found in BROKEN.finditer(_CODE.sub(lambda code: "`" * len(code[0]), line)):
                if number not in fences and not _SOUND.match(found[0]):
                    yield CODE.at(
                        text.prose.place(number, found.start(), found.end()),
                        "this is not a link: its brackets are full-width, or stand apart",
                        help=f"write [{found['text']}]({found['url']})",
                    )
