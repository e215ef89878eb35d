"""``{{ subscriber.name }}``: where it is a slot, its value without a reader, and what it can never do."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any

import pytest

from publisher.config.audience import AudienceConfig
from publisher.diagnostics import Span
from publisher.edition.model import Edition, Personal, Slot
from publisher.edition.rendering import render
from publisher.edition.slots import between
from publisher.issue.model import Places, Source
from publisher.issue.personal import address_with_defaults
from publisher.proofing.codec import pack
from publisher.proofing.proof import Basis, Proof

from .make import PLACES, config, issue, item

NAME = "{{ subscriber.name }}"
WRITTEN = Places(PLACES.path, Span.point(1), {("subject",): Span.point(1)})
ATTRIBUTES = {"name": "朋友 & <b>友</b>", "city": "Köln am Rhein", "a_b_c": "甲", "none": {}}


def personal(*items: Any, root: Path | None = None, **values: Any) -> Edition:
    configuration = config(audience={"attributes": ATTRIBUTES}, **({"root": root} if root else {}))
    made, findings = render(issue(*items, **({"places": WRITTEN} | values)), configuration)
    assert made is not None, findings
    return made


def filled(made: Edition, value: str = "Ann") -> tuple[str, str]:
    """HTML and text with one value of every attribute, encoded for its place."""

    def fill(slot: Any) -> str:
        return slot.encoded(value) if isinstance(slot, Personal) else "#"

    return made.html.fill(fill), made.text.fill(fill)


def names(made: Edition) -> set[tuple[str, str]]:
    slots = made.html.slots | made.text.slots | (made.mail_subject.slots if made.mail_subject else frozenset())
    return {(slot.name, slot.place) for slot in slots if isinstance(slot, Personal)}


def test_it_is_filled_in_subject_preheader_intro_body_commentary_addresses_and_attribution() -> None:
    made = personal(
        item(
            "甲", f"正文 {NAME}。", f"点评 {NAME}。", sources=(Source("报", "https://s.example/{{subscriber.city}}"),)
        ),
        subject=f"主题 {NAME}",
        preheader=f"预览 {NAME}",
        intro=f"导语 {NAME}，[去](https://a.example/?c={{{{subscriber.city}}}}){{.button}}"
        "，[看](<https://a.example/?d={{ subscriber.city }}>)，https://b.example/{{subscriber.city}}。",
        attribution=f"署名 {NAME}",
    )
    html, text = filled(made, "A&B/é")
    shown = "A&amp;B/é"
    for words in ("正文", "点评", "导语", "署名", "预览", "主题"):
        assert f"{words} {shown}" in html, words
    for words in ("正文", "点评", "导语", "署名"):
        assert f"{words} A&B/é" in text, words
    for url in ("s.example/", "a.example/?c=", "a.example/?d=", "b.example/"):
        assert f'href="https://{url}A%26B%2F%C3%A9"' in html, url
        assert f"https://{url}A%26B%2F%C3%A9" in text, url
    assert made.mail_subject is not None
    assert made.mail_subject.parts == ("主题 ", Personal("name", ATTRIBUTES["name"], "text"), "")
    assert "slot" not in f"{html}{text}{made.web}{made.subject}{made.preheader}".lower().replace("slots", "")


def test_it_is_never_filled_in_title_headline_key_points_tags_or_the_words_of_pictures_and_links() -> None:
    made = personal(
        item(NAME, f'[x](https://a.example/ "{NAME}") <abbr title="{NAME}">W</abbr>', tags=(NAME,)),
        places=PLACES,
        title=NAME,
        subtitle=NAME,
        points=(f"{NAME}，要点", "另一个"),
        authors=(NAME,),
        tags=(NAME,),
    )
    html, text = filled(made)
    assert names(made) == set()
    assert html.count(NAME) >= 5
    assert text.count(NAME) >= 4
    assert made.title == made.subject == made.stories[0].headline == NAME


def test_without_a_subject_of_its_own_the_title_is_the_subject_as_it_is() -> None:
    made = personal(title=NAME, places=PLACES)
    assert made.subject == NAME
    assert made.mail_subject is None


@pytest.mark.parametrize(
    "written",
    [
        "`{{ subscriber.name }}`",
        "    {{ subscriber.name }}",
        "```\n{{ subscriber.name }}\n```",
        "<code>{{ subscriber.name }}</code>",
        r"\{{ subscriber.name }}",
        "{{{ subscriber.name }}}",
        "{{ subscriber.name | upper }}",
        "{{ subscriber.nobody }}",
        "{{ Subscriber.name }}",
        "{{ name }}",
        "{ subscriber.name }",
        "&#123;{ subscriber.name }}",
        "{{ subscriber.none }}",
        "{% if subscriber.name %}",
    ],
)
def test_everything_else_in_braces_stays_literal(written: str) -> None:
    made = personal(item("甲", f"正文\n\n{written}"))
    assert names(made) == set()
    assert (
        "{ subscriber.n" in made.stories[0].text.replace("Subscriber.name", "subscriber.n")
        or "%}" in written
        or ("{{ name }}" in made.stories[0].text)
    )


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (f"**{NAME}**，你好", "<strong>Ann</strong>，你好"),
        ("你好**{{subscriber.name}}！**再见", "你好<strong>Ann！</strong>再见"),
        ("*{{ subscriber.a_b_c }}* 和 _{{ subscriber.a_b_c }}_", "<em>Ann</em> 和 <em>Ann</em>"),
        (f"| 甲 |\n|---|\n| {NAME} |", "<td>Ann</td>"),
        (f'说"{NAME}"', '说"Ann"'),
        (f"{NAME}{NAME}", "AnnAnn"),
        ("{{\tsubscriber.name\t}}", "Ann"),
        (f"::: callout 给{NAME}\n正文\n:::", ">给Ann</p>"),
        (f"## {NAME}", "Ann</h3>"),
        (f"甲[^1]\n\n[^1]: 注 {NAME}", "注 Ann"),
        (
            f'<p>{NAME} <a href="https://a.example/?n={{{{subscriber.name}}}}">去</a></p>',
            'href="https://a.example/?n=Ann"',
        ),
    ],
)
def test_markdown_takes_nothing_of_it_away(written: str, shown: str) -> None:
    html, text = filled(personal(item("甲", written)))
    plain = html.replace(' style="', "\x00").split("\x00")  # the inliner's styles stand in the tags
    bare = plain[0] + "".join(part.partition('"')[2] for part in plain[1:])
    assert shown in bare
    assert "Ann" in text


def test_pages_feeds_and_lists_show_the_defaults_and_so_do_the_files() -> None:
    made = personal(
        item("", f"正文 {NAME} 的短讯，一共不止四十个字，所以列表里的名字会被截断，甲乙丙丁戊己庚辛。", kind="brief"),
        subject=f"{NAME}，你好",
        preheader=f"给 {NAME}",
        intro="[去](https://a.example/{{subscriber.city}})",
    )
    default = "朋友 & <b>友</b>"
    assert made.subject == f"{default}，你好"
    assert made.preheader == f"给 {default}"
    assert "朋友 &amp; &lt;b&gt;友&lt;/b&gt;" in made.web
    assert "https://a.example/K%C3%B6ln%20am%20Rhein" in made.web
    assert made.stories[0].headline.startswith(f"正文 {default}")
    assert default in made.stories[0].text
    assert "朋友 &amp; &lt;b&gt;友&lt;/b&gt;" in str(made.html)
    assert default in str(made.text)
    assert "slot" not in made.web + str(made.stories)


def test_a_preheader_that_comes_of_the_intro_is_personal_and_cut_where_the_default_ends() -> None:
    short = personal(intro=f"{NAME}，你好")
    assert ("name", "html") in names(short)
    assert filled(short)[0].count("Ann，你好") == 2
    long = personal(intro=f"{NAME}" + "很长的导语" * 12 + NAME)
    assert long.preheader.endswith("…")
    assert "slot" not in long.preheader


def test_length_and_sizes_count_the_defaults() -> None:
    literal = personal(item("甲", "正文 甲。"))
    made = personal(item("甲", "正文 {{ subscriber.a_b_c }}。"))
    assert made.length == literal.length
    assert made.sizes == literal.sizes


def test_tables_and_rules_of_the_text_are_as_wide_as_the_defaults() -> None:
    made = personal(
        item("甲", "## 给{{ subscriber.a_b_c }}\n\n| {{ subscriber.a_b_c }} | 乙 |\n|---|---|\n| 丙丁 | 戊 |")
    )
    assert made.stories[0].text == "给甲\n----\n\n甲    乙\n----  --\n丙丁  戊"


def test_the_digest_covers_the_slots() -> None:
    digests = {
        personal(item("甲", "甲")).digest,
        personal(item("甲", "{{ subscriber.a_b_c }}")).digest,
        personal(item("甲", "甲"), subject="甲").digest,
        personal(item("甲", "甲"), subject="{{ subscriber.a_b_c }}").digest,
        render(
            issue(item("甲", "{{ subscriber.a_b_c }}"), places=WRITTEN),
            config(audience={"attributes": {"a_b_c": {"type": "choice", "choices": ["甲"], "default": "甲"}}}),
        )[0].digest,  # type: ignore[union-attr]
    }
    assert len(digests) == 5


def test_an_author_cannot_write_a_slot_of_an_attribute_or_its_marker() -> None:
    from publisher.edition.slots import Slots

    slots = Slots.of(issue(), config(audience={"attributes": ATTRIBUTES}))
    marker = f"{slots.mark}p0z {slots.mark}0z"
    made = personal(item("甲", f"{marker} {NAME}"), title=marker)
    assert {slot for slot in made.text.slots if isinstance(slot, Slot)} == {Slot.UNSUBSCRIBE_URL, Slot.PREFERENCES_URL}
    assert marker in made.web


def test_a_text_is_cut_at_whole_markers_alone() -> None:
    chance, code = Random(3), re.compile("([0-9]+)z")
    for _ in range(500):
        text = "".join(chance.choices(["mark", "1", "23z", "z", "ma", "é"], k=12))
        assert between(text, "mark", code) == re.split("mark([0-9]+)z", text)


def test_a_theme_fills_in_html_and_text_and_tells_what_it_lacks(tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "email"
    folder.mkdir(parents=True)
    original = Path("templates/paper/email")
    mail = (original / "_footer.mjml.j2").read_text(encoding="utf-8")
    text = (original / "_footer.txt.j2").read_text(encoding="utf-8")
    (folder / "_footer.mjml.j2").write_text(
        mail.replace('<a href="{{ issue.web_url }}">', '<b title="{{ subscriber.city }}">{{ subscriber.name }}</b>'
                     '<a href="{{ issue.web_url }}?c={{ subscriber.city }}">'), encoding="utf-8",
    )  # fmt: skip
    (folder / "_footer.txt.j2").write_text(
        text + "\n{{ subscriber.name }} {{ issue.web_url }}?c={{ subscriber.city }}\n", encoding="utf-8"
    )
    made = personal(root=tmp_path)
    html, plain = filled(made, 'x" y<')
    assert 'title="x&quot; y&lt;"' in html
    assert ">x&quot; y&lt;</b>" in html
    assert '?c=x%22%20y%3C"' in html
    assert 'x" y< https://news.example.com/issues/2024-12-29-x/?c=x%22%20y%3C' in plain
    for name in ("none", "nobody"):
        (folder / "_footer.txt.j2").write_text(text + f"{{{{ subscriber.{name} }}}}", encoding="utf-8")
        configuration = config(audience={"attributes": ATTRIBUTES}, root=tmp_path)
        nothing, (finding,) = render(issue(places=WRITTEN), configuration)
        assert nothing is None
        assert (finding.code, finding.path) == ("theme-broken", "templates/email/_footer.txt.j2")
        assert f"has no {name} with a default" in finding.message


def test_a_stored_proof_keeps_the_slots() -> None:
    made = personal(item("甲", NAME), subject=f"greeting {NAME}")
    proof = Proof(made.slug, False, made, (), Basis((), (), {}, True))
    assert pack(proof).edition() == made


def test_an_issue_without_attributes_keeps_its_digest() -> None:
    plain, _ = render(issue(item("甲", f"{NAME} 正文")), config())
    other, _ = render(issue(item("甲", f"{NAME} 正文")), config(audience={"attributes": {"city": "x"}}))
    assert plain is not None
    assert other is not None
    assert plain.digest == other.digest
    assert AudienceConfig() == config().audience


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/?c={{subscriber.city}}",
        "https://a.example/?c=%7B%7Bsubscriber.city%7D%7D",
        "https://a.example/?c=%7B%7B%20subscriber.city%20%7D%7D",
    ],
)
def test_a_link_is_asked_for_with_the_default(url: str) -> None:
    attributes = config(audience={"attributes": ATTRIBUTES}).audience.attributes
    assert address_with_defaults(url, attributes) == "https://a.example/?c=K%C3%B6ln%20am%20Rhein"
    assert address_with_defaults(url.replace("city", "none"), attributes) == url.replace("city", "none")


def test_the_words_of_a_picture_stay_as_they_are_in_html_and_text() -> None:
    from publisher.issue.markdown import parsed
    from publisher.issue.personal import settled

    (paragraph,) = (
        token
        for token in settled(
            parsed("![M1](a.png) M1 <img src='b.png' alt='M1'>").tokens, lambda part, _: part.replace("M1", NAME)
        )
        if token.type == "inline"
    )
    image, words, raw = paragraph.children or ()
    assert [child.content for child in image.children or ()] == [NAME]
    assert words.content == " M1 "
    assert raw.content == f"<img src='b.png' alt='{NAME}'>"


def test_an_article_for_wechat_has_the_defaults() -> None:
    from publisher.channels.wechat import write_article

    made = issue(
        item("甲", f"正文 {NAME}，[去](https://a.example/?c={{{{subscriber.city}}}})。"),
        intro=NAME,
        preheader=f"给 {NAME}",
    )
    article, findings = write_article(made, config(audience={"attributes": {"name": "朋友", "city": "Köln"}}))
    assert article is not None, findings
    assert article.digest == "给 朋友"
    assert "正文 朋友，" in article.html
    assert "c=K%C3%B6ln" in article.html
    assert "slot" not in article.html


def test_a_style_of_a_theme_gets_nothing_that_is_css() -> None:
    from publisher.edition.slots import Slots

    slots = Slots("x", AudienceConfig.model_validate({"attributes": {"name": "x"}}).attributes)
    mark = slots.subscriber["name"]
    cut = slots.cut(f'<style>.a{{color:{mark}}}</style><p style="color:{mark}" title="{mark}">{mark}</p>', markup=True)
    filled = cut.fill(lambda slot: slot.encoded('"};</style>') if isinstance(slot, Personal) else "")
    bad, good = "%22%7D%3B%3C%2Fstyle%3E", "&quot;};&lt;/style&gt;"
    assert filled == f'<style>.a{{color:{bad}}}</style><p style="color:{bad}" title="{good}">{good}</p>'


def test_a_personal_link_is_not_counted_and_those_beside_it_are() -> None:
    from publisher.mail.message import MailContent

    body = "[甲](https://a.example/甲) [乙](https://b.example/?c={{subscriber.city}}) [丙](https://c.example/丙)"
    attributes = {"audience": {"attributes": ATTRIBUTES}, "service": {"url": "https://letters.example.com/"}}
    made, findings = render(issue(item("甲", body)), config(newsletter={"tracking": "clicks"}, **attributes))
    assert made is not None, findings
    html = MailContent.of(made).html.fill(lambda slot: slot.encoded("x") if isinstance(slot, Personal) else "#")
    assert 'href="https://b.example/?c=x"' in html
    assert "https://a.example/" not in html
    assert "https://c.example/" not in html
