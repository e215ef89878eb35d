"""The newsletter this repository is: published whole, as ``make publish`` does, and read as readers and filters do."""

from __future__ import annotations

import email
import email.policy
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import ROOT, Newsletter

ISSUES = ("2024-12-29-ai-weekly", "2024-12-29-ai-weekly-en")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Newsletter:
    root = tmp_path_factory.mktemp("sample")
    for name in ("issues", "templates", "demo"):
        shutil.copytree(ROOT / name, root / name)
    shutil.copy(ROOT / "config.yaml", root)
    newsletter = Newsletter(root)
    assert newsletter.run("subscribers", "import", "demo/subscribers.csv").status == 0
    ran = newsletter.run("publish")
    assert ran.status == 0, ran
    assert "dist/site/index.html" in ran.out + ran.err
    return newsletter


def message(newsletter: Newsletter, slug: str) -> Path:
    found = sorted((newsletter.root / "outbox" / slug).glob("*.eml"))
    assert len(found) == 3
    return found[0]


@pytest.mark.spamassassin
def test_a_spam_filter_has_nothing_against_the_messages(
    published: Newsletter, spamassassin: Callable[..., list[tuple[float, str]]]
) -> None:
    for score, report in spamassassin(*(message(published, slug).read_bytes() for slug in ISSUES)):
        assert score <= 0, report


@pytest.mark.parametrize("slug", ISSUES)
def test_the_digest_of_eight_items_stays_under_40_kb(published: Newsletter, slug: str) -> None:
    folder = published.root / "dist" / "email" / slug
    assert (folder / "email.html").stat().st_size < 40_000
    length = json.loads((folder / "edition.json").read_text(encoding="utf-8"))["length"]
    assert length["count"] > (2_400 if length["unit"] == "characters" else 800)


@pytest.mark.parametrize("slug", ISSUES)
def test_nothing_of_the_sample_is_left_out_of_the_message(published: Newsletter, slug: str) -> None:
    parsed = email.message_from_bytes(message(published, slug).read_bytes(), policy=email.policy.default)
    text, html = (part.get_content() for part in parsed.iter_parts())
    items = sorted((ROOT / "issues" / slug).glob("*.md"))
    assert len(items) == 8
    for item in items:
        headline = next(line for line in item.read_text(encoding="utf-8").splitlines() if line.startswith("headline:"))
        words = headline.removeprefix("headline:").strip().strip("'\"")
        assert words in text
        assert words in html.replace("&amp;", "&").replace("&#39;", "'")
    label = "点评：" if slug == ISSUES[0] else "Commentary"
    assert text.count(label) == 8


def test_a_second_publish_changes_nothing(published: Newsletter) -> None:
    before = {p: p.read_bytes() for p in published.root.rglob("*") if p.is_file() and ".publisher" not in p.parts}
    assert published.run("publish").status == 0
    after = {p: p.read_bytes() for p in published.root.rglob("*") if p.is_file() and ".publisher" not in p.parts}
    assert before == after
