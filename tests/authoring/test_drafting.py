"""Key points are drafted from the items alone, written without changing the rest of the file, and checked at once."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from publisher.authoring.draft import (
    LINE,
    SourceSentence,
    draft_headline,
    draft_key_points,
    pick,
    sentences,
    shortened,
    with_key_points,
)
from publisher.authoring.model import ask, points_of
from publisher.config import load_config
from publisher.config.model import Llm
from publisher.diagnostics.width import display_width
from publisher.documents.text import TextFile, decode
from publisher.errors import ServiceError, UsageError

SLUG = "2024-12-29-weekly"
ISSUE = """\
# the year's last
title: 一周 # short
date: 2024-12-29

tags: [a]   # one

# points follow
key_points:   # drafted
  points:
    - old

  generated_by: x

# the end
attribution: 'q'
"""
BODIES = {
    "a": "甲公司 12 月 26 日宣布融资 66 亿美元。它的估值达到 1570 亿美元。",
    "b": "乙公司正在建设一座万卡集群，投入 800 亿元。外界对此议论纷纷，甲公司也在其中。",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "config.yaml").write_text(
        "newsletter:\n  name: n\n  language: zh-CN\n  url: https://n.example/\n  from: n <n@n.example>\n"
    )
    folder = tmp_path / "issues" / SLUG
    folder.mkdir(parents=True)
    (folder / "issue.yaml").write_text(ISSUE)
    for name, body in BODIES.items():
        (folder / f"{name}.md").write_text(f"---\nheadline: 标题{name}\n---\n{body}\n")
    return tmp_path


class Model:
    """An OpenAI-shaped endpoint that answers from a list."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], Any]] = []
        self.asked: list[tuple[dict[str, Any], str | None]] = []
        model = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                model.asked.append((body, self.headers.get("authorization")))
                status, headers, answer = model.answers.pop(0)
                answer = answer(body["messages"][1]["content"]) if callable(answer) else answer
                data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    yield made
    made.server.shutdown()


def said(text: str) -> dict[str, Any]:
    return {"choices": [{"message": {"content": text}}]}


def test_points_are_picked_offline_one_an_item(root: Path) -> None:
    draft = draft_key_points(load_config(root), SLUG, count=2, replace=True)
    assert list(draft.texts) == [
        "甲公司 12 月 26 日宣布融资 66 亿美元。",
        "乙公司正在建设一座万卡集群，投入 800 亿元。",
    ]
    assert draft.by == "自动摘录"


def test_only_the_entrys_own_lines_change(root: Path) -> None:
    config = load_config(root)
    draft = draft_key_points(config, SLUG, replace=True)
    draft.write(config)
    text = (root / "issues" / SLUG / "issue.yaml").read_text()
    before, _, after = ISSUE.partition("key_points:   # drafted\n  points:\n    - old\n\n  generated_by: x\n")
    assert text.startswith(before)
    assert text.endswith(after)
    assert yaml.safe_load(text)["key_points"]["points"] == list(draft.texts)
    assert draft.doubts(config, SLUG) == []


def test_points_that_are_there_are_not_replaced_unasked(root: Path) -> None:
    with pytest.raises(UsageError, match="already"):
        draft_key_points(load_config(root), SLUG)


def test_windows_line_endings_stay(root: Path) -> None:
    path = root / "issues" / SLUG / "issue.yaml"
    path.write_bytes(ISSUE.replace("\n", "\r\n").encode())
    config = load_config(root)
    draft_key_points(config, SLUG, replace=True).write(config)
    content = path.read_bytes()
    assert content.count(b"\n") == content.count(b"\r\n") > 10


def test_a_model_drafts_and_an_invented_number_is_doubted_at_once(
    root: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_LLM_API_KEY", "secret-key")
    with (root / "config.yaml").open("a") as file:
        file.write(f"llm: {{url: '{model.url}', model: some-model}}\n")
    model.answers = [(200, {}, said('```json\n["融资 66 亿美元", "融资 99 亿美元 *大涨*"]\n```'))]
    config = load_config(root)
    draft = draft_key_points(config, SLUG, replace=True)
    assert draft.by == "some-model"
    assert draft.texts[1] == r"融资 99 亿美元 \*大涨\*"
    body, key = model.asked[0]
    assert key == "Bearer secret-key"
    assert "甲公司" in body["messages"][1]["content"]
    draft.write(config)
    assert [found.code for found in draft.doubts(config, SLUG)] == ["number-not-in-items"]


@pytest.mark.parametrize(
    ("status", "answer", "says"),
    [
        (401, {}, "PUBLISHER_LLM_API_KEY"),
        (404, {}, "llm.model"),
        (400, {"error": {"message": "too long"}}, "too long"),
        (200, {"nothing": 1}, "not a chat completion"),
        (200, b"<html>", "not a chat completion"),
        (200, {"choices": [{"message": {"content": "  "}}]}, "nothing"),
    ],
)
def test_a_refusal_is_reported_plainly_and_not_repeated(model: Model, status: int, answer: Any, says: str) -> None:
    model.answers = [(status, {}, answer)]
    with pytest.raises(ServiceError) as failed:
        ask(Llm(url=model.url, model="m"), "i", "m", sleep=lambda _: None)
    assert says in f"{failed.value.message} {failed.value.help}"
    assert len(model.asked) == 1


def test_trouble_is_tried_again_as_the_endpoint_asks(model: Model) -> None:
    waits: list[float] = []
    model.answers = [(429, {"retry-after": "7"}, {}), (503, {}, {}), (200, {}, said("- 一\n2. 二"))]
    answer = ask(Llm(url=model.url, model="m"), "i", "m", sleep=waits.append)
    assert points_of(answer) == ["一", "二"]
    assert waits == [7.0, 4.0]


def test_an_endpoint_that_is_not_there_is_one_message() -> None:
    with pytest.raises(ServiceError, match="did not answer"):
        ask(Llm(url="http://127.0.0.1:9/v1", model="m"), "i", "m", sleep=lambda _: None)


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1, max_size=4)
)
def test_any_point_survives_being_written(points: list[str]) -> None:
    wanted = [" ".join(point.split()) for point in points]
    if not all(wanted):
        return
    after = with_key_points(_file("title: t\ndate: 2024-12-29\nitems:\n  - a.md\n"), points, "m: #x")
    read = yaml.safe_load(after)
    assert read["key_points"] == {"points": wanted, "generated_by": "m: #x"}
    assert read["items"] == ["a.md"]


