"""``theme:`` of config.yaml: one source for mail, archive and the readers' pages, and no accent that cannot be read."""

from __future__ import annotations

import os
import re
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator
from PIL import Image
from selectolax.lexbor import LexborHTMLParser

from publisher.config import colour, load_config
from publisher.config.model import config_schema
from publisher.config.theme import palettes
from publisher.diagnostics import Diagnostic
from publisher.edition.brand import Brand, variables
from publisher.edition.theme import Theme
from publisher.errors import ConfigError
from publisher.proofing.proof import proofread
from publisher.site.build import build
from publisher.web.service import ServicePages
from tests.checks.corpus import SLUG, SOUND, Case, lay_out
from tests.edition.make import config, edition, html_of, item
from tests.warm import command

BRAND = """
theme:
  accent: "#0b57d0"
  logo: {light: images/logo.png, dark: images/night.png, alt: The Signal}
  icon: images/logo.png
  header: images/header.jpg
  align: center
  corners: 8
  footer: "Made by **three**. [Imprint](https://news.example.org/imprint)"
  social: [{name: Mastodon, url: "https://social.example.org/@signal"}]
  css: [theme.css]
"""


NIGHT = {"page": "#000000", "paper": "#050505", "card": "#0a0a0a", "panel": "#161616"}
NIGHT |= {"ink": "#e8e8e8", "title": "#ffffff", "soft": "#a8a8a8", "accent": "#eaff00", "on_accent": "#000000"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    lay_out(Case("sound-0", (), ""), tmp_path)
    images = tmp_path / "images"
    images.mkdir()
    for name, size in (("logo.png", (320, 80)), ("night.png", (320, 80)), ("header.jpg", (1400, 300))):
        Image.new("RGB", size, "#0b57d0").save(images / name)
    (tmp_path / "theme.css").write_text(".headline { color: #202124; }")
    (tmp_path / "config.yaml").write_text(SOUND["config.yaml"] + BRAND)
    return tmp_path


@pytest.mark.browser
def test_where_a_theme_is_dark_in_both_schemes_drawings_are_on_light_and_the_logo_on_the_themes_ground(
    root: Path, sheet: Any
) -> None:
    (root / "issues/2024-12-29-x/images").mkdir(parents=True)
    for name in ("images/logo.png", "issues/2024-12-29-x/images/chart.png"):
        Image.new("RGBA", (320, 80)).save(root / name)
    night = ", ".join(f'{name}: "{ground}"' for name, ground in NIGHT.items())
    (root / "night").mkdir()
    (root / "night/theme.yaml").write_text(f"description: Night.\nlight: {{{night}}}\ndark: {{{night}}}\n")
    (root / "config.yaml").write_text(SOUND["config.yaml"] + "theme: {name: ./night, logo: images/logo.png}\n")
    made = edition(item("H", "![Chart](images/chart.png)", anchor="a"), configuration=load_config(root))
    page = Theme.of(load_config(root)).style("web/style.css", "")
    shown = '<p class="brand"><img class="clear"></p><figure><img class="clear"></figure>'
    pages = (html_of(made), f"<style>{page}</style>{shown}")
    for (kind, html), scheme in product(enumerate(pages), ("light", "dark")):
        sheet.emulate_media(color_scheme=scheme)
        sheet.set_content(html)
        logo, drawing = sheet.evaluate("""() => [...document.querySelectorAll('img.clear')].map(one =>
            getComputedStyle(one).backgroundColor)""")
        assert drawing == "rgb(248, 244, 236)", (kind, scheme)
        assert logo in {"rgba(0, 0, 0, 0)", "rgb(0, 0, 0)", "rgb(22, 22, 22)"}, (kind, scheme)


def findings(root: Path, theme: str) -> list[tuple[str, int, int]]:
    (root / "config.yaml").write_text(SOUND["config.yaml"] + theme)
    with pytest.raises(ConfigError) as caught:
        load_config(root)
    return [(found.code, found.span.line, found.span.column) for found in caught.value.diagnostics]


def test_the_brand_stands_in_mail_text_archive_and_service(root: Path) -> None:
    config = load_config(root)
    proof = proofread(config, SLUG.rpartition("/")[2])
    assert proof.edition is not None
    assert not proof.findings
    mail, text = (part.fill(lambda _: "https://x.example/") for part in (proof.edition.html, proof.edition.text))
    assert "#0b57d0" in mail
    assert "#a4371c" not in mail
    assert re.search(
        r'src="https://[^"]+/assets/logo\.[0-9a-f]{12}\.png" alt="The Signal" width="160" height="40"', mail
    )
    for said in ("Made by <strong>three</strong>", "https://social.example.org/@signal", "color:#202124"):
        assert said in mail.replace("color: ", "color:")
    foot = text.partition("-" * 40)[2]
    for said in (
        "Made by three.",
        "https://news.example.org/imprint",
        "Mastodon: https://social.example.org/@signal\n",
    ):
        assert said in foot
    build(config, [], root / "dist", True, use_cache=False)
    folder = root / "dist" / "site"
    site = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    page = site["index.html"].decode()
    style = next(content for path, content in site.items() if path.startswith("assets/style"))
    assert b"--accent:#0b57d0" in style
    assert style.rstrip().endswith(b"}")
    for said in ("assets/logo.", "assets/header.", "Imprint", "https://social.example.org/@signal"):
        assert said in page
    assert set(re.findall(r'(?:src|href)="(assets/[^"]+)"', page)) <= site.keys()
    service = ServicePages(config)
    shown = service.html("message", word="confirmed", preferences_link=None, subscribe_link=None)
    assert "--accent:#0b57d0" in shown
    assert "https://news.example.org/imprint" in shown
    origin = re.search(r'<img src="(https://[^/"]+)', shown)
    assert origin
    assert f"img-src data: {origin[1]};" in service.policy


@pytest.mark.browser
@pytest.mark.parametrize(
    ("scheme", "marked", "name"), [("light", "", "logo"), ("dark", "", "night"), ("light", "data-ogsc", "night")]
)
def test_of_two_logos_each_client_shows_the_one_for_its_ground(
    root: Path, sheet: Any, scheme: str, marked: str, name: str
) -> None:
    """``data-ogsc`` is what Outlook.com writes on what it recoloured, the link around the logo among it."""
    made = proofread(load_config(root), SLUG.rpartition("/")[2]).edition
    assert made is not None
    sheet.emulate_media(color_scheme=scheme)
    sheet.set_content(html_of(made).replace('<p class="masthead"', f'<p {marked} class="masthead"'))
    shown = sheet.evaluate("""() => [...document.querySelectorAll('.masthead img')]
        .filter(one => one.checkVisibility() && getComputedStyle(one).maxHeight !== '0px')
        .map(one => [one.getAttribute('src').split('/').pop().split('.')[0], one.alt])""")
    assert shown == [[name, "The Signal"]], "the link around it has a name"


@pytest.mark.parametrize(("language", "shape"), [("en", "0 12px 12px 0"), ("ar", "12px 0 0 12px")])
def test_corners_are_of_buttons_too_and_leave_the_edge_of_a_commentary_straight(language: str, shape: str) -> None:
    story = item("A", "[Press](https://example.com/){.button}\n\n- one\n  - two\n- three", "Why.", anchor="a")
    mail = LexborHTMLParser(html_of(edition(story, configuration=config(theme={"corners": 12}), language=language)))
    radius = {node.attributes["class"]: node.attributes["style"] or "" for node in mail.css(".pressed, .commentary")}
    assert "border-radius:12px" in radius["pressed"]
    for given, shown in ((0, 0), (None, 4)):  # pages have round corners unless config.yaml says otherwise
        assert f"--corners: {shown}px" in variables(Brand.of(config(theme={"corners": given})), language)
    assert f"border-radius:{shape}" in radius["boxed commentary"]
    nested = mail.css_first("li ul")
    assert nested is not None
    assert "margin:6px 0 0" in (nested.attributes["style"] or ""), "no gap before the next of the outer list"


@pytest.mark.parametrize("accent", ["#0b57d0", "#ffcc00", "#111111", "#00aa44", "#ff00ff", "#777777"])
def test_the_accent_of_the_dark_scheme_is_derived_and_can_be_read(root: Path, accent: str) -> None:
    theme = load_config(root).theme
    given = theme.model_copy(update={"accent": theme.accent.model_copy(update={"light": accent})})  # type: ignore[union-attr]
    dark = palettes(given, root)[1]
    derived = colour.parse(dark.tokens["accent"])
    assert derived is not None
    assert colour.least_contrast(derived, dark.grounds) >= 4.5
    assert colour.contrast(derived, colour.parse(dark.tokens["on_accent"])) >= 4.5  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("theme", "code", "column"),
    [
        ('theme: {accent: "#ffcc00"}', "theme-contrast", 17),
        ('theme: {accent: {light: "#06c", dark: "#06c"}}', "theme-contrast", 39),
        ("theme: {accent: red}", "bad-value", 17),
        ("theme: {name: papr}", "bad-value", 15),
        ("theme: {logo: images/none.png}", "bad-value", 15),
        ("theme: {acent: x}", "unknown-key", 9),
        ("theme: {width: 900}", "bad-value", 16),
        ("theme: {css: [../outside.css]}", "bad-value", 14),
        ("templates: ../outside", "bad-value", 12),
        ("templates: house/../..", "bad-value", 12),
        ("templates: /tmp", "bad-value", 12),
        (r'theme: {logo: "a\0b.png"}', "control-character", 15),
        ("theme: {icon: %s}" % ("a" * 300), "bad-value", 15),
        ("theme: {footer: {en: Ours}}", "bad-value", 17),
        ("theme: {footer: {zh: 我们, xx: Ours}}", "bad-value", 17),
        ("""theme: {fonts: {title: "A, 'B"}}""", "bad-value", 24),
    ],
)
def test_what_is_wrong_with_a_theme_is_reported_at_its_value(root: Path, theme: str, code: str, column: int) -> None:
    line = SOUND["config.yaml"].count("\n") + 1
    assert findings(root, theme + "\n") == [(code, line, column)]


