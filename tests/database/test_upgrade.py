"""A database of the first version opens in the middle of a mailing: copied, upgraded, and the mailing continues."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
from pathlib import Path

import pytest

from publisher.database import open_database
from publisher.delivery import mailings
from publisher.delivery.send import Options, send
from publisher.errors import DatabaseError
from publisher.testing import FakeTransport
from tests.delivery.world import make_config

SCHEMA = (Path(__file__).parent / "first_version" / "sqlite.sql").read_text(encoding="utf-8")
SLUG, MOMENT = "2024-12-29-weekly", "2024-12-29T08:00:00+00:00"
LETTER = {
    "slug": SLUG, "title": "Weekly", "subject": "Weekly {{ name }}", "language": "en", "digest": "sha256:" + "ab" * 32,
    "commit": None, "html": ["<p>Body</p>", {"slot": "unsubscribe_url"}], "text": ["Body ", {"slot": "greeting"}, "."],
}  # fmt: skip
STATES = ["submitted", "submitted", "uncertain", "rejected", "pending", "pending", "pending"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """As 0.1.0 left it when it died."""
    (tmp_path / ".publisher").mkdir()
    file = tmp_path / ".publisher" / "publisher.db"
    connection = sqlite3.connect(file)
    connection.executescript(SCHEMA.replace(" RETURNING version_num", ""))
    columns = (
        "id, reference, address, address_key, mailbox_key, state, name, topics, attributes, created_at, changed_at"
    )
    for number, state in enumerate(STATES, 1):
        address = f"reader{number}@example.com"
        person = (number, f"r{number}", *[address] * 3, "confirmed", "", "[]", '{"city": "Bonn"}', MOMENT, MOMENT)
        connection.execute(f"INSERT INTO subscribers ({columns}) VALUES ({', '.join('?' * 11)})", person)
        row = (number, f"r{number}", state, int(state != "pending"), f"m{number}" if state == "submitted" else None)
        recipient = "mailing_id, number, reference, state, attempts, message_id, released"
        connection.execute(f"INSERT INTO recipients ({recipient}) VALUES (1, ?, ?, ?, ?, ?, 0)", row)
    mailing = (1, "0123abcd", SLUG, 1, LETTER["digest"], "Weekly", json.dumps(LETTER), "going", 7, MOMENT, "")
    columns = "id, reference, slug, sequence, digest, title, letter, operator, audience, frozen_at, note"
    connection.execute(f"INSERT INTO mailings ({columns}) VALUES ({', '.join('?' * 11)})", mailing)
    connection.commit()
    connection.close()
    return file


def test_a_mailing_of_the_first_version_goes_on_and_nobody_is_mailed_twice(file: Path, tmp_path: Path) -> None:
    config = make_config(tmp_path)
    database = open_database(config)
    with database.connect() as connection:
        letter = mailings.letter_of(connection, 1)
    transport = FakeTransport()
    sent = send(config, database, letter, Options(transport=transport))
    database.close()
    assert sorted(envelope.address for envelope in transport.seen) == [f"reader{n}@example.com" for n in (5, 6, 7)]
    assert {message["subject"] for message in transport.messages} == {"Weekly {{ name }}"}
    account = sent.account
    assert (account.submitted, account.uncertain, account.rejected, account.audience) == (5, 1, 1, 7)
    (kept,) = file.parent.glob("*.backup")
    assert kept.name == "publisher.db.0004_publishing.backup"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_what_was_kept_is_the_database_as_it_was(file: Path, tmp_path: Path) -> None:
    before = list(sqlite3.connect(file).iterdump())
    open_database(make_config(tmp_path)).close()
    (kept,) = file.parent.glob("*.backup")
    assert list(sqlite3.connect(kept).iterdump()) == before
    for end in ("", "-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    os.rename(kept, file)  # the way back; and forward again
    open_database(make_config(tmp_path)).close()
    assert len([*file.parent.glob("*.backup")]) == 1


def test_an_earlier_copy_is_never_overwritten(file: Path, tmp_path: Path) -> None:
    earlier = file.with_name("publisher.db.0004_publishing.backup")
    earlier.write_text("precious", encoding="utf-8")
    open_database(make_config(tmp_path)).close()
    assert earlier.read_text(encoding="utf-8") == "precious"
    assert file.with_name("publisher.db.0004_publishing-2.backup").stat().st_size > 1000


def test_without_a_copy_nothing_is_upgraded(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = list(sqlite3.connect(file).iterdump())
    real = os.open

    def full(path: str, *rest: int) -> int:
        if str(path).endswith(".backup"):
            raise OSError(28, "No space left on device")
        return real(path, *rest)

    monkeypatch.setattr("publisher.database.migrate.os.open", full)
    with pytest.raises(DatabaseError, match="No space left"):
        open_database(make_config(tmp_path))
    assert list(sqlite3.connect(file).iterdump()) == before
    assert not [*file.parent.glob("*.backup")]
