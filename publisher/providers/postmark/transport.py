"""Submission to Postmark in batches: ``POST /email/batch``, at most 500 messages per call, with one result each.

https://postmarkapp.com/developer/api/email-api. Postmark writes the MIME message; we supply the bodies, the list
headers and the metadata that links events to ledger rows. Tracking is off: links reach readers unchanged.
"""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from email.header import decode_header, make_header
from email.utils import parseaddr
from email.utils import quote as in_quotes
from typing import Any
from urllib.parse import quote

import httpx

from publisher.audience.suppressions import Reason
from publisher.config.model import PostmarkConfig as Settings
from publisher.config.values import secret_url
from publisher.diagnostics import say
from publisher.errors import ServiceError, TransportError
from publisher.mail.headers import addr_spec, clean
from publisher.mail.message import Composed, Envelope
from publisher.providers.outcomes import Outcome, Verdict, in_words, submitted
from publisher.providers.postmark import TABLE
from publisher.providers.provider import Quota, SuppressionList, Transport

MOST = 500
"""Messages per call: Postmark's limit."""
MOST_BYTES = 16_000_000
"""Bytes per call: a third of Postmark's limit of 50 MB, to limit the memory used by concurrent calls."""
OWN_UNSUBSCRIBE = say("Postmark puts its own unsubscribe link into this stream's mail, in place of ours")