@pytest.mark.parametrize("name", ["papr", "./look", "look/paper", "../outside"])
def test_a_theme_that_there_is_not_is_reported_with_those_there_are(root: Path, name: str) -> None:
    (root / "config.yaml").write_text(f"{SOUND['config.yaml']}theme: {{name: {name}}}\n")
    with pytest.raises(ConfigError) as caught:
        load_config(root)
    assert "paper, brief, magazine, plain" in str(caught.value.diagnostics[0].help)


@pytest.mark.parametrize("name", ["look", "./look", "looks/own"])
def test_a_folder_of_the_repository_is_a_theme(root: Path, name: str) -> None:
    (root / name).mkdir(parents=True)
    (root / name / "theme.yaml").write_text('light: {ink: "#010203"}\n')
    (root / "config.yaml").write_text(f"{SOUND['config.yaml']}theme: {{name: {name}}}\n")
    assert palettes(load_config(root).theme, root)[0].tokens["ink"] == "#010203"


def test_a_built_in_theme_wins_over_a_folder_of_its_name(root: Path) -> None:
    (root / "brief").mkdir()
    (root / "brief/theme.yaml").write_text('light: {ink: "#010203"}\n')
    (root / "config.yaml").write_text(SOUND["config.yaml"] + "theme: {name: brief}\n")
    assert palettes(load_config(root).theme, root)[0].tokens["ink"] != "#010203"


