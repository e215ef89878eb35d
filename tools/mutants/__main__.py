"""``python -m tools.mutants``: a sample of mutants by seed, each in a copy, against the tests that reach it.

A mutant is killed when a test fails or takes far too long. Quick tests run first, for ``--seconds`` of the time they
take without a mutant: a mutant that survives these counts as alive.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tools.mutants.sites import PACKAGES, modules, sites

TESTS = ["acceptance", "audience", "channels", "checks", "delivery", "edition", "feedback", "insights", "proofing"]
TESTS += ["publishing", "site", "web"]
LEFT_OUT = "not browser and not chaos and not node and not java and not spamassassin"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.mutants")
    parser.add_argument("--packages", nargs="+", default=PACKAGES, choices=PACKAGES)
    parser.add_argument("--modules", nargs="+", help="of these packages only these files")
    parser.add_argument("--sample", type=int, default=250, help="how many, over the packages by their size")
    parser.add_argument("--seed", default="1")
    parser.add_argument("--seconds", type=float, default=60, help="duration of the tests that a mutant has to bear")
    parser.add_argument("--again", action="store_true", help="instead of a sample, those that survived last time")
    parser.add_argument("--tests", nargs="+", default=TESTS, help="folders of tests")
    options = vars(parser.parse_args())
    kept = Path("dist/mutants").resolve()
    options |= {"kept": str(kept / "reach.json"), "survivors": str(kept / "survivors.json")}
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        home = Path(folder).resolve()
        (home / "tmp").mkdir()
        own = {"PYTHONPATH": "tree", "MUTANTS_LOG": "log", "TMPDIR": "tmp", "PYTEST_DEBUG_TEMPROOT": "tmp"}
        environment = os.environ | {name: str(home / path) for name, path in own.items()}
        environment |= {"PYTHONDONTWRITEBYTECODE": "1", "MUTANTS": json.dumps(options)}
        words = ["-s", "-q", "--timeout=120", "-p", "tools.mutants.session", "-m", LEFT_OUT]
        words += ["-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:cov", "-p", "no:terminalreporter"]
        words += [f"tests/{folder}" for folder in options["tests"]]
        done = subprocess.run([sys.executable, "-m", "pytest", *words], cwd=_copy(home / "tree"), env=environment)
    sys.exit(done.returncode)


def sample(options: dict[str, Any]) -> list[Any]:
    """``(package, path, tree, site)`` of each mutant to try."""
    found: dict[str, list[Any]] = {package: [] for package in options["packages"]}
    for path in modules():
        if (package := path.parts[1]) in found and str(path) in (options["modules"] or [str(path)]):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            found[package] += [(package, path, tree, site) for site in sites(str(path), tree)]
    if options["again"]:
        last = json.loads(Path(options["survivors"]).read_text(encoding="utf-8"))
        return [mutant for mutants in found.values() for mutant in mutants if mutant[3].name in last]
    share = min(1, options["sample"] / sum(map(len, found.values())))
    pick = {package: random.Random(f"{options['seed']} {package}").sample for package in found}
    return [
        mutant for package, mutants in found.items() for mutant in pick[package](mutants, round(share * len(mutants)))
    ]


def _copy(to: Path) -> Path:
    """The files of the tree; bytecode is validated by their text: two changes may share a second."""
    listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], capture_output=True, check=True)
    for name in filter(os.path.isfile, listed.stdout.decode().rstrip("\0").split("\0")):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(name, to / name)
    compiling = ["-m", "compileall", "-q", "--invalidation-mode", "checked-hash", "publisher", "tests"]
    subprocess.run([sys.executable, *compiling], cwd=to, check=True)
    return to


if __name__ == "__main__":
    main()
