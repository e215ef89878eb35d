"""The plan as Markdown, for a comment on a pull request or a job's summary.

Its content is untrusted: text is escaped, mentions are defused, a code fence is longer than any in its content, and the
whole stays below GitHub's size limit.
"""

import re
from collections.abc import Iterator

from publisher.diagnostics import Diagnostic, Severity, counted, listed, rendered, say
from publisher.publishing.plan import render as words
from publisher.publishing.plan.model import ChangeKind, EditionChange, Plan

LONGEST = 150  # lines per diff

LARGEST = 60_000
_SPECIAL = re.compile(
    r"[\\`*_\[\]<>&@|~#$]"  # markup, mentions, references to issues
    r"|(?<=\w):(?=//)|(?<=www)\."  # automatic links
    r"|^[-+=]|(?<=^\d)[.)]|(?<=^\d\d)[.)]",  # lists and heading underlines
    re.IGNORECASE,
)
# Forges look for references in the text that Markdown has produced, with entities decoded, but not in code. So an
# invisible joiner follows each character that would begin one.
_REFERENCE = re.compile(
    r"@(?=\S)|[#%~&](?=[\w\"])|[!$](?=\d)"  # people, issues, merge requests, labels, milestones, epics, snippets
    r"|(?<![0-9a-z_])[a-z][a-z0-9_]+-(?=\d)|[0-9a-f]{6}(?=[0-9a-f])"  # GH-678, commits of at least seven digits
    r"|\[(?=\[|\w+:)|\*(?=iteration:)|[\w.-](?=>)"  # GitLab's [[page]], [vulnerability:1], group/project>
    r"|:(?=//)|(?<![0-9a-z])www(?=\.)",
    re.IGNORECASE | re.ASCII,
)
_JOINER = "\u200d"
_MARKS = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.INFO: "i"}


def render_markdown(plan: Plan) -> str:
    """Return GitHub-flavoured Markdown, at most :data:`LARGEST` characters."""
    head = rendered(say("What this does to the newsletter"))
    parts = [f"## {head}\n", *_decisions(plan)]
    room = LARGEST - sum(map(len, parts)) - 500
    left_out = 0
    for change in plan.changes:
        section = "\n".join(_change(change)) + "\n"
        if len(section) > room:
            section = "\n".join(_change(change, brief=True)) + "\n"
        if len(section) > room:
            left_out += 1
            continue
        room -= len(section)
        parts.append(section)
    if left_out:
        changed = counted(
            "{n} more edition changed; `publisher plan` shows it.",
            "{n} more editions changed; `publisher plan` shows them.",
            left_out,
        )
        parts.append(f"\n{rendered(changed)}\n")
    if plan.others:
        others = counted(
            "{n} more edition is touched by the theme or `config.yaml` alone.",
            "{n} more editions are touched by the theme or `config.yaml` alone.",
            plan.others,
        )
        parts.append(f"\n{rendered(others)}\n")
    parts += [f"\n> {_plain(note)}\n" for note in plan.notes]
    return "".join(parts)


def _decisions(plan: Plan) -> Iterator[str]:
    shown = words.decisions(plan)
    if not shown:
        nothing = say("{told}.", told=words.nothing(plan))
        yield f"\n{rendered(nothing)}\n"
    else:
        issue = rendered(say("Issue"))
        yield f"\n| {issue} | `publisher publish` |\n|---|---|\n"
        for decision in shown[:50]:
            action = f"<br>{_code(decision.help)}" if decision.help else ""
            yield f"| {_code(decision.slug)} | {_plain(words.action_text(decision, plan))}{action} |\n"
        if len(shown) > 50:
            more = say("… and {n} more.", n=len(shown) - 50)
            yield f"\n{rendered(more)}\n"
    if plan.steps:
        step, goes = rendered(say("Step of a series")), rendered(say("goes"))
        yield f"\n| {step} | {goes} |\n|---|---|\n"
        yield from (f"| {_code(step.slug)} | {rendered(words.goes_to(step))} |\n" for step in plan.steps)
    if plan.shared:
        names = listed([*map(_code, plan.shared[:8]), *["…"][: len(plan.shared) > 8]])
        shared = say("Shared by every edition, and changed: {names}", names=names)
        yield f"\n{rendered(shared)}\n"


def _change(change: EditionChange, *, brief: bool = False) -> Iterator[str]:
    yield f"\n### {_code(change.slug)}: {rendered(words.HOW[change.how])}"
    if shown := change.now or change.was:
        yield f"\n{_plain(shown.title)}"
    if words.is_quiet(change):
        return
    yield ""
    if change.was and change.now and change.was.subject != change.now.subject:
        subject = rendered(say("Subject:"))
        yield f"- {subject} ~~{_plain(change.was.subject)}~~ → {_plain(change.now.subject)}"
    if size := words.sizes(change):
        yield f"- {rendered(size)}"
    if change.audience:
        yield f"- {_plain(words.audience(change.audience))}"
    for found in change.found:
        yield f"- {_finding(found)}"
    gone = rendered(say("gone:"))
    for found in change.settled:
        yield f"- {gone} ~~{_plain(rendered(found.message))}~~ {_code(found.code)}"
    for sign, links in ((say("link added"), change.links_gained), (say("link gone"), change.links_lost)):
        for link in links[:40]:
            yield f"- {rendered(sign)}: {_code(link.url)}" + (f" ({_plain(link.text)})" if link.text else "")
    if not brief and change.how is not ChangeKind.ADDED:
        yield from _folded(say("Text"), change.text)
        yield from _folded(say("HTML structure"), change.structure)
    if change.pictures:
        names = listed(_code(name) for name in change.pictures)
        pictures = say("pictures, in the artifact: {names}", names=names)
        yield f"- {rendered(pictures)}"


def _folded(name: str, lines: tuple[str, ...]) -> Iterator[str]:
    if not lines:
        return
    shown = lines[:LONGEST]
    fence = "`" * max(3, 1 + max((len(run) for line in shown for run in re.findall("`+", line)), default=0))
    count = sum(line.startswith(("+", "-")) for line in lines)
    told = counted("{name}: {n} line", "{name}: {n} lines", count, name=name)
    if len(lines) > LONGEST:
        told = counted("{told}, {n} line more", "{told}, {n} lines more", len(lines) - LONGEST, told=told)
    yield f"\n<details><summary>{rendered(told)}</summary>\n\n{fence}diff"
    yield from shown
    yield f"{fence}\n</details>\n"


def _finding(found: Diagnostic) -> str:
    place = _code(f"{found.path}:{found.span.line}")
    return f"{_MARKS[found.severity]} {place} {_plain(rendered(found.message))} {_code(found.code)}"


def _plain(text: str) -> str:
    """Escape text: one line without markup, links or mentions."""
    joined = _REFERENCE.sub(lambda found: found[0] + _JOINER, " ".join(rendered(text).split()))
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", joined)


def _code(text: str) -> str:
    """Return a code span, fenced by more backticks than the text contains, for use in a table cell."""
    text = " ".join(rendered(text).split()).replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence}{' ' if '`' in text else ''}{text}{' ' if '`' in text else ''}{fence}"
