"""The texts that ``init`` and ``new`` write, by language. They are content: an editor overwrites them."""

from __future__ import annotations

from dataclasses import dataclass

ITEM = "01-first-story.md"


@dataclass(frozen=True, slots=True)
class Starter:
    """An issue to fill in (``{date}`` and ``{number}``, a whole line or nothing) and its first item."""

    issue: str
    item: str


def starter(language: str) -> Starter:
    """The texts in ``language``, in English where there are none."""
    return _STARTERS.get(language.split("-")[0].lower(), _STARTERS["en"])


_STARTERS = {
    "zh": Starter(
        issue="""\
# yaml-language-server: $schema=../../schema/issue.json
title: 在这里写标题
date: {date}
{number}status: draft # 写好后改成 ready，合并即发布
# publish_at: {date}T08:00:00 # 不写就是尽快；不带时差的时间按 newsletter.timezone 算
# subject: 邮件主题，不写就用标题
# preheader: 收件箱里主题后面的一行，不写就取前几条要点
# authors: [编辑部]
# tags: [weekly]
# cover: {{image: images/cover.jpg, alt: 图里有什么, caption: 图说, credit: 来源}}

intro: |
  在这里写开场白，Markdown 格式；不需要就删掉。

key_points:
  - 在这里写第一条要点

# 条目按文件名排序；要自己定顺序，就在这里列出来：
# items:
#   - 01-first-story.md
""",
        item="""\
---
headline: 在这里写第一条的标题
# source: {name: 来源, url: https://example.com/}
# tags: [标签]
---
在这里写正文，Markdown 格式。每条新闻一个文件，复制这个文件就能写下一条。

::: commentary
在这里写点评；不需要就把这三行删掉。
:::
""",
    ),
    "en": Starter(
        issue="""\
# yaml-language-server: $schema=../../schema/issue.json
title: The title goes here
date: {date}
{number}status: draft # make it ready, and the merge publishes it
# publish_at: {date}T08:00:00 # at once where absent; a time without an offset is in newsletter.timezone
# subject: The subject of the email; the title where absent
# preheader: The line after the subject in an inbox; the first key points where absent
# authors: [The desk]
# tags: [weekly]
# cover: {{image: images/cover.jpg, alt: What the picture shows, caption: Its caption, credit: Whose it is}}

intro: |
  A few words to begin with, in Markdown. Delete them where there is nothing to say.

key_points:
  - The first thing to know goes here

# Items are taken in the order of their file names. To choose another, list them:
# items:
#   - 01-first-story.md
""",
        item="""\
---
headline: The first headline goes here
# source: {name: The source, url: https://example.com/}
# tags: [a tag]
---
The body goes here, in Markdown. One file is one item: copy this file to write the next.

::: commentary
The commentary goes here. Delete these three lines where there is none.
:::
""",
    ),
}

# What stands differently in config.yaml for a newsletter in another language than the sample's.
TRANSLATED_CONFIG = {
    "en": {
        "AI 周报": "AI Weekly",
        "language: zh-CN": "language: en",
        "timezone: Asia/Shanghai": "timezone: Europe/London",
        "上海市示例路 1 号, 200000": "1 Example Street, London",
    },
}

GITIGNORE = """\
# What publisher makes, and the subscribers: never in git.
/.publisher/
/dist/
/outbox/
"""

README = """\
# A newsletter

Made with `publisher init`. Editors write files, a merge publishes them.

    publisher check                             what is wrong, and where
    publisher build                             the archive in dist/site, the email in dist/email
    publisher preview                           the same, live, while you write
    publisher new 2025-01-05-weekly             the next issue
    publisher subscribers add ada@example.com   a reader
    publisher send {slug}         the mail; the folder transport writes it to outbox/

- `config.yaml`: who the newsletter is, and how it leaves. Change the name, the addresses and the postal address first.
- `issues/<slug>/`: an issue, one file an item, with its `images/`.
- `templates/`: how it looks. Delete a file there and the one shipped with publisher is used.
- `schema/`: lets an editor complete and check the YAML while you type.
"""
