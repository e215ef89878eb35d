"""Results that a test process computes once, because their inputs are the same in each test.

A command does each of these once, a process of the tests thousands of times: together half of its processor time.
"""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing
from functools import cache, partial
from pathlib import Path
from typing import Any

import botocore.session
import httpx._transports.default as httpx_transports
from botocore import retryhandler
from sqlalchemy import Connection, Engine, MetaData, event
from sqlalchemy.util import LRUCache

import publisher.database.engine
from publisher.config import Config
from publisher.edition import provenance
from publisher.edition.icon import icon_path
from publisher.proofing import manifest
from publisher.publishing import git
from publisher.site import pages

PACKAGE = str(Path(publisher.__file__).parent)


class _Compiled(LRUCache[Any, Any]):
    """SQL by its statement and the kind of its database, so that a second database compiles none again."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_of_kind(key), default)

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(_of_kind(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_of_kind(key), value)


def _of_kind(key: tuple[Any, ...]) -> tuple[Any, ...]:
    return key[0].name, *key[1:]


def _with(compiled: _Compiled, create_engine: Callable[..., Engine]) -> Callable[..., Engine]:
    def create(*words: Any, **options: Any) -> Engine:
        engine = create_engine(*words, **options)
        engine.update_execution_options(compiled_cache=compiled)
        return engine

    return create


def _written_once(create_all: Callable[..., None]) -> Callable[..., None]:
    """The statements that make all tables, as they were executed the first time."""
    written: dict[tuple[MetaData, str], list[str]] = {}

    def create(self: MetaData, bind: Connection, checkfirst: bool = True) -> None:
        if checkfirst:  # an upgrade: makes only what is not there
            create_all(self, bind)
            return
        kind = (self, bind.dialect.name)
        if kind in written:
            with closing(bind.connection.cursor()) as cursor:
                for statement in written[kind]:
                    cursor.execute(statement)
            return
        heard: list[str] = []

        def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
            heard.append(statement)

        event.listen(bind, "before_cursor_execute", hear)
        create_all(self, bind, checkfirst=False)
        event.remove(bind, "before_cursor_execute", hear)
        written[kind] = heard

    return create


def _unsynced(prepare: Callable[..., None]) -> Callable[..., None]:
    def prepared(connection: sqlite3.Connection, record: Any) -> None:
        prepare(connection, record)
        connection.execute("PRAGMA synchronous=OFF")

    return prepared


def _with_package(read: Callable[[Path], tuple[dict[str, manifest.Folder], Any, Any]]) -> Callable[[Path], Any]:
    """What is known of files, the package's own among them, as in any newsletter that was built before."""

    @cache
    def package() -> dict[str, manifest.Folder]:
        first = manifest.Manifest(Path(os.devnull))
        first.digest(PACKAGE, "__pycache__")
        return first._folders

    def known(file: Path) -> tuple[dict[str, manifest.Folder], Any, Any]:
        folders, *more = read(file)
        return (folders if os.fspath(file) == os.devnull else package() | folders), *more

    return known


def _seen_once(states: Callable[[str, str], dict[str, Any]]) -> Callable[[str, str], dict[str, Any]]:
    """The package's files do not change while the tests run."""
    package = partial(cache(states), PACKAGE)
    return lambda folder, skip: package(skip) if folder == PACKAGE else states(folder, skip)


def _drawn_once(draw: Callable[[Config, int], bytes]) -> Callable[[Config, int], bytes]:
    drawn: dict[str, bytes] = {}

    def once(config: Config, size: int) -> bytes:
        path = icon_path(config, size)  # has a hash of what it is drawn from
        if path not in drawn:
            drawn[path] = draw(config, size)
        return drawn[path]

    return once


def _outside(run_git: Callable[..., bytes]) -> Callable[..., bytes]:
    """What git says where no repository is: the same to every question. Elsewhere it is asked."""
    real = shutil.which("git")

    def run(root: Path, *arguments: str, **more: Any) -> bytes:
        if real is None or shutil.which("git") != real or "GIT_DIR" in os.environ or arguments[0] == "init":
            return run_git(root, *arguments, **more)
        place = Path(os.path.realpath(root))
        if not place.is_dir() or any((one / name).exists() for one in (place, *place.parents) for name in _OF_GIT):
            return run_git(root, *arguments, **more)
        said = b"fatal: not a git repository (or any of the parent directories): .git\n"
        raise subprocess.CalledProcessError(128, ["git", *arguments], b"", said)

    return run


_OF_GIT = (".git", "HEAD")
"""What a repository has: the folder of a checkout, or the file of one without."""


def be_thrifty() -> None:
    """Keep what each test would work out again."""
    # A run asks git seven times (3 ms each), of newsletters that are mostly in no repository.
    provenance.run_git = git.run_git = _outside(provenance.run_git)
    # Each client of httpx reads all certificates anew (20 ms), and all that is asked is on loopback.
    httpx_transports.create_ssl_context = cache(httpx_transports.create_ssl_context)
    # Between two tries boto3 waits for up to two seconds.
    retryhandler.delay_exponential = lambda base, growth_factor, attempts: 0.01
    # Each session of boto3 reads the descriptions of its services anew (0.1 s).
    botocore.session.create_loader = cache(botocore.session.create_loader)
    # Each newsletter has 450 files of the package read (15 ms), each run looks at them (3 ms), and at the versions of
    # libraries (3 ms).
    manifest._read = _with_package(manifest._read)
    manifest._states = _seen_once(manifest._states)
    importlib.metadata.version = cache(importlib.metadata.version)
    # Each newsletter has three icons drawn (25 ms), mostly of the same letter.
    pages.draw_icon = _drawn_once(pages.draw_icon)
    # Each database has its statements compiled anew (30 ms for a small mailing), and its tables described (10 ms).
    publisher.database.engine.create_engine = _with(_Compiled(2000), publisher.database.engine.create_engine)
    # Each commit waits for the disk (7 ms). A killed process, of which the tests have many, loses nothing without that.
    publisher.database.engine._prepare_sqlite = _unsynced(publisher.database.engine._prepare_sqlite)
    MetaData.create_all = _written_once(MetaData.create_all)  # type: ignore[method-assign]
