from __future__ import annotations

import json
import re
from dataclasses import replace
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser
from syrupy.assertion import SnapshotAssertion
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode

from publisher.edition.files import email_files
from publisher.edition.model import Slot
from publisher.edition.rendering import render
from publisher.edition.slots import Slots
from publisher.issue.model import Source, Sponsor
from tests.edition.make import CHINESE, ENGLISH, config, edition, html_of, issue, item, text_of


def chinese(**values: object):  # type: ignore[no-untyped-def]
    return edition(*CHINESE["items"], **({k: v for k, v in CHINESE.items() if k != "items"} | values))


def english(**values: object):  # type: ignore[no-untyped-def]
    return edition(*ENGLISH["items"], **({k: v for k, v in ENGLISH.items() if k != "items"} | values))


class Page(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT
    file_extension = "html"


class Text(SingleFileSnapshotExtension):
    _write_mode = WriteMode.TEXT
    file_extension = "txt"


@pytest.mark.parametrize("make", [chinese, english])
def test_golden_email(make, snapshot: SnapshotAssertion) -> None:  # type: ignore[no-untyped-def]
    assert html_of(make()) == snapshot(extension_class=Page)


@pytest.mark.parametrize("make", [chinese, english])
def test_golden_web(make, snapshot: SnapshotAssertion) -> None:  # type: ignore[no-untyped-def]
    assert make().web == snapshot(extension_class=Page)


@pytest.mark.parametrize("make", [chinese, english])
def test_golden_text(make, snapshot: SnapshotAssertion) -> None:  # type: ignore[no-untyped-def]
    assert text_of(make()) == snapshot(extension_class=Text)


def positions(shown: str, *pieces: str) -> list[int]:
    found = []
    start = 0
    for piece in pieces:
        start = shown.index(piece, start)
        found.append(start)
    return found


def test_everything_is_shown_in_the_order_readers_were_promised() -> None:
    made = chinese()
    pieces = (
        "OpenAI 计划重组公司结构；台积电再创新高",
        "2024年12月29日",
        "第 52 期",
        "第一编辑部、第二编辑部",
        ",阅读约需",
        "本期要点",
        "01",
        "公益公司",
        "02",
        "以上内容由某大模型生成,仅供参考",
        "这一周，钱是主角。",
        "OpenAI 计划重组公司结构",
        "非营利部分将持有股份",
        "来源：",
        "点评：",
        "台积电再创新高",
        "点评：",
        "第一编辑部",
        "本文来自",
    )
    body = LexborHTMLParser(html_of(made)).body
    assert body is not None
    for shown in (body.text(), LexborHTMLParser(made.web).text(), text_of(made)):
        positions(shown, *pieces)
    for shown in (body.text(), text_of(made)):
        positions(shown, "本文来自", "你收到这封邮件", "退订", "在浏览器中阅读", "上海市示例路 1 号, 200000")
    assert "https://news.example.com/issues/2024-12-29-x/" in html_of(made)


BRACES = "{{ user }} {% raw %} {# c #} {{unsubscribe_url}} ${x} %(y)s"


def test_literal_braces_survive_everywhere() -> None:
    made = edition(
        item(BRACES, BRACES, BRACES, commentary_by=BRACES),
        title=BRACES,
        points=(BRACES,),
        intro=BRACES,
        attribution=BRACES,
        authors=(BRACES,),
        preheader=BRACES,
        generated_by=BRACES,
    )
    assert made.title == made.subject == made.preheader == made.stories[0].headline == BRACES
    for shown in (LexborHTMLParser(html_of(made)).text(), LexborHTMLParser(made.web).text(), text_of(made)):
        assert shown.count(BRACES) >= 8


ODD = "\u3000全角 👩\u200d💻 ☀\ufe0f e\u0301 back\\slash <b>&amp;\"quote' tab"


def test_characters_that_the_mjml_compiler_spoils_arrive_whole() -> None:
    made = edition(item(ODD, "x"), title=ODD, points=("x",))
    tree = LexborHTMLParser(html_of(made))
    whole = ODD.strip()
    assert tree.css_first("title").text() == whole
    assert tree.css_first("h1").text() == whole
    assert tree.css_first("[role=article]").attributes["aria-label"] == whole
    assert "\\u{" not in html_of(made)


def test_slots_are_where_links_are_and_nowhere_else() -> None:
    made = chinese()
    assert made.html.slots == made.text.slots == {Slot.UNSUBSCRIBE_URL, Slot.PREFERENCES_URL}
    tree = LexborHTMLParser(html_of(made))
    links = {link.attributes["href"]: link.text() for link in tree.css("a[href*='letters.example.com']")}
    assert links == {
        "https://letters.example.com/unsubscribe_url": "退订",
        "https://letters.example.com/preferences_url": "订阅偏好",
    }


def test_no_author_can_forge_a_slot() -> None:
    first = issue(item("x", "y"))
    marker = str(Slots(repr((first, config().newsletter, config().labels))).names[Slot.UNSUBSCRIBE_URL])
    forged = edition(item("x", f"y {marker}"))
    assert marker in html_of(forged)
    assert sum(isinstance(part, Slot) for part in forged.html.parts) == 2


def test_the_same_issue_has_the_same_digest_and_any_change_another() -> None:
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", chinese().digest)
    assert chinese().digest == chinese().digest
    others = {
        chinese(subject="另一个").digest,
        chinese(preheader="另一个").digest,
        chinese(number=53).digest,
        chinese(intro="另一个").digest,
        english().digest,
        chinese().digest,
    }
    assert len(others) == 6


def test_a_digest_of_eight_items_in_chinese_stays_under_forty_kilobytes() -> None:
    body = "字" * 210 + "**重点**" + "字" * 30 + "[链接](https://example.com/a-long-address/of-some-story/)。"
    items = [item(f"第{n}条标题", body, "评" * 70, anchor=f"i{n}") for n in range(8)]
    made = edition(*items, points=("要点" * 15,) * 5, generated_by="模型", attribution="本文")
    assert made.length.count >= 2550
    assert made.sizes.html < 40_000


@pytest.mark.parametrize("make", [chinese, english])
def test_sizes_are_those_of_the_files_and_of_a_real_message(make) -> None:  # type: ignore[no-untyped-def]
    made = make()
    files = email_files(made)
    assert (made.sizes.html, made.sizes.text) == (len(files["email.html"]), len(files["email.txt"]))
    html, text = files["email.html"].decode(), files["email.txt"].decode()
    encoded = {}
    for cte in ("base64", "quoted-printable"):
        message = EmailMessage()
        message.set_content(text, cte=cte)
        message.add_alternative(html, subtype="html", cte=cte)
        part = message.get_payload()[1].get_payload().replace("\n", "\r\n")
        encoded[len(part)] = len(message.as_bytes())
    shorter = min(encoded)
    assert abs(made.sizes.html_encoded - shorter) < 0.01 * shorter
    assert 0 < made.sizes.message - encoded[shorter] < 3000


def test_an_email_over_the_budget_is_an_error_at_the_items() -> None:
    big = issue(item("题", "字" * 35_000))
    made, findings = render(big, config())
    assert made is not None
    assert [(f.code, f.severity.value, f.path) for f in findings] == [
        ("clip-budget", "error", "issues/2024-12-29-x/issue.yaml")
    ]
    _, near = render(issue(item("题", "字" * 26_000)), config())
    assert [(f.code, f.severity.value) for f in near] == [("clip-budget-near", "warning")]


def test_an_issue_too_long_for_mail_goes_on_on_the_web_where_it_says_so() -> None:
    items = [item(f"题目{n}", f"内容{n}。" * 20, anchor=f"a-{n}") for n in range(1, 31)]
    items[0] = item("题目1", "见[后文](#a-30)和[这里](#a-1)。", anchor="a-1")
    small = config(checks={"clip": {"decoded": 20_000}})
    whole, refused = render(issue(*items), small)
    assert [finding.code for finding in refused] == ["clip-budget"]
    made, findings = render(replace(issue(*items), overflow="web"), small)
    assert whole is not None
    assert made is not None
    assert findings == []
    assert made.mailed is not None
    assert 1 < made.mailed < 30
    assert made.sizes.html <= 20_000 < whole.sizes.html
    for part in (html_of(made), made.text.fill(lambda _: "")):
        assert f"内容{made.mailed}。" in part
        assert f"内容{made.mailed + 1}。" not in part
        assert f"#a-{made.mailed + 1}" in part
        assert str(30 - made.mailed) in part
    assert 'href="https://news.example.com/issues/2024-12-29-x/#a-30"' in html_of(made)
    assert 'href="#a-1"' in html_of(made)
    assert 'href="#a-30"' in made.web
    assert "内容30。" in made.web
    assert len(made.stories) == 30


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"points": ("第一点。", "第二点。")}, "第一点。第二点。"),
        ({"points": ("One.", "Two?", "Three")}, "One. Two? Three"),
        ({"points": ("第一点", "第二点")}, "第一点 · 第二点"),
        ({"points": ("**第一**", "点" * 45)}, "第一"),
        ({"points": ("字" * 60,)}, "字" * 44 + "…"),
        ({"intro": "引子。"}, "引子。"),
        ({}, "标题"),
        ({"preheader": " 写好的\n一行 ", "points": ("x",)}, "写好的一行"),
        ({"language": "en", "points": ("word " * 30,)}, ("word " * 17).strip() + "…"),
    ],
)
def test_the_preheader_comes_from_the_first_key_points(values: dict[str, object], line: str) -> None:
    assert edition(**values).preheader == line


