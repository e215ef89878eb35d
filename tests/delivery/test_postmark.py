"""Postmark, asked over real HTTP: what is sent, what each answer proves, and a mailing from end to end."""

from __future__ import annotations

import json
import logging
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select
from typer.testing import CliRunner

from publisher.cli.app import application
from publisher.config.model import Config
from publisher.database import Database
from publisher.delivery import mailings, pace
from publisher.delivery.send import Sent, send, send_test
from publisher.delivery.states import Ending
from publisher.delivery.status import explain
from publisher.delivery.tables import recipients
from publisher.edition.model import Slotted
from publisher.errors import ServiceError, TransportError
from publisher.mail.message import compose
from publisher.providers import open_provider, open_transport
from publisher.providers.outcomes import Outcome, Verdict
from publisher.providers.postmark import TABLE
from publisher.providers.postmark import transport as module
from publisher.providers.postmark.transport import ask, of_answer
from publisher.providers.provider import Transport
from tests.delivery.test_transports import URL, envelope
from tests.delivery.world import SLUG, add_people, make_config, make_letter
from tests.stubs.postmark import ACCOUNT_TOKEN, TOKEN, PostmarkServer


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return make_config(tmp_path, "postmark")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "FIRST_PAUSE", 0.01)


def opened(config: Config, **letter: Any) -> Transport:
    transport = open_transport(config)
    transport.open(compose(config, make_letter(**letter)))
    return transport


def test_a_message_is_what_was_built_and_carries_our_ids_only(postmark: PostmarkServer, config: Config) -> None:
    transport = opened(config)
    (outcome,) = transport.submit([envelope(1, attempt=3)])
    (sent,) = postmark.account.accepted
    assert outcome == Outcome(Verdict.SUBMITTED, "", sent["MessageID"])
    assert sent["From"] == '"AI 周报" <weekly@news.example.com>'
    assert (sent["To"], sent["ReplyTo"]) == ("reader1@example.com", "editors@news.example.com")
    assert sent["Subject"] == "AI 周报|第一条;第二条"
    assert "正文&lt;王&gt;</p>" in sent["HtmlBody"]
    assert "p?a=1&amp;b=2" in sent["HtmlBody"]
    assert "正文<王>\n" in sent["TextBody"]
    assert sent["Metadata"] == {"mailing": "0a1b2c3d", "recipient": "0a1b2c3d-1", "attempt": "3"}
    assert (sent["Tag"], sent["MessageStream"], sent["TrackOpens"], sent["TrackLinks"]) == (
        SLUG, "broadcast", False, "None",
    )  # fmt: skip
    headers = {header["Name"]: header["Value"] for header in sent["Headers"]}
    assert headers["List-Unsubscribe"] == f"<{URL}>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["X-Publisher-Edition"].startswith("sha256:")


def test_a_call_holds_no_more_bytes_than_it_may(
    postmark: PostmarkServer, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 60_000)
    text = Slotted(("正" * 2_000,))
    transport = opened(config, html=text, text=text)
    assert 1 < transport.most < 5
    outcomes = transport.submit([envelope(n) for n in range(12)])
    assert [outcome.verdict for outcome in outcomes] == [Verdict.SUBMITTED] * 12
    assert len(postmark.account.batches) > 2
    assert max(postmark.account.batches) * 12_000 < 60_000


CODES = {
    10: Verdict.STOP, 100: Verdict.UNREACHED, 300: Verdict.REFUSED, 400: Verdict.STOP, 401: Verdict.STOP,
    405: Verdict.STOP, 406: Verdict.REJECTED, 409: Verdict.STOP, 410: Verdict.STOP, 411: Verdict.STOP,
    412: Verdict.STOP, 413: Verdict.STOP, 429: Verdict.THROTTLED, 500: Verdict.STOP, 1235: Verdict.STOP,
    4711: Verdict.REFUSED,
}  # fmt: skip


