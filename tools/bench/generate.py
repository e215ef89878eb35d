"""Issues for the bench: eight items, about 7.4 kB of Markdown, every other one Chinese; the same bytes in every run."""

from __future__ import annotations

import itertools
import random
from datetime import date, timedelta
from pathlib import Path

FIRST = date(2015, 1, 4)
ITEMS = 8

CONFIG = """\
newsletter:
  name: Bench Weekly
  language: en
  timezone: UTC
  url: https://news.example.com/
  from: Bench Weekly <weekly@news.example.com>
  postal_address: 1 Example Street
service:
  url: https://letters.example.com/
"""

_HAN = (
    "模型训练数据推理芯片算力公司研究团队发布市场增长成本开源工具用户平台投资报告季度收入预计部门计划组织结构技术产品服务"
    "能源交通教育医疗城市农业海洋气候材料生物实验结果方法评测基准标准安全隐私政策监管合作竞争供应链工厂设备软件硬件网络存储"
)
_WORDS = """
    model training data inference chip compute company research team release market growth cost open source tool user
    platform investment report quarter revenue estimate division plan structure technology product service energy
    transport education health city farming ocean climate material biology experiment result method benchmark standard
    safety privacy policy
"""
_ENGLISH = tuple(_WORDS.split())
_SYLLABLES = tuple("".join(pair) for pair in itertools.product("bdfgklmnprstvz", "aeiou", ["", "n", "r"]))


def generate(root: Path, count: int, seed: int = 1) -> None:
    """Write a newsletter repository with ``count`` ready issues."""
    (root / "issues").mkdir(parents=True, exist_ok=True)
    (root / "config.yaml").write_text(CONFIG, encoding="utf-8")
    for number in range(1, count + 1):
        write_issue(root, number, random.Random(seed * 100_000 + number))


def write_issue(root: Path, number: int, chance: random.Random) -> None:
    """One issue: odd numbers are English, even ones Chinese."""
    day = FIRST + timedelta(weeks=number)
    chinese = number % 2 == 0
    folder = root / "issues" / f"{day.isoformat()}-weekly"
    folder.mkdir(exist_ok=True)
    points = "".join(f"    - {_sentence(chance, chinese)}\n" for _ in range(5))
    tags = ", ".join(sorted(chance.sample(["ai", "chips", "policy", "science", "开源", "公司"], 2)))
    (folder / "issue.yaml").write_text(
        f"title: {_headline(chance, chinese)} {number}\ndate: {day.isoformat()}\nnumber: {number}\n"
        f"language: {'zh-CN' if chinese else 'en'}\nstatus: ready\nauthors: [Desk]\ntags: [{tags}, weekly]\n"
        f"key_points:\n  points:\n{points}",
        encoding="utf-8",
    )
    for item in range(1, ITEMS + 1):
        (folder / f"{item:02}.md").write_text(_item(chance, chinese, number, item), encoding="utf-8")


def _item(chance: random.Random, chinese: bool, number: int, item: int) -> str:
    link = f"https://example.com/{number}/{item}"
    paragraphs = "\n\n".join(_paragraph(chance, chinese, f"{link}/{n}") for n in range(2))
    return (
        f"---\nheadline: {_headline(chance, chinese)}\n"
        f"source: {{name: Example, url: {link}}}\n---\n{paragraphs}\n\n"
        f"::: commentary\n{_paragraph(chance, chinese, link)}\n:::\n"
    )


def _paragraph(chance: random.Random, chinese: bool, link: str) -> str:
    sentences = [_sentence(chance, chinese) for _ in range(3)]
    word = _phrase(chance, chinese)
    sentences[1] = f"**{word}**{sentences[1]}" if chinese else f"**{word}** {sentences[1]}"
    sentences.append(f"[{word}]({link})。" if chinese else f"[{word}]({link}).")
    return ("" if chinese else " ").join(sentences)


def _sentence(chance: random.Random, chinese: bool) -> str:
    if chinese:
        return "".join(chance.choices(_HAN, k=13)) + "，" + "".join(chance.choices(_HAN, k=7)) + "。"
    return " ".join(chance.choices(_ENGLISH, k=8)).capitalize() + "."


def _phrase(chance: random.Random, chinese: bool) -> str:
    return "".join(chance.choices(_HAN, k=8)) if chinese else " ".join(chance.choices(_ENGLISH, k=3)).capitalize()


def _headline(chance: random.Random, chinese: bool) -> str:
    """Of more words than the bodies, so that headlines are as unlike each other as real ones."""
    if chinese:
        return "".join(chr(chance.randrange(0x4E00, 0x5A00)) for _ in range(18))
    return " ".join("".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4))) for _ in range(7)).capitalize()
