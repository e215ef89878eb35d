"""check --fix changes what it was asked to, and nothing else."""

from __future__ import annotations

import os
import re
import stat
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.checks.engine import check_issue
from publisher.checks.fixes import apply_fix, plan_fixes
from publisher.config import load_config
from publisher.issue.markdown import new_parser

from .corpus import SLUG, Case, lay_out
from .test_command import run

ITEM = f"{SLUG}/sound.md"
MARKDOWN = new_parser()
WRONG = "---\nheadline: 钱往哪里去\n---\n这一周,钱往算力里流。。看[报告](https://example.com/r?utm_source=x&id=7&fbclid=Iw)。\n"
RIGHT = "---\nheadline: 钱往哪里去\n---\n这一周，钱往算力里流。看[报告](https://example.com/r?id=7)。\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    lay_out(Case("sound-0", (), ""), tmp_path)
    return tmp_path


def test_the_change_is_shown_written_and_checked_again(root: Path) -> None:
    (root / ITEM).write_text(WRONG, encoding="utf-8")
    ran = run(root, "check", "--fix", "--yes")
    assert (root / ITEM).read_text(encoding="utf-8") == RIGHT
    assert (ran.returncode, ran.stdout) == (0, "")
    assert "+这一周，钱往算力里流。看" in ran.stderr
    assert "3 changes in 1 file" in ran.stderr
    again = run(root, "check", "--fix", "--yes")
    assert "nothing to mend" in again.stderr
    assert (root / ITEM).read_text(encoding="utf-8") == RIGHT


def test_nothing_is_written_without_a_yes(root: Path) -> None:
    (root / ITEM).write_text(WRONG, encoding="utf-8")
    ran = run(root, "check", "--fix")
    assert ran.returncode == 2
    assert "add --yes" in ran.stderr
    assert "+这一周，" in ran.stderr
    assert (root / ITEM).read_text(encoding="utf-8") == WRONG


def test_line_ends_byte_order_mark_and_mode_stay(root: Path) -> None:
    written = b"\xef\xbb\xbf" + WRONG.removesuffix("\n").replace("\n", "\r\n").encode()
    (root / ITEM).write_bytes(written)
    (root / ITEM).chmod(0o640)
    [fix] = plan_fixes(root, check_issue(load_config(root), SLUG.rpartition("/")[2])[1])
    assert apply_fix(root, fix)
    assert (root / ITEM).read_bytes() == b"\xef\xbb\xbf" + RIGHT.removesuffix("\n").replace("\n", "\r\n").encode()
    assert stat.S_IMODE(os.stat(root / ITEM).st_mode) == 0o640
    assert [path.name for path in (root / SLUG).iterdir() if path.name.startswith(".")] == []


def test_a_file_that_somebody_saved_meanwhile_is_left_alone(root: Path) -> None:
    (root / ITEM).write_text(WRONG, encoding="utf-8")
    [fix] = plan_fixes(root, check_issue(load_config(root), SLUG.rpartition("/")[2])[1])
    (root / ITEM).write_text("somebody's", encoding="utf-8")
    assert not apply_fix(root, fix)
    assert (root / ITEM).read_text(encoding="utf-8") == "somebody's"


@pytest.mark.parametrize(
    "line",
    [
        "字。。。字",  # perhaps an ellipsis
        "`代码,代码`",
        "[a](https://example.com/?spm=1)",  # may open the page
        "字:) 字",
        "the city 北京, which is",
        "北京,上海 &amp;广州&#44;深圳 字,字 &nbsp;,字",  # one is written with an entity: all, or none
    ],
)
def test_what_has_more_than_one_answer_is_left_to_the_editor(root: Path, line: str) -> None:
    text = f"---\nheadline: 题\n---\n{line}\n"
    (root / ITEM).write_text(text, encoding="utf-8")
    assert plan_fixes(root, check_issue(load_config(root), SLUG.rpartition("/")[2])[1]) == []


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("label", ["点评：", "**點評：** ", "Commentary: ", "**解説**:"])
def test_a_commentary_with_its_label_goes_into_its_container(root: Path, label: str, end: str) -> None:
    before = f"---\nheadline: 题\n---\n正文,字。\n{label}看, 评,字。\n\n再评。[^1]\n\n[^1]: 注。\n\n".replace("\n", end)
    (root / ITEM).write_text(before, encoding="utf-8", newline="")
    config, slug = load_config(root), SLUG.rpartition("/")[2]
    [fix] = plan_fixes(root, check_issue(config, slug)[1])
    assert apply_fix(root, fix)
    after = "---\nheadline: 题\n---\n正文，字。\n::: commentary\n看，评，字。\n\n再评。[^1]\n\n[^1]: 注。\n:::\n\n"
    assert (root / ITEM).read_bytes().decode() == after.replace("\n", end)
    issue, found = check_issue(config, slug)
    assert issue is not None
    assert found == []
    assert issue.items[0].commentary is not None


