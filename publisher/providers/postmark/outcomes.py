"""What an answer's status, an error code and a failed request of Postmark prove, by ``outcomes.yaml``.

A batch is answered with 200 and a code for each message; 4xx answers refuse the whole call before a message is taken.
"""

from __future__ import annotations

from typing import Any

import httpx

from publisher.providers.outcomes import Outcome, Verdict, in_words, submitted
from publisher.providers.postmark import TABLE


def of_code(code: int, message: str, message_id: str | None = None) -> Outcome:
    """What an API error code says of a message; 0 is its acceptance. ``message`` is Postmark's words."""
    if code == 0:
        return submitted(message_id) if message_id else Outcome(Verdict.UNCERTAIN, "success-without-message-id")
    name, verdict = f"postmark-{code}", TABLE.verdicts["codes"].get(code, Verdict.REFUSED)
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


def _of_result(result: Any) -> Outcome:
    code = result.get("ErrorCode") if isinstance(result, dict) else None
    if not isinstance(code, int) or isinstance(code, bool):
        return Outcome(Verdict.UNCERTAIN, "result-without-code")
    message_id = result.get("MessageID")
    return of_code(code, str(result.get("Message", "")), message_id if isinstance(message_id, str) else None)