@pytest.mark.parametrize(
    "theme", ["fonts: Georgia", "accent: '#06c'", "logo: images/logo.png", "fonts: {title: serif}"]
)
def test_the_schema_takes_the_short_forms_that_the_reader_takes(root: Path, theme: str) -> None:
    (root / "config.yaml").write_text(f"{SOUND['config.yaml']}theme: {{{theme}}}\n")
    read = load_config(root).theme
    assert read.fonts.title == read.fonts.body or theme == "fonts: {title: serif}"
    data = yaml.safe_load((root / "config.yaml").read_text(encoding="utf-8"))
    assert [error.message for error in Draft202012Validator(config_schema()).iter_errors(data)] == []


@pytest.mark.parametrize(
    ("sheet", "line"),
    [
        ("p {}\n@import 'more.css';", 2),
        ("p {}\np { background: url( images/logo.png ) }", 2),
        ("p {}\n\n@im\\70ort url(https://x.example/a.css);", 3),
        ("/* @import url(https://x.example/)\n*/ p { background: url( 'https://x.example/a.png' ) }", 2),
        ("p { background: URL(//x.example/a.png) }", 1),
        ("p { background: image-set('https://x.example/a.png' 1x) }", 1),
        ("p {}\n</style><script>", 2),
        ("p {}\n<//**//style><script>", 2),
        ("a::after { content: '/*' }\n@import '//x.example/'; b::after { content: '*/' }", 2),
        ("a { content: '/*\n} p { background: url(https://x.example/a.png) } /* */", 2),
        ("a { content: '\\'/*' }\np { background: url(https://x.example/a.png) } /* */", 2),
        ("a { background: u\\72l( #/*) }\np { background: url(https://x.example/a.png) } /* */", 2),
        ("p { background: image-set('http:x.example/a.png' 1x) }", 1),
        (r"p { background: image-set('\\\\x.example/a.png' 1x) }", 1),
    ],
)
def test_a_style_sheet_that_loads_from_elsewhere_is_reported_at_its_line(root: Path, sheet: str, line: int) -> None:
    (root / "theme.css").write_text(sheet)
    with pytest.raises(ConfigError) as caught:
        load_config(root)
    assert [(found.code, found.path, found.span.line) for found in caught.value.diagnostics] == [
        ("bad-value", "theme.css", line)
    ]
    [message] = [found.message for found in caught.value.diagnostics]
    assert message.lower().count("url(") == message.count(")")