@pytest.mark.parametrize(
    "body",
    [
        "点评：评。",  # nothing would be left
        "正文。\n\n点评：一。\n\n正文。\n\n点评：二。",
        "正文。\n\n点评：评。\n\n## 另一部分\n\n正文。",
        "正文。\n\n点评：评。\n\n::: commentary\n评。\n:::",
        "正文。\n\n点评：",
    ],
)
def test_a_commentary_that_may_end_elsewhere_is_left_to_the_editor(root: Path, body: str) -> None:
    (root / ITEM).write_text(f"---\nheadline: 题\n---\n{body}\n", encoding="utf-8")
    found = check_issue(load_config(root), SLUG.rpartition("/")[2])[1]
    assert "commentary-in-body" in {finding.code for finding in found}
    assert plan_fixes(root, found) == []


def test_text_that_was_read_in_a_wrong_encoding_becomes_what_it_was(root: Path) -> None:
    kept = "`cafÃ©` â€ "
    heard = "\u00e2\u0080\u009chere\u00e2\u0080\u009d\u0085"
    spoiled = f"Itâ€™s {heard}. {kept}[Ã©](https://e.com/Ã©) 鏄庡ぉ鐨勬柊闂伙紝和\ufffd"
    right = f"It’s “here”\u0085. {kept}[é](https://e.com/Ã©) 明天的新闻，和\ufffd"
    (root / ITEM).write_text(f"---\nheadline: DonÃ©\n---\n{spoiled}\n", encoding="utf-8")
    for fix in plan_fixes(root, check_issue(load_config(root), SLUG.rpartition("/")[2])[1]):
        assert apply_fix(root, fix)
    assert (root / ITEM).read_text(encoding="utf-8") == f"---\nheadline: Doné\n---\n{right}\n"


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("以对象管理（Use objects)。", "以对象管理（Use objects）。"),
        ("他说(见上文）也行", "他说（见上文）也行"),
        ("见[上文](https://example.com/a)）和`f(（)`", "见[上文](https://example.com/a)）和`f(（)`"),
        ("准备（甲 1) 乙 2) 丙", "准备（甲 1) 乙 2) 丙"),
        ("见[题（一)](https://example.com/a)，（上)。", "见[题（一）](https://example.com/a)，（上）。"),
    ],
)
def test_a_half_width_partner_of_a_full_width_bracket_is_mended(root: Path, line: str, mended: str) -> None:
    (root / ITEM).write_text(f"---\nheadline: 题\n---\n{line}\n", encoding="utf-8")
    for fix in plan_fixes(root, check_issue(load_config(root), SLUG.rpartition("/")[2])[1]):
        assert apply_fix(root, fix)
    assert (root / ITEM).read_text(encoding="utf-8") == f"---\nheadline: 题\n---\n{mended}\n"


