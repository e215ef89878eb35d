"""``publisher mcp`` over a real pipe: its tools and their answers; and AGENTS.md."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import typer

from publisher.cli.app import application
from tests.warm import clean_environment, command

SLUG = "2024-12-29-ai-weekly-en"
READER = "ada.lovelace@readers.example.org"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A newsletter whose sample was mailed to one reader."""
    root = tmp_path_factory.mktemp("mcp") / "newsletter"
    command(root.parent, "init", str(root), "--language", "en", "--ci", "none")
    file = root / "issues" / SLUG / "issue.yaml"
    file.write_text(file.read_text(encoding="utf-8").replace("status: draft", "status: ready"), encoding="utf-8")
    assert command(root, "subscribers", "add", READER).returncode == 0
    sent = command(root, "send", SLUG)
    assert sent.returncode == 0, sent.stderr
    return root


def asked(root: Path, *calls: tuple[str, dict[str, Any]], **variables: str) -> list[Any]:
    """The tools, and the results of calls."""
    from mcp import Client, StdioServerParameters, stdio_client  # 0.8 s, in each process that collects this file

    async def ask() -> list[Any]:
        words = ["-m", "publisher", "--root", str(root), "mcp"]
        started = StdioServerParameters(command=sys.executable, args=words, env=clean_environment() | variables)
        async with Client(stdio_client(started)) as client:
            tools = (await client.list_tools()).tools
            return [tools, *[await client.call_tool(name, values) for name, values in calls]]

    with ThreadPoolExecutor(1) as apart:  # a browser of another test may keep a loop in this thread
        return apart.submit(asyncio.run, ask()).result()


def text(result: Any) -> str:
    return "".join(part.text for part in result.content)


def state(root: Path) -> dict[str, bytes]:
    """Every file but the cache, by path."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and "cache" not in path.parts and not path.name.endswith(("-wal", "-shm"))
    }


ANSWERED: list[tuple[str, dict[str, Any]]] = [
    ("check", {}),
    ("explain", {"code": "empty-body"}),
    ("plan", {}),
    ("schema", {"kind": "item"}),
    ("status", {}),
    ("status", {"issue": SLUG}),
]
TRIED: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in ("check", "plan", "status")),
    ("status", {"issue": SLUG}),
    ("plan", {"base": "HEAD"}),
    ("explain", {"code": READER[:20]}),
    ("status", {"issue": "../.publisher"}),
]
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("check", {"issues": ["../../etc"]}, "there is no issue ../../etc"),
    ("status", {"issue": "nothing"}, "there is no issue nothing"),
    ("explain", {"code": "nothing"}, "there is no code nothing"),
    ("plan", {"base": "--output=x"}, "git knows no revision"),
    ("schema", {"kind": "../x"}, ""),
    ("send", {"issue": SLUG}, ""),
]


@pytest.fixture(scope="module")
def session(root: Path) -> list[list[Any]]:
    """What one process answered: its tools with ``ANSWERED``, then ``TRIED``, then ``REFUSED``. It wrote nothing."""
    before = state(root)
    answers = iter(asked(root, *ANSWERED, *TRIED, *((name, values) for name, values, _ in REFUSED)))
    assert state(root) == before
    return [list(islice(answers, number)) for number in (1 + len(ANSWERED), len(TRIED), len(REFUSED))]


def test_it_offers_five_questions_and_answers_them_as_the_commands_do(root: Path, session: list[list[Any]]) -> None:
    tools, check, explain, plan, schema, status, one = session[0]
    assert [tool.name for tool in tools] == ["check", "explain", "plan", "schema", "status"]
    assert all(tool.annotations.read_only_hint and not tool.annotations.destructive_hint for tool in tools)
    assert json.loads(text(check)) == json.loads(command(root, "check", "--format", "json").stdout)
    assert text(explain).startswith("# empty-body\n")
    assert json.loads(text(plan))["due"] == []
    assert json.loads(text(schema))["title"] == "An item"
    assert json.loads(text(status)) == json.loads(command(root, "status", "--format", "json").stdout)
    assert json.loads(text(one))["submitted"] == 1


def test_no_answer_holds_an_address_of_a_reader(session: list[list[Any]]) -> None:
    told = "".join(text(result) for result in session[1])
    assert "readers.example.org" not in told
    assert "lovelace@" not in told.replace(READER[:20], "")


def test_what_it_is_not_for_is_refused(session: list[list[Any]]) -> None:
    for (name, values, wanted), result in zip(REFUSED, session[2], strict=True):
        assert result.is_error, (name, values)
        assert wanted in text(result), (name, values)
        assert "Traceback" not in text(result), (name, values)


def test_a_refusal_is_in_the_language_that_was_asked_for(root: Path) -> None:
    _, status, explain = asked(
        root, ("status", {"issue": "nothing"}), ("explain", {"code": "nothing"}), PUBLISHER_LANG="zh"
    )
    assert f"没有 nothing 这一期\n怎么办：可选：{SLUG}" in text(status)
    assert "没有 nothing 这个代码" in text(explain)


def test_a_broken_config_is_findings_and_a_missing_database_is_zeros(tmp_path: Path) -> None:
    (tmp_path / "issues" / SLUG).mkdir(parents=True)
    (tmp_path / "issues" / SLUG / "issue.yaml").write_text("title: x\n")
    (tmp_path / "config.yaml").write_text("newsletter:\n  nam: x\n")
    _, check, status = asked(tmp_path, ("check", {}), ("status", {}))
    assert "unknown-key" in {one["code"] for one in json.loads(text(check))}
    assert status.is_error
    config = "newsletter: {name: N, language: en, url: https://n.example.org/, from: a@n.example.org}\n"
    (tmp_path / "config.yaml").write_text(config)
    _, status = asked(tmp_path, ("status", {}))
    assert [(row["issue"], row["state"], row["audience"]) for row in json.loads(text(status))] == [(SLUG, "new", 0)]
    assert not list(tmp_path.rglob("*.db"))


def test_without_mcp_it_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "mcp.py").write_text("raise ModuleNotFoundError(\"No module named 'mcp'\", name='mcp')")
    done = subprocess.run(
        [sys.executable, "-m", "publisher", "mcp"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        input=b"",
        capture_output=True,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"pip install 'newsletter-publisher[mcp]'" in done.stderr


def test_agents_are_told_of_commands_that_there_are_and_of_all_that_mail(root: Path) -> None:
    page = (root / "AGENTS.md").read_text(encoding="utf-8")
    there = set(typer.main.get_command(application()).commands)
    named = set(re.findall(r"publisher ([a-z]+)", page))
    assert named <= there
    run, never = page.split("## Never run")
    forbidden = set(re.findall(r"publisher ([a-z]+)", never))
    assert {"send", "publish", "worker", "restore", "reconcile", "subscribers", "suppressions"} <= forbidden
    assert forbidden.isdisjoint(re.findall(r"publisher ([a-z]+)", run))
    for words in re.findall(r"^    publisher ([a-z]+)([^\n]*?)(?:  |$)", run, re.MULTILINE):
        options = set(re.findall(r"--[a-z-]+", words[1]))
        assert options <= {
            name for one in typer.main.get_command(application()).commands[words[0]].params for name in one.opts
        }
    assert len(page) < 4_000
    assert SLUG in page
