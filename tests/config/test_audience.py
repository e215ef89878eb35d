"""``audience:`` of config.yaml: the default segment, and the attributes of subscribers."""

from __future__ import annotations

from pathlib import Path

import pytest

from publisher.audience.model import value_of
from publisher.config.audience import AudienceConfig
from publisher.config.load import read_config

HEAD = "newsletter:\n  name: AI Weekly\n  url: https://news.example.com/\n  from: AI Weekly <weekly@example.com>\n"


def audience(root: Path, written: str) -> AudienceConfig:
    (root / "config.yaml").write_text(HEAD + written, encoding="utf-8")
    config, findings = read_config(root)
    assert config is not None, findings
    return config.audience


@pytest.mark.parametrize("written", ["audience: topic:weekly\n", "audience: {segment: 'topic:weekly'}\n"])
def test_a_bare_text_is_the_segment(written: str, tmp_path: Path) -> None:
    assert audience(tmp_path, written) == AudienceConfig(segment="topic:weekly")


@pytest.mark.parametrize("written", ["", "audience:\n", "audience: {}\n"])
def test_without_a_segment_all_are_meant(written: str, tmp_path: Path) -> None:
    assert audience(tmp_path, written) == AudienceConfig()


def test_an_attribute_is_its_default_or_a_mapping(tmp_path: Path) -> None:
    written = """\
audience:
  attributes:
    name: 朋友
    seats: 2
    city: {}
    since: {type: date, default: 2024-12-29, label: Reader since, editable: true}
    size: {type: choice, choices: [S, M], default: M}
    nickname: {default: '  '}
"""
    found = audience(tmp_path, written).attributes
    assert {name: one.default for name, one in found.items()} == {
        "name": "朋友", "seats": "2", "city": None, "since": "2024-12-29", "size": "M", "nickname": None,
    }  # fmt: skip
    assert [one.label for one in found.values()] == ["name", "seats", "city", "Reader since", "size", "nickname"]
    assert [name for name, one in found.items() if one.editable] == ["since"]
    assert found["size"].choices == ("S", "M")


@pytest.mark.parametrize(
    ("attribute", "line", "told"),
    [
        ("email: x", 7, "email is known of every subscriber"),
        ("Language:\n      type: text", 7, "Language is known of every subscriber"),
        ("a b: x", 7, "'a b' cannot be the name"),
        ("size:\n      type: choice", 8, "a choice needs choices"),
        ("size: {type: choice, choices: []}", 7, "a choice needs choices"),
        ("size:\n      type: choice\n      choices: [S, M]\n      default: L", 10, "'L' is not a choice"),
        ("age:\n      default: many\n      type: number", 8, "'many' is not a number"),
        ("born: {type: date, default: 2024-02-30}", 7, "'2024-02-30' is not a date"),
        ("born: {type: day}", 7, "cannot be 'day'"),
        ("born: {kind: date}", 7, "the key kind is unknown"),
        ("city:", 7, "has no value"),
    ],
)
def test_a_wrong_attribute_is_reported_at_its_line(attribute: str, line: int, told: str, tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(f"{HEAD}audience:\n  attributes:\n    {attribute}\n", encoding="utf-8")
    config, findings = read_config(tmp_path)
    assert config is None
    assert [(found.span.line, told in found.message) for found in findings] == [(line, True)], findings


def test_white_space_counts_as_missing_and_the_name_is_the_subscribers_own() -> None:
    held = {"city": " Berlin ", "age": " \u3000\t", "name": "a column of that name"}
    assert [value_of(name, "Ann", held) for name in ("name", "city", "age", "none")] == ["Ann", "Berlin", None, None]
