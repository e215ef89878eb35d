"""The decision table: one row a situation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from publisher.config.model import PublishConfig
from publisher.publishing.due import Action, Facts, Mailed, decide, what_blocks, with_family

NOW = datetime(2025, 3, 10, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
POLICY = PublishConfig()
VETO = PublishConfig(veto_window=2 * HOUR)
READY = Facts("s", digest="sha256:b", content="sha256:words", seen_at=NOW)
DONE = Mailed("sha256:b", "sha256:words", "going", 0, 0)
HALF = replace(DONE, sendable=5)
WAITS = replace(HALF, waiting=5, next_at=NOW + HOUR)
OTHER_WORDS = {"digest": "sha256:c", "content": "sha256:other words"}
OLD = replace(DONE, title="Floods in spring", frozen_at=NOW - 300 * DAY)
NEW = {**OTHER_WORDS, "title": "The mill opens"}
OTHER_THEME = {"digest": "sha256:c"}

TABLE = [
    ("no schedule is due at once", READY, POLICY, Action.DUE),
    ("no schedule never expires", replace(READY, seen_at=NOW - 900 * DAY), POLICY, Action.DUE),
    ("dated yesterday", replace(READY, seen_at=None, day_ends=NOW - 23 * HOUR), POLICY, Action.DUE),
    ("dated long ago, and never seen", replace(READY, seen_at=None, day_ends=NOW - 25 * HOUR), POLICY, Action.MISSED),
    ("dated long ago, and said to be unmailed",
     replace(READY, seen_at=None, day_ends=NOW - 900 * DAY, settled="unmailed"), POLICY, Action.DUE),
    ("dated long ago, seen before, edited since",
     replace(READY, seen_at=None, known=True, day_ends=NOW - 25 * HOUR), POLICY, Action.DUE),
    ("dated long ago, never seen, and config.yaml asks for it",
     replace(READY, seen_at=None, day_ends=NOW - 900 * DAY, asked=True), POLICY, Action.DUE),
    ("dated long ago, never seen, and its time was an hour ago",
     replace(READY, seen_at=None, day_ends=NOW - 900 * DAY, publish_at=NOW - HOUR), POLICY, Action.DUE),
    ("its time has come", replace(READY, publish_at=NOW), POLICY, Action.DUE),
    ("its time is to come", replace(READY, publish_at=NOW + HOUR), POLICY, Action.WAITING),
    ("missed by a little", replace(READY, publish_at=NOW - 23 * HOUR, seen_at=NOW - 30 * DAY), POLICY, Action.DUE),
    ("missed by too much", replace(READY, publish_at=NOW - 25 * HOUR, seen_at=NOW - 30 * DAY), POLICY, Action.EXPIRED),
    ("merged long after its time", replace(READY, publish_at=NOW - 25 * HOUR), POLICY, Action.EXPIRED),
    ("local time is to come in the first zone", replace(READY, publish_at=NOW + HOUR, last_at=NOW + 27 * HOUR), POLICY,
     Action.WAITING),
    ("local time has come in the first zone", replace(READY, publish_at=NOW, last_at=NOW + 26 * HOUR), POLICY,
     Action.DUE),
    ("merged when the first zone is long past", replace(READY, publish_at=NOW - 40 * HOUR, last_at=NOW - 14 * HOUR),
     POLICY, Action.DUE),
    ("merged long after the last zone", replace(READY, publish_at=NOW - 51 * HOUR, last_at=NOW - 25 * HOUR), POLICY,
     Action.EXPIRED),
    ("half mailed, the others wait", replace(READY, mailed=WAITS), POLICY, Action.RESUME),
    ("half mailed, the others wait, then other words", replace(READY, mailed=WAITS, **OTHER_WORDS), POLICY,
     Action.CONFLICT),
    ("the window is open", replace(READY, seen_at=NOW - HOUR), VETO, Action.WAITING),
    ("the window is over", replace(READY, seen_at=NOW - 2 * HOUR), VETO, Action.DUE),
    ("never seen: the window begins now", replace(READY, seen_at=None), VETO, Action.WAITING),
    ("merged just before its time: window", replace(READY, publish_at=NOW - HOUR, seen_at=NOW - HOUR), VETO,
     Action.WAITING),
    ("the window does not make it expire", replace(READY, publish_at=NOW - 24 * HOUR, seen_at=NOW - 23 * HOUR),
     PublishConfig(veto_window=22 * HOUR), Action.DUE),
    ("held", replace(READY, held_at=NOW), POLICY, Action.HELD),
    ("held wins over expired", replace(READY, held_at=NOW, publish_at=NOW - 9 * DAY), POLICY, Action.HELD),
    ("draft", replace(READY, ready=False), POLICY, Action.DRAFT),
    ("a broken draft is a draft", replace(READY, ready=False, broken=True), POLICY, Action.DRAFT),
    ("broken", replace(READY, broken=True), POLICY, Action.BROKEN),
    ("mailed", replace(READY, mailed=DONE), POLICY, Action.DONE),
    ("mailed, then re-scheduled", replace(READY, mailed=DONE, publish_at=NOW + DAY), POLICY, Action.DONE),
    ("mailed, then held", replace(READY, mailed=DONE, held_at=NOW), POLICY, Action.DONE),
    ("mailed, then other words", replace(READY, mailed=DONE, **OTHER_WORDS), POLICY, Action.CHANGED),
    ("mailed, then replaced by another issue", replace(READY, mailed=OLD, day_ends=NOW, **NEW), POLICY, Action.REUSED),
    ("the same, and settled", replace(READY, mailed=OLD, day_ends=NOW, settled="mailed", **NEW), POLICY,
     Action.CHANGED),
    ("mailed before its date, then a slip in its title mended",
     replace(READY, mailed=OLD, day_ends=NOW, **OTHER_WORDS, title="Floods in spring, again"), POLICY, Action.CHANGED),
    ("mailed, then another title on the same day",
     replace(READY, mailed=replace(OLD, frozen_at=NOW - HOUR), day_ends=NOW, **NEW), POLICY, Action.CHANGED),
    ("mailed, then another theme", replace(READY, mailed=DONE, **OTHER_THEME), POLICY, Action.DONE),
    ("mailed, no digest", replace(READY, mailed=replace(DONE, content=None), **OTHER_THEME), POLICY, Action.CHANGED),
    ("half mailed", replace(READY, mailed=HALF), POLICY, Action.RESUME),
    ("half mailed goes on later", replace(READY, mailed=HALF, publish_at=NOW - 9 * DAY), POLICY, Action.RESUME),
    ("half mailed, then another theme", replace(READY, mailed=HALF, **OTHER_THEME), POLICY, Action.RESUME),
    ("half mailed, then other words", replace(READY, mailed=HALF, **OTHER_WORDS), POLICY, Action.CONFLICT),
    ("half mailed, then held", replace(READY, mailed=HALF, held_at=NOW), POLICY, Action.HELD),
    ("half mailed, paused", replace(READY, mailed=replace(HALF, operator="paused")), POLICY, Action.PAUSED),
    ("half mailed, cancelled", replace(READY, mailed=replace(HALF, operator="cancelled")), POLICY, Action.CANCELLED),
    ("only uncertain left", replace(READY, mailed=replace(DONE, uncertain=2)), POLICY, Action.UNCERTAIN),
    ("half mailed, then gone", replace(READY, mailed=HALF, in_repository=False), POLICY, Action.WITHDRAWN),
    ("live, then gone", replace(READY, archived=True, in_repository=False), POLICY, Action.WITHDRAWN),
    ("live, then a draft again", replace(READY, archived=True, ready=False), POLICY, Action.WITHDRAWN),
    ("readers have what the ledger lacks", replace(READY, claimed="the archive"), POLICY, Action.UNKNOWN),
    ("the ledger's word beats the archive's", replace(READY, claimed="the archive", mailed=DONE), POLICY, Action.DONE),
    ("readers have it by a name that is gone", replace(READY, mailed_as="a"), POLICY, Action.RENAMED),
    ("readers have it by another name, and its time is past",
     replace(READY, mailed_as="a", publish_at=NOW - 9 * DAY), POLICY, Action.RENAMED),
    ("renamed, and held", replace(READY, mailed_as="a", held_at=NOW), POLICY, Action.HELD),
    ("renamed, and to be mailed anew", replace(READY, mailed_as="a", settled="unmailed"), POLICY, Action.DUE),
    ("renamed, and never to be mailed", replace(READY, mailed_as="a", settled="mailed"), POLICY, Action.SETTLED),
    ("settled as mailed", replace(READY, claimed="the archive", settled="mailed"), POLICY, Action.SETTLED),
    ("settled as unmailed", replace(READY, claimed="the archive", settled="unmailed"), POLICY, Action.DUE),
]  # fmt: skip


@pytest.mark.parametrize(("facts", "policy", "kind"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_the_table(facts: Facts, policy: PublishConfig, kind: Action) -> None:
    assert decide(facts, NOW, policy).kind is kind


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        (replace(READY, held_at=NOW, held_why="no"), "held since 2025-03-10 12:00+00:00: no"),
        (replace(READY, mailed=replace(HALF, operator="paused")), "paused; 5 recipients are left"),
        (replace(READY, broken=True), "broken: it has errors"),
        (replace(READY, mailed=HALF), "resume: 5 recipients are left"),
    ],
)
def test_the_line_names_the_action_once(facts: Facts, line: str) -> None:
    assert decide(facts, NOW, POLICY).says == line


@pytest.mark.parametrize(
    ("facts", "somebody"),
    [
        (replace(READY, mailed=DONE, in_repository=False), False),
        (replace(READY, mailed=HALF, in_repository=False), True),
        (replace(READY, mailed=HALF, ready=False, archived=True), True),
        (replace(READY, mailed=replace(HALF, operator="paused"), in_repository=False), True),
        (replace(READY, mailed=replace(HALF, operator="cancelled"), in_repository=False), False),
        (replace(READY, archived=True, in_repository=False), False),
    ],
)
def test_what_is_taken_away_needs_somebody_while_its_mailing_is_left_in_the_middle(
    facts: Facts, somebody: bool
) -> None:
    decision = decide(facts, NOW, POLICY)
    assert (decision.kind, decision.needs_operator) == (Action.WITHDRAWN, somebody)
    assert ("5 recipients are left" in decision.why) is somebody
    assert ("draft" in decision.why) is facts.in_repository


def test_every_kind_is_in_the_table() -> None:
    assert {row[3] for row in (*TABLE, *FAMILIES)} == set(Action)


FAMILIES: list[tuple[str, Facts, Facts, Action]] = [
    ("both are due", READY, READY, Action.DUE),
    ("the other is a draft", READY, replace(READY, ready=False), Action.WAITING),
    ("the other is broken", READY, replace(READY, broken=True), Action.WAITING),
    ("the other is due later", READY, replace(READY, publish_at=NOW + DAY), Action.WAITING),
    ("the other is held", READY, replace(READY, held_at=NOW), Action.WAITING),
    ("the other expired", READY, replace(READY, publish_at=NOW - 9 * DAY), Action.WAITING),
    ("the other was mailed", READY, replace(READY, mailed=DONE), Action.LATE),
    ("the other is half mailed", READY, replace(READY, mailed=HALF), Action.LATE),
    ("the other was mailed elsewhere", READY, replace(READY, settled="mailed"), Action.LATE),
    ("expired, the other mailed", replace(READY, publish_at=NOW - 9 * DAY), replace(READY, mailed=DONE), Action.LATE),
    ("waiting, the other mailed", replace(READY, publish_at=NOW + DAY), replace(READY, mailed=DONE), Action.LATE),
    ("missed, the other mailed", replace(READY, day_ends=NOW - 9 * DAY), replace(READY, mailed=DONE), Action.LATE),
    ("the other was renamed", READY, replace(READY, mailed_as="a"), Action.WAITING),
    ("the other was missed", READY, replace(READY, day_ends=NOW - 9 * DAY), Action.WAITING),
    ("readers have the other, the ledger lacks it", READY, replace(READY, claimed="the archive"), Action.WAITING),
    ("half mailed, and the other too", replace(READY, mailed=HALF), replace(READY, mailed=HALF), Action.RESUME),
    ("the other is gone", READY, replace(READY, in_repository=False), Action.DUE),
    ("the other is a draft again", READY, replace(READY, ready=False, archived=True), Action.WAITING),
    ("the other was mailed, and is a draft again", READY,
     replace(READY, ready=False, archived=True, mailed=HALF), Action.LATE),
    ("the other is half mailed, and held", READY, replace(READY, mailed=HALF, held_at=NOW), Action.LATE),
    ("the other is half mailed, cancelled", READY, replace(READY, mailed=replace(HALF, operator="cancelled")),
     Action.LATE),
    ("the other went to nobody", READY, replace(READY, mailed=replace(DONE, nobody=True)), Action.LATE),
    ("it went to nobody and has changed", replace(READY, content="new", mailed=replace(DONE, nobody=True)), READY,
     Action.DONE),
]  # fmt: skip


@pytest.mark.parametrize(("own", "other", "kind"), [row[1:] for row in FAMILIES], ids=[row[0] for row in FAMILIES])
def test_a_family_goes_together_and_once(own: Facts, other: Facts, kind: Action) -> None:
    decisions = [decide(facts, NOW, POLICY) for facts in (own, other)]
    assert with_family(decisions[0], decisions[1:]).kind is kind


def test_what_was_mailed_is_never_due_again_whatever_else_is_so() -> None:
    for _, facts, policy, _ in TABLE:
        if facts.in_repository:
            assert decide(replace(facts, mailed=DONE), NOW, policy).kind is not Action.DUE


def test_only_a_broken_issue_that_is_live_blocks_the_others() -> None:
    broken = replace(READY, broken=True)
    assert what_blocks([decide(broken, NOW, POLICY)]) is None
    assert what_blocks([decide(replace(broken, archived=True), NOW, POLICY)])


def test_what_somebody_has_to_settle_says_what_to_type() -> None:
    for name, facts, policy, kind in TABLE:
        if kind in {Action.BROKEN, Action.CONFLICT, Action.EXPIRED, Action.HELD, Action.UNCERTAIN, Action.UNKNOWN}:
            assert "publisher " in (decide(facts, NOW, policy).help or ""), name


def test_a_ledger_that_forgot_part_of_a_mailing_resumes_nothing() -> None:
    half = replace(READY, mailed=Mailed("sha256:a", None, "going", 5, 0), unknown_mail="3 recipients")
    assert decide(half, NOW, POLICY).kind is Action.UNKNOWN
    assert decide(replace(half, settled="unmailed"), NOW, POLICY).kind is Action.UNKNOWN, "an older word"
    assert decide(replace(half, settled="mailed"), NOW, POLICY).kind is Action.SETTLED


def test_a_run_with_its_clock_ahead_calls_nothing_late() -> None:
    due = replace(READY, publish_at=NOW - HOUR, seen_at=NOW + 10_000 * HOUR)
    assert decide(due, NOW, POLICY).kind is Action.DUE


def test_who_waits_for_local_time_is_mailed_by_the_run_that_meets_it() -> None:
    waits = decide(replace(READY, mailed=WAITS), NOW, POLICY)
    assert (waits.mails, waits.at, waits.why) == (False, NOW + HOUR, "5 wait until 2025-03-10 13:00 UTC or later")
    assert waits.public
    assert decide(replace(READY, mailed=WAITS), NOW + HOUR, POLICY).mails
    assert decide(replace(READY, mailed=replace(WAITS, waiting=4)), NOW, POLICY).mails
    changed = decide(replace(READY, mailed=WAITS, **OTHER_WORDS), NOW, POLICY)
    assert "--correction" in str(changed.help)


@pytest.mark.parametrize(("ago", "kind"), [
    (lambda late: {"publish_at": NOW - late}, Action.EXPIRED),
    (lambda late: {"publish_at": NOW - late - 26 * HOUR, "last_at": NOW - late}, Action.EXPIRED),
    (lambda late: {"day_ends": NOW - late}, Action.MISSED),
])  # fmt: skip
def test_an_issue_may_be_late_by_all_of_expires_after_and_by_no_moment_more(
    ago: Callable[[timedelta], dict[str, datetime]], kind: Action
) -> None:
    late = POLICY.expires_after
    assert decide(replace(READY, **ago(late)), NOW, POLICY).kind is Action.DUE
    assert decide(replace(READY, **ago(late + timedelta.resolution)), NOW, POLICY).kind is kind


@pytest.mark.parametrize(("schedule", "policy", "at", "why"), [
    ({"publish_at": NOW + HOUR}, POLICY, NOW + HOUR, "due 2025-03-10 13:00"),
    ({"publish_at": NOW + 3 * HOUR}, VETO, NOW + 3 * HOUR, "due 2025-03-10 15:00"),
    ({"publish_at": NOW + HOUR}, VETO, NOW + 2 * HOUR, "may be vetoed until 2025-03-10 14:00"),
    ({"seen_at": None}, VETO, NOW + 2 * HOUR, "may be vetoed until 2025-03-10 14:00"),
])  # fmt: skip
def test_what_waits_says_until_when(
    schedule: dict[str, datetime], policy: PublishConfig, at: datetime, why: str
) -> None:
    found = decide(replace(READY, **schedule), NOW, policy)
    assert (found.kind, found.at, found.mails) == (Action.WAITING, at, False)
    assert found.why.startswith(why)
    told = {"issue": "s", "decision": "waiting", "why": found.why, "help": found.help, "at": at.isoformat()}
    assert found.as_object() == told


def test_the_archive_has_what_may_be_mailed_or_was_and_of_what_is_held_what_readers_have() -> None:
    hidden = {Action.WAITING, Action.DRAFT, Action.BROKEN, Action.WITHDRAWN, Action.HELD}
    for name, facts, policy, kind in TABLE:
        waits = facts.mailed is WAITS and kind is Action.RESUME
        assert decide(facts, NOW, policy).public is (kind not in hidden), name
        assert decide(facts, NOW, policy).mails is (kind in {Action.DUE, Action.RESUME} and not waits), name
    assert decide(replace(READY, held_at=NOW, archived=True), NOW, POLICY).public
