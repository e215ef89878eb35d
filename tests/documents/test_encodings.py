"""Decoding of bytes that are not UTF-8: the one likely encoding, or all likely ones; never only a wrong one."""

from __future__ import annotations

import random

import pytest

from publisher.documents.encodings import readings
from publisher.documents.text import decode

NAMES = {
    "gb18030": "王安 李娜 张伟 刘洋 陈静 杨帆 赵磊 黄丽 周杰 徐强 孙悦 马超 朱琳 北京 上海 诸葛亮 欧阳娜娜 韩寒",
    "big5": "陳大文 林志玲 黃美玲 張惠妹 李國華 吳淑芬 王小明 劉德華 郭富城 臺北 高雄 許瑋甯 馬英九 葉問 洪秀柱 賴清德",
    "cp932": "山田太郎 鈴木一郎 サトウハナコ 高橋ゆき 田中さくら 中村俊輔 東京 大阪 池田 渡辺謙 林真理子 ﾔﾏﾀﾞ ﾀﾛｳ ﾊﾅｺ",
    "euc_kr": "김철수 이영희 박지성 최민수 정다은 강호동 조용필 윤아 장동건 한가인 서울 부산 대구 황정민 송강호 홍길동",
    "euc_jp": "山田太郎 鈴木一郎 サトウハナコ 高橋ゆき 田中さくら 伊藤博文 渡辺謙 東京 大阪 北海道",
    "cp1251": "Иван Ольга Дмитрий Наталья Петров Смирнова Кузнецов Москва Екатеринбург Казань Алексей Сергей Юлия",
    "koi8_r": "Иван Ольга Дмитрий Наталья Петров Смирнова Кузнецов Москва Екатеринбург Казань Алексей Сергей Юлия",
    "latin-1": "Zoé Müller José Núñez François Lefèvre Jürgen Groß Åsa Öberg Björn Søren Régis Chloé João Peña Hélène",
    "cp1250": "Łukasz Żółty Jiří Dvořák Zdeněk Šťastný Kovács István Győző Bożena Křížek Škoda Świątek Čapek",
    "cp1253": "Γιώργος Παπαδόπουλος Μαρία Αθήνα Κώστας Ελένη Νίκος Θεσσαλονίκη",
    "cp1255": "שלום כהן דוד לוי ירושלים חיפה שרה",
    "cp1256": "محمد أحمد فاطمة القاهرة علي حسن",
    "tis_620": "สมชาย กรุงเทพ สมหญิง ใจดี เชียงใหม่",
}


def lists(encoding: str, length: int, times: int) -> list[str]:
    """Lists of people, each with so many names drawn from the encoding's."""
    chance = random.Random(f"{encoding} {length}")
    names = NAMES[encoding].split()
    draw = (chance.choices(names, k=length) for _ in range(times))
    return ["".join(f"r{n}@example.com,{name}\n" for n, name in enumerate(drawn)) for drawn in draw]


@pytest.mark.parametrize("encoding", NAMES)
def test_a_long_list_is_read(encoding: str) -> None:
    for text in lists(encoding, 60, 5):
        [found] = readings(text.encode(encoding))
        assert text.encode(encoding).decode(found) == text


@pytest.mark.parametrize("encoding", NAMES)
@pytest.mark.parametrize("length", [4, 8, 16])
def test_a_short_list_is_read_or_is_a_question_and_never_mojibake(encoding: str, length: int) -> None:
    for text in lists(encoding, length, 15):
        content = text.encode(encoding)
        if not content.isascii():
            found = readings(content)
            assert len(found) != 1 or content.decode(found[0]) == text, (text, found)


def test_one_short_name_may_be_many_things() -> None:
    found = readings("ann@example.com,李娜\n".encode("gb18030"))
    assert {"gb18030", "euc_kr"} <= set(found)


def test_noise_is_nothing() -> None:
    assert readings(bytes(random.Random(1).choices(range(0x80, 0x100), k=400))) == []


@pytest.mark.parametrize(
    ("text", "encoding", "told"),
    [
        ("公司计划重组公司结构,正文第一段。", "gb18030", "GB18030"),
        ("公司計劃重組公司結構,正文第一段。", "big5", "Big5"),
        ("会社は組織の再編を計画しています。", "cp932", "Shift-JIS"),
        ("Компания планирует реорганизацию", "cp1251", "Windows-1251"),
        ("Un café à Genève, s’il vous plaît", "cp1252", "Windows-1252"),
    ],
)
def test_an_issue_in_another_encoding_is_named(text: str, encoding: str, told: str) -> None:
    file, [finding] = decode("a.md", text.encode(encoding))
    assert file is None
    assert finding.message.startswith(f"the file is not UTF-8: it looks like {told}")
    assert finding.help is not None
    assert finding.help.startswith(f"open it as {told}")
