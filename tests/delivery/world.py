"""What the tests of delivery, the chaos and the benches have in common: a config, people, a letter."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from publisher.audience.tables import subscribers
from publisher.config.model import Config
from publisher.database import Database
from publisher.edition.model import Slot, Slotted
from publisher.mail.message import MailContent

SLUG = "2024-12-29-weekly"
DIGEST = "sha256:" + "ab" * 32


def make_config(root: Path, transport: str = "folder", **delivery: Any) -> Config:
    """A newsletter rooted at ``root``."""
    ses = {"region": "eu-west-1", "configuration_set": "newsletter", "bulk": delivery.pop("bulk", True)}
    return Config.model_validate(
        {
            "newsletter": {
                "name": "AI 周报",
                "language": "zh-CN",
                "timezone": "Asia/Shanghai",
                "url": "https://news.example.com/",
                "from": "AI 周报 <weekly@news.example.com>",
                "reply_to": "editors@news.example.com",
            },
            "service": {"url": "https://letters.example.com/"},
            "delivery": {"transport": transport, "ses": ses, **delivery},
            "root": root,
        }
    )


def make_letter(**changes: Any) -> MailContent:
    """A small Chinese letter with every slot."""
    values: dict[str, Any] = {
        "slug": SLUG,
        "title": "一周",
        "subject": "AI 周报|第一条;第二条",
        "language": "zh-CN",
        "digest": DIGEST,
        "commit": "c0ffee" * 6,
        "html": Slotted(
            ("<p>正文", Slot.GREETING, '</p><a href="', Slot.UNSUBSCRIBE_URL, '">退订</a>', Slot.PREFERENCES_URL)
        ),
        "text": Slotted(("正文", Slot.GREETING, "\n", Slot.UNSUBSCRIBE_URL, "\n", Slot.PREFERENCES_URL, "\n")),
    }
    values |= changes
    subject = values["subject"]
    return MailContent(**values | {"subject": Slotted((subject,)) if isinstance(subject, str) else subject})


def varied_letter(**changes: Any) -> MailContent:
    """A letter in three variants, each of which says in its text whom it is for."""
    conditions = ("not topic:ai and not city:Berlin", "topic:ai", "city:Berlin and not topic:ai")
    variants = []
    for name, condition in zip(("default", "topic-ai", "city-berlin"), conditions, strict=True):
        text = Slotted((f"For {name}\n", Slot.UNSUBSCRIBE_URL, "\n"))
        html = Slotted((f"<p>For {name}</p>", Slot.UNSUBSCRIBE_URL, Slot.PREFERENCES_URL))
        digest = f"sha256:{name.encode().hex():0<64}"
        variants.append(make_letter(html=html, text=text, digest=digest, name=name, condition=condition))
    return make_letter(**({"html": variants[0].html, "text": variants[0].text, "variants": tuple(variants)} | changes))


def person(number: int, **changes: Any) -> dict[str, Any]:
    """A row of ``subscribers``."""
    address = f"reader{number}@example.com"
    now = datetime.now(UTC)
    row = {
        "reference": secrets.token_hex(12),
        "address": address,
        "address_key": address,
        "mailbox_key": address,
        "state": "confirmed",
        "name": "",
        "topics": [],
        "attributes": {},
        "created_at": now,
        "changed_at": now,
    }
    return row | changes


def add_people(database: Database, count: int, start: int = 0) -> None:
    """Confirmed subscribers."""
    for low in range(start, start + count, 20_000):
        rows = [person(number) for number in range(low, min(start + count, low + 20_000))]
        with database.begin() as connection:
            connection.execute(insert(subscribers), rows)


def add_person(database: Database, number: int, **changes: Any) -> dict[str, Any]:
    """One subscriber; its row."""
    row = person(number, **changes)
    with database.begin() as connection:
        connection.execute(insert(subscribers), [row])
    return row
