"""Findings while typing: whose, where, and that they go as they came."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.lsp.client import Editor
from tests.lsp.conftest import CONFIG, PIXEL, SLUG, item, write
from tests.warm import command


def uri(root: Path, name: str, slug: str = SLUG) -> str:
    return (root / "issues" / slug / name).as_uri()


def test_what_is_typed_is_judged_and_not_what_the_disk_has(editor: Editor, root: Path) -> None:
    one = editor.open(root / "issues" / SLUG / "01-one.md")
    editor.until_codes(one)
    editor.change(one, 2, item("第一条新闻", "正文。", "tag: [ai]\n"))
    editor.until_codes(one, "unknown-key")
    [finding] = editor.findings[one]
    assert finding["source"] == "publisher"
    assert finding["severity"] == 1
    assert finding["range"] == {"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 3}}
    assert finding["message"] == "the key tag is unknown\nhelp: write tags"
    page, _, line = finding["codeDescription"]["href"].removeprefix("file://").partition("#L")
    assert Path(page).read_text(encoding="utf-8").split("\n")[int(line) - 1] == "# unknown-key"
    editor.change(one, 3, item("第一条新闻", "正文。"))
    editor.until_codes(one)
    assert editor.versions[one][-1] == 3


def test_findings_are_those_of_check(editor: Editor, root: Path) -> None:
    write(
        root,
        SLUG,
        "01-one.md",
        item("旧日的新闻今天又来了一次吗", "正文,[这里](https://example.org/?utm_source=x)。", "tag: x\n"),
    )
    write(root, SLUG, "04-left-out.md", item("第四条", "正文。"))
    editor.open(root / "issues" / SLUG / "issue.yaml")
    editor.until_codes(uri(root, "04-left-out.md"), "item-left-out")
    editor.settle()
    done = command(root, "check", SLUG, "--format", "json")
    told = json.loads(done.stdout)
    assert {(uri(root, Path(one["path"]).name), one["code"], one["line"] - 1) for one in told} == {
        (address, one["code"], one["range"]["start"]["line"])
        for address, found in editor.findings.items()
        if address.startswith((root / "issues" / SLUG).as_uri())
        for one in found
    }
    assert "story-repeated" in {one["code"] for one in told}


@pytest.mark.parametrize(("encoding", "columns"), [("utf-16", (6, 7)), ("utf-8", (14, 15)), ("utf-32", (4, 5))])
def test_columns_are_counted_as_the_client_counts_and_the_words_are_chinese_where_asked(
    tmp_path: Path, root: Path, encoding: str, columns: tuple[int, int]
) -> None:
    with Editor(tmp_path, encodings=[encoding], environment={"PUBLISHER_LANG": "zh"}) as other:
        assert other.capabilities["positionEncoding"] == encoding
        one = other.open(root / "issues" / SLUG / "01-one.md", item("第一条新闻", "𠮷😀正文,正文。"))
        other.until_codes(one, "half-width-punctuation")
        [finding] = other.findings[one]
        places = finding["range"]
        assert (places["start"]["character"], places["end"]["character"]) == columns
        before = {"utf-16": 4, "utf-8": 8, "utf-32": 2}[encoding]  # after the two astral characters
        change = {"start": {"line": 3, "character": before}, "end": {"line": 3, "character": columns[1]}}
        other.change(one, 2, {"range": change, "text": "好，"})
        other.until_codes(one)
        symbols = other.ask("textDocument/documentSymbol", {"textDocument": {"uri": one}})
        assert symbols[0]["range"]["end"] == {"line": 4, "character": 0}
        other.change(one, 3, {"text": item("第一条新闻", "")})
        other.until_codes(one, "empty-body")
        assert other.findings[one][0]["message"].startswith("这一条没有正文\n怎么办：")
        assert other.end() == 0


def test_unsaved_texts_of_several_files_make_one_issue(editor: Editor, root: Path) -> None:
    listing = editor.open(root / "issues" / SLUG / "issue.yaml")
    editor.until_codes(listing)
    text = (root / "issues" / SLUG / "issue.yaml").read_text(encoding="utf-8")
    editor.change(listing, 2, text + "  - 04-new.md\n")
    editor.until_codes(listing, "item-missing")
    new = editor.open(root / "issues" / SLUG / "04-new.md", item("新的一条", ""))
    editor.until_codes(listing)
    editor.until_codes(new, "empty-body")
    editor.change(new, 2, item("新的一条", "正文。"))
    editor.until_codes(new)
    editor.close(new)
    editor.until_codes(listing, "item-missing")


def test_findings_of_files_that_are_not_open_are_reported_and_taken_back(editor: Editor, root: Path) -> None:
    listing = editor.open(root / "issues" / SLUG / "issue.yaml")
    editor.until_codes(listing)
    text = (root / "issues" / SLUG / "issue.yaml").read_text(encoding="utf-8")
    editor.change(listing, 2, text.replace("  - 02-two.md\n", ""))
    editor.until_codes(uri(root, "02-two.md"), "item-left-out")
    editor.change(listing, 3, text)
    editor.until_codes(uri(root, "02-two.md"))


def test_steps_of_series_are_judged_as_check_judges_them(editor: Editor, root: Path) -> None:
    steps = root / "series/welcome"
    (steps / "02-tips").mkdir(parents=True)
    matter = "---\ntitle: 你好\nafter: 3x\n---\n正文,![点](images/dot.png)。\n"
    (steps / "01-hello.md").write_text(matter, encoding="utf-8")
    (steps / "02-tips/issue.yaml").write_text("title: 窍门\nafter: 1d\ndate: 2025-01-05\n", encoding="utf-8")
    (steps / "02-tips/01-one.md").write_text(item("第一条", ""), encoding="utf-8")
    (steps / "hello.md").write_text(matter, encoding="utf-8")
    hello = editor.open(steps / "01-hello.md")
    editor.until_codes(hello, "bad-value", "half-width-punctuation", "image-missing")
    editor.until_codes((steps / "hello.md").as_uri(), "step-misnamed")
    tips = editor.open(steps / "02-tips/issue.yaml")
    editor.until_codes((steps / "02-tips/01-one.md").as_uri(), "empty-body")
    editor.until_codes(tips, "unknown-key")
    told = json.loads(command(root, "check", "--format", "json").stdout)
    assert {(one["path"], one["code"], one["line"] - 1) for one in told if one["path"].startswith("series/")} == {
        (address.removeprefix(f"{root.as_uri()}/"), one["code"], one["range"]["start"]["line"])
        for address, found in editor.findings.items()
        for one in found
        if address.startswith(steps.as_uri())
    }
    (steps / "images").mkdir()
    (steps / "images/dot.png").write_bytes(PIXEL)
    editor.until_codes(hello, "bad-value", "half-width-punctuation")
    editor.change(hello, 2, matter.replace("3x", "3d").replace(",", "，"))
    editor.until_codes(hello)
    assert editor.ask("textDocument/codeLens", {"textDocument": {"uri": hello}})
    unsaved = editor.open(steps / "03-more.md", matter)
    editor.until_codes(unsaved, "bad-value", "half-width-punctuation")


def test_closing_without_saving_returns_to_the_disk(editor: Editor, root: Path) -> None:
    one = editor.open(root / "issues" / SLUG / "01-one.md", item("第一条新闻", ""))
    editor.until_codes(one, "empty-body")
    editor.close(one)
    editor.until_codes(one)


def test_files_that_change_disappear_or_move_on_the_disk_are_followed(editor: Editor, root: Path) -> None:
    listing = editor.open(root / "issues" / SLUG / "issue.yaml")
    editor.until_codes(listing)
    (root / "issues" / SLUG / "03-three.md").unlink()
    editor.until_codes(listing, "item-missing")
    write(root, SLUG, "03-three.md", item("第三条新闻", "", "tag: x\n"))
    editor.until_codes(uri(root, "03-three.md"), "empty-body", "unknown-key")
    (root / "issues" / SLUG).rename(root / "issues" / "2025-01-06-weekly")
    editor.until_codes(uri(root, "03-three.md"))
    editor.until_codes(listing)


def test_what_a_client_tells_of_files_is_heeded(editor: Editor, root: Path) -> None:
    listing = editor.open(root / "issues" / SLUG / "issue.yaml")
    editor.until_codes(listing)
    shutil.move(root / "issues" / SLUG / "03-three.md", root / "three.md")
    editor.tell("workspace/didChangeWatchedFiles", {"changes": [{"uri": uri(root, "03-three.md"), "type": 3}]})
    editor.until_codes(listing, "item-missing")


def test_a_story_that_another_open_issue_gets_or_loses_is_known(editor: Editor, root: Path) -> None:
    headline = "一条两期都有的新闻今天登出"
    one = editor.open(root / "issues" / SLUG / "01-one.md", item(headline, "正文。"))
    editor.until_codes(one)
    old = editor.open(root / "issues/2024-12-29-weekly/01-old.md", item(headline, "正文。"))
    editor.until_codes(one, "story-repeated")
    listing = editor.open(root / "issues/2024-12-29-weekly/issue.yaml", "title: [\n")
    editor.until_codes(one)  # `check` knows no stories of an issue that cannot be read
    editor.close(listing)
    editor.until_codes(one, "story-repeated")
    editor.change(old, 2, item("没有重复的另一条旧闻", "正文。"))
    editor.until_codes(one)


def test_config_is_judged_as_it_is_typed_and_the_last_good_one_holds(editor: Editor, root: Path) -> None:
    config = editor.open(root / "config.yaml")
    one = editor.open(root / "issues" / SLUG / "01-one.md", item("第一条新闻", "正文,正文。"))
    editor.until_codes(one, "half-width-punctuation")
    editor.change(config, 2, f"{CONFIG}checks:\n  levles: {{}}\n")
    editor.until_codes(config, "unknown-key")
    assert editor.codes(one) == ["half-width-punctuation"]
    editor.change(config, 3, f"{CONFIG}checks:\n  levels: {{half-width-punctuation: off}}\n")
    editor.until_codes(config)
    editor.until_codes(one)
    editor.close(config)
    editor.until_codes(one, "half-width-punctuation")


def test_broken_yaml_while_typing_is_a_finding_and_no_more(editor: Editor, root: Path) -> None:
    one = editor.open(root / "issues" / SLUG / "01-one.md")
    for version, matter in enumerate(
        ('headline: "一', "headline: [", "- : {", "headline: a: b", "\t", "? [a]: b", "a: \ud800"), 2
    ):
        editor.change(one, version, f"---\n{matter}\n---\n正文。\n")
        editor.until_version(one, version)
        for method in ("hover", "completion", "definition"):
            editor.at(method, one, 1, 2)
        editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": one}})
    editor.change(one, 9, item("第一条新闻", "正文。"))
    editor.until_codes(one)


def test_a_paste_of_a_megabyte_is_one_finding(editor: Editor, root: Path) -> None:
    one = editor.open(root / "issues" / SLUG / "01-one.md")
    start = {"line": 3, "character": 0}
    editor.change(one, 2, {"range": {"start": start, "end": start}, "text": "字,\u2028" * 170_000})
    editor.until_codes(one, "file-too-large")
    editor.change(one, 3, item("第一条新闻", "正文。"))
    editor.until_codes(one)


def test_lines_end_where_the_protocol_ends_them(editor: Editor, root: Path) -> None:
    one = editor.open(
        root / "issues" / SLUG / "01-one.md", item("第一条新闻", "甲\u2028乙\x0b丙\x85丁").replace("\n", "\r\n")
    )
    place = {"line": 3, "character": 0}
    editor.change(one, 2, {"range": {"start": place, "end": {"line": 3, "character": 7}}, "text": "正文,正文。"})
    editor.until_codes(one, "half-width-punctuation")
    assert editor.findings[one][0]["range"]["start"] == {"line": 3, "character": 2}


def test_addresses_with_spaces_and_han_are_files_and_others_are_nothing(editor: Editor, root: Path) -> None:
    moved = root / "我的 周报 #1"
    shutil.copytree(root / "issues", moved / "issues")
    shutil.copy(root / "config.yaml", moved)
    file = moved / "issues" / SLUG / "01-one.md"
    spelled = file.as_uri().replace("1/", "%31/")  # as another client might write it
    one = editor.open(spelled, item("第一条新闻", ""))
    editor.until_codes(one, "empty-body")
    for address in (
        "untitled:Untitled-1",
        "file:///C:/Users/x/issues/2025-01-05-weekly/01-one.md",
        "file:///c%3A/news/issues/a/issue.yaml",
        "git:/somewhere/issues/a/01.md",
        "file://server/share/issues/a/01.md",
        "file:///nowhere/at/all/01.md",
        "file:///%00/config.yaml",
        "http://[",
    ):
        editor.open(address, "---\nheadlin: x\n---\n")
        assert editor.at("completion", address, 1, 0)["items"] == []
        assert editor.at("hover", address, 1, 0) is None
        assert address not in editor.findings
    assert editor.codes(one) == ["empty-body"]


def test_a_rule_that_prints_does_not_break_the_frames(editor: Editor, root: Path) -> None:
    (root / "rules").mkdir()
    (root / "rules/loud.py").write_text(
        "import os\n\ndef loud(issue):\n    print('hello')\n    os.write(1, b'hello')\n    return []\nrules = [loud]\n"
    )
    (root / "config.yaml").write_text(f"{CONFIG}checks: {{rules: [rules/loud.py]}}\n", encoding="utf-8")
    one = editor.open(root / "issues" / SLUG / "01-one.md", item("第一条新闻", ""))
    editor.until_codes(one, "empty-body")


def test_a_client_that_ends_without_shutdown_is_told_so(tmp_path: Path) -> None:
    with Editor(tmp_path) as other:
        other.tell("exit", None)
        assert other.process.wait(30) == 1


def test_without_pygls_it_says_what_to_install(tmp_path: Path) -> None:
    missing = 'raise ModuleNotFoundError("No module named \'pygls\'", name="pygls")'
    (tmp_path / "pygls.py").write_text(missing)
    done = subprocess.run(
        [sys.executable, "-m", "publisher", "lsp", "--stdio"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        input=b"",
        capture_output=True,
        cwd=tmp_path,
    )
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"pip install 'newsletter-publisher[editor]'" in done.stderr


def test_a_config_that_was_never_good_is_reported_and_holds_nothing_up(editor: Editor, root: Path) -> None:
    (root / "config.yaml").write_text("newsletter: [\n", encoding="utf-8")
    one = editor.open(root / "issues" / SLUG / "01-one.md", item("第一条新闻", ""))
    config = (root / "config.yaml").as_uri()
    editor.until_codes(config, "yaml-syntax")
    assert editor.at("completion", one, 1, 0)["items"]
    assert editor.ask("textDocument/codeLens", {"textDocument": {"uri": one}}) == []
    assert one not in editor.findings
    editor.open(root / "config.yaml", CONFIG)
    editor.until_codes(config)
    editor.until_codes(one, "empty-body")


def test_a_key_is_judged_although_config_is_touched_meanwhile(editor: Editor, root: Path) -> None:
    one = editor.open(root / "issues" / SLUG / "01-one.md")
    editor.until_codes(one)
    config = {"changes": [{"uri": (root / "config.yaml").as_uri(), "type": 2}]}
    for version in range(2, 12):
        editor.change(one, version, item("第一条新闻", "" if version % 2 == 0 else "正文。"))
        editor.tell("workspace/didChangeWatchedFiles", config)
        editor.until_codes(one, *(["empty-body"] if version % 2 == 0 else []))


def test_the_nearest_config_above_a_file_makes_its_newsletter(editor: Editor, root: Path) -> None:
    inner = root / "issues" / SLUG / "archive"
    shutil.copytree(root / "issues/2024-12-29-weekly", inner / "issues/2024-12-29-weekly")
    (inner / "config.yaml").write_text(f"{CONFIG}checks: {{commentary: required}}\n", encoding="utf-8")
    old = editor.open(inner / "issues/2024-12-29-weekly/01-old.md")
    editor.until_codes(old, "commentary-missing")


def test_who_types_from_the_start_without_a_pause_is_told(editor: Editor, root: Path) -> None:
    one = editor.open(root / "issues" / SLUG / "01-one.md")
    version = 1
    while not any(editor.versions.get(one, ())):
        version += 1
        editor.change(one, version, item("第一条新闻", "字" * version))
        time.sleep(0.02)
        assert version < 500
    editor.until_version(one, version)


def test_a_file_of_faults_has_its_first_thousand_findings(editor: Editor, root: Path) -> None:
    one = editor.open(root / "issues" / SLUG / "01-one.md", item("第一条新闻", "字,字\n" * 1_500))
    editor.until(lambda seen: seen.findings.get(one), 120)
    assert len(editor.findings[one]) == 1_000
    assert "+ 500 more in 1 file; publisher check --all" in editor.findings[one][-1]["message"]
    place = {"start": {"line": 0, "character": 0}, "end": {"line": 2_000, "character": 0}}
    asked = {"textDocument": {"uri": one}, "range": place, "context": {"diagnostics": [], "only": ["quickfix"]}}
    [action] = editor.ask("textDocument/codeAction", asked)
    assert len(action["edit"]["changes"][one]) == 1_500
