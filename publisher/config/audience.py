"""``audience:`` of config.yaml: the default segment of an issue, and the attributes of subscribers."""

import re
from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from publisher.config.segments import checked_audience
from publisher.config.values import OneLine, Section, composed
from publisher.diagnostics import Sentence, listed, say
from publisher.documents.validate import refuse

_NAME = re.compile(r"[^\W\d][\w-]*")
_NUMBER = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,15})?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _name(value: str) -> str:
    value = composed(value)
    if value.casefold() in {"email", "language"}:
        message = say("{name} is known of every subscriber and cannot be declared", name=value)
        raise refuse(message, say("delete it, or choose another name"))
    if not _NAME.fullmatch(value):
        message = say("{value!r} cannot be the name of an attribute", value=value[:80])
        raise refuse(message, say("write letters, digits, - and _, a letter first, such as {path}", path="city"))
    return value


def _with_choices(value: str, info: ValidationInfo) -> str:
    if value == "choice" and info.data.get("choices") == ():
        raise refuse(say("a choice needs choices"), say("add {words}", words="choices: [a, b]"))
    return value


def _fitting(value: str | None, info: ValidationInfo) -> str | None:
    """The default value, or None if it is white space. Raises ValueError if it does not fit the type."""
    kind, choices = info.data.get("type", "text"), info.data.get("choices", ())
    if value is None or not value.strip() or fits(composed(value.strip()), kind, choices):
        return " ".join((value or "").split()) or None
    raise refuse(say("the default {value!r} is not a {kind}", value=value[:80], kind=kind), how_to_write(kind, choices))


def how_to_write(kind: str, choices: tuple[str, ...] = ()) -> Sentence:
    """How to write a value of a type that not every text fits."""
    return {
        "number": say("write digits"),
        "date": say("write a day as 2024-12-29"),
        "choice": say("write one of {names}", names=listed(choices)),
    }[kind]


def fits(value: str, kind: str, choices: tuple[str, ...] = ()) -> bool:
    """Whether a stripped value is of the type ``kind``: numbers are decimals, dates ISO 8601."""
    if kind == "choice":
        return value in choices
    if kind == "number":
        return bool(_NUMBER.fullmatch(value))
    try:
        return kind != "date" or bool(_DAY.fullmatch(value) and date.fromisoformat(value))
    except ValueError:
        return False


class AttributeConfig(Section):
    """One attribute that subscribers may have."""

    choices: tuple[Annotated[OneLine, AfterValidator(composed)], ...] = Field(
        (), description="The allowed values of a choice"
    )
    type: Annotated[Literal["text", "number", "date", "choice"], AfterValidator(_with_choices)] = "text"
    default: Annotated[
        str | None,
        BeforeValidator(lambda value: value, json_schema_input_type=str | int | float | None),
        AfterValidator(_fitting),
    ] = Field(None, description="Used if a reader has no value; without one the attribute cannot be used in an issue")
    label: OneLine = Field("", description="The label on the preferences page; default: the name")
    editable: bool = Field(False, description="Whether readers can change it on the preferences page")


def _attribute(value: Any) -> Any:
    """Accept a bare value as the default."""
    return {"default": value} if isinstance(value, str) else value


def _labelled(value: dict[str, AttributeConfig]) -> dict[str, AttributeConfig]:
    return {name: one if one.label else one.model_copy(update={"label": name}) for name, one in value.items()}


class AudienceConfig(Section):
    """The default segment of issues, and the attributes of subscribers by name; each has a label."""

    segment: Annotated[str, AfterValidator(checked_audience)] | None = Field(
        None, description="The default audience of issues"
    )
    attributes: Annotated[
        dict[
            Annotated[str, AfterValidator(_name)],
            Annotated[
                AttributeConfig, BeforeValidator(_attribute, json_schema_input_type=AttributeConfig | str | int | float)
            ],
        ],
        AfterValidator(_labelled),
    ] = Field(default_factory=dict, description="Attributes by name: the default value, or a mapping")


def as_audience(value: Any) -> Any:
    """Accept a bare text as the segment."""
    return {"segment": value} if value is None or isinstance(value, str) else value
