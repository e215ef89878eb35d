"""What commands say with ``--lang zh``: no sentence of theirs stays English."""

from __future__ import annotations

import ast
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from publisher import errors
from publisher.cli.app import application
from tests.acceptance.conftest import CONFIG, Newsletter
from tests.diagnostics.test_sentences import ENGLISH, QUOTED
from tests.publishing.test_surprise import issue

LEFT = re.compile(r"publisher [a-z]+( --[a-z-]+)*( [\w-]+)?|--[a-z-]+|status: ready")


def test_no_english_is_left_of_what_commands_say(tmp_path: Path) -> None:
    newsletter = Newsletter(tmp_path)
    newsletter.write("config.yaml", CONFIG)
    newsletter.subscribers("ann@example.com", "ben@example.com")
    for number in (1, 2):
        issue(newsletter, f"2023-01-0{number}-weekly", body=f"第{number}期的正文，与别期不同。")
    said = []
    for call in (
        "new 2025-01-05-weekly", "build", "build nope", "plan", "publish", "publish --unmailed nope",
        "publish --unmailed all", "status", "status nope", "send 2023-01-01-weekly", "send 2023-01-02-weekly --dry-run",
        "send 2025-01-05-weekly", "hold 2023-01-01-weekly", "pause 2023-01-01-weekly", "cancel 2023-01-01-weekly --yes",
        "plan --format markdown",
    ):  # fmt: skip
        ran = newsletter.run("--lang", "zh", *call.split())
        said += [line for line in (*ran.out.splitlines(), *ran.err.splitlines()) if line.strip()]
    assert len(said) > 30
    assert [line for line in said if ENGLISH.search(LEFT.sub("", QUOTED.sub("", line)))] == []
    assert any("什么也没有发送或写入" in line for line in said)


SLUG = "2023-01-01-weekly"
DRAFT = "2025-01-05-weekly"
# What is typed after each command, in this order, which is that of a newsletter's life; ``| text`` is standard input.
# After one that is not here nothing, and a typing mistake; in an empty folder nothing after each.
CALLS = {
    "init": ("made", "made", "config.yaml", "made2 --language xx", "made3 --accent red"),
    "new": (DRAFT, DRAFT, "UPPER", "--from nowhere.txt", "--from people.csv", "--from - |"),
    "add": ("nonsense", "http://127.0.0.1:1/", "http://nohost.invalid/", "- | nothing"),
    "check": ("", "nope", "--fix --yes", "--fix=1", "--format"),
    "explain": ("unknown-kye", "one two"),
    "schema": ("nothing",),
    "build": ("", "nope"),
    "wechat": (SLUG, f"{SLUG} --draft", "nope"),
    "preview": ("nope", "--port 99999999"),
    "plan": ("", "--base nope"),
    "publish": ("", "--mailed nope", "--unmailed all", "", "sqlite", ""),
    "status": ("", SLUG, "nope", "--format xx"),
    "reconcile": ("", SLUG, "nope", f"{SLUG} --release-uncertain", f"{SLUG} --release-uncertain --yes"),
    "hold": (SLUG, f"{SLUG} --release", "nope"),
    "send": (SLUG, f"{SLUG} --dry-run", f"{SLUG} a@b.cc", f"{SLUG} --test a@b.cc", DRAFT, "nope", f"{SLUG} --spread x"),
    "pause": (SLUG,),
    "resume": (SLUG,),
    "cancel": (f"{SLUG} --yes",),
    "report": (DRAFT, f"{SLUG} --out r.html", f"{SLUG} --out nowhere.csv/r.html", f"{SLUG} --out people.csv/r.html"),
    "verify": ("nowhere.eml", "config.yaml", "http://127.0.0.1:1/"),
    "serve": ("--host 999.1.1.1",),
    "worker": ("",),
    "archive-mailings": ("", "--undo nope", "--older-than 1d", "--older-than x", "--undo a --yes", "--yes", "--drop"),
    "backup": ("a.backup", "a.backup", "people.csv/a.backup"),
    "restore": ("a.backup", "a.backup --force", "nowhere.backup", "config.yaml"),
    "doctor": ("", "--nameserver a:b"),
    "draft key-points": ("nope", DRAFT),
    "draft headline": (f"{SLUG} a.md",),
    "draft translation": (f"{SLUG} en",),
    "subscribers list": (f"--of {SLUG}", f"--of {DRAFT}", "--state nope", f"--of {SLUG} --state nope"),
    "subscribers count": ("--segment topic",),
    "subscribers export": ("out.csv", "people.csv/out.csv"),
    "subscribers add": (
        "dan@example.com", "dan@example.com", "nonsense", "eve@example.com --pending", "a@b.cc --timezone Mars/X",
        "a@b.cc --series nope", "@b.cc", "a@", "a@b.cc --language zz9z",
    ),
    "subscribers show": ("ann@example.com", "eve@example.com", "nobody@example.com"),
    "subscribers remove": ("ann@example.com", "ann@example.com", "nobody@example.com"),
    "subscribers erase": ("ben@example.com --yes", "nobody@example.com --yes"),
    "subscribers import": (
        "people.csv", "odd.csv", "odd.csv --status weird=confirmed", "odd.csv --status weird=confirmed --skip-invalid",
        "nowhere.csv", "odd.csv --status x", "config.yaml", "people.csv --pending", "people.csv --encoding klingon",
    ),
    "suppressions add": ("zoe@example.com", "zoe@example.com", "x"),
    "suppressions list": ("",),
    "suppressions remove": ("zoe@example.com", "zoe@example.com"),
    "events apply": ("nowhere.jsonl", "people.csv", "- | {}", "- | [1", "- | From a b\n\nc"),
    "theme list": ("",),
    "theme eject": ("email/_footer.mjml.j2", "email/_footer.mjml.j2", "nope"),
    "theme preview": ("nope",),
    "audience": ("", "--html a.html"),
    "audience ask": ("--not-heard-since 12m", "--not-heard-since x", "--not-heard-since 12m --yes"),
    "move": ("nonsense", "sqlite:///.publisher/publisher.db", "sqlite:///moved.db", "sqlite:///moved.db"),
}  # fmt: skip
ASKS_NOTHING = {"preview", "serve", "lsp", "mcp"}
"""They run until they are stopped."""
DATA = re.compile(
    r"[\W\d_]*|  (cd \S+ && )?publisher .*|\s*[\w./-]*[\w-]/[\w./-]+|\w+\.html|\S+@\S+|\S+@\S+,.*|email,name,.*"
    rf"|([\d-]{{7}}|zh-CN|{SLUG})( +\d+)+|  [0-9a-f]{{8}}-\d+  [0-9a-f]{{24}}  \S+|# [a-z-]+"
)
"""A line that holds no word of ours: figures, paths, addresses, what to type, an export."""


