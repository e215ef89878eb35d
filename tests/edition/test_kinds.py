"""Kinds of items, boxes and buttons: in mail, text and page, and refused at their line where they are not whole."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from publisher.config import load_config
from publisher.config.theme import built_in
from publisher.edition.model import Edition
from publisher.proofing.proof import Proof, proofread
from publisher.site.content import page_body
from tests.checks.corpus import SOUND

BOXES = """\
The bill, beside its peers.

::: callout How it is made
Rented by the hour, see [the paper](https://paper.example.org/1).
:::

::: pullquote
Larger, and still small.
:::

::: sponsor
Rent GPUs from [Example Cloud](https://cloud.sponsor.org/).
:::

[Read it all](https://report.example.org/full){.button}
"""
ITEMS = {
    "01-bill.md": f"---\nheadline: The bill\n---\n{BOXES}",
    "02-said.md": "---\nkind: quote\nsource: {name: Ada}\n---\n"
    "The best newsletter is the one that you would miss if it did not come.\n",
    "03-short.md": "---\nkind: brief\nheadline: A short one\n---\nOne line.\n",
    "04-more.md": "---\nkind: links\n---\n- [A guide](https://guide.example.org/)\n- [A story](https://story.example.org/)\n",
    "05-seen.md": "---\nkind: picture\nimage: {image: images/moon.png, alt: A large moon over chips}\n---\n",
}


def proof(root: Path, theme: str = "paper", **items: str) -> Proof:
    folder = root / "issues/2025-01-05-kinds"
    (folder / "images").mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (1200, 600), "#336699").save(folder / "images/moon.png")
    (root / "config.yaml").write_text(
        SOUND["config.yaml"].rstrip() + f"\ntheme: {{name: {theme}, parts: {{contents: true}}}}\n"
    )
    (folder / "issue.yaml").write_text("title: The cost of a model\ndate: 2025-01-05\nlanguage: en\nstatus: ready\n")
    for name, text in (items or ITEMS).items():
        (folder / name.replace("_md", ".md")).write_text(text)
    return proofread(load_config(root), folder.name)


def parts(made: Edition) -> tuple[str, str, str]:
    return made.html.fill(lambda _: "#"), made.text.fill(lambda _: "#"), made.web


@pytest.mark.parametrize("theme", built_in())
def test_every_kind_and_box_stands_in_mail_text_and_page(tmp_path: Path, theme: str) -> None:
    judged = proof(tmp_path, theme)
    assert judged.findings == ()
    assert judged.edition is not None
    for part in parts(judged.edition):
        shown = LexborHTMLParser(part).text() if "<p" in part else part
        for said in ("How it is made", "Rented by the hour", "still small", "Sponsored", "Read it all", "would miss"):
            assert said in shown
        for url in ("paper.example.org/1", "cloud.sponsor.org", "report.example.org/full", "guide.example.org"):
            assert url in part


def test_text_and_markup_of_boxes_and_buttons_are_as_promised(tmp_path: Path) -> None:
    judged = proof(tmp_path)
    assert judged.edition is not None
    mail, text, web = parts(judged.edition)
    assert "Read it all: https://report.example.org/full\n" in text
    assert "| [Sponsored]\n" in text
    for part in (mail, web):
        assert LexborHTMLParser(part).css_first('a[href*="cloud.sponsor"]').attributes["rel"] == "sponsored"
    assert LexborHTMLParser(mail).css_first("td.pressed a.button") is not None
    assert LexborHTMLParser(mail).css_first("td.callout p.label") is not None


@pytest.mark.parametrize("box", ["callout", "pullquote", "sponsor"])
def test_what_stands_after_a_box_s_name_is_its_title_in_mail_text_and_page(tmp_path: Path, box: str) -> None:
    judged = proof(tmp_path, a_md=f"---\nheadline: A\n---\n::: {box} Acme & Sons\nWords.\n:::\n")
    assert judged.findings == ()
    assert judged.edition is not None
    for part in parts(judged.edition):
        assert "Acme & Sons" in (LexborHTMLParser(part).text() if "<p" in part else part)


def test_a_style_is_there_for_what_occurs_anywhere_in_mail(tmp_path: Path) -> None:
    points = "key_points: ['[Read the plan](https://plan.example.org/){.button}']\n"
    item = "---\nheadline: A\n---\n::: sponsor\nWords.\n:::\n"
    proof(tmp_path, a_md=item)
    issue = tmp_path / "issues/2025-01-05-kinds/issue.yaml"
    issue.write_text(issue.read_text() + points)
    judged = proofread(load_config(tmp_path), "2025-01-05-kinds")
    assert judged.edition is not None
    mail = LexborHTMLParser(parts(judged.edition)[0])
    assert "border" in str(mail.css_first("td.sponsor").attributes["style"])
    assert "text-decoration" in str(mail.css_first("a.button").attributes["style"])


def test_links_in_a_sponsor_s_box_are_the_sponsor_s_own(tmp_path: Path) -> None:
    body = "See [a](https://shop.example.org/?utm_source=n).\n"
    inside = proof(tmp_path, a_md=f"---\nheadline: A\n---\n::: sponsor\n{body}:::\n")
    assert inside.findings == ()
    after = proof(tmp_path, a_md=f"---\nheadline: A\n---\n::: sponsor\nWords.\n:::\n\n{body}")
    assert [one.code for one in after.findings] == ["tracking-parameter"]


def test_sections_within_a_sponsor_s_box_do_not_end_it(tmp_path: Path) -> None:
    sections = "<section>\n<section>\nB\n</section>\n</section>\n\n[b](https://b.example.org/)\n"
    body = f"::: sponsor\n[a](https://a.example.org/)\n\n{sections}:::\n\n[c](https://c.example.org/)\n"
    judged = proof(tmp_path, a_md=f"---\nheadline: A\n---\n{body}")
    assert judged.edition is not None
    mail, _, web = parts(judged.edition)
    for part in (mail, web):
        links = LexborHTMLParser(part).css('a[href$="example.org/"]')
        found = [(link.text(), link.attributes.get("rel")) for link in links if link.text() in {"a", "b", "c"}]
        assert found == [("a", "sponsored"), ("b", "sponsored"), ("c", None)]


def test_a_list_of_links_may_hold_an_ignore(tmp_path: Path) -> None:
    note = "<!-- publisher: ignore=vague-link-text -->"
    made = proof(tmp_path, a_md=f"---\nkind: links\n---\n{note}\n\n- [here](https://a.example.org/)\n")
    assert made.findings == ()


def test_a_head_of_a_row_is_no_head_of_a_column(tmp_path: Path) -> None:
    rows = "".join(f"<tr><th>Row{n}</th><td>a</td><td>b</td></tr>" for n in (1, 2))
    table = "| A | B | C |\n|---|---|---|\n| b | c | d |\n"
    made = proof(tmp_path, a_md=f"---\nheadline: A\n---\n<table><tbody>{rows}</tbody></table>\n\n{table}")
    assert made.edition is not None
    page = LexborHTMLParser(page_body(made.edition, load_config(tmp_path), "issues/2025-01-05-kinds/"))
    assert [cell.attributes["data-label"] for cell in page.css("td[data-label]")] == ["A", "B", "C"]


def test_an_item_without_a_headline_has_the_anchor_of_its_file_and_a_name_in_lists(tmp_path: Path) -> None:
    judged = proof(tmp_path)
    assert judged.edition is not None
    named = {story.anchor: story.headline for story in judged.edition.stories}
    assert named == {
        "bill": "The bill",
        "said": "The best newsletter is the one that you would miss if it…",  # never in the middle of a word
        "short": "A short one",
        "more": "A guide A story",
        "seen": "A large moon over chips",
    }
    page = LexborHTMLParser(judged.edition.web)
    assert page.css_first("#said .headline") is None
    assert [link.text() for link in page.css(".in-issue a")] == list(named.values())


@pytest.mark.parametrize(
    ("item", "code", "line"),
    [
        ("---\nkind: story\n---\nText.\n", "missing-key", 2),
        ("---\nkind: poem\nheadline: A\n---\nText.\n", "bad-value", 2),
        ("---\nkind: picture\n---\nText.\n", "missing-key", 2),
        ("---\nkind: quote\n---\n", "empty-body", 4),
        ("---\nkind: links\n---\n- [A](https://a.example.org/)\n\nText.\n", "bad-value", 6),
        ("---\nheadline: A\n---\nText.\n\n::: callout\nMore.\n", "container-unclosed", 6),
        ("---\nheadline: A\n---\n::: callout\n::: sponsor\nMore.\n:::\n:::\n", "container-nested", 5),
        ("---\nheadline: A\n---\n:::: sponsor\nMore.\n:::\nText.\n", "container-unclosed", 4),
        ("---\nheadline: A\n---\nB.\n\n::: commentary\nC.\n:::\n\n::: callout\nD.\n:::\n", "text-after-container", 10),
        ("---\nheadline: A\n---\n::: aside\nMore.\n:::\n", "container-unknown", 4),
        ("---\nheadline: A\n---\nGo [there](https://a.example.org/){.big}.\n", "unknown-class", 4),
    ],
)
def test_what_is_incomplete_is_reported_at_its_line(tmp_path: Path, item: str, code: str, line: int) -> None:
    found = proof(tmp_path, a_md=item).findings
    assert [(one.code, one.span.line) for one in found] == [(code, line)]


def test_a_table_of_three_columns_has_its_heads_before_each_cell_on_a_phone_unless_they_are_joined(
    tmp_path: Path,
) -> None:
    rows = "| Model | Cost | Year |\n|---|--:|---|\n| GPT-4o | *100* m | 2024 |\n\n| A | B |\n|---|---|\n| 1 | 2 |\n"
    joined = '<table><thead><tr><th>A</th></tr></thead><tbody><tr><td colspan="2">b</td></tr></tbody></table>\n'
    judged = proof(tmp_path, a_md=f"---\nheadline: A\n---\n{rows}\n{joined}")
    assert judged.edition is not None
    page = LexborHTMLParser(page_body(judged.edition, load_config(tmp_path), "issues/2025-01-05-kinds/"))
    assert [cell.attributes["data-label"] for cell in page.css("td[data-label]")] == ["Model", "Cost", "Year"]
    assert len(page.css("td")) == 6, "two columns have room on a phone"


def test_an_unknown_kind_is_told_the_five(tmp_path: Path) -> None:
    (found,) = proof(tmp_path, a_md="---\nkind: poem\nheadline: A\n---\nText.\n").findings
    for kind in ("story", "brief", "quote", "links", "picture"):
        assert kind in f"{found.message} {found.help}"


def test_an_issue_of_pictures_alone_says_no_length(tmp_path: Path) -> None:
    made = proof(tmp_path, **{"05-seen_md": ITEMS["05-seen.md"]}).edition
    assert made
    assert made.length.count == 0
    assert [part for part in parts(made) if "min read" in part or "0 words" in part] == []
