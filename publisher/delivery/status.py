"""The status of issues, the account as a line and as JSON, and the explanation of a run's end."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from publisher.channels import outbox
from publisher.channels.outbox import Announcement
from publisher.config.model import Config
from publisher.database import Database
from publisher.delivery import folding, mailings, tripwires
from publisher.delivery.ledger import at_work
from publisher.delivery.mailings import Mailing
from publisher.delivery.send import Sent
from publisher.delivery.states import (
    FEEDBACK,
    Account,
    Ending,
    MailingState,
    Operator,
    RecipientState,
    left_over,
    mailing_state,
    numbered,
    waits,
)
from publisher.delivery.tripwires import Tripped
from publisher.diagnostics import counted, listed, say
from publisher.issue.folder import discover
from publisher.issue.load import Reading, read_issue
from publisher.issue.series import steps_of
from publisher.proofing.proof import refuse_unknown
from publisher.providers import Provider

COUNTS = ("audience", *(state.value for state in RecipientState))


def explain(sent: Sent, provider: Provider) -> tuple[str, str | None]:
    """Return the line for an operator, empty on success, and the action."""
    account, slug = sent.account, sent.mailing.slug
    again = say("publisher send {slug} carries on", slug=slug)
    left = left_over(account.pending)
    match sent.ending:
        case Ending.DONE | Ending.WAITING | Ending.LEFT:
            return _of_account(sent)
        case Ending.INTERRUPTED:
            return say("stopped; {left}", left=left), again
        case Ending.OPERATOR if sent.code == "tripwire":
            return say("a tripwire stopped {slug}; {left}", slug=slug, left=left), None
        case Ending.OPERATOR if sent.code == Operator.CANCELLED:
            cancelled = counted(
                "{slug} was cancelled; {n:,} recipient is not mailed",
                "{slug} was cancelled; {n:,} recipients are not mailed", account.pending, slug=slug,
            )  # fmt: skip
            return cancelled, None
        case Ending.OPERATOR:
            resume = say("publisher resume {slug}, then publisher send {slug}", slug=slug)
            return say("{slug} is paused; {left}", slug=slug, left=left), resume
        case Ending.DAILY_QUOTA:
            later = say("{again} when the 24 hours have room again", again=again)
            return say("the provider's daily quota is used up; {left}", left=left), later
        case Ending.ACCOUNT_PAUSED:
            paused = say("{title} has paused sending ({code}); {left}", title=provider.title, code=sent.code, left=left)
            return paused, say("see the {title} console; then {again}", title=provider.title, again=again)
        case Ending.UNREACHABLE:
            check = say("check the network; then {again}", again=again)
            return say("the provider could not be reached ({code}); {left}", code=sent.code, left=left), check
        case Ending.DEFECT:
            report = say("please report it; {again}", again=again)
            return say("the transport failed ({code}); {left}", code=sent.code, left=left), report
    strange = say("the provider refuses every message: {code}", code=sent.code), say("mend what it says")
    what, action = provider.endings.get(sent.code.partition(":")[0], strange)
    return say("{what}; {left}", what=what, left=left), say("{action}; then {again}", action=action, again=again)


def _of_account(sent: Sent) -> tuple[str, str | None]:
    account, slug = sent.account, sent.mailing.slug
    told = (
        counted("{n:,} is uncertain", "{n:,} are uncertain", account.uncertain),
        counted("{n:,} was rejected", "{n:,} were rejected", account.rejected),
        counted("{n:,} is claimed by another sender", "{n:,} are claimed by another sender", account.claimed),
        counted("{n:,} is left", "{n:,} are left", account.due),
    )
    parts: list[str] = [one for one in told if one.values["n"]]
    if not parts:
        return waits(account.waiting, account.next_at), None
    if account.waiting:
        parts.append(waits(account.waiting, account.next_at))
    action = None
    if account.due:
        action = say("publisher send {slug} tries them again", slug=slug)
    elif account.claimed:
        action = say("wait for it to end; if it died, publisher send {slug} in two minutes settles them", slug=slug)
    elif account.uncertain:
        action = say("publisher reconcile {slug} settles the uncertain", slug=slug)
    elif account.rejected:
        action = say("publisher subscribers list --of {slug} --state rejected says who and why", slug=slug)
    people = account.recipients
    return counted("of {n:,} recipient {parts}", "of {n:,} recipients {parts}", people, parts=listed(parts)), action


def account_line(slug: str, account: Account) -> str:
    """Return the account as one line."""
    counts = {name: getattr(account, name) for name in COUNTS[1:] if getattr(account, name)}
    told = numbered(counts) if counts else say("nobody has subscribed yet")
    line = say("{slug}: audience {audience:,}: {told}", slug=slug, audience=account.audience, told=told)
    if account.excluded_by_reason:
        return say("{line} ({reasons})", line=line, reasons=numbered(account.excluded_by_reason))
    return line


def status_row(
    slug: str,
    mailing: Mailing | None,
    account: Account | None,
    state: MailingState,
    announced: Iterable[Announcement] = (),
) -> dict[str, Any]:
    """Return one issue of ``status --format json``. Before the freeze all counts are 0 and the digest is null."""
    counted, going = account or Account(), state is not MailingState.CANCELLED
    return {
        "issue": slug, "state": state.value,
        "digest": mailing.digest if mailing else None, "commit": mailing.commit if mailing else None,
        **{name: getattr(counted, name) for name in COUNTS + FEEDBACK},
        "excluded_by_reason": dict(counted.excluded_by_reason),
        **({"waiting": counted.waiting, "next_at": counted.next_at.isoformat()} if going and counted.next_at else {}),
        **({"announcements": rows} if (rows := [one.as_object() for one in announced]) else {}),
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Statuses:
    """Rows, one per issue, the tripwires that went off, and the issues whose files cannot be read."""

    rows: list[dict[str, Any]]
    tripped: list[Tripped]
    broken: list[Reading]


def statuses(
    config: Config, database: Database, slug: str | None = None, aside: Mapping[str, str] = MappingProxyType({})
) -> Statuses:
    """Return the status of ``slug``, or of every issue and step with files or a mailing. Raises UsageError if unknown.

    ``aside`` are an operator's decisions not to mail an issue, by slug; they are shown before it is frozen.
    Without ``slug``, files of mailed issues are not read: later changes do not matter.
    """
    known = [*discover(config.root), *steps_of(config.root)]
    with database.connect() as connection:
        found = {mailing.slug: mailing for mailing in mailings.every_newest(connection)}
        if slug is not None:
            refuse_unknown(config, slug, also=found)
        announced, folded = outbox.entries(connection, slug), folding.folded_at(connection)
        wanted = [slug] if slug is not None else sorted({*known, *found})
        rows: list[dict[str, Any]] = []
        tripped: list[Tripped] = []
        for name in wanted:
            mailing = found.get(name)
            if mailing is None:
                decided = {"decision": aside[name]} if name in aside else {}
                rows.append(status_row(name, None, None, mailing_state(None)) | decided)
                continue
            account, busy = mailings.account_of(connection, mailing), at_work(database, connection, mailing)
            state = mailing_state(account, mailing.operator, at_work=busy)
            rows.append(status_row(name, mailing, account, state, (one for one in announced if one.slug == name)))
            if at := folded.get(mailing.id):
                rows[-1]["folded_at"] = at.isoformat()
            tripped += tripwires.after_the_fact(connection, mailing) + tripwires.deferring(connection, mailing)
            tripped += tripwires.harmful(connection, mailing, account) + tripwires.unaddressed(mailing, account)
        tripped += tripwires.withdrawn(config, connection, (found[name] for name in wanted if name in found))
    if slug is None:
        read = readings(config, without={*found, *aside})
        tripped += tripwires.overdue(read, config)
    else:
        read = [read_issue(config, slug)] if slug in known else []
    return Statuses(rows, tripped, [reading for reading in read if reading.issue is None])


def readings(config: Config, without: Collection[str] = ()) -> list[Reading]:
    """Read every issue as far as possible, except those in ``without``."""
    return [read_issue(config, slug) for slug in discover(config.root) if slug not in without]
