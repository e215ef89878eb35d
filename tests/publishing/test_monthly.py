"""``digest: monthly``: the issues of a month as one edition; each issue once, whenever a reader changed their mind."""

from __future__ import annotations

import email
import email.policy
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from publisher.audience import store
from publisher.audience.address import read_address
from publisher.audience.backup import back_up, restore
from publisher.audience.model import ConsentSource
from publisher.config import load_config
from publisher.database import open_database
from publisher.delivery.mailings import set_operator
from publisher.delivery.send import Options, send
from publisher.delivery.states import Operator
from publisher.errors import UsageError
from publisher.proofing.proof import proofread
from publisher.publishing.due import Action
from publisher.publishing.monthly import _LeftOut, plan_months
from publisher.publishing.publish import PublishOptions, publish
from publisher.publishing.run import IssueResult
from tests.acceptance.conftest import CONFIG, Newsletter, Ran
from tests.delivery.world import make_config
from tests.postgres import dump, put_back

START = datetime(2035, 3, 1, 8, tzinfo=UTC)
ISSUES = {"a": 5, "b": 12, "b-en": 12, "c": 19}
END = datetime(2035, 3, 31, 16, tzinfo=UTC)  # midnight in Shanghai
WHO = ("always", "english", "never", "switched", "back", "paused", "left", "ann")


