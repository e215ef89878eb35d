"""Tags become folders and links."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from publisher.site.archive import arrange
from publisher.site.paths import folder_key, folder_name, relative, url_of
from tests.site.editions import make_edition


@pytest.mark.parametrize(
    ("tag", "segment"),
    [("ai", "ai"), ("人工智能", "人工智能"), ("machine learning", "machine-learning"), ("C++", "C++"), ("AI", "AI")],
)
def test_a_plain_tag_is_its_own_folder(tag: str, segment: str) -> None:
    assert folder_name(tag) == segment


def test_tags_that_lose_characters_do_not_share_a_page() -> None:
    segments = {folder_name(tag) for tag in ("C", "C#", "C?", "C/", "../C", "#", "?", "..", ".")}
    assert len(segments) == 9


@given(st.text(min_size=1, max_size=300))
@example("../../etc/passwd")
@example("\\..\\")
@example("CON\x00")
@example("\ud800")
@example("．．／")
def test_no_tag_leaves_the_folder_of_tags(tag: str) -> None:
    segment = folder_name(tag)
    assert PurePosixPath(segment).parts == (segment,)
    assert segment not in {"", ".", ".."}
    assert not set(segment) & set('/\\:*?"<>|%#\x00 ')
    assert len(segment.encode()) <= 120
    assert folder_key(tag) == folder_key(tag)


def test_spellings_of_a_tag_share_the_page_of_the_oldest() -> None:
    archive = arrange([make_edition("2024-12-29-x", tags=("ai",)), make_edition("2024-12-22-x", tags=("AI",))])
    (tag,) = archive.tags
    assert (tag.name, tag.path) == ("AI", "tags/AI/")
    assert [edition.slug for edition in tag.editions] == ["2024-12-29-x", "2024-12-22-x"]


@pytest.mark.parametrize(
    ("one", "other"), [("R&D", "r&d"), ("C#", "c#"), ("Straße!", "STRASSE!"), ("Cafe\u0301?", "CAFÉ?")]
)
def test_spellings_of_a_tag_that_loses_characters_share_its_page(one: str, other: str) -> None:
    archive = arrange([make_edition("2024-12-29-x", tags=(other,)), make_edition("2024-12-22-x", tags=(one,))])
    (tag,) = archive.tags
    assert (tag.name, tag.path, len(tag.editions)) == (one, f"tags/{folder_name(one)}/", 2)


@given(st.text(min_size=1, max_size=100), st.text(min_size=1, max_size=100))
@example("\u1e9e", "ss")
@example("\u0130", "i\u0307")
@example("\u01f0" * 40, "j\u030c" * 40)
def test_two_pages_have_two_folders_even_where_case_makes_no_difference(one: str, other: str) -> None:
    if folder_key(one) != folder_key(other):
        assert folder_name(one).casefold() != folder_name(other).casefold()


def test_links_are_percent_encoded_and_relative() -> None:
    assert relative("issues/x/", "tags/人/") == "../../tags/%E4%BA%BA/"
    assert relative("", "") == "./"
    assert url_of("https://x.example/n/", "tags/C++/") == "https://x.example/n/tags/C%2B%2B/"
