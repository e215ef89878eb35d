"""Import of CSV files as people have them; nobody who left becomes a subscriber again."""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from publisher.audience import importing, store
from publisher.audience.address import read_address
from publisher.audience.columns import Columns
from publisher.audience.csvfile import RowError
from publisher.audience.importing import Survey, survey, write
from publisher.audience.merging import write_batch
from publisher.audience.model import ConsentSource, Subscriber
from publisher.audience.own import export
from publisher.audience.segments import segment_clause
from publisher.audience.suppressions import Reason, erase, suppress, suppression
from publisher.config.audience import AudienceConfig
from publisher.config.model import Config
from publisher.database import Database, open_database
from publisher.delivery.freeze import preview
from publisher.errors import UsageError


def bring(database: Database, path: Path, content: str | bytes, **options: Any) -> Counter[str]:
    found = look(path, content)
    assert not found.broken
    return write(database, found, **options)


def look(path: Path, content: str | bytes, problems: list[RowError] | None = None) -> Survey:
    file = path / "people.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return survey(file, complain=(problems if problems is not None else []).append)


def person(database: Database, address: str) -> Subscriber | None:
    with database.connect() as connection:
        return store.find(connection, read_address(address))


def there(database: Database, address: str) -> Subscriber:
    found = person(database, address)
    assert found is not None
    return found


@pytest.mark.parametrize("kind", ["csv", "json", "own"])
def test_a_value_that_does_not_fit_its_attribute_is_kept_and_told_at_its_line(
    kind: str, database: Database, tmp_path: Path
) -> None:
    declared = AudienceConfig.model_validate(
        {"attributes": {"age": {"type": "number"}, "since": {"type": "date"}, "size": {"type": "choice",
         "choices": ["S", "M"]}, "city": "Berlin"}}
    ).attributes  # fmt: skip
    people = [
        {"age": "41", "since": "2024-02-29", "size": "S", "city": "x"},
        {"age": "many", "since": "2024-02-30", "size": "L", "city": "1"},
        {"age": " ", "since": "", "size": ""},
    ]
    if kind == "json":
        rows = [json.dumps(one).replace('"', '""') for one in people]
        text = "uuid,email,name,attributes,status,created_at,updated_at\n" + "".join(
            f'u{n},{n}@example.com,,"{row}",enabled,,\n' for n, row in enumerate(rows)
        )
    else:
        text = "email,age,since,size,city\n" + "".join(
            f"{n}@example.com,{','.join(one.get(key, '') for key in ('age', 'since', 'size', 'city'))}\n"
            for n, one in enumerate(people)
        )
    file = tmp_path / "people.csv"
    file.write_text(text, encoding="utf-8")
    found = survey(file, declared=declared, complain=lambda problem: pytest.fail(problem.message))
    if kind == "own":
        write(database, found)
        with database.connect() as connection, file.open("w", encoding="utf-8") as out:
            export(connection, out)
        found = survey(file, declared=declared, complain=lambda problem: pytest.fail(problem.message))
    assert found.tool == {"csv": "csv", "json": "listmonk", "own": "publisher"}[kind]
    assert {line for line, _ in found.warnings} == {3}
    told = sorted(text for _, text in found.warnings)
    assert [text.split(":")[0] for text in told] == [
        "the value of age is no number", "the value of since is no date", "the value of size is no choice",
    ]  # fmt: skip
    write(database, found)
    assert there(database, "1@example.com").attributes["age"] == "many"


