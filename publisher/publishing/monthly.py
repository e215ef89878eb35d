"""The month's edition, ``digest/<yyyy-mm>``: the issues of a month as one, for subscribers who want mail less often.

A subscriber's part of it are the issues of that month from which the ledger excluded them as ``digest``: by their
language and the issues' audiences, without issues they also got singly. So a subscriber who switches within a month
gets each issue once. Subscribers excluded from the same issues get the same variant. There is one mailing per month.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Self

from sqlalchemy import BigInteger, ColumnElement, Connection, case, cast, exists, func, literal, select

from publisher.audience.tables import subscribers
from publisher.config import Config
from publisher.delivery import mailings as store
from publisher.delivery.lock import DIGEST
from publisher.delivery.mailings import Mailing
from publisher.delivery.send import Options
from publisher.delivery.states import Operator, RecipientState
from publisher.delivery.tables import LEFT_TO_MONTH, mailings, recipients
from publisher.diagnostics import Diagnostic, Span, blocking, say
from publisher.edition.model import Edition
from publisher.edition.provenance import hash_parts
from publisher.edition.rendering import render
from publisher.issue.folder import discover
from publisher.issue.model import Issue, Item, Places, Prose, Status
from publisher.language import Locale
from publisher.mail.message import MailContent
from publisher.publishing.due import Action, Facts, IssueDecision
from publisher.publishing.run import IssueResult, Run
from publisher.publishing.series import left_of
from publisher.publishing.store import publication

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~^=:$&])")


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """The issues that subscribers were excluded from: issues by key, and the key of a row of ``subscribers``.

    A key is a sum of numbers hashed from slugs, because the databases share no ordered aggregation of strings.
    """

    parts: Mapping[int, tuple[str, ...]]
    key: ColumnElement[int]

    @classmethod
    def read(cls, connection: Connection, config: Config, last: date) -> Self:
        """Read the month whose last day is ``last``, in the newsletter's time zone."""
        m, r, zone = mailings.c, recipients.c, config.newsletter.zone
        first, end = (datetime.combine(day, time.min, zone) for day in (last.replace(day=1), last + timedelta(days=1)))
        had, of = recipients.alias("had").c, mailings.alias("of").c  # another mailing of an issue, received singly
        went = (RecipientState.SUBMITTED, RecipientState.UNCERTAIN, RecipientState.CLAIMED)
        singly = exists().where(
            had.reference == r.reference, had.state.in_(went), of.id == had.mailing_id, of.slug == m.slug
        )
        left_out = (
            select(r.reference, m.slug)
            .join(mailings, m.id == r.mailing_id)
            .where(LEFT_TO_MONTH, m.operator != Operator.CANCELLED)
            .where(m.frozen_at >= first.astimezone(UTC), m.frozen_at < end.astimezone(UTC), ~singly)
            .distinct()
        )
        slugs = connection.scalars(select(left_out.subquery().c.slug).distinct()).all()
        numbers = {slug: literal(int(hashlib.sha256(slug.encode()).hexdigest()[:12], 16), BigInteger) for slug in slugs}

        def total(slug: ColumnElement[str]) -> ColumnElement[int]:
            return cast(func.sum(case(numbers, value=slug)), BigInteger) if numbers else literal(0, BigInteger)

        all_ = left_out.subquery().c
        keys = select(all_.reference, total(all_.slug).label("key")).group_by(all_.reference)
        mine = left_out.where(r.reference == subscribers.c.reference).correlate(subscribers).subquery().c
        own = select(total(mine.slug)).scalar_subquery()
        every = keys.subquery().c
        samples = select(every.key, func.min(every.reference)).group_by(every.key)
        parts = {
            key: tuple(connection.scalars(left_out.where(r.reference == reference).with_only_columns(m.slug)))
            for key, reference in connection.execute(samples.order_by(func.count().desc(), every.key))
        }
        return cls(parts, own)

    @property
    def slugs(self) -> set[str]:
        """The slugs of all its issues."""
        return {slug for part in self.parts.values() for slug in part}

    def shown(self, editions: Mapping[str, Edition]) -> list[tuple[int, list[Edition]]]:
        """Return the editions of each key, oldest first; withdrawn issues have none."""
        found = {key: [editions[slug] for slug in part if slug in editions] for key, part in self.parts.items()}
        return [(key, sorted(part, key=lambda one: (one.date, one.slug))) for key, part in found.items() if part]

    def variant(self, chosen: Sequence[int]) -> ColumnElement[int]:
        """Return the SQL expression for the index of a subscriber's key in ``chosen``."""
        return case({key: number for number, key in enumerate(chosen)}, value=self.key, else_=0)


