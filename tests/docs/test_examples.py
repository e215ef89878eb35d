"""The program accepts the examples of the pages unchanged."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from PIL import Image

from publisher.checks.engine import check_issue
from publisher.config import read_config
from publisher.config.model import Config
from publisher.config.theme import BASE, store
from publisher.edition.rendering import render
from tests.edition.make import ENGLISH, config, html_of, issue, item

ROOT = Path(__file__).resolve().parents[2]
FORMAT = (ROOT / "docs" / "format.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

CONFIG = """\
newsletter: {name: N, url: "https://news.example.com/", from: N <n@example.com>}
"""
ISSUE = "title: T\ndate: 2024-12-29\n"
ITEM = "---\nheadline: 甲\n---\n正文。\n"


def blocks(page: str, kind: str, containing: str) -> list[str]:
    """The fenced blocks of a kind that contain a text."""
    return [text for language, text in BLOCK.findall(page) if language == kind and containing in text]


def errors(root: Path, issue: str, items: dict[str, str]) -> list[str]:
    """The errors and warnings of an issue made of these texts."""
    folder = root / "issues" / "2024-12-29-weekly"
    (folder / "images").mkdir(parents=True)
    (folder / "images" / "cover.jpg").write_bytes(
        (ROOT / "issues" / "2024-12-29-ai-weekly" / "images" / "cover.jpg").read_bytes()
    )
    for name, text in {"issue.yaml": issue, **items}.items():
        (folder / name).write_text(text, encoding="utf-8")
    (root / "config.yaml").write_text(CONFIG, encoding="utf-8")
    read, _ = read_config(root)
    assert read
    return [f"{d.path}:{d.span.line}: {d.message}" for d in check_issue(read, folder.name)[1] if d.severity == "error"]


@pytest.mark.parametrize("page", [FORMAT, README], ids=["format.md", "README.md"])
def test_an_item_checks(tmp_path: Path, page: str) -> None:
    (text,) = blocks(page, "markdown", "headline:")
    assert errors(tmp_path, ISSUE, {"a.md": text}) == []


def test_the_issue_checks(tmp_path: Path) -> None:
    (text,) = blocks(FORMAT, "yaml", "title: AI")
    assert errors(tmp_path, text, {"a.md": ITEM}) == []


def test_key_points_and_items_check(tmp_path: Path) -> None:
    (points,) = blocks(FORMAT, "yaml", "generated_by: 某大模型")
    (items,) = blocks(FORMAT, "yaml", "- openai-pbc.md")
    assert errors(tmp_path, ISSUE + points + items, {"openai-pbc.md": ITEM}) == []


def test_the_config_is_read(tmp_path: Path) -> None:
    (text,) = blocks(FORMAT, "yaml", "newsletter:")
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    read, findings = read_config(tmp_path)
    assert findings == []
    assert read


def test_the_worked_theme_passes_every_gate_in_mail_and_its_line_is_thick(tmp_path: Path) -> None:
    theming = (ROOT / "docs" / "theming.md").read_text(encoding="utf-8")
    (written,) = blocks(theming, "yaml", "description: Cool paper")
    (style,) = blocks(theming, "css", ".sectioned .item")
    folder = tmp_path / "themes" / "harbour"
    (folder / "email").mkdir(parents=True)
    (folder / "theme.yaml").write_text(written, encoding="utf-8")
    (folder / "email" / "theme.css.j2").write_text(style, encoding="utf-8")
    (anchor,) = blocks(theming, "html", "images/anchor.png")
    footer = (store() / BASE / "email/_footer.mjml.j2").read_text(encoding="utf-8")
    (folder / "email/_footer.mjml.j2").write_text(footer.replace("  {{ footer }}", f"{anchor}  {{{{ footer }}}}"))
    (folder / "images").mkdir()
    Image.new("RGB", (80, 80)).save(folder / "images" / "anchor.png")
    items = (*ENGLISH["items"], item("C", "D.", anchor="c", section="S"))
    made, findings = render(issue(**ENGLISH | {"items": items}), config(tmp_path, theme={"name": "./themes/harbour"}))
    assert findings == []
    assert made is not None
    assert "border-top-width:2px" in html_of(made)
    assert "border-top-color:#0f2530" in html_of(made)
    assert '<img src="https://news.example.com/assets/anchor.' in html_of(made)


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_a_setting_within_a_sentence_has_a_value_for_each_key(page: Path) -> None:
    settings = [
        text
        for text in re.findall(r"`(\w+: \{[^`\n]*\})`", BLOCK.sub("", page.read_text(encoding="utf-8")))
        if text.partition(":")[0] in Config.model_fields and "…}" not in text
    ]
    assert [text for text in settings if " None" in str(yaml.safe_load(text))] == []
