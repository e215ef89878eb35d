"""A newsletter with all around it: git, an S3 archive read over HTTP as readers do, SES, and the real command."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx

from tests.acceptance.conftest import Newsletter, Ran
from tests.stubs.ses import SesServer
from tests.warm import Zygote

from .conftest import Aws

ROOT = Path(__file__).resolve().parents[2]
SLUG = "2035-03-09-weekly"
PEOPLE = ("ann@example.com", "ben@example.com", "cy@example.com")


class Edge:
    """What CloudFront is to readers: ``/<bucket>/…`` of moto, folders rewritten, and able to lag behind."""

    def __init__(self, aws: Aws) -> None:
        self.stale: dict[str, bytes | None] = {}  # path → what it still answers (None: 404)
        self.s3 = aws.client("s3")
        edge = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                path = self.path + ("index.html" if self.path.endswith("/") else "")
                body = edge.stale[path] if path in edge.stale else edge._object(path)
                self.send_response(200 if body is not None else 404)
                self.end_headers()
                self.wfile.write(body or b"")

            def log_message(self, format: str, *args: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def _object(self, path: str) -> bytes | None:
        _, bucket, key = path.split("/", 2)
        try:
            return bytes(self.s3.get_object(Bucket=bucket, Key=unquote(key))["Body"].read())
        except self.s3.exceptions.ClientError:
            return None

    def __enter__(self) -> Edge:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def config(edge: str, bucket: str, more: str = "") -> str:
    """config.yaml: archive in that bucket, mail by SES."""
    return f"""\
newsletter:
  name: AI 周报
  language: zh-CN
  timezone: Asia/Shanghai
  url: {edge}/{bucket}/
  from: AI 周报 <weekly@news.weekly.test>
  postal_address: 上海市南京东路 1 号, 200001
service: {{url: https://letters.weekly.test/}}
delivery: {{transport: ses, ses: {{region: eu-west-1, configuration_set: newsletter}}}}
deploy: {{to: s3, bucket: {bucket}, region: eu-west-1, verify_timeout: 1s}}
{more}"""


@dataclass
class Newsroom:
    """A repository (``root``) whose archive and mail go to servers of the test."""

    root: Path
    aws: Aws
    ses: SesServer
    edge: Edge
    zygote: Zygote
    bucket: str = "archive"
    environment: dict[str, str] = field(default_factory=dict)

    def set_up(self, more: str = "") -> None:
        """An empty newsletter in git, with a bucket."""
        where = {"LocationConstraint": "eu-west-1"}
        self.s3.create_bucket(Bucket=self.bucket, CreateBucketConfiguration=where)
        self.environment = {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ENDPOINT_URL": self.aws.url,
            "AWS_ENDPOINT_URL_SESV2": self.ses.url,
        }
        self.newsletter.write("config.yaml", config(self.edge.url, self.bucket, more))
        self.newsletter.write(".gitignore", "dist\noutbox\n.publisher\npeople.csv\n")
        self.git("init", "-q", "-b", "main")
        self.commit("An empty newsletter")

    @property
    def s3(self) -> Any:
        """A client to the archive."""
        return self.edge.s3

    @property
    def newsletter(self) -> Newsletter:
        """For writing issues."""
        return Newsletter(self.root)

    def run(self, *words: str, **more: str) -> Ran:
        """The real command."""
        ran = self.zygote.run(self.root, *words, environment=self.environment | more)
        return Ran(ran["status"], ran["out"], ran["err"])

    def git(self, *words: str) -> str:
        """git in the repository."""
        return git(self.root, *words)

    def commit(self, message: str) -> str:
        """Commit everything; the commit."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def issue(self, slug: str = SLUG, head: str = "", body: str = "正文。", title: str = "一周") -> str:
        """A ready issue on disk."""
        date = slug[:10]
        self.newsletter.write(f"issues/{slug}/issue.yaml", f"title: {title}\ndate: {date}\nstatus: ready\n{head}")
        self.newsletter.write(f"issues/{slug}/a.md", f"---\nheadline: 甲 {slug}\n---\n{body}\n")
        return slug

    def subscribers(self, *addresses: str) -> None:
        """Import confirmed subscribers."""
        self.newsletter.write("people.csv", "email\n" + "".join(f"{a}\n" for a in addresses))
        assert self.run("subscribers", "import", "people.csv").status == 0

    def mailed(self) -> list[str]:
        """Whom SES accepted a message for, sorted, each as often as it did."""
        return sorted(message.to for message in self.ses.account.accepted)

    def page(self, slug: str = SLUG) -> str | None:
        """The page as a reader gets it."""
        answer = httpx.get(f"{self.edge.url}/{self.bucket}/issues/{slug}/")
        return answer.text if answer.status_code == 200 else None

    def puts(self) -> list[str]:
        """Keys put into the bucket since the last call, the deployer's own notes left out."""
        return [key for key in self.aws.puts() if key != ".publisher-deploy.json" and not key.endswith("/state.json")]


def git(root: Path, *words: str) -> str:
    """git with a name and a fixed idea of the world."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ("-c", "user.name=Editor", "-c", "user.email=editor@example.com", "-c", "init.defaultBranch=main")
    done = subprocess.run(["git", *who, *words], cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (words, done.stdout, done.stderr)
    return done.stdout.strip()


def digest_in(html: str) -> str:
    """The digest a page bears."""
    found = re.search(r'publisher:edition" content="(sha256:[0-9a-f]{64})', html)
    assert found
    return found[1]


HOOK = f"""\
#!/bin/sh
# A CI in ten lines: a branch is planned, main is published.
while read -r before after ref; do
  unset GIT_DIR GIT_QUARANTINE_PATH
  git clone -q --branch "${{ref#refs/heads/}}" "$PWD" "$CI_ROOT/$after" || exit 1
  cd "$CI_ROOT/$after" || exit 1
  export PYTHONPATH={ROOT} PUBLISHER_DATABASE_URL="sqlite:///$CI_ROOT/shared.db"
  if [ "$ref" = refs/heads/main ]; then
    {sys.executable} -m publisher publish > "$CI_ROOT/publish.log" 2>&1
  else
    {sys.executable} -m publisher plan --base origin/main --format markdown > "$CI_ROOT/plan.md" 2>> "$CI_ROOT/plan.err"
  fi
  echo $? > "$CI_ROOT/status"
done
"""
