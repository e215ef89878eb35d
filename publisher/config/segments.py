"""Read an ``audience``: ``topic:weekly and language:zh and not (city = "Paris" or age < 18)``.

A test is ``topic:NAME``, ``language:TAG`` (``zh`` takes in ``zh-CN``), or an attribute compared with a value by
``= != < <= > >=`` (``city:Paris`` is ``city = Paris``); tests combine with ``and``, ``or``, ``not`` and parentheses,
``not`` binding closest and ``or`` least. ``all`` is everybody. Names and values of letters, digits and ``_ - . @ / +``
stand bare, others in double quotes. What they mean in the database is said in :mod:`publisher.audience.segments`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from publisher.diagnostics import Sentence, Severity, define, say
from publisher.documents.validate import refuse

BAD_AUDIENCE = define("bad-audience", Severity.ERROR, fixed=True)

Comparison = Literal["=", "!=", "<", "<=", ">", ">="]

DEEPEST = 50
LONGEST = 2_000


class SegmentError(ValueError):
    """The expression is wrong at ``start`` to ``end`` (offsets in code points); ``help`` says what to write."""

    def __init__(self, start: int, end: int, message: Sentence, help: Sentence) -> None:
        super().__init__(message)
        self.start, self.end, self.message, self.help = start, end, message, help


@dataclass(frozen=True, slots=True)
class All:
    """Everybody."""


@dataclass(frozen=True, slots=True)
class Topic:
    """Who chose a topic."""

    name: str


@dataclass(frozen=True, slots=True)
class Language:
    """Who reads a language, in any region and script."""

    tag: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """Whose attribute compares so; a missing attribute is the empty text."""

    name: str
    comparison: Comparison
    value: str


@dataclass(frozen=True, slots=True)
class Not:
    """Who is not in it."""

    part: Segment


@dataclass(frozen=True, slots=True)
class And:
    """Who is in all of them."""

    parts: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Who is in any of them."""

    parts: tuple[Segment, ...]


Segment = All | Topic | Language | Attribute | Not | And | Or

_TOKEN = re.compile(
    r"\s*(?:(?P<mark>[()])|(?P<comparison><=|>=|!=|==?|<|>|:)|(?P<quoted>\"(?:[^\"\\]|\\.)*\")|(?P<word>[\w.@/+-]+))"
)
_EXAMPLE = say("write it as topic:weekly and language:zh, or as topic:weekly or topic:daily")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


def parse_segment(text: str) -> Segment:
    """The meaning of an expression. Raises SegmentError with the place of the fault."""
    if len(text) > LONGEST:
        raise SegmentError(
            LONGEST,
            len(text),
            say("the audience is too long"),
            say("write at most {longest} characters", longest=LONGEST),
        )
    reader = _Reader(_tokens(text), len(text))
    found = reader.any(0)
    if (token := reader.peek()) is not None:
        closing = token.text == ")" and token.kind == "mark"
        missing = say("the word “and” (or “or”) is missing before {text}", text=token.text)
        message = say("there is no ( for this )") if closing else missing
        raise SegmentError(token.start, token.end, message, _EXAMPLE)
    return found


def checked_audience(text: str) -> str:
    """For the models: the expression as it is, if it is one; else refused at the value's place."""
    try:
        parse_segment(text)
    except SegmentError as error:
        message = say(
            "the audience cannot be read at character {start}: {told}", start=error.start + 1, told=error.message
        )
        raise refuse(BAD_AUDIENCE, message, error.help) from None
    return text


def topics_of(segment: Segment) -> frozenset[str]:
    """The topics an expression names."""
    match segment:
        case Topic(name):
            return frozenset({name})
        case Not(part):
            return topics_of(part)
        case And(parts) | Or(parts):
            return frozenset().union(*map(topics_of, parts))
    return frozenset()


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            start = at + len(text[at:]) - len(text[at:].lstrip())
            if text[start] == '"':
                raise SegmentError(start, len(text), say("the quote is not closed"), say('write a closing "'))
            raise SegmentError(start, start + 1, say("{text!r} means nothing here", text=text[start]), _EXAMPLE)
        kind = match.lastgroup
        found.append(_Token(kind, match[kind], match.start(kind), match.end(kind)))
        at = match.end()
    return found


class _Reader:
    """Recursive descent: one method a level of binding."""

    def __init__(self, tokens: list[_Token], length: int) -> None:
        self.tokens, self.at, self.length = tokens, 0, length

    def peek(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def take(self) -> _Token | None:
        token = self.peek()
        self.at += 1
        return token

    def word(self, *words: str) -> bool:
        """Take the next token if it is one of these bare words."""
        token = self.peek()
        if token is not None and token.kind == "word" and token.text.lower() in words:
            self.at += 1
            return True
        return False

    def any(self, depth: int) -> Segment:
        parts = [self.every(depth)]
        while self.word("or"):
            parts.append(self.every(depth))
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def every(self, depth: int) -> Segment:
        parts = [self.one(depth)]
        while self.word("and"):
            parts.append(self.one(depth))
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def one(self, depth: int) -> Segment:
        if depth > DEEPEST:
            raise self.error(say("the audience is nested too deeply"), say("write it flatter"))
        if self.word("not"):
            return Not(self.one(depth + 1))
        token = self.peek()
        if token is not None and token.kind == "mark" and token.text == "(":
            self.at += 1
            inside = self.any(depth + 1)
            closing = self.take()
            if closing is None or closing.text != ")" or closing.kind != "mark":
                raise SegmentError(token.start, token.end, say("this ( is not closed"), say("write a closing )"))
            return inside
        return self.test()

    def test(self) -> Segment:
        name = self.take()
        if name is None or name.kind not in {"word", "quoted"}:
            self.at -= 1
            raise self.error(say("a test is missing here"), _EXAMPLE)
        following = self.peek()
        if following is None or following.kind != "comparison":
            if name.kind == "word" and name.text.lower() == "all":
                return All()
            raise SegmentError(
                name.start, name.end, say("{name!r} is compared with nothing", name=_plain(name)), _EXAMPLE
            )
        self.at += 1
        value = self.take()
        if value is None or value.kind not in {"word", "quoted"}:
            self.at -= 1
            raise self.error(say("a value is missing after {text}", text=following.text), _EXAMPLE)
        return self.meaning(name, following, value)

    def meaning(self, name: _Token, comparison: _Token, value: _Token) -> Segment:
        sign = "=" if comparison.text in {":", "=="} else comparison.text
        key, wanted = _plain(name), _plain(value)
        if name.kind == "word" and key.lower() in {"topic", "language"}:
            if sign not in {"=", "!="}:
                raise SegmentError(
                    comparison.start,
                    comparison.end,
                    say("a {key} is not more or less than another", key=key),
                    say("write {key}:{wanted}", key=key, wanted=wanted),
                )
            if not wanted:
                raise SegmentError(
                    value.start, value.end, say("the {key} is empty", key=key), say("name a {key}", key=key)
                )
            test = Topic(wanted) if key.lower() == "topic" else Language(wanted.replace("_", "-").lower())
            return Not(test) if sign == "!=" else test
        return Attribute(key, sign, wanted)  # type: ignore[arg-type]

    def error(self, message: Sentence, help: Sentence) -> SegmentError:
        """At the next token, or at the end."""
        token = self.peek()
        start, end = (token.start, token.end) if token else (self.length, self.length)
        return SegmentError(start, end, message, help)


def _plain(token: _Token) -> str:
    if token.kind != "quoted":
        return token.text
    return re.sub(r"\\(.)", r"\1", token.text[1:-1])
