"""``python -m tools.bench_lsp [--quick]``: how long an editor waits for the language server, in docs/benchmarks.md.

A real ``publisher lsp`` over pipes, in a generated repository of 2,000 issues, with an issue of 40 items open.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from tests.lsp.client import Editor
from tools.bench.document import write_section
from tools.bench.generate import content, generate, write_issue

ISSUES, ITEMS, KEYS = 2_000, 40, 100


def main() -> None:
    """Measure, print, and store the section."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench_lsp", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="100 issues and 20 keys; nothing is kept")
    parser.add_argument("--root", type=Path, help="a folder to generate into and to keep")
    given = parser.parse_args()
    issues, count = (100, 20) if given.quick else (ISSUES, KEYS)
    with tempfile.TemporaryDirectory(prefix="publisher-bench-lsp-") as folder:
        root = (given.root or Path(folder)).resolve()
        slug = prepare(root, issues)
        text = table(*measure(root, slug, count), count)
    print(text)
    if not given.quick:
        head = f"An issue of {ITEMS} items in a repository of {issues:,}; each key brings a finding, or takes it away."
        write_section("lsp", "From a key to its finding", f"{head}\n\n{text}")


def prepare(root: Path, issues: int) -> str:
    """Generate, and check once, as an editor would have; the slug of the long issue."""
    if not (root / "config.yaml").exists():
        generate(root, issues)
    parts = [content(2 * number, random.Random(number)) for number in range(1, ITEMS // 8 + 1)]
    long = replace(parts[0], number=2 * (issues // 2) + 2, stories=[story for part in parts for story in part.stories])
    write_issue(root, long)
    command = [sys.executable, "-m", "publisher", "--root", str(root), "check"]
    subprocess.run(command, check=False, capture_output=True)
    return long.slug


def measure(root: Path, slug: str, count: int) -> tuple[dict[str, list[float]], tuple[float, float], float]:
    """Milliseconds by what was waited for; those of processor a key, until its finding and until all are there; seconds
    from the start to the first findings.
    """
    waited: dict[str, list[float]] = {
        name: [] for name in ("its finding", "all findings and the lens", "completion", "hover")
    }
    file = root / "issues" / slug / "20.md"
    before = file.read_text(encoding="utf-8")
    begun = time.perf_counter()
    with Editor(root) as editor:
        uri = editor.open(file)
        document = {"textDocument": {"uri": uri}}
        editor.until_version(uri, 1)
        first = time.perf_counter() - begun
        editor.ask("textDocument/codeLens", document)
        time.sleep(2)
        spent, at_once = processor(editor.process.pid), 0.0
        for key in range(2, count + 2):
            mark = "," if key % 2 == 0 else "，"
            text = before.replace("\n---\n", f"\n---\n{'字' * key}{mark}字。", 1)
            start, before_key = time.perf_counter(), processor(editor.process.pid)
            editor.change(uri, key, text)
            editor.until_version(uri, key)
            waited["its finding"].append(since(start))
            at_once += processor(editor.process.pid) - before_key
            assert ("half-width-punctuation" in editor.codes(uri)) == (mark == ",")
            if key % 2:  # else the next key comes while this one's issue is still to be rendered
                editor.ask("textDocument/codeLens", document)
                waited["all findings and the lens"].append(since(start))
            time.sleep(0.12)
        spent = (processor(editor.process.pid) - spent) / count
        for _ in range(count):
            for name in ("completion", "hover"):
                start = time.perf_counter()
                editor.at(name, uri, 1, 3)
                waited[name].append(since(start))
        editor.end()
    return waited, (at_once / count, spent), first


def since(start: float) -> float:
    """Milliseconds."""
    return (time.perf_counter() - start) * 1000


def processor(pid: int) -> float:
    """Milliseconds of processor that a process took so far (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def table(waited: dict[str, list[float]], spent: tuple[float, float], first: float, count: int) -> str:
    """The waits as Markdown."""
    rows = [
        f"| {name} | {statistics.median(times):.0f} | {sorted(times)[int(len(times) * 0.95) - 1]:.0f} |"
        for name, times in waited.items()
    ]
    head = ["| From a key, or a question, to | p50, ms | p95, ms |", "|---|---:|---:|"]
    note = f"{count} keys, by the clock, at a load of {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores. "
    note += f"Of processor its finding takes {spent[0]:.0f} ms, all of a key {spent[1]:.0f} ms."
    return (
        "\n".join([*head, *rows]) + f"\n\n{note}\nFrom the start of the server to the first findings: {first:.1f} s.\n"
    )


if __name__ == "__main__":
    main()