def test_sections_group_items_and_headings_step_down_one_level_at_a_time() -> None:
    for tree in (LexborHTMLParser(html_of(chinese())), LexborHTMLParser(chinese().web)):
        headings = [(node.tag, node.text(strip=True)) for node in tree.css("h1, h2, h3, h4")]
        assert [tag for tag, _ in headings] == ["h1", "h2", "h2", "h3", "h2", "h3", "h4"]
        assert headings[2][1] == "公司"


def test_no_id_of_the_page_is_the_themes_own_so_that_none_meets_an_anchor() -> None:
    ids = [node.attributes["id"] for node in LexborHTMLParser(chinese().web).css("[id]")]
    assert [name for name in ids if not (name or "").startswith("fn")] == ["openai-pbc", "tsmc"]
    assert len(ids) == len(set(ids))


def test_every_story_stands_alone() -> None:
    story = chinese().stories[0]
    assert (story.anchor, story.headline, story.section) == ("openai-pbc", "OpenAI 计划重组公司结构", "公司")
    assert "OpenAI 计划重组公司结构" not in story.html
    assert "<h2" not in story.html
    assert story.html in chinese().web
    assert "点评：" in story.text


def test_the_files_of_an_email_are_three_and_their_slots_are_filled() -> None:
    made = chinese()
    files = email_files(made)
    assert sorted(files) == ["edition.json", "email.html", "email.txt"]
    for name in ("email.html", "email.txt"):
        assert b"https://example.com/unsubscribe/" in files[name]
    data = json.loads(files["edition.json"])
    assert list(data) == [
        *("slug", "title", "subject", "preheader", "language", "digest", "commit", "length", "sizes", "origin"),
    ]
    assert data["digest"] == made.digest
    assert data["length"] == {"count": made.length.count, "unit": "characters", "minutes": 1}
    assert list(data["sizes"]) == ["html", "html_encoded", "text", "message"]
    assert abs(data["sizes"]["html"] - len(files["email.html"])) < 400


