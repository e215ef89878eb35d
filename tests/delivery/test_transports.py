"""One contract for all transports, and the specifics of each."""

from __future__ import annotations

import base64
import email
import email.policy
import json
import smtplib
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult
from hypothesis import given
from hypothesis import strategies as st

from publisher.config.model import Config
from publisher.edition.model import Slot, Slotted
from publisher.errors import TransportError
from publisher.mail.message import Envelope, compose
from publisher.providers import Transport, open_transport
from publisher.providers.outcomes import Verdict
from publisher.providers.ses.template import template_of
from publisher.providers.ses.transport import SesBulkTransport
from publisher.providers.smtp.transport import SmtpTransport
from publisher.testing import FakeTransport
from tests.delivery.world import SLUG, make_config, make_letter
from tests.stubs.ses import SesServer, substitute
from tests.stubs.smtp import Relay

URL = "https://letters.example.com/unsubscribe/abc~def.ghi"
VALUES = {Slot.UNSUBSCRIBE_URL: URL, Slot.PREFERENCES_URL: "https://l.example.com/p?a=1&b=2", Slot.GREETING: "<王>"}


def envelope(number: int, **changes: Any) -> Envelope:
    values = {"recipient": f"0a1b2c3d-{number}", "address": f"reader{number}@example.com", "unsubscribe_url": URL}
    return Envelope(**{"values": VALUES, **values, **changes})


class Inbox:
    """What a relay received; ``answers`` may refuse a recipient."""

    def __init__(self) -> None:
        self.messages: list[tuple[str, bytes]] = []
        self.answers: dict[str, str] = {}
        self.sessions: set[int] = set()

    async def handle_RCPT(self, server: SMTP, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        self.sessions.add(id(session))
        self.messages.append((envelope.rcpt_tos[0], envelope.content))
        return "250 2.0.0 Ok"


@contextmanager
def relay(**options: Any) -> Iterator[tuple[Inbox, int]]:
    inbox = Inbox()
    controller = Controller(inbox, hostname="127.0.0.1", port=0, **options)
    # aiosmtpd's trial connection goes to the port it was given: choose one for it
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        controller.port = probe.getsockname()[1]
    controller.start()
    try:
        yield inbox, controller.port
    finally:
        controller.stop()


Read = Callable[[], list[str]]


@pytest.fixture(params=["folder", "smtp", "ses", "ses-single", "postmark", "fake"])
def given_transport(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Transport, Read]]:
    """An opened transport, and how to read the addresses that it reached."""
    kind: str = request.param
    if kind == "folder":
        config = make_config(tmp_path)
        files = tmp_path / "outbox" / SLUG
        read = lambda: [email.message_from_bytes(p.read_bytes())["to"] for p in sorted(files.iterdir())]  # noqa: E731
        yield from opened(config, read)
    elif kind == "smtp":
        with relay() as (inbox, port):
            config = make_config(tmp_path, "smtp", smtp={"host": "127.0.0.1", "port": port})
            yield from opened(config, lambda: [to for to, _ in inbox.messages])
    elif kind == "fake":
        fake = FakeTransport()
        yield from opened(make_config(tmp_path), lambda: [message["To"] for message in fake.messages], fake)
    elif kind == "postmark":
        account = request.getfixturevalue("postmark").account
        yield from opened(make_config(tmp_path, kind), lambda: [message["To"] for message in account.accepted])
    else:
        server: SesServer = request.getfixturevalue("ses")()
        config = make_config(tmp_path, "ses", bulk=kind == "ses")
        yield from opened(config, lambda: [m.to for m in server.account.accepted])


def opened(config: Config, read: Read, fake: Transport | None = None) -> Iterator[tuple[Transport, Read]]:
    transport = fake or open_transport(config)
    transport.open(compose(config, make_letter()))
    yield transport, read
    transport.close()


def test_every_recipient_of_a_batch_gets_an_outcome_and_a_message(given_transport: tuple[Transport, Read]) -> None:
    transport, read = given_transport
    batch = [envelope(n) for n in range(1, transport.most + 1)]
    outcomes = transport.submit(batch)
    assert [o.verdict for o in outcomes] == [Verdict.SUBMITTED] * len(batch)
    assert sorted(read()) == sorted(e.address for e in batch)


def test_a_relay_is_given_as_many_at_once_as_it_takes_in_a_second(tmp_path: Path) -> None:
    with Relay() as slow:
        transport = open_transport(make_config(tmp_path, "smtp", smtp={"host": "127.0.0.1", "port": slow.port}))
        transport.open(compose(make_config(tmp_path), make_letter()))
        assert transport.most == 1  # nothing is known of it yet
        transport.submit([envelope(1)])
        assert transport.most > 1
        batch = [envelope(n) for n in range(2, transport.most + 2)]
        assert [o.verdict for o in transport.submit(batch)] == [Verdict.SUBMITTED] * len(batch)
        slow.seconds = 1.1
        transport.submit([envelope(30)])
        assert transport.most == 1
        transport.close()


