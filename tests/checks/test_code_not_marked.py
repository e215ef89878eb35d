"""Code in prose, in a text that is full of it."""

from __future__ import annotations

from pathlib import Path
from time import process_time

from publisher.checks.context import Context
from publisher.checks.rules.signs import check
from publisher.config import load_config
from publisher.issue.load import read_issue

from .corpus import SOUND


def _seconds(root: Path, names: int) -> float:
    for path, text in {
        **SOUND,
        "issues/2024-12-29-weekly/a.md": f"---\nheadline: 乙\n---\n{'__new__ ' * names}\n",
    }.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    config = load_config(root)
    issue = read_issue(config, "2024-12-29-weekly").partial
    assert issue is not None
    context = Context(config, issue)
    assert [text.words and text.written for text in context.texts]
    began = process_time()
    assert list(check(context)) == []
    return process_time() - began


def test_bold_words_cost_the_same_in_a_long_paragraph(tmp_path: Path) -> None:
    assert min(_seconds(tmp_path, 1600), _seconds(tmp_path, 1600)) < 8 * max(_seconds(tmp_path, 400) for _ in range(3))
