"""``publisher doctor`` and ``verify``: is everything ready to send, and does a message come from here?"""

from dataclasses import asdict
from typing import Annotated

import typer
from rich.markup import escape

from publisher.cli.frame import Format, app, config_of, examples
from publisher.cli.output import complain, console, emit, put

_MARKS = {"ok": "[green]ok     [/]", "warning": "[yellow]warning[/]", "fault": "[bold red]fault  [/]"}


@app.command(epilog=examples("publisher doctor", "publisher doctor --format json --nameserver 9.9.9.9"))
def doctor(
    context: typer.Context,
    format: Format = "text",
    nameserver: Annotated[
        str | None, typer.Option(metavar="HOST[:PORT]", help="Ask this DNS server, not the system's.")
    ] = None,
) -> int:
    """Look whether everything is ready to send, and say what to type where it is not.

    Asks SES, DNS, the archive, the readers' service and the database; changes nothing, mails nobody. Exit status: 0
    ready, 1 something is at fault.
    """
    from publisher.publishing.doctor import NOT_ASKED, Level, examine
    from publisher.publishing.doctor.questions import Probes

    findings = examine(Probes(config_of(context), nameserver))
    if format == "json":
        emit([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            mark = _MARKS.get(finding.level, "[dim]skipped[/]")
            console.print(f"{mark}  [bold]{finding.check:<17}[/]  {escape(finding.message)}")
            if finding.help:
                console.print(f"{'':9}{'':17}  [cyan]→[/] {escape(finding.help)}")
        if all(finding.check != "gmail" for finding in findings):
            console.print(f"[dim]skipped[/]  [bold]{'gmail':<17}[/]  {escape(NOT_ASKED)}")
    return int(any(finding.level is Level.FAULT for finding in findings))


@app.command(
    epilog=examples(
        "publisher verify outbox/2024-12-29-weekly/4f2a91c0-1.eml",
        "publisher verify https://news.example.com/issues/2024-12-29-weekly/",
    )
)
def verify(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="EML|URL", help="A saved message, or a page of the archive.")],
    format: Format = "text",
) -> int:
    """Rebuild the edition that a message or page claims to be, from its commit, and compare.

    Exit status: 0 it matches to the byte; 1 it does not, or its commit is not known here; 2 nothing to look at.
    """
    from publisher.publishing.verify import VerifyResult
    from publisher.publishing.verify import verify as look

    found = look(config_of(context), what)
    if format == "json":
        emit(asdict(found))
    elif found.verdict is VerifyResult.MATCH:
        console.print(f"[green]{found.verdict}[/]: {found.message}")
        console.print(f"  {found.rebuilt}")
    else:
        complain(f"{found.verdict}: {found.message}", found.help)
    for text in found.origin if format == "text" else ():
        reviewed = f"reviewed by {', '.join(text.reviewed_by)}" if text.reviewed_by else "reviewed by nobody"
        written = f"commit {text.commit[:12]} by {text.author}" if text.commit else "not committed"
        put(f"  {text.where}: {text.grade} by {text.by}, {reviewed}; {written}")
    return 0 if found.verdict is VerifyResult.MATCH else 1
