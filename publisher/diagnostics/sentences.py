"""Sentences as data: an English template with its named values, rendered in the language of whoever reads.

The catalogs are gettext's, compiled to ``.mo``, in a language's folder (:mod:`publisher.language`): ``findings.po``,
``commands.po`` and ``operations.po``, each of some rooms, as the Makefile has them.
A language of :data:`LANGUAGES` also has a file in ``pages/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from functools import cache, reduce
from gettext import GNUTranslations
from typing import TYPE_CHECKING, Any

from publisher.language.locale import catalog

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

CATALOGS = {"zh": "zh_Hans"}
LANGUAGES = ("en", *CATALOGS)
DOMAINS = ("findings", "commands", "operations")
Value = str | int | float
_BREAKS = re.compile(r"[\x00-\x08\n-\x1f\x7f\u2028\u2029]+")

language: ContextVar[str] = ContextVar("language", default="en")
"""The language that findings are shown in: set by the command line from its options, by the preview a request."""


class Sentence(str):
    """A sentence in English that can be rendered in another language.

    ``template`` is English as well, and the key of the catalogs; ``values`` fill its ``{names}`` by ``str.format``, and
    may be sentences themselves. Values come from authors and are never templates. ``plural`` is the template where
    the value ``n`` is not 1; empty where there is one form.
    """

    __slots__ = ("plural", "template", "values")
    template: str
    values: Mapping[str, Value]
    plural: str

    def __new__(cls, text: str, template: str, values: Mapping[str, Value], plural: str = "") -> Sentence:
        """The sentence whose English is ``text``; :func:`say` and :func:`counted` make it."""
        self = super().__new__(cls, text)
        self.template, self.values, self.plural = template, values, plural
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self.template, self.values, self.plural

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> CoreSchema:
        from pydantic_core import core_schema

        parts = core_schema.plain_serializer_function_ser_schema(kept)
        return core_schema.no_info_plain_validator_function(revived, serialization=parts)


def say(template: str, /, **values: object) -> Sentence:
    """A sentence of a template and its values. Without values the template is the text, braces and all."""
    if not values:
        return template if isinstance(template, Sentence) else _plain(template)
    shown = {name: _on_one_line(value) for name, value in values.items()}
    return Sentence(template.format(**shown), template, shown)


def _on_one_line(value: object) -> Value:
    """A value, which authors write, without what moves the cursor of a terminal; of an error its sentence."""
    value = told_by(value) if isinstance(value, Exception) else value
    return value if isinstance(value, Sentence | int | float) else _BREAKS.sub(" ", str(value))


def told_by(error: BaseException) -> str:
    """What an error says: the sentence that it was raised with, else its text."""
    return error.args[0] if error.args and isinstance(error.args[0], Sentence) else str(error)


@cache
def _plain(template: str) -> Sentence:
    return Sentence(template, template, {})


def counted(one: str, many: str, /, n: int, **values: object) -> Sentence:
    """A sentence with a plural: ``one`` where ``n`` is 1, else ``many``; both may hold ``{n}``."""
    shown = {"n": n, **{name: _on_one_line(value) for name, value in values.items()}}
    return Sentence((one if n == 1 else many).format(**shown), one, shown, many)


def either(names: Iterable[str]) -> str:
    """The names as ``a or b or c``."""
    return listed(names, say("{one} or {other}"))


SYSTEM = {str(reason): reason for reason in (
    say("no such file or directory"), say("permission denied"), say("is a directory"), say("not a directory"),
    say("file exists"), say("no space left on device"), say("read-only file system"), say("file name too long"),
    say("address already in use"), say("name or service not known"), say("operation not permitted"),
    say("too many levels of symbolic links"),
)}  # fmt: skip
"""What systems say, in lower case."""


def reason_of(error: OSError) -> str:
    """What the system says, as it says it; a sentence where that is known."""
    text = error.strerror or str(error)
    return Sentence(text, text.lower(), {}) if text.lower() in SYSTEM else text


def listed(parts: Iterable[str], form: str = "") -> str:
    """The parts as ``a, b, c``, or as the ``form`` of two of them says; empty where there are none."""
    form = form or say("{one}, {other}")
    return reduce(lambda one, other: say(form, one=one, other=other), [*parts] or [""])


def rendered(text: str, name: str | None = None) -> str:
    """A sentence in a language, :data:`language` by default; what is no sentence, or has no translation, as it is."""
    translations = _catalog(name or language.get())
    if translations is None or not isinstance(text, Sentence):
        return str(text)
    said, values = text.template, text.values
    template = translations.ngettext(said, text.plural, int(values["n"])) if text.plural else translations.gettext(said)
    if not values:
        return template
    return template.format(**{key: rendered(v, name) if isinstance(v, str) else v for key, v in values.items()})


@cache
def _catalog(name: str) -> GNUTranslations | None:
    return catalog(CATALOGS[name], *DOMAINS) if name in CATALOGS else None


def kept(value: Value) -> Any:
    """As plain data: a text, a number, or the parts of a sentence."""
    if not isinstance(value, Sentence):
        return value
    return [str(value), value.template, {name: kept(v) for name, v in value.values.items()}, value.plural]


def revived(data: Any) -> Any:
    """What :func:`kept` took apart."""
    if not isinstance(data, list | tuple):
        return data
    text, template, values, plural = data
    return Sentence(text, template, {name: revived(value) for name, value in values.items()}, plural)
