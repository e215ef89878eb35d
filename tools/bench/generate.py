"""Issues for the bench: eight items, about 7.4 kB of Markdown, every other one Chinese; the same bytes in every run.

Items have figures, code, lists, tables and pictures, and key points give numbers, as those of real newsletters do.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
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
_TAGS = [*_ENGLISH[:20], "开源", "公司", "产业", "政策"]
_SYLLABLES = tuple("".join(pair) for pair in itertools.product("bdfgklmnprstvz", "aeiou", ["", "n", "r"]))


@dataclass(frozen=True)
class Story:
    """An item: plain headline, blocks of Markdown, a commentary, and the address of its source."""

    headline: str
    link: str
    paragraphs: tuple[str, ...]
    commentary: str


@dataclass(frozen=True)
class Content:
    """The content of an issue, before it is written in a generator's format."""

    number: int
    title: str
    tags: list[str]
    points: list[str]
    stories: list[Story]

    @property
    def chinese(self) -> bool:
        """Even numbers are Chinese, odd ones English."""
        return self.number % 2 == 0

    @property
    def day(self) -> date:
        """Two days after the issue before."""
        return FIRST + timedelta(days=2 * self.number)

    @property
    def slug(self) -> str:
        """Its folder's name."""
        return f"{self.day.isoformat()}-weekly"


def content(number: int, chance: random.Random) -> Content:
    """One issue of eight items."""
    chinese = number % 2 == 0
    points = [_sentence(chance, chinese, number=point < 2) for point in range(5)]
    tags = sorted(chance.sample(_TAGS, 3))
    title = f"{_headline(chance, chinese)} {number}"
    stories = [_story(chance, chinese, f"https://example.com/{number}/{item}") for item in range(1, ITEMS + 1)]
    return Content(number, title, [*tags, "weekly"], points, stories)


def contents(count: int, seed: int = 1) -> Iterator[Content]:
    """The first ``count`` issues."""
    return (content(number, random.Random(seed * 100_000 + number)) for number in range(1, count + 1))


def generate(root: Path, count: int, seed: int = 1) -> None:
    """Write a newsletter repository with ``count`` ready issues."""
    (root / "issues").mkdir(parents=True, exist_ok=True)
    (root / "config.yaml").write_text(CONFIG, encoding="utf-8")
    for issue in contents(count, seed):
        write_issue(root, issue)


def write_issue(root: Path, issue: Content) -> None:
    """An issue's folder, an item a file."""
    folder = root / "issues" / issue.slug
    folder.mkdir(exist_ok=True)
    points = "".join(f"    - {point}\n" for point in issue.points)
    (folder / "issue.yaml").write_text(
        f"title: {issue.title}\ndate: {issue.day.isoformat()}\nnumber: {issue.number}\n"
        f"language: {'zh-CN' if issue.chinese else 'en'}\nstatus: ready\nauthors: [Desk]\n"
        f"tags: [{', '.join(issue.tags)}]\nkey_points:\n  points:\n{points}",
        encoding="utf-8",
    )
    for item, story in enumerate(issue.stories, 1):
        (folder / f"{item:02}.md").write_text(
            f"---\nheadline: {story.headline}\nsource: {{name: Example, url: {story.link}}}\n---\n"
            + "\n\n".join(story.paragraphs)
            + f"\n\n::: commentary\n{story.commentary}\n:::\n",
            encoding="utf-8",
        )


def _story(chance: random.Random, chinese: bool, link: str) -> Story:
    paragraphs = [_paragraph(chance, chinese, f"{link}/0"), _paragraph(chance, chinese, f"{link}/1")]
    kind = chance.random()
    if kind < 0.3:  # in place of a paragraph, so that issues stay as long
        paragraphs[1] = _list(chance, chinese) if kind < 0.12 else _picture(link) if kind < 0.22 else _table(chance)
    return Story(_headline(chance, chinese), link, tuple(paragraphs), _paragraph(chance, chinese, link))


def _list(chance: random.Random, chinese: bool) -> str:
    return "\n".join(f"- {_sentence(chance, chinese, number=True)}" for _ in range(4))


def _picture(link: str) -> str:
    return f"![chart](https://img.example.com/{link[-3:].replace('/', '-')}.png)"


def _table(chance: random.Random) -> str:
    rows = [f"| {chance.choice(_ENGLISH)} | {chance.randint(20, 900)} | {chance.randint(5, 700)} |" for _ in range(5)]
    return "\n".join(["| | before | after |", "| --- | ---: | ---: |", *rows])


def _paragraph(chance: random.Random, chinese: bool, link: str) -> str:
    sentences = [_sentence(chance, chinese, number=at == 0) for at in range(3)]
    word = _phrase(chance, chinese)
    sentences[1] = f"**{word}**{sentences[1]}" if chinese else f"**{word}** {sentences[1]}"
    if chance.random() < 0.1:
        sentences[2] = f"`{chance.choice(_ENGLISH)}()`{sentences[2]}" if chinese else f"`retry()` {sentences[2]}"
    sentences.append(f"[{word}]({link})。" if chinese else f"[{word}]({link}).")
    return ("" if chinese else " ").join(sentences)


def _sentence(chance: random.Random, chinese: bool, *, number: bool = False) -> str:
    said = str(chance.randint(2, 96)) if number else ""
    if chinese:
        first = "".join(chance.choices(_HAN, k=13)) + (f"{said}个月" if number else "")
        return first + "，" + "".join(chance.choices(_HAN, k=7)) + "。"
    words = chance.choices(_ENGLISH, k=8)
    return " ".join([*words[:5], *([said, "months"] if number else []), *words[5:]]).capitalize() + "."


def _phrase(chance: random.Random, chinese: bool) -> str:
    return "".join(chance.choices(_HAN, k=8)) if chinese else " ".join(chance.choices(_ENGLISH, k=3)).capitalize()


def _headline(chance: random.Random, chinese: bool) -> str:
    """A larger vocabulary than that of the bodies, so that headlines differ as much as real ones."""
    if chinese:
        return "".join(chr(chance.randrange(0x4E00, 0x5A00)) for _ in range(18))
    return " ".join("".join(chance.choices(_SYLLABLES, k=chance.randint(1, 4))) for _ in range(7)).capitalize()
