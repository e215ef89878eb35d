"""Shrink the caniemail data set (npm package ``caniemail``, MIT) to what the client gate reads.

``python -m tools.caniemail`` after ``npm install`` in tests/tools. For each feature and client family: the
platforms whose newest tested version lacks it (``n``) or has it partly (``a``).
"""

from __future__ import annotations

import json
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "tests/tools/node_modules/caniemail"
TARGET = ROOT / "publisher/edition/gates/data"
FAMILIES = ("apple-mail", "gmail", "outlook", "yahoo", "samsung-email", "thunderbird", "protonmail", "fastmail", "gmx")
RETIRED = {("outlook", "windows-mail")}  # replaced by the new Outlook in 2024


def main() -> None:
    """Write ``caniemail.json`` and the licence beside it."""
    source = json.loads((PACKAGE / "data/caniemail.json").read_text(encoding="utf-8"))
    features: dict[str, dict[str, dict[str, str]]] = {}
    for feature in sorted(source["data"], key=lambda entry: entry["slug"]):
        if feature["category"] not in {"css", "html"}:
            continue
        entry = features.setdefault(feature["slug"], {})
        for family in FAMILIES:
            for platform, versions in feature["stats"].get(family, {}).items():
                newest = list(versions.values())[-1][:1]
                if newest in {"n", "a"} and (family, platform) not in RETIRED:
                    entry.setdefault(newest, {}).setdefault(family, "")
                    entry[newest][family] = " ".join(filter(None, (entry[newest][family], platform)))
    made = {"source": "caniemail 2.0.2", "updated": source["last_update_date"][:10], "features": features}
    TARGET.mkdir(parents=True, exist_ok=True)
    (TARGET / "caniemail.json").write_text(json.dumps(made, indent=0, ensure_ascii=False) + "\n", encoding="utf-8")
    licence = (PACKAGE / "LICENSE").read_text(encoding="utf-8")
    (TARGET / "caniemail.LICENSE").write_text(licence, encoding="utf-8")


if __name__ == "__main__":
    main()