def test_a_language_that_is_none_and_a_column_without_a_header_are_reported(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "odd.csv"
    rows = ("email,language,,name,", "ann@example.com,zh_cn,,Ann,", "ben@example.com,klingon!!,lost,Ben,\n")
    file.write_text("\n".join(rows), encoding="utf-8")
    found = survey(file, complain=lambda problem: pytest.fail(problem.message))
    assert [(line, text.split(":")[0]) for line, text in found.warnings] == [
        (3, "column 3 has no header"), (3, "there is no language 'klingon!!'"),
    ]  # fmt: skip
    write(database, found)
    assert there(database, "ann@example.com").language == "zh-CN"
    assert there(database, "ben@example.com").attributes == {"language": "klingon!!"}


def test_a_time_zone_is_taken_in_any_case_and_the_name_of_none_is_kept_with_a_warning(
    database: Database, tmp_path: Path
) -> None:
    rows = (
        "ann@example.com,europe/berlin",
        "ben@example.com,Mars/Olympus",
        "cy@example.com,",
        "di@a.example,localtime\n",
    )
    file = tmp_path / "zones.csv"
    file.write_text("\n".join(["email,tz", *rows]), encoding="utf-8")
    found = survey(file, complain=lambda problem: pytest.fail(problem.message))
    assert [line for line, _ in found.warnings] == [3, 5]
    assert "'Mars/Olympus'" in found.warnings[0][1]
    write(database, found)
    zones = {name: there(database, f"{name}@example.com").timezone for name in ("ann", "ben", "cy")}
    assert zones == {"ann": "Europe/Berlin", "ben": None, "cy": None}
    assert there(database, "ben@example.com").attributes == {"timezone": "Mars/Olympus"}
    with database.begin() as connection:
        assert store.counts(connection, segment_clause("timezone = Europe/Berlin", "en"))["confirmed"] == 1
        ann = there(database, "ann@example.com")
        store.prefer(connection, ann, ConsentSource.LINK, name="Ann", language=None, topics=[])
    bring(database, tmp_path, "email,timezone\nann@example.com,Asia/Tokyo\ncy@example.com,Asia/Tokyo\n")
    zones = {name: there(database, f"{name}@example.com").timezone for name in ("ann", "cy")}
    assert zones == {"ann": "Europe/Berlin", "cy": "Asia/Tokyo"}
    with database.begin() as connection:
        store.prefer(connection, there(database, "ann@example.com"), ConsentSource.LINK, timezone=None)
    bring(database, tmp_path, "email,timezone\nann@example.com,Asia/Tokyo\n")
    assert there(database, "ann@example.com").timezone is None


def test_columns_become_the_person_and_their_attributes(database: Database, tmp_path: Path) -> None:
    csv = 'City,E-Mail,Name,language,topics\nParis,Ann@Example.com," Ann ",zh_cn,"weekly; daily"\n,ben@example.com,,,\n'
    tally = bring(database, tmp_path, csv)
    assert (tally.total(), tally["added"], tally["updated"], tally["unchanged"]) == (2, 2, 0, 0)
    ann = there(database, "ann@example.com")
    assert (ann.address, ann.state, ann.name, ann.language) == ("Ann@Example.com", "confirmed", "Ann", "zh-CN")
    assert (ann.topics, ann.attributes) == (("weekly", "daily"), {"City": "Paris"})
    assert there(database, "ben@example.com").attributes == {}
    with database.connect() as connection:
        (entry,) = store.history(connection, ann.id)
    assert (entry.change, entry.how) == ("confirmed", "import")
    assert entry.evidence["file"] == "people.csv"
    assert entry.evidence["line"] == 2
    assert len(entry.evidence["sha256"]) == 64


def test_a_repeated_import_changes_nothing(database: Database, tmp_path: Path) -> None:
    csv = "email,name\nann@example.com,Ann\nben@example.com,Ben\nann@EXAMPLE.com,Ann\n"
    first = bring(database, tmp_path, csv)
    assert (first["added"], first["unchanged"]) == (2, 1)
    before = there(database, "ann@example.com")
    again = bring(database, tmp_path, csv)
    assert (again["added"], again["updated"], again["unchanged"]) == (0, 0, 3)
    assert there(database, "ann@example.com") == before
    changed = bring(database, tmp_path, "email,name,city\nann@example.com,,Paris\nben@example.com,Benno,\n")
    assert changed["updated"] == 2
    assert there(database, "ann@example.com").attributes == {"city": "Paris"}
    assert there(database, "ann@example.com").name == "Ann"  # an empty cell takes nothing away
    assert there(database, "ben@example.com").name == "Benno"


def test_a_person_twice_in_one_file_is_one_person(database: Database, tmp_path: Path) -> None:
    tally = bring(database, tmp_path, "email,name,city\nann@example.com,Ann,\nann@example.com,Anna,Rome\n")
    assert (tally["added"], tally["updated"]) == (1, 1)
    ann = there(database, "ann@example.com")
    assert (ann.name, ann.attributes) == ("Anna", {"city": "Rome"})


def test_who_left_in_whatever_way_stays_away(database: Database, tmp_path: Path) -> None:
    bring(database, tmp_path, "email\nann@example.com\nben@example.com\ncy@example.com\n")
    with database.begin() as connection:
        store.unsubscribe(connection, there(database, "ann@example.com"), ConsentSource.ONE_CLICK)
        suppress(connection, "ben@example.com", Reason.COMPLAINT)
        erase(connection, read_address("cy@example.com"))
    for _ in range(2):
        tally = bring(database, tmp_path, "email\nAnn@example.com\nBEN@example.com\nCy@Example.com\ndi@example.com\n")
    assert dict(tally) == {"unsubscribed": 1, "suppressed": 1, "forgotten": 1, "unchanged": 1}
    assert there(database, "ann@example.com").state == "unsubscribed"
    assert person(database, "cy@example.com") is None


@pytest.mark.parametrize("known", [True, False])
def test_who_left_or_bounced_in_one_spelling_stays_away_in_the_next_row_of_the_file(
    database: Database, tmp_path: Path, known: bool
) -> None:
    if known:
        bring(database, tmp_path, "email\nann@example.com\nben@example.com\n")
    ann = "ann@example.com,unsubscribed\nANN@example.com,subscribed\n"
    ben = "ben@example.com,bounced\nBEN@example.com,subscribed\n"
    tally = bring(database, tmp_path, f"email,status\n{ann}{ben}")
    assert dict(tally) == {"updated" if known else "added": 1, "unsubscribed": 1, "suppressed": 2}
    with database.connect() as connection:
        assert preview(connection, "")[0] == [0]


def test_what_a_reader_chose_is_not_overwritten(database: Database, tmp_path: Path) -> None:
    bring(database, tmp_path, "email,name,topics\nann@example.com,Ann,weekly\n")
    with database.begin() as connection:
        ann = there(database, "ann@example.com")
        store.prefer(connection, ann, ConsentSource.LINK, name="安", language="zh-CN", topics=["daily"])
    tally = bring(database, tmp_path, "email,name,topics,language,city\nann@example.com,Ann,weekly,en,Paris\n")
    assert tally["updated"] == 1
    ann = there(database, "ann@example.com")
    assert (ann.name, ann.topics, ann.language, ann.attributes) == ("安", ("daily",), "zh-CN", {"city": "Paris"})
    with database.begin() as connection:
        store.prefer(connection, ann, ConsentSource.LINK, attributes={"city": "Rom"})
    bring(database, tmp_path, "email,city,tier\nann@example.com,Paris,gold\n")
    assert there(database, "ann@example.com").attributes == {"city": "Rom", "tier": "gold"}


def test_pending_until_an_operator_vouches(database: Database, tmp_path: Path) -> None:
    bring(database, tmp_path, "email\nann@example.com\n", pending=True)
    assert there(database, "ann@example.com").state == "pending"
    assert bring(database, tmp_path, "email\nann@example.com\n", pending=True)["unchanged"] == 1
    assert bring(database, tmp_path, "email\nann@example.com\n")["updated"] == 1
    assert there(database, "ann@example.com").state == "confirmed"


def test_every_problem_has_its_line(tmp_path: Path) -> None:
    problems: list[RowError] = []
    csv = 'email,name\nann@example.com,Ann\n\nnonsense,x\n"multi\nline@example.com",y\nben@example.com,1,2,3\n'
    found = look(tmp_path, csv, problems)
    assert (found.rows, found.invalid, found.broken) == (4, 3, False)
    assert [problem.line for problem in problems] == [4, 5, 7]
    assert "4 values for 2 columns" in problems[2].message
    assert not any("example" in problem.message for problem in problems)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no column email"),
        (b"name,city\nAnn,Paris\n", "no column email"),
        (b"ann@example.com,Ann\nben@example.com,Ben\n", "write email above it"),
        (b"Subscriber,Name\nann@example.com,Ann\n", "call 'Subscriber' that"),
        (b"Contact,Twitter (@handle)\nann@example.com,ann\n", "call 'Contact' that"),
        (b"email,Email\na@b.co,c@d.co\n", "is in the header twice"),
        (b"email,name\n" + b'ann@example.com,"' + b"never closed\n" * 300, "not closed"),
    ],
)
def test_a_file_that_cannot_be_read_to_its_end(tmp_path: Path, content: bytes, message: str) -> None:
    problems: list[RowError] = []
    found = look(tmp_path, content, problems)
    assert (found.broken, found.tool) == (True, "csv"), "of no other tool's"
    assert message in problems[-1].message
    assert "@" not in problems[-1].message


