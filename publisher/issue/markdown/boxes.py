"""What stands apart in a text: ``::: callout``, ``::: pullquote``, ``::: sponsor``, and a link that is a button."""

from __future__ import annotations

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from mdit_py_plugins.container import container_plugin

CONTAINERS = ("callout", "pullquote", "sponsor")
BUTTON = "{.button}"


def boxes_plugin(md: MarkdownIt) -> None:
    """The containers, and ``[text](url){.button}``, whose link gets the class; of any other class nothing is known."""
    for name in CONTAINERS:
        md.use(container_plugin, name, validate=lambda params, _, name=name: params.split()[:1] == [name])
    md.core.ruler.push("button", _buttons)


def title_of(info: str) -> str:
    """What a container's first line says after its name."""
    return "".join(info.split(None, 1)[1:]).strip(" :")


def _buttons(state: StateCore) -> None:
    for block in state.tokens:
        inside = block.children or []
        if BUTTON not in block.content:
            continue
        for at, token in enumerate(inside[1:], 1):
            if token.type == "text" and token.content.startswith(BUTTON) and inside[at - 1].type == "link_close":
                opened = next(one for one in reversed(inside[:at]) if one.type == "link_open")
                opened.attrs["class"] = "button"
                token.content = token.content[len(BUTTON) :]
