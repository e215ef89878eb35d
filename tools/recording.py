"""Draw docs/images/terminal.svg from the real output of the commands: ``python -m tools.recording``."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

from tools.pictures import ROOT

SLUG = "2025-01-05-weekly"
ITEM = """---
headline: A frontier model for the price of a house
source: {name: DeepSeek, url: https://www.deepseek.com/}
---
It took 2,048 GPUs and two months: [their report](htp://www.deepseek.com/).

::: commentary
Failed experiments send no invoice.
"""
DRAWN = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img"
 aria-label="publisher check names two mistakes at their lines; then they are gone, and build writes mail and archive">
<style>{styles} text {{ font: 20px ui-monospace, SFMono-Regular, Menlo, monospace; white-space: pre; }}</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
<rect width="{width}" height="{height}" rx="8" fill="#171614"/>
<g transform="translate(18, 14)">{backgrounds}<g>{matrix}</g></g>
</svg>
"""


def main() -> None:
    """Run the commands in a new newsletter and draw them."""
    console = Console(record=True, width=104, file=io.StringIO(), force_terminal=True)
    with tempfile.TemporaryDirectory() as folder:
        news = Path(folder) / "news"

        def run(*words: str, at: Path = news) -> None:
            console.print(Text("$ ", style="bold green") + Text(" ".join(("publisher", *words)), style="bold"))
            done = subprocess.run(
                [sys.executable, "-m", "publisher", *words],
                cwd=at,
                capture_output=True,
                text=True,
                env={**os.environ, "FORCE_COLOR": "1", "COLUMNS": "100"},
            )
            said = (done.stderr + done.stdout).replace(str(Path(folder).resolve()), "").replace(folder, "")
            lines = (
                line
                for line in said.replace("\r", "\n").splitlines()
                if "━" not in line and line.strip("\x1b[?25lhK0m")
            )
            console.print(Text.from_ansi("\n".join(lines)), "")

        subprocess.run([sys.executable, "-m", "publisher", "init", str(news), "--language", "en"], capture_output=True)
        subprocess.run([sys.executable, "-m", "publisher", "new", SLUG], cwd=news, capture_output=True)
        for file in (news / "issues" / SLUG).glob("*.md"):
            file.write_text(ITEM, encoding="utf-8")
        run("check", SLUG)
        for file in (news / "issues" / SLUG).glob("*.md"):
            file.write_text(ITEM.replace("htp:", "https:") + ":::\n", encoding="utf-8")
        run("check", SLUG)
        run("build", "--drafts")
    svg = console.export_svg(code_format=DRAWN)
    (ROOT / "docs/images/terminal.svg").write_text(svg.replace(str(ROOT), ""), encoding="utf-8")


if __name__ == "__main__":
    main()
