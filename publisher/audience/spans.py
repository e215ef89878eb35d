"""Lengths of time by the calendar, as readers and operators write them: ``2w``, ``1m`` (a month), ``1y``."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import datetime, timedelta

_SPAN = re.compile(r"([0-9]{1,3})([dwmy])")


def shifted(at: datetime, span: str, sign: int = 1) -> datetime:
    """``at`` and a ``span`` later, or earlier where ``sign`` is -1; on the last day of a month that is too short.

    Raises ValueError where the text is no span.
    """
    match = _SPAN.fullmatch(span)
    if match is None:
        raise ValueError(f"{span!r} is no length of time")
    number, unit = sign * int(match[1]), match[2]
    if unit in "dw":
        return at + timedelta(days=number * (7 if unit == "w" else 1))
    year, month = divmod(at.year * 12 + at.month - 1 + number * (12 if unit == "y" else 1), 12)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))