@pytest.mark.parametrize(("code", "verdict"), CODES.items())
def test_a_code_in_an_answer_of_200_is_one_message_s(
    postmark: PostmarkServer, config: Config, code: int, verdict: Verdict
) -> None:
    postmark.account.codes = {"reader2@example.com": code}
    outcomes = opened(config).submit([envelope(n) for n in (1, 2, 3)])
    assert [outcome.verdict for outcome in outcomes] == [Verdict.SUBMITTED, verdict, Verdict.SUBMITTED]
    assert "@" not in outcomes[1].code


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (401, {"ErrorCode": 10, "Message": "no"}, Verdict.STOP),
        (422, {"ErrorCode": 405, "Message": "no credits"}, Verdict.STOP),
        (422, {"ErrorCode": 300, "Message": "bad: ann@example.com"}, Verdict.REFUSED),
        (422, {"ErrorCode": 406, "Message": "inactive"}, Verdict.REFUSED),  # of three: nobody says which
        (413, None, Verdict.STOP),
        (415, None, Verdict.STOP),
        (429, None, Verdict.THROTTLED),
        (301, None, Verdict.STOP),
        (500, None, Verdict.UNCERTAIN),
        (500, {"ErrorCode": 300, "Message": "?"}, Verdict.UNCERTAIN),
        (503, None, Verdict.UNCERTAIN),
        (503, {"ErrorCode": 100, "Message": "maintenance"}, Verdict.UNREACHED),
        (200, {"ErrorCode": 0}, Verdict.UNCERTAIN),
        (200, [], Verdict.UNCERTAIN),
        (200, [{"ErrorCode": 0}] * 3, Verdict.UNCERTAIN),  # accepted, and no id
        (200, [{"ErrorCode": False, "MessageID": "m"}] * 3, Verdict.UNCERTAIN),
        (200, [None] * 3, Verdict.UNCERTAIN),
    ],
)
def test_what_the_answer_to_a_call_proves(status: int, body: Any, verdict: Verdict) -> None:
    outcomes = of_answer(httpx.Response(status, content=b"" if body is None else json.dumps(body)), 3)
    assert [outcome.verdict for outcome in outcomes] == [verdict] * 3
    assert "@" not in outcomes[0].code


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (httpx.ConnectError, Verdict.UNREACHED),
        (httpx.ConnectTimeout, Verdict.UNREACHED),
        (httpx.PoolTimeout, Verdict.UNREACHED),
        (httpx.ProxyError, Verdict.UNREACHED),
        (httpx.WriteTimeout, Verdict.RETRY),
        (httpx.WriteError, Verdict.UNCERTAIN),
        (httpx.ReadTimeout, Verdict.UNCERTAIN),
        (httpx.ReadError, Verdict.UNCERTAIN),
        (httpx.RemoteProtocolError, Verdict.UNCERTAIN),
        (httpx.DecodingError, Verdict.UNCERTAIN),
    ],
)
def test_what_a_lost_call_proves(error: type[httpx.HTTPError], verdict: Verdict) -> None:
    assert TABLE.of_exception(error("x")).verdict is verdict


