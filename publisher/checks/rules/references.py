"""Footnotes, links and their definitions within a file: those without a counterpart are lost."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from urllib.parse import unquote

from markdown_it.common.utils import normalizeReference

from publisher.checks.context import Context
from publisher.checks.html import without_comments
from publisher.checks.markdown import Text
from publisher.diagnostics import Diagnostic, Place, Severity, Span, define, say
from publisher.documents.yaml_typos import shortened
from publisher.issue.links import BLANK_WITHIN

LINK_NOT_MADE = define("link-not-made", Severity.WARNING)
NOTE_LOST = define("note-lost", Severity.WARNING)
_NOTE_REFERENCE = re.compile(r"(?<!\\)\[\^(?P<label>[^\[\]\s]+)\](?:(?P<note>:)|(?=(?P<colon>：|[ \t]+\S)))?")
_NOTE = re.compile(r"[ >]{0,9}\[\^(?P<label>[^\[\]\s]+)\]:[ \t]*(?P<words>.*)")
_SPACED_NOTE = re.compile(r"(?:^|(?<=\n))[ >]*(?P<mark>\[\^(?=[^\[\]\n]*\]:)[^\[\]\n]*\s[^\[\]\n]*\]):")
_NO_NOTE = re.compile(
    r"［\^(?P<label>[^\[\]［］\s]+)[\]］]|\[\^(?P<other>[^\[\]［］\s]+)］|(?<!\\)\^\[(?=[^\s\[\]][^\[\]]{3,}\Z)"
)
"""Full-width brackets, and a note within a sentence that its paragraph does not close."""
_RANGE = re.compile(r".-.|\\.+")  # [^a-z] is a character class
_NEARLY = re.compile(
    r"[\[【［(（](?:(?<=[\[【［])(?P<text>[^\[\]【】［］\n]+)[\]】］](?P<gap>[ \t\u3000]*)[(（][ \t]*"
    r"(?P<url>(?:https?://|mailto:|tel:|www\.|\.{1,2}/|#)"
    r"[^\s()（）<>]+(?:[ \t\u3000\u00a0]+[^\s()（）<>\"']+)*)(?:[ \t]*[)）]|[ \t]*$)"
    r"|(?<=[(（])(?<!\].)(?P<words>[^()（）\[\]\n]+)[)）]\[(?P<address>https?://[^\s\[\]]+)\]"
    r"|(?<=\[)(?P<open>[^\[\]()\n]*[^\[\]()\s])\((?P<to>https?://[^\s()\[\]]+)\)(?![^\[\]\n]*\])"
    r"|(?<=\()(?<!\]\()(?P<first>https?://[^\s()]+)\)\[(?P<then>[^\[\]\n\d][^\[\]\n]+)\](?![(\[:]))"
)
"""It begins with a set of signs, so that other characters are skipped at once."""
_NEAR = re.compile(r"[:(（](?:(?<=:)//|(?<!:)(?:#|\.|www\.|mailto:|tel:))")
_ITS_WORDS, _ITS_URL = ("text", "words", "open", "then"), ("url", "address", "to", "first")
_PICTURE = re.compile(
    r"[!！][\[［](?P<alt>[^\[\]［］\n]*)[\]］][ \t\u3000]*[(（]"
    r"(?P<path>[^()（）<>\n\"']*\.(?:png|jpe?g|gif|webp|avif|heic|svg|bmp|tiff?))"
    r"(?:[ \t]+(?:\"[^\"\n]*\"|'[^'\n]*'))?[ \t]*[)）]",
    re.IGNORECASE,
)
_REFERENCE = re.compile(
    r"(?<![A-Za-z0-9_\])\\])(?P<mark>!?)\[(?P<text>[^\[\]\n^][^\[\]]*|(?<=!\[))\]\[(?P<label>[^\[\]^]*)\](?!\()"
)
_APART = re.compile(r"(?<![\w\])\\!])\[(?P<text>[^\[\]\n^]{2,})\][ \n]\[(?P<label>\d{1,3})\](?![(\[:])")
"""A reference as the first Markdown had it, with a space before its number."""
_BEGUN = re.compile(r"[ >]*\[(?P<label>[^\[\]\n]+)\](?P<colon>[:：])")
_SOUND = re.compile(r"\[[^\[\]\n]+\]\([ \t]*(?P<url>[^ \t]+)[ \t]*\)")
_SOUND_PICTURE = re.compile(r"\[[^\[\]\n]*\]\([ \t]*[^\s()]+(?:[ \t]+(?:\"[^\"]*\"|'[^']*'))?[ \t]*\)")
_SHOWN = re.compile(r"\]\([ \t]*<?(?=https?:|$)")
_TITLE = re.compile(r"(?<!\s)\s+[“‘].*[”’]$")  # title in typographic quotes, not Markdown
_GOES_ON = re.compile(r"[ \t]*[)\"'(]")  # end or title of a link
_ADDRESS = re.compile(r"https?:|mailto:", re.IGNORECASE)
_CODE = re.compile(r"`[^`\n]*`")
_WORDS, _FILE = re.compile(r"[^/#?:\w]*\w[^/#?:]*"), re.compile(r"[\w ()+~@-]+(?:\.[A-Za-z0-9]{1,5})+")
_WHY_NOT = {
    "above": (say("this is not a link: the line of [{label}]: goes on the paragraph above it"),
              say("put an empty line above it")),
    "code": (say("this is not a link: the line of [{label}]: is indented, which makes it code"),
             say("begin that line with the [")),
    "colon": (say("this is not a link: the colon in the line of [{label}]: is a full-width one"),
              say("write a plain colon and a space")),
    "words": (say("this is not a link: words follow the address in the line of [{label}]:"),
              say("put a title into quotes, other words on a line of their own")),
}  # fmt: skip
MEANT = say("write \\[ where a word begins with it, or [^1]: for a note")


def check(context: Context) -> Iterator[Diagnostic]:
    """Match references with definitions in each item (body and commentary together) and each other text."""
    together: dict[object, list[Text]] = {}
    for text in context.texts:
        together.setdefault(id(text) if text.item is None else text.item, []).append(text)
    yield from undefined(context)
    for texts in together.values():
        defines = any(text.env.get("references") for text in texts)
        parts = [text.parts for text in texts] if defines else []
        shown = {link.url for part in parts for link in part.links} | {
            picture.source for part in parts for picture in part.pictures
        }
        for text in texts:
            yield from _without_reference(text, shown)
            yield from _numbers_apart(text)
            yield from _colons(text)
            yield from _starred(text) if "*" in text.prose.text else ()
            yield from _nearly_links(text)
            yield from _nearly_pictures(text)
        if any("[^" in text.prose.text for text in texts):
            yield from _notes(texts)


def undefined(context: Context) -> Iterator[Diagnostic]:
    """Yield findings for references to links and footnotes that are not defined in their file."""
    for text in context.texts:
        yield from _without_definition(text)
        if "[^" in text.prose.text or "^[" in text.prose.text or "［^" in text.prose.text:
            yield from _notes_missing(text)


def _lines_of_code(text: Text) -> set[int]:
    blocks = (t.map for t in text.tokens if t.type in {"fence", "code_block"} and t.map)
    return {line for block in blocks for line in range(*block)}


def _nearly_links(text: Text) -> Iterator[Diagnostic]:
    """Brackets and parentheses that almost form a link, and URLs in link syntax that are shown as text."""
    code, told = _lines_of_code(text), set[int]()
    message = say("this is not a link: its brackets or its address are not as in [words](https://…)")
    for number, line in enumerate(text.prose.lines):
        if not _NEAR.search(line):
            continue
        for found in _NEARLY.finditer(_CODE.sub(lambda found: "`" * len(found[0]), line) if "`" in line else line):
            end = found[0][-1:] in {")", "）", "]"} or number + 1 == len(text.prose.lines)
            sound = _SOUND.fullmatch(found[0])
            if number in code or (sound and not re.search(r"\s", sound["url"])):
                continue
            if end or not _GOES_ON.match(text.prose.lines[number + 1]):
                place = text.prose.place(number, found.start(), found.end())
                told.add(place.span.line)
                words, url = (next(filter(None, map(found.group, names))) for names in (_ITS_WORDS, _ITS_URL))
                url = "https://" * url.startswith("www.") + re.sub(
                    r"\s+", "-" if url.startswith("tel:") else "%20", _TITLE.sub("", url)
                )
                advice = say("write [{text}]({url})", text=words, url=url)
                yield LINK_NOT_MADE.at(place, BLANK_WITHIN if sound else message, help=advice)
    for words, at in text.plain() if "](" in text.words else ():
        shown = _SHOWN.search(words)
        if shown and (place := at(max(words.rfind("[", 0, shown.start()), 0), len(words))).span.line not in told:
            told.add(place.span.line)
            yield LINK_NOT_MADE.at(place, message, help=say("write [words](https://…), without a space in the address"))


def _nearly_pictures(text: Text) -> Iterator[Diagnostic]:
    """Pictures with a space in the path, or with full-width marks; those with a full URL are reported as links."""
    for words, place in text.written:
        for found in _PICTURE.finditer(words):
            if not _ADDRESS.match(found["path"].strip()) and not _SOUND_PICTURE.fullmatch(found[0], 1):
                message = say("this is not a picture: its marks or its path are not as in ![words](images/NAME)")
                path = re.sub(r"\s", "%20", found["path"].strip().replace("\\", "/"))
                advice = say("write {words}", words=shortened(f"![{found['alt']}]({path})"))
                yield LINK_NOT_MADE.at(place(*found.span()), message, help=advice)


def _without_reference(text: Text, shown: set[str]) -> Iterator[Diagnostic]:
    """Definitions whose URL is not used by any link or picture; text mistaken for a definition."""
    defined = text.env.get("references", {})
    doubled = [(each["label"], each) for each in text.env.get("duplicate_refs", ())]
    for label, definition in (*defined.items(), *doubled):
        url = str(definition["href"])
        if url not in shown and (_ADDRESS.match(url) or is_words(url)):
            first = definition["map"][0]
            line = text.prose.lines[first].rstrip()
            place, told = text.prose.place(first, 0, len(line)), {"label": shortened(label.lower())}
            if _ADDRESS.match(url):
                told["url"] = url
                message = say("nothing refers to this definition of [{label}], and its address is lost: {url}", **told)
                advice = say("write [words][label] where it belongs, or delete the line")
            else:
                told["lost"] = shortened(line.partition("]:")[2].strip())
                message = say("readers would not see “{lost}”: [{label}]: makes an address of it", **told)
                advice = MEANT
            yield LINK_NOT_MADE.at(place, message, help=advice)


def is_words(url: str) -> bool:
    """Whether the URL of a definition is a word of prose: no path, no file name, no common form of a comment."""
    plain = unquote(url)
    return bool(_WORDS.fullmatch(plain)) and not _FILE.fullmatch(plain)


def _without_definition(text: Text) -> Iterator[Diagnostic]:
    begun: dict[str, str] | None = None
    for words, place in text.written:
        for found in _REFERENCE.finditer(words) if "][" in words else ():
            written = found["label"].strip() or found["text"]
            label = " ".join(written.split())
            cited = found["text"].isdecimal() and label.isdecimal()  # [1][2]: numbered citations, literal text
            if not cited and not _is_defined(written, text.env.get("references", {})):
                values = {"label": shortened(label), "text": shortened(found["text"] or "…")}
                message = say("this is not a link: the file does not define [{label}]", label=values["label"])
                advice = say("add a line [{label}]: https://…, or write [{text}](https://…)", **values)
                if found["mark"]:
                    message = say("this is not a picture: the file does not define [{label}]", label=values["label"])
                    advice = say("add a line [{label}]: images/NAME, or write ![{text}](images/NAME)", **values)
                begun = _begun(text.prose.lines) if begun is None else begun
                if why := begun.get(normalizeReference(written)):
                    message, advice = say(_WHY_NOT[why][0], **values), _WHY_NOT[why][1]
                yield LINK_NOT_MADE.at(place(found.start(), found.end()), message, help=advice)


def _colons(text: Text) -> Iterator[Diagnostic]:
    """Definitions with a full-width colon, for a label alone in brackets."""
    for number, line in enumerate(text.prose.lines) if "]：" in text.words else ():
        found = _BEGUN.match(line)
        if not found or found["label"][0] == "^" or found["colon"] == ":":
            continue
        if text.words.count(f"[{found['label']}]") > 1:
            message, advice = _WHY_NOT["colon"]
            place = text.prose.place(number, 0, found.end())
            yield LINK_NOT_MADE.at(place, say(message, label=shortened(found["label"])), help=advice)


def _numbers_apart(text: Text) -> Iterator[Diagnostic]:
    """References whose number stands apart from their words."""
    for words, place in text.written if text.env.get("references") else ():
        for found in _APART.finditer(words):
            if found["label"] in text.env["references"] and f"[{found['text']}]" in text.words:
                message = say("this is not a link: its brackets or its address are not as in [words](https://…)")
                advice = say("write {words}", words=shortened(f"[{found['text']}][{found['label']}]"))
                yield LINK_NOT_MADE.at(place(*found.span()), message, help=advice)


def _begun(lines: Sequence[str]) -> dict[str, str]:
    """The labels that begin a line as in a definition, each with why it is none: a key of ``_WHY_NOT``."""
    begun: dict[str, str] = {}
    for before, line in zip(("", *lines), lines, strict=False):
        if one := _BEGUN.match(line):
            why = "above" if before.strip(" \t>") else "code" if line.startswith(("    ", "\t")) else "words"
            begun[normalizeReference(one["label"])] = "colon" if one["colon"] == "：" else why
    return begun


def _is_defined(label: str, references: Iterable[str]) -> bool:
    """Whether a label is defined; code in it has been replaced by spaces."""
    if (key := normalizeReference(label)) in references or "  " not in label:
        return key in references
    one = label.replace("\n", " ").lower().upper()
    return any(len(one) == len(two) and all(a in {" ", b} for a, b in zip(one, two, strict=True)) for two in references)


_STARRED = re.compile(r"\w(?<!(?<![A-Za-z\d])[A-Z])[)”’\"']?\*(?![A-Za-z\d*])")  # not A*, which is a name
_ABOUT_PATTERNS = re.compile(
    r"regexp?\b|regular expression|character class|正则|正則|正規表現|字符类|\b(?:grep|sed|awk)\b"
    r"|(['\"/])\[\^\w+\]\1|\[\^\w+\][+{]",
    re.IGNORECASE,
)
"""A paragraph in which ``[^1]`` is every character but 1."""


def _starred(text: Text) -> Iterator[Diagnostic]:
    """A note to a word with a ``*``, which Markdown makes a list of one entry."""
    lists = [n for n, one in enumerate(text.tokens) if (one.type, one.markup) == ("bullet_list_open", "*") and one.map]
    if len(lists) != 1 or not any(_STARRED.search(words) for words, _ in text.plain()):
        return
    opened = text.tokens[lists[0]]
    ends = (one.type for one in text.tokens[lists[0] + 1 :] if one.level <= opened.level + 1)
    if [*islice(ends, 3)][2:] == ["bullet_list_close"]:
        row = (opened.map or [0])[0]
        at = text.prose.lines[row].index("*")
        message = say("readers see a bullet for this *, which a word in the text refers to")
        yield NOTE_LOST.at(text.prose.place(row, at, at + 1), message, help=say("write {words}", words="\\*"))


def _known(text: Text) -> dict[str, int]:
    """The footnotes of a text by ``:label``; -1 if there is no reference to it."""
    refs: dict[str, int] = text.env.get("footnotes", {}).get("refs", {})
    return refs


def _notes_missing(text: Text) -> Iterator[Diagnostic]:
    for words, place in text.written:
        for found in _NOTE_REFERENCE.finditer(words) if not _ABOUT_PATTERNS.search(words) else ():
            label = found["label"]
            if found["note"] and not words[: found.start()].rpartition("\n")[2].strip(" >"):
                continue  # it begins a line, as a note does
            if f":{label}" not in _known(text) and not _RANGE.fullmatch(label):
                message = say("[^{label}] has no note, and readers see it as written", label=label)
                where = say("add a line [^{label}]: …", label=label)
                if found["colon"] and not words[: found.start()].rpartition("\n")[2].strip(" >"):
                    where = say("write [^{label}]: with a plain colon", label=label)
                where = say("notes belong in intro, body and commentary") if text.inline else where
                yield NOTE_LOST.at(place(found.start(), found.end("label") + 1), message, help=where)
        for found in _NO_NOTE.finditer(words):
            message = say("{mark} is not a note: readers see it as written", mark=found[0])
            label = found["label"] or found["other"]
            advice = say("write {words}", words=f"[^{label}]") if label else say("close it with ] in its paragraph")
            yield NOTE_LOST.at(place(*found.span()), message, help=advice)
        for found in _SPACED_NOTE.finditer(words):
            message = say("{mark}: is no note, for its mark has a space: readers see it as written", mark=found["mark"])
            better = re.sub(r"\s+", "-", f"[^{found['mark'][2:-1].strip()}]")
            yield NOTE_LOST.at(place(*found.span("mark")), message, help=say("write {words}", words=better))


def _after(lines: Sequence[str], number: int) -> int:
    """The line after a footnote that begins at ``number``: it ends at a blank line, unless indented text follows."""
    end = after = number + 1
    while after < len(lines):
        line = lines[after]
        if line.strip() and (_NOTE.match(line) or not (line.startswith(("    ", "\t")) or lines[after - 1].strip())):
            break
        after += 1
        end = after if line.strip() else end
    return end


def _notes(texts: list[Text]) -> Iterator[Diagnostic]:
    used = {label for text in texts for label, number in _known(text).items() if number >= 0}
    for text in texts:
        code = _lines_of_code(text)
        later: set[str] = set()  # of duplicate footnotes the last is rendered
        for number, line in reversed([*enumerate(text.prose.lines)]):
            found = _NOTE.match(line)
            if not found or number in code or f":{found['label']}" not in _known(text):
                continue
            after = _after(text.prose.lines, number)
            label, more = found["label"], (each.strip() for each in text.prose.lines[number + 1 : after])
            values = {"label": label, "words": shortened(" ".join(filter(None, [found["words"], *more])))}
            first, last = text.prose.place(number, line.index("[")), text.prose.place(after - 1).span
            place = Place(first.path, Span(first.span.line, first.span.column, last.end_line, last.end_column))
            if label in later:
                message = say("the note [^{label}] is there twice, and this one is lost: “{words}”", **values)
                yield NOTE_LOST.at(place, message, help=say("give it another mark, and refer to that"))
            elif f":{label}" not in used:
                message = say("nothing refers to the note [^{label}], and it is lost: “{words}”", **values)
                advice = say("write [^{label}] where it belongs, or delete the note", label=label)
                yield NOTE_LOST.at(place, message, help=advice)
            elif not without_comments(values["words"]).strip():
                message = say("the note [^{label}] has no text", label=label)
                yield NOTE_LOST.at(place, message, help=say("write it, or delete the note and its mark"))
            later.add(label)
