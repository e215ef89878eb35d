"""The files in ``deploy/`` work: the Lambda handler answers; the unit and the image name existing files."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"

SCRIPT = """
import json, sys
sys.path.insert(0, sys.argv[1])
import lambda_handler
from publisher.audience.tokens import Purpose
tokens = lambda_handler._service.tokens
def call(method, path, body=None, kind=None):
    headers = {"host": "letters.example.com", **({"content-type": kind} if kind else {})}
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "198.51.100.7", "userAgent": "test"}
    event = {"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": headers,
             "requestContext": {"http": http, "domainName": "x", "stage": "$default"}, "body": body,
             "isBase64Encoded": False}
    answer = lambda_handler.handler(event, None)
    return [answer["statusCode"], answer["headers"]["content-security-policy"][:18], answer["body"][:15]]
path = "/unsubscribe/" + tokens.url(Purpose.UNSUBSCRIBE, "nobody").rpartition("/")[2]
form = "application/x-www-form-urlencoded"
from publisher.audience.model import ConsentSource
from publisher.audience import store
database = lambda_handler._service.database
def who_left(**extra):
    with database.begin() as connection:
        name = f"r{len(extra)}{''.join(extra.values())[-1:]}@n.example"
        reader = store.add(connection, store_address(name), how=ConsentSource.COMMAND)
    link = "/unsubscribe/" + tokens.url(Purpose.UNSUBSCRIBE, reader.reference).rpartition("/")[2]
    event = {"version": "2.0", "routeKey": "$default", "rawPath": link, "rawQueryString": "",
             "headers": {"host": "x", **extra}, "body": "", "isBase64Encoded": False,
             "requestContext": {"http": {"method": "POST", "path": link, "protocol": "HTTP/1.1",
             "sourceIp": "198.51.100.7", "userAgent": "t"}, "domainName": "x", "stage": "$default"}}
    assert lambda_handler.handler(event, None)["statusCode"] == 200
    with database.connect() as connection:
        return store.history(connection, reader.id)[-1].evidence["address"]
from publisher.audience.address import read_address as store_address
right, wrong = {"x-publisher-origin": "a secret of the edge"}, {"x-publisher-origin": "another"}
viewer = {"x-publisher-viewer": "203.0.113.9"}
json_body = '{"email": "ann@n.example"}'
event_asks = call("POST", "/subscribe", json_body, "application/json")
posted = lambda_handler.handler({"publisher": "post"}, None)
from publisher.web import outbox
with database.connect() as connection:
    left = outbox.pending(connection)
print(json.dumps([who_left(**viewer, **right), who_left(**viewer, **wrong), who_left(**viewer), who_left(**right),
                  event_asks[0], posted, left]))
print(json.dumps([call("GET", "/subscribe"), call("POST", path, "List-Unsubscribe=One-Click", form), call("GET", "/x"),
                  call("GET", "/healthz")]))
"""


@pytest.mark.postgres
def test_the_lambda_handler_answers(tmp_path: Path, empty_postgres_url: str) -> None:
    (tmp_path / "config.yaml").write_text("newsletter: {name: n, url: 'https://n.example/', from: a@n.example}\n")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PUBLISHER_")} | {
        "PUBLISHER_DATABASE_URL": empty_postgres_url,
        "PUBLISHER_SECRET_KEYS": "a key that is long enough",
        "PUBLISHER_ROOT": str(tmp_path),
        "PUBLISHER_ORIGIN_SECRET": "a secret of the edge",
    }
    command = [sys.executable, "-c", SCRIPT, str(DEPLOY)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    policy = "default-src 'none'"
    edge, answers = map(json.loads, done.stdout.splitlines())
    assert edge == ["203.0.113.9", "198.51.100.7", "198.51.100.7", "198.51.100.7", 202, {}, 0]
    assert len(list((tmp_path / "outbox" / "confirm").iterdir())) == 1
    assert answers == [
        [200, policy, "<!DOCTYPE html>"],
        [200, policy, "unsubscribed\n"],
        [404, policy, "<!DOCTYPE html>"],
        [200, policy, "ok\n"],
    ]


def test_unit_and_image_call_commands_that_exist() -> None:
    unit = (DEPLOY / "publisher.service").read_text(encoding="utf-8")
    assert "serve --host 127.0.0.1 --port 8080" in unit
    (writable,) = re.findall("^ReadWritePaths=(.*)$", unit, re.MULTILINE)
    assert all(
        path.startswith("-") for path in writable.split()
    )  # without it systemd starts no unit where a path is not there
    image = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    root = DEPLOY.parent
    for line in image.splitlines():
        if line.startswith("COPY ") and "--from" not in line:
            assert all((root / name).exists() for name in line.split()[1:-1]), line
    assert '"serve", "--host", "0.0.0.0"' in image