class Room:
    """A newsletter, its readers, and the clock."""

    def __init__(self, newsletter: Newsletter, environment: dict[str, str]) -> None:
        self.newsletter, self.environment = newsletter, environment
        self.config = load_config(newsletter.root)

    def run(self, *words: str) -> Ran:
        ran = self.newsletter.run(*words, **self.environment)
        assert ran.status == 0, ran.err
        return ran

    def prefer(self, name: str, **chosen: object) -> None:
        with closing(open_database(self.config)) as database, database.begin() as connection:
            reader = store.find(connection, read_address(f"{name}@example.com"))
            assert reader is not None
            store.prefer(connection, reader, ConsentSource.LINK, **chosen)

    def leave(self, name: str) -> None:
        with closing(open_database(self.config)) as database, database.begin() as connection:
            reader = store.find(connection, read_address(f"{name}@example.com"))
            assert reader is not None
            store.unsubscribe(connection, reader, ConsentSource.LINK)

    def publish(self, now: datetime) -> dict[str, IssueResult]:
        with closing(open_database(self.config)) as database:
            found = publish(self.config, database, PublishOptions(now=now))
        return {one.decision.slug: one for one in found.outcomes}

    def on_day_of(self, slug: str) -> None:
        day = START + timedelta(days=ISSUES[slug] - 1)
        assert self.publish(day)[slug].exit_status == 0

    def write(self, slug: str, more: str = "") -> None:
        head = (
            f"title: '[{slug}] *一周*'\ndate: 2035-03-{ISSUES[slug]:02}\nstatus: ready\nsubtitle: 副题 {slug}\n{more}"
        )
        self.newsletter.write(f"issues/{slug}/issue.yaml", head)
        self.newsletter.write(f"issues/{slug}/x.md", f"---\nheadline: 头条 [{slug}]\n---\n正文 {slug}。\n")

    def mails(self, folder: str) -> dict[str, EmailMessage]:
        """By the reader's name."""
        found = {}
        for path in (self.newsletter.root / "outbox" / folder).glob("*.eml"):
            message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
            name = str(message["to"]).partition("@")[0]
            assert name not in found, "two mails"
            found[name] = message
        return found  # type: ignore[return-value]

    def listed(self) -> dict[str, set[str]]:
        """What each reader's edition of the month leads to."""
        found = {}
        for name, message in self.mails("digest-2035-03").items():
            html, text = (message.get_body((kind,)).get_content() for kind in ("html", "plain"))  # type: ignore[union-attr]
            found[name] = set(re.findall(r"/issues/([\w-]+)/", html))
            assert found[name] == set(re.findall(r"/issues/([\w-]+)/", text))
            for slug in found[name]:
                assert {f"[{slug}] *一周*", f"副题 {slug}"} <= {*re.findall(r"\[[\w-]+\] \*一周\*|副题 [\w-]+", text)}
                assert f"头条 [{slug}]" in html
                assert f"/issues/{slug}/#" in html
            assert "digest" not in html
        return found


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def room(request: pytest.FixtureRequest, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    environment = {}
    if request.param == "postgresql":
        environment = {"PUBLISHER_DATABASE_URL": request.getfixturevalue("postgres_url")}
        monkeypatch.setenv(*next(iter(environment.items())))
    newsletter = Newsletter(tmp_path)  # type: ignore[arg-type]
    newsletter.write("config.yaml", CONFIG + "deploy: {path: live}\n")
    rows = "".join(f"{name}@example.com,{'en' if name == 'english' else 'zh-CN'}\n" for name in WHO)
    newsletter.write("people.csv", f"email,language\n{rows}ANN@example.com,zh-CN\n")
    found = Room(newsletter, environment)
    found.run("subscribers", "import", "people.csv")
    for slug in ISSUES:
        found.write(slug, "language: en\ntranslation_of: b\n" if slug == "b-en" else "")
    newsletter.write("config.yaml", CONFIG + "deploy: {path: live}\npublish: {unmailed: [a, b, b-en, c]}\n")
    found.config = load_config(newsletter.root)
    return found


def month(room: Room) -> None:
    """March: who wants what, and when they change their mind."""
    for name in ("always", "english", "back", "paused", "left", "ann"):
        room.prefer(name, digest="monthly")
    for slug in ("b", "b-en", "c"):
        (room.newsletter.root / f"issues/{slug}").rename(room.newsletter.root / f"later-{slug}")

    def appear(*slugs: str) -> None:
        for slug in slugs:
            (room.newsletter.root / f"later-{slug}").rename(room.newsletter.root / f"issues/{slug}")
        room.on_day_of(slugs[0])

    room.on_day_of("a")
    room.prefer("switched", digest="monthly")
    room.prefer("back", digest=None)
    appear("b", "b-en")
    room.prefer("paused", paused_until=datetime(2035, 3, 25, tzinfo=UTC))
    appear("c")
    room.leave("left")


def test_each_reader_gets_each_issue_of_the_month_once_singly_or_in_the_edition_of_the_month(room: Room) -> None:
    month(room)
    assert "digest/2035-03" not in room.publish(END - timedelta(minutes=1))
    assert room.publish(END)["digest/2035-03"].exit_status == 0
    listed = room.listed()
    assert listed == {
        "always": {"a", "b", "c"},
        "english": {"a", "b-en", "c"},
        "switched": {"b", "c"},
        "back": {"a"},
        "paused": {"a", "b"},  # what they missed by the pause is not sent afterwards
        "ann": {"a", "b", "c"},
    }
    got = Counter[tuple[str, str]]()
    for slug in ISSUES:
        got.update((name.lower(), slug) for name in room.mails(slug))
    got.update((name.lower(), slug) for name, slugs in listed.items() for slug in slugs)
    assert set(got.values()) == {1}
    for name in ("always", "never", "switched", "back", "ann"):
        assert {slug for who, slug in got if who == name} == {"a", "b", "c"}

    row = room.run("status", "digest/2035-03", "--format", "json").json
    assert (row["state"], row["submitted"], row["audience"]) == ("done", 6, 9)
    assert row["excluded"] + row["submitted"] == row["audience"]
    before = len(room.mails("digest-2035-03"))
    for later in (timedelta(hours=1), timedelta(days=20)):
        assert "digest/2035-03" not in room.publish(END + later)
    assert not any(slug.startswith("digest") for slug in room.publish(END + timedelta(days=40)))
    assert len(room.mails("digest-2035-03")) == before
    assert "digest" not in room.run("plan").out


@pytest.mark.parametrize("room", ["sqlite"], indirect=True)
def test_the_edition_is_in_the_language_of_its_issues_and_can_be_left(room: Room) -> None:
    month(room)
    room.publish(END)
    mail = room.mails("digest-2035-03")["always"]
    assert mail["subject"] == "2035年3月各期"
    assert mail["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert mail["content-language"] == "zh-CN"
    assert len({message["x-publisher-edition"] for message in room.mails("digest-2035-03").values()}) == 5


@pytest.mark.parametrize("room", ["sqlite"], indirect=True)
def test_issues_of_the_first_and_of_the_last_day_are_in_the_edition_of_their_month_alone(room: Room) -> None:
    def appear(slug: str, day: date, now: datetime) -> None:
        room.newsletter.write(f"issues/{slug}/issue.yaml", f"title: 一周\ndate: {day}\nstatus: ready\n")
        room.newsletter.write(f"issues/{slug}/x.md", "---\nheadline: 头条\n---\n正文。\n")
        room.publish(now)

    for slug in ISSUES:
        (room.newsletter.root / f"issues/{slug}").rename(room.newsletter.root / f"gone-{slug}")
    room.newsletter.write("config.yaml", CONFIG + "deploy: {path: live}\npublish: {unmailed: [first, last, next]}\n")
    room.config = load_config(room.newsletter.root)
    room.prefer("always", digest="monthly")
    appear("first", date(2035, 3, 1), datetime(2035, 2, 28, 16, tzinfo=UTC))  # midnight in Shanghai
    appear("last", date(2035, 3, 31), END - timedelta(seconds=1))
    appear("next", date(2035, 4, 1), END)
    room.publish(datetime(2035, 4, 30, 16, tzinfo=UTC))

    def parts(folder: str) -> set[str]:
        text = room.mails(folder)["always"].get_body(("plain",)).get_content()  # type: ignore[union-attr]
        return set(re.findall(r"/issues/([\w-]+)/", text))

    assert (parts("digest-2035-03"), parts("digest-2035-04")) == ({"first", "last"}, {"next"})


@pytest.mark.parametrize("room", ["sqlite"], indirect=True)
def test_it_waits_for_an_issue_with_errors_and_leaves_out_one_that_was_withdrawn(room: Room) -> None:
    month(room)
    room.newsletter.write("issues/c/x.md", "---\nheadline: 头条\n---\n<script>alert(1)</script>\n")
    found = room.publish(END)
    assert not room.mails("digest-2035-03")
    assert "digest/2035-03" not in found or found["digest/2035-03"].exit_status == 1
    room.write("c")
    (room.newsletter.root / "issues/b").rename(room.newsletter.root / "gone")
    (room.newsletter.root / "issues/b-en").rename(room.newsletter.root / "gone-en")
    room.publish(END + timedelta(hours=1))
    assert room.listed()["always"] == {"a", "c"}


@pytest.mark.parametrize("room", ["sqlite"], indirect=True)
def test_what_was_stopped_goes_on_as_it_was_frozen_and_a_cancelled_one_is_not_made_again(room: Room) -> None:
    month(room)
    from publisher.delivery import sender as module

    def planned(now: datetime) -> list[tuple[str, str]]:
        with closing(open_database(room.config)) as database, database.connect() as connection:
            return [(one.slug, one.kind) for one in plan_months(connection, room.config, now)]

    assert planned(END - timedelta(days=1)) == []
    assert planned(END) == [("digest/2035-03", "due")]
    with pytest.MonkeyPatch.context() as dying:
        dying.setattr(module.Sender, "drain", lambda _self: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            room.publish(END)
    assert not room.mails("digest-2035-03")
    said = PublishOptions(now=END, mailed=("digest/2035-03",))
    with pytest.raises(UsageError, match="is being mailed"), closing(open_database(room.config)) as database:
        publish(room.config, database, said)
    assert planned(END + timedelta(days=1)) == [("digest/2035-03", "resume")]
    room.prefer("always", digest=None)
    room.write("a", "tags: [changed]\n")
    again = room.publish(END + timedelta(days=1))["digest/2035-03"]
    assert again.decision.kind is Action.RESUME
    assert len(room.mails("digest-2035-03")) == 6
    assert planned(END + timedelta(days=1)) == []

    for path in (room.newsletter.root / "outbox" / "digest-2035-03").iterdir():
        path.unlink()
    with closing(open_database(room.config)) as database, database.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE recipients SET state = 'pending' WHERE mailing_id = "
            "(SELECT id FROM mailings WHERE slug = 'digest/2035-03') AND state = 'submitted'"
        )
    with closing(open_database(room.config)) as database:
        set_operator(database, "digest/2035-03", Operator.CANCELLED)
    assert "digest/2035-03" not in room.publish(END + timedelta(days=2))


@pytest.mark.parametrize("room", ["sqlite"], indirect=True)
@pytest.mark.parametrize("word", ["mailed", "unmailed"])
def test_a_database_put_back_from_before_the_edition_of_the_month_makes_no_second_until_an_operator_says_so(
    room: Room, tmp_path: Path, word: str
) -> None:
    """The word is about the edition by its name; an issue that is mailed in between makes the copy forget nothing."""
    url, kept = os.environ.get("PUBLISHER_DATABASE_URL"), tmp_path / "kept"
    month(room)
    if url:
        dump(url, kept)
    else:
        back_up(room.config, kept)
    outbox, slug = room.newsletter.root / "outbox/digest-2035-03", "digest/2035-03"
    room.publish(END)
    sent = {*outbox.iterdir()}
    if url:
        put_back(url, kept)
    else:
        restore(room.config, kept, force=True)
    april = "title: April\ndate: 2035-04-01\nstatus: ready\n"
    room.newsletter.write("issues/d/issue.yaml", april)
    room.newsletter.write("issues/d/x.md", "---\nheadline: April\n---\nText of April.\n")
    for hours in (1, 2):
        found = room.publish(END + timedelta(hours=hours))[slug]
        assert found.exit_status == 2
        assert found.trouble is not None
        assert f"{slug}: " in found.trouble
        assert f"--mailed {slug}" in str(found.help)
        assert {*outbox.iterdir()} == sent
    with closing(open_database(room.config)) as database:
        settled = publish(room.config, database, PublishOptions(now=END + timedelta(hours=3), **{word: (slug,)}))
    assert settled.exit_status == 0
    assert len({*outbox.iterdir()}) == len(sent) * (2 if word == "unmailed" else 1)
    assert slug not in room.publish(END + timedelta(hours=4))
    with pytest.raises(UsageError, match="no issue digest/2035-02"), closing(open_database(room.config)) as database:
        publish(room.config, database, PublishOptions(now=END + timedelta(hours=5), mailed=("digest/2035-02",)))


def test_a_correction_brings_nothing_that_a_reader_had_before_they_changed_their_mind(room: Room) -> None:
    month(room)
    room.write("a", "tags: [corrected]\n")
    edition = proofread(room.config, "a").edition
    assert edition is not None
    with closing(open_database(room.config)) as database:
        sent = send(room.config, database, edition, Options(correction=True, now=START + timedelta(days=20)))
    assert sent.account.excluded_by_reason["digest"] > 1
    room.publish(END)
    assert (room.listed()["switched"], room.listed()["always"]) == ({"b", "c"}, {"a", "b", "c"})


def test_a_run_looks_at_nobody_who_was_not_left_to_the_month(tmp_path: Path) -> None:
    with closing(open_database(make_config(tmp_path))) as database, database.connect() as connection:
        asked: list[tuple[str, Any]] = []
        event.listen(connection, "before_cursor_execute", lambda *given: asked.append((given[2], given[3])))
        _LeftOut.read(connection, make_config(tmp_path), date(2035, 3, 31))
        for statement, values in [one for one in asked if "reason" in one[0]]:
            told = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            looks = [row[3] for row in told if "recipients" in row[3].split(" ", 2)[1]]
            assert looks[0].endswith("USING INDEX ix_recipients_digest"), told
            assert not [one for one in looks if one == "SCAN recipients"], told
        assert asked
