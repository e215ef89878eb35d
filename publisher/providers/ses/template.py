"""A letter as an inline template of SES, so that any text survives it.

SES fills ``{{name}}`` and treats braces and backslashes near it as its own language (Handlebars). So every literal run
of ``{``, ``}`` and backslashes that could be read so becomes a variable itself, whose value is the run; values are not
read again. SES does not escape values: there is one of each for HTML and one for text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from publisher.edition.model import Slot, Slotted
from publisher.mail.message import Envelope, MailContent

_RUN = re.compile(r"[\\{}]+")
_SHORT = {Slot.UNSUBSCRIBE_URL: "u", Slot.PREFERENCES_URL: "p", Slot.GREETING: "g"}


@dataclass(frozen=True, slots=True)
class Template:
    """``content`` is SES's ``TemplateContent``; ``runs`` are the variables that stand for literal braces."""

    content: Mapping[str, str]
    runs: Mapping[str, str]

    def data(self, envelope: Envelope) -> str:
        """The ``ReplacementTemplateData`` of one recipient, as JSON."""
        values = dict(self.runs)
        for slot, value in envelope.html_values().items():
            values[f"h{_SHORT[slot]}"] = value
        for slot, value in envelope.text_values().items():
            values[f"t{_SHORT[slot]}"] = value
        return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def template_of(letter: MailContent, subject: str) -> Template:
    """The template of a letter; ``subject`` is one line of plain text."""
    runs: dict[str, str] = {}
    content = {
        "Subject": _write(Slotted((subject,)), "t", runs),
        "Text": _write(letter.text, "t", runs),
        "Html": _write(letter.html, "h", runs),
    }
    return Template(content, {name: run for run, name in runs.items()})


def _write(text: Slotted, kind: str, runs: dict[str, str]) -> str:
    out: list[str] = []
    parts = [part for part in text.parts if part != ""]
    for i, part in enumerate(parts):
        if isinstance(part, Slot):
            out.append(f"{{{{{kind}{_SHORT[part]}}}}}")
            continue
        after_slot = i > 0 and isinstance(parts[i - 1], Slot)
        before_slot = i + 1 < len(parts) and isinstance(parts[i + 1], Slot)
        out.append(_literal(part, runs, after_slot=after_slot, before_slot=before_slot))
    return "".join(out)


def _literal(text: str, runs: dict[str, str], *, after_slot: bool, before_slot: bool) -> str:
    def replace(match: re.Match[str]) -> str:
        run = match[0]
        touches = (after_slot and match.start() == 0) or (before_slot and match.end() == len(text))
        if "{{" not in run and not touches:
            return run
        return f"{{{{{runs.setdefault(run, f'x{len(runs)}')}}}}}"

    return _RUN.sub(replace, text)
