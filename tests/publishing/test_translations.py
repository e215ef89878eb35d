"""An issue and its translations, from files to inboxes: together, once, and each reader in one language."""

from __future__ import annotations

import json
import os
import re
from contextlib import closing
from pathlib import Path

import pytest

from publisher.config import load_config
from publisher.database import open_database
from publisher.delivery import mailings
from publisher.delivery.freeze import Addressed, family_of, freeze
from publisher.documents.text import shadows
from publisher.issue.translations import translations_of
from publisher.mail.message import MailContent
from publisher.proofing.proof import proofread
from publisher.publishing.publish import publish as run_publish
from tests.acceptance.conftest import CONFIG

from .newsroom import SLUG, Newsroom

EN = f"{SLUG}-en"
PEOPLE = "email,language\nann@example.com,en-GB\nben@example.com,zh-CN\ncy@example.com,de\ndee@example.com,\n"


@pytest.fixture
def room(newsroom: Newsroom) -> Newsroom:
    newsroom.newsletter.write("config.yaml", CONFIG + "deploy: {path: live}\n")
    newsroom.newsletter.write(".gitignore", "dist\nlive\noutbox\n.publisher\npeople.csv\n")
    newsroom.git("init", "-q", "-b", "main")
    newsroom.issue()
    newsroom.issue(EN, head=f"language: en\ntranslation_of: {SLUG}\n", body="The body of the story.", title="Weekly")
    newsroom.commit("The issue, and its translation")
    newsroom.newsletter.write("people.csv", PEOPLE)
    assert newsroom.run("subscribers", "import", "people.csv").status == 0
    return newsroom


def mails(room: Newsroom, slug: str) -> int:
    return len(list((room.root / "outbox" / slug).glob("*.eml")))


def account(room: Newsroom, slug: str) -> dict[str, object]:
    told = json.loads(room.run("status", slug, "--format", "json").out)
    return {"submitted": told["submitted"], **told["excluded_by_reason"]}


def test_publish_mails_each_reader_one_of_the_family(room: Newsroom) -> None:
    assert "would refuse" not in room.run("plan").out
    ran = room.run("publish")  # a first publish with one due issue in two languages asks nothing
    assert ran.status == 0, ran.err
    assert account(room, EN) == {"submitted": 1, "sibling": 3}
    assert account(room, SLUG) == {"submitted": 3, "sibling": 1}
    assert (mails(room, SLUG), mails(room, EN)) == (3, 1)
    assert room.run("publish").status == 0
    assert (mails(room, SLUG), mails(room, EN)) == (3, 1)


def test_send_of_one_mails_the_family_and_a_second_send_nobody(room: Newsroom) -> None:
    dry = room.run("send", EN, "--dry-run").out
    assert "1 recipient would be mailed" in dry
    assert "3 recipients would be mailed" in dry
    ran = room.run("send", EN)
    assert ran.status == 0, ran.err
    for slug in (SLUG, EN):
        assert room.run("send", slug).status == 0
    assert (mails(room, SLUG), mails(room, EN)) == (3, 1)
    assert room.run("publish").status == 0
    assert (mails(room, SLUG), mails(room, EN)) == (3, 1)


def test_an_overdue_issue_is_reported_once_however_many_go_together(room: Newsroom) -> None:
    room.issue("2024-11-01-forgotten")
    assert room.run("send", EN).err.count("2024-11-01-forgotten was due") == 1


@pytest.mark.parametrize(
    ("head", "why"),
    [
        ("status: draft\n", "draft"),
        ("publish_at: 2035-03-11\n", "is due"),
        ("cover: {image: images/none.jpg, alt: nothing}\n", "errors"),
    ],
)
def test_a_sibling_that_is_not_ready_holds_the_family_back(room: Newsroom, head: str, why: str) -> None:
    text = f"title: Weekly\ndate: {SLUG[:10]}\nlanguage: en\ntranslation_of: {SLUG}\n"
    text += head if "status" in head else f"status: ready\n{head}"
    room.newsletter.write(
        f"issues/{EN}/issue.yaml", text.replace("publish_at: 2035-03-11", "publish_at: 2999-01-01T08:00")
    )
    ran = room.run("publish")
    assert f"{SLUG}: waiting: for {EN} of its family" in ran.out + ran.err
    ran = room.run("send", SLUG)
    assert (ran.status, why in ran.err, f"publisher send {SLUG} --alone" in ran.err) == (1, True, True), ran.err
    assert mails(room, SLUG) == 0
    assert room.run("send", SLUG, "--alone").status == 0
    assert (mails(room, SLUG), mails(room, EN)) == (4, 0)


