"""An expression chooses the same people on both databases, and says where it is wrong."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from publisher.audience import store
from publisher.audience.address import read_address
from publisher.audience.importing import survey, write
from publisher.audience.model import ConsentSource
from publisher.audience.segments import segment_clause
from publisher.audience.tables import subscribers
from publisher.config.segments import SegmentError, parse_segment
from publisher.database import Database

PEOPLE = {
    "ann": {"topics": ["weekly"], "language": "zh-CN", "attributes": {"city": "Paris", "age": "9", 'odd "key"': "x"}},
    "ben": {"topics": ["weekly", "daily"], "language": "en", "attributes": {"age": "18", "since": "2024-03-01"}},
    "cy": {"topics": [], "language": None, "attributes": {"age": "100.5", "city": "São Paulo"}, "name": "Cy"},
    "di": {"topics": ["每周"], "language": "zh-Hant-TW", "attributes": {"age": "1-2", "since": "2025-01-01"}},
    "ed": {"topics": ["week"], "language": "zha", "attributes": {"age": "-3", "city": ""}},
}


@pytest.fixture
def people(database: Database) -> Database:
    with database.begin() as connection:
        for name, values in PEOPLE.items():
            store.add(connection, read_address(f"{name}@example.com"), how=ConsentSource.COMMAND, **values)
    return database


def chosen(database: Database, text: str | None) -> set[str]:
    with database.connect() as connection:
        statement = select(subscribers.c.address).where(segment_clause(text, "zh-CN"))
        return {address.partition("@")[0] for address in connection.scalars(statement)}


def test_expressions_choose_the_same_people_on_both_databases(people: Database) -> None:
    for text, names in {
        None: "ann ben cy di ed",
        "all": "ann ben cy di ed",
        "topic:weekly": "ann ben",
        "topic:每周": "di",
        'topic:"week"': "ed",
        "not topic:weekly": "cy di ed",
        "topic != weekly": "cy di ed",
        "language:zh": "ann cy di",
        "language:ZH-cn": "ann cy",
        "language:zh_Hant": "di",
        "topic:weekly and language:zh": "ann",
        "topic:weekly or topic:每周 and language:en": "ann ben",
        "(topic:weekly or topic:每周) and language:en": "ben",
        "not (topic:weekly or language:zh)": "ed",
        "city:Paris": "ann",
        "city = ''": None,
        'city = ""': "ben di ed",
        'city = "São Paulo"': "cy",
        "city != Paris": "ben cy di ed",
        '"odd \\"key\\"" = x': "ann",
        "age >= 18": "ben cy",
        "age < 18": "ann ed",
        "age > 9 AND NOT age > 50": "ben",
        "since > 2024-06-01": "di",
        "since <= 2024-03-01": "ben",
        "name:Cy": "cy",
        "nothing:x": "",
        "nothing < 5": "",
        "not nothing < 5": "ann ben cy di ed",
    }.items():
        if names is None:
            with pytest.raises(SegmentError):
                chosen(people, text)
        else:
            assert chosen(people, text) == set(names.split()), text


@pytest.mark.parametrize(
    ("text", "start", "end", "part"),
    [
        ("", 0, 0, "a test is missing"),
        ("topic:weekly adn language:zh", 13, 16, "is missing before adn"),
        ("topic:weekly and", 16, 16, "a test is missing"),
        ("topic:", 6, 6, "a value is missing"),
        ("(topic:a", 0, 1, "not closed"),
        ("topic:a)", 7, 8, "no ( for this )"),
        ("每周", 0, 2, "compared with nothing"),
        ("topic < a", 6, 7, "not more or less"),
        ('city = "a', 7, 9, "quote is not closed"),
        ("city = %", 7, 8, "means nothing"),
        ('topic:""', 6, 8, "empty"),
        ("not " * 100 + "all", 204, 207, "too deeply"),
        ("(" * 5000, 2000, 5000, "too long"),
    ],
)
def test_a_fault_has_its_place(text: str, start: int, end: int, part: str) -> None:
    with pytest.raises(SegmentError) as caught:
        parse_segment(text)
    assert (caught.value.start, caught.value.end) == (start, end)
    assert part in caught.value.message


WORDS = ["topic:a", "language:zh", "and", "or", "not", "(", ")", '"', "<", "=", "x", ":", "每", "\\", " "]


@given(st.lists(st.sampled_from(WORDS)).map(" ".join) | st.text(max_size=60))
def test_any_text_is_an_expression_or_a_fault_within_it(text: str) -> None:
    try:
        parse_segment(text)
    except SegmentError as error:
        assert 0 <= error.start <= error.end <= len(text)  # noqa: PT017


def test_a_bad_audience_is_found_by_check_at_its_place(tmp_path: Path) -> None:
    from publisher.config import read_config

    text = 'newsletter: {name: n, url: "https://n.example/", from: a@n.example}\naudience: topic:a adn language:zh\n'
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    _, (finding,) = read_config(tmp_path)
    assert (finding.code, finding.span) == ("bad-audience", (2, 19, 2, 22))


def test_letters_with_accents_are_the_same_whether_composed_or_not(database: Database, tmp_path: Path) -> None:
    """A file from a Mac holds u and a combining diaeresis; a keyboard writes ü."""
    file, texts = tmp_path / "people.csv", ("email,größe,topics", "ann@example.com,Müller,Zürich", "")
    file.write_text(unicodedata.normalize("NFD", "\n".join(texts)), encoding="utf-8")
    write(database, survey(file, complain=lambda problem: pytest.fail(problem.message)))
    for form in ("NFC", "NFD"):
        for text in ("topic:Zürich", 'topic:"Zürich"', "größe:Müller", 'größe = "Müller"'):
            assert chosen(database, unicodedata.normalize(form, text)) == {"ann"}, text
    assert parse_segment(unicodedata.normalize("NFD", "topic:が")) == parse_segment("topic:が")