def test_a_second_batch_goes_the_same_way(given_transport: tuple[Transport, Read]) -> None:
    transport, read = given_transport
    for number in (1, 2):
        assert [o.verdict for o in transport.submit([envelope(number)])] == [Verdict.SUBMITTED]
    assert len(read()) == 2


def test_the_quota_can_be_read_again(given_transport: tuple[Transport, Read]) -> None:
    transport, _ = given_transport
    assert not transport.quota().paused
    assert transport.most >= 1
    assert transport.parallel >= 1


def test_closing_twice_is_fine(given_transport: tuple[Transport, Read]) -> None:
    transport, _ = given_transport
    transport.close()
    transport.close()


def test_a_folder_that_cannot_be_written_sends_nothing(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("a file")
    config = make_config(tmp_path)
    with pytest.raises(TransportError, match="cannot be made"):
        open_transport(config).open(compose(config, make_letter()))


def test_written_messages_are_nobody_else_s_to_read(tmp_path: Path) -> None:
    """Each holds an address, and a link that unsubscribes."""
    transport = open_transport(make_config(tmp_path))
    transport.open(compose(make_config(tmp_path), make_letter()))
    transport.submit([envelope(1)])
    (message,) = tmp_path.rglob("*.eml")
    assert message.parent.stat().st_mode & 0o077 == 0


def test_a_message_that_could_not_be_written_whole_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config(tmp_path)
    transport = open_transport(config)
    transport.open(compose(config, make_letter()))

    def full(draft: str, target: Path) -> None:
        Path(draft).write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    (outcome,) = transport.submit([envelope(1)])
    assert outcome.verdict is Verdict.STOP
    assert list((tmp_path / "outbox" / SLUG).iterdir()) == []


def test_ses_in_bulk_gets_headers_tags_and_bodies_of_each_recipient(
    ses: Callable[..., SesServer], tmp_path: Path
) -> None:
    server = ses()
    config = make_config(tmp_path, "ses")
    transport = open_transport(config)
    transport.open(compose(config, make_letter()))
    transport.submit([envelope(1, attempt=3), envelope(2)])
    first = server.account.accepted[0]
    assert first.tags == {"mailing": "0a1b2c3d", "recipient": "0a1b2c3d-1", "attempt": "3"}
    assert first.content is not None
    headers = first.content["headers"]
    assert headers["List-Unsubscribe"] == f"<{URL}>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert headers["X-Publisher-Edition"].startswith("sha256:")
    assert first.content["Subject"] == "AI 周报|第一条;第二条"
    assert "正文<王>\n" in first.content["Text"]
    assert "正文&lt;王&gt;</p>" in first.content["Html"]
    assert "p?a=1&amp;b=2" in first.content["Html"]
    assert "=?utf-8?B?" in first.content["from"]
    assert server.account.calls == 1


def test_ses_in_bulk_gets_what_botocore_itself_would_write_signed(
    ses: Callable[..., SesServer], tmp_path: Path
) -> None:
    import boto3
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials

    server, given, sent = ses(), list[dict[str, Any]](), list[Any]()
    config = make_config(tmp_path, "ses")
    transport = open_transport(config)
    assert isinstance(transport, SesBulkTransport)
    transport.open(compose(config, make_letter(html=Slotted(("{{\\<p>“正文” \u2028\x1f", Slot.GREETING)))))
    ours, theirs = transport._client, boto3.Session().client("sesv2", region_name="eu-west-1")
    ours.meta.events.register_first("provide-client-params.sesv2", lambda params, **_: given.append(params))
    for client in (ours, theirs):
        client.meta.events.register("before-send.sesv2", lambda request, **_: sent.append(request))

    people = [envelope(1, attempt=3), envelope(2, address="王\ud800@example.com"), envelope(3)]
    outcomes = transport.submit(people)
    theirs.send_bulk_email(**given[0])  # which looks at every parameter first

    assert [outcome.verdict for outcome in outcomes] == [Verdict.SUBMITTED] * 3
    assert json.loads(sent[0].body) == json.loads(sent[1].body) == given[0]
    assert server.account.calls == 2
    request = AWSRequest(sent[0].method, sent[0].url, data=sent[0].body)
    for name in ("Content-Type", "X-Amz-Date"):
        request.headers[name] = sent[0].headers[name].decode()
    request.context["timestamp"] = request.headers["X-Amz-Date"]
    auth = SigV4Auth(Credentials("AKIDEXAMPLE", "secret"), "ses", "eu-west-1")
    signature = auth.signature(auth.string_to_sign(request, auth.canonical_request(request)), request)
    assert sent[0].headers["Authorization"].decode().endswith(f"Signature={signature}")


def test_ses_gets_the_whole_message_where_bulk_cannot_serve(ses: Callable[..., SesServer], tmp_path: Path) -> None:
    server = ses()
    config = make_config(tmp_path, "ses", bulk=False)
    transport = open_transport(config)
    transport.open(compose(config, make_letter()))
    transport.submit([envelope(1)])
    (accepted,) = server.account.accepted
    assert accepted.tags["recipient"] == "0a1b2c3d-1"
    assert accepted.content is not None
    raw = base64.b64decode(accepted.content["raw"])
    assert email.message_from_bytes(raw, policy=email.policy.default)["list-unsubscribe"] == f"<{URL}>"


BRACES = st.text(st.sampled_from("{}\\ ax#/!>&\"'^~-正"), max_size=24)


@given(parts=st.lists(st.one_of(BRACES, st.sampled_from(list(Slot))), max_size=6), subject=BRACES)
def test_any_text_survives_the_template_of_ses(parts: list[str | Slot], subject: str) -> None:
    text = Slotted(tuple(parts))
    template = template_of(make_letter(html=text, text=text), Slotted((subject,)))
    one = envelope(1, values=dict.fromkeys(Slot, "{{v}} & <v>"))
    data = json.loads(template.data(one))
    assert substitute(template.content["Subject"], data) == subject
    assert substitute(template.content["Text"], data) == text.with_values(one.text_values())
    assert substitute(template.content["Html"], data) == text.with_values(one.html_values())


def smtp(tmp_path: Path, port: int, **settings: Any) -> Transport:
    config = make_config(tmp_path, "smtp", smtp={"host": "127.0.0.1", "port": port, "timeout": 2, **settings})
    transport = open_transport(config)
    transport.open(compose(config, make_letter()))
    return transport


def test_one_connection_serves_many_messages(tmp_path: Path) -> None:
    with relay() as (inbox, port):
        transport = smtp(tmp_path, port)
        transport.submit([envelope(n) for n in range(5)])
        transport.submit([envelope(9)])
        transport.close()
    assert len(inbox.messages) == 6
    assert len(inbox.sessions) == 1


def test_a_message_waits_until_the_session_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with relay() as (inbox, port):
        transport = smtp(tmp_path, port)
        late = threading.Thread(target=transport.submit, args=([envelope(1)],))
        quit_ = smtplib.SMTP.quit

        def leave(session: smtplib.SMTP) -> tuple[int, bytes]:
            late.start()  # of the thread that nobody awaits
            late.join(0.3)
            assert not inbox.messages
            return quit_(session)

        monkeypatch.setattr(smtplib.SMTP, "quit", leave)
        transport.close()
        late.join()
        monkeypatch.undo()
        transport.close()
    assert len(inbox.messages) == 1


def test_the_final_dot_does_not_wait_for_the_acknowledgement_of_the_message(tmp_path: Path) -> None:
    """Linux delays that by 40 ms: at most 25 messages a second."""
    with relay() as (_, port):
        transport = smtp(tmp_path, port)
        assert isinstance(transport, SmtpTransport)
        assert transport._smtp
        assert transport._smtp.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        transport.close()


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        ("450 4.2.1 busy", Verdict.RETRY),
        ("451 4.3.0 try later", Verdict.RETRY),
        ("454 Throttling failure: Maximum sending rate exceeded.", Verdict.THROTTLED),
        ("454 Throttling failure: Daily message quota exceeded.", Verdict.LATER),
        ("550 5.1.1 no such user", Verdict.REJECTED),
        ("554 5.7.1 refused", Verdict.REFUSED),
    ],
)
def test_what_a_relay_answers_to_one_recipient_leaves_the_others_alone(
    tmp_path: Path, answer: str, verdict: Verdict
) -> None:
    with relay() as (inbox, port):
        inbox.answers["reader1@example.com"] = answer
        transport = smtp(tmp_path, port)
        outcomes = transport.submit([envelope(1), envelope(2)])
        transport.close()
    assert [o.verdict for o in outcomes] == [verdict, Verdict.SUBMITTED]
    assert [to for to, _ in inbox.messages] == ["reader2@example.com"]


