"""``publisher events`` and ``reconcile``: apply feedback from a file or a provider's queue, and settle with it."""

from __future__ import annotations

import sys
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from publisher.cli.frame import Format, OneIssue, Yes, app, chosen_slug, examples, opened
from publisher.cli.output import Bar, agreed, echo, emit, remark, warn
from publisher.diagnostics import counted, listed, rendered, say
from publisher.errors import UsageError, refusal

if TYPE_CHECKING:
    from publisher.channels.outbox import Announcement
    from publisher.config import Config
    from publisher.database import Database
    from publisher.delivery.tripwires import Tripped
    from publisher.feedback.apply import Applied, Applier
    from publisher.feedback.reconcile import Doubtful

MOST_ALIKE = 3  # lines with the same fault that are named one by one
commands = typer.Typer(no_args_is_help=True, help="Process feedback: deliveries, bounces, complaints.")
app.add_typer(commands, name="events")


@commands.command(epilog=examples("publisher events apply events.jsonl"))
def apply(
    context: typer.Context,
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="A file of events, an mbox, a Maildir or a message; - is stdin.")
    ],
    format: Format = "text",
) -> int:
    """Apply a provider's events, or bounce and complaint reports received as mail. Safe to repeat.

    Events are JSON, raw or wrapped by SNS. Exits 1 on anything that is no event, or if a tripwire went off; every event
    is applied all the same.
    """
    from publisher.audience.tokens import Tokens
    from publisher.feedback.apply import Applier
    from publisher.feedback.intake import apply_path, apply_stream

    with opened(context) as (config, database):
        applier = Applier(database, config)
        tokens = partial(Tokens.open, config)
        advice = say("name a file of events or a mailbox, or - to read stdin")
        with refusal(say("{path} cannot be read", path=path), advice), Bar(say("Applying"), Path(path)) as bar:
            if path == "-":
                apply_stream(applier, sys.stdin.buffer, tokens)
            else:
                apply_path(applier, Path(path), tokens, bar.step)
        return _finish(config, database, applier.applied, format, path if path != "-" else say("standard input"))


