"""``publisher mcp``: read-only tools for AI assistants over the Model Context Protocol.

They answer only about the repository in which the server was started, and cannot write content, send, publish or read
subscriber data. The account of a mailing consists of numbers.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from inspect import cleandoc
from pathlib import Path
from typing import Any, Literal

import typer

from publisher import __version__
from publisher.cli.frame import app, chosen_slugs, config_of, examples, needs_extra
from publisher.diagnostics import rendered, say
from publisher.errors import ConfigError, PublisherError


@app.command(epilog=examples("publisher --root my-newsletter mcp"))
def mcp(context: typer.Context) -> int:
    """Let an AI tool use check, explain, plan, schema and status, over MCP on stdio.

    It cannot write content, send, publish or see a subscriber.
    """
    with needs_extra("mcp", "mcp"):
        from mcp.server.mcpserver import MCPServer
        from mcp.types import ToolAnnotations

    context.obj = context.obj.resolve()

    server = MCPServer("publisher", version=__version__, log_level="ERROR", instructions=_INSTRUCTIONS)
    harmless = ToolAnnotations(read_only_hint=True, destructive_hint=False, open_world_hint=False)
    for tool in _tools(context):
        server.tool(description=cleandoc(tool.__doc__ or ""), annotations=harmless, structured_output=False)(tool)
    server.run()
    return 0


_INSTRUCTIONS = "A newsletter kept in git. AGENTS.md of the repository has its format and what never to run."


def _tools(context: typer.Context) -> list[Callable[..., str]]:
    """The tools; each returns JSON or Markdown. Errors are returned with the action to take."""
    root: Path = context.obj

    def check(issues: list[str] | None = None) -> str:
        """Every problem in the issues named by slug, by default in all: a list of {path, line, column, end_line,
        end_column, severity, code, message, help}. An error keeps an issue from being published.
        """
        from publisher.diagnostics.machines import render_json
        from publisher.proofing.checking import check_repository

        with _told():
            try:
                config = config_of(context)
            except ConfigError as error:
                return render_json(error.diagnostics)
            return render_json(check_repository(config, chosen_slugs(root, issues)).diagnostics)

    def explain(code: str) -> str:
        """What the code of a finding means, why it matters, and an example; Markdown."""
        from publisher.cli.check import explained

        with _told():
            return explained(root, code)

    def plan(base: str | None = None) -> str:
        """What publish would do now, issue by issue; with a git revision as base, what changed for readers since."""
        from publisher.publishing.plan.make import make_plan
        from publisher.publishing.plan.render import render_json

        with _told():
            return render_json(make_plan(config_of(context), base=base))

    def schema(kind: Literal["issue", "item", "config"]) -> str:
        """The JSON Schema of issue.yaml, of an item or of config.yaml."""
        from publisher.authoring.bundled import schema_text

        return schema_text(kind)

    def status(issue: str | None = None) -> str:
        """How far the mailing of an issue, or of each, has come: its state, and numbers of recipients."""
        from publisher.delivery.states import mailing_state
        from publisher.delivery.status import status_row, statuses
        from publisher.issue.folder import discover
        from publisher.publishing.plan.make import database_at_hand
        from publisher.publishing.store import set_aside

        with _told():
            config, notes = config_of(context), list[str]()
            slugs = chosen_slugs(root, [issue] if issue else None)
            if (database := database_at_hand(config, notes)) is None:
                none = mailing_state(None)
                rows = [status_row(slug, None, None, none) for slug in slugs or discover(root)]
            else:
                with closing(database):
                    with database.connect() as connection:
                        aside = set_aside(connection)
                    rows = statuses(config, database, slugs[0] if slugs else None, aside).rows
            return _json(rows[0] if issue else rows)

    return [check, explain, plan, schema, status]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)


@contextmanager
def _told() -> Iterator[None]:
    """An error as an answer, with its findings and the action to take."""
    from mcp.server.mcpserver.exceptions import ToolError

    from publisher.diagnostics.machines import as_object

    try:
        yield
    except PublisherError as error:
        lines = [rendered(error.message), *([rendered(say("help: ")) + rendered(error.help)] if error.help else [])]
        lines += [_json([as_object(one) for one in error.diagnostics])] if isinstance(error, ConfigError) else []
        raise ToolError("\n".join(lines)) from error
