"""The link carries a tracking parameter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from publisher.checks.context import Context
from publisher.diagnostics import Diagnostic, Severity, define, say

CODE = define("tracking-parameter", Severity.WARNING)
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
            message = say("the link carries {tracking}, which only track", tracking=", ".join(dict.fromkeys(tracking)))
            yield CODE.at(link.place, message, help=say("write {words}", words=clean))