@pytest.mark.parametrize(
    "keys",
    [
        "tags: [\n  ai,\n  chips\n]\n",
        'authors: "Ann\nAuthor"\n',
        "cover: {image: images/a.png, alt: a\n}\n# for the desk\n",
        "intro: |\n  One.\n\n  Two.\n\n",
        "key_points: [\n  old\n]\n",
        "key_points:\n- old\n",
    ],
)
def test_points_are_put_beside_keys_however_these_are_written(keys: str) -> None:
    before = f"title: t\n{keys}date: 2024-12-29\n"
    after = with_key_points(_file(before), ["one"], None)
    assert yaml.safe_load(after) == {**yaml.safe_load(before), "key_points": ["one"]}
    assert ("# for the desk" in after) == ("# for the desk" in before)


@pytest.mark.parametrize("before", ["{title: t, date: 2024-12-29}\n", "{title: t, key_points: [old]}\n", "{}\n"])
def test_a_file_that_has_no_lines_for_its_keys_is_left_as_it_is(before: str) -> None:
    with pytest.raises(UsageError, match="no line can be put among the keys"):
        with_key_points(_file(before), ["one"], None)


def _file(text: str) -> TextFile:
    file, _ = decode("issue.yaml", text.encode())
    assert file is not None
    return file


ITEM = """\
---
# from the wire
headline:   'old one'   # to be mended
tags: [x]  # one
generated:
  body: {by: m0, grade: assisted}
---
甲公司 12 月 26 日宣布融资 66 亿美元。

::: commentary
好。
:::
"""


@pytest.fixture
def asked(root: Path, model: Model) -> Model:
    with (root / "config.yaml").open("a") as file:
        file.write(f"llm: {{url: '{model.url}', model: some-model}}\n")
    return model


def test_a_headline_goes_into_the_items_file_and_nothing_else_changes(root: Path, asked: Model) -> None:
    path = root / "issues" / SLUG / "a.md"
    path.write_bytes(("\ufeff" + ITEM.replace("\n", "\r\n")).encode())
    asked.answers = [(200, {}, said("“甲公司融资 99 亿美元：$(rm -rf ~) # 好”"))]
    config = load_config(root)
    draft = draft_headline(config, SLUG, "a", write=True)
    draft.write(config)
    headline = "甲公司融资 99 亿美元：$(rm -rf ~) # 好"
    wanted = ITEM.replace("'old one'", f"'{headline}'").replace("headline:   ", "headline: ")
    wanted = wanted.replace(
        "generated:\n  body: {by: m0, grade: assisted}\n",
        "generated: {body: {by: m0, grade: assisted}, headline: {by: some-model, grade: drafted}}\n",
    )
    assert path.read_bytes().decode() == "\ufeff" + wanted.replace("\n", "\r\n")
    assert [found.code for found in draft.doubts(config, SLUG)] == ["number-not-in-items"]
    assert "甲公司 12 月" in asked.asked[0][0]["messages"][1]["content"]


BODY = "短文在此，说了八个字。"


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("c.md", f"---\ntags: [x]\n---\n{BODY}\n", "---\nheadline: 新\nORIGIN\ntags: [x]\n---\n"),
        ("c.md", f"---\nheadline: >\n  a\n  b\n\n# c\n---\n{BODY}\n", "---\nheadline: 新\nORIGIN\n\n# c\n---\n"),
        ("c.yaml", f"body: {BODY}\nheadline: # yet\n", f"body: {BODY}\nheadline: 新 # yet\nORIGIN\n"),
        (
            "c.yaml",
            f"headline: x\ngenerated: {{by: m0}}\nbody: {BODY}\n",
            "headline: 新\ngenerated: {body: {by: m0}, headline: {by: some-model, grade: drafted}}\nbody: ",
        ),
    ],
)
def test_a_headline_finds_its_place_in_any_item(root: Path, asked: Model, name: str, before: str, after: str) -> None:
    (root / "issues" / SLUG / name).write_text(before)
    asked.answers = [(200, {}, said("新"))]
    draft = draft_headline(load_config(root), SLUG, name, write=True)
    assert draft.after.startswith(after.replace("ORIGIN", "generated: {headline: {by: some-model, grade: drafted}}"))


