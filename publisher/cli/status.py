"""``publisher status`` and ``report``: the account of a mailing in the terminal, and as a page."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from publisher.cli.frame import Format, OneIssue, app, chosen_slug, examples, opened
from publisher.cli.output import as_file, echo, emit, plain, print_error, remark, table, write_page
from publisher.diagnostics import Severity, listed, rendered, say
from publisher.errors import UsageError

if TYPE_CHECKING:
    from publisher.config import Config
    from publisher.database import Database
    from publisher.insights.account import MailingReport


_NOT_KNOWN = say("not known")
_ASIDE = {"held": say("held"), "settled": say("mailed elsewhere")}


@app.command(epilog=examples("publisher status 2024-12-29-weekly --format json"))
def status(context: typer.Context, issue: OneIssue = None, format: Format = "text") -> int:
    """Show the account of a mailing, or of all mailings.

    It is always audience = excluded + pending + claimed + submitted + rejected + uncertain. Exits 1 if a tripwire went
    off, or if the files of ISSUE cannot be read.
    """
    from publisher.delivery.status import statuses
    from publisher.insights.store import answers_to
    from publisher.providers import open_provider
    from publisher.publishing.store import set_aside

    with opened(context) as (config, database):
        with database.connect() as connection:
            aside = set_aside(connection)
        found = statuses(config, database, issue, aside)
        if issue and (said := answers_to(database, issue)):
            found.rows[0]["receivers"] = [one._asdict() for one in said]
    if format == "json":
        emit(found.rows[0] if issue else found.rows)
    else:
        _print(found.rows, tells=open_provider(config).tells)
    for reading in found.broken:
        errors = [finding for finding in reading.findings if finding.severity is Severity.ERROR]
        first = errors[0]
        where = f"{first.path}:{first.span.line}"
        told = say("{slug} cannot be read: {where}: {told}", slug=reading.slug, where=where, told=first.message)
        if len(errors) > 1:
            told = say("{told} (and {n} more)", told=told, n=len(errors) - 1)
        print_error(told, say("mend it; publisher check {slug} shows all", slug=reading.slug))
    for trip in found.tripped:
        if trip.stops:
            print_error(say("tripwire {name}: {told}", name=trip.name, told=trip.message), trip.help)
        else:
            told = say("{name}: {told} ({help})", name=trip.name, told=trip.message, help=trip.help)
            remark(told, "yellow")
    return int(any(trip.stops for trip in found.tripped) or bool(issue and found.broken))


def _print(rows: list[dict[str, Any]], *, tells: bool) -> None:
    from publisher.delivery.states import FEEDBACK, not_known, numbered, waits, word
    from publisher.delivery.status import COUNTS

    if not rows:
        echo(say("There is no issue yet: publisher new SLUG makes one."))
        return
    names = [name for name in (*COUNTS, *FEEDBACK) if any(row[name] for row in rows)] or ["audience"]
    unknown = [not_known(row, tells) for row in rows]
    states = (_ASIDE.get(row.get("decision", "")) or word(row["state"]) for row in rows)
    lines = [(row["issue"], state, *(_NOT_KNOWN if name in lacks else row[name] for name in names))
             for row, state, lacks in zip(rows, states, unknown, strict=True)]  # fmt: skip
    table((say("issue"), say("state"), *map(word, names)), lines, range(2, len(names) + 2))
    silent = [name for name in FEEDBACK if name not in names and any(name in lacks for lacks in unknown)]
    if silent:
        echo(say("not known: {names} (no event has told)", names=listed(map(word, silent))))
    for one in (
        each for row in rows for each in row.get("announcements", ()) if len(rows) == 1 or each["state"] != "posted"
    ):
        about = {"slug": one["issue"], "channel": one["channel"], "state": word(one["state"])}
        shown = say("announcement of {slug} on {channel}: {state}", **about)
        echo(say("{told} ({help})", told=shown, help=one["reason"]) if one["reason"] else shown)
    for row in rows:
        if row.get("waiting"):
            until = waits(row["waiting"], datetime.fromisoformat(row["next_at"]))
            echo(say("{slug}: {told}", slug=row["issue"], told=until))
        if len(rows) == 1 and row.get("folded_at"):
            echo(say("folded on {day}: the counts are as they were then", day=row["folded_at"][:10]))
    if said := [one for row in rows for one in row.get("receivers", ())]:
        _print_answers(said)
    if len(rows) == 1 and (excluded := rows[0]["excluded_by_reason"]):
        echo(say("excluded: {reasons}", reasons=numbered(excluded)))


def _print_answers(answers: list[dict[str, Any]]) -> None:
    from publisher.delivery.states import word

    rows = []
    for one in answers:
        reason = rendered(one["reason"] or say("in words that nobody here knows"))
        helps = f"{reason}{' → ' * bool(one['cure'])}{rendered(one['cure'])}"
        rows.append((one["receiver"] or say("others"), word(one["did"]), one["recipients"], helps))
    table((say("receiver"), say("outcome"), say("recipients"), say("reason → what helps")), rows, {2})


@app.command(epilog=examples(
    "publisher report 2024-12-29-weekly --out report.html",
    "publisher report 2024-12-29-weekly --compare 2024-12-22-weekly",
))  # fmt: skip
def report(
    context: typer.Context,
    issue: Annotated[str, typer.Argument(metavar="ISSUE", help="The issue's folder name.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Default: standard output; on a terminal dist/reports/ISSUE.html."),
    ] = None,
    compare: Annotated[
        str | None, typer.Option(metavar="ISSUE", help="Print both side by side instead, also by domain.")
    ] = None,
    format: Format = "text",
) -> None:
    """Write the delivery report: one self-contained HTML page with charts and tables, without addresses."""
    from publisher.insights.page import render_report
    from publisher.providers import open_provider

    if out is not None and (compare or format == "json"):
        raise UsageError(say("--out is for the page"), help=say("send standard output to a file instead: > FILE"))
    with opened(context) as (config, database):
        found, other = (_report(context, config, database, name) if name else None for name in (issue, compare))
    assert found is not None
    for one in (found, other):
        if one and one.folded_at:
            day = f"{one.folded_at:%Y-%m-%d}"
            remark(say("{slug} was folded on {day}: its counts are as they were then", slug=one.issue, day=day))
    if format == "json":
        emit(plain({"issue": found, "compare": other} if other else found))
    elif other:
        _compare(other, found, tells=open_provider(config).tells)
    else:
        page = render_report(found, config)
        if out == Path("-") or (out is None and not sys.stdout.isatty()):
            as_file().write(page)
        else:
            write_page(out or config.root / "dist" / "reports" / f"{found.issue}.html", page, "--out")


def _report(context: typer.Context, config: Config, database: Database, issue: str) -> MailingReport:
    from publisher.insights.store import report as read

    found = read(database, config, issue)
    if found is None:
        issue = chosen_slug(context.obj, issue)
        found = read(database, config, issue)
    if found is None:
        message = say("{slug} has not been sent: there is nothing to report", slug=issue)
        raise UsageError(message, help=f"publisher send {issue}")
    return found


def _compare(before: MailingReport, after: MailingReport, *, tells: bool) -> None:
    """Print counts and shares of submitted side by side; differences are in percentage points."""
    from publisher.delivery.states import FEEDBACK, not_known, word

    both = before, after
    names = ("submitted", *FEEDBACK, "unsubscribed")
    totals = [{name: getattr(one.account, name, one.unsubscribed) for name in names} for one in both]
    unknown = [not_known(counts, tells) for counts in totals]
    domains = sorted({domain.name or "" for one in both for domain in one.domains}, key=lambda name: (not name, name))
    pairs: list[tuple[str, list[dict[str, Any] | None]]] = [("", [*totals])]
    for domain in domains:
        found = [next((each for each in one.domains if (each.name or "") == domain), None) for one in both]
        pairs.append((domain or rendered(say("all others")), [each and each._asdict() for each in found]))
    rows = []
    for label, pair in pairs:
        for name in names[: len(names) - bool(label)]:
            cells = [_counted(counts, name, unknown[at]) for at, counts in enumerate(pair)]
            told = [part for _, part in cells if part is not None]
            change = f"{100 * (told[1] - told[0]):+.2f}" if len(told) == 2 else ""
            rows.append((f"{label} {rendered(word(name))}".lstrip(), *(text for text, _ in cells), change))
    table(("", *(one.issue for one in both), say("change")), rows, {1, 2, 3})


def _counted(counts: dict[str, Any] | None, name: str, unknown: frozenset[str]) -> tuple[str, float | None]:
    """A table cell with a count and, if any were submitted, its share."""
    if counts is None:
        return "–", None
    if name in unknown:
        return rendered(_NOT_KNOWN), None
    if name == "submitted" or not counts["submitted"]:
        return f"{counts[name]:,}", None
    share = counts[name] / counts["submitted"]
    return f"{counts[name]:,} ({share:.2%})", share
