"""How long checking and building one issue takes, in processor time, where a fragment fills one of its texts."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

from publisher.checks.engine import findings_across
from publisher.checks.fixes import plan_fixes
from publisher.config import load_config
from publisher.diagnostics import Diagnostic
from publisher.diagnostics.machines import render_github, render_json, render_sarif
from publisher.diagnostics.text import render_text
from publisher.issue import load
from publisher.proofing.proof import proofread
from tests.checks.corpus import SLUG, SOUND, Case, lay_out
from tests.growth.fragments import repeated

NAME = SLUG.rpartition("/")[2]
ITEM, ISSUE = f"{SLUG}/b.md", f"{SLUG}/issue.yaml"
HEAD = SOUND[ISSUE]
SIZE = 8_000
"""Bytes: enough that what grows with the square shows."""


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


SLOTS: dict[str, Callable[[str], tuple[str, str]]] = {
    "body": lambda text: (ITEM, f"---\nheadline: b\n---\n{text}\n"),
    "commentary": lambda text: (ITEM, f"---\nheadline: b\n---\nbody\n\n::: commentary\n{text}\n:::\n"),
    "literal": lambda text: (f"{SLUG}/b.yaml", f"headline: b\nbody: |\n{_indented(text)}\ncommentary: c\n"),
    "folded": lambda text: (f"{SLUG}/b.yaml", f"headline: b\nbody: >\n{_indented(text)}\n"),
    "quoted": lambda text: (f"{SLUG}/b.yaml", f"headline: b\nbody: {_quoted(text)}\n"),
    "plain": lambda text: (f"{SLUG}/b.yaml", f"headline: b\nbody: x{_indented(text)}\n"),
    "intro": lambda text: (ISSUE, f"{HEAD}intro: |\n{_indented(text)}\n"),
    "key_points": lambda text: (ISSUE, f"{HEAD}key_points:\n  - {_quoted(text)}\n"),
    "attribution": lambda text: (ISSUE, f"{HEAD}attribution: {_quoted(text)}\n"),
    "headline": lambda text: (ITEM, f"---\nheadline: {_quoted(text.replace(chr(10), ' '))}\n---\nbody\n"),
    "matter": lambda text: (ITEM, f"---\nheadline: b\n{text}\n---\nbody\n"),
    "yaml": lambda text: (f"{SLUG}/b.yaml", text),
    "issue": lambda text: (ISSUE, HEAD + text),
    "points": lambda text: (ISSUE, f"{HEAD}key_points:\n{text}"),
    "items": lambda text: (ISSUE, f"{HEAD}items:\n{text}"),
    "sources": lambda text: (ITEM, f"---\nheadline: b\nsource:\n{text}---\nbody\n"),
    "tags": lambda text: (ITEM, f"---\nheadline: b\ntags:\n{text}---\nbody\n"),
    "address": lambda text: (ITEM, f"---\nheadline: b\nsource: {{name: a, url: https://e.com{text}}}}}\n---\nbody\n"),
    "file": lambda text: (ITEM, text),
}


def lay(root: Path, slot: str, text: str) -> None:
    """A newsletter of one issue whose text at ``slot`` is ``text``."""
    lay_out(Case("sound-0", (), ""), root)
    path, content = SLOTS[slot](text)
    (root / path).write_text(content, encoding="utf-8")


def judge(root: Path) -> list[Diagnostic]:
    """Check and render the issue, and write what was found in every manner. Raises ConfigError."""
    config = load_config(root)
    proof = proofread(config, NAME)
    found = list(proof.judged(config, findings_across(config, {NAME: proof.basis.facts})).findings)
    plan_fixes(root, found)
    for write in (render_json, render_github, render_sarif):
        write(found)
    render_text(found, root)
    return found


def seconds(slot: str, text: str, runs: int = 1, most: int = 10**9) -> float:
    """The least processor time of ``runs`` runs, where an issue may have ``most`` marks and more."""
    with TemporaryDirectory() as folder, patch.object(load, "MOST_MARKS", most):
        lay(Path(folder), slot, text)
        return min(timed(partial(judge, Path(folder))) for _ in range(runs))


def timed(run: Callable[[], object]) -> float:
    """Processor time of a call, in seconds."""
    gc.collect()
    gc.freeze()  # a collection in the middle shall walk what this text made, not all that the tests hold, for good
    start = time.process_time()
    run()
    return time.process_time() - start


def ratio(slot: str, fragment: str, size: int) -> float:
    """How many times longer twice the text takes.

    The half is the less of two runs, since one that happened to be slow would hide a fault. Of the whole one run is
    enough: if that was slow, a test tries again.
    """
    return seconds(slot, repeated(fragment, 2 * size)) / seconds(slot, repeated(fragment, size), runs=2)
