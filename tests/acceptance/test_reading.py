"""The file format's fine print, through the real command."""

from __future__ import annotations

import json

import pytest

from .conftest import CONFIG, Newsletter

SLUG = "2024-12-29-weekly"
KEYS = {"path", "line", "column", "end_line", "end_column", "severity", "code", "message", "help"}


def places(found: list[dict[str, object]], severity: str = "error") -> list[tuple[str, int, int]]:
    """Path within the issue, line and column of each finding of a severity."""
    return [
        (str(d["path"]).removeprefix(f"issues/{SLUG}/"), int(str(d["line"])), int(str(d["column"])))
        for d in found
        if d["severity"] == severity
    ]


def test_a_sound_issue_has_no_error_and_json_is_a_list(newsletter: Newsletter) -> None:
    newsletter.issue()
    ran = newsletter.run("check", "--format", "json")
    assert ran.status == 0, ran
    assert [d for d in ran.json if d["severity"] == "error"] == []


def test_a_finding_has_every_promised_key(newsletter: Newsletter) -> None:
    newsletter.issue(head="titel: x\n")
    found = newsletter.check()
    assert found
    assert all(set(d) == KEYS for d in found)


@pytest.mark.parametrize(
    ("name", "text", "line", "column"),
    [
        ("missing body key is at the front matter's first key", "---\nheadline: x\ntags: [a]\n---\n", 5, 1),
        ("missing headline is at the front matter's first key", "---\ntags: [a]\n---\nbody\n", 2, 1),
        ("empty body is at the line after the front matter", "---\nheadline: x\n---\n\n", 4, 1),
        ("unclosed commentary is at its opening line", "---\nheadline: x\n---\nbody\n\n::: commentary\nno end\n", 6, 1),
        ("a second commentary is at its line",
         "---\nheadline: x\n---\nbody\n\n::: commentary\na\n:::\n\n::: commentary\nb\n:::\n", 10, 1),
        ("text after the commentary is at its line",
         "---\nheadline: x\n---\nbody\n\n::: commentary\na\n:::\n\ntail\n", 10, 1),
        ("a nested commentary is at its line",
         "---\nheadline: x\n---\nbody\n\n::: commentary\na\n\n::: commentary\nb\n:::\n:::\n", 9, 1),
        ("an unknown key is at the key", "---\nheadline: x\nheadlin: y\n---\nbody\n", 3, 1),
        ("a duplicate key is at the second", "---\nheadline: x\nheadline: y\n---\nbody\n", 3, 1),
    ],
)  # fmt: skip
def test_an_item_is_wrong_at_its_place(newsletter: Newsletter, name: str, text: str, line: int, column: int) -> None:
    newsletter.issue(a=text)
    found = newsletter.check()
    assert ("a.md", line, column) in places(found), (name, found)
    assert newsletter.run("check").status == 1


def test_a_missing_title_is_at_the_whole_files_start(newsletter: Newsletter) -> None:
    newsletter.issue()
    newsletter.write(f"issues/{SLUG}/issue.yaml", "# a comment\ndate: 2024-12-29\n")
    assert any(p[0] == "issue.yaml" and p[1:] in {(1, 1), (2, 1)} for p in places(newsletter.check()))


def test_a_missing_key_of_an_inline_item_is_at_that_mapping(newsletter: Newsletter) -> None:
    newsletter.write(
        f"issues/{SLUG}/issue.yaml", "title: t\ndate: 2024-12-29\nstatus: ready\nitems:\n  - body: |\n      b\n"
    )
    assert ("issue.yaml", 5, 5) in places(newsletter.check())


def test_an_item_that_the_order_leaves_out_is_an_error_at_its_start(newsletter: Newsletter) -> None:
    newsletter.issue(head="items:\n  - a.md\n", a="---\nheadline: x\n---\nbody\n", b="---\nheadline: y\n---\nbody\n")
    assert ("b.md", 1, 1) in places(newsletter.check())


def test_commentary_in_both_places_is_an_error(newsletter: Newsletter) -> None:
    newsletter.issue(a="---\nheadline: x\ncommentary: c\n---\nbody\n\n::: commentary\nd\n:::\n")
    assert len(places(newsletter.check())) == 1


