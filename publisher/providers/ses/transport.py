"""Amazon SES: ``SendBulkEmail`` with fifty recipients per call, and ``SendEmail`` with one whole message.

In bulk, SES builds the message and sets From, To, Subject, Date and Message-ID; we supply the bodies, the list headers,
each recipient's unsubscribe link, and opaque tags that link events to ledger rows. Single messages are for cases that
bulk does not cover, and for tests. boto3 must never retry: in every trial, a retry sent a second copy.
"""

import contextlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import boto3
import botocore.exceptions as aws
from botocore.config import Config as ClientConfig

from publisher import __version__
from publisher.config.model import SesTransport
from publisher.diagnostics import say
from publisher.errors import TransportError
from publisher.mail.headers import addr_spec, clean, on_one_line
from publisher.mail.message import Composed, Envelope
from publisher.providers.outcomes import Outcome, Verdict, in_words, submitted
from publisher.providers.provider import Quota, Transport
from publisher.providers.ses import TABLE
from publisher.providers.ses.template import Template, template_of, to_json

MOST = 50  # destinations per call (SendBulkEmail)
CONNECT_SECONDS = 10
READ_SECONDS = 30
MOST_HEADERS = 15  # SES: custom headers per message
LONGEST_HEADER = 995  # SES: characters per header, name and value


class SesApiTransport(Transport):
    """Base class of the SES transports. ``_common`` has the request parameters that are equal for a whole mailing."""

    name = "ses"
    parallel = 16
    _composed: Composed

    def __init__(self, config: SesTransport) -> None:
        self.account = f"ses:{config.region or ''}"
        self._config = config
        self._client: Any = None
        self._common: dict[str, Any] = {}
        self._sandbox = False

    def open(self, composed: Composed) -> Quota:
        """See :class:`~publisher.providers.provider.Transport`."""
        self._composed = composed
        self._client = self._make_client()
        self._common = {"FromEmailAddress": composed.sender.replace("\r\n ", " ")}
        if self._config.configuration_set:
            self._common["ConfigurationSetName"] = self._config.configuration_set
        return self.quota()

    def quota(self) -> Quota:
        """Return the account's current limits. Raises TransportError."""
        try:
            answer = self._client.get_account()
        except (aws.BotoCoreError, aws.ClientError) as error:
            raise unusable(error, self._config) from error
        quota = answer.get("SendQuota", {})
        # -1 means no limit
        rate = float(quota.get("MaxSendRate", -1))
        daily, sent = float(quota.get("Max24HourSend", -1)), float(quota.get("SentLast24Hours", 0))
        shutdown = answer.get("EnforcementStatus") == "SHUTDOWN"
        self._sandbox = answer.get("ProductionAccessEnabled") is False
        return Quota(
            rate if rate > 0 else None,
            int(max(0.0, daily - sent)) if daily >= 0 else None,
            say("the SES account is in the sandbox: only verified addresses get mail") if self._sandbox else "",
            paused=answer.get("SendingEnabled") is False and not shutdown,
            shutdown=shutdown,
            sandbox=self._sandbox,
        )

    def close(self) -> None:
        """See :class:`~publisher.providers.provider.Transport`."""
        if self._client is not None:
            with contextlib.suppress(Exception):
                self._client.close()

    def _make_client(self) -> Any:
        """Return a thread-safe client. ``AWS_ENDPOINT_URL_SESV2`` and the usual credential chain are supported.

        Raises TransportError if no region is known or the region is invalid.
        """
        settings = ClientConfig(
            retries={"total_max_attempts": 1, "mode": "standard"}, connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS, max_pool_connections=self.parallel + 1,
            parameter_validation=False,  # our own calls, checked in the tests; validation takes a third of the CPU time
            tcp_keepalive=True,
            user_agent=f"publisher/{__version__}",  # otherwise botocore builds its own twice per call
        )  # fmt: skip
        try:
            client = boto3.Session().client("sesv2", region_name=self._config.region, config=settings)
        except aws.BotoCoreError as error:
            raise unusable(error, self._config) from error
        client.meta.events.register("provide-client-params.sesv2.SendBulkEmail", _write)
        client.meta.events.register("before-call.sesv2.SendBulkEmail", _exchange)
        return client

    def _call(self, method: str, count: int, **request: Any) -> list[Outcome]:
        """Make one call and return the outcomes of its ``count`` recipients."""
        try:
            answer = getattr(self._client, method)(**self._common, **request)
        except (aws.BotoCoreError, aws.ClientError, aws.HTTPClientError, ValueError, KeyError) as error:
            # ValueError, KeyError: botocore cannot parse a truncated or foreign 200
            outcomes = [of_exception(error)] * count
        else:
            outcomes = of_bulk_answer(answer, count) if method == "send_bulk_email" else [of_single_answer(answer)]
        if self._sandbox:  # in the sandbox, recipient addresses must be verified too
            sandbox = Outcome(Verdict.STOP, "sandbox")
            outcomes = [sandbox if outcome.code == "identity-not-verified" else outcome for outcome in outcomes]
        return outcomes


