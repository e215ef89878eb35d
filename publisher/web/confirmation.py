"""Mail that asks for confirmation, or whether the person still reads, with the issues' theme and transport."""

import hashlib
import logging
import threading
import time
from collections.abc import Callable
from functools import lru_cache

from publisher.audience import store
from publisher.audience.tokens import CONFIRM_WITHIN, Purpose, Tokens
from publisher.config import Config
from publisher.database import Database
from publisher.delivery.pace import Pace, batch_size, blocked, ceiling, pause
from publisher.delivery.send import pace_of
from publisher.diagnostics import say
from publisher.edition.email import HtmlPlaceholders, looks, mail_html
from publisher.edition.model import Slot, Slotted, ThemeError
from publisher.edition.slots import Slots
from publisher.edition.theme import Theme
from publisher.errors import PublisherError, TransportError
from publisher.language import Locale, Words
from publisher.mail.message import Composed, Envelope, MailContent, compose
from publisher.providers import Transport, open_transport
from publisher.providers.outcomes import Outcome, Verdict
from publisher.web import outbox
from publisher.web.outbox import ConfirmationRequest, Wording

LOOK_AGAIN = 20.0  # seconds between checks of the outbox, which other processes fill too
SHORT = 5.0  # longest wait in seconds inside a delivery: a throttle, or a retry that is nearly due
QUOTA_EVERY = 3600.0
HELD = 300.0  # seconds without a try after the provider refused everything (daily quota, account)
GRACE = 8.0

log = logging.getLogger("publisher.web")

FOLDER = "confirm"  # slug of these messages; names their folder in the folder transport

# A message has the slots of an issue's links. The single link of this one fills the preferences slot, whichever
# question it answers.
_LINK = Slot.PREFERENCES_URL
_PURPOSES = {Wording.CONFIRM: Purpose.CONFIRM, Wording.AGAIN: Purpose.PREFERENCES, Wording.ASK: Purpose.KEEP}