@pytest.mark.parametrize("scalar", ["1984", "true", "no", "12:30", "1_000", "010", "2024-12-29", "~x", "1.50"])
def test_a_plain_scalar_is_the_text_as_written(newsletter: Newsletter, scalar: str) -> None:
    newsletter.issue(a=f"---\nheadline: {scalar}\n---\nbody\n")
    ran = newsletter.run("build")
    assert ran.status == 0, ran
    text = (newsletter.root / f"dist/email/{SLUG}/email.txt").read_text(encoding="utf-8")
    assert scalar in text


def test_template_braces_are_literal_and_survive(newsletter: Newsletter) -> None:
    newsletter.issue(
        head="key_points:\n  - '点 {{ k }}'\n",
        a="---\nheadline: 'H {{ name }} {% if %}'\n---\nbody {{ x }} {% y %}\n\n::: commentary\nc {{ z }}\n:::\n",
    )
    ran = newsletter.run("build")
    assert ran.status == 0, ran
    for name in ("email.html", "email.txt"):
        text = (newsletter.root / f"dist/email/{SLUG}/{name}").read_text(encoding="utf-8")
        text = text.replace("&#123;", "{").replace("&#125;", "}").replace("&#37;", "%")
        for literal in ("{{ name }}", "{% if %}", "{{ x }}", "{% y %}", "{{ z }}", "{{ k }}"):
            assert literal in text, (name, literal)


def test_a_newline_between_han_joins_with_nothing(newsletter: Newsletter) -> None:
    newsletter.issue(a="---\nheadline: x\n---\n第一行，\n第二行\nと書く\nlatin\nwords\n")
    assert newsletter.run("build").status == 0
    html = (newsletter.root / f"dist/email/{SLUG}/email.html").read_text(encoding="utf-8")
    assert "第一行，第二行と書く" in html
    assert "latin words" in html.replace("\n", " ")


def test_html_comments_never_reach_readers(newsletter: Newsletter) -> None:
    newsletter.issue(a="---\nheadline: x\n---\nbefore <!-- secret one --> after\n\n<!-- secret two -->\n\nend\n")
    assert newsletter.run("build").status == 0
    made = [p for p in (newsletter.root / "dist").rglob("*") if p.is_file()]
    assert made
    assert [p for p in made if b"secret" in p.read_bytes()] == []


@pytest.mark.parametrize(
    ("markup", "severity"),
    [
        ("<script>alert(1)</script>", "error"),
        ('<b onclick="x()">a</b>', "error"),
        ('<a href="javascript:x()">a</a>', "error"),
        ('<b formaction="https://evil.test/">a</b>', "error"),
        ("[a](javascript:x)", "error"),
        ('<font color="red">a</font>', "warning"),
    ],
)
def test_removed_html_is_reported_at_its_line(newsletter: Newsletter, markup: str, severity: str) -> None:
    newsletter.issue(a=f"---\nheadline: x\n---\nfirst\n\nthen {markup} end\n")
    found = newsletter.check()
    assert [d["line"] for d in found if d["severity"] == severity] == [6], found


def test_both_spellings_of_an_ending_are_read_and_strangers_are_warned_of(newsletter: Newsletter) -> None:
    newsletter.issue(a="---\nheadline: x\n---\nbody\n")
    newsletter.write(f"issues/{SLUG}/b.markdown", "---\nheadline: y\n---\nbody\n")
    newsletter.write(f"issues/{SLUG}/c.yml", "headline: z\nbody: |\n  text\n")
    newsletter.write(f"issues/{SLUG}/notes.txt", "n")
    found = newsletter.check()
    assert places(found) == []
    assert any(p[0] == "notes.txt" for p in places(found, "warning"))
    assert newsletter.run("build").status == 0
    text = (newsletter.root / f"dist/email/{SLUG}/email.txt").read_text(encoding="utf-8")
    assert text.index("x") < text.index("y") < text.index("z")


def test_a_broken_issue_does_not_stop_the_others(newsletter: Newsletter) -> None:
    newsletter.issue()
    newsletter.issue("2025-01-05-broken", a="---\nheadline: x\n---\n")
    ran = newsletter.run("build")
    assert ran.status == 1
    assert (newsletter.root / f"dist/email/{SLUG}/email.html").exists()
    assert not (newsletter.root / "dist/email/2025-01-05-broken/email.html").exists()
    assert (newsletter.root / f"dist/site/issues/{SLUG}/index.html").exists()


