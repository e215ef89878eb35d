"""The gates stop what a theme or an author could break, and let a sound edition through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from publisher.checks.engine import check_issue
from publisher.config import colour, load_config
from publisher.diagnostics import Place
from publisher.edition.gates import clients, contrast, structure
from publisher.edition.gates import gmail as head
from publisher.edition.gates.stylesheet import rules
from publisher.edition.model import Slot, Slotted
from publisher.edition.rendering import render
from tests.edition import make

HERE = Place("issues/a/issue.yaml")
DARK = "<style>@media (prefers-color-scheme: dark) {{ {} }}</style>"


def page(body: str, style: str = "") -> str:
    return f"<html><head>{style}</head><body style='color:#222;background:#fff'>{body}</body></html>"


@pytest.mark.parametrize(
    ("html", "modes"),
    [
        (page("<p>sound</p>"), []),
        (page("<p style='color:#999'>faint</p>"), ["light", "dark"]),
        (page("<p style='color:#767676'>just enough</p>"), []),
        (page("<h1 style='color:#949494;font-size:24px'>large</h1>"), []),
        (page("<b style='color:#949494;font-size:19px;font-weight:700'>large and bold</b>"), []),
        (page("<p style='color:#949494;font-size:23px'>not large</p>"), ["light", "dark"]),
        (page("<p style='color:#ccc;display:none'>hidden</p>"), []),
        (page("<td style='font-size:0'><p style='color:#999;font-size:16px'>faint</p></td>"), ["light", "dark"]),
        (page("<p>dark on dark</p>", DARK.format("body { background: #111 !important }")), ["dark"]),
        (page("<p>well</p>", DARK.format("body { background: #111 !important; color: #eee !important }")), []),
        (page("<div class=c><p class=k style='color:#222'>deep</p></div>",
              DARK.format(".c { background-color: #181818 } .k { color: #eee }")), []),
        (page("<p style='color:white;background:navy'>named</p>"), []),
        (page("<p style='color:hsl(60,100%,90%)'>faint</p>"), ["light", "dark"]),
        (page("<a style='color:#06c' class=k>link</a>", DARK.format(".k:hover { color: #fff }")), []),
    ],
)  # fmt: skip
def test_faint_text_is_found_in_light_and_in_dark(html: str, modes: list[str]) -> None:
    found = contrast.find(html, HERE)
    assert [d.message.split()[1] for d in found] == modes
    assert {d.code for d in found} <= {"low-contrast"}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [((0, 0, 0), (255, 255, 255), 21.0), ((118, 118, 118), (255, 255, 255), 4.54), ((9, 9, 9), (9, 9, 9), 1.0)],
)
def test_contrast_is_as_wcag_reckons_it(one: colour.RGB, other: colour.RGB, expected: float) -> None:
    assert colour.contrast(one, other) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize(
    ("style", "dropped"),
    [
        ("p { color: red }", False),
        ("/* " + "x" * 16_400 + " */", True),
        ("@media (max-width: 600px) { p { color: red } }", False),
        ("@media (max-width: 600px) { @media (prefers-color-scheme: dark) { p { color: red } } }", True),
    ],
)
def test_a_style_block_that_gmail_drops_is_found(style: str, dropped: bool) -> None:
    assert any(head.find(page("", f"<style>{style}</style>"), HERE)) is dropped


@pytest.mark.parametrize(
    ("html", "lacks"),
    [
        (page("<p style='margin:0;padding:0'>x</p>"), ""),
        (page('<div style="display:grid">x</div>'), "display-grid"),
        (page('<div style="background:conic-gradient(red, blue)">x</div>'), "conic-gradient"),
        (page('<div style="width:calc(100% - 10px)">x</div>'), "unit-calc"),
        (page('<video src="a"></video>'), "video"),
        (page("", "<style>p:has(a) { color: red }</style>"), "pseudo-class-has"),
        (page("<!--[if mso]><v:rect style='display:grid'></v:rect><![endif]-->"), ""),
        (page('<p style="border-radius:4px">x</p>'), ""),
        (page('<p title="a > b" style="display:grid">x</p>'), "display-grid"),
        (page('<div style="display:grid">x</div>' + "".join(f'<img alt="{n} > 0" src="a">' for n in range(9))), "grid"),
    ],
)
def test_what_a_large_client_lacks_is_named(html: str, lacks: str) -> None:
    found = clients.find(html.replace("'", '"'), HERE)
    assert [lacks in d.message for d in found] == ([True] if lacks else [])


def test_the_two_parts_have_to_say_the_same() -> None:
    html = Slotted(
        ('<h2>标题</h2><a href="https://a.example/x?a=1&amp;b=2">l</a><a href="', Slot.UNSUBSCRIBE_URL, '">x</a>')
    )
    whole = Slotted(("标题\nhttps://a.example/x?a=1&b=2\n", Slot.UNSUBSCRIBE_URL))
    assert list(structure.differences(html, whole, ["标题"], HERE)) == []
    without = Slotted(("另一个\n", Slot.UNSUBSCRIBE_URL))
    assert [d.code for d in structure.differences(html, without, ["标题"], HERE)] == ["text-part-incomplete"] * 2
    heads = ["标题", "https://", "标"]  # in another order, and within each other
    assert list(structure.differences(html, whole, heads, HERE)) == []
    no_way_out = Slotted(("标题 https://a.example/x?a=1&b=2",))
    assert [d.code for d in structure.differences(html, no_way_out, ["标题"], HERE)] == ["no-way-out"]


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<html lang="en" dir="ltr"><body><h1>x</h1><img src="a" alt=""></body></html>', ""),
        ('<html dir="ltr"><body><h1>x</h1></body></html>', "lang"),
        ('<html lang="en" dir="ltr"><body><h1>x</h1><img src="a"></body></html>', "alt"),
        ('<html lang="en" dir="ltr"><body><h1>x</h1><table><tr><td>x</td></tr></table></body></html>', "role"),
        ('<html lang="en" dir="ltr"><body><h1>x</h1><table><tr><th>x</th></tr></table></body></html>', ""),
        ('<html lang="en" dir="ltr"><body><h1>x</h1><h1>y</h1></body></html>', "level 1"),
    ],
)
def test_a_screen_reader_has_what_it_needs(html: str, fault: str) -> None:
    assert [fault in d.message for d in structure.find(html, HERE)] == ([True] if fault else [])


def test_rules_know_the_at_rules_around_them() -> None:
    css = "a{b:c} @import 'x'; @media x { d { e: url(a;b) !important } @media y { f { g: h } } } i { j: k }"
    found = list(rules(css))
    assert [(r.selector, r.context) for r in found] == [
        ("a", ()),
        ("d", ("@media x",)),
        ("f", ("@media x", "@media y")),
        ("i", ()),
    ]
    assert found[1].declarations == (("e", "url(a;b)", True),)


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        ("正文 ** 重点 ** 在此", [5]),
        ("**重点。**下一句，**又一个**。", []),
        ("`a ** b` 是代码，\\*\\* 是字面", []),
        ("好的\n\n**没有结束", [7]),
    ],
)
def test_asterisks_that_readers_would_see_are_found_where_they_stand(
    tmp_path: Path, body: str, lines: list[int]
) -> None:
    (tmp_path / "config.yaml").write_text(
        "newsletter:\n  name: n\n  language: zh-CN\n  url: https://n.example/\n  from: n <n@n.example>\n"
    )
    folder = tmp_path / "issues" / "2024-12-29-a"
    folder.mkdir(parents=True)
    (folder / "issue.yaml").write_text("title: t\ndate: 2024-12-29\n")
    (folder / "a.md").write_text(f"---\nheadline: 甲\ntags: [a]\n---\n{body}\n")
    config = load_config(tmp_path)
    issue, _ = check_issue(config, "2024-12-29-a")
    assert issue is not None
    _, found = render(issue, config)
    assert [d.span.line for d in found if d.code == "literal-markup"] == lines


def test_the_marks_of_a_line_are_paired_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    from publisher.edition.gates import literal_markup

    scans = 0
    pattern = literal_markup._LITERAL

    class Counted:
        search = staticmethod(pattern.search)

        def finditer(self, text: str) -> Iterator[re.Match[str]]:
            nonlocal scans
            scans += 1
            return pattern.finditer(text)

    monkeypatch.setattr(literal_markup, "_LITERAL", Counted())
    render(make.issue(make.item("题", "**a " * 500)), make.config())
    assert 0 < scans < 10
