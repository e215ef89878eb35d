"""All combinations of answers that the conditions of an issue can have for one reader.

Topic tests are independent; tests of the language, or of one attribute, depend on a single value. The conditions are
therefore decided one such value after another, and equal remainders are merged: the work grows with the number of
distinct remainders, which is bounded, not with the number of combinations.
"""

import operator
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import Any

from publisher.config.segments import And, Attribute, Language, Not, Or, Segment, Topic, is_number

Test = Topic | Language | Attribute
Rest = Segment | bool

MOST_TESTS = 64
MOST_RESTS = 64
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_NOTHING = "\x01"  # sorts before every text; no attribute has this value
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip


def reduced(segment: Rest, known: Mapping[Test, bool]) -> Rest:
    """The remainder of a condition after some of its tests are decided; True or False if that decides the whole."""
    match segment:
        case bool() | Topic() | Language() | Attribute():
            return segment if isinstance(segment, bool) else known.get(segment, segment)
        case Not(part):
            rest = reduced(part, known)
            return not rest if isinstance(rest, bool) else Not(rest)
        case And(parts) | Or(parts):
            decides = isinstance(segment, Or)
            rests = [reduced(part, known) for part in parts]
            if decides in rests:
                return decides
            left = tuple(dict.fromkeys(rest for rest in rests if not isinstance(rest, bool)))
            return type(segment)(left) if len(left) > 1 else left[0] if left else not decides
        case _:
            return True


def tests_of(segment: Segment) -> Iterator[Test]:
    """The tests in a condition, in order."""
    match segment:
        case And(parts) | Or(parts):
            for part in parts:
                yield from tests_of(part)
        case Not(part):
            yield from tests_of(part)
        case Topic() | Language() | Attribute():
            yield segment


def spoken(test: Language, language: str) -> bool:
    """Whether a reader of ``language`` passes the test."""
    return f"{language.lower()}-".startswith(f"{test.tag}-")


def compared(test: Attribute, held: str, number: float | None) -> bool:
    """Whether an attribute passes: ``held`` is its text, empty if missing, and ``number`` its numeric value, if any."""
    compare = _COMPARE[test.comparison]
    if test.comparison in {"=", "!="}:
        return compare(held, test.value)
    if is_number(test.value):
        return number is not None and compare(number, float(test.value))
    return held != "" and compare(held, test.value)


def number_of(text: str) -> float | None:
    """The numeric value of an attribute as the databases read it: optional sign, digits, optional point and digits."""
    return float(text) if len(text) <= 30 and _NUMBER.fullmatch(text) else None


def decide(segment: Segment, topics: Iterable[str], language: str, attributes: Mapping[str, str]) -> bool:
    """Whether a reader meets the condition. The reader's name is the attribute ``name``."""

    def holds(test: Test) -> bool:
        if isinstance(test, Topic):
            return test.name in topics
        if isinstance(test, Language):
            return spoken(test, language)
        held = attributes.get(str(_fact(test)), "")
        return compared(test, held, number_of(held))

    return reduced(segment, {test: holds(test) for test in tests_of(segment)}) is True


def outcomes(conditions: Sequence[Segment]) -> list[tuple[bool, ...]] | None:
    """Every combination of answers that some reader has, sorted; None if there are too many to enumerate."""
    facts: dict[Test | str, dict[Test, None]] = {}
    for test in (test for condition in conditions for test in tests_of(condition)):
        facts.setdefault(_fact(test), {})[test] = None
    rests: set[tuple[Rest, ...]] = {tuple(reduced(condition, {}) for condition in conditions)}
    if sum(map(len, facts.values())) > MOST_TESTS:
        return None
    for tests in (part for fact in facts.values() for part in _independent(list(fact))):
        answers = {tuple(answer.items()): answer for answer in _answers(tests)}
        left = set[tuple[Rest, ...]]()
        for rest, answer in product(rests, answers.values()):
            left.add(tuple(reduced(one, answer) for one in rest))
            if len(left) > MOST_RESTS:
                return None
        rests = left
    return sorted(tuple(one is True for one in rest) for rest in rests)


def _fact(test: Test) -> Test | str:
    """The value that a test depends on: one topic, the language, or an attribute by name."""
    if isinstance(test, Attribute):
        return "name" if test.name.lower() == "name" else test.name
    return test if isinstance(test, Topic) else Language("")


def _independent(tests: list[Test]) -> list[list[Test]]:
    """The tests of one value, split if they compare an attribute both as number and as text: the two are then treated
    as independent, which at worst adds a variant that no reader gets.
    """
    ordered = [test for test in tests if isinstance(test, Attribute) and test.comparison not in {"=", "!="}]
    numbers: list[Test] = [test for test in ordered if is_number(test.value)]
    if len(numbers) in {0, len(ordered)}:
        return [tests]
    return [numbers, [test for test in tests if test not in numbers]]


def _answers(tests: Sequence[Test]) -> Iterator[dict[Test, bool]]:
    """The possible combined answers of the tests of one value, from one sample per range in which no answer changes."""
    if isinstance(tests[0], Topic):
        yield from (dict.fromkeys(tests, answer) for answer in (True, False))
    of_language = [test for test in tests if isinstance(test, Language)]
    for tag in ("", *(test.tag for test in of_language)) if of_language else ():
        yield {test: spoken(test, tag) for test in of_language}
    of_attribute = [test for test in tests if isinstance(test, Attribute)]
    texts = {"", _NOTHING, *(text for test in of_attribute for text in (test.value, test.value + _NOTHING))}
    held = [(text, number_of(text)) for text in texts] if of_attribute else []
    ordered = [test.value for test in of_attribute if test.comparison not in {"=", "!="}]
    limits = sorted({float(value) for value in ordered if is_number(value)})
    numbers = [*limits, *((low + high) / 2 for low, high in pairwise(limits))]
    numbers += [limits[0] - 1, limits[-1] + 1] if limits else []
    for text, number in held + [(_NOTHING, number) for number in numbers]:
        yield {test: compared(test, text, number) for test in of_attribute}
