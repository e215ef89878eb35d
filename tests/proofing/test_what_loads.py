"""If nothing changed, the code that reads, checks and renders issues is not loaded, which saves most of the time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.checks.corpus import SLUG, Case, lay_out
from tests.warm import command

NEEDED_TO_READ = ("publisher.issue.load", "publisher.issue.markdown", "publisher.checks.rules", "markdown_it")


def loaded(root: Path, *words: str) -> set[str]:
    code = (
        "import sys; from publisher.cli import main; from publisher.proofing import manifest\n"
        "manifest.RACY = -(10**12)  # what was written just now is known\n"
        "try: main()\nexcept SystemExit: pass\nprint(*sys.modules, file=sys.stderr)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, "--root", str(root), *words],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return {*ran.stderr.split()} & {*NEEDED_TO_READ}


@pytest.mark.parametrize("words", [("build", "--drafts"), ("check",)])
def test_where_nothing_changed_no_markdown_and_no_rule_is_loaded(tmp_path: Path, words: tuple[str, ...]) -> None:
    lay_out(Case("sound-0", (), ""), tmp_path)
    file = tmp_path / SLUG / "sound.md"
    file.write_text(file.read_text("utf-8") + "\n".join(f"第{n}段〈" for n in range(3)), "utf-8")  # something to tell
    assert loaded(tmp_path, *words) == {*NEEDED_TO_READ}
    assert not loaded(tmp_path, *words)


@pytest.mark.parametrize("more", ["", "theme: {parts: {previous: true}}\n"])
def test_the_head_of_an_issue_is_looked_into_once_and_again_when_it_changes(tmp_path: Path, more: str) -> None:
    lay_out(Case("sound-0", (), ""), tmp_path)
    config = tmp_path / "config.yaml"
    config.write_text(config.read_text("utf-8") + more, "utf-8")
    issue = tmp_path / SLUG / "issue.yaml"
    opened = (
        "import builtins, os, sys; from publisher.cli import main; from publisher.proofing import manifest\n"
        "manifest.RACY = -(10**12)\nseen = []\n"
        "def watched(first): return lambda file, *more, **key: seen.append(str(file)) or first(file, *more, **key)\n"
        "builtins.open, os.open = watched(open), watched(os.open)\ntry: main()\nexcept SystemExit: pass\n"
        f"print(seen.count({str(issue)!r}), file=sys.stderr)"
    )

    def looks() -> int:
        words = [sys.executable, "-c", opened, "--root", str(tmp_path), "build", "--drafts"]
        return int(subprocess.run(words, capture_output=True, text=True, check=True).stderr.split()[-1])

    assert looks() > 0
    assert looks() == 0
    issue.write_text(issue.read_text("utf-8") + "translation_of: nowhere\n", "utf-8")
    assert looks() > 0
    assert "nowhere" in command(tmp_path, "check").stdout
