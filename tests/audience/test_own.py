"""Our own export of any audience can be imported again, with all attributes."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, insert, select

from publisher.audience import store
from publisher.audience.address import read_address
from publisher.audience.csvfile import RowError
from publisher.audience.importing import survey, write
from publisher.audience.model import ConsentEvent, ConsentSource, ConsentState
from publisher.audience.own import COLUMNS, escaped_cell, export, plain_cell, record
from publisher.audience.suppressions import Reason, suppress, suppression
from publisher.audience.tables import consents, enrolments, subscribers, suppressions
from publisher.audience.tokens import Purpose, Tokens
from publisher.config.model import Config
from publisher.database import Database, open_database

TRICKY = ("City", "city", "state", "email", "name", "E-Mail", "Status",
          "other_attributes", "consent_history", "topics", "",
          " x ", "=1", "'=1", "''", "a;=b", "a\r\nb", "\r", "\n", '"', "a,b", "[1]", "{}", "unsubscribed", "é", "城市",
          "\ufeff", "sep=;", "\t-", "＝1", "\u2028")  # fmt: skip
TEXT = st.sampled_from(TRICKY) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12
)
MOMENT = st.datetimes(datetime(2000, 1, 1), datetime(2030, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
LANGUAGE = st.none() | st.sampled_from(["en", "zh-CN", "zh-Hant-TW", "es-419"])
HISTORY = st.lists(
    st.fixed_dictionaries(
        {
            "at": MOMENT,
            "change": st.sampled_from([change.value for change in ConsentEvent]),
            "how": st.sampled_from([how.value for how in ConsentSource]),
            "evidence": st.dictionaries(TEXT, TEXT | st.integers(-9, 9) | st.none(), max_size=2),
        }
    ),
    min_size=1,
    max_size=3,
)
PERSON = st.fixed_dictionaries(
    {
        "state": st.sampled_from([state.value for state in ConsentState]),
        "name": TEXT,
        "language": LANGUAGE,
        "timezone": st.none() | st.sampled_from(["UTC", "America/Argentina/Buenos_Aires", "Etc/GMT+12"]),
        "topics": st.lists(TEXT, max_size=3),
        "attributes": st.dictionaries(TEXT, TEXT, max_size=4),
        "paused_until": st.none() | MOMENT,
        "digest": st.none() | st.just("monthly"),
        "asked_at": st.none() | MOMENT,
        "preferred_at": st.none() | MOMENT,
        "created_at": MOMENT,
        "changed_at": MOMENT,
    }
)
ADDRESSES = st.lists(
    st.sampled_from(
        ["ann@example.com", "Ann@example.com", "ANN@example.com", "b.b@EXAMPLE.org", "c+1@münchen.example.com"]
    ),
    unique_by=lambda address: read_address(address).address_key,
)
HELD = st.dictionaries(
    st.sampled_from(["ann@example.com", "b.b@example.org", "stranger@example.com", "näht@example.com", "no address"]),
    st.tuples(st.sampled_from([reason.value for reason in Reason]), TEXT, MOMENT),
)


def fill(connection: Connection, addresses: list[str], data: Any, held: dict[str, Any]) -> None:
    """Write an audience as it is drawn."""
    for number, text in enumerate(addresses):
        address = read_address(text)
        person = data.draw(PERSON)
        keys = {"address": text, "address_key": address.address_key, "mailbox_key": address.mailbox_key}
        values = {**person, **keys, "reference": f"{number:024x}"}
        key = connection.execute(insert(subscribers).values(values)).inserted_primary_key
        assert key is not None
        for entry in data.draw(HISTORY):
            connection.execute(insert(consents).values(subscriber_id=key[0], **entry))
    for mailbox, (reason, detail, at) in held.items():
        connection.execute(insert(suppressions).values(mailbox_key=mailbox, reason=reason, detail=detail, at=at))


def everything(database: Database) -> list[Any]:
    """All that is stored of an audience, but for the rows' numbers."""
    with database.connect() as connection:
        people = [
            {
                **{key: value for key, value in row._mapping.items() if key != "id"},
                "history": [
                    (entry.at, entry.change, entry.how, entry.evidence) for entry in store.history(connection, row.id)
                ],
            }
            for row in connection.execute(select(subscribers).order_by(subscribers.c.id))
        ]
        held = connection.execute(select(suppressions).order_by(suppressions.c.mailbox_key)).all()
    return [people, [tuple(row) for row in held]]


