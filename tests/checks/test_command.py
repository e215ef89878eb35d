"""check, explain and schema, through the real command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from publisher.config.model import config_schema
from publisher.config.names import every_code
from publisher.documents import TextFile, data_of, parse_yaml
from publisher.issue.raw import issue_schema, item_schema
from tests.warm import command
from tools.rules import all_pages

from .corpus import SLUG, Case, lay_out

ROOT = Path(__file__).resolve().parents[2]


def run(root: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return command(root, *words, environment=environment)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    lay_out(Case("sound-0", (), ""), tmp_path)
    return tmp_path


def test_no_problem_says_so_on_standard_error_alone(root: Path) -> None:
    ran = run(root, "check")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "no problem in 1 issue\n")


def test_what_is_found_and_what_may_be_mended_is_counted_in_the_language_that_was_chosen(root: Path) -> None:
    (root / SLUG / "b.md").write_text("---\nheadlin: x\n---\ntext\n")
    (root / SLUG / "c.md").write_text("---\nheadline: 乙\n---\n一句，，两句。\n", encoding="utf-8")
    ran = run(root, "--lang", "zh", "check")
    assert ": 错误[unknown-key] " in ran.stdout
    assert ": 警告[doubled-punctuation] " in ran.stdout
    assert ran.stderr == "1 期：1 个错误，1 个警告；其中 1 处可用 publisher check --fix 改好\n"
    mended = run(root, "--lang", "zh", "check", "--fix", "--yes").stderr
    assert "已改好：1 处改动，1 个文件\n" in mended
    assert "没有能自动改的\n" in run(root, "--lang", "zh", "check", "--fix").stderr


def test_an_address_that_is_none_is_one_finding_and_crashes_no_rule(root: Path) -> None:
    (root / SLUG / "b.md").write_text('---\nheadline: A headline\n---\nA <a href="http://[x">link to it</a>.\n')
    found = json.loads(run(root, "check", "--format", "json").stdout)
    assert [one["code"] for one in found if one["severity"] == "error"] == ["bad-link"]


def test_an_error_is_status_1_and_shown_without_colour_in_a_pipe(root: Path) -> None:
    (root / SLUG / "b.md").write_text("---\nheadlin: x\n---\ntext\n")
    (root / SLUG / "c.csv").write_text("")
    ran = run(root, "check")
    assert ran.returncode == 1
    assert "\x1b" not in ran.stdout
    assert ran.stderr == "1 error, 1 warning in 1 issue\n"
    assert "\n  2 | headlin: x\n    | ^^^^^^^\n" in ran.stdout


@pytest.mark.parametrize(
    "name",
    ["2024-12-29-weekly", SLUG, f"{SLUG}/issue.yaml", f"./{SLUG}/"],
)
def test_an_issue_is_named_by_slug_or_path(root: Path, name: str) -> None:
    (root / "issues/2025-01-05-broken").mkdir()
    (root / "issues/2025-01-05-broken/issue.yaml").write_text("title: [\n")
    ran = run(root, "check", name)
    assert (ran.returncode, ran.stderr) == (0, "no problem in 1 issue\n")


def test_an_unknown_issue_is_status_2_and_names_those_that_exist(root: Path) -> None:
    ran = run(root, "check", "2024-12-30-weekly", "--format", "json")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "there is no issue 2024-12-30-weekly" in ran.stderr
    assert "2024-12-29-weekly" in ran.stderr


@pytest.mark.parametrize("command", ["check", "build"])
@pytest.mark.parametrize("theme", ["{}", "{footer: 'a <title>gone'}", "{logo: config.yaml}"])  # the last is opened late
def test_a_config_error_is_status_2_and_a_list_in_json(root: Path, theme: str, command: str) -> None:
    config = root / "config.yaml"
    config.write_text("newsletter: {}\n" if theme == "{}" else f"{config.read_text()}theme: {theme}\n")
    ran = run(root, command, "--format", "json")
    assert ran.returncode == 2
    assert {found["path"] for found in json.loads(ran.stdout)} == {"config.yaml"}


@pytest.mark.parametrize("form", ["json", "github", "sarif"])
def test_formats_for_machines_are_whole_even_when_there_is_nothing(root: Path, form: str) -> None:
    ran = run(root, "check", "--format", form)
    assert ran.returncode == 0
    assert ran.stdout == "" if form == "github" else json.loads(ran.stdout) is not None


def test_every_code_is_explained(root: Path) -> None:
    ran = run(root, "explain", "unknown-key")
    assert ran.returncode == 0
    assert ran.stdout.startswith("# unknown-key\n")
    assert "## Why it matters" in ran.stdout


def test_a_page_is_shown_in_the_language_that_is_asked_for(root: Path) -> None:
    ran = run(root, "explain", "unknown-key", "--lang", "zh")
    assert "## 为什么要紧" in ran.stdout
    assert run(root, "--lang=zh-CN", "explain", "unknown-key").stdout == ran.stdout
    assert run(root, "explain", "unknown-key", PUBLISHER_LANG="zh_CN.UTF-8").stdout == ran.stdout
    english = run(root, "explain", "unknown-key", "--lang", "en", PUBLISHER_LANG="zh")
    assert english.stdout.startswith("# unknown-key\n\nSeverity: error")
    refused = run(root, "explain", "unknown-key", "--lang", "tlh")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "use one of en, zh" in refused.stderr


def test_an_unknown_code_is_status_2_and_offers_near_ones(root: Path) -> None:
    ran = run(root, "explain", "unknown-kay")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "use one of unknown-key" in ran.stderr
    assert "did you mean" not in ran.stderr.lower()


def test_the_pages_in_docs_are_those_of_the_codes() -> None:
    page = ROOT / "docs" / "rules.md"
    assert page.read_text(encoding="utf-8") == all_pages(), "run python -m tools.rules"
    assert set(every_code()) <= {
        line[3:] for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("## ")
    }


def test_the_sample_issues_hold_to_the_schemas() -> None:
    for schema in (issue_schema(), item_schema(), config_schema()):
        Draft202012Validator.check_schema(schema)
    checked = 0
    for path in sorted((ROOT / "issues").glob("*/issue.yaml")):
        node, _ = parse_yaml(TextFile("issue.yaml", path.read_text(encoding="utf-8")))
        assert node is not None
        data = data_of(node) | {"number": 52}
        assert [error.message for error in Draft202012Validator(issue_schema()).iter_errors(data)] == []
        checked += 1
    assert checked


@pytest.mark.parametrize(
    ("data", "fits"),
    [
        ({"headline": 1984, "body": "x"}, True),
        ({"headline": "x", "body": "x", "source": {"name": "a"}, "tags": "b"}, True),
        ({"headline": "x", "body": "x", "source": [{"name": "a", "url": "https://x"}], "tags": ["b", 1]}, True),
        ({"headline": "x", "body": "x", "comentary": "y"}, False),
        ({"headline": ["x"], "body": "x"}, False),
        ({"body": "x"}, False),
        ({"headline": "x", "body": "x", "image": {"image": "a.jpg"}}, False),
    ],
)
def test_the_schema_of_an_item_takes_what_the_reader_takes(data: object, fits: bool) -> None:
    assert Draft202012Validator(item_schema()).is_valid(data) is fits


@pytest.mark.parametrize(("number", "fits"), [(52, True), ("52", True), (" 7 ", True), (-1, False), ("no. 7", False)])
def test_the_schema_of_an_issue_takes_the_numbers_that_the_reader_takes(root: Path, number: object, fits: bool) -> None:
    data = {"title": "x", "date": "2024-12-29", "number": number}
    assert Draft202012Validator(issue_schema()).is_valid(data) is fits
    (root / SLUG / "issue.yaml").write_text("".join(f"{key}: {json.dumps(data[key])}\n" for key in data))
    assert ("error[bad-value]" in run(root, "check").stdout) is not fits


@pytest.mark.parametrize("words", [["check"], ["check", "--format", "github"], ["build"], ["plan"], ["status"]])
def test_no_name_commands_the_terminal_or_the_job(root: Path, words: list[str]) -> None:
    folder = root / "issues/2025-\x1b]0;title\x07x\n::stop-commands::y"
    folder.mkdir(parents=True)
    (folder / "issue.yaml").write_text('title: "\\e[31m"\ndate: 2024-12-29\n', encoding="utf-8")
    (folder / "a\x1b[31m.md").write_text('---\nheadline: "a\\e[31m"\n---\nb\n', encoding="utf-8")
    ran = run(root, *words)
    assert "\x1b" not in ran.stdout + ran.stderr
    assert not [line for line in (ran.stdout + ran.stderr).splitlines() if line.startswith("::stop")]


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
@pytest.mark.parametrize(("variable", "coloured"), [("", True), ("NO_COLOR", False)])
def test_colour_is_for_terminals_that_want_it(root: Path, variable: str, coloured: bool) -> None:
    import pty

    (root / SLUG / "b.md").write_text("---\nheadlin: x\n---\ntext\n")
    env = os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color"} | ({variable: "1"} if variable else {})
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "publisher", "--root", str(root), "check"]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=theirs, env=env) as process:
        os.close(theirs)
        said = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # the other end is closed
                break
            if not piece:
                break
            said += piece
    os.close(ours)
    assert process.returncode == 1
    assert (b"\x1b[1;31merror[unknown-key]\x1b[0m" in said) is coloured
    assert b"error[unknown-key]" in said
