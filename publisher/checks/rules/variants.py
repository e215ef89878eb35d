"""Whether an issue with text for some readers only makes whole editions, and a few."""

from __future__ import annotations

from collections.abc import Iterator

from publisher.checks.context import Context
from publisher.checks.rules.references import undefined
from publisher.config.segments import BAD_AUDIENCE
from publisher.diagnostics import Diagnostic
from publisher.issue.codes import EMPTY_VARIANT, TOO_MANY_VARIANTS
from publisher.issue.variants import variants_of

CODES = (BAD_AUDIENCE, EMPTY_VARIANT, TOO_MANY_VARIANTS)


def check(context: Context) -> Iterator[Diagnostic]:
    """The containers ``::: only``, their conditions, and what these leave of the issue: also of what it refers to."""
    variants, found = variants_of(context.issue, context.config.newsletter.language)
    yield from found
    if len(variants) < 2:
        return
    whole = set(undefined(context))
    for variant in variants:
        left = undefined(Context(context.config, variant.issue, translations=context.translations))
        yield from (variant.told(finding) for finding in left if finding not in whole)