@pytest.mark.parametrize(
    ("header", "row", "name"),
    [
        ("Vorname;Name;E-Mail-Adresse", "Ada;Lovelace;a@example.com", "Ada Lovelace"),
        ("Prénom;Nom;Adresse e-mail", "Al;Alvarez;a@example.com", "Al Alvarez"),
        ("first_name;name;email", "Ada;Ada Lovelace;a@example.com", "Ada Lovelace"),
        ("first_name;name;email", "Al;Alvarez;a@example.com", "Al Alvarez"),
        ("first_name;name;email", ";Lovelace;a@example.com", "Lovelace"),
        ("first name;姓名;邮箱地址", "小明;王小明;a@example.com", "王小明"),
        ("이름;이메일 주소", "김;a@example.com", "김"),
        ("Nombre;Apellidos;Correo electrónico", "Ada;;a@example.com", "Ada"),
    ],
)
def test_a_name_is_put_together_from_what_other_languages_call_its_parts(
    tmp_path: Path, database: Database, header: str, row: str, name: str
) -> None:
    bring(database, tmp_path, f"{header}\n{row}\n")
    assert there(database, "a@example.com").name == name


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
@pytest.mark.parametrize("line", [1, 2, 3, 700, 1001])
def test_bytes_that_are_not_of_the_encoding_are_reported_at_their_line(
    tmp_path: Path, line: int, encoding: str
) -> None:
    lines = [f"{text}\n".encode(encoding) for text in ["email,name", *(f"r{n}@example.com,Ann" for n in range(1000))]]
    wrong = {"utf-8": "名".encode("gb18030"), "utf-16-le": b"\x00\xd8\x00\x00"}[encoding]
    lines[line - 1] = "name,".encode(encoding) + wrong + "\n".encode(encoding)
    (tmp_path / "people.csv").write_bytes(b"".join(lines))
    problems: list[RowError] = []
    assert survey(tmp_path / "people.csv", encoding=encoding, complain=problems.append).broken
    assert [(one.line, f"bytes here that are not {encoding}" in one.message) for one in problems] == [(line, True)]