def test_readers_are_told_above_a_story_who_pays_for_it() -> None:
    link = "https://example.com/?utm_source=us"
    body = f"[云]({link})与<a rel='nofollow' href='{link}'>雾</a>。[^1]\n\n[^1]: 注。"
    made = edition(
        item("甲", body, "评。", sponsored=Sponsor("某云 & 某雾", link), sources=(Source("源", link),)),
        item("乙", "正文。", anchor="b", sponsored=Sponsor()),
        item("丙", f"[云]({link})。", anchor="c"),
    )
    for html in (html_of(made), made.web):
        tree = LexborHTMLParser(html)
        assert len(tree.css(f'a[href="{link}"][rel="sponsored"]')) == 4
        assert len(tree.css(f'a[href="{link}"]')) == 5
        assert len(tree.css("[rel=sponsored]")) == 4
        words = tree.text()
        assert (
            words.index("甲") < words.index("本条由 某云 & 某雾 赞助") < words.index("云与雾") < words.index("赞助内容")
        )
    assert f"[本条由 某云 & 某雾 赞助] <{link}>" in text_of(made)
    assert "[赞助内容]" in text_of(made)


def test_an_unsafe_source_is_a_name_without_a_link() -> None:
    made = edition(item("题", "文", sources=(Source("坏", "javascript:alert(1)"), Source("好", "https://e.com/"))))
    for shown in (html_of(made), made.web, text_of(made)):
        assert "javascript" not in shown
        assert "坏" in shown


