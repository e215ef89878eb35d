"""The outcome table of Postmark: what an answer's status, an error code and a failed request prove.

From https://postmarkapp.com/developer/api/overview ("HTTP response codes", "API error codes"). A batch is answered with
200 and a code for each message; 4xx answers refuse the whole call before a message is taken. What no row names is
uncertain, but for the codes of the API itself: they are given in place of an acceptance.
"""

from __future__ import annotations

from typing import Any

import httpx

from publisher.providers.outcomes import Outcome, Verdict, in_words, submitted

_CODES = {
    10: Verdict.STOP,  # bad or missing token
    100: Verdict.UNREACHED,  # maintenance
    300: Verdict.REFUSED,  # invalid request: an address, or what all messages share
    400: Verdict.STOP,  # sender signature not found
    401: Verdict.STOP,  # sender signature not confirmed
    402: Verdict.STOP,  # invalid JSON
    403: Verdict.STOP,  # incompatible JSON
    405: Verdict.STOP,  # not allowed to send: out of credits
    406: Verdict.REJECTED,  # inactive recipient: bounced, complained or suppressed in the stream
    409: Verdict.STOP,  # JSON required
    410: Verdict.STOP,  # too many messages in the batch
    411: Verdict.STOP,  # forbidden attachment type
    412: Verdict.STOP,  # account pending approval: only the sender's own domain gets mail
    413: Verdict.STOP,  # account may not send
    429: Verdict.THROTTLED,
    500: Verdict.STOP,  # sender signature query exception: of the signatures' API
    1221: Verdict.STOP,  # the stream's type does not fit
    1226: Verdict.STOP,  # no such stream
    1235: Verdict.STOP,  # the stream is archived, or none of the server's
}

# Raised before a byte of the request has left.
_BEFORE = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError)


def of_code(code: int, message: str, message_id: str | None = None) -> Outcome:
    """What an API error code says of a message; 0 is its acceptance. ``message`` is Postmark's words."""
    if code == 0:
        return submitted(message_id) if message_id else Outcome(Verdict.UNCERTAIN, "success-without-message-id")
    name, verdict = f"postmark-{code}", _CODES.get(code, Verdict.REFUSED)
    return Outcome(verdict, in_words(name, message) if verdict in {Verdict.REFUSED, Verdict.STOP} else name)


def of_answer(answer: httpx.Response, count: int) -> list[Outcome]:
    """What the answer to a batch of ``count`` messages says of each, in order."""
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
        if outcome.verdict is Verdict.REJECTED and count > 1:  # of one of them, and it is not said of whom
            outcome = Outcome(Verdict.REFUSED, outcome.code)
        return [outcome] * count
    # Anything below 500 is said instead of taking the call; a server that fails may have taken it before.
    return [Outcome(Verdict.STOP if 300 <= status < 500 else Verdict.UNCERTAIN, f"http-{status}")] * count


def of_failure(error: httpx.HTTPError) -> Outcome:
    """What a request that got no answer says of every message in it."""
    name = type(error).__name__
    if isinstance(error, _BEFORE):
        return Outcome(Verdict.UNREACHED, name)
    # A body that could not be written to its end is no message yet; after that, only an answer would tell.
    return Outcome(Verdict.RETRY if isinstance(error, httpx.WriteTimeout) else Verdict.UNCERTAIN, name)


def _of_result(result: Any) -> Outcome:
    code = result.get("ErrorCode") if isinstance(result, dict) else None
    if not isinstance(code, int) or isinstance(code, bool):
        return Outcome(Verdict.UNCERTAIN, "result-without-code")
    message_id = result.get("MessageID")
    return of_code(code, str(result.get("Message", "")), message_id if isinstance(message_id, str) else None)
