"""The condition over subscribers that an issue's audience, or config.yaml's, stands for."""

from __future__ import annotations

from sqlalchemy import ColumnElement

from publisher.audience.segments import segment_clause
from publisher.config.model import Config
from publisher.edition.model import Edition


def segment_of(config: Config, edition: Edition) -> ColumnElement[bool] | None:
    """The condition, or None for everybody. Raises SegmentError where the expression cannot be used."""
    expression = edition.audience or config.audience
    return segment_clause(expression, config.newsletter.language) if expression else None
