"""Types of values in an issue. Validators raise errors with a message and an action, placed at the value."""

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from html import unescape
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BeforeValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from publisher.diagnostics import Sentence, listed, say
from publisher.documents.validate import EMPTY_VALUE, WRONG_TYPE, canonical_language, refuse
from publisher.issue import codes
from publisher.issue.folder import SLUG, slugged
from publisher.issue.links import fault_of_link
from publisher.issue.pictures import fault_of_address

WRITTEN = {"type": ["string", "number", "boolean"]}
"""Text fields take plain YAML scalars as text, so the schema for editors has to accept numbers such as 1984."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NEARLY = re.compile(r"\D*(\d{4})\D{1,2}(\d{1,2})\D{1,2}(\d{1,2})\D*")  # 2024/12/29, 2024年12月29日
_TIME = re.compile(r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2})?) ?([Zz]|[+-]\d{2}:?\d{2})?", re.ASCII)
_LOCAL = re.compile(r"(?:[01]\d|2[0-3]):[0-5]\d local", re.ASCII)
_TITLE = r"(?:[ \t]+(?:\"[^\"\n]*\"|'[^'\n]*'|\([^()\n]*\)))?"
_UNSEEN_IN_PROSE = re.compile(
    rf"^ {{0,3}}\[(?:\^[^\[\]\n]+\]:.*|[^\[\]\n]+\]:[ \t]*(?:<[^<>\n]*>|\S+){_TITLE}[ \t]*$)"
    r"|</?(?:a|b|br|div|em|i|p|span|strong|u)(?=[\s/>])[^<>]*>",
    re.MULTILINE | re.IGNORECASE,
)
_COMMENT = re.compile("<!--.*?-->", re.DOTALL)
_TEXT = say("the text")
_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # letters and symbols by category, but blank in every font


def is_seen(text: str) -> bool:
    """Whether text has a visible character: not only white space, controls and formats (Unicode, 4.5: Z and C)."""
    plain = text[:1].isascii() and text[:1].isalnum()
    return plain or any(unicodedata.category(sign)[0] not in "ZC" and sign not in _BLANK for sign in text)


def is_seen_in_prose(markdown: str) -> bool:
    """Whether Markdown has visible text: not only comments, definitions, entities of blanks and empty tags. A comment
    without an end counts as visible, because it has its own finding.
    """
    plain = (first := markdown[:1]) not in " <[&" and is_seen(first)  # text without visible parts begins with these
    return plain or is_seen(unescape(_UNSEEN_IN_PROSE.sub("", _COMMENT.sub("", markdown))))


def _text(value: str) -> str:
    text = value.strip()
    if not is_seen(text):
        raise refuse(say("{it} is empty", it=_TEXT), say("write it, or delete the key"), EMPTY_VALUE)
    if "\n" in text:
        raise refuse(say("{it} has to be one line", it=_TEXT), say("join the lines"))
    return text


def _alt(value: str | None) -> str:
    if value is None or not is_seen(value):
        advice = say("say in alt what it shows")
        raise refuse(say("the picture has no alternative text"), advice, codes.IMAGE_WITHOUT_ALT)
    return value if not isinstance(value, str) else _text(value)


def _prose(value: str) -> str:
    if not is_seen_in_prose(value):
        raise refuse(say("{it} is empty", it=_TEXT), say("write it, or delete the key"), EMPTY_VALUE)
    return value


def _body(value: Any) -> Any:
    if value is None or (isinstance(value, str) and not is_seen_in_prose(value)):
        raise refuse(say("the item has no text"), say("write its body"), codes.EMPTY_BODY)
    return value


def _bad_date(message: Sentence, help: Sentence) -> PydanticCustomError:
    return refuse(message, help, codes.BAD_DATE)


def _date(value: Any) -> Any:
    if isinstance(value, date) or not isinstance(value, str):
        return value
    text = value.strip()
    if not _DATE.fullmatch(text):
        nearly, advice = _NEARLY.fullmatch(text), say("write year-month-day, such as 2024-12-29")
        if nearly and int(nearly[2]) <= 12:
            advice = say("write {words}", words="{:04}-{:02}-{:02}".format(*map(int, nearly.groups())))
        raise _bad_date(say("{text!r} is not a date", text=text), advice)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _bad_date(say("the day {text} does not exist", text=text), say("write a day that exists")) from None


def _moment(value: Any, info: ValidationInfo) -> Any:
    """Parse a time with an offset; without one it is in the newsletter's time zone."""
    if not isinstance(value, str):
        return value
    value = value.strip()
    match = _TIME.fullmatch(value)
    if not match:
        raise _bad_date(say("{value!r} is no date and time", value=value), say("write it as 2024-12-29T08:00:00+08:00"))
    day, clock, offset = match.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{'+00:00' if offset in {'Z', 'z'} else offset or ''}")
        zone = moment.tzinfo or (info.context or {}).get("zone", UTC)
        aware = moment.replace(tzinfo=zone)
        skipped = aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != moment.replace(tzinfo=None)
    except (ValueError, OverflowError):
        advice = say("write a day and a time that exist")
        raise _bad_date(say("there is no time {value}", value=value), advice) from None
    if skipped:
        message = say("the clocks of {zone} skip {time} on {day}", zone=str(zone), time=f"{moment:%H:%M}", day=day)
        raise _bad_date(message, say("write a time an hour later, or an offset such as +08:00"))
    return aware


