"""Which tests reach which block of statements: they run once while every block of a copy of the tree reports itself.

Results of a test are kept in ``dist/mutants`` until its file changes.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
from collections import defaultdict
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tools.mutants.sites import blocks, modules

Watched = Callable[[dict[Path, ast.Module]], AbstractContextManager[None]]


def reach(session: pytest.Session, kept: Path, watched: Watched) -> dict[str, list[tuple[pytest.Item, float]]]:
    """For each block the tests that reach it and pass, and the seconds they take, the quickest first."""
    from tools.mutants.session import child, run

    known = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
    items = {item.nodeid: item for item in session.items}
    keys = {file: hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in {_file(name) for name in items}}
    for number, (file, key) in enumerate(sorted(keys.items()), 1):
        before = known[file]["tests"] if known.get(file, {}).get("key") == key else {}
        todo = [item for name, item in items.items() if _file(name) == file and name not in before]
        if not todo:
            continue
        log = Path(os.environ["MUTANTS_LOG"])
        log.write_text("", encoding="utf-8")
        with watched(_reporting()):
            child(lambda: run(todo, _note), 1800)  # noqa: B023 - awaited
        tests: dict[str, tuple[list[float], list[str]]] = defaultdict(lambda: ([], []))
        for line in log.read_text(encoding="utf-8").splitlines():
            what, test, value = line.split("\t")
            if what == "reached":
                tests[test][1].append(value)
            elif what == "passed":
                tests[test][0].append(float(value))
        known[file] = {"key": key, "tests": before | {t: [s[0], b] for t, (s, b) in tests.items() if s}}
        print(f"{number}/{len(keys)} {file}: {len(todo)} tests, {len(tests)} that pass or reach them", flush=True)
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps(known), encoding="utf-8")
    found: dict[str, list[tuple[pytest.Item, float]]] = defaultdict(list)
    of_all = [(seconds, test, names) for file in keys for test, (seconds, names) in known[file]["tests"].items()]
    for seconds, test, names in sorted(of_all):
        for name in names if test in items else ():
            found[name].append((items[test], seconds))
    return found


def _file(name: str) -> str:
    return name.partition("::")[0]


def _note(test: str, seconds: float, failed: bool) -> None:
    from tools.mutants.reporter import note

    note("failed" if failed else "passed", test, str(seconds))


def _reporting() -> dict[Path, ast.Module]:
    trees = {}
    for path in modules():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for name, body in list(blocks(str(path), tree)):
            call = ast.parse(f"__import__('tools.mutants.reporter', fromlist=['hit']).hit({name!r})")
            body[:0] = call.body
        trees[path] = tree
    return trees
