"""The dialect's block parser asks fewer rules than the library's, and makes the same tokens."""

from __future__ import annotations

import random

from publisher.issue.markdown import new_parser
from tests.growth.fragments import PROSE, repeated

JOINED = ("", "\n", "\n\n", "  ", "\n> ", "\n    ", "\n1. ", "\n- ")


def texts() -> list[str]:
    """Every fragment, repeated, and some hundreds of them at random, one after the other."""
    chance = random.Random(7)
    mixed = ((chance.choice(PROSE).replace("→", "") + chance.choice(JOINED) for _ in range(12)) for _ in range(600))
    return [*(repeated(fragment, 60) for fragment in PROSE), *map("".join, mixed)]


def test_the_tokens_are_those_of_all_the_rules_in_their_order() -> None:
    ours, theirs = new_parser(), new_parser()
    library = type(theirs.block)().ruler
    library.__rules__ = theirs.block.ruler.__rules__
    theirs.block.ruler = library
    for text in texts():
        assert ours.parse(text) == theirs.parse(text), text