def carry(source: Database, path: Path) -> None:
    with source.connect() as connection, path.open("w", encoding="utf-8", newline="") as file:
        export(connection, file)


def bring(database: Database, path: Path, **options: Any) -> Counter[str]:
    def fail(problem: RowError) -> None:
        pytest.fail(f"{problem.line}: {problem.message}")

    found = survey(path, complain=fail)
    assert (found.tool, found.questions, found.warnings) == ("publisher", [], ())
    return write(database, found, **options)


Open = Callable[[], Database]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Open:
    """Makes empty databases: each is a copy of one that was migrated once."""
    newsletter = {"name": "n", "language": "en", "url": "https://news.example.com/", "from": "a <a@example.com>"}

    def at(root: Path) -> Database:
        from publisher.config.model import Newsletter

        with pytest.MonkeyPatch.context() as patch:
            patch.delenv("PUBLISHER_DATABASE_URL", raising=False)
            return open_database(Config(newsletter=Newsletter(**newsletter), root=root))

    first = tmp_path_factory.mktemp("first")
    at(first).close()

    def make() -> Database:
        root = tmp_path_factory.mktemp("fresh")
        shutil.copytree(first / ".publisher", root / ".publisher")
        return at(root)

    return make


@given(data=st.data(), addresses=ADDRESSES, held=HELD)
@settings(max_examples=60, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # to shrink takes minutes
def test_any_audience_comes_back_as_it_was(
    fresh: Open, tmp_path_factory: pytest.TempPathFactory, data: Any, addresses: list[str], held: dict[str, Any]
) -> None:
    there, here, path = fresh(), fresh(), tmp_path_factory.mktemp("file") / "out.csv"
    with there.begin() as connection:
        fill(connection, addresses, data, held)
    carry(there, path)
    bring(here, path)
    assert everything(here) == everything(there)
    before = everything(there)
    bring(there, path)
    assert everything(there) == before  # and again, where everybody is there already
    there.close()
    here.close()


@given(TEXT)
def test_a_guarded_cell_comes_back(text: str) -> None:
    assert plain_cell(escaped_cell(text)) == text


def test_the_same_on_postgresql_and_links_in_mail_work_on(
    fresh: Open, database: Database, config: Config, tmp_path: Path
) -> None:
    there, path = fresh(), tmp_path / "out.csv"
    with there.begin() as connection:
        ann = store.add(
            connection, read_address("ann@example.com"), how=ConsentSource.FORM, name=" =Ann\r\n", topics=["a;b", "c"],
            attributes={"City": "Rome", "city": "Paris", "state": "cancelled", "empty": "", "=x": "y"},
        )  # fmt: skip
        ben = store.add(connection, read_address("ben@example.com"), how=ConsentSource.FORM)
        store.unsubscribe(connection, ben, ConsentSource.ONE_CLICK, {"mailing": "7"})
        suppress(connection, "ann@example.com", Reason.PROVIDER, "listed")
        suppress(connection, "stranger@example.com", Reason.COMPLAINT, "said so")
    link = Tokens(["k" * 32], "https://letters.example.com/").sign(Purpose.UNSUBSCRIBE, ann.reference)
    carry(there, path)
    assert bring(database, path)["added"] == 2
    assert everything(database) == everything(there)
    claim = Tokens(["k" * 32], "https://letters.example.com/").read(Purpose.UNSUBSCRIBE, link)
    assert claim is not None
    with database.connect() as connection:
        found = store.find(connection, claim.reference)
    assert found is not None
    assert found.address == "ann@example.com"


EARLIER = (
    "email,name,state,language,topics,suppressed,created_at,changed_at,reference,digest,State,city\n"
    "ann@example.com,'=Ann,confirmed,en,a;b,,2024-01-02T03:04:05+00:00,2024-01-02T03:04:05+00:00,{},Rome,NY,x\n"
    "ben@example.com,,unsubscribed,,,,2024-01-02T03:04:05+00:00,2024-05-02T03:04:05+00:00,{},,,\n"
    "cy@example.com,,confirmed,,,bounce,2024-01-02T03:04:05+00:00,2024-01-02T03:04:05+00:00,{},,,\n"
    "Dee@Example.com,,,,,complaint,,,,,,\n"  # nobody's, and added by hand
).format(*(f"{n:024x}" for n in range(3)))


def test_an_earlier_export_is_read_with_its_references(database: Database, tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text(EARLIER, encoding="utf-8")
    assert bring(database, tmp_path / "old.csv")["added"] == 3
    with database.connect() as connection:
        ann, ben, cy = (store.find(connection, f"{n:024x}") for n in range(3))
        assert ann
        assert ben
        assert cy
        assert (ann.name, ann.attributes) == ("=Ann", {"digest": "Rome", "State": "NY", "city": "x"})
        assert (ben.state, cy.state) == ("unsubscribed", "confirmed")
        held = suppression(connection, "cy@example.com")
        assert held is not None
        assert held.reason is Reason.BOUNCE
        assert suppression(connection, "dee@example.com")
        assert [(entry.change, entry.how) for entry in store.history(connection, ben.id)] == [
            ("unsubscribed", "import")
        ]


def test_an_export_takes_nobody_s_choice_back(database: Database, fresh: Open, tmp_path: Path) -> None:
    there, path = fresh(), tmp_path / "out.csv"
    names = ("left-here", "left-there", "back-here", "spelled")
    with there.begin() as connection:
        people = {
            name: store.add(connection, read_address(f"{name}@example.com"), how=ConsentSource.FORM) for name in names
        }
        store.unsubscribe(connection, people["left-there"], ConsentSource.ONE_CLICK)
        store.unsubscribe(connection, people["back-here"], ConsentSource.ONE_CLICK)
    with database.begin() as connection:
        for name in ("left-here", "left-there", "Spelled"):
            person = store.add(connection, read_address(f"{name}@example.com"), how=ConsentSource.IMPORT)
            if name != "left-there":
                store.unsubscribe(connection, person, ConsentSource.ONE_CLICK)
        waits = store.add(
            connection, read_address("back-here@example.com"), how=ConsentSource.FORM, state=ConsentState.PENDING
        )
        store.confirm(connection, waits, ConsentSource.LINK)
    carry(there, path)
    bring(database, path)
    with database.connect() as connection:
        states = {
            name: found.state.value
            for name in names
            if (found := store.find(connection, read_address(f"{name}@example.com")))
        }
        from publisher.delivery.freeze import preview

        (mailable,), _ = preview(connection, "")
    assert states == {
        "left-here": "unsubscribed", "left-there": "unsubscribed", "back-here": "confirmed", "spelled": "confirmed",
    }  # fmt: skip
    assert mailable == 1  # the other spelling left later than this one agreed


def test_a_row_without_a_time_brings_nobody_back_who_left_under_another_spelling(
    database: Database, tmp_path: Path
) -> None:
    with database.begin() as connection:
        person = store.add(connection, read_address("Ann@example.com"), how=ConsentSource.FORM)
        store.unsubscribe(connection, person, ConsentSource.ONE_CLICK)
    head, ann, *_ = EARLIER.splitlines(keepends=True)
    moment = "2024-01-02T03:04:05+00:00"
    (tmp_path / "old.csv").write_text(head + ann.replace(f"{moment},{moment}", f"{moment},"), encoding="utf-8")
    assert bring(database, tmp_path / "old.csv")["unsubscribed"] == 1
    with database.connect() as connection:
        counts = store.counts(connection)
    assert (counts["confirmed"], counts["unsubscribed"]) == (0, 1)


def test_who_left_there_after_they_had_confirmed_here_has_left(database: Database, fresh: Open, tmp_path: Path) -> None:
    there, path = fresh(), tmp_path / "out.csv"
    with database.begin() as connection:
        waits = store.add(
            connection, read_address("ann@example.com"), how=ConsentSource.FORM, state=ConsentState.PENDING
        )
        store.confirm(connection, waits, ConsentSource.LINK)
    with there.begin() as connection:
        ann = store.add(connection, read_address("ann@example.com"), how=ConsentSource.FORM)
        store.unsubscribe(connection, ann, ConsentSource.ONE_CLICK)
    carry(there, path)
    assert bring(database, path)["updated"] == 1
    with database.connect() as connection:
        found = store.find(connection, read_address("ann@example.com"))
        assert found is not None
        assert found.state is ConsentState.UNSUBSCRIBED


def test_a_reference_that_is_somebody_else_s_is_made_again(database: Database, tmp_path: Path) -> None:
    with database.begin() as connection:
        other = store.add(connection, read_address("other@example.com"), how=ConsentSource.FORM)
    text = EARLIER.replace(f"{0:024x}", other.reference).replace(f"{2:024x}", f"{1:024x}")
    (tmp_path / "old.csv").write_text(text, encoding="utf-8")
    assert bring(database, tmp_path / "old.csv")["added"] == 3
    with database.connect() as connection:
        found = {row.address: row.reference for row in connection.execute(select(subscribers))}
    assert len(set(found.values())) == 4
    assert found["ben@example.com"] == f"{1:024x}"


def test_a_person_is_told_all_that_is_stored_of_them(database: Database, tmp_path: Path) -> None:
    moment, day = datetime(2024, 2, 29, 8, tzinfo=UTC), "2024-02-29T08:00:00+00:00"
    address = read_address("Ann@example.com")
    stored = {
        "address": "Ann@example.com", "address_key": address.address_key, "mailbox_key": address.mailbox_key,
        "reference": f"{1:024x}", "state": "confirmed", "name": "安", "language": "zh-CN", "timezone": "Asia/Shanghai",
        "topics": ["甲"], "attributes": {"城市": ""}, "paused_until": moment, "digest": "monthly", "asked_at": moment,
        "preferred_at": moment, "created_at": moment, "changed_at": moment,
    }  # fmt: skip
    entry = {"at": moment, "change": "confirmed", "how": "import", "evidence": {"file": "读者.csv"}}
    held = {"mailbox_key": address.mailbox_key, "reason": "complaint", "detail": "SES", "at": moment}
    way = {"started_at": moment, "series": "welcome"}
    with database.begin() as connection:
        (key,) = connection.execute(insert(subscribers).values(stored)).inserted_primary_key or ()
        connection.execute(insert(consents).values(subscriber_id=key, **entry))
        connection.execute(insert(suppressions).values(held))
        connection.execute(insert(enrolments).values(subscriber_id=key, **way))
        reader = store.find(connection, address)
        assert reader is not None
        assert record(connection, reader) == {
            "email": "Ann@example.com", "reference": f"{1:024x}", "state": "confirmed", "name": "安",
            "language": "zh-CN", "timezone": "Asia/Shanghai", "digest": "monthly", "topics": ["甲"],
            "attributes": {"name": "安", "城市": ""}, "paused_until": day, "asked_at": day, "preferred_at": day,
            "created_at": day, "changed_at": day,
            "suppressed": {"reason": "complaint", "detail": "SES", "at": day},
            "enrolments": {"welcome": {"started_at": day, "steps": []}},
            "history": [{"at": day, "change": "confirmed", "how": "import", "evidence": {"file": "读者.csv"}}],
        }  # fmt: skip
    carry(database, tmp_path / "out.csv")  # which people open in a spreadsheet
    text = (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert all(words in text for words in ("读者.csv", "甲", "城市", "安"))


def test_what_a_reader_had_of_a_series_comes_along(fresh: Open, tmp_path: Path) -> None:
    way = {"welcome": {"started_at": "2024-02-29T08:00:00+00:00", "steps": ["series/welcome/hello"]}}
    cells = {"email": "ann@example.com", "state": "confirmed", "enrolments": json.dumps(way)}
    with (tmp_path / "out.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, [cells.get(name, "") for name in COLUMNS]])
    database = fresh()
    bring(database, tmp_path / "out.csv")
    with database.connect() as connection:
        reader = store.find(connection, read_address("ann@example.com"))
        assert reader is not None
        assert record(connection, reader)["enrolments"] == way


def test_pending_asks_those_of_an_export_as_well(database: Database, tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_text(EARLIER, encoding="utf-8")
    bring(database, tmp_path / "old.csv", pending=True)
    with database.connect() as connection:
        counts = store.counts(connection)
    assert (counts["pending"], counts["confirmed"], counts["unsubscribed"]) == (2, 0, 1)


@pytest.mark.parametrize(
    ("was", "becomes", "message"),
    [
        ("confirmed,en", "perhaps,en", "the state is not"),
        ("bounce", "bounced", "suppressed is not bounce"),
        ("2024-05-02T03:04:05+00:00", "5/2/2024", "changed_at is not a time"),
        (f"{1:024x}", "1E+23 x", "the reference is not one"),
        ("a;b", r'"[""\ud800""]"', "the topics are not a JSON list"),  # half a character, which no database keeps
    ],
)
def test_a_spoiled_cell_has_its_line(tmp_path: Path, was: str, becomes: str, message: str) -> None:
    problems: list[RowError] = []
    (tmp_path / "old.csv").write_text(EARLIER.replace(was, becomes, 1), encoding="utf-8")
    survey(tmp_path / "old.csv", complain=problems.append)
    assert [problem.message[: len(message)] for problem in problems] == [message]


@pytest.mark.parametrize(
    ("column", "cell", "message"),
    [
        *(
            ("enrolments", json.dumps({"welcome": {"started_at": "2024-01-02T03:04:05+00:00", "steps": [step]}}), "")
            for step in ("hello", "series/other/hello", 1)
        ),
        ("digest", "weekly", "digest is not monthly"),
        *(("other_attributes", cell, "the attributes are not a JSON object") for cell in ("[]", "{", "1")),
    ],
)
def test_a_cell_that_is_not_what_we_wrote_is_refused(tmp_path: Path, column: str, cell: str, message: str) -> None:
    cells = {"email": "ann@example.com", "state": "confirmed", column: cell}
    with (tmp_path / "out.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, [cells.get(name, "") for name in COLUMNS]])
    problems: list[RowError] = []
    survey(tmp_path / "out.csv", complain=problems.append)
    assert [problem.message.startswith(message or column) for problem in problems] == [True]


def test_no_reader_s_name_can_keep_an_export_from_being_imported(fresh: Open, tmp_path: Path) -> None:
    there, here, path = fresh(), fresh(), tmp_path / "out.csv"
    name = "x\nz@example.com" + "," * (len(COLUMNS) - 1) + "\ny"  # in it stands what is a row by itself
    with there.begin() as connection:
        store.add(connection, read_address("ann@example.com"), how=ConsentSource.FORM, name=name)
    carry(there, path)
    bring(here, path)
    assert everything(here) == everything(there)


def test_people_with_attributes_of_their_own_do_not_make_the_file_a_square(fresh: Open, tmp_path: Path) -> None:
    there, here, path = fresh(), fresh(), tmp_path / "out.csv"
    with there.begin() as connection:
        for number in range(700):
            store.add(
                connection,
                read_address(f"r{number}@example.com"),
                how=ConsentSource.FORM,
                attributes={f"a{number}": "x"},
            )
    carry(there, path)
    assert len(next(csv.reader(io.StringIO(path.read_text("utf-8"))))) == len(COLUMNS) + 500
    bring(here, path)
    assert everything(here) == everything(there)