ROWS = [f"r{n}@example.com,R{n},Rome" for n in range(52)]


@pytest.mark.parametrize(
    ("line", "row"),
    [
        (3, 'x@example.com,"Ann,Rome'),  # swallows to the end
        (3, 'x@example.com,"Ann ""Lee"" "",Rome'),
        (4, 'x@example.com,"a note\nof two lines","Rome'),
        (3, 'x@example.com,"Ann "the boss" Lee",Rome'),
    ],
)
@pytest.mark.parametrize(
    "later", ["", 'y@example.com,"Ben",Rome', 'y@example.com,",Rome"', 'y@example.com,Ben "B",Rome']
)
def test_a_quote_that_is_not_closed_swallows_nobody(tmp_path: Path, line: int, row: str, later: str) -> None:
    problems: list[RowError] = []
    rows = ["email,name,city", ROWS[0], row, *ROWS[1:40], *([later] if later else []), *ROWS[40:]]
    assert look(tmp_path, "\n".join(rows) + "\n", problems).broken
    assert [problem.line for problem in problems] == [line]
    assert "a quote is opened here and not closed" in problems[0].message


def test_a_quote_is_missed_after_the_separator_line_of_excel_as_well(tmp_path: Path) -> None:
    problems: list[RowError] = []
    rows = ["sep=;", "email;name;city", 'a@example.com;"Ann;x', "b@example.com;Ben;y", '";z']
    assert look(tmp_path, "\n".join(rows), problems).broken
    assert [problem.line for problem in problems] == [3]


