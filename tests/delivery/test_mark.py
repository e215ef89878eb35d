"""A ledger that lacks what was done stops, however it lost it."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, literal, literal_column, select, update

from publisher.audience import backup, store, suppressions
from publisher.audience.address import read_address
from publisher.audience.backup import back_up, restore
from publisher.audience.model import ConsentSource
from publisher.audience.tables import enrolments, subscribers
from publisher.audience.tokens import Purpose, Tokens
from publisher.config.model import Config
from publisher.database import Database, open_database
from publisher.delivery import mailings, worker
from publisher.delivery.lock import adopt_database, mark_path, read_mark, settle_mark
from publisher.delivery.mailings import set_operator
from publisher.delivery.send import Options, dry_run, send
from publisher.delivery.sender import Interrupt
from publisher.delivery.settle import count_as_reached, forget_unmatched, note_unmatched
from publisher.delivery.tables import mailings as mailings_table
from publisher.delivery.tables import origins, recipients, unmatched_messages
from publisher.delivery.worker import Duties
from publisher.errors import DatabaseError, UsageError
from publisher.mail.message import Envelope
from publisher.providers.folder import FolderTransport
from publisher.providers.outcomes import Outcome
from tests.delivery.world import SLUG, add_people, make_config, make_letter
from tests.postgres import dump
from tests.postgres import put_back as put_back_dump

PEOPLE = 40


def file_of(database: Database) -> Path:
    name = database.engine.url.database
    assert name
    return Path(name)


def copies(root: Path) -> Counter[str]:
    """How many messages each reader has, whatever mailing they came from."""
    found: Counter[str] = Counter()
    for file in (root / "outbox" / SLUG).glob("*.eml"):
        (line,) = [x for x in file.read_bytes().splitlines() if x.startswith(b"To:")]
        found[line.decode()] += 1
    return found


def refused(config: Config) -> str:
    """Why send refuses now."""
    database = open_database(config)
    try:
        with pytest.raises(UsageError) as dry:
            dry_run(database, make_letter())
        with pytest.raises(UsageError) as error:
            send(config, database, make_letter())
    finally:
        database.close()
    assert dry.value.message == error.value.message
    assert f"--mailed {SLUG}" in str(error.value.help)
    return error.value.message


def put_back(kept: Path, file: Path) -> None:
    for end in ("-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    shutil.copy(kept, file)


def test_cp_of_a_live_database_put_back_after_the_mailing_mails_nobody(config: Config, sqlite: Database) -> None:
    add_people(sqlite, PEOPLE)
    file = file_of(sqlite)
    shutil.copy(file, kept := file.with_name("kept"))  # without its WAL
    send(config, sqlite, make_letter())
    sqlite.close()
    put_back(kept, file)
    assert "knows less" in refused(config)
    assert set(copies(config.root).values()) == {1}


def test_a_new_database_beside_an_old_mark_mails_nobody(config: Config, sqlite: Database) -> None:
    add_people(sqlite, PEOPLE)
    send(config, sqlite, make_letter())
    sqlite.close()
    for end in ("", "-wal", "-shm"):
        file_of(sqlite).with_name(file_of(sqlite).name + end).unlink(missing_ok=True)
    fresh = open_database(config)
    add_people(fresh, PEOPLE)
    fresh.close()
    refused(config)
    assert set(copies(config.root).values()) == {1}


_KILLED = """
import os, signal, sys
from pathlib import Path
from publisher.database import open_database
from publisher.providers.outcomes import Outcome
from publisher.delivery.send import send
from publisher.providers import folder
from tests.delivery.world import make_config, make_letter
left = [int(sys.argv[2])]
def submit(self, envelopes, real=folder.FolderTransport.submit):
    done = real(self, envelopes)
    left[0] -= 1
    if left[0] <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return done
