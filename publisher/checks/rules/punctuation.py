"""Punctuation: doubled, and, in Chinese and Japanese text, half-width or unpaired."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import groupby, product

from publisher.checks.context import HAN, Context, Line, cjk_lines, lines
from publisher.checks.fixes import BRACKETS, FULL
from publisher.diagnostics import Diagnostic, Fault, Severity, define, say
from publisher.language import Locale
from publisher.language.tags import subtags
from publisher.regex import regex

DOUBLED = define("doubled-punctuation", Severity.WARNING)
HALF_WIDTH = define("half-width-punctuation", Severity.WARNING)
UNPAIRED = define("unpaired-punctuation", Severity.WARNING)
_DOUBLED = regex(r"([，、；：。])(?:\1+|[，、；：。]+)")
_DOUBLED_LATIN = regex(r"(?<=[a-z]{2})(?:,,|;;|\.\.)(?=\s|$)")
_HAN = r"[\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff]"
_CLOSER, _OPENER = "[”’》〉」』）】]", "[“‘《〈「『（【]"
# Names that end with such a mark.
_NAMES = r"(?<!雅虎)(?<!去哪儿)(?<!去哪兒)(?<!けいおん)(?<!ラブライブ)"
_HALF = regex(f"[{''.join(FULL)}]")
_MARK = f"(?:[,;:]|{_NAMES}[?!])"
_AFTER_HAN = f"(?:(?<={_HAN})|(?<={_CLOSER})){_MARK} *(?={_HAN}|{_OPENER}|[A-Za-z0-9]|$)"
_BEFORE_HAN = f"(?:^|(?<=[A-Za-z0-9%)\\]\"'])){_MARK}(?={_HAN}|{_OPENER})"
_WORD = regex("[A-Za-z]+")
_CHINESE = regex(f"{_AFTER_HAN}|{_BEFORE_HAN}")
_MIXED, _WITHIN = regex(f"(?<={_HAN}){_MARK}(?={_HAN}|$)"), regex(f"(?<={_HAN}){_MARK}(?={_HAN})")
_PAIRS = {"“": "”", "‘": "’", "《": "》", "〈": "〉", "「": "」", "『": "』", "（": "）", "【": "】"}
_ENUMERATES = regex(
    r"(?:(?<![0-9０-９A-Za-z])(?:[0-9０-９]{1,2}|(?<!\S)\d{3}|[A-Za-zＡ-Ｚａ-ｚα-ωΑ-Ω]|[ivx]{2,4}|[IVX]{2,4})"
    r"|(?<![0-9A-Za-z])(?:[QA]\d{1,2}|\d{1,2}[a-z])"
    r"|(?:第|其|步骤|阶段|方案|方法|选项|问题|任务|要点|原因|情况)[一二三四五六七八九十]{1,3}"
    r"|(?<!\w)(?:[零一二三四五六七八九十壹贰叁肆伍陆柒捌玖拾]{1,3}"
    r"|[甲乙丙丁戊己庚辛壬癸子丑寅卯辰巳午未申酉戌亥ぁ-んァ-ン])|[①-⑳㈠-㈩Ⅰ-ⅿ]|[：:；;=]-?|[□_﹏‿▽ω∀]\S) ?$"
)
"""Text before a ） without a partner: a list number, or part of an emoticon."""
_SOUND = {"）": _ENUMERATES, "”": regex(r"(?<![\w.-])\d{1,3}(?:\.\d)?$")}
"""Text before a mark that needs no partner; before a ”, a number of inches."""
_ASIDE = regex(r"（(?:逃|跑|溜|笑|哭|草|误|雾|大雾|大误|大嘘|划掉|狗头)[。…~～]*$")
"""An aside at the end of a line, in Chinese internet style, whose bracket is not closed."""
_ASIDE_LENGTH = 200
_NARROW, _ROUND = str.maketrans("（）", "()"), {"(": regex("[()]"), "“": regex("[“”]")}
_NARROW_END = regex(rf"（[^（）()]{{0,{_ASIDE_LENGTH}}}\)")
_NARROW_BEGIN = regex(r"\([^（）()]*$")
_SENTENCE_END = regex(r"[。！？…—.!?][”’」』]")
_DEEP = 8  # nested quotations that span paragraphs
_PAIRED = regex(f"[{''.join(_PAIRS)}{''.join(_PAIRS.values())}]")
_DOUBLE, _LOW = regex("[“”]"), regex("„[^„“”]*[“”]|‚[^‚‘’]*[‘’]")  # German and similar quotations
_ENDS, _TURNED = regex(r"[，。；：、！？…）》」』】]"), regex(r"”[^“”]+“(?:[，。；：、！？…）》」』】]|$)")
"""Text after a quotation; and a quotation with both marks reversed."""
_MARKED = regex(r"\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*[^()\n]*\)|\([^()\[\]\s,]+,\s*[^()\[\]]+\]")
"""Brackets with a meaning of their own: the address of a link, a half-open interval."""
_OPENS = regex(r"(?<!\S)\((?=[^\s:;=8)])\S+|“\S+")  # without emoticons
_CLOSERS = {closer: opener for opener, closer in _PAIRS.items()}


def check(context: Context) -> Iterator[Diagnostic]:
    """Check each line, and the pairs of marks in each text."""
    japanese = subtags(context.issue.language).language == "ja"
    for line in cjk_lines(context):
        for found in _DOUBLED.finditer(line.text):
            mark = found[0]
            if japanese and {*mark} in ({"。"}, {"、"}):
                continue  # an ellipsis, as many write it there
            if found.start() == 0 and len(mark) > 2 and set(mark) == {"："}:
                continue  # a container, which has its own finding
            if mark[-1] == "：" and line.text.startswith("）", found.end()):
                continue  # an emoticon
            ellipsis = len(mark) > 2 and set(mark) == {"。"}
            message = say("there are several marks in a row: {mark}", mark=mark)
            advice = say("write …… for an ellipsis") if ellipsis else say("write one mark, {mark}", mark=mark[-1])
            if mark[-1] == "。" and (name := line.text[found.end() : found.end() + 3]).lower() == "net":
                advice = say("write {words}", words=f"{mark[:-1]}.{name}")
            yield DOUBLED.at(line.place(found.start(), found.end()), message, help=advice)
    doubled = (text for text in context.texts if any(mark in text.prose.text for mark in (",,", ";;", "..")))
    for words, place in (run for text in doubled for run in text.plain()):
        for found in _DOUBLED_LATIN.finditer(words):
            message = say("there are several marks in a row: {mark}", mark=found[0])
            advice = say("write one mark, {mark}", mark=found[0][0])
            yield DOUBLED.at(place(*found.span()), message, help=advice)
    yield from _half_width(context, japanese)
    for _, piece in groupby(lines(context), key=lambda line: line.key):
        yield from _unpaired(list(piece))
    yield from _left_open(context)


def _half_width(context: Context, japanese: bool) -> Iterator[Diagnostic]:
    """Half-width marks in Chinese and Japanese text. In lines with more words of other scripts, only between Han or
    kana, or at the end; in an issue in another language only between them.
    """
    chinese = Locale.of(context.issue.language, {}).counts_characters
    for line in (line for line in cjk_lines(context) if _HALF.search(line.text)):
        mostly = chinese and len(HAN.findall(line.text)) >= len(_WORD.findall(line.text))
        pattern = _CHINESE if mostly else _MIXED if chinese else _WITHIN
        for found in pattern.finditer(line.text):
            mark = found[0].rstrip()
            if not (japanese and mark in ":;"):  # common in Japanese
                yield _half_width_fault(mark, japanese).at(line.place(found.start(), found.end()))


@cache
def _half_width_fault(mark: str, japanese: bool) -> Fault:
    message = say("there is a half-width {mark} in Chinese text", mark=mark)
    message = say("there is a half-width {mark} in Japanese text", mark=mark) if japanese else message
    return Fault(HALF_WIDTH, message, say("write {words}", words=FULL[mark]))


def _left_open(context: Context) -> Iterator[Diagnostic]:
    """A ( that is not closed in its paragraph nor after it, and in English a “; a later paragraph may open it again."""
    signs = "(“" if subtags(context.issue.language).language == "en" else "("
    for text, opener in product(context.texts, signs):
        left: list[Diagnostic] = []
        for words, place in text.written if opener in text.prose.text and "„" not in text.prose.text else ():
            marks: list[int] = []
            written = _MARKED.sub(lambda found: " " * len(found[0]), words)
            words = written.translate(_NARROW)
            if words.startswith(opener):
                left.clear()
            for found in _ROUND[opener].finditer(words):
                if found[0] == opener:
                    marks.append(found.start())
                elif marks:
                    marks.pop()
                else:
                    left.clear()
            at = _OPENS.match(words, marks[-1]) if marks else None
            if at and written[at.start()] == opener and not (opener == "“" and HAN.search(words)):
                left.append(_lonely(opener).at(place(*at.span())))
        yield from left


def _unpaired(piece: list[Line]) -> Iterator[Diagnostic]:
    if not (any(HAN.search(line.text) for line in piece) and any(_PAIRED.search(line.text) for line in piece)):
        return
    if any(_LOW.search(line.text) for line in piece):
        piece = [replace(line, text=_LOW.sub(lambda low: "\ufffc" * len(low[0]), line.text)) for line in piece]
    open_marks: list[tuple[str, Line, int]] = []
    left: list[tuple[str, Line, int]] = []  # open at the ends of their paragraphs
    wrapped = ""  # marks at line starts that repeat an open mark, or nest in it
    before = piece[0].whole.span.line if piece else 0
    for number, line in enumerate(piece, 1):
        if line.whole.span.line > before + 1:  # a new paragraph
            kept = [entry for entry in open_marks if line.text.startswith(entry[0])][-_DEEP:]
            left += (entry for entry in open_marks if not any(entry is one for one in kept))
            open_marks, wrapped = kept, ""
        before = line.whole.span.line
        for found in _PAIRED.finditer(line.text):
            index, mark = found.start(), found[0]
            if mark == "“" and index and open_marks and open_marks[-1][0] == mark and _ends(piece, number, index + 1):
                open_marks.pop()
                yield _turned(mark).at(line.place(index, index + 1))
            elif mark in _PAIRS:
                again = index == 0 and open_marks and open_marks[-1][0] == mark
                wrapped += mark if again else ""
                if not again and not _ASIDE.match(line.text, index):
                    open_marks.append((mark, line, index))
            elif mark in _CLOSERS and mark != "’":  # ’ may be an apostrophe
                if open_marks and open_marks[-1][0] == _CLOSERS[mark]:
                    open_marks.pop()
                elif left and left[-1][0] == _CLOSERS[mark] and _ends_paragraphs(left[-1], line.text, index):
                    left.pop()
                elif _CLOSERS[mark] in wrapped:
                    wrapped = wrapped.replace(_CLOSERS[mark], "", 1)
                elif mark == "”" and (_TURNED.match(line.text, index) or _begins(line.text, index)):
                    open_marks.append(("“", line, index))
                    yield _turned(mark).at(line.place(index, index + 1))
                elif not ((sound := _SOUND.get(mark)) and sound.search(line.text, max(0, index - 6), index)):
                    yield _alone(mark, line, index)
            elif mark == "’" and open_marks and open_marks[-1][0] == "‘":
                open_marks.pop()
    yield from (_alone(mark, line, index) for mark, line, index in (*left, *open_marks))


def _ends_paragraphs(opened: tuple[str, Line, int], text: str, index: int) -> bool:
    """Whether a quotation of whole paragraphs, not opened again in each, ends here."""
    _, first, begin = opened
    return begin in {0, first.text.rfind("：") + 1} and bool(_SENTENCE_END.fullmatch(text, max(index - 1, 0)))


def _ends(piece: list[Line], number: int, index: int) -> bool:
    """Whether an open quotation ends before an index of a line; ``number`` is the index of the next line."""
    line = piece[number - 1]
    if _ENDS.match(line.text, index):
        return True
    last = number == len(piece) or piece[number].whole.span.line > line.whole.span.line
    return last and not _DOUBLE.search(line.text, index)


def _begins(text: str, index: int) -> bool:
    """Whether a quotation begins at an index and ends later."""
    found = _DOUBLE.search(text, index + 1) if index == 0 or text[index - 1] in "，：、（《「『【" else None
    return found is not None and (found[0] == "”" or bool(_ENDS.match(text, found.end())))


@cache
def _turned(mark: str) -> Fault:
    """The fault of a quotation mark that an input method inserted in the wrong direction."""
    if mark == "“":
        return Fault(UNPAIRED, say("there is a “ where a quotation ends"), say("write {words}", words="”"))
    return Fault(UNPAIRED, say("there is a ” where a quotation begins"), say("write {words}", words="“"))


def _alone(mark: str, line: Line, index: int) -> Diagnostic:
    """The finding for an unpaired mark; if its partner is half-width, the finding is placed at the partner."""
    text = line.text
    if mark == "（" and (found := _NARROW_END.match(text, index)):
        at = found.end() - 1
        number = _ENUMERATES.search(text, max(0, at - 5), at)
        if number is None or number.start() == index + 1:
            return _narrow(")").at(line.place(at, at + 1))
    elif mark == "）" and (found := _NARROW_BEGIN.search(text, max(0, index - _ASIDE_LENGTH), index)):
        return _narrow("(").at(line.place(found.start(), found.start() + 1))
    return _lonely(mark).at(line.place(index, index + 1))


@cache
def _narrow(mark: str) -> Fault:
    message = say("a half-width ( opens what ） ends") if mark == "(" else say("a half-width ) ends what （ opens")
    return Fault(UNPAIRED, message, say("write {words}", words=BRACKETS[mark]))


@cache
def _lonely(mark: str) -> Fault:
    if closing := {**_PAIRS, "(": ")"}.get(mark):
        advice = say("write {closing} where it ends", closing=closing)
    else:
        advice = say("write the {opening} that opens it", opening=_CLOSERS[mark])
    return Fault(UNPAIRED, say("the mark {mark} has no partner", mark=mark), advice)
