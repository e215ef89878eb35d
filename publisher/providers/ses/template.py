"""A letter as an inline template of SES, so that any text survives it.

SES fills ``{{name}}`` and treats braces and backslashes near it as its own language (Handlebars). So every literal run
of ``{``, ``}`` and backslashes that could be read so becomes a variable itself, whose value is the run; values are not
read again. SES does not escape values: there is one of each for HTML and one for text.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pydantic_core

from publisher.edition.model import AnySlot, Personal, Slot, Slotted
from publisher.mail.message import Envelope, MailContent, in_html

_RUN = re.compile(r"[\\{}]+")
_SHORT = {Slot.UNSUBSCRIBE_URL: "u", Slot.PREFERENCES_URL: "p", Slot.GREETING: "g"}


@dataclass(frozen=True, slots=True)
class Template:
    """``content`` is SES's ``TemplateContent``; ``runs`` are the variables that stand for literal braces, ``personal``
    those for attributes.
    """

    content: Mapping[str, str]
    runs: Mapping[str, str]
    personal: Mapping[Personal, str]

    def data(self, envelope: Envelope) -> str:
        """The ``ReplacementTemplateData`` of one recipient, as JSON."""
        values = dict(self.runs)
        for slot, value in envelope.text_values().items():
            if isinstance(slot, Personal):
                values[self.personal[slot]] = value
            else:
                values |= {f"h{_SHORT[slot]}": in_html(slot, value), f"t{_SHORT[slot]}": value}
        return to_json(values).decode()


def to_json(value: Any) -> bytes:
    """As JSON, several times as fast as ``json``, which writes what is no Unicode."""
    try:
        return pydantic_core.to_json(value)
    except ValueError:
        return json.dumps(value).encode()


def template_of(letter: MailContent, subject: Slotted) -> Template:
    """The template of a letter; ``subject`` is one line of plain text."""
    runs: dict[str, str] = {}
    texts = {"Subject": (subject, "t"), "Text": (letter.text, "t"), "Html": (letter.html, "h")}
    parts = [part for text, _ in texts.values() for part in text.parts if isinstance(part, Personal)]
    personal = {slot: f"s{number}" for number, slot in enumerate(dict.fromkeys(parts))}
    content = {name: _write(text, kind, runs, personal) for name, (text, kind) in texts.items()}
    return Template(content, {name: run for run, name in runs.items()}, personal)


def _write(text: Slotted, kind: str, runs: dict[str, str], personal: Mapping[Personal, str]) -> str:
    out: list[str] = []
    parts = [part for part in text.parts if part != ""]
    for i, part in enumerate(parts):
        if isinstance(part, AnySlot):
            out.append(f"{{{{{personal[part] if isinstance(part, Personal) else kind + _SHORT[part]}}}}}")
            continue
        out.append(_literal(part, runs, after=i > 0, before=i + 1 < len(parts)))
    return "".join(out)


def _literal(text: str, runs: dict[str, str], *, after: bool, before: bool) -> str:
    """A literal; ``after`` and ``before`` another part."""

    def replace(match: re.Match[str]) -> str:
        run = match[0]
        touches = (after and match.start() == 0) or (before and match.end() == len(text))
        if "{{" not in run and not touches:
            return run
        return f"{{{{{runs.setdefault(run, f'x{len(runs)}')}}}}}"

    return _RUN.sub(replace, text)
