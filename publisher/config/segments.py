"""Parse an ``audience``: ``topic:weekly and language:zh and not (city = "Paris" or age < 18)``.

A test is ``topic:NAME``, ``language:TAG`` (``zh`` includes ``zh-CN``), or an attribute compared with a value by ``= !=
< <= > >=`` (``city:Paris`` is ``city = Paris``); tests combine with ``and``, ``or``, ``not`` and parentheses, ``not``
binding closest and ``or`` least. ``all`` matches every subscriber. Names and values of letters, digits and ``_ - . @ /
+`` need no quotes, others need double quotes. :mod:`publisher.audience.segments` translates to SQL.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from publisher.diagnostics import Sentence, Severity, define, say
from publisher.documents.validate import refuse

BAD_AUDIENCE = define("bad-audience", Severity.ERROR, fixed=True)

_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?")
DEEPEST = 50
LONGEST = 2_000


class SegmentError(ValueError):
    """A fault from ``start`` to ``end`` (offsets in code points); ``help`` says what to write."""

    def __init__(self, start: int, end: int, message: Sentence, help: Sentence) -> None:
        super().__init__(message)
        self.start, self.end, self.message, self.help = start, end, message, help


@dataclass(frozen=True, slots=True)
class All:
    """Every subscriber."""


@dataclass(frozen=True, slots=True)
class Topic:
    """Subscribers who chose a topic."""

    name: str


@dataclass(frozen=True, slots=True)
class Language:
    """Subscribers who read a language, in any region and script."""

    tag: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """Subscribers whose attribute passes the comparison; a missing attribute is an empty text."""

    name: str
    comparison: Literal["=", "!=", "<", "<=", ">", ">="]
    value: str


@dataclass(frozen=True, slots=True)
class Not:
    """Subscribers outside the operand."""

    part: Segment


@dataclass(frozen=True, slots=True)
class And:
    """Subscribers in all of the operands."""

    parts: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Subscribers in any of the operands."""

    parts: tuple[Segment, ...]


Segment = All | Topic | Language | Attribute | Not | And | Or

_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[()])|(?P<comparison><=|>=|!=|==?|<|>|:)|(?P<quoted>\"(?:[^\"\\]|\\.)*\")"
    r"|(?P<word>[\w.@/+-][\w.@/+\u0300-\u036f\u3099\u309a-]*))"
)
_EXAMPLE = say("write it as topic:weekly and language:zh, or as topic:weekly or topic:daily")
_PLAIN = dict(zip("：＝（）“”‘’'，,、&＆|", [*":=()", *'"""""', "and", "and", "or", "and", "and", "or"], strict=True))
"""Signs of other languages and keyboards, and what stands for them."""


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int

    @property
    def plain(self) -> str:
        text = re.sub(r"\\(.)", r"\1", self.text[1:-1]) if self.kind == "quoted" else self.text
        return unicodedata.normalize("NFC", text)  # as subscribers are stored


@lru_cache(maxsize=256)
def parse_segment(text: str) -> Segment:
    """Parse an expression. Raises SegmentError with the place of the fault."""
    if len(text) > LONGEST:
        advice = say("write at most {longest} characters", longest=LONGEST)
        raise SegmentError(LONGEST, len(text), say("the audience is too long"), advice)
    reader = _Parser(_tokens(text))
    found = reader.any(0)
    if reader.next.kind != "end":
        missing = say("the word “and” (or “or”) is missing before {text}", text=reader.next.text)
        closing = (reader.next.kind, reader.next.text) == ("mark", ")")
        raise reader.error(say("there is no ( for this )") if closing else missing, reader.quoted() or _EXAMPLE)
    return found


def is_number(value: str) -> bool:
    """Whether ``<`` and ``>`` with this value compare numbers; otherwise they compare texts, by code point."""
    return _NUMBER.fullmatch(value) is not None