@pytest.mark.parametrize(
    "answer", ["---\nheadline: x\nstatus: ready\n---\nbody", "```\n```", "x" * 201, "one\ntwo", "\x1b\u202e"]
)
def test_an_answer_that_is_no_line_is_no_headline(root: Path, asked: Model, answer: str) -> None:
    before = (root / "issues" / SLUG / "a.md").read_bytes()
    asked.answers = [(200, {}, said(answer))]
    with pytest.raises(ServiceError, match="not a headline"):
        draft_headline(load_config(root), SLUG, "a.md", write=True)
    assert (root / "issues" / SLUG / "a.md").read_bytes() == before


def test_a_headline_needs_a_model_and_an_item(root: Path, model: Model) -> None:
    with pytest.raises(UsageError, match="needs a model"):
        draft_headline(load_config(root), SLUG, "a.md", write=False)
    with (root / "config.yaml").open("a") as file:
        file.write(f"llm: {{url: '{model.url}', model: m}}\n")
    with pytest.raises(UsageError, match=r"no item \.\./\.\./config\.yaml") as refused:
        draft_headline(load_config(root), SLUG, "../../config.yaml", write=True)
    assert refused.value.help == "use one of a, b"
    assert model.asked == []


def test_an_answer_without_end_is_cut_off(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    model.answers = [(200, {}, b"x" * 1_000_001)]
    with pytest.raises(ServiceError, match="larger"):
        ask(Llm(url=model.url, model="m"), "i", "m", sleep=lambda _: None)
    monkeypatch.setattr("publisher.authoring.model.SECONDS", -1.0)
    model.answers = [(200, {}, said("late"))] * 3
    with pytest.raises(ServiceError, match="ReadTimeout"):
        ask(Llm(url=model.url, model="m"), "i", "m", sleep=lambda _: None)


def test_no_message_repeats_the_key(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLISHER_LLM_API_KEY", "sk-secret")
    model.answers = [(400, {}, {"error": {"message": "no sk-secret here"}})]
    with pytest.raises(ServiceError, match="no … here"):
        ask(Llm(url=model.url, model="m"), "i", "m", sleep=lambda _: None)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"])).map(lambda text: text * 20))
def test_no_point_is_longer_than_a_line(text: str) -> None:
    assert display_width(shortened(text)) <= LINE


@pytest.mark.parametrize(
    ("sentence", "point"),
    [
        ("甲公司本月下旬宣布了融资，它的估值也随之大幅上升，" + "外界议论" * 14 + "，此事未了。", None),
        ("The board weighs " + "one thing, and another, " * 6 + "in the end.", None),
        ("估" * 61 + "。", "估" * 59 + "…"),
        ("x " * 61, "x " * 59 + "x…"),
    ],
)
def test_a_long_sentence_ends_at_a_clause_or_a_word(sentence: str, point: str | None) -> None:
    short = shortened(sentence)
    assert short == point if point else sentence.startswith(short[:-1]) and short[-1] in "。." and short != sentence


@pytest.mark.parametrize("language", ["zh", "en"])
def test_offline_points_cover_the_lead_stories_and_no_sponsor(root: Path, language: str) -> None:
    folder = root / "issues" / SLUG
    for path in folder.glob("*.md"):
        path.unlink()
    long = {
        "zh": "公司{}宣布了一件大事，" + "大家都在谈论，" * 12 + "此事未了。",
        "en": "Company {} did it, " + "as is said, " * 15 + "today.",
    }
    for number in range(1, 10):
        body = (
            long[language].format(number)
            if number < 4
            else f"Everybody talks of what company {number} did, and talks on."
        )
        sponsored = "sponsored: true\n" if number == 1 else ""
        (folder / f"{number}.md").write_text(f"---\nheadline: h\n{sponsored}---\n{body}\n")
    (folder / "3.md").write_text("---\nheadline: company 3\n---\nNo.\n")
    points = draft_key_points(load_config(root), SLUG, count=12, replace=True).texts
    assert len(points) == 7
    assert [re.search("[0-9]", point)[0] for point in points[:3]] == ["2", "3", "4"]  # type: ignore[index]
    assert all(display_width(point) <= LINE and "\n" not in point for point in points)


def test_no_sentence_is_no_crash() -> None:
    assert pick([], 3) == []
    assert sentences("", 0) == []
    assert pick([SourceSentence("只有一句话说了这么多事情。", 0)], 3) == [
        SourceSentence("只有一句话说了这么多事情。", 0)
    ]
