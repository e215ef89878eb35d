"""Limits of Gmail: it clips a message near 102 kB, hiding the unsubscribe link, and drops whole ``<style>`` blocks."""

from collections.abc import Iterator

from publisher.config import Config
from publisher.config.model import Clip
from publisher.diagnostics import Diagnostic, Place, Severity, define, say
from publisher.edition.gates.stylesheet import rules, sheets
from publisher.edition.model import Edition, Sizes
from publisher.issue.model import Issue

BUDGET = Clip().decoded

CLIP_BUDGET = define("clip-budget", Severity.ERROR)
CLIP_BUDGET_NEAR = define("clip-budget-near", Severity.WARNING)
_WRITTEN = say("the email's HTML takes {size:.1f} kB as written, of {limit:.0f} kB")
_ENCODED = say("the email's HTML takes {size:.1f} kB as encoded, of {limit:.0f} kB")
_HELP = say("shorten the items, split the issue, or write overflow: web in issue.yaml")


def over(sizes: Sizes, clip: Clip) -> bool:
    """Whether an email of these sizes would, or might, be clipped."""
    return sizes.html > clip.decoded or sizes.html_encoded > clip.encoded


def check(edition: Edition, issue: Issue, config: Config) -> Iterator[Diagnostic]:
    """Yield one finding, at the issue's items, if the HTML exceeds one of the sizes."""
    sizes, clip = edition.sizes, config.checks.clip
    if over(sizes, clip):
        certain = sizes.html > clip.decoded
        size, limit = (sizes.html, clip.decoded) if certain else (sizes.html_encoded, clip.encoded)
        code = CLIP_BUDGET if certain else CLIP_BUDGET_NEAR
        message = say(_WRITTEN if certain else _ENCODED, size=size / 1000, limit=limit / 1000)
        yield code.at(issue.places.of("items"), message, help=_HELP)


STYLE_DROPPED = define("style-dropped", Severity.ERROR)
LIMIT = 16_384  # bytes


def find(html: str, place: Place) -> Iterator[Diagnostic]:
    """Yield findings for style blocks that Gmail drops: too long, or with an at-rule inside another."""
    for block in sheets(html):
        if (size := len(block.encode("utf-8"))) > LIMIT:
            message = say("a style block has {size} bytes; Gmail drops it above {limit}", size=size, limit=LIMIT)
            yield STYLE_DROPPED.at(place, message, help=say("shorten the theme's email/head.css.j2"))
        if nested := next((rule for rule in rules(block) if len(rule.context) > 1), None):
            message = say("an at-rule is inside another: {rules}", rules=" { ".join(nested.context))
            yield STYLE_DROPPED.at(place, message, help=say("join the two queries with and"))