@commands.command(epilog=examples("publisher events pull --follow"))
def pull(
    context: typer.Context,
    queue: Annotated[str | None, typer.Option(metavar="URL", help="A queue to read instead of the config's.")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Keep waiting for more until Ctrl-C.")] = False,
    format: Format = "text",
) -> int:
    """Apply the events in the SQS queue. Each is deleted there only after it is committed here."""
    from publisher.feedback.apply import Applier

    with opened(context) as (config, database):
        applier = Applier(database, config)
        try:
            if not drain_queue(applier, config, queue, follow=follow):
                if not config.service.sns_topics:
                    way = say("set delivery.ses.events_queue, or give --queue URL")
                    raise UsageError(say("there is no queue to read"), help=way)
                remark(
                    say("there is no queue to read: events come to the webhook of publisher serve (service.sns_topics)")
                )
        except KeyboardInterrupt:
            remark(say("stopped; what was not committed is still in the queue"))
        return _finish(config, database, applier.applied, format, say("the queue"))


def drain_queue(applier: Applier, config: Config, url: str | None = None, *, follow: bool = False) -> bool:
    """Pull until the queue is empty, or forever; False if no provider has a queue. Raises ServiceError."""
    from publisher.feedback.intake import take_in
    from publisher.providers import first

    pull = first(config, lambda provider: provider.queue(url))
    if pull is None:
        return False
    for _ in pull(lambda bodies: take_in(applier, bodies), follow):
        pass
    applier.settle_waiting()
    return True


def _finish(config: Config, database: Database, applied: Applied, format: str, source: str) -> int:
    """Print the result, call the alert webhook if a tripwire went off, and return the exit status."""
    from publisher.delivery.tripwires import alert
    from publisher.feedback.apply import tripped_by

    tripped = tripped_by(database, applied)
    note = alert(config, tripped)
    alike = Counter[str]()
    for where, why in applied.malformed:
        alike[why] += 1
        if alike[why] <= MOST_ALIKE:
            remark(say("{source}: {where}: {why}", source=source, where=where, why=why))
    for why, n in (alike - Counter(dict.fromkeys(alike, MOST_ALIKE))).items():
        told = {"source": source, "why": why}
        remark(counted("{source}: {n} more line: {why}", "{source}: {n} more lines: {why}", n, **told))
    if applied.malformed and not applied.events:
        remark(say("a file of events is JSON: one event a line, an array of them, or one after another; gzip too"))
    if format == "json":
        emit(_as_json(applied, tripped))
    else:
        _print(applied)
    for trip in tripped:
        remark(f"{rendered(trip.message)}\n  {rendered(trip.help)}", "bold red", label=f"{trip.name}: ")
    if note:
        remark(note)
    return int(bool(applied.faults) or any(trip.stops for trip in tripped))


def _as_json(applied: Applied, tripped: list[Tripped]) -> dict[str, Any]:
    return {
        "events": dict(sorted(applied.events.items())), "changed": applied.changed, "waiting": applied.waiting,
        "suppressed": dict(sorted(applied.suppressed.items())), "unknown": dict(sorted(applied.unknown.items())),
        "replies": applied.replies, "malformed": applied.faults,
        "faults": [{"where": where, "reason": why} for where, why in applied.malformed],
        "tripwires": [{"name": t.name, "issue": t.issue, "message": t.message} for t in tripped],
    }  # fmt: skip


def _print(applied: Applied) -> None:
    from publisher.delivery.states import numbered, word

    kinds = numbered(dict(sorted(applied.events.items()))) or say("no events")
    echo(counted("{kinds}; {n} recipient changed", "{kinds}; {n} recipients changed", applied.changed, kinds=kinds))
    for reason, count in sorted(applied.suppressed.items()):
        if count:
            echo(say("suppressed: {n} ({reason})", n=count, reason=word(reason)))
    if applied.waiting:
        echo(counted(
            "{n} fits no recipient yet; it is kept and tried again",
            "{n} fit no recipient yet; they are kept and tried again", applied.waiting,
        ))  # fmt: skip
    for name, count in sorted(applied.unknown.items()):
        echo(say("unknown kind, kept: {name} ({n})", name=name, n=count))
    if applied.replies:
        echo(counted(
            "{n} automatic reply, which says nothing of our mail",
            "{n} automatic replies, which say nothing of our mail", applied.replies,
        ))  # fmt: skip
    if applied.faults > len(applied.malformed):
        named = len(applied.malformed)
        echo(say("{n} are no events; the first {named} are named above", n=applied.faults, named=named))


@app.command(epilog=examples("publisher reconcile 2024-12-29-weekly --release-uncertain"))
def reconcile(
    context: typer.Context,
    issue: OneIssue = None,
    release_uncertain: Annotated[
        bool,
        typer.Option(
            "--release-uncertain", help="Let the next send mail uncertain recipients again; some may get a second copy."
        ),
    ] = False,
    announcements: Annotated[
        Literal["posted", "again"] | None,
        typer.Option(help="Uncertain announcements were posted, or are to be posted again."),
    ] = None,
    yes: Yes = False,
    pull: Annotated[
        bool, typer.Option("--pull/--no-pull", help="Read the queue of events first, if there is one.")
    ] = True,
    format: Format = "text",
) -> int:
    """Settle uncertain recipients from events that have arrived since.

    Those without an event stay uncertain and are not mailed until --release-uncertain makes them pending. Exits 0 if
    nobody is uncertain any more, 1 if somebody still is, 2 if it could not run.
    """
    from publisher.feedback.apply import Applier
    from publisher.feedback.reconcile import doubtful

    with opened(context) as (config, database):
        applier = Applier(database, config)
        if pull:
            drain_queue(applier, config)
        applier.settle_waiting()
        settled = applier.applied.changed
        found = [one for one in doubtful(database, issue) if issue or one.recipients]
        if issue and not found:
            chosen_slug(context.obj, issue)  # raises UsageError for a slug that is no issue
        for one in found:
            if one.young:
                told = counted(
                    "{n:,} uncertain recipient is younger than an hour, and its events may still come",
                    "{n:,} uncertain recipients are younger than an hour, and their events may still come",
                    one.young,
                )
                warn(say("{slug}: {told}", slug=one.mailing.slug, told=told))
        if format == "text":
            _show_doubtful(found, settled, release=release_uncertain)
        released: dict[str, int] = {}
        if release_uncertain and any(one.recipients for one in found):
            released = _release(database, found, yes)
        unknown = _announcements(database, issue, announcements, yes, tells=format == "text")
    if format == "json":
        rows = [_doubtful_row(one, released.get(one.mailing.reference, 0)) for one in found]
        left = [one.as_object() for one in unknown]
        emit({"settled": settled, "issues": rows} | ({"announcements": left} if left else {}))
    return int(bool(unknown) or sum(len(one.recipients) for one in found) > sum(released.values()))


def _announcements(
    database: Database, issue: str | None, how: str | None, yes: bool, *, tells: bool
) -> list[Announcement]:
    """Settle the uncertain announcements as ``how`` says; return those that remain."""
    from publisher.channels import outbox

    with database.begin() as connection:
        outbox.recover(connection, outbox.LEASE)
        unknown = [one for one in outbox.entries(connection, issue) if one.state == outbox.AnnouncementState.UNCERTAIN]
    where = listed(say("{slug} on {channel}", slug=one.slug, channel=one.channel) for one in unknown)
    if unknown and tells:
        echo(say("nobody knows whether this was announced: {where}", where=where))
        echo(say("  look there; publisher reconcile --announcements posted settles it, again posts it once more"))
    unasked = say("a second announcement is possible, and nobody is here to be asked")
    refusal = UsageError(unasked, help=say("add --yes"))
    if not unknown or how is None:
        return unknown
    if how == "again" and not agreed(say("Let the next publish announce {where} again?", where=where), yes, refusal):
        return unknown
    with database.begin() as connection:
        return [one for one in unknown if not outbox.settle(connection, one, posted=how == "posted")]


def _show_doubtful(found: list[Doubtful], settled: int, *, release: bool) -> None:
    """Print the uncertain recipients; with ``release``, each of those who might get a second copy."""
    if settled:
        echo(counted("{n:,} recipient changed by events", "{n:,} recipients changed by events", settled))
    for one in found:
        slug, count = one.mailing.slug, len(one.recipients)
        certain = say("{slug}: nothing is uncertain", slug=slug)
        echo(say("{slug}: {n:,} uncertain", slug=slug, n=count) if count else certain)
        if release and count:
            echo(say("These might get a second copy (recipient, subscriber, since, why):"))
            for who in one.recipients:
                since = who.since.isoformat(timespec="seconds") if who.since else "?"
                echo(f"  {who.recipient}  {who.reference}  {since}  {who.reason}")
        elif count:
            echo(say("  publisher reconcile {slug} --release-uncertain lets send mail to them again", slug=slug))
    if not found:
        echo(say("nothing is uncertain"))


def _release(database: Database, found: list[Doubtful], yes: bool) -> dict[str, int]:
    from publisher.feedback.reconcile import release

    count = sum(len(one.recipients) for one in found)
    message = counted(
        "{n:,} recipient might get a second copy, and nobody is here to be asked",
        "{n:,} recipients might get a second copy, and nobody is here to be asked",
        count,
    )
    refusal = UsageError(message, help=say("add --yes once you have decided"))
    if not agreed(say("Let the next send mail to these {n:,} again?", n=count), yes, refusal):
        return {}
    released: dict[str, int] = {}
    for one in (one for one in found if one.recipients):
        slug, left = one.mailing.slug, len(one.recipients)
        released[one.mailing.reference] = number = release(database, one)
        way = "publish" if slug.startswith("series/") else f"send {slug}"
        remark(say("{slug}: {n:,} released; publisher {way} mails to them", slug=slug, n=number, way=way))
        if left := left - number:
            told = counted(
                "{n:,} changed meanwhile and is left as it is; look again",
                "{n:,} changed meanwhile and are left as they are; look again",
                left,
            )
            warn(say("{slug}: {told}", slug=slug, told=told))
    return released


def _doubtful_row(one: Doubtful, released: int) -> dict[str, object]:
    whom = [who.recipient for who in one.recipients]
    counts = {"uncertain": len(whom) - released, "young": one.young, "released": released}
    return {"issue": one.mailing.slug, **counts, "recipients": whom}