def test_a_sibling_added_later_reaches_nobody_by_itself_and_late_those_who_had_none(room: Newsroom) -> None:
    assert room.run("send", SLUG, "--alone").status == 0
    room.newsletter.write("more.csv", "email,language\neve@example.com,en\n")
    assert room.run("subscribers", "import", "more.csv").status == 0
    ran = room.run("publish")
    assert ran.status == 0, ran.err
    assert "1 issue whose family went out without it" in ran.out
    ran = room.run("send", EN)
    assert (ran.status, "--late" in ran.err) == (2, True)
    assert mails(room, EN) == 0
    assert room.run("send", EN, "--late").status == 0
    assert account(room, EN) == {"submitted": 1, "sibling": 4}


def test_siblings_are_settled_together(room: Newsroom) -> None:
    assert room.run("publish", "--mailed", SLUG).status == 0
    assert "2 issues mailed elsewhere" in room.run("publish").out
    assert (mails(room, SLUG), mails(room, EN)) == (0, 0)


def killed_after_the_freeze(room: Newsroom) -> None:
    """As a sender leaves it that was killed before its first message."""
    config = load_config(room.root)
    letters = [MailContent.of(edition) for slug in (SLUG, EN) if (edition := proofread(config, slug).edition)]
    family = family_of(config, translations_of(config), SLUG)
    with closing(open_database(config)) as database, database.begin() as connection:
        freeze(connection, letters[0], family=family, siblings=[Addressed(letters[1], None)])


@pytest.mark.parametrize("words", [("publish",), ("send", SLUG), ("send", EN)])
def test_after_a_kill_between_freeze_and_first_message_all_are_mailed_once(
    room: Newsroom, words: tuple[str, ...]
) -> None:
    killed_after_the_freeze(room)
    assert room.run(*words).status == 0
    assert (mails(room, SLUG), mails(room, EN)) == (3, 1)


def test_a_family_that_went_to_nobody_is_mailed_together_later(room: Newsroom) -> None:
    write = "UPDATE subscribers SET state = '{}'"
    with closing(open_database(load_config(room.root))) as database:
        with database.begin() as connection:
            connection.exec_driver_sql(write.format("pending"))
        room.run("publish")
        assert account(room, EN) == {"submitted": 0, "unconfirmed": 4}
        with database.begin() as connection:
            connection.exec_driver_sql(write.format("confirmed"))
    assert room.run("send", SLUG).status == 0
    assert (mails(room, SLUG), mails(room, EN)) == (3, 1)


@pytest.mark.parametrize("wrong", [(SLUG,), (EN,), (SLUG, EN)])
def test_a_wrong_audience_of_one_or_all_does_not_block_the_family(room: Newsroom, wrong: tuple[str, ...]) -> None:
    for slug in wrong:
        path = room.root / f"issues/{slug}/issue.yaml"
        path.write_text(f"{path.read_text('utf-8')}audience: topic:none\n", "utf-8")
    told = room.run("publish")
    assert [slug for slug in (SLUG, EN) if f"{slug} went to nobody" in told.out + told.err] == [*wrong]
    for slug in wrong:
        path = room.root / f"issues/{slug}/issue.yaml"
        path.write_text(path.read_text("utf-8").replace("audience: topic:none\n", ""), "utf-8")
    assert room.run("send", wrong[0]).status == 0
    assert room.run("publish").status == 0
    assert (account(room, SLUG)["submitted"], account(room, EN)["submitted"]) == (3, 1)
    assert (mails(room, SLUG), mails(room, EN)) == (3, 1)


@pytest.mark.parametrize(("cancelled", "other"), [(SLUG, EN), (EN, SLUG)])
def test_a_cancelled_one_is_mailed_only_by_its_own_send(room: Newsroom, cancelled: str, other: str) -> None:
    killed_after_the_freeze(room)
    assert room.run("cancel", cancelled, "--yes").status == 0
    for words in (("send", other), ("publish",)):
        assert room.run(*words).status == 0
        assert mails(room, cancelled) == 0
    ran = room.run("send", cancelled)
    assert ran.status == 0, ran.err
    assert (mails(room, SLUG), mails(room, EN)) == (3, 1)


