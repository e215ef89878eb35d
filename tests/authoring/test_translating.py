"""A translation changes words only, rejects an answer that changes more, and overwrites nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from PIL import Image

from publisher.authoring.model import ask
from publisher.authoring.translate import draft_translation
from publisher.checks.engine import check_issue
from publisher.config import Config, load_config
from publisher.errors import ServiceError, UsageError
from tests.authoring.test_drafting import Model, said
from tests.cli.test_refusals import run

SLUG = "2024-12-29-weekly"
ISSUE = """\
# yaml-language-server: $schema=../../schema/issue.json
title: 一周要闻
date: 2024-12-29
number: 52
language: zh-CN
status: ready
tags: [算力]
cover: {image: images/cover.png, alt: 一枚芯片}
intro: |
  照例把一周的事摆上桌面。

  **两条**。
key_points: [甲公司融资 66 亿美元。]
items:
  - b.md
  - a.yaml
  - headline: 丙公司考虑研发一款自己的机器人
    body: 丙公司考虑研发一款自己的人形机器人，此前它投资了两家同行，又重启了四年前解散的团队。
"""
BODY = """\
甲公司 12 月 26 日[宣布](https://a.example/news)融资 **66 亿**美元，它的估值也随之达到了新高。

- 一
- 二

![图](images/cover.png)"""
MATTER = "---\nheadline: 甲公司融资\nsection: 资本\ntags: [算力]\n---\n"
ITEM = f"{MATTER}{BODY}\n\n::: commentary\n点评在此，说得不多。\n:::\n"
ENGLISH = """\
On 26 December company A [announced](https://a.example/news) a round of **$6.6 billion**, which is a new high.

- one
- two

![A picture](images/cover.png)"""
WORDS = {"算力": "compute", "资本": "Capital", "甲公司融资": "A raises money", BODY: ENGLISH}


@pytest.fixture
def config(tmp_path: Path, model: Model) -> Config:
    (tmp_path / "config.yaml").write_text(
        "newsletter:\n  name: n\n  language: zh-CN\n  url: https://n.example/\n  from: n <n@n.example>\n"
        f"llm: {{url: '{model.url}', model: some-model}}\n"
    )
    folder = tmp_path / "issues" / SLUG
    (folder / "images").mkdir(parents=True)
    Image.new("RGB", (640, 360)).save(folder / "images" / "cover.png")
    (folder / "issue.yaml").write_text(ISSUE)
    (folder / "b.md").write_text(ITEM)
    (folder / "a.yaml").write_text(
        "headline: 乙公司建万卡集群\nbody: |\n  乙公司正在建设一座万卡集群，投入 800 亿元，外界对此议论纷纷。\n"
    )
    return load_config(tmp_path)


@pytest.fixture
def model() -> Iterator[Model]:
    made = Model()
    yield made
    made.server.shutdown()


def english(question: str) -> dict[str, Any]:
    """A translation of every value: from the table, else its structure with other words."""
    return said("```json\n" + json.dumps({key: _english(text) for key, text in json.loads(question).items()}) + "\n```")


def _english(text: str) -> str:
    if text in WORDS:
        return WORDS[text]
    return "\n\n".join(f"Some words of another language, {len(part)} of them." for part in text.strip().split("\n\n"))


def test_a_sibling_says_what_its_original_says(config: Config, model: Model) -> None:
    model.answers = [(200, {}, english)] * 4
    drafted = draft_translation(config, SLUG, "en")
    assert (drafted.made.slug, drafted.left) == (f"{SLUG}-en", {})
    folder = config.root / "issues" / f"{SLUG}-en"
    issue = (folder / "issue.yaml").read_text()
    assert issue.startswith(
        "# yaml-language-server: $schema=../../schema/issue.json\n"
        "title: Some words of another language, 4 of them.\ndate: 2024-12-29\nlanguage: en\nstatus: draft\n"
        f"translation_of: {SLUG}\ngenerated:\n  intro:\n    by: some-model\n    grade: translated\n  key_points:\n"
    )
    read = yaml.safe_load(issue)
    assert (read["number"], read["tags"], read["cover"]["image"]) == (52, ["compute"], "images/cover.png")
    assert read["items"][:2] == ["b.md", "a.yaml"]
    assert read["items"][2]["generated"] == {"by": "some-model", "grade": "translated"}
    assert (folder / "b.md").read_text() == (
        "---\nheadline: A raises money\nsection: Capital\ntags:\n- compute\n"
        f"generated:\n  by: some-model\n  grade: translated\n---\n{WORDS[BODY]}\n\n"
        "::: commentary\nSome words of another language, 10 of them.\n:::\n"
    )
    assert yaml.safe_load((folder / "a.yaml").read_text())["generated"]["grade"] == "translated"
    assert (folder / "images" / "cover.png").read_bytes()[:4] == b"\x89PNG"
    codes = {one.code for one in check_issue(config, drafted.made.slug)[1]}
    assert {"untranslated", "sibling-items", "sibling-links", "sibling-pictures"}.isdisjoint(codes)
    assert "sibling-numbers" in codes  # the stub leaves out what a.yaml counts


def changed(key: str, change: Callable[[str], str]) -> Callable[[str], dict[str, Any]]:
    def answer(question: str) -> dict[str, Any]:
        asked = json.loads(question)
        return said(
            json.dumps(
                {name: change(_english(text)) if name == key else _english(text) for name, text in asked.items()}
            )
        )

    return answer


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (changed("body", lambda text: text.replace("a.example", "evil.example")), "links"),
        (changed("body", lambda text: text + "\n\n[more](https://evil.example/)"), "paragraphs"),
        (changed("body", lambda text: text + "\n\n[x]: https://evil.example/"), "links"),
        (changed("body", lambda text: text + " <script>alert(1)</script>"), "HTML"),
        (changed("body", lambda text: f"---\nstatus: ready\n---\n{text}"), "paragraphs"),
        (changed("body", lambda text: f"{text}\n::: commentary\nx\n:::"), "paragraphs"),
        (changed("body", lambda text: text + "{{ subscriber.email }}"), "paragraphs"),
        (changed("headline", lambda _: "x" * 10_000), "too long"),
        (changed("headline", lambda _: "a\x1b[2Jb"), "reader"),
        (changed("headline", lambda _: ""), "lacks headline"),
        (said('{"headline": "A raises mo'), "cut off"),
        (said("[" * 100_000), "cut off"),
        (said('["x"]'), "not JSON"),
    ],
)
def test_an_answer_that_changes_more_than_words_leaves_the_original(
    config: Config, model: Model, answer: Any, why: str
) -> None:
    model.answers = [(200, {}, english), (200, {}, english), (200, {}, answer), (200, {}, english)]
    drafted = draft_translation(config, SLUG, "en")
    assert why in drafted.left["b.md"]
    text = (config.root / "issues" / f"{SLUG}-en" / "b.md").read_text()
    assert text == ITEM.replace("---\n", f"---\n# not translated: {drafted.left['b.md']}\n", 1)
    found = [one for one in check_issue(config, drafted.made.slug)[1] if one.code == "untranslated"]
    assert [one.path for one in found] == [f"issues/{SLUG}-en/b.md"]


def test_front_matter_and_shell_in_a_headline_are_words(config: Config, model: Model) -> None:
    shell = "x\n---\nstatus: ready # $(touch /tmp/x) `id`"
    model.answers = [
        (200, {}, english),
        (200, {}, english),
        (200, {}, changed("headline", lambda _: shell)),
        (200, {}, english),
    ]
    draft_translation(config, SLUG, "en")
    matter = (config.root / "issues" / f"{SLUG}-en" / "b.md").read_text().split("---\n")[1]
    assert yaml.safe_load(matter)["headline"] == "x --- status: ready # $(touch /tmp/x) `id`"
    assert "status" not in yaml.safe_load(matter)


def test_an_endpoint_that_fails_is_reported_and_asked_no_more(config: Config, model: Model) -> None:
    model.answers = [(401, {}, {})]
    with pytest.raises(ServiceError, match="401"):
        draft_translation(config, SLUG, "en")
    assert not (config.root / "issues" / f"{SLUG}-en").exists()
    model.answers = [
        (200, {}, english),
        (200, {}, english),
        (403, {}, {}),
        (400, {}, {"error": {"message": "a\nb: c"}}),
    ]
    drafted = draft_translation(config, SLUG, "en")
    assert drafted.left == {
        "b.md": "the model's endpoint refuses us (403)", "item 3": "the model's endpoint answers 400: a b: c",
    }  # fmt: skip
    assert len(model.asked) == 5


def test_an_item_whose_answer_does_not_come_stays_and_the_others_go_on(
    config: Config, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("publisher.authoring.model.TIMEOUT", httpx.Timeout(5.0, read=0.5))

    def late(_: str) -> dict[str, Any]:
        time.sleep(0.7)
        return said("{}")

    busy = (429, {"retry-after": "0"}, {})
    model.answers = [(200, {}, english), busy, busy, busy, (200, {}, english), (200, {}, late)]
    asked = ask

    def once(*given: Any) -> str:
        monkeypatch.setattr("publisher.authoring.model.TRIES", 1 if len(model.answers) == 1 else 3)
        return asked(*given)

    monkeypatch.setattr("publisher.authoring.translate.ask", once)
    drafted = draft_translation(config, SLUG, "en")
    assert drafted.left == {
        "a.yaml": "the model's endpoint asks us to wait (429)",
        "item 3": "the model's endpoint did not answer (ReadTimeout)",
    }
    text = (config.root / "issues" / f"{SLUG}-en" / "a.yaml").read_text()
    assert text.startswith("# not translated: the model's endpoint asks us to wait (429)\nheadline: 乙公司")


def test_the_command_reports_what_it_left_and_no_key(
    config: Config, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PUBLISHER_LLM_API_KEY", "sk-secret")
    model.answers = [(200, {}, english), (200, {}, said("\x1b[2J sk-secret")), (200, {}, english), (200, {}, english)]
    ran = run(config.root, "draft", "translation", SLUG, "en")
    assert ran.returncode == 1
    assert ran.stdout.splitlines()[0].endswith(f"issues/{SLUG}-en/issue.yaml")
    assert "a.yaml is not translated: the answer is not JSON" in ran.stderr
    assert "[untranslated]" in ran.stderr
    assert "sk-secret" not in ran.stdout + ran.stderr
    assert {key for _, key in model.asked} == {"Bearer sk-secret"}
    assert not any(b"sk-secret" in path.read_bytes() for path in config.root.rglob("*") if path.is_file())
    model.answers = [(200, {}, said("甲公司融资"))]
    ran = run(config.root, "draft", "headline", f"issues/{SLUG}", "b.md", "--write")
    assert (ran.returncode, ran.stdout) == (0, "甲公司融资\n")
    assert "b.md: a headline by some-model" in ran.stderr


def test_nothing_is_written_where_no_answer_can_be_used(config: Config, model: Model) -> None:
    model.answers = [(200, {}, said("no"))] * 4
    with pytest.raises(ServiceError, match="no answer"):
        draft_translation(config, SLUG, "en")
    assert not (config.root / "issues" / f"{SLUG}-en").exists()


@pytest.mark.parametrize(
    ("language", "slug", "why"),
    [
        ("zh-cn", None, "is in zh-CN already"),
        ("../x", None, "is not a language tag"),
        ("en", "../../x", "cannot be a slug"),
        ("en", SLUG, "exists already"),
    ],
)
def test_what_cannot_be_translated_is_refused_unasked(
    config: Config, model: Model, language: str, slug: str | None, why: str
) -> None:
    with pytest.raises(UsageError, match=why):
        draft_translation(config, SLUG, language, slug)
    assert model.asked == []


def test_offline_there_is_no_translation(config: Config, model: Model) -> None:
    path = config.root / "config.yaml"
    path.write_text(path.read_text().partition("llm:")[0])
    with pytest.raises(UsageError, match="needs a model"):
        draft_translation(load_config(config.root), SLUG, "en")
    assert model.asked == []
