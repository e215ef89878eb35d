"""Regular expressions that are compiled when they are first asked for something: a command loads hundreds of them and
uses a part, and one that names all Han characters takes milliseconds.
"""

import re
from typing import Any, cast


class _Regex:
    """What ``re.compile`` gives, and as quick: each method is looked up once."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.pattern, self._flags = pattern, flags

    def __getattr__(self, name: str) -> Any:
        found = self.__dict__[name] = getattr(re.compile(self.pattern, self._flags), name)
        return found


def regex(pattern: str, flags: int = 0) -> re.Pattern[str]:
    """A pattern that is compiled when it is first asked for something."""
    return cast("re.Pattern[str]", _Regex(pattern, flags))