def checked_audience(text: str) -> str:
    """A pydantic validator: the expression unchanged if it is valid, otherwise an error at the value's place."""
    try:
        parse_segment(text)
    except SegmentError as error:
        message, end = say("the condition cannot be read: {told}", told=error.message), max(error.end, error.start + 1)
        raise refuse(message, error.help, BAD_AUDIENCE, (error.start, end)) from None
    return text


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            if text[start] == '"':
                raise SegmentError(start, len(text), say("the quote is not closed"), say('write a closing "'))
            advice = say("write {words}", words=_PLAIN[text[start]]) if text[start] in _PLAIN else _EXAMPLE
            raise SegmentError(start, start + 1, say("{text!r} means nothing here", text=text[start]), advice)
        kind = match.lastgroup
        found.append(_Token(kind, match[kind], match.start(kind), match.end(kind)))
        at = match.end()
    return [*found, _Token("end", "", len(text), len(text))]


class _Parser:
    """Recursive descent: one method per level of precedence."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens, self.at = tokens, 0

    @property
    def next(self) -> _Token:
        return self.tokens[self.at]

    def takes(self, kind: str, text: str) -> bool:
        """Consume the next token if it is this one."""
        found = self.next.kind == kind and self.next.text.lower() == text
        self.at += found
        return found

    def any(self, depth: int) -> Segment:
        parts = [self.every(depth)]
        while self.takes("word", "or"):
            parts.append(self.every(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def every(self, depth: int) -> Segment:
        parts = [self.one(depth)]
        while self.takes("word", "and"):
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def one(self, depth: int) -> Segment:
        if depth > DEEPEST:
            raise self.error(say("the audience is nested too deeply"), say("write it flatter"))
        if self.takes("word", "not"):
            return Not(self.one(depth + 1))
        opening = self.next
        if not self.takes("mark", "("):
            return self.test()
        inside = self.any(depth + 1)
        if not self.takes("mark", ")"):
            raise SegmentError(opening.start, opening.end, say("this ( is not closed"), say("write a closing )"))
        return inside

    def test(self) -> Segment:
        name = self.operand(say("a test is missing here"))
        sign = self.next
        if sign.kind == "comparison":
            self.at += 1
            return self.meaning(name, sign, self.operand(say("a value is missing after {text}", text=sign.text)))
        if name.kind == "word" and name.text.lower() == "all":
            return All()
        alone = say("{name!r} is compared with nothing", name=name.plain)
        raise SegmentError(name.start, name.end, alone, _EXAMPLE)

    def operand(self, missing: Sentence) -> _Token:
        token = self.next
        if token.kind not in {"word", "quoted"}:
            raise self.error(missing)
        self.at += 1
        return token

    def meaning(self, name: _Token, comparison: _Token, value: _Token) -> Segment:
        sign = "=" if comparison.text in {":", "=="} else comparison.text
        key, wanted = name.plain, value.plain
        if name.kind != "word" or key.lower() not in {"topic", "language"}:
            return Attribute(key, sign, wanted)  # type: ignore[arg-type]
        if sign not in {"=", "!="}:
            message = say("a {key} is not more or less than another", key=key)
            advice = say("write {key}:{wanted}", key=key, wanted=wanted)
            raise SegmentError(comparison.start, comparison.end, message, advice)
        if not wanted:
            message, advice = say("the {key} is empty", key=key), say("name a {key}", key=key)
            raise SegmentError(value.start, value.end, message, advice)
        test = Topic(wanted) if key.lower() == "topic" else Language(wanted.replace("_", "-").lower())
        return Not(test) if sign == "!=" else test

    def quoted(self) -> Sentence | None:
        """The advice to quote a value of two words: city = New York."""
        sign, value, more, after = (*self.tokens[max(0, self.at - 2) : self.at + 2], *[self.tokens[-1]] * 3)[:4]
        if (sign.kind, more.kind) == ("comparison", "word") and (
            after.kind == "end" or after.text in {"and", "or", ")"}
        ):
            return say("write {words}", words=f'"{value.text} {more.text}"')
        return None

    def error(self, message: Sentence, help: Sentence = _EXAMPLE) -> SegmentError:
        """A SegmentError at the next token, or at the end."""
        return SegmentError(self.next.start, self.next.end, message, help)
