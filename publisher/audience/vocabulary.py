"""The words of many tools for who may be mailed: values of columns, and what headers are made of.

They stand in ``vocabulary.yaml``, which says what each table is for.
"""

from __future__ import annotations

import re
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

import yaml


class ImportStatus(StrEnum):
    """What a row says about the person; the values are the answers that ``--status`` takes."""

    FINE = "confirmed"
    PENDING = "pending"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCE = "bounced"
    COMPLAINT = "complained"
    MANUAL = "blocked"
    SKIP = "skip"
    """Never subscribed: not imported at all."""


WORST = (
    ImportStatus.COMPLAINT, ImportStatus.BOUNCE, ImportStatus.MANUAL, ImportStatus.UNSUBSCRIBED, ImportStatus.SKIP,
    ImportStatus.PENDING, ImportStatus.FINE,
)  # fmt: skip

_TABLES = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))


def _words(name: str) -> frozenset[str]:
    return frozenset(_TABLES[name].split(", "))


def _statuses(name: str) -> dict[str, ImportStatus]:
    return {word: ImportStatus(status) for status, words in _TABLES[name].items() for word in words.split(", ")}


STRONG = _statuses("strong")
KNOWN = STRONG | _statuses("known")
TRUE, FALSE, NOTHING = _words("true"), _words("false"), _words("nothing") | {""}
DATE = re.compile(
    r"\d{4}[-/. ]\d{1,2}[-/. ]\d{1,2}|\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2,4}|^\d{9,13}$|\b\d{1,2}:\d{2}|\b\d{4}$"
)
AROUND, WHEN, WHY, MEASURE = _words("around"), _words("when"), _words("why"), _words("measure")
STATUS, STATE = _words("status"), _words("state")
NO = [
    (None if status == "unclear" else ImportStatus(status), re.compile(pattern))
    for status, pattern in _TABLES["no"].items()
]
"""None: only the operator knows."""
YES, WEAK_YES = re.compile(_TABLES["yes"]), _words("weak_yes")
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@lru_cache(maxsize=8192)
def normal(text: str) -> str:
    """A value or a header as the tables have it: in lower case, one space between words."""
    return re.sub(r"[\s_-]+", " ", text.strip().lower()).strip(" .!") or text.strip().lower()
