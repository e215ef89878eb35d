"""A path that cannot be read is one finding under every command, and the other issues are still processed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from publisher.config import load_config
from publisher.issue.folder import discover, read_folder
from publisher.proofing.checking import check_repository
from tests.checks.corpus import SLUG, Case, lay_out
from tests.cli.test_refusals import run

GOOD = "2025-01-07-good"
ODD = f"{SLUG}/odd.md"


def _deep(folder: Path) -> None:
    """1,200 folders, one in the other."""
    folder.mkdir()
    here = Path.cwd()
    os.chdir(folder)
    for _ in range(1200):
        Path("d").mkdir()
        os.chdir("d")
    Path("x.txt").touch()
    os.chdir(here)


def _bytes(folder: Path, name: bytes) -> bytes:
    return os.fsencode(folder) + b"/" + name


def _two_links(path: Path) -> None:
    path.symlink_to("other")
    path.with_name("other").symlink_to(path.name)


ENTRIES: dict[str, Callable[[Path], None]] = {
    "loop": lambda path: path.symlink_to(path.name),
    "two links in a loop": _two_links,
    "long": lambda path: path.symlink_to("x" * 300),
    "dangling": lambda path: path.symlink_to("nowhere"),
    "fifo": os.mkfifo,
    "folder": Path.mkdir,
}


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    lay_out(Case("sound-0", (), ""), tmp_path)
    folder = tmp_path / "issues" / GOOD
    folder.mkdir()
    (folder / "issue.yaml").write_text("title: 好\ndate: 2025-01-07\nstatus: ready\n", encoding="utf-8")
    (folder / "a.md").write_text("---\nheadline: 乙\n---\n正文。\n", encoding="utf-8")
    yield tmp_path
    subprocess.run(["rm", "-rf", str(tmp_path / "issues")], check=False)  # shutil's recursion has an end


def found(root: Path) -> list[tuple[str, str]]:
    config = load_config(root)
    return [(f.path, f.code) for f in check_repository(config, use_cache=True).diagnostics]


@pytest.mark.parametrize("kind", ENTRIES)
def test_an_odd_item_is_one_finding(root: Path, kind: str) -> None:
    ENTRIES[kind](root / ODD)
    odd = [one for one in found(root) if not one[0].endswith("other")]
    assert odd == [(ODD, "file-unreadable")]
    assert found(root) == found(root)  # from the cache as well


@pytest.mark.parametrize("kind", [kind for kind in ENTRIES if kind != "folder"])
def test_an_odd_issue_file_is_one_finding(root: Path, kind: str) -> None:
    (root / SLUG / "issue.yaml").unlink()
    ENTRIES[kind](root / SLUG / "issue.yaml")
    odd = [one for one in found(root) if not one[0].endswith("other")]
    assert odd == [(f"{SLUG}/issue.yaml", "file-unreadable")]


@pytest.mark.parametrize("kind", [kind for kind in ENTRIES if kind != "folder"])
def test_what_is_named_like_an_issue_and_is_none_is_an_issue_with_one_finding(root: Path, kind: str) -> None:
    ENTRIES[kind](root / "issues/2025-01-01-weekly")
    assert "2025-01-01-weekly" in discover(root)
    assert ("issues/2025-01-01-weekly", "file-unreadable") in found(root)
    assert {code for _, code in found(root)} == {"file-unreadable"}


@pytest.mark.parametrize(
    ("name", "code"),
    [("2025-01-01-weekly", "file-unreadable"), ("2025-01-01-weekly.md", "item-not-read"),
     ("2025-01-01-weekly.yaml", "item-not-read"), ("2025-01-01.txt", "item-not-read"), ("notes.txt", "stray-file"),
     ("template.md", "stray-file")],
)  # fmt: skip
def test_a_file_in_issues_is_reported(root: Path, name: str, code: str) -> None:
    (root / "issues" / name).write_text("text\n")
    assert found(root) == [(f"issues/{name}", code)]


@pytest.mark.parametrize("name", ["README.md", ".gitkeep", ".DS_Store"])
def test_what_explains_or_machines_leave_is_not(root: Path, name: str) -> None:
    (root / "issues" / name).write_text("text\n")
    assert found(root) == []


@pytest.mark.parametrize("name", [b"\xff\xfe.md", b"\xb0\xb1.txt", b"\xc3.yaml", b"a\x80", b"\xed\xa0\x80.md"])
@pytest.mark.parametrize("folder", ["issues", SLUG])
def test_a_name_that_is_no_text_is_one_finding(root: Path, folder: str, name: bytes) -> None:
    with open(_bytes(root / folder, name), "w"):
        pass
    assert found(root) == [(f"{folder}/{name.decode('utf-8', 'replace')}", "file-unreadable")]
    for form in ("text", "json", "github", "sarif"):
        ran = run(root, "check", "--format", form)
        assert (ran.returncode, "Traceback" in ran.stderr) == (1, False)


def test_folders_however_deep_are_one_finding(root: Path) -> None:
    _deep(root / SLUG / "deep")
    _deep(root / SLUG / "images")
    assert found(root) == [(f"{SLUG}/deep", "stray-file")]


COMMANDS = [["build"], ["plan"], ["publish", "--unmailed", GOOD], ["status"], ["send", GOOD], ["check", GOOD]]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_the_other_issues_go_on(root: Path, command: list[str]) -> None:
    for number, make in enumerate(ENTRIES.values()):
        make(root / SLUG / f"odd-{number}.md")
        folder = root / "issues" / f"2025-02-0{number + 1}-odd"
        folder.mkdir()
        make(folder / "issue.yaml")
    (root / "issues/2025-03-01-gone").symlink_to("nowhere")
    _deep(root / SLUG / "deep")
    ran = run(root, *command)
    assert ran.returncode in {0, 1}
    assert "Traceback" not in ran.stderr
    if command[0] == "build":
        assert (root / f"dist/email/{GOOD}/email.html").is_file()
    if command[0] in {"publish", "send"}:
        assert f"{GOOD}: audience 0" in ran.stdout
    if command[0] == "status":
        assert "2025-03-01-gone" in ran.stdout


WAYS = ["missing", "file", "loop", "dangling", "unreadable"]
READERS = ["build", "plan", "publish", "status", "send", "preview"]


@pytest.mark.parametrize(("how", "name"), [*((how, "check") for how in WAYS), *(("missing", name) for name in READERS)])
def test_without_issues_nothing_is_done(root: Path, how: str, name: str) -> None:
    command = [name, GOOD] if name == "send" else [name]
    kept = root / "issues"
    kept.rename(root / "elsewhere")
    if how == "unreadable":
        kept.mkdir(mode=0)
    elif how == "file":
        kept.touch()
    elif how != "missing":
        kept.symlink_to("issues" if how == "loop" else "nowhere")
    ran = run(root, *command, unprivileged=True)
    assert (ran.returncode, "Traceback" in ran.stderr) == (2, False)
    assert "the folder issues/ of" in ran.stderr
    assert "cannot be read" in ran.stderr


def test_an_unreadable_issue_is_broken_not_withdrawn(root: Path) -> None:
    first = run(root, "publish", "--unmailed", GOOD)
    page = root / f"dist/site/issues/{GOOD}/index.html"
    assert (first.returncode, page.is_file()) == (0, True)
    (root / "issues" / GOOD).chmod(0)
    ran = run(root, "publish", unprivileged=True)
    assert (ran.returncode, "Traceback" in ran.stderr) == (1, False)
    assert "withdrawn" not in ran.stdout + ran.stderr
    assert page.is_file()
    ran = run(root, "check", "--format", "json", unprivileged=True)
    assert [(f["path"], f["code"]) for f in json.loads(ran.stdout)] == [(f"issues/{GOOD}", "file-unreadable")]
    (root / "issues" / GOOD).chmod(0o755)


def test_no_issue_file_follows_from_a_folder_that_cannot_be_listed(root: Path) -> None:
    (root / "issues/2025-01-01-weekly").symlink_to("nowhere")
    folder = read_folder(root, "2025-01-01-weekly")
    assert (folder.issue_file, len(folder.findings)) == (None, 1)
