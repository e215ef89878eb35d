"""What a reader chooses on the preferences page: the fields of the form, or of JSON, as columns of a subscriber."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from publisher.audience import store
from publisher.audience.columns import language_tag, time_zone
from publisher.audience.model import MONTHLY, Subscriber, shifted
from publisher.config import Config
from publisher.config.audience import AttributeConfig, fits
from publisher.web.forms import Fields

PAUSES = ("2w", "1m", "3m")
EACH = "each"
_OFTEN: dict[str | None, str | None] = {"": None, "off": None, EACH: None, MONTHLY: MONTHLY}
KEEP = "keep"  # the pause that there is, on a form that shows it
LONGEST_TEXT = 200  # characters of a name, or of an attribute
_FIELDS = frozenset({"action", "name", "language", "timezone", "topics", "pause", "digest"})


@dataclass(frozen=True, slots=True)
class Choices:
    """Columns with their new values; and by field, the word that says what is wrong: then nothing is saved."""

    columns: Mapping[str, Any]
    wrong: Mapping[str, str]


def editable(config: Config) -> dict[str, AttributeConfig]:
    """The attributes that readers may change, by the name of their field."""
    declared = config.audience.attributes.items()
    return {name: one for name, one in declared if one.editable and name not in _FIELDS}


def read_choices(fields: Fields, config: Config, subscriber: Subscriber) -> Choices:
    """What the fields choose. One that was not sent changes nothing, but the boxes of topics, which send no "no"."""
    given = {name: fields.one(name) for name in fields.values}
    columns, wrong = dict[str, Any](), dict[str, str]()
    if "name" in given:
        columns["name"] = given["name"][:LONGEST_TEXT]
    if "topics" in given or ("name" in given and not fields.is_json):
        columns["topics"] = _topics(fields.many("topics"), config, subscriber)
    for name, read in (("language", language_tag), ("timezone", time_zone)):
        if given.get(name):
            columns[name] = read(given[name])
            if columns[name] is None:
                wrong[name] = "bad_choice"
    if given.get("timezone") == "":
        columns["timezone"] = None
    if (pause := given.get("pause", KEEP)) in PAUSES:
        columns["paused_until"] = shifted(store.now(), pause)
    elif pause in {"", "off"}:
        columns["paused_until"] = None
    elif pause != KEEP:
        wrong["pause"] = "bad_choice"
    if (often := given.get("digest")) in _OFTEN:
        columns["digest"] = _OFTEN[often]
    elif often is not None:
        wrong["digest"] = "bad_choice"
    attributes = dict(subscriber.attributes)
    for name, declared in editable(config).items():
        if (value := given.get(name)) is None:
            continue
        if not value:
            attributes.pop(name, None)
        elif fits(value, declared.type, declared.choices) and len(value) <= LONGEST_TEXT:
            attributes[name] = value
        else:
            wrong[name] = f"bad_{declared.type}"
    return Choices(columns | {"attributes": attributes}, wrong)


def _topics(chosen: tuple[str, ...], config: Config, subscriber: Subscriber) -> list[str]:
    """Topics that are not offered on the page, such as an operator's tags, are kept."""
    kept = [topic for topic in subscriber.topics if topic not in config.topics or topic in chosen]
    return [*kept, *(topic for topic in config.topics if topic in chosen and topic not in kept)]
