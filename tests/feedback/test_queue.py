"""SNS → SQS → ``events pull`` over real HTTP, against moto; processes die at the worst moments."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from publisher.delivery.mailings import Mailing
from publisher.feedback.apply import Applier
from publisher.feedback.intake import take_in
from tests import warm
from tests.feedback import shapes
from tests.feedback.conftest import Room, uncertain
from tests.feedback.test_commands import CONFIG, environment, run

ANN, BEN = "ann@example.com", "ben@example.org"
REGION = "eu-west-1"


@dataclass
class Aws:
    """moto's SNS and SQS: a topic that delivers to a queue."""

    url: str
    queue: str
    topic: str
    sns: Any
    sqs: Any

    def publish(self, line: str) -> None:
        self.sns.publish(TopicArn=self.topic, Message=line)

    def count(self, name: str = "ApproximateNumberOfMessages") -> int:
        answer = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=[name])
        return int(answer["Attributes"][name])

    def let_time_pass(self) -> None:
        """End every visibility time-out, as two minutes would."""
        from moto.sqs.models import sqs_backends

        name = self.queue.rpartition("/")[2]
        for message in sqs_backends["123456789012"][REGION].queues[name]._messages:
            message.change_visibility(0)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    from moto.server import ThreadedMotoServer
    from moto.sqs.models import SQSBackend

    # moto looks whether a message is visible, and hides it, in two steps: of two calls at once, which a pull makes,
    # both may get it. SQS does that rarely, and the counts below would tell it as one event more.
    receive, one_at_a_time = SQSBackend.receive_message, threading.Lock()

    def alone(self: SQSBackend, name: str, count: int, wait: int, *more: Any, **others: Any) -> Any:
        deadline = time.monotonic() + wait
        while True:
            with one_at_a_time:
                found = receive(self, name, count, 0, *more, **others)
            if found or time.monotonic() >= deadline:
                return found
            time.sleep(0.05)

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(SQSBackend, "receive_message", alone)
        yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(server: str, request: pytest.FixtureRequest) -> Aws:
    """A topic and its queue, with raw delivery unless the test says ``wrapped``."""
    import boto3

    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": REGION, "endpoint_url": server}
    sns, sqs = boto3.client("sns", **keys), boto3.client("sqs", **keys)
    name = f"events-{time.monotonic_ns()}"
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=f"arn:aws:sqs:{REGION}:123456789012:{name}",
        Attributes={"RawMessageDelivery": str(getattr(request, "param", "raw") == "raw").lower()},
    )
    return Aws(server, queue, topic, sns, sqs)


def command(aws: Aws, endpoint: str | None = None) -> tuple[list[str], dict[str, str]]:
    variables = {
        "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL_SQS": endpoint or aws.url, "AWS_EC2_METADATA_DISABLED": "true",
    }  # fmt: skip
    return ["events", "pull", "--queue", aws.queue], variables


