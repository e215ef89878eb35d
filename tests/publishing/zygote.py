"""A process that has everything imported and forks a child a command: real processes at a tenth of the price.

``python -m tests.publishing.zygote`` reads one JSON request a line: ``words``, ``cwd``, ``environment``, and ``kill``,
the number of the moment at which the child kills itself with SIGKILL. Moments are each side of every commit, of every
request to AWS that is no upload, and every step of a run; the answer names the one it came to.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Moments:
    """Counts moments; kills at the ``fatal`` one. Each is written down before it happens."""

    def __init__(self, fatal: int | None, log: Path) -> None:
        self.fatal, self.count = fatal, 0
        self.log = log.open("a", encoding="utf-8")

    def at(self, name: str) -> None:
        self.count += 1
        self.log.write(name + "\n")
        self.log.flush()
        if self.count == self.fatal:
            os.kill(os.getpid(), signal.SIGKILL)


def watch(moments: Moments) -> None:
    """Put a moment around all that others could see."""
    from botocore.httpsession import URLLib3Session
    from sqlalchemy.engine import Connection

    from publisher.publishing.context import Context

    commit, send, step = Connection._commit_impl, URLLib3Session.send, Context.step

    def _commit(self: Any) -> None:
        moments.at("before commit")
        commit(self)
        moments.at("after commit")

    def _send(self: Any, request: Any) -> Any:
        name = f"{request.method} {request.url.split('?')[0].split('/', 3)[-1]}"
        if request.method == "PUT" and ".publisher-deploy" not in name:
            return send(self, request)
        moments.at(f"before {name}")
        answer = send(self, request)
        moments.at(f"after {name}")
        return answer

    def _step(self: Any, which: Any, detail: str = "") -> None:
        moments.at(f"step {which} {detail}")
        step(self, which, detail)

    Connection._commit_impl, URLLib3Session.send, Context.step = _commit, _send, _step  # type: ignore[method-assign]


def child(request: dict[str, Any], out: Path, err: Path, log: Path) -> None:
    """Be the command."""
    for number, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), number)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    if request.get("watch"):
        watch(Moments(request.get("kill"), log))
    from publisher.cli.app import main

    sys.argv = ["publisher", *request["words"]]
    main()


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Fork, wait, report."""
    with tempfile.TemporaryDirectory() as folder:
        out, err, log = (Path(folder) / name for name in ("out", "err", "log"))
        for file in (out, err, log):
            file.touch()
        pid = os.fork()
        if pid == 0:
            _leave(lambda: child(request, out, err, log))
        _, status = os.waitpid(pid, 0)
        return {
            "status": os.waitstatus_to_exitcode(status),
            "out": out.read_text(encoding="utf-8"),
            "err": err.read_text(encoding="utf-8"),
            "moments": log.read_text(encoding="utf-8").splitlines(),
        }


def _leave(be: Callable[[], None]) -> None:
    status = 70
    try:
        be()
    except SystemExit as error:
        status = error.code if isinstance(error.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Warm up, then serve."""
    import boto3

    import publisher.cli.plan
    import publisher.cli.publishing
    import publisher.publishing.plan
    import publisher.publishing.verify  # noqa: F401

    for service in ("s3", "sesv2"):  # botocore's descriptions of a service take 0.2 s to read, once a session
        boto3.client(service, region_name="eu-west-1")
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
