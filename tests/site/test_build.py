"""One build of a repository: what is written, what goes, and that nothing but the content decides the bytes."""

from __future__ import annotations

import os
import pickle
import random
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from publisher.diagnostics import in_order
from publisher.errors import UsageError
from publisher.proofing import store as cache_module
from publisher.proofing import together
from tests.site.conftest import CONFIG, Repository, tree


def three(repository: Repository) -> None:
    for slug in ("2024-01-07-a", "2024-01-14-b", "2024-01-21-c"):
        repository.issue(slug, head="tags: [x]\n")


def test_all_ready_issues_are_built(repository: Repository) -> None:
    three(repository)
    repository.issue("2024-01-28-d", head="status: draft\n")
    result = repository.build()
    assert (result.ok, result.emails, result.drafts) == (
        True,
        ("2024-01-07-a", "2024-01-14-b", "2024-01-21-c"),
        ("2024-01-28-d",),
    )
    built = tree(repository.root / "dist")
    assert {
        "email/2024-01-07-a/email.html",
        "email/2024-01-07-a/email.txt",
        "email/2024-01-07-a/edition.json",
    } <= built.keys()
    assert {"site/index.html", "site/issues/2024-01-21-c/index.html", "site/tags/x/index.html"} <= built.keys()
    assert not [path for path in built if "2024-01-28-d" in path]


def test_a_named_issue_gets_its_email_and_the_archive_is_whole(repository: Repository) -> None:
    three(repository)
    repository.build("2024-01-14-b")
    built = tree(repository.root / "dist")
    assert {path.split("/")[1] for path in built if path.startswith("email/")} == {"2024-01-14-b"}
    assert len([path for path in built if path.startswith("site/issues/") and path.endswith(".html")]) == 3
    repository.build("2024-01-07-a")
    assert {p.split("/")[1] for p in tree(repository.root / "dist") if p.startswith("email/")} == {
        "2024-01-07-a",
        "2024-01-14-b",
    }


def test_what_an_earlier_build_made_of_an_issue_now_broken_is_gone(repository: Repository) -> None:
    three(repository)
    repository.build()
    repository.write("issues/2024-01-14-b/a.md", "---\nheadline: x\n---\n")
    result = repository.build()
    assert (result.ok, result.broken) == (False, ("2024-01-14-b",))
    built = tree(repository.root / "dist")
    assert not [path for path in built if "2024-01-14-b" in path]
    assert b"2024-01-14-b" not in b"".join(built.values())
    assert b'href="../../issues/2024-01-21-c/"' in built["site/issues/2024-01-07-a/index.html"]


@pytest.mark.parametrize("out", ["issues", "issues/2024-01-07-a/out", "series"])
def test_nothing_is_built_where_it_would_be_read_as_an_issue(repository: Repository, out: str) -> None:
    three(repository)
    before = tree(repository.root)
    with pytest.raises(UsageError, match="read as an issue"):
        repository.build(out=repository.root / out)
    assert tree(repository.root) == before


def test_every_problem_of_every_issue_is_reported(repository: Repository) -> None:
    three(repository)
    for slug in ("2024-01-07-a", "2024-01-21-c"):
        repository.write(f"issues/{slug}/a.md", "---\nheadlin: x\n---\n")
    found = repository.build().diagnostics
    assert {d.path for d in found} == {"issues/2024-01-07-a/a.md", "issues/2024-01-21-c/a.md"}
    assert len(found) == 4  # a misspelt headline, an empty body; twice
    assert list(found) == in_order(found)


def test_what_concerns_several_issues_is_reported_and_an_error_of_it_blocks(repository: Repository) -> None:
    for slug in ("2024-01-07-a", "2024-01-14-b"):
        repository.issue(slug)
        repository.write(f"issues/{slug}/a.md", "---\nheadline: 一则重要的头条新闻\n---\n正文\n")
    for _ in range(2):  # the second time from the cache
        result = repository.build()
        assert [(d.path, d.code) for d in result.diagnostics] == [("issues/2024-01-14-b/a.md", "story-repeated")]
        assert result.ok
        assert len(result.emails) == 2
    repository.write("config.yaml", CONFIG + "checks:\n  levels: {story-repeated: error}\n")
    result = repository.build()
    assert (result.ok, result.broken, result.emails) == (False, ("2024-01-14-b",), ("2024-01-07-a",))


def test_an_unknown_issue_and_a_draft_by_name_are_wrong_calls(repository: Repository) -> None:
    three(repository)
    repository.issue("2024-01-28-d", head="status: draft\n")
    with pytest.raises(UsageError, match="no issue 2024-01-08-a"):
        repository.build("2024-01-08-a")
    with pytest.raises(UsageError, match="2024-01-28-d is a draft"):
        repository.build("2024-01-28-d")
    assert not (repository.root / "dist").exists()
    assert repository.build("2024-01-28-d", drafts=True).emails == ("2024-01-28-d",)


def test_an_issue_of_the_future_can_be_left_out_of_the_archive(repository: Repository) -> None:
    three(repository)
    result = repository.build(until=datetime.fromisoformat("2024-01-14T12:00:00+08:00"))
    assert [edition.slug for edition in result.editions] == ["2024-01-07-a", "2024-01-14-b"]
    assert not (repository.root / "dist/site/issues/2024-01-21-c").exists()


def test_a_broken_theme_is_one_finding_in_its_template(repository: Repository) -> None:
    three(repository)
    repository.write(
        "templates/web/index.html", "{% extends 'web/base.html' %}\n{% block content %}{{ nonsense }}{% endblock %}\n"
    )
    result = repository.build()
    assert not result.ok
    (found,) = result.diagnostics
    assert (found.path, found.code) == ("templates/web/index.html", "theme-broken")


