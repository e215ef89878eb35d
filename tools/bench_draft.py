"""``python -m tools.bench_draft``: offline key points beside the samples' own, by ROUGE-1, in docs/benchmarks.md."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from publisher.authoring.draft import draft_key_points
from publisher.checks.context import Context
from publisher.config import load_config
from publisher.issue.load import read_issue
from tools.bench.document import write_section

ROOT = Path(__file__).resolve().parents[1]
SAMPLES = ("2024-12-29-ai-weekly", "2024-12-29-ai-weekly-en")
_UNIT = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff_]+")


def rouge(drafted: str, own: str) -> tuple[float, float, float]:
    """Recall, precision and F1 of ROUGE-1 (Lin, 2004), over Han characters and words."""
    units, wanted = (Counter(_UNIT.findall(text.casefold())) for text in (drafted, own))
    shared = (units & wanted).total()
    recall, precision = shared / wanted.total(), shared / units.total()
    return recall, precision, 2 * recall * precision / (recall + precision) if shared else 0.0


def main() -> None:
    """Measure, print, and store the section."""
    config, rows = load_config(ROOT), []
    for slug in SAMPLES:
        issue = read_issue(config, slug).issue
        assert issue is not None
        own = [text.words for text in Context(config, issue).texts if text.role == "key point"]
        drafted = draft_key_points(config, slug, replace=True).texts
        lead = [item.headline for item in issue.items][: len(own)]
        for name, texts in ((slug, drafted), (f"{slug}, its first headlines instead", lead)):
            recall, precision, both = rouge("\n".join(texts), "\n".join(own))
            rows.append(
                f"| {name} | {len(texts)} | {max(map(len, texts))} | {recall:.2f} | {precision:.2f} | {both:.2f} |"
            )
    head = ["| Issue | points | longest, characters | recall | precision | F1 |", "|---|---:|---:|---:|---:|---:|"]
    note = "`make bench-draft`: `draft key-points` without an endpoint, against the samples' own points, by ROUGE-1"
    note += " over words and Han characters."
    text = "\n".join([note, "", *head, *rows])
    print(text)
    write_section("draft", "Key points without a network", text)


if __name__ == "__main__":
    main()
