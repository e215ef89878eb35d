"""Sentences as data: an English template with its named values, rendered in the language of whoever reads.

The catalogs are gettext's: ``locales/<catalog>/LC_MESSAGES/findings.po`` beside this module and its compiled ``.mo``.
A language of :data:`LANGUAGES` also has a file in ``pages/``.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from functools import cache, reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

LOCALES = Path(__file__).parent / "locales"
CATALOGS = {"zh": "zh_Hans"}
LANGUAGES = ("en", *CATALOGS)
Value = str | int | float

language: ContextVar[str] = ContextVar("language", default="en")
"""The language that findings are shown in: set by the command line from its options, by the preview a request."""


def language_of(tags: str) -> str | None:
    """The first language of ours in a list as ``zh-CN,zh;q=0.9,en;q=0.8`` or ``zh_CN.UTF-8``; none where none is."""
    for tag in tags.lower().replace("_", "-").split(","):
        if (name := tag.strip().partition(";")[0].partition("-")[0]) in LANGUAGES:
            return name
    return None


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


def say(template: str, /, **values: Value) -> Sentence:
    """A sentence of a template and its values. Without values the template is the text, braces and all."""
    return Sentence(template.format(**values) if values else template, template, values)


def counted(one: str, many: str, /, n: int, **values: Value) -> Sentence:
    """A sentence with a plural: ``one`` where ``n`` is 1, else ``many``; both may hold ``{n}``."""
    return Sentence((one if n == 1 else many).format(n=n, **values), one, {"n": n, **values}, many)


def either(names: Iterable[str]) -> str:
    """The names as ``a or b or c``."""
    return reduce(lambda one, other: say("{one} or {other}", one=one, other=other), names)


def rendered(text: str, name: str | None = None) -> str:
    """A sentence in a language, :data:`language` by default; what is no sentence, or has no translation, as it is."""
    catalog = _catalog(name or language.get())
    if catalog is None or not isinstance(text, Sentence):
        return str(text)
    said, values = text.template, text.values
    template = catalog.ngettext(said, text.plural, int(values["n"])) if text.plural else catalog.gettext(said)
    if not values:
        return template
    return template.format(**{key: rendered(v, name) if isinstance(v, str) else v for key, v in values.items()})


@cache
def _catalog(name: str) -> gettext.NullTranslations | None:
    if name not in CATALOGS:
        return None
    return gettext.translation("findings", LOCALES, [CATALOGS[name]])


def kept(value: Value) -> Any:
    """As plain data: a text, a number, or the parts of a sentence."""
    if not isinstance(value, Sentence):
        return value
    return [str(value), value.template, {name: kept(v) for name, v in value.values.items()}, value.plural]


def revived(data: Any) -> Any:
    """What :func:`kept` took apart."""
    if not isinstance(data, list):
        return data
    text, template, values, plural = data
    return Sentence(text, template, {name: revived(value) for name, value in values.items()}, plural)
