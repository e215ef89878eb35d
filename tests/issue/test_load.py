"""The files of a folder become the issue that its editors meant."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from publisher.issue.model import Prose, Source, Status

from .conftest import Repository

WHOLE = """\
title: AI 周报|甲；乙
date: 2024-12-29
number: 52
language: zh-cn
subject: 甲和乙
preheader: 丙
status: ready
publish_at: 2024-12-29T08:00:00+08:00
authors: 第一编辑部
tags: [ai, weekly, ai]
cover: {image: images/cover.jpg, alt: 封面, caption: 说明, credit: 作者}
intro: |
  第一段。

  第二段。
key_points:
  points:
    - 一
    - 二
  generated_by: 某大模型
attribution: 本文来自*编辑部*
audience: topic:weekly
items:
  - b.md
  - headline: Third Story
    body: |
      Text.
    commentary: >-
      Our
      view.
    commentary_by: 张三
    source: [{name: A, url: https://a.example.com/}, {name: B}]
    tags: chips
    section: 硬件
  - 01-a.yaml
"""


def test_every_key_of_the_format_is_read(repository: Repository) -> None:
    repository.write("issue.yaml", WHOLE)
    repository.picture("images/cover.jpg")
    repository.write(
        "b.md",
        "---\nheadline: 乙\nsource: {name: C, url: https://c.example.com/}\n---\n"
        "正文。\n\n::: commentary\n点评。\n:::\n",
    )
    repository.write("01-a.yaml", "headline: 甲\nbody: 正文\nanchor: first\n")
    issue = repository.sound()
    assert (issue.title, issue.date, issue.number, issue.language) == (
        "AI 周报|甲；乙",
        date(2024, 12, 29),
        52,
        "zh-CN",
    )
    assert (issue.subject, issue.preheader, issue.status) == ("甲和乙", "丙", Status.READY)
    assert issue.publish_at == datetime(2024, 12, 29, tzinfo=UTC)
    assert (issue.authors, issue.tags, issue.audience) == (("第一编辑部",), ("ai", "weekly"), "topic:weekly")
    assert issue.cover is not None
    assert (issue.cover.alt, issue.cover.caption, issue.cover.credit) == ("封面", "说明", "作者")
    assert issue.intro is not None
    assert issue.intro.text == "第一段。\n\n第二段。"
    assert issue.key_points is not None
    assert [point.text for point in issue.key_points.points] == ["一", "二"]
    assert issue.key_points.generated_by == "某大模型"
    assert issue.attribution is not None
    assert [item.anchor for item in issue.items] == ["b", "third-story", "first"]
    middle = issue.items[1]
    assert middle.commentary is not None
    assert (middle.commentary.text, middle.commentary_by) == ("Our view.", "张三")
    assert middle.sources == (Source("A", "https://a.example.com/"), Source("B", None))
    assert (middle.tags, middle.section) == (("chips",), "硬件")


def test_what_is_left_out_has_its_default(repository: Repository) -> None:
    repository.write("a.md", "---\nheadline: 甲\n---\n正文\n")
    issue = repository.sound()
    assert (issue.subject, issue.language, issue.status) == ("一周", "zh-CN", Status.DRAFT)
    assert issue.publish_at is issue.cover is issue.intro is issue.key_points is None


@pytest.mark.parametrize("text", ["1984", "true", "no", "12:30", "2024-12-29", "1_000", "010", "1e3", ".5"])
def test_text_is_as_written_everywhere(repository: Repository, text: str) -> None:
    repository.write(
        "issue.yaml", f"title: {text}\ndate: 2024-12-29\nauthors: {text}\ntags: [{text}]\nkey_points: [{text}]\n"
    )
    repository.write("a.yaml", f"headline: {text}\nbody: {text}\nsource: {{name: {text}}}\n")
    issue = repository.sound()
    assert issue.key_points is not None
    written = [issue.title, *issue.authors, *issue.tags, issue.key_points.points[0].text]
    item = issue.items[0]
    assert [*written, item.headline, item.body.text, item.sources[0].name] == [text] * 7


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("2024-12-29T08:00:00+08:00", datetime(2024, 12, 29, tzinfo=UTC)),
        ("2024-12-29T08:00", datetime(2024, 12, 29, tzinfo=UTC)),
        ("2024-12-29 08:00:30", datetime(2024, 12, 29, 0, 0, 30, tzinfo=UTC)),
        ("2024-12-29T00:00:00Z", datetime(2024, 12, 29, tzinfo=UTC)),
        ("2024-12-28T19:00:00-0500", datetime(2024, 12, 29, tzinfo=UTC)),
    ],
)
def test_a_time_without_offset_is_in_the_newsletters_zone(
    repository: Repository, written: str, wanted: datetime
) -> None:
    repository.write("issue.yaml", f"title: x\ndate: 2024-12-29\npublish_at: {written}\n")
    repository.write("a.md", "---\nheadline: 甲\n---\n正文\n")
    assert repository.sound().publish_at == wanted


@pytest.mark.parametrize(
    ("name", "anchor"),
    [
        ("openai-pbc.md", "openai-pbc"), ("01-openai.md", "openai"), ("1_Open AI.md", "open-ai"),
        ("gpt5-orion.md", "gpt5-orion"),
        ("2024-recap.md", "2024-recap"), ("开源.md", "item-1"), ("01.md", "01"), ("Café.markdown", "cafe"),
    ],
)  # fmt: skip
def test_an_anchor_is_made_of_the_files_name(repository: Repository, name: str, anchor: str) -> None:
    repository.write(name, "---\nheadline: 甲\n---\n正文\n")
    assert [item.anchor for item in repository.sound().items] == [anchor]


@pytest.mark.parametrize(
    ("headline", "anchor"),
    [
        ("OpenAI plans a PBC", "openai-plans-a-pbc"),
        ("OpenAI 计划重组", "item-1"),
        ("'…'", "item-1"),
        ("It's here", "its-here"),
    ],
)
def test_an_inline_anchor_is_made_of_a_latin_headline(repository: Repository, headline: str, anchor: str) -> None:
    repository.write("issue.yaml", f"title: x\ndate: 2024-12-29\nitems:\n  - headline: {headline}\n    body: text\n")
    assert [item.anchor for item in repository.sound().items] == [anchor]


def test_everything_wrong_in_every_file_is_said_at_once(repository: Repository) -> None:
    repository.write("issue.yaml", "titel: x\ndate: soon\nstatus: done\ncover: {image: a.jpg}\n")
    repository.write("a.md", "---\nheadlin: x\n---\n")
    repository.write("b.yaml", "headline: [x]\n")
    repository.write("c.csv", "")
    issue, found = repository.read()
    assert issue is None
    assert sorted((finding.path.rpartition("/")[2], finding.code) for finding in found) == [
        ("a.md", "empty-body"), ("a.md", "unknown-key"),
        ("b.yaml", "missing-key"), ("b.yaml", "wrong-type"), ("c.csv", "stray-file"),
        ("issue.yaml", "bad-date"), ("issue.yaml", "bad-value"), ("issue.yaml", "image-without-alt"),
        ("issue.yaml", "unknown-key"),
    ]  # fmt: skip


def test_a_warning_alone_leaves_an_issue(repository: Repository) -> None:
    repository.write("a.md", "---\nheadline: 甲\n---\n正文\n")
    repository.write("c.csv", "")
    issue, [finding] = repository.read()
    assert issue is not None
    assert finding.severity == "warning"


def test_prose_knows_the_place_of_every_character(repository: Repository) -> None:
    repository.write("issue.yaml", 'title: x\ndate: 2024-12-29\nintro: "a\\u4e2dbc\n  def"\n')
    repository.write("a.md", "---\nheadline: 甲\n---\n\n一二三\n\n四五六\n")
    issue = repository.sound()
    body, intro = issue.items[0].body, issue.intro
    assert isinstance(intro, Prose)
    place = body.place(2, 1, 2)
    assert (place.span.line, place.span.column, place.span.end_column) == (7, 2, 3)
    place = intro.place(0, 2, 3)  # the b after the escape
    assert (place.span.line, place.span.column, place.span.end_column) == (3, 16, 17)
    assert intro.place(0, 5, 6).span.line == 4


def test_places_name_values_and_what_holds_them(repository: Repository) -> None:
    repository.write("issue.yaml", "title: x\ndate: 2024-12-29\ncover:\n  image: images/a.jpg\n  alt: b\n")
    repository.picture("images/a.jpg")
    repository.write("a.md", "---\nheadline: 甲\n---\n正文\n")
    places = repository.sound().places
    assert (places.of("cover", "alt").span.line, places.of("cover", "alt").span.column) == (5, 8)
    assert places.of("cover", "credit").span.line == 4
    assert places.of("subject").span.line == 1


ITEM = "---\nheadline: 乙\n---\n"
SAMPLES = Path(__file__).parents[2] / "issues"


def test_what_is_mostly_markup_is_one_finding_however_many_files_it_is_in(repository: Repository) -> None:
    for number in range(4):
        repository.write(f"{number}.md", ITEM + "*a* [b](c)\n" * (700 if number == 2 else 500))
    issue, (finding,) = repository.read()
    assert issue is None
    assert (finding.code, finding.path) == ("too-much-markup", "issues/2024-12-29-weekly/2.md")
    assert finding.message == "the issue has 11,034 marks of Markdown and YAML; 8,000 are the most"


@pytest.mark.parametrize("sample", ["2024-12-29-ai-weekly", "2024-12-29-ai-weekly-en"])
def test_a_long_issue_is_not_taken_for_markup(repository: Repository, sample: str) -> None:
    texts = [path.read_text(encoding="utf-8").split("---\n", 2)[2] for path in (SAMPLES / sample).glob("*.md")]
    long = "\n\n".join(text.replace("::: commentary\n", "").replace(":::\n", "") for text in texts) * 50
    repository.write("a.md", ITEM + long)
    assert long.count("\n") > 4_000
    repository.sound()


def test_a_thousand_links_are_no_markup_too_many(repository: Repository) -> None:
    links = (f"- [A story of some length, number {n}](https://example.com/stories/{n})\n" for n in range(1_000))
    repository.write("a.md", ITEM + "".join(links))
    repository.sound()


def test_addresses_of_chinese_words_are_no_markup_too_many(repository: Repository) -> None:
    address = "https://zh.wikipedia.org/wiki/" + quote("国务院关于进一步深化改革开放若干问题的意见")
    repository.write("a.md", ITEM + "".join(f"- [词条]({address}{n})\n" for n in range(200)))
    repository.sound()
