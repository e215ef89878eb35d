"""The texts of an issue to fill in, by language: ``publisher new`` writes them, a ready issue may not keep them."""

from __future__ import annotations

from dataclasses import dataclass

ITEM = "01-first-story.md"


@dataclass(frozen=True, slots=True)
class Starter:
    """An issue to fill in and its first item, as templates; ``placeholders`` are the texts that an editor replaces."""

    issue: str
    item: str
    placeholders: dict[str, str]

    def files(self, date: str, number: int | None) -> dict[str, str]:
        """The files of a new issue, by name. ``date`` as ``2024-12-29``."""
        line = f"number: {number}\n" if number is not None else ""
        return {
            "issue.yaml": self.issue.format(date=date, number=line, **self.placeholders),
            ITEM: self.item.format(**self.placeholders),
        }


def starter(language: str) -> Starter:
    """The texts in ``language``, in English where there are none."""
    return _STARTERS.get(language.split("-")[0].lower(), _STARTERS["en"])


def placeholders() -> tuple[str, ...]:
    """Every text that an editor is to replace, in every language."""
    return tuple(text for each in _STARTERS.values() for text in each.placeholders.values())


_STARTERS = {
    "zh": Starter(
        issue="""\
# yaml-language-server: $schema=../../schema/issue.json
title: {title}
date: {date}
{number}status: draft # 写好后改成 ready，合并即发布
# publish_at: {date}T08:00:00 # 不写就是尽快；不带时差的时间按 newsletter.timezone 算
# subject: 邮件主题，不写就用标题
# preheader: 收件箱里主题后面的一行，不写就取前几条要点
# authors: [编辑部]
# tags: [weekly]
# cover: {{image: images/cover.jpg, alt: 图里有什么, caption: 图说, credit: 来源}}

intro: |
  {intro}

key_points:
  - {point}

# 条目按文件名排序；要自己定顺序，就在这里列出来：
# items:
#   - 01-first-story.md
""",
        item="""\
---
headline: {headline}
# source: {{name: 来源, url: https://example.com/}}
# tags: [标签]
---
{body}

::: commentary
{commentary}
:::
""",
        placeholders={
            "title": "在这里写标题",
            "intro": "在这里写开场白，Markdown 格式；不需要就删掉。",
            "point": "在这里写第一条要点",
            "headline": "在这里写第一条的标题",
            "body": "在这里写正文，Markdown 格式。每条新闻一个文件，复制这个文件就能写下一条。",
            "commentary": "在这里写点评；不需要就把这三行删掉。",
        },
    ),
    "en": Starter(
        issue="""\
# yaml-language-server: $schema=../../schema/issue.json
title: {title}
date: {date}
{number}status: draft # make it ready, and the merge publishes it
# publish_at: {date}T08:00:00 # at once where absent; a time without an offset is in newsletter.timezone
# subject: The subject of the email; the title where absent
# preheader: The line after the subject in an inbox; the first key points where absent
# authors: [The desk]
# tags: [weekly]
# cover: {{image: images/cover.jpg, alt: What the picture shows, caption: Its caption, credit: Whose it is}}

intro: |
  {intro}

key_points:
  - {point}

# Items are taken in the order of their file names. To choose another, list them:
# items:
#   - 01-first-story.md
""",
        item="""\
---
headline: {headline}
# source: {{name: The source, url: https://example.com/}}
# tags: [a tag]
---
{body}

::: commentary
{commentary}
:::
""",
        placeholders={
            "title": "The title goes here",
            "intro": "A few words to begin with, in Markdown. Delete them where there is nothing to say.",
            "point": "The first thing to know goes here",
            "headline": "The first headline goes here",
            "body": "The body goes here, in Markdown. One file is one item: copy this file to write the next.",
            "commentary": "The commentary goes here. Delete these three lines where there is none.",
        },
    ),
}
