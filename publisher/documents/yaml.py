"""Parser from YAML text to nodes, built on parser events, so that deep nesting and aliases cannot exhaust resources.

The composer and constructor of PyYAML are not used: their recursion is unbounded, and they follow the rules of YAML 1.1
(``no`` is false, ``12:30`` is 750). Values are not interpreted here.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import yaml

from publisher.diagnostics import Code, Diagnostic, Place, Sentence, Severity, Span, define, say
from publisher.documents.nodes import Entry, Mapping, Node, Scalar, Sequence
from publisher.documents.text import CONTROL, TextFile, told_invisible
from publisher.documents.validate import WRONG_TYPE
from publisher.documents.yaml_typos import SYNTAX, shortened, typo_at, typo_in

DUPLICATE_KEY = define("yaml-duplicate-key", Severity.ERROR, fixed=True)
TOO_DEEP = define("yaml-too-deep", Severity.ERROR, fixed=True)
ALIAS = define("yaml-alias", Severity.ERROR, fixed=True)
TAG = define("yaml-tag", Severity.ERROR, fixed=True)
SEVERAL_DOCUMENTS = define("yaml-several-documents", Severity.ERROR, fixed=True)
COMPLEX_KEY = define("yaml-complex-key", Severity.ERROR, fixed=True)
ENTRY_JOINED = define("list-entry-joined", Severity.ERROR)
CUT_AT_HASH = define("text-cut-at-hash", Severity.ERROR)

MAX_DEPTH = 60
_WORDS = (
    "title subject preheader headline section name alt caption credit authors tags key_points points generated_by"
    " attribution commentary_by intro body commentary description subtitle postal_address by reviewed_by"
    " author digest label"
)
_NAMED = frozenset({"topics", "labels", "footer"})
"""Keys of mappings whose values are prose under any key."""
_TEXTS = frozenset(_WORDS.split()) | _NAMED
"""Keys whose values are prose. In values of other keys, ``#`` after a space is always a comment."""
_MARKDOWN = frozenset({"intro", "body", "commentary"})
_CUT = re.compile(r"[ \t]+(?P<words>#+[^#\s].*)")
_BARE = re.compile(r"[ \t]+(?P<words>#+[ \t]*)|[ \t](?P<number>#[ \t]\d+[ \t]*)")
"""A hash at the end of a text, alone or before a number: no comment is as short."""
_CUT_BELOW = re.compile(r"[ \t]+(?P<words>#(?![\s#!-]|[A-Za-z_]+:(?:\s|$)).*)")
"""A line below a text that would go on with it; no key or entry that is commented out."""
_HEADING = re.compile(r"(?P<indent>[ \t]*)(?P<words>#{1,6}[ \t]+\S.*)")
_TEXT = re.compile(r"[ \t]+(?!- |[A-Za-z_]+:(?:\s|$))[^\s#]")
_GOES_ON = ("did not find expected key", "did not find expected '-' indicator", "could not find expected ':'")
_ENDS_TEXT = re.compile(r"(?:.*?\S)?[ \t]+(?P<words>#+(?:[ \t].*)?)")
"""A line with a comment, after which no text goes on."""
_DEEPER = re.compile(r"[ \t]*-(?=[ \t])")
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_data(path: Path) -> Any:
    """Load one of the package's own YAML files, which are trusted."""
    return yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 - a safe loader


def parse_yaml(file: TextFile, first: int = 1, last: int | None = None) -> tuple[Node | None, list[Diagnostic]]:
    """Parse lines ``first`` to ``last`` (from 1, inclusive) of ``file``. Places refer to the whole file.

    The node is None if the YAML is invalid (with findings) or empty (without).
    """
    builder = _Builder(file.path, first, (*file.lines[first - 1 : last], ""))
    try:
        return builder.root(), builder.findings
    except yaml.MarkedYAMLError as error:
        told = _syntax(file, first, last, error)
        # A comment in which a bracket is closed, or after which a text would go on, is reported once.
        if not any(found.code == CUT_AT_HASH.name and found.line >= told.line for found in builder.findings):
            builder.findings.append(told)
    except _Refused:
        pass
    except yaml.YAMLError:  # a character that YAML rejects; read_text has replaced and reported all of them
        advice = say("save it as UTF-8 text")
        builder.findings.append(SYNTAX.at(Place(file.path), say("the YAML cannot be read"), help=advice))
    return None, builder.findings


