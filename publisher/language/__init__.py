"""The languages of readers and editors: words, plural forms, dates, fonts and direction, a folder of data a language.

The lowest room: it knows no other. ``locales/<language>/`` holds ``locale.yaml`` (how the language is set) and catalogs
of gettext: ``publisher``, a context a surface, and ``findings`` where findings are translated.
"""

from publisher.language.locale import LABELS, Locale, Words, nearest, spoken
from publisher.language.tags import canonical, covers, first_spoken

__all__ = ["LABELS", "Locale", "Words", "canonical", "covers", "first_spoken", "nearest", "spoken"]