@pytest.mark.parametrize(
    "cell", ['"a ""b"" c"', '"two\nlines"', '"mail ann@example.com,\nor call"', '5" disk', '"x\r\ny"']
)
def test_quotes_that_are_closed_are_no_fault(tmp_path: Path, cell: str) -> None:
    found = look(tmp_path, f"email,note,city\nr@example.com,{cell},Rome\ns@example.com,,\n")
    assert (found.rows, found.broken) == (2, False)


def test_a_header_of_thousands_that_are_the_same_is_numbered(tmp_path: Path) -> None:
    header = ",".join(["email", "City 3", *["City"] * 8000])
    found = look(tmp_path, f"{header}\nann@example.com" + ",x" * 8001 + "\n")
    assert found.columns is not None
    names = [name for _, name in found.columns.attributes]
    assert names[:5] == ["City 3", "City", "City 2", "City 4", "City 5"]
    assert len(set(names)) == 8001


@pytest.mark.parametrize("encoding", ["no-such", "base64", "idna"])
def test_what_is_no_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "people.csv").write_bytes(b"email\n\xff@example.com\n")
    with pytest.raises(UsageError, match="there is no encoding"):
        survey(tmp_path / "people.csv", encoding=encoding, complain=lambda problem: None)


TABLE = "邮箱,姓名,城市\nann@example.com,王安,北京\n"


@pytest.mark.parametrize(
    "content",
    [
        TABLE.encode("utf-8"),
        TABLE.encode("utf-8-sig"),
        TABLE.encode("utf-16"),
        TABLE.replace(",", "\t").encode("utf-16"),
        TABLE.encode("utf-16-le"),
        TABLE.encode("gb18030"),
        TABLE.replace("\n", "\r\n").replace(",", ";").encode("gb18030"),
        ("sep=;\r\n" + TABLE.replace(",", ";")).encode("utf-8"),
        TABLE.replace("\n", "\r").encode("utf-8"),
        TABLE.replace(",", "|").encode("utf-8"),
    ],
)
def test_encodings_and_delimiters_as_they_come(config: Any, tmp_path: Path, content: bytes) -> None:
    from publisher.database import open_database

    database = open_database(config)
    assert bring(database, tmp_path, content)["added"] == 1
    ann = there(database, "ann@example.com")
    assert (ann.name, ann.attributes) == ("王安", {"城市": "北京"})


def test_western_accents_are_not_taken_for_chinese(config: Any, tmp_path: Path) -> None:
    from publisher.database import open_database

    database = open_database(config)
    bring(database, tmp_path, "email,name\nann@example.com,Zoé Müller\nben@example.com,José\n".encode("cp1252"))
    assert there(database, "ann@example.com").name == "Zoé Müller"


