from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader, nodes
from jinja2.sandbox import modifies_known_mutable
from selectolax.lexbor import LexborHTMLParser

from publisher.config.theme import BASE, built_in, store, theme_folders
from publisher.edition.brand import theme_text
from publisher.edition.files import email_files
from publisher.edition.rendering import render
from publisher.edition.theme import Theme, _Compiled
from publisher.errors import UsageError
from tests.edition.make import CHINESE, ENGLISH, ROOT, config, edition, html_of, issue, text_of


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A repository with a theme of its own, and an issue's folder."""
    shutil.copytree(ROOT / "templates" / "paper", tmp_path / "templates")
    return tmp_path


def change(root: Path, name: str, old: str, new: str) -> None:
    file = root / "templates" / name
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_a_newsletter_without_a_theme_gets_the_packages(tmp_path: Path) -> None:
    assert theme_folders(config(tmp_path)) == ((store() / BASE).resolve(),)
    assert edition(configuration=config(tmp_path)).html == edition().html


def test_a_newsletters_own_theme_is_used(own: Path) -> None:
    change(own, "email/_title.mjml.j2", "<h1>", '<h1 data-own="1">')
    assert 'data-own="1"' in html_of(edition(configuration=config(own)))


def test_a_template_that_a_theme_lacks_comes_from_the_package(own: Path) -> None:
    (own / "templates/email/_footer.mjml.j2").unlink()
    assert edition(configuration=config(own)).html == edition().html


def test_config_can_name_another_folder(own: Path) -> None:
    (own / "templates").rename(own / "house")
    assert theme_folders(config(own, templates="house"))[0] == own / "house"


def test_a_changed_template_is_seen_by_the_same_process(own: Path) -> None:
    before = edition(configuration=config(own))
    change(own, "email/_title.mjml.j2", "<h1>", '<h1 data-own="1">')
    import os

    os.utime(own / "templates/email/_title.mjml.j2", (1, 1))
    assert edition(configuration=config(own)).digest != before.digest


def test_a_template_that_is_ejected_is_seen_by_the_same_process(own: Path) -> None:
    file = own / "templates/email/_title.mjml.j2"
    text = file.read_text(encoding="utf-8")
    file.unlink()
    assert edition(configuration=config(own)).html == edition().html
    file.write_text(text.replace("<h1>", '<h1 data-own="1">', 1), encoding="utf-8")
    assert 'data-own="1"' in html_of(edition(configuration=config(own)))
    file.unlink()
    assert edition(configuration=config(own)).html == edition().html


def test_what_the_packages_templates_read_without_the_sandbox_it_would_let_them_read() -> None:
    """They read attributes of what a newsletter's own templates hand them: no call of theirs may change it, or format
    by it.
    """
    calls = []
    for file in (path for path in store().rglob("*") if path.suffix in {".j2", ".html"}):
        called = (call.node for call in Environment().parse(file.read_text(encoding="utf-8")).find_all(nodes.Call))
        calls += [one for one in called if isinstance(one, nodes.Getattr)]
    changing = [one for one in calls if any(modifies_known_mutable(held, one.attr) for held in ([], {}, set()))]
    formats = [one for one in calls if one.attr.startswith("format") and not isinstance(one.node, nodes.Const)]
    assert (len(calls) > 20, changing, formats) == (True, [], [])


