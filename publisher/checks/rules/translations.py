"""Translations: ``translation_of`` has to name an issue that is not a translation itself, and the items have to match
the original's in order, numbers, links and pictures, and be in the translation's language.

Legitimate differences are ignored: small numbers, which may be words, years that one side omits, and languages in
URLs.
"""

import re
from collections.abc import Iterator
from urllib.parse import urldefrag, urlsplit

from publisher.checks.context import Context, sources
from publisher.checks.numbers import Number
from publisher.checks.rules.inventions import Summed, other_currencies
from publisher.checks.rules.number_not_in_items import Said
from publisher.diagnostics import Diagnostic, Place, Sentence, Severity, define, listed, say
from publisher.issue.load import read_issue
from publisher.issue.model import Issue, Item
from publisher.language.tags import is_language, subtags
from publisher.regex import regex

UNKNOWN = define("unknown-translation", Severity.ERROR)
BAD = define("bad-translation", Severity.ERROR)
ITEMS = define("sibling-items", Severity.WARNING)
NUMBERS = define("sibling-numbers", Severity.WARNING)
LINKS = define("sibling-links", Severity.WARNING)
PICTURES = define("sibling-pictures", Severity.WARNING)
UNTRANSLATED = define("untranslated", Severity.WARNING)
_SMALL = 31  # days, months, hours and counts may be words, other clocks, or omitted
_YEARS = range(1900, 2101)
_LETTERS = 20  # minimum to recognize a language
_SCRIPTS = {
    "Han": regex("[\u3400-\u9fff\U00020000-\U0003ffff]"), "Kana": regex("[\u3040-\u30ff]"),
    "Hang": regex("[\uac00-\ud7af]"), "Latn": regex("[A-Za-z\u00c0-\u024f]{2,}"),
    "Cyrl": regex("[\u0400-\u04ff]{2,}"), "Arab": regex("[\u0600-\u06ff]{2,}"), "Hebr": regex("[\u0590-\u05ff]{2,}"),
}  # fmt: skip
_OWN = {"Hans": "Han", "Hant": "Han", "Jpan": "Kana", "Kore": "Hang"}


def check(context: Context) -> Iterator[Diagnostic]:
    """Check ``translation_of``, then compare with the original."""
    issue, of = context.issue, context.issue.translation_of
    if of is None:
        return
    place, known = issue.places.of("translation_of"), context.translations
    if of == issue.slug:
        yield BAD.at(place, say("an issue cannot be its own translation"), help=say("name the original"))
    elif of not in known.slugs:
        yield UNKNOWN.at(place, say("there is no issue {slug}", slug=of), help=say("name the folder of the original"))
    elif above := known.named.get(of):
        message = say("{slug} is itself a translation of {above}", slug=of, above=above)
        round_ = known.named.get(above) is not None
        advice = say("take translation_of out of the original") if round_ else say("write {words}", words=above)
        yield BAD.at(place, message, help=advice)
    elif twice := [one.slug for one in known.others(issue.slug) if one.language == issue.language]:
        message = say("{slug} is in {language} already", slug=twice[0], language=issue.language)
        yield BAD.at(place, message, help=say("write another language, or keep one of the two"))
    elif original := (reading := read_issue(context.config, of)).partial:
        whole = reading.issue is not None
        yield from _compare(context, Context(context.config, original, whole=whole, translations=known))


def _compare(context: Context, original: Context) -> Iterator[Diagnostic]:
    items, theirs, of = context.issue.items, original.issue.items, original.issue.slug
    if bool(context.issue.cover) != bool(original.issue.cover):
        at = context.issue.places.of("cover" if context.issue.cover else "translation_of")
        fault = say("only one of the two has a cover, this issue or {slug}", slug=of)
        yield PICTURES.at(at, fault, help=say("give both the cover"))
    if len(items) != len(theirs):
        if not (context.whole and original.whole):  # an item that cannot be read still counts
            return
        message = say("items: {here} here, {there} in {slug}", here=len(items), there=len(theirs), slug=of)
        advice = say("translate the others, or take them out of both")
        yield ITEMS.at(context.issue.places.of("translation_of"), message, help=advice)
        return
    for index, (mine, other) in enumerate(zip(items, theirs, strict=True)):
        at = mine.places.of("headline") if mine.headline else mine.body.place(0)
        if _untranslated(_prose(context, index), _prose(original, index), context.issue, original.issue):
            yield UNTRANSLATED.at(at, say("the item is in the language of {slug}", slug=of), help=say("translate it"))
            continue
        said, theirs_said = _said(mine, context, index), _said(other, original, index)
        yield from _numbers(context, index, at, said, theirs_said, original.issue)
        yield from _links(at, _addresses(context, index), _addresses(original, index), of)
        if (here := _pictures(context, index)) != (there := _pictures(original, index)):
            message = say("pictures: {here} here, {there} in {slug}", here=here, there=there, slug=of)
            yield PICTURES.at(at, message, help=say("give both the same pictures"))


