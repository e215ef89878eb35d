"""Block syntax: invalid headings, lists and tables; indented prose; skipped heading levels; cells that are lost."""

import re
from collections.abc import Callable, Iterator
from itertools import pairwise

from publisher.checks.context import HAN, Context
from publisher.checks.html import TEXT_SWALLOWED
from publisher.checks.markdown import Text
from publisher.diagnostics import Diagnostic, Place, Severity, counted, define, say
from publisher.documents.yaml_typos import shortened
from publisher.issue.model import Prose
from publisher.regex import regex

NOT_MADE = define("heading-not-made", Severity.WARNING)
LIST_NOT_MADE = define("list-not-made", Severity.WARNING)
NUMBER_CHANGED = define("list-number-changed", Severity.WARNING)
TABLE_NOT_MADE = define("table-not-made", Severity.WARNING)
SKIPS_LEVEL = define("heading-skips-level", Severity.WARNING)
CELL_LOST = define("table-cell-lost", Severity.ERROR, fixed=True)
PARAGRAPH_AS_HEADING = define("paragraph-as-heading", Severity.WARNING)
JOINED = define("paragraphs-joined", Severity.WARNING)
PROSE_AS_CODE = define("prose-as-code", Severity.WARNING)
_ALMOST = regex(r"^(?:#{2,6}(?=[^ \t\n#])|#{7,}(?=[ \t])|#(?=[\u00a0\u3000])|＃{2,}|＃(?=[ \t\u3000]))", re.MULTILINE)
_LINE = r"[^\n]*(?<!  )(?<!\\)\n[ \t]*"  # to the next line, without a hard line break
_NUMBERED = (
    r"[（(]?(?P<{0}>\d{{1,2}})(?:[、）。．]|\)(?=\S)|(?<=[（(]\d)\)|\.(?=[^\s\d])|\.(?=[\u00a0\u3000])"
    r"|(?<=[^ -~])[.)](?=\s))"
)
_PICTURE = "(?:[→-⇿■-⟿⬀-⯿\U0001f300-\U0001faff]|[0-9]\ufe0f?\u20e3)"  # arrows, ticks, emoji
_HAN = "一二三四五六七八九十"
_LISTED = regex(
    rf"^[ \t]*(?:(?P<mark>[-+](?![-+\d\s>])|[-+](?=[\u00a0\u3000])|[－–•·●▪◦‣・\uf0b7\uf0a7\uf0d8]"
    rf"|o(?=\t| {{2}})){_LINE}(?P=mark)"
    r"|\*(?=[^\s*][^*\n]*\n[ \t]*\*[^\s*][^*\n]*$)"  # *word without a closing *
    rf"|:[ \t](?=\S){_LINE}(?:[^\n:]{{1,40}}\n)?:[ \t]"  # definition list, with the next term between
    rf"|(?P<ring>[①-⑳]){_LINE}(?P<next>[①-⑳])"
    rf"|{_PICTURE}{_LINE}{_PICTURE}"
    rf"|[（(]?(?P<letter>[a-h])(?:[）)]|\.(?=\s)){_LINE}[（(]?(?P<after>[a-h])(?:[）)]|\.(?=\s))"
    rf"|\[(?P<note>\d{{1,2}})\](?!\[){_LINE}\[(?P<more>\d{{1,2}})\]"
    rf"|[（(]?(?P<han>[{_HAN}])[、）)．](?P<of>[{_HAN}]?){_LINE}[（(]?(?P<then>[{_HAN}])[、）)．]"
    rf"|{_NUMBERED.format('first')}{_LINE}{_NUMBERED.format('second')})",
    re.MULTILINE,
)
_LABELLED = regex(
    r"(?:(?:\*\*[^*\n]{1,24}(?:\*\*[:：]|[:：]\*\*)|\d{1,2}[:：]\d\d(?!\d)"
    r"|[^\W\d_][^\n:：。，、；,.!?！？*\[\]()]{0,11}(?::(?=[ \t]|[^ -~])|：(?=\S))(?![^\n]{60}))"
    r"[^\n]*(?<!  )(?<!\\)(?:\n|\Z)){2,}"
)
"""Paragraph whose every line begins with a label or a time of day."""
_DEEP = regex(r"(?<!  )(?<!\\)\n[ \t]*(?P<at>(?:[-+*]|1[.)])[ \t]+\S[^\n]*)")
"""A marker within a paragraph, where it can only stand if it is indented by four spaces more than its list."""
_ENTRY_BELOW = regex(r"(?<!  )(?<!\\)\n[ \t]*(?P<number>\d{1,3})[.)][ \t]+\S.*")
_POINT = regex(r"(?P<mark>[（(]?(?P<number>\d{1,2})(?:[、）．)]|\.(?!\d))|[•·●▪])\s*\S")
_LEADING = regex(r"[ \t]*(?P<at>(?:#{1,6}|[-+*>])(?=[ \t]+(?![\d\s]))|#{2,6}(?=[^\s#]))")
_CLOSING = regex(r"(?<=[^\s#\\])##+$|(?<=[\u3400-\u9fff）」』】”？！])#$")
"""Number signs at the end of a heading without a space before them; not C#."""
_ROW = r"[ \t]*[|｜][^\n]*[|｜][ \t]*"
_DEFINED = regex(r"[^\n.。!！?？:：;；,，]{1,40}(?<!  )(?<!\\)\n:[ \t]+[^\n]+(?:\n(?!:)[^\n]+)*")
"""A paragraph of a word and its definition. One alone may be prose with a colon."""
_TABLE = regex(rf"^{_ROW}\n{_ROW}$|^\| [^\n]+ \| [^\n]+ \|[ \t]*$", re.MULTILINE)
_TABBED = regex(r"^[^\t\n]*[^\s][ ]*\t+[^\n]*\S\n[^\t\n]*[^\s][ ]*\t+\S", re.MULTILINE)
_CODE = regex(r"[{}<>=;$\\|`_@#*~^+]|//|::|--|\(\)|\w\.\w+\(|^[ \t]*[-%:]|\S {2,}\S|\t\S", re.MULTILINE)
"""Patterns of code, of tables drawn in text, and of lists."""
_BEGUN = regex(
    r"(?!\w+ (?:title|file\w*|name|caption|label)=|\w+ (?i:show)?(?i:line-?numbers)"
    r"|\w+ (?i:(?:api|call|definition|diagram|example|graph|hierarchy|list|map|name|signature|statement)s?)$"
    r"|(?i:sh|bash|zsh|shell|console|text|output|python|py|js|javascript|ts|typescript|java|c|cpp|c\+\+|c#|go|rust|php"
    r"|ruby|swift|kotlin|sql|html|css|json|ya?ml)\d?\()"
    r"(?:(?:[$>] )?(?:sudo|npm|npx|yarn|pnpm|pip3?|git|curl|wget|docker|cd|brew|apt(?:-get)?|cargo|echo|export|import"
    r"|from|const|let|var|def|class|function|public|using|SELECT|INSERT|go (?:run|get|install|build|mod)) [^{}]*$"
    r"|[^\s{}=(]*\([^{}]*\)[;:]?$)"
)
"""Code on the line of a fence: a command, a statement, a call; not ``docker title="…"``, ``class diagram`` or
``python(3.11)``."""
_LOWER = r"[(\"“'‘]*[A-Za-z]?[a-z]+(?:['’-][a-z]+)*[.,:!?)\"”'’]*"
_CLAUSE, _SENTENCE = regex("[，。！？；]"), regex(r"[A-Z“\"‘'].*[a-z][.!?][\"”'’)]?", re.DOTALL)
_PARAGRAPH = regex(r"[。；，,…]$|[^.]{40}\.$|[a-z]{3}[.!?] [A-Z].*\.$|\n")
"""How a paragraph ends but not a heading, or a line break."""
_MATTER = regex(r"(?:headline|body|commentary|kind|section|source|image|tags)[ \t]*:")
_BLOCK = regex(r"(?:[-*+]|1[.)]|#{1,6})[ \t]|[>`~|]|:::")  # blocks that may interrupt a paragraph
_ENTRY = regex(r"(?:[-*+]|\d{1,2}[.)])[ \t]+\S")
_BEFORE = regex(r"[ \t>]*\|?")
_END = regex(r"(?<!\\)\||[ \t]*$")


