"""YAML becomes nodes at their exact places, and no input crashes the parser or exhausts memory."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from publisher.documents import Mapping, Scalar, Sequence, TextFile, data_of, find, is_null, parse_yaml


def parse(text: str) -> Mapping:
    node, found = parse_yaml(TextFile("a.yaml", text))
    assert found == []
    assert isinstance(node, Mapping)
    return node


@pytest.mark.parametrize(
    "text", ["1984", "true", "no", "off", "12:30", "010", "1_000", "2024-12-29", "1e3", "0x1F", ".inf"]
)
def test_a_plain_scalar_is_its_characters(text: str) -> None:
    assert data_of(parse(f"key: {text}\n")) == {"key": text}


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_null_is_what_yaml_1_2_calls_null(text: str) -> None:
    assert data_of(parse(f"key: {text}\n")) == {"key": None}
    assert data_of(parse(f"key: '{text}'\n")) == {"key": text}


def test_places_count_code_points_from_one() -> None:
    node = parse("😀键: {a: '中', b: [x, yy]}\n")
    key = node.entries[0].key
    assert (key.span.column, key.span.end_column) == (1, 3)
    value = find(node, ("😀键", "b", 1))
    assert isinstance(value, Scalar)
    assert (value.span.line, value.span.column, value.span.end_column) == (1, 21, 23)


def test_a_block_mapping_ends_with_its_last_value() -> None:
    cover = parse("cover:\n  image: a\n  alt: bb\n\n\nnext: c\n").get("cover")
    assert cover is not None
    assert (cover.span.line, cover.span.column, cover.span.end_line, cover.span.end_column) == (2, 3, 3, 10)


def test_a_front_matter_keeps_the_lines_of_its_file() -> None:
    file = TextFile("a.md", "---\na: 1\nb: *x\n---\n")
    _, [finding] = parse_yaml(file, 2, 3)
    assert (finding.code, finding.span.line, finding.span.column) == ("yaml-alias", 3, 4)


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{a: " * 5000, "- " * 5000, "? " * 5000, "a: &x [*x, *x]", "'" * 99_999]
)
def test_what_crashes_other_readers_is_a_finding(text: str) -> None:
    node, found = parse_yaml(TextFile("a.yaml", text))
    assert found or isinstance(node, Scalar)


def test_a_merge_key_is_a_key_like_any_other() -> None:
    assert data_of(parse("<<: {a: b}\n")) == {"<<": {"a": "b"}}


@given(st.text(max_size=80))
def test_any_text_is_a_node_a_finding_or_nothing(text: str) -> None:
    node, found = parse_yaml(TextFile("a.yaml", text))
    assert found or node is None or isinstance(node, Mapping | Sequence | Scalar)


_WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufeff\u2028\u2029\ufffe\uffff")
)
_TREES = st.recursive(_WORDS, lambda inner: st.lists(inner) | st.dictionaries(_WORDS, inner), max_leaves=12)


@given(st.dictionaries(_WORDS, _TREES, min_size=1), st.booleans())
def test_what_another_writer_wrote_is_read_back(tree: dict[str, object], flow: bool) -> None:
    text = yaml.safe_dump(tree, allow_unicode=True, default_flow_style=flow)
    if "&id" in text or "\n? " in text or "? " in text or "%" in text:
        return
    node, found = parse_yaml(TextFile("a.yaml", text))
    assert found == []
    assert node is not None
    assert _without_null(data_of(node)) == _without_null(tree)
    assert not is_null(node)


def _without_null(tree: object) -> object:
    if isinstance(tree, dict):
        return {key: _without_null(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_without_null(value) for value in tree]
    return tree
