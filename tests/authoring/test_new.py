"""``publisher new``: a draft without findings, dated and numbered; other issues stay unchanged."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from publisher.authoring.issue import make_issue
from publisher.authoring.repository import make_repository
from publisher.checks.engine import check_issue
from publisher.checks.rules.leftovers import PLACEHOLDERS
from publisher.config import Config, load_config
from publisher.errors import UsageError
from publisher.issue.model import Status
from publisher.language import spoken

CONFIG = """\
newsletter:
  name: N
  language: {language}
  timezone: {zone}
  url: https://news.example.com/
  from: N <n@example.com>
"""


def newsletter(root: Path, language: str = "en", zone: str = "UTC") -> Config:
    (root / "config.yaml").write_text(CONFIG.format(language=language, zone=zone), encoding="utf-8")
    return load_config(root)


@pytest.mark.parametrize("language", ["zh-TW", "sv", *(name.replace("_", "-") for name in spoken())])
def test_a_new_issue_is_a_draft_that_checks_clean(tmp_path: Path, language: str) -> None:
    config = newsletter(tmp_path, language)
    made = make_issue(config, "2025-01-05-weekly")
    issue, findings = check_issue(config, made.slug)
    assert [d for d in findings if d.severity != "info"] == []
    assert issue
    assert (issue.status, issue.date, issue.number) == (Status.DRAFT, date(2025, 1, 5), None)
    assert [bool(item.commentary) for item in issue.items] == [True]


def test_without_a_date_in_the_slug_it_is_today_in_the_newsletters_zone(tmp_path: Path) -> None:
    zone = "Pacific/Kiritimati"  # UTC+14: another day than here for most of the day
    before = datetime.now(ZoneInfo(zone)).date()
    made = make_issue(newsletter(tmp_path, zone=zone), "special")
    assert before <= made.date <= datetime.now(ZoneInfo(zone)).date()


def test_the_number_follows_the_latest_issue(tmp_path: Path) -> None:
    make_repository(tmp_path)
    made = make_issue(load_config(tmp_path), "2025-01-05-weekly")
    assert "\nnumber: 53\n" in (tmp_path / made.files[0]).read_text(encoding="utf-8")


def test_the_schema_that_the_issue_names_is_there(tmp_path: Path) -> None:
    made = make_issue(newsletter(tmp_path), "2025-01-05-weekly")
    issue = tmp_path / made.files[0]
    first = issue.read_text(encoding="utf-8").splitlines()[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert named
    assert (issue.parent / named[1]).resolve().is_file()


@pytest.mark.parametrize(
    "slug", ["", "Weekly", "a b", "-a", "a-", "a--b", "a/b", "../a", "周报", ".", "a.b", "a_b", "x" * 101, "a\n"]
)
def test_what_is_no_slug_is_refused_with_the_rule(tmp_path: Path, slug: str) -> None:
    with pytest.raises(UsageError, match="a-z, 0-9 and single hyphens") as refused:
        make_issue(newsletter(tmp_path), slug)
    assert refused.value.help
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config.yaml"]


def test_a_date_that_is_no_day_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="2025-02-30 is not a day"):
        make_issue(newsletter(tmp_path), "2025-02-30-weekly")


def test_an_issue_that_is_there_is_never_touched(tmp_path: Path) -> None:
    config = newsletter(tmp_path)
    made = make_issue(config, "2025-01-05-weekly")
    (tmp_path / made.files[1]).write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        make_issue(config, "2025-01-05-weekly")
    assert (tmp_path / made.files[1]).read_text() == "mine"


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_what_is_not_filled_in_never_goes_out(tmp_path: Path, language: str) -> None:
    config = newsletter(tmp_path, language)
    made = make_issue(config, "2025-01-05-weekly")
    path = tmp_path / made.files[0]
    path.write_text(path.read_text(encoding="utf-8").replace("status: draft", "status: ready"), encoding="utf-8")
    issue, findings = check_issue(config, made.slug)
    assert issue is None
    assert len([d for d in findings if d.code == "placeholder-left"]) == len(PLACEHOLDERS)
