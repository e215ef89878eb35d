"""The words of many tools for who may be mailed: values of columns, and what headers are made of."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache


class ImportStatus(StrEnum):
    """What a row says about the person; the values are the answers that ``--status`` takes."""

    FINE = "confirmed"
    PENDING = "pending"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCE = "bounced"
    COMPLAINT = "complained"
    MANUAL = "blocked"
    SKIP = "skip"
    """Never subscribed: not imported at all."""


WORST = (
    ImportStatus.COMPLAINT, ImportStatus.BOUNCE, ImportStatus.MANUAL, ImportStatus.UNSUBSCRIBED, ImportStatus.SKIP,
    ImportStatus.PENDING, ImportStatus.FINE,
)  # fmt: skip


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split(", "))


def _statuses(table: Mapping[ImportStatus, str]) -> dict[str, ImportStatus]:
    return {word: status for status, words in table.items() for word in _words(words)}


# Words that can mean nothing else, whatever the column is called.
STRONG = _statuses(
    {
        ImportStatus.PENDING: "unconfirmed, unactivated, awaiting confirmation, not confirmed, 待确认, 未确认, 未確認",
        ImportStatus.UNSUBSCRIBED: "unsubscribed, unsub, unsubscribe, opted out, opt out, optout, 退订, 已退订, "
        "取消订阅, 已取消订阅, 退訂, 已退訂, 購読解除, 配信停止, 解除済み, 수신거부, 구독취소, "
        "abgemeldet, désabonné, désinscrit, desuscrito, dado de baja, "
        "disiscritto, descadastrado, отписан, отписался, uitgeschreven",
        ImportStatus.BOUNCE: "bounced, bounce, bounces, hard bounced, hard bounce, hardbounce, undeliverable, "
        "undelivered, unreachable, 退信, 已退信",
        ImportStatus.COMPLAINT: "complained, complaint, complaints, spam complaint, marked as spam, reported spam, "
        "投诉, 已投诉",
        ImportStatus.MANUAL: "blocklisted, blacklisted, suppressed, do not contact, do not email, do not mail, dnc, "
        "黑名单",
        ImportStatus.SKIP: "nonsubscribed, non subscribed, not subscribed, never subscribed, transactional",
    }
)
# Words that mean it where the header speaks of a subscription.
KNOWN = STRONG | _statuses(
    {
        ImportStatus.FINE: "subscribed, active, enabled, confirmed, verified, opted in, opt in, regular, premium, "
        "free, paid, gifted, trialed, past due, paused, churned, churning, unpaid, current, ok, "
        "已订阅, 订阅中, 已确认, 正常, 購読中",
        ImportStatus.PENDING: "pending, validating, unverified",
        ImportStatus.UNSUBSCRIBED: "cancelled, canceled, removed, deleted, disabled, deactivated, left",
        ImportStatus.BOUNCE: "cleaned, invalid",
        ImportStatus.COMPLAINT: "spam, abuse, junk",
        ImportStatus.MANUAL: "blocked, banned, spammy, manual, provider",
        ImportStatus.SKIP: "archived",
    }
)
TRUE = _words("1, 1.0, true, yes, y, t, on, x, ✓, ✔, ja, oui, sí, si, да, 是, はい, 예")
FALSE = _words("0, 0.0, false, no, n, f, off, never, nein, non, нет, 否, いいえ, 아니오")
NOTHING = _words("null, none, nan, n/a, -, —, \\n, 0000 00 00, 0000 00 00 00:00:00") | {""}
DATE = re.compile(
    r"\d{4}[-/. ]\d{1,2}[-/. ]\d{1,2}|\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2,4}|^\d{9,13}$|\b\d{1,2}:\d{2}|\b\d{4}$"
)

# A header speaks where every other word of it is one of these.
AROUND = _words(
    "is, has, was, e, email, emails, mail, mailing, user, contact, contacts, subscriber, subscription, newsletter, "
    "newsletters, marketing, gdpr, list, global, flag, all, to, from, by, the, customer, member, people, person, "
    "audience, account, send, sending"
)
WHEN = _words("at, on, date, time, datetime, timestamp, utc, day, month, year, source, method, form")
WHY = _words("reason, campaign, title, id, other, type")
MEASURE = _words("count, number, rate, score, url, link, total, token, hash, key, ip")
STATUS = _words(
    "status, statut, статус, stav, 状态, 狀態, ステータス, 상태, "
    "订阅状态, 訂閱狀態, 邮件状态, 購読状態, 配信状態, 구독상태, abostatus"
)
STATE = _words("state, standing, estado, stato, zustand")
NO: tuple[tuple[ImportStatus | None, re.Pattern[str]], ...] = (
    (ImportStatus.COMPLAINT, re.compile(r"\b(?:complain(?:t|ts|ed)?|spam|abuse)\b")),
    (
        ImportStatus.BOUNCE,
        re.compile(r"\b(?:(?:hard )?bounced?|undeliver(?:able|ed)|clean(?:ed)?(?= time| campaign))\b"),
    ),
    (
        ImportStatus.MANUAL,
        re.compile(
            r"\b(?:blocked|banned|(?:black|block) ?list(?:ed)?|suppress(?:ed|ions?)|dnc|do not (?:contact|e?mail))\b"
        ),
    ),
    (
        ImportStatus.UNSUBSCRIBED,
        re.compile(r"\b(?:unsub(?:scribed?|scription)?|opt(?:ed)? ?out|deleted|removed|disabled|deactivated)\b"),
    ),
    (None, re.compile(r"\bcancel(?:l?ed|lation)?\b")),  # the newsletter, or a paid plan: only the operator knows
)
YES = re.compile(
    r"\b(?:subscribed?|opt(?:ed)? ?in|accepts?|consent(?:ed)?|permission|wants|receives?|mailable|active|enabled|"
    r"confirmed|verified)\b"
)
WEAK_YES = _words("active, enabled, confirmed, verified, consent, consented, permission, accept, accepts")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@lru_cache(maxsize=8192)
def normal(text: str) -> str:
    """A value or a header as the tables have it: in lower case, one space between words."""
    return re.sub(r"[\s_-]+", " ", text.strip().lower()).strip(" .!") or text.strip().lower()
