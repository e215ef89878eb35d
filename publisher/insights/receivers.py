"""What receivers said of one mailing, decoded and counted: who did what, why, to how many, what helps. No address."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from sqlalchemy import Connection, or_, select

from publisher.audience.tables import subscribers
from publisher.database import Database
from publisher.delivery import folding, mailings
from publisher.delivery.mailings import Mailing
from publisher.delivery.states import RecipientState
from publisher.delivery.tables import recipients
from publisher.feedback.tables import feedback_events
from publisher.insights.account import FEW, AnswerCount, MailingReport
from publisher.providers.receivers import decode

MOST = 25  # rows that are shown; the largest
_DID = {"bounce": "bounced", "delivery-delay": "delayed"}


def answers(connection: Connection, mailing: Mailing) -> tuple[AnswerCount, ...]:
    """The answers to a mailing, those to most recipients first; of a recipient each counts once."""
    found: defaultdict[tuple[str, str, str, str, str], set[str]] = defaultdict(set)
    unknown: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    for did, domain, text, who in _said(connection, mailing):
        answer = decode(text, domain)
        if answer.reason:
            found[answer.receiver, did, answer.reason, answer.cure, answer.source].add(who)
        else:
            unknown[answer.receiver, did, _without_ids(text)].add(who)
    few: Counter[tuple[str, str]] = Counter()
    rows = [AnswerCount(*key[:3], len(people), *key[3:]) for key, people in found.items()]
    for (receiver, did, words), people in unknown.items():
        if len(people) < FEW or not words:
            few[receiver, did] += len(people)
        else:
            rows.append(AnswerCount(receiver, did, words, len(people), "", ""))
    rows += [AnswerCount(*key, "", count, "", "") for key, count in few.items()]
    return tuple(sorted(rows, key=lambda row: (-row.recipients, row))[:MOST])


def answers_to(database: Database, slug: str | None = None) -> tuple[AnswerCount, ...]:
    """The answers to the newest mailing of an issue, or of all issues; none before the first freeze."""
    with database.connect() as connection:
        if slug is None:
            found = max(mailings.every_newest(connection), key=lambda one: one.id, default=None)
        else:
            found = mailings.newest(connection, slug)
        if found and (kept := folding.report_of(connection, found.id)):
            return MailingReport.from_json(kept).answers
        return answers(connection, found) if found else ()


def _said(connection: Connection, mailing: Mailing) -> Iterable[tuple[str, str, str, str]]:
    """What was done, the reader's domain, the server's words, and to whom: from events, and from a relay's answers."""
    e, r, s = feedback_events.c, recipients.c, subscribers.c
    events = select(e.kind, e.domain, e.detail, e.recipient, e.message_id)
    for kind, domain, text, recipient, message in connection.execute(
        events.where(e.mailing == mailing.reference, e.kind.in_(tuple(_DID)))
    ):
        yield _DID[kind], domain, text, recipient or message
    at_once = select(r.state, s.mailbox_key, r.reason, r.number).outerjoin(subscribers, s.reference == r.reference)
    refused = or_(r.state == RecipientState.REJECTED, r.state == RecipientState.PENDING)
    for state, mailbox, reason, number in connection.execute(
        at_once.where(r.mailing_id == mailing.id, refused, r.reason.like("smtp-%: %"))
    ):
        did = "rejected" if state == RecipientState.REJECTED else "delayed"
        yield did, (mailbox or "").rpartition("@")[2], reason.removeprefix("smtp-"), str(number)


def _without_ids(text: str) -> str:
    """A server's words without what is its own in each answer: ids, addresses of machines, times."""
    return " ".join("…" if len(word) > 6 and any(map(str.isdigit, word)) else word for word in text.split())[:200]
