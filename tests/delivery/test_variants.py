"""Each reader gets one variant, decided with the freeze: by SQL and in Python alike, through every transport."""

from __future__ import annotations

import email
import email.policy
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, update

from publisher.audience.tables import subscribers
from publisher.config.outcomes import decide
from publisher.config.segments import parse_segment
from publisher.database import Database, open_database
from publisher.delivery import mailings
from publisher.delivery.candidates import variant_of
from publisher.delivery.freeze import Addressed, freeze, preview
from publisher.delivery.ledger import Ledger
from publisher.delivery.send import Options, send, send_test
from publisher.delivery.tables import recipients
from publisher.issue.variants import variants_of
from publisher.mail.message import MailContent, compose
from tests.config.test_outcomes import conditions
from tests.delivery.test_chaos import forked
from tests.delivery.world import SLUG, add_person, make_config, make_letter, person, varied_letter
from tests.edition.make import issue, item
from tests.stubs.ses import SesServer

BERLINER = {"attributes": {"city": "Berlin"}}
KINDS = ({}, {"topics": ["ai"]}, BERLINER, {"topics": ["ai"], **BERLINER})
NAMES = ("default", "topic-ai", "city-berlin", "topic-ai")


def readers(database: Database, count: int) -> dict[str, str]:
    """Readers of every kind in turn; the variant that each should get, by address."""
    for number in range(count):
        add_person(database, number, **KINDS[number % 4])
    return {f"reader{number}@example.com": NAMES[number % 4] for number in range(count)}


def frozen(database: Database, letter: MailContent) -> dict[str, int]:
    """The variant of each recipient, by reference."""
    with database.begin() as connection:
        freeze(connection, letter, home="zh-CN")
        return {row[0]: row[1] for row in connection.execute(select(recipients.c.reference, recipients.c.variant))}


def test_sql_and_python_choose_the_same_variant_for_every_reader(database: Database) -> None:
    chance = random.Random(14)
    known = (("city", ("Berlin", "Paris", "B", "z", "")), ("age", ("17.5", "18", "018", "-3", "x")))
    people = [
        person(
            number,
            topics=[name for name in "ab" if chance.random() < 0.5],
            language=chance.choice([None, "zh", "zh-CN", "en", "EN-gb", "fr"]),
            attributes={key: value for key, values in known if (value := chance.choice((*values, None))) is not None},
        )
        for number in range(120)
    ]
    with database.begin() as connection:
        connection.execute(insert(subscribers), [{"language": None, **one} for one in people])

    @settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(conditions(), min_size=1, max_size=3))
    def agree(written: list[str]) -> None:
        body = "All.\n\n" + "\n\n".join(f"::: only {one}\nFor <{n}>.\n:::" for n, one in enumerate(written))
        made, faults = variants_of(issue(item("A", body)), "zh-CN")
        assert {fault.code for fault in faults} <= {"bad-audience", "too-many-variants"}
        chosen = variant_of([one.condition for one in made], "zh-CN")
        with database.connect() as connection:
            rows = {row[0]: row[1] for row in connection.execute(select(subscribers.c.reference, chosen))}
        for one in people if made else ():

            def meets(condition: str, one: dict[str, object] = one) -> bool:
                spoken = one["language"] or "zh-CN"
                return decide(parse_segment(condition), one["topics"], spoken, one["attributes"])  # type: ignore[arg-type]

            mine = made[rows[str(one["reference"])]]
            if len(made) > 1:
                assert [variant for variant in made if meets(variant.condition)] == [mine]
            told = {n for n in range(len(written)) if f"For <{n}>." in mine.issue.items[0].body.text}
            assert told == {n for n, condition in enumerate(written) if meets(condition)}
            assert "All." in mine.issue.items[0].body.text

    agree()


def test_the_freeze_decides_and_a_later_change_of_attributes_changes_nothing(database: Database) -> None:
    wanted = readers(database, 8)
    letter = varied_letter()
    variant = frozen(database, letter)
    with database.begin() as connection:
        connection.execute(update(subscribers).values(topics=["ai"]))
        mailing = mailings.newest(connection, SLUG)
    assert mailing is not None
    ledger = Ledger(database, mailing)
    ledger.open()
    claims = ledger.record_and_claim([], 20, 1).claims
    assert {claim.address: letter.letters[claim.variant].name for claim in claims} == wanted
    assert [claim.variant for claim in claims] == sorted(variant.values())  # those of one variant stand together


def test_each_reader_gets_its_own_text_with_that_variants_digest(sqlite: Database, tmp_path: Path) -> None:
    wanted = readers(sqlite, 8)
    sent = send(make_config(tmp_path), sqlite, varied_letter())
    assert (sent.account.submitted, sent.mailing.digest) == (8, make_letter().digest)
    got = {}
    for path in (tmp_path / "outbox" / SLUG).glob("*.eml"):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        part = message.get_body(("plain",))
        got[message["to"]] = part.get_content().splitlines()[0].removeprefix("For ")
        digests = {one.name: one.digest for one in varied_letter().variants}
        assert str(message["x-publisher-edition"]).startswith(digests[got[message["to"]]])
    assert got == wanted


