"""Whether an issue with text for some readers only makes whole editions, and a few."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.config.segments import BAD_AUDIENCE
from publisher.diagnostics import Diagnostic
from publisher.issue.codes import EMPTY_VARIANT, TOO_MANY_VARIANTS
from publisher.issue.variants import variants_of

CODES = (BAD_AUDIENCE, EMPTY_VARIANT, TOO_MANY_VARIANTS)


def check(context: Context) -> Iterator[Diagnostic]:
    """The containers ``::: only``, their conditions, and what these leave of the issue."""
    yield from variants_of(context.issue, context.config.newsletter.language)[1]
