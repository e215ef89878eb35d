"""An issue and its translations: a reader gets one of them, frozen in one transaction, and none of the family twice."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from publisher.audience.segments import segment_clause
from publisher.audience.tables import subscribers
from publisher.database import Database
from publisher.delivery import candidates, mailings
from publisher.delivery.candidates import FamilyRule
from publisher.delivery.freeze import Addressed, freeze, preview
from publisher.delivery.mailings import Mailing
from publisher.delivery.states import Operator, RecipientState
from publisher.delivery.tables import mailings as table
from publisher.delivery.tables import recipients
from publisher.errors import UsageError
from publisher.issue.translations import Sibling, pick
from tests.delivery.world import add_person, make_letter

ZH, EN, TW = Sibling("weekly", "zh-CN"), Sibling("weekly-en", "en"), Sibling("weekly-tw", "zh-TW")
FAMILY = FamilyRule((ZH, EN, TW), "zh-CN")
SPOKEN = [None, "zh-CN", "zh-TW", "zh-HK", "zh", "zh-SG", "en", "en-GB", "de", "yue"]


@pytest.mark.parametrize(
    ("language", "slug"),
    [
        ("zh-CN", "weekly"),
        ("zh-TW", "weekly-tw"),
        ("zh-HK", "weekly-tw"),  # the script of Taiwan
        ("zh-SG", "weekly"),
        ("en-GB", "weekly-en"),
        ("de", "weekly"),  # the newsletter's language
        (None, "weekly"),
        ("", "weekly"),
        ("no tag at all", "weekly"),
    ],
)
def test_a_reader_s_language_picks_the_exact_tag_then_the_script_then_the_language(
    language: str | None, slug: str
) -> None:
    assert pick(language, FAMILY.members, "zh-CN") == slug


def test_where_neither_the_reader_s_nor_the_newsletter_s_language_is_there_it_is_the_original() -> None:
    assert pick("fr", (Sibling("a", "ja"), Sibling("b", "en")), "de") == "a"


@given(
    st.lists(st.sampled_from(["zh-CN", "zh-TW", "en", "en-GB", "de", "ja", "pt-BR"]), min_size=2, unique=True),
    st.text(),
)
def test_every_reader_gets_exactly_one(languages: list[str], spoken: str) -> None:
    members = [Sibling(f"s{n}", language) for n, language in enumerate(languages)]
    assert pick(spoken, members, "fr") in {one.slug for one in members}


def letter(slug: str, language: str = "zh-CN") -> object:
    return make_letter(slug=slug, language=language, digest=f"sha256:{slug}")


def frozen(database: Database, slug: str, *siblings: str, family: FamilyRule = FAMILY, **more: bool) -> Mailing:
    with database.begin() as connection:
        along = [Addressed(letter(other), None) for other in siblings]
        return freeze(connection, letter(slug), family=family, siblings=along, **more)


def given_to(database: Database, slug: str) -> dict[str, set[str]]:
    """Of the newest mailing of an issue: who, by state and reason."""
    with database.connect() as connection:
        mailing = mailings.newest(connection, slug)
        assert mailing is not None
        rows = connection.execute(select(recipients).where(recipients.c.mailing_id == mailing.id)).mappings().all()
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["reason"] or row["state"], set()).add(row["reference"])
    return found


def people(database: Database) -> None:
    for number, language in enumerate(SPOKEN):
        add_person(database, number, language=language)


def test_siblings_are_frozen_together_and_every_reader_is_pending_once(database: Database) -> None:
    people(database)
    frozen(database, "weekly-en", "weekly", "weekly-tw")
    shares = [given_to(database, one.slug) for one in FAMILY.members]
    got = [share["pending"] for share in shares]
    assert sum(map(len, got)) == len(SPOKEN)
    assert set.union(*got) == set.union(*shares[0].values())
    for share, own in zip(shares, got, strict=True):
        assert share["sibling"] == set.union(*got) - own
    assert {len(own) for own in got} == {2, 3, 5}
    with database.connect() as connection:
        assert len({mailings.by_id(connection, number).frozen_at for number in (1, 2, 3)}) == 1


@pytest.mark.parametrize("family", [FAMILY, None])
def test_where_no_two_have_one_inbox_each_is_looked_at_alone_with_the_same_result(
    database: Database, family: FamilyRule | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    soon, dice = datetime.now(UTC) + timedelta(days=3), random.Random(family is None)
    for number in range(120):
        state = dice.choice(["confirmed", "confirmed", "unsubscribed", "pending"])
        digest, paused = dice.choice([None, None, "monthly"]), dice.choice([None, None, soon])
        spoken = dice.choice(SPOKEN)
        add_person(database, number, state=state, language=spoken, digest=digest, paused_until=paused)

    def found() -> list[Any]:
        with database.connect() as connection:
            variant, now = candidates.variant_of(["", "language:en"], "zh-CN"), datetime.now(UTC)
            segment = segment_clause("not language:fr", "zh-CN")
            rule = candidates.CandidateRule(now, segment, variant, family=family)
            return connection.execute(select(candidates.candidates(connection, "weekly-en", rule))).all()

    alone = found()
    assert len({row.why for row in alone}) > 4
    monkeypatch.setattr(candidates, "_shares_inboxes", lambda _connection: True)
    assert sorted(found(), key=repr) == sorted(alone, key=repr)


def test_the_dry_run_counts_what_the_freeze_writes(database: Database) -> None:
    people(database)
    with database.connect() as connection:
        expected = preview(connection, "weekly-en", family=FAMILY)
    frozen(database, "weekly-en", "weekly", "weekly-tw")
    share = given_to(database, "weekly-en")
    assert expected == ([len(share["pending"])], {"sibling": len(share["sibling"])})


def test_an_inbox_that_stands_there_twice_in_two_languages_gets_one(database: Database) -> None:
    add_person(database, 1, language="en", mailbox_key="one@example.com")
    add_person(database, 2, language="zh-CN", mailbox_key="one@example.com")
    add_person(database, 3, language="en", mailbox_key="two@example.com", state="pending")
    add_person(database, 4, language="zh-CN", mailbox_key="two@example.com")
    frozen(database, "weekly", "weekly-en", "weekly-tw")
    pending = [given_to(database, one.slug).get("pending", set()) for one in FAMILY.members]
    assert [len(one) for one in pending] == [1, 1, 0]


def test_a_reader_who_changes_language_in_between_gets_one(database: Database) -> None:
    people(database)
    frozen(database, "weekly", "weekly-en", "weekly-tw")
    before = given_to(database, "weekly-en")
    with database.begin() as connection:
        connection.execute(update(subscribers).values(language="en"))
        connection.execute(update(table).where(table.c.slug == "weekly").values(operator=Operator.CANCELLED))
        connection.execute(
            update(recipients).where(recipients.c.mailing_id == 1).values(state=RecipientState.SUBMITTED)
        )
    assert given_to(database, "weekly-en") == before
    again = frozen(database, "weekly", family=FAMILY)  # cancelled, and sent anew to the rest
    assert "pending" not in given_to(database, "weekly")
    assert again.sequence == 2


@pytest.mark.parametrize("cancelled", [("weekly",), ("weekly", "weekly-en")])
def test_a_cancelled_one_that_is_sent_again_leaves_out_who_is_to_get_a_sibling(
    database: Database, cancelled: tuple[str, ...]
) -> None:
    people(database)
    frozen(database, "weekly", "weekly-en", "weekly-tw")
    english = given_to(database, "weekly-en")["pending"]
    with database.begin() as connection:
        connection.execute(update(table).where(table.c.slug.in_(cancelled)).values(operator=Operator.CANCELLED))
        connection.execute(update(subscribers).values(language="zh-CN"))
    frozen(database, "weekly")
    assert given_to(database, "weekly")["pending"] & english == (english if "weekly-en" in cancelled else set())


def test_alone_it_goes_to_all_and_a_late_sibling_to_whoever_had_none(database: Database) -> None:
    people(database)
    alone = FamilyRule(FAMILY.members, "zh-CN", shared=False)
    frozen(database, "weekly", family=alone)
    assert len(given_to(database, "weekly")["pending"]) == len(SPOKEN)
    add_person(database, 50, language="de")
    with pytest.raises(UsageError, match="was mailed without weekly-en") as refused:
        frozen(database, "weekly-en", family=alone)
    assert "--late" in str(refused.value.help)
    with database.connect() as connection, pytest.raises(UsageError, match="was mailed without weekly-en"):
        preview(connection, "weekly-en", family=alone)
    frozen(database, "weekly-en", family=replace(alone, late=True))
    late = given_to(database, "weekly-en")
    assert (len(late["pending"]), len(late["sibling"])) == (1, len(SPOKEN))


def test_a_correction_goes_to_those_who_had_it_and_to_no_reader_of_a_sibling(database: Database) -> None:
    people(database)
    frozen(database, "weekly", "weekly-en", "weekly-tw")
    chinese = given_to(database, "weekly")["pending"]
    with database.begin() as connection:
        connection.execute(update(recipients).where(recipients.c.state == "pending").values(state="submitted"))
        connection.execute(update(table).values(finished_at=datetime.now(UTC)))
        connection.execute(update(subscribers).values(language="en"))
    with database.begin() as connection:
        changed = make_letter(slug="weekly", digest="sha256:changed")
        freeze(connection, changed, family=FAMILY, correction=True)
    assert given_to(database, "weekly")["pending"] == chinese


def test_two_senders_that_begin_with_different_siblings_freeze_one_family(database: Database) -> None:
    people(database)
    slugs = [one.slug for one in FAMILY.members]
    barrier, faults = threading.Barrier(2), []

    def freeze_all(first: str) -> None:
        barrier.wait()
        for _ in range(3):  # as send does: the other's mailings are found the next time
            try:
                frozen(database, first, *(slug for slug in slugs if slug != first))
                return
            except Exception as error:
                faults.append(type(error).__name__)

    threads = [threading.Thread(target=freeze_all, args=(slug,)) for slug in slugs[:2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    got = [given_to(database, slug)["pending"] for slug in slugs]
    assert sum(map(len, got)) == len(SPOKEN) == len(set.union(*got))
    assert len(faults) <= 2
    with database.connect() as connection:
        assert [mailings.newest(connection, slug).sequence for slug in slugs] == [1, 1, 1]  # type: ignore[union-attr]


def test_a_family_of_which_one_is_cancelled_is_not_begun_again_by_another(database: Database) -> None:
    people(database)
    frozen(database, "weekly", "weekly-en", "weekly-tw")
    with database.begin() as connection:
        connection.execute(update(table).where(table.c.slug != "weekly-tw").values(operator=Operator.CANCELLED))
    frozen(database, "weekly", "weekly-en", "weekly-tw")  # its operator's word is for this one alone
    with database.connect() as connection:
        found = {one.slug: (one.sequence, one.operator) for one in mailings.every_newest(connection)}
    assert found == {"weekly": (2, "going"), "weekly-en": (1, "cancelled"), "weekly-tw": (1, "going")}


@pytest.mark.parametrize("late", [False, True])
def test_who_freezes_another_member_at_the_same_moment_is_waited_for(database: Database, late: bool) -> None:
    people(database)
    alone, faults = FamilyRule(FAMILY.members, "zh-CN", shared=False, late=late), list[Exception]()

    def freeze_english() -> None:
        try:
            frozen(database, "weekly-en", family=alone)
        except UsageError as error:
            faults.append(error)

    second = threading.Thread(target=freeze_english)
    with database.begin() as connection:
        freeze(connection, letter("weekly"), family=alone)
        second.start()
        time.sleep(0.3)  # it reaches its freeze, or waits for the writer
    second.join()
    assert len(given_to(database, "weekly")["pending"]) == len(SPOKEN)
    if late:
        assert given_to(database, "weekly-en").keys() == {"sibling"}
    else:
        assert "was mailed without weekly-en" in str(faults[0])
