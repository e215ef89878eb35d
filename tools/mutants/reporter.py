"""Called by each block of statements in the instrumented copy: records once per test that the block was reached."""

import os

_file = os.open(os.environ["MUTANTS_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
os.set_inheritable(_file, True)  # a process that looks whether it has opened anything (proofing/together.py) has not
_seen: set[str] = set()
_test = ""


def hit(block: str) -> None:
    """Note the block under the name of the test that pytest left in the environment."""
    global _test
    test = os.environ.get("PYTEST_CURRENT_TEST", "").rpartition(" (")[0]
    if test != _test:
        _seen.clear()
        _test = test
    if test and block not in _seen:
        _seen.add(block)
        note("reached", test, block)


def note(*words: str) -> None:
    """Append a line to the log atomically."""
    os.write(_file, ("\t".join(words) + "\n").encode())
