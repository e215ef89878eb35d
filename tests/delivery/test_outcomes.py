"""The outcome table and the retry policy, as tables over every signal that is known."""

from __future__ import annotations

import botocore.exceptions as aws
import pytest
from botocore.exceptions import ClientError

from publisher.delivery.pace import LONGEST_PAUSE, decide, pause
from publisher.providers.outcomes import Outcome, Verdict
from publisher.providers.ses.transport import of_bulk_answer, of_exception, of_single_answer, of_status


def client_error(code: str, status: int, message: str = "") -> ClientError:
    response = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "SendBulkEmail")  # type: ignore[arg-type]


URL = {"endpoint_url": "https://email.eu-west-1.amazonaws.com"}

EXCEPTIONS = [
    # the request never left: try again
    (aws.EndpointConnectionError(**URL), Verdict.UNREACHED),
    (aws.ConnectTimeoutError(**URL), Verdict.UNREACHED),
    (aws.ProxyConnectionError(proxy_url="http://proxy"), Verdict.UNREACHED),
    (client_error("TooManyRequestsException", 429), Verdict.THROTTLED),
    (client_error("TooManyRequestsException", 429, "Maximum sending rate exceeded."), Verdict.THROTTLED),
    (client_error("Throttling", 400), Verdict.THROTTLED),
    (client_error("ThrottlingException", 400), Verdict.THROTTLED),
    (client_error("LimitExceededException", 400), Verdict.THROTTLED),
    (client_error("", 429), Verdict.THROTTLED),
    # hours
    (client_error("TooManyRequestsException", 429, "Daily message quota exceeded."), Verdict.LATER),
    (client_error("LimitExceededException", 400, "Daily sending quota exceeded"), Verdict.LATER),
    # nothing goes until somebody acts
    (client_error("AccountSuspendedException", 400), Verdict.STOP),
    (client_error("SendingPausedException", 400), Verdict.PAUSED),
    (client_error("MailFromDomainNotVerifiedException", 400), Verdict.STOP),
    (client_error("NotFoundException", 404), Verdict.STOP),
    (client_error("BadRequestException", 400), Verdict.REFUSED),
    (client_error("MessageRejected", 400, "Email address is not verified."), Verdict.STOP),
    (client_error("ExpiredTokenException", 403), Verdict.STOP),
    (client_error("UnrecognizedClientException", 403), Verdict.STOP),
    (client_error("AccessDeniedException", 403), Verdict.STOP),
    (client_error("InvalidSignatureException", 403), Verdict.STOP),
    (client_error("SomethingNew", 400), Verdict.REFUSED),
    (aws.NoCredentialsError(), Verdict.STOP),
    (aws.PartialCredentialsError(provider="env", cred_var="secret"), Verdict.STOP),
    (aws.NoRegionError(), Verdict.STOP),
    (aws.InvalidRegionError(region_name="eu west"), Verdict.STOP),
    (aws.ParamValidationError(report="x"), Verdict.STOP),
    (aws.SSLError(error="CERTIFICATE_VERIFY_FAILED", **URL), Verdict.STOP),
    # this call refused, for whoever's fault
    (client_error("MessageRejected", 400, "Illegal content"), Verdict.REFUSED),
    # nobody knows
    (aws.ReadTimeoutError(**URL), Verdict.UNCERTAIN),
    (aws.ConnectionClosedError(**URL), Verdict.UNCERTAIN),
    (aws.HTTPClientError(error="x"), Verdict.UNCERTAIN),
    (aws.ResponseStreamingError(error="x"), Verdict.UNCERTAIN),
    (aws.IncompleteReadError(actual_bytes=1, expected_bytes=2), Verdict.UNCERTAIN),
    (aws.SSLError(error="unexpected eof", **URL), Verdict.UNCERTAIN),
    (client_error("InternalFailure", 500), Verdict.UNCERTAIN),
    (client_error("ServiceUnavailable", 503), Verdict.UNCERTAIN),
    (client_error("TooManyRequestsException", 500), Verdict.UNCERTAIN),
    (client_error("502", 502), Verdict.UNCERTAIN),
    (client_error("", 0), Verdict.UNCERTAIN),
    (ValueError("not JSON"), Verdict.UNCERTAIN),
    (KeyError("x"), Verdict.UNCERTAIN),
]


@pytest.mark.parametrize(("error", "verdict"), EXCEPTIONS, ids=lambda v: str(v)[:60])
def test_what_an_exception_proves(error: BaseException, verdict: Verdict) -> None:
    assert of_exception(error).verdict is verdict