@pytest.mark.parametrize(
    ("answer", "to_recipient", "to_message"),
    [
        ("451 4.3.0 try later", Verdict.RETRY, Verdict.RETRY),
        ("552 5.3.4 too big", Verdict.REJECTED, Verdict.REFUSED),
        # No code of RFC 5321: after the data nobody knows whether it was taken, and it is not sent again.
        ("399 perhaps", Verdict.RETRY, Verdict.UNCERTAIN),
        ("699 perhaps", Verdict.RETRY, Verdict.UNCERTAIN),
    ],
)
def test_what_a_relay_answers_to_a_message_is_weighed_by_what_it_has_of_it(
    tmp_path: Path, answer: str, to_recipient: Verdict, to_message: Verdict
) -> None:
    with relay() as (inbox, port):
        inbox.answers["reader1@example.com"] = answer
        taken = inbox.handle_DATA

        async def answers_once(server: SMTP, session: Any, envelope: Any) -> str:
            await taken(server, session, envelope)
            return answer if len(inbox.messages) == 1 else "250 2.0.0 Ok"

        inbox.handle_DATA = answers_once  # type: ignore[method-assign]
        transport = smtp(tmp_path, port)
        outcomes = transport.submit([envelope(1), envelope(2), envelope(3)])
        transport.close()
    assert [o.verdict for o in outcomes] == [to_recipient, to_message, Verdict.SUBMITTED]
    assert [to for to, _ in inbox.messages] == ["reader2@example.com", "reader3@example.com"]