@pytest.mark.parametrize(
    ("line", "mended"),
    [
        ("甲,乙,\n丙,**丁**,戊", "甲，乙，\n丙，**丁**，戊"),
        ("价格, 1,600 元", "价格，1,600 元"),
        ("用GPT,效果好,Claude也好", "用GPT，效果好，Claude也好"),
        ("涨了3%,但是《书》,“说”:对", "涨了3%，但是《书》，“说”：对"),
        ("他说:“好!”", "他说：“好!”"),
        ("上午10:30,比分3:2", "上午10:30，比分3:2"),
    ],
)
def test_half_width_marks_are_mended_wholly(root: Path, line: str, mended: str) -> None:
    config, slug = load_config(root), SLUG.rpartition("/")[2]
    (root / ITEM).write_text(f"---\nheadline: 题\n---\n{line}\n", encoding="utf-8")
    for fix in plan_fixes(root, check_issue(config, slug)[1]):
        assert apply_fix(root, fix)
    assert (root / ITEM).read_text(encoding="utf-8") == f"---\nheadline: 题\n---\n{mended}\n"
    assert "half-width-punctuation" not in {found.code for found in check_issue(config, slug)[1]}


VERBATIM = [
    "<https://times.example.com/一,二>",
    "https://times.example.com/?q=一,二",
    "www.example.com/一,二。。",
    "<code>一,二。。</code>",
    "`一,二。。`",
    "<kbd>一,二</kbd>",
    "前<pre>一,二。。</pre>",
    "[链](https://e.example/一,二)",
    '<a href="https://e.example/一,二。。">链</a>',
    "![图](https://e.example/一,二.png)",
    '<img src="https://e.example/一,二.png" alt="图">',
]


@pytest.mark.parametrize(
    "piece", [*VERBATIM, "```\n一,二。。\n```", "    一,二。。", "<pre>\n一,二。。\n\n一,二\n</pre>"]
)
def test_nothing_is_mended_inside_an_address_or_code(root: Path, piece: str) -> None:
    text = f"---\nheadline: 题\n---\n首,句。\n\n{piece}\n"
    (root / ITEM).write_text(text, encoding="utf-8")
    found = check_issue(load_config(root), SLUG.rpartition("/")[2])[1]
    for fix in plan_fixes(root, found):
        assert apply_fix(root, fix)
    assert (root / ITEM).read_text(encoding="utf-8") == text.replace("首,句", "首，句")


@pytest.mark.parametrize(
    ("headline", "mended", "places"),
    [
        (">-\n  一条很长的\n  标题,写成两行。。", ">-\n  一条很长的\n  标题，写成两行。", [(4, 5), (4, 10)]),
        ('" 一条\n  标题,写成两行"', '" 一条\n  标题，写成两行"', [(3, 5)]),
        ('"一条\\u6807题,有转义"', '"一条\\u6807题，有转义"', [(2, 21)]),
        ("一条标题\n  不加引号,写成两行", "一条标题\n  不加引号，写成两行", [(3, 7)]),
    ],
)
def test_a_mark_in_a_headline_of_several_lines_has_its_own_place(
    root: Path, headline: str, mended: str, places: list[tuple[int, int]]
) -> None:
    (root / ITEM).write_text(f"---\nheadline: {headline}\n---\n正文。\n", encoding="utf-8")
    findings = check_issue(load_config(root), SLUG.rpartition("/")[2])[1]
    assert [finding.span[:2] for finding in findings] == places
    [fix] = plan_fixes(root, findings)
    assert fix.after.decode("utf-8") == f"---\nheadline: {mended}\n---\n正文。\n"


def test_nothing_is_mended_inside_an_address_of_a_headline(root: Path) -> None:
    text = "---\nheadline: 看,https://times.example.com/一,二 和,字\n---\n正文。\n"
    (root / ITEM).write_text(text, encoding="utf-8")
    for fix in plan_fixes(root, check_issue(load_config(root), SLUG.rpartition("/")[2])[1]):
        assert apply_fix(root, fix)
    written = (root / ITEM).read_text(encoding="utf-8")
    assert "https://times.example.com/一,二 和" in written
    assert "和，字" in written


