"""Findings are data: the English text is unchanged, and other languages contain no word of English."""

from __future__ import annotations

import io
import pickle
import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from pydantic import TypeAdapter

from publisher.diagnostics import Diagnostic, Sentence, Severity, Span, counted, either, rendered, say
from publisher.diagnostics.sentences import CATALOGS, DOMAINS, language
from publisher.diagnostics.text import render_text
from publisher.language.locale import LOCALES

PACKAGE = Path(__file__).resolve().parents[2] / "publisher"
PLACE = re.compile(r"\{(\w+)")
QUOTED = re.compile(r"“[^”]*”|（[^）]*）|\([^)]*\)|`[^`]*`|\"[^\"]*\"|'[^']*'|<[^>]*>|&lt;[^>]*>|\{[^}]*\}|\S*[/:_]\S*")
ENGLISH = re.compile(r"[A-Za-z]{2,} [a-z]{2,} [a-z]{2,}")


DOMAIN_OF = {
    package: domain
    for domain in DOMAINS
    for line in re.findall(rf"^{domain} := (.*)", (PACKAGE.parent / "Makefile").read_text(), re.MULTILINE)[:1]
    for package in line.split()
}
"""The domain of the sentences of a package; that of all others is findings."""


@cache
def templates() -> dict[str, set[tuple[str, str]]]:
    """Every template of each domain in the code, with its plural or an empty text."""
    found: dict[str, set[tuple[str, str]]] = {domain: set() for domain in DOMAINS}
    ways = [("**.py", "python"), ("**.yaml", "tools.catalogs:sentences")]
    for folder in (PACKAGE, PACKAGE.parent / "templates"):
        for path, _, said, _, _ in extract_from_dir(folder, ways, keywords={"say": None, "counted": (1, 2)}):
            domain = DOMAIN_OF.get(Path(path).parts[0], "findings")
            found[domain].add((said, "") if isinstance(said, str) else (said[0], said[1]))
    return found


def places(text: str) -> set[str]:
    return {*PLACE.findall(text.replace("{{", ""))}


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("name", CATALOGS.values())
def test_a_catalog_has_every_sentence_with_its_places_and_is_compiled(name: str, domain: str) -> None:
    file = LOCALES / name / "LC_MESSAGES" / f"{domain}.po"
    with file.open("rb") as opened:
        catalog = read_po(opened, locale=name)
    said: dict[tuple[str, str], Message] = {
        (m.id, "") if isinstance(m.id, str) else (m.id[0], m.id[1]): m for m in catalog if m.id
    }
    assert said.keys() == templates()[domain], "run make catalogs, and translate what is new"
    for (one, many), message in said.items():
        for form in [message.string] if isinstance(message.string, str) else message.string:
            assert form, one
            # What is looked up without values is not formatted; what is filled in elsewhere still has its places.
            assert places(form) == places(many or one), one
        assert not message.fuzzy, one
    out = io.BytesIO()
    write_mo(out, catalog)
    assert file.with_suffix(".mo").read_bytes() == out.getvalue(), "run make catalogs"


def test_values_are_never_templates() -> None:
    sentence = say("write {words}", words="{0.__class__} {oops}")
    assert sentence == "write {0.__class__} {oops}"
    assert rendered(sentence, "zh") == "写 {0.__class__} {oops}"
    assert rendered(say("write {name: …, url: https://…}"), "zh") == "写 {name: …, url: https://…}"


def test_a_sentence_may_hold_sentences_and_a_plural() -> None:
    head = counted("{n} column", "{n} columns", 1)
    told = say("readers would not see “{lost}”: the table's head has {columns}", lost="x", columns=head)
    assert told == "readers would not see “x”: the table's head has 1 column"
    assert rendered(told, "zh") == "读者看不到“x”：表头只有 1 列"
    assert rendered(counted("{n} column", "{n} columns", 2), "zh") == "2 列"
    assert either(["a", "b", "c"]) == "a or b or c"
    assert rendered(either(["a", "b", "c"]), "zh") == "a 或 b 或 c"


def test_a_text_that_is_no_sentence_or_has_no_translation_is_shown_as_it_is() -> None:
    assert rendered("plain {text}", "zh") == "plain {text}"
    assert rendered(say("of a rule of {whose} own", whose="a newsletter's"), "zh") == "of a rule of a newsletter's own"


def test_a_finding_keeps_its_sentences_on_the_way_through_bytes() -> None:
    kept = TypeAdapter(Diagnostic)
    for advice in (None, say("write {words}", words=either(["a", "b"]))):
        finding = Diagnostic("a.md", Span.point(1), Severity.ERROR, "x", say("the {key} is empty", key="topic"), advice)
        for read in (kept.validate_json(kept.dump_json(finding)), pickle.loads(pickle.dumps(finding))):
            assert read == finding
            assert hash(read) == hash(finding)
            assert isinstance(read.message, Sentence)
            assert rendered(read.message, "zh") == "topic 是空的"
            assert read.help is None or rendered(read.help, "zh") == "写 a 或 b"


def test_a_report_speaks_the_language_that_was_chosen() -> None:
    finding = Diagnostic(
        "a.md", Span.point(1), Severity.ERROR, "x", say("the {key} is empty", key="topic"), say("delete it")
    )
    token = language.set("zh")
    try:
        assert render_text([finding]) == "a.md:1:1: 错误[x] topic 是空的\n  怎么办：删掉它\n"
    finally:
        language.reset(token)


NEVER_ONE = {
    "Made a newsletter in {folder}: {n} files.",
    "Made a newsletter in {folder}: {n} files, in a git repository of its own.",
    "This is the first publish, and {n} issues are due: {slugs}.",
    "the database cannot be reached; trying again in {n} seconds",
    "the page redirects more than {n} times",
    "the first publish would mail {n} issues at once: {slugs}",
    "readers have {n} issues by names that are gone from issues/: {names}",
    "{n} issues are older than publish.expires_after and not sent by themselves: {slugs}",
    "{n} are no events; the first {named} are named above",
    "_dmarc.{name} has {n} records, which count as none",
    "{domain} has {n} SPF records, which receivers treat as an error",
    (
        "{receiver} deferred {deferred:,} of {n:,} messages of {slug}, far above its history:"
        " {waiting:,} held back there, the others go on"
    ),
    "{n:,} of {mailed:,} messages of {slug} bounced for good",
    "{n:,} of {mailed:,} readers of {slug} called it spam",
}
"""Said only of two or more."""


@pytest.mark.parametrize("domain", DOMAINS)
def test_a_sentence_with_a_number_has_a_form_for_one(domain: str) -> None:
    plural = re.compile(r"\{n(?::,)?\} (?:(?!of )\w+ )?(?:are|were|have|wait|fit|(?!is\b|has\b|was\b|this\b)[a-z]+s)\b")
    said = {said for said, more in templates()[domain] if not more and plural.search(said)}
    assert said - NEVER_ONE == set()
