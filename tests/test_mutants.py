"""``make mutants`` on a package of three functions: what is killed, what survives, what no test reaches."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools.mutants.sites import sites

ROOT = Path(__file__).resolve().parents[1]
CODE = '''
def grown(age):
    """Whether somebody is."""
    return age >= 18

def polite(name):
    return name + "!"

def alone():
    return [1]
'''
FROZEN = "import gc\n\ndef pytest_collection_finish():\n    gc.freeze()\n"  # as tests/conftest.py
TESTS = """
import pathlib, subprocess, sys
from publisher.delivery.people import grown, polite

def test_grown():
    assert grown(40) and not grown(4)

def test_that_is_disturbed_every_other_time():
    grown(40)
    with pathlib.Path("times").open("a+") as times:
        times.write("x")
        assert times.tell() % 2

def test_polite_in_a_process_of_its_own():
    polite("a")
    told = "from publisher.delivery.people import polite; import sys; sys.exit(polite('a') != 'a!')"
    assert subprocess.run([sys.executable, "-c", told]).returncode == 0
"""


def test_a_mutant_is_killed_by_the_tests_that_reach_it_in_whatever_process_and_a_seed_repeats(tmp_path: Path) -> None:
    files = {"publisher/delivery/people.py": CODE, "tests/delivery/test_people.py": TESTS, "tests/conftest.py": FROZEN}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    (tmp_path / "publisher/__init__.py").touch()
    (tmp_path / "pytest.ini").write_text("[pytest]\npythonpath = .\naddopts = --import-mode=importlib\n")
    shutil.copytree(ROOT / "tools" / "mutants", tmp_path / "tools" / "mutants")
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    words = ["--packages", "delivery", "--tests", "delivery", "--sample", "5"]
    runs = []
    for more in ([], ["--again"]):
        ran = subprocess.run(
            [sys.executable, "-m", "tools.mutants", *words, *more],
            cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        runs.append(sorted(line.partition(" ")[2] for line in ran.stdout.splitlines() if "(line" in line))
    module, by = "publisher/delivery/people.py", "tests/delivery/test_people.py::test_"
    alive = [
        f"reached by no test (line 10) {module}::alone#1: 1 → 2",
        f"reached by no test (line 10) {module}::alone#1: return [1] → return None",
        f"survived (line 4) {module}::grown#1: 18 → 19",
        f"survived (line 4) {module}::grown#1: age >= 18 → age > 18",
    ]
    dead = [
        f"killed by {by}grown (line 4) {module}::grown#1: return age >= 18 → return None",
        f"killed by {by}polite_in_a_process_of_its_own (line 7) {module}::polite#1: '!' → 'XX!'",
        f"killed by {by}polite_in_a_process_of_its_own (line 7) {module}::polite#1: return name + '!' → return None",
    ]
    assert set(runs[0]) <= {*alive, *dead}
    assert len(runs[0]) == 5
    assert runs[1] == [line for line in runs[0] if line in alive]
    assert (tmp_path / module).read_text(encoding="utf-8") == CODE


def test_operators_change_what_runs_and_leave_words_types_and_logs_alone() -> None:
    code = """
def f(a: int, b=True) -> "XX":
    "Words."
    log.info("seen", 1)
    if not a and b:
        raise ValueError("code")
    for one in a:
        g(one)
        continue
    b += 2
    return "two words"
"""
    found = [one.name.partition(": ")[2] for one in sites("m.py", ast.parse(code))]
    assert found == [
        "not a and b → not (not a and b)",
        "not a and b → not a or b",
        "not a → a",
        "raise ValueError('code') → pass",
        "g(one) → pass",
        "continue → pass",
        "b += 2 → pass",
        "b += 2 → b -= 2",
        "2 → 3",
    ]
