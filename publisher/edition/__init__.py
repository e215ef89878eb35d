"""Issue → frozen :class:`Edition`: subject, preheader, HTML, plain text, web body, digest, provenance."""

from publisher.edition.files import write_email
from publisher.edition.language import Words
from publisher.edition.model import Asset, Edition, Length, Sizes, Slot, Slotted, Story
from publisher.edition.render import render

__all__ = ["Asset", "Edition", "Length", "Sizes", "Slot", "Slotted", "Story", "Words", "render", "write_email"]