class _Kept(HTMLParser):
    """Addresses of links and pictures, and the text of code, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self._inside = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._inside += tag in {"code", "pre", "kbd"}
        for name, value in attrs:
            if name in {"href", "src"}:
                self.found.append(
                    re.sub(r"(?<=[?&])(?:utm_id|gclid)=[^&]*&?", "", value or "").rstrip("?")
                )  # what only tracks may go

    def handle_endtag(self, tag: str) -> None:
        self._inside -= tag in {"code", "pre", "kbd"}

    def handle_data(self, data: str) -> None:
        if self._inside > 0:
            self.found.append(data)


SOME = ["字,", "文。。", "，字", " ", "\n", "\n\n", "**粗**", "- ", "> ", "a,", "`", "<code>", "</code>", "<", ">", "*",
        "[链,字](https://e.example/?utm_id=1&b=一,二)", "https://e.example/p?gclid=x "]  # fmt: skip
SEVERAL = st.lists(st.sampled_from([*VERBATIM, *SOME]), max_size=12)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SEVERAL)
def test_links_and_code_are_the_same_after_any_fix(root: Path, pieces: list[str]) -> None:
    config, slug = load_config(root), SLUG.rpartition("/")[2]
    before = "".join(pieces)
    (root / ITEM).write_text(f"---\nheadline: 题\n---\n首。{before}\n", encoding="utf-8", newline="")
    for fix in plan_fixes(root, check_issue(config, slug)[1]):
        assert apply_fix(root, fix)
    after = (root / ITEM).read_text(encoding="utf-8").removeprefix("---\nheadline: 题\n---\n首。")
    assert _Kept(MARKDOWN.render(f"首。{after}")).found == _Kept(MARKDOWN.render(f"首。{before}")).found
    assert plan_fixes(root, check_issue(config, slug)[1]) == []  # a second run changes nothing


PIECES = ["字", "文", ",", ":", "!", "。", "，", "、", " ", "a", "1", "\n", "**", "`", "[链](https://e.example/?utm_id=1&b=2)",
          "https://e.example/p?gclid=x", "(", "）", "\\", "&amp;", "😀"]  # fmt: skip


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(PIECES), max_size=25))
def test_fixing_mends_what_it_says_and_touches_nothing_else(root: Path, pieces: list[str]) -> None:
    config, slug = load_config(root), SLUG.rpartition("/")[2]
    before = f"---\nheadline: 题\n---\n首。{''.join(pieces)}\n"
    (root / ITEM).write_text(before, encoding="utf-8", newline="")
    found = check_issue(config, slug)[1]
    fixes = plan_fixes(root, found)
    for fix in fixes:
        assert apply_fix(root, fix)
    after = (root / ITEM).read_text(encoding="utf-8")
    inside = {f.span.line: [] for f in found}  # type: dict[int, list[tuple[int, int]]]
    for finding in found:
        inside[finding.span.line].append((finding.span.column - 1, finding.span.end_column - 1))
    for number, (old, new) in enumerate(zip(before.split("\n"), after.split("\n"), strict=True), 1):
        if old != new:
            outside = _without(old, inside[number])
            assert all(part in new for part in outside)
    assert plan_fixes(root, check_issue(config, slug)[1]) == []


def _without(line: str, spans: list[tuple[int, int]]) -> list[str]:
    parts, at = [], 0
    for start, end in sorted(spans):
        parts.append(line[at:start])
        at = max(at, end)
    return [part for part in [*parts, line[at:]] if part]


def test_the_summary_says_what_fix_would_mend_and_many_of_one_kind_are_one(root: Path) -> None:
    lines = "\n\n".join(["一,二。"] * 12 + ["看[这里](https://example.com/1)。"] * 5)
    (root / ITEM).write_text(f"---\nheadline: 题\n---\n{lines}\n", encoding="utf-8")
    ran = run(root, "check")
    assert ran.stdout.count("half-width-punctuation") == 1
    assert "+ 11 more in 1 file; publisher check --all" in ran.stdout
    assert "publisher check --fix mends 12 of them" in ran.stderr
    assert run(root, "check", "--all").stdout.count("half-width-punctuation") == 12
    assert run(root, "check", "--format", "json").stdout.count('"half-width-punctuation"') == 12
    assert run(root, "check", "--format", "github").stdout.count("half-width-punctuation") == 1
    assert "more in" not in run(root, "check", "--all", "--format", "github").stdout
    assert "--fix" not in run(root, "check", "--fix", "--yes").stderr.splitlines()[-1]