def test_a_bulk_call_holds_one_variant_and_each_reader_gets_his_own(
    ses: Callable[..., SesServer], sqlite: Database, tmp_path: Path
) -> None:
    server = ses()
    wanted = readers(sqlite, 220)
    sent = send(make_config(tmp_path, "ses"), sqlite, varied_letter())
    assert sent.account.submitted == 220
    accepted = server.account.accepted
    assert {one.to: one.content["Text"].splitlines()[0] for one in accepted if one.content} == {
        address: f"For {name}" for address, name in wanted.items()
    }
    digests = {one.name: one.digest for one in varied_letter().variants}
    for one in accepted:
        assert one.content
        assert one.content["headers"]["X-Publisher-Edition"].startswith(digests[wanted[one.to]])


@pytest.mark.chaos
def test_a_mailing_that_died_and_goes_on_sends_each_the_variant_that_was_frozen(
    ses: Callable[..., SesServer], tmp_path: Path
) -> None:
    server = ses(latency=0.02, rate=900, faults={"reset-after": 0.03, "500-after": 0.03})
    database = open_database(make_config(tmp_path, "ses"))
    wanted = readers(database, 400)
    database.close()
    found = forked("random", str(tmp_path), "6", "14", "varied")
    assert (found["duplicates"], found["missing"], found["submitted"], found["fine"]) == (0, 0, 400, True), found
    assert found["kills"] > 0
    assert {one.to: one.content["Text"].splitlines()[0] for one in server.account.accepted if one.content} == {
        address: f"For {name}" for address, name in wanted.items()
    }


def test_a_test_sends_every_variant_marked_with_its_name(sqlite: Database, tmp_path: Path) -> None:
    assert send_test(make_config(tmp_path), varied_letter(), ["a@example.com", "no address"]) == [
        (2, "unusable-address")
    ]
    messages = [email.message_from_bytes(p.read_bytes(), policy=email.policy.default) for p in tmp_path.rglob("*.eml")]
    assert sorted(str(one["subject"]).split("] ")[0] for one in messages) == [
        "[test city-berlin",
        "[test default",
        "[test topic-ai",
    ]
    for one in messages:
        name, part = str(one["subject"]).split("] ")[0].removeprefix("[test "), one.get_body(("plain",))
        assert part is not None
        assert part.get_content().startswith(f"For {name}")


def test_a_letter_without_variants_is_kept_as_before_and_one_with_them_whole() -> None:
    assert "variants" not in make_letter().to_json()
    assert '"name"' not in make_letter().to_json()
    assert MailContent.from_json(varied_letter().to_json()) == varied_letter()


def test_a_changed_variant_is_a_changed_edition_and_a_correction_decides_again(
    sqlite: Database, tmp_path: Path
) -> None:
    readers(sqlite, 4)
    config, letter = make_config(tmp_path), varied_letter()
    send(config, sqlite, letter)
    with sqlite.begin() as connection:
        connection.execute(update(subscribers).values(topics=["ai"]))
    changed = replace(letter, digest="sha256:" + "cd" * 32)
    sent = send(config, sqlite, changed, Options(correction=True))
    with sqlite.connect() as connection:
        rows = select(recipients.c.variant).where(recipients.c.mailing_id == sent.mailing.id)
        assert set(connection.scalars(rows)) == {1}


def test_siblings_of_a_family_have_variants_of_their_own(database: Database) -> None:
    readers(database, 4)
    sibling = varied_letter(slug="2024-12-29-weekly-en")
    with database.begin() as connection:
        freeze(connection, make_letter(), siblings=[Addressed(sibling, None)], home="zh-CN")
        mailing = mailings.newest(connection, sibling.slug)
        assert mailing is not None
        rows = select(recipients.c.variant).where(recipients.c.mailing_id == mailing.id)
        assert sorted(connection.scalars(rows)) == [0, 1, 1, 2]


def test_recipients_are_counted_by_variant_before_anything_is_frozen(database: Database) -> None:
    readers(database, 9)
    add_person(database, 9, state="pending", topics=["ai"])
    with database.connect() as connection:
        asked = [one.condition for one in varied_letter().variants]
        assert preview(connection, SLUG, variants=asked, home="zh-CN") == ([3, 4, 2], {"unconfirmed": 1})


def test_the_letters_of_a_mailing_are_composed_with_their_own_digests(tmp_path: Path) -> None:
    letter = varied_letter()
    assert compose(make_config(tmp_path), letter).letter == letter.variants[0]
    assert compose(make_config(tmp_path), make_letter()).letter == make_letter()
