"""``publisher lsp``: the editors' language server."""

from __future__ import annotations

from typing import Annotated

import typer

from publisher.cli.frame import app, examples, needs_extra


@app.command(epilog=examples("publisher lsp --stdio"))
def lsp(
    stdio: Annotated[  # noqa: ARG001 - clients say it; there is no other way
        bool, typer.Option("--stdio", help="Speak on standard input and output, as always.")
    ] = False,
) -> int:
    """Tell an editor, while one types, what check finds; complete, explain, mend, rename. Speaks LSP.

    The newsletter is the nearest config.yaml above a file. docs/editors.md sets up VS Code, Neovim, Helix and Zed.
    """
    with needs_extra("editor", "pygls"):
        from publisher.lsp.server import serve

    return serve()
