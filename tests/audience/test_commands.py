"""The operator's commands: their output, and what they change."""

from __future__ import annotations

import csv
import importlib
import io
import json
import os
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from publisher.audience.own import escaped_cell, plain_cell
from publisher.cli import main
from publisher.cli.output import emit


@dataclass(frozen=True)
class Done:
    """What a command printed."""

    stdout: str
    stderr: str


Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    (tmp_path / "config.yaml").write_text(
        "newsletter: {name: 周报, language: zh-CN, url: 'https://news.example.com/', from: a <a@example.com>}\n"
        "service: {url: 'https://letters.example.com/'}\n",
        encoding="utf-8",
    )
    for name in [name for name in os.environ if name.startswith("PUBLISHER_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def command(*words: str, status: int = 0) -> Done:
        monkeypatch.setattr(sys, "argv", ["publisher", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        done = Done(*capsys.readouterr())
        assert ended.value.code == status, (words, done)
        return done

    return command


def test_import_refuses_all_or_skips_what_is_invalid(run: Run, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("email,name\nann@example.com,=cmd()\nbad\n", encoding="utf-8")
    refused = run("subscribers", "import", "people.csv", status=1)
    assert "people.csv:3: the address has no @" in refused.stderr
    assert "--skip-invalid" in refused.stderr
    assert refused.stdout == ""
    assert not (tmp_path / ".publisher").exists()  # nothing at all was written
    done = run("subscribers", "import", "people.csv", "--skip-invalid", "--format", "json")
    found = json.loads(done.stdout)
    assert (found["rows"], found["added"], found["skipped"], found["invalid"]) == (2, 1, {"invalid": 1}, 1)
    assert found["problems"] == [{"line": 3, "message": "the address has no @"}]
    assert done.stderr == ""

    rows = list(csv.DictReader(io.StringIO(run("subscribers", "export").stdout)))
    assert [(row["email"], row["name"], row["state"]) for row in rows] == [("ann@example.com", "'=cmd()", "confirmed")]
    run("subscribers", "export", "out.csv")
    assert (tmp_path / "out.csv").stat().st_mode & 0o777 == 0o600
    assert "1 unchanged" in run("subscribers", "import", "out.csv").stdout  # what we export we read as it was

    assert "no such file" in run("subscribers", "import", "nowhere.csv", status=2).stderr.lower()


def test_who_can_be_mailed_is_counted(run: Run, tmp_path: Path) -> None:
    rows = [
        "ann@example.com,Rome,weekly",
        "Ann@example.com,Rome,",
        "ben@example.com,Oslo,weekly",
        "cy@example.com,Rome,",
    ]
    (tmp_path / "people.csv").write_text("\n".join(["email,city,topics", *rows]), encoding="utf-8")
    assert "3 can be mailed now" in run("subscribers", "import", "people.csv").stdout  # two are one mailbox
    (tmp_path / "left.csv").write_text("email,Status\ndi@example.com,Unsubscribed\n", encoding="utf-8")
    done = json.loads(run("subscribers", "import", "left.csv", "--format", "json").stdout)
    assert (done["added"], done["mailable"]) == (1, 3)
    assert "3 can be mailed now; besides 1 unsubscribed" in run("subscribers", "import", "left.csv").stdout
    run("subscribers", "add", "eve@example.com", "--name", "Eve", "--language", "en")
    run("suppressions", "add", "cy@example.com")
    run("suppressions", "add", "nobody@example.com")
    assert run("subscribers", "count").stdout == "3\n"
    assert run("subscribers", "count", "--segment", "city = Rome").stdout == "1\n"
    counted = json.loads(run("subscribers", "count", "--segment", "city = Rome", "--format", "json").stdout)
    assert counted == {"confirmed": 3, "pending": 0, "unsubscribed": 0, "paused": 0, "suppressed": 1, "mailable": 1}
    counted = json.loads(run("subscribers", "count", "--format", "json").stdout)
    assert counted == {"confirmed": 5, "pending": 0, "unsubscribed": 1, "paused": 0, "suppressed": 2, "mailable": 3}
    assert "--segment" in run("subscribers", "count", "--segment", "city = ", status=2).stderr
    listed = [
        "ann@example.com",
        "Ann@example.com",
        "ben@example.com",
        "cy@example.com",
        "di@example.com",
        "eve@example.com",
    ]
    assert run("subscribers", "list").stdout.splitlines() == listed
    people = json.loads(run("subscribers", "list", "--format", "json").stdout)
    assert people[0] == {
        "email": "ann@example.com", "state": "confirmed", "name": "", "language": None, "topics": ["weekly"],
        "attributes": {"city": "Rome"},
    }  # fmt: skip
    assert [person["state"] for person in people] == ["confirmed"] * 4 + ["unsubscribed", "confirmed"]


def test_import_asks_what_a_status_means(run: Run, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("email,Status\nann@example.com,Lapsed\n", encoding="utf-8")
    refused = run("subscribers", "import", "people.csv", status=1)
    assert "people.csv:1: the column 'Status'" in refused.stderr
    assert "'Lapsed' (1 row)" in refused.stderr
    assert "--status 'VALUE=unsubscribed'" in refused.stderr
    assert not (tmp_path / ".publisher").exists()
    asked = json.loads(run("subscribers", "import", "people.csv", "--format", "json", status=1).stdout)
    assert [problem["line"] for problem in asked["problems"]] == [1]
    assert "confirmed, pending" in run("subscribers", "import", "people.csv", "--status", "Lapsed", status=2).stderr
    assert "1 added" in run("subscribers", "import", "people.csv", "--status", "Lapsed=unsubscribed").stdout
    shown = json.loads(run("subscribers", "show", "ann@example.com", "--format", "json").stdout)
    assert (shown["state"], shown["attributes"]) == ("unsubscribed", {})


def test_a_doubled_header_is_numbered(run: Run, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("email,City,City,city\nann@example.com,a,b,c\n", encoding="utf-8")
    assert "people.csv:1: the column 'City' is in the header twice" in run("subscribers", "import", "people.csv").stderr
    shown = json.loads(run("subscribers", "show", "ann@example.com", "--format", "json").stdout)
    assert shown["attributes"] == {"City": "a", "City 2": "b", "city": "c"}


@pytest.mark.parametrize("name", ["Eve;=1+1", "＝1+1", "Eve\t@SUM(1)", "Eve\n-1", "'tis", "a-b; c=d"])
def test_no_spreadsheet_finds_a_formula_whatever_it_takes_for_a_separator(name: str) -> None:
    cell = escaped_cell(name)
    pieces = re.split(r"[;\t\r\n]", cell)
    assert not [piece for piece in pieces if piece.startswith(tuple("=+-@＝＋－＠"))]
    assert plain_cell(cell) == name


def test_a_person_s_whole_life(run: Run, tmp_path: Path) -> None:
    address = "Ann.Lee@example.com"
    run("subscribers", "add", address, "--timezone", "Mars/Olympus", status=2)
    about = ("--name", "Ann", "--language", "en", "--timezone", "Asia/Tokyo", "--topic", " weekly", "--topic", "")
    run("subscribers", "add", address, *about)
    assert "topics        weekly\n" in run("subscribers", "show", address).stdout  # white space is no topic
    assert "timezone      Asia/Tokyo" in run("subscribers", "show", address).stdout
    assert "already" in run("subscribers", "add", address, status=2).stderr
    shown = json.loads(run("subscribers", "show", "ann.lee@EXAMPLE.com", "--format", "json").stdout)
    assert (shown["email"], shown["state"], shown["topics"]) == (address, "confirmed", ["weekly"])
    assert shown["attributes"]["name"] == "Ann"
    assert [(entry["change"], entry["how"]) for entry in shown["history"]] == [("confirmed", "command")]
    assert "confirmed by command" in run("subscribers", "show", address).stdout

    run("subscribers", "remove", address)
    assert "unsubscribed" in run("subscribers", "add", address, status=2).stderr
    run("suppressions", "add", address, "--note", "asked by phone")
    assert "already" in run("suppressions", "add", address).stdout
    listed = json.loads(run("suppressions", "list", "--format", "json").stdout)
    assert [(s["email"], s["reason"], s["detail"]) for s in listed] == [(address.lower(), "manual", "asked by phone")]
    assert address.lower() in run("suppressions", "list").stdout
    run("suppressions", "remove", address)
    run("suppressions", "remove", address, status=2)

    assert run("subscribers", "erase", address, "--yes").stdout == "erased\n"
    run("subscribers", "show", address, status=2)
    assert "forgotten" in run("subscribers", "add", address, status=2).stderr
    with sqlite3.connect(tmp_path / ".publisher/publisher.db") as database:
        rows = [line for line in database.iterdump() if line.startswith("INSERT")]
    assert len(rows) > 2
    everything = "\n".join(rows)  # a table's name is nobody's
    assert "ann" not in everything.lower()
    for words in (["subscribers", "add", "not an address"], ["suppressions", "add", "not an address"]):
        refused = run(*words, status=2)
        assert "not an address" not in refused.stderr


def test_pending_people_are_asked_once(run: Run, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("email\nann@example.com\nben@example.com\n", encoding="utf-8")
    assert "2 asked to confirm" in run("subscribers", "import", "people.csv", "--pending").stderr
    assert "0 asked to confirm" in run("subscribers", "import", "people.csv", "--pending").stderr
    run("subscribers", "add", "cy@example.com", "--pending")
    mails = list((tmp_path / "outbox/confirm").glob("*.eml"))
    assert len(mails) == 3
    assert b"https://letters.example.com/" in mails[0].read_bytes()


def test_import_and_add_start_the_confirmed_on_a_series(run: Run, tmp_path: Path) -> None:
    step = tmp_path / "series" / "welcome" / "01-hello.md"
    step.parent.mkdir(parents=True)
    step.write_text("---\ntitle: 你好\nafter: 1d\nstatus: ready\n---\n欢迎。\n", encoding="utf-8")
    (tmp_path / "people.csv").write_text("email\nann@example.com\nben@example.com\n", encoding="utf-8")
    refused = run("subscribers", "import", "people.csv", "--series", "welcom", status=2)
    assert "there is no series welcom with a ready step" in refused.stderr
    assert "welcome" in refused.stderr
    run("subscribers", "import", "people.csv", "--series", "welcome")
    run("subscribers", "add", "cy@example.com")
    run("subscribers", "add", "cy@example.com", "--series", "welcome")
    run("subscribers", "add", "dee@example.com", "--pending", "--series", "welcome")
    run("subscribers", "add", "eve@example.com", "--pending")
    assert "is a subscriber already" in run("subscribers", "add", "eve@example.com", "--pending", status=2).stderr
    run("subscribers", "add", "eve@example.com", "--series", "welcome")  # now the operator vouches
    assert json.loads(run("subscribers", "count", "--format", "json").stdout)["confirmed"] == 4
    rows = csv.DictReader(io.StringIO(run("subscribers", "export").stdout))
    started = {row["email"]: list(json.loads(row["enrolments"] or "{}")) for row in rows}
    way = ["welcome"]
    assert started.pop("dee@example.com") == []
    assert started == dict.fromkeys(["ann@example.com", "ben@example.com", "cy@example.com", "eve@example.com"], way)


def test_what_an_import_changes_is_in_the_person_s_history(run: Run, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("email,language\nann@example.com,en\n", encoding="utf-8")
    run("subscribers", "import", "people.csv")
    (tmp_path / "people.csv").write_text("email,name,language\nann@example.com,Ann,fr\n", encoding="utf-8")
    run("subscribers", "import", "people.csv")
    found = json.loads(run("subscribers", "show", "ann@example.com", "--format", "json").stdout)
    assert (found["name"], found["attributes"]["name"], found["language"]) == ("Ann", "Ann", "fr")
    assert [(entry["change"], entry["how"]) for entry in found["history"]] == [
        ("confirmed", "import"),
        ("changed", "import"),
    ]


def test_lists_as_json_are_written_one_by_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A million subscribers in one list would take gigabytes."""
    for name in ("ann", "ben"):
        run("subscribers", "add", f"{name}@example.com")
        run("suppressions", "add", f"{name}@example.net")
    for words in (["subscribers", "list"], ["suppressions", "list"]):
        module = importlib.import_module(f"publisher.cli.{words[0]}")
        given: list[object] = []
        monkeypatch.setattr(module, "emit", lambda value, given=given: (given.append(value), emit(value)))
        done = run(*words, "--format", "json")
        assert isinstance(given[0], Iterator)
        assert len(json.loads(done.stdout)) == 2


@pytest.mark.parametrize("value", [[], [{}], [{"a": [1, "x\ny"]}, {"b": {}}, 3]])
def test_an_iterator_is_written_as_the_list(value: list[object], capsys: pytest.CaptureFixture[str]) -> None:
    emit(value)
    whole = capsys.readouterr().out
    emit(iter(value))
    assert capsys.readouterr().out == whole
