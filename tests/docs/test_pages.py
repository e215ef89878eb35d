"""Relative links of the pages have targets, and docs/format.md has every key that the program reads."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from publisher.config.model import Config
from publisher.issue.raw import RawIssue, RawItem, RawKeyPoints, RawPicture, RawSource

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
FORMAT = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """The addresses of a page's headings, as forges make them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def prose(page: Path) -> str:
    """The page without code."""
    text = page.read_text(encoding="utf-8")
    return re.sub(r"^```.*?^```|^ {4,}.*?$|`[^`\n]*`", "", text, flags=re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_relative_links_lead_somewhere(page: Path) -> None:
    links = [*re.findall(r"\]\(([^)\s]+)\)", prose(page)), *re.findall(r'(?:src|srcset|href)="([^"]+)"', prose(page))]
    lost = []
    for link in links:
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            lost.append(link)
    assert lost == []


def keys(model: type[BaseModel], *, nested: bool = False) -> set[str]:
    """The keys of a model, and of the models it holds."""
    found = set()
    for name, field in model.model_fields.items():
        if field.exclude:
            continue
        found.add(field.alias or name)
        if nested and isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            found |= keys(field.annotation, nested=True)
    return found


@pytest.mark.parametrize("model", [RawIssue, RawItem, RawKeyPoints, RawPicture, RawSource])
def test_the_format_page_has_every_key_of_an_issue(model: type[BaseModel]) -> None:
    assert {key for key in keys(model) if not re.search(rf"\b{key}\b", FORMAT)} == set()


def test_the_format_page_has_every_key_of_config() -> None:
    page = FORMAT[FORMAT.index("## config.yaml") :]
    assert {key for key in keys(Config, nested=True) if not re.search(rf"\b{key}:", page)} == set()


def test_each_row_beside_others_names_the_tests_that_hold_it() -> None:
    table = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Beside others\n")[2].partition("-->")[0]
    rows = re.findall(r"^\| (?!\|)[^|\n]+\|.*\|$", table, flags=re.MULTILINE)
    held = re.findall(r"^tests/\S+$", table, flags=re.MULTILINE)
    assert len(held) == len(rows) > 0
    assert not [path for path in held if not (ROOT / path).is_file()]


@pytest.mark.parametrize("page", [ROOT / "docs/security.md", ROOT / "docs/testing.md"], ids=lambda page: page.name)
def test_the_tests_that_a_page_names_are_there(page: Path) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page.read_text(encoding="utf-8"))
    lost = [name for path, name in named if f"def {name}(" not in (ROOT / path).read_text(encoding="utf-8")]
    assert lost == []
    assert named or page.name == "testing.md"
