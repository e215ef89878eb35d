"""The link carries a tracking parameter.

## Why it matters

It tells the target's owner where a reader came from, was often copied along from somebody else's newsletter or search
page, and makes the archive's links longer and shorter-lived.

## Example

    [the report](https://example.com/report?utm_source=twitter&fbclid=IwAR0)

Write `https://example.com/report`. A sponsor's link is the sponsor's own, and stays: in an item that is `sponsored`,
or with `<a rel="sponsored" href="…">`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define

CODE = define("tracking-parameter", Severity.WARNING, __doc__)
_TRACKING = re.compile(
    r"utm_\w+|fbclid|gclid|gclsrc|dclid|msclkid|yclid|igshid|igsh|twclid|ttclid|li_fat_id|mc_[ce]id|mkt_tok|_hs(enc|mi)"
    r"|vero_(id|conv)|oly_(anon|enc)_id|s_cid|wickedid|spm|scm|share_(token|source|from)|from_source|isappinstalled",
    re.IGNORECASE,
)


def check(context: Context) -> Iterator[Diagnostic]:
    """Look at the query of each address."""
    for link in context.links:
        if link.sponsored:
            continue
        parts = urlsplit(link.url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
        tracking = [name for name, _ in pairs if _TRACKING.fullmatch(name)]
        if tracking:
            kept = urlencode([(name, value) for name, value in pairs if name not in tracking])
            clean = urlunsplit(parts._replace(query=kept))
            message = f"the link carries {', '.join(dict.fromkeys(tracking))}, which only track"
            yield CODE.at(link.place, message, help=f"write {clean}")
