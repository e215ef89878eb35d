"""docs/library.md as a stranger would use it: its program in a process of its own, its output to the letter."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

import publisher
from publisher.testing import FakeTransport
from tests.acceptance.conftest import CONFIG, Newsletter
from tests.warm import clean_environment

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
(_, PROGRAM), (_, OUTPUT), (_, FAKES) = BLOCKS
ITEM = "---\nheadline: GPU prices\n---\nThey rose.\n\nSee [here](https://example.org/).\n"


@pytest.fixture
def newsletter(tmp_path: Path) -> Newsletter:
    made = Newsletter(tmp_path / "my-newsletter")
    made.write("config.yaml", CONFIG.replace("zh-CN", "en"))
    made.write("issues/weekly-1/issue.yaml", f"title: The first week\ndate: {datetime.now(UTC):%F}\nstatus: ready\n")
    made.write("issues/weekly-1/item.md", ITEM)
    made.subscribers("ada@example.com")
    return made


def python(code: str, cwd: Path) -> str:
    ran = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env=clean_environment(),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def test_the_program_of_the_page_prints_what_the_page_says(newsletter: Newsletter) -> None:
    assert python(PROGRAM, newsletter.root.parent) == OUTPUT


def test_importing_loads_nothing_and_offers_what_the_page_and_the_types_say(tmp_path: Path) -> None:
    code = "import publisher, sys; print(*sorted(m for m in sys.modules if m.startswith('publisher')), *dir(publisher))"
    loaded, *offered = python(code, tmp_path).split()
    assert loaded == "publisher"
    typed = re.findall(r" as (\w+)$", (ROOT / "publisher" / "__init__.pyi").read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(offered) == sorted(publisher.__all__) == sorted({*typed} - {"testing"})
    assert [
        name for name in offered if not re.search(rf"`{name}[`(]|publisher\.{name}|import .*\b{name}\b", PAGE)
    ] == []
    assert all(getattr(publisher, name).__name__ == name for name in offered)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        publisher.nothing  # type: ignore[attr-defined] # noqa: B018


def test_the_functions_are_called_as_the_page_says() -> None:
    for name in ("load", "check", "render", "build", "publish"):
        words = str(signature(getattr(publisher, name))).partition(" ->")[0]
        words = re.sub(r": '[^']+'", "", words).replace(" = ", "=").replace("'", '"')
        assert f"| `{name}{words}` |" in PAGE


def test_a_finding_has_the_keys_of_the_json(newsletter: Newsletter) -> None:
    told = newsletter.run("check", "--format", "json").json
    (found,) = publisher.check(newsletter.root)
    assert [{key: getattr(found, key) for key in told[0]}] == told


def test_what_has_errors_is_an_exception_with_the_findings(newsletter: Newsletter) -> None:
    newsletter.write("issues/weekly-1/item.md", ITEM.replace("headline: GPU prices", "headline:"))
    expected = publisher.check(newsletter.root, "weekly-1")
    assert {"error", "warning"} == {found.severity for found in expected}
    for ask in (publisher.load, publisher.render):
        with pytest.raises(publisher.ContentError, match="weekly-1 has errors") as raised:
            ask(newsletter.root, "weekly-1")
        assert list(raised.value.diagnostics) == expected
    assert not publisher.build(str(newsletter.root), "dist", "weekly-1").ok


def test_a_draft_is_rendered_unless_it_is_not_wanted(newsletter: Newsletter) -> None:
    newsletter.write("issues/weekly-1/issue.yaml", "title: The first week\ndate: 2025-01-05\n")
    assert publisher.render(newsletter.root, "weekly-1").subject == "The first week"
    with pytest.raises(publisher.UsageError, match="weekly-1 is a draft"):
        publisher.render(newsletter.root, "weekly-1", drafts=False)


def test_nothing_prints_not_even_where_a_rule_of_ours_fails(newsletter: Newsletter) -> None:
    code = (
        "from dataclasses import replace; import publisher; import publisher.checks.registry as r\n"
        "failing = replace(r.own_rules()[0], check=lambda context: 1 / 0); r.own_rules = lambda: (failing,)\n"
        "print(publisher.check('my-newsletter', 'weekly-1')[0].code)"
    )
    assert python(code, newsletter.root.parent) == "rule-crashed\n"


def test_what_fails_is_reported_by_one_tree_of_exceptions(newsletter: Newsletter, tmp_path: Path) -> None:
    with pytest.raises(publisher.ConfigError) as broken:
        publisher.check(tmp_path)
    assert broken.value.diagnostics
    for ask in (publisher.check, publisher.load, publisher.render):
        with pytest.raises(publisher.UsageError, match="there is no issue none") as unknown:
            ask(newsletter.root, "none")
        assert unknown.value.diagnostics == ()
    config = (newsletter.root / "config.yaml").read_text(encoding="utf-8")
    newsletter.write("config.yaml", config.replace("weekly.test", "example.com") + "delivery: {transport: smtp}\n")
    with pytest.raises(publisher.UsageError, match="placeholder"):
        publisher.publish(newsletter.root, transport=FakeTransport())


@pytest.mark.parametrize(("name", "state"), [("bounces", "rejected"), ("nobody_knows", "uncertain")])
def test_a_fake_transport_answers_as_the_page_says(newsletter: Newsletter, name: str, state: str) -> None:
    newsletter.subscribers("gone@example.com")
    names: dict[str, Any] = {}
    exec(FAKES, names)
    fake = names[name]
    (outcome,) = publisher.publish(newsletter.root, transport=fake).outcomes
    assert outcome.sent is not None
    assert getattr(outcome.sent.account, state) == (1 if state == "rejected" else 2)
    assert {envelope.address for envelope in fake.seen} == {"ada@example.com", "gone@example.com"}
    assert [message["To"] for message in fake.messages] == (["ada@example.com"] if state == "rejected" else [])