class SesRawTransport(SesApiTransport):
    """Transport with one call per recipient."""

    most = 1

    def submit(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """See :class:`~publisher.providers.provider.Transport`."""
        return [self._submit(envelope) for envelope in envelopes]

    def _submit(self, envelope: Envelope) -> Outcome:
        try:
            message, to = self._composed.message(envelope, datetime.now(UTC)), addr_spec(envelope.address)
        except TransportError:
            return Outcome(Verdict.REJECTED, "unusable-address")
        content, destination = {"Raw": {"Data": message}}, {"ToAddresses": [to]}
        return self._call("send_email", 1, Content=content, Destination=destination, EmailTags=_tags(envelope))[0]


class SesBulkTransport(SesApiTransport):
    """Transport with one call for up to fifty recipients, each with its own outcome."""

    most = MOST

    def open(self, composed: Composed) -> Quota:
        """See :class:`~publisher.providers.provider.Transport`."""
        check_headers(composed)
        self._templates = dict[int, Template]()
        quota = super().open(composed)
        if composed.reply_to:
            self._common["ReplyToAddresses"] = [composed.reply_to]
        return quota

    def submit(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """See :class:`~publisher.providers.provider.Transport`.

        A call has the recipients of one mail content. If a call is refused because of one recipient, it is halved
        until that recipient is found: about log2(50) calls, and one more for the halves set aside.
        """
        letters = [id(self._composed.of(envelope)) for envelope in envelopes]
        if len(set(letters)) > 1:
            told: dict[int, Outcome] = {}
            for letter in dict.fromkeys(letters):
                numbers = [n for n, one in enumerate(letters) if one == letter]
                told |= zip(numbers, self.submit([envelopes[n] for n in numbers]), strict=True)
            return [told[n] for n in range(len(envelopes))]
        outcomes = self._send(envelopes)
        if not _refused(outcomes) or len(envelopes) == 1:
            return outcomes
        found: dict[int, Outcome] = {}
        suspects, aside = list(range(len(envelopes))), list[int]()
        while len(suspects) > 1:
            half, rest = suspects[: len(suspects) // 2], suspects[len(suspects) // 2 :]
            outcomes = self._send([envelopes[n] for n in half])
            if _refused(outcomes):
                suspects, aside = half, aside + rest
            else:
                found |= zip(half, outcomes, strict=True)
                suspects = rest
        found |= zip(suspects, self._send([envelopes[n] for n in suspects]), strict=True)
        if aside:
            found |= zip(aside, self._others([envelopes[n] for n in aside], found), strict=True)
        return [found[n] for n in range(len(envelopes))]

    def _others(self, envelopes: Sequence[Envelope], found: dict[int, Outcome]) -> list[Outcome]:
        """Return the outcomes of those set aside; they are searched if any recipient of the batch was accepted."""
        if any(outcome.verdict is Verdict.SUBMITTED for outcome in found.values()):
            return self.submit(envelopes)
        outcomes = self._send(envelopes)
        # None accepted so far. These wait for the next round; the run ends if nothing else is accepted either.
        return [Outcome(Verdict.RETRY, o.code) if o.verdict is Verdict.REFUSED else o for o in outcomes]

    def _send(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        composed = self._composed.of(envelopes[0])
        if (template := self._templates.get(id(composed))) is None:
            template = self._templates[id(composed)] = template_of(
                composed.letter, on_one_line(composed.letter.subject)
            )
        content = {
            "TemplateContent": dict(template.content),
            "TemplateData": "{}",
            "Headers": [{"Name": name, "Value": value} for name, value in composed.headers],
        }
        told = [self._entry(envelope, template) for envelope in envelopes]
        return self._call("send_bulk_email", len(told), DefaultContent={"Template": content}, BulkEmailEntries=told)

    def _entry(self, envelope: Envelope, template: Template) -> dict[str, Any]:
        return {
            "Destination": {"ToAddresses": [envelope.address]},
            "ReplacementTags": _tags(envelope),
            "ReplacementEmailContent": {"ReplacementTemplate": {"ReplacementTemplateData": template.data(envelope)}},
            "ReplacementHeaders": [{"Name": "List-Unsubscribe", "Value": f"<{clean(envelope.unsubscribe_url)}>"}],
        }


def _write(params: dict[str, Any], context: dict[str, Any], **_: object) -> dict[str, Any]:
    """Serialise the parameters ourselves: botocore would produce the same JSON for half of a sender's CPU time."""
    context["body"] = to_json(params)
    return {}


def _exchange(params: dict[str, Any], context: dict[str, Any], **_: object) -> None:
    params["body"] = context["body"]  # sets the request body before signing


def _refused(outcomes: Sequence[Outcome]) -> bool:
    return all(outcome.verdict is Verdict.REFUSED for outcome in outcomes)


def _tags(envelope: Envelope) -> list[dict[str, str]]:
    """Return the opaque tags that every event carries."""
    tags = {"mailing": envelope.mailing, "recipient": envelope.recipient, "attempt": str(envelope.attempt)}
    return [{"Name": name, "Value": value} for name, value in tags.items()]


def unusable(error: Exception, config: SesTransport) -> TransportError:
    """Return the one-line error for an account that cannot be queried."""
    where = config.region or say("the configured region")
    said = error.response.get("Error", {}) if isinstance(error, aws.ClientError) else {}
    code = said.get("Code", "")
    for name in (type(error).__name__, code):
        if explained := TABLE.explanations.get(name):
            means, action = explained
            return TransportError(say("SES in {where}: {means}", where=where, means=means), help=action)
    outcome = of_exception(error)
    if outcome.verdict is Verdict.THROTTLED:
        return TransportError(say("SES throttles GetAccount"), help=say("run the command again in a minute"))
    words = in_words(code or outcome.code, said.get("Message", ""))
    advice = say("see the SES console in that region")
    return TransportError(say("SES in {where} cannot be used: {words}", where=where, words=words), help=advice)


def check_headers(composed: Composed) -> None:
    """Raise TransportError if SES would refuse the headers."""
    headers = [*composed.headers, ("List-Unsubscribe", "")]
    if len(headers) > MOST_HEADERS:
        about = {"most": MOST_HEADERS, "n": len(headers)}
        raise TransportError(say("SES takes {most} headers of our own, and there are {n}", **about))
    for name, value in headers:
        if len(name) + len(value) + 2 > LONGEST_HEADER or not (value.isascii() and value.isprintable()):
            advice = say("shorten what it is made from in config.yaml")
            raise TransportError(say("SES refuses the header {name}", name=name), help=advice)


_STATUSES, _CODES = TABLE.verdicts["statuses"], TABLE.verdicts["codes"]
_DAILY = re.compile(r"daily (message|sending) quota|24.hour", re.IGNORECASE)
_UNVERIFIED = re.compile(r"not verified|not authorized", re.IGNORECASE)


def of_status(status: str, message_id: str | None, error: str = "") -> Outcome:
    """Return the outcome for one entry of SendBulkEmail's answer."""
    verdict = _STATUSES.get(status, Verdict.UNCERTAIN)
    if verdict is Verdict.SUBMITTED:
        return submitted(message_id) if message_id else Outcome(Verdict.UNCERTAIN, "success-without-message-id")
    if verdict is Verdict.REJECTED and _UNVERIFIED.search(error):
        return Outcome(Verdict.STOP, "identity-not-verified")
    return Outcome(verdict, status, message_id if not verdict.not_sent else None)


def of_exception(error: BaseException) -> Outcome:
    """Return the outcome of every recipient of a call that raised ``error``."""
    if isinstance(error, aws.ClientError):
        return _of_client_error(error)
    if isinstance(error, aws.SSLError):
        # A failed handshake sends no request; but a connection cut later raises the same class.
        verified = "CERTIFICATE_VERIFY_FAILED" in str(error)
        return Outcome(Verdict.STOP if verified else Verdict.UNCERTAIN, type(error).__name__)
    return TABLE.of_exception(error)


def _of_client_error(error: aws.ClientError) -> Outcome:
    response: dict[str, Any] = error.response
    code = str(response.get("Error", {}).get("Code", ""))
    text = str(response.get("Error", {}).get("Message", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if status >= 500:
        return Outcome(Verdict.UNCERTAIN, f"http-{status}")
    if _DAILY.search(text):
        return Outcome(Verdict.LATER, "daily-quota")
    verdict = _CODES.get(code)
    if verdict is Verdict.REFUSED and _UNVERIFIED.search(text):
        return Outcome(Verdict.STOP, "identity-not-verified")
    if verdict is not None:
        return Outcome(verdict, in_words(code, text) if verdict in {Verdict.REFUSED, Verdict.STOP} else code)
    if code.startswith("Throttling") or status == 429:
        return Outcome(Verdict.THROTTLED, code or "http-429")
    # SES answers 4xx before it accepts a message.
    if 400 <= status < 500:
        return Outcome(Verdict.REFUSED, in_words(code if code.isalnum() else f"http-{status}", text))
    return Outcome(Verdict.UNCERTAIN, code if code.isalnum() else f"http-{status}")


def of_bulk_answer(answer: Any, count: int) -> list[Outcome]:
    """Return the ``count`` outcomes of a 200 from SendBulkEmail, in order; all uncertain if their number is wrong."""
    results = answer.get("BulkEmailEntryResults") if isinstance(answer, dict) else None
    if not isinstance(results, list) or len(results) != count:
        return [Outcome(Verdict.UNCERTAIN, "wrong-number-of-results")] * count
    return [of_status(str(r.get("Status", "")), r.get("MessageId"), str(r.get("Error", ""))) for r in results]


def of_single_answer(answer: Any) -> Outcome:
    """Return the outcome of a 200 from SendEmail."""
    message_id = answer.get("MessageId") if isinstance(answer, dict) else None
    return submitted(str(message_id)) if message_id else Outcome(Verdict.UNCERTAIN, "success-without-message-id")