def test_a_frozen_sibling_that_cannot_be_mailed_is_reported(room: Newsroom) -> None:
    killed_after_the_freeze(room)
    room.newsletter.write(f"issues/{EN}/a.md", "---\nheadline: A story\n---\n")
    ran = room.run("send", SLUG)
    assert (ran.status, f"{EN} has errors, and its mailing is not complete" in ran.err) == (1, True), ran.err
    assert (mails(room, SLUG), mails(room, EN)) == (3, 0)


def test_a_translation_that_comes_after_the_mailing_changes_nothing_of_it(room: Newsroom) -> None:
    (room.root / "issues" / EN).rename(room.root / "later")
    assert room.run("publish").status == 0
    (room.root / "later").rename(room.root / "issues" / EN)
    ran = room.run("publish")
    assert (ran.status, "changed" in ran.out + ran.err) == (0, False), ran.out + ran.err
    assert (mails(room, SLUG), mails(room, EN)) == (4, 0)


def test_a_held_sibling_holds_send_back(room: Newsroom) -> None:
    assert room.run("hold", EN).status == 0
    ran = room.run("send", SLUG)
    assert (ran.status, f"{EN} is held" in ran.err) == (1, True), ran.err
    assert (mails(room, SLUG), mails(room, EN)) == (0, 0)


def test_a_sibling_that_was_mailed_elsewhere_stops_the_family_before_anybody_is_mailed(room: Newsroom) -> None:
    room.issue(EN, head="language: en\n", title="Weekly")
    assert room.run("publish", "--mailed", EN, "--mailed", SLUG).status == 0
    three = f"{SLUG}-ja"
    room.issue(three, head="language: ja\n", body="本文です。", title="週刊")
    room.issue(EN, head=f"language: en\ntranslation_of: {three}\n", title="Weekly")
    ran = room.run("send", three)
    assert (ran.status, "an operator said that it was mailed" in ran.err) == (2, True), ran.err
    assert (mails(room, EN), mails(room, three)) == (0, 0)


def test_the_key_joins_however_yaml_lets_it_be_written(room: Newsroom) -> None:
    path = f"issues/{EN}/issue.yaml"
    text = (room.root / path).read_text()
    room.newsletter.write(path, "".join(f"  {line}\n" for line in text.splitlines()))
    assert room.run("publish").status == 0
    assert (mails(room, SLUG), mails(room, EN)) == (3, 1)


def test_a_family_cannot_be_settled_both_ways_at_once(room: Newsroom) -> None:
    ran = room.run("publish", "--mailed", SLUG, "--unmailed", EN)
    assert (ran.status, "cannot be both mailed and unmailed" in ran.err) == (2, True), ran.err
    assert (mails(room, SLUG), mails(room, EN)) == (0, 0)