def test_a_style_sheet_may_hold_whatever_loads_nothing(root: Path) -> None:
    (root / "theme.css").write_text(
        "/* https://x.example/ */ @media (max-width: 600px) { a[href^='https://'] { color: #111 } }\n"
        "p::after { content: 'https://x.example/ >'; background: url(data:image/png;base64,AA//BB) }\n"
        "@supports (display: grid) { p:not(.a), .b > p { color: #111 } }\n"
    )
    load_config(root)


@pytest.mark.parametrize(
    ("path", "content", "code", "line"),
    [
        ("theme.css", b"p {}\n\xff", "invalid-utf8", 2),
        ("look/theme.yaml", b"light: [1]\n", "wrong-type", 1),
        ("look/theme.yaml", b"- a\n", "wrong-type", 1),
        ("look/theme.yaml", b"light:\n  page: reddish\n", "bad-value", 2),
        ("look/theme.yaml", b"size:\n  body: 0\n", "bad-value", 2),
        ("look/theme.yaml", b": : :\n", "yaml-syntax", 1),
    ],
)
def test_a_file_of_a_theme_that_cannot_be_used_is_reported_at_its_line(
    root: Path, path: str, content: bytes, code: str, line: int
) -> None:
    (root / "look").mkdir()
    (root / path).write_bytes(content)
    said = findings_of_files(root, "theme: {name: ./look, css: [theme.css]}\n")
    assert said == [(code, path, line)]


