"""What commands say with ``--lang zh``: no sentence of theirs stays English."""

from __future__ import annotations

import re
from pathlib import Path

from tests.acceptance.conftest import CONFIG, Newsletter
from tests.diagnostics.test_sentences import ENGLISH, QUOTED
from tests.publishing.test_surprise import issue

LEFT = re.compile(r"publisher [a-z]+( --[a-z-]+)*( [\w-]+)?|--[a-z-]+|status: ready")


def test_no_english_is_left_of_what_commands_say(tmp_path: Path) -> None:
    newsletter = Newsletter(tmp_path)
    newsletter.write("config.yaml", CONFIG)
    newsletter.subscribers("ann@example.com", "ben@example.com")
    for number in (1, 2):
        issue(newsletter, f"2023-01-0{number}-weekly", body=f"第{number}期的正文，与别期不同。")
    said = []
    for call in (
        "new 2025-01-05-weekly", "build", "build nope", "plan", "publish", "publish --unmailed nope",
        "publish --unmailed all", "status", "status nope", "send 2023-01-01-weekly", "send 2023-01-02-weekly --dry-run",
        "send 2025-01-05-weekly", "hold 2023-01-01-weekly", "pause 2023-01-01-weekly", "cancel 2023-01-01-weekly --yes",
        "plan --format markdown",
    ):  # fmt: skip
        ran = newsletter.run("--lang", "zh", *call.split())
        said += [line for line in (*ran.out.splitlines(), *ran.err.splitlines()) if line.strip()]
    assert len(said) > 30
    assert [line for line in said if ENGLISH.search(LEFT.sub("", QUOTED.sub("", line)))] == []
    assert any("什么也没有发送或写入" in line for line in said)