def test_no_member_is_frozen_before_the_pages_of_all_are_live(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = lambda _config, edition, *_: "the page is not there" if edition.slug == EN else None  # noqa: E731
    monkeypatch.setattr("publisher.publishing.publish.wait_until_live", fault)
    config = load_config(room.root)
    with closing(open_database(config)) as database:
        found = run_publish(config, database)
        with database.connect() as connection:
            assert mailings.every_newest(connection) == []
    assert [one.trouble for one in found.outcomes] == ["nothing was sent: the page is not there"] * 2


def test_what_a_first_publish_of_several_says_to_type_mails_the_newest_family(room: Newsroom) -> None:
    room.issue("2035-03-08-older")
    planned = " ".join(room.run("plan").out.split())
    assert "publish would refuse: the first publish would mail 2 issues at once" in planned
    ran = room.run("publish")
    assert "would mail 2 issues at once" in ran.err
    assert planned.endswith(" ".join(ran.err.split()).partition("help: ")[2])
    told = re.search(r"publisher (publish [^;]*) mails the newest alone", " ".join(ran.err.split()))
    assert told is not None
    ran = room.run(*told[1].split())
    assert ran.status == 0, ran.err
    assert (mails(room, SLUG), mails(room, EN), mails(room, "2035-03-08-older")) == (3, 1, 0)


def test_an_unsaved_key_joins_in_an_editor(room: Newsroom) -> None:
    path = room.root / f"issues/{SLUG}-ja/issue.yaml"
    room.issue(f"{SLUG}-ja", head="language: ja\n")
    token = shadows.set({str(path): path.read_bytes() + f"translation_of: {SLUG}\n".encode()})
    try:
        found = [one.slug for one in translations_of(load_config(room.root)).others(SLUG)]
    finally:
        shadows.reset(token)
    assert found == [EN, f"{SLUG}-ja"]
    assert len(translations_of(load_config(room.root)).others(SLUG)) == 1


def test_a_fifo_in_place_of_an_issue_file_keeps_nobody_waiting(room: Newsroom) -> None:
    (room.root / "issues/2035-03-08-pipe").mkdir()
    os.mkfifo(room.root / "issues/2035-03-08-pipe/issue.yaml")
    assert translations_of(load_config(room.root)).others(SLUG)[0].slug == EN


def test_a_message_of_a_family_is_verified_after_a_translation_came(room: Newsroom) -> None:
    assert room.run("publish").status == 0
    room.issue(f"{SLUG}-ja", head=f"language: ja\ntranslation_of: {SLUG}\n", body="本文です。", title="週刊")
    room.commit("A third language")
    for slug in (SLUG, EN):
        message = next((room.root / "outbox" / slug).glob("*.eml"))
        ran = room.run("verify", str(message))
        assert ran.status == 0, ran.err


def test_pages_and_mail_lead_to_the_other_languages(room: Newsroom) -> None:
    assert room.run("publish").status == 0
    page = (room.root / f"live/issues/{EN}/index.html").read_text()
    url = re.search(r'<link rel="canonical" href="(.*/)2035-[^"]*">', page)[1]  # type: ignore[index]
    for language, slug in (("x-default", SLUG), ("zh-CN", SLUG), ("en", EN)):
        assert f'<link rel="alternate" hreflang="{language}" href="{url}{slug}/">' in page
    mail = (room.root / f"dist/email/{SLUG}/email.html").read_text()
    assert f'href="{url}{EN}/"' in mail
    assert f"English <{url}{EN}/>" in (room.root / f"dist/email/{SLUG}/email.txt").read_text()
    year = Path(room.root / f"live/search/{SLUG[:4]}.json")
    rows = {row["url"]: row.get("of") for row in json.loads(year.read_text())}
    assert rows == {f"issues/{SLUG}/": None, f"issues/{EN}/": SLUG}


def test_a_page_of_a_family_is_verified_with_its_family_as_it_was(newsroom: Newsroom) -> None:
    newsroom.set_up()
    newsroom.issue()
    newsroom.issue(EN, head=f"language: en\ntranslation_of: {SLUG}\n", body="The body.", title="Weekly")
    newsroom.commit("The issue, and its translation")
    assert newsroom.run("publish").status == 0
    newsroom.issue(EN, head=f"language: en\ntranslation_of: {SLUG}\n", body="Another body.", title="Weekly")
    newsroom.commit("Later")
    for slug in (SLUG, EN):  # a page names its own issue alone
        ran = newsroom.run("verify", f"{newsroom.edge.url}/{newsroom.bucket}/issues/{slug}/")
        assert ran.status == 0, ran.err
    (change,) = json.loads(newsroom.run("plan", "--base", "HEAD~1", "--format", "json").out)["changes"]
    assert (change["issue"], change["how"]) == (EN, "changed")
    assert change["findings"] == {"added": [], "removed": []}


def test_a_head_is_parsed_once_while_its_file_is_as_it_was(room: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    from publisher.issue import translations

    config, parsed, read = load_config(room.root), list[str](), translations.read_text

    def counted(root: Path, path: str) -> object:
        parsed.append(path)
        return read(root, path)

    monkeypatch.setattr(translations, "read_text", counted)
    for _ in range(3):
        assert translations_of(config).family(EN)[0].slug == SLUG
    assert sorted(parsed) == [f"issues/{EN}/issue.yaml", f"issues/{SLUG}/issue.yaml"]
    room.issue(EN, head=f"language: de\ntranslation_of: {SLUG}\n", title="Woche")
    assert translations_of(config).family(EN)[1].language == "de"
    assert len(parsed) == 3
