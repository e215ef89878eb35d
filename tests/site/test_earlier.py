"""Links to earlier issues under an item of a page: few, and none of them wrong."""

from __future__ import annotations

import pytest
from selectolax.lexbor import LexborHTMLParser

from tests.site.conftest import CONFIG, Repository

PLAN = "OpenAI plans to become a public benefit corporation"
ITEM = "https://openai.com/index/our-structure"


def lay(repository: Repository, slug: str, headline: str, source: str = "", head: str = "language: en\n") -> None:
    """An issue of one story."""
    repository.write(f"issues/{slug}/issue.yaml", f"title: {slug}\ndate: {slug[:10]}\nstatus: ready\n{head}")
    source = f"source: {{name: Source, url: {source}}}\n" if source else ""
    repository.write(f"issues/{slug}/a.md", f"---\nheadline: {headline}\n{source}---\nText of {slug}.\n")


def earlier(repository: Repository, slug: str) -> list[tuple[str, str, str]]:
    """Address, words and date of each link to an earlier story."""
    page = repository.root / f"dist/site/issues/{slug}/index.html"
    found = []
    for row in LexborHTMLParser(page.read_text(encoding="utf-8")).css("article.item .earlier li"):
        (link,), (day,) = row.css("a"), row.css("time")
        found.append((str(link.attributes["href"]), link.text(), str(day.attributes["datetime"])))
    return found


def test_an_item_leads_to_at_most_three_earlier_stories_the_newest_first(repository: Repository) -> None:
    for week, year in enumerate(("before", "again", "again now", "at last", "at long last"), 1):
        lay(repository, f"2024-01-0{week}-x", f"{PLAN} {year}")
    repository.build()
    assert earlier(repository, "2024-01-01-x") == []
    assert earlier(repository, "2024-01-02-x") == [("../../issues/2024-01-01-x/#a", f"{PLAN} before", "2024-01-01")]
    assert [day for *_, day in earlier(repository, "2024-01-05-x")] == ["2024-01-04", "2024-01-03", "2024-01-02"]


@pytest.mark.parametrize(
    ("first", "second", "links"),
    [
        ((PLAN, ITEM), ("OpenAI becomes a public benefit corporation", ITEM), 1),
        ((PLAN, ITEM), ("A new model reads handwriting", ITEM), 0),
        ((PLAN, "https://openai.com/"), ("OpenAI plans to become a chip maker", "https://openai.com/"), 0),
        (("Rust 1.80 is out with lazy cells for all", ""), ("Rust 1.81 is out with lazy cells for all", ""), 0),
        (("Xiaomi builds a cluster of ten thousand", ""), ("Alibaba builds a cluster of ten thousand", ""), 0),
        ((PLAN, ""), (f"{PLAN} soon", ""), 1),
    ],
)
def test_only_the_same_story_is_led_to(
    repository: Repository, first: tuple[str, str], second: tuple[str, str], links: int
) -> None:
    lay(repository, "2024-01-01-x", *first)
    lay(repository, "2024-01-08-x", *second)
    repository.build()
    assert len(earlier(repository, "2024-01-08-x")) == links


def test_no_column_draft_or_other_language_is_led_to(repository: Repository) -> None:
    for week in (1, 2, 3):
        lay(repository, f"2024-01-0{week}-x", "What we are reading this week")
    lay(repository, "2024-02-01-x", PLAN, head="language: de\n")
    lay(repository, "2024-02-02-x", PLAN)
    draft = (repository.root / "issues/2024-02-02-x/issue.yaml").read_text(encoding="utf-8")
    repository.write("issues/2024-02-02-x/issue.yaml", draft.replace("status: ready", "status: draft"))
    lay(repository, "2024-02-03-x", f"{PLAN} soon")
    repository.build(drafts=True)
    for slug in ("2024-01-02-x", "2024-01-03-x", "2024-02-03-x"):
        assert earlier(repository, slug) == []


@pytest.mark.parametrize("level", ["warning", "off"])
def test_the_next_issue_leaves_the_pages_of_old_ones_alone_and_a_new_headline_reaches_those_after(
    repository: Repository, level: str
) -> None:
    repository.write("config.yaml", CONFIG + f"checks: {{levels: {{story-repeated: {level}}}}}\n")
    for week in (1, 2, 3):
        lay(repository, f"2024-01-0{week}-x", f"{PLAN} {'again ' * week}")
    repository.build()
    lay(repository, "2024-01-04-x", f"{PLAN} at last")
    pages = [path for path in repository.build().written if path.endswith("-x/index.html")]
    assert pages == ["site/issues/2024-01-03-x/index.html", "site/issues/2024-01-04-x/index.html"]
    lay(repository, "2024-01-01-x", f"{PLAN} after all")
    repository.build()
    assert earlier(repository, "2024-01-03-x")[-1][1] == f"{PLAN} after all"