class PostmarkTransport(Transport):
    """Transport with one call for up to 500 recipients. ``open`` reduces ``most`` for large messages."""

    name = "postmark"
    parallel = 4
    _composed: Composed

    def __init__(self, settings: Settings, *, most: int | None = None) -> None:
        self.account = f"postmark:{settings.stream}"
        self.most = most or MOST
        self._settings = settings
        self._client: httpx.Client | None = None

    def open(self, composed: Composed) -> Quota:
        """Query the stream, so that a wrong token or name fails before any claim. Raises TransportError."""
        self._composed = composed
        self._client = make_client(connections=self.parallel)
        name = self._settings.stream
        try:
            what = say("the message stream {name} cannot be used", name=name)
            stream = ask(self._client, "GET", stream_path(name), what)
        except ServiceError as error:
            advice = error.help or say("correct delivery.postmark.stream in config.yaml")
            raise TransportError(error.message, help=advice) from error
        if stream.get("ArchivedAt"):
            advice = say("restore it, or name another")
            raise TransportError(say("the message stream {name} is archived", name=name), help=advice)
        letter = composed.letter
        size = sum(len(str(part).encode()) for text in (letter.html, letter.text) for part in text.parts)
        self.most = max(1, min(self.most, MOST_BYTES // (size + size // 10 + 4_000)))
        handling = (stream.get("SubscriptionManagementConfiguration") or {}).get("UnsubscribeHandlingType")
        return Quota(note=OWN_UNSUBSCRIBE if handling == "Postmark" else "")

    def submit(self, envelopes: Sequence[Envelope]) -> list[Outcome]:
        """See :class:`~publisher.providers.provider.Transport`."""
        found: dict[int, Outcome] = {}
        messages: dict[int, bytes] = {}
        for number, envelope in enumerate(envelopes):
            try:
                messages[number] = self._message(envelope)
            except TransportError:
                found[number] = Outcome(Verdict.REJECTED, "unusable-address")
        for numbers in _batches(messages):
            outcomes = self._call([messages[number] for number in numbers])
            found |= zip(numbers, outcomes, strict=True)
        return [found[number] for number in range(len(envelopes))]

    def close(self) -> None:
        """See :class:`~publisher.providers.provider.Transport`."""
        if self._client is not None:
            self._client.close()

    def _call(self, messages: Sequence[bytes]) -> list[Outcome]:
        assert self._client is not None
        body, headers = b"[" + b",".join(messages) + b"]", {"Content-Type": "application/json"}
        try:
            answer = self._client.post("/email/batch", content=body, headers=headers)
        except httpx.HTTPError as error:
            return [TABLE.of_exception(error)] * len(messages)
        return of_answer(answer, len(messages))

    def _message(self, envelope: Envelope) -> bytes:
        """Return one message as JSON. Raises TransportError if the address is unusable."""
        composed = self._composed.of(envelope)
        letter = composed.letter
        headers = [*composed.headers, ("List-Unsubscribe", f"<{clean(envelope.unsubscribe_url)}>")]
        tags = {"mailing": envelope.mailing, "recipient": envelope.recipient, "attempt": str(envelope.attempt)}
        message = {
            "MessageStream": self._settings.stream, "From": _plain(composed.sender), "To": addr_spec(envelope.address),
            **({"ReplyTo": composed.reply_to} if composed.reply_to else {}), "Subject": composed.subject(envelope),
            "HtmlBody": letter.html.with_values(envelope.html_values()),
            "TextBody": letter.text.with_values(envelope.text_values()),
            "Headers": [{"Name": name, "Value": value} for name, value in headers], "Tag": letter.slug,
            "Metadata": tags, "TrackOpens": False, "TrackLinks": "None",
        }  # fmt: skip
        return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _plain(sender: str) -> str:
    """Return the From header's value for JSON: the name quoted, without RFC 2047 encoding."""
    name, address = parseaddr(sender.replace("\r\n ", " "))
    name = str(make_header(decode_header(name)))
    return f'"{in_quotes(name)}" <{address}>' if name else address


def _batches(messages: dict[int, bytes]) -> Iterator[list[int]]:
    """Yield the numbers of the messages of each call, which has at most MOST_BYTES."""
    batch: list[int] = []
    size = 0
    for number, message in messages.items():
        if batch and size + len(message) > MOST_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(number)
        size += len(message) + 1
    if batch:
        yield batch


# Outcomes of answers and codes; the tables are in outcomes.yaml.


def of_code(code: int, message: str, message_id: str | None = None) -> Outcome:
    """Return the outcome for an API error code; 0 means accepted. ``message`` is Postmark's text."""
    if code == 0:
        return submitted(message_id) if message_id else Outcome(Verdict.UNCERTAIN, "success-without-message-id")
    name, verdict = f"postmark-{code}", TABLE.verdicts["codes"].get(code, Verdict.REFUSED)
    return Outcome(verdict, in_words(name, message) if verdict in {Verdict.REFUSED, Verdict.STOP} else name)


def of_answer(answer: httpx.Response, count: int) -> list[Outcome]:
    """Return the outcome of each of ``count`` messages from the answer to a batch, in order.

    A batch is answered with 200 and one code per message; 4xx refuses the whole call before any is accepted.
    """
    try:
        body: Any = answer.json()
    except ValueError:
        body = None
    status = answer.status_code
    if status == 200:
        if not isinstance(body, list) or len(body) != count:
            return [Outcome(Verdict.UNCERTAIN, "wrong-number-of-results")] * count
        return [_of_result(result) for result in body]
    if status == 429:
        return [Outcome(Verdict.THROTTLED, "http-429")] * count
    code = body.get("ErrorCode") if isinstance(body, dict) else None
    if isinstance(code, int) and code > 0 and (status < 500 or code == 100):
        outcome = of_code(code, str(body.get("Message", "")))
        if outcome.verdict is Verdict.REJECTED and count > 1:  # the fault of one message, but which one is unknown
            outcome = Outcome(Verdict.REFUSED, outcome.code)
        return [outcome] * count
    # A status below 500 means that the call was not accepted; a failing server may have accepted it first.
    return [Outcome(Verdict.STOP if 300 <= status < 500 else Verdict.UNCERTAIN, f"http-{status}")] * count


def _of_result(result: Any) -> Outcome:
    code = result.get("ErrorCode") if isinstance(result, dict) else None
    if not isinstance(code, int) or isinstance(code, bool):
        return Outcome(Verdict.UNCERTAIN, "result-without-code")
    message_id = result.get("MessageID")
    return of_code(code, str(result.get("Message", "")), message_id if isinstance(message_id, str) else None)


URL = "https://api.postmarkapp.com"
TOKEN, ACCOUNT_TOKEN = "PUBLISHER_POSTMARK_TOKEN", "PUBLISHER_POSTMARK_ACCOUNT_TOKEN"
PAGE = 50
"""Addresses per call of the suppression list: Postmark's limit."""


def make_client(*, connections: int = 1, seconds: float = 60.0) -> httpx.Client:
    """Return a thread-safe client with the server's token. Raises TransportError if there is no usable one.

    Requests are never retried: one that was accepted must not be repeated.
    """
    if not (token := os.environ.get(TOKEN, "").strip()):
        advice = say("set {name} to the server's API token", name=TOKEN)
        raise TransportError(say("there is no token for Postmark"), help=advice)
    url = secret_url("PUBLISHER_POSTMARK_URL", URL, TransportError)
    if not (token.isascii() and token.isprintable()):
        advice = say("copy it anew from Postmark's console")
        raise TransportError(say("{name} holds characters that no token has", name=TOKEN), help=advice)
    return httpx.Client(
        base_url=url, headers={"Accept": "application/json", "X-Postmark-Server-Token": token},
        timeout=httpx.Timeout(seconds, connect=10.0), limits=httpx.Limits(max_connections=connections),
        follow_redirects=False,
    )  # fmt: skip


def ask(client: httpx.Client, method: str, path: str, what: str, **more: Any) -> Any:
    """Return the JSON answer to an idempotent request. Raises ServiceError; ``what`` names what is requested."""
    try:
        answer = client.request(method, path, **more)
        body = answer.json() if answer.content else {}
    except (httpx.HTTPError, ValueError) as error:
        message = say("{what}: {reason}", what=what, reason=type(error).__name__)
        raise ServiceError(message, help=say("is the network up?")) from error
    if answer.is_success:
        return body
    code = body.get("ErrorCode") if isinstance(body, dict) else None
    if answer.status_code == 401 or code == 10:
        advice = say("set {name} to the server's API token", name=TOKEN)
        raise ServiceError(say("Postmark refuses the token"), help=advice)
    said = str(body.get("Message", "")) if isinstance(body, dict) else ""
    reason = in_words(f"{answer.status_code}", said)
    raise ServiceError(say("{what}: Postmark answers {reason}", what=what, reason=reason))


def stream_path(stream: str) -> str:
    """Return the URL path of a message stream."""
    return f"/message-streams/{quote(stream, safe='')}"


class PostmarkSuppressionList(SuppressionList):
    """Suppression list of a message stream: https://postmarkapp.com/developer/api/suppressions-api.

    See :class:`~publisher.providers.provider.SuppressionList`. Our additions are of type ManualSuppression.
    """

    def __init__(self, stream: str) -> None:
        self._path = f"{stream_path(stream)}/suppressions"

    def entries(self) -> Iterator[list[tuple[str, str]]]:
        """Yield one page: Postmark returns the whole list at once."""
        with closing(make_client()) as client:
            answer = ask(client, "GET", f"{self._path}/dump", say("Postmark's suppression list cannot be read"))
        yield [(str(one["EmailAddress"]), str(one["SuppressionReason"])) for one in answer["Suppressions"]]

    def add(self, entries: Iterable[tuple[str, Reason]]) -> int:
        """Add addresses, fifty per call."""
        addresses, failed = [address for address, _ in entries], 0
        with closing(make_client()) as client:
            for at in range(0, len(addresses), PAGE):
                wanted = {"Suppressions": [{"EmailAddress": address} for address in addresses[at : at + PAGE]]}
                what = say("Postmark's suppression list cannot be written")
                answer = ask(client, "POST", self._path, what, json=wanted)
                failed += sum(one.get("Status") == "Failed" for one in answer["Suppressions"])
        if failed:
            message = say("addresses that Postmark did not take: {failed} of {n}", failed=failed, n=len(addresses))
            raise ServiceError(message, help=say("run it again"))
        return len(addresses)
