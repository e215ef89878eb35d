"""Links from one issue to another, among the others: the state of the target issue decides the finding of a link."""

from __future__ import annotations

from pathlib import Path
from time import process_time

from publisher.checks.engine import findings_across
from publisher.checks.rules.issue_links import compare
from publisher.config import load_config
from publisher.proofing.archive import ArchiveFacts
from publisher.proofing.checking import check_repository

from .corpus import SOUND

HERE = "issues/2024-12-29-weekly/issue.yaml"
OTHER = "issues/2024-12-22-weekly/issue.yaml"
HEAD = "title: 上周要闻\ndate: 2024-12-22\n"


def _write(root: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def _told(root: Path, slugs: list[str] | None = None) -> list[str]:
    found = check_repository(load_config(root), slugs).diagnostics
    return [f"{one.path}:{one.line} {one.code}" for one in found if one.code.startswith("link-to-")]


def _newsletter(root: Path) -> None:
    link = "intro: 见[上期](../2024-12-22-weekly/)。\n"
    _write(root, SOUND | {HERE: f"title: 一周要闻\ndate: 2024-12-29\nstatus: ready\n{link}"})


def test_what_was_said_of_a_link_follows_the_other_issue(tmp_path: Path) -> None:
    _newsletter(tmp_path)
    assert _told(tmp_path) == [f"{HERE}:4 link-to-missing-issue"]
    _write(tmp_path, {OTHER: HEAD, OTHER.replace("issue.yaml", "a.md"): "---\nheadline: 丙\n---\n正文。\n"})
    assert _told(tmp_path) == [f"{HERE}:4 link-to-missing-issue"]
    _write(tmp_path, {OTHER: f"{HEAD}status: ready\n"})
    assert _told(tmp_path) == []
    for file in (tmp_path / OTHER).parent.iterdir():
        file.unlink()
    assert _told(tmp_path) == [f"{HERE}:4 link-to-missing-issue"]


def test_what_was_said_of_an_anchor_follows_the_items_of_the_other_issue(tmp_path: Path) -> None:
    _newsletter(tmp_path)
    link = (tmp_path / HERE).read_text(encoding="utf-8").replace("2024-12-22-weekly/", "2024-12-22-weekly/#a")
    item = OTHER.replace("issue.yaml", "a.md")
    _write(tmp_path, {HERE: link, OTHER: f"{HEAD}status: ready\n", item: "---\nheadline: 丙\n---\n正文。\n"})
    assert _told(tmp_path) == []
    (tmp_path / item).rename(tmp_path / item.replace("a.md", "b.md"))
    assert _told(tmp_path) == [f"{HERE}:4 link-to-missing-anchor"]
    _write(tmp_path, {item: "---\nheadlines: 丁\n---\n正文。\n"})
    assert _told(tmp_path) == []  # an item that cannot be read may have the anchor


def test_an_issue_that_cannot_be_read_is_there(tmp_path: Path) -> None:
    _newsletter(tmp_path)
    _write(tmp_path, {OTHER: "title: [上周\n"})
    assert _told(tmp_path) == []
    assert _told(tmp_path, ["2024-12-29-weekly"]) == []


def _seconds(issues: int) -> float:
    span = ("issues/x/issue.yaml", (1, 1, 1, 2))
    held = {
        f"2024-{n:05}": (
            *(False, "", "a"),
            ((span, f"2042-{n:05}", "", True), (span, f"2024-{n - 1:05}", "a", True)),
        )
        for n in range(issues)
    }
    began = process_time()
    assert sum(1 for _ in compare(held, None)) == issues + 1
    return process_time() - began


def test_links_that_lead_nowhere_cost_the_same_in_a_large_archive() -> None:
    _seconds(100)
    assert min(_seconds(1600), _seconds(1600)) < 8 * max(_seconds(400), _seconds(400))


def test_an_issue_that_the_language_server_has_not_read_yet_is_there(tmp_path: Path) -> None:
    _newsletter(tmp_path)
    _write(tmp_path, {OTHER: HEAD, "issues/2024-12-15-weekly/issue.yaml": "title: [上周\n"})
    config, archive = load_config(tmp_path), ArchiveFacts()
    archive.open(config)
    archive.read(config)
    assert archive.unread == ["2024-12-15-weekly", "2024-12-22-weekly"]
    assert findings_across(config, archive.known(), {"2024-12-29-weekly"}) == []
    archive.read(config)
    archive.read(config)
    assert archive.known()["2024-12-15-weekly"] == {}
    found = findings_across(config, archive.known(), {"2024-12-29-weekly"})
    assert [one.code for one in found] == ["link-to-missing-issue"]