def check(context: Context) -> Iterator[Diagnostic]:
    """Check the beginnings of lines, the levels of successive headings, and the rows of tables."""
    yield from _points(context)
    for text in context.texts:
        if "|" in text.prose.text:
            yield from _rows(text)
        if text.prose.positions and not text.inline:
            yield from _folded(text.prose)
        yield from _as_code(text)
        yield from _as_heading(text)
        yield from _numbers(text)
        yield from _lazy(text)
        found = _LEADING.match(text.prose.text) if text.inline else None
        if found and (found["at"], text.role) != ("*", "attribution"):  # there a * marks a note
            message = say("readers see this {sign}: the text is one line, without lists or headings", sign=found["at"])
            code = NOT_MADE if found["at"][0] == "#" else LIST_NOT_MADE
            yield code.at(text.prose.place(0, *found.span("at")), message, help=say("delete it"))
        defined = [words for words, _ in text.written if _DEFINED.fullmatch(words)] if "\n:" in text.prose.text else []
        for words, place in () if text.inline else text.written:
            for found in _ALMOST.finditer(words) if "#" in words or "＃" in words else ():
                message = say("this is not a heading: readers would see the number signs")
                advice = say("write one to six plain #, then a plain space; \\# for a sign that is meant")
                yield NOT_MADE.at(place(*found.span()), message, help=advice)
            yield from _not_made(words, place, listed=len(defined) > 1 and words in defined)
        for before, heading in pairwise(text.parts.headings):
            wanted = before.level + 1
            if heading.level > wanted:
                levels = {"level": heading.level, "before": before.level}
                message = say("a heading of level {level} follows one of level {before}", **levels)
                advice = say("begin it with {signs}, or <h{level}>", signs="#" * wanted, level=wanted)
                yield SKIPS_LEVEL.at(heading.place, message, help=advice)