@pytest.mark.parametrize(
    ("encoding", "name"),
    [("gb18030", "李娜"), ("euc_kr", "김철수"), ("cp1251", "Иван")],
)
def test_a_name_that_can_be_read_in_several_ways_is_a_question(tmp_path: Path, encoding: str, name: str) -> None:
    content = f"email,name\nann@example.com,{name}\n".encode(encoding)
    with pytest.raises(UsageError) as refused:
        look(tmp_path, content)
    assert "nothing was imported" in str(refused.value)
    assert "--encoding" in str(refused.value.help)
    found = survey(tmp_path / "people.csv", encoding=encoding, complain=lambda problem: None)
    assert found.columns is not None
    assert next(entry for line, row in found.file.rows() if (entry := row[1]) != "name") == name


@pytest.mark.parametrize("begins", [b"PK\x03\x04", b"\x1f\x8b\x08", b"\xd0\xcf\x11\xe0"])
def test_a_spreadsheet_and_an_archive_are_no_csv(tmp_path: Path, begins: bytes) -> None:
    with pytest.raises(UsageError, match="not a CSV file"):
        look(tmp_path, begins + b"email\n")


def test_a_pipe_is_refused_for_a_file_is_read_more_than_once() -> None:
    reading, writing = os.pipe()
    os.write(writing, b"email\n" * 2)
    os.close(writing)
    with pytest.raises(UsageError, match="is a pipe"):
        survey(Path(f"/dev/fd/{reading}"), complain=lambda problem: None)
    os.close(reading)


def test_what_is_not_ascii_may_stand_at_the_end_of_a_large_file(tmp_path: Path) -> None:
    names = ["王安", "李娜", "张伟", "刘洋", "陈静", "杨帆", "赵磊", "黄丽"]
    plain = "".join(f"r{n}@example.com,R{n}\n" for n in range(60_000))
    rest = "".join(f"z{n}@example.com,{name}\n" for n, name in enumerate(names))
    assert look(tmp_path, f"email,name\n{plain}{rest}".encode("gb18030")).file.encoding == "gb18030"


def test_exports_of_other_tools_as_they_are(config: Any, tmp_path: Path) -> None:
    from publisher.database import open_database

    database = open_database(config)
    mailchimp = '"Email Address","First Name","Last Name",MEMBER_RATING,OPTIN_IP,LATITUDE,LEID,EUID,TAGS'
    files = {
        "mailchimp": f'{mailchimp}\nmc1@example.com,Ann,Lee,2,192.0.2.7,48.85,1,a,"""vip"",""staff"""\n',
        "mailchimp left": f"{mailchimp},UNSUB_TIME\nmc2@example.com,,,2,,,2,b,,2021-01-01\n",
        "mailchimp cleaned": f"{mailchimp},CLEAN_TIME\nmc3@example.com,,,2,,,3,c,,2021-01-01\n",
        "substack": "email,active_subscription,expiry,plan,email_disabled,created_at\n"
        "ss1@example.com,false,,other,false,2023\nss2@example.com,false,,other,true,2023\n",
        "buttondown": "id,email,notes,metadata,tags,subscriber_type,creation_date\n"
        'x,bd1@example.com,,"{""city"": ""Rome""}","a,b",regular,2023\nx,bd2@example.com,,{},,unsubscribed,2023\n'
        "x,bd3@example.com,,{},,unactivated,2023\nx,bd4@example.com,,{},,complained,2023\n",
        "listmonk": "uuid,email,name,attributes,status,created_at,updated_at\n"
        'u,lm1@example.com,Lm,"{""city"": ""Rome"", ""n"": 3}",enabled,2023,2023\n'
        "u,lm2@example.com,Lm,{},blocklisted,2023,2023\nu,lm3@example.com,Lm,{},disabled,2023,2023\n",
        "ghost": "id,email,name,note,subscribed_to_emails,complimentary_plan,stripe_customer_id,created_at,deleted_at,"
        "labels,tiers\n"
        'g,gh1@example.com,Gh,,true,false,,2023,,"x,y",\ng,gh2@example.com,Gh,,false,false,,2023,,,\n',
    }
    for title, content in files.items():
        found = look(tmp_path, content)
        assert found.tool == title.split()[0]
        assert found.invalid == 0
        write(database, found)
    states = {
        name: found.state.value if (found := person(database, f"{name}@example.com")) else None
        for name in ("mc1", "mc2", "mc3", "ss1", "ss2", "bd1", "bd2", "bd3", "bd4", "lm1", "lm2", "lm3", "gh1", "gh2")
    }
    assert states == {
        "mc1": "confirmed", "mc2": "unsubscribed", "mc3": None,
        "ss1": "confirmed", "ss2": "unsubscribed",
        "bd1": "confirmed", "bd2": "unsubscribed", "bd3": "pending", "bd4": None,
        "lm1": "confirmed", "lm2": None, "lm3": "unsubscribed",
        "gh1": "confirmed", "gh2": "unsubscribed",
    }  # fmt: skip
    with database.connect() as connection:
        held = {
            n: found.reason.value
            for n in ("mc3", "bd4", "lm2")
            if (found := suppression(connection, f"{n}@example.com"))
        }
    assert held == {"mc3": "bounce", "bd4": "complaint", "lm2": "manual"}
    assert there(database, "mc1@example.com").name == "Ann Lee"
    assert there(database, "mc1@example.com").topics == ("vip", "staff")
    assert there(database, "mc1@example.com").attributes == {"MEMBER_RATING": "2"}  # where they were is not kept
    assert there(database, "bd1@example.com").attributes["city"] == "Rome"
    assert there(database, "lm1@example.com").attributes["n"] == "3"
    assert there(database, "gh1@example.com").topics == ("x", "y")


