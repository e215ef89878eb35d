"""Split a pasted digest, plain text or Markdown, into the parts of an issue, and all other text into ``left_out``."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache

from publisher.authoring.definitions import Definitions
from publisher.authoring.headlines import BOLD, ENDED, NUMBERED, PastedLine, Signs, fenced, headlines, value
from publisher.checks.rules.items import commentary_label
from publisher.config import Config
from publisher.language import spoken
from publisher.language.locale import catalog, every

_ATX = re.compile(r"(?P<mark>#{1,6})[ \t\u3000]+(?P<text>.*?)(?P<end>[ \t]+#+)?")
_MATTER = re.compile(r"(?:[A-Za-z_][\w-]*:|[ \t#-]).*|")
_UNDERLINE = re.compile(r"={3,}|-{3,}")
_RULE = re.compile(r"(?:([-*_])(?:[ \t]*\1){2,})?")  # also matches an empty line
_BULLET = re.compile(r"(?:[-*+–—•●·◦▪‣■◆][ \t\u3000]|[•●·◦▪‣■◆]|\d{1,2}[.、．)）](?!\d)|0\d(?!\d)|[①-⑳])[ \t\u3000]*")
_ENTRY = re.compile(r"(?:[-*+]|\d{1,9}[.)])[ \t]")  # of a list in Markdown, whose parts are indented
_MARK = re.compile(r"\d{1,2}[.、．]?|[①-⑳]")
_PICTURE = re.compile(
    r"[\[【(（<]?\s*(?:图片|圖片|图|圖|画像|이미지|image|picture)\s*\d{0,2}\s*[\]】)）>]?", re.IGNORECASE
)
_GENERATED = re.compile(r"[（(]?以[上下](?:内容|內容|要点|要點)由(.+?)生成.*")
_CLOSING = re.compile(
    r"(?:本文|This (?:article|digest|issue|newsletter)\b|Written by\b|Compiled (?:by|from)\b).*"
    r"|\((?:原文|来源|來源|Source:).*"  # in parentheses; without them it is the source of the last story
)
_LINKED = re.compile(
    r"\[(?P<words>[^\[\]]*[^\s\[\]])\]\((?P<url>https?://(?:www\.)?(?P<host>[\w.-]+)(?:[/?#][^\s()<>]*)?)\)"
)
_IN_PARENTHESES = re.compile(r"[（(]([^（()）]*(?:[（(][^（()）]*[)）][^（()）]*)*)[)）]")
_POINTS = ("划重点", "劃重點", "要点", "要點", "重点", "Key takeaways", "Highlights", "TL;DR")


@dataclass(frozen=True, slots=True)
class PastedStory:
    """One item; ``pasted`` is its original headline if a number or an address was removed from it."""

    headline: str
    pasted: str = ""
    section: str = ""
    body: tuple[str, ...] = ()
    commentary: tuple[str, ...] | None = None
    source: tuple[str, str] | None = None


@dataclass(slots=True)
class Digest:
    """The parts. ``left_out`` is text that issues generate; ``pictures`` are lines that stand for a picture."""

    title: str = ""
    intro: tuple[str, ...] = ()
    points: list[str] = field(default_factory=list)
    generated_by: str | None = None
    stories: list[PastedStory] = field(default_factory=list)
    attribution: str | None = None
    left_out: list[PastedLine] = field(default_factory=list)
    pictures: list[PastedLine] = field(default_factory=list)


def read_digest(config: Config, text: str) -> Digest:
    """Split a pasted text, which holds at least one character that is not white space."""
    return _Reader(config, text).read()


@cache
def _shape(name: str, plural: str = "") -> re.Pattern[str]:
    """A pattern for a line of our own email, in any language, with any values filled in."""
    counts = {catalog(one).npgettext("email", name, plural, n) for one in spoken() for n in (1, 2, 5)} if plural else ()
    shapes = (re.escape(word).replace(",", "[,，]").replace(r"\ ", r"\s*") for word in counts or every("email", name))
    filled = (re.sub(r"%\\\(\w+\\\)([sd])", lambda at: "(.+?)" if at[1] == "s" else r"[\d,]+", one) for one in shapes)
    return re.compile("|".join(f"(?:{one})" for one in filled))


class _Reader:
    def __init__(self, config: Config, text: str) -> None:
        self._found = Digest()
        own = (words.get("key_points", "") for words in config.labels.values())
        self._names = {name.casefold() for name in (*_POINTS, *every("email", "key_points"), *own)}
        sources = "|".join(re.escape(word.strip(" :：")) for word in every("email", "source"))
        self._sources = re.compile(rf"(?:{sources})\s*[:：]\s*")
        lines = [PastedLine(number, line.rstrip()) for number, line in enumerate(text.split("\n"), 1)]
        self._broken = {number for number, line in enumerate(text.split("\n"), 1) if line.endswith("  ")}
        lines = self._without_front_matter(lines)
        blank = sum(not line.text for line in lines)
        code = fenced(lines)
        self._lines, levels = self._underlined(lines, code)
        self._definitions = Definitions(self._lines, code)
        self._signs = Signs(code, levels, commentary_label(config), 5 * blank >= len(lines))

    def read(self) -> Digest:
        """Find the parts, from the outermost to the innermost."""
        first = next(index for index, line in enumerate(self._lines) if line.text)
        self._found.title = self._bare(self._lines[first])
        lines = self._definitions.taken_from(self._without_furniture(self._lines[first + 1 :]))
        lines = self._key_points(self._closing(lines))
        heads = headlines(lines, self._signs)
        starts = [index for index, line in enumerate(lines) if line.number in heads]
        self._found.intro = self._prose(lines[: starts[0]]) if starts else ()
        if starts:
            self._stories(lines, starts, heads)
        elif any(line.text for line in lines):
            self._found.stories.append(self._story(self._found.title, "", "", lines))
        for line in self._definitions.unplaced():
            self._leave(line, line.text)
        return self._found

    def _leave(self, line: PastedLine, *pieces: str | None) -> None:
        self._found.left_out += [PastedLine(line.number, piece.strip()) for piece in pieces if piece and piece.strip()]

    def _without_front_matter(self, lines: list[PastedLine]) -> list[PastedLine]:
        """The lines without front matter; its title becomes the first line unless a heading repeats it."""
        first = next(index for index, line in enumerate(lines) if line.text)
        ends = (index for index in range(first + 1, len(lines)) if lines[index].text == "---")
        if lines[first].text != "---" or (end := next(ends, None)) is None:
            return lines
        rest = lines[end + 1 :]
        begin = next((line.words for line in rest if line.text), "")
        if not begin or not all(_MATTER.fullmatch(line.text) for line in lines[first + 1 : end]):
            return lines
        for line in lines[first : end + 1]:
            key, _, words = line.text.partition(":")
            if key == "title" and (title := words.strip(" \t\"'")) and not begin.startswith("# "):
                before, _, after = line.text.rpartition(title)
                self._leave(line, before, after)
                rest = [PastedLine(line.number, title), *rest]
            else:
                self._leave(line, line.text)
        return rest

    def _underlined(self, lines: Iterable[PastedLine], code: frozenset[int]) -> tuple[list[PastedLine], dict[int, int]]:
        """The lines without setext underlines, and the level of each heading."""
        kept: list[PastedLine] = []
        levels: dict[int, int] = {}
        for line in lines:
            head = kept[-1] if kept else PastedLine(0, "")
            alone = head.text and (len(kept) < 2 or not kept[-2].text) and not _BULLET.match(head.words)
            if line.number in code:
                pass
            elif (match := _ATX.fullmatch(line.words)) and match["text"]:
                levels[line.number] = len(match["mark"])
            elif alone and _UNDERLINE.fullmatch(line.text):
                levels.setdefault(head.number, 1 if line.text[0] == "=" else 2)
                self._leave(line, line.text)
                continue
            kept.append(line)
        return kept, levels

    def _bare(self, line: PastedLine) -> str:
        """The text of a heading without its Markdown."""
        text = line.words
        if (match := _ATX.fullmatch(text)) and match["text"]:
            self._leave(line, match["mark"], match["end"])
            text = match["text"]
        if match := BOLD.fullmatch(text):
            self._leave(line, match["mark"], match["mark"])
            text = match["text"].strip() or text
        return text

    def _without_furniture(self, lines: Iterable[PastedLine]) -> list[PastedLine]:
        """The lines without the reading length and picture placeholders, both of which are recorded."""
        kept = []
        for line in lines:
            if line.number in self._signs.code or not line.text:
                kept.append(line)
            elif _shape("length", "length_plural").fullmatch(line.words.rstrip("。")):
                self._leave(line, line.text)
            elif _PICTURE.fullmatch(line.words):
                self._found.pictures.append(line)
            else:
                kept.append(line)
        return kept

    def _closing(self, lines: list[PastedLine]) -> list[PastedLine]:
        """The lines without a final line that names the origin of the text."""
        written = [index for index, line in enumerate(lines) if line.text]
        for at in written[:-13:-1]:
            line, text = lines[at], lines[at].words
            whole = _IN_PARENTHESES.fullmatch(text)
            inside = whole[1].strip() if whole else text
            known = line.number in self._signs.code or line.number in self._signs.levels
            if (
                known
                or not self._begins(lines, at)
                or not (_CLOSING.fullmatch(inside) or (whole and _CLOSING.fullmatch(f"({inside}")))
            ):
                continue
            if whole:
                self._leave(line, text[0], text[-1])
            self._found.attribution = inside
            return lines[:at] + lines[at + 1 :]
        return lines

    def _begins(self, lines: Sequence[PastedLine], index: int) -> bool:
        """Whether the line begins a paragraph."""
        return not self._signs.spaced or index == 0 or not lines[index - 1].text

    # Key points.

    def _key_points(self, lines: list[PastedLine]) -> list[PastedLine]:
        """The lines without the key points, which reach from their heading to the line that names the model."""
        levels = self._signs.levels
        heads = [index for index, line in enumerate(lines) if line.number in levels]
        last = heads[1] if len(heads) > 1 else len(lines)  # further below: of a story, unless a heading
        named = (i for i, line in enumerate(lines) if (i < last or line.number in levels) and self._names_points(line))
        start = next(named, None)
        if start is None:
            return lines
        model = next((i for i in range(start + 1, min(start + 40, len(lines))) if self._model(lines[i])), None)
        end = self._end_of_points(lines, start + 1, model)
        if not any(line.text and not _MARK.fullmatch(line.words) for line in lines[start + 1 : end]):
            return lines
        self._leave(lines[start], lines[start].text)
        for before, line in zip(lines[start:], lines[start + 1 : end], strict=False):
            self._point(line, before)
        if model == end and (name := self._model(lines[end])):
            self._found.generated_by = name
            before_name, _, after = lines[end].text.partition(name)
            self._leave(lines[end], before_name, after)
            end += 1
        return lines[:start] + lines[end:]

    def _names_points(self, line: PastedLine) -> bool:
        bare = line.words.strip("#*_【】[]:： \u3000").casefold()
        return line.number not in self._signs.code and bare in self._names and bool(bare)

    def _model(self, line: PastedLine) -> str | None:
        match = _GENERATED.fullmatch(line.words) or _shape("generated").fullmatch(line.words)
        return next((name.strip() for name in match.groups() if name and name.strip()), None) if match else None

    def _end_of_points(self, lines: Sequence[PastedLine], start: int, model: int | None) -> int:
        """The index after the last point: of the line that names the model, of a heading, of the first line that is not
        a point, or of a line where the numbering starts again.
        """
        gap = seen = alone = False
        last = 0  # the number of the previous point
        pictured = {one.number for one in self._found.pictures}
        for index in range(start, len(lines)):
            line = lines[index]
            if index == model or line.number in self._signs.levels or line.number in self._signs.code:
                return index
            if not line.text:
                gap = seen
                continue
            picture = any(number in pictured for number in range(lines[index - 1].number + 1, line.number))
            point = alone or bool(_BULLET.match(line.words) or _MARK.fullmatch(line.words))
            number = int(digits[0]) if (digits := re.match(r"\d{1,2}", line.words)) and point and not alone else 0
            again = number == 1 and (last > 1 or (last == 1 and gap))  # the numbering of the stories starts at 1
            last = number or last
            over = gap and last > 1 if model else gap or not self._signs.spaced  # the model wrote all of them
            if seen and (again or picture or (over and not point)):
                return index
            seen, gap, alone = True, False, bool(_MARK.fullmatch(line.words))
        return len(lines)

    def _point(self, line: PastedLine, before: PastedLine) -> None:
        bullet = _BULLET.match(line.words)
        if _MARK.fullmatch(line.words):
            self._leave(line, line.text)
        elif bullet and bullet.end() < len(line.words):
            self._leave(line, bullet[0])
            self._found.points.append(line.words[bullet.end() :])
        elif self._signs.spaced and self._found.points and before.text and not _MARK.fullmatch(before.words):
            self._found.points[-1] += f" {line.words}"
        elif line.text:
            self._found.points.append(line.words)

    # Stories.

    def _stories(self, lines: list[PastedLine], starts: list[int], heads: dict[int, bool]) -> None:
        names = [self._bare(lines[start]) for start in starts]
        counted = [
            value(match) if (match := NUMBERED.match(name)) else 0
            for name, start in zip(names, starts, strict=True)
            if not heads[lines[start].number]
        ]
        numbered = len(counted) > 1 and counted == [*range(1, len(counted) + 1)]
        section, used = "", True
        for name, start, end in zip(names, starts, [*starts[1:], len(lines)], strict=True):
            if heads[lines[start].number]:
                self._found.stories += [] if used else [PastedStory(section)]
                section, used = name, False
                continue
            used = True
            bare = NUMBERED.sub("", name, count=1).strip() if numbered else name
            self._found.stories.append(self._story(bare or name, name, section, lines[start + 1 : end]))
        self._found.stories += [] if used else [PastedStory(section)]  # a heading at the end has no text

    def _story(self, headline: str, name: str, section: str, lines: Sequence[PastedLine]) -> PastedStory:
        lines, source = self._source(lines)
        if linked := _LINKED.fullmatch(NUMBERED.sub("", headline, count=1).strip()):
            headline, source = linked["words"], source or (linked["host"], linked["url"])
        pasted = name if name != headline else ""
        boxed = any(line.words.startswith(":::") for line in lines)  # our own syntax
        signs = self._signs
        labels = (i for i, one in enumerate(lines) if signs.match(signs.label, one) or signs.is_label(one))
        at = len(lines) if boxed else next(labels, len(lines))
        commentary: tuple[str, ...] = ()
        if at < len(lines):
            line = lines[at]
            match = None if signs.is_label(line) else signs.match(signs.label, line)
            self._leave(line, match[0] if match else line.text)
            words = line.words[match.end() :] if match else ""
            commentary = self._prose([PastedLine(line.number, words), *lines[at + 1 :]])
        return PastedStory(headline, pasted, section, self._prose(lines[:at]), commentary or None, source)

    def _source(self, lines: Sequence[PastedLine]) -> tuple[Sequence[PastedLine], tuple[str, str] | None]:
        """The lines without one that holds only the source, and its name and address; the address may be empty."""
        for index, line in enumerate(lines):
            match = self._signs.match(self._sources, line)
            if match and self._begins(lines, index) and len(line.words) < 300 and not ENDED.search(line.words):
                rest = line.words[match.end() :]
                parts = re.fullmatch(r"([^<>\[\]]+?)(?:\s*<(https?://[^\s<>]+)>)?", rest)
                if parts and "://" not in parts[1]:
                    self._leave(line, match[0], *("<>" if parts[2] else ""))
                    return [*lines[:index], *lines[index + 1 :]], (parts[1].strip(), parts[2] or "")
        return lines, None

    def _prose(self, lines: Iterable[PastedLine]) -> tuple[str, ...]:
        """The lines as Markdown: paragraphs separated if each was one line, without blank lines around them or a
        thematic break at the end, which the issue draws itself.
        """
        lines, out = list(lines), list[str]()
        while lines and lines[-1].number not in self._signs.code and _RULE.fullmatch(lines[-1].words):
            self._leave(lines[-1], lines.pop().text)
        listing = False
        for line in lines:
            coded = line.number in self._signs.code
            within = line.text.startswith((" ", "\t")) and (listing or bool(self._signs.levels))
            listing = bool(_ENTRY.match(line.text)) if line.text and not within else listing
            text = line.text if coded or within else line.words
            text = text if coded else text.lstrip("\u3000")
            text += "  " if line.number in self._broken and self._signs.spaced and text and not coded else ""
            listed = _BULLET.match(text.lstrip()) or text.lstrip().startswith(("|", ">"))
            if not self._signs.spaced and out and out[-1] and text and not coded and not listed:
                out.append("")
            out.append(text)
        while out and not out[0].strip():
            out.pop(0)
        return (*out, *self._definitions.of(out))
