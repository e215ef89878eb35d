"""The mail that asks to confirm, in the issues' theme, through the issues' composer and transport."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import css_inline
from markupsafe import Markup
from mjml import mjml2html

from publisher.audience import store
from publisher.audience.tokens import CONFIRM_WITHIN, Tokens
from publisher.config import Config
from publisher.database import Database
from publisher.delivery.letter import Letter
from publisher.delivery.message import Composed, Envelope, compose
from publisher.delivery.outcomes import Outcome, Verdict
from publisher.delivery.transports import open_transport
from publisher.edition.model import Slot
from publisher.edition.slots import Slots
from publisher.edition.theme import Theme
from publisher.errors import TransportError
from publisher.web.readers import Question
from publisher.web.words import ServiceWords

BATCH = 50
"""Confirmation mails between two commits of :func:`ask_pending`."""

FOLDER = "confirm"
"""The slug of these letters: where the folder transport puts them."""

# A letter has slots for the links of an issue. The one link that this letter is about stands in the slot for
# preferences: to confirm is the first preference a reader states.
_LINK = Slot.PREFERENCES_URL
_BETWEEN = re.compile(r">\s+<(?=/?mj)")


class Postman:
    """Sends confirmation mails, one at a time; safe to call from several threads."""

    def __init__(self, config: Config, tokens: Tokens) -> None:
        self._config = config
        self._tokens = tokens
        self._theme = Theme.of(config)
        self._lock = threading.Lock()
        self._composed = lru_cache(maxsize=32)(self._compose)

    def send(self, questions: Sequence[Question]) -> list[Outcome]:
        """Send the mails; the outcomes in the same order. Raises TransportError where none can be sent."""
        outcomes: dict[int, Outcome] = {}
        with self._lock:
            for key in dict.fromkeys(self._letter_of(question) for question in questions):
                mine = [index for index, question in enumerate(questions) if self._letter_of(question) == key]
                outcomes.update(zip(mine, self._submit(key, [questions[i] for i in mine]), strict=True))
        return [outcomes[index] for index in range(len(questions))]

    def _submit(self, key: tuple[str, bool], questions: Sequence[Question]) -> list[Outcome]:
        transport = open_transport(self._config, single=True)
        try:
            quota = transport.open(self._composed(*key))
            rates = [rate for rate in (quota.rate, self._config.delivery.max_send_rate) if rate]
            outcomes: list[Outcome] = []
            for start in range(0, len(questions), transport.most):
                if start and rates:
                    time.sleep(transport.most / min(rates))
                outcomes += transport.submit([self._envelope(q) for q in questions[start : start + transport.most]])
            return outcomes
        finally:
            transport.close()

    def _letter_of(self, question: Question) -> tuple[str, bool]:
        return question.subscriber.language or self._config.newsletter.language, question.already

    def _envelope(self, question: Question) -> Envelope:
        subscriber = question.subscriber
        link = (
            self._tokens.preferences_url(subscriber.reference)
            if question.already
            else self._tokens.confirm_url(subscriber.reference)
        )
        asked = subscriber.asked_at.timestamp() if subscriber.asked_at else 0
        return Envelope(
            f"confirm-{subscriber.reference}{int(asked) or ''}",
            subscriber.address_key,
            self._tokens.unsubscribe_url(subscriber.reference),
            values={_LINK: link},
        )

    def _compose(self, language: str, already: bool) -> Composed:
        return compose(self._config, self._letter(language, already))

    def _letter(self, language: str, already: bool) -> Letter:
        say, newsletter = ServiceWords(language, self._config), self._config.newsletter
        kind, days = "again" if already else "mail", CONFIRM_WITHIN.days
        slots = Slots(f"{kind}\n{language}\n{newsletter.name}\n{newsletter.postal_address}")
        words = say.words
        context: dict[str, Any] = {
            "say": say,
            "words": words,
            "kind": kind,
            "days": days,
            "link": slots.marker(_LINK),
            "newsletter": newsletter,
            "fonts": {
                "body": Markup(words.body_font),  # noqa: S704
                "display": Markup(words.display_font),  # noqa: S704
                "outlook": Markup(words.outlook_font),  # noqa: S704
                "line_height": words.line_height,
            },
        }
        mjml = _BETWEEN.sub("><", self._theme.render("service/mail.mjml.j2", **context).strip())
        try:
            html = mjml2html(mjml.encode("ascii", "xmlcharrefreplace").decode(), fonts={})
        except ValueError as error:
            raise TransportError(
                f"templates/service/mail.mjml.j2 is not MJML: {error}", help="correct the template"
            ) from error
        css = self._theme.render("email/inline.css.j2", **context)
        inliner = css_inline.CSSInliner(
            inline_style_tags=False, keep_style_tags=True, load_remote_stylesheets=False, extra_css=css
        )
        finished = inliner.inline(html)
        subject = say(f"{kind}_subject")
        lines = [subject, say(f"{kind}_lead"), slots.marker(_LINK), say(f"{kind}_ignore", days=days)]
        sender = [newsletter.name] + ([newsletter.postal_address] if newsletter.postal_address else [])
        text = "\n\n".join(lines) + "\n\n-- \n" + "\n".join(sender) + "\n"
        digest = hashlib.sha256(f"{subject}\n{finished}\n{text}".encode()).hexdigest()
        return Letter(
            FOLDER, subject, subject, language, f"sha256:{digest}", None, slots.cut(finished), slots.cut(str(text))
        )


def ask_pending(database: Database, postman: Postman, progress: Callable[[int], None] = lambda _: None) -> Asked:
    """Mail a confirmation to every pending subscriber who was never asked, as after ``import --pending``.

    Each is marked as asked in a commit of its own before the mail goes: run again, it carries on and asks nobody twice.
    Raises TransportError.
    """
    mailed = 0
    while True:
        with database.begin() as connection:
            batch = store.unasked(connection, BATCH)
            for subscriber in batch:
                store.asked(connection, subscriber.id, store.now())
        if not batch:
            return Asked(mailed, 0)
        outcomes: Sequence[Outcome | None] = [None] * len(batch)
        try:
            outcomes = postman.send([Question(subscriber, already=False) for subscriber in batch])
        finally:
            unsent = [s for s, outcome in zip(batch, outcomes, strict=True) if outcome is None or not was_sent(outcome)]
            with database.begin() as connection:
                for subscriber in unsent:
                    store.asked(connection, subscriber.id, None)
        mailed += len(batch) - len(unsent)
        progress(mailed)
        if unsent:
            return Asked(mailed, len(unsent))


@dataclass(frozen=True, slots=True)
class Asked:
    """Confirmation mails that went, and those of the last batch that did not."""

    mailed: int
    unsent: int


def was_sent(outcome: Outcome) -> bool:
    """Whether the mail left, or may have left: then it is not sent again."""
    return outcome.verdict in {Verdict.SUBMITTED, Verdict.UNCERTAIN, Verdict.REJECTED}
