"""The engine collects all, in order, once; levels apply; a rule that fails is reported."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.checks.context import Context
from publisher.checks.engine import check_issue
from publisher.checks.registry import own_rules
from publisher.config import load_config, read_config
from publisher.config.model import Checks
from publisher.config.names import every_code
from publisher.diagnostics import Diagnostic, blocking
from publisher.diagnostics.catalogue import pages
from publisher.diagnostics.sentences import LANGUAGES
from publisher.proofing.checking import check_repository

from .corpus import SLUG, SOUND, Case, lay_out

NAME = SLUG.rpartition("/")[2]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    lay_out(Case("sound-0", (), ""), tmp_path)
    return tmp_path


def put(root: Path, path: str, text: str) -> None:
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text, encoding="utf-8")


def test_findings_are_sorted_and_told_once(root: Path) -> None:
    put(root, f"{SLUG}/b.md", "---\nheadline: x\n---\n[a](javascript:x)\n\n[b](ftp://x)\n")
    ignores = "<!-- publisher: ignore=angle-brackets,story-repeated -->"  # of the second only all issues can tell
    put(root, f"{SLUG}/c.md", f"---\nheadline: y\n---\nWords. {ignores}\n")
    put(root, f"{SLUG}/issue.yaml", "title: GPU 涨价\ndate: 2024-12-22\n")
    _, found = check_issue(load_config(root), NAME)
    assert [finding.code for finding in found] == [
        "unsafe-link-scheme", "unsafe-link-scheme", "unused-ignore", "subject-all-capitals", "date-contradicts-slug",
    ]  # fmt: skip
    assert len(set(found)) == len(found)


def test_a_broken_issue_leaves_the_others_alone(root: Path) -> None:
    put(root, "issues/2025-01-05-broken/issue.yaml", "title: [\n")
    config = load_config(root)
    assert check_issue(config, NAME)[0] is not None
    assert check_issue(config, "2025-01-05-broken")[0] is None
    checked = check_repository(config)
    assert checked.slugs == (NAME, "2025-01-05-broken")
    assert blocking(checked.diagnostics)
    assert not blocking(check_repository(config, [NAME]).diagnostics)


def test_rules_run_over_what_can_be_read_of_a_broken_issue(root: Path) -> None:
    put(root, f"{SLUG}/b.md", "---\nheadlin: x\n---\n[a](javascript:x)\n")
    put(root, f"{SLUG}/issue.yaml", "date: soon\nsubject: GPU 涨价\n")
    issue, found = check_issue(load_config(root), NAME)
    assert issue is None
    assert {"missing-key", "unknown-key", "bad-date", "unsafe-link-scheme", "subject-all-capitals"} <= {
        f.code for f in found
    }
    assert "date-contradicts-slug" not in {f.code for f in found}


@pytest.mark.parametrize(
    ("level", "severities"), [("off", []), ("info", ["info"]), ("warning", ["warning"]), ("error", ["error"])]
)
def test_levels_are_obeyed(root: Path, level: str, severities: list[str]) -> None:
    put(root, f"{SLUG}/issue.yaml", "title: GPU 涨价\ndate: 2024-12-29\n")
    put(root, "config.yaml", SOUND["config.yaml"] + f"checks:\n  levels: {{subject-all-capitals: {level}}}\n")
    issue, found = check_issue(load_config(root), NAME)
    assert [finding.severity.value for finding in found] == severities
    assert (issue is None) == (level == "error")


def test_a_fixed_code_keeps_its_level_and_says_so(root: Path) -> None:
    put(root, f"{SLUG}/b.md", "---\nheadline: x\n---\n<script></script>\n")
    config = load_config(root).model_copy(update={"checks": Checks(levels={"removed-active-content": "off"})})
    put(root, "config.yaml", SOUND["config.yaml"] + "checks:\n  levels: {removed-active-content: off}\n")
    assert [finding.code for finding in read_config(root)[1]] == ["level-of-fixed-code"]
    assert "removed-active-content" in {finding.code for finding in check_issue(config, NAME)[1]}


def test_a_rule_that_fails_is_a_finding_with_the_issue_named(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from publisher.checks.rules import items

    def broken(context: Context) -> Iterator[Diagnostic]:
        raise ZeroDivisionError("by hand")
        yield

    own_rules.cache_clear()
    monkeypatch.setattr(items, "check", broken)
    try:
        with caplog.at_level(logging.ERROR):
            issue, found = check_issue(load_config(root), NAME)
    finally:
        monkeypatch.undo()
        own_rules.cache_clear()
    assert issue is None
    [finding] = found
    assert finding.code == "rule-crashed"
    assert NAME in finding.message
    assert "ZeroDivisionError: by hand" in finding.message
    assert "Traceback" in caplog.text


def test_every_rule_has_a_page_and_something_to_run() -> None:
    assert pages().keys() == every_code().keys()
    assert all(rule.check or (rule.gather and rule.compare) for rule in own_rules())


SECTIONS = {"en": ("## Why it matters", "## Example"), "zh": ("## 为什么要紧", "## 例子")}
CODE = re.compile(r"`[^`]+`")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_page_whole(language: str) -> None:
    assert [*pages(language)] == [*pages("en")]
    for code, page in pages(language).items():
        lines = page.splitlines()
        assert lines[0].endswith((".", "。")), code
        assert lines[1] == "", code
        assert tuple(line for line in lines if line.startswith("## ")) == SECTIONS[language], code
        assert page.count("\n    ") == pages("en")[code].count("\n    "), f"{code}: an example is missing"
        assert "did you mean" not in page.lower()


def test_chinese_pages_are_set_in_full_width_marks() -> None:
    for code, page in pages("zh").items():
        prose = CODE.sub("", "\n".join(line for line in page.splitlines() if not line.startswith("    ")))
        assert not re.search(r"[\u4e00-\u9fff] ?[,;:?!()](?!\d)", prose), code
