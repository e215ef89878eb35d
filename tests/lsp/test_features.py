"""What an editor may ask: completion, explanations, fixes, places, outline, names, length."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from publisher.diagnostics.catalogue import pages
from tests.lsp.client import Editor
from tests.lsp.conftest import CONFIG, SLUG, item, write

LISTING = "title: 本期周报\ndate: 2025-01-05\nitems:\n  - ./01-one.md\n  - 02-two.md\n  - 03-three.md\n"


def labels(editor: Editor, uri: str, line: int, character: int) -> list[str]:
    return [one["label"] for one in editor.at("completion", uri, line, character)["items"]]


def applied(text: str, edits: list[dict[str, Any]]) -> str:
    """The text after edits, as an editor applies them (UTF-16)."""
    lines = text.split("\n")

    def offset(place: dict[str, int]) -> int:
        before = lines[place["line"]].encode("utf-16-le")[: place["character"] * 2].decode("utf-16-le")
        return sum(len(line) + 1 for line in lines[: place["line"]]) + len(before)

    for edit in sorted(edits, key=lambda one: -offset(one["range"]["start"])):
        start, end = offset(edit["range"]["start"]), offset(edit["range"]["end"])
        text = text[:start] + edit["newText"] + text[end:]
    return text


def test_the_server_says_what_it_can(editor: Editor) -> None:
    assert editor.capabilities["positionEncoding"] == "utf-16"
    assert editor.capabilities["textDocumentSync"]["change"] == 2
    assert editor.capabilities["renameProvider"] == {"prepareProvider": True}
    assert editor.capabilities["codeActionProvider"]["codeActionKinds"] == ["quickfix", "source.fixAll.publisher"]
    assert editor.capabilities["workspace"]["fileOperations"]["willRename"]["filters"]
    for name in ("completion", "hover", "definition", "documentSymbol", "codeLens"):
        assert editor.capabilities[f"{name}Provider"]


@pytest.mark.parametrize(
    ("name", "text", "there", "not_there"),
    [
        (
            "01-one.md",
            "---\nheadline: 一\n|\n---\n正文\n",
            {"source", "image", "tags", "section"},
            {"headline", "title"},
        ),
        ("01-one.md", "---\nheadline: 一\nse|\n---\n正文\n", {"section"}, set()),
        ("01-one.md", "---\nheadline: 一\nimage:\n  image: a.png\n  |\n---\n", {"alt", "caption", "credit"}, {"image"}),
        ("01-one.md", "---\nimage: {image: a.png, |}\n---\n", {"alt", "caption"}, {"image", "headline"}),
        ("01-one.md", "---\nsource:\n  - name: A\n    |\n---\n", {"url"}, {"name", "headline"}),
        ("01-one.md", "---\ntags: [ai, |]\n---\n", {"芯片"}, {"headline"}),
        ("01-one.md", "---\ntags:\n  - |\n---\n", {"芯片"}, {"headline"}),
        ("01-one.md", "---\nsection: |\n---\n", {"要闻"}, {"headline"}),
        ("01-one.md", "---\nkind: |\n---\n", {"story", "quote", "picture"}, set()),
        ("01-one.md", "---\nimage: {image: |}\n---\n", {"images/a b.png"}, set()),
        ("01-one.md", "---\nheadline: 一\n---\n![图](|", {"images/a b.png"}, {"headline"}),
        ("01-one.md", "---\nheadline: 一\n---\n见[第二条](#|", {"two", "three"}, {"headline"}),
        ("01-one.md", "---\nheadline: 一\n---\n正文\n\n::: |", {"commentary", "callout"}, {"headline"}),
        ("issue.yaml", "title: 一\n|\n", {"date", "status", "key_points", "items"}, {"title", "headline"}),
        ("issue.yaml", "title: 一\nstatus: |\n", {"draft", "ready"}, set()),
        ("issue.yaml", "title: 一\nlanguage: |\n", {"zh-CN", "en", "ja"}, set()),
        ("issue.yaml", "authors: [|]\n", {"编辑部"}, set()),
        ("issue.yaml", "date: |\n", {"2025-01-05"}, set()),
        ("issue.yaml", "items:\n- |\n", {"01-one.md", "02-two.md"}, {"title"}),
        ("issue.yaml", "items:\n- headline: 一\n  |\n", {"body", "commentary"}, {"headline", "title"}),
        ("issue.yaml", "key_points:\n  |\n", {"points", "generated_by"}, {"title"}),
        ("issue.yaml", 'title: "一\nstatus: |\n', {"draft", "ready"}, set()),
    ],
)
def test_completion_knows_where_the_cursor_stands(
    editor: Editor, root: Path, name: str, text: str, there: set[str], not_there: set[str]
) -> None:
    before, _, after = text.partition("|")
    uri = editor.open(root / "issues" / SLUG / name, before + after)
    editor.until(lambda seen: uri in seen.findings)  # the archive has been read
    found = labels(editor, uri, before.count("\n"), len(before.rpartition("\n")[2]))
    assert there <= {*found}
    assert not_there.isdisjoint(found)
    assert len(found) == len({*found})


@pytest.mark.parametrize(
    ("name", "text", "there", "not_there"),
    [
        ("01-hello.md", "---\ntitle: 一\n\n---\n正文\n", {"after", "subject", "audience"}, {"title", "date", "items"}),
        ("02-tips/issue.yaml", "title: 一\n\n", {"after", "intro", "items"}, {"title", "date", "translation_of"}),
        ("02-tips/01-one.md", "---\nheadline: 一\n\n---\n正文\n", {"source", "kind"}, {"after", "headline"}),
        ("notes.yaml", "title: 一\n\n", set(), {"after", "date", "headline"}),
    ],
)
def test_completion_knows_the_keys_of_steps(
    editor: Editor, root: Path, name: str, text: str, there: set[str], not_there: set[str]
) -> None:
    file = root / "series/welcome" / name
    file.parent.mkdir(parents=True)
    uri = editor.open(file, text)
    found = labels(editor, uri, text.split("\n").index("", 1), 0)
    assert there <= {*found}
    assert not_there.isdisjoint(found)


def test_completion_of_config_goes_by_its_schema(editor: Editor, root: Path) -> None:
    for text, wanted in (
        ("|", "newsletter"),
        ("delivery:\n  transport: |", "folder"),
        ("newsletter:\n  timezone: |", "Asia/Shanghai"),
        ("theme:\n  name: |", "paper"),
        ("checks:\n  levels: {x: |}", "warning"),
    ):
        before = text.partition("|")[0]
        uri = editor.open(root / "config.yaml", text.replace("|", ""))
        assert wanted in labels(editor, uri, before.count("\n"), len(before.rpartition("\n")[2]))
    editor.close(uri)


def test_a_completion_replaces_what_was_written_of_it_and_quotes_where_it_must(editor: Editor, root: Path) -> None:
    write(root, "2024-12-29-weekly", "issue.yaml", 'title: 上期\ndate: 2024-12-29\ntags: ["C: 语言", 芯片]\n')
    uri = editor.open(root / "issues" / SLUG / "01-one.md", "---\ntags: [𠮷, 芯]\n---\n正文\n")
    editor.until(lambda seen: uri in seen.findings)
    offered = {one["label"]: one["textEdit"] for one in editor.at("completion", uri, 1, 12)["items"]}
    chosen = offered["芯片"]
    assert chosen["range"] == {"start": {"line": 1, "character": 11}, "end": {"line": 1, "character": 12}}
    assert chosen["newText"] == "芯片"
    assert offered["C: 语言"]["newText"] == '"C: 语言"'


def test_hover_explains_a_finding_and_a_key(editor: Editor, root: Path) -> None:
    uri = editor.open(root / "issues" / SLUG / "01-one.md", item("第一条新闻", "正文。", "tag: x\nimage: {alt: 一}\n"))
    editor.until(lambda seen: "unknown-key" in seen.codes(uri))
    shown = editor.at("hover", uri, 2, 1)
    assert shown["contents"]["value"].startswith("### unknown-key\n")
    assert pages()["unknown-key"].partition("\n")[0] in shown["contents"]["value"]
    assert shown["range"] == {"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 3}}
    assert "The story in one line" in editor.at("hover", uri, 1, 3)["contents"]["value"]
    assert editor.at("hover", uri, 5, 0) is None  # prose
    listing = editor.open(root / "issues" / SLUG / "issue.yaml", LISTING + "key_points:\n  generated_by: 模型\n")
    assert "drafted the points" in editor.at("hover", listing, 7, 5)["contents"]["value"]
    config = editor.open(root / "config.yaml", CONFIG)
    assert "postal" in editor.at("hover", config, 6, 4)["contents"]["value"]
    editor.close(config)


def test_quick_fixes_do_what_fix_does(editor: Editor, root: Path) -> None:
    text = item("第一条新闻", "𠮷正文,又,一。。[这篇](https://a.example.org/x?utm_source=y)")
    uri = editor.open(root / "issues" / SLUG / "01-one.md", text)
    editor.until(lambda seen: "half-width-punctuation" in seen.codes(uri))

    def actions(line: int, only: list[str] | None = None) -> list[dict[str, Any]]:
        place = {"line": line, "character": 0}
        whole = {"start": place, "end": {"line": line, "character": 99}}
        context = {"diagnostics": []} | ({"only": only} if only else {})
        return editor.ask("textDocument/codeAction", {"textDocument": {"uri": uri}, "range": whole, "context": context})

    every = actions(3)
    commas = next(one for one in every if one["diagnostics"][0]["code"] == "half-width-punctuation")
    assert len(commas["diagnostics"]) == 2  # all of a file or none
    assert applied(text, commas["edit"]["changes"][uri]) == text.replace(",", "，")
    [whole] = actions(3, ["source.fixAll"])
    assert whole["kind"] == "source.fixAll.publisher"
    mended = text.replace(",", "，").replace("。。", "。").replace("?utm_source=y", "")
    assert applied(text, whole["edit"]["changes"][uri]) == mended
    assert actions(1, ["quickfix"]) == []
    editor.change(uri, 2, mended)
    assert actions(3) == []


def test_fixes_keep_the_line_ends_of_the_text(editor: Editor, root: Path) -> None:
    text = item("第一条新闻", "甲。\n乙,丙。\n\n点评：很好。").replace("\n", "\r\n")
    uri = editor.open(root / "issues" / SLUG / "01-one.md", text)
    editor.until(lambda seen: len(seen.codes(uri)) == 2)
    ask = {
        "textDocument": {"uri": uri},
        "range": {"start": {"line": 0, "character": 0}, "end": {"line": 0, "character": 0}},
    }
    [whole] = editor.ask("textDocument/codeAction", {**ask, "context": {"diagnostics": []}})
    after = applied(text.replace("\r\n", "\r\n"), whole["edit"]["changes"][uri])
    assert after == text.replace(",", "，").replace("点评：很好。", "::: commentary\r\n很好。\r\n:::")


@pytest.mark.parametrize(
    ("name", "line", "character", "target", "found_line"),
    [
        ("issue.yaml", 4, 7, "02-two.md", 0),
        ("issue.yaml", 3, 10, "01-one.md", 0),
        ("02-two.md", 2, 20, "images/a%20b.png", 0),
        ("01-one.md", 3, 10, "02-two.md", 1),
        ("03-three.md", 3, 6, "images/a%20b.png", 0),
    ],
)
def test_definitions_lead_to_files_pictures_and_items(
    editor: Editor, root: Path, name: str, line: int, character: int, target: str, found_line: int
) -> None:
    write(root, SLUG, "issue.yaml", LISTING)
    write(root, SLUG, "03-three.md", item("第三条新闻", "见![图](images/a%20b.png)。"))
    uri = editor.open(root / "issues" / SLUG / name)
    editor.until(lambda seen: uri in seen.findings)
    place = editor.at("definition", uri, line, character)
    assert place["uri"] == f"{(root / 'issues' / SLUG).as_uri()}/{target}"
    assert place["range"]["start"]["line"] == found_line


def test_nothing_leads_out_of_the_repository(editor: Editor, root: Path) -> None:
    text = "title: 一\nitems:\n  - ../../config.yaml\n  - nowhere.md\n"
    uri = editor.open(root / "issues" / SLUG / "issue.yaml", text)
    assert editor.at("definition", uri, 2, 8) is None
    assert editor.at("definition", uri, 3, 8) is None
    assert editor.at("definition", uri, 0, 2) is None


def test_the_outline_is_that_of_the_file(editor: Editor, root: Path) -> None:
    def names(uri: str) -> Any:
        def of(symbols: list[dict[str, Any]]) -> Any:
            return [(one["name"], of(one["children"])) if one.get("children") else one["name"] for one in symbols]

        return of(editor.ask("textDocument/documentSymbol", {"textDocument": {"uri": uri}}))

    body = "正文。\n\n::: commentary\n点评。\n:::"
    one = editor.open(root / "issues" / SLUG / "01-one.md", item("第一条新闻", body, "source: {name: 甲}\n"))
    assert names(one) == [("第一条新闻", ["headline", ("source", ["name"]), "body", "commentary"])]
    text = "title: 一\nitems:\n  - 02-two.md\n  - headline: 甲\n    body: 乙\n"
    listing = editor.open(root / "issues" / SLUG / "issue.yaml", text)
    assert names(listing) == ["title", ("items", ["02-two.md", ("甲", ["headline", "body"])])]
    editor.change(listing, 2, 'title: "一\nitems:\n  - x\n')
    assert names(listing) == ["title", "items"]


def test_an_item_file_is_renamed_with_what_refers_to_it(editor: Editor, root: Path) -> None:
    listing = editor.open(root / "issues" / SLUG / "issue.yaml", LISTING)
    assert editor.at("prepareRename", listing, 4, 6) == {
        "range": {"start": {"line": 4, "character": 4}, "end": {"line": 4, "character": 13}},
        "placeholder": "02-two.md",
    }
    assert editor.at("prepareRename", listing, 0, 2) is None
    changes = editor.at("rename", listing, 4, 6, newName="02-zwei.md")["documentChanges"]
    folder = (root / "issues" / SLUG).as_uri()
    assert changes[-1] == {"kind": "rename", "oldUri": f"{folder}/02-two.md", "newUri": f"{folder}/02-zwei.md"}
    edits = {change["textDocument"]["uri"]: change["edits"] for change in changes[:-1]}
    assert applied(LISTING, edits[listing]) == LISTING.replace("02-two.md", "02-zwei.md")
    one = (root / "issues" / SLUG / "01-one.md").read_text(encoding="utf-8")
    assert applied(one, edits[f"{folder}/01-one.md"]) == one.replace("(#two)", "(#zwei)")
    for wrong in ("../x.md", "x.txt", "issue.yaml", "03-three.md", ""):
        place = {"line": 4, "character": 6}
        asked = {"textDocument": {"uri": listing}, "position": place, "newName": wrong}
        assert "error" in editor.answer(editor.request("textDocument/rename", asked))


@pytest.mark.parametrize("mark", ["", "'", '"'])
def test_a_new_name_is_quoted_where_yaml_asks_for_it(editor: Editor, root: Path, mark: str) -> None:
    text = LISTING.replace("02-two.md", f"{mark}./02-two.md{mark}")
    listing = editor.open(root / "issues" / SLUG / "issue.yaml", text)
    for name in ("a #1.md", 'it\'s: "a".md', "二 #.md", "1.md"):
        changes = editor.at("rename", listing, 4, 8, newName=name)["documentChanges"]
        (edits,) = [one["edits"] for one in changes[:-1] if one["textDocument"]["uri"] == listing]
        assert f"./{name}" in yaml.safe_load(applied(text, edits))["items"]


def test_a_file_that_the_editor_renames_takes_its_references_along(editor: Editor, root: Path) -> None:
    write(root, SLUG, "issue.yaml", LISTING)
    folder = (root / "issues" / SLUG).as_uri()
    editor.open(root / "issues" / SLUG / "03-three.md")
    renamed = {"oldUri": f"{folder}/01-one.md", "newUri": f"{folder}/01-eins.md"}
    answer = editor.ask("workspace/willRenameFiles", {"files": [renamed]})
    assert applied(LISTING, answer["changes"][f"{folder}/issue.yaml"]) == LISTING.replace("01-one.md", "01-eins.md")
    away = {"oldUri": f"{folder}/01-one.md", "newUri": (root / "elsewhere.md").as_uri()}
    assert editor.ask("workspace/willRenameFiles", {"files": [away]}) is None


def test_the_lens_tells_length_minutes_and_bytes(editor: Editor, root: Path) -> None:
    uri = editor.open(root / "issues" / SLUG / "01-one.md")
    [lens] = editor.ask("textDocument/codeLens", {"textDocument": {"uri": uri}})
    assert lens["range"]["start"]["line"] == 0
    title = lens["command"]["title"]
    assert title.startswith("全文31字,阅读约需1分钟 · ")
    assert title.endswith(" bytes of mail")
    editor.change(uri, 2, item("第一条新闻", "正文更长了见[第二条](#two)。"))
    [longer] = editor.ask("textDocument/codeLens", {"textDocument": {"uri": uri}})
    assert longer["command"]["title"].startswith("全文34字")


def test_a_question_can_be_taken_back(editor: Editor, root: Path) -> None:
    uri = editor.open(root / "issues" / SLUG / "01-one.md")
    asked = editor.request("textDocument/codeLens", {"textDocument": {"uri": uri}})
    editor.tell("$/cancelRequest", {"id": asked})
    answer = editor.answer(asked)
    assert answer.get("error", {"code": -32800})["code"] == -32800
    editor.until_codes(uri)
