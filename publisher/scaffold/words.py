"""The texts that ``init`` writes besides the sample: content for an editor to overwrite."""

from __future__ import annotations

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
*.csv
*.jsonl
*.eml
*.db
*.db-*
.env*
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
