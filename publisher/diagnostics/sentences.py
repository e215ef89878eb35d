"""Translatable sentences: an English template with named values, rendered in the language of the output.

The gettext catalogs are compiled to ``.mo`` and kept in a language's folder (:mod:`publisher.language`):
``findings.po``, ``commands.po`` and ``operations.po``; the Makefile lists which packages each of them covers.
A language of :data:`LANGUAGES` also has a file in ``pages/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from functools import cache
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
"""The language of findings: the command line sets it from its options, the preview for each request."""


class Sentence(str):
    """English sentence that can be rendered in another language.

    ``template`` is the English message ID in the catalogs; ``values`` fill its ``{names}`` by ``str.format`` and may be
    sentences themselves. Values come from authors and are never used as templates. ``plural`` is the template if the
    value ``n`` is not 1; empty for a sentence without a plural form.
    """

    __slots__ = ("plural", "template", "values")
    template: str
    values: Mapping[str, Value]
    plural: str

    def __new__(cls, text: str, template: str, values: Mapping[str, Value], plural: str = "") -> Sentence:
        """Create a sentence whose English is ``text``; call :func:`say` or :func:`counted` instead."""
        self = super().__new__(cls, text)
        self.template, self.values, self.plural = template, values, plural
        return self

    def __getnewargs__(self) -> tuple[Any, ...]:
        return str(self), self.template, self.values, self.plural

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> CoreSchema:
        from pydantic_core import core_schema

        parts = core_schema.plain_serializer_function_ser_schema(to_stored)
        return core_schema.no_info_plain_validator_function(from_stored, serialization=parts)


def say(template: str, /, **values: object) -> Sentence:
    """Create a sentence from a template and values. Without values the template is used as it is, including braces."""
    if not values:
        return template if isinstance(template, Sentence) else _plain(template)
    shown = {name: _on_one_line(value) for name, value in values.items()}
    return Sentence(template.format(**shown), template, shown)


def _on_one_line(value: object) -> Value:
    """Return a value on one line, without terminal control characters; for an exception, its sentence."""
    value = message_of(value) if isinstance(value, Exception) else value
    return value if isinstance(value, Sentence | int | float) else _BREAKS.sub(" ", str(value))


def message_of(error: BaseException) -> str:
    """The sentence that an exception was raised with, otherwise its text."""
    return error.args[0] if error.args and isinstance(error.args[0], Sentence) else str(error)


@cache
def _plain(template: str) -> Sentence:
    return Sentence(template, template, {})


def counted(one: str, many: str, /, n: int, **values: object) -> Sentence:
    """Create a sentence with a plural: ``one`` if ``n`` is 1, otherwise ``many``; both may contain ``{n}``."""
    shown = {"n": n, **{name: _on_one_line(value) for name, value in values.items()}}
    return Sentence((one if n == 1 else many).format(**shown), one, shown, many)


def either(names: Iterable[str]) -> str:
    """Join names as ``a or b or c``."""
    return listed(names, say("{one} or {other}"))


SYSTEM = {str(reason): reason for reason in (
    say("no such file or directory"), say("permission denied"), say("is a directory"), say("not a directory"),
    say("file exists"), say("no space left on device"), say("read-only file system"), say("file name too long"),
    say("address already in use"), say("name or service not known"), say("operation not permitted"),
    say("too many levels of symbolic links"),
)}  # fmt: skip
"""Translatable error messages of operating systems, by their English text in lower case."""


def reason_of(error: OSError) -> str:
    """The operating system's message for an error; a :class:`Sentence` if it is one of :data:`SYSTEM`."""
    text = error.strerror or str(error)
    return Sentence(text, text.lower(), {}) if text.lower() in SYSTEM else text


def listed(parts: Iterable[str], form: str = "") -> str:
    """Join the parts as ``a, b, c``, or by ``form``, the template for two of them; empty if there are no parts."""
    form, parts = form or say("{one}, {other}"), [*parts] or [""]
    half = len(parts) // 2  # halves, as a sentence of sentences should not be nested deep
    return say(form, one=listed(parts[:half], form), other=listed(parts[half:], form)) if half else parts[0]


def rendered(text: str, name: str | None = None) -> str:
    """Translate a sentence, by default into :data:`language`. Other text, or text without translation, is unchanged."""
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


def to_stored(value: Value) -> Any:
    """Serialize a value to plain data: a text, a number, or the parts of a sentence."""
    if not isinstance(value, Sentence):
        return value
    return [str(value), value.template, {name: to_stored(v) for name, v in value.values.items()}, value.plural]


def from_stored(data: Any) -> Any:
    """Restore a value from what :func:`to_stored` returned."""
    if not isinstance(data, list | tuple):
        return data
    text, template, values, plural = data
    return Sentence(text, template, {name: from_stored(value) for name, value in values.items()}, plural)