@pytest.mark.parametrize(
    "fault", ["reset-after", "close-after", "timeout-after", "500-after", "503-after", "truncated-after",
              "empty-after", "short-after", "reset-before", "500-before"],
)  # fmt: skip
def test_what_may_have_been_taken_is_never_sent_again_by_itself(
    postmark: PostmarkServer, config: Config, sqlite: Database, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = module.make_client
    monkeypatch.setattr(module, "make_client", lambda **more: made(**more, seconds=0.4))
    postmark.account.faults = [fault] * 3
    add_people(sqlite, 20)
    for _ in range(2):
        sent = send(config, sqlite, make_letter())
        assert sent.account.uncertain + sent.account.submitted == 20
        assert sent.account.uncertain > 0
    assert max(postmark.account.copies().values(), default=0) <= 1


def test_what_is_proved_not_taken_is_sent_in_the_end(
    postmark: PostmarkServer, config: Config, sqlite: Database
) -> None:
    postmark.account.faults = ["429-before", "429-before"]
    add_people(sqlite, 30)
    sent = send(config, sqlite, make_letter())
    assert (sent.account.submitted, sent.exit_status) == (30, 0)
    assert postmark.account.copies().most_common(1)[0][1] == 1


def test_a_mailing_of_hundreds_reaches_each_once(
    postmark: PostmarkServer, config: Config, sqlite: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    add_people(sqlite, 700)
    postmark.account.codes = {"reader5@example.com": 406, "reader6@example.com": 300}
    sent = send(config, sqlite, make_letter())
    account = sent.account
    assert (account.audience, account.submitted, account.rejected, account.uncertain) == (700, 698, 2, 0)
    assert postmark.account.copies() == {f"reader{n}@example.com": 1 for n in range(700) if n not in {5, 6}}
    with sqlite.connect() as connection:
        ids = set(connection.execute(select(recipients.c.message_id)).scalars())
        reasons = set(connection.execute(select(recipients.c.reason)).scalars())
    assert ids - {None} == {message["MessageID"] for message in postmark.account.accepted}
    assert "@" not in str(reasons)
    assert TOKEN not in caplog.text
    assert "@example.com" not in caplog.text
    assert send(config, sqlite, make_letter()).account == account
    assert len(postmark.account.accepted) == 698


@pytest.mark.parametrize(
    ("refuse", "says"),
    [
        ((422, {"ErrorCode": 405, "Message": "out of credits"}), "credits"),
        ((422, {"ErrorCode": 412, "Message": "pending approval"}), "approved"),
        ((422, {"ErrorCode": 400, "Message": "no signature"}), "confirmed the sender"),
        ((413, None), "http-413"),
    ],
)
def test_an_account_that_may_not_send_ends_the_run_with_everybody_pending(
    postmark: PostmarkServer, config: Config, sqlite: Database, refuse: Any, says: str
) -> None:
    postmark.account.refuse = refuse
    add_people(sqlite, 20)
    sent: Sent = send(config, sqlite, make_letter())
    assert (sent.ending, sent.account.pending, sent.exit_status) == (Ending.PROVIDER, 20, 2)
    assert says in explain(sent, open_provider(config))[0]


def test_a_postmark_that_is_not_there_ends_before_anything_is_claimed(
    postmark: PostmarkServer, config: Config, sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_people(sqlite, 3)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        monkeypatch.setenv("PUBLISHER_POSTMARK_URL", f"http://127.0.0.1:{probe.getsockname()[1]}")
    with pytest.raises(TransportError, match="ConnectError"):
        send(config, sqlite, make_letter())
    with sqlite.connect() as connection:
        assert mailings.newest(connection, SLUG) is None


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PUBLISHER_POSTMARK_TOKEN", "", "there is no token"),
        ("PUBLISHER_POSTMARK_TOKEN", "wrong", "refuses the token"),
        ("PUBLISHER_POSTMARK_TOKEN", "to\nken", "no token has"),
        ("PUBLISHER_POSTMARK_URL", "http://postmark.example/", "in the clear"),
        ("PUBLISHER_POSTMARK_URL", "http://[::1", "not a URL"),
        ("PUBLISHER_POSTMARK_URL", "https://[zz]/", "not a URL"),
        ("PUBLISHER_POSTMARK_URL", "https://postmark.example:port/", "not a URL"),
        ("PUBLISHER_POSTMARK_URL", "https://postmark.example/\x7f", "not a URL"),
        ("PUBLISHER_POSTMARK_URL", "api.example", "not a URL"),
    ],
)
def test_what_cannot_send_is_reported_before_anything_is_claimed(
    postmark: PostmarkServer, config: Config, sqlite: Database, monkeypatch: pytest.MonkeyPatch,
    name: str, value: str, says: str,
) -> None:  # fmt: skip
    monkeypatch.setenv(name, value)
    add_people(sqlite, 3)
    with pytest.raises(TransportError, match=says) as caught:
        send(config, sqlite, make_letter())
    assert caught.value.help
    assert not value or value not in str(caught.value)
    with sqlite.connect() as connection:
        assert mailings.newest(connection, SLUG) is None


@pytest.mark.parametrize(("status", "body"), [(401, ""), (422, '{"ErrorCode": 10}')])
def test_a_token_that_is_refused_is_reported_whether_by_status_or_by_code(status: int, body: str) -> None:
    answers = httpx.MockTransport(lambda _: httpx.Response(status, content=body))
    client = httpx.Client(transport=answers, base_url="https://api.example")
    with client, pytest.raises(ServiceError, match="Postmark refuses the token"):
        ask(client, "GET", "/server", "the server cannot be asked")


def test_a_stream_that_is_unknown_or_archived_is_reported(postmark: PostmarkServer, config: Config) -> None:
    postmark.account.stream["ArchivedAt"] = "2026-01-01T00:00:00Z"
    with pytest.raises(TransportError, match="is archived"):
        opened(config)
    postmark.account.stream["ID"] = "another"
    with pytest.raises(TransportError, match="broadcast cannot be used") as caught:
        opened(config)
    assert "delivery.postmark.stream" in str(caught.value.help)


def test_whoever_manages_unsubscribing_is_told(postmark: PostmarkServer, config: Config) -> None:
    postmark.account.stream["SubscriptionManagementConfiguration"] = {"UnsubscribeHandlingType": "Postmark"}
    assert "own unsubscribe link" in open_transport(config).open(compose(config, make_letter())).note


def test_a_test_message_goes_alone(postmark: PostmarkServer, config: Config) -> None:
    assert send_test(config, make_letter(), ["ann@example.com", "ben@example.com"]) == []
    assert [message["Subject"][:6] for message in postmark.account.accepted] == ["[test]"] * 2
    assert postmark.account.batches == [1, 1]


def test_suppressions_go_both_ways(postmark: PostmarkServer, config: Config, sqlite: Database) -> None:
    from publisher.audience.suppressions import Reason, all_suppressions, suppress

    postmark.account.suppressed = {"dead@example.com": "HardBounce", "no address": "SpamComplaint"}
    theirs = open_provider(config).suppression_list()
    assert theirs is not None
    assert theirs.pull(sqlite, "Postmark") == (2, 1)
    with sqlite.begin() as connection:
        for number in range(60):
            suppress(connection, f"r{number}@example.com", Reason.BOUNCE)
        suppress(connection, "manual@example.com", Reason.MANUAL)
        assert {s.detail for s in all_suppressions(connection) if s.reason is Reason.PROVIDER} == {
            "Postmark: HardBounce"
        }
    assert theirs.push(sqlite) == 60
    assert "manual@example.com" not in postmark.account.suppressed
    assert postmark.account.suppressed["r59@example.com"] == "ManualSuppression"


HOOK = {"Url": "https://user:pw@letters.example.com/webhooks/postmark",
        "Triggers": {kind: {"Enabled": True} for kind in ("Bounce", "SpamComplaint", "Delivery", "SubscriptionChange")}
        }  # fmt: skip

WRONG: list[tuple[str, str, Any, str, str]] = [
    ("token", "server", {"DeliveryType": "Sandbox"}, "fault", "sandbox"),
    ("stream", "stream", {"ID": "broadcast", "MessageStreamType": "Transactional"}, "fault", "Transactional"),
    ("stream", "stream", {"ID": "broadcast", "ArchivedAt": "2026"}, "fault", "archived"),
    ("stream", "stream", {"ID": "broadcast", "MessageStreamType": "Broadcasts"}, "warning", "own unsubscribe link"),
    ("stream", "stream", {"ID": "other"}, "fault", "not found"),
    ("identity", "domains", [{"Name": "news.example.com", "DKIMVerified": False}], "fault", "not verified"),
    ("identity", "domains", [], "fault", "knows neither"),
    ("events", "webhooks", [], "fault", "no webhook of ours"),
    ("events", "webhooks", [HOOK | {"Triggers": {"Delivery": {"Enabled": True}}}], "fault", "Bounce and no Spam"),
    ("events", "webhooks",
     [HOOK | {"Triggers": {"Bounce": {"Enabled": True}, "SpamComplaint": {"Enabled": True}}}], "warning", "Delivery"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "key", "value", "level", "says"), WRONG, ids=[f"{w[0]} {w[4]}" for w in WRONG])
def test_the_doctor_says_what_is_wrong(
    postmark: PostmarkServer, config: Config, monkeypatch: pytest.MonkeyPatch,
    name: str, key: str, value: Any, level: str, says: str,
) -> None:  # fmt: skip
    from publisher.publishing.doctor import examine
    from publisher.publishing.doctor.questions import Probes

    monkeypatch.setenv("PUBLISHER_POSTMARK_ACCOUNT_TOKEN", ACCOUNT_TOKEN)
    monkeypatch.setenv("PUBLISHER_POSTMARK_WEBHOOK", "user:pw")
    asked = {"token", "stream", "identity", "events", "spf"}
    postmark.account.webhooks = [HOOK]
    before = {finding.check: finding for finding in examine(Probes(config), asked)}
    assert {n: f.level.value for n, f in before.items() if n in asked} == dict.fromkeys(asked, "ok") | {
        "spf": "skipped"
    }
    setattr(postmark.account, key, value)
    found = {finding.check: finding for finding in examine(Probes(config), {name})}[name]
    assert (found.level.value, says in found.message) == (level, True), found


def hook(*kinds: str, url: str = HOOK["Url"], **more: dict[str, Any]) -> dict[str, Any]:
    return {"Url": url, "Triggers": {kind: {"Enabled": True} for kind in kinds} | more}


EVERY = ("Bounce", "SpamComplaint", "Delivery", "SubscriptionChange")
ADD_HOOK = "add https://letters.example.com/webhooks/postmark to the stream, for all kinds but Open and Click"
SENDER = {"EmailAddress": "Weekly@news.example.com", "Confirmed": True}
SAYS: list[tuple[str, dict[str, Any], str, str, str | None]] = [
    ("token", {}, "ok", "the token is that of the server Weekly", None),
    ("token", {"server": {"DeliveryType": "Sandbox"}}, "fault", "the token is a sandbox server's: nobody gets mail",
     "use a live server's token"),
    ("stream", {}, "ok", "broadcast takes broadcasts, with our own unsubscribe link", None),
    ("identity", {}, "ok", "messages are signed as news.example.com", None),
    ("identity", {"domains": [{"Name": "example.com", "DKIMVerified": True}], "senders": [SENDER]}, "warning",
     "the sender's address is confirmed, its domain is not", "add the domain as well"),
    ("identity", {"domains": [], "senders": [SENDER | {"Confirmed": False}]}, "fault",
     "Postmark knows neither news.example.com nor the address of newsletter.from", "add the domain"),
    ("identity", {"domains": [], "senders": [SENDER | {"EmailAddress": "b@news.example.com"}]}, "fault",
     "Postmark knows neither news.example.com nor the address of newsletter.from", "add the domain"),
    ("identity", {"domains": [{"Name": "News.Example.com"}]}, "fault", "DKIM of news.example.com is not verified",
     "publish the records Postmark shows for it"),
    ("events", {}, "ok", "bounces, complaints and deliveries come back", None),
    ("events", {"webhooks": [hook(*EVERY[:2], url=HOOK["Url"] + "/"), hook(*EVERY[2:])]}, "ok",
     "bounces, complaints and deliveries come back", None),
    ("events", {"webhooks": [hook(*EVERY, url="https://other.example/hook"), {"Triggers": {}}]}, "fault",
     "the stream broadcast has no webhook of ours", ADD_HOOK),
    ("events", {"webhooks": [hook(*EVERY[:3], SubscriptionChange={"Enabled": False})]}, "warning",
     "the webhook does not report SubscriptionChange", ADD_HOOK),
    ("events", {"webhooks": [hook(*EVERY[1:])]}, "fault", "the webhook does not report Bounce", ADD_HOOK),
]  # fmt: skip


@pytest.mark.parametrize(("name", "changes", "level", "message", "advice"), SAYS)
def test_what_postmark_answers_is_reported_with_what_to_do(
    postmark: PostmarkServer, config: Config, monkeypatch: pytest.MonkeyPatch,
    name: str, changes: dict[str, Any], level: str, message: str, advice: str | None,
) -> None:  # fmt: skip
    from publisher.publishing.doctor import examine
    from publisher.publishing.doctor.questions import Probes

    monkeypatch.setenv("PUBLISHER_POSTMARK_ACCOUNT_TOKEN", ACCOUNT_TOKEN)
    monkeypatch.setenv("PUBLISHER_POSTMARK_WEBHOOK", "user:pw")
    postmark.account.webhooks = [HOOK]
    for key, value in changes.items():
        setattr(postmark.account, key, value)
    found = {finding.check: finding for finding in examine(Probes(config), {name})}[name]
    assert (found.level.value, found.message, found.help) == (level, message, advice)


def test_what_the_doctor_cannot_ask_postmark_is_said_with_what_to_set(
    postmark: PostmarkServer, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    from publisher.publishing.doctor import examine
    from publisher.publishing.doctor.questions import Probes

    monkeypatch.delenv("PUBLISHER_POSTMARK_ACCOUNT_TOKEN", raising=False)
    monkeypatch.delenv("PUBLISHER_POSTMARK_WEBHOOK", raising=False)
    postmark.account.webhooks = [HOOK]
    found = {finding.check: finding for finding in examine(Probes(config), {"identity", "events"})}
    assert (found["identity"].level.value, "PUBLISHER_POSTMARK_ACCOUNT_TOKEN" in found["identity"].message) == (
        "skipped", True
    )  # fmt: skip
    assert (found["events"].level.value, found["events"].help) == (
        "warning", "set PUBLISHER_POSTMARK_WEBHOOK=user:password where publisher serve runs"
    )  # fmt: skip


def test_the_list_in_use_is_postmark_s_and_needs_its_token(
    postmark: PostmarkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.yaml").write_text(
        "newsletter: {name: n, url: 'https://n.example.org.uk/', from: a@n.example.org.uk, postal_address: x}\n"
        "delivery: {transport: postmark}\nservice: {url: 'https://letters.n.example.org.uk/'}\n"
    )
    ran = CliRunner().invoke(application(), ["--root", str(tmp_path), "suppressions", "pull"])
    assert (ran.exit_code, "on the list of Postmark" in ran.output) == (0, True), ran.output
    monkeypatch.delenv("PUBLISHER_POSTMARK_TOKEN")
    ran = CliRunner().invoke(application(), ["--root", str(tmp_path), "suppressions", "pull"])
    assert (type(ran.exception).__name__, "no token" in str(ran.exception)) == ("TransportError", True)