def _points(context: Context) -> Iterator[Diagnostic]:
    """Key points that begin with their numbers, or all with a bullet."""
    points = context.issue.key_points.points if context.issue.key_points else ()
    begun = [one for one in (_POINT.match(point.text) for point in points) if one]
    numbers = [one["number"] for one in begun]
    if len(points) == len(begun) > 1 and (set(numbers) == {None} or numbers == [*map(str, range(1, len(begun) + 1))]):
        mark = begun[0]["mark"]
        message = say("readers see {mark} after the number that each key point has anyway", mark=mark)
        place = points[0].place(0, 0, len(mark))
        yield LIST_NOT_MADE.at(place, message, help=say("delete it from each point"))


def _as_code(text: Text) -> Iterator[Diagnostic]:
    """Paragraphs that an indentation of four spaces, as in a letter, makes code; code lost on the line of a fence."""
    for token in text.tokens:
        info = token.info.strip() if token.type == "fence" and token.map else ""
        if token.map and info and (_BEGUN.match(info) or (" " in info and not token.content.strip())):
            line = text.prose.lines[token.map[0]]
            fence, start = token.markup, line.index(token.markup) + len(token.markup)
            lost = line[start:].strip()
            place = text.prose.place(token.map[0], line.index(lost, start), len(line.rstrip()))
            message = say("readers would not see “{lost}”: only a language may follow {fence}", lost=lost, fence=fence)
            yield TEXT_SWALLOWED.at(place, message, help=say("begin the code on the next line"))
        if token.type == "code_block" and token.map and _is_prose(token.content):
            line = text.prose.lines[token.map[0]].rstrip()
            message = say("readers see this paragraph as code, because it begins with four spaces")
            advice = say("delete the spaces; put code that is meant between two lines of ```")
            place = text.prose.place(token.map[0], len(line) - len(token.content.partition("\n")[0].strip()), len(line))
            yield PROSE_AS_CODE.at(place, message, help=advice)


def _folded(prose: Prose) -> Iterator[Diagnostic]:
    """Paragraphs and list entries that YAML folding joins, once per text: an empty line becomes a line break."""
    above = 0  # file line of the last text
    for row, (words, places) in enumerate(zip(prose.lines, prose.positions, strict=True)):
        rows = [line for line, _ in places[: len(words)]]
        joined = [0] if above and rows and rows[0] > above + 1 and not _BLOCK.match(words) else []
        if not joined:  # list entries after the first: folding has replaced the line break before them by a space
            ends = [n for n, (one, two) in enumerate(pairwise(rows), 1) if two > one]
            joined = [n for n in (0, *ends) if _ENTRY.match(words, n)][1:]
        if joined:
            message = say("YAML joins this line to the one above it: readers see them as one paragraph")
            advice = say("write | and the text below it, in place of > or of quotes")
            yield JOINED.at(prose.place(row, joined[0], len(words)), message, help=advice)
            return
        above = rows[-1] if words.strip() else 0