folder.FolderTransport.submit = submit
config = make_config(Path(sys.argv[1]), max_send_rate=60)
send(config, open_database(config), make_letter())
"""


def test_a_wal_lost_after_a_kill_mails_nobody(config: Config, sqlite: Database) -> None:
    add_people(sqlite, PEOPLE)
    sqlite.close()
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(_KILLED), str(config.root), "3"], check=False, timeout=60,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )  # fmt: skip
    assert done.returncode == -signal.SIGKILL
    for end in ("-wal", "-shm"):
        file_of(sqlite).with_name(file_of(sqlite).name + end).unlink(missing_ok=True)
    database = open_database(config)
    with database.connect() as connection:
        assert mailings.newest(connection, SLUG), "the freeze is in the file itself"
    database.close()
    refused(config)
    assert set(copies(config.root).values()) == {1}


@pytest.mark.parametrize("moment", [int(x) for x in os.environ.get("MOMENTS", "0,9,25").split(",")])
def test_a_backup_restored_from_any_moment_doubles_nobody(
    config: Config, sqlite: Database, moment: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(sqlite, PEOPLE)
    config, seen, kept, count = make_config(config.root, max_send_rate=60), Interrupt(), config.root / "kept", [0]
    real = FolderTransport.submit

    def submit(self: FolderTransport, envelopes: Sequence[Envelope]) -> list[Outcome]:
        count[0] += len(envelopes)
        if count[0] >= moment:
            seen.request() if not seen.count else None
        return real(self, envelopes)

    if moment:
        monkeypatch.setattr(FolderTransport, "submit", submit)
        stopped = send(config, sqlite, make_letter(), Options(interrupt=seen)).account
        assert stopped.submitted
        assert stopped.pending, "the backup is taken in the middle"
        monkeypatch.setattr(FolderTransport, "submit", real)
    back_up(config, kept)
    send(make_config(config.root), sqlite, make_letter())
    sqlite.close()
    whole = copies(config.root)
    restore(config, kept, force=True)
    refused(config)
    assert copies(config.root) == whole
    assert set(whole.values()) == {1}
    assert len(whole) == PEOPLE


def test_an_ordinary_day_raises_no_alarm(config: Config, sqlite: Database) -> None:
    """Stopped and resumed, cancelled and sent again, a clone without .publisher: nothing is refused."""
    add_people(sqlite, PEOPLE)
    slow, seen = make_config(config.root, max_send_rate=200), Interrupt()
    first = send(slow, sqlite, make_letter(), Options(interrupt=seen, progress=lambda _p: seen.request()))
    assert first.account.pending
    set_operator(sqlite, SLUG, "cancelled")
    assert send(config, sqlite, make_letter()).account.left == 0
    assert send(config, sqlite, make_letter()).exit_status == 0
    path = mark_path(sqlite.engine.url, SLUG)
    assert path
    path.unlink()
    assert send(config, sqlite, make_letter()).exit_status == 0
    assert max(copies(config.root).values()) == 1


def test_an_operators_word_lets_the_ledger_go_on(config: Config, sqlite: Database) -> None:
    add_people(sqlite, 3)
    back_up(config, kept := config.root / "kept")
    send(config, sqlite, make_letter())
    restore(config, kept, force=True)
    refused(config)
    database = open_database(config)
    with database.begin() as connection:
        settle_mark(connection, SLUG)
    assert send(config, database, make_letter()).account.submitted == 3
    database.close()


def send_some(config: Config) -> None:
    """A few, and no more: a sender that is stopped as soon as it says how far it is."""
    seen, database = Interrupt(), open_database(config)
    slow = make_config(config.root, max_send_rate=60)
    stopped = send(
        slow,
        database,
        make_letter(),
        Options(interrupt=seen, progress=lambda at: seen.request() if at.submitted else None),
    )
    assert stopped.account.submitted, "somebody was mailed"
    assert stopped.account.pending, "and not everybody"
    database.close()


@pytest.mark.parametrize("begun", [False, True])
def test_a_copy_from_before_an_operators_word_mails_nobody(config: Config, sqlite: Database, begun: bool) -> None:
    """Nor does one of what was lost, neither before the ledger of that word has claimed anybody nor after."""
    add_people(sqlite, 5 * PEOPLE)
    if begun:
        send_some(config)
    back_up(config, before := config.root / "before")
    send_some(config)
    send_some(config)
    mark = read_mark(mark_path(sqlite.engine.url, SLUG))
    assert mark is not None
    assert mark.mailings == [mark.reference], "however often one goes on with it"
    back_up(config, lost := config.root / "lost")
    restore(config, before, force=True)
    refused(config)
    database = open_database(config)
    with database.begin() as connection:
        settle_mark(connection, SLUG)
    database.close()
    back_up(config, settled := config.root / "settled")
    for kept in (before, lost):
        restore(config, kept, force=True)
        refused(config)
    restore(config, settled, force=True)
    send_some(config)
    for kept in (before, lost, settled):
        restore(config, kept, force=True)
        refused(config)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b'{"strange": 1}', None], ids=repr)
def test_a_mark_that_cannot_be_read_is_reported_with_its_path(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "weekly.mark"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(UsageError, match=r"weekly\.mark cannot be read"):
        read_mark(path)


def test_a_mark_names_every_mailing_of_the_issue(config: Config, sqlite: Database) -> None:
    """Events of a mailing before the last, both forgotten, are about the issue still."""
    add_people(sqlite, 2)
    back_up(config, kept := config.root / "kept")
    first = send(config, sqlite, make_letter()).mailing
    restore(config, kept, force=True)
    database = open_database(config)
    with database.begin() as connection:
        settle_mark(connection, SLUG)
    second = send(config, database, make_letter()).mailing
    assert second.reference != first.reference
    database.close()
    restore(config, kept, force=True)
    database = open_database(config)
    with database.begin() as connection:
        readers = list(connection.scalars(select(subscribers.c.reference)))
        note_unmatched(connection, first.reference, 1, readers[0], first.frozen_at)
        note_unmatched(connection, "00000000", 1, readers[0], first.frozen_at)  # another newsletter's
        assert count_as_reached(connection, SLUG) == 1
        connection.execute(update(unmatched_messages).values(received_at=first.frozen_at - timedelta(days=31)))
        note_unmatched(connection, "00000001", 1, readers[0], first.frozen_at)
        forget_unmatched(connection)
        left = connection.scalars(select(unmatched_messages.c.mailing))
        assert {*left} == {first.reference, "00000001"}, "what an issue claims, and what is young"
        settle_mark(connection, SLUG)
    third = send(config, database, make_letter())
    assert third.account.submitted == 1
    with database.begin() as connection:
        note_unmatched(connection, first.reference, 2, readers[1], first.frozen_at)
        assert count_as_reached(connection, SLUG) == 2
        assert mailings.account(connection, third.mailing.id) == third.account, "who was mailed was mailed"
    database.close()


def test_a_backup_keeps_to_its_fine_print(config: Config, sqlite: Database, tmp_path: Path) -> None:
    add_people(sqlite, 3)
    token = Tokens.open(config).sign(Purpose.UNSUBSCRIBE, "ann")
    kept = tmp_path / "kept"
    made = back_up(config, kept)
    assert (made.subscribers, made.keys, kept.stat().st_mode & 0o777) == (3, 1, 0o600)
    for there in (kept, Path(), Path("/")):
        with pytest.raises(UsageError, match="already"):
            back_up(config, there)
    with pytest.raises(UsageError, match="not empty"):
        restore(config, kept)
    other = make_config(tmp_path / "other").model_copy(update={"database": "sqlite:///data/publisher.db"})
    other.root.mkdir()
    assert restore(other, kept) == made
    assert (other.root / ".publisher/.gitignore").read_text() == "*\n", "the keys there are nothing to commit"
    assert Tokens.open(other).read(Purpose.UNSUBSCRIBE, token), "links already mailed still work"
    data = bytearray(kept.read_bytes())
    data[5000:9000] = b"\xff" * 4000
    (tmp_path / "damaged").write_bytes(data)
    (tmp_path / "newer").write_bytes(kept.read_bytes())
    with closing(sqlite3.connect(tmp_path / "newer")) as newer, newer:
        newer.execute("UPDATE alembic_version SET version_num = 'ffff'")
    for file, words in (("damaged", "damaged"), ("strange", "no backup"), ("newer", "newer version")):
        if file == "strange":
            sqlite3.connect(tmp_path / file).execute("CREATE TABLE a (b)")
        with pytest.raises(UsageError, match=words):
            restore(other, tmp_path / file, force=True)


def test_of_two_backups_by_one_name_at_once_the_later_is_told_and_takes_nothings_place(
    config: Config, sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(sqlite, 3)
    kept, examine, first = tmp_path / "kept", backup._examine, list[bytes]()

    def meanwhile(connection: sqlite3.Connection, file: Path) -> backup.Copied:
        monkeypatch.setattr(backup, "_examine", examine)
        back_up(config, kept)
        first.append(kept.read_bytes())
        return examine(connection, file)

    monkeypatch.setattr(backup, "_examine", meanwhile)
    with pytest.raises(UsageError, match="was left as it is"):
        back_up(config, kept)
    assert [kept.read_bytes()] == first
    assert [path.name for path in tmp_path.glob("kept*")] == ["kept"]


def test_a_backup_that_is_killed_leaves_nothing_by_its_name(config: Config, sqlite: Database, tmp_path: Path) -> None:
    """A job that names a file a day keeps what it finds there, and its operator trusts it."""
    add_people(sqlite, 3)
    kept, child = tmp_path / "kept", os.fork()
    if not child:
        backup._examine = lambda *_: os.kill(os.getpid(), signal.SIGKILL)  # type: ignore[assignment]
        back_up(config, kept)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    left = [path.name for path in tmp_path.iterdir() if path.name.startswith("kept")]
    assert [name.rpartition(".")[2] for name in left] == ["partial"]
    assert (tmp_path / left[0]).stat().st_mode & 0o777 == 0o600
    assert back_up(config, kept).subscribers == 3
    assert [path.name for path in tmp_path.glob("kept*")].count("kept") == 1


def test_a_backup_for_which_there_is_no_room_leaves_nothing(
    config: Config, sqlite: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk SQLite cannot take its journal away."""
    add_people(sqlite, 3)
    (folder := tmp_path / "there").mkdir()

    def fill(*_: object) -> None:
        (part,) = folder.iterdir()
        part.with_name(f"{part.name}-journal").touch()
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(backup, "_examine", fill)
    with pytest.raises(DatabaseError, match="disk is full"):
        back_up(config, folder / "kept")
    assert [*folder.iterdir()] == []


