"""Texts of an edition that the archive's search covers."""

import re

from selectolax.lexbor import LexborHTMLParser

from publisher.edition.markdown import visible_text
from publisher.edition.model import Edition, EditionItem, Searched

_DRAWN = re.compile(r"^(?:[>|] ?)*(?:[-=*](?:[-=* ]*[-=*])?)?$|^(?:[>|] ?)+")
_STRUCK = re.compile(r"(?<!\w)~(\S(?:[^~\n]*[^~\s])?)~(?!\w)")
_AROUND = ".dek, .authors, .point, .cover figcaption, .intro, h2.section, .attribution"
_ADDRESS = re.compile(r"https?://[^\s>)）]+[)>）]?")


def searched(edition: Edition) -> Searched:
    """The texts of an issue's page besides its title and stories, on one line, and each story's anchor, headline and
    text.
    """
    nodes = LexborHTMLParser(edition.web).css(_AROUND)
    around = " ".join(" ".join(visible_text(node.html or "") for node in nodes).split())
    return around, tuple((story.anchor, story.headline, _text(story)) for story in edition.stories)


def _text(story: EditionItem) -> str:
    """The text of an item for search, on one line, without URLs and without rules and marks made of punctuation."""
    lines = (_DRAWN.sub("", line) if line[:1] in ">|-=*" else line for line in story.text.split("\n"))
    text = "\n".join(lines).replace("`", "")
    text = _STRUCK.sub(r"\1", text) if "~" in text else text
    *before, last = _ADDRESS.split(text)
    before = [(words[:-1] if words[-1:] in "(<（" else words).rstrip() for words in before]
    return " ".join("".join([*before, last]).split())