@pytest.mark.parametrize(
    ("name", "old", "new", "line", "message"),
    [
        ("email/_title.mjml.j2", "{{ issue.date }}", "{{ isue.date }}", 4, "'isue' is undefined"),
        ("email/_title.mjml.j2", "{{ issue.date }}", "{{ issue.dat }}", 4, "no attribute 'dat'"),
        (
            "email/_title.mjml.j2",
            "{% if issue.authors %}",
            "{% if issue.authors",
            5,
            "expected token",
        ),
        ("email/_title.mjml.j2", "{{ issue.length_line }}", "{{ words('nobody') }}", 6, "nobody"),
        ("email/_footer.mjml.j2", "{{ issue.postal_address }}", "{{ 1 / 0 }}", 9, "division by zero"),
        ("email/_footer.mjml.j2", "{{ issue.postal_address }}", "{{ ''.__class__ }}", 9, "unsafe"),
        ("email/_footer.mjml.j2", "{{ issue.postal_address }}", "{{ issue.__class__.__mro__ }}", 9, "unsafe"),
        ("email/_footer.mjml.j2", "{{ issue.postal_address }}", "{{ words.of.__func__.__globals__ }}", 9, "unsafe"),
        ("email/_footer.mjml.j2", "{{ issue.postal_address }}", "{{ words('x').__globals__ }}", 9, "'x'"),
        ("email/_footer.mjml.j2", "{{ issue.postal_address }}", "{{ newsletter.parse_raw('') }}", 9, "unsafe"),
        ("email/_footer.mjml.j2", "{{ issue.postal_address }}", "{{ newsletter['parse_file']('') }}", 9, "unsafe"),
        ("email/_footer.mjml.j2", "{{ issue.postal_address }}", "{{ (newsletter|attr('dict'))() }}", 9, "unsafe"),
        (
            "email/_footer.mjml.j2",
            "{{ issue.postal_address }}",
            "{{ '{}'.format(issue.title) }}{{ '{0.__class__}'.format(issue) }}",
            9,
            "unsafe",
        ),
        ("email/_footer.mjml.j2", "{{ issue.postal_address }}", "{{ theme.parts.update({'x': 1}) }}", 9, "update"),
        (
            "email/_footer.mjml.j2",
            "{{ issue.postal_address }}",
            "<img src='images/a.png'>",
            9,
            "the theme has no picture images/a.png",
        ),
        (
            "email/_footer.mjml.j2",
            "{{ issue.postal_address }}",
            "<img src='images/a'>",
            9,
            "images/a is not a whole address: mail has no place it can be relative to",
        ),
        (
            "email/_footer.mjml.j2",
            "{{ issue.postal_address }}",
            '<a href="//x.example/">',
            9,
            "//x.example/ is not a whole",
        ),
        ("email/_masthead.mjml.j2", "</mj-text>", "</mj-txt>", 8, "MJML has no <mj-txt>"),
        ("email/_masthead.mjml.j2", "</mj-text>", "", 1, "<mj-text> is never closed"),
        ("email/_masthead.mjml.j2", 'css-class="tx"', "css-class=<tx", 1, "does not end"),
        ("email/_masthead.mjml.j2", 'css-class="tx"', "css-class=tx", 1, "is not written"),
        ("email/_lead.mjml.j2", "email/_macros.mjml.j2", "email/_macro.mjml.j2", 1, "_macro.mjml.j2"),
        ("email/issue.mjml.j2", "<mj-title>", "<mj-nothing>x</mj-nothing><mj-title>", 6, "MJML has no <mj-nothing>"),
        ("edition/story.html.j2", "{{ item.html }}", "{{ item.htm }}", 7, "no attribute 'htm'"),
    ],
)
def test_a_fault_in_the_theme_is_one_message_at_its_line(
    own: Path, name: str, old: str, new: str, line: int, message: str
) -> None:
    change(own, name, old, new)
    made, findings = render(issue(), config(own))
    assert made is None
    (finding,) = findings
    assert (finding.code, finding.path, finding.span.line) == ("theme-broken", f"templates/{name}", line)
    assert message in finding.message
    assert "\n" not in finding.message


def test_a_scheme_of_its_own_a_comment_and_another_attribute_are_no_relative_address(own: Path) -> None:
    kept = '{# <img src="old/a.png"> #}<p data-src="k"><a href="sms:+4912345">SMS</a></p>'
    change(own, "email/_footer.mjml.j2", "  {{ footer }}", kept)
    assert 'href="sms:+4912345"' in html_of(edition(configuration=config(own)))


def test_a_link_of_the_footer_is_in_both_parts_or_is_reported_at_its_template(own: Path) -> None:
    change(
        own, "email/_footer.mjml.j2", "  {{ footer }}", '  <p><a href="https://sponsor.example/">S</a></p>{{ footer }}'
    )
    _, (finding,) = render(issue(), config(own))
    assert (finding.code, finding.path) == ("text-part-incomplete", "templates/email/_footer.mjml.j2")
    change(
        own, "email/_footer.txt.j2", "{% if footer %}", '{{ link("S", "https://sponsor.example/") }}\n{% if footer %}'
    )
    made = edition(configuration=config(own))
    assert "S <https://sponsor.example/>\n" in text_of(made)


def test_a_fault_of_the_text_template_is_reported_at_its_line(own: Path) -> None:
    change(own, "email/_footer.txt.j2", "issue.web_url", "issue.web")
    made, (finding,) = render(issue(), config(own))
    assert made is None
    assert (finding.code, finding.path, finding.span.line) == ("theme-broken", "templates/email/_footer.txt.j2", 14)


@pytest.mark.parametrize("name", built_in())
def test_every_theme_passes_every_gate_in_every_script(name: str) -> None:
    for values in (CHINESE, ENGLISH, ENGLISH | {"language": "ar"}, CHINESE | {"language": "ja"}):
        made, findings = render(issue(*values["items"], **_fields(values)), config(theme={"name": name}))
        assert made is not None
        assert findings == []


def _fields(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != "items"}


def test_parts_that_config_asks_for_stand_in_mail_text_and_page() -> None:
    parts = dict.fromkeys(("contents", "reply", "share"), True)
    service = {"url": "https://letters.example.com/"}
    made = edition(configuration=config(theme={"parts": parts}, service=service), **ENGLISH)
    for part in (html_of(made), text_of(made), made.web):
        for said in ("In this issue", "weekly@news.example.com", "https://letters.example.com/subscribe"):
            assert said in part
    for part in (html_of(made), made.web):
        assert '<a href="#tsmc"' in part
    assert "In this issue" not in edition(**ENGLISH).web


