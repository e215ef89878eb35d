"""What the database keeps of publishing, and what ``state.json`` says against it, each rule by itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import TypeAdapter

from publisher.config.model import Config
from publisher.database import Database, open_database
from publisher.delivery.freeze import freeze
from publisher.delivery.mailings import Mailing
from publisher.errors import UsageError
from publisher.publishing import store
from publisher.publishing.due import Mailed
from publisher.publishing.history import content_of
from publisher.publishing.store import Publication
from publisher.publishing.witness import ArchiveState, Witness
from publisher.site.deploy.model import ChangedMeanwhileError
from tests.delivery.world import SLUG, add_people, make_config, make_letter
from tests.site.editions import make_edition

NOW = datetime(2025, 3, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
STATE = ArchiveState("m1", "sha256:b", NOW, 2, run="r2")
KNOWN = Mailed("sha256:b", None, "going", 0, 0, "m1", ("r1", "r2"), finished=True)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    (tmp_path / "issues" / SLUG).mkdir(parents=True)
    (tmp_path / "issues" / SLUG / "issue.yaml").touch()
    return make_config(tmp_path)


@pytest.fixture
def database(config: Config) -> Iterator[Database]:
    opened = open_database(config)
    yield opened
    opened.close()


class Place:
    """An archive that holds ``state``, and that another deployment changes before the first ``busy`` notes."""

    name = "s3"

    def __init__(self, state: ArchiveState | None = None, busy: int = 0) -> None:
        self.state, self.busy, self.notes = state, busy, 0

    def read(self, _path: str) -> bytes | None:
        return TypeAdapter(ArchiveState).dump_json(self.state) if self.state else None

    def note(self, _path: str, _content: bytes) -> None:
        self.notes += 1
        if self.notes <= self.busy:
            raise ChangedMeanwhileError("changed")


def witness(place: Place) -> Witness:
    archive: Any = SimpleNamespace(place=place, in_place=False)
    return Witness(archive)


@pytest.mark.parametrize(
    ("state", "publication", "mailed", "behind"),
    [
        (None, Publication(SLUG), KNOWN, False),
        (STATE, Publication(SLUG), KNOWN, False),
        (STATE, Publication(SLUG), replace(KNOWN, reference="m0"), True),
        (STATE, Publication(SLUG), None, True),
        (STATE, Publication(SLUG), replace(KNOWN, runs=("r1",)), True),
        (replace(STATE, run="r9"), Publication(SLUG), KNOWN, True),
        (replace(STATE, run="", runs=3), Publication(SLUG), KNOWN, True),
        (replace(STATE, finished=True), Publication(SLUG), KNOWN, False),
        (replace(STATE, finished=True), Publication(SLUG), replace(KNOWN, finished=False), True),
        (STATE, Publication(SLUG, settled_how="unmailed", settled_at=NOW + HOUR), None, False),
        (STATE, Publication(SLUG, settled_how="unmailed", settled_at=NOW - HOUR), None, True),
        (STATE, Publication(SLUG, settled_how="mailed", settled_at=NOW + HOUR), None, True),
    ],
)
def test_the_archive_knows_more_than_the_ledger(
    state: ArchiveState | None, publication: Publication, mailed: Mailed | None, behind: bool
) -> None:
    references = frozenset({mailed.reference} if mailed else ())
    told = witness(Place(state)).contradiction(publication, mailed, references)
    assert (told is not None) is behind, told


def test_a_later_mailing_of_the_issue_is_not_compared_with_the_state_of_an_earlier() -> None:
    later = replace(KNOWN, reference="m2", runs=(), finished=False)
    assert (
        witness(Place(replace(STATE, finished=True))).contradiction(Publication(SLUG), later, frozenset({"m1", "m2"}))
        is None
    )


def a_mailing(database: Database) -> Mailing:
    add_people(database, 2)
    with database.begin() as connection:
        return freeze(connection, make_letter())


@pytest.mark.parametrize(("busy", "written"), [(0, True), (2, True), (3, False)])
def test_the_state_is_written_though_a_deployment_changes_the_archive_twice(
    database: Database, busy: int, written: bool
) -> None:
    mailing, place = a_mailing(database), Place(busy=busy)
    if written:
        witness(place).write_state(database, mailing)
    else:
        with pytest.raises(ChangedMeanwhileError):
            witness(place).write_state(database, mailing)
    assert place.notes == min(busy + 1, 3)


def test_a_step_of_a_series_has_no_state(database: Database) -> None:
    place = Place()
    witness(place).write_state(database, replace(a_mailing(database), slug="series/welcome/hello"))
    assert place.notes == 0


def test_the_newest_mailing_counts_who_is_pending_or_claimed(database: Database) -> None:
    mailing = a_mailing(database)
    with database.begin() as connection:
        connection.exec_driver_sql("UPDATE recipients SET state = 'claimed' WHERE number = 1")
        found = store.mailed(connection)[SLUG]
    assert (found.sendable, found.uncertain, found.finished, found.nobody) == (2, 0, False, False)
    assert found.reference == mailing.reference


def test_a_hold_keeps_its_time_and_its_reason_in_one_line(config: Config, database: Database) -> None:
    def held() -> Publication:
        with database.connect() as connection:
            return store.publication(connection, SLUG)

    store.hold(config, database, SLUG, "the lead\n is not  confirmed")
    first = held()
    store.hold(config, database, SLUG, "still not")
    assert (first.held_why, held().held_why) == ("the lead is not confirmed", "still not")
    assert first.held_at is not None
    assert held().held_at == first.held_at
    store.release(config, database, SLUG)
    assert (held().held_at, held().held_why) == (None, "")
    assert "is not held" in store.release(config, database, SLUG)
    with pytest.raises(UsageError, match="2099-01-01-none"):
        store.release(config, database, "2099-01-01-none")


def test_the_last_deployment_is_the_newest_with_a_commit(database: Database) -> None:
    with database.begin() as connection:
        assert store.last_deployment(connection) is None
        for commit, ends in (("a" * 40, True), ("b" * 40, False), (None, True)):
            number = store.begin_deployment(connection, commit, "s3", NOW)
            if ends:
                store.end_deployment(connection, number, NOW, 1, 0)
        assert store.last_deployment(connection) == ("b" * 40, False)
        store.end_deployment(connection, 2, NOW, 1, 0)
        assert store.last_deployment(connection) == ("b" * 40, True)


def test_an_issue_that_is_out_of_sight_begins_a_new_window(database: Database) -> None:
    with database.begin() as connection:
        for slug in ("a", "b"):
            store.note(connection, slug, seen_at=NOW, seen_content="sha256:x")
        store.forget_sight(connection, ())
        store.forget_sight(connection, iter(["a"]))
        found = store.all_publications(connection)
    assert [(one.seen_at, one.seen_content) for _, one in sorted(found.items())] == [(None, None), (NOW, "sha256:x")]


WEB = '<p>words</p><p><a href="https://a.test/">link</a></p><img src="a.png" alt="a street">'


@pytest.mark.parametrize(
    ("web", "corrected"),
    [
        (WEB.replace("words", "other words"), True),
        (WEB.replace("a.test", "b.test"), True),
        (WEB.replace("a street", "a square"), True),
        (WEB.replace("<p>words</p>", '<div class="new"><p>words\n</p></div>'), False),
    ],
)
def test_a_correction_is_of_words_links_and_what_pictures_show(web: str, corrected: bool) -> None:
    before, after = (content_of(make_edition(web=text)) for text in (WEB, web))
    assert (after != before) is corrected
