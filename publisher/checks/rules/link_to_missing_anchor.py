"""A link leads to an anchor that the issue does not have."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say

CODE = define("link-to-missing-anchor", Severity.ERROR)


def check(context: Context) -> Iterator[Diagnostic]:
    """Compare links that begin with ``#`` with the anchors."""
    if not context.whole:  # an item that cannot be read may well have the anchor
        return
    anchors = [item.anchor for item in context.issue.items]
    for text in context.texts:
        for link in text.parts.links:
            url = unquote(link.url)  # which the parser has encoded
            if url.startswith("#") and url[1:] not in anchors:
                message = say("the issue has no anchor {url}", url=url)
                yield CODE.at(link.place, message, help=say("the anchors are {anchors}", anchors=", ".join(anchors)))
