"""The archive in a real browser, served with ``default-src 'self'``."""

from __future__ import annotations

import io
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from PIL import Image

from publisher.language import Locale
from publisher.site.content import page_body
from tests.edition.make import ROOT, config, edition, item
from tests.site.conftest import CONFIG, Live, Repository

pytestmark = pytest.mark.browser
PAGES = (
    "",
    "issues/2024-12-29-ai-weekly/",
    "issues/2024-12-29-ai-weekly-en/",
    "tags/ai/",
    "archive/2024/",
    "search/?q=openai",
    "nowhere",
)


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing_serious_and_nothing_overflows(
    page: Any, live: str, axe: Callable[..., list[Any]], path: str
) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(live + path)
    for width, scheme in product((375, 1280), ("light", "dark")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        found = axe(page)
        assert not found, [(v["id"], [node["html"] for node in v["nodes"]]) for v in found]
        assert page.evaluate("document.documentElement.scrollWidth") <= width, scheme
    assert not [text for text in complaints if "404" not in text]


def test_links_of_the_head_and_topics_are_as_high_as_a_finger_needs(browser: Any, live: str) -> None:
    for touch, least in ((True, 44), (False, 24)):
        context = browser.new_context(viewport={"width": 375, "height": 900}, has_touch=touch, is_mobile=touch)
        page = context.new_page()
        page.goto(live)
        heights = "all => all.map(one => one.getBoundingClientRect().height)"
        found = page.eval_on_selector_all(".site-head li a, .topics a", heights)
        assert found
        assert min(found) >= least
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
        context.close()


def test_everything_can_be_reached_with_javascript_off(browser: Any, live: str) -> None:
    context = browser.new_context(java_script_enabled=False, color_scheme="light")
    page = context.new_page()
    page.goto(live)
    page.click("text=早期一期")
    page.wait_for_url(f"{live}issues/2023-06-04-early/")
    page.click("nav.neighbours a[rel=next]")
    page.wait_for_url(f"{live}issues/2024-06-02-ja/")
    page.goto(f"{live}search/")
    assert not page.is_visible("#query")
    page.click("#listing >> text=2023")
    page.wait_for_url("**/archive/2023/")
    assert page.is_visible("text=早期一期")
    page.goto(f"{live}search/")
    assert page.is_visible("noscript p")
    page.click("#listing .topics >> text=人工智能")
    page.wait_for_url("**/tags/**")
    assert page.title().startswith("人工智能")
    context.close()


def test_search_finds_headlines_under_the_strict_policy(page: Any, live: str) -> None:
    page.goto(f"{live}search/")
    page.fill("#query", "ＤeepSeek 600")
    page.wait_for_selector("#results .excerpt mark")
    assert page.locator("#results .excerpt mark").first.inner_text() in {"DeepSeek", "600"}
    page.fill("#query", "没有这样的词")
    page.wait_for_function("document.getElementById('found').textContent !== ''")
    assert page.locator("#results a").count() == 0
    page.fill("#query", "台积电")
    page.wait_for_selector("#results ul a")
    page.locator("#results ul a").first.click()
    page.wait_for_url("**#*")
    page.wait_for_selector(".item:target")


def test_what_was_found_is_words_alone_and_runs_in_the_direction_of_its_issue(
    page: Any, repository: Repository
) -> None:
    body = (
        "## Head\n\nA ~~struck~~ `word` of 3~5, [linked](https://example.com/a), here.\n\n> quoted\n\n---\n\nEnd of it."
    )
    repository.issue("2024-01-01-en", "language: en\n", body)
    repository.issue("2024-01-02-ar", "language: ar\n", "كلمة word هنا.")
    repository.build()
    with Live(repository.root / "dist" / "site") as served:
        page.goto(f"{served.url}search/?q=word")
        page.wait_for_selector("#results .excerpt")
        shown = page.evaluate("""() => [...document.querySelectorAll('#results > li')].map(
            one => [one.lang, getComputedStyle(one).direction])""")
        assert shown == [["ar", "rtl"], ["en", "ltr"]]
        assert (
            page.locator("[lang=en] .excerpt")
            .inner_text()
            .startswith("Head A struck word of 3~5, linked, here. quoted End")
        )


def test_the_search_finds_what_stands_around_the_stories(page: Any, repository: Repository) -> None:
    around = """subtitle: Once more subtle
authors: [Ada Wong]
intro: "Words of the **open**ing, <br>and more."
key_points: [A point to make]
attribution: Told by everybody
"""
    repository.issue("2024-01-01-en", f"language: en\n{around}", "A body.")
    repository.write("issues/2024-01-01-en/a.md", "---\nheadline: One\nsection: In short\n---\nA body.\n")
    repository.build()
    with Live(repository.root / "dist" / "site") as served:
        page.goto(f"{served.url}search/")
        for asked in ("subtle", "wong", "opening", "point", "everybody", "short", "OPENING ada"):
            page.fill("#query", "")
            page.wait_for_function("!document.querySelector('#results > li')")
            page.fill("#query", asked)
            page.wait_for_selector("#results > li > .excerpt mark")
            assert page.locator("#results mark").inner_text().casefold() == asked.casefold().split()[0]


def test_the_keyboard_reaches_the_content_first(page: Any, live: str) -> None:
    page.goto(f"{live}issues/2024-12-29-ai-weekly/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'content'")


def test_commentaries_and_notes_are_no_landmarks_of_one_name_and_code_needs_no_scrolling(
    page: Any, axe_source: str
) -> None:
    code = f"```\n{'long ' * 80}\n```\n\nSaid[^1].\n\n[^1]: Where."
    made = edition(*(item(name, code, "Why.", anchor=name) for name in ("one", "two")), language="en")
    page.set_viewport_size({"width": 375, "height": 800})
    page.set_content(f"<main>{made.web}</main>")
    page.add_style_tag(path=ROOT / "templates/paper/web/style.css")
    page.evaluate(axe_source)
    rules = "['landmark-unique', 'scrollable-region-focusable']"
    found = page.evaluate(f"async () => (await axe.run({{runOnly: {rules}}})).violations")
    assert [violation["id"] for violation in found] == []


def test_a_table_that_is_scrolled_is_reached_by_the_keyboard_and_an_address_hides_no_column(
    page: Any, repository: Repository, axe: Callable[..., list[Any]]
) -> None:
    row = "| DeepSeek-V3-Base | 671,000,000,000 | undisclosed | 2024-12-26 | MIT-style licence | Hangzhou | 88.5 |\n"
    wide = f"| Model | Parameters | Cost | Released | Licence | Organisation | Evaluation |\n|{'---|' * 7}\n{row * 2}"
    narrow = f"| Address | Why |\n|---|---|\n| https://example.com/{'a-long-way-' * 9} | because |\n"
    repository.issue("2024-01-01-a", "language: en\n", f"{wide}\n{narrow}")
    repository.build()
    page.set_viewport_size({"width": 700, "height": 800})
    with Live(repository.root / "dist" / "site") as served:
        page.goto(served.url + "issues/2024-01-01-a/")
        assert axe(page) == []
        tables = page.evaluate(
            "[...document.querySelectorAll('table')].map(t => [t.scrollWidth > t.clientWidth, t.tabIndex])"
        )
    assert tables == [[True, 0], [False, -1]]


LONG = "Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetzesvorlage"


@pytest.mark.parametrize("width", [320, 375, 1280])
def test_a_word_longer_than_its_line_folds_on_every_page(page: Any, repository: Repository, width: int) -> None:
    lists = f"tags: [{LONG}]\nauthors: [{LONG}]\nkey_points: [{LONG}]\n"
    body = f"- {LONG}\n\n| a | b | c |\n|---|---|---|\n| {LONG} | https://example.com/{LONG} | c |\n"
    for day in range(1, 6):
        repository.issue(f"2024-01-0{day}", f"language: de\n{lists}", body, title=LONG)
    repository.issue("2024-01-06-ar", "language: ar\n", title="رسالة")
    repository.build()
    page.set_viewport_size({"width": width, "height": 800})
    with Live(repository.root / "dist" / "site") as served:
        for path in ("", "issues/2024-01-03/", "issues/2024-01-06-ar/", f"tags/{LONG}/", "archive/2024/", "search/"):
            page.goto(served.url + path)
            assert page.evaluate("document.documentElement.scrollWidth") <= width, path
            cards = "new Set([...document.querySelectorAll('.cards > li')].map(one => one.offsetWidth)).size"
            assert page.evaluate(cards) <= 1, path


def test_a_name_of_two_lines_stands_in_the_middle_of_the_front_page(page: Any, repository: Repository) -> None:
    config = (repository.root / "config.yaml").read_text(encoding="utf-8")
    repository.write("config.yaml", config.replace("name: AI 周报", "name: The Harbour Letter of Hamburg"))
    repository.issue("2024-01-01-a")
    repository.build()
    page.set_viewport_size({"width": 375, "height": 800})
    with Live(repository.root / "dist" / "site") as served:
        page.goto(served.url)
        lines = page.evaluate("""() => { const name = document.createRange();
            name.selectNodeContents(document.querySelector('.brand'));
            return [...name.getClientRects()].map(box => (box.left + box.right) / 2) }""")
    assert len(lines) > 1
    assert all(abs(middle - 375 / 2) < 8 for middle in lines), lines


def test_on_a_phone_a_label_stands_before_its_figure_and_a_list_keeps_its_edge_in_both_directions(page: Any) -> None:
    arabic = f"| الاسم | القيمة | سنة |\n|---|--:|---|\n| ألف | 1.25 | 2025 |\n\n- English {'and more ' * 9}\n- عربي\n"
    mixed = "- [محرك](https://example.com/) in a list of English words\n- English\n"
    page.set_viewport_size({"width": 375, "height": 800})
    for text, language, way in ((arabic, "ar", "rtl"), (mixed, "en", "ltr")):
        made = edition(item("A", text, anchor="a"), language=language)
        shown = page_body(made, config(), "issues/x/")
        page.set_content(f'<html dir="{way}" lang="{language}"><main>{shown}</main></html>')
        page.add_style_tag(path=ROOT / "templates/paper/web/style.css")
        values = page.evaluate("""() => [...document.querySelectorAll('td')].map(cell => {
            const text = document.createRange(); text.selectNodeContents(cell);
            return Math.round(text.getBoundingClientRect().right) })""")
        assert len(set(values)) <= 1, "values below each other"
        lines = page.evaluate("""() => [...document.querySelectorAll('li')].map(one => {
            const text = document.createRange(); text.selectNodeContents(one.lastChild);
            const side = getComputedStyle(one).direction === 'ltr' ? 'left' : 'right';
            return [...text.getClientRects()].map(box => Math.round(box[side])) })""")
        assert all(len(set(edges)) == 1 and 16 <= edges[0] <= 375 - 16 for edges in lines), "hanging, with its mark"


@pytest.mark.parametrize(("language", "way"), [("en", "ltr"), ("ar", "rtl")])
def test_on_a_phone_a_cell_with_links_and_code_is_one_text_beside_its_label(page: Any, language: str, way: str) -> None:
    words = "see [the table](https://example.com/) for **more**, in `a` and `b`"
    text = f"| A label of several words | Of one | No |\n|---|---|---|\n| x | {words} | 1 |\n| {words} | سعر | 2 |\n"
    made = edition(item("A", text, anchor="a"), language=language)
    page.set_viewport_size({"width": 375, "height": 800})
    shown = page_body(made, config(), "issues/x/")
    page.set_content(f'<html dir="{way}" lang="{language}"><main>{shown}</main></html>')
    page.add_style_tag(path=ROOT / "templates/paper/web/style.css")
    cells = page.evaluate("""() => [...document.querySelectorAll('td')].map(cell => {
        const text = document.createRange(); text.selectNodeContents(cell); const row = cell.parentNode;
        const all = row.getBoundingClientRect(), box = text.getBoundingClientRect();
        return [getComputedStyle(row).direction, (box.left - all.left) / all.width, (all.right - box.right) / all.width,
                box.height / parseFloat(getComputedStyle(cell).fontSize), cell.getBoundingClientRect().height] })""")
    assert len(cells) == 6
    for direction, left, right, lines, height in cells:
        assert (left if direction == "ltr" else right) >= 0.43, "nothing below the label"
        assert lines <= 6, "one text"
        assert height >= 20


@pytest.mark.parametrize("language", ["ar", "he"])
def test_two_latin_names_stand_in_the_order_of_a_text_from_right_to_left(page: Any, language: str) -> None:
    page.set_content(f'<p dir="rtl">{Locale.of(language, {}).join(("Ada", "Grace"))}</p>')
    first, second = page.evaluate("""() => { const text = document.querySelector('p').firstChild;
        return ['Ada', 'Grace'].map(name => { const range = document.createRange(), at = text.data.indexOf(name);
            range.setStart(text, at); range.setEnd(text, at + name.length);
            return range.getBoundingClientRect().left }) }""")
    assert first > second


ADDRESS = """
::: callout Box
[linked](https://example.com/a)
:::

- [listed](https://example.com/b)

[press](https://example.com/c){.button}
"""


def test_paper_has_every_address_and_no_heading_over_nothing(page: Any, repository: Repository) -> None:
    repository.write("images/header.png", (ROOT / "issues/2024-12-29-ai-weekly/images/cover.jpg").read_bytes())
    repository.write("config.yaml", CONFIG + "theme: {header: images/header.png}\n")
    head = "tags: [ai]\nauthors: [Ada]\nintro: '[into](https://example.com/d)'\nattribution: '[from](https://example.com/e)'\n"
    for day in "12":
        table = "".join(f"|{'|'.join([cell] * 12)}|\n" for cell in ("Column", "---", "1,234.56"))
        repository.issue(f"2024-01-0{day}", head, f"{ADDRESS}\n{table}")
    repository.build()
    page.set_viewport_size({"width": 700, "height": 900})
    page.emulate_media(media="print", color_scheme="dark")
    with Live(repository.root / "dist" / "site") as served:
        page.goto(served.url + "issues/2024-01-02/")
        printed = page.evaluate("""() => [...document.querySelectorAll('main a')]
            .map(one => getComputedStyle(one, '::after').content).filter(one => one.includes('http'))""")
        cells = "Math.max(...[...document.querySelectorAll('td')].map(one => one.getBoundingClientRect().right))"
        assert page.evaluate(cells) <= 700, "paper does not scroll"
        assert [f"example.com/{letter}" in "".join(printed) for letter in "abcde"] == [True] * 5
        press = "getComputedStyle(document.querySelector('.button'))"
        assert page.evaluate(f"[{press}.color, {press}.backgroundColor]") == ["rgb(0, 0, 0)", "rgba(0, 0, 0, 0)"]
        for path in ("", "issues/2024-01-02/"):
            page.goto(served.url + path)
            assert (
                page.evaluate("""() => [...document.querySelectorAll('main section > h2')].filter(title =>
                title.checkVisibility() && ![...title.parentElement.children]
                    .some(one => one !== title && one.checkVisibility())).map(title => title.textContent)""")
                == []
            )
            banner = page.evaluate(
                "(({left, top}) => [left, top])(document.querySelector('.banner').getBoundingClientRect())"
            )
            assert min(banner) >= 0, "nothing of the header is off the sheet"


def test_where_type_is_twice_as_large_no_word_of_a_page_breaks(page: Any, repository: Repository) -> None:
    words = "The experiments of a newsletter are whether it is undisclosed, and command."
    box = f"::: callout Commentary\n{words}\n:::\n\n- {words}\n\n[Undisclosed](https://example.com/c){{.button}}\n"
    parts = "theme: {name: brief, parts: {contents: true}}\n"
    repository.write("config.yaml", CONFIG + parts)
    for slug in ("2024-01-01-a", "2024-01-02-b"):
        repository.issue(
            slug, f"language: en\nkey_points: ['{words}', '{words}']\n", f"{box}\n::: commentary\n{words}\n:::\n"
        )
        repository.write(f"issues/{slug}/b.md", f"---\nheadline: {words}\n---\n{words}\n")
    repository.build()
    page.set_viewport_size({"width": 320, "height": 800})
    with Live(repository.root / "dist" / "site") as served:
        for path in ("issues/2024-01-02-b/", ""):
            page.goto(served.url + path)
            page.evaluate("document.documentElement.style.fontSize = '212.5%'")
            broken = page.evaluate("""() => { const found = [], range = document.createRange(),
                texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
                while (texts.nextNode()) for (const word of texts.currentNode.data.matchAll(/[a-z]{4,11}/gi)) {
                    range.setStart(texts.currentNode, word.index);
                    range.setEnd(texts.currentNode, word.index + word[0].length);
                    if (new Set([...range.getClientRects()].map(box => box.top)).size > 1) found.push(word[0]) }
                return found }""")
            assert broken == []


def test_a_name_of_many_words_leaves_room_for_the_newest_issue(page: Any, repository: Repository) -> None:
    name = "The Quarterly Bulletin of the International Association for the Study of Mediterranean Harbours"
    config = (repository.root / "config.yaml").read_text(encoding="utf-8")
    repository.write("config.yaml", config.replace("name: AI 周报", f"name: {name}"))
    repository.issue("2024-01-01-a")
    repository.build()
    page.set_viewport_size({"width": 375, "height": 700})
    with Live(repository.root / "dist" / "site") as served:
        page.goto(served.url)
        assert page.evaluate("document.querySelector('.site-head').getBoundingClientRect().bottom") < 350
        page.goto(served.url + "issues/2024-01-01-a/")
        lines = "['.brand', '.brand a'].map(one => getComputedStyle(document.querySelector(one)).lineHeight)"
        assert len(set(page.evaluate(lines))) == 1


@pytest.mark.parametrize("theme", ["paper", "plain"])
def test_a_title_of_another_language_has_the_fonts_of_its_own(page: Any, repository: Repository, theme: str) -> None:
    """Quotation marks of Chinese fonts are as wide as a character."""
    repository.write("config.yaml", f"{CONFIG}theme: {{name: {theme}}}\n")
    for slug, language in (("2024-01-01-a", "en"), ("2024-01-02-b", "zh-CN"), ("2024-01-03-c", "en")):
        repository.issue(slug, f"language: {language}\n")
    repository.build()
    with Live(repository.root / "dist" / "site") as served:
        fonts = {}
        for path, shown in (("issues/2024-01-02-b/", ".neighbours [lang]"), ("issues/2024-01-01-a/", "h1")):
            page.goto(served.url + path)
            fonts[shown] = page.evaluate(f"getComputedStyle(document.querySelector('{shown}')).fontFamily")
    assert fonts[".neighbours [lang]"] == fonts["h1"]


def test_who_asks_for_more_contrast_gets_it(page: Any, repository: Repository) -> None:
    repository.issue("2024-01-01-a")
    repository.build()
    page.emulate_media(contrast="more")
    with Live(repository.root / "dist" / "site") as served:
        page.goto(served.url)
        soft = "getComputedStyle(document.querySelector('.facts')).color === getComputedStyle(document.body).color"
        assert page.evaluate(soft)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_forced_colours_marks_can_be_read_buttons_have_edges_and_drawings_a_ground(
    page: Any, repository: Repository, scheme: str
) -> None:
    drawing = io.BytesIO()
    Image.new("RGBA", (80, 80)).save(drawing, "PNG")
    repository.write("issues/2024-01-01-a/images/chart.png", drawing.getvalue())
    repository.issue("2024-01-01-a", "key_points: [one]\n", f"{ADDRESS}\n![chart](images/chart.png)\n")
    repository.build()
    page.emulate_media(color_scheme=scheme, forced_colors="active")
    with Live(repository.root / "dist" / "site") as served:
        page.goto(f"{served.url}search/?q=linked")
        page.wait_for_selector("#results .excerpt mark")
        style = "getComputedStyle(document.querySelector('#results mark'))"
        assert page.evaluate(f"{style}.color === getComputedStyle(document.body).color")
        page.goto(f"{served.url}issues/2024-01-01-a/")
        edges = page.evaluate("""() => ['.button', '#subscribe button', '.callout', '.key-points'].map(name => {
            const style = getComputedStyle(document.querySelector(name));
            const outline = style.outlineStyle === 'none' ? 0 : parseFloat(style.outlineWidth);
            return Math.max(parseFloat(style.borderTopWidth), outline) })""")
        assert min(edges) >= 1
        ground = page.evaluate("getComputedStyle(document.querySelector('.item img')).backgroundColor")
        assert (ground == "rgb(248, 244, 236)") == (scheme == "dark")


def test_a_page_keeps_to_the_fonts_of_the_brand_and_shows_code_in_boxes(page: Any, repository: Repository) -> None:
    repository.write("config.yaml", CONFIG + "theme: {fonts: sans}\n")
    press = "[Run `b`](https://example.com/c){.button}"
    repository.issue("2024-01-01-a", "key_points: ['A `b` c']\n", f"{press}\n\n::: callout Box\n{press}\n:::\n")
    repository.build()
    with Live(repository.root / "dist" / "site") as served:
        page.goto(served.url + "issues/2024-01-01-a/")
        fonts = page.evaluate(
            "[...document.querySelectorAll('.numeral, .point')].map(one => getComputedStyle(one).fontFamily)"
        )
        assert len(set(fonts)) == 1
        ground = "name => getComputedStyle(document.querySelector(name)).backgroundColor"
        assert page.evaluate(f"({ground})('.key-points')") != page.evaluate(f"({ground})('.key-points code')")
        for place in (".item > p .button code", ".callout .button code"):  # in the colours of the button
            assert page.evaluate(f"({ground})('{place}')") == "rgba(0, 0, 0, 0)"


def test_long_words_of_german_are_divided_but_not_those_of_code(page: Any) -> None:
    page.set_content('<html lang="de"><p>Wort</p><pre>code</pre></html>')
    page.add_style_tag(path=ROOT / "templates/paper/web/style.css")
    assert page.evaluate("['p', 'pre'].map(name => getComputedStyle(document.querySelector(name)).hyphens)") == [
        "auto",
        "manual",
    ]


def test_a_table_in_a_commentary_of_a_small_type_is_as_large_as_a_note(page: Any, repository: Repository) -> None:
    repository.write("config.yaml", CONFIG + "theme: {name: brief}\n")
    repository.issue("2024-01-01-a", "", "Text.\n\n::: commentary\nText.\n\n| A |\n|---|\n| b |\n:::\n")
    repository.build()
    with Live(repository.root / "dist" / "site") as served:
        page.goto(served.url + "issues/2024-01-01-a/")
        assert page.evaluate("parseFloat(getComputedStyle(document.querySelector('td')).fontSize)") >= 14


def test_a_tall_logo_with_a_ground_in_the_dark_does_not_lie_over_the_links(page: Any, repository: Repository) -> None:
    logo = io.BytesIO()
    Image.new("RGBA", (300, 900), (10, 10, 10, 128)).save(logo, "PNG")
    repository.write("logo.png", logo.getvalue())
    repository.write("config.yaml", CONFIG + "theme: {name: brief, fonts: mono, logo: {light: logo.png, width: 480}}\n")
    repository.issue("2024-01-01-a")
    repository.build()
    page.set_viewport_size({"width": 240, "height": 800})
    page.emulate_media(color_scheme="dark")
    with Live(repository.root / "dist" / "site") as served:
        page.goto(served.url + "issues/2024-01-01-a/")
        logo_box, links = (page.locator(name).first.bounding_box() for name in (".brand img", ".site-head nav"))
        assert links["y"] >= logo_box["y"] + logo_box["height"] + 6.8