def findings_of_files(root: Path, theme: str) -> list[tuple[str, str, int]]:
    (root / "config.yaml").write_text(SOUND["config.yaml"] + theme)
    with pytest.raises(ConfigError) as caught:
        load_config(root)
    return [(found.code, found.path, found.span.line) for found in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ('light: {soft: "#999999"}\n', [(1, "soft #999999", "page #f4f1ea")]),
        (
            'light:\n  page: "#f0f0f0"\n  paper: "#222222"\n',
            [(3, "ink #26231f", "paper"), (3, "soft", "paper"), (3, "accent", "paper")],
        ),
        ('dark:\n  title: "#222222"\n', [(2, "title #222222", "card")]),
        ('light:\n  accent: "#0b57d0"\n  on_accent: "#333333"\n', [(3, "on_accent", "accent #0b57d0")]),
        ('light: {ink: "#000000"}\ndark: {soft: "#cccccc"}\n', []),
    ],
)
def test_colours_of_an_own_theme_are_held_against_each_other_at_their_line(
    root: Path, written: str, told: list[tuple[int, str, str]]
) -> None:
    (root / "look").mkdir()
    (root / "look" / "theme.yaml").write_text(written)
    (root / "config.yaml").write_text(SOUND["config.yaml"] + "theme: {name: ./look}\n")
    found: list[Diagnostic] = []
    try:
        load_config(root)
    except ConfigError as error:
        found = error.diagnostics
    assert [(one.code, one.path, one.span.line) for one in found] == [
        ("theme-contrast", "look/theme.yaml", line) for line, _, _ in told
    ]
    for one, (_, text, ground) in zip(found, told, strict=True):
        assert text in str(one.message)
        assert ground in str(one.message)
        assert "the nearest that can be read" in str(one.help)


def test_a_colour_that_is_too_light_for_paper_is_kept_in_the_dark(root: Path) -> None:
    def told(theme: str) -> str | None:
        (root / "config.yaml").write_text(SOUND["config.yaml"] + f"theme: {theme}\n")
        try:
            load_config(root)
        except ConfigError as error:
            return str(error.diagnostics[0].help)
        return None

    advice = told('{accent: "#ffd400"}')
    assert advice
    written = advice[advice.index("{") : advice.index("}") + 1]
    assert 'dark: "#ffd400"' in written
    assert told(f"{{accent: {written}}}") is None
    assert "dark:" not in str(told('{accent: {light: "#ffd400", dark: "#ff9f7d"}}'))


def test_a_contrast_that_falls_short_never_reads_as_enough(root: Path) -> None:
    (root / "config.yaml").write_text(SOUND["config.yaml"] + 'theme: {accent: {light: "#806e00"}}\n')
    with pytest.raises(ConfigError) as caught:
        load_config(root)
    assert "4.4 to 1" in str(caught.value.diagnostics[0].message)


@pytest.mark.parametrize(
    ("size", "width", "shown"),
    [
        ((400, 1000), None, (64, 160)),  # taller than wide
        ((640, 640), None, (160, 160)),
        ((1000, 2400), 480, (100, 240)),
        ((640, 640), 200, (200, 200)),
        ((2400, 120), 480, (480, 24)),
        ((10, 9000), None, (1, 900)),
    ],
)
def test_no_logo_fills_the_screen(root: Path, size: tuple[int, int], width: int | None, shown: tuple[int, int]) -> None:
    Image.new("RGB", size).save(root / "images/logo.png")
    logo = "{light: images/logo.png" + (f", width: {width}" if width else "") + "}"
    (root / "config.yaml").write_text(f"{SOUND['config.yaml']}theme: {{logo: {logo}}}\n")
    found = Brand.of(load_config(root)).logo
    assert found is not None
    assert (found.width, found.height) == shown


def test_a_changed_colour_of_an_own_theme_is_seen_at_once(root: Path) -> None:
    (root / "look").mkdir()
    (root / "look" / "theme.yaml").write_text('light: {page: "#ffffff"}\n')
    (root / "config.yaml").write_text(SOUND["config.yaml"] + "theme: {name: ./look}\n")
    config = load_config(root)
    assert Brand.of(config).light["page"] == "#ffffff"
    (root / "look" / "theme.yaml").write_text('light: {page: "#fafafa"}\n')
    assert Brand.of(config).light["page"] == "#fafafa"


def test_the_address_of_a_picture_needs_no_escapes(root: Path) -> None:
    (root / "images" / "logo.png").rename(root / "images" / '标 50%#1?".png')
    (root / "config.yaml").write_text(SOUND["config.yaml"] + "theme: {icon: 'images/标 50%#1?\".png'}\n")
    icon = Brand.of(load_config(root)).icon
    assert icon
    assert re.fullmatch(r"assets/[\w-]+\.[0-9a-f]{12}\.png", icon.path, re.ASCII)