def _local(value: Any, info: ValidationInfo) -> Any:
    """Parse a time of day in the reader's time zone; in the newsletter's it must not be before ``publish_at``."""
    if not isinstance(value, str):
        return value
    value = value.strip()
    if _LOCAL.fullmatch(f"{value} local"):
        message = say("deliver_at is a time of each reader's own day, and {time} does not say so", time=value)
        raise _bad_date(message, say("write {time} local; one moment for everybody is publish_at", time=value))
    if not _LOCAL.fullmatch(value):
        raise _bad_date(say("{value!r} is not a local time", value=value), say("write it as 08:00 local"))
    at, day, published = time.fromisoformat(value[:5]), info.data.get("date"), info.data.get("publish_at")
    if day and published and published > datetime.combine(day, at, (info.context or {}).get("zone", UTC)):
        message = say("publish_at comes after {time} on the day of the issue, {day}", time=value[:5], day=str(day))
        raise _bad_date(message, say("delete publish_at, or set it earlier: no reader gets the issue before it"))
    return at


def _number(value: Any) -> Any:
    if isinstance(value, str):
        if not re.fullmatch(r"[0-9]{1,9}", value.strip()):
            raise refuse(say("{value!r} is not an issue number", value=value), say("write digits, such as 52"))
        return int(value)
    return value


def _anchor(value: str) -> str:
    if not SLUG.fullmatch(value) or len(value) > 100:
        better = slugged(value)[:100].strip("-")
        advice = say("write {words}", words=better) if better else say("write lower-case letters, digits and hyphens")
        raise refuse(say("the anchor {value!r} cannot be part of an address", value=value), advice, codes.BAD_ANCHOR)
    return value


def _url(value: str) -> str:
    fault = fault_of_link(value.strip(), frozenset({"http", "https"}))
    if fault:
        raise refuse(fault.message, fault.help, fault.code)
    return value.strip()


def _image(value: str) -> str:
    if fault := fault_of_address(value):
        raise refuse(fault.message, fault.help, fault.code)
    return value


