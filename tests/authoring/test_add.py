"""``publisher add``: the metadata of any page becomes an item to write, and nothing else of it does."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml

from publisher.authoring import page
from publisher.authoring.add import AddedItem, add_item, remarks, slug_words
from publisher.authoring.metadata import metadata_of
from publisher.checks.engine import check_issue
from publisher.checks.links.network import is_public
from publisher.config import Config, load_config
from publisher.diagnostics import rendered
from publisher.errors import PublisherError, ServiceError, UsageError
from publisher.issue.load import read_issue
from publisher.issue.model import Item
from tests.authoring.pages import PAGES, PageServer
from tests.warm import command

SLUG = "2025-01-05-weekly"
CONFIG = """\
newsletter:
  name: N
  language: {language}
  timezone: UTC
  url: https://news.example.com/
  from: N <n@example.com>
checks: {{allow_private_links: {private}}}
"""
ISSUE = "title: T\ndate: 2025-01-05\n"


@pytest.fixture(scope="module")
def server() -> Iterator[PageServer]:
    made = PageServer()
    yield made
    made.close()


def newsletter(root: Path, issue: str = ISSUE, language: str = "en", private: bool = True) -> Config:
    (root / "config.yaml").write_text(CONFIG.format(language=language, private=str(private).lower()), "utf-8")
    (root / "issues" / SLUG).mkdir(parents=True, exist_ok=True)
    (root / "issues" / SLUG / "issue.yaml").write_bytes(issue.encode())
    return load_config(root)


def added(config: Config, url: str, slug: str | None = None) -> AddedItem:
    with ThreadPoolExecutor(1) as pool:  # the browser's fixture keeps an event loop in the main thread
        return pool.submit(add_item, config, url, slug).result()


def item_of(config: Config, made: AddedItem) -> Item:
    issue = read_issue(config, made.slug).partial
    assert issue
    (item,) = (item for item in issue.items if item.places.of().path == made.path)
    return item


TITLES = {
    "moment": "One moment in time: access denied, and why",
    "title": "Only a title", "entities": 'Fish & chips – "now"', "spaces": "Over two lines", "two-titles": "First",
    "og": "Of Open Graph", "og-as-name": "Of Open Graph", "twitter": "Of Twitter", "empty-og": "Of the title",
    "unquoted": "Unquoted", "ld": "Told in JSON-LD", "ld-array": "Told in JSON-LD", "ld-graph": "Told in JSON-LD",
    "ld-authors": "Told in JSON-LD", "ld-images": "Told in JSON-LD", "ld-broken": "Of the head",
    "ld-deep": "Of the head", "ld-types": "a", "ld-newlines": "Two lines",
    "ld-schema-url": "Told in JSON-LD", "ld-two": "Told in JSON-LD", "ld-comment": "Told in JSON-LD",
    "yaml": "a: b #5 - [x] {y} 'q' \"d\" | > &anchor *alias !tag % @ `",
    "yaml-lines": "x --- status: ready commentary: | evil",
    "shell": "$(touch /tmp/pwned); `id` && rm -rf ~ ../../etc/passwd",
    "template": "{{ subscriber.name }} {% raw %}", "controls": "a[31mbc\ufffdd", "directions": "abcde",
    "emoji": "👩‍👩‍👧 family 𠮷野家",
    **dict.fromkeys(("gbk-header", "gbk-meta", "gbk-http-equiv", "gbk-silent", "gbk-lied", "bom", "utf16",
                     "odd-charset"), "字节跳动的资本开支"),
    "sjis": "半導体の新工場", "latin": "Élan à Besançon", "no-type": "Untyped", "xhtml": "X",
    "huge": "Big", "gzip": "Zipped", "deflate": "Zipped", "bomb": "Bomb",
    "moved": "Only a title", "found": "Only a title", "five": "Only a title", "refresh": "Only a title",
    "refresh-later": "Reloads",
}  # fmt: skip
UNTITLED = (
    "door", "door-zh",
    "svg-title", "no-title", "no-title/deep/page.html", "empty", "no-content", "pdf", "pdf-as-html", "image",
            "json", "text")  # fmt: skip
LOST = {
    "404": "answers 404", "410": "answers 410", "403": "answers 403", "500": "answers 500", "304": "answers 304",
    "six": "redirects more than 5 times", "loop": "redirects more than 5 times", "nowhere": "answers 302",
    "to-file": "is not a web address", "to-user": "a name or a password", "refresh-loop": "more than 5 times",
    "gzip-broken": "did not load", "brotli": "unasked", "drip": "within 1 s", "hang": "within 1 s",
    "cut": "did not load",
}  # fmt: skip


def test_there_are_pages_of_more_than_forty_kinds() -> None:
    assert len({*TITLES, *UNTITLED, *LOST}) > 70
    assert {*PAGES} - {*TITLES, *UNTITLED, *LOST} == {"r2", "r3", "r4", "r5", "long", "to-metadata"}


@pytest.mark.parametrize("name", TITLES)
def test_the_headline_is_what_the_page_calls_itself(server: PageServer, tmp_path: Path, name: str) -> None:
    config = newsletter(tmp_path)
    made = added(config, server.url(name))
    item = item_of(config, made)
    assert (item.headline, made.titled) == (TITLES[name], True)
    assert Path(made.path).name.startswith("01-")
    assert "ARTICLE" not in (tmp_path / made.path).read_text(encoding="utf-8")
    _, findings = check_issue(config, SLUG)
    assert [d.code for d in findings if d.severity == "error"] == ["placeholder-left"] * 2


@pytest.mark.parametrize("name", UNTITLED)
def test_without_a_title_host_and_path_stand_in(server: PageServer, tmp_path: Path, name: str) -> None:
    config = newsletter(tmp_path)
    made = added(config, server.url(name))
    assert item_of(config, made).headline == f"127.0.0.1/{name}"
    assert made.path.endswith("/01-" + name.replace(".html", "").replace("/", "-") + ".md")
    assert next(remarks(config, made)) == f"the page has no title; the headline is 127.0.0.1/{name}"


@pytest.mark.parametrize("name", LOST)
def test_a_page_that_cannot_be_had_writes_nothing(
    server: PageServer, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if name in {"drip", "hang"}:
        monkeypatch.setattr(page, "SECONDS", 1.0)
    config = newsletter(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(PublisherError, match=LOST[name]) as refused:
        added(config, server.url(name))
    assert refused.value.help
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_site_author_date_and_picture_are_taken_along(server: PageServer, tmp_path: Path) -> None:
    config = newsletter(tmp_path)
    item = item_of(config, made := added(config, server.url("ld")))
    assert [(source.name, source.url) for source in item.sources] == [("The Daily", server.url("ld"))]
    text = (tmp_path / made.path).read_text(encoding="utf-8")
    assert "\n# author: Ada\n# published: 2024-12-26\n---\n" in text
    assert metadata_of(PAGES["ld-authors"].body.decode()).author == "Ada, Bob"
    assert metadata_of(PAGES["ld-images"].body.decode()).picture == "https://i.example/1.png"
    item = item_of(config, made := added(config, server.url("og")))
    assert item.sources[0].name == "The Site"
    assert "\n# picture: https://i.example/a.png\n" in (tmp_path / made.path).read_text(encoding="utf-8")
    assert item_of(config, added(config, server.url("title"))).sources[0].name == "127.0.0.1"


def test_the_source_is_where_redirects_lead_to(server: PageServer, tmp_path: Path) -> None:
    config = newsletter(tmp_path)
    for name in ("five", "refresh"):
        assert item_of(config, added(config, server.url(name))).sources[0].url == server.url("title")


def test_no_more_than_two_megabytes_are_read(server: PageServer) -> None:
    with ThreadPoolExecutor(1) as pool:
        for name in ("huge", "bomb"):
            read = pool.submit(page.fetch_page, server.url(name), allow_private=True).result()
            assert len(read.text) <= page.MAX_BYTES


def test_a_long_title_is_cut_and_the_name_of_its_file_too(server: PageServer, tmp_path: Path) -> None:
    made = added(newsletter(tmp_path), server.url("long"))
    assert len(made.headline) == 200
    assert len(Path(made.path).name) < 70


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("OpenAI 计划重组公司结构", "openai"),
        ("It’s GPT-4o’s day", "its-gpt-4os-day"),
        ("Élan à Besançon", "elan-a-besancon"),
        ("../../etc/passwd", "etc-passwd"),
        ("字节跳动", ""),
        ("a" * 99, "a" * 60),
    ],
)
def test_a_slug_is_the_ascii_of_a_title(text: str, slug: str) -> None:
    assert slug_words(text) == slug


def test_a_title_without_ascii_takes_the_path_and_a_home_page_none(
    server: PageServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = newsletter(tmp_path)
    assert added(config, server.url("gbk-meta?from=mail")).path.endswith("/01-gbk-meta.md")
    monkeypatch.setitem(PAGES, "", PAGES["gbk-meta"])
    assert added(config, server.url("")).path.endswith("/02-item.md")


def test_numbers_go_on_from_the_highest_and_two_at_once_get_two(server: PageServer, tmp_path: Path) -> None:
    config = newsletter(tmp_path, ISSUE + "items:\n- 07-x.md # first\n")
    (tmp_path / "issues" / SLUG / "07-x.md").write_text("---\nheadline: X\n---\nText.\n")
    with ThreadPoolExecutor(8) as pool:
        made = [*pool.map(lambda _: add_item(config, server.url("title")), range(8))]
    assert {Path(one.path).name[:3] for one in made} == {f"{number:02d}-" for number in range(8, 16)}
    written = yaml.safe_load((tmp_path / "issues" / SLUG / "issue.yaml").read_text())["items"]
    assert sorted(written) == ["07-x.md", *sorted(Path(one.path).name for one in made)]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("title: T # t\ndate: 2025-01-05\n", None),
        (ISSUE + "items:\n  - a.md # the first\n\n# the end\ntags: [x]\n",
         ISSUE + "items:\n  - a.md # the first\n  - {}\n\n# the end\ntags: [x]\n"),
        (ISSUE + "items:\n- a.md", ISSUE + "items:\n- a.md\n- {}"),
        (ISSUE + "items: [a.md]  # flow\n", ISSUE + "items: [a.md, {}]  # flow\n"),
        (ISSUE + "items: [\n  a.md,\n]\n", ISSUE + "items: [\n  a.md, {}\n]\n"),
        (ISSUE + "items: []\n", ISSUE + "items: [{}]\n"),
        (ISSUE + "items: # none yet\n", None),
        ("\ufeff" + ISSUE.replace("\n", "\r\n") + "items:\r\n  - a.md\r\n",
         "\ufeff" + ISSUE.replace("\n", "\r\n") + "items:\r\n  - a.md\r\n  - {}\r\n"),
        (ISSUE + "items:\n  - headline: H\n    body: |\n      B\n  - a.md\ntags: [x]\n",
         ISSUE + "items:\n  - headline: H\n    body: |\n      B\n  - a.md\n  - {}\ntags: [x]\n"),
        ("title: T\nitems:\n  - headline: H\n    body: |\n      B\n\ndate: 2025-01-05\n",
         "title: T\nitems:\n  - headline: H\n    body: |\n      B\n  - {}\n\ndate: 2025-01-05\n"),
    ],
)  # fmt: skip
def test_the_list_of_items_gets_a_line_and_nothing_else_changes(
    server: PageServer, tmp_path: Path, before: str, after: str | None
) -> None:
    config = newsletter(tmp_path, before)
    (tmp_path / "issues" / SLUG / "a.md").write_text("---\nheadline: X\n---\nText.\n")
    made = added(config, server.url("title"))
    name = Path(made.path).name
    assert (tmp_path / "issues" / SLUG / "issue.yaml").read_bytes().decode() == (after or before).replace("{}", name)
    issue = read_issue(config, SLUG).partial
    assert issue
    assert made.path in {item.places.of().path for item in issue.items}


@pytest.mark.parametrize("rest", ["items: [a.md # last\n]\n", "items: {a: b}\n", "items: ['a.md'\n"])
def test_a_list_that_no_line_can_be_added_to_is_left_alone(server: PageServer, tmp_path: Path, rest: str) -> None:
    config = newsletter(tmp_path, ISSUE + rest)
    with pytest.raises(UsageError):
        added(config, server.url("title"))
    assert [path.name for path in (tmp_path / "issues" / SLUG).iterdir()] == ["issue.yaml"]


def test_the_newest_draft_is_meant_and_none_is_told_what_makes_one(server: PageServer, tmp_path: Path) -> None:
    config = newsletter(tmp_path)
    for slug, rest in (("2025-02-01-x", "status: ready"), ("2024-01-01-x", ""), ("special", "")):
        (tmp_path / "issues" / slug).mkdir()
        day = "2025-01-09" if slug == "special" else slug[:10]
        (tmp_path / "issues" / slug / "issue.yaml").write_text(f"title: T\ndate: {day}\n{rest}\n")
    assert added(config, server.url("title")).slug == "special"
    assert added(config, server.url("title"), "2025-02-01-x").slug == "2025-02-01-x"
    (tmp_path / "issues" / "special" / "issue.yaml").write_text("title: T\ndate: 2025-01-02\n")
    assert added(config, server.url("title")).slug == SLUG
    for slug in (SLUG, "2024-01-01-x", "special"):
        (tmp_path / "issues" / slug / "issue.yaml").write_text(ISSUE + "status: ready\n")
    with pytest.raises(UsageError, match="no draft") as refused:
        added(config, server.url("title"))
    assert "publisher new" in str(refused.value.help)


@pytest.mark.parametrize(
    "url",
    ["ftp://x.example/", "x.example/a", "javascript:alert(1)", "http://", "http://[::1", "file:///etc/passwd",
     "https://me:secret@x.example/", "", "http://x.example:port/"],
)  # fmt: skip
def test_what_is_no_address_of_the_web_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError) as refused:
        added(newsletter(tmp_path), url)
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(
    ("url", "told"),
    [("http://127.0.0.1:1/", "no connection"), ("http://nowhere.invalid/", "there is no host|no resolver")],
)
def test_why_no_connection_came_about_is_said_in_our_words(tmp_path: Path, url: str, told: str) -> None:
    with pytest.raises(PublisherError, match=f"the page did not load: ({told})") as refused:
        added(newsletter(tmp_path), url)
    assert "All connection attempts" not in refused.value.message


def test_a_private_address_is_fetched_only_where_the_config_lets_it(
    server: PageServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = newsletter(tmp_path, private=False)
    before = len(server.asked)
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433", "0.0.0.0"):
        with pytest.raises(ServiceError, match="not a public address"):
            added(config, f"http://{host}:{server.port}/title")
    assert len(server.asked) == before
    # The first hop has to be reachable for the second to be tried: only loopback is taken for public here.
    monkeypatch.setattr(
        "publisher.checks.links.network.is_public", lambda address: address == "127.0.0.1" or is_public(address)
    )
    with pytest.raises(ServiceError, match="not a public address"):
        added(config, server.url("to-metadata"))


def test_a_story_that_ran_is_reported_at_once(server: PageServer, tmp_path: Path) -> None:
    config = newsletter(tmp_path)
    before = tmp_path / "issues" / "2024-12-29-weekly"
    before.mkdir()
    (before / "issue.yaml").write_text("title: T\ndate: 2024-12-29\nstatus: ready\n")
    source = f"source: {{name: N, url: '{server.url('title')}'}}"
    (before / "a.md").write_text(f"---\nheadline: Another headline\n{source}\n---\nText.\n")
    assert [*remarks(config, added(config, server.url("og")))] == []
    (told,) = remarks(config, added(config, server.url("title")))
    assert rendered(told, "zh") == "来源相同的新闻在 2024-12-29-weekly 登过"
    (again,) = remarks(config, added(config, server.url("og")))
    assert again == f"issues/{SLUG}/01-of-open-graph.md is from the same source"


@pytest.fixture
def run(server: PageServer, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    newsletter(tmp_path)

    def call(*words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return command(tmp_path.parent, "--root", str(tmp_path), *words, stdin=stdin.encode())

    return call


def test_the_path_alone_goes_to_standard_output(
    server: PageServer, tmp_path: Path, run: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    ran = run("add", server.url("empty"))
    assert (ran.returncode, ran.stdout) == (0, f"{tmp_path}/issues/{SLUG}/01-empty.md\n")
    assert ran.stderr.count("\n") == 1
    form = f"### Link\n\n{server.url('og')}\n\n### Why\n\n$(touch x) `id` https://other.example/\n"
    ran = run("--lang", "zh", "add", "-", SLUG, stdin=form)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"{tmp_path}/issues/{SLUG}/02-of-open-graph.md\n", "")
    assert run("add", "-", stdin="no link").returncode == 2
    ran = run("add", server.url("404"))
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "answers 404" in ran.stderr