def test_a_colour_that_yaml_reads_as_a_comment_has_to_be_quoted(root: Path) -> None:
    (root / "config.yaml").write_text(SOUND["config.yaml"] + "theme:\n  accent: #a4371c\n")
    with pytest.raises(ConfigError) as caught:
        load_config(root)
    assert caught.value.diagnostics[0].help == 'quote it: "#a4371c"'


def test_the_colour_that_is_advised_passes_and_is_of_the_same_hue(root: Path) -> None:
    assert findings(root, 'theme: {accent: "#ffcc00"}\n')
    with pytest.raises(ConfigError) as caught:
        load_config(root)
    advised = re.findall(r"#[0-9a-f]{6}", str(caught.value.diagnostics[0].help))[0]
    (root / "config.yaml").write_text(SOUND["config.yaml"] + f'theme: {{accent: "{advised}"}}\n')
    assert load_config(root).theme.accent.light == advised  # type: ignore[union-attr]
    red, green, blue = colour.parse(advised)  # type: ignore[misc]
    assert red > green > blue


def test_a_logo_that_is_no_picture_is_reported_at_its_key(root: Path) -> None:
    (root / "images" / "logo.png").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    with pytest.raises(ConfigError) as caught:
        Brand.of(load_config(root))
    assert caught.value.diagnostics[0].code == "not-a-picture"


@pytest.mark.parametrize("key", ["logo", "header", "icon"])
def test_a_picture_that_a_server_would_take_for_a_page_is_not_published(root: Path, key: str) -> None:
    Image.new("RGB", (600, 300)).save(root / "images/a.html", "JPEG", comment=b"<script>alert(1)</script>")
    (root / "config.yaml").write_text(f"{SOUND['config.yaml']}theme: {{{key}: images/a.html}}\n")
    with pytest.raises(ConfigError) as caught:
        Brand.of(load_config(root))
    assert caught.value.diagnostics[0].code == "not-a-picture"


@pytest.mark.parametrize(
    ("footer", "code"),
    [
        ("![p](images/logo.png)", "bad-value"),
        ("a <title>gone", "text-swallowed"),
        ("<script>x</script>", "removed-active-content"),
        ("[x](javascript:y)", "unsafe-link-scheme"),
        ("> " * 60 + "deep", "bad-value"),
        ("::: only topic:ai\n\n    For some.\n\n    :::", "bad-value"),
    ],
)
def test_text_of_a_footer_that_would_not_reach_readers_is_reported_at_its_place(
    root: Path, footer: str, code: str
) -> None:
    (root / "config.yaml").write_text(SOUND["config.yaml"] + f"theme:\n  footer: '{footer}'\n")
    with pytest.raises(ConfigError) as caught:
        proofread(load_config(root), SLUG.rpartition("/")[2])
    assert [(found.code, found.span.line) for found in caught.value.diagnostics] == [(code, 8)]


def test_a_changed_logo_is_a_new_address(root: Path) -> None:
    config = load_config(root)
    before = Brand.of(config).logo
    Image.new("RGB", (320, 80), "#ff0000").save(root / "images" / "logo.png")
    assert Brand.of(config).logo != before


def test_a_changed_style_sheet_is_seen_though_its_size_and_time_are_the_same(root: Path) -> None:
    config, file = load_config(root), root / "theme.css"
    file.write_text("p { color: #111 }")
    before, held = Brand.of(config).css, file.stat()
    file.write_text("p { color: #222 }")
    os.utime(file, ns=(held.st_atime_ns, held.st_mtime_ns))
    assert Brand.of(config).css != before


def test_a_theme_of_the_repository_is_listed_with_its_description(root: Path) -> None:
    (root / "harbour").mkdir()
    (root / "config.yaml").write_text(SOUND["config.yaml"] + "theme: {name: ./harbour}\n")
    assert command(root, "theme", "list").stdout.splitlines()[-1] == "* ./harbour  of this repository"
    (root / "harbour/theme.yaml").write_text("description: For {tides}.\n")
    assert command(root, "theme", "list").stdout.splitlines()[-1] == "* ./harbour  For {tides}."