def test_a_backup_of_a_damaged_database_names_the_database_and_the_way_out(
    config: Config, sqlite: Database, tmp_path: Path
) -> None:
    add_people(sqlite, 3)
    back_up(config, kept := tmp_path / "kept")
    file = file_of(sqlite)
    sqlite.close()
    data = bytearray(file.read_bytes())
    data[12_000:90_000] = b"\xff" * 78_000
    file.write_bytes(data)
    with pytest.raises(DatabaseError, match=f"{file} is corrupt") as raised:
        back_up(config, tmp_path / "other")
    assert "move it away" in (raised.value.help or "")
    assert not (tmp_path / "other").exists()
    for end in ("", "-wal", "-shm"):
        file.with_name(file.name + end).unlink(missing_ok=True)
    assert restore(config, kept).subscribers == 3


def test_who_left_since_a_backup_stays_out_once_it_is_restored(config: Config, tmp_path: Path) -> None:
    """As far as the replaced database knows it; what an operator's command did since then is undone."""
    kept = tmp_path / "kept"
    with closing(open_database(config)) as database:
        with database.begin() as connection:  # erased before the backup, in which they are there again
            suppressions.erase(connection, read_address("reader6@example.com"))
        add_people(database, 7)
        with database.connect() as connection:
            people = list(store.everybody(connection))
        back_up(config, kept)
        with database.begin() as connection:
            store.unsubscribe(connection, people[0], ConsentSource.ONE_CLICK)
            store.unsubscribe(connection, people[1], ConsentSource.COMMAND)
            suppressions.suppress(connection, people[2].mailbox_key, suppressions.Reason.BOUNCE)
            suppressions.suppress(connection, people[3].mailbox_key, suppressions.Reason.MANUAL)
            suppressions.erase(connection, read_address(people[4].address))
            store.unsubscribe(connection, people[5], ConsentSource.LINK)
            away = store.find(connection, people[5].reference)
            assert away
            store.confirm(connection, away, ConsentSource.LINK)  # and came back
    assert restore(config, kept, force=True).gone == 3
    with closing(open_database(config)) as database, database.connect() as connection:
        states = {one.reference: one.state for one in store.everybody(connection)}
        told = [states.get(one.reference) for one in people]
        assert told == ["unsubscribed", *["confirmed"] * 3, None, *["confirmed"] * 2]
        assert suppressions.suppressed_among(connection, [one.mailbox_key for one in people]) == {people[2].mailbox_key}