def test_an_export_says_who_left_but_a_choice_made_here_counts_for_more(database: Database, tmp_path: Path) -> None:
    bring(database, tmp_path, "email\nann@example.com\n")
    with database.begin() as connection:
        ben = store.add(
            connection, read_address("ben@example.com"), how=ConsentSource.FORM, state=store.ConsentState.PENDING
        )
        store.confirm(connection, ben, ConsentSource.LINK)
    header = "email,email_disabled\n"
    bring(database, tmp_path, f"{header}ann@example.com,true\nben@example.com,true\n")
    assert there(database, "ann@example.com").state == "unsubscribed"
    assert there(database, "ben@example.com").state == "confirmed"


def test_an_import_cut_short_is_run_again(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import publisher.audience.importing as importing

    monkeypatch.setattr(importing, "BATCH", 10)
    csv = "email\n" + "".join(f"r{n}@example.com\n" for n in range(35))
    found, calls, real = look(tmp_path, csv), [], importing.write_batch

    def dies(*values: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*values, **options)

    monkeypatch.setattr(importing, "write_batch", dies)
    with pytest.raises(KeyboardInterrupt):
        write(database, found)
    tally = write(database, found)
    assert (tally.total(), tally["added"], tally["unchanged"]) == (35, 15, 20)


def test_the_next_rows_are_read_when_a_batch_is_decided_and_the_database_has_to_write_it(database: Database) -> None:
    done: list[str] = []
    columns = Columns.of(["email"])
    rows = [columns.entry(line, [f"reader{line}@example.com"]) for line in range(2, 5)]
    event.listen(database.engine, "after_cursor_execute", lambda *told: done.append(told[2].split()[0]))
    with database.begin() as connection:
        write_batch(connection, rows, source={"file": "a.csv"}, pending=False, busy=lambda: done.append("busy"))
    decided, written = done[: done.index("busy")], done[done.index("busy") + 1 :]
    assert set(decided) - {"BEGIN"} == {"SELECT"}
    assert written == ["INSERT", "INSERT"]


@pytest.mark.postgres
@pytest.mark.parametrize("state", ["40P01", "40001"])
def test_an_import_that_meets_another_machine_at_the_same_rows_goes_on(
    state: str, config: Config, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    database, failed = open_database(config), list[str]()

    def fails_once(connection: Connection, *rest: Any, **options: Any) -> Any:
        done = write_batch(connection, *rest, **options)
        if not failed:
            failed.append(state)
            connection.execute(text(f"DO $$ BEGIN RAISE EXCEPTION 'in the way' USING ERRCODE = '{state}'; END $$"))
        return done

    monkeypatch.setattr(importing, "write_batch", fails_once)
    tally = bring(database, tmp_path, "email\nann@example.com\nben@example.com\n")
    assert failed == [state]
    assert tally == {"added": 2}
    assert person(database, "ben@example.com")
    database.close()


@pytest.mark.postgres
def test_who_is_added_by_two_at_once_is_added_once_and_the_other_is_told(
    config: Config, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    database, find, meanwhile = open_database(config), store.find, list[bool]()

    def finds_nobody_yet(connection: Connection, whom: Any) -> Any:
        found = find(connection, whom)
        if not meanwhile:
            meanwhile.append(True)
            importing.add(database, read_address("ann@example.com"))
        return found

    monkeypatch.setattr(store, "find", finds_nobody_yet)
    with pytest.raises(UsageError, match="a subscriber already"):
        importing.add(database, read_address("ann@example.com"))
    with database.connect() as connection:
        assert store.counts(connection)["confirmed"] == 1
    database.close()


def test_what_no_database_keeps_of_an_attribute_is_left_out(database: Database, tmp_path: Path) -> None:
    told = json.dumps({"ci\0ty": "Bo\0nn", "more": {"a": "\0"}}).replace('"', '""')
    header = "uuid,email,name,attributes,status,created_at,updated_at\n"
    bring(database, tmp_path, f'{header}u,ann@example.com,,"{told}",enabled,,\n')
    assert there(database, "ann@example.com").attributes == {"city": "Bonn", "more": '{"a": "\\u0000"}'}


@pytest.mark.postgres
@pytest.mark.parametrize("meets", ["an import", "a confirmation"])
def test_who_leaves_at_that_very_moment_has_left(
    meets: str, config: Config, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_DATABASE_URL", postgres_url)
    database, threads = open_database(config), list[threading.Thread]()
    bring(database, tmp_path, "email,city\nann@example.com,Bonn\n", pending=meets == "a confirmation")
    ann = there(database, "ann@example.com")

    def step(act: Callable[..., bool], how: ConsentSource) -> None:
        with database.begin() as connection:
            act(connection, ann, how)

    def meanwhile(*of: Any) -> None:
        """Another step, from another process, which may have to wait for us."""
        if not threads:
            threads.append(threading.Thread(target=step, args=of))
            threads[0].start()
            threads[0].join(0.5)

    if meets == "an import":
        columns = Columns.of(["email", "city"])
        leave = partial(meanwhile, store.unsubscribe, ConsentSource.ONE_CLICK)
        with database.begin() as connection:
            rows = [columns.entry(2, ["ann@example.com", "Berlin"])]
            write_batch(connection, rows, source={"file": "a.csv"}, pending=False, busy=leave)
    else:
        confirm = partial(meanwhile, store.confirm, ConsentSource.LINK)
        event.listen(database.engine, "before_cursor_execute", lambda *told: told[2].startswith("UPDATE") and confirm())
        step(store.unsubscribe, ConsentSource.ONE_CLICK)
    threads[0].join()
    assert there(database, "ann@example.com").state == "unsubscribed"
    database.close()


@pytest.mark.parametrize("spelling", ["ann@example.com", "Ann@example.com"])
def test_who_confirmed_here_stays_although_another_tool_says_that_they_left(
    database: Database, tmp_path: Path, spelling: str
) -> None:
    with database.begin() as connection:
        ann = store.add(
            connection, read_address("ann@example.com"), how=ConsentSource.FORM, state=store.ConsentState.PENDING
        )
        store.confirm(connection, ann, ConsentSource.LINK)
    told = bring(database, tmp_path, f"email,status\n{spelling},unsubscribed\nbob@example.com,subscribed\n")
    assert told == {"unchanged": 1, "added": 1}
    with database.connect() as connection:
        assert store.counts(connection)["unsubscribed"] == 0