def test_a_template_is_owned_by_ejecting_it_and_its_difference_shown(root: Path) -> None:
    listed = command(root, "theme", "list")
    assert listed.stdout.startswith("* paper  ")
    name = "email/_footer.mjml.j2"
    assert command(root, "theme", "eject", name).stdout == f"templates/{name}\n"
    assert (command(root, "theme", "diff").returncode, command(root, "theme", "eject", name).returncode) == (0, 1)
    own = root / "templates" / name
    own.write_text(own.read_text() + "{# ours #}\n")
    shown = command(root, "theme", "diff")
    assert shown.returncode == 1
    assert "+{# ours #}" in shown.stdout
    assert command(root, "theme", "eject", "email/nothing.j2").returncode == 2
    assert command(root, "theme", "eject", name, "--force").returncode == 0
    assert command(root, "theme", "diff").returncode == 0


def test_a_subtitle_stands_under_the_title_everywhere_and_is_not_in_the_length(root: Path) -> None:
    slug = SLUG.rpartition("/")[2]
    plain = proofread(load_config(root), slug).edition
    file = root / SLUG / "issue.yaml"
    file.write_text(f"{file.read_text()}status: ready\nsubtitle: 一句话说清这一期\n")
    edition = proofread(load_config(root), slug).edition
    assert plain is not None
    assert edition is not None
    for part in (edition.html.fill(lambda _: ""), edition.text.fill(lambda _: ""), edition.web):
        head = part.rpartition("<h1")[2] if "<h1" in part else part
        assert "一句话说清这一期" in head.partition(edition.title)[2][:200]
    assert (edition.subtitle, edition.preheader) == ("一句话说清这一期", "一句话说清这一期")
    assert edition.length == plain.length
    build(load_config(root), [], root / "dist", True, use_cache=False)
    for name in ("index.html", "feed.xml", "feed.json"):
        assert "一句话说清这一期" in (root / "dist" / "site" / name).read_text(encoding="utf-8")


def test_a_font_that_is_asked_for_reaches_every_element(root: Path, page: Any) -> None:
    config = root / "config.yaml"
    config.write_text(config.read_text() + "  fonts: {title: sans, body: 'Courier New'}\n")
    build(load_config(root), [], root / "dist", True, use_cache=False)
    page.goto((root / "dist/site" / SLUG / "index.html").as_uri())
    title, text = (
        page.evaluate(f"getComputedStyle(document.querySelector('{one}')).fontFamily") for one in ("h1", ".meta")
    )
    assert title.startswith("-apple-system")
    assert text.replace('"', "").startswith("Courier New")


def test_theme_preview_shows_an_issue_in_every_theme(root: Path) -> None:
    done = command(root, "theme", "preview")
    assert (done.returncode, done.stdout) == (0, "dist/themes/index.html\n")
    page = (root / "dist/themes/index.html").read_text()
    assert page.count('tabindex="0"') == page.count("<h2>"), "the keys scroll each row"
    for name in ("paper", "brief", "magazine", "plain"):
        assert f'src="{name}/email.html"' in page
        assert (root / "dist/themes" / name / "site/index.html").is_file()
    assert command(root, "theme", "preview", "papr").returncode == 2


def test_init_takes_a_brand_or_refuses_it_before_it_writes(tmp_path: Path) -> None:
    Image.new("RGB", (320, 80), "#0b57d0").save(tmp_path / "our.png")
    made = command(tmp_path, "init", str(tmp_path / "news"), "--accent", "#0b57d0", "--logo", str(tmp_path / "our.png"))
    assert made.returncode == 0
    theme = load_config(tmp_path / "news").theme
    assert theme.accent is not None
    assert theme.logo is not None
    assert (theme.accent.light, theme.logo.light) == ("#0b57d0", "images/logo.png")
    for wrong, told in (
        (["--accent", "#ffcc00"], "#866b0e"),
        (["--accent", "red"], "#rgb"),
        (["--logo", "x.png"], "x.png"),
    ):
        refused = command(tmp_path, "init", str(tmp_path / "other"), *wrong)
        assert refused.returncode == 2
        assert told in refused.stderr
        assert not (tmp_path / "other").exists()
