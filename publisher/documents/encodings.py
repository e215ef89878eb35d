"""What encoding bytes that are not UTF-8 may have. ``charset-normalizer`` sorts out what makes no sense; which of the
readings left is likely is weighed here, by how everyday their characters are: names are too short for its statistics.

And the other way round: text that was UTF-8 once and was read as something else before it came here.
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
"""What is thought of, by Python's name, with the name that people know."""
SAMPLE = 32 * 1024
"""Bytes of lines that are not ASCII; more tell nothing new."""
_MARGIN = 6.0
"""How much likelier a reading has to be than any other, as a natural logarithm: four hundred times."""

# Costs, as natural logarithms: what a character tells against a reading. A letter costs the size of its alphabet.
_STRANGE, _CROOKED, _SIGN, _ODD, _CAPITALS = 12.0, 11.0, 7.0, 3.0, 2.0
_RARE = 4.0
_MOST_STRANGE = 0.3
"""The part of the characters that may be strange or crooked before a reading makes no sense."""

# In each table of the East: the lead bytes of its everyday characters, the least second byte, and how many there are.
_EASTERN = {
    "gb18030": (0xB0, 0xD7, 0xA1, 3755),
    "big5": (0xA4, 0xC6, 0x40, 5401),
    "cp932": (0x88, 0x97, 0x40, 2965),
    "euc_kr": (0xB0, 0xC8, 0xA1, 2350),
    "euc_jp": (0xB0, 0xCF, 0xA1, 2965),
}
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fc]")
_WIDE = re.compile("[\u3000-\u303f\uff01-\uff5e\u00b7]")  # punctuation, letters and digits in full width
_HALF_KANA = re.compile(r"(?<![^\s,;|\"'])[\uff61-\uff9f]+(?![^\s,;|\"'])")
_SCRIPTS = {
    "cp1251": ("\u0400-\u04ff", 33), "koi8_r": ("\u0400-\u04ff", 33), "cp1253": ("\u0386-\u03ce", 35),
    "cp1255": ("\u05d0-\u05ea", 27), "cp1256": ("\u0621-\u064a", 36), "tis_620": ("\u0e01-\u0e4e", 70),
}  # fmt: skip
_LATIN = "\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u017f", 60
_SIGNS = re.compile("[\u2010-\u2026\u20ac\u00a0\u00ab\u00bb\u00ae\u00a9№]")
# Of Latin letters outside ASCII: a vowel between vowels, a consonant between consonants (both of their own code page,
# as ø for ř), and what hardly any name has.
_ODDITIES = re.compile("(?<=[av])v(?=[av])|(?<=[bc])[cn](?=[bc])|n(?=[av])|x")

_WESTERN = {bytes([byte]).decode("cp1252", "ignore") or chr(byte): byte for byte in range(0x80, 0x100)}
_WESTERN |= {chr(byte): byte for byte in range(0x80, 0x100)}  # Latin-1 has controls where Windows-1252 has signs
_TAIL = "[" + "".join(re.escape(character) for character, byte in _WESTERN.items() if byte < 0xC0) + "]"
_QUOTE = "[\u2018-\u201f\u2026\u2013\u2014\xab\xbb]"
# Sequences that no language has: of é and °, of curly quotes, of arrows and signs, of emoji, of wide punctuation, of
# two Chinese characters or more. A quotation mark after IRMÃ is one.
_MISREAD = regex(
    rf"(?:Â[\xa0-\xaa\xac-\xba\xbc-\xbf]|Ã(?!{_QUOTE}){_TAIL}|(?<![A-ZÀ-Þ])(?:Ã{_QUOTE}|Â[\xab\xbb])"
    rf"|â[€\x80]{_TAIL}?|â[†œ˜š\x86\x98\x9a\x9c]{_TAIL}|ð[Ÿ\x9f]{_TAIL}{{2}}|ï[¼½»]{_TAIL}|(?:[ã-é]{_TAIL}{{2}}){{2,}})+"
)
_EAST = "鐨鏄鈥锛銆鍦"
"""What 的, 是, “, ，, 。 and 在 begin with where UTF-8 was read as GBK; hardly any text has one of them."""
MISREAD_SIGNS = f"ÂÃâðïã-é{_EAST}"
"""One of them stands in any text that was misread, as a class of a regular expression has them."""
_EASTERN_SIGN, _ANY_SIGN = regex(f"[{_EAST}]"), regex(f"[{MISREAD_SIGNS}]")
_HAN_RUN = regex("[\u2e80-\u9fff\ue000-\ufaff\uff00-\uffef]{3,}")


def misread(text: str) -> Iterator[tuple[int, int, str]]:
    """Where text stands that was UTF-8 and was read as Windows-1252, Latin-1 or GBK: its begin, its end, and what it
    was, or nothing where too much of it is lost.
    """
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


def told_misread(found: str, right: str) -> tuple[Sentence, Sentence]:
    """What is said of text that was misread, and what to do about it."""
    if not right:
        return say("{found} was read in a wrong encoding", found=found), say("copy it from its source once more")
    message = say("{found} is {right}, read in a wrong encoding", found=found, right=right)
    return message, say("write {words}", words=right)


def _again(content: bytes) -> str:
    """The bytes as UTF-8, as far as they are that; what was read rightly may go on from there."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        return content[: error.start].decode("utf-8")


def readings(content: bytes) -> list[str]:
    """The encodings that make sense of the bytes: one where no other reading is nearly as likely.

    Encodings in which the bytes are the same text count as one. Empty where none makes sense.
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
    from charset_normalizer import from_bytes  # slow to import, and hardly ever wanted

    found = from_bytes(sample, cp_isolation=list(ENCODINGS), threshold=0.4, enable_fallback=False)
    return {name for match in found for name in match.could_be_from_charset if name in ENCODINGS}


def _eastern(text: str, encoding: str) -> float:
    """How unlikely a text is: the sum over its characters outside ASCII."""
    first, last, second, size = _EASTERN[encoding]
    half = sum(map(len, _HALF_KANA.findall(text)))  # the reading of nearly any bytes, so it has to be whole words
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
    rare = _RARE if _STRANGE in costs else 0.0  # one is forgiven: names have rare characters
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
    """A letter of ASCII as a (vowel) or b, another as v or c; n and x for those of :data:`_ODDITIES`."""
    if not character.isalpha():
        return " "
    vowel = unicodedata.normalize("NFD", character)[0].lower() in "aeiouyøæœı"
    if character.isascii():
        return "a" if vowel else "b"
    return "n" if character in "ńŃ" else "x" if character in "ŕĺŔĹ" else "v" if vowel else "c"
