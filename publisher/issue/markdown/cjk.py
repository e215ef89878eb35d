"""Chinese and Japanese, of which CommonMark knows nothing: their characters, and lines that join without a space."""

import re
from collections.abc import Sequence
from functools import lru_cache

from markdown_it.rules_core import StateCore
from markdown_it.token import Token

from publisher.regex import regex

HAN = "々〆〇〡-〩〸-〻⺀-⻳⼀-⿕㐀-䶿一-鿿豈-龎\U00020000-\U0003fffd"
KANA = "ぁ-ゖゝ-ゟァ-ヺー-ヿㇰ-ㇿｦ-ﾟ\U0001b000-\U0001b16f"
HANGUL = "ᄀ-ᇿ㄰-㆏ꥠ-꥿가-힣ힰ-퟿"
_UNSPACED = f"{HAN}{KANA}{HANGUL}\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"
"""And Thai, Lao, Burmese, Khmer: scripts in which a word follows an address without a space."""
FULL_WIDTH_PUNCTUATION = (
    "\u3001-\u3004\u3008-\u3020\u3030\u303d\u30a0\u30fb\ufe10-\ufe19\ufe30-\ufe6b！-／：-＠［-｀｛-･￠-￮"
)
# Full width in a Han text, narrow in a Latin one: a neighbour decides.
SHARED_PUNCTUATION = "“”‘’…—·"

_JOINABLE = HAN + KANA + FULL_WIDTH_PUNCTUATION
_RANGE = re.compile("(.)(?:-(.))?", re.DOTALL)
_URL_END = FULL_WIDTH_PUNCTUATION + "“”‘’…«»‹›\u060c\u061b\u061f\u06d4\u0964\u0965\u200b\u3000"
"""Marks of a sentence that a bare address ends at: of Chinese, of quotations, of Arabic, Urdu and Hindi."""
_URL_ENDS = regex(f"[{_URL_END}]|(?<!_)—|—(?!_)")  # of a title of many words _—_ is a part
LONGEST_URL = 2048
"""Characters; what is longer between two blanks is no address that anybody typed, and stays text."""
URL_RUN = regex(f"[^\\s{_URL_END}]{{1,{LONGEST_URL + 1}}}")
"""What a bare address, and all that may be taken for a part of one, does not go beyond."""
_CJK_IN_URL = regex(f"[{_UNSPACED}]")
_TO_A_MARK = regex(f"[^?#]*?[A-Za-z0-9/](?=[,;!][{_UNSPACED}])")


def url_end(text: str) -> int:
    """Where a bare address ends that text may follow without a space: at a mark of a sentence, or at a script without
    spaces right after a letter or digit (``…/docs下载``), or, outside of a query, at a half-width mark between
    (``…/docs,下载``); after ``/`` it is part of it (``…/wiki/人工智能``).
    """
    mark, before, script = _URL_ENDS.search(text), _TO_A_MARK.match(text), _CJK_IN_URL.search(text)
    ends = [mark.start()] if mark else []
    if before:
        ends.append(before.end())
    if script and script.start() and text[script.start() - 1].isascii() and text[script.start() - 1].isalnum():
        ends.append(script.start())
    return min(ends, default=len(text))


def is_cjk(character: str) -> bool:
    """Whether emphasis may open or close beside it without a space."""
    return _is_of(_JOINABLE + HANGUL + "\u3000", character)


@lru_cache(maxsize=4096)
def _is_of(ranges: str, character: str) -> bool:
    """Whether a character is of a class, which takes longer to compile than to look through."""
    return any(first <= character <= (last or first) for first, last in _RANGE.findall(ranges))


def joins(before: str, after: str) -> bool:
    """Whether a line that ends in ``before`` goes on with ``after`` without a space between them.

    Both are Han, kana or full-width punctuation; quotation marks, dashes and ellipses, which both scripts
    share, count as such beside one that is.
    """
    first, second = _is_of(_JOINABLE, before), _is_of(_JOINABLE, after)
    return (first and (second or after in SHARED_PUNCTUATION)) or (second and before in SHARED_PUNCTUATION)


_CONTROLS = regex(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_BREAK = regex(r"[ \t]*\r?\n[ \t]*")


def without_controls(text: str) -> str:
    """Text without control characters and lone surrogates, which YAML can write as escapes and no reader can see."""
    return _CONTROLS.sub("", text)


def one_line(text: str) -> str:
    """Text on one line: a newline between two characters that join becomes nothing, any other a space."""

    def between(match: re.Match[str]) -> str:
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        return "" if not before or not after or joins(before, after) else " "

    text = without_controls(text)
    return _BREAK.sub(between, text).strip() if "\n" in text else text.strip()


def join_lines(state: StateCore) -> None:
    """A soft line break between two characters that join is dropped: browsers would show a space."""
    for token in state.tokens:
        children = token.children
        if not children or "\n" not in token.content:
            continue
        for index, child in enumerate(children):
            if child.type == "softbreak":
                before, after = _edge(children, index, -1), _edge(children, index, 1)
                if before and after and joins(before, after):
                    child.type, child.content = "text", ""


def _edge(children: Sequence[Token], index: int, step: int) -> str:
    """The nearest visible character before (-1) or after (1) a token; markup between them is looked through."""
    index += step
    while 0 <= index < len(children):
        child = children[index]
        if child.type in {"text", "code_inline", "text_special"} and child.content:
            return child.content[-1 if step < 0 else 0]
        if child.type in {"softbreak", "hardbreak", "image", "footnote_ref"}:
            return ""
        index += step
    return ""
