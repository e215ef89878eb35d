"""Machine-readable findings: the stable list of ``check --format json``, GitHub workflow commands and SARIF 2.1.0.

GitHub shows a workflow command next to its line in a pull request. Escaping follows ``@actions/core``
(``packages/core/src/command.ts``): ``%``, CR and LF in data; also ``:`` and ``,`` in properties. SARIF (OASIS) is
the format that code hosts read for their security and quality views.
"""

import json
from collections.abc import Iterable, Mapping
from json.encoder import encode_basestring
from typing import Any
from urllib.parse import quote

from publisher import __version__
from publisher.diagnostics.catalogue import Code, catalogue
from publisher.diagnostics.model import Diagnostic, Severity
from publisher.diagnostics.sentences import rendered
from publisher.diagnostics.text import Shown, fold, printable, told

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_KEYS = ("path", "line", "column", "end_line", "end_column", "severity", "code", "message", "help")
_LAID_OUT = "\n  {\n" + ",\n".join(f'    "{key}": %s' for key in _KEYS) + "\n  }"
"""The layout of ``json.dumps(indent=2)``, which CPython's C encoder does not support."""
_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}
_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def as_object(diagnostic: Diagnostic) -> dict[str, Any]:
    """Return a finding as plain data. Lines and columns count from 1; the end is exclusive."""
    told = rendered(diagnostic.message), diagnostic.help and rendered(diagnostic.help)
    values = (diagnostic.path, *diagnostic.span, str(diagnostic.severity), diagnostic.code, *told)
    return dict(zip(_KEYS, values, strict=True))


def render_json(diagnostics: Iterable[Diagnostic]) -> str:
    """Return a JSON array with one element per finding and a newline at its end."""
    objects = [_LAID_OUT % tuple(map(_dumped, as_object(diagnostic).values())) for diagnostic in diagnostics]
    return f"[{','.join(objects)}\n]\n" if objects else "[]\n"


def _dumped(value: str | int | None) -> str:
    return encode_basestring(value) if isinstance(value, str) else "null" if value is None else str(value)


def render_github(diagnostics: Iterable[Diagnostic], *, folded: bool = False) -> str:
    """Return one workflow command per line; ``folded`` merges many findings of one kind. GitHub shows ten per job."""
    shown = fold(diagnostics) if folded else map(Shown, diagnostics)
    return "".join(f"{_command(one)}\n" for one in shown)


def _command(shown: Shown) -> str:
    diagnostic, span = shown.finding, shown.finding.span
    listed = f"file={_property(diagnostic.path)},line={span.line},endLine={span.end_line}"
    if span.end_line == span.line:
        # GitHub accepts columns only if the finding is within one line; its end column is inclusive.
        listed += f",col={span.column},endColumn={max(span.end_column - 1, span.column)}"
    listed += f",title={_property(diagnostic.code)}"
    text = told(diagnostic)
    text += f"\n{shown.rest}" if shown.more else ""
    return f"::{_COMMANDS[diagnostic.severity]} {listed}::{_data(text)}"


def _data(text: str) -> str:
    return printable(text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def render_sarif(diagnostics: Iterable[Diagnostic], known: Mapping[str, Code] | None = None) -> str:
    """Return a SARIF log with one run: all findings, and a rule for each code found, described from ``known``."""
    found = list(diagnostics)
    names = sorted({diagnostic.code for diagnostic in found})
    places = {name: place for place, name in enumerate(names)}
    addresses = {path: quote(path) for path in {diagnostic.path for diagnostic in found}}
    known = catalogue() if known is None else known
    driver = {"name": "publisher", "version": __version__, "rules": [_rule(name, known.get(name)) for name in names]}
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"ROOT": {"description": {"text": "The newsletter repository."}}},
        "results": [_result(one, places[one.code], addresses[one.path]) for one in found],
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False) + "\n"


def _rule(name: str, code: Code | None) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": name}
    if code is not None:
        rule["shortDescription"] = {"text": code.summary}
        rule["help"] = {"text": code.doc, "markdown": code.doc}
        rule["defaultConfiguration"] = {"level": _LEVELS[code.severity]}
    return rule


def _result(diagnostic: Diagnostic, index: int, address: str) -> dict[str, Any]:
    keys = ("startLine", "startColumn", "endLine", "endColumn")
    region = dict(zip(keys, diagnostic.span, strict=True))
    place = {"artifactLocation": {"uri": address, "uriBaseId": "ROOT"}, "region": region}
    return {
        "ruleId": diagnostic.code,
        "ruleIndex": index,
        "level": _LEVELS[diagnostic.severity],
        "message": {"text": told(diagnostic)},
        "locations": [{"physicalLocation": place}],
    }
