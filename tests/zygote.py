"""A process that has everything imported and forks a child a command: real processes in a tenth of the time.

``python -m tests.zygote`` reads one JSON request a line: ``words``, ``cwd``, ``environment``, ``terminal`` for the path
of one that is typed at, ``unprivileged`` for a child that may not read everything, and ``kill``, the number of the
moment at which the child kills itself with SIGKILL.
A moment lies before each thing that outlives the process: every commit, and every request to AWS that is no upload of a
page (tests of the deployment have those). What lies between two of them leaves no trace, so these are all the states a
death can leave. The answer names them.
"""

from __future__ import annotations

import ctypes
import gc
import importlib
import json
import os
import pkgutil
import signal
import sys
import tempfile
import threading
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any


class Moments:
    """Counts moments; kills at the ``fatal`` one. Each is written down before it happens."""

    def __init__(self, fatal: int | None, log: Path) -> None:
        self.fatal, self.count = fatal, 0
        self.log = log.open("a", encoding="utf-8")
        self._lock = threading.Lock()  # a commit and a call may come at once, from two threads

    def at(self, name: str) -> None:
        with self._lock:
            self.count += 1
            self.log.write(f"{self.count} {name}\n")
            self.log.flush()
            if self.count == self.fatal:
                os.kill(os.getpid(), signal.SIGKILL)


def watch(moments: Moments) -> None:
    """Put a moment around all that others could see."""
    from botocore.httpsession import URLLib3Session
    from sqlalchemy.engine import Connection

    commit, send = Connection._commit_impl, URLLib3Session.send

    def _commit(self: Any) -> None:
        if threading.current_thread().name != "publish lease":  # its signs of life come when they come
            moments.at("commit")
        commit(self)

    def _send(self: Any, request: Any) -> Any:
        name = f"{request.method} {request.url.split('?')[0].split('/', 3)[-1]}"
        if request.method != "PUT" or ".publisher-deploy" in name:
            moments.at(name)
        return send(self, request)

    Connection._commit_impl, URLLib3Session.send = _commit, _send  # type: ignore[method-assign]


def child(request: dict[str, Any], out: Path, err: Path, log: Path) -> None:
    """Be the command."""
    import boto3

    stdin = out.with_name("in")
    stdin.write_bytes(request.get("stdin", "").encode("utf-8", "surrogateescape"))
    os.dup2(os.open(request.get("terminal", stdin), os.O_RDONLY | os.O_NOCTTY), 0)
    for number, file in ((1, out), (2, err)):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), number)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - of the child, for its life
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["cwd"])
    if "AWS_ACCESS_KEY_ID" not in os.environ:
        boto3.DEFAULT_SESSION = None  # the warm one remembers the credentials it was made with
    if request.get("unprivileged"):
        give_up_privilege()
    if request.get("watch"):
        watch(Moments(request.get("kill"), log))
    from publisher.cli.app import main

    sys.argv = ["publisher", *request["words"]]
    main()


def give_up_privilege() -> None:
    """Root may read everything, so it gives that up (capabilities(7), DAC), here and in what is started from here."""
    libc, version = ctypes.CDLL(None), (ctypes.c_uint32 * 2)(0x20080522, 0)
    held = (ctypes.c_uint32 * 6)()  # effective, permitted and inheritable, twice
    libc.capget(version, held)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
        for kind in range(3):
            held[kind] &= ~(1 << capability)
    libc.capset(version, held)


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


def warm_up() -> None:
    """Import everything and compile the theme: publish a small newsletter into a folder, once."""
    import contextlib
    import io

    import httpx
    import typer.main

    import publisher
    from publisher.cli.app import application
    from publisher.config.plugins import CHANNELS, PROVIDERS, RULES, plugins
    from tests.acceptance.conftest import CONFIG, Newsletter
    from tests.thrift import be_thrifty

    importlib.import_module("apprise")  # a third of a second of each command that announces
    for module in pkgutil.walk_packages(publisher.__path__, "publisher."):
        if "__main__" not in module.name:
            importlib.import_module(module.name)
    be_thrifty()
    typer.main.get_command = cache(typer.main.get_command)  # of 52 commands, which a child would build again
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        small = Newsletter(Path(folder))
        small.write("config.yaml", CONFIG)
        small.issue()
        application()(["--root", str(small.root), "publish", "--unmailed", "all"], standalone_mode=False)
        httpx.Client().close()
    for group in (CHANNELS, PROVIDERS, RULES):
        plugins(group)


def main() -> None:
    """Warm up, then serve."""
    import boto3

    warm_up()
    for service in ("s3", "sesv2"):  # botocore's descriptions of a service take 0.2 s to read, once a session
        boto3.client(service, region_name="eu-west-1")
    gc.collect()
    gc.freeze()  # a child that looks for garbage would copy every page of this process
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