def start(room: Room, aws: Aws, endpoint: str | None = None) -> subprocess.Popen[bytes]:
    """A process that can be killed."""
    words, variables = command(aws, endpoint)
    return subprocess.Popen(
        [sys.executable, "-m", "publisher", *words], cwd=room.config.root, env=environment(**variables),
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


def pull(room: Room, aws: Aws) -> subprocess.CompletedProcess[str]:
    words, variables = command(aws)
    return warm.command(room.config.root, *words, environment=variables)


@pytest.fixture
def mailing(room: Room) -> Mailing:
    (room.config.root / "config.yaml").write_text(CONFIG)
    room.subscribe(ANN, BEN)
    mailing = room.freeze()
    room.send(mailing, uncertain)
    return mailing


def events(room: Room, mailing: Mailing) -> list[str]:
    a, b = room.recipients(mailing).values()
    return [
        shapes.event("Send", shapes.mail("m-a", ANN, recipient=a)),
        shapes.event("Delivery", shapes.mail("m-a", ANN, recipient=a), shapes.delivery(ANN)),
        shapes.event("Bounce", shapes.mail("m-b", BEN, recipient=b), shapes.bounce(BEN)),
    ]


def settled(room: Room) -> tuple[int, int, int, dict[str, str]]:
    account = room.account()
    return account.submitted, account.delivered, account.bounced, room.suppressed()


DONE = (2, 1, 1, {BEN: "bounce"})


@pytest.mark.parametrize("aws", ["raw", "wrapped"], indirect=True)
def test_events_come_through_sns_and_sqs_and_leave_the_queue(room: Room, aws: Aws, mailing: Mailing) -> None:
    for line in events(room, mailing) * 5:
        aws.publish(line)
    aws.publish("no event at all, of ann@example.com")
    ran = pull(room, aws)
    assert settled(room) == DONE
    assert (aws.count(), aws.count("ApproximateNumberOfMessagesNotVisible")) == (0, 0)
    assert "5 bounce, 5 delivery, 5 send" in ran.stdout
    assert (ran.returncode, "not JSON" in ran.stderr) == (1, True)
    assert ANN not in ran.stdout + ran.stderr
    with room.database.connect() as connection:
        from publisher.feedback.tables import feedback_events as e

        (raw,) = connection.execute(e.select().where(e.c.type == "unreadable")).mappings().all()
    assert raw["detail"] == "no event at all, of (address)" or "no event at all" in json.loads(raw["detail"])["Message"]


def test_a_message_that_nobody_understands_and_that_comes_twice_is_kept_once(room: Room) -> None:
    from publisher.feedback.tables import feedback_events as e

    for _ in range(2):  # SQS delivers at least once
        take_in(Applier(room.database, room.config), ["no event at all", "no event either"])
    with room.database.connect() as connection:
        assert len(connection.execute(e.select().where(e.c.type == "unreadable")).all()) == 2


def test_killed_between_receive_and_commit_nothing_is_lost(room: Room, aws: Aws, mailing: Mailing) -> None:
    for line in events(room, mailing):
        aws.publish(line)
    with room.database.begin():  # the writer's lock: what was received cannot be committed
        process = start(room, aws)
        deadline = time.monotonic() + 60
        while not aws.count("ApproximateNumberOfMessagesNotVisible") and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.2)
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert settled(room) == (0, 0, 0, {})
    aws.let_time_pass()
    assert aws.count() == 3
    assert pull(room, aws).returncode == 0
    assert settled(room) == DONE
    assert aws.count() == 0


class Reaper(BaseHTTPRequestHandler):
    """Passes requests on to moto, but at the first delete kills the process that asks."""

    upstream = ""
    victim: subprocess.Popen[bytes]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "Delete" in self.headers.get("X-Amz-Target", "") or b"Action=Delete" in body:
            type(self).victim.send_signal(signal.SIGKILL)
            type(self).victim.wait()
            return
        passed = {k: v for k, v in self.headers.items() if k.lower() not in {"host", "connection"}}
        with urllib.request.urlopen(urllib.request.Request(self.upstream, body, passed)) as answer:
            content = answer.read()
            self.send_response(answer.status)
            for name in ("Content-Type", "x-amzn-RequestId"):
                if answer.headers.get(name):
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None: ...


def test_killed_between_commit_and_delete_nothing_happens_twice(room: Room, aws: Aws, mailing: Mailing) -> None:
    for line in events(room, mailing):
        aws.publish(line)
    Reaper.upstream = aws.url
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Reaper)
    threading.Thread(target=proxy.serve_forever, args=(0.02,), daemon=True).start()
    Reaper.victim = start(room, aws, f"http://127.0.0.1:{proxy.server_port}")
    assert Reaper.victim.wait(timeout=60) == -signal.SIGKILL
    proxy.shutdown()
    assert settled(room) == DONE
    aws.let_time_pass()
    assert aws.count() == 3
    before = room.account()
    assert pull(room, aws).returncode == 0
    assert (room.account(), aws.count()) == (before, 0)


def test_a_queue_that_is_not_there_is_one_line(room: Room, server: str) -> None:
    missing = Aws(server, f"{server}/123456789012/missing", "", None, None)
    (room.config.root / "config.yaml").write_text(CONFIG)
    ran = pull(room, missing)
    assert (ran.returncode, "Traceback" in ran.stderr) == (2, False)
    assert "events_queue" in ran.stderr


def test_without_credentials_nothing_but_a_line(room: Room) -> None:
    (room.config.root / "config.yaml").write_text(CONFIG)
    ran = run(room, "events", "pull", "--queue", "https://sqs.eu-west-1.amazonaws.com/123456789012/q")
    assert ran.returncode == 2
    assert "credentials" in ran.stderr
