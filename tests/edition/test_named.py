"""Key points that lead to the story they name, and no link where another, or none, is meant."""

from __future__ import annotations

import re

import pytest
from markupsafe import Markup, escape

from publisher.config import load_config
from publisher.edition.named import StoryWords, linked
from publisher.proofing.proof import proofread
from tests.edition.make import ROOT, config, edition, html_of, item, text_of

ENGLISH = (
    StoryWords(
        "apple", "Apple cuts the price of its headset", "Apple lowered the headset to $1,999 after weak sales in China."
    ),
    StoryWords(
        "chips",
        "Memory gets cheaper",
        "Memory prices fell 20% in May. Samsung and Apple suppliers shipped more wafers.",
    ),
    StoryWords(
        "court", "Google loses its appeal in Brussels", "The court upheld the fine of 4.1 billion euros for Android."
    ),
    StoryWords(
        "android", "Google shows a new Android", "The beta of Android has a desktop mode; phones get it in autumn."
    ),
    StoryWords(
        "rail", "Night trains return to the Alps", "From December a sleeper runs from Paris to Vienna, for 89 euros."
    ),
)
CHINESE = (
    StoryWords("huawei", "华为发布新款折叠屏手机", "华为周三发布第三代折叠屏手机，售价 12999 元，月底开卖。"),
    StoryWords("battery", "宁德时代公布固态电池进度", "宁德时代称固态电池 2027 年小批量生产，能量密度提高四成。"),
    StoryWords("car", "新能源汽车出口创新高", "前十个月新能源汽车出口 201 万辆，比亚迪居首，欧洲占三成。"),
    StoryWords("movie", "国庆档票房不及去年", "国庆档票房 18.4 亿元，比去年少一成，动画片占了一半。"),
)  # fmt: skip


def targets(point: str, stories: tuple[StoryWords, ...]) -> list[str]:
    (html,) = linked([escape(point)], stories)
    assert html.striptags() == " ".join(point.split())
    return re.findall('<a href="#([^"]+)">', html)


@pytest.mark.parametrize(
    ("point", "wanted"),
    [
        ("Apple lowers its headset to $1,999.", ["apple"]),
        ("Memory prices fell by 20% in May, and Samsung & Co. shipped more wafers.", ["chips"]),
        ("Memory gets cheaper: prices fell 20% in May.", ["chips"]),
        ("Apple suppliers shipped more wafers as memory prices fell 20%.", []),  # names one story, tells another
        ("Google has to pay the fine of 4.1 billion euros, the court says in Brussels.", ["court"]),
        ("Google had a good week.", []),
        ("Google loses in Brussels and shows a new Android.", []),  # two stories
        ("The court upheld the fine in Brussels. A sleeper runs from Paris through the Alps.", ["court", "rail"]),
        ("Apple, Google and the night trains made the week.", []),
        ("The euro rose to 1.12 dollars on Friday.", []),
        ("The Bank of England kept its rate at 4%.", []),
        ("Apple opened a store in Mumbai.", []),  # names a headline, and is no story of this issue
        ("Night owls rejoice.", []),
    ],
)  # fmt: skip
def test_a_sentence_leads_to_the_one_story_that_it_names_and_tells(point: str, wanted: list[str]) -> None:
    assert targets(point, ENGLISH) == wanted


@pytest.mark.parametrize(
    ("point", "wanted"),
    [
        ("华为第三代折叠屏手机售价 12999 元。", ["huawei"]),
        ("固态电池要等到 2027 年，宁德时代说。", ["battery"]),
        ("前十个月新能源汽车出口 201 万辆，比亚迪居首；国庆档票房 18.4 亿元，比去年少一成。", ["car", "movie"]),
        ("宁德时代随新能源汽车出口一起走高。", []),
        ("比亚迪居首。", []),
        ("央行周五下调存款准备金率。", []),
        ("手机和电池都在涨价。", []),
        ("新款手机卖得好，华为股价没有动。", []),
        ("去年的国庆档，动画片占了一半。", ["movie"]),
    ],
)  # fmt: skip
def test_so_does_a_sentence_in_chinese(point: str, wanted: list[str]) -> None:
    assert targets(point, CHINESE) == wanted


def test_the_samples_points_lead_where_they_should() -> None:
    wanted = ["openai-pbc", "bytedance-capex", "xiaomi-cluster", "gpt5-orion", "deepseek-v3", "tsmc-record"]
    for slug in ("2024-12-29-ai-weekly", "2024-12-29-ai-weekly-en"):
        made = proofread(load_config(ROOT), slug, commit=False).edition
        assert made is not None
        for part in (html_of(made), made.web):
            points = re.findall('class="point"[^>]*>(.*?)</(?:td|span)>', part, re.DOTALL)
            assert re.findall('<a href="#([^"]+)"', "".join(points)) == [*wanted, "ibm-open-source"]


def test_text_length_and_preheader_are_as_without_the_links() -> None:
    stories = [item(one.headline, one.text, anchor=one.anchor) for one in ENGLISH]
    point = "Apple lowers its headset to $1,999."
    made = edition(*stories, points=(point,), language="en")
    assert f'#apple">{point}</a>' in made.web
    assert made.preheader == point
    assert f"01  {point}\n" in text_of(made)
    assert made.length == edition(*stories, points=("Other words.",), language="en").length


def test_a_point_with_a_link_of_its_own_has_no_other() -> None:
    html = Markup('<a href="https://a.example/">Apple</a> lowers its headset to $1,999.')
    assert linked([html], ENGLISH) == [html]


def test_a_story_that_mail_leaves_to_the_page_is_no_link_in_mail() -> None:
    stories = [item(one.headline, f"{one.text}\n\n{'Words and words. ' * 400}", anchor=one.anchor) for one in ENGLISH]
    made = edition(
        *stories,
        points=("Apple lowers its headset to $1,999.", "The sleeper runs through the Alps to Vienna."),
        language="en",
        overflow="web",
        configuration=config(checks={"clip": {"decoded": 25_000, "encoded": 25_000}}),
    )
    assert made.mailed is not None
    assert 'href="#apple"' in html_of(made)
    assert 'href="#rail"' not in html_of(made)
    assert 'href="#rail"' in made.web
