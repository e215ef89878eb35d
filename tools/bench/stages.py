"""What each stage of a build costs, in one process, in milliseconds of processor time an issue."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar
from unittest.mock import patch

import css_inline
import yaml
from markdown_it import MarkdownIt
from mjml import mjml2html

from publisher.checks.engine import facts_of, findings_across, findings_within
from publisher.checks.rules import story_repeated
from publisher.config import Config, load_config
from publisher.edition import email
from publisher.edition.email import write_html
from publisher.edition.files import email_files
from publisher.edition.others import OtherIssues
from publisher.edition.pictures import Pictures
from publisher.edition.rendering import render, write_stories, write_web
from publisher.edition.slots import Slots
from publisher.edition.theme import Theme
from publisher.edition.view import View
from publisher.edition.viewing import view
from publisher.issue.folder import discover
from publisher.issue.load import read_issue
from publisher.issue.markdown import forget_parsed, parsed
from publisher.issue.model import Issue
from publisher.language import Locale
from publisher.proofing.codec import pack
from publisher.proofing.proof import proofread
from publisher.site.archive import arrange
from publisher.site.pages import ArchivePages

_T = TypeVar("_T")
RUNS = 5
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False)


def stage_costs(root: Path) -> list[tuple[str, float]]:
    """``(stage, median milliseconds an issue)`` over the issues below ``root``."""
    config = load_config(root)
    slugs = discover(root)
    readings = [read_issue(config, slug) for slug in slugs]
    issues = [reading.issue for reading in readings if reading.issue]
    assert len(issues) == len(slugs)
    editions = [edition for issue in issues if (edition := render(issue, config)[0])]
    others = OtherIssues.of(config)
    packed = [pack(proofread(config, slug, commit=False, others=others)) for slug in slugs]
    facts = [{reading.slug: facts_of(config, reading)[0] for reading in readings}]
    archive = arrange(editions)
    pages = ArchivePages(config, archive)
    return [
        ("read", _cost(lambda slug: read_issue(config, slug), slugs)),
        ("check one by one", _cost(lambda reading: findings_within(config, reading), readings)),
        ("check across", _cost(_across(config), facts) / len(issues)),
        ("Markdown parsed once", _cost(_markdown, issues)),
        ("Markdown to HTML and text", _cost(lambda issue: _view(issue, config), issues)),
        ("email: MJML, CSS inlined", _cost(_email(config), issues)),
        ("web body", _cost(_web(config), issues)),
        ("a whole edition, with its gates", _cost(lambda issue: render(issue, config), issues)),
        ("web page", _cost(lambda edition: pages.issue(edition).content, editions)),
        ("files of the email", _cost(email_files, editions)),
        ("from the cache", _cost(lambda one: one.edition(), packed)),
        ("bare markdown-it-py: CommonMark to HTML", _cost(_bare_markdown, issues)),
        ("bare PyYAML", _cost(_bare_yaml, [config.root / "issues" / slug for slug in slugs])),
        ("bare mrml and css-inline", _cost(_bare_email, _sources(config, issues))),
        (
            "a whole issue, in one process",
            _cost(lambda slug: pack(proofread(config, slug, commit=False, others=others)), slugs),
        ),
    ]


def _cost(work: Callable[[_T], object], values: Sequence[_T]) -> float:
    times = []
    for _ in range(RUNS):
        gc.collect()
        start = time.process_time()
        for value in values:
            forget_parsed()
            work(value)
        times.append((time.process_time() - start) * 1000 / len(values))
    return statistics.median(times)


def _across(config: Config) -> Callable[[dict[str, Any]], object]:
    def work(facts: dict[str, Any]) -> object:
        story_repeated._found = (), None, {}  # what it found the last time
        return findings_across(config, facts)

    return work


def _markdown(issue: Issue) -> None:
    for item in issue.items:
        parsed(item.body.text)
        if item.commentary:
            parsed(item.commentary.text)


def _bare_markdown(issue: Issue) -> None:
    markdown = MarkdownIt("commonmark")
    for item in issue.items:
        markdown.render(item.body.text)
        if item.commentary:
            markdown.render(item.commentary.text)


def _bare_yaml(folder: Path) -> None:
    for file in folder.iterdir():
        text = file.read_text("utf-8")
        yaml.load(text.split("---\n")[1] if file.suffix == ".md" else text, yaml.CSafeLoader)


def _sources(config: Config, issues: Sequence[Issue]) -> list[str]:
    """The MJML of each issue's mail."""
    sources: list[str] = []

    def kept(source: str, **_: object) -> str:
        sources.append(source)
        return str(mjml2html(source, fonts={}))

    with patch.object(email, "mjml2html", kept):
        for issue in issues:
            render(issue, config)
    return sources


def _bare_email(source: str) -> None:
    _INLINER.inline(mjml2html(source, fonts={}))


def _view(issue: Issue, config: Config) -> View:
    words, pictures = Locale.of(issue.language, config.labels), Pictures(config, issue.folder)
    return view(issue, config, words, pictures, Slots(issue.slug))


def _email(config: Config) -> Callable[[Issue], object]:
    made: dict[str, View] = {}

    def work(issue: Issue) -> object:
        seen = made.get(issue.slug) or made.setdefault(issue.slug, _view(issue, config))
        return write_html(seen, Locale.of(issue.language, config.labels), Theme.of(config), Slots(issue.slug), config)

    return work


def _web(config: Config) -> Callable[[Issue], object]:
    made: dict[str, View] = {}

    def work(issue: Issue) -> object:
        seen = made.get(issue.slug) or made.setdefault(issue.slug, _view(issue, config))
        words, theme = Locale.of(issue.language, config.labels), Theme.of(config)
        return write_web(seen, write_stories(seen, words, theme), words, theme)

    return work
