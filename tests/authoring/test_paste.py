"""``publisher new --from``: a pasted digest becomes an issue, and every omitted character is reported."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from publisher.authoring.digest import read_digest
from publisher.authoring.paste import PastedIssue, files_of, paste_issue, told
from publisher.config import Config, load_config
from publisher.diagnostics import rendered
from publisher.documents import TextFile, parse_yaml
from publisher.documents.text import decode
from publisher.errors import UsageError
from publisher.issue.load import read_issue
from publisher.issue.model import Issue
from publisher.library import render
from tests.warm import command

ROOT = Path(__file__).resolve().parents[2]
DIGEST = Path(__file__).with_name("digest.txt")
CONFIG = """\
newsletter:
  name: N
  language: {language}
  timezone: UTC
  url: https://news.example.com/
  from: N <n@example.com>
"""
SLUG = "2025-01-05-weekly"


def newsletter(root: Path, language: str = "zh-CN") -> Config:
    (root / "config.yaml").write_text(CONFIG.format(language=language), "utf-8")
    return load_config(root)


def pasted(root: Path, text: str, language: str = "zh-CN") -> tuple[Issue, PastedIssue]:
    config = newsletter(root, language)
    made = paste_issue(config, text.encode(), "d.txt", SLUG)
    issue = read_issue(config, SLUG).partial
    assert issue
    return issue, made


def outline(issue: Issue) -> list[tuple[str, str, str | None]]:
    return [(i.headline, i.body.text.strip(), i.commentary and i.commentary.text.strip()) for i in issue.items]


def test_the_sample_digest_checks_clean_after_fix_in_four_commands_and_is_as_long_as_it_says(tmp_path: Path) -> None:
    newsletter(tmp_path)

    def publisher(*words: str) -> subprocess.CompletedProcess[str]:
        return command(tmp_path, "--lang", "zh", "--root", str(tmp_path), *words)

    made = publisher("new", "--from", str(DIGEST))
    assert made.returncode == 0, made.stderr
    slug = f"{datetime.now(UTC).date()}-ai-openai-deepseek-v3"
    assert f"issues/{slug}/issue.yaml" in made.stdout
    assert "没有抄进文件" in made.stderr
    assert f"{DIGEST}:19:1: 警告[picture-not-pasted] 这里写着“图片”" in made.stderr
    assert "中文里夹了半角的 ," in made.stderr
    assert publisher("check", slug, "--fix", "--yes").returncode == 0
    checked = publisher("check", slug, "--format", "json")
    assert (checked.returncode, json.loads(checked.stdout)) == (0, [])
    assert publisher("build", slug, "--drafts", "--out", str(tmp_path / "out")).returncode == 0
    edition = json.loads((tmp_path / "out" / "email" / slug / "edition.json").read_text(encoding="utf-8"))
    assert edition["length"] == {"count": 2620, "unit": "characters", "minutes": 8}
    issue = read_issue(load_config(tmp_path), slug).issue
    assert issue
    assert [bool(item.commentary) for item in issue.items] == [True] * 8
    assert issue.title == "AI 周报|OpenAI 拟改组；DeepSeek-V3 重算训练账"
    assert issue.key_points
    assert (len(issue.key_points.points), issue.key_points.generated_by) == (5, "大模型")
    assert issue.attribution
    assert issue.attribution.text.startswith("本文来自《AI 周报》")
    assert issue.attribution.text.endswith("并致歉。")


def without_blanks(text: str) -> str:
    return "\n".join(line for line in text.split("\n") if line)


def markdown(text: str) -> str:
    """The sample as Markdown, its headings numbered."""
    numbers = iter(range(1, 9))
    heads = re.compile(
        r"^(?=OpenAI [拟据]|字节跳动一年|小米被曝|GPT-5 研发逾 18 个月，仍|DeepSeek-V3：|台积电股价创|IBM 委托调查)",
        re.MULTILINE,
    )
    return (
        heads.sub(lambda _: f"## {next(numbers)}. ", text)
        .replace("划重点", "## 划重点")
        .replace("点评：", "**点评：**")
    )


@pytest.mark.parametrize("shape", [without_blanks, markdown, lambda text: text.replace("\n", "\r\n"),
                                   lambda text: re.sub(r"^(0\d) ", "\\1\n", text, flags=re.MULTILINE),
                                   lambda text: re.sub("^", "\u3000\u3000", text, flags=re.MULTILINE)])  # fmt: skip
def test_however_it_was_copied_it_is_the_same_issue(tmp_path: Path, shape: Callable[[str], str]) -> None:
    text = DIGEST.read_text(encoding="utf-8").replace(",", "，").replace("点评:", "点评：")
    (tmp_path / "as_is").mkdir()
    whole, _ = pasted(tmp_path / "as_is", text)
    issue, _ = pasted(tmp_path, shape(text))
    assert outline(issue) == outline(whole)
    assert (issue.title, issue.intro, issue.attribution and issue.attribution.text) == (
        whole.title, None, whole.attribution and whole.attribution.text)  # fmt: skip
    assert issue.key_points
    assert whole.key_points
    assert [point.text for point in issue.key_points.points] == [point.text for point in whole.key_points.points]


ENGLISH = """\
# AI Weekly: OpenAI plans a change

