"""The plan: what publish would do, and what a change does to each edition."""

from __future__ import annotations

import json
import re
import shutil
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from publisher.config import load_config
from publisher.edition.gates.gmail import BUDGET
from publisher.publishing import git
from publisher.publishing.git import export
from publisher.publishing.plan.diff import outline

from .newsroom import PEOPLE, SLUG, Newsroom

NEXT = "2035-03-16-weekly"


@pytest.fixture
def room(newsroom: Newsroom) -> Newsroom:
    newsroom.set_up()
    newsroom.issue(body="第一段，见[链接](https://example.com/old)。")
    newsroom.issue(NEXT)
    newsroom.commit("Two issues")
    newsroom.git("checkout", "-q", "-b", "change")
    return newsroom


def plan(room: Newsroom, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(room.run("plan", "--format", "json", *words).out)
    return found


def only(room: Newsroom) -> dict[str, Any]:
    (change,) = plan(room, "--base", "main")["changes"]
    found: dict[str, Any] = change
    return found


def test_a_changed_issue_is_shown_before_and_after(room: Newsroom) -> None:
    room.issue(body="第一段，见[链接](https://example.com/new)。\n\n第二段，与 {{ braces }}。\n\n- 一\n- 二")
    change = only(room)
    assert (change["issue"], change["how"]) == (SLUG, "changed")
    assert any(line.startswith("+") and "第二段" in line for line in change["text"])
    assert any(line.startswith("+") and "li" in line for line in change["structure"])
    assert outline("<p>a</p><!--[if mso]>b<![endif]-->") == ["body", "  p"]
    assert change["links"] == {
        "added": [{"url": "https://example.com/new", "text": "链接"}],
        "removed": [{"url": "https://example.com/old", "text": "链接"}],
    }
    before, after = change["bytes"]["before"], change["bytes"]["after"]
    assert after["html"] > before["html"]
    assert after["clip_budget_used"] == pytest.approx(max(after["html"], after["html_encoded"]) / BUDGET, abs=1e-3)
    assert change["digest"]["before"] != change["digest"]["after"]


def test_findings_that_a_change_brings_and_takes_are_distinguished_from_those_that_moved(room: Newsroom) -> None:
    room.issue(body="见[这里](http://example.com/?utm_source=x)。")
    room.commit("A doubtful link")
    room.git("branch", "-f", "main", "HEAD")
    room.newsletter.write(
        f"issues/{SLUG}/a.md",
        f"---\ntags: [x]\nheadline: 甲 {SLUG}\n---\n见[这里](http://example.com/?utm_source=x)。\n",
    )
    assert only(room)["findings"] == {"added": [], "removed": []}  # each a line further down
    room.issue(body="正文。")
    gone = only(room)["findings"]
    assert gone["added"] == []
    assert gone["removed"]


def test_new_removed_broken_and_untouched_issues_are_called_so(room: Newsroom) -> None:
    room.issue("2035-03-23-weekly")
    shutil.rmtree(room.root / "issues" / NEXT)
    room.newsletter.write(f"issues/{SLUG}/a.md", "---\nheadline:\n---\n")
    ran = room.run("plan", "--base", "main", "--format", "json")
    assert ran.status == 1
    changes = {change["issue"]: change for change in json.loads(ran.out)["changes"]}
    assert {slug: change["how"] for slug, change in changes.items()} == {
        SLUG: "broken", NEXT: "removed", "2035-03-23-weekly": "added"
    }  # fmt: skip
    assert changes[SLUG]["findings"]["added"]


def test_a_base_that_moved_on_is_not_taken_for_our_change(room: Newsroom) -> None:
    room.issue(body="我们的。")
    room.commit("Ours")
    room.git("checkout", "-q", "main")
    room.issue(NEXT, body="他们的。")
    room.commit("Theirs")
    room.git("checkout", "-q", "change")
    assert only(room)["issue"] == SLUG


def test_a_change_of_what_all_share_shows_some_and_counts_the_rest(room: Newsroom) -> None:
    for week in range(1, 6):
        room.issue(f"2035-04-{week * 5:02}-weekly")
    room.commit("Five more")
    room.git("branch", "-f", "main", "HEAD")
    config = (room.root / "config.yaml").read_text()
    room.newsletter.write("config.yaml", config.replace("南京东路 1 号", "南京东路 2 号", 1))
    found = plan(room, "--base", "main")
    assert found["shared"] == ["config.yaml"]
    assert [change["how"] for change in found["changes"]] == ["shared"] * 3
    assert found["others"] == 4
    text, markdown = (room.run("plan", "--base", "main", "--format", kind).out for kind in ("text", "markdown"))
    assert "\nshared by all editions: config.yaml\n" in text
    assert ("\n  text:\n" in text, "\n  structure:\n" in text) == (True, False)
    assert "\nShared by every edition, and changed: `config.yaml`\n" in markdown
    for number in range(8):
        room.newsletter.write(f"templates/{number}.css", "")
    text, markdown = (room.run("plan", "--base", "main", "--format", kind).out for kind in ("text", "markdown"))
    assert "\nshared by all editions: config.yaml, " in text
    assert ", templates/6.css, …\n" in text
    assert ", `templates/6.css`, …\n" in markdown


def test_a_change_of_the_theme_of_its_own_folder_or_of_a_file_that_config_names_is_shared(room: Newsroom) -> None:
    config = (room.root / "config.yaml").read_text()
    room.newsletter.write("config.yaml", f"{config}theme: {{name: ./look, css: [brand/own.css]}}\n")
    room.newsletter.write("look/theme.yaml", 'light: {accent: "#a4371c"}\n')
    room.newsletter.write("brand/own.css", ".a { color: #222222 }\n")
    room.commit("A theme")
    room.git("branch", "-f", "main", "HEAD")
    room.newsletter.write("look/theme.yaml", 'light: {accent: "#0a58ca"}\n')
    found = plan(room, "--base", "main")
    assert found["shared"] == ["look/theme.yaml"]
    assert [change["how"] for change in found["changes"]] == ["shared"] * 2
    assert all("#0a58ca" in line for change in found["changes"] for line in change["structure"] if line[0] == "+")
    room.newsletter.write("brand/new.css", ".a { color: #222222 }\n")
    room.newsletter.write("config.yaml", f"{config}theme: {{name: ./look, css: [brand/new.css]}}\n")
    (room.root / "brand/own.css").unlink()
    found = plan(room, "--base", "main")
    assert found["shared"] == ["brand/new.css", "config.yaml", "look/theme.yaml"]
    assert [change["how"] for change in found["changes"]] == ["shared"] * 2
    assert found["notes"] == plan(room, "--base", "main")["notes"]
    assert "config.yaml of the base" not in "".join(found["notes"])


def test_recipients_are_numbers_by_segment_and_only_where_a_database_is(room: Newsroom) -> None:
    room.issue(head="audience: language:zh\n")
    assert only(room)["audience"] is None
    assert [path.name for path in room.root.glob(".publisher/*")] == ["cache"]  # a plan makes neither database nor key
    room.newsletter.write("people.csv", "email,language\nann@example.com,zh\nben@example.com,en\ncy@example.com,zh\n")
    assert room.run("subscribers", "import", "people.csv").status == 0
    ran = room.run("plan", "--base", "main", "--format", "json")
    (change,) = json.loads(ran.out)["changes"]
    assert change["audience"] == {"segment": "language:zh", "recipients": 2, "excluded_by_reason": {"segment": 1}}
    assert "@example.com" not in ran.out.replace("@example.com>", "")


def test_work_says_whether_publish_would_do_anything(room: Newsroom) -> None:
    room.subscribers(*PEOPLE)
    found = plan(room)
    assert (found["work"], found["due"]) == (True, [SLUG, NEXT])
    assert room.run("publish", "--unmailed", "all").status == 0
    found = plan(room)
    assert (found["work"], found["due"], found["decisions"]) == (False, [], [])
    assert room.run("plan").out.startswith("publish would do nothing")
    room.issue(body="已更正。")
    room.commit("A correction")
    found = plan(room)
    assert (found["work"], [d["decision"] for d in found["decisions"]]) == (True, ["changed"])


def test_a_commit_that_changes_nothing_for_readers_is_work_once(room: Newsroom) -> None:
    room.subscribers(*PEOPLE)
    assert room.run("publish", "--unmailed", "all").status == 0
    room.issue("2035-03-23-weekly")
    path = room.root / "issues/2035-03-23-weekly/issue.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("ready", "draft"), encoding="utf-8")
    room.commit("A draft")
    assert plan(room)["work"], "the commit is not written down yet"
    assert room.run("publish").status == 0
    assert (plan(room)["work"], plan(room)["due"]) == (False, [])


def test_an_archive_that_cannot_be_asked_is_reported(room: Newsroom) -> None:
    room.subscribers(*PEOPLE)
    room.s3.put_object(Bucket=room.bucket, Key=f"issues/{SLUG}/state.json", Body=b"{")
    refused, found = room.run("publish", "--unmailed", "all"), plan(room)
    assert refused.status == 2
    assert f"issues/{SLUG}/state.json cannot be read" in refused.err
    assert any("the archive was not asked: " in note and "state.json cannot be read" in note for note in found["notes"])


def test_what_content_says_stays_text_in_a_comment(room: Newsroom) -> None:
    title = "@team <img src=x> [a](b) `c` | ```"
    room.issue(title=f"'{title}'", body="```\n```` @all\n</details>\n```\n\n#1")
    text = room.run("plan", "--base", "main", "--format", "markdown").out
    outside, fenced = [], False
    for line in text.splitlines():
        if line.startswith("`````") or line in {"```diff", "```"}:
            fenced = not fenced
        elif not fenced:
            outside.append(line)
    shown = "\n".join(outside)
    assert "@team" not in shown
    assert "<img" not in shown
    assert "&#64;\u200dteam" in shown
    assert len(text) < 65_536


# What GitHub and GitLab look for in the text of a rendered comment.
REFERENCES = (
    r"@[\w-]", r"#\d", r"(?i)\bg[hl]-\d", r"(?i)\bJIRA-\d", r"!\d", r"~[\w\"]", r"%[\w\"]", r"&[\w\"]", r"\$\d",
    r"\b[0-9a-f]{7,64}\b", r"\[\w+:", r"\*iteration:", r"\[\[", r"\w/\w+>", r"://", r"(?i)\bwww\.", r"[\w.]+@[\w.]+",
)  # fmt: skip
REFERRING = """
@name|hi @org/team,|a@example.com|#123|(#1)|owner/repo#1|见#1|GH-678|gh-1|见GH-2|GL-3|JIRA-42|!12|group/project!12
|~label|~"two words"|%milestone|%"v 1"|&epic|&12|$7|0123abc|abcdef0123456789abcdef0123456789abcdef01|owner/repo@0123abcd
|^alert#3|[vulnerability:1]|*iteration:4|[[page]]|group/project>|https://example.com/@x|www.example.com|WWW.example.com
|@&#64;name|&commat;name|&#35;1
""".replace("\n", "").split("|")


@pytest.mark.parametrize("text", REFERRING)
def test_a_comment_notifies_and_links_nobody(text: str) -> None:
    from publisher.publishing.plan.markdown import _plain

    for words in (text, f"{text}.", f"词{text}词", f"({text})", f"{text}{text}"):
        html = MarkdownIt("gfm-like", {"linkify": False}).renderInline(_plain(words))
        assert "<" not in html
        read = unescape(html)
        assert read.replace("\u200d", "") == words
        assert [pattern for pattern in REFERENCES if re.search(pattern, read)] == []


@pytest.mark.parametrize(
    "text", ["50% 以上", "A & B!", "C# ~ $ 价", "GPT", "👩‍🚀 2024-12-29", "12:30", "a/b > c", "Wow! [x]"]
)
def test_what_refers_to_nothing_is_left_as_it_is(text: str) -> None:
    from publisher.publishing.plan.markdown import _plain

    assert unescape(_plain(text)) == text


def test_an_unknown_revision_is_a_wrong_call(room: Newsroom) -> None:
    for wrong in ("nowhere", "--exec=x", "-x"):
        ran = room.run("plan", f"--base={wrong}")
        assert ran.status == 2
        assert f"git knows no revision {wrong}" in ran.err


@pytest.mark.browser
def test_pictures_are_taken_at_both_widths_in_both_schemes(room: Newsroom, chromium: str, tmp_path: Path) -> None:
    from PIL import Image

    room.issue(body="另一段。")
    ran = room.run("plan", "--base", "main", "--pictures", str(tmp_path / "p"), PUBLISHER_BROWSER=chromium)
    assert ran.status == 0, ran.err
    seen = {}
    for file in (tmp_path / "p").iterdir():
        with Image.open(file) as image:
            corner = image.convert("RGB").getpixel((2, 300))
            assert isinstance(corner, tuple)
            seen[file.name.removeprefix(f"{SLUG}-")] = (image.width, sum(corner) > 380)
    assert seen == {
        "phone-light.png": (375, True), "phone-dark.png": (375, False),
        "desktop-light.png": (700, True), "desktop-dark.png": (700, False),
    }  # fmt: skip


@pytest.mark.parametrize("below", ["", "letters"])
def test_a_folder_named_like_an_option_of_git_is_a_folder_wherever_the_newsletter_is(
    tmp_path: Path, below: str
) -> None:
    root = tmp_path / "room" / below
    (root / "--output=written").mkdir(parents=True)
    (root / "--output=written/page.html").write_text("theirs", encoding="utf-8")
    for arguments in (
        ["init", "-q", str(tmp_path / "room")],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a"],
    ):
        assert git.ask(root, *arguments) is not None
    git.export(root, "HEAD", tmp_path / "then", ["--output=written"])
    assert not (root / "written").exists()
    assert (tmp_path / "then/--output=written/page.html").read_text(encoding="utf-8") == "theirs"


def test_a_revision_is_written_out_without_the_links_that_lead_out_of_it(room: Newsroom, tmp_path: Path) -> None:
    folder = room.root / "issues" / SLUG
    (folder / "inside.md").symlink_to("a.md")
    (folder / "outside.md").symlink_to("/etc/hostname")
    (folder / "up.md").symlink_to("../../../../../etc/hostname")
    config = (room.root / "config.yaml").read_text(encoding="utf-8")
    room.newsletter.write("theirs/email.css", "")
    room.newsletter.write("config.yaml", f"{config}templates: theirs\n")
    room.commit("Links")
    with git.at_revision(load_config(room.root).model_copy(update={"templates": "ours"}), "HEAD", ()) as then:
        assert then
        assert (then.root / "theirs/email.css").is_file(), "the theme's folder of then"
    export(room.root, "HEAD", tmp_path / "out", [f"issues/{SLUG}", "config.yaml"])
    written = {path.name for path in (tmp_path / "out" / "issues" / SLUG).iterdir()}
    assert {"issue.yaml", "inside.md"} <= written
    assert not {"outside.md", "up.md"} & written
    assert (tmp_path / "out" / "config.yaml").read_bytes() == (room.root / "config.yaml").read_bytes()


def test_the_recipients_of_each_variant_are_counted_and_a_changed_condition_is_a_change(room: Newsroom) -> None:
    room.issue(body="正文。\n\n::: only city:Berlin\n柏林。\n:::")
    room.commit("For Berlin")
    room.newsletter.write("people.csv", "email,city\nann@example.com,Berlin\nben@example.com,Paris\ncy@example.com,\n")
    assert room.run("subscribers", "import", "people.csv").status == 0
    room.issue(body="正文。\n\n::: only city:Paris\n柏林。\n:::")
    ran = room.run("plan", "--base", "HEAD", "--format", "json")
    (change,) = json.loads(ran.out)["changes"]
    assert (change["how"], change["audience"]["variants"]) == ("changed", {"default": 2, "city-paris": 1})
    assert "variants: default 2, city-paris 1" in room.run("plan", "--base", "HEAD").out


def test_a_plan_makes_no_database_where_the_environment_names_one(room: Newsroom) -> None:
    lost = room.root / "elsewhere" / "lost.db"
    ran = room.run("plan", PUBLISHER_DATABASE_URL=f"sqlite:///{lost}")
    assert "no database is at hand" in ran.out
    assert not lost.parent.exists()


def test_a_name_of_no_issue_among_the_unmailed_is_reported_with_its_line(room: Newsroom) -> None:
    with (room.root / "config.yaml").open("a", encoding="utf-8") as file:
        file.write("publish: {unmailed: [2020-nope]}\n")
    (told,) = (note for note in plan(room)["notes"] if "unmailed" in note)
    assert re.fullmatch(r"config\.yaml:\d+: publish\.unmailed names 2020-nope, and there is no such issue", told)


def test_without_a_database_nothing_is_said_in_its_name(room: Newsroom) -> None:
    old = room.issue("2020-01-01-old")
    room.commit("Long ago")
    away = {"PUBLISHER_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}
    said = room.run("plan", **away).out
    assert "cannot be reached" in said
    assert f"{old}: missed: its day passed too long ago" in said
    assert "this database" not in said
    assert room.run("publish", "--unmailed", "all").status == 0
    (room.root / ".publisher/publisher.db").unlink()
    said = room.run("plan").out
    assert f"{old}: unknown: readers may have it" in said
    assert "this database" not in said


def test_a_plan_finds_the_database_that_a_file_uri_names(room: Newsroom) -> None:
    file = room.root / "elsewhere.db"
    environment = {"PUBLISHER_DATABASE_URL": f"sqlite:///file:{file}?uri=true"}
    assert room.run("subscribers", "list", **environment).status == 0
    assert file.is_file()
    assert "no database is at hand" not in room.run("plan", **environment).out
