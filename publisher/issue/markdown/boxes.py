"""Containers ``::: callout``, ``::: pullquote``, ``::: sponsor`` and ``::: only EXPR``, whose content is for some
readers (:mod:`publisher.issue.variants`), and links styled as buttons."""

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from mdit_py_plugins.container import container_plugin

BOXES = ("callout", "pullquote", "sponsor")
CONTAINERS = (*BOXES, "only")
BUTTON = "{.button}"


def boxes_plugin(md: MarkdownIt) -> None:
    """Add the containers, and ``[text](url){.button}``, which sets the link's class; no other class is supported."""
    for name in CONTAINERS:
        md.use(container_plugin, name, validate=lambda params, _, name=name: params.split()[:1] == [name])
    md.core.ruler.push("button", _buttons)


def heading_of(info: str, sponsored: str) -> str:
    """Return the heading of a container: its title; that of a sponsor follows the label ``sponsored``."""
    title = "".join(info.split(None, 1)[1:]).strip(" :")
    return " · ".join(filter(None, (sponsored, title))) if info.split()[0] == "sponsor" else title


def _buttons(state: StateCore) -> None:
    for block in state.tokens:
        if BUTTON not in block.content:
            continue
        opened = before = None
        for token in block.children or ():
            if token.type == "link_open":
                opened = token
            elif opened and before == "link_close" and token.type == "text" and token.content.startswith(BUTTON):
                opened.attrs["class"] = "button"
                token.content = token.content[len(BUTTON) :]
            before = token.type
