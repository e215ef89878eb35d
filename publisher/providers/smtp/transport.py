"""SMTP transport: one connection, reused. RFC 5321 defines which answers prove that a message was not accepted.

Before the final line with the dot is sent, the relay has no message (section 4.1.1.4). After that only its answer
counts: without an answer the message is uncertain.
"""

from __future__ import annotations

import contextlib
import os
import re
import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from publisher.config.model import SmtpConfig as Settings
from publisher.config.values import LOOPBACK
from publisher.diagnostics import say
from publisher.diagnostics.sentences import SYSTEM
from publisher.errors import TransportError
from publisher.mail.headers import addr_spec
from publisher.mail.message import Composed, Envelope
from publisher.providers.outcomes import Outcome, Verdict, in_words, submitted
from publisher.providers.provider import Quota, Transport

_THROTTLED = re.compile(rb"throttl|rate exceeded|too (many|fast)|rate limit", re.IGNORECASE)
_DAILY = re.compile(rb"daily (message|sending) quota|daily.{0,20}limit", re.IGNORECASE)
_SES_ID = re.compile(rb"\b(0[0-9a-f]{15}-[0-9a-f-]{36}-\d{6})\b")


MOST = 10


class SmtpTransport(Transport):
    """Transport through one relay, one message at a time; a batch takes about a second, so that a stop is quick."""

    name = "smtp"
    relays = True
    most = 1  # until the relay's speed is known
    parallel = 1
    _composed: Composed

    def __init__(self, settings: Settings) -> None:
        self.account = f"smtp:{settings.host}:{settings.port}"
        self._settings = settings
        self._smtp: smtplib.SMTP | None = None
        self._speaking = threading.Lock()

    def open(self, composed: Composed) -> Quota:
        """Connect and log in, so that a wrong setting fails before any claim. Raises TransportError."""
        self._composed = composed
        try:
            self._connect()
        except smtplib.SMTPAuthenticationError as error:
            message = say("the relay {where} refuses the login", where=self._where)
            advice = say("check PUBLISHER_SMTP_USERNAME and PUBLISHER_SMTP_PASSWORD")
            raise TransportError(message, help=advice) from error
        except ssl.SSLError as error:
            reason = error.reason or say("the handshake fails")
            message = say("no TLS with the relay {where}: {reason}", where=self._where, reason=reason)
            advice = say("check delivery.smtp.security (none, starttls, tls) and the relay's certificate")
            raise TransportError(message, help=advice) from error
        except (smtplib.SMTPException, OSError) as error:
            advice = say("check delivery.smtp in config.yaml, and that the relay is running")
            message = say("the relay {where} cannot be used: {reason}", where=self._where, reason=_brief(error))
            raise TransportError(message, help=advice) from error
        return Quota()

    def submit(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """See :class:`~publisher.providers.provider.Transport`."""
        with self._speaking:
            began = time.monotonic()
            outcomes = [self._submit(envelope) for envelope in envelopes]
            taken = max(time.monotonic() - began, 1e-3)
            self.most = max(1, min(MOST, int(len(envelopes) / taken)))
            return outcomes

    def close(self) -> None:
        """End the session (RFC 5321, 4.1.1.10), unless a thread is still in the middle of a message."""
        if not self._speaking.acquire(blocking=False):
            return
        if self._smtp is not None:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self._smtp.quit()
        self._drop()
        self._speaking.release()

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _connect(self) -> smtplib.SMTP:
        s = self._settings
        username = os.environ.get("PUBLISHER_SMTP_USERNAME") or s.username
        password = os.environ.get("PUBLISHER_SMTP_PASSWORD", "")
        if username and s.security == "none" and s.host not in LOOPBACK:
            message = say("the password would go to {where} in the clear", where=self._where)
            raise TransportError(message, help=say("set delivery.smtp.security to starttls or tls"))
        name = socket.gethostname()
        smtp: smtplib.SMTP
        # RFC 5321, section 4.5.3.2, sets a timeout per step; the longest is after the final dot, because a client
        # that disconnects before the answer does not know whether the message was accepted.
        if s.security == "tls":
            context = ssl.create_default_context()
            smtp = smtplib.SMTP_SSL(s.host, s.port, name, timeout=s.timeout, context=context)
        else:
            smtp = smtplib.SMTP(s.host, s.port, name, timeout=s.timeout)
        try:
            # The final dot is written separately from the message: without TCP_NODELAY it would wait for the relay's
            # delayed acknowledgement (RFC 896, RFC 1122 section 4.2.3.2), 40 ms per message on Linux.
            assert smtp.sock, "it connects as it is made"
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if s.security == "starttls":
                smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo_or_helo_if_needed()
            if username:
                try:
                    smtp.login(username, password)
                except smtplib.SMTPServerDisconnected as error:  # the relay disconnects after too many refusals
                    raise smtplib.SMTPAuthenticationError(535, "disconnected") from error
            _wait_up_to(smtp, s.reply_timeout)
        except BaseException:
            smtp.close()
            raise
        self._smtp = smtp
        return smtp

    def _submit(self, envelope: Envelope) -> Outcome:
        try:
            message = self._composed.message(envelope, datetime.now(UTC))
            to = addr_spec(envelope.address)
        except TransportError:
            return Outcome(Verdict.REJECTED, "unusable-address")
        for fresh in (self._smtp is None, True):
            try:
                smtp = self._smtp or self._connect()
            except smtplib.SMTPAuthenticationError:
                return Outcome(Verdict.STOP, "smtp-login")
            except (TransportError, smtplib.SMTPException, OSError):
                return Outcome(Verdict.UNREACHED, "smtp-unreachable")
            try:
                self._envelope(smtp, to)
            except _Answer as answer:
                return self._refused(answer)
            except (smtplib.SMTPException, OSError) as error:
                # The relay may have closed an idle connection. Nothing of this message was sent: reconnect once.
                self._drop()
                if fresh:
                    return Outcome(Verdict.RETRY, f"smtp-{type(error).__name__}")
                continue
            return self._data(smtp, message)
        return Outcome(Verdict.UNREACHED, "smtp-unreachable")

    def _envelope(self, smtp: smtplib.SMTP, to: str) -> None:
        code, text = smtp.mail(self._composed.sender_address)
        if code != 250:
            raise _Answer(code, text, "sender")
        code, text = smtp.rcpt(to)
        if code not in {250, 251}:
            raise _Answer(code, text, "recipient")
        code, text = smtp.docmd("DATA")
        if code != 354:
            raise _Answer(code, text, "data")

    def _data(self, smtp: smtplib.SMTP, message: bytes) -> Outcome:
        if b"\r\n." in message:
            message = message.replace(b"\r\n.", b"\r\n..")
        _wait_up_to(smtp, self._settings.data_timeout)
        try:
            smtp.send(message if message.endswith(b"\r\n") else message + b"\r\n")
        except (smtplib.SMTPException, OSError):
            self._drop()
            return Outcome(Verdict.RETRY, "smtp-dropped-before-end")
        try:
            smtp.send(b".\r\n")
            _wait_up_to(smtp, self._settings.final_timeout)
            code, text = smtp.getreply()
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return Outcome(Verdict.UNCERTAIN, f"smtp-no-answer-{type(error).__name__}")
        _wait_up_to(smtp, self._settings.reply_timeout)
        if 200 <= code < 300:
            found = _SES_ID.search(text)
            return submitted(found[1].decode() if found else None)
        return self._refused(_Answer(code, text, "message"))

    def _refused(self, answer: _Answer) -> Outcome:
        """Return the outcome: 4xx temporary, 5xx permanent (RFC 5321, 4.2.1). The connection is reset and kept."""
        if self._smtp is not None and answer.code != 421:
            with contextlib.suppress(smtplib.SMTPException, OSError):
                self._smtp.rset()
        else:
            self._drop()
        code = f"smtp-{answer.code}"
        if _DAILY.search(answer.text):
            return Outcome(Verdict.LATER, code)
        said = in_words(code, answer.text.decode("utf-8", "replace"))
        if 400 <= answer.code < 500:
            return Outcome(Verdict.THROTTLED if _THROTTLED.search(answer.text) else Verdict.RETRY, said)
        if answer.code in {530, 535}:
            return Outcome(Verdict.STOP, "smtp-login")
        if 500 <= answer.code < 600:
            if answer.to == "sender":
                return Outcome(Verdict.STOP, said)
            # Policy (5.7.x) and content refusals may concern all recipients; another acceptance disproves that.
            alike = answer.to != "recipient" or answer.text.lstrip().startswith(b"5.7.")
            return Outcome(Verdict.REFUSED if alike else Verdict.REJECTED, said)
        self._drop()
        # An answer unknown to RFC 5321. Before the data nothing was accepted; after it, the outcome is unknown.
        return Outcome(Verdict.UNCERTAIN if answer.to == "message" else Verdict.RETRY, code)

    def _drop(self) -> None:
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None


def _wait_up_to(smtp: smtplib.SMTP, seconds: float) -> None:
    if smtp.sock is not None:
        smtp.sock.settimeout(seconds)


class _Answer(Exception):  # noqa: N818
    """Negative answer of a relay to command ``to``. The text may contain an address and is shown only without it."""

    def __init__(self, code: int, text: bytes, to: str) -> None:
        super().__init__(code)
        self.code, self.text, self.to = code, text, to


def _brief(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return say("it answers {code}", code=error.smtp_code)
    if isinstance(error, OSError) and error.strerror:
        return SYSTEM.get(error.strerror.lower(), error.strerror.lower())
    return type(error).__name__
