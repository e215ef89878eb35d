"""A repository that was copied with its database mails nobody of the other newsletter; a changed one is no other."""

from __future__ import annotations

import shutil
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from publisher.config import load_config
from publisher.database import open_database
from publisher.delivery.send import Options, send
from publisher.edition.model import Slotted
from publisher.publishing.doctor import examine
from publisher.publishing.doctor.questions import Probes
from publisher.publishing.history import other_newsletter
from publisher.testing import FakeTransport
from tests.delivery.world import add_people, make_config, make_letter

from .newsroom import PEOPLE, Newsroom

FIRST, SECOND = "2035-03-09-weekly", "2035-03-16-weekly"


def write(newsroom: Newsroom, slug: str, title: str, body: str = "正文。") -> None:
    newsroom.issue(slug, body=body, title=title)
    newsroom.commit(title)


def copied(newsroom: Newsroom, root: Path, bucket: str, *, keep: bool = False) -> Newsroom:
    """A copy of the repository, with another name, address and archive; its database stays the first one's."""
    shutil.copytree(newsroom.root, root, ignore=shutil.ignore_patterns(".git", "dist", ".publisher"))
    if not keep:
        shutil.rmtree(root / "issues")
    other = replace(newsroom, root=root, bucket=bucket)
    other.set_up()
    database = f"sqlite:///{newsroom.root}/.publisher/publisher.db"
    other.environment["PUBLISHER_DATABASE_URL"] = database
    text = (root / "config.yaml").read_text()
    text = text.replace("name: AI 周报", "name: 月刊").replace("AI 周报 <weekly@news", "月刊 <monthly@other")
    other.newsletter.write("config.yaml", text)
    other.commit("Another newsletter")
    return other


@pytest.fixture
def mailed(newsroom: Newsroom) -> Newsroom:
    """A newsletter whose first issue its three readers have."""
    newsroom.set_up()
    newsroom.subscribers(*PEOPLE)
    write(newsroom, FIRST, "第一期")
    assert newsroom.run("publish").status == 0
    assert newsroom.mailed() == sorted(PEOPLE)
    return newsroom


@pytest.mark.parametrize(("slug", "title"), [(SECOND, "月刊创刊号"), (FIRST, "月刊创刊号")])
def test_a_copy_with_the_database_of_another_mails_nobody(
    mailed: Newsroom, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slug: str, title: str
) -> None:
    other = copied(mailed, tmp_path / "other", "other")
    write(other, slug, title)
    if slug == FIRST:
        write(other, SECOND, "月刊第二期", body="另一篇正文。")
    for words in (("publish",), ("publish", "--accept-history"), ("send", SECOND)):
        ran = other.run(*words)
        assert ran.status == 2, (words, ran)
        assert "第一期" in ran.err
        assert "PUBLISHER_DATABASE_URL" in ran.err
    assert "another newsletter:" in other.run("plan").out
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", other.environment["PUBLISHER_DATABASE_URL"])
    (found,) = [one for one in examine(Probes(load_config(other.root)), {"database"}) if one.check == "database"]
    assert "another newsletter:" in found.message
    assert other.mailed() == sorted(PEOPLE)  # nobody has a second message


def test_an_operator_may_say_that_the_readers_are_its_own(mailed: Newsroom, tmp_path: Path) -> None:
    other = copied(mailed, tmp_path / "other", "other")
    write(other, SECOND, "月刊创刊号")
    said = other.run("publish", "--unmailed", SECOND, "--accept-history")
    assert said.status == 0, said
    assert other.mailed() == sorted(PEOPLE * 2)
    assert other.run("publish").status == 0  # and is not asked again


def _moved(newsroom: Newsroom) -> None:
    text = (newsroom.root / "config.yaml").read_text()
    where = {"Bucket": "elsewhere", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}}
    newsroom.s3.create_bucket(**where)
    for before, after in (("archive", "elsewhere"), ("name: AI 周报", "name: 新报"), ("weekly@news", "hello@new")):
        text = text.replace(before, after)
    newsroom.newsletter.write("config.yaml", text)


def _pruned(newsroom: Newsroom) -> None:
    shutil.rmtree(newsroom.root / "issues" / FIRST)


def _renamed_and_readdressed(newsroom: Newsroom) -> None:
    text = (newsroom.root / "config.yaml").read_text()
    newsroom.newsletter.write("config.yaml", text.replace("name: AI 周报", "name: 新报").replace("weekly@news", "a@b"))


@pytest.mark.parametrize("change", [_moved, _pruned, _renamed_and_readdressed])
def test_a_newsletter_that_changes_stays_itself(mailed: Newsroom, change: Any) -> None:
    change(mailed)
    write(mailed, SECOND, "第二期", body="另一篇正文。")
    ran = mailed.run("publish")
    assert ran.status == 0, ran
    assert mailed.mailed() == sorted(PEOPLE * 2)


def test_a_trial_with_the_sample_is_no_other_newsletter(newsroom: Newsroom) -> None:
    newsroom.set_up()
    real = (newsroom.root / "config.yaml").read_text()
    trial = real.replace("transport: ses", "transport: folder").replace(newsroom.edge.url, "http://127.0.0.1:9")
    trial = trial.replace("verify_timeout: 1s", "verify: none")
    newsroom.newsletter.write("config.yaml", trial)
    newsroom.subscribers(*PEOPLE)
    write(newsroom, FIRST, "样例")
    assert newsroom.run("publish").status == 0
    assert "1 issue mailed earlier" in newsroom.run("publish").out
    newsroom.newsletter.write("config.yaml", real)
    assert "1 issue went only into the folder" in newsroom.run("publish").out
    shutil.rmtree(newsroom.root / "issues" / FIRST)
    write(newsroom, SECOND, "第一期", body="另一篇正文。")
    ran = newsroom.run("publish")
    assert ran.status == 0, ran
    assert newsroom.mailed() == sorted(PEOPLE)


def test_a_trial_before_anybody_subscribed_counts_once(newsroom: Newsroom) -> None:
    newsroom.set_up()
    real = (newsroom.root / "config.yaml").read_text()
    trial = real.replace("transport: ses", "transport: folder").replace(newsroom.edge.url, "http://127.0.0.1:9")
    newsroom.newsletter.write("config.yaml", trial.replace("verify_timeout: 1s", "verify: none"))
    write(newsroom, FIRST, "样例")
    assert newsroom.run("publish").status == 0
    newsroom.newsletter.write("config.yaml", real)
    told = newsroom.run("publish").out
    assert "1 issue went to nobody; publisher send ISSUE mails it" in told
    assert "mailed earlier" not in told
    assert "folder" not in told


@pytest.mark.parametrize(("link", "theirs"), [("https://news.example.com/issues/x/", False), ("https://a.test/", True)])
def test_both_databases_tell(dialect: str, tmp_path: Path, link: str, theirs: bool) -> None:
    assert dialect
    config = make_config(tmp_path, "ses")
    (tmp_path / "issues" / SECOND).mkdir(parents=True)
    (tmp_path / "issues" / SECOND / "issue.yaml").write_text("title: 月刊\n")
    with closing(open_database(config)) as database:
        add_people(database, 3)
        send(config, database, make_letter(html=Slotted((f"<a href='{link}'>",))), Options(transport=FakeTransport()))
        with database.connect() as connection:
            assert bool(other_newsletter(config, connection)) == theirs
            nowhere = config.model_copy(update={"root": tmp_path / "nowhere"})  # a worker without a checkout
            assert other_newsletter(nowhere, connection) is None
