"""Whatever an editor writes: no traceback, no hang, and no item dropped in silence."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from publisher.checks.engine import check_issue
from publisher.config import load_config
from publisher.diagnostics.text import render_text
from publisher.issue.folder import read_folder

from .conftest import CONFIG, SLUG

ROOT = Path(__file__).resolve().parents[2]
REAL = {
    path.relative_to(ROOT / "issues"): path.read_bytes()
    for path in sorted((ROOT / "issues").rglob("*"))
    if path.is_file() and path.suffix in {".md", ".yaml"}
}
ITEM = b"---\nheadline: x\ntags: [a]\n---\nbody [l](https://example.com)\n\n::: commentary\nview\n:::\n"
ISSUE = b"title: t\ndate: 2024-12-29\nkey_points:\n  - >-\n    one\n    two\nitems:\n  - a.md\n"
ISSUE += b"  - headline: h\n    body: |\n      b\n"
SNIPPETS = [
    b":::", b"::: commentary\n", b"---\n", b"```\n", b"\xff", b"\x00", b"\xef\xbb\xbf", b"\r", b"\t", b"<!--", b"-->",
    b"<script>",
    b"[", b"]", b"{", b"}", b": ", b"- ", b"|", b">", b"'", b'"', b"*x", b"&x", b"!x", b"? ", b"#", b"%", b"\\",
    b"\n", b"  ",
    "中".encode(), "😀".encode(), b"[a](javascript:x)", b"![](x)", b"items: []\n", b"headline: y\n",
    b"\xc2\x85", b"\xe2\x80\xa8",
]  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """One of the originals with a few cuts, copies and insertions."""
    text = draw(st.sampled_from(originals))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 40)))
        text = text[:start] + draw(st.sampled_from([b"", text[start:end] * 2, *SNIPPETS])) + text[end:]
    return text


def held(files: dict[str, bytes]) -> None:
    """Check an issue of these files: every item file is an item of the issue, or something is said."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "config.yaml").write_text(CONFIG, encoding="utf-8")
        for path, content in files.items():
            target = root / "issues" / SLUG / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        config = load_config(root)
        issue, found = check_issue(config, SLUG)
        errors = [finding for finding in found if finding.severity == "error"]
        assert (issue is None) == bool(errors)
        assert "rule-crashed" not in {finding.code for finding in found}
        assert render_text(found, root).count("[") >= len(found)
        for finding in found:
            assert finding.span.line >= 1
            assert finding.span.column >= 1
            assert (finding.span.end_line, finding.span.end_column) >= (finding.span.line, finding.span.column)
        if issue is not None:
            read = {item.places.path for item in issue.items}
            assert set(read_folder(root, SLUG).items) <= read
            assert all(item.headline and item.body.text for item in issue.items)


@given(
    st.dictionaries(
        st.sampled_from(["issue.yaml", "a.md", "b.yaml", "c.yml", "d.markdown"]), st.binary(max_size=200), min_size=1
    )
)
@settings(max_examples=60, deadline=None)
def test_arbitrary_bytes(files: dict[str, bytes]) -> None:
    held(files)


@given(mutated([ISSUE]), mutated([ITEM]))
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_small_issue_with_slips(issue: bytes, item: bytes) -> None:
    held({"issue.yaml": issue, "a.md": item})


@given(
    mutated([text for path, text in REAL.items() if path.suffix == ".md"]),
    mutated([t for p, t in REAL.items() if p.suffix == ".yaml"]),
)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_real_issue_with_slips(item: bytes, issue: bytes) -> None:
    held({"issue.yaml": issue, "a.md": item})


@given(st.lists(st.sampled_from(["甲", "乙", "a.md", "b.md", "c.yaml", "gone.md"]), max_size=5))
@settings(max_examples=40, deadline=None)
def test_whatever_an_order_names(order: list[str]) -> None:
    items = "".join(f"  - {{headline: {name}, body: x}}\n" if name in "甲乙" else f"  - {name}\n" for name in order)
    files = {
        "issue.yaml": f"title: t\ndate: 2024-12-29\n{'items:' if order else ''}\n{items}".encode(),
        "a.md": b"---\nheadline: a\n---\nx\n",
        "b.md": b"---\nheadline: b\n---\nx\n",
        "c.yaml": b"headline: c\nbody: x\n",
    }
    held(files)
