"""The report's values are pure functions over counts, and never lose a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import publisher
from publisher.feedback.apply import is_machine, without_token
from publisher.insights.account import FEW, Domain, named_domains, timeline
from publisher.insights.page import ReportWords, bar, rising, stacked

PACKAGE = Path(publisher.__file__).parent
START = datetime(2026, 5, 4, 8, tzinfo=UTC)
COUNTS = st.dictionaries(
    st.integers(0, 60 * 24 * 40).map(lambda minute: START + timedelta(minutes=minute)),
    st.integers(1, 1000),
    max_size=30,
)


@given(st.fixed_dictionaries(dict.fromkeys(("submitted", "delivered", "bounced", "complained"), COUNTS)))
def test_a_timeline_keeps_everybody_in_few_even_steps(minutes: dict[str, dict[datetime, int]]) -> None:
    steps = timeline(minutes)
    if not minutes["submitted"] and not minutes["delivered"]:
        assert steps == ()
        return
    assert len(steps) <= 25
    for name, counts in minutes.items():
        assert sum(getattr(step, name) for step in steps) == sum(counts.values())
    starts = [step.start for step in steps if step.start]
    assert len({b - a for a, b in pairwise(starts)}) <= 1


def test_a_straggler_does_not_squeeze_the_first_hour() -> None:
    delivered = {START + timedelta(minutes=i): 1000 for i in range(30)} | {START + timedelta(days=3): 1}
    steps = timeline({"delivered": delivered})
    assert steps[1].start == START + timedelta(minutes=2)
    assert (steps[-1].start, steps[-1].delivered) == (None, 1)


DOMAINS = st.lists(
    st.tuples(st.none() | st.text("abc.", min_size=1, max_size=4), st.integers(0, 20)),
    unique_by=lambda pair: pair[0],
    max_size=30,
).map(lambda pairs: [Domain(name, count, count, 0, 0) for name, count in pairs])


@given(DOMAINS)
def test_a_domain_that_could_be_one_person_is_not_named_and_nobody_is_lost(domains: list[Domain]) -> None:
    shown = named_domains(domains)
    assert sum(domain.submitted for domain in shown) == sum(domain.submitted for domain in domains)
    assert all(domain.submitted >= FEW for domain in shown if domain.name)
    assert len(shown) <= 13


def test_charts_hold_numbers_and_nothing_else() -> None:
    assert stacked([("submitted", 0)]) == stacked([])
    assert 'width="100.00"' in bar([("delivered", 7)], 7)
    assert bar([("delivered", 7)], 0).count("<rect") == 0
    assert rising([("submitted", [0, 0])]).count("polyline") == 0
    assert 'points="0.0,218.0 720.0,2.0"' in rising([("submitted", [3])])


def test_the_report_speaks_the_language_of_the_newsletter() -> None:
    assert ReportWords("zh-TW")("bounced") == "退信"
    assert ReportWords("sv").language == "en"
    assert ReportWords("de")("bounced") == "Unzustellbar"
    assert ReportWords("en-GB").language == "en-GB"


def test_machines_are_distinguished_from_readers() -> None:
    machines = [
        "Mozilla/5.0",
        "",
        "Barracuda Sentinel (EE)",
        "python-requests/2.31",
        "Mozilla/5.0 (compatible; Googlebot/2.1)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/120.0 Safari/537.36",
    ]
    readers = [
        "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
    ]
    assert [is_machine(agent) for agent in machines + readers] == [True] * 6 + [False] * 3


def test_a_link_that_acts_for_a_reader_is_kept_without_its_token() -> None:
    service = "https://letters.example.com/"
    assert without_token("https://letters.example.com/unsubscribe/abc.def?x=1", service) == service + "unsubscribe"
    assert without_token("https://example.com/unsubscribe/abc", service) == "https://example.com/unsubscribe/abc"
    assert without_token("https://example.com/a", "") == "https://example.com/a"