@pytest.mark.parametrize(
    ("name", "align", "beside"),
    [
        ("AI 周报", "left", True),
        ("AI 周报", "center", False),
        ("The Bulletin of the Association for Harbours", "left", False),
    ],
)
def test_a_link_to_the_page_stands_above_the_title_wherever_the_name_stands(
    name: str, align: str, beside: bool
) -> None:
    made = edition(configuration=config(theme={"align": align}, newsletter={"name": name}), **ENGLISH)
    head = LexborHTMLParser(html_of(made).partition("<h1")[0])
    assert [link.text() for link in head.css(".online a")] == ["View in browser"]
    assert bool(head.css("td.online")) is beside


@pytest.mark.parametrize(("language", "asked"), [("zh-CN", ""), ("de", "?language=de")])
def test_whom_an_issue_was_passed_on_to_subscribes_in_its_language(language: str, asked: str) -> None:
    newsletter = {"tracking": "clicks"}
    about = config(
        theme={"parts": {"share": True}}, service={"url": "https://letters.example.com/"}, newsletter=newsletter
    )
    made = edition(configuration=about, language=language)
    for part in (html_of(made), text_of(made), made.web, email_files(made)["email.html"].decode()):
        links = re.findall(r"https://letters\.example\.com/subscribe[^\s\"<>]*", part)
        assert set(links) == {f"https://letters.example.com/subscribe{asked}"}


def test_a_theme_that_is_not_utf8_is_one_message(own: Path) -> None:
    (own / "templates/email/inline.css.j2").write_bytes(b"h1 { content: '\xff' }")
    made, (finding,) = render(issue(), config(own))
    assert made is None
    assert (finding.code, finding.path) == ("theme-broken", "templates/email/inline.css.j2")


def test_a_template_that_is_a_link_out_of_the_theme_is_not_read(own: Path) -> None:
    """It would publish whatever the link leads to: a key, the environment of a CI job."""
    (own / "secret.key").write_text("the secret", encoding="utf-8")
    for name in ("email/_footer.mjml.j2", "web/style.css"):
        (own / "templates" / name).unlink()
        (own / "templates" / name).symlink_to(own / "secret.key")
    made, findings = render(issue(), config(own))
    assert made is None
    assert [(finding.code, "link out of the theme" in finding.message) for finding in findings] == [
        ("theme-broken", True)
    ]
    with pytest.raises(UsageError, match="link out of the theme"):
        theme_text(config(own), "web/style.css")


@pytest.mark.node
def test_npm_mjml_accepts_the_theme_in_strict_mode(node_tools: Path, tmp_path: Path) -> None:
    for name, values in (("zh", CHINESE), ("en", ENGLISH)):
        file = tmp_path / f"{name}.mjml"
        file.write_text(_mjml(values), encoding="utf-8")
        done = subprocess.run(
            ["node", str(node_tools / "mjml/bin/mjml"), "--config.validationLevel=strict", str(file), "-s"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert not done.stderr.strip()
        assert "<h1>" in done.stdout


def _mjml(values: dict[str, Any]) -> str:
    """The theme's own MJML for an issue, as it reaches the compiler."""
    from publisher.edition.email import TEMPLATE, context
    from publisher.edition.pictures import Pictures
    from publisher.edition.slots import Slots
    from publisher.edition.viewing import view
    from publisher.language import Locale

    made = issue(*values["items"], **_fields(values))
    configuration = config()
    words = Locale.of(made.language, configuration.labels)
    seen = view(made, configuration, words, Pictures(configuration, made.folder), Slots("x"))
    return Theme.of(configuration).render(TEMPLATE, **context(seen, words, Slots("x"), configuration))


def test_the_packages_own_templates_are_kept_compiled_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "own.j2").write_text("x", encoding="utf-8")
    kept, compiled = _Compiled("test"), list[str]()
    kept.directory = str(tmp_path)
    for _ in range(2):
        environment = Environment(loader=FileSystemLoader([tmp_path / "own", store() / BASE]), bytecode_cache=kept)
        compile_ = environment.compile
        monkeypatch.setattr(environment, "compile", lambda *args, to=compile_: compiled.append(args[1]) or to(*args))
        environment.get_template("own.j2")
        environment.get_template("email/_close.mjml.j2")
    assert compiled == ["own.j2", "email/_close.mjml.j2", "own.j2"]


def test_what_a_brand_maps_is_named_by_its_keys_and_its_methods_stay(own: Path) -> None:
    named = "{{ theme.light.ink }} {{ theme.light.keys() | length > 5 }}"
    change(own, "email/_title.mjml.j2", "<h1>", f'<h1 data-own="{named}">')
    made = html_of(edition(configuration=config(own)))
    assert re.search(r'data-own="#[0-9a-f]{6} True"', made)


def test_a_name_that_a_brand_lacks_is_a_fault_of_the_template(own: Path) -> None:
    change(own, "email/_title.mjml.j2", "<h1>", '<h1 data-own="{{ theme.light.nonsense }}">')
    made, (found,) = render(issue(), config(own))
    assert (made, found.code, found.path) == (None, "theme-broken", "templates/email/_title.mjml.j2")
