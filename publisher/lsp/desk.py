"""Answers to the editor's requests, from its open documents."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

from publisher import diagnostics
from publisher.checks.fixes import WHOLLY, is_fixable, plan_fixes
from publisher.checks.registry import codes
from publisher.diagnostics import Diagnostic, Severity, in_order, rendered, say
from publisher.diagnostics.model import RANKS
from publisher.diagnostics.sentences import language
from publisher.diagnostics.text import Shown, told
from publisher.issue.series import slug_of_path
from publisher.language import Locale
from publisher.lsp import keys, navigation
from publisher.lsp.completion import complete
from publisher.lsp.document import Document, path_of
from publisher.lsp.newsletter import OpenNewsletter

_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.INFO: types.DiagnosticSeverity.Information,
}
FIX_ALL = "source.fixAll.publisher"
_FEW, _MOST = 20, 1_000  # maximum numbers of fixes offered at once, and of findings shown per file
At = tuple[OpenNewsletter, str, Document]


class Desk:
    """Open documents of an editor by newsletter, and the answers to its requests."""

    def __init__(self, server: LanguageServer) -> None:
        self.server = server
        self.ended = False
        self._newsletters: dict[Path, OpenNewsletter] = {}

    # Documents

    def opened(self, params: types.DidOpenTextDocumentParams) -> None:
        """Register an opened document, which replaces its file."""
        item = params.text_document
        if (found := self._where(item.uri)) and found[1].startswith(("issues/", "series/", "config.yaml")):
            newsletter, path = found
            newsletter.open[path] = Document(item.uri, item.text, self._encoding, item.version)
            newsletter.changed(path)

    def changed(self, params: types.DidChangeTextDocumentParams) -> None:
        """Apply edits to a document."""
        if at := self._at(params.text_document.uri):
            newsletter, path, document = at
            for change in params.content_changes:
                document = document.edited(change, params.text_document.version)
            newsletter.open[path] = document
            newsletter.changed(path)

    def closed(self, params: types.DidCloseTextDocumentParams) -> None:
        """Forget a closed document; its file is used again."""
        if at := self._at(params.text_document.uri):
            newsletter, path, _ = at
            del newsletter.open[path]
            newsletter.changed(path)

    def files_changed(self, uris: Iterable[str]) -> None:
        """Queue checks for files that were changed, created or deleted on disk."""
        for file in filter(None, map(path_of, uris)):
            for root, newsletter in self._newsletters.items():
                if file.is_relative_to(root):
                    newsletter.changed(newsletter.path(file))

    @property
    def _encoding(self) -> str:
        return _text(self.server.server_capabilities.position_encoding or "utf-16")

    def _where(self, uri: str) -> tuple[OpenNewsletter, str] | None:
        """The newsletter of a file, found by the nearest config.yaml above it, and the file's path in it."""
        file = path_of(uri)
        root = next((folder for folder in file.parents if (folder / "config.yaml").is_file()), None) if file else None
        if file is None or root is None:  # config.yaml may have been deleted
            root = next((known for known in self._newsletters if file and file.is_relative_to(known)), None)
        if file is None or root is None:
            return None
        if root not in self._newsletters:
            self._newsletters[root] = OpenNewsletter(root, self._encoding, self._tell, self._complain)
        newsletter = self._newsletters[root]
        return newsletter, newsletter.path(file)

    def _at(self, uri: str) -> At | None:
        found = self._where(uri)
        if found is None or found[1] not in found[0].open:
            return None
        return *found, found[0].open[found[1]]

    async def _ready(self, uri: str) -> At | None:
        """As :meth:`_at`, after the newsletter's config.yaml and archive have been read."""
        if at := self._at(uri):
            await at[0].ready.wait()
        return self._at(uri)

    async def _settled(self, uri: str) -> At | None:
        """As :meth:`_at`, after the findings are up to date."""
        if at := self._at(uri):
            await at[0].settled()
        return self._at(uri)

    # Findings

    def _tell(self, newsletter: OpenNewsletter, path: str, findings: list[Diagnostic]) -> None:
        document = newsletter.document(path)
        most = in_order(sorted(findings, key=lambda one: RANKS[one.severity])[:_MOST])
        shown = [self._shown(document, finding) for finding in most]
        if rest := len(findings) - len(shown):
            shown[-1].message += f"\n{Shown(most[-1], rest, 1).rest}"
        params = types.PublishDiagnosticsParams(document.uri, shown, document.version)
        self.server.text_document_publish_diagnostics(params)

    def _shown(self, document: Document, finding: Diagnostic) -> types.Diagnostic:
        page = _page(finding.code, language.get())
        return types.Diagnostic(
            document.range(finding.span),
            told(finding),
            severity=_SEVERITIES[finding.severity],
            code=finding.code,
            code_description=types.CodeDescription(page) if page else None,
            source="publisher",
        )

    def _complain(self, message: str) -> None:
        self.server.window_show_message(types.ShowMessageParams(types.MessageType.Error, message))

    # Requests

    async def complete(self, params: types.CompletionParams) -> types.CompletionList:
        """Return completions: keys, values, names."""
        at = await self._ready(params.text_document.uri)
        return types.CompletionList(False, complete(*at, params.position) if at else [])

    async def hover(self, params: types.HoverParams) -> types.Hover | None:
        """Explain the findings at the cursor, otherwise the key there, from the schema."""
        if (at := await self._ready(params.text_document.uri)) is None:
            return None
        newsletter, path, document = at
        here = [one for one in newsletter.findings(path) if document.inside(one.span, params.position)]
        known = codes(newsletter.config) if here else {}
        pages = {one.code: known[one.code].explained(3) for one in here if one.code in known}
        if not (text := "\n---\n".join(pages.values()) or _meaning(path, document, params.position)):
            return None
        content = types.MarkupContent(types.MarkupKind.Markdown, text)
        return types.Hover(content, document.range(here[0].span) if here else None)

    async def actions(self, params: types.CodeActionParams) -> list[types.CodeAction]:
        """Return the fixes of ``check --fix`` for the findings in a range, and for all of the file."""
        if (at := await self._settled(params.text_document.uri)) is None:
            return []
        newsletter, path, document = at
        found = newsletter.findings(path)
        start, end = document.place(params.range.start), document.place(params.range.end)
        here = [one for one in found if is_fixable(one) and one.span[:2] <= end and start <= one.span[2:]]
        actions = []
        for one in list({one.code if one.code in WHOLLY else one: one for one in reversed(here)}.values())[::-1][:_FEW]:
            alike = [other for other in found if other.code == one.code] if one.code in WHOLLY else [one]
            if edit := _mended(newsletter, path, document, alike):
                what = one.help or one.message
                title = say("Mend: {what}", what=what)
                if len(alike) > 1:
                    title = say("Mend: {what} ({n} like it in this file)", what=what, n=len(alike))
                shown = [self._shown(document, other) for other in alike[:_MOST]]
                actions.append(types.CodeAction(rendered(title), types.CodeActionKind.QuickFix, shown, True, edit=edit))
        if edit := _mended(newsletter, path, document, found):
            title = say("Mend all in this file that has one right answer")
            actions.append(types.CodeAction(rendered(title), FIX_ALL, edit=edit))
        wanted = params.context.only or [types.CodeActionKind.Empty]
        prefixes = tuple(f"{name}." if (name := _text(kind)) else "" for kind in wanted)
        return [one for one in actions if f"{_text(one.kind)}.".startswith(prefixes)]

    async def definition(self, params: types.DefinitionParams) -> types.Location | None:
        """Return the place of an item file, a picture or an item."""
        at = await self._ready(params.text_document.uri)
        return navigation.definition(*at, params.position) if at else None

    def outline(self, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        """Return the keys and texts of a file."""
        at = self._at(params.text_document.uri)
        return navigation.outline(*at[1:]) if at and keys.kind_of(at[1]) else []

    async def lenses(self, params: types.CodeLensParams) -> list[types.CodeLens]:
        """Show above the first line the issue's reading time and the size of its mail."""
        if (at := await self._settled(params.text_document.uri)) is None:
            return []
        newsletter, path, _ = at
        edition = newsletter.editions.get(slug_of_path(path) or "")
        if edition is None or newsletter.config is None:
            return []
        words = Locale.of(edition.language, newsletter.config.labels)
        length = words("length", count=edition.length.count, minutes=edition.length.minutes)
        title = rendered(say("{length} · {bytes:,} bytes of mail", length=length, bytes=edition.sizes.message))
        start = types.Position(0, 0)
        return [types.CodeLens(types.Range(start, start), types.Command(title, ""))]

    def can_rename(self, params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder | None:
        """Return the item file name at the cursor; nothing else can be renamed."""
        at = self._at(params.text_document.uri)
        entry = navigation.item_entry(at[1], at[2], params.position) if at else None
        return types.PrepareRenamePlaceholder(at[2].range(entry.span), entry.text) if at and entry else None

    async def rename(self, params: types.RenameParams) -> types.WorkspaceEdit | None:
        """Rename the file named by an entry of ``items:``, and adapt references to it."""
        at = await self._ready(params.text_document.uri)
        entry = navigation.item_entry(at[1], at[2], params.position) if at else None
        if at is None or entry is None:
            return None
        newsletter, folder = at[0], at[1].rpartition("/")[0]
        old, name = f"{folder}/{entry.text.strip().removeprefix('./')}", params.new_name.strip().removeprefix("./")
        if fault := navigation.fault_of_name(newsletter, old, name):
            raise JsonRpcInvalidParams(fault)
        new = f"{folder}/{name}"
        changes: list[Any] = [
            types.TextDocumentEdit(
                types.OptionalVersionedTextDocumentIdentifier(newsletter.uri(path), newsletter.document(path).version),
                edits,
            )
            for path, edits in navigation.references(newsletter, old, new).items()
        ]
        renamed = types.RenameFile(newsletter.uri(old), newsletter.uri(new))
        return types.WorkspaceEdit(document_changes=[*changes, renamed])

    async def will_rename(self, params: types.RenameFilesParams) -> types.WorkspaceEdit | None:
        """Adapt references to item files that the editor is about to rename."""
        changes: dict[str, list[types.TextEdit]] = {}
        for file in params.files:
            old, new = self._where(file.old_uri), self._where(file.new_uri)
            if not old or not new or old[0] is not new[0] or not navigation.is_item(old[1], new[1]):
                continue
            if old[1].rpartition("/")[0] == new[1].rpartition("/")[0]:
                await old[0].ready.wait()
                for path, edits in navigation.references(old[0], old[1], new[1]).items():
                    changes.setdefault(old[0].uri(path), []).extend(edits)
        return types.WorkspaceEdit(changes) if changes else None


def _mended(
    newsletter: OpenNewsletter, path: str, document: Document, found: list[Diagnostic]
) -> types.WorkspaceEdit | None:
    for fix in newsletter.seen(lambda: plan_fixes(newsletter.real, [one for one in found if one.path == path])):
        return types.WorkspaceEdit({document.uri: document.edits_to(fix.after.decode("utf-8"))})
    return None


def _text(name: Any) -> str:
    """A name of the protocol, which lsprotocol represents as a member of an enumeration if it knows it."""
    return str(getattr(name, "value", name))


def _meaning(path: str, document: Document, position: types.Position) -> str:
    kind = keys.kind_of(path)
    line, column = document.place(position)
    if kind is None or line - 1 not in keys.yaml_lines(path, document.lines):
        return ""
    at = keys.key_at(document.lines, line - 1, column - 1)
    if at is None or not keys.known(kind, at):
        return ""
    told = [f"**{'.'.join(str(part) for part in at if part != 0)}**", keys.described(kind, at)]
    told += [" | ".join(f"`{value}`" for value in values)] if (values := keys.values(kind, at)) else []
    told += [f"`{example}`" for example in keys.examples(kind, at)]
    return "\n\n".join(filter(None, told))


@cache
def _page(code: str, tongue: str) -> str | None:
    """The URL of the explanation of a code: a line of an installed file."""
    file = Path(diagnostics.__file__).parent / "pages" / f"{tongue}.md"
    heading = re.search(rf"^# {re.escape(code)}$", text := file.read_text(encoding="utf-8"), re.MULTILINE)
    return f"{file.resolve().as_uri()}#L{text.count(chr(10), 0, heading.start()) + 1}" if heading else None
