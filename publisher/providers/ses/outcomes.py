"""What each exception of botocore, error code and entry status of Amazon SES proves, by ``outcomes.yaml``."""

from __future__ import annotations

import re
from typing import Any

import botocore.exceptions as aws

from publisher.providers.outcomes import Outcome, Verdict, in_words, submitted
from publisher.providers.ses import TABLE

_STATUSES, _CODES = TABLE.verdicts["statuses"], TABLE.verdicts["codes"]
_DAILY = re.compile(r"daily (message|sending) quota|24.hour", re.IGNORECASE)
_UNVERIFIED = re.compile(r"not verified|not authorized", re.IGNORECASE)


def of_status(status: str, message_id: str | None, error: str = "") -> Outcome:
    """What an entry of SendBulkEmail's answer says of its recipient."""
    verdict = _STATUSES.get(status, Verdict.UNCERTAIN)
    if verdict is Verdict.SUBMITTED and not message_id:
        return Outcome(Verdict.UNCERTAIN, "success-without-message-id")
    if verdict is Verdict.REJECTED and _UNVERIFIED.search(error):
        return Outcome(Verdict.STOP, "identity-not-verified")
    return Outcome(
        verdict, "" if verdict is Verdict.SUBMITTED else status, message_id if not verdict.not_sent else None
    )


def of_exception(error: BaseException) -> Outcome:
    """What an exception of a whole call says of every recipient in it."""
    if isinstance(error, aws.ClientError):
        return _of_client_error(error)
    if isinstance(error, aws.SSLError):
        # A handshake that fails sends no request; but the same class is raised for a connection cut later.
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
    """What a 200 of SendBulkEmail says of its ``count`` recipients, in order. A wrong number of results proves none."""
    results = answer.get("BulkEmailEntryResults") if isinstance(answer, dict) else None
    if not isinstance(results, list) or len(results) != count:
        return [Outcome(Verdict.UNCERTAIN, "wrong-number-of-results")] * count
    return [of_status(str(r.get("Status", "")), r.get("MessageId"), str(r.get("Error", ""))) for r in results]


def of_single_answer(answer: Any) -> Outcome:
    """What a 200 of SendEmail says."""
    message_id = answer.get("MessageId") if isinstance(answer, dict) else None
    return submitted(str(message_id)) if message_id else Outcome(Verdict.UNCERTAIN, "success-without-message-id")