def test_login_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (b"weekly", b"right"))

    monkeypatch.setenv("PUBLISHER_SMTP_USERNAME", "weekly")
    with relay(authenticator=check, auth_require_tls=False, auth_required=True) as (inbox, port):
        monkeypatch.setenv("PUBLISHER_SMTP_PASSWORD", "wrong")
        with pytest.raises(TransportError, match="refuses the login") as refusal:
            smtp(tmp_path, port)
        assert "wrong" not in str(refusal.value)
        monkeypatch.setenv("PUBLISHER_SMTP_PASSWORD", "right")
        assert smtp(tmp_path, port).submit([envelope(1)])[0].verdict is Verdict.SUBMITTED
    assert len(inbox.messages) == 1


def test_a_password_never_goes_over_an_open_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PUBLISHER_SMTP_USERNAME", "weekly")
    config = make_config(tmp_path, "smtp", smtp={"host": "relay.example.com", "port": 25})
    with pytest.raises(TransportError, match="in the clear"):
        open_transport(config).open(compose(config, make_letter()))


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_tls_is_asked_for_and_its_certificate_checked(tmp_path: Path, security: str) -> None:
    with relay() as (_, port), pytest.raises(TransportError, match=r"cannot be used|no TLS"):
        smtp(tmp_path, port, security=security)


class Misbehaving:
    """A relay on a bare socket that hangs up at a chosen moment, as often as ``times``, and counts what it took."""

    def __init__(self, at: str, times: int = 1) -> None:
        self.at, self.times, self.taken = at, times, 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._socket.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _hangs_up(self, moment: str) -> bool:
        if moment == self.at and self.times:
            self.times -= 1
            return True
        return False

    def _talk(self, client: socket.socket) -> None:
        file = client.makefile("rwb")

        def say(line: bytes) -> None:
            file.write(line + b"\r\n")
            file.flush()

        with client, file:
            say(b"220 hello")
            for line in file:
                verb = line[:4].upper().strip()
                if self._hangs_up(verb.decode()):
                    return
                if verb == b"DATA":
                    say(b"354 go on")
                    if self._hangs_up("body"):
                        client.shutdown(socket.SHUT_RD)
                        return
                    for text in file:
                        if text == b".\r\n":
                            break
                    self.taken += 1
                    if self._hangs_up("end"):
                        return
                    say(b"421 4.3.2 bye" if self._hangs_up("421") else b"250 ok")
                else:
                    say(b"250 ok")

    def close(self) -> None:
        self._socket.close()


@pytest.mark.parametrize(
    ("moment", "times", "verdict", "taken"),
    [
        ("MAIL", 1, Verdict.SUBMITTED, 1),  # an idle connection was closed: nothing had left, a new one serves
        ("MAIL", 9, Verdict.RETRY, 0),
        ("RCPT", 9, Verdict.RETRY, 0),
        ("DATA", 9, Verdict.RETRY, 0),
        ("end", 1, Verdict.UNCERTAIN, 1),  # taken, and the answer lost: never again by itself
        ("421", 1, Verdict.RETRY, 1),  # a 4xx after the data: the relay says that it did not take it
    ],
)
def test_a_dropped_connection_is_uncertain_only_once_the_message_has_left(
    tmp_path: Path, moment: str, times: int, verdict: Verdict, taken: int
) -> None:
    server = Misbehaving(moment, times)
    transport = smtp(tmp_path, server.port)
    (outcome,) = transport.submit([envelope(1)])
    assert (outcome.verdict, server.taken) == (verdict, taken)
    if verdict is Verdict.UNCERTAIN:
        assert transport.submit([envelope(2)])[0].verdict is Verdict.SUBMITTED
    transport.close()
    server.close()


def test_a_relay_that_is_not_there_is_reported_plainly(tmp_path: Path) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(TransportError, match="connection refused"):
        smtp(tmp_path, port)
