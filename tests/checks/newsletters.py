"""Sixty sound issues in the manner of real newsletters: twelve templates, five seeds each, three repositories.

A template in ``sound/newsletters`` is a row of files, each begun by ``=== file NAME``, or by ``=== maybe NAME`` where
three of five issues have it; ``⟦slot⟧`` is filled from ``pools.yaml``, ``⟦url⟧`` is another address each time. Columns
recur, and so do advertisements.
"""

from __future__ import annotations

import random
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

FOLDER = Path(__file__).parent / "sound" / "newsletters"
LANGUAGES = {"en": "en", "zh": "zh-CN", "ja": "ja"}
SEEDS = range(5)
_PART = re.compile(r"^=== (file|maybe) (.*)\n", re.MULTILINE)
_SLOT = re.compile("⟦([a-z]+)⟧")
_PICTURE = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\x00\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)


def lay_out(root: Path, language: str) -> list[str]:
    """Write the repository of one language; the slugs of its issues."""
    config = {
        "name": "Letters",
        "language": LANGUAGES[language],
        "timezone": "Asia/Tokyo",
        "url": "https://news.example.com/",
        "from": "Letters <weekly@news.example.com>",
    }
    root.mkdir(parents=True, exist_ok=True)
    (root / "config.yaml").write_text(yaml.safe_dump({"newsletter": config}), encoding="utf-8")
    slugs, day = [], date(2024, 1, 5)
    for seed in SEEDS:
        for path in sorted(FOLDER.glob(f"{language}-*.txt")):
            slug = f"{day.isoformat()}-{path.stem.partition('-')[2]}"
            _write(root / "issues" / slug, path.read_text(encoding="utf-8"), language, day, seed)
            slugs.append(slug)
            day += timedelta(days=1)
    return slugs


def _write(folder: Path, template: str, language: str, day: date, seed: int) -> None:
    chance = random.Random(f"{folder.name} {seed}")
    pools: dict[str, Any] = yaml.safe_load((FOLDER / "pools.yaml").read_text(encoding="utf-8"))
    pools |= pools[language]
    same = {name: pools[name][seed] for name in ("n", "pct", "lang", "ver")}  # what an issue says twice

    def filled(slot: re.Match[str]) -> str:
        name = slot[1]
        if name == "date":
            return day.isoformat()
        if name == "url":
            return f"https://example.com/{chance.randrange(10**9)}"
        return str(same[name] if name in same else chance.choice(pools[name]))

    pieces = _PART.split(template)[1:]
    folder.mkdir(parents=True)
    for number, (kind, name, text) in enumerate(zip(pieces[0::3], pieces[1::3], pieces[2::3], strict=True)):
        if kind == "file" or (seed + 2 * number) % 5 < 3:
            (folder / name).write_text(_SLOT.sub(filled, text), encoding="utf-8")
            if "images/chart.gif" in text:
                (folder / "images").mkdir(exist_ok=True)
                (folder / "images" / "chart.gif").write_bytes(_PICTURE)