def test_a_config_error_exits_2_and_json_still_lists_it(newsletter: Newsletter) -> None:
    newsletter.issue()
    newsletter.write("config.yaml", CONFIG + "databse: x\n")
    for command in ("check", "build"):
        ran = newsletter.run(command, "--format", "json")
        assert ran.status == 2
        found = json.loads(ran.out)
        assert [d["path"] for d in found] == ["config.yaml"]


def test_a_password_in_config_is_an_error(newsletter: Newsletter) -> None:
    newsletter.issue()
    newsletter.write("config.yaml", CONFIG + "database: postgresql://u:hunter2@db.example.com/x\n")
    ran = newsletter.run("check")
    assert ran.status == 2
    assert "PUBLISHER_DATABASE_URL" in ran.err + ran.out
    assert "hunter2" not in ran.err


def test_windows_line_endings_and_a_byte_order_mark_are_read(newsletter: Newsletter) -> None:
    newsletter.issue()
    newsletter.write(
        f"issues/{SLUG}/a.md", b"\xef\xbb\xbf---\r\nheadline: x\r\n---\r\nbody\r\n\r\n::: commentary\r\nc\r\n:::\r\n"
    )
    assert places(newsletter.check()) == []


def test_no_config_is_one_message_that_says_what_to_type(newsletter: Newsletter) -> None:
    (newsletter.root / "config.yaml").unlink()
    for command in ("check", "build", "status"):
        ran = newsletter.run(command)
        assert ran.status == 2
        assert "publisher init" in ran.err


def test_an_unknown_issue_is_a_wrong_call(newsletter: Newsletter) -> None:
    newsletter.issue()
    for command in ("check", "build", "send"):
        ran = newsletter.run(command, "2024-12-28-weekly")
        assert ran.status == 2
        assert "2024-12-28-weekly" in ran.err


def test_the_length_of_the_promised_words(newsletter: Newsletter) -> None:
    newsletter.issue(
        head="attribution: 本文来自ABC\n",
        a="---\nheadline: 标题1，a\n---\n正文 two。\n\n::: commentary\n好\n:::\n",
    )
    assert newsletter.run("build").status == 0
    edition = json.loads((newsletter.root / f"dist/email/{SLUG}/edition.json").read_text(encoding="utf-8"))
    # 标题1a = 4, 正文two = 5, 点评 = 2, 好 = 1, 本文来自ABC = 7
    assert edition["length"] == {"count": 19, "unit": "characters", "minutes": 1}
    html = (newsletter.root / f"dist/email/{SLUG}/email.html").read_text(encoding="utf-8")
    assert "全文19字,阅读约需1分钟" in html


def test_edition_json_has_every_promised_key(newsletter: Newsletter) -> None:
    newsletter.issue()
    assert newsletter.run("build").status == 0
    edition = json.loads((newsletter.root / f"dist/email/{SLUG}/edition.json").read_text(encoding="utf-8"))
    assert {"slug", "title", "subject", "preheader", "language", "digest", "commit", "length", "sizes"} <= set(edition)
    assert edition["commit"] is None
    assert edition["digest"].startswith("sha256:")
    assert set(edition["sizes"]) == {"html", "html_encoded", "text", "message"}
    assert all(isinstance(v, int) and v > 0 for v in edition["sizes"].values())


def test_a_draft_is_built_on_demand_only(newsletter: Newsletter) -> None:
    newsletter.issue()
    newsletter.write(f"issues/{SLUG}/issue.yaml", "title: t\ndate: 2024-12-29\n")
    assert newsletter.run("build").status == 0
    assert not (newsletter.root / f"dist/site/issues/{SLUG}").exists()
    assert newsletter.run("build", "--drafts").status == 0
    assert (newsletter.root / f"dist/site/issues/{SLUG}/index.html").exists()
    assert newsletter.run("send", SLUG).status in {1, 2}


@pytest.mark.parametrize("kind", ["issue", "item", "config"])
def test_schemas_are_json(newsletter: Newsletter, kind: str) -> None:
    schema = newsletter.run("schema", kind).json
    assert schema["type"] == "object"
    assert schema["properties"]
