"""Detection of the encoding of bytes that are not UTF-8. ``charset-normalizer`` excludes impossible candidates; the
others are ranked here by how common their characters are: names are too short for its statistics.

Also detection of text that was UTF-8 and was decoded with another encoding before it was saved (mojibake).
"""

import codecs
import math
import re
import unicodedata
from collections.abc import Iterator

from publisher.diagnostics import Sentence, say
from publisher.regex import regex

ENCODINGS = {
    "gb18030": say("GB18030 (or GBK, GB2312)"), "big5": "Big5", "cp932": "Shift-JIS (cp932)",
    "euc_kr": "EUC-KR", "euc_jp": "EUC-JP", "cp1252": "Windows-1252", "cp1251": "Windows-1251",
    "koi8_r": "KOI8-R", "cp1250": "Windows-1250", "cp1253": "Windows-1253", "cp1254": "Windows-1254",
    "cp1255": "Windows-1255", "cp1256": "Windows-1256", "tis_620": "TIS-620",
}  # fmt: skip
"""Candidate encodings, by Python's name, with the names that people know."""
SAMPLE = 32 * 1024
"""Maximum of bytes examined, from lines that are not ASCII; more do not improve the result."""
_MARGIN = 6.0
"""How much more likely a candidate has to be than any other, as a natural logarithm: a factor of four hundred."""

# Costs, as natural logarithms, of a character under a candidate encoding. A letter costs the size of its alphabet.
_STRANGE, _CROOKED, _SIGN, _ODD, _CAPITALS = 12.0, 11.0, 7.0, 3.0, 2.0
_RARE = 4.0
_MOST_STRANGE = 0.3
"""Fraction of the characters that may be ``_STRANGE`` or ``_CROOKED`` before a candidate is excluded."""

# The common characters of each East Asian encoding: first and last lead byte, lowest second byte, and their number.
_EASTERN = {
    "gb18030": (0xB0, 0xD7, 0xA1, 3755),
    "big5": (0xA4, 0xC6, 0x40, 5401),
    "cp932": (0x88, 0x97, 0x40, 2965),
    "euc_kr": (0xB0, 0xC8, 0xA1, 2350),
    "euc_jp": (0xB0, 0xCF, 0xA1, 2965),
}
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fc]")
_WIDE = re.compile("[\u3000-\u303f\uff01-\uff5e\u00b7]")  # full-width punctuation, letters and digits
_HALF_KANA = re.compile(r"(?<![^\s,;|\"'])[\uff61-\uff9f]+(?![^\s,;|\"'])")
_SCRIPTS = {
    "cp1251": ("\u0400-\u04ff", 33), "koi8_r": ("\u0400-\u04ff", 33), "cp1253": ("\u0386-\u03ce", 35),
    "cp1255": ("\u05d0-\u05ea", 27), "cp1256": ("\u0621-\u064a", 36), "tis_620": ("\u0e01-\u0e4e", 70),
}  # fmt: skip
_LATIN = "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017f", 60
_SIGNS = re.compile("[\u2010-\u2026\u20ac\u00a0\u00ab\u00bb\u00ae\u00a9№]")
# Unlikely patterns of non-ASCII Latin letters: a vowel between vowels, a consonant between consonants (both
# result from a wrong code page, as in ø for ř), and letters that hardly any name has.
_ODDITIES = re.compile("(?<=[av])v(?=[av])|(?<=[bc])[cn](?=[bc])|n(?=[av])|x")

_WESTERN = {bytes([byte]).decode("cp1252", "ignore") or chr(byte): byte for byte in range(0x80, 0x100)}
_WESTERN |= {chr(byte): byte for byte in range(0x80, 0x100)}  # Latin-1 has control characters there
_TAIL = "[" + "".join(re.escape(character) for character, byte in _WESTERN.items() if byte < 0xC0) + "]"
_QUOTE = "[\u2018-\u201f\u2026\u2013\u2014\xab\xbb]"
# Misread forms, which occur in no language: of é and °, curly quotes, arrows and signs, emoji, full-width punctuation,
# and two or more Chinese characters. A quotation mark after capitals (IRMÃ») is correct text.
_MISREAD = regex(
    rf"(?:Â[\xa0-\xaa\xac-\xba\xbc-\xbf]|Ã(?!{_QUOTE}){_TAIL}|(?<![A-ZÀ-Þ])(?:Ã{_QUOTE}|Â[\xab\xbb])"
    rf"|â[€\x80]{_TAIL}?|â[†œ˜š\x86\x98\x9a\x9c]{_TAIL}|ð[Ÿ\x9f]{_TAIL}{{2}}|ï[¼½»]{_TAIL}|(?:[ã-é]{_TAIL}{{2}}){{2,}})+"
)
_EAST = "鐨鏄鈥锛銆鍦"
"""First character of 的, 是, “, ，, 。 and 在 if UTF-8 is decoded as GBK; correct text hardly ever has one of these."""
MISREAD_SIGNS = f"ÂÃâðïã-é{_EAST}"
"""Characters of which any misread text has at least one, as the content of a regular expression's character class."""
_EASTERN_SIGN, _ANY_SIGN = regex(f"[{_EAST}]"), regex(f"[{MISREAD_SIGNS}]")
_HAN_RUN = regex("[\u2e80-\u9fff\ue000-\ufaff\uff00-\uffef]{3,}")


