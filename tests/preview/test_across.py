"""The findings of an issue are those of ``publisher check``, also those across issues, after each save of any file."""

from __future__ import annotations

import json
import os
import random
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from publisher.config import load_config
from publisher.errors import UsageError
from publisher.preview.workshop import Workshop
from publisher.proofing.checking import check_repository
from tests.checks.newsletters import lay_out
from tests.warm import command

from .conftest import CONFIG, SLUG, Preview, serving

OLD = "2024-12-22-weekly"
STORY = "一条两期都有的新闻今天登出"
LINK = f"[上期](../{OLD}/#old)"
REPEATED, MISSING = "story-repeated", "link-to-missing-issue"


def _issue(root: Path, slug: str, day: str, **items: str) -> None:
    folder = root / "issues" / slug
    folder.mkdir(exist_ok=True, parents=True)
    (folder / "issue.yaml").write_text(f"title: 一周\ndate: {day}\nstatus: ready\n", encoding="utf-8")
    for name, headline in items.items():
        _item(root, slug, name, headline)


def _item(root: Path, slug: str, name: str, headline: str, body: str = "正文。") -> None:
    text = f"---\nheadline: {headline}\n---\n{body}\n"
    (root / "issues" / slug / f"{name}.md").write_text(text, encoding="utf-8")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Preview]:
    root = tmp_path_factory.mktemp("across")
    (root / "issues").mkdir()
    (root / "config.yaml").write_text(CONFIG, encoding="utf-8")
    _issue(root, SLUG, "2024-12-29", a="第一稿")
    with serving(root) as made:
        yield made


@pytest.fixture
def preview(running: Preview) -> Preview:
    """The preview with two issues: the later one links to the earlier one."""
    root = running.root
    for folder in (root / "issues").iterdir():
        shutil.rmtree(folder)
    (root / "config.yaml").write_text(CONFIG, encoding="utf-8")
    _issue(root, OLD, "2024-12-22", old="旧闻一条")
    _issue(root, SLUG, "2024-12-29", a="第一稿")
    _item(root, SLUG, "b", "第二稿", f"见{LINK}。")
    _agrees(running)
    return running


def _shown(preview: Preview, slug: str) -> list[str]:
    answer = httpx.get(f"{preview.url}/api/issues/{slug}").json()
    return [
        f"{one['code']} {one['path']}:{one['line']}:{one['column']} {one['message']}" for one in answer["diagnostics"]
    ]


def _agrees(preview: Preview, *codes: str, slug: str = SLUG) -> None:
    """Both report ``codes``, and the same of each, within 5 s."""
    preview.until(lambda: [one.split()[0] for one in _shown(preview, slug)] == [*codes])
    told = json.loads(command(preview.root, "check", slug, "--format", "json").stdout)
    assert _shown(preview, slug) == [f"{x['code']} {x['path']}:{x['line']}:{x['column']} {x['message']}" for x in told]
    assert [x["code"] for x in told] == [*codes]


def test_a_story_that_another_issue_has_or_gets_or_loses(preview: Preview) -> None:
    _item(preview.root, SLUG, "a", STORY)
    _agrees(preview)
    _item(preview.root, OLD, "old", STORY)
    _agrees(preview, REPEATED)
    _item(preview.root, SLUG, "a", "完全不同的一条新闻")
    _agrees(preview)
    _item(preview.root, SLUG, "a", STORY)
    _agrees(preview, REPEATED)
    (preview.root / "issues" / OLD / "issue.yaml").write_text("title: [\n", encoding="utf-8")
    _agrees(preview)
    _issue(preview.root, OLD, "2024-12-22")
    _agrees(preview, REPEATED)
    _issue(preview.root, OLD, "2025-01-22")
    _agrees(preview)
    _agrees(preview, "date-contradicts-slug", REPEATED, slug=OLD)


def test_a_linked_issue_that_goes_or_comes_or_is_renamed_or_loses_the_anchor(preview: Preview) -> None:
    folder = preview.root / "issues" / OLD
    folder.rename(preview.root / "away")
    _agrees(preview, MISSING)
    (preview.root / "away").rename(folder)
    _agrees(preview)
    folder.rename(folder.with_name("2024-12-15-weekly"))
    _agrees(preview, MISSING)
    folder.with_name("2024-12-15-weekly").rename(folder)
    _agrees(preview)
    (folder / "old.md").rename(folder / "new.md")
    _agrees(preview, "link-to-missing-anchor")
    (folder / "new.md").unlink()
    (folder / "issue.yaml").unlink()
    _agrees(preview, MISSING)
    _issue(preview.root, OLD, "2024-12-22", old="旧闻一条")
    _agrees(preview)


def test_levels_and_ignores_apply(preview: Preview) -> None:
    config = preview.root / "config.yaml"
    shutil.rmtree(preview.root / "issues" / OLD)
    _agrees(preview, MISSING)
    config.write_text(f"{CONFIG}checks: {{levels: {{{MISSING}: off}}}}\n", encoding="utf-8")
    _agrees(preview)
    config.write_text(f"{CONFIG}checks: {{levels: {{{MISSING}: error}}}}\n", encoding="utf-8")
    _agrees(preview, MISSING)
    preview.until(lambda: _answer(preview)["broken"])
    assert _answer(preview)["broken"]
    config.write_text(CONFIG, encoding="utf-8")
    _agrees(preview, MISSING)
    _item(preview.root, SLUG, "b", "第二稿", f"见{LINK}。<!-- publisher: ignore={MISSING} -->")
    _agrees(preview)
    _issue(preview.root, OLD, "2024-12-22", old="旧闻一条")
    _agrees(preview, "unused-ignore")
    config.write_text(CONFIG.replace("news.example.com/", "letters.example.com/"), encoding="utf-8")
    _item(preview.root, SLUG, "b", "第二稿", "见[别处](https://news.example.com/issues/2024-01-01-x/)。")
    _agrees(preview)
    config.write_text(CONFIG, encoding="utf-8")
    _agrees(preview, MISSING)


