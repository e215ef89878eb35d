"""Footnotes as HTML that assistive technology understands: notes and back links with roles and words.

Ids are ``fn-<text>-<n>``: ``env["docId"]`` names the text, so that two stories of an issue never share one.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token


def notes_plugin(md: MarkdownIt) -> None:
    """Render rules in place of the footnote plugin's."""
    md.add_render_rule("footnote_ref", _reference)
    md.add_render_rule("footnote_block_open", _block_open)
    md.add_render_rule("footnote_block_close", lambda *_: "</ol>\n</section>\n")
    md.add_render_rule("footnote_open", _note_open)
    md.add_render_rule("footnote_anchor", _back)


def _name(token: Token, env: Any) -> str:
    return f"{env.get('docId', 'note')}-{token.meta['id'] + 1}"


def _again(token: Token) -> str:
    count: int = token.meta.get("subId", 0)
    return f":{count}" if count > 0 else ""


def _reference(_self: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    token = tokens[index]
    name = escape(_name(token, env))
    return (
        f'<sup class="footnote-ref"><a href="#fn-{name}" id="fnref-{name}{_again(token)}" role="doc-noteref">'
        f"[{token.meta['id'] + 1}]</a></sup>"
    )


def _block_open(_self: Any, _tokens: Sequence[Token], _index: int, _options: Any, env: Any) -> str:
    label = escape(env["labels"]["footnotes"])
    return f'<section class="footnotes" role="doc-endnotes" aria-label="{label}">\n<ol class="footnotes-list">\n'


def _note_open(_self: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    return f'<li id="fn-{escape(_name(tokens[index], env))}" class="footnote-item">'


def _back(_self: Any, tokens: Sequence[Token], index: int, _options: Any, env: Any) -> str:
    token = tokens[index]
    target = escape(_name(token, env)) + _again(token)
    label = escape(env["labels"]["back_to_text"])
    return f' <a href="#fnref-{target}" class="footnote-backref" role="doc-backlink" aria-label="{label}">↩\ufe0e</a>'
