"""Write YAML as text: scalars, and entries added to an existing file while keeping its comments and order."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from publisher.diagnostics import say
from publisher.documents import Entry, Mapping, Node, Scalar, TextFile, data_of, is_null, parse_yaml
from publisher.documents import Sequence as Listed
from publisher.documents.atomic import write_file
from publisher.errors import UsageError, refusal
from publisher.issue.item_file import keys_of


def end_of_entry(lines: Sequence[str], entry: Entry) -> int:
    """The index after the last line of a top-level entry, without blank lines and comments after it."""
    span = entry.value.span  # ends in column 1 after a block scalar, blank lines included
    last = span.end_line if span.end_column > 1 else entry.key.span.line
    for index in range(last, len(lines)):
        line = lines[index]
        if line.strip() and not line.startswith((" ", "\t", "- ", "#")) and line != "-":
            break
        if line.strip() and not line.startswith("#"):
            last = index + 1
    return last


def scalar(text: str) -> str:
    """The text on one line, quoted only if YAML requires it."""
    text = re.sub(r"\s+", " ", text).strip()
    dumped: str = yaml.safe_dump(text, allow_unicode=True, width=10**9, default_style=None).strip()
    return dumped.removesuffix("\n...").strip()


def key_points_block(points: Sequence[str], generated_by: str | None) -> list[str]:
    """The lines of the entry; each point on one line, quoted only if YAML requires it."""
    written = [f"- {scalar(point)}" for point in points]
    if generated_by is None:
        return ["key_points:", *(f"  {line}" for line in written)]
    return ["key_points:", "  points:", *(f"    {line}" for line in written), f"  generated_by: {scalar(generated_by)}"]


def with_item(file: TextFile, name: str) -> str | None:
    """Return the text of issue.yaml with a file appended to ``items:``; unchanged if it has no such list.

    None if the list is written in a form that cannot be extended by a line.
    """
    root, _ = parse_yaml(file)
    entry = root.entry("items") if isinstance(root, Mapping) else None
    if entry is None or is_null(entry.value):
        return file.text
    lines = file.text.split("\n")
    last = end_of_entry(lines, entry)
    dash = next((line for line in lines[entry.key.span.line : last] if re.match(r"\s*-(\s|$)", line)), None)
    if isinstance(entry.value, Listed) and dash is not None:
        indent = dash[: len(dash) - len(dash.lstrip())]
        after = "\n".join([*lines[:last], f"{indent}- {scalar(name)}", *lines[last:]])
    else:
        end = entry.value.span
        at = sum(len(line) + 1 for line in lines[: end.end_line - 1]) + end.end_column - 2
        if file.text[at : at + 1] != "]":
            return None
        before = file.text[:at].rstrip()
        comma = "" if before.endswith("[") else " " if before.endswith(",") else ", "
        after = f"{before}{comma}{scalar(name)}{file.text[len(before) :]}"
    return after if _listed(after, file.path) == [*_listed(file.text, file.path), name] else None


def _listed(text: str, path: str) -> list[str | None]:
    """The file names in ``items:``; None for an item that is written inline."""
    root, _ = parse_yaml(TextFile(path, text))
    found = root.get("items") if isinstance(root, Mapping) else None
    items = found.items if isinstance(found, Listed) else ()
    return [item.text if isinstance(item, Scalar) else None for item in items]


def rewrite(target: Path, text: str) -> None:
    r"""Write the text, whose lines end in ``\n``, with the byte order mark, line ends and mode that the file has.

    Raises :class:`UsageError`; the file is unchanged then.
    """
    with refusal(say("cannot write {path}", path=target), say("make the folder writable, or make room")):
        before = target.read_bytes()
        mark = "\ufeff" if before.startswith(b"\xef\xbb\xbf") else ""
        text = mark + (text.replace("\n", "\r\n") if b"\r\n" in before else text)
        write_file(target, text.encode(), target.stat().st_mode & 0o777)


def with_headline(file: TextFile, headline: str, by: str) -> str:
    """The text of an item's file with a headline drafted by the model ``by``, and ``generated`` extended to say so.

    Raises :class:`UsageError` if the keys are written in a form that cannot be extended by a line.
    """
    given = data_of(_matter(file)).get("generated") or {}
    parts = ("body", "commentary") if "commentary" in file.text else ("body",)
    kept = {part: dict(given) for part in parts} if "by" in given else given
    origins = {**kept, "headline": {"by": by, "grade": "drafted"}}
    flow = yaml.safe_dump(origins, allow_unicode=True, default_flow_style=True, sort_keys=False, width=10**9).strip()
    titled = TextFile(file.path, _with_value(file, "headline", scalar(headline), headline))
    return _with_value(titled, "generated", flow, origins)


def _matter(file: TextFile) -> Mapping:
    """The front matter of an item's file."""
    found = keys_of(file)
    if not isinstance(found, Mapping):
        advice = say("run publisher check {path}", path=file.path)
        raise UsageError(say("the keys of {path} cannot be read", path=file.path), help=advice)
    return found


def _with_value(file: TextFile, key: str, written: str, value: Any) -> str:
    """The text with the value of a key replaced, or inserted below the headline; comments are kept."""
    matter, lines = _matter(file), file.text.split("\n")
    entry, headline = matter.entry(key), matter.entry("headline")
    if entry is None:
        at = end_of_entry(lines, headline) if headline else int(lines[0].startswith("---"))
        lines.insert(at, f"{key}: {written}")
    else:
        first, span = entry.key.span.line - 1, entry.value.span
        if first + 1 == span.line == span.end_line:
            start, end = lines[first][: span.column - 1].rstrip(), lines[first][span.end_column - 1 :]
            lines[first] = f"{start} {written}{end}"
        else:
            lines[first : end_of_entry(lines, entry)] = [f"{key}: {written}"]
    after = "\n".join(lines)
    if data_of(_matter(TextFile(file.path, after))) != {**data_of(matter), key: value}:
        advice = say("write {key}: {written} by hand", key=key, written=written)
        raise UsageError(say("no line can be put among the keys of {path}", path=file.path), help=advice)
    return after


class _Plain(str):
    """A scalar written without quotes, such as a date, which keeps its type that way."""

    __slots__ = ()


def written(node: Node | None) -> Any:
    """The node as data, to be changed and written with :func:`block`; null as None."""
    if isinstance(node, Mapping):
        return {entry.key.text: written(entry.value) for entry in node.entries}
    if isinstance(node, Listed):
        return [written(item) for item in node.items]
    if not isinstance(node, Scalar) or is_null(node):
        return None
    return node.text if node.style or "\n" in node.text else _Plain(node.text)


class _Dumper(yaml.SafeDumper):
    """Writes multi-line texts as block scalars and plain scalars without quotes, and uses no aliases."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text_node(_: _Dumper, text: str) -> yaml.ScalarNode:
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


def _plain_node(dumper: _Dumper, text: _Plain) -> yaml.ScalarNode:
    tag = dumper.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    return yaml.ScalarNode(tag, str(text))


_Dumper.add_representer(str, _text_node)
_Dumper.add_representer(_Plain, _plain_node)


def block(data: dict[str, Any]) -> str:
    """The mapping as YAML in block style."""
    dumped: str = yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=10**9)
    return dumped
