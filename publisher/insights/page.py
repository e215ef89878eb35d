"""The report as one self-contained HTML page: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from babel.dates import format_datetime
from babel.numbers import format_decimal, format_percent

from publisher.config import Config
from publisher.delivery.states import FEEDBACK, not_known
from publisher.edition.language import catalog_of, catalogs_of, locale_of
from publisher.edition.theme import Theme, ThemeError
from publisher.errors import ConfigError
from publisher.insights import charts
from publisher.insights.account import Report
from publisher.providers import open_provider

TEMPLATE = "report/report.html.j2"
_STATES = ("submitted", "excluded", "rejected", "uncertain", "claimed", "pending")


def render_report(report: Report, config: Config, *, now: datetime | None = None) -> str:
    """The page, in the edition's language. Raises ConfigError where the theme's template is broken."""
    words = ReportWords(report.language)
    locale = locale_of(words.language)

    def moment(at: datetime | None, form: str = "medium") -> str:
        return format_datetime(at, form, tzinfo=config.newsletter.zone, locale=locale) if at else ""

    def percent(part: int, whole: int) -> str:
        if not whole:
            return "–"
        share = part / whole
        fine = 0 < share < 0.01 or 0.99 < share < 1
        return format_percent(share, "#,##0.00%" if fine else "#,##0.0%", locale=locale)

    steps = report.timeline
    days = {step.start.astimezone(config.newsletter.zone).date() for step in steps if step.start}
    form = "short" if len(days) > 1 else "HH:mm"
    account = report.account
    unknown = not_known(
        {name: getattr(account, name) for name in ("submitted", *FEEDBACK)}, open_provider(config).tells
    )
    told = ["submitted", *(name for name in FEEDBACK if name not in unknown)]
    try:
        return Theme.of(config).render(
            TEMPLATE,
            report=report,
            account=account,
            newsletter=config.newsletter.name,
            words=words,
            number=lambda value: format_decimal(value, locale=locale),
            percent=percent,
            moment=moment,
            short=lambda at: moment(at, form),
            told=told,
            unknown=unknown,
            states=[(name, getattr(account, name)) for name in _STATES],
            account_chart=charts.stacked([(name, getattr(account, name)) for name in _STATES]),
            time_chart=charts.rising(
                [(name, [getattr(step, name) for step in steps]) for name in told if name != "complained"]
            ),
            highest=max(sum(step.submitted for step in steps), sum(step.delivered for step in steps)),
            bar=charts.bar,
            written=moment(now or datetime.now(UTC)),
        )
    except ThemeError as error:
        raise ConfigError([error.diagnostic]) from error


class ReportWords:
    """``words("delivered")`` in one language, else in English; a name that is no word comes back as it is."""

    def __init__(self, language: str) -> None:
        catalog = catalog_of(language)
        self._words = catalogs_of(Path(__file__).parent)[catalog]
        self.language = language if catalog != "en" or language.lower().startswith("en") else "en"

    def __call__(self, name: str, otherwise: str | None = None) -> str:
        """The word by that name; else ``otherwise``, else the name."""
        return self._words.get(name, name if otherwise is None else otherwise)
