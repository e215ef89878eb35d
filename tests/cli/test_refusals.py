"""A fault in config.yaml is refused in the same way by every command."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest

from publisher.cli.app import main
from tests import warm
from tests.acceptance.conftest import CONFIG
from tests.checks.corpus import SLUG, Case, lay_out

NAME = SLUG.rpartition("/")[2]
COMMANDS = [
    ["check"], ["build"], ["plan"], ["publish"], ["status"], ["send", NAME], ["preview"], ["report", NAME], ["worker"],
]  # fmt: skip


def run(root: Path, *arguments: str, **more: Any) -> subprocess.CompletedProcess[str]:
    ours = {name: value for name, value in os.environ.items() if name.startswith("PUBLISHER_")}
    return warm.command(root.parent, "--root", str(root), *arguments, environment=ours, **more)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_level_of_no_code_is_refused_by_all(tmp_path: Path, command: list[str]) -> None:
    lay_out(Case("sound-0", (), ""), tmp_path)
    with (tmp_path / "config.yaml").open("a", encoding="utf-8") as file:
        file.write("checks:\n  levels: {subject-to-long: off}\n")
    ran = run(tmp_path, *command)
    assert ran.returncode == 2
    assert "config.yaml:8:12: error[level-of-unknown-code] there is no code subject-to-long" in ran.stderr
    assert "write subject-too-long" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.yaml", "issues"]


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough of them to fill a pipe, who are only read."""
    root = tmp_path_factory.mktemp("readers")
    (root / "config.yaml").write_text(CONFIG, encoding="utf-8")
    (root / "many.csv").write_text("email\n" + "".join(f"reader{n}@weekly.test\n" for n in range(5000)))
    assert run(root, "subscribers", "import", str(root / "many.csv")).returncode == 0
    return root


@pytest.mark.parametrize(
    "words", ["subscribers list", "subscribers export", "subscribers list --format json", "--help"]
)
def test_a_reader_that_has_seen_enough_ends_a_command_in_silence(readers: Path, words: str) -> None:
    command = f"set -o pipefail; {sys.executable} -m publisher --root {readers} {words} | head -1"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr, len(ran.stdout.splitlines())) == (0, "", 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize("words", ["subscribers list", "subscribers count", "schema issue"])
def test_a_full_disk_below_the_output_is_reported(readers: Path, words: str) -> None:
    command = f"{sys.executable} -m publisher --root {readers} {words} > /dev/full"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert ran.returncode == 2
    assert "error: the output cannot be written: No space left on device" in ran.stderr.splitlines()


@pytest.mark.parametrize("words", [f"cancel {NAME}", "subscribers erase ann@weekly.test"])
@pytest.mark.parametrize(("typed", "status"), [("n\n", 1), ("\n", 1), ("\x04", 1), ("yes\n", None), ("是\n", None)])
def test_whoever_does_not_say_yes_is_not_asked_why(tmp_path: Path, words: str, typed: str, status: int | None) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    terminal, end = pty.openpty()
    os.write(terminal, typed.encode())
    ran = run(tmp_path, *words.split(), terminal=os.ttyname(end))
    os.close(end)
    os.close(terminal)
    assert "Traceback" not in ran.stderr
    assert "[y/N] " in ran.stderr
    if status:
        assert (ran.returncode, ran.stdout, ran.stderr.count("\n")) == (status, "", 0)
    else:
        assert ran.stdout or "error: " in ran.stderr, "what was asked for is done, or refused"


@pytest.mark.parametrize(
    "words", ["new 2035-03-10-weekly", "init more", "draft key-points {name}", "theme eject email/inline.css.j2"]
)
def test_a_full_disk_leaves_nothing_that_is_half(tmp_path: Path, words: str) -> None:
    lay_out(Case("sound-0", (), ""), tmp_path)
    there = lambda: {path for path in tmp_path.rglob("*") if path.is_file() or path.parent.name == "issues"}  # noqa: E731
    before = there()
    command = f"ulimit -f 0; cd {tmp_path}; {sys.executable} -m publisher {words.format(name=NAME)} 2>&1 | cat"
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert "error: cannot write " in ran.stdout
    assert "help: make the folder writable, or make room" in ran.stdout
    assert "Traceback" not in ran.stdout
    assert there() == before


def test_a_job_whose_summary_cannot_be_written_gives_its_account_all_the_same(tmp_path: Path) -> None:
    lay_out(Case("sound-0", (), ""), tmp_path)
    item = next((tmp_path / "issues" / NAME).glob("*.md"))
    item.write_text(item.read_text(encoding="utf-8") + "\n这是==高亮==文字。\n", encoding="utf-8")
    summary = str(tmp_path / "nowhere" / "summary.md")
    ran = warm.command(tmp_path, "publish", "--format", "json", environment={"GITHUB_STEP_SUMMARY": summary})
    assert f"warning: {summary} cannot be written: No such file or directory" in ran.stderr, ran.stderr
    assert json.loads(ran.stdout)["exit_status"] == ran.returncode


def test_a_folder_for_pictures_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    lay_out(Case("sound-0", (), ""), tmp_path)
    for words in (["init", "-q"], ["add", "."], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"]):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    config = tmp_path / "config.yaml"
    config.write_text(config.read_text(encoding="utf-8").replace("name: ", "name: X", 1), encoding="utf-8")
    ran = run(tmp_path, "plan", "--base", "HEAD", "--pictures", str(config), PUBLISHER_BROWSER="true")
    assert (ran.returncode, ran.stderr.splitlines()[-1]) == (2, "help: name another folder with --pictures")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("chekc", "没有 chekc 这个命令\n怎么办：可选：check\n"),
        ("check --fromat json", "没有 --fromat 这个选项\n怎么办：可选：--format\n"),
        ("check --format xml", "--format 不能取这个值\n怎么办：可选：text、json、github、sarif\n"),
        ("preview --port x", "--port 不能取这个值\n怎么办：publisher preview --help 有用法说明\n"),
        ("--root .", "缺少命令\n怎么办：publisher --help 有用法说明\n"),
    ],
)
def test_a_mistake_in_the_call_says_what_may_be_meant_in_chinese_too(tmp_path: Path, words: str, told: str) -> None:
    ran = warm.command(tmp_path, "--lang", "zh", *words.split())
    assert (ran.returncode, ran.stderr.replace("python -m tests.publisher", "publisher")) == (2, f"错误：{told}")


def test_a_value_that_is_none_of_its_choices_is_told_in_our_words(tmp_path: Path) -> None:
    ran = warm.command(tmp_path, "init", "x", "--ci", "foo")
    assert ran.stderr.endswith("--ci is not one that it can have\nhelp: use one of github, gitlab, none\n")


def test_a_system_without_file_locks_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(sys, "argv", ["publisher", "--lang", "zh", "check"])
    with pytest.raises(SystemExit) as ended:
        copy_context().run(main)  # the language is the context's
    assert ended.value.code == 2
    assert "publisher 只能在 Linux 和 macOS 上运行" in (said := capsys.readouterr().err)
    assert "WSL" in said
