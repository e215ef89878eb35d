"""Support for Chinese and Japanese, which CommonMark lacks: character classes, and line joining without spaces."""

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
"""CJK and Thai, Lao, Burmese, Khmer: scripts in which a word may follow a URL without a space."""
FULL_WIDTH_PUNCTUATION = (
    "\u3001-\u3004\u3008-\u3020\u3030\u303d\u30a0\u30fb\ufe10-\ufe19\ufe30-\ufe6b！-／：-＠［-｀｛-･￠-￮"
)
# Full width in Han text, narrow in Latin text: decided by the neighbouring character.
SHARED_PUNCTUATION = "“”‘’…—·"

_JOINABLE = HAN + KANA + FULL_WIDTH_PUNCTUATION
_RANGE = re.compile("(.)(?:-(.))?", re.DOTALL)
_URL_END = FULL_WIDTH_PUNCTUATION + "“”‘’…«»‹›\u060c\u061b\u061f\u06d4\u0964\u0965\u200b\u3000"
"""Punctuation that ends a bare URL: Chinese, quotation marks, and that of Arabic, Urdu and Hindi."""
LONGEST_URL = 2048
"""Characters; a longer run without spaces is not a typed URL and stays text."""
URL_RUN = regex(f"[^\\s{_URL_END}]{{1,{LONGEST_URL + 1}}}")
"""Run of characters that contains any bare URL within it, and everything that may be taken for part of one."""
_PICTURES = "\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff"  # arrows, ticks, emoji
_CJK_IN_URL = regex(f"[{_UNSPACED}]")
_URL_ENDS = regex(  # _—_ occurs in the paths of page titles
    f"[{_URL_END}]|(?<!_)—|—(?!_)|(?:\\*|__|~~)(?=[{_UNSPACED}])|(?<!:):+\\Z|[,;|](?=https?://)"
    f"|(?<=[A-Za-z0-9/])[{_PICTURES}][{_PICTURES}\ufe0f\u200d]*(?![A-Za-z0-9./-])"
)
_TO_A_MARK = regex(f"[^?#]*?[A-Za-z0-9/](?=[,;!|][{_UNSPACED}])")
TO_PORT = regex(f"https?://[^/?#:\\s]*:[0-9]+(?=[{_UNSPACED}])")
"""A host and its port, right before such a script."""


def url_end(text: str) -> int:
    """Return the index at which a bare URL ends if text follows without a space: at sentence punctuation, at a script
    without spaces directly after a letter or digit (``…/docs下载``), at emoji (``…/docs👈``), at the next URL after a
    comma, at the end of emphasis before such a script, or, outside of a query, at half-width punctuation before it
    (``…/docs,下载``); after ``/`` the script belongs to the URL (``…/wiki/人工智能``).
    """
    mark, before, script = _URL_ENDS.search(text), _TO_A_MARK.match(text), _CJK_IN_URL.search(text)
    ends = [mark.start()] if mark else []
    if before:
        ends.append(before.end())
    if script and script.start() and text[script.start() - 1].isascii() and text[script.start() - 1].isalnum():
        ends.append(script.start())
    return min(ends, default=len(text))


def is_cjk(character: str) -> bool:
    """Whether emphasis may open or close next to the character without a space."""
    return _is_of(_JOINABLE + HANGUL + "\u3000", character)


@lru_cache(maxsize=4096)
def _is_of(ranges: str, character: str) -> bool:
    """Whether a character is in a class, without compiling a regular expression, which takes longer."""
    return any(first <= character <= (last or first) for first, last in _RANGE.findall(ranges))


def joins(before: str, after: str) -> bool:
    """Whether a line ending in ``before`` is joined with a line starting with ``after`` without a space.

    True if both are Han, kana or full-width punctuation; quotation marks, dashes and ellipses, which Latin shares,
    count as such next to one of these.
    """
    first, second = _is_of(_JOINABLE, before), _is_of(_JOINABLE, after)
    return (first and (second or after in SHARED_PUNCTUATION)) or (second and before in SHARED_PUNCTUATION)


_CONTROLS = regex(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_BREAK = regex(r"[ \t]*\r?\n[ \t]*")


def without_controls(text: str) -> str:
    """Remove control characters and lone surrogates, which YAML escapes can produce and which are invisible."""
    return _CONTROLS.sub("", text)


def one_line(text: str) -> str:
    """Join lines: a newline between two characters that join is removed, any other becomes a space."""

    def between(match: re.Match[str]) -> str:
        before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
        return "" if not before or not after or joins(before, after) else " "

    text = without_controls(text)
    return _BREAK.sub(between, text).strip() if "\n" in text else text.strip()


def join_lines(state: StateCore) -> None:
    """Remove soft line breaks between two characters that join, which browsers would show as spaces but in <pre>."""
    for token in state.tokens:
        children = token.children
        if not children or "\n" not in token.content:
            continue
        preformatted = False
        for index, child in enumerate(children):
            if child.type == "html_inline" and child.content[:5].lower() in {"<pre>", "<pre ", "</pre"}:
                preformatted = child.content[1] != "/"
            elif child.type == "softbreak" and not preformatted:
                before, after = _edge(children, index, -1), _edge(children, index, 1)
                if before and after and joins(before, after):
                    child.type, child.content = "text", ""


def _edge(children: Sequence[Token], index: int, step: int) -> str:
    """The nearest visible character before (-1) or after (1) a token; markup in between is skipped."""
    index += step
    while 0 <= index < len(children):
        child = children[index]
        if child.type in {"text", "code_inline", "text_special"} and child.content:
            return child.content[-1 if step < 0 else 0]
        if child.type in {"softbreak", "hardbreak", "image", "footnote_ref"}:
            return ""
        index += step
    return ""
