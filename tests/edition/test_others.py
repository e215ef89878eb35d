"""``theme.parts.previous``: the three issues before, in mail and its text, and what follows from them."""

from __future__ import annotations

from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from publisher.config import load_config
from publisher.config.theme import built_in
from publisher.edition import others
from publisher.edition.model import Edition
from publisher.issue import translations
from publisher.proofing.proof import proofread
from publisher.proofing.store import Store
from publisher.publishing.history import content_of
from publisher.site.build import build
from tests.checks.corpus import SOUND
from tests.edition.test_history import Repository

ON = "theme: {parts: {previous: true}}\n"
SLUG = "2025-02-01-now"


def issue(root: Path, slug: str, head: str = "status: ready\nlanguage: en\n", title: str = "") -> None:
    folder = root / "issues" / slug
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "issue.yaml").write_text(f"title: {title or f'About {slug}'}\ndate: {slug[:10]}\n{head}")
    (folder / "a.md").write_text(f"---\nheadline: Story of {slug}\n---\nText.\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for day in ("03", "04", "05", "06", "07"):
        issue(tmp_path, f"2025-01-{day}-x")
    issue(tmp_path, "2025-01-08-draft", "language: en\n")
    issue(tmp_path, "2025-01-09-zh", "status: ready\nlanguage: zh-CN\n")
    issue(tmp_path, "2025-02-01-also")
    issue(tmp_path, "2025-02-02-later")
    issue(tmp_path, SLUG)
    (tmp_path / "config.yaml").write_text(SOUND["config.yaml"] + ON)
    return tmp_path


def made(root: Path) -> Edition:
    edition = proofread(load_config(root), SLUG, commit=False).edition
    assert edition is not None
    return edition


@pytest.mark.parametrize("theme", built_in())
def test_the_last_three_ready_issues_of_earlier_days_in_its_language_stand_in_both_parts(
    root: Path, theme: str
) -> None:
    (root / "config.yaml").write_text(SOUND["config.yaml"] + ON.replace("{parts", f"{{name: {theme}, parts"))
    edition = made(root)
    listed = [f"2025-01-{day}-x" for day in ("07", "06", "05")]
    links = [node.attributes["href"] or "" for node in LexborHTMLParser(str(edition.html)).css("a[href*='-x/']")]
    assert [link.split("/")[-2] for link in links] == listed
    for slug, link in zip(listed, links, strict=True):
        assert f"January {int(slug[8:10])}, 2025  About {slug} <{link}>\n" in str(edition.text)
    assert "About 2025-01-07-x" not in edition.web


def test_without_the_part_nothing_of_other_issues_is_read(root: Path) -> None:
    (root / "config.yaml").write_text(SOUND["config.yaml"])
    before = made(root)
    issue(root, "2025-01-07-x", title="Another")
    assert made(root) == before
    assert "Previous issues" not in str(before.text)


def test_an_edited_earlier_issue_changes_digest_and_key_but_not_what_the_issue_itself_says(root: Path) -> None:
    before, key = made(root), Store(load_config(root)).key(SLUG)
    issue(root, "2025-01-03-x", title="Not listed")
    assert (made(root).digest, Store(load_config(root)).key(SLUG)) == (before.digest, key)
    issue(root, "2025-01-06-x", title="Another")
    after = made(root)
    assert after.digest != before.digest
    assert Store(load_config(root)).key(SLUG) != key
    assert content_of(after) == content_of(before)


def test_a_build_reads_the_heads_of_the_issues_once(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(others, "heads", lambda root: asked.append("heads") or translations.heads(root))
    build(load_config(root), [], root / "dist")
    assert asked == ["heads"]
    assert "About 2025-01-07-x" in (root / f"dist/email/{SLUG}/email.txt").read_text(encoding="utf-8")


def test_the_commit_of_an_edition_holds_the_issues_that_it_lists(root: Path) -> None:
    repository = Repository(root)
    repository.commit("README.md", "1")
    older = repository.commit("issues/2025-01-06-x/b.md", "---\nheadline: More\n---\nText.\n")
    repository.commit("issues/2025-01-03-x/b.md", "---\nheadline: More\n---\nText.\n")
    made = proofread(load_config(root), SLUG).edition
    assert made is not None
    assert made.commit == older
