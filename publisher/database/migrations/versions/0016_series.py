"""Series: who is on the way through which, which steps a reader has had, and which series there are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016_series"
down_revision = "0015_clicks"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "enrolments",
        sa.Column("subscriber_id", ID, nullable=False),
        sa.Column("series", sa.String(100), nullable=False),
        sa.Column("started_at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("subscriber_id", "series", name="pk_enrolments"),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_enrolments_subscriber_id_subscribers", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_enrolments_series_started_at", "enrolments", ["series", "started_at"])
    op.create_table(
        "taken_steps",
        sa.Column("reference", sa.String(32), nullable=False),
        sa.Column("step", sa.String(255), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("mailing_id", ID),
        sa.PrimaryKeyConstraint("reference", "step", name="pk_taken_steps"),
    )
    op.create_table(
        "series",
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("looked_at", sa.String(32), nullable=False),
        sa.Column("steps", sa.JSON().with_variant(JSONB(), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_series"),
    )
