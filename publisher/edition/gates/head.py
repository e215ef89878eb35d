"""The ``<style>`` blocks as mail clients take them: Gmail drops a block whole for one thing it dislikes."""

from __future__ import annotations

from publisher.diagnostics import Diagnostic, Place, Severity, define, say
from publisher.edition.gates.stylesheet import rules, sheets

STYLE_DROPPED = define("style-dropped", Severity.ERROR)
LIMIT = 16_384  # bytes


def find(html: str, place: Place) -> list[Diagnostic]:
    """Findings over the style blocks of an email."""
    found = []
    for block in sheets(html):
        if (size := len(block.encode("utf-8"))) > LIMIT:
            message = say("a style block has {size} bytes; Gmail drops it above {limit}", size=size, limit=LIMIT)
            found.append(STYLE_DROPPED.at(place, message, help=say("shorten the theme's email/head.css.j2")))
        if nested := next((rule for rule in rules(block) if len(rule.context) > 1), None):
            found.append(
                STYLE_DROPPED.at(
                    place,
                    say("an at-rule stands inside another: {rules}", rules=" { ".join(nested.context)),
                    help=say("join the two queries with and"),
                )
            )
    return found
