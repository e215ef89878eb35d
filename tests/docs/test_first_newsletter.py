"""docs/first-newsletter.md, typed unchanged on an empty machine: every command, every file, to the mail at SES."""

from __future__ import annotations

import http.client
import os
import re
import socket
import socketserver
import ssl
import subprocess
import sys
import sysconfig
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.publishing.test_doctor import Around, Dns
from tests.stubs.ses import Handler, SesServer

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "first-newsletter.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
DOMAIN = "weekly.test"
TODAY = datetime.now(UTC).date().isoformat()

# What DNS would do for this machine: both hosts are here, and so is the nameserver.
HOSTS = """
import os, socket
import dns.resolver
ask = socket.getaddrinfo
def here(host, port, *rest, **more):
    ours = isinstance(host, str) and host.endswith("weekly.test")
    return ask(*(("127.0.0.1", int(os.environ["HTTPS_PORT"])) if ours else (host, port)), *rest, **more)
socket.getaddrinfo = here
def nameserver(self, _file):
    self.nameservers, self.port = ["127.0.0.1"], int(os.environ["DNS_PORT"])
dns.resolver.Resolver.read_resolv_conf = nameserver
"""


def script() -> str:
    """The page as a shell script: commands as they are, files written where the page says, then their exit status."""
    lines = ["set -eu", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    for kind, path, text in BLOCK.findall(PAGE):
        mine = text.replace("example.com", DOMAIN).replace("2026-11-28", TODAY)
        if kind == "sh":
            lines += [f"echo '$ {line}'\n{line}" for line in mine.splitlines()]
        else:
            lines.append(f"test -d \"$(dirname {path})\"; cat > {path} <<'END'\n{mine}END")
    return "\n".join(lines).replace("publisher serve &", 'publisher serve --port "$LETTERS_PORT" &')


class Amazon(Handler):
    """SES as the sender meets it, and what the doctor asks of it: an identity, a configuration set."""

    around: Around

    def do_GET(self) -> None:  # noqa: N802 - http.server's name
        around = self.around
        known = {
            f"/v2/email/identities/news.{DOMAIN}": around.identity,
            "/v2/email/configuration-sets/newsletter": around.configuration_set,
            "/v2/email/configuration-sets/newsletter/event-destinations": {"EventDestinations": around.destinations},
        }
        if self.path in known:
            self._answer(200, known[self.path])
        elif self.path.startswith("/v2/email/identities/"):
            self._error(404, "NotFoundException", "")
        else:
            super().do_GET()


class WebServer(SimpleHTTPRequestHandler):
    """The page's Caddyfile: ``news`` is a folder, ``letters`` a program behind it."""

    archive: str
    letters: int

    def __init__(self, *words: Any) -> None:
        super().__init__(*words, directory=self.archive)

    def do_POST(self) -> None:
        assert self.headers["host"] == f"letters.{DOMAIN}"
        body = self.rfile.read(int(self.headers["content-length"]))
        answer = self._service(body)
        self.send_response(answer.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _service(self, body: bytes) -> http.client.HTTPResponse:
        for _ in range(600):  # it was started in the background, and may not be there yet
            try:
                service = http.client.HTTPConnection("127.0.0.1", self.letters)
                service.request("POST", self.path, body, {"content-type": self.headers["content-type"]})
                return service.getresponse()
            except ConnectionRefusedError:
                time.sleep(0.1)
        raise AssertionError("the readers' service did not begin")

    def log_message(self, *_words: Any) -> None:
        return


def certificate(folder: Path) -> Path:
    """A certificate for the domain's hosts, signed by itself, with its key: one PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    name, now = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DOMAIN)]), datetime.now(UTC)
    hosts = x509.SubjectAlternativeName([x509.DNSName(f"*.{DOMAIN}")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=90))
        .add_extension(hosts, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "tls.pem"
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[tuple[dict[str, str], SesServer]]:
    """The environment of an empty machine, and the SES it reaches."""
    home, hosts = tmp_path / "home", tmp_path / "hosts"
    home.mkdir()
    hosts.mkdir()
    (hosts / "sitecustomize.py").write_text(HOSTS)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "index"), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    around, tls = Around(), certificate(tmp_path)
    around.identity["MailFromAttributes"]["MailFromDomain"] = f"bounce.news.{DOMAIN}"
    around.names = {
        (name.replace("example.com", f"news.{DOMAIN}"), kind): text for (name, kind), text in around.names.items()
    }
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        letters = free.getsockname()[1]
    web_server = type("W", (WebServer,), {"archive": str(home / "my-newsletter/dist/live"), "letters": letters})
    https = ThreadingHTTPServer(("127.0.0.1", 0), web_server)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls)
    https.socket = context.wrap_socket(https.socket, server_side=True)
    names = socketserver.ThreadingUDPServer(("127.0.0.1", 0), type("D", (Dns,), {"around": around}))
    ses = SesServer()
    ses.RequestHandlerClass = type("A", (Amazon,), {"around": around})
    for server in (https, names, ses):
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield {
        "HOME": str(home), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8",
        "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path / "index"), "PIP_NO_DEPS": "1", "PIP_IGNORE_INSTALLED": "1",
        "PIP_NO_COMPILE": "1",  # each module is compiled when a command first needs it
        "PYTHONPATH": f"{hosts}:{sysconfig.get_path('purelib')}",  # the libraries; of publisher itself only the wheel
        "GIT_AUTHOR_NAME": "Ada", "GIT_AUTHOR_EMAIL": f"ada@{DOMAIN}",
        "GIT_COMMITTER_NAME": "Ada", "GIT_COMMITTER_EMAIL": f"ada@{DOMAIN}", "GIT_CONFIG_GLOBAL": os.devnull,
        "AWS_ENDPOINT_URL_SESV2": ses.url, "SSL_CERT_FILE": str(tls), "LETTERS_PORT": str(letters),
        "HTTPS_PORT": str(https.server_address[1]), "DNS_PORT": str(names.server_address[1]),
    }, ses  # fmt: skip
    for running in (https, names, ses):
        running.shutdown()
        running.server_close()


@pytest.mark.timeout(600)  # twenty commands, each a process, and an environment of its own
def test_the_page_leads_to_the_first_real_mail(machine: tuple[dict[str, str], SesServer], tmp_path: Path) -> None:
    environment, ses = machine
    done = subprocess.run(
        ["bash", "-c", script()], cwd=environment["HOME"], env=environment, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    tests = [message.to for message in ses.account.accepted if message.to.startswith("you@")]
    readers = sorted(message.to for message in ses.account.accepted if not message.to.startswith("you@"))
    assert tests == [f"you@{DOMAIN}"]
    assert readers == [f"ada@{DOMAIN}", f"grace@{DOMAIN}"]
    assert "first-issue: audience 2: 2 submitted" in said
    doctor = said[said.index("$ publisher doctor") : said.index("$ rm -r")]
    assert re.findall(r"^(?:fault|warning) .*$", doctor, re.MULTILINE) == []
    news = Path(environment["HOME"]) / "my-newsletter"
    assert (news / "dist/live/issues/first-issue/index.html").is_file()
    assert (news / ".github/workflows/newsletter.yml").is_file()
    tracked = subprocess.run(["git", "ls-files"], cwd=news, capture_output=True, text=True, check=True).stdout
    assert "issues/first-issue/issue.yaml" in tracked
    assert "readers.csv" not in tracked
    (line,) = re.findall(r"`\*/15 \* \* \* \* ([^`]+)`", PAGE)
    bare = {name: value for name, value in environment.items() if name != "PATH"} | {"PATH": os.defpath}
    cron = subprocess.run(
        ["sh", "-c", line], cwd=environment["HOME"], env=bare, capture_output=True, text=True, check=False
    )
    assert (cron.returncode, "1 issue mailed earlier" in cron.stdout) == (0, True), cron.stdout + cron.stderr


def test_every_file_of_the_page_has_a_name_and_every_command_stands_in_a_block() -> None:
    unnamed = [kind for kind, path, _ in BLOCK.findall(PAGE) if kind != "sh" and not path]
    assert unnamed == []
