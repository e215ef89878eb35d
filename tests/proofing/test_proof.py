"""An issue's proof reads each text once."""

from __future__ import annotations

import gc
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

import publisher
from publisher.config import load_config
from publisher.edition.model import Asset
from publisher.proofing import codec, store
from publisher.proofing.checking import check_repository
from publisher.proofing.proof import proofread
from tests.checks.corpus import SLUG, SOUND, Case, lay_out

ITEM = """---
headline: b
---
# A heading

Text with [a link](https://e.com/a), a note[^1] and <b>raw HTML</b>.

[^1]: the note

::: commentary
Words **of** another.
:::
"""


def test_nothing_of_an_issue_waits_for_the_garbage_collector(tmp_path: Path) -> None:
    lay_out(Case("sound-0", (), ""), tmp_path)
    (tmp_path / SLUG / "b.md").write_text(ITEM, encoding="utf-8")
    loaded = load_config(tmp_path)
    for _ in range(2):  # what is made once a process is made
        assert proofread(loaded, SLUG.partition("/")[2]).edition
    gc.collect()
    gc.disable()
    try:
        assert proofread(loaded, SLUG.partition("/")[2]).edition
        assert gc.collect() < 30
    finally:
        gc.enable()


def test_each_text_is_parsed_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(Case("sound-0", (), ""), tmp_path)
    (tmp_path / SLUG / "b.md").write_text(ITEM, encoding="utf-8")
    issue = tmp_path / SLUG / "issue.yaml"
    issue.write_text(
        SOUND[f"{SLUG}/issue.yaml"] + "key_points:\n  - One *point*\nintro: Some words\n", encoding="utf-8"
    )
    seen: Counter[str] = Counter()
    parse, inline = MarkdownIt.parse, MarkdownIt.parseInline

    def counted(whole: Any) -> Any:
        return lambda md, text, *more: seen.update([text.strip()]) or whole(md, text, *more)

    monkeypatch.setattr(MarkdownIt, "parse", counted(parse))
    monkeypatch.setattr(MarkdownIt, "parseInline", counted(inline))
    proof = proofread(load_config(tmp_path), SLUG.rpartition("/")[2])
    assert proof.edition
    assert {"One *point*", "Some words", "Words **of** another."} <= set(seen)
    assert set(seen.values()) == {1}


def test_each_file_of_an_issue_is_opened_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(Case("sound-0", (), ""), tmp_path)
    (tmp_path / SLUG / "b.md").write_text(ITEM + "<!-- publisher: ignore=vague-link-text -->\n", encoding="utf-8")
    opened: Counter[str] = Counter()
    real = os.open

    def counted(path: Any, *more: Any) -> int:
        opened[Path(path).name] += SLUG in str(path)
        return real(path, *more)

    configuration = load_config(tmp_path)
    monkeypatch.setattr(os, "open", counted)
    proof = proofread(configuration, SLUG.rpartition("/")[2])
    assert {ignore.code for ignore in proof.basis.ignores} == {"vague-link-text"}
    assert {name: count for name, count in opened.items() if count} == {"issue.yaml": 1, "sound.md": 1, "b.md": 1}


def test_the_key_of_the_cache_covers_every_library_that_reads_or_renders() -> None:
    """Everything that these packages import, except what checks types and escapes, and what runs without an issue."""
    rooms = ("documents", "issue", "checks", "edition", "language")
    root = Path(publisher.__file__).parent
    text = "\n".join(file.read_text(encoding="utf-8") for room in rooms for file in (root / room).rglob("*.py"))
    imported = {*re.findall(r"^ *(?:from|import) (\w+)", text, re.MULTILINE)}
    of = packages_distributions()
    libraries = {of[name][0].lower().replace("_", "-") for name in imported & of.keys()} - {"publisher"}
    indifferent = {"pydantic", "pydantic-core", "markupsafe", "msgpack", "httpx", "httpcore", "charset-normalizer"}
    assert libraries - indifferent <= {*store._LIBRARIES}


def test_what_another_python_judged_is_judged_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay_out(Case("sound-0", (), ""), tmp_path)
    configuration = load_config(tmp_path)
    here = store.Store(configuration).common
    assert store.Store(configuration).common == here
    monkeypatch.setattr(sys.implementation, "cache_tag", "cpython-399")
    assert store.Store(configuration).common != here


@pytest.mark.parametrize("name", ["../../evil.png", "assets/../../evil.png", "/etc/evil.png", "assets//evil.png", "."])
def test_a_cache_that_another_wrote_puts_no_picture_outside_of_the_archive(tmp_path: Path, name: str) -> None:
    lay_out(Case("sound-0", (), ""), tmp_path)
    edition = proofread(load_config(tmp_path), SLUG.rpartition("/")[2]).edition
    assert edition
    picture = Asset(name, "image/png", b"", 1, 1)
    with pytest.raises(ValueError, match="outside of the archive"):
        codec.stored(codec.light_of(replace(edition, assets=(picture,))), b"", lambda part: part)


@pytest.mark.parametrize("linked", [False, True], ids=["plain", "behind a link"])
def test_a_cache_that_git_has_is_not_believed(tmp_path: Path, linked: bool) -> None:
    lay_out(Case("sound-0", (), ""), tmp_path)
    config, slug = load_config(tmp_path), SLUG.rpartition("/")[2]
    cache = tmp_path / ".publisher/cache"
    if linked:
        (tmp_path / "elsewhere").mkdir()
        (tmp_path / ".publisher").symlink_to("elsewhere")
    check_repository(config)
    entry = cache / f"editions/{slug}.entry"
    forged = entry.read_bytes()
    kept = store.Store(config)
    assert kept.load(slug, kept.key(slug))
    for words in (["init", "-q"], ["add", "-f", str(entry.resolve())]):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    found = store.Store(config)
    assert found.load(slug, kept.key(slug)) is None
    check_repository(config)
    assert entry.read_bytes() == forged


@pytest.mark.parametrize("named", [None, [SLUG.partition("/")[2]]], ids=["all", "one"])
def test_progress_is_reported_for_each_issue_that_is_read(tmp_path: Path, named: list[str] | None) -> None:
    lay_out(Case("sound-0", (), ""), tmp_path)
    for number in range(3):
        shutil.copytree(tmp_path / SLUG, tmp_path / f"issues/2035-01-0{number + 1}-other")
    steps: list[int] = []
    for use_cache in (True, True, False):
        steps.clear()
        check_repository(load_config(tmp_path), named, use_cache=use_cache, progress=lambda: steps.append(1))
        assert len(steps) == 4
