from __future__ import annotations

import pytest

from publisher.diagnostics.width import display_width
from publisher.edition.model import Length
from publisher.edition.viewing import characters, cut
from publisher.issue.model import Source
from tests.edition.make import config, edition, html_of, item, text_of


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("全文，完。", 3),
        ("GPT-4o 与 o1", 8),  # GPT4o 与 o1
        ("1,600 亿元", 6),
        ("カタカナー・ひらがな", 9),
        ("々〇𠮷", 3),
        ("Ｖ３", 2),
        ("café", 4),
        ("——……“”《》！", 0),
        ("πЖ한", 0),
    ],
)
def test_chinese_counts_han_kana_latin_letters_and_digits(text: str, count: int) -> None:
    assert characters(text) == count


def test_what_is_measured_in_chinese_is_headline_body_commentary_with_label_and_attribution() -> None:
    made = edition(
        item(
            "标题一",
            "正文**二字**，见[链接](https://example.com/)。[^1]\n\n[^1]: 注。",
            "评语。",
            sources=(Source("来源", None),),
        ),
        title="不计",
        intro="不计",
        points=("不计",),
        attribution="本文",
        authors=("不计",),
    )
    # 标题一 3, 正文二字见链接 7, 注 1, 点评 2, 评语 2, 本文 2
    assert made.length == Length(17, "characters", 1)


def test_what_is_measured_in_english_is_words_between_white_space() -> None:
    made = edition(
        item(
            "A state-of-the-art headline",
            "One 1,600\n\n- two\n- three|four\n\n![not me](https://e.com/a.png)",
            "Well said.",
        ),
        language="en",
        attribution="The end.",
    )
    # 3 + (One 1,600 two three|four) 4 + Commentary 1 + 2 + 2
    assert made.length == Length(12, "words", 1)


def test_the_length_line_reads_as_promised() -> None:
    chinese = edition(item("标", "字" * 2617, "评" * 0 or None), attribution="本文")
    assert chinese.length == Length(2620, "characters", 8)
    assert "全文2620字,阅读约需8分钟" in html_of(chinese)
    assert "全文2620字,阅读约需8分钟" in text_of(chinese)
    assert "全文2620字,阅读约需8分钟" in chinese.web
    english = edition(item("Headline", "word " * 903), language="en")
    assert english.length == Length(904, "words", 4)
    assert "904 words · 4 min read" in html_of(english)
    assert "904 words · 4 min read" in text_of(english)
    assert "904 words · 4 min read" in english.web


@pytest.mark.parametrize(("count", "minutes"), [(349, 1), (350, 1), (351, 2), (700, 2), (701, 3)])
def test_minutes_round_up(count: int, minutes: int) -> None:
    assert edition(item("题", "字" * (count - 1))).length.minutes == minutes


def test_config_sets_the_reading_speed() -> None:
    fast = config(reading_speed={"characters": 1000})
    assert edition(item("题", "字" * 1000), configuration=fast).length.minutes == 2


def test_joined_lines_count_no_space_and_a_hidden_comment_counts_nothing() -> None:
    assert edition(item("题", "甲\n乙<!-- 丙 -->")).length.count == 3
    assert edition(item("Title", "one\ntwo<!-- three -->"), language="en").length.count == 3


def test_a_label_of_the_newsletters_own_is_counted_as_shown() -> None:
    own = config(labels={"zh": {"commentary": "编者按："}})
    made = edition(item("题", "文", "评"), configuration=own)
    assert made.length.count == 6
    assert "编者按：" in html_of(made)
    assert "点评" not in html_of(made)


def test_a_line_is_cut_in_one_pass_however_long_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = 0

    def counted(text: str) -> int:
        nonlocal measured
        measured += len(text)
        return display_width(text)

    monkeypatch.setattr("publisher.edition.viewing.display_width", counted)
    assert cut("中" * 5000, 90) == "中" * 44 + "…"
    assert measured < 3 * 5000