def _numbers(context: Context, index: int, at: Place, mine: str, theirs: str, original: Issue) -> Iterator[Diagnostic]:
    """Numbers in digits that the other side lacks, even in words; different dates; different currencies."""
    languages = context.issue.language, original.language
    here, there = _missing(mine, theirs, *languages), _missing(theirs, mine, *reversed(languages))
    if not (any(map(_is_year, here)) and any(map(_is_year, there))):
        here, there = ([one for one in side if not _is_year(one)] for side in (here, there))
    own, others = ([one.text.strip() for one in side] for side in (here, there))
    one, other = Summed(mine), Summed(theirs)
    dates, their_dates = _other_dates(one, other), _other_dates(other, one)
    if dates and their_dates:
        own, others = own + dates, others + their_dates
    own += [found.words for found in other_currencies(mine, other)]
    others += [found.words for found in other_currencies(theirs, one)]
    if own or others:
        own, others = list(dict.fromkeys(own)), list(dict.fromkeys(others))
        place = _place_of(context, index, own[0]) if own else None
        advice = say("compare the two, and mend the wrong one")
        yield NUMBERS.at(place or at, _differ(own, others, original.slug), help=advice)


def _differ(mine: list[str], theirs: list[str], slug: str) -> Sentence:
    here, there = listed(mine), listed(theirs)
    if mine and theirs:
        return say("{here} here, {there} in {slug}", here=here, there=there, slug=slug)
    if mine:
        return say("{text} is not in this item of {slug}", text=here, slug=slug)
    return say("{text} of {slug} is not in this item", text=there, slug=slug)


def _place_of(context: Context, index: int, words: str) -> Place | None:
    for text in context.texts:
        for run, place in text.plain() if text.item == index else ():
            if (start := run.find(words)) >= 0:
                return place(start, start + len(words))
    return None


def _missing(mine: str, theirs: str, own: str, other: str) -> list[Number]:
    lacking = Said([theirs], other, own).lacking(mine)
    return [one for one in lacking if not (one.text.strip().isdecimal() and max(one.values) <= _SMALL)]


def _other_dates(one: Summed, other: Summed) -> list[str]:
    return [words for date, words in one.dates.items() if date not in other.dates and date[1] not in other.days]


def _is_year(number: Number) -> bool:
    return any(value in _YEARS for value in number.values) and number.text.strip().isdecimal()


def _links(at: Place, mine: dict[str, Place], theirs: dict[str, Place], slug: str) -> Iterator[Diagnostic]:
    own, others = sorted(mine.keys() - theirs.keys()), sorted(theirs.keys() - mine.keys())
    if own or others:
        place = mine[own[0]] if own else at
        yield LINKS.at(place, _differ(own[:1], others[:1], slug), help=say("give both the same links"))


def _addresses(context: Context, index: int) -> dict[str, Place]:
    """The URLs of an item without scheme, fragment and language."""
    found = [*sources(context.issue.items[index])]
    found += [link for text in context.texts if text.item == index for link in text.parts.links]
    return {address: link.place for link in reversed(found) if (address := _address(link.url))}


def _address(url: str) -> str:
    try:
        parts = urlsplit(urldefrag(url).url)
    except ValueError:  # an invalid URL has its own finding
        return ""
    if parts.scheme not in {"http", "https"}:
        return ""
    host = [name for name in parts.netloc.lower().split(".") if name != "www"]
    if len(host) > 2 and _names_language(host[0]):
        host = host[1:]
    path = [name for name in parts.path.split("/") if name and not _names_language(name)]
    query = [pair for pair in parts.query.split("&") if pair and pair.split("=")[0] not in {"hl", "lang", "locale"}]
    if "wikipedia" in host:  # articles have other titles in other languages
        return "wikipedia"
    return "/".join((".".join(host), *path)) + ("?" + "&".join(query) if query else "")


def _names_language(name: str) -> bool:
    found = re.fullmatch(r"([a-z]{2})([-_]([a-z]{2}|han[st]))?", name.lower())
    return found is not None and is_language(found[1])


def _pictures(context: Context, index: int) -> int:
    own = [text for text in context.texts if text.item == index]
    return bool(context.issue.items[index].image) + sum(len(text.parts.pictures) for text in own)


def _prose(context: Context, index: int) -> str:
    return " ".join(run for text in context.texts if text.item == index for run, _ in text.plain())


def _said(item: Item, context: Context, index: int) -> str:
    bodies = [text.words for text in context.texts if text.item == index and text.role == "body"]
    return "\n".join((item.headline, *bodies))


def _untranslated(mine: str, theirs: str, issue: Issue, original: Issue) -> bool:
    """Whether the item equals the original's, or is written in the script of the original's language."""
    letters = re.sub(r"[\W\d_]+", "", mine)
    if len(letters) < _LETTERS:
        return False
    if letters == re.sub(r"[\W\d_]+", "", theirs):
        return True
    wanted, other = (_script(one.language) for one in (issue, original))
    if wanted == other or not (wanted and other):
        return False
    counts = {name: sum(len(found) for found in pattern.findall(mine)) for name, pattern in _SCRIPTS.items()}
    if wanted == "Kana":  # Japanese uses Han as well
        return not counts["Kana"] and counts[other] > _LETTERS
    if other == "Kana":
        return counts["Kana"] > _LETTERS and counts["Kana"] > counts[wanted]
    return counts[other] > _LETTERS and counts[other] > 4 * counts[wanted]


def _script(language: str) -> str:
    script = subtags(language).script
    return _OWN.get(script, script if script in _SCRIPTS else "")
