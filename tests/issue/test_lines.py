"""Each character of a YAML text is traced to its place in the file, whatever its style."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from publisher.documents import Mapping, Scalar, TextFile, parse_yaml
from publisher.issue.lines import lines_of_scalar, text_of_scalar

STYLES = {
    "plain": "key: one two\n",
    "plain over lines": "key: one\n  two\n\n  三 four\n",
    "single": "key: 'it''s\n  中文\n\n  end'\n",
    "double": 'key: "tab\\tescape \\u4e2d\n  folded \\\n  joined\n\n\n  end"\n',
    "double, backslashes before a break": 'key: "one\\\\\n  two\\\\\\\n  three\\\n\n  four"\n',
    "literal": "key: |\n  one\n\n    indented\n  中文\n",
    "literal with an indicator": "key: |2\n     spaces\n  two\n",
    "literal stripped": "key: |-\n  one\n  two\n",
    "literal kept": "key: |+\n  one\n\n\nother: x\n",
    "folded": "key: >\n  one\n  two\n\n  three\n    more\n    more\n  four\n",
    "folded stripped": "key: >-\n    one\n    two\n",
    "folded with an indicator": "key: >2\n    more\n  two\n  three\n",
    "folded, blanks beyond the indentation": "key: >\n  one\n    \n  two\n\n  three\n   \n",
    "double, a backslash alone on a line": 'key: "one\n  \\\n\n  two\\\n  \\\n  three"\n',
    "empty": "key: |\nother: x\n",
}


def trace(text: str) -> tuple[Scalar, TextFile]:
    file = TextFile("a.yaml", text)
    node, found = parse_yaml(file)
    assert found == []
    assert isinstance(node, Mapping)
    value = node.get("key")
    assert isinstance(value, Scalar)
    return value, file


@pytest.mark.parametrize("name", STYLES)
def test_lines_point_at_the_characters_they_are_made_of(name: str) -> None:
    value, file = trace(STYLES[name])
    assert value.text == yaml.safe_load(STYLES[name])["key"]
    lines = lines_of_scalar(file, value)
    assert lines.text == "\n".join(_trimmed(value.text.split("\n")))
    source = file.lines
    for index, text in enumerate(lines.text.split("\n")):
        for column, character in enumerate(text):
            if lines.positions:
                line, at = lines.positions[index][column]
            else:
                line, at = lines.origins[index][0], lines.origins[index][1] + column
            written = source[line - 1][at - 1 : at]
            assert written in {character, "\\", ""} or (character == " " and written != character), (
                name,
                index,
                column,
            )
            if character.isalpha() and "\\" not in written:
                assert written == character


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("key: 中文\n  标题\n", "中文标题"),
        ("key: 'it''s 中\n  文，\n\n  段'\n", "it's 中文，\n段"),
        ('key: "\\u4e2d\n  文 字 \\\n  end\n  of"\n', "中文 字 end of"),
        ("key: >-\n  一\n  二 三\n  AB\n  cd\n  “引”\n    深\n  四\n", "一二 三 AB cd “引”\n  深\n四"),
        ("key: |\n  一\n  二\n", "一\n二"),
    ],
)
def test_what_yaml_folds_between_two_characters_that_join_is_nothing(written: str, said: str) -> None:
    """As in Markdown: an editor breaks lines of Chinese wherever the text is."""
    value, file = trace(written)
    assert text_of_scalar(file, value).strip() == said
    lines = lines_of_scalar(file, value)
    assert lines.text == said
    for row, text in enumerate(said.split("\n")):
        for column, character in enumerate(text):
            at = lines.place(row, column, column + 1).span
            assert character == " " or file.lines[at.line - 1][at.column - 1] in {character, "\\", "'"}


def _trimmed(texts: list[str]) -> list[str]:
    while texts and not texts[0].strip():
        texts = texts[1:]
    while texts and not texts[-1].strip():
        texts = texts[:-1]
    return texts


_PROSE = st.lists(st.text("ab中 '\"\\:#-", max_size=12), min_size=1, max_size=6).map("\n".join)


@given(_PROSE, st.sampled_from(["'", '"', "|", ">"]), st.integers(4, 30))
def test_every_style_that_another_writer_uses_is_traced(text: str, style: str, width: int) -> None:
    document = yaml.dump({"key": text}, default_style=style, allow_unicode=True, width=width, Dumper=yaml.SafeDumper)
    file = TextFile("a.yaml", document)
    node, found = parse_yaml(file)
    assert found == []
    assert isinstance(node, Mapping)
    value = node.entries[0].value
    assert isinstance(value, Scalar)
    assert value.text == text
    lines = lines_of_scalar(file, value)
    assert len(lines.origins) == lines.text.count("\n") + 1
    for index, line in enumerate(lines.text.split("\n")):
        at, column = lines.origins[index]
        if line[:1] in {"a", "b", "中"}:
            assert file.lines[at - 1][column - 1] == line[0]
        if lines.positions:
            assert len(lines.positions[index]) == len(line) + 1


@pytest.mark.parametrize(
    ("written", "end"),
    [("key: 'one\n\n  two'\n", (1, 10)), ('key: "one\n\n\n  two"\n', (1, 10)), ("key: >\n  one\n\n\n  two\n", (2, 6))],
)
def test_a_line_ends_where_its_last_character_does(written: str, end: tuple[int, int]) -> None:
    value, file = trace(written)
    assert lines_of_scalar(file, value).place(0).span[2:] == end