def parse_mapping(
    file: TextFile, message: Sentence, help: Sentence | None, first: int = 1, last: int | None = None
) -> tuple[Mapping | None, list[Diagnostic]]:
    """Like :func:`parse_yaml`, for a mapping; empty if the YAML is. Any other node is a finding ``message``."""
    node, findings = parse_yaml(file, first, last)
    if node is None and not findings:
        node = Mapping((), Span.point(1), {})
    if node is None or isinstance(node, Mapping):
        return node, findings
    place = Place(file.path, Span.point(node.span.line, node.span.column))
    told = typo_in(file, node.span.line, node.span.end_line) or WRONG_TYPE.at(place, message, help=help)
    return None, [*findings, told]


_ESCAPED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""What an escape such as ``"\\e"`` can bring into a text: XML has no such characters, and terminals obey them."""


class _Refused(Exception):  # noqa: N818
    """Stops parsing after a finding that makes the rest meaningless."""


class _Builder:
    """Builds nodes from parser events; recursion is limited to MAX_DEPTH."""

    def __init__(self, path: str, first: int, lines: tuple[str, ...]) -> None:
        self.path, self.first, self.lines = path, first, lines
        self.findings: list[Diagnostic] = []
        self._flow = 0  # number of open flow collections (in brackets)

    def root(self) -> Node | None:
        """Return the node of the only document; None if it is empty."""
        root, documents = None, 0
        self._event = _LOADER("\n".join(self.lines)).get_event
        while event := self._event():
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    message = say("a second YAML document begins here")
                    self._refuse(SEVERAL_DOCUMENTS, self._span(event), message, say("delete this line"))
                if event.tags:
                    self._refuse(TAG, self._span(event), _NO_TAG, say("delete the %TAG line"))
            elif isinstance(event, yaml.NodeEvent):
                root = self._node(event, 0, None)
        return root

    def _node(self, event: yaml.NodeEvent, depth: int, key: Scalar | None) -> Node:
        """Return the node that starts with an event; ``key`` is the key it belongs to."""
        span = self._span(event)
        self._plain(event, span)
        if isinstance(event, yaml.ScalarEvent):
            if key is not None and key.text in _TEXTS and event.style not in {"|", ">"}:
                self._cut(event.value, span, plain=not event.style)
                if key.text in _MARKDOWN and not event.style and span.line > key.span.line:
                    self._headings(key.span, span)
            if not event.style and span.end_line > span.line:
                self._joined(span)
            if event.style == '"' and (hidden := _ESCAPED.search(event.value)):  # written as an escape, such as "\\e"
                place = Place(self.path, span)
                self.findings.append(CONTROL.at(place, told_invisible(hidden[0][0]), help=say("delete it")))
            return Scalar(event.value, span, event.style or "")
        assert isinstance(event, yaml.CollectionStartEvent)
        if depth >= MAX_DEPTH:
            message = say("the YAML is nested deeper than {max_depth} levels", max_depth=MAX_DEPTH)
            self._refuse(TOO_DEEP, span, message, say("quote a text that begins with { or ["))
        return self._collection(event, span, depth, key)

    def _collection(self, event: yaml.CollectionStartEvent, span: Span, depth: int, key: Scalar | None) -> Node:
        mapping = isinstance(event, yaml.MappingStartEvent)
        self._flow += bool(event.flow_style)
        items: list[Node] = []
        entries: dict[str, Entry] = {}
        end = None
        while not isinstance(inner := self._event(), yaml.CollectionEndEvent):
            if mapping:
                name = self._key(inner)
                node = self._node(self._event(), depth + 1, key if key and key.text in _NAMED else name)
                self._enter(entries, Entry(name, node))
            else:
                node = self._node(inner, depth + 1, key)
                items.append(node)
            end = node.span
        self._flow -= bool(event.flow_style)
        # The end mark of a block collection is at the next token; the collection ends where its last child ends.
        last = self._span(inner) if event.flow_style or end is None else end
        whole = Span(*span[:2], *last[2:])
        return Mapping(tuple(entries.values()), whole, entries) if mapping else Sequence(tuple(items), whole)

    def _key(self, event: yaml.NodeEvent) -> Scalar:
        if isinstance(event, yaml.CollectionStartEvent):
            span, message = self._span(event), say("there is a list or a mapping where a key belongs")
            self._plain(event, span)
            self._refuse(COMPLEX_KEY, span, message, say('quote a text that begins with { or [, as in "{{ name }}"'))
        node = self._node(event, 0, None)
        assert isinstance(node, Scalar)
        return node

    def _enter(self, entries: dict[str, Entry], entry: Entry) -> None:
        earlier = entries.setdefault(entry.key.text, entry)
        if earlier is not entry:
            line, column, *_ = earlier.key.span
            named = {"name": entry.key.text, "line": line, "column": column}
            told = say("the key {name} was already given at {line}:{column}", **named)
            place = Place(self.path, entry.key.span)
            self.findings.append(DUPLICATE_KEY.at(place, told, help=say("keep one of the two")))

    def _span(self, event: Any) -> Span:
        start, end, first = event.start_mark, event.end_mark, self.first
        return Span(start.line + first, start.column + 1, end.line + first, end.column + 1)

    def _refuse(self, code: Code, span: Span, message: Sentence, help: Sentence) -> NoReturn:
        self.findings.append(code.at(Place(self.path, span), message, help=help))
        raise _Refused

    def _plain(self, event: Any, span: Span) -> None:
        """Refuse aliases, anchors and tags."""
        if event.anchor is None and event.tag is None:  # an alias has an anchor too
            return
        point = Span(*span[:2], span.line, span.column + 1)
        if isinstance(event, yaml.AliasEvent):
            self._refuse(ALIAS, span, _NO_ALIAS, _QUOTE_ALIAS)
        if event.anchor is not None:
            self._refuse(ALIAS, point, _NO_ANCHOR, _QUOTE_ANCHOR)
        self._refuse(TAG, point, _NO_TAG, _QUOTE_TAG)

    def _joined(self, span: Span) -> None:
        """Report list entries that are indented deeper than the entry above, which YAML reads as part of its text."""
        for number in range(span.line + 1, span.end_line + 1):
            line = self.lines[number - self.first]
            if found := _DEEPER.match(line):
                place = Place(self.path, Span(number, found.end(), number, found.end() + 1))
                message = say("this is not an entry of the list: YAML reads it as part of the text above it")
                advice = say("indent it as the entries of its list; quote a text that goes on with a hyphen")
                self.findings.append(ENTRY_JOINED.at(place, message, help=advice))

    def _headings(self, key: Span, span: Span) -> None:
        """Report headings around a Markdown text below its key without ``|``: YAML drops them as comments."""
        for numbers in (range(span.line - 1, key.line, -1), range(span.end_line + 1, self.first + len(self.lines))):
            for number in numbers:
                line = self.lines[number - self.first]
                heading = _HEADING.fullmatch(line)
                if line.strip() and not (heading and len(heading["indent"]) >= key.column):
                    break
                if heading:
                    words, column = heading["words"].rstrip(), heading.start("words") + 1
                    place = Place(self.path, Span(number, column, number, column + len(words)))
                    self.findings.append(CUT_AT_HASH.at(place, _unseen(words), help=_BEGIN_BLOCK))

    def _cut(self, text: str, span: Span, *, plain: bool) -> None:
        """Report words after `` #`` in prose: YAML drops them as a comment, but the author may have meant text."""
        number = span.end_line
        line = self.lines[number - self.first]
        comma = bool(self._flow) and line.startswith(",", span.end_column - 1) and not set("]}") & set(line)
        rest = _CUT.fullmatch(line, span.end_column - 1 + comma)
        if plain and text and not (rest or comma):
            rest = _BARE.fullmatch(line, span.end_column - 1)
        after = "".join(self.lines[number + 1 - self.first : number + 2 - self.first])
        if not (rest or self._flow) and (below := _CUT_BELOW.fullmatch(after)):
            begun = re.match(r"([ \t]*)(?:- +)*", self.lines[span.line - self.first])
            deeper = begun and below.start("words") > begun.end(1 if span.column == begun.end() + 1 else 0)
            rest, number = (below, number + 1) if deeper else (None, number)
        if not rest:
            return
        group = rest.lastgroup or ""
        words, column = rest[group].rstrip(), rest.start(group) + 1
        place = Place(self.path, Span(number, column, number, column + len(words)))
        message = _unseen(words)
        if self._flow:
            words = re.split(r"[,\]}]", words)[0].rstrip()  # without the next scalar
        mark = '"' if not set('"\\') & set(text + words) else "'"
        text = "" if comma else text
        whole = shortened(f"{text} {words}".lstrip() if mark == '"' else f"{text} {words}".lstrip().replace("'", "''"))
        advice = say(
            "quote the whole text: {mark}{whole}{mark}; a comment has a space and words after #", mark=mark, whole=whole
        )
        self.findings.append(CUT_AT_HASH.at(place, message, help=advice))


