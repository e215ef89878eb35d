"""A number in words, or with digits grouped differently, counts as present; a missing one is reported."""

from __future__ import annotations

import time

import pytest

from publisher.checks.numbers import otherwise, spelled
from publisher.checks.rules.number_not_in_items import Said


@pytest.mark.parametrize(
    ("language", "claim", "text", "lacking"),
    [
        ("en", "25 of 125 people", "twenty-five of one hundred and twenty-five people", []),
        ("en", "2,500 for $2.5 million", "two thousand five hundred for two and a half million", []),
        ("en", "2 of 3; 3rd in the 21st century", "two and three; third in the twenty-first century", []),
        ("en", "20 and 5 people", "twenty-five people", ["20", "5"]),
        ("de", "22 von 150 Leuten", "zweiundzwanzig von hundertfünfzig Leuten", []),
        ("de", "225; 2,5 Millionen", "zweihundertfünfundzwanzig; zweieinhalb Millionen", []),
        ("de", "3500; 22 Leute", "dreitausendfünfhundert; zweiunddreißig Leute", ["22"]),
        ("fr", "21, 71, 75, 80", "vingt et un, soixante et onze, soixante-quinze, quatre-vingts", []),
        ("fr", "81, 97", "quatre-vingt-un, quatre-vingt-dix-sept", []),
        ("fr", "220 pour 1500", "deux cent vingt pour mille cinq cents", []),
        ("es", "16, 22, 45, 150", "dieciséis, veintidós, cuarenta y cinco, ciento cincuenta", []),
        ("es", "500, 2500", "quinientas, dos mil quinientos", []),
        ("pt", "2, 16, 22, 250", "duas, dezesseis, vinte e dois, duzentos e cinquenta", []),
        ("en", "Call +49 30 1234567", "Call (030) 123 45 67.", []),
        ("zh-CN", "电话 010-6255 1234", "致电 01062551234", []),
        ("en", "ISBN 978-3-16-148410-0", "the book 9783161484100", []),
        ("en", "ISBN 9783161484100", "ISBN 978-3-16-148410-0", []),
        ("en", "ISBN 978-3-16-148410-9", "ISBN 978-3-16-148410-0", ["9"]),
        ("en", "1234567 readers", "91234567 readers", ["1234567"]),
        ("en", "on 2024-12-29, not 12/30/2024", "on 29 December 2024, not December 30th", []),
        ("zh-CN", "2024.12.29 发布", "2024年12月29日发布", []),
        ("de", "am 29.11.2024", "am 28. November 2024", ["29"]),
        ("en", "3.11.4 at 192.168.0.1", "version 3.11.4 at 192.168.0.1", []),
        ("en", "8:30 pm, 20:00, 7:45, 12:00", "20:30, 8 p.m., a quarter to eight, noon", []),
        ("en", "8:30 pm, 6:15", "21:30, a quarter past five", ["8", "6"]),
        ("zh-CN", "20:30 开始，8:15 签到", "晚上八点半开始，八点一刻签到", []),
        ("zh-CN", "晚9:30", "20:30 开始，有一点晚", ["9"]),
        ("en", "the 1990s, the 80s", "the nineties, the 1980s", []),
        ("en", "the 1970s", "parties in the nineties", ["1970"]),
        ("zh-CN", "20世纪90年代、1980年代", "1990年代和八十年代", []),
        ("zh-CN", "80年代", "1990年代", ["80"]),
        ("zh-CN", "90年代", "一九九〇年代", []),
        ("ja", "15人", "315時間", ["15"]),
        ("en", "67%, 25%, 20%, 50%", "two-thirds, a quarter, one in five, half", []),
        ("zh-CN", "75%，50%，3.14", "四分之三、一半、三点一四", []),
        ("zh-CN", "60%", "四分之三", ["60%"]),
        ("zh-CN", "1.5小时，2.5年，30分钟，6个月", "一个半小时、两年半、半小时、半年", []),
        ("zh-CN", "30 家", "半导体公司", ["30"]),
        ("en", "24 eggs, the 20th century, part 2", "two dozen eggs, the twentieth century, Part II", []),
    ],
)  # fmt: skip
def test_what_is_there_in_other_words_or_groups_is_there(
    language: str, claim: str, text: str, lacking: list[str]
) -> None:
    assert [number.text.strip() for number in Said([text], language, language).lacking(claim)] == lacking


@pytest.mark.parametrize(
    ("language", "words"), [("fr", "dix-sept"), ("de", "dreizehn"), ("es", "mil millones"), ("en", "twenty one ")]
)
def test_a_row_of_words_without_end_takes_no_longer_than_its_length(language: str, words: str) -> None:
    def spent(count: int) -> float:
        start = time.process_time()
        list(spelled(words * count + "x", language))
        return time.process_time() - start

    spent(100)
    assert min(spent(4_000) for _ in range(3)) < 10 * max(min(spent(1_000) for _ in range(3)), 0.002)


def test_a_row_of_digits_without_end_takes_no_longer_than_its_length() -> None:
    began = time.process_time()
    assert list(otherwise("1" * 40_000)) == []
    assert time.process_time() - began < 5
