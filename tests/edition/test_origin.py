"""Labels of generated text beside it, in every language and part, and in edition.json."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from selectolax.lexbor import LexborHTMLParser

from publisher.config import load_config
from publisher.config.theme import built_in
from publisher.edition.files import manifest
from publisher.edition.model import Edition
from publisher.issue.model import Grade
from publisher.language import Locale, spoken
from publisher.library import build
from publisher.mail.message import MailContent
from publisher.proofing.proof import proofread
from tests.checks.corpus import SOUND

SLUG = "2024-12-29-weekly"
ISSUE: dict[str, Any] = {
    "title": "一周要闻",
    "date": "2024-12-29",
    "status": "ready",
    "intro": "本期引言。",
    "key_points": {"points": ["要点一。"], "generated_by": "某大模型"},
    "generated": {
        "intro": {"by": "gpt-4o", "grade": "assisted"},
        "key_points": {"by": "gpt-4o", "grade": "summarised", "reviewed_by": ["李明", "王芳"]},
    },
}
ITEM = """\
---
headline: 甲
generated:
  headline: {by: gpt-4o, reviewed_by: 李明}
  body: {by: 通义 AI, grade: translated, sources: [https://example.org/a, 新华社]}
  commentary: {by: gpt-4o}
---
正文。

::: commentary
点评。
:::
"""


def written(root: Path, issue: dict[str, Any] | None = None, item: str = ITEM, **config: Any) -> Path:
    """A newsletter with one issue of one item; ``config`` goes over the sound newsletter's."""
    folder = root / "issues" / SLUG
    folder.mkdir(parents=True, exist_ok=True)
    sound = yaml.safe_load(SOUND["config.yaml"])
    sound["newsletter"] |= config.pop("newsletter", {})
    (root / "config.yaml").write_text(yaml.safe_dump(sound | config, allow_unicode=True))
    whole = {key: value for key, value in {**ISSUE, **(issue or {})}.items() if value is not None}
    (folder / "issue.yaml").write_text(yaml.safe_dump(whole, allow_unicode=True))
    (folder / "01-a.md").write_text(item)
    return root


def edition_of(root: Path) -> Edition:
    proof = proofread(load_config(root), SLUG)
    assert proof.edition, proof.findings
    return proof.edition


def lines_of(html: str) -> list[str]:
    """The texts of the paragraphs and cells, in order."""
    return [" ".join(node.text().split()) for node in LexborHTMLParser(html).css("p, h1, h2, h3")]


LABELS = [
    "由gpt-4o辅助生成",
    "由gpt-4o概括生成，李明、王芳审核",
    "标题由gpt-4o生成初稿，李明审核",
    "由通义 AI翻译生成",
    "由gpt-4o生成初稿",
]


@pytest.mark.parametrize("theme", built_in())
def test_each_label_stands_once_beside_its_text_in_mail_text_and_page(tmp_path: Path, theme: str) -> None:
    edition = edition_of(written(tmp_path, theme={"name": theme}))
    for part in (str(edition.html), edition.web):
        lines = lines_of(part)
        assert [lines.count(label) for label in LABELS] == [1] * 5
        assert lines.index("正文。") < lines.index(LABELS[2]) < lines.index(LABELS[4])
    text = str(edition.text)
    assert [text.splitlines().count(label) for label in LABELS] == [1] * 5
    assert text.index("点评。") < text.rindex(LABELS[4])
    assert LABELS[3] in edition.stories[0].html
    assert LABELS[3] in edition.stories[0].text
    assert "某大模型" not in str(edition.html)  # one label for one text


def test_the_line_of_generated_by_stays_to_the_letter(tmp_path: Path) -> None:
    made = edition_of(written(tmp_path, {"generated": None}, "---\nheadline: 甲\n---\n正文。\n"))
    assert "以上内容由某大模型生成,仅供参考" in str(made.html)
    assert [(o.where, o.by, o.grade, o.reviewed_by) for o in made.origin] == [("key_points", "某大模型", "drafted", ())]


def test_a_whole_issue_and_a_whole_item_have_one_label_each(tmp_path: Path) -> None:
    item = "---\nheadline: 甲\ngenerated: {by: gpt-4o, grade: translated, reviewed_by: 李明}\n---\n正文。\n"
    made = edition_of(written(tmp_path, {"generated": {"by": "deepl", "grade": "translated"}}, item))
    for part in (str(made.html), made.web):
        lines = lines_of(part)
        assert lines.count("本期由deepl翻译生成") == lines.count("由gpt-4o翻译生成，李明审核") == 1
    assert [origin.where for origin in made.origin] == ["issue", "a"]


def test_edition_json_and_the_frozen_message_keep_the_same_record(tmp_path: Path) -> None:
    edition = edition_of(written(tmp_path))
    told = manifest(edition)["origin"]
    assert told[1] == {"where": "key_points", "by": "gpt-4o", "grade": "summarised", "reviewed_by": ("李明", "王芳")}
    assert [one["where"] for one in told] == ["intro", "key_points", "a.headline", "a.body", "a.commentary"]
    frozen = MailContent.of(edition)
    assert MailContent.from_json(frozen.to_json()) == frozen
    assert frozen.origin == edition.origin
    older = json.loads(frozen.to_json())
    del older["origin"]  # a mailing that was frozen before there were any
    assert MailContent.from_json(json.dumps(older)).origin == ()


def test_the_page_tells_machines_and_only_where_something_is_generated(tmp_path: Path) -> None:
    written(tmp_path)
    build(tmp_path)
    page = (tmp_path / f"dist/site/issues/{SLUG}/index.html").read_text()
    meta = LexborHTMLParser(page).css_first('meta[name="AIGC"]')
    told = json.loads(str(meta.attributes["content"]))
    assert told["Label"] == "1"
    assert told["ContentProducer"] == "gpt-4o, 通义 AI"
    assert set(told) == {
        "Label", "ContentProducer", "ProduceID", "ReservedCode1", "ContentPropagator", "PropagateID", "ReservedCode2",
    }  # fmt: skip
    data = json.loads(re.search(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert data["digitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
    feed = (tmp_path / "dist/site/feed.xml").read_text()
    assert all(label in feed for label in LABELS)
    written(tmp_path, {"generated": None, "key_points": ["要点一。"]}, "---\nheadline: 甲\n---\n正文。\n")
    build(tmp_path)
    page = (tmp_path / f"dist/site/issues/{SLUG}/index.html").read_text()
    assert "AIGC" not in page
    assert "digitalSourceType" not in page


def test_a_model_s_name_cannot_close_the_attribute_that_holds_it(tmp_path: Path) -> None:
    hostile = """x' onload='alert(1)"></script><script>alert(2)</script>"""
    item = f"---\nheadline: 甲\ngenerated: {{by: {json.dumps(hostile)}}}\n---\n正文。\n"
    written(tmp_path, {"generated": None}, item)
    build(tmp_path)
    page = LexborHTMLParser((tmp_path / f"dist/site/issues/{SLUG}/index.html").read_text())
    meta = page.css_first('meta[name="AIGC"]')
    assert set(meta.attributes) == {"name", "content"}
    assert hostile in json.loads(str(meta.attributes["content"]))["ContentProducer"]
    assert not [node for node in page.css("script") if "alert" in node.text()]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("gpt-4o", "AI（gpt-4o）"),
        ("OpenAI o3", "AI（OpenAI o3）"),
        ("通义 AI", "通义 AI"),
        ("人工智能助手", "人工智能助手"),
    ],
)
def test_a_name_that_does_not_say_ai_does_so_where_config_asks(tmp_path: Path, name: str, shown: str) -> None:
    issue = {"generated": {"by": name}, "key_points": {"points": ["要点。"], "generated_by": name}}
    made = edition_of(written(tmp_path, issue, "---\nheadline: 甲\n---\n正文。\n", newsletter={"name_models": "ai"}))
    assert f"本期由{shown}生成初稿" in str(made.html)
    assert f"以上内容由{shown}生成" in str(made.html)
    assert made.origin[0].by == name  # the record has the name alone


@pytest.mark.parametrize("tag", spoken())
@pytest.mark.parametrize("grade", Grade)
def test_every_language_has_a_label_of_its_own_for_each_grade(tag: str, grade: Grade) -> None:
    words = Locale.of(tag, {})
    label = words(f"origin_{grade}", model="M-1")
    assert "M-1" in label
    reviewed = words("origin_reviewed", label=label, names="N-1")
    assert label in reviewed
    assert "N-1" in reviewed
    assert tag == "en" or label != Locale.of("en", {})(f"origin_{grade}", model="M-1")


def test_labels_are_not_counted_as_length(tmp_path: Path) -> None:
    bare = edition_of(written(tmp_path / "a", {"generated": None}, re.sub(r"generated:\n(?:  .*\n)+", "", ITEM)))
    assert edition_of(written(tmp_path / "b")).length == bare.length


def test_required_holds_an_unreviewed_text_back(tmp_path: Path) -> None:
    proof = proofread(load_config(written(tmp_path, checks={"generated": "required"})), SLUG)
    assert proof.broken
    found = [(f.code, f.path.rpartition("/")[2], f.line) for f in proof.findings if f.code == "unreviewed"]
    assert found == [("unreviewed", "01-a.md", 5), ("unreviewed", "01-a.md", 6)]
    item = ITEM.replace("translated,", "translated, reviewed_by: 李明,").replace(
        "{by: gpt-4o}", "{by: gpt-4o, reviewed_by: 李明}"
    )
    assert proofread(load_config(written(tmp_path, item=item, checks={"generated": "required"})), SLUG).edition
