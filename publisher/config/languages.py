"""A language that publisher has no words in: readers would meet another."""

from __future__ import annotations

from publisher.config.model import Config
from publisher.diagnostics import Sentence, Severity, define, say
from publisher.language import Locale, covers, nearest, spoken
from publisher.language.locale import CATEGORIES, labels

UNKNOWN = define("language-unknown", Severity.WARNING)


def unspoken(language: str, config: Config) -> tuple[Sentence, Sentence] | None:
    """What to say and advise where readers of a language would meet another; ``labels`` may hold every word instead."""
    name = nearest(language)
    if name and covers(name, language):
        return None
    own = dict(Locale.of(language, config.labels).labels)
    if own and own.keys() >= {word for word in labels() if not word.endswith(CATEGORIES)}:
        return None
    known, other = (names.replace("_", "-") for names in (", ".join(spoken()), name or "en"))
    told = say("there are no words in {language}: readers would see those of {other}", language=language, other=other)
    return told, say("the languages are {known}; labels in config.yaml can hold another's words", known=known)