STATUSES = {
    "SUCCESS": Verdict.SUBMITTED,
    "MESSAGE_REJECTED": Verdict.REJECTED,
    "MAIL_FROM_DOMAIN_NOT_VERIFIED": Verdict.STOP,
    "CONFIGURATION_SET_NOT_FOUND": Verdict.STOP,
    "TEMPLATE_NOT_FOUND": Verdict.STOP,
    "ACCOUNT_SUSPENDED": Verdict.STOP,
    "ACCOUNT_THROTTLED": Verdict.THROTTLED,
    "ACCOUNT_DAILY_QUOTA_EXCEEDED": Verdict.LATER,
    "INVALID_SENDING_POOL_NAME": Verdict.STOP,
    "ACCOUNT_SENDING_PAUSED": Verdict.PAUSED,
    "CONFIGURATION_SET_SENDING_PAUSED": Verdict.PAUSED,
    "INVALID_PARAMETER": Verdict.REJECTED,
    "TRANSIENT_FAILURE": Verdict.RETRY,
    "FAILED": Verdict.UNCERTAIN,
}


@pytest.mark.parametrize(("status", "verdict"), [*STATUSES.items(), ("A_NEW_ONE", Verdict.UNCERTAIN)])
def test_what_an_entry_status_proves(status: str, verdict: Verdict) -> None:
    assert of_status(status, "id").verdict is verdict


def test_every_status_that_botocore_knows_is_in_the_table() -> None:
    import boto3

    client = boto3.client("sesv2", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="y")
    shape = client.meta.service_model.operation_model("SendBulkEmail").output_shape
    assert set(shape.members["BulkEmailEntryResults"].member.members["Status"].enum) == set(STATUSES)


def test_a_success_without_a_message_id_is_uncertain() -> None:
    assert of_status("SUCCESS", None).verdict is Verdict.UNCERTAIN
    assert of_single_answer({}).verdict is Verdict.UNCERTAIN
    assert of_single_answer({"MessageId": "m"}) == Outcome(Verdict.SUBMITTED, "", "m")


def test_an_unverified_entry_stops_the_run_and_rejects_nobody() -> None:
    assert of_status("MESSAGE_REJECTED", None, "Email address is not verified: x").verdict is Verdict.STOP


@pytest.mark.parametrize("answer", [{}, None, [], {"BulkEmailEntryResults": None}, {"BulkEmailEntryResults": [{}]}])
def test_a_wrong_number_of_results_leaves_all_uncertain(answer: object) -> None:
    assert [o.verdict for o in of_bulk_answer(answer, 2)] == [Verdict.UNCERTAIN] * 2


def test_results_belong_to_entries_in_order() -> None:
    results = [{"Status": "SUCCESS", "MessageId": "a"}, {"Status": "ACCOUNT_THROTTLED"}, {}]
    assert [o.verdict for o in of_bulk_answer({"BulkEmailEntryResults": results}, 3)] == [
        Verdict.SUBMITTED,
        Verdict.THROTTLED,
        Verdict.UNCERTAIN,
    ]


POLICY = [
    (Outcome(Verdict.SUBMITTED), "submitted", True),
    (Outcome(Verdict.REJECTED, "INVALID_PARAMETER"), "rejected", True),
    (Outcome(Verdict.UNCERTAIN, "ReadTimeoutError"), "uncertain", True),
    (Outcome(Verdict.RETRY, "TRANSIENT_FAILURE"), "pending", True),
    (Outcome(Verdict.UNREACHED, "EndpointConnectionError"), "pending", False),
    (Outcome(Verdict.THROTTLED, "ACCOUNT_THROTTLED"), "pending", False),
    (Outcome(Verdict.LATER, "daily-quota"), "pending", False),
    (Outcome(Verdict.PAUSED, "ACCOUNT_SENDING_PAUSED"), "pending", False),
    (Outcome(Verdict.STOP, "sandbox"), "pending", False),
]


@pytest.mark.parametrize(("outcome", "state", "counts"), POLICY, ids=lambda v: str(v)[:40])
def test_what_follows_from_an_outcome(outcome: Outcome, state: str, counts: bool) -> None:
    assert decide(outcome) == (state, counts)


def test_only_what_is_proved_not_sent_becomes_pending_again() -> None:
    for verdict in Verdict:
        assert (decide(Outcome(verdict))[0] == "pending") == verdict.not_sent


def test_pauses_double_up_to_a_minute() -> None:
    assert [pause(n) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, LONGEST_PAUSE, LONGEST_PAUSE]
