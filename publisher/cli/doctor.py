"""``publisher doctor`` and ``verify``: readiness to send, and the origin of a message or page."""

from dataclasses import asdict
from typing import Annotated

import typer

from publisher.cli.frame import Format, app, config_of, examples
from publisher.cli.output import echo, emit, print_error, styled
from publisher.diagnostics import listed, rendered, say
from publisher.diagnostics.width import display_width

_MARKS = {
    "ok": ("green", say("ok     ")), "warning": ("yellow", say("warning")), "fault": ("bold red", say("fault  ")),
    "skipped": ("dim", say("skipped")),
}  # fmt: skip


@app.command(epilog=examples("publisher doctor", "publisher doctor --format json --nameserver 9.9.9.9"))
def doctor(
    context: typer.Context,
    format: Format = "text",
    nameserver: Annotated[
        str | None, typer.Option(metavar="HOST[:PORT]", help="The DNS server to ask instead of the system's.")
    ] = None,
) -> int:
    """Check that everything is ready to send, and say how to fix what is not.

    Queries SES, DNS, the archive, the readers' service and the database; changes nothing and sends no mail. Exit
    status: 0 ready, 1 something is wrong.
    """
    from publisher.publishing.doctor import NOT_ASKED, Finding, Level, examine
    from publisher.publishing.doctor.questions import Probes

    findings = examine(Probes(config_of(context), nameserver))
    if format == "json":
        emit([asdict(finding) for finding in findings])
    else:
        asked = any(finding.check == "gmail" for finding in findings)
        for finding in [*findings, *([] if asked else [Finding(Level.SKIPPED, NOT_ASKED, check="gmail")])]:
            (color, level), check = _MARKS[finding.level], styled(f"{finding.check:<17}", "bold")
            echo(f"{styled(level, color)}  {check}  {rendered(finding.message)}")
            if finding.help:
                before = " " * (display_width(rendered(level)) + 21)
                echo(f"{before}{styled('→', 'cyan')} {rendered(finding.help)}")
    return int(any(finding.level is Level.FAULT for finding in findings))


@app.command(epilog=examples(
    "publisher verify outbox/2024-12-29-weekly/4f2a91c0-1.eml",
    "publisher verify https://news.example.com/issues/2024-12-29-weekly/",
))  # fmt: skip
def verify(
    context: typer.Context,
    what: Annotated[str, typer.Argument(metavar="EML|URL", help="A saved message, or a page of the archive.")],
    format: Format = "text",
) -> int:
    """Rebuild the edition of a message or page from its commit, and compare.

    Exit status: 0 it matches byte for byte; 1 it differs, or its commit is unknown here; 2 nothing to compare.
    """
    from publisher.publishing.verify import VerifyResult
    from publisher.publishing.verify import verify as look

    found = look(config_of(context), what)
    if format == "json":
        emit(asdict(found))
    elif found.verdict is VerifyResult.MATCH:
        echo(say("{kind}: {why}", kind=say(found.verdict), why=found.message))
        echo(f"  {found.rebuilt}")
    else:
        print_error(say("{kind}: {why}", kind=say(found.verdict), why=found.message), found.help)
    for text in found.origin if format == "text" else ():
        reviewed = say("reviewed by {who}", who=listed(text.reviewed_by) or say("nobody"))
        by = {"commit": (text.commit or "")[:12], "author": text.author}
        written = say("commit {commit} by {author}", **by) if text.commit else say("not committed")
        about = {"where": text.where, "grade": text.grade, "by": text.by}
        echo(say("  {where}: {grade} by {by}, {reviewed}; {written}", **about, reviewed=reviewed, written=written))
    return 0 if found.verdict is VerifyResult.MATCH else 1
