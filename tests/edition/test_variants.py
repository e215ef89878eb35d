"""Each variant is a whole edition: its own text, length, gates and digest; public is the one for an unknown reader."""

from __future__ import annotations

import json
from dataclasses import replace

from publisher.channels.wechat import write_article
from publisher.edition.files import email_files
from publisher.edition.rendering import render
from publisher.mail.message import MailContent
from publisher.proofing.codec import pack
from publisher.proofing.proof import Basis, Proof
from publisher.publishing.history import content_of
from tests.edition.make import config, edition, issue, item

BODY = "正文。\n\n::: only city:Berlin\n柏林见，不见不散。\n:::"
ITEMS = (item("甲", BODY, anchor="a"), item("乙", "芯片。", anchor="b", only="topic:chips"))


def test_each_variant_has_its_own_text_length_sizes_and_digest() -> None:
    made = edition(*ITEMS)
    assert made.variant_names == ("default", "topic-chips", "city-berlin", "city-berlin_topic-chips")
    texts = [str(one.edition.text) for one in made.variants]
    assert [("柏林见" in text, "芯片" in text) for text in texts] == [
        (False, False),
        (False, True),
        (True, False),
        (True, True),
    ]
    assert len({one.edition.digest for one in made.variants} | {made.digest}) == 5
    alone = edition(item("甲", "正文。\n\n\n\n柏林见，不见不散。\n", anchor="a"))
    assert (made.variants[2].edition.length, made.variants[2].edition.sizes) == (alone.length, alone.sizes)
    assert f"全文{alone.length.count}字" in texts[2]


def test_the_edition_is_that_of_a_reader_of_whom_nothing_is_known() -> None:
    made, default = edition(*ITEMS), edition(item("甲", "正文。", anchor="a"))
    assert replace(made, digest=default.digest, variants=()) == default
    article, found = write_article(issue(*ITEMS), config())
    assert (article and "柏林见" in article.html, found) == (False, [])


def test_the_digest_covers_every_variant_and_every_condition() -> None:
    digests = {
        edition(item("甲", body, anchor="a")).digest
        for body in (BODY, BODY.replace("不见不散", "改日再见"), BODY.replace("Berlin", "Paris"), "正文。")
    }
    assert len(digests) == 4
    everybody = edition(item("甲", "正文。\n\n::: only all\n柏林。\n:::"))
    assert everybody == edition(item("甲", "正文。\n\n柏林。"))
    contents = {content_of(edition(item("甲", body, anchor="a"))) for body in (BODY, BODY.replace("柏林见", "柏林"))}
    assert len(contents) == 2


def test_a_finding_of_a_gate_names_the_variants_that_it_is_of() -> None:
    long = "长" * 40_000
    made, found = render(issue(item("甲", BODY.replace("柏林见", long), anchor="a")), config())
    (clip,) = [finding for finding in found if finding.code == "clip-budget"]
    assert str(clip.message).startswith("in the variant city-berlin: ")
    assert made is not None


def test_the_files_of_each_variant_stand_in_a_folder_of_its_name() -> None:
    made = replace(edition(*ITEMS), commit="c0ffee")
    files = email_files(made)
    folders = {name.rpartition("/")[0] for name in files}
    assert folders == {"", "topic-chips", "city-berlin", "city-berlin_topic-chips"}
    assert len(files) == 12
    listed = json.loads(files["edition.json"])["variants"]
    assert [one["name"] for one in listed] == list(made.variant_names)
    assert [one["condition"] for one in listed][:2] == [
        "not city:Berlin and not topic:chips",
        "not city:Berlin and topic:chips",
    ]
    own = json.loads(files["city-berlin/edition.json"])
    assert (own["digest"], own["commit"], "variants" in own) == (listed[2]["digest"], "c0ffee", False)
    assert own["sizes"]["html"] == len(files["city-berlin/email.html"])
    assert "variants" not in json.loads(email_files(edition())["edition.json"])


def test_a_stored_edition_has_its_variants_whole() -> None:
    named = BODY.replace("柏林见", "{{ subscriber.name }}，柏林见")
    known = config(audience={"attributes": {"name": "朋友"}})
    for made in (edition(*ITEMS), edition(item("甲", named, anchor="a"), configuration=known)):
        assert pack(Proof("x", draft=False, edition=made, findings=(), basis=Basis(()))).edition() == made
    letters = MailContent.of(made).letters
    assert letters[0].slots < letters[1].slots
    assert "朋友，柏林见" in str(letters[1].text)