def _as_heading(text: Text) -> Iterator[Diagnostic]:
    """Headings that end in number signs; paragraphs above a rule (--- or ===), which Markdown treats as headings."""
    for token, inline in pairwise(text.tokens):
        if token.type == "heading_open" and token.map and not inline.content:
            at = text.prose.lines[token.map[0]].find(token.markup)
            place = text.prose.place(token.map[0], at, at + len(token.markup))
            message = say("this heading has no words: readers do not see {signs}", signs=token.markup)
            yield NOT_MADE.at(place, message, help=say("delete it, or write \\ before each sign that is meant"))
        hashes = token.type == "heading_open" and token.markup[:1] == "#" and _CLOSING.search(inline.content)
        if hashes and "#" not in inline.content[: hashes.start()]:
            line = text.prose.lines[(inline.map or [0])[0]].rstrip()
            place = text.prose.place((inline.map or [0])[0], len(line) - len(hashes[0]), len(line))
            message = say("readers see the number signs at the end of this heading")
            yield NOT_MADE.at(place, message, help=say("delete them, or write a space before them"))
        ruled = token.type == "heading_open" and token.markup in {"-", "="}
        if ruled and (_PARAGRAPH.search(inline.content) or _MATTER.match(inline.content)):
            row = (inline.map or [0, 1])[1] - 1
            rule = text.prose.lines[row + 1]
            place = text.prose.place(row + 1, len(rule) - len(rule.lstrip(" \t>")), len(rule.rstrip()))
            if rule == "=======":  # of a merge conflict, which has its own finding
                continue
            message = say("this line makes a heading of the paragraph above it")
            advice = say("put an empty line above it, or delete it")
            if _MATTER.match(inline.content):
                advice = say("write each item in a file of its own, with its front matter at the top")
            yield PARAGRAPH_AS_HEADING.at(place, message, help=advice)


def _lazy(text: Text) -> Iterator[Diagnostic]:
    """Lines such as ``Method:`` above a list that continue the last entry of the list above them."""
    for inline, closed in zip(text.tokens, text.tokens[2:], strict=False):
        if inline.type != "inline" or closed.type != "list_item_close" or not inline.map or "\n" not in inline.content:
            continue
        last, below = inline.content.rpartition("\n")[2], text.prose.lines[inline.map[1] : inline.map[1] + 1]
        line = text.prose.lines[inline.map[1] - 1]
        if (
            line.startswith(last)
            and not last[0].islower()
            and last.endswith((":", "："))
            and below
            and _ENTRY.match(below[0])
        ):
            message = say("this line continues the entry of the list above it")
            place = text.prose.place(inline.map[1] - 1, 0, len(last))
            yield LIST_NOT_MADE.at(place, message, help=say("put an empty line above it"))


def _numbers(text: Text) -> Iterator[Diagnostic]:
    """List numbers that are not consecutive, once per list: readers see consecutive ones. Repetition is accepted."""
    lists: list[tuple[int, int, int]] = []  # first number (0 if reported), count, last number as written
    for token, inline in zip(text.tokens, text.tokens[2:], strict=False):
        if token.type == "ordered_list_open":
            lists.append((int(token.attrs.get("start", 1)), 0, 0))
        elif token.type == "ordered_list_close":
            lists.pop()
        elif token.type == "list_item_open" and token.info and token.map:
            (first, count, last), written = lists[-1], int(token.info)
            if first and count and written not in {last, last + 1, first + count}:
                numbers = {"shown": first + count, "written": written}
                message = say("readers see {shown}. for {written}.: a list counts on", **numbers)
                start, first = text.prose.lines[token.map[0]].find(token.info), 0
                place = text.prose.place(token.map[0], start, start + len(token.info))
                advice = say("number it in order, or put a line of <!-- --> above it")
                yield NUMBER_CHANGED.at(place, message, help=advice)
            lists[-1] = first, count + 1, written
            below = _ENTRY_BELOW.search(inline.content)
            if below and int(below["number"]) == written + 1 and inline.type == "inline":
                row = (inline.map or token.map)[0] + inline.content.count("\n", 0, below.end())
                place = text.prose.place(row, text.prose.lines[row].find(below[0].strip()), len(text.prose.lines[row]))
                message = say("this line continues the one above it: it is indented too far to be an entry of a list")
                advice = say("begin it right below the number of the entry above it")
                yield LIST_NOT_MADE.at(place, message, help=advice)


