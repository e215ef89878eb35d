"""The language server (LSP 3.17), based on pygls; :class:`Desk` answers the requests."""

import os
import sys
from functools import partial

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.protocol import LanguageServerProtocol
from pygls.protocol.language_server import lsp_method

from publisher import __version__
from publisher.lsp.desk import FIX_ALL, Desk

_FILES = types.FileOperationPattern(
    "**/{issues/*,series/*/*}/*.{md,markdown,yaml,yml}", types.FileOperationPatternKind.File
)
_ITEMS = types.FileOperationRegistrationOptions([types.FileOperationFilter(_FILES, scheme="file")])
_FIXES = types.CodeActionOptions([types.CodeActionKind.QuickFix, FIX_ALL])


class _Protocol(LanguageServerProtocol):
    """Protocol that leaves documents to :class:`Desk`: pygls breaks lines at all Unicode line ends, contrary to LSP."""

    @lsp_method(types.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: types.DidOpenTextDocumentParams) -> None:
        """Handle the opening of a document."""
        self._server.desk.opened(params)  # type: ignore[attr-defined]

    @lsp_method(types.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        """Handle the change of a document."""
        self._server.desk.changed(params)  # type: ignore[attr-defined]

    @lsp_method(types.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: types.DidCloseTextDocumentParams) -> None:
        """Handle the closing of a document."""
        self._server.desk.closed(params)  # type: ignore[attr-defined]


class Server(LanguageServer):
    """pygls server with a desk."""

    def __init__(self) -> None:
        super().__init__("publisher", __version__, protocol_cls=_Protocol)
        self.desk = desk = Desk(self)
        for method, answer, options in (
            (types.TEXT_DOCUMENT_COMPLETION, desk.complete, types.CompletionOptions([":", " ", "-", "/", "#", "["])),
            (types.TEXT_DOCUMENT_HOVER, desk.hover, None),
            (types.TEXT_DOCUMENT_CODE_ACTION, desk.actions, _FIXES),
            (types.TEXT_DOCUMENT_DEFINITION, desk.definition, None),
            (types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, desk.outline, None),
            (types.TEXT_DOCUMENT_CODE_LENS, desk.lenses, types.CodeLensOptions()),
            (types.TEXT_DOCUMENT_PREPARE_RENAME, desk.can_rename, None),
            (types.TEXT_DOCUMENT_RENAME, desk.rename, types.RenameOptions(prepare_provider=True)),
            (types.WORKSPACE_WILL_RENAME_FILES, desk.will_rename, _ITEMS),
        ):
            self.feature(method, options)(partial(answer))  # pygls sets attributes on the function

        @self.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
        def watched(params: types.DidChangeWatchedFilesParams) -> None:
            desk.files_changed(change.uri for change in params.changes)

        @self.feature(types.TEXT_DOCUMENT_DID_SAVE)
        def saved(params: types.DidSaveTextDocumentParams) -> None:
            desk.files_changed([params.text_document.uri])

        @self.feature(types.SHUTDOWN)
        def shutdown(_: None) -> None:
            desk.ended = True


def serve() -> int:
    """Serve on standard input and output until the client exits; return the exit status.

    Other output to standard output, such as that of plug-in rules, is redirected to standard error.
    """
    frames = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    server = Server()
    server.start_io(sys.stdin.buffer, frames)
    return 0 if server.desk.ended else 1
