"""Languages of readers and editors: words, plural forms, dates, fonts and direction, with one folder of data each.

The lowest room: it imports no other. ``locales/<language>/`` holds ``locale.yaml`` (typographic settings) and gettext
catalogs: ``publisher``, with one context per surface, and ``findings`` if findings are translated.
"""

from publisher.language.locale import LABELS, Locale, Words, nearest, spoken
from publisher.language.tags import canonical, covers, first_spoken

__all__ = ["LABELS", "Locale", "Words", "canonical", "covers", "first_spoken", "nearest", "spoken"]