def _answer(preview: Preview) -> Any:
    return httpx.get(f"{preview.url}/api/issues/{SLUG}").json()


def test_many_issues_that_change_at_once(preview: Preview) -> None:
    days = [f"2024-11-{day:02}" for day in range(1, 31)]
    staged = preview.root / "staged"
    for day in days:
        _issue(staged, f"{day}-weekly", day, a=f"{STORY}{day}")
    _item(preview.root, SLUG, "a", f"{STORY}2024-11-30")
    for folder in sorted((staged / "issues").iterdir()):
        folder.rename(preview.root / "issues" / folder.name)
    _agrees(preview, REPEATED)
    for folder in (preview.root / "issues").glob("2024-11-*"):
        shutil.rmtree(folder)
    _agrees(preview)


def test_the_first_view_waits_for_no_other_issue_and_reports_nothing_untrue(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    _issue(tmp_path, OLD, "2024-12-22", old=STORY)
    _issue(tmp_path, SLUG, "2024-12-29", a=STORY)
    _item(tmp_path, SLUG, "b", "第二稿", f"见{LINK}。<!-- publisher: ignore={REPEATED} -->")
    workshop = Workshop(tmp_path)
    assert workshop.view(SLUG).diagnostics == ()
    while workshop.read() is None:
        assert workshop.view(SLUG).diagnostics == ()
    assert [one.code for one in workshop.view(SLUG).diagnostics] == [REPEATED, "unused-ignore"]
    assert workshop.read() == []


RULE = """
from publisher.diagnostics import Severity, define
CODE = define("short-issue", Severity.WARNING)
def gather(issue):
    return [issue.slug, len(issue.items)]
def compare(gathered, wanted):
    return []
def affected(before, after):
    raise ValueError("oops")
"""


def test_a_rule_of_the_newsletter_that_fails_does_not_stop_the_preview(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(f"{CONFIG}checks: {{rules: [rule.py]}}\n", encoding="utf-8")
    (tmp_path / "rule.py").write_text(RULE, encoding="utf-8")
    _issue(tmp_path, SLUG, "2024-12-29", a=STORY)
    _issue(tmp_path, OLD, "2024-12-22", a=STORY)
    workshop = Workshop(tmp_path)
    while workshop.read() is None:
        pass
    assert [one.code for one in workshop.view(SLUG).diagnostics] == [REPEATED]
    _issue(tmp_path, OLD, "2024-12-22", a="另一条完全不同的旧闻", b="又一条")
    assert workshop.changed([tmp_path / "issues" / OLD / "b.md"]) == [OLD, SLUG]
    assert workshop.view(SLUG).diagnostics == check_repository(load_config(tmp_path)).diagnostics == ()


def _edit(root: Path, chance: random.Random) -> str:
    """Edit a line, a file or a folder; return what was done."""
    files = sorted(path for path in (root / "issues").glob("*/*") if path.is_file() and path.suffix in {".md", ".yaml"})
    file, other = chance.choice(files), chance.choice(files)
    text, more = (path.read_text(encoding="utf-8") for path in (file, other))
    lines, at, there = text.split("\n"), chance.randrange(text.count("\n") + 1), chance.choice(more.split("\n"))
    changes = {
        "a line of another file": [*lines[:at], there, *lines[at:]],
        "a line less": [*lines[:at], *lines[at + 1 :]],
        "a mark doubled": [*lines[:at], f"{lines[at]}。。", *lines[at + 1 :]],
        "half a line": [*lines[:at], lines[at][: len(lines[at]) // 2], *lines[at + 1 :]],
        "another file's text": [more],
        "a link": [text, f"[x](../{other.parent.name}/#{other.stem})"],
    }
    done = chance.choice([*changes, "a copy", "a folder renamed", "a file deleted"])
    if done in changes:
        file.write_text("\n".join(changes[done]), encoding="utf-8")
    elif done == "a copy":
        (file.parent / f"copy-{other.name}").write_text(more, encoding="utf-8")
    elif done == "a folder renamed":
        file.parent.rename(f"{file.parent}x")
    else:
        file.unlink()
    return f"{done}: {file.parent.name}/{file.name}, {other.parent.name}/{other.name}"


def _state(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (root / "issues").glob("**/*")}


@pytest.mark.parametrize("language", ["zh", "en"])
def test_after_random_edits_the_findings_are_those_of_check(language: str, tmp_path: Path) -> None:
    slugs = lay_out(tmp_path, language)[-6:]
    chance = random.Random(os.environ.get("SEED", language))
    workshop = Workshop(tmp_path)
    while workshop.read() is None:
        pass
    before = _state(tmp_path)
    for _ in range(int(os.environ.get("EDITS", "15"))):
        done = _edit(tmp_path, chance)
        after = _state(tmp_path)
        workshop.changed({path for path in before.keys() | after.keys() if before.get(path) != after.get(path)})
        before, config = after, load_config(tmp_path)
        for slug in {*slugs, *(path.name for path in (tmp_path / "issues").glob("*x"))}:
            with suppress(UsageError):
                shown = workshop.view(slug).diagnostics
                assert shown == check_repository(config, [slug]).diagnostics, (done, slug)
