"""An incremental build equals a clean one to the byte, and does not read what did not change.

``PUBLISHER_EXAMPLES=500`` looks longer for a counterexample.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from publisher.config import load_config
from publisher.config.theme import store
from publisher.edition import card
from publisher.proofing import manifest, together
from publisher.proofing.checking import check_repository, remembered
from publisher.proofing.manifest import Manifest
from publisher.site.pages import ArchivePages
from tests.site.conftest import CONFIG, Repository, tree

SLUGS = st.sampled_from([f"2024-0{month}-0{day}-x" for month in (1, 2) for day in (1, 2, 3)])
WORDS = st.sampled_from(["一则很长的重要头条新闻", "一则很长的重要头条新闻呢", "another long headline"])
EDITS = st.one_of(
    st.tuples(st.just("issue"), SLUGS, WORDS, st.sampled_from(["", "tags: [x, Y]\n", "tags: [y]\nnumber: 7\n"])),
    st.tuples(st.just("status"), SLUGS, st.sampled_from(["draft", "ready"])),
    st.tuples(st.just("language"), SLUGS, st.sampled_from(["en", "zh-CN", "ja"])),
    st.tuples(st.just("item"), SLUGS, WORDS, st.sampled_from(["b", "c"])),
    st.tuples(st.just("fault"), SLUGS),
    st.tuples(st.just("rename item"), SLUGS),
    st.tuples(st.just("remove item"), SLUGS),
    st.tuples(st.just("rename"), SLUGS, SLUGS),
    st.tuples(st.just("remove"), SLUGS),
    st.tuples(st.just("picture"), SLUGS, st.sampled_from(["red", "blue"])),
    st.tuples(st.just("theme"), st.sampled_from(["", "{{ archive.editions | length }}", "{{ tags | length }}"])),
    st.tuples(st.just("config"), st.sampled_from(["AI 周报", "Another"])),
    st.tuples(st.just("brand"), st.sampled_from(["#0b57d0", "#a4371c"])),
    st.tuples(st.just("previous"), st.sampled_from(["true", "false"])),
    st.tuples(st.just("level"), st.sampled_from(["error", "warning", "off"])),
    st.tuples(st.just("output"), SLUGS),
)

PICTURE = "---\nheadline: 图\nimage: {image: images/a.png, alt: 图}\n---\n正文。\n"


def edit(repository: Repository, kind: str, *given: str) -> None:
    """One change of the repository, or of what was built."""
    root = repository.root
    folder = root / "issues" / given[0] if given else root
    if kind == "issue":
        repository.issue(given[0], head=given[2], title=f"{given[1]} {given[0]}")
    elif kind == "theme":
        marked = (Path(__file__).parents[2] / "templates/paper/web/issue.html").read_text(encoding="utf-8")
        repository.write("templates/web/issue.html", marked.replace("{{ body }}", "{{ body }}" + given[0]))
    elif kind == "config":
        repository.write("config.yaml", CONFIG.replace("AI 周报", given[0], 1))
    elif kind == "brand":
        Image.new("RGB", (9, 9), given[0]).save(root / "logo.png")
        repository.write("config.yaml", f'{CONFIG}theme: {{accent: "{given[0]}", logo: logo.png}}\n')
    elif kind == "previous":
        repository.write("config.yaml", CONFIG + f"theme: {{parts: {{previous: {given[0]}}}}}\n")
    elif kind == "level":
        repository.write("config.yaml", CONFIG + f"checks:\n  levels: {{story-repeated: {given[0]}}}\n")
    elif not folder.is_dir():
        return
    elif kind in {"status", "language"}:
        held = (folder / "issue.yaml").read_text(encoding="utf-8").splitlines()
        lines = [line for line in held if not line.startswith(f"{kind}:")]
        repository.write(f"issues/{given[0]}/issue.yaml", "\n".join((*lines, f"{kind}: {given[1]}", "")))
    elif kind == "item":
        repository.write(f"issues/{given[0]}/{given[2]}.md", f"---\nheadline: {given[1]}\ntags: [z]\n---\n正文。\n")
    elif kind == "fault":
        repository.write(f"issues/{given[0]}/a.md", "---\nheadline: x\n---\n")
    elif kind == "rename item" and (folder / "a.md").exists():
        (folder / "a.md").rename(folder / "d.md")
    elif kind == "remove item":
        (folder / "b.md").unlink(missing_ok=True)
    elif kind == "rename" and not (root / "issues" / given[1]).exists():
        folder.rename(root / "issues" / given[1])
    elif kind == "remove":
        shutil.rmtree(folder)
    elif kind == "picture":
        (folder / "images").mkdir(exist_ok=True)
        # one with copies for pages, and one without
        noise = Image.frombytes("L", (420, 90), random.Random(given[1]).randbytes(420 * 90))
        (noise if given[1] == "red" else Image.new("RGB", (9, 9), given[1])).save(folder / "images/a.png")
        repository.write(
            f"issues/{given[0]}/e.md", "---\nheadline: 图\nimage: {image: images/a.png, alt: 图}\n---\n正文。\n"
        )
    elif kind == "output":
        page = root / "dist/site/issues" / given[0] / "index.html"
        if page.exists():
            page.write_bytes(b"defaced")


@given(st.lists(st.lists(EDITS, min_size=1, max_size=3), min_size=2, max_size=5))
@settings(
    max_examples=int(os.environ.get("PUBLISHER_EXAMPLES", "4")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate] if "PUBLISHER_EXAMPLES" not in os.environ else tuple(Phase),
)
def test_after_any_changes_an_incremental_build_equals_a_clean_one(rounds: list[list[tuple[str, ...]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repository = Repository(Path(folder) / "newsletter")
        repository.write("config.yaml", CONFIG)
        for day in (1, 2, 3):
            repository.issue(f"2024-01-0{day}-x", head="tags: [x]\n")
        for number, edits in enumerate(([], *rounds)):
            for each in edits:
                edit(repository, *each)
            (repository.root / "issues").mkdir(exist_ok=True)
            incremental = repository.build()
            elsewhere = repository.build(out=Path(folder) / "ci", cache=Path(folder) / "kept")
            clean = repository.build(out=Path(folder) / str(number), use_cache=False)
            held = tree(Path(folder) / str(number))
            assert tree(repository.root / "dist") == held
            assert tree(Path(folder) / "ci") == held
            assert incremental.diagnostics == elsewhere.diagnostics == clean.diagnostics
            assert repository.build().written == ()
            shutil.rmtree(Path(folder) / "ci")


@pytest.fixture
def built(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Three issues, built, at a time that is long after their files were written."""
    for slug in ("2024-01-07-a", "2024-01-14-b", "2024-01-21-c", "2024-01-28-d", "2024-02-04-e"):
        repository.issue(slug, head="tags: [x]\n")
    monkeypatch.setattr(manifest, "RACY", -(10**12))
    repository.build()
    return repository


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files whose contents are looked at, and the pages that are made."""
    seen: list[str] = []
    digest, page = manifest.hashlib.file_digest, ArchivePages._context

    def hashed(file: Any, name: str) -> Any:
        seen.append(Path(file.name).name)
        return digest(file, name)

    def made(self: ArchivePages, path: str, language: str) -> dict[str, Any]:
        seen.append(path)
        return page(self, path, language)

    monkeypatch.setattr(manifest.hashlib, "file_digest", hashed)
    monkeypatch.setattr(ArchivePages, "_context", made)
    monkeypatch.setattr(together, "proofread", lambda _, slug: pytest.fail(f"{slug} rendered again"))
    return seen


def test_another_font_file_of_the_same_name_draws_cards_and_icons_anew(built: Repository, tmp_path: Path) -> None:
    files = {font[0] for family in ("sans", "mono", "serif") for font in card._of_system(family, "en")[:1]}
    if len(files) < 2:
        pytest.skip("one font is installed")
    built.write("config.yaml", f"{CONFIG}theme: {{fonts: {{card: fonts/a.ttf}}}}\n")
    icons = set[str]()
    for number, file in enumerate(sorted(files)[:2]):
        (built.root / "fonts/a.ttf").unlink(missing_ok=True)  # FreeType has the earlier one mapped
        built.write("fonts/a.ttf", Path(file).read_bytes())
        card.load_font.cache_clear()
        card._has.cache_clear()
        built.build()
        built.build(out=tmp_path / str(number), use_cache=False)
        made = tree(built.root / "dist")
        assert made == tree(tmp_path / str(number))
        icons |= {path for path in made if path.startswith("site/assets/icon-512.")}
    assert len(icons) == 2  # the name of a file that browsers keep for good


def test_a_font_installed_later_ends_the_finding_and_draws_the_card(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not card._of_system("sans", "en"):
        pytest.skip("no font is installed")
    monkeypatch.setattr(manifest, "RACY", -(10**12))
    repository.write("config.yaml", CONFIG)
    repository.issue("2024-01-07-a", title="ok \U0001e900")  # Adlam
    (found,) = check_repository(load_config(repository.root)).diagnostics
    assert found.code == "card-glyphs"
    repository.build()
    has = card._has
    monkeypatch.setattr(card, "_has", lambda font, sign: sign == "\U0001e900" or has(font, sign))
    assert remembered(repository.root) is None
    assert check_repository(load_config(repository.root)).diagnostics == ()
    assert repository.build().written == ("site/issues/2024-01-07-a/card.png",)
    assert repository.build().written == ()


@pytest.mark.parametrize(
    ("template", "mark", "more"),
    [
        ("earlier.html", "</ul>", "{% for _, _, edition in earlier %}{{ edition.title }}{% endfor %}"),
        ("issue.html", "{{ body }}", "{% for one in translations %}{{ one.title }}{% endfor %}"),
        ("group.html", "{% endblock %}\n", "{% for one in page.group.editions %}{{ one.title }}{% endfor %}"),
    ],
)
def test_a_page_is_made_again_after_a_change_of_whatever_its_template_shows(
    repository: Repository, tmp_path: Path, template: str, mark: str, more: str
) -> None:
    text = (store() / "paper/web" / template).read_text(encoding="utf-8")
    at = text.rindex(mark)
    repository.write(f"templates/web/{template}", text[:at] + more + text[at:])
    for day in range(1, 28):  # more than a page of a group holds
        repository.issue(f"2024-01-{day:02}-x", head="tags: [x]\n")
    story = "---\nheadline: 一则很长的重要头条新闻\nsource: {name: A, url: https://a.example.org/story}\n---\n正文。\n"
    for slug in ("2024-01-02-x", "2024-01-27-x"):
        repository.write(f"issues/{slug}/b.md", story)
    repository.issue("2024-01-20-x-en", head="language: en\ntranslation_of: 2024-01-02-x\n")
    repository.build()
    edited = "2024-01-20-x-en" if template == "issue.html" else "2024-01-02-x"
    head = repository.root / "issues" / edited / "issue.yaml"
    head.write_text(head.read_text(encoding="utf-8").replace(f"title: {edited}", "title: Another title"), "utf-8")
    repository.build()
    repository.build(out=tmp_path / "clean", use_cache=False)
    assert tree(repository.root / "dist") == tree(tmp_path / "clean")
    shown = [path for path, page in tree(tmp_path / "clean").items() if b"Another title" in page]
    expected = {
        "earlier.html": "2024-01-27-x/",
        "issue.html": "issues/2024-01-02-x/",
        "group.html": "tags/x/index.html",
    }
    assert any(expected[template] in path for path in shown)


def test_where_nothing_changed_no_file_is_read_and_no_page_made(built: Repository, read: list[str]) -> None:
    assert built.build().written == ()
    assert read == []


def test_a_touched_file_is_read_and_nothing_is_made_of_it(built: Repository, read: list[str]) -> None:
    (built.root / "issues/2024-01-14-b/a.md").touch()
    assert built.build().written == ()
    assert read == ["a.md"]


def test_one_edit_makes_the_pages_that_depend_on_it(built: Repository, read: list[str], monkeypatch: Any) -> None:
    monkeypatch.undo()
    made: list[str] = []
    page = ArchivePages._context
    monkeypatch.setattr(ArchivePages, "_context", lambda self, path, lang: made.append(path) or page(self, path, lang))
    built.write("issues/2024-01-14-b/a.md", "---\nheadline: 别的\n---\n别的正文。\n")
    written = built.build().written
    neighbours = {f"issues/{slug}/" for slug in ("2024-01-07-a", "2024-01-14-b", "2024-01-21-c")}
    assert {path for path in made if path.startswith("issues/")} == neighbours
    assert {path for path in written if path.startswith(("site/issues/", "email/"))} == {
        "site/issues/2024-01-14-b/index.html",
        *(f"email/2024-01-14-b/{name}" for name in ("email.html", "email.txt", "edition.json")),
    }


def test_an_edit_that_keeps_size_and_time_is_seen(built: Repository) -> None:
    file = built.root / "issues/2024-01-14-b/a.md"
    before = file.stat()
    file.write_text(file.read_text(encoding="utf-8").replace("正文", "文正"), encoding="utf-8")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert "site/issues/2024-01-14-b/index.html" in built.build().written


def test_a_file_that_comes_back_with_an_older_time_is_seen(built: Repository) -> None:
    file = built.root / "issues/2024-01-14-b/a.md"
    other = file.with_name("other")
    other.write_text(file.read_text(encoding="utf-8").replace("正文", "文正"), encoding="utf-8")
    os.utime(other, ns=(0, 10**18))
    other.replace(file)
    assert "site/issues/2024-01-14-b/index.html" in built.build().written


def test_what_changed_as_late_as_it_was_read_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within one tick of the clock a state does not show a second change, as with a stopped clock."""
    file = tmp_path / "issue/a.md"
    file.parent.mkdir()
    file.write_text("one")
    first = Manifest(tmp_path / "files")
    digest = first.digest(str(file.parent))
    first.save()
    monkeypatch.setattr(manifest, "state_of", lambda status: (status.st_size, 1, 1, 1))
    file.write_text("two")
    assert Manifest(tmp_path / "files").digest(str(file.parent)) != digest


