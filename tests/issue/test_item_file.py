"""A Markdown item is split where its author meant it."""

from __future__ import annotations

from time import process_time

import pytest

from publisher.documents import TextFile
from publisher.issue.item_file import read_item_file


def parts(body: str, front: str = "headline: x") -> tuple[str, str | None]:
    item, found = read_item_file(TextFile("a.md", f"---\n{front}\n---\n{body}"))
    assert [finding.message for finding in found] == []
    assert item is not None
    return item.body.text, item.commentary.text if item.commentary else None


def test_body_and_commentary_are_parted() -> None:
    assert parts("one\n\ntwo\n\n::: commentary\nview\n\nmore\n:::\n\n") == ("one\n\ntwo", "view\n\nmore")


@pytest.mark.parametrize(
    "opening", [":::commentary", "::: commentary  ", "  ::: commentary", ":::: commentary", "::: commentary :::"]
)
def test_the_opening_may_be_written_loosely(opening: str) -> None:
    assert parts(f"one\n{opening}\nview\n:::\n") == ("one", "view")


@pytest.mark.parametrize(
    "code",
    [
        "```\n::: commentary\n:::\n```",
        "~~~~\n```\n::: commentary\n~~~~",
        "- item\n\n  ```\n  ::: commentary\n  ```",
        "> ```\n> ::: commentary\n> ```",
        "    ::: commentary",
        "<!--\n::: commentary\n:::\n-->",
        "````md\n```\n:::\n```\n````",
    ],
)
def test_colons_in_code_and_comments_are_only_colons(code: str) -> None:
    body, view = parts(f"one\n\n{code}\n\n::: commentary\nview\n:::\n")
    assert "one" in body
    assert code.strip() in body
    assert view == "view"


def test_a_fence_inside_the_commentary_hides_its_end() -> None:
    assert parts("one\n\n::: commentary\n```\n:::\n```\nview\n:::\n") == ("one", "```\n:::\n```\nview")


def test_a_comment_inside_the_commentary_does_not_end_it() -> None:
    commentary = "view\n\n<!--\n:::\n-->\n\nmore"
    assert parts(f"one\n\n::: commentary\n{commentary}\n:::\n") == ("one", commentary)


@pytest.mark.parametrize("line", ["::: x{}x", ":: {}x", "::{}：x"])
def test_a_long_line_after_colons_takes_no_long_time(line: str) -> None:
    began = process_time()
    read_item_file(TextFile("a.md", f"---\nheadline: x\n---\none\n\n{line.format(' ' * 20_000)}\n"))
    assert process_time() - began < 5


def test_a_comment_may_follow_the_commentary() -> None:
    assert parts("one\n\n::: commentary\nview\n:::\n\n<!-- checked\nby two -->\n") == ("one", "view")


def test_a_rule_in_the_body_does_not_end_it() -> None:
    assert parts("one\n\n---\n\ntwo\n") == ("one\n\n---\n\ntwo", None)


def test_lines_keep_their_numbers() -> None:
    item, _ = read_item_file(TextFile("a.md", "---\nheadline: x\n---\n\n\none\n\n::: commentary\n\nview\n:::\n"))
    assert item is not None
    assert item.commentary is not None
    assert (item.body.origins, item.commentary.origins) == (((6, 1),), ((10, 1),))