@settings(max_examples=40)
@given(st.text(max_size=30), st.text(max_size=60))
def test_any_words_in_any_field_make_an_edition(words: str, body: str) -> None:
    made = edition(
        item(words or "x", body, body, commentary_by=words),
        title=words or "x",
        points=(words,),
        intro=body,
        attribution=words,
        authors=(words,),
        configuration=config(newsletter={"name": words.strip() or "x"}),
    )
    assert made.html.slots == made.text.slots == {Slot.UNSUBSCRIBE_URL, Slot.PREFERENCES_URL}
    assert len(LexborHTMLParser(html_of(made)).css("h1")) == 1


@pytest.mark.parametrize(
    "body",
    [
        "[x](http://[) http://[::1",
        '<a href="//[">y</a> <img src="//[">',
        "![a](http://[/x.png)",
        "*" * 2000 + "深" + "*" * 2000,
        "<b>" * 3000 + "深",
        "> " * 15 + "- " * 8 + "深",
        "[" * 3000,
        "[^1]\n\n[^1]: [^1]",
        "\ud800 lone \x1b control",
    ],
)
def test_hostile_bodies_neither_crash_nor_vanish(body: str) -> None:
    made = edition(item("题", body, body))
    if "深" in body:
        assert "深" in html_of(made)
        assert "深" in text_of(made)


def test_a_picture_of_no_possible_name_is_a_finding() -> None:
    made, findings = render(issue(item("题", "![b](images/%00.png)\n\n![c](images/" + "x" * 5000 + ".png)")), config())
    assert made is None
    assert [(finding.code, finding.span.line) for finding in findings] == [("image-missing", 1), ("image-missing", 3)]


@pytest.mark.parametrize("body", ["> " * 60 + "深", "- " * 60 + "深"])
def test_text_nested_too_deep_is_refused_and_not_lost(body: str) -> None:
    made, findings = render(issue(item("题", "一\n\n" + body)), config())
    assert made is None
    assert [(f.code, f.path, f.span.line) for f in findings] == [("nested-too-deep", "issues/2024-12-29-x/a.md", 3)]


@pytest.mark.parametrize(
    "lost", ["<a href='https://example.org/a'>甲</a>", "<img src='https://example.org/a.png' alt='甲'>"]
)
@pytest.mark.parametrize("tag", ["div", "span", "font"])
def test_links_and_pictures_in_html_nested_too_deep_are_not_lost_without_a_word(tag: str, lost: str) -> None:
    body = f"一\n\n二 <{tag}>\n" + f"<{tag}>" * 201 + lost + f"</{tag}>" * 202
    made, findings = render(issue(item("题", body)), config())
    assert made is None
    assert [(f.code, f.span.line) for f in findings] == [("nested-too-deep", 4)]


def test_the_digest_is_over_every_part_a_reader_gets() -> None:
    from publisher.edition.model import Asset, Slotted
    from publisher.edition.provenance import digest

    def of(**changed: object) -> str:
        parts = {
            "subject": Slotted(("s",)),
            "preheader": "p",
            "html": Slotted(("h",)),
            "text": Slotted(("t",)),
            "web": "w",
        }
        return digest(**(parts | {"assets": ()} | changed))  # type: ignore[arg-type]

    asset = Asset("media/a.png", b"1", "image/png")
    changes: list[dict[str, object]] = [
        {},
        {"subject": Slotted(("x",))},
        {"preheader": "x"},
        {"html": Slotted(("x",))},
        {"html": Slotted(("h", Slot.GREETING))},
        {"html": Slotted(("h", str(Slot.GREETING)))},
        {"text": Slotted(("x",))},
        {"web": "x"},
        {"assets": (asset,)},
        {"assets": (Asset("media/a.png", b"2", "image/png"),)},
        {"subject": Slotted(("sp",)), "preheader": ""},
    ]
    assert len({of(**change) for change in changes}) == len(changes)
    two = (asset, Asset("media/b.png", b"1", "image/png"))
    assert of(assets=two) == of(assets=two[::-1])


def test_a_story_before_the_first_section_is_not_below_the_key_points() -> None:
    sections = (None, "Models", None)
    items = [item(f"Story {n}", "Text.", anchor=f"s{n}", section=name) for n, name in enumerate(sections)]
    made = edition(*items, points=("A point.",), language="en")
    for part in (html_of(made), made.web):
        assert [node.tag for node in LexborHTMLParser(part).css(".headline")] == ["h2", "h3", "h3"]