def test_damaged_parts_of_the_cache_are_not_there(built: Repository) -> None:
    held = tree(built.root / "dist")
    for name in ("index", "files", "editions/2024-01-14-b.entry"):
        for damage in (b"", b"\x00" * 99, b"\xc1", b"\x81\xa1a\x81\xa1b\xa1c"):
            (built.root / ".publisher/cache" / name).write_bytes(damage)
            shutil.rmtree(built.root / "dist", ignore_errors=True)
            built.build()
            assert tree(built.root / "dist") == held


def test_another_machine_takes_proofs_and_pages_from_the_folder(
    built: Repository, tmp_path: Path, read: list[str]
) -> None:
    """All times are new, and there is no output: content alone is the address."""
    pytest.MonkeyPatch().undo()
    kept = tmp_path / "kept"
    held = tree(built.root / "dist")
    shutil.copytree(built.root / ".publisher/cache", kept)
    built.build(out=tmp_path / "first", cache=kept)
    assert any((kept / "made/site").iterdir())
    assert not any((built.root / ".publisher/cache/made").glob("*/*")), "pages lie twice only where they are carried"
    read.clear()
    fresh = Repository(tmp_path / "checkout")
    for name in ("issues", "config.yaml"):
        source = built.root / name
        (shutil.copytree if source.is_dir() else shutil.copy)(source, fresh.root.joinpath(name))  # type: ignore[operator]
    fresh.build(cache=kept)
    assert [path for path in read if path.endswith("/") or not path] == []
    assert tree(fresh.root / "dist") == held
    page = next(iter((kept / "made/site").iterdir()))
    page.write_bytes(b"\x00" * 40)
    shutil.rmtree(fresh.root / "dist")
    fresh.build(cache=kept)
    assert tree(fresh.root / "dist") == held


@pytest.mark.parametrize("folder", ["dist", "templates", "."])
def test_a_cache_in_a_folder_that_holds_other_files_leaves_them_alone(built: Repository, folder: str) -> None:
    strangers = [built.root / folder / name / "ours.txt" for name in ("site", "email", "editions", "made/site")]
    for file in strangers:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("ours")
    for title in ("One", "Two"):
        built.issue("2024-01-01-x", title=title)
        built.build(cache=built.root / folder)
    assert [file.exists() for file in strangers] == [True] * 4
    built.build(out=built.root / "clean", use_cache=False)
    assert tree(built.root / "dist/site").keys() - {"ours.txt"} == tree(built.root / "clean/site").keys()
