"""check finds what build refuses, writes nothing but its cache, and judges by the same levels and ignores."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from publisher.config import load_config
from publisher.diagnostics import Diagnostic
from publisher.proofing import manifest, together
from publisher.proofing.checking import check_repository, remembered
from publisher.site.build import build

SLUG = "2024-12-29-weekly"
CONFIG = """\
newsletter: {name: Weekly, language: zh-CN, url: "https://news.example.com/", from: W <w@news.example.com>}
"""


def lay(root: Path, body: str, *, status: str = "ready", config: str = "", slug: str = SLUG) -> None:
    folder = root / "issues" / slug
    folder.mkdir(parents=True, exist_ok=True)
    (root / "config.yaml").write_text(CONFIG + config, encoding="utf-8")
    (folder / "issue.yaml").write_text(f"title: 一周\ndate: {slug[:10]}\nstatus: {status}\n", encoding="utf-8")
    (folder / "a.md").write_text(f"---\nheadline: 甲\n---\n{body}\n", encoding="utf-8")


def both(root: Path) -> list[Diagnostic]:
    """What check finds, which has to be what build finds, with the cache and without."""
    config = load_config(root)
    found = list(check_repository(config, use_cache=False).diagnostics)
    assert list(build(config, (), root / "dist").diagnostics) == found
    assert list(check_repository(config).diagnostics) == found
    return found


@pytest.mark.parametrize("status", ["ready", "draft"])
def test_the_gates_speak_in_check_as_in_build_of_drafts_too(tmp_path: Path, status: str) -> None:
    lay(tmp_path, "重点 ** 在此 ** 的话。", status=status)
    assert [found.code for found in both(tmp_path)] == ["literal-markup"]


@pytest.mark.parametrize(("level", "severities"), [("error", ["error"]), ("info", ["info"]), ("off", [])])
def test_levels_reach_the_gates(tmp_path: Path, level: str, severities: list[str]) -> None:
    lay(tmp_path, "重点 ** 在此 ** 的话。", config=f"checks: {{levels: {{literal-markup: {level}}}}}\n")
    assert [found.severity for found in both(tmp_path)] == severities
    assert (tmp_path / "dist/email" / SLUG).exists() is (level != "error")


def test_an_ignore_hides_what_a_gate_or_a_rule_across_issues_finds(tmp_path: Path) -> None:
    lay(tmp_path, "重点 ** 在此 ** 的话。<!-- publisher: ignore=literal-markup -->")
    assert both(tmp_path) == []
    for slug, mark in (("2024-12-22-a", ""), ("2025-01-05-b", "  # publisher: ignore=story-repeated")):
        lay(tmp_path, "话。", slug=slug)
        item = f"---\nheadline: 乙\nsource: {{name: e, url: https://e.example/1}}{mark}\n---\n话。\n"
        (tmp_path / "issues" / slug / "a.md").write_text(item, encoding="utf-8")
    assert both(tmp_path) == []


def test_check_and_build_share_what_was_rendered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path, "话。")
    lay(tmp_path, "话。", status="draft", slug="2025-01-05-draft")
    config = load_config(tmp_path)
    check_repository(config)
    monkeypatch.setattr(together, "proofread", lambda *_: pytest.fail("rendered again"))
    assert build(config, (), tmp_path / "dist").emails == (SLUG,)
    assert build(config, (), tmp_path / "dist", drafts=True).emails == (SLUG, "2025-01-05-draft")


def test_nothing_but_the_cache_is_written_and_a_disk_that_refuses_is_no_hindrance(tmp_path: Path) -> None:
    lay(tmp_path, "话。")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    (tmp_path / ".publisher").write_text("in the way: no folder can be made here", encoding="utf-8")
    assert check_repository(load_config(tmp_path)).diagnostics == ()
    (tmp_path / ".publisher").unlink()
    check_repository(load_config(tmp_path))
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {path: content for path, content in after.items() if ".publisher" not in path.parts} == before
    assert {path.relative_to(tmp_path).parts[:2] for path in after if path not in before} == {(".publisher", "cache")}


def test_one_issue_is_judged_with_those_around_it(tmp_path: Path) -> None:
    for slug in ("2024-12-22-a", "2025-01-05-b"):
        lay(tmp_path, "话。", slug=slug)
        item = "---\nheadline: 同一个很长很长的标题又来一次\n---\n话。\n"
        (tmp_path / "issues" / slug / "a.md").write_text(item, encoding="utf-8")
    config = load_config(tmp_path)
    alone = check_repository(config, ["2025-01-05-b"]).diagnostics
    assert [found.code for found in alone] == ["story-repeated"]
    assert alone == check_repository(config).diagnostics
    assert check_repository(config, ["2024-12-22-a"]).diagnostics == ()


def test_those_around_an_issue_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slugs = ["2024-12-22-a", SLUG, "2025-01-05-b"]
    for slug in slugs:
        lay(tmp_path, f"{slug} 的话。", slug=slug)
    config, facts, read = load_config(tmp_path), together._facts, []
    monkeypatch.setattr(manifest, "RACY", -(10**12))
    monkeypatch.setattr(together, "_facts", lambda *given: read.append(given[1]) or facts(*given))
    check_repository(config, [SLUG])
    assert sorted(read) == slugs
    check_repository(config, ["2025-01-05-b"])
    assert sorted(read) == slugs
    lay(tmp_path, "别的话。", slug="2024-12-22-a")
    check_repository(config, [SLUG])
    assert sorted(read) == ["2024-12-22-a", *slugs]


@pytest.mark.parametrize("seed", range(12))
def test_what_single_checks_leave_behind_misleads_no_later_one(tmp_path: Path, seed: int) -> None:
    chance, slugs = Random(seed), [f"2024-12-{day}-n" for day in range(10, 16)]
    headlines = [f"一个够长的标题说的是第{n}件要紧的事情" for n in "一二三"]

    def write(slug: str) -> None:
        lay(tmp_path, f"话{chance.random()}。[它](../{chance.choice(slugs)}/)", slug=slug)
        item = (tmp_path / "issues" / slug / "a.md").read_text("utf-8").replace("甲", chance.choice(headlines))
        (tmp_path / "issues" / slug / "a.md").write_text(item, encoding="utf-8")

    for slug in slugs[:4]:
        write(slug)
    for _ in range(6):
        for _ in range(chance.randint(0, 2)):
            slug = chance.choice(slugs)
            if chance.random() < 0.25 and len([*(tmp_path / "issues").iterdir()]) > 1:
                shutil.rmtree(tmp_path / "issues" / slug, ignore_errors=True)
            else:
                write(slug)
        config, there = load_config(tmp_path), sorted(path.name for path in (tmp_path / "issues").iterdir())
        chosen = None if chance.random() < 0.4 else [chance.choice(there)]
        clean = check_repository(config, chosen, use_cache=False).diagnostics
        assert check_repository(config, chosen).diagnostics == clean


@pytest.mark.parametrize(
    ("file", "was", "now", "code", "at"),
    [
        ("inline.css.j2", "{{ theme.light.soft }}", "#d0d0d0", "low-contrast", "inline.css.j2"),
        ("inline.css.j2", "{{ theme.light.soft }}", "#ddd", "low-contrast", "inline.css.j2"),
        ("inline.css.j2", "{{ theme.light.soft }}", "white", "low-contrast", "inline.css.j2"),
        (
            "head.css.j2",
            ".tx {",
            "@media (a) { @media (b) { p { top: 0 } } }\n.tx {",
            "style-dropped",
            "head.css.j2",
        ),
        ("_footer.mjml.j2", "slots.unsubscribe_url", "'https://x.example/'", "no-way-out", "issue.mjml.j2"),
        (
            "_footer.mjml.j2",
            "<p",
            '<a href="https://x.example/me">x</a><p',
            "text-part-incomplete",
            "_footer.mjml.j2",
        ),
    ],
)
def test_a_fault_of_the_theme_stands_once_in_its_template(
    tmp_path: Path, file: str, was: str, now: str, code: str, at: str
) -> None:
    shutil.copytree(Path(__file__).resolve().parents[2] / "templates" / "paper", tmp_path / "templates")
    for slug, body in ((SLUG, "话。"), ("2025-01-05-b", "另外的话。"), ("2025-01-12-c", "又是别的。")):
        lay(tmp_path, body, slug=slug)
        (tmp_path / "issues" / slug / "a.md").write_text(f"---\nheadline: {body}题\n---\n{body}\n", encoding="utf-8")
    target = tmp_path / "templates/email" / file
    assert was in target.read_text("utf-8")
    target.write_text(target.read_text("utf-8").replace(was, now), encoding="utf-8")
    found = [one for one in both(tmp_path) if one.code == code]
    assert {one.path for one in found} == {f"templates/email/{at}"}
    assert len(found) == len({(one.message, one.span) for one in found})
    if at == file:
        lines = target.read_text("utf-8").splitlines()
        assert all(now.split()[0].strip("'<").lower() in lines[one.span.line - 1].lower() for one in found)


CHANGES: dict[str, Callable[[Path], object]] = {
    "an item": lambda root: lay(root, "重点 ** 在此 ** 的话。"),
    "an issue that comes": lambda root: lay(root, "重点 ** 在此 ** 的话。", slug="2025-02-02-new"),
    "an issue that goes": lambda root: shutil.rmtree(root / "issues/2025-01-05-b"),
    "a file beside the issues": lambda root: (root / "issues/2025-03-03.md").write_text("x"),
    "a folder that gets a file": lambda root: (root / "issues/empty/a.md").write_text("x"),
    "config.yaml": lambda root: (root / "config.yaml").write_text(CONFIG + "checks: {levels: {literal-markup: off}}\n"),
    "a theme of its own": lambda root: shutil.copytree(root / "kept", root / "templates"),
    "a file of the theme": lambda root: (root / "theme/email/inline.css.j2").write_text("p { color: #ddd }"),
    "the cache": lambda root: (root / ".publisher/cache/index").write_bytes(b"\xc1"),
    "what is known of files": lambda root: (root / ".publisher/cache/files").write_bytes(b"\x92\x80\x96\xc0"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_remembered_of_a_check_is_never_of_before_a_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    monkeypatch.setattr(manifest, "RACY", -(10**12))
    config = "theme: {name: ./theme}\n"
    for slug in (SLUG, "2025-01-05-b"):
        lay(tmp_path, "话。", slug=slug, config=config)
    (tmp_path / "theme").mkdir()
    (tmp_path / "kept/email").mkdir(parents=True)
    (tmp_path / "kept/email/inline.css.j2").write_text("p { color: #ddd }")
    shutil.copytree(tmp_path / "kept", tmp_path / "theme", dirs_exist_ok=True)
    shutil.copy(Path(__file__).parents[2] / "templates/paper/email/inline.css.j2", tmp_path / "theme/email")
    if "folder" in change:
        (tmp_path / "issues/empty").mkdir()
    checked = check_repository(load_config(tmp_path))
    assert remembered(tmp_path) == (None if "folder" in change else checked)
    CHANGES[change](tmp_path)
    assert remembered(tmp_path) is None
    fresh = check_repository(load_config(tmp_path), use_cache=False)
    assert check_repository(load_config(tmp_path)) == fresh
    assert remembered(tmp_path) in (None, fresh)