def mojibake_of(text: str) -> Iterator[tuple[int, int, str]]:
    """Find text that was UTF-8 but decoded as Windows-1252, Latin-1 or GBK: start, end, original (empty if lost)."""
    if not _ANY_SIGN.search(text):
        return
    for found in _MISREAD.finditer(text):
        content = bytes(_WESTERN[character] for character in found[0])
        right = _again(content)
        yield *found.span(), right if right.encode() == content else ""
    for found in _HAN_RUN.finditer(text) if _EASTERN_SIGN.search(text) else ():
        right = _again(found[0].encode("gb18030", "replace"))
        if len(right) > 1:
            yield found.start(), found.start() + len(right.encode().decode("gb18030", "ignore")), right


def mojibake_finding(found: str, right: str) -> tuple[Sentence, Sentence]:
    """Return message and help of the finding about misread text."""
    if not right:
        return say("{found} was read in a wrong encoding", found=found), say("copy it from its source once more")
    message = say("{found} is {right}, read in a wrong encoding", found=found, right=right)
    return message, say("write {words}", words=right)


def _again(content: bytes) -> str:
    """Decode bytes as UTF-8 up to the first error; correctly decoded text may follow there."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        return content[: error.start].decode("utf-8")


def readings(content: bytes) -> list[str]:
    """Return the likely encodings of the bytes: one if no other candidate is nearly as likely.

    Encodings that decode the bytes to the same text count as one. Empty if no candidate is possible.
    """
    strange = b"\n".join(line for line in content.splitlines() if not line.isascii())
    sample = strange[:SAMPLE]
    costs: dict[str, tuple[float, str]] = {}
    for encoding in sorted(_sensible(sample), key=list(ENCODINGS).index):
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(sample, len(sample) == len(strange))
        except UnicodeDecodeError:
            continue
        cost = _eastern(text, encoding) if encoding in _EASTERN else _western(text, encoding)
        if cost < math.inf:
            costs.setdefault(text, (cost, encoding))
    best = min((cost for cost, _ in costs.values()), default=0.0)
    return [encoding for cost, encoding in costs.values() if cost - best < _MARGIN]


def _sensible(sample: bytes) -> set[str]:
    from charset_normalizer import from_bytes  # slow to import, and rarely needed

    found = from_bytes(sample, cp_isolation=list(ENCODINGS), threshold=0.4, enable_fallback=False)
    return {name for match in found for name in match.could_be_from_charset if name in ENCODINGS}


def _eastern(text: str, encoding: str) -> float:
    """The cost of a text: the sum over its non-ASCII characters; higher is less likely."""
    first, last, second, size = _EASTERN[encoding]
    half = sum(map(len, _HALF_KANA.findall(text)))  # nearly any bytes decode to these, so only whole words count
    costs = [math.log(63)] * half
    for character in _HALF_KANA.sub("", text):
        if character.isascii():
            continue
        coded = character.encode(encoding)
        if _KANA.match(character) and encoding in {"cp932", "euc_jp"}:
            costs.append(math.log(170))
        elif _WIDE.match(character):
            costs.append(_SIGN)
        else:
            everyday = len(coded) == 2 and first <= coded[0] <= last and coded[1] >= second
            costs.append(math.log(size) if everyday else _STRANGE)
    rare = _RARE if _STRANGE in costs else 0.0  # one is tolerated: names have rare characters
    return _total(costs) - rare


def _western(text: str, encoding: str) -> float:
    foreign = [character for character in text if not character.isascii()]
    script, size = _SCRIPTS.get(encoding, _LATIN)
    words = [word for word in re.findall(f"[{script}A-Za-z]+", text) if not word.isascii()]
    words = [word for word in words if word in {word.lower(), word.upper(), word.title()}]
    if encoding in _SCRIPTS:
        words = [word for word in words if not re.search("[A-Za-z]", word)]
        odd = _CAPITALS * sum(len(word) > 1 and word.isupper() for word in words)
    else:
        words = [word for word in words if 3 * len(re.findall("[A-Za-z]", word)) >= len(word)]
        odd = _ODD * len(_ODDITIES.findall("".join(map(_outline, text))))
    straight = sum(not character.isascii() for word in words for character in word)
    signs = len(_SIGNS.findall(text))
    letters = max(0, sum(map(str.isalpha, foreign)) - straight)
    strange = max(0, len(foreign) - straight - letters - signs)
    return float(odd) + _total(
        [math.log(size)] * straight + [_SIGN] * signs + [_CROOKED] * letters + [_STRANGE] * strange
    )


def _total(costs: list[float]) -> float:
    strange = sum(cost in {_CROOKED, _STRANGE} for cost in costs)
    return math.inf if strange > _MOST_STRANGE * len(costs) + 1 else math.fsum(costs)


def _outline(character: str) -> str:
    """An ASCII letter as a (vowel) or b, another as v or c; n and x are special letters of :data:`_ODDITIES`."""
    if not character.isalpha():
        return " "
    vowel = unicodedata.normalize("NFD", character)[0].lower() in "aeiouyøæœı"
    if character.isascii():
        return "a" if vowel else "b"
    return "n" if character in "ńŃ" else "x" if character in "ŕĺŔĹ" else "v" if vowel else "c"
