"""Lazily compiled regular expressions: a command imports hundreds of them and uses few, and one that lists all Han
characters takes milliseconds to compile.
"""

import re
from typing import Any, cast


class _Regex:
    """Like the result of ``re.compile``, and as fast: each method is looked up once."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.pattern, self._flags = pattern, flags

    def __getattr__(self, name: str) -> Any:
        found = self.__dict__[name] = getattr(re.compile(self.pattern, self._flags), name)
        return found


def regex(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """Return a pattern that is compiled on first use."""
    return cast("re.Pattern[str]", _Regex(pattern, flags))
