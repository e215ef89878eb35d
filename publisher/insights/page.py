"""Reports as self-contained HTML pages, without scripts or external fonts and pictures.

Charts are inline SVG: shapes without text, coloured by the page's style sheet, so they follow dark mode. Every
number in a chart is also in a table next to it; charts are hidden from screen readers.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import accumulate

from babel.dates import format_datetime
from babel.numbers import format_decimal, format_percent
from markupsafe import Markup

from publisher.config import Config
from publisher.delivery.states import FEEDBACK, not_known
from publisher.edition.brand import Brand, variables
from publisher.edition.model import ThemeError
from publisher.edition.theme import Theme
from publisher.errors import ConfigError
from publisher.insights.account import MailingReport
from publisher.insights.audience import CAUSES, AudienceReport
from publisher.language import Locale, Words, nearest
from publisher.providers import open_provider

WIDTH, HEIGHT = 720, 220
_STATES = ("submitted", "excluded", "rejected", "uncertain", "claimed", "pending")


def render_report(report: MailingReport, config: Config) -> str:
    """Return the report as a page, in the edition's language. Raises ConfigError if the theme's template is broken."""
    steps = report.timeline
    days = {step.start.astimezone(config.newsletter.zone).date() for step in steps if step.start}
    form = "short" if len(days) > 1 else "HH:mm"
    account = report.account
    states = [(name, getattr(account, name)) for name in _STATES]
    counts = {name: getattr(account, name) for name in ("submitted", *FEEDBACK)}
    unknown = not_known(counts, open_provider(config).tells)
    told = ["submitted", *(name for name in FEEDBACK if name not in unknown)]
    return _render(
        "report/report.html.j2", report.language, config, report=report, account=account, form=form, told=told,
        unknown=unknown, states=states, account_chart=stacked(states),
        time_chart=rising([(name, [getattr(s, name) for s in steps]) for name in told if name != "complained"]),
        highest=max(sum(step.submitted for step in steps), sum(step.delivered for step in steps)),
    )  # fmt: skip


def render_audience(found: AudienceReport, config: Config) -> str:
    """Return the audience as a page, in the newsletter's language. Raises ConfigError if the template is broken."""
    others = [(name, found.states[name]) for name in ("pending", "unsubscribed", "suppressed")]
    states = [("readers", found.readers), *others]
    return _render(
        "report/audience.html.j2", config.newsletter.language, config, found=found, states=states,
        states_chart=stacked(states), causes=[cause for cause in CAUSES if found.lost[cause]],
        highest=max(month.readers for month in found.months),
        worst=max((each.unsubscribed + each.bounce + each.complaint for each in found.issues), default=0),
    )  # fmt: skip


def _render(template: str, language: str, config: Config, **names: object) -> str:
    words = ReportWords(language)
    locale = words.words.cldr

    def moment(at: datetime | None, form: str = "medium") -> str:
        return format_datetime(at, form, tzinfo=config.newsletter.zone, locale=locale) if at else ""

    def percent(part: int, whole: int) -> str:
        if not whole:
            return "–"
        share = part / whole
        fine = 0 < share < 0.01 or 0.99 < share < 1
        return format_percent(share, "#,##0.00%" if fine else "#,##0.0%", locale=locale)

    try:
        return Theme.of(config).render(
            template, newsletter=config.newsletter.name,
            variables=Markup(variables(Brand.of(config), language)),  # noqa: S704 - validated values
            words=words, number=lambda value: format_decimal(value, locale=locale), percent=percent, moment=moment,
            bar=bar, written=moment(datetime.now(UTC)), **names,
        )  # fmt: skip
    except ThemeError as error:
        raise ConfigError([error.diagnostic]) from error


class ReportWords(Words):
    """Words of the report in one language, or all in English if it has none; an unknown name is returned unchanged."""

    def __init__(self, language: str) -> None:
        super().__init__("report", Locale.of(language if nearest(language) else "en", {}))

    def __call__(self, name: str, otherwise: str | None = None, /, **values: object) -> str:
        """Return the word for ``name``, otherwise ``otherwise`` if given, otherwise ``name``."""
        try:
            return super().__call__(name, **values)
        except KeyError:
            return name if otherwise is None else otherwise


def stacked(parts: Sequence[tuple[str, int]]) -> Markup:
    """Return one bar of ``(css class, count)`` parts, as wide as their shares; parts that are not zero stay visible."""
    total = sum(count for _, count in parts)
    shown = [(name, max(count / total * WIDTH, 2.0)) for name, count in parts if count] if total else []
    scale = WIDTH / sum(width for _, width in shown) if shown else 1.0
    return _svg(f"0 0 {WIDTH} 10", "stack", _rectangles([(name, width * scale) for name, width in shown]))


def bar(parts: Sequence[tuple[str, int]], whole: int) -> Markup:
    """Return a bar for a table cell: ``(css class, count)`` parts of ``whole``, which is the full width."""
    shown = [(name, count / whole * 100) for name, count in parts if count] if whole else []
    return _svg("0 0 100 10", "bar", _rectangles(shown))


def _rectangles(parts: Sequence[tuple[str, float]]) -> str:
    """Return ``(css class, width)`` parts side by side, each wide enough to be visible."""
    placed = zip(parts, accumulate((width for _, width in parts), initial=0.0), strict=False)
    shape = '<rect class="fill-{}" x="{:.2f}" y="0" width="{:.2f}" height="10"/>'
    return "".join(shape.format(name, x, max(width, 0.6)) for (name, width), x in placed)


def rising(series: Sequence[tuple[str, Sequence[int]]]) -> Markup:
    """Return cumulative lines of ``(css class, count per step)`` on one scale, that of the largest sum."""
    sums = [(name, [0, *accumulate(counts)]) for name, counts in series]
    top = max((values[-1] for _, values in sums), default=0)
    grid = "".join(f'<line class="grid" x1="0" x2="{WIDTH}" y1="{y}" y2="{y}"/>' for y in (1, HEIGHT / 2, HEIGHT - 1))
    lines = [_line(name, values, top) for name, values in sums if top]
    return _svg(f"0 0 {WIDTH} {HEIGHT}", "rising", grid + "".join(lines))


def _line(name: str, values: Sequence[int], top: int) -> str:
    step = WIDTH / max(1, len(values) - 1)
    points = " ".join(f"{i * step:.1f},{HEIGHT - 2 - value / top * (HEIGHT - 4):.1f}" for i, value in enumerate(values))
    return f'<polyline class="line-{name}" points="{points}" vector-effect="non-scaling-stroke"/>'


def _svg(view: str, name: str, content: str) -> Markup:
    # Only numbers and our own names are inserted, never foreign text.
    head = f'<svg class="{name}" viewBox="{view}" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
    return Markup(f"{head}{content}</svg>")  # noqa: S704
