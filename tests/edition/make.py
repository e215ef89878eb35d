"""Issues made by hand, so that a test of rendering needs no files."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from publisher.config.model import Config
from publisher.diagnostics import Span
from publisher.edition.model import Edition
from publisher.edition.rendering import render
from publisher.issue.model import Issue, Item, KeyPoints, Places, Prose, Source

ROOT = Path(__file__).resolve().parents[2]
PLACES = Places("issues/2024-12-29-x/issue.yaml", Span.point(1))


def prose(text: str) -> Prose:
    return Prose(text, "issues/2024-12-29-x/a.md", tuple((n, 1) for n, _ in enumerate(text.split("\n"), 1)))


def config(root: Path = ROOT, **values: Any) -> Config:
    newsletter = {
        "name": "AI 周报",
        "language": "zh-CN",
        "timezone": "Asia/Shanghai",
        "url": "https://news.example.com/",
        "from": "AI 周报 <weekly@news.example.com>",
        "postal_address": "上海市示例路 1 号, 200000",
    }
    return Config(newsletter=newsletter | values.pop("newsletter", {}), root=root, **values)


def item(headline: str, body: str, commentary: str | None = None, **values: Any) -> Item:
    defaults: dict[str, Any] = {"anchor": "item", "places": PLACES}
    return Item(
        headline=headline,
        body=prose(body),
        commentary=prose(commentary) if commentary else None,
        **(defaults | values),
    )


def issue(*items: Item, **values: Any) -> Issue:
    points = values.pop("points", ())
    generated_by = values.pop("generated_by", None)
    for name in ("intro", "attribution"):
        if isinstance(values.get(name), str):
            values[name] = prose(values[name])
    defaults: dict[str, Any] = {
        "slug": "2024-12-29-x",
        "folder": "issues/2024-12-29-x",
        "title": "AI周报|第一条；第二条",
        "date": date(2024, 12, 29),
        "language": "zh-CN",
        "places": PLACES,
        "items": items or (item("标题", "正文。", anchor="a"),),
        "key_points": KeyPoints(tuple(map(prose, points)), generated_by) if points else None,
    }
    merged = defaults | values
    return Issue(subject=merged.pop("subject", merged["title"]), **merged)


def edition(*items: Item, configuration: Config | None = None, **values: Any) -> Edition:
    made, findings = render(issue(*items, **values), configuration or config())
    assert made is not None, findings
    return made


def html_of(made: Edition) -> str:
    return made.html.fill(lambda slot: f"https://letters.example.com/{slot}")


def text_of(made: Edition) -> str:
    return made.text.fill(lambda slot: f"https://letters.example.com/{slot}")


CHINESE: dict[str, Any] = {
    "title": "AI周报|OpenAI 计划重组公司结构；台积电再创新高",
    "number": 52,
    "authors": ("第一编辑部", "第二编辑部"),
    "points": ("OpenAI 计划改组为**公益公司**。", "台积电创下 1,095 元的纪录。"),
    "generated_by": "某大模型",
    "intro": "这一周，钱是主角。",
    "attribution": "本文来自 [AI 周报](https://news.example.com/)，转载请注明出处。",
    "items": (
        item(
            "OpenAI 计划重组公司结构",
            "12 月 26 日，OpenAI 表示计划改组为特拉华州的**公益公司。**非营利部分将持有股份。\n\n- 医疗\n- 教育\n\n"
            "| 项目 | 数字 |\n|:--|--:|\n| 融资 | 66 亿美元 |\n| 估值 | 1570 亿美元 |\n\n见注。[^1]\n\n[^1]: 见 https://openai.com/a，英文。",
            "关键不在名称，\n而在谁来约束利润；{{ 真正的约束 }}来自注视。",
            anchor="openai-pbc",
            sources=(Source("OpenAI", "https://openai.com/?a=1&b=2"), Source("路透社", None)),
            section="公司",
        ),
        item(
            "台积电再创新高",
            "24 日盘中创下 1,095 元的纪录，收于 1,080 元。\n\n> 涨了八成。\n\n## 小标题\n\n~~旧闻~~",
            "一年八成，{% 快得 %}很。\n\n第二段。",
            anchor="tsmc",
            commentary_by="第一编辑部",
            section="市场",
        ),
    ),
}
ENGLISH: dict[str, Any] = {
    "language": "en",
    "title": "AI Weekly | OpenAI reshapes itself; TSMC at a record",
    "number": 52,
    "authors": ("Ann Author", "Bob Writer"),
    "points": ("OpenAI plans a *public benefit corporation*.", "TSMC set a record of 1,095."),
    "intro": "Money was the story of the week.",
    "attribution": "Compiled from public reports.",
    "items": (
        item(
            "OpenAI plans a new company structure",
            "On 26 December OpenAI said it plans a **public benefit corporation**; "
            "see [the announcement](https://openai.com/a).\n\n1. one\n2. two\n\n```python\nx = 1 < 2\n```",
            "The name matters less than who limits the profit.",
            anchor="openai-pbc",
            commentary_by="Jane Doe",
            sources=(Source("OpenAI", "https://openai.com/"),),
        ),
        item("TSMC at a record", "It closed at 1,080.", anchor="tsmc"),
    ),
}