def _unseen(words: str) -> Sentence:
    return say("readers would not see “{words}”: YAML reads it as a comment", words=shortened(words))


_BEGIN_BLOCK = say("write | after the key and its colon, and indent the text below; put a comment above the key")
_NO_ALIAS, _QUOTE_ALIAS = say("YAML aliases are not read here"), say("quote a text that begins with *")
_NO_ANCHOR, _QUOTE_ANCHOR = say("YAML anchors are not read here"), say("quote a text that begins with &")
_NO_TAG, _QUOTE_TAG = say("YAML tags are not read here"), say("quote a text that begins with !")
_REFUSED = {
    "while scanning an alias": (ALIAS, _NO_ALIAS, _QUOTE_ALIAS),
    "while scanning an anchor": (ALIAS, _NO_ANCHOR, _QUOTE_ANCHOR),
    "while scanning a tag": (TAG, _NO_TAG, _QUOTE_TAG),
}


@cache
def _known_errors() -> tuple[tuple[str, str, str], ...]:
    return tuple(tuple(known.values()) for known in read_data(Path(__file__).with_name("syntax.yaml")))


def _syntax(file: TextFile, first: int, last: int | None, error: yaml.MarkedYAMLError) -> Diagnostic:
    """Convert a parser error to a finding in words that an editor understands."""
    problem = error.problem or "the YAML cannot be read"
    # An unclosed quote or bracket is detected at the end of the file, but has to be corrected where it was opened.
    opened = any(sign in problem for sign in ("end of stream", "expected ',' or", "could not find expected ':'"))
    mark = error.context_mark if opened or error.context in _REFUSED else error.problem_mark
    mark, lines = mark or error.problem_mark or error.context_mark, file.lines[:last]
    found = (mark.line if mark else 0) + first
    line = min(found, len(lines))
    if error.context not in _REFUSED and (typo := typo_in(file, first, line) or typo_at(file, line)):
        return typo
    source = lines[line - 1] if lines else ""
    # An error at the end of the file is shown at the end of the last line.
    column = len(source) + 1 if found > line else min((mark.column if mark else 0) + 1, len(source) + 1)
    place = Place(file.path, Span(line, column, line, column + 1 if column <= len(source) else column))
    if error.context in _REFUSED:
        code, message, advice = _REFUSED[error.context]
        return code.at(place, message, help=advice)
    above = next((number for number in range(line - 1, first - 1, -1) if lines[number - 1].strip()), line)
    ended = _TEXT.match(source) and _ENDS_TEXT.fullmatch(lines[above - 1])
    if ended and any(sign in problem for sign in _GOES_ON):
        column, words = ended.start("words") + 1, ended["words"].rstrip()
        place = Place(file.path, Span(above, column, above, column + len(words)))
        return SYNTAX.at(place, _unseen(words), help=_BEGIN_BLOCK)
    if "did not find expected key" in problem and source[column - 1 :].strip() == ",":
        return SYNTAX.at(place, say("YAML needs no comma at the end of a line"), help=say("delete the comma"))
    if "cannot start any token" in problem:
        character = source[column - 1 : column]
        if character == "\t":
            return SYNTAX.at(place, say("a tab cannot indent YAML"), help=say("indent with spaces"))
        message = say("a text cannot begin with {character}", character=character)
        return SYNTAX.at(place, message, help=say("quote the text"))
    for sign, means, action in _known_errors():
        if sign in problem:
            return SYNTAX.at(place, say(means), help=say(action))
    told = f"{problem} {error.context}" if error.context else problem
    return SYNTAX.at(place, say("the YAML cannot be read: {told}", told=told), help=say("quote the text"))