def test_a_restore_over_a_database_that_cannot_be_read_says_that_who_left_it_is_unknown(
    config: Config, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    with closing(open_database(config)) as database:
        add_people(database, 2)
        back_up(config, kept)
        with database.begin() as connection:
            connection.exec_driver_sql("DROP TABLE consents")
    assert restore(config, kept, force=True).gone is None
    with closing(open_database(config)) as database, database.connect() as connection:
        assert [one.state for one in store.everybody(connection)] == ["confirmed"] * 2


@pytest.mark.postgres
def test_a_dump_of_the_middle_of_a_mailing_put_back_mails_nobody_until_an_operator_says_so(
    config: Config, postgres_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not where the database is the one that was dumped; and the next mailing is none of a copy's."""
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    database = open_database(config)
    add_people(database, 5 * PEOPLE)
    send_some(config)
    dump(postgres_url, tmp_path / "dump")
    send_some(config)
    database.close()
    sent = copies(config.root)
    put_back_dump(postgres_url, tmp_path / "dump")
    assert "came out of a dump" in refused(config)
    database, said = open_database(config), list[str]()
    with database.connect() as connection:
        (mailing,) = mailings.every_newest(connection)
    assert worker._drain(config, database, mailing.id, Duties(tell=said.append)) is None
    assert "came out of a dump" in "".join(said)
    assert copies(config.root) == sent
    with database.begin() as connection:
        settle_mark(connection, SLUG)
    copied = select(origins.c.writer != literal_column("xmin::text"))
    then, table = mailing.frozen_at, mailings_table
    month = then.replace(day=1) + timedelta(days=32)
    enrolled = insert(enrolments).from_select(
        ["subscriber_id", "series", "started_at"],
        select(subscribers.c.id, literal("welcome"), subscribers.c.created_at).limit(1),
    )
    for change, now, steps, stays in (
        (update(recipients).values(state="excluded", reason="digest"), month, None, True),  # left to a month's edition
        (enrolled, then, None, True),
        (enrolled, then, (), False),
        (enrolled, then, ("series/welcome/hello",), True),
        (update(table).values(slug="other"), then, None, True),
        (update(table).values(slug="other", finished_at=then), then, None, False),  # its page is in the archive
        (update(table).values(slug="series/welcome/old", finished_at=then), then, None, True),
    ):
        with database.connect() as connection:  # as if it were so; not written
            connection.execute(change)
            adopt_database(connection, now, steps)
            assert connection.execute(copied).scalar() is stays, "that may have been mailed since"
    assert send(config, database, make_letter()).account.left == 0
    send(config, database, make_letter(slug="2025-01-05-weekly"))
    with database.connect() as connection:
        assert connection.execute(copied).scalar() is False
    database.close()


@pytest.mark.postgres
def test_postgresql_is_told_of_its_own_tools(
    config: Config, postgres_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    with pytest.raises(UsageError) as error:
        back_up(config, tmp_path / "kept")
    assert "pg_dump" in str(error.value.help)