def _is_prose(block: str) -> bool:
    """Whether a block is mostly Han or kana with punctuation, or words that form a sentence, without signs of code."""
    if _CODE.search(block):
        return False
    words = block.split()
    if _CLAUSE.search(block) and len(HAN.findall(block)) >= max(8, sum(map(len, words)) / 2):
        return True
    plain = sum(bool(re.fullmatch(_LOWER, word)) for word in words)
    return len(words) >= 8 and plain >= 0.8 * len(words) and bool(_SENTENCE.fullmatch(block.strip()))


def _not_made(words: str, place: Callable[[int, int], Place], *, listed: bool) -> Iterator[Diagnostic]:
    """Lines of a paragraph that look like a list or a table, once per paragraph: they are shown as one line."""
    if not ("\n" in words or words.rstrip().endswith("|")):
        return
    found = _DEFINED.match(words) if listed else next(filter(_follows, _LISTED.finditer(words)), None)
    found = found or _LABELLED.fullmatch(words)
    if found:
        message = say("these lines are not a list: readers see them run together")
        advice = say("begin each with “- ” or “1. ”, or put an empty line between them")
        yield LIST_NOT_MADE.at(place(found.start(), words.index("\n", found.start())), message, help=advice)
    elif found := _DEEP.search(words):
        message = say("this line continues the one above it: it is indented too far to be an entry of a list")
        advice = say("begin it right below the first letter of the text above it")
        yield LIST_NOT_MADE.at(place(*found.span("at")), message, help=advice)
    listed_at = found.span() if found else (0, 0)
    found = _TABLE.search(words) or (_TABBED.search(words) if "\t" in words else None)
    if found and not ("\t" in found[0] and listed_at[0] <= found.start() < listed_at[1]):  # not a tab after a bullet
        tabs = say("these lines are not a table: readers see them run together")
        message = tabs if "\t" in found[0] else say("these lines are not a table: readers see the bars")
        advice = say("write plain | and below the header a row such as | --- | --- |, with as many cells")
        end = found.start() + len(found[0].partition("\n")[0])
        yield TABLE_NOT_MADE.at(place(found.start(), end), message, help=advice)


def _follows(found: re.Match[str]) -> bool:
    """Whether the number of the second line is the successor of the first."""
    if found["ring"]:
        return ord(found["next"]) == ord(found["ring"]) + 1
    if found["han"]:
        return found["han"] + found["then"] in _HAN and found["then"] != found["of"]  # not 一、二年级
    if found["letter"]:
        return ord(found["after"]) == ord(found["letter"]) + 1
    first, second = found["first"] or found["note"], found["second"] or found["more"]
    return not first or int(second) == int(first) + 1


def _rows(text: Text) -> Iterator[Diagnostic]:
    """Report cells in excess of the table's columns, by counting them as written."""
    columns, head = 0, False
    for token in text.tokens:
        if token.type == "thead_open":
            columns, head = 0, True
        elif token.type == "tbody_open":
            head = False
        elif token.type == "th_open":
            columns += 1
        elif token.type == "tr_open" and token.map and not head:
            line = text.prose.lines[token.map[0]]
            if columns > 1 and "|" not in line:
                place = text.prose.place(token.map[0], len(line) - len(line.lstrip(" \t>")), len(line.rstrip()))
                message = say("this line becomes a row of the table above it")
                yield TABLE_NOT_MADE.at(place, message, help=say("put an empty line above it"))
                continue
            before = _BEFORE.match(line)
            start = before.end() if before else 0
            for _ in range(columns):
                end = _END.search(line, start)
                start = end.end() if end else len(line)
            if lost := line[start:].strip(" \t|"):
                last = start + len(line[start:].rstrip(" \t|"))
                place = text.prose.place(token.map[0], line.index(lost, start), last)
                lacks = {"lost": shortened(lost), "columns": counted("{n} column", "{n} columns", columns)}
                message = say("readers would not see “{lost}”: the table's head has {columns}", **lacks)
                advice = say("write \\| for a sign that is meant, or add a cell to the header row")
                yield CELL_LOST.at(place, message, help=advice)