class ConfirmationMailer:
    """Sends the mail in the outbox, at the pace that mailings share: in its own thread, or once on demand."""

    def __init__(
        self,
        config: Config,
        tokens: Tokens,
        database: Database,
        told: Callable[[str], None] = lambda _: None,
        transport: Transport | None = None,
    ) -> None:
        """``told`` is called with each verdict; ``transport`` replaces the configured provider's."""
        self._transport = transport
        self._config, self._tokens, self._database, self._told = config, tokens, database, told
        self._theme = Theme.of(config)
        self._composed = lru_cache(maxsize=32)(self._compose)
        self._open: tuple[Transport, Pace] | None = None
        self._asked_at = 0.0  # monotonic time of the last quota request
        self._failed = 0  # consecutive failures of provider or database
        self._hold_until = 0.0
        self._bell, self._stop = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread that sends. A relay that hangs blocks this thread only, and no page."""
        self._thread = threading.Thread(target=self._attend, name="post", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Wake the thread: the outbox has new mail."""
        self._bell.set()

    def stop(self) -> None:
        """Finish the current batch; mail that is claimed and not finished within :data:`GRACE` becomes uncertain."""
        self._stop.set()
        self._bell.set()
        if self._thread is not None:
            self._thread.join(timeout=GRACE)
        self._close()

    def _close(self) -> None:
        if self._open is not None:
            self._open[0].close()
            self._open = None

    def _attend(self) -> None:
        while not self._stop.is_set():
            self._bell.clear()
            try:
                wait = self.deliver()
            except PublisherError as error:
                log.error("confirmation mail waits: %s (%s)", error.message, error.help)
                wait = self._hold()
            except Exception as error:  # a defect; its text may hold an address
                log.error("confirmation mail waits: %s", type(error).__name__)
                wait = self._hold()
            self._bell.wait(min(wait, LOOK_AGAIN))

    def deliver(self, seconds: float = float("inf")) -> float:
        """Send due mail for ``seconds`` at most; return the seconds to wait. Raises TransportError, DatabaseError."""
        began = time.monotonic()
        while not self._stop.is_set() and time.monotonic() - began < seconds:
            with self._database.connect() as connection:
                due = outbox.next_due(connection)
            if due is None:
                return LOOK_AGAIN
            wait = max(self._hold_until - time.monotonic(), (due - store.now()).total_seconds())
            if wait > SHORT:
                return wait
            if wait > 0:
                self._stop.wait(wait)
            else:
                self._deliver_some()
        return 0.0

    def _deliver_some(self) -> None:
        """Take pace tokens, claim a batch, submit it, record outcomes; each step is committed before the next."""
        transport, pace = self._ready()
        batch = batch_size(pace.rate, transport.most)
        if self._stop.wait(pace.take(batch)):
            pace.give_back(batch)
            return
        with self._database.begin() as connection:
            questions = outbox.claim(connection, batch, store.now())
        pace.give_back(batch - len(questions))
        if not questions:
            return
        outcomes = transport.submit([self._envelope(question) for question in questions])
        with self._database.begin() as connection:
            for question, outcome in zip(questions, outcomes, strict=True):
                outbox.record(connection, question, outcome, store.now())
        for outcome in outcomes:
            self._told(outcome.verdict.value)
            self._heed(outcome, pace)

    def _ready(self) -> tuple[Transport, Pace]:
        """Return the open transport and its pace. The quota is requested once an hour, not for each message."""
        held = self._open
        if held is None or time.monotonic() - self._asked_at > QUOTA_EVERY:
            cap = self._config.delivery.max_send_rate
            if held is None:
                transport = self._transport or open_transport(self._config, single=True)
                letter = self._composed(self._config.newsletter.language, Wording.CONFIRM)
                quota = transport.open(letter)
                self._open = held = transport, pace_of(self._database, transport, ceiling(quota, cap))
            else:
                quota = held[0].quota()
                held[1].limit(ceiling(quota, cap))
            if stopped := blocked(quota):
                self._close()
                advice = say("see the provider's console")
                raise TransportError(say("the account may not send ({reason})", reason=stopped[1]), help=advice)
            self._asked_at = time.monotonic()
        return held

    def _heed(self, outcome: Outcome, pace: Pace) -> None:
        """Slow down or pause if an outcome does not concern one recipient only."""
        match outcome.verdict:
            case Verdict.SUBMITTED:
                self._failed = 0
            case Verdict.THROTTLED:
                pace.throttled()
                self._hold()
            case Verdict.REFUSED | Verdict.UNREACHED:
                self._hold()  # may concern one recipient or all: the next outcome shows
            case Verdict.LATER | Verdict.PAUSED | Verdict.STOP:
                self._hold_until = time.monotonic() + HELD
                log.error("confirmation mail waits: %s (%s)", outcome.verdict.value, outcome.code)

    def _hold(self) -> float:
        self._failed += 1
        wait = pause(self._failed)
        self._hold_until = time.monotonic() + wait
        return wait

    def _envelope(self, question: ConfirmationRequest) -> Envelope:
        subscriber = question.subscriber
        purpose = _PURPOSES[question.wording]
        return Envelope(
            f"confirm-{subscriber.reference}{int(question.asked_at.timestamp())}",
            subscriber.address_key,
            self._tokens.url(Purpose.UNSUBSCRIBE, subscriber.reference),
            attempt=question.attempt,
            values={_LINK: self._tokens.url(purpose, subscriber.reference)},
            composed=self._composed(subscriber.language or self._config.newsletter.language, question.wording),
        )

    def _compose(self, language: str, kind: Wording) -> Composed:
        newsletter = self._config.newsletter
        say = Words("service", Locale.of(language, self._config.labels), newsletter=newsletter.name)
        days = CONFIRM_WITHIN.days
        slots = Slots(f"{kind}\n{language}\n{newsletter.name}\n{newsletter.postal_address}")
        link = slots.names[_LINK]
        look = looks(say.words, self._config)
        names = {**look, "say": say, "kind": kind, "days": days, "link": link, "uses": look["uses"] | {"button"}}

        def made(theme: Theme) -> str:
            return mail_html(theme, "service/mail.mjml.j2", names, HtmlPlaceholders(slots.mark + "html"))

        try:
            finished = made(self._theme)
            fault = "" if link in finished else "service/mail.mjml.j2 does not show the link"
        except ThemeError as error:
            fault = str(error)
        if fault:
            log.error("%s; readers get the built-in mail", fault)
            finished = made(self._theme.shipped)
        subject = say(f"{kind}_subject")
        lines = [subject, say(f"{kind}_lead"), link, say(f"{kind}_ignore", days=days)]
        sender = [newsletter.name] + ([newsletter.postal_address] if newsletter.postal_address else [])
        text = "\n\n".join(lines) + "\n\n-- \n" + "\n".join(sender) + "\n"
        digest = "sha256:" + hashlib.sha256(f"{subject}\n{finished}\n{text}".encode()).hexdigest()
        bodies = slots.cut(finished), slots.cut(text)
        return compose(self._config, MailContent(FOLDER, subject, Slotted((subject,)), language, digest, None, *bodies))


def post(config: Config, database: Database, seconds: float, transport: Transport | None = None) -> None:
    """Send due mail of the outbox for ``seconds`` at most. Raises PublisherError; unsent mail stays in the outbox.

    ``transport`` replaces the configured provider's.
    """
    with database.connect() as connection:
        due = outbox.next_due(connection)
    if due is None or due > store.now():
        return
    postman = ConfirmationMailer(config, Tokens.open(config), database, transport=transport)
    try:
        postman.deliver(seconds)
    finally:
        postman.stop()
