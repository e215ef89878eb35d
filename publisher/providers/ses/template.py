"""Mail content as an inline SES template that preserves any text.

SES replaces ``{{name}}`` and interprets braces and backslashes next to it (Handlebars). Therefore each literal run
of ``{``, ``}`` and backslashes that could be interpreted becomes a variable whose value is the run; values are not
interpreted. SES does not escape values, so each slot has one variable for HTML and one for text.
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
    """Template of an edition. ``content`` is SES's ``TemplateContent``; ``runs`` are the variables for literal
    braces, ``personal`` those for attributes.
    """

    content: Mapping[str, str]
    runs: Mapping[str, str]
    personal: Mapping[Personal, str]

    def data(self, envelope: Envelope) -> str:
        """Return one recipient's ``ReplacementTemplateData`` as JSON."""
        values = dict(self.runs)
        for slot, value in envelope.text_values().items():
            if isinstance(slot, Personal):
                values[self.personal[slot]] = value
            else:
                values |= {f"h{_SHORT[slot]}": in_html(slot, value), f"t{_SHORT[slot]}": value}
        return to_json(values).decode()


def to_json(value: Any) -> bytes:
    """Return JSON, several times faster than ``json``, which is the fallback for lone surrogates."""
    try:
        return pydantic_core.to_json(value)
    except ValueError:
        return json.dumps(value).encode()


def template_of(letter: MailContent, subject: Slotted) -> Template:
    """Return the template for a mail content; ``subject`` is one line of plain text."""
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
    """Escape a literal; ``after`` and ``before`` say whether it comes after or before another part."""

    def replace(match: re.Match[str]) -> str:
        run = match[0]
        touches = (after and match.start() == 0) or (before and match.end() == len(text))
        if "{{" not in run and not touches:
            return run
        return f"{{{{{runs.setdefault(run, f'x{len(runs)}')}}}}}"

    return _RUN.sub(replace, text)
