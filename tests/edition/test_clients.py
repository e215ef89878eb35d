"""Each behaviour of a mail client in docs/clients.md, tested with mails of every theme."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from publisher.config import colour
from publisher.config.theme import GROUNDS, ThemeConfig, built_in, palettes, rgb
from publisher.edition.gates.clients import features
from publisher.edition.gates.stylesheet import declarations, rules, sheets
from publisher.issue.model import Picture
from publisher.proofing.proof import proofread
from tests.edition.make import CHINESE, ENGLISH, ROOT, config, edition, html_of, item
from tests.edition.test_kinds import proof

THEMES = pytest.mark.parametrize("theme", built_in())
_STYLE = re.compile("<style.*?</style>|<!--.*?-->", re.DOTALL)
TABLE = "| Model | Cost | Time |\n|---|--:|---|\n| GPT-4o | *100* m | 3 months |\n"
_WORD_SETS_ITSELF = {
    ("body", "background-color"), ("div", "background-color"), ("div", "background"),  # the table within has it too
    ("div", "width"), ("img", "width"), ("table", "width"),  # attributes say it
    ("table", "background-color"), ("table", "background"),  # MJML's, which has a bgcolor for Word
    ("a", "padding"), ("a", "background-color"),  # a button's cell has both
    ("ul", "padding"), ("ol", "padding"),  # a margin for Word alone
    ("hr", "border"), ("hr", "border-top"),  # a line of its own
}  # fmt: skip
_DARK = "@media (prefers-color-scheme: dark)"
_MARK = re.compile(r"\[data-ogs[cb]\] ?")


def mail(root: Path, theme: str) -> str:
    """A mail with every kind of item, box and button."""
    made = proof(root, theme).edition
    assert made is not None
    return html_of(made)


def wide(theme: str, **values: Any) -> str:
    text = f"{TABLE}\n\n> A quote.\n>\n> > In it: اقتباس.\n\n---\n\n```\ncode\n```\n\nNote.[^1]\n\n[^1]: A note."
    text += f"\n\n<https://example.com/{'a_long_path' * 9}>, `{'a_long_name' * 6}`"
    items = (*values["items"], item("Table", text, text, anchor="t", section="Rich"))
    return html_of(edition(configuration=config(theme={"name": theme}), **(values | {"items": items})))


def test_a_tag_in_a_label_is_no_tag() -> None:
    assert not {"html-select", "html-form"} & features('<div aria-label="of <select>" title="of <form>">a</div>')


def test_what_a_table_implies_is_left_out_and_no_word_that_looks_like_it() -> None:
    words = 'a table role=""><tbody> of words'
    row = "<table><tr><td>a</td></tr><tbody><tr><td>b</td></tr></tbody></table>"
    html = html_of(edition(item("H", f"![{words}](https://e.com/a.png)\n\n{row}", anchor="a")))
    tree = LexborHTMLParser(html)
    assert words in [node.attributes["alt"] for node in tree.css("img")]
    assert len(tree.css("tbody")) - 1 == len(tree.css("table"))


def test_a_word_of_60_letters_in_a_headline_does_not_widen_the_mail() -> None:
    long = "e.com/" + "a_long_path" * 6
    html = html_of(edition(item(f"See {long} <b>", "Text.", anchor="a"), title=f"{long} 与其他"))
    assert [node.text() for node in LexborHTMLParser(html).css(":is(h1, .headline) .long[style]")] == [long, long]


@pytest.mark.browser
@THEMES
@pytest.mark.parametrize("values", [CHINESE, ENGLISH, ENGLISH | {"language": "ar"}], ids=["zh", "en", "ar"])
def test_without_style_sheets_there_are_gutters_and_nothing_is_too_wide_or_too_small(
    theme: str, values: dict[str, Any], sheet: Any
) -> None:
    sheet.set_viewport_size({"width": 375, "height": 800})
    sheet.set_content(_STYLE.sub("", wide(theme, **values)))
    assert sheet.evaluate("document.documentElement.scrollWidth") <= 375
    found = sheet.evaluate("""() => [...document.querySelectorAll('p, h1, h2, h3, li, td:not(:has(*))')].filter(
        e => e.textContent.trim() && e.checkVisibility()).map(e => { const box = e.getBoundingClientRect();
        return [box.left, box.right, parseFloat(getComputedStyle(e).fontSize)] })""")
    assert found
    assert all(left >= 16 and right <= 359 and size >= 14 for left, right, size in found)
    assert not sheet.is_visible("b.head")


def lighter(colours: colour.RGB) -> colour.RGB:
    """The colour with its lightness (HSL) the other way round: dark grounds from light ones, hues kept."""
    shift = 255 - max(colours) - min(colours)
    red, green, blue = (channel + shift for channel in colours)
    return red, green, blue


@THEMES
def test_colours_can_be_read_where_a_client_turns_their_lightness_round(theme: str) -> None:
    light, _ = palettes(ThemeConfig(name=theme), ROOT)
    grounds = [lighter(rgb(light.tokens[name])) for name in GROUNDS]
    for name in ("ink", "title", "soft", "accent"):
        assert colour.least_contrast(lighter(rgb(light.tokens[name])), grounds) >= 4.5, name


@THEMES
def test_what_is_dark_for_the_system_is_dark_for_outlook_com(theme: str, tmp_path: Path) -> None:
    for html in (mail(tmp_path, theme), wide(theme, **ENGLISH)):
        every = [rule for sheet in sheets(html) for rule in rules(sheet)]
        dark = {
            (selector, name, value)
            for rule in every
            if rule.context == (_DARK,)
            for selector, name, value in each(rule)
        }
        marked = {found for rule in every if "data-ogs" in rule.selector for found in each(rule)}
        assert len(dark) > 30
        assert dark - marked == set()


def each(rule: Any) -> list[tuple[str, str, str]]:
    selectors = [_MARK.sub("", one).strip() for one in rule.selector.split(",")]
    return [(one, name, value) for one in selectors for name, value, _ in rule.declarations if "color" in name]


@THEMES
def test_nothing_is_used_that_webmail_of_qq_and_163_is_known_to_drop(theme: str, tmp_path: Path) -> None:
    html = mail(tmp_path, theme)
    tree = LexborHTMLParser(_STYLE.sub("", html))
    for name in ("link", "script", "form", "input", "iframe", "svg", "video", "object"):
        assert tree.css(name) == []
    written = " ".join(node.attributes["style"] or "" for node in tree.css("[style]"))
    for what in ("position:", "float:", "url(", "var(", "display:flex", "display:grid", "@import"):
        assert what not in written.replace(": ", ":")
    assert all((node.attributes["src"] or "").startswith("https://") for node in tree.css("img"))


@THEMES
def test_in_outlook_for_windows_grounds_edges_and_padding_are_of_cells_and_pictures_have_a_size(
    theme: str, tmp_path: Path
) -> None:
    written = [
        wide(theme, **values | {"generated_by": "M"}) for values in (CHINESE, ENGLISH, ENGLISH | {"language": "ar"})
    ]
    for html in (mail(tmp_path, theme), *written):
        tree = LexborHTMLParser(_STYLE.sub("", html))
        outside = {
            (node.tag, name)
            for node in tree.css("[style]:not(td, th)")
            for name, value, _ in declarations(node.attributes["style"] or "")
            if re.match("padding|border(?!-collapse|-radius)|background|(width|height)$", name)
            and value not in {"0", "0px", "auto"}
        }
        assert outside <= _WORD_SETS_ITSELF
        assert {node.tag for node in tree.css(".boxed, .pressed, .item, .quoted, .coded, .footnotes, .generated")} == {
            "td"
        }
        for node in tree.css("p, pre, li"):  # Word widens a table for a word that it may not break
            if any(len(word) > 60 for word in node.text(deep=True).split()):
                assert "word-break:break-all" in node.html
        for node in tree.css("img"):
            assert (node.attributes["width"] or "").isdecimal()
            assert (node.attributes["height"] or "").isdecimal()


@pytest.mark.parametrize(
    ("theme", "values", "text", "headings"),
    [
        ("paper", ENGLISH, "'Segoe UI'", "Georgia"),
        ("brief", ENGLISH, "'Segoe UI'", "'Segoe UI'"),
        ("magazine", ENGLISH, "Georgia", "Georgia"),
        ("paper", CHINESE, "'Microsoft YaHei'", "'Microsoft YaHei'"),
        ("magazine", CHINESE, "Georgia", "Georgia"),
        ({"title": "Merriweather", "body": "Inter, Trebuchet MS"}, ENGLISH, "'Trebuchet MS'", "Georgia"),
        ({"title": "'Garamond', Didot", "body": "mono"}, CHINESE, "Consolas", "Garamond"),
        ({"title": "KaiTi", "body": "Songti SC, SimSun"}, CHINESE, "SimSun", "KaiTi"),
    ],
)
def test_in_outlook_for_windows_headings_and_text_keep_their_kind_of_font(
    theme: str | dict[str, str], values: dict[str, Any], text: str, headings: str
) -> None:
    asked = {"name": theme} if isinstance(theme, str) else {"fonts": theme}
    values = values | {"items": (item("A", "Run `it`.", anchor="a"),)}
    html = html_of(edition(configuration=config(theme=asked), **values))
    told = re.search(
        r"<!--\[if mso\]><style>table,td,div,p,a,.kicker\{font-family:([^,]+),"
        r".*?h1,h2,h3,h4,h5,h6\{font-family:([^,]+),.*?pre,code\{font-family:Consolas,",
        html,
    )
    assert told is not None
    assert told.groups() == (text, headings)


def test_a_font_that_is_missing_is_replaced_by_one_of_its_kind() -> None:
    themed = config(theme={"fonts": {"title": "Merriweather", "body": "Inter"}})
    fonts = re.findall(
        '<(?:h1|div class="page root")[^>]* style="[^"]*font-family:([^;]+);', html_of(edition(configuration=themed))
    )
    assert [one.rpartition(",")[2] for one in fonts] == ["sans-serif", "serif"]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_words_of_a_picture_that_is_not_loaded_can_be_read_on_its_ground(
    tmp_path: Path, sheet: Any, scheme: str
) -> None:
    for name in ("logo.png", "issues/2024-12-29-x/images/drawing.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGBA", (160, 40)).save(tmp_path / name)
    accent = {"light": "#7a6200", "dark": "#ffd400"}
    themed = config(tmp_path, theme={"logo": {"light": "logo.png"}, "accent": accent})
    made = edition(item("A", "![a drawing](images/drawing.png)", anchor="a"), configuration=themed)
    sheet.emulate_media(color_scheme=scheme)
    for content, style in ((html_of(made), None), (made.web, ROOT / "templates/paper/web/style.css")):
        sheet.set_content(content)
        if style:
            sheet.add_style_tag(path=style)
        found = sheet.evaluate("""() => [...document.querySelectorAll('img.clear')].map(one => {
            let ground = one; const colour = name => getComputedStyle(ground)[name].match(/[\\d.]+/g).map(Number);
            const ink = colour('color');
            while (ground.parentElement && colour('backgroundColor')[3] === 0) ground = ground.parentElement;
            const [red, green, blue, alpha] = colour('backgroundColor');
            return [ink, alpha === 0 ? [255, 255, 255] : [red, green, blue]] })""")
        assert found
        assert all(colour.contrast(tuple(ink), tuple(ground)) >= 4.5 for ink, ground in found)


@pytest.mark.browser
def test_what_stands_below_or_above_its_line_is_as_large_as_a_note(sheet: Any) -> None:
    made = edition(item("A", "H<sub>2</sub>O, the 5<sup>th</sup>.", anchor="a"))
    sheet.set_content(html_of(made))
    sizes = "[...document.querySelectorAll('sub, sup')].map(one => parseFloat(getComputedStyle(one).fontSize))"
    assert sheet.evaluate(sizes) == [14, 14]
    sheet.set_content(f"<main>{made.web}</main>")
    sheet.add_style_tag(path=ROOT / "templates/paper/web/style.css")
    assert min(sheet.evaluate(sizes)) >= 14


@pytest.mark.browser
def test_a_dot_between_two_facts_is_no_wider_in_chinese(sheet: Any) -> None:
    sheet.set_content(html_of(edition(**CHINESE)))
    assert sheet.evaluate("getComputedStyle(document.querySelector('.meta .dot')).fontFamily").startswith("Arial")


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_forced_colours_boxes_and_buttons_have_edges_and_drawings_a_ground(
    tmp_path: Path, sheet: Any, scheme: str
) -> None:
    """As Windows forces them in Outlook and in webmail."""
    sheet.emulate_media(color_scheme=scheme, forced_colors="active")
    sheet.set_content(mail(tmp_path, "paper") + '<img class="clear" alt="">')
    edges = sheet.evaluate("""() => ['.boxed', '.pressed'].map(name =>
        getComputedStyle(document.querySelector(name)).outlineStyle)""")
    assert edges == ["solid", "solid"]
    ground = sheet.evaluate("getComputedStyle(document.querySelector('.clear')).backgroundColor")
    assert (ground == "rgb(248, 244, 236)") == (scheme == "dark")


def test_mails_keep_to_their_bytes() -> None:
    from publisher.config import load_config

    for slug in ("2024-12-29-ai-weekly", "2024-12-29-ai-weekly-en"):
        made = proofread(load_config(ROOT), slug, commit=False).edition
        assert made is not None
        assert made.sizes.html <= 28_000
        assert "<tbody>" not in html_of(made)
        assert all("line-height:1.5" in tag for tag in re.findall(r"<img[^>]*>", html_of(made)))  # of the words instead
    for language, body in (("en", "word " * 35), ("zh-CN", "字" * 60)):
        short = (item(f"Headline number {n}", body, anchor=f"item-{n}") for n in range(41))
        assert edition(*short, language=language).sizes.html <= 55_000


@pytest.mark.browser
@THEMES
def test_on_a_phone_a_thumb_hits_the_link_to_leave_and_no_other(theme: str, sheet: Any) -> None:
    sheet.set_viewport_size({"width": 375, "height": 800})
    sheet.set_content(wide(theme, **ENGLISH))
    boxes = sheet.evaluate("""() => [...document.querySelectorAll('.ways a')].map(one => {
        const {left, top, right, bottom} = one.getBoundingClientRect(); return [left, top, right, bottom] })""")
    assert len(boxes) == 3
    assert all(bottom - top >= 44 and right - left >= 44 for left, top, right, bottom in boxes)
    for (_, _, right, bottom), (left, top, _, _) in pairwise(boxes):
        assert left >= right or top >= bottom, "none lies over another"


@pytest.mark.browser
def test_a_tall_logo_with_a_ground_in_the_dark_leaves_the_link_below_it_free(tmp_path: Path, sheet: Any) -> None:
    Image.new("RGBA", (300, 900), (10, 10, 10, 128)).save(tmp_path / "logo.png")
    themed = config(tmp_path, theme={"logo": {"light": "logo.png"}, "align": "center"})
    sheet.emulate_media(color_scheme="dark")
    sheet.set_content(html_of(edition(configuration=themed)))
    logo, link = (sheet.locator(name).bounding_box() for name in (".masthead img", ".online a"))
    assert link["y"] >= logo["y"] + logo["height"] + 5


@pytest.mark.browser
@THEMES
@pytest.mark.parametrize("language", ["en", "ar"])
def test_the_last_column_of_a_table_ends_where_the_text_ends(theme: str, language: str, sheet: Any) -> None:
    table = "| Year | Spend |\n|---|--:|\n| 2024 | 80 |\n"
    themed = config(theme={"name": theme})
    sheet.set_content(html_of(edition(item("A", table, anchor="a"), configuration=themed, language=language)))
    pads = sheet.evaluate("""() => [...document.querySelectorAll('.tx table:not([role]) tr > :last-child')]
        .map(cell => [getComputedStyle(cell).paddingLeft, getComputedStyle(cell).paddingRight])""")
    assert pads == [["0px", "0px"]] * 2


@pytest.mark.browser
def test_a_cover_from_edge_to_edge_has_no_round_corners(tmp_path: Path, sheet: Any) -> None:
    (tmp_path / "issues/2024-12-29-x").mkdir(parents=True)
    Image.new("RGB", (1200, 600)).save(tmp_path / "issues/2024-12-29-x/cover.png")
    themed = config(tmp_path, theme={"name": "magazine", "corners": 20})
    cover = Picture("cover.png", "A cover")
    sheet.set_content(html_of(edition(configuration=themed, cover=cover)))
    assert sheet.evaluate("getComputedStyle(document.querySelector('.bleed img')).borderRadius") == "0px"


@pytest.mark.browser
@THEMES
@pytest.mark.parametrize("opening", [{}, {"points": ("Point.",)}, {"intro": "Intro."}, {"section": "Models"}])
def test_the_first_story_stands_as_far_below_the_opening_as_stories_stand_apart(
    theme: str, opening: dict[str, Any], sheet: Any
) -> None:
    section = opening.pop("section", None)
    items = [item(name, "Text.", anchor=name, section=section) for name in ("one", "two")]
    sheet.set_viewport_size({"width": 700, "height": 800})
    sheet.set_content(html_of(edition(*items, configuration=config(theme={"name": theme}), language="en", **opening)))
    first, second = sheet.evaluate("""() => [...document.querySelectorAll(".section, td.item")].map(one => {
        const top = one.getBoundingClientRect().top;
        return top - Math.max(...[...document.querySelectorAll(".tx :is(h1, p, li), .boxed")].map(above =>
            above.getBoundingClientRect().bottom).filter(bottom => bottom <= top)) })""")[:2]
    assert first >= (32 if section else 16)
    if not section:
        assert abs(first - second) <= 16


@pytest.mark.browser
def test_a_list_in_a_quote_is_as_soft_as_the_quote_in_both_schemes(sheet: Any) -> None:
    sheet.set_content(html_of(edition(item("Quote", "> Said.\n>\n> - a list", anchor="a"), language="en")))
    for scheme in ("light", "dark"):
        sheet.emulate_media(color_scheme=scheme)
        colours = "['p', 'li'].map(tag => getComputedStyle(document.querySelector(`.quoted ${tag}`)).color)"
        one, other = sheet.evaluate(colours)
        assert one == other