904 words · 4 min read

A few words to begin with.

## Key points

- OpenAI plans to become a public benefit
  corporation.
* DeepSeek-V3 was trained for about $6 million.

The points above were generated by gpt-4o and are for reference only.

## Companies

### 1. OpenAI plans a change

It needs more money.

- one
- two

Source: OpenAI <https://openai.com/x>

Commentary: Say what you like.

Twice.

### 2. DeepSeek counts again

```
## no heading
Commentary: none
```

**Commentary**

It is cheap.

## Chips

### 3. TSMC sets a record

Up 80%.

(This digest is drawn from public sources (and others).)
"""


@pytest.mark.parametrize("slug", ["2024-12-29-ai-weekly", "2024-12-29-ai-weekly-en"])
def test_our_own_mail_pasted_has_the_items_that_it_was_made_of(tmp_path: Path, slug: str) -> None:
    made, _ = pasted(tmp_path, str(render(ROOT, slug).text).removeprefix("AI 周报\n"))  # the name of the newsletter
    before = read_issue(load_config(ROOT), slug).issue
    assert before
    assert [(item.headline, item.section, [one.name for one in item.sources]) for item in made.items] == [
        (item.headline, item.section, [one.name for one in item.sources]) for item in before.items
    ]


def test_an_english_digest_with_sections_becomes_an_issue(tmp_path: Path) -> None:
    issue, made = pasted(tmp_path, ENGLISH)
    assert (issue.language, issue.title) == ("en", "AI Weekly: OpenAI plans a change")
    assert issue.intro
    assert issue.intro.text.strip() == "A few words to begin with."
    assert issue.key_points
    assert [point.text for point in issue.key_points.points] == [
        "OpenAI plans to become a public benefit corporation.", "DeepSeek-V3 was trained for about $6 million."
    ]  # fmt: skip
    assert issue.key_points.generated_by == "gpt-4o"
    assert outline(issue) == [
        ("OpenAI plans a change", "It needs more money.\n\n- one\n- two", "Say what you like.\n\nTwice."),
        ("DeepSeek counts again", "```\n## no heading\nCommentary: none\n```", "It is cheap."),
        ("TSMC sets a record", "Up 80%.", None),
    ]
    assert [item.section for item in issue.items] == ["Companies", "Companies", "Chips"]
    assert [(source.name, source.url) for source in issue.items[0].sources] == [("OpenAI", "https://openai.com/x")]
    assert issue.attribution
    assert issue.attribution.text == "This digest is drawn from public sources (and others)."
    assert made.told
    assert "904 words · 4 min read" in made.told


@pytest.mark.parametrize(
    ("text", "stories"),
    [
        ("题\n\n1、甲公司\n甲做了。\n\n2、乙公司\n乙做了。\n", ["甲公司", "乙公司"]),
        ("题\n\n一、甲公司\n甲做了。\n\n二、乙公司\n乙做了。\n", ["甲公司", "乙公司"]),
        ("题\n\n**甲公司**\n\n甲做了。\n\n**乙公司**\n\n乙做了。\n\n**点评**\n\n好。\n", ["甲公司", "乙公司"]),
        ("题\n\n甲公司\n======\n\n甲做了。\n\n乙公司\n======\n\n乙做了。\n", ["甲公司", "乙公司"]),
        ("题\n\n1. 一\n2. 二\n3. 三\n", ["题"]),
        ("题\n\n甲做了。\n乙做了。\n", ["题"]),
        ("题\n甲公司为何这样？\n甲做了很多很多的事情。\n点评：好。\n乙公司又如何？\n乙也做了很多很多的事情。\n点评：坏。\n",
         ["甲公司为何这样？", "乙公司又如何？"]),
        ("题\n\n公司公布了改组的设想：旗下的营利部门\n将转为一家公益公司，这是第一段。\n\n第二段也换行，\n到此为止。\n",
         ["题"]),
        ("题\n\n## 甲公司\n\n甲做了。\n\n## 没有正文\n", ["甲公司", "没有正文"]),
        ("题\n划重点\n1. 一点。\n2. 二点。\n\n一、甲公司\n\n甲做了。\n\n二、乙公司\n\n乙做了。\n\n以上内容由豆包生成\n",
         ["甲公司", "乙公司"]),
        ("题\n\n划重点\n\n01 一点。\n\n1、甲公司\n\n甲做了。\n\n2、乙公司\n\n乙做了。\n", ["甲公司", "乙公司"]),
        ("题\n\n划重点\n1. 一点。\n2. 二点。\n1. 甲公司\n甲做了。\n2. 乙公司\n乙做了。\n", ["甲公司", "乙公司"]),
        ("只有一行", []),
    ],
)  # fmt: skip
def test_stories_are_distinguished_by_what_the_text_has(tmp_path: Path, text: str, stories: list[str]) -> None:
    issue, _ = pasted(tmp_path, text)
    assert [item.headline for item in issue.items] == stories


def test_the_source_of_the_last_story_is_no_closing_line(tmp_path: Path) -> None:
    issue, _ = pasted(tmp_path, "题\n\n## 甲\n\n甲做了。\n\n来源：新华社\n")
    assert (issue.attribution, issue.items[0].sources[0].name) == (None, "新华社")
    shutil.rmtree(tmp_path / "issues")
    issue, _ = pasted(tmp_path, "题\n\n## 甲\n\n甲做了。\n\n（来源：新华社）\n\n责任编辑：乙\n")
    assert issue.attribution
    assert issue.attribution.text == "来源：新华社"


@pytest.mark.parametrize(
    ("heading", "title", "told"),
    [
        ("# 本周", "本周", '1, 4: ---; 2: title: "一周：前言"; 3: tags: [a]; 5: #; 9: ##'),
        ("", "一周：前言", '1, 4: ---; 2: title: "; 2: "; 3: tags: [a]; 9: ##'),
    ],
)
def test_the_keys_above_a_markdown_file_are_no_text(tmp_path: Path, heading: str, title: str, told: str) -> None:
    text = f'---\ntitle: "一周：前言"\ntags: [a]\n---\n{heading}\n\n导语。\n\n## 甲事\n\n正文。\n'
    issue, made = pasted(tmp_path, text)
    assert issue.title == title
    assert issue.intro
    assert issue.intro.text.strip() == "导语。"
    assert outline(issue) == [("甲事", "正文。", None)]
    assert str(made.told).endswith(f"(line: text): {told}")


def test_a_number_that_goes_from_a_headline_stays_as_a_comment(tmp_path: Path) -> None:
    pasted(tmp_path, "题\n\n1、甲公司\n甲做了。\n\n2、乙公司\n乙做了。\n")
    assert "---\n# 1、甲公司\nheadline: 甲公司\n---\n" in (tmp_path / "issues" / SLUG / "01-item.md").read_text("utf-8")


def test_a_headline_that_is_a_link_has_its_address_as_the_source(tmp_path: Path) -> None:
    text = (
        "题\n\n## 一、 [甲公司改组](https://www.a.example/x?y=1)\n\n甲做了。\n\n"
        "## 2、[乙](b)\n\n乙做了。\n\n来源：新华社\n"
    )
    issue, _ = pasted(tmp_path, text)
    assert [(item.headline, [(s.name, s.url) for s in item.sources]) for item in issue.items] == [
        ("甲公司改组", [("a.example", "https://www.a.example/x?y=1")]), ("[乙](b)", [("新华社", None)])
    ]  # fmt: skip
    written = next((tmp_path / "issues" / SLUG).glob("01-*.md")).read_text("utf-8")
    assert written.startswith("---\n# 一、 [甲公司改组](https://www.a.example/x?y=1)\nheadline: 甲公司改组\n")


def test_definitions_go_with_the_words_that_name_them(tmp_path: Path) -> None:
    text = (
        "T\n\nSee [us].\n\n## A\n\nRead [the report][1].[^a]\n\n[It][2] and [the report][1].\n\n## B\n\n[Us][us]\n\n"
        "```\n[2]: https://code.example/\n```\n\n"
        '[1]: https://a.example/\n[2]: <https://b.example/> "Two"\n[US]: https://c.example/\n[^a]: A note.\n'
        "[3]: https://nobody.example/\n"
    )
    issue, made = pasted(tmp_path, text)
    assert issue.intro
    assert issue.intro.text == "See [us].\n\n[US]: https://c.example/"
    body, last = (item.body.text for item in issue.items)
    assert body.endswith('.\n\n[1]: https://a.example/\n[^a]: A note.\n[2]: <https://b.example/> "Two"')
    assert last.startswith("[Us][us]\n\n```\n[2]: https://code.example/\n```")
    assert last.endswith("\n\n[3]: https://nobody.example/\n\n[US]: https://c.example/")
    assert made.told
    assert made.told.endswith("5, 11: ##")


def test_points_within_a_story_are_not_those_of_the_issue(tmp_path: Path) -> None:
    issue, _ = pasted(tmp_path, "题\n\n## 甲\n\n甲做了。\n\n## 乙\n\n乙做了。\n\nTL;DR\n\n- 一点\n- 二点\n")
    assert (issue.key_points, issue.items[1].body.text) == (None, "乙做了。\n\nTL;DR\n\n- 一点\n- 二点")


def test_a_slug_is_made_of_the_day_and_the_title_and_never_taken_twice(tmp_path: Path) -> None:
    config, today = newsletter(tmp_path), datetime.now(UTC).date()
    made = [
        paste_issue(config, text.encode(), "-").made for text in ("周报\n\n文。", "周报\n\n文。", "AI 周报\n\n文。")
    ]
    assert [one.slug for one in made] == [f"{today}", f"{today}-2", f"{today}-ai"]
    with pytest.raises(UsageError, match="exists already"):
        paste_issue(config, "题".encode(), "-", made[0].slug)


@pytest.mark.parametrize(
    ("content", "told"),
    [(b"", "holds no text"), (b" \n\xe3\x80\x80\n", "holds no text"), (b"a\0b", "NUL"), (b"%PDF-1.7", "a PDF"),
     (b"x" * 1_000_001, "larger than"), (b"\xff\xfea\0", "UTF-16"),
     (b"\n<!-- x -->\n<!DOCTYPE html><p>a", "a web page")],
)  # fmt: skip
def test_what_is_no_text_is_refused_and_nothing_written(tmp_path: Path, content: bytes, told: str) -> None:
    config = newsletter(tmp_path)
    with pytest.raises(UsageError, match=told) as refused:
        paste_issue(config, content, "d.txt")
    assert refused.value.help
    assert [path.name for path in tmp_path.iterdir()] == ["config.yaml"]


def test_a_text_in_gbk_is_read_as_that(tmp_path: Path) -> None:
    config = newsletter(tmp_path)
    paste_issue(config, DIGEST.read_text(encoding="utf-8").encode("gbk"), "d.txt", SLUG)
    issue = read_issue(config, SLUG).issue
    assert issue
    assert len(issue.items) == 8


LINES = st.sampled_from(
    [*DIGEST.read_text(encoding="utf-8").split("\n")[:40], *ENGLISH.split("\n"), "", "", "---", "===", "```", ":::",
     "::: commentary", "点评:", "【点评】", "## 点评", "# #", "划重点", "01", "02 甲", "- ", "•", "1、甲", "2、乙",
     "(本文)", "（本文来自甲）", "以上内容由甲生成", "图片", "[图片1]", "# a", "## b", "### c", "**d**", "** **",
     "来源：甲", "Source: x <https://x.example/>", "{{ x }}", "key: value", "- a: b", "'", "|", "> q", "\tx", "    y",
     "| a |", "一、", "十二、甲", "## [甲](https://a.example/b)", "TL;DR",
     "see [the report][1] and [two]", "[1]: https://a.example/", "[Two]: <https://b.example/> 'T'", "[1]: no", "a[^n]",
     "[^n]: a note", "    more"]
)  # fmt: skip
HEADED = st.sampled_from(["# p", "## q", "### r", "#### s", "**t**", "one.", "- two", "```", "", "", "---", "> three"])
TEXTS = (
    st.text(min_size=1)
    | st.lists(LINES | st.text(max_size=30), min_size=1, max_size=30).map("\n".join)
    | st.lists(HEADED, min_size=4, max_size=30).map(lambda lines: "\n".join(["T", *lines]))
)
SPACE = re.compile(r"\s")


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=TEXTS)
@example(text="T\n\n## 划重点\n")
@example(text="T\n\n### a\n\ntext\n\n## End")
@example(text="T\n\n## S1\n\n# S2\n\n### a\n\nb")
@example(text="# T\n\n## a\n\nb\n\n# c\n\n### d\n\ne\n\n## f\n\ng")
@example(text="T\n划重点\n01\n以上内容由甲生成")
def test_every_character_is_in_a_file_or_is_reported(tmp_path: Path, text: str) -> None:
    config, (file, _) = newsletter(tmp_path), decode("d.txt", text.encode())
    if file is None or not file.text.strip():
        return
    digest = read_digest(config, file.text)
    files = files_of(config, digest, "2025-01-05", "en")
    said = [line.text for line in (*digest.pictures, *digest.left_out)]
    sentence = told(digest.left_out) or ""  # a piece once, with all its lines
    assert all(line.text.strip() in sentence and str(line.number) in sentence for line in digest.left_out)
    lost = Counter(SPACE.sub("", file.text)) - Counter("".join([*files.values(), *said]))
    assert not lost
    folder = tmp_path / "issues" / SLUG
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_text(content, encoding="utf-8")
    reading = read_issue(config, SLUG)
    assert reading.partial
    assert parse_yaml(TextFile("issue.yaml", files["issue.yaml"]))[1] == []
    assert len(reading.partial.items) == len(digest.stories)


def test_a_rule_between_stories_is_the_issue_s_own(tmp_path: Path) -> None:
    text = "# T\n\nIntro.\n\n* * *\n\n## One\n\nText.\n\n---\n\nMore.\n\n---\n\n## Two\n\n```\n---\n```\n\n---\n___\n"
    digest = read_digest(newsletter(tmp_path), text)
    assert digest.intro == ("Intro.",)
    assert [story.body for story in digest.stories] == [("Text.", "", "---", "", "More."), ("```", "---", "```")]
    assert [line.number for line in digest.left_out if line.text in {"---", "* * *", "___"}] == [5, 15, 24, 23]


def test_an_omitted_text_is_reported_with_its_place(tmp_path: Path) -> None:
    digest = read_digest(newsletter(tmp_path), DIGEST.read_text(encoding="utf-8"))
    assert [line.number for line in digest.pictures] == [19, 41, 71]
    _, made = pasted(tmp_path, DIGEST.read_text(encoding="utf-8"))
    assert made.told
    assert "3: 全文2620字,阅读约需8分钟; " in rendered(made.told, "zh")
    assert "; 5: 划重点; " in made.told


def test_lists_in_lists_and_hard_breaks_stay_what_they_are_without_headings(tmp_path: Path) -> None:
    listed = "Text one.\n\n- a\n  - b\n    - c\n- d\n\n1. x\n   1. y\n2. w\n\nLine one  \nline two"
    text = f"Weekly\n\n**First story**\n\n{listed}\n\n**Second story**\n\n  Indented as in a letter.\n"
    issue, _ = pasted(tmp_path, text, "en")
    assert [item.body.text.rstrip("\n") for item in issue.items] == [listed, "Indented as in a letter."]


def test_a_fence_ends_where_markdown_ends_it(tmp_path: Path) -> None:
    code = "````md\n```\n# inner\n```js\n````"
    issue, _ = pasted(tmp_path, f"# Weekly\n\n## A\n{code}\n\n## B\n``` x ``` inline\n\ntext\n", "en")
    assert [item.body.text.strip() for item in issue.items] == [code, "``` x ``` inline\n\ntext"]
