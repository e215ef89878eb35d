"""The outcome table of Amazon SES: what each exception of botocore, error code and entry status proves.

From the API v2 reference (SendBulkEmail, SendEmail, BulkEmailEntryResult) and from faults tried against botocore. What
no row names is uncertain.
"""

from __future__ import annotations

import re
from typing import Any

import botocore.exceptions as aws

from publisher.providers.outcomes import Outcome, Verdict, in_words, submitted

_STATUSES = {
    "SUCCESS": Verdict.SUBMITTED,
    "MESSAGE_REJECTED": Verdict.REJECTED,
    "INVALID_PARAMETER": Verdict.REJECTED,
    "MAIL_FROM_DOMAIN_NOT_VERIFIED": Verdict.STOP,
    "CONFIGURATION_SET_NOT_FOUND": Verdict.STOP,
    "TEMPLATE_NOT_FOUND": Verdict.STOP,
    "INVALID_SENDING_POOL_NAME": Verdict.STOP,
    "ACCOUNT_SUSPENDED": Verdict.STOP,
    "ACCOUNT_THROTTLED": Verdict.THROTTLED,
    "ACCOUNT_DAILY_QUOTA_EXCEEDED": Verdict.LATER,
    "ACCOUNT_SENDING_PAUSED": Verdict.PAUSED,
    "CONFIGURATION_SET_SENDING_PAUSED": Verdict.PAUSED,
    "TRANSIENT_FAILURE": Verdict.RETRY,
    # FAILED says neither why nor whether: SES documents no more than "an error occurred".
    "FAILED": Verdict.UNCERTAIN,
}

_CODES = {
    "TooManyRequestsException": Verdict.THROTTLED,
    "LimitExceededException": Verdict.THROTTLED,
    "RequestLimitExceeded": Verdict.THROTTLED,
    "SlowDown": Verdict.THROTTLED,
    "AccountSuspendedException": Verdict.STOP,
    "SendingPausedException": Verdict.PAUSED,
    "MailFromDomainNotVerifiedException": Verdict.STOP,
    "NotFoundException": Verdict.STOP,
    # SES says these of a whole call, be it for one recipient's sake or for everybody's.
    "BadRequestException": Verdict.REFUSED,
    "MessageRejected": Verdict.REFUSED,
    # The signature, the clock and the rights are checked before anything else.
    "ExpiredToken": Verdict.STOP,
    "ExpiredTokenException": Verdict.STOP,
    "InvalidClientTokenId": Verdict.STOP,
    "UnrecognizedClientException": Verdict.STOP,
    "InvalidSignatureException": Verdict.STOP,
    "SignatureDoesNotMatch": Verdict.STOP,
    "RequestExpired": Verdict.STOP,
    "IncompleteSignature": Verdict.STOP,
    "MissingAuthenticationToken": Verdict.STOP,
    "AccessDenied": Verdict.STOP,
    "AccessDeniedException": Verdict.STOP,
    "OptInRequired": Verdict.STOP,
}

_DAILY = re.compile(r"daily (message|sending) quota|24.hour", re.IGNORECASE)
_UNVERIFIED = re.compile(r"not verified|not authorized", re.IGNORECASE)

# Raised before a byte of the request has left, or because none could.
_BEFORE = (
    aws.EndpointConnectionError,
    aws.ConnectTimeoutError,
    aws.ProxyConnectionError,
)
_CANNOT = (
    aws.NoCredentialsError,
    aws.PartialCredentialsError,
    aws.CredentialRetrievalError,
    aws.TokenRetrievalError,
    aws.SSOTokenLoadError,
    aws.UnauthorizedSSOTokenError,
    aws.NoRegionError,
    aws.InvalidRegionError,
    aws.ParamValidationError,
    aws.EndpointResolutionError,
    aws.UnknownEndpointError,
)


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
    name = type(error).__name__
    if isinstance(error, aws.ClientError):
        return _of_client_error(error)
    if isinstance(error, aws.SSLError):
        # A handshake that fails sends no request; but the same class is raised for a connection cut later.
        verified = "CERTIFICATE_VERIFY_FAILED" in str(error)
        return Outcome(Verdict.STOP if verified else Verdict.UNCERTAIN, name)
    if isinstance(error, _BEFORE):
        return Outcome(Verdict.UNREACHED, name)
    if isinstance(error, _CANNOT):
        return Outcome(Verdict.STOP, name)
    return Outcome(Verdict.UNCERTAIN, name)


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
