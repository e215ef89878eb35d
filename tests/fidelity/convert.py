"""A newsletter that is one Markdown file → the files of an issue: its headings of the second level begin the items."""

from __future__ import annotations

import re

import yaml
from markdown_it import MarkdownIt

_BLOCKS = MarkdownIt("commonmark").disable(["inline"])
_DEFINITION = re.compile(r" {0,3}\[(?P<label>\^?[^\[\]\n]+)\]:")


def convert(markdown: str, day: str, language: str = "en") -> dict[str, str]:
    """The files by name; the text before the first item is the intro. Definitions and notes go where they are used."""
    lines = markdown.split("\n")
    title, cuts = "Untitled", []
    for token in _BLOCKS.parse(markdown):
        if token.type == "heading_open" and token.level == 0 and token.map and token.markup[0] == "#":
            if token.tag == "h1" and title == "Untitled" and not cuts:
                title, lines[token.map[0]] = lines[token.map[0]].strip("# \t"), ""
            elif token.tag == "h2":
                cuts.append(token.map[0])
    parts = [lines[start:end] for start, end in zip([0, *cuts], [*cuts, len(lines)], strict=True)]
    shared = [_definitions(part) for part in parts]
    texts = ["\n".join(part).strip("\n") for part in parts]
    files = {"issue.yaml": _yaml({"title": title, "date": day, "language": language} | _intro(texts[0], shared))}
    for number, text in enumerate(texts[1:], 1):
        head, _, body = text.partition("\n")
        headline = re.sub(r"[ \t]+#+[ \t]*$", "", head).strip("# \t") or "Untitled"
        body = _with_definitions(body.strip("\n"), shared)
        files[f"{number:02}-story-{number}.md"] = f"---\n{_yaml({'headline': headline})}---\n{body}\n"
    return files


def _yaml(values: dict[str, str]) -> str:
    return str(yaml.safe_dump(values, allow_unicode=True, sort_keys=False, width=10_000, default_style='"'))


def _intro(text: str, shared: list[dict[str, str]]) -> dict[str, str]:
    return {"intro": _with_definitions(text, shared)} if text.strip() else {}


def _definitions(lines: list[str]) -> dict[str, str]:
    return {match["label"]: line for line in lines if (match := _DEFINITION.match(line))}


def _with_definitions(text: str, shared: list[dict[str, str]]) -> str:
    own = {match["label"] for line in text.split("\n") if (match := _DEFINITION.match(line))}
    lent = {label: line for known in shared for label, line in known.items() if f"[{label}]" in text}
    more = [line for label, line in lent.items() if label not in own]
    return "\n\n".join([text, *more])
