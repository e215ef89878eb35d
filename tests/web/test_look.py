"""The readers' pages in a browser: any logo, a large type, paper."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops

from publisher.config import colour as colours
from publisher.config import load_config
from publisher.config.theme import palettes, rgb
from publisher.edition.theme import Theme
from publisher.web.service import ServicePages
from tests.site.conftest import CONFIG, Live, Repository
from tests.web.conftest import Site

pytestmark = pytest.mark.browser


LOGOS = """() => [...document.querySelectorAll('.brand img')].filter(one => one.checkVisibility()).map(one => {
    const box = one.getBoundingClientRect();
    return [one.naturalWidth / one.naturalHeight / (box.width / box.height), getComputedStyle(one).backgroundColor,
            one.naturalWidth] })"""


def show(page: Any, root: Path, *pages: str, scheme: str = "light", language: str | None = None) -> None:
    """Have the page be a phone that shows one of the service's pages, with the archive's pictures available."""
    config = load_config(root)
    assets = {asset.name: asset.content for asset in Theme.of(config).brand.assets}
    service = ServicePages(config)
    fields = {"email": "", "name": "", "timezone": "", "chosen": (), "wrong": True}
    links = {"preferences_link": "p", "may_pause": True, "word": "confirm"}
    texts = {name: service.html(name, language, **fields, **links) for name in pages}
    page.set_viewport_size({"width": 375, "height": 700})
    page.emulate_media(color_scheme=scheme)

    def answer(route: Any) -> None:
        name = route.request.url.partition(".com/")[2]
        route.fulfill(body=texts.get(name) or assets[name], content_type="text/html" if name in texts else "image/png")

    page.route("**/*", answer)
    page.goto(f"https://letters.example.com/{pages[0]}")


def brand(root: Path, theme: str, **sizes: tuple[int, int]) -> None:
    for name, size in sizes.items():
        Image.new("RGBA", size, "#123456").save(root / f"{name}.png")
    (root / "config.yaml").write_text(f"{CONFIG}theme: {theme}\n", encoding="utf-8")


def test_what_a_browser_asks_for_does_not_change_the_language_of_a_page(site: Site) -> None:
    pages = {
        site.client.get("/subscribe", headers={"accept-language": tags}).text for tags in ("", "de", "ar, en;q=0.5")
    }
    assert len(pages) == 1
    assert '<html lang="zh-CN"' in pages.pop()
    assert '<html lang="de"' in site.client.get("/subscribe?language=de").text


def test_the_button_of_the_confirmation_mail_is_seen_in_the_dark(site: Site, page: Any) -> None:
    site.client.post("/subscribe", data={"email": "ann@example.com"})
    (mail,) = site.mails(1)
    part = mail.get_body(("html",))
    assert part is not None
    page.emulate_media(color_scheme="dark")
    page.set_content(part.get_content())
    button = page.locator("a.button")
    accent = palettes(site.service.config.theme, site.root)[1].tokens["accent"]
    for one in (button, page.locator("td.pressed")):
        assert one.evaluate("node => getComputedStyle(node).backgroundColor") == "rgb({}, {}, {})".format(*rgb(accent))
    assert button.evaluate("node => getComputedStyle(node).display") == "inline-block"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_one_logo_is_shown_in_its_own_shape_and_nothing_overflows(page: Any, tmp_path: Path, scheme: str) -> None:
    brand(tmp_path, "{logo: {light: a.png, dark: b.png, width: 480}}", a=(2400, 120), b=(900, 300))
    show(page, tmp_path, "subscribe", scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= 375
    ((shape, _, width),) = page.evaluate(LOGOS)
    assert 0.9 < shape < 1.1
    assert width == (2400 if scheme == "light" else 900)


def ringed(page: Any) -> int:
    """How many pixels change when the keyboard comes to the logo."""
    shots = []
    for focus in ("blur", "focus"):
        page.locator(".brand a").evaluate(f"node => node.{focus}({{focusVisible: true}})")
        shots.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB"))
    return sum(ImageChops.difference(*shots).convert("L").point(lambda value: value > 32 and 255).histogram()[1:])


def test_a_logo_that_has_the_focus_has_a_ring_on_pages_of_both_kinds(page: Any, tmp_path: Path) -> None:
    brand(tmp_path, "{logo: a.png}", a=(320, 80))
    show(page, tmp_path, "confirm")
    assert ringed(page) > 500
    repository = Repository(tmp_path)
    brand(repository.root, "{logo: a.png}", a=(320, 80))
    repository.issue("2024-01-01-a")
    repository.build()
    with Live(repository.root / "dist" / "site") as served:
        page.unroute("**/*")
        page.goto(served.url + "issues/2024-01-01-a/")
        assert ringed(page) > 500


def test_a_logo_alone_has_a_light_ground_in_the_dark(page: Any, tmp_path: Path) -> None:
    brand(tmp_path, "{logo: a.png}", a=(320, 80))
    show(page, tmp_path, "confirm", scheme="dark")
    ((_, ground, _),) = page.evaluate(LOGOS)
    assert ground == "rgb(248, 244, 236)"
    around = page.evaluate("getComputedStyle(document.querySelector('.clear')).boxShadow")
    assert around.startswith(ground), "ink at the edge of the file has some of the ground around it"
    page.emulate_media(media="print", color_scheme="dark")
    inks = page.evaluate("""() => ['h1', 'main p', 'button', 'footer a'].map(name =>
        getComputedStyle(document.querySelector(name)).color.match(/\\d+/g).map(Number))""")
    assert all(colours.contrast(tuple(ink), (255, 255, 255)) >= 7 for ink in inks), "dark on paper"


def test_where_type_is_twice_as_large_no_word_of_a_title_or_button_breaks(page: Any, tmp_path: Path) -> None:
    brand(tmp_path, "{accent: '#0b57d0'}")
    show(page, tmp_path, "unsubscribe", "unsubscribed", language="en")
    for name in ("unsubscribe", "unsubscribed"):
        page.goto(f"https://letters.example.com/{name}")
        page.add_style_tag(content="html { font-size: 212.5% !important; }")
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
        lines = page.evaluate("""() => [...document.querySelectorAll('h1, button')].flatMap(one => {
            const text = one.firstChild, range = document.createRange();
            return [...text.data.matchAll(/\\S+/g)].map(word => {
                range.setStart(text, word.index); range.setEnd(text, word.index + word[0].length);
                return [word[0], range.getClientRects().length] }) })""")
        assert lines
        assert all(count == 1 for _, count in lines), lines


def test_a_link_that_stands_alone_on_a_page_is_as_high_as_a_thumb(page: Any, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    show(page, tmp_path, "unsubscribe")
    box = page.locator("main > p > a").bounding_box()
    assert box["height"] >= 44
    assert box["y"] >= page.locator("main button >> nth=-1").bounding_box()["y"] + 44, "and below the buttons"


def test_an_address_is_typed_from_left_to_right_in_every_language(page: Any, tmp_path: Path) -> None:
    brand(tmp_path, "{accent: '#0b57d0'}")
    show(page, tmp_path, "subscribe", language="ar")
    assert page.evaluate("getComputedStyle(document.querySelector('[type=email]')).direction") == "ltr"
