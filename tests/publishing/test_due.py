"""The decision table: one row a situation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from publisher.config.model import Publish
from publisher.publishing.due import Facts, Kind, Mailed, decide

NOW = datetime(2025, 3, 10, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POLICY = Publish()
VETO = Publish(veto_window=2 * HOUR)
READY = Facts("s", digest="sha256:b", content="sha256:words", seen_at=NOW)
DONE = Mailed("sha256:b", "sha256:words", "going", 0, 0)
HALF = replace(DONE, sendable=5)
OTHER_WORDS = {"digest": "sha256:c", "content": "sha256:other words"}
OTHER_THEME = {"digest": "sha256:c"}

TABLE = [
    ("no schedule is due at once", READY, POLICY, Kind.DUE),
    ("no schedule never expires", replace(READY, seen_at=NOW - 900 * DAY), POLICY, Kind.DUE),
    ("dated yesterday", replace(READY, seen_at=None, day_ends=NOW - 23 * HOUR), POLICY, Kind.DUE),
    ("dated long ago, and never seen", replace(READY, seen_at=None, day_ends=NOW - 25 * HOUR), POLICY, Kind.MISSED),
    ("dated long ago, and said to be unmailed",
     replace(READY, seen_at=None, day_ends=NOW - 900 * DAY, settled="unmailed"), POLICY, Kind.DUE),
    ("dated long ago, seen before, edited since",
     replace(READY, seen_at=None, known=True, day_ends=NOW - 25 * HOUR), POLICY, Kind.DUE),
    ("its time has come", replace(READY, publish_at=NOW), POLICY, Kind.DUE),
    ("its time is to come", replace(READY, publish_at=NOW + HOUR), POLICY, Kind.WAITING),
    ("missed by a little", replace(READY, publish_at=NOW - 23 * HOUR, seen_at=NOW - 30 * DAY), POLICY, Kind.DUE),
    ("missed by too much", replace(READY, publish_at=NOW - 25 * HOUR, seen_at=NOW - 30 * DAY), POLICY, Kind.EXPIRED),
    ("merged long after its time", replace(READY, publish_at=NOW - 25 * HOUR), POLICY, Kind.EXPIRED),
    ("the window is open", replace(READY, seen_at=NOW - HOUR), VETO, Kind.WAITING),
    ("the window is over", replace(READY, seen_at=NOW - 2 * HOUR), VETO, Kind.DUE),
    ("never seen: the window begins now", replace(READY, seen_at=None), VETO, Kind.WAITING),
    ("merged just before its time: window", replace(READY, publish_at=NOW - HOUR, seen_at=NOW - HOUR), VETO,
     Kind.WAITING),
    ("the window does not make it expire", replace(READY, publish_at=NOW - 24 * HOUR, seen_at=NOW - 23 * HOUR),
     Publish(veto_window=22 * HOUR), Kind.DUE),
    ("held", replace(READY, held_at=NOW), POLICY, Kind.HELD),
    ("held wins over expired", replace(READY, held_at=NOW, publish_at=NOW - 9 * DAY), POLICY, Kind.HELD),
    ("draft", replace(READY, ready=False), POLICY, Kind.DRAFT),
    ("a broken draft is a draft", replace(READY, ready=False, broken=True), POLICY, Kind.DRAFT),
    ("broken", replace(READY, broken=True), POLICY, Kind.BROKEN),
    ("mailed", replace(READY, mailed=DONE), POLICY, Kind.DONE),
    ("mailed, then re-scheduled", replace(READY, mailed=DONE, publish_at=NOW + DAY), POLICY, Kind.DONE),
    ("mailed, then held", replace(READY, mailed=DONE, held_at=NOW), POLICY, Kind.DONE),
    ("mailed, then other words", replace(READY, mailed=DONE, **OTHER_WORDS), POLICY, Kind.CHANGED),
    ("mailed, then another theme", replace(READY, mailed=DONE, **OTHER_THEME), POLICY, Kind.DONE),
    ("mailed, words unknown", replace(READY, mailed=replace(DONE, content=None), **OTHER_THEME), POLICY, Kind.CHANGED),
    ("half mailed", replace(READY, mailed=HALF), POLICY, Kind.RESUME),
    ("half mailed goes on after its time", replace(READY, mailed=HALF, publish_at=NOW - 9 * DAY), POLICY, Kind.RESUME),
    ("half mailed, then another theme", replace(READY, mailed=HALF, **OTHER_THEME), POLICY, Kind.RESUME),
    ("half mailed, then other words", replace(READY, mailed=HALF, **OTHER_WORDS), POLICY, Kind.CONFLICT),
    ("half mailed, then held", replace(READY, mailed=HALF, held_at=NOW), POLICY, Kind.HELD),
    ("half mailed, paused", replace(READY, mailed=replace(HALF, operator="paused")), POLICY, Kind.PAUSED),
    ("half mailed, cancelled", replace(READY, mailed=replace(HALF, operator="cancelled")), POLICY, Kind.CANCELLED),
    ("only uncertain left", replace(READY, mailed=replace(DONE, uncertain=2)), POLICY, Kind.UNCERTAIN),
    ("half mailed, then gone", replace(READY, mailed=HALF, in_repository=False), POLICY, Kind.WITHDRAWN),
    ("live, then gone", replace(READY, archived=True, in_repository=False), POLICY, Kind.WITHDRAWN),
    ("live, then a draft again", replace(READY, archived=True, ready=False), POLICY, Kind.WITHDRAWN),
    ("readers have what the ledger lacks", replace(READY, claimed="the archive"), POLICY, Kind.UNKNOWN),
    ("the ledger's word beats the archive's", replace(READY, claimed="the archive", mailed=DONE), POLICY, Kind.DONE),
    ("settled as mailed", replace(READY, claimed="the archive", settled="mailed"), POLICY, Kind.SETTLED),
    ("settled as unmailed", replace(READY, claimed="the archive", settled="unmailed"), POLICY, Kind.DUE),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "policy", "kind"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_table(facts: Facts, policy: Publish, kind: Kind) -> None:
    assert decide(facts, NOW, policy).kind is kind


def test_every_kind_is_in_the_table() -> None:
    assert {row[3] for row in TABLE} == set(Kind)


def test_what_was_mailed_is_never_due_again_whatever_else_is_so() -> None:
    for _, facts, policy, _ in TABLE:
        if facts.in_repository:
            assert decide(replace(facts, mailed=DONE), NOW, policy).kind is not Kind.DUE


def test_what_somebody_has_to_settle_says_what_to_type() -> None:
    for name, facts, policy, kind in TABLE:
        if kind in {Kind.BROKEN, Kind.CONFLICT, Kind.EXPIRED, Kind.HELD, Kind.UNCERTAIN, Kind.UNKNOWN}:
            assert "publisher " in (decide(facts, NOW, policy).help or ""), name


def test_a_ledger_that_forgot_part_of_a_mailing_resumes_nothing() -> None:
    half = replace(READY, mailed=Mailed("sha256:a", None, "going", 5, 0), forgotten="3 recipients")
    assert decide(half, NOW, POLICY).kind is Kind.UNKNOWN
    assert decide(replace(half, settled="unmailed"), NOW, POLICY).kind is Kind.UNKNOWN, "an older word"
    assert decide(replace(half, settled="mailed"), NOW, POLICY).kind is Kind.SETTLED
