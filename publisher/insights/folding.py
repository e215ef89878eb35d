"""Folding an old mailing: the decision, with the account and the report that it keeps, in one transaction."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import text

from publisher.config import Config
from publisher.database import Database
from publisher.delivery import folding
from publisher.delivery.mailings import Mailing
from publisher.insights.store import report_of


def fold(database: Database, config: Config, mailing: Mailing, before: datetime, now: datetime) -> bool:
    """Fold one mailing that :func:`folding.foldable` named; False where it may not be any more."""
    with database.begin() as connection:
        if connection.dialect.name == "postgresql":  # one snapshot for the decision, the account and the report
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        if mailing.id not in {one.id for one in folding.foldable(connection, before, mailing.slug)}:
            return False
        if folding.report_of(connection, mailing.id) is None:  # else an earlier run was interrupted
            report = replace(report_of(connection, config, mailing), folded_at=now)
            folding.begin(connection, mailing, report.to_json(), now)
    folding.pack(database, mailing.id)
    return True
