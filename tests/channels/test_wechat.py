"""``publisher wechat``: what WeChat accepts of an issue; what it would refuse is an error at its line."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from publisher.channels.darkmode import PAGE, dark_ground, dark_text, darkened
from publisher.channels.footnotes import numbered
from publisher.config.colour import RGB, written
from publisher.config.theme import rgb
from publisher.edition.gates.contrast import close_pairs
from tests.acceptance.conftest import CONFIG, Newsletter, Ran, newsletter

__all__ = ["newsletter"]

SLUG = "2024-12-29-weekly"
FOLDER = f"dist/wechat/{SLUG}"
RICH = """\
---
headline: 甲
source: {name: OpenAI, url: https://openai.com/a}
image: {image: images/a.png, alt: 图, caption: 说明, credit: 摄影}
sponsored: {by: 示例云, url: https://cloud.weekly.test/}
generated: {body: {by: gpt-4o, grade: drafted, reviewed_by: 李明}}
commentary_by: 王编
---
见[原文](https://openai.com/a)、[旧文](https://mp.weixin.qq.com/s/abc)与[下文](#a)。[^1] https://plain.weekly.test/x

[订阅](https://letters.weekly.test/subscribe){.button}

> 引文

::: callout 提示
框里。
:::

::: pullquote
大字。
:::

| 甲 | 乙 |
|---|--:|
| 1 | 2 |

```python
if a:
    b()
```

<details>
<summary>甲</summary>
<div>
乙</div></details>

[^1]: 注一，见[别处](https://notes.weekly.test/)。

::: commentary
点评正文。
:::
"""


def picture(size: int = 40, form: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (size, size), "teal").save(out, form)
    return out.getvalue()


def laid_out(newsletter: Newsletter, head: str = "", item: str = "---\nheadline: 甲\n---\n正文。\n") -> Ran:
    newsletter.issue(SLUG, head, a=item)
    return newsletter.run("wechat", SLUG)


@pytest.fixture
def article(newsletter: Newsletter) -> LexborHTMLParser:
    newsletter.write(f"issues/{SLUG}/images/a.png", picture())
    ran = laid_out(newsletter, "authors: [第一编辑部]\nkey_points: {points: [要点。], generated_by: 某大模型}\n", RICH)
    assert (ran.status, ran.out) == (0, f"{newsletter.root / FOLDER / 'index.html'}\n"), ran.err
    return LexborHTMLParser((newsletter.root / FOLDER / "article.html").read_text(encoding="utf-8"))


def test_the_article_has_inline_styles_and_nothing_that_wechat_removes(article: LexborHTMLParser) -> None:
    assert article.body is not None
    assert not article.css("script, style, link, [class], [id], body [lang], [rel], [role], [aria-label]")
    assert {node.tag for node in article.body.css("*")} >= {"section", "table", "pre", "blockquote", "img"}
    assert [node.attributes["href"] for node in article.css("a")] == ["https://mp.weixin.qq.com/s/abc"]
    around = [node.parent.attributes["style"] or "" for node in article.css("table") if node.parent]
    assert ["overflow-x:auto" in style for style in around] == [True], "a phone scrolls a wide table"
    assert not re.search(r"</?(?:section|p|div|table)\b[^>]*>\s", article.html or ""), "a line of its own"


def test_all_that_readers_read_is_in_the_article(article: LexborHTMLParser) -> None:
    text = article.text()
    words = "要点。 某大模型 甲 示例云 引文 提示 框里。 大字。 点评 点评正文。 王编 说明 摄影 李明 gpt-4o 注一"
    assert [word for word in words.split() if word not in text] == []
    assert "    b()" in text


def test_links_are_numbers_with_name_and_address_at_the_end(article: LexborHTMLParser) -> None:
    text = article.text()
    assert "原文[2]" in text
    assert "OpenAI[2]" in text  # one address, one number
    assert "[2] 原文: https://openai.com/a" in text
    assert "[1] 由示例云赞助" in text or "[1] " in text
    assert "[3] 注一，见别处[5]。" in text
    assert "[5] 别处: https://notes.weekly.test/" in text
    assert "订阅[4]" in text
    assert text.count("https://plain.weekly.test/x") == 1  # its words are the address
    assert text.index("点评正文") < text.index("[1] ")


def test_the_record_names_what_the_account_asks_for(article: LexborHTMLParser, newsletter: Newsletter) -> None:
    record = json.loads((newsletter.root / FOLDER / "article.json").read_text(encoding="utf-8"))
    assert record["title"] == "一周"
    assert record["author"] == "第一编辑部"
    assert record["digest"]
    assert record["content_source_url"] == f"https://news.weekly.test/issues/{SLUG}/"
    (only,) = record["pictures"]
    content = (newsletter.root / FOLDER / only["file"]).read_bytes()
    assert (only["bytes"], only["width"], only["media_type"]) == (len(content), 40, "image/png")
    assert record["thumb"] == only["file"]
    assert record["characters"] == len((newsletter.root / FOLDER / "article.html").read_text(encoding="utf-8"))


def test_the_page_needs_nobody_else_and_shows_its_own_pictures(
    article: LexborHTMLParser, newsletter: Newsletter
) -> None:
    page = LexborHTMLParser((newsletter.root / FOLDER / "index.html").read_text(encoding="utf-8"))
    assert [node.attributes["src"] for node in page.css("#shown img")] == [_file(newsletter)]
    assert not page.css("script[src], link, iframe")
    assert len(page.css("button")) == 1


def _file(newsletter: Newsletter) -> str:
    return str(json.loads((newsletter.root / FOLDER / "article.json").read_text("utf-8"))["pictures"][0]["file"])


@pytest.mark.browser
def test_copying_gives_the_article_as_rich_text_without_a_network(
    article: LexborHTMLParser, newsletter: Newsletter, browser: Any
) -> None:
    context = browser.new_context(offline=True, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto((newsletter.root / FOLDER / "index.html").as_uri())
    read = "async () => await (await (await navigator.clipboard.read())[0].getType('text/html')).text()"
    copied = []
    for before in ("", "navigator.clipboard.write = () => Promise.reject()"):
        page.evaluate("navigator.clipboard.writeText('')")
        page.evaluate(f"() => {{ told.textContent = ''; {before} }}")
        page.click("#copy")
        page.wait_for_function("told.textContent.includes('Copied')")
        copied.append(page.evaluate(read))
    context.close()
    for html in copied:
        assert 'src="https://news.weekly.test/media/' in html
        assert "background-color" in html


HAN = "字"


@pytest.mark.parametrize(
    ("code", "line", "head", "advice"),
    [
        ("wechat-title", 1, "", "wechat: {title: …}"),
        ("wechat-title", 4, f"wechat: {{title: {HAN * 33}}}\n", "shorten it"),
        ("wechat-author", 4, f"authors: [{HAN * 17}]\n", "wechat: {author: …}"),
        ("wechat-author", 4, f"wechat: {{author: {HAN * 17}}}\n", "shorten it"),
        ("wechat-digest", 4, f"preheader: {HAN * 129}\n", "wechat: {digest: …}"),
        ("wechat-digest", 5, f"wechat:\n  digest: {HAN * 129}\n", "shorten it"),
    ],
)
def test_what_is_over_a_limit_is_refused_at_its_line(
    newsletter: Newsletter, code: str, line: int, head: str, advice: str
) -> None:
    slug = newsletter.issue(SLUG, head)
    if line == 1:
        file = newsletter.root / f"issues/{SLUG}/issue.yaml"
        file.write_text(file.read_text(encoding="utf-8").replace("一周", HAN * 33), encoding="utf-8")
    ran = newsletter.run("wechat", slug)
    assert ran.status == 1
    assert code in ran.err
    assert f"issue.yaml:{line}:" in ran.err
    assert advice in ran.err
    assert ran.out == ""
    assert not (newsletter.root / "dist").exists()


def test_the_limits_themselves_are_taken_and_count_code_points(newsletter: Newsletter) -> None:
    head = f"wechat: {{title: {'𠮷' * 32}, author: {'😀' * 16}, digest: {HAN * 128}}}\n"
    assert laid_out(newsletter, head).status == 0


def test_an_article_of_twenty_thousand_characters_is_refused(newsletter: Newsletter) -> None:
    ran = laid_out(newsletter, item=f"---\nheadline: 甲\n---\n{HAN * 20_000}\n")
    assert ran.status == 1
    assert "wechat-length" in ran.err
    assert laid_out(newsletter, item=f"---\nheadline: 甲\n---\n{HAN * 18_000}\n").status == 0


def test_an_accent_that_dark_mode_spoils_is_refused_where_it_is_set(newsletter: Newsletter) -> None:
    newsletter.write("config.yaml", CONFIG + 'theme: {accent: "#0000ff"}\n')
    ran = laid_out(newsletter, "key_points: [要点。]\n")
    assert ran.status == 1
    assert "wechat-contrast" in ran.err
    assert "config.yaml:11:" in ran.err
    better = re.findall(r'write "(#[0-9a-f]{6})"', ran.err)[0]
    newsletter.write("config.yaml", CONFIG + f'theme: {{accent: "{better}"}}\n')
    assert laid_out(newsletter, "key_points: [要点。]\n").status == 0


def test_a_picture_that_wechat_does_not_show_is_refused_at_its_line(newsletter: Newsletter) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    out = io.BytesIO()
    frames[0].save(out, "WEBP", save_all=True, append_images=frames[1:], duration=100)
    newsletter.write(f"issues/{SLUG}/images/moves.webp", out.getvalue())
    text = "---\nheadline: 甲\n---\n正文。\n\n![动图：两种颜色](images/moves.webp)\n\n![外站](https://pics.weekly.test/a.png)\n"
    ran = laid_out(newsletter, item=text)
    assert ran.status == 1
    assert "a.md:6:" in ran.err
    assert "a.md:8:" in ran.err
    assert ran.err.count("wechat-picture") == 2


def test_a_draft_is_written_and_a_broken_issue_is_not(newsletter: Newsletter) -> None:
    newsletter.write(f"issues/{SLUG}/issue.yaml", "title: 一周\ndate: 2024-12-29\n")
    newsletter.write(f"issues/{SLUG}/a.md", "---\nheadline: 甲\n---\n正文。\n")
    assert newsletter.run("wechat", f"issues/{SLUG}", "--out", "here").status == 0
    assert (newsletter.root / f"here/wechat/{SLUG}/article.html").is_file()
    newsletter.write(f"issues/{SLUG}/a.md", "---\nheadline: 甲\n---\n")
    assert newsletter.run("wechat", SLUG).status == 1
    assert newsletter.run("wechat", "2030-01-01-none").status == 2


@pytest.mark.parametrize("theme", ["paper", "brief", "magazine", "plain"])
def test_every_theme_can_be_read_in_both_modes(newsletter: Newsletter, theme: str) -> None:
    newsletter.write("config.yaml", CONFIG + f"theme: {{name: {theme}}}\n")
    newsletter.write(f"issues/{SLUG}/images/a.png", picture())
    ran = laid_out(newsletter, "key_points: [要点。]\n", RICH)
    assert ran.status == 0, ran.err
    assert close_pairs((newsletter.root / FOLDER / "article.html").read_text(encoding="utf-8")) == {}


# What mp-darkmode 1.2.1 made of these in Chromium: the ground, and each text on it. Of 3,000 random pairs it made the
# same of all, to a rounding of 1.
TEXTS = "#000000 #26231f #655f56 #a4371c #0a58ca #0000ff #ff0000 #888888 #ffffff #ffff00"
MEASURED = [
    (None, "#191919", "#a3a3a3 #a7a29d #655f56 #dc522f #0c66ea #0068ff #ff1700 #888888 #ffffff #b8b800"),
    ("#ffffff", "#191919", "#a3a3a3 #a7a29d #655f56 #dc522f #0c66ea #0068ff #ff1700 #888888 #ffffff #b8b800"),
    ("#f4f1ea", "#c0beb8", "#000000 #26231f #655f56 #a4371c #0a58ca #0000ff #ff0000 #5e5e5e #ffffff #8d8d00"),
    ("#f3f3f3", "#252525", "#e6e6e6 #c9c4bd #928a7f #dc522f #0d76ff #007cff #ff2c00 #888888 #ffffff #ffff00"),
    ("#cccccc", "#4c4c4c", "#000000 #c9c4bd #91897e #ff5f37 #12b1ff #00baff #ff6900 #8a8a8a #ffffff #ffff00"),
    ("#111111", "#383838", "#e6e6e6 #c9c4bd #928a7f #df5330 #1095ff #009dff #ff4c00 #888888 #ffffff #ffff00"),
    ("#ffee00", "#e0d100", "#000000 #26231f #655f56 #a4371c #0a58ca #0000ff #ff0000 #5e5e5e #ffffff #8d8d00"),
    ("#7a1f3d", "#7a1f3d", "#e6e6e6 #c9c4bd #928a7f #ea5733 #109eff #00a6ff #ff5600 #888888 #ffffff #ffff00"),
]


@pytest.mark.parametrize(("ground", "below", "seen"), MEASURED)
def test_colours_become_what_wechats_own_script_makes_of_them(ground: str | None, below: str, seen: str) -> None:
    own = dark_ground(rgb(ground)) if ground else PAGE
    assert near(own, rgb(below))
    for text, told in zip(TEXTS.split(), seen.split(), strict=True):
        assert near(dark_text(rgb(text), own), rgb(told)), (text, written(dark_text(rgb(text), own)))


# What it made of an article's elements there, whose colours are handed down from one in #26231f.
ARTICLE = {
    "background-color:#f3f3f3;border:1px solid #ccc": "background-color:#252525;border:1px solid #a3a3a3;color:#c9c4bd",
    "background-color:#f3f3f3;background:#fff3cd": "background-color:#252525;background:#c8bfa1;color:#26231f",
    "background:beige;color:inherit": "background:#c0c0ad;color:inherit",
    "border-left:3px solid crimson;color:darkred": "border-left:3px solid #eb1540;color:#ff4141",
    "background-color:hsl(200,50%,90%)": "background-color:#b3c1c8;color:#26231f",
    "background-color:navy;color:white": "background-color:#000080;color:#ffffff",
}


def test_elements_become_what_wechats_own_script_makes_of_them() -> None:
    html = "".join(f'<p style="{style}">x</p>' for style in ARTICLE)
    dark = LexborHTMLParser(darkened(f'<section style="color:#26231f">{html}</section>'))
    assert [node.attributes["style"] for node in dark.css("p")] == list(ARTICLE.values())
    assert [node.attributes["style"] for node in dark.css("section")] == ["color:#a7a29d"]


def near(one: RGB, other: RGB) -> bool:
    return all(abs(a - b) <= 1 for a, b in zip(one, other, strict=True))


def test_the_same_address_is_one_number_and_an_anchor_is_its_words() -> None:
    html = (
        '<section><p><a href="https://a.test/">A</a> <a href="https://a.test/">B</a> <a href="#x">C</a></p></section>'
    )
    text = LexborHTMLParser(numbered(html, "Notes")).text()
    assert text == "A[1] B[1] CNotes[1] A: https://a.test/"


def test_a_note_of_several_paragraphs_and_an_address_that_is_none_are_kept() -> None:
    note = '<li id="fn-1" class="footnote-item"><p dir="ltr">One</p><p>Two <a href="https://a.test/">A</a></p></li>'
    html = (
        '<section><p>x<sup class="footnote-ref"><a href="#fn-1">[1]</a></sup> <a href="http://[y">bad</a></p>'
        f'<section class="footnotes"><ol>{note}</ol></section></section>'
    )
    shown = numbered(html, "Notes")
    assert "x<sup" in shown
    assert LexborHTMLParser(shown).text() == "x[1] badNotes[1] OneTwo A[2][2] A: https://a.test/"


def test_the_samples_are_articles_and_shorter_than_half_of_what_wechat_takes() -> None:
    from publisher.channels.wechat import write_article
    from publisher.config import load_config
    from publisher.proofing.proof import proofread

    config = load_config(Path(__file__).resolve().parents[2])
    for slug in ("2024-12-29-ai-weekly", "2024-12-29-ai-weekly-en"):
        issue = proofread(config, slug, commit=False).issue
        assert issue is not None
        made, found = write_article(issue, config)
        assert found == []
        assert made is not None
        assert len(made.html) < 14_000


def test_what_a_pointer_shows_above_a_link_stands_with_its_address() -> None:
    html = '<section><p><a href="https://e.com/" title="A &quot;b&quot;">words</a></p></section>'
    assert "[1] words (A &quot;b&quot;): https://e.com/</p>" in numbered(html, "Links")
    same = '<section><p><a href="https://e.com/" title="words">words</a></p></section>'
    assert "[1] words: https://e.com/</p>" in numbered(same, "Links")


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('<abbr title="World Health Org.">WHO</abbr>', "WHO</abbr> (World Health Org.)"),
        ('<abbr title="WHO">WHO</abbr>', "WHO</abbr>.</p>"),
        ('<img src="a.png" alt="a chip" title="at <dusk>">', 'title="at &lt;dusk&gt;"> (at &lt;dusk&gt;)'),
        ('<a href="https://mp.weixin.qq.com/s/1" title="last week">before</a>', "before</a> (last week)"),
        ('<a href="#two" title="the second">below</a>', "below (the second)"),
    ],
)
def test_what_a_pointer_shows_above_words_and_pictures_stands_after_them(written: str, shown: str) -> None:
    assert shown in numbered(f"<section><p>{written}.</p></section>", "Links")
