"""Counted links: which links of the HTML are, in which order, and what stays as it was written."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from publisher.config import Config, load_config
from publisher.diagnostics import Diagnostic
from publisher.edition.files import email_files, sizes_of
from publisher.edition.model import CountedLinks, Edition, Slotted
from publisher.edition.provenance import digest
from publisher.edition.rendering import render
from publisher.mail.message import MailContent, compose
from tests.acceptance.conftest import CONFIG
from tests.edition.make import config, issue, item

BODY = """\
[甲](https://example.com/a?x=1&y=2)，[乙](http://example.org/)，[信](mailto:a@example.com)，[号](tel:+861)，
[下](#b)，又见[甲](https://example.com/a?x=1&y=2)。
"""


def rendered(tracking: str, **values: Any) -> tuple[Edition, list[Diagnostic]]:
    about = config(newsletter={"tracking": tracking}, **({"service": {"url": "https://letters.example.com/"}} | values))
    edition, findings = render(issue(item("标题", BODY, anchor="a"), item("二", "正文。", anchor="b")), about)
    assert edition is not None
    return edition, findings


def hrefs(html: str) -> list[str]:
    return [link.replace("&amp;", "&") for link in re.findall(r'<a [^>]*?href="([^"]+)"', html)]


def test_links_to_web_pages_are_numbered_in_the_order_of_the_html_and_nothing_else_changes() -> None:
    (plain, before), (edition, after) = rendered("off"), rendered("clicks")
    assert edition.clicks is not None
    mailed = email_files(edition)["email.html"].decode()
    number = iter(range(1, 99))
    leave = ("mailto:", "tel:", "#", "https://example.com/unsubscribe/", "https://example.com/preferences/")
    expected = [
        link if link.startswith(leave) or link == "https://letters.example.com/subscribe"
        else f"https://letters.example.com/r/2024-12-29-x/{next(number)}"
        for link in hrefs(str(plain.html))
    ]  # fmt: skip
    assert hrefs(mailed) == expected
    assert [dict(edition.clicks.links)[int(link.rpartition("/")[2])] for link in expected if "/r/" in link] == [
        link for link, one in zip(hrefs(str(plain.html)), expected, strict=True) if "/r/" in one
    ]
    assert [to for _, to in edition.clicks.links].count(
        "https://example.com/a?x=1&y=2"
    ) == 2  # each link has its own number
    assert (edition.html, edition.text, edition.web, after) == (plain.html, plain.text, plain.web, before)
    assert "/r/" not in str(edition.text) + edition.web


def test_off_is_the_default_and_leaves_every_byte(tmp_path: Path) -> None:
    (off, _), (on, _) = rendered("off"), rendered("clicks")
    default, _ = render(
        issue(item("标题", BODY, anchor="a"), item("二", "正文。", anchor="b")),
        config(service={"url": "https://letters.example.com/"}),
    )
    assert default == off
    assert off.clicks is None
    assert "links" not in json.loads(MailContent.of(off).to_json())
    assert on.digest != off.digest


def test_a_changed_service_or_target_is_another_edition() -> None:
    digests = {
        rendered("clicks", service={"url": url})[0].digest for url in ("https://a.example/", "https://b.example/")
    }
    assert len(digests) == 2
    same = Slotted(('<a href="https://a.example/r/s/1">',))
    made = [CountedLinks("https://a.example/r/s/", ((1, f"https://example.com/{n}"),)) for n in range(2)]
    assert len({digest(same, "", same, same, "", (), clicks) for clicks in made}) == 2


def test_without_a_service_the_archive_leads_on() -> None:
    edition, _ = rendered("clicks", service={})
    assert edition.clicks is not None
    assert edition.clicks.base == "https://news.example.com/r/2024-12-29-x/"


def test_sizes_are_those_of_what_is_mailed() -> None:
    edition, _ = rendered("clicks")
    assert edition.sizes == sizes_of(MailContent.of(edition).html, edition.text)
    assert edition.sizes.html == len(email_files(edition)["email.html"])


def test_the_letter_keeps_its_links_and_its_message_is_that_of_the_files() -> None:
    edition, _ = rendered("clicks")
    letter = MailContent.of(edition)
    assert MailContent.from_json(letter.to_json()) == letter
    assert edition.clicks is not None
    assert letter.links == edition.clicks.links
    assert str(letter.html) == email_files(edition)["email.html"].decode()
    assert compose(config(), letter).letter is letter


def test_a_link_with_a_slot_in_it_is_nobodys_to_count() -> None:
    from publisher.edition.clicks import counted, links_of
    from publisher.edition.model import Slot

    html = Slotted(('<a href="https://x.example/1">', Slot.GREETING, '</a><a title="a > b" href="https://x.example/?u=',
                    Slot.PREFERENCES_URL, '&amp;z=1">z</a><A class="q" HREF="https://x.example/2">'))  # fmt: skip
    links = links_of(html, config(newsletter={"tracking": "clicks"}), "s")
    assert links is not None
    assert links.links == ((1, "https://x.example/1"), (2, "https://x.example/2"))
    assert [part for part in counted(html, links).parts if type(part) is str] == [
        '<a href="https://news.example.com/r/s/1">',
        '</a><a title="a > b" href="https://x.example/?u=',
        '&amp;z=1">z</a><A class="q" HREF="https://news.example.com/r/s/2">',
    ]


@pytest.mark.parametrize(
    ("written", "tracking"), [("off", "off"), ("false", "off"), ('"off"', "off"), ("clicks", "clicks")]
)
def test_off_may_be_written_as_yaml_reads_it(tmp_path: Path, written: str, tracking: str) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG.replace("newsletter:\n", f"newsletter:\n  tracking: {written}\n", 1))
    assert load_config(tmp_path).newsletter.tracking == tracking
    about = yaml.safe_load((tmp_path / "config.yaml").read_text())
    assert Config.model_validate(about).newsletter.tracking == tracking


def test_an_edition_keeps_its_counted_links_through_the_store() -> None:
    from publisher.proofing.codec import pack
    from publisher.proofing.proof import Basis, Proof

    edition, _ = rendered("clicks")
    packed = pack(Proof(edition.slug, False, edition, (), Basis((), (), {}, True)))
    assert packed.edition() == replace(edition)


def test_a_number_leads_to_one_address_whichever_variant_it_stands_in() -> None:
    body = """\
[甲](https://example.com/a)。

::: only topic:ai
[只](https://example.com/only)，[又](https://example.com/a)。
:::

[乙](https://example.com/b)。
"""
    edition, _ = render(issue(item("标题", body, anchor="a")), config(newsletter={"tracking": "clicks"}))
    assert edition is not None
    letter = MailContent.of(edition)
    table = dict(letter.links)
    assert len(letter.letters) == 2
    assert sorted(table) == list(range(1, len(table) + 1))
    assert [number for number, _ in letter.letters[0].links] == list(range(1, len(letter.letters[0].links) + 1))
    for one, variant in zip(letter.letters, edition.variants, strict=True):
        written = [
            link for link in hrefs(str(variant.edition.html)) if link.startswith("http") and "/sample" not in link
        ]
        mailed = [link.rpartition("/r/2024-12-29-x/")[2] for link in hrefs(str(one.html)) if "/r/" in link]
        assert [table[int(number)] for number in mailed] == written
    shared = [{n for n, to in one.links if to == "https://example.com/b"} for one in letter.letters]
    assert shared[0] == shared[1]
    assert str(letter.letters[0].html) == str(letter.html)


def test_a_link_that_is_a_readers_own_keeps_its_address() -> None:
    body = "[甲](https://example.com/a)、[城](https://example.com/?c={{subscriber.city}}&z=1)、[乙](https://example.com/b)。"
    about = config(
        newsletter={"tracking": "clicks"}, audience={"attributes": {"city": {"type": "text", "default": "Berlin"}}}
    )
    edition, _ = render(issue(item("标题", body, anchor="a")), about)
    assert edition is not None
    letter = MailContent.of(edition)
    own = [link for link in hrefs(str(letter.html)) if "example.com/?c=" in link]
    assert own == ["https://example.com/?c=Berlin&z=1"]
    assert not [to for _, to in letter.links if "?c=" in to]
    assert {"https://example.com/a", "https://example.com/b"} <= {to for _, to in letter.links}
