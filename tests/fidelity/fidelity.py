"""Does every word and every address of the source reach the reader, in HTML, text and page, or is it reported?"""

from __future__ import annotations

from collections.abc import Iterable
from html import unescape
from pathlib import Path
from urllib.parse import unquote

from selectolax.lexbor import LexborHTMLParser

from publisher.config import load_config
from publisher.diagnostics import Diagnostic
from publisher.edition.rendering import render
from publisher.issue.load import read_issue
from publisher.proofing.proof import proofread

_LOSES = {
    "removed-active-content",
    "removed-html",
    "note-lost",
    "link-not-made",
    "empty-value",
    "table-cell-lost",
    "text-cut-at-hash",
}
_RAISED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹", "0123456789")  # how a text says <sup>2</sup>
_TO_THE_END = {"text-swallowed", "comment-unclosed"}  # which name where it begins


def lost(root: Path, slug: str, wanted: Iterable[str]) -> list[str]:
    """Each of the words and addresses ``wanted`` that is in a file of the issue, not in a writing, and not named."""
    config = load_config(root)
    issue = read_issue(config, slug).partial
    assert issue is not None
    edition, more = render(issue, config)
    findings = [*proofread(config, slug).findings, *more]
    assert edition is not None, [each for each in more if each.severity == "error"]
    writings = {
        "email.html": _of_html(edition.html.fill(lambda _: "")),
        "email.txt": _packed(edition.text.fill(lambda _: "")),
        "the page": _of_html(edition.web),
    }
    files = {
        path: path.read_text(encoding="utf-8").split("\n")
        for path in sorted((root / issue.folder).iterdir())
        if path.is_file()
    }
    told = []
    for want in wanted:
        where = [name for name, writing in writings.items() if _packed(want) not in writing]
        if where and not any(_named(want, path, lines, root, findings) for path, lines in files.items()):
            told.append(f"{want} is not in {', '.join(where)}")
    return told


def _in_note(lines: list[str], number: int) -> bool:
    """Whether a line is perhaps of a note, which is written at the end of its text."""
    line = lines[number - 1]
    return "[^" in line or "^[" in line or line.startswith("    ")


def _of_html(html: str) -> str:
    tree = LexborHTMLParser(html)
    tree.strip_tags(["style", "script", "title"])
    given = [tree.body.text() if tree.body else ""]
    for node in tree.css("a[href], img"):
        given += [node.attributes.get(name) or "" for name in ("href", "src", "alt")]
    return _packed("\n".join(given))


def _packed(text: str) -> str:
    return "".join(unquote(unescape(text)).translate(_RAISED).split())


def _named(want: str, path: Path, lines: list[str], root: Path, findings: Iterable[Diagnostic]) -> bool:
    at = [number for number, line in enumerate(lines, 1) if want in line]
    for finding in findings:
        if root / finding.path == path:
            span = finding.span
            to_the_end = finding.code in _TO_THE_END
            if (to_the_end or finding.code in _LOSES) and any(
                (span.line <= number and (number <= span.end_line or to_the_end))
                or (to_the_end and _in_note(lines, number))
                for number in at
            ):
                return True
    return False