def test_several_processes_give_the_bytes_of_one(repository: Repository, tmp_path: Path) -> None:
    for day in range(1, 13):
        repository.issue(f"2024-02-{day:02}-x", head=f"tags: [t{day % 3}]\n")
    repository.write("issues/2024-02-05-x/a.md", "---\nheadline: x\n---\n")
    one = repository.build(out=tmp_path / "one", processes=1, use_cache=False)
    two = repository.build(out=tmp_path / "two", processes=2, use_cache=False)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")
    assert one.diagnostics == two.diagnostics


def test_time_zone_locale_hash_seed_and_place_leave_no_trace(repository: Repository, tmp_path: Path) -> None:
    three(repository)
    repository.issue("2024-12-29-en", head="language: en\npublish_at: 2024-12-29T08:00:00\ntags: [b, a, c]\n")
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(repository.root, elsewhere)
    for root, zone, locale, seed in ((repository.root, "UTC", "C", "1"), (elsewhere, "Asia/Tokyo", "C.UTF-8", "77")):
        environment = os.environ | {"TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": seed}
        command = [sys.executable, "-m", "publisher", "--root", str(root), "build"]
        subprocess.run(command, env=environment, check=True, capture_output=True)
    assert tree(repository.root / "dist") == tree(elsewhere / "dist")


def test_a_rebuild_writes_nothing_and_renders_nothing(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    three(repository)
    repository.build()
    monkeypatch.setattr(together, "proofread", lambda *_, **__: pytest.fail("rendered again"))
    again = repository.build()
    assert (again.written, again.removed) == ((), ())
    assert again.ok


def test_warnings_are_reported_from_the_cache_too(repository: Repository) -> None:
    repository.issue("2024-01-07-a", body="<blink>x</blink>")
    first = repository.build().diagnostics
    assert first
    assert repository.build().diagnostics == first


@pytest.mark.parametrize("damage", [b"", b"\x00" * 200, b"cut", b"flip", b"forged"])
def test_a_damaged_or_forged_cache_is_not_there(repository: Repository, tmp_path: Path, damage: bytes) -> None:
    three(repository)
    repository.build()
    clean = tree(repository.root / "dist")
    trap = tmp_path / "trap"
    for entry in (repository.root / ".publisher/cache/editions").iterdir():
        held = entry.read_bytes()
        payload = pickle.dumps(_Trap(str(trap)))
        made = {b"cut": held[:-9], b"flip": held[:70] + b"\xff" + held[71:], b"forged": _sealed(held[:32], payload)}
        entry.write_bytes(made.get(damage, damage))
    repository.build()
    assert tree(repository.root / "dist") == clean
    assert not trap.exists()


class _Trap:
    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, ...]]:
        return os.mkdir, (self.path,)


def _sealed(key: bytes, payload: bytes) -> bytes:
    return key + cache_module.hashlib.sha256(payload).digest() + payload


def test_a_picture_outside_the_folder_is_seen_when_it_changes(repository: Repository) -> None:
    logo = repository.root / "shared/logo.png"
    logo.parent.mkdir()
    Image.new("RGB", (9, 9), "red").save(logo)
    repository.issue("2024-01-07-a", body="![logo](../../shared/logo.png)")
    repository.build()
    before = set(tree(repository.root / "dist/site"))
    Image.new("RGB", (9, 9), "blue").save(logo)
    repository.build()
    after = set(tree(repository.root / "dist/site"))
    assert len(before - after) == len(after - before) == 1


def test_an_incremental_build_equals_a_clean_one_after_any_edit(repository: Repository, tmp_path: Path) -> None:
    """Random edits, one after another: titles (which neighbours and tag pages show), tags, dates, faults, the theme."""
    chance = random.Random(20241229)
    for day in range(1, 7):
        repository.issue(f"2024-03-{day:02}-x", head="tags: [x, y]\n")
    for step in range(16):  # each kind of edit twice
        _edit(repository, chance, step)
        incremental = repository.build()
        clean_out = tmp_path / "clean"
        shutil.rmtree(clean_out, ignore_errors=True)
        clean = repository.build(out=clean_out, use_cache=False)
        assert tree(repository.root / "dist") == tree(clean_out), f"step {step}"
        assert incremental.diagnostics == clean.diagnostics


def _edit(repository: Repository, chance: random.Random, step: int) -> None:
    folders = sorted((repository.root / "issues").iterdir())
    slug = chance.choice(folders).name
    kind = step % 8
    if kind == 0:
        repository.issue(slug, head="tags: [x]\n", title=f"title {step}")
    elif kind == 1:
        repository.issue(slug, head=f"tags: [x, z{step}, Y]\nnumber: {step}\n")
    elif kind == 2:
        repository.issue(f"2024-0{chance.randint(2, 4)}-1{step % 10}-x", head="tags: [y]\n")
    elif kind == 3:
        repository.write(f"issues/{slug}/a.md", f"---\nheadline: broken {step}\n---\n")
    elif kind == 4:
        shutil.rmtree(repository.root / "issues" / slug)
    elif kind == 5:
        repository.write("templates/web/style.css", f"body {{ margin: {step}px }}")
    elif kind == 6:
        repository.write("config.yaml", CONFIG.replace("AI 周报", f"AI 周报 {step}", 1))
    else:
        repository.issue(slug, head="status: draft\n" if step % 16 == 7 else "", body=f"body {step}")


def test_the_cache_forgets_issues_that_are_gone(repository: Repository) -> None:
    three(repository)
    repository.build()
    shutil.rmtree(repository.root / "issues/2024-01-14-b")
    repository.build()
    held = {path.stem for path in (repository.root / ".publisher/cache/editions").iterdir()}
    assert held == {"2024-01-07-a", "2024-01-21-c"}