def mail_months(run: Run, editions: Mapping[str, Edition], options: Options) -> list[IssueResult]:
    """Finish the mailings of earlier months, and mail the last month if it was not; return what was done."""
    last, slug = _last(run.config, run.now)
    with run.database.connect() as connection:
        begun, month = _begun(connection), _to_come(connection, run.config, last, slug)
        left = [one for one in begun.values() if one.finished_at is None and one.operator == Operator.GOING]
        letters = {one.slug: store.letter_of(connection, one.id) for one in left}
    goes_on = {one: IssueDecision(Facts(one), Action.RESUME, say("it goes on")) for one in letters}
    results = [run.mail(goes_on[one], letter, options) for one, letter in letters.items()]
    if month is None or not month.parts:
        return results
    if broken := sorted((month.slugs - editions.keys()) & {*discover(run.config.root)}):
        why = say("it waits for {slug}, which has errors", slug=broken[0])
        return [*results, IssueResult(IssueDecision(Facts(slug), Action.BROKEN, why, f"publisher check {broken[0]}"))]
    made = [(key, _edition(run.config, slug, last, shown)) for key, shown in month.shown(editions)]
    if found := [fault for _, (_, faults) in made for fault in faults if blocking([fault])]:
        return [*results, IssueResult(IssueDecision(Facts(slug), Action.BROKEN, found[0].message))]
    keyed = [(key, edition) for key, (edition, _) in made if edition]
    if keyed:
        keys, letter = [key for key, _ in keyed], _letter([edition for _, edition in keyed])
        options = replace(options, segment=month.key.in_(keys), variant=month.variant(keys))
        results.append(run.mail(IssueDecision(Facts(slug), Action.DUE, say("due now")), letter, options))
    return results


def open_months(run: Run) -> dict[str, bool]:
    """Return the months that an operator can settle, each with whether the ledger knows a mailing of it."""
    _, slug = _last(run.config, run.now)
    with run.database.connect() as connection:
        begun = _begun(connection)
    left = {one.slug: True for one in begun.values() if one.finished_at is None and one.operator != Operator.CANCELLED}
    return left if slug in begun else {**left, slug: False}


def plan_months(connection: Connection, config: Config, now: datetime) -> list[IssueDecision]:
    """Return what a run at ``now`` would do with months, as far as ledger and folders show."""
    last, slug = _last(config, now)
    found = [*filter(None, (left_of(connection, mailing) for mailing in _begun(connection).values()))]
    month = _to_come(connection, config, last, slug)
    if month and month.slugs & {*discover(config.root)}:
        found.append(IssueDecision(Facts(slug), Action.DUE, say("due now")))
    return found


def _begun(connection: Connection) -> dict[str, Mailing]:
    return {one.slug: one for one in store.every_newest(connection) if one.slug.startswith(DIGEST)}


def _to_come(connection: Connection, config: Config, last: date, slug: str) -> _LeftOut | None:
    """Return the month whose last day is ``last``; None if it was mailed, or an operator settled it as mailed."""
    had = store.newest(connection, slug) or publication(connection, slug).settled_how == "mailed"
    return None if had else _LeftOut.read(connection, config, last)


def _last(config: Config, now: datetime) -> tuple[date, str]:
    """Return the last day of the previous month, and the slug of its edition."""
    today = now.astimezone(config.newsletter.zone).date()
    last = today.replace(day=1) - timedelta(days=1)
    return last, f"{DIGEST}{last:%Y-%m}"


def _letter(editions: Sequence[Edition]) -> MailContent:
    letters = [MailContent.of(edition, counts=False) for edition in editions]  # clicks are counted per issue
    if len(letters) == 1:
        return letters[0]
    digest = hash_parts("publisher months 1", (("digest", one.digest.encode()) for one in letters))
    named = tuple(replace(one, name=str(number)) for number, one in enumerate(letters, 1))
    return replace(letters[0], digest=digest, variants=named)


def _edition(
    config: Config, slug: str, last: date, shown: Sequence[Edition]
) -> tuple[Edition | None, list[Diagnostic]]:
    """Render the edition of these issues: for each, the title, date, subtitle or preheader, headlines, and a link."""
    language = Counter(one.language for one in shown).most_common(1)[0][0]
    words, places = Locale.of(language, config.labels), Places(slug, Span.point(1))
    items = []
    for number, one in enumerate(shown, 1):
        page = f"{config.newsletter.url}issues/{one.slug}/"
        headlines = [f"- [{_plain(story.headline)}]({page}#{story.anchor})" for story in one.stories if story.headline]
        about = [_plain(part) for part in (words.date(one.date), one.subtitle or one.preheader) if part]
        lines = "\n\n".join([*about, "\n".join(headlines), f"[{words('digest_read')}]({page})"]).split("\n")
        body = Prose("\n".join(lines), slug, tuple((line, 1) for line in range(1, len(lines) + 1)))
        items.append(Item(one.title, body, f"issue-{number}", places))
    title = words("digest_title", month=words.month(last))
    return render(Issue(slug, "", title, last, language, title, places, tuple(items), status=Status.READY), config)


def _plain(text: str) -> str:
    """Escape text for Markdown, on one line."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))