def names(command: Any, *path: str) -> Iterator[str]:
    """Each command of the application, after the group that it is in."""
    inner = getattr(command, "commands", {})
    if not inner or command.invoke_without_command:
        yield " ".join(path)
    for name, one in inner.items():
        yield from names(one, *path, name)


def english(newsletter: Newsletter, name: str, call: str) -> list[str]:
    """The lines without a Chinese character of what a command says."""
    words, bar, stdin = call.partition("|")
    ran = newsletter.run("--lang", "zh", *name.split(), *words.split(), stdin=stdin.strip() if bar else None)
    lines = (*ran.out.splitlines(), *ran.err.splitlines())
    left = (line for line in lines if not (re.search("[\u4e00-\u9fff]", line) or DATA.fullmatch(line.rstrip())))
    return [f"{name} {call}: {line}" for line in left]


def test_every_command_speaks_chinese(tmp_path: Path) -> None:
    """On success, on an ordinary failure, with a typing mistake, and in an empty folder."""
    newsletter, empty = Newsletter(tmp_path / "newsletter"), Newsletter(tmp_path / "empty")
    empty.root.mkdir()
    newsletter.write("config.yaml", CONFIG)
    newsletter.subscribers("ann@example.com", "ben@example.com", "cat@example.com")
    newsletter.write("odd.csv", "email,Status,timezone,\nkim@example.com,weird,Mars,x\nbad,weird,UTC,\n")
    issue(newsletter, SLUG)
    every = {*names(typer.main.get_command(application()))}
    assert every >= CALLS.keys()
    found = english(newsletter, "", "") + english(newsletter, "sned", "") + english(newsletter, "subscribers sned", "")
    for name in [*CALLS, *sorted(every - CALLS.keys())]:
        nothing = [] if name in ASKS_NOTHING else [""]
        for call in CALLS.get(name, [*nothing, "--sned"]):
            if call == "sqlite":  # somebody is uncertain
                with sqlite3.connect(newsletter.root / ".publisher" / "publisher.db") as database:
                    database.execute("UPDATE recipients SET state = 'uncertain' WHERE number = 1")
            else:
                found += english(newsletter, name, call)
        for call in nothing:
            found += english(empty, name, call)
    assert "\n".join(found) == ""


FAILURES = {name for name, one in vars(errors).items() if isinstance(one, type) and issubclass(one, Exception)}
SPOKEN = FAILURES | {"refusal", "put", "tell", "warn", "complain", "agreed", "ok", "warning", "fault", "skipped"}
"""What takes words to an operator: failures, the command line's output, the answers of ``doctor``."""
MACHINES = {"sns.py", "library.py"}
"""Who speaks to programs, in English."""


@pytest.mark.parametrize("room", sorted(path.name for path in Path(errors.__file__).parent.iterdir() if path.is_dir()))
def test_nothing_is_reported_in_english_alone(room: str) -> None:
    """What no walk reaches: the disk that is full, the provider that refuses."""
    left = []
    for path in (Path(errors.__file__).parent / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in SPOKEN:
                for told in (*node.args, *(each.value for each in node.keywords)):
                    parts = told.values if isinstance(told, ast.JoinedStr) else [told]
                    words = "…".join(str(part.value) for part in parts if isinstance(part, ast.Constant))
                    left += [f"{path.name}:{node.lineno}: {words}"] if ENGLISH.search(words) else []
    assert [line for line in left if line.partition(":")[0] not in MACHINES] == []