def _one_or_more(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def as_sources(value: Any) -> Any:
    """Wrap a single source in a list."""
    return [value] if isinstance(value, (dict, str)) and value else value


def as_source(value: Any) -> Any:
    """Refuse a source that is only a name."""
    if isinstance(value, str):
        raise refuse(say("source has to be a mapping"), say("write {name: …, url: https://…}"), WRONG_TYPE)
    return value


def as_picture(value: Any) -> Any:
    """Refuse a picture that is only a path, without alternative text."""
    if isinstance(value, str) and value:
        advice = say("write {{image: {value}, alt: …}}", value=value.strip())
        raise refuse(say("a picture has to be a mapping"), advice, WRONG_TYPE)
    return value


def as_sponsor(value: Any) -> Any:
    """Convert ``true`` to a sponsor without a name."""
    if isinstance(value, str) and value:
        text = value.strip()
        if text.lower() not in {"true", "false"}:
            advice = say("write true, or {by: …, url: …}")
            raise refuse(say("{value!r} is neither true nor false", value=text), advice)
        return {} if text.lower() == "true" else None
    return value


def as_named_sources(value: Any) -> Any:
    """Convert texts to sources: a name, and the URL if the text is one."""

    def named(source: Any) -> Any:
        if not isinstance(source, str):
            return source
        address = source.strip().startswith(("http://", "https://"))
        return {"name": source} | ({"url": source} if address else {})

    return [named(source) for source in (value if isinstance(value, list) else [value])]


def as_origins(parts: Any) -> Callable[[Any], Any]:
    """Return a validator for origins by part, or one for the whole, whose part is empty. ``parts`` is a Literal."""
    names = get_args(parts)

    def by_part(value: Any) -> Any:
        keys = value.keys() if isinstance(value, dict) else set()
        if keys & {"by", "grade", "reviewed_by", "sources"}:
            return {"": value}
        if not keys or not keys <= set(names):
            advice = say("write {{by: …, grade: …}}, or that below {names}", names=listed(names))
            raise refuse(say("generated names neither a model nor a part"), advice, WRONG_TYPE)
        return value

    return by_part


def as_key_points(value: Any) -> Any:
    """Convert a plain list to key points without provenance."""
    if isinstance(value, str) and value.strip():
        raise refuse(say("key points are a list"), say("begin each line with - and a space"), WRONG_TYPE)
    return {"points": value} if isinstance(value, list) else value


def _tag(value: str) -> str:
    text = _text(value)
    if re.search("[,，、]", text):
        raise refuse(say("a tag cannot hold a comma"), say("write a list, such as [ai, weekly]"))
    return text


def _some(value: list[Any]) -> list[Any]:
    if not value:
        raise refuse(say("the list is empty"), say("write one, or delete the key"), EMPTY_VALUE)
    return value


Text = Annotated[str, AfterValidator(_text), WithJsonSchema(WRITTEN)]
AltText = Annotated[str, BeforeValidator(_alt), WithJsonSchema(WRITTEN)]
ProseText = Annotated[str, AfterValidator(_prose), WithJsonSchema(WRITTEN)]
BodyText = Annotated[str, BeforeValidator(_body), WithJsonSchema(WRITTEN)]
Day = Annotated[date, BeforeValidator(_date), WithJsonSchema({"type": "string", "format": "date"})]
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string"})]
_PATTERN = {"type": "string", "pattern": f"^{_LOCAL.pattern}$"}
LocalTime = Annotated[time, BeforeValidator(_local), WithJsonSchema(_PATTERN)]
_DIGITS = {"type": ["integer", "string"], "minimum": 0, "pattern": r"^\s*[0-9]{1,9}\s*$"}
Number = Annotated[int, BeforeValidator(_number), WithJsonSchema(_DIGITS)]
Anchor = Annotated[str, AfterValidator(_anchor), WithJsonSchema({"type": ["string", "integer"]})]
Url = Annotated[str, AfterValidator(_url), WithJsonSchema({"type": "string", "format": "uri"})]
ImagePath = Annotated[str, AfterValidator(_text), AfterValidator(_image), WithJsonSchema({"type": "string"})]
Language = Annotated[str, AfterValidator(canonical_language), WithJsonSchema({"type": "string"})]
Tag = Annotated[str, AfterValidator(_tag), WithJsonSchema(WRITTEN)]

_LIST_OF_TEXT: dict[str, Any] = {"anyOf": [WRITTEN, {"type": "array", "items": WRITTEN}]}
Texts = Annotated[list[Text], BeforeValidator(_one_or_more), WithJsonSchema(_LIST_OF_TEXT)]
Tags = Annotated[list[Tag], BeforeValidator(_one_or_more), WithJsonSchema(_LIST_OF_TEXT)]
Some = AfterValidator(_some)
