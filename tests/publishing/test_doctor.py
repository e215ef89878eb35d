"""The doctor, asked of real servers on loopback: SES's API, DNS, the archive, the readers' service."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dns.message
import dns.rcode
import dns.rrset
import pytest

from publisher.config import load_config
from publisher.database import open_database
from publisher.errors import UsageError
from publisher.providers.provider import by_name
from publisher.providers.ses.doctor import QUESTIONS, SesAccount
from publisher.publishing.doctor import Finding, Level, examine
from publisher.publishing.doctor.questions import Probes
from tests.delivery.world import add_people, make_config

EVENTS = ["SEND", "DELIVERY", "BOUNCE", "COMPLAINT", "REJECT", "RENDERING_FAILURE"]


@dataclass
class Around:
    """What the world answers; a test changes a piece of it."""

    account: dict[str, Any] = field(default_factory=lambda: {
        "ProductionAccessEnabled": True, "SendingEnabled": True, "EnforcementStatus": "HEALTHY",
        "SendQuota": {"Max24HourSend": 50000.0, "MaxSendRate": 14.0, "SentLast24Hours": 10.0}})  # fmt: skip
    identity: dict[str, Any] = field(default_factory=lambda: {
        "VerifiedForSendingStatus": True,
        "DkimAttributes": {"Status": "SUCCESS", "SigningEnabled": True, "Tokens": ["t1", "t2", "t3"]},
        "MailFromAttributes": {"MailFromDomain": "bounce.example.com", "MailFromDomainStatus": "SUCCESS"}})  # fmt: skip
    configuration_set: dict[str, Any] = field(default_factory=lambda: {"SendingOptions": {"SendingEnabled": True}})
    destinations: list[dict[str, Any]] = field(
        default_factory=lambda: [{"Name": "p", "Enabled": True, "MatchingEventTypes": EVENTS}]
    )
    names: dict[tuple[str, str], list[str]] = field(default_factory=lambda: {
        ("bounce.example.com", "TXT"): ['"v=spf1 include:amazonses.com ~all"'],
        ("_dmarc.example.com", "TXT"): ['"v=DMARC1; p=quarantine; " "rua=mailto:d@example.com"']})  # fmt: skip
    known: str = "example.com"
    clock: timedelta = timedelta(0)
    zone: str = "GMT"
    archive: int = 200
    unsubscribe: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    posted: list[tuple[str, bytes]] = field(default_factory=list)
    url: str = ""
    nameserver: str = ""
    refusal: str = "NotFoundException"


class Http(BaseHTTPRequestHandler):
    around: Around

    def do_GET(self) -> None:
        path, around = self.path, self.around
        answers = {
            "/v2/email/account": around.account,
            f"/v2/email/identities/{around.known.replace('@', '%40')}": around.identity,
            "/v2/email/configuration-sets/newsletter": around.configuration_set,
            "/v2/email/configuration-sets/newsletter/event-destinations": {"EventDestinations": around.destinations},
        }
        if path == "/":
            self._say(around.archive, b"<html></html>")
        elif path in answers:
            self._say(200, json.dumps(answers[path]).encode())
        else:
            self._say(404, b'{"message": "none"}', {"x-amzn-ErrorType": around.refusal})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.around.posted.append((self.path, body))
        self._say(self.around.unsubscribe, b"", self.around.headers)

    def _say(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response_only(status)
        self.send_header(
            "Date", format(datetime.now(UTC) + self.around.clock, f"%a, %d %b %Y %H:%M:%S {self.around.zone}")
        )
        self.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        return


class Dns(socketserver.BaseRequestHandler):
    around: Around

    def handle(self) -> None:
        asked = dns.message.from_wire(self.request[0])
        answer = dns.message.make_response(asked)
        question = asked.question[0]
        kind = dns.rdatatype.to_text(question.rdtype)
        if found := self.around.names.get((question.name.to_text(omit_final_dot=True), kind)):
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
        self.request[1].sendto(answer.to_wire(), self.client_address)


@contextmanager
def serving(around: Around, names_by: type[Dns] = Dns) -> Iterator[None]:
    http = ThreadingHTTPServer(("127.0.0.1", 0), type("H", (Http,), {"around": around}))
    names = socketserver.ThreadingUDPServer(("127.0.0.1", 0), type("D", (names_by,), {"around": around}))
    around.url = f"http://127.0.0.1:{http.server_address[1]}/"
    around.nameserver = f"127.0.0.1:{names.server_address[1]}"
    for server in (http, names):
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield
    finally:
        for server in (http, names):
            server.shutdown()
            server.server_close()


@pytest.fixture
def around(monkeypatch: pytest.MonkeyPatch) -> Iterator[Around]:
    made = Around()
    for name, value in {"AWS_ACCESS_KEY_ID": "t", "AWS_SECRET_ACCESS_KEY": "t"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("PUBLISHER_DATABASE_URL", raising=False)
    with serving(made):
        monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", made.url)
        yield made


def ask(around: Around, root: Path, only: set[str] | None = None, **changes: str) -> dict[str, Finding]:
    lines = {
        "delivery": "{transport: ses, ses: {region: eu-west-1, configuration_set: newsletter, events_queue: q}}",
        "service": f"{{url: {around.url}}}",
        "url": around.url,
    } | changes
    (root / "config.yaml").write_text(
        f"newsletter: {{name: N, url: '{lines.pop('url')}', from: N <n@news.example.com>}}\n"
        + "".join(f"{name}: {value}\n" for name, value in lines.items()),
        encoding="utf-8",
    )
    found = examine(Probes(load_config(root), around.nameserver), only)
    return {finding.check: finding for finding in found}


def test_all_is_well(around: Around, tmp_path: Path) -> None:
    found = ask(around, tmp_path)
    wrong = {name: (f.level, f.message) for name, f in found.items() if f.level is not Level.OK}
    assert "placeholder" in wrong.pop("config")[1]  # no real newsletter's
    assert wrong == {}
    assert len(found) == 17


def test_a_server_s_time_without_a_zone_is_in_utc_and_a_host_that_is_none_does_not_answer(
    around: Around, tmp_path: Path
) -> None:
    around.zone = "-0000"
    assert ask(around, tmp_path, only={"archive"})["clock"].level is Level.OK
    found = ask(around, tmp_path, only={"archive"}, url="https://☃.example/")["archive"]
    assert (found.level, "does not answer" in found.message) == (Level.FAULT, True)


def test_the_one_click_post_is_one_and_means_nobody(around: Around, tmp_path: Path) -> None:
    ask(around, tmp_path)
    ((path, body),) = around.posted
    assert path.startswith("/unsubscribe/doctor")
    assert body == b"List-Unsubscribe=One-Click"


def test_the_readers_service_itself_takes_that_post(
    around: Around, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket
    import time

    import uvicorn

    from publisher.web.app import create_app
    from publisher.web.service import Service

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("PUBLISHER_SECRET_KEYS", "0123456789abcdef0123456789abcdef")
    url = f"{{url: 'http://127.0.0.1:{port}/'}}"
    assert ask(around, tmp_path, service=url)["unsubscribe"].level is Level.FAULT  # not there yet
    app = create_app(Service.open(load_config(tmp_path)))
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        assert ask(around, tmp_path, service=url)["unsubscribe"].level is Level.OK
        monkeypatch.setenv("PUBLISHER_SECRET_KEYS", "another-key-and-so-other-links")
        found = ask(around, tmp_path, service=url)["unsubscribe"]
        assert (found.level, "PUBLISHER_SECRET_KEYS" in (found.help or "")) == (Level.FAULT, True)
    finally:
        server.should_exit = True
        thread.join(timeout=10)


def put(around: Around, path: str, value: Any) -> None:
    name, *keys = path.split(".")
    if not keys:
        setattr(around, name, value)
        return
    at = getattr(around, name)
    for key in keys[:-1]:
        at = at[key]
    at[keys[-1]] = value


WRONG: list[tuple[str, str, Any, Level, str]] = [
    ("identity", "identity.VerifiedForSendingStatus", False, Level.FAULT, "not verified"),
    ("dkim", "identity.DkimAttributes.Status", "PENDING", Level.FAULT, "pending"),
    ("dkim", "identity.DkimAttributes.SigningEnabled", False, Level.FAULT, "switched off"),
    ("mail-from", "identity.MailFromAttributes", {}, Level.WARNING, "no custom MAIL FROM"),
    ("mail-from", "identity.MailFromAttributes.MailFromDomainStatus", "FAILED", Level.WARNING, "failed"),
    ("quota", "account.SendingEnabled", False, Level.FAULT, "paused"),
    ("quota", "account.EnforcementStatus", "PROBATION", Level.WARNING, "under review"),
    ("quota", "account.EnforcementStatus", "SHUTDOWN", Level.FAULT, "stopped"),
    ("sandbox", "account.ProductionAccessEnabled", False, Level.FAULT, "sandbox"),
    ("configuration-set", "configuration_set.SendingOptions", {"SendingEnabled": False}, Level.FAULT, "paused"),
    ("events", "destinations", [], Level.FAULT, "bounce and complaint"),
    ("events", "destinations", [{"Enabled": True, "MatchingEventTypes": ["BOUNCE", "COMPLAINT"]}], Level.WARNING,
     "uncertain"),
    ("events", "destinations", [{"Enabled": False, "MatchingEventTypes": EVENTS}], Level.FAULT, "bounce"),
    ("tracking", "destinations", [{"Enabled": True, "MatchingEventTypes": [*EVENTS, "OPEN"]}], Level.WARNING, "opens"),
    ("spf", "names", {}, Level.WARNING, "no SPF"),
    ("spf", "names", {("bounce.example.com", "TXT"): ['"v=spf1 a ~all"']}, Level.WARNING, "does not name SES"),
    ("spf", "names", {("bounce.example.com", "TXT"): ['"v=spf1 include:amazonses.com +all"']}, Level.FAULT, "anybody"),
    ("dmarc", "names", {}, Level.FAULT, "no DMARC"),
    ("dmarc", "names", {("_dmarc.example.com", "TXT"): ['"v=DMARC1; p=none"']}, Level.WARNING, "reports"),
    ("dmarc", "names", {("_dmarc.example.com", "TXT"): ['"v=DMARC1; p=none"', '"v=DMARC1; p=reject"']}, Level.FAULT,
     "2 records"),
    ("archive", "archive", 503, Level.FAULT, "answers 503"),
    ("unsubscribe", "unsubscribe", 302, Level.FAULT, "redirects"),
    ("unsubscribe", "unsubscribe", 404, Level.FAULT, "answers 404"),
    ("unsubscribe", "headers", {"set-cookie": "a=b"}, Level.WARNING, "cookie"),
    ("clock", "clock", timedelta(minutes=10), Level.FAULT, "behind"),
    ("clock", "clock", timedelta(minutes=-1), Level.WARNING, "ahead"),
]  # fmt: skip


@pytest.mark.parametrize(("check", "path", "value", "level", "says"), WRONG, ids=[f"{w[0]} {w[4]}" for w in WRONG])
def test_what_is_wrong_is_said_with_what_to_do(
    around: Around, tmp_path: Path, check: str, path: str, value: Any, level: Level, says: str
) -> None:
    if check == "unsubscribe" and value == 302:
        around.headers = {"location": "/elsewhere"}
    put(around, path, value)
    found = ask(around, tmp_path, only={check, "archive"} if check == "clock" else {check})[check]
    assert (found.level, says in found.message) == (level, True), found
    assert found.help


SENDS = "aws sesv2 put-configuration-set-sending-options --sending-enabled --configuration-set-name newsletter"
SES_SAYS: list[tuple[str, dict[str, Any], str, Level, str, str | None]] = [
    ("identity", {}, "q", Level.OK, "example.com is verified for sending", None),
    ("dkim", {}, "q", Level.OK, "messages are signed as example.com", None),
    ("dkim", {"identity.DkimAttributes": {"Status": "TEMPORARY_FAILURE", "Tokens": ["t1", "t2"]}}, "q", Level.FAULT,
     "DKIM of example.com is temporary failure",
     ("publish t1._domainkey.example.com CNAME t1.dkim.amazonses.com; "
     "t2._domainkey.example.com CNAME t2.dkim.amazonses.com")),
    ("dkim", {"identity.DkimAttributes": {"Status": "FAILED", "Tokens": ["t1"], "SigningHostedZone": "z.example"}}, "q",
     Level.FAULT, "DKIM of example.com is failed", "publish t1._domainkey.example.com CNAME t1.z.example"),
    ("dkim", {"identity.DkimAttributes": {}}, "q", Level.FAULT, "DKIM of example.com is not started",
     "aws sesv2 get-email-identity --email-identity example.com"),
    ("mail-from", {}, "q", Level.OK, "bounces come back to bounce.example.com", None),
    ("mail-from", {"identity.MailFromAttributes.MailFromDomainStatus": "PENDING"}, "q", Level.WARNING,
     "the MAIL FROM domain bounce.example.com is pending",
     "publish bounce.example.com MX 10 feedback-smtp.eu-west-1.amazonses.com"),
    ("quota", {}, "q", Level.OK, "14 a second, 49,990 of 50,000 left today", None),
    ("quota", {"account.SendQuota.Max24HourSend": -1.0}, "q", Level.OK, "14 a second, no daily limit", None),
    ("quota", {"account.SendQuota.Max24HourSend": 3.0, "account.SendQuota.SentLast24Hours": 1.0}, "q", Level.OK,
     "14 a second, 2 of 3 left today", None),
    ("quota", {"account.SendQuota.Max24HourSend": 2.0, "account.SendQuota.SentLast24Hours": 1.0}, "q", Level.WARNING,
     "3 readers, 14 a second, 1 of 2 left today: a mailing takes 2 days",
     "ask for a higher sending quota in Service Quotas (SES)"),
    ("quota", {"account": {}}, "q", Level.WARNING, "3 readers, 0 a second, 0 of 0 left today: a mailing takes 3 days",
     "ask for a higher sending quota in Service Quotas (SES)"),
    ("sandbox", {}, "q", Level.OK, "the account may mail anybody", None),
    ("configuration-set", {}, "q", Level.OK, "newsletter is there and sends", None),
    ("configuration-set", {"configuration_set": {}}, "q", Level.OK, "newsletter is there and sends", None),
    ("configuration-set", {"configuration_set.SendingOptions.SendingEnabled": False}, "q", Level.FAULT,
     "sending is paused for newsletter", SENDS),
    ("events", {}, "q", Level.OK, "bounces, complaints and deliveries come back", None),
    ("events", {}, "", Level.WARNING, "events are published, and nothing here reads them",
     "set delivery.ses.events_queue (for publisher events pull) or service.sns_topics in config.yaml"),
    ("tracking", {}, "q", Level.OK, "no opens, no clicks: links reach readers as they were written", None),
    ("tracking", {"destinations": [{"Enabled": True, "MatchingEventTypes": ["CLICK", "OPEN"]}]}, "q", Level.WARNING,
     "SES records clicks and opens: it rewrites links or adds a pixel, and messages are no longer what was built",
     "take OPEN and CLICK out of the event destination"),
    ("tracking", {"destinations": [{"Enabled": False, "MatchingEventTypes": ["CLICK", "OPEN"]}]}, "q", Level.OK,
     "no opens, no clicks: links reach readers as they were written", None),
]  # fmt: skip


@pytest.mark.parametrize(("check", "changes", "queue", "level", "message", "advice"), SES_SAYS)
def test_what_ses_answers_is_reported_with_its_numbers_and_what_to_type(
    around: Around, tmp_path: Path, check: str, changes: dict[str, Any], queue: str, level: Level, message: str,
    advice: str | None,
) -> None:  # fmt: skip
    for path, value in changes.items():
        put(around, path, value)
    with closing(open_database(make_config(tmp_path))) as database:
        add_people(database, 3)
    ses = f"{{region: eu-west-1, configuration_set: newsletter, events_queue: '{queue}'}}"
    found = ask(around, tmp_path, {check}, delivery=f"{{transport: ses, ses: {ses}}}")[check]
    assert (found.level, found.message, found.help) == (level, message, advice)


def test_without_a_configuration_set_there_is_one_fault_and_the_right_one(around: Around, tmp_path: Path) -> None:
    found = ask(
        around, tmp_path, {"configuration-set", "events", "tracking"},
        delivery="{transport: ses, ses: {region: eu-west-1, events_queue: q}}",
    )  # fmt: skip
    assert {name: one.level for name, one in found.items() if name != "clock"} == {
        "configuration-set": Level.FAULT, "events": Level.SKIPPED, "tracking": Level.SKIPPED
    }  # fmt: skip


def test_a_configuration_set_that_ses_does_not_know_and_a_wrong_key_say_what_to_do(
    around: Around, tmp_path: Path
) -> None:
    of = "{transport: ses, ses: {region: eu-west-1, configuration_set: other, events_queue: q}}"
    found = ask(around, tmp_path, {"configuration-set"}, delivery=of)["configuration-set"]
    assert (found.level, found.message) == (Level.FAULT, "SES knows no configuration set other")
    assert found.help == "aws sesv2 create-configuration-set --configuration-set-name other"
    around.refusal = "UnrecognizedClientException"  # as SES answers an access key that is none
    found = ask(around, tmp_path, {"configuration-set"}, delivery=of)["configuration-set"]
    assert "check AWS_ACCESS_KEY_ID" in str(found.help)


def test_a_sender_that_ses_knows_by_the_address_alone_or_not_at_all_is_reported(around: Around, tmp_path: Path) -> None:
    around.known = "n@news.example.com"
    assert ask(around, tmp_path, {"identity"})["identity"].message == "n@news.example.com is verified for sending"
    around.known = "com"
    found = ask(around, tmp_path, {"identity"})["identity"]
    assert (found.level, found.message, found.help) == (
        Level.FAULT, "SES knows neither news.example.com nor the address of newsletter.from",
        "aws sesv2 create-email-identity --email-identity news.example.com",
    )  # fmt: skip


def test_what_aws_refuses_is_said_in_its_words_without_an_address(
    around: Around, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore.exceptions import ClientError

    said = {"Error": {"Code": "400", "Message": "No such region for ann@example.com"}}

    def refuses(*_: Any, **__: Any) -> Any:
        raise ClientError(said, "GetAccount")  # type: ignore[arg-type]

    monkeypatch.setattr(SesAccount, "_ses", SimpleNamespace(get_account=refuses))
    message = ask(around, tmp_path, only={"quota"})["quota"].message
    assert message == "the SES account: 400: No such region for (address)"


def test_every_question_has_a_wrong_answer_in_the_table() -> None:
    assert {*by_name(QUESTIONS, None), "spf", "dmarc", "archive", "unsubscribe", "clock"} == {row[0] for row in WRONG}


def test_without_a_network_each_says_so_and_none_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "t")
    monkeypatch.setenv("AWS_ENDPOINT_URL_SESV2", "http://127.0.0.1:1/")
    for room in ("publishing.doctor.questions", "providers.ses.doctor"):
        monkeypatch.setattr(f"publisher.{room}.PATIENCE", 0.3)
    found = ask(Around(url="http://127.0.0.1:1/", nameserver="127.0.0.1:1"), tmp_path)
    for name, finding in found.items():
        here = name in {"database", "backup", "receivers"}
        assert finding.level is (Level.SKIPPED if name == "clock" else Level.OK if here else Level.FAULT)
    assert "does not answer" in found["archive"].message
    assert "DNS does not answer" in found["dmarc"].message
    assert "network" in found["dmarc"].help


@pytest.mark.parametrize(
    ("name", "record", "level", "message"),
    [
        ("news.example.com", "v=DMARC1; p=reject", Level.OK, "news.example.com: p=reject"),
        ("news.example.com", "v=DMARC1;p=Quarantine", Level.OK, "news.example.com: p=Quarantine"),
        ("news.example.com", "V=DMARC1; P=none; RUA=mailto:d@example.com", Level.OK, "news.example.com: p=none"),
        ("news.example.com", "v=DMARC1; p=reject; sp=none", Level.OK, "news.example.com: p=reject"),
        ("example.com", "v=DMARC1; p=none; sp=reject", Level.OK, "example.com: p=reject"),
        ("example.com", "v=DMARC1; p=reject; sp=none", Level.WARNING,
         "example.com: p=none and nobody reads the reports"),
        ("com", "v=DMARC1; p=reject", Level.FAULT,
         "news.example.com has no DMARC policy: Gmail and Yahoo refuse bulk mail without one"),
        ("example.com", "v=DMARC1; rua=mailto:d@example.com", Level.FAULT,
         "the DMARC record of example.com has no policy: v=DMARC1; rua=mailto:d@example.com"),
    ],
)  # fmt: skip
def test_the_policy_that_holds_for_the_sender_is_reported(
    around: Around, tmp_path: Path, name: str, record: str, level: Level, message: str
) -> None:
    around.names = {(f"_dmarc.{name}", "TXT"): [f'"{record}"']}
    found = ask(around, tmp_path, only={"dmarc"})["dmarc"]
    assert (found.level, found.message) == (level, message)


class Silent(Dns):
    def handle(self) -> None:
        return


class Refusing(Dns):
    def handle(self) -> None:
        answer = dns.message.make_response(dns.message.from_wire(self.request[0]))
        answer.set_rcode(dns.rcode.SERVFAIL)
        self.request[1].sendto(answer.to_wire(), self.client_address)


@pytest.mark.parametrize(
    ("server", "why"),
    [(Silent, "no server of it answered in time"), (Refusing, "NoNameservers")],
    ids=["silent", "refuses"],
)
def test_why_dns_does_not_answer_is_said(
    around: Around, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: type[Dns], why: str
) -> None:
    monkeypatch.setattr("publisher.publishing.doctor.questions.PATIENCE", 0.5)
    with serving(around, server):
        found = ask(around, tmp_path, only={"dmarc"})["dmarc"]
    assert (found.level, found.message) == (Level.FAULT, f"DNS does not answer for _dmarc.news.example.com: {why}")
    assert "--nameserver" in (found.help or "")


@pytest.mark.parametrize("odd", ["foo:bar", "127.0.0.1:x", "::1", "dns.example"])
def test_a_nameserver_that_is_no_address_is_refused_before_anything_is_asked(odd: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no address"):
        Probes(make_config(tmp_path), odd)


def test_with_the_folder_transport_what_mail_needs_is_skipped_with_the_reason(around: Around, tmp_path: Path) -> None:
    around.archive = 404
    found = ask(around, tmp_path, delivery="{transport: folder}")
    assert not by_name(QUESTIONS, None).keys() & found.keys()  # a provider that is not in use is not asked
    for name in ("spf", "dmarc"):
        assert (found[name].level, "folder" in found[name].message) == (Level.SKIPPED, True)
    assert found["archive"].level is Level.WARNING
    assert found["database"].level is Level.OK


def test_a_database_that_cannot_be_opened_is_a_line(around: Around, tmp_path: Path) -> None:
    found = ask(around, tmp_path, database="sqlite:////proc/nowhere/publisher.db")["database"]
    assert found.level is Level.FAULT
    assert found.help
