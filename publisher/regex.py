"""Regular expressions that are compiled when they are first asked for something: a command loads hundreds of them and
uses a part, and one that names all Han characters takes milliseconds.
"""

import re
from typing import TYPE_CHECKING, Any


class _Regex:
    """What ``re.compile`` gives, and as quick: each method is looked up once."""

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.pattern, self._flags = pattern, flags

    def __getattr__(self, name: str) -> Any:
        found = self.__dict__[name] = getattr(re.compile(self.pattern, self._flags), name)
        return found


regex = re.compile if TYPE_CHECKING else _Regex
