"""Publishing: what was published of each issue, every deployment's commit, the lease."""

import sqlalchemy as sa
from alembic import op

revision = "0004_publishing"
down_revision = "0003_feedback"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.String(32)


def upgrade() -> None:
    op.create_table(
        "publications",
        sa.Column("slug", sa.String(255), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("seen_at", MOMENT),
        sa.Column("seen_content", sa.String(80)),
        sa.Column("held_at", MOMENT),
        sa.Column("held_why", sa.Text, nullable=False),
        sa.Column("archived_at", MOMENT),
        sa.Column("archived_digest", sa.String(80)),
        sa.Column("mailed_content", sa.String(80)),
        sa.Column("settled_at", MOMENT),
        sa.Column("settled_how", sa.String(16)),
        sa.Column("corrected_at", MOMENT),
        sa.Column("corrected_content", sa.String(80)),
        sa.Column("withdrawn_at", MOMENT),
        sa.PrimaryKeyConstraint("slug", name="pk_publications"),
    )
    op.create_table(
        "deployments",
        sa.Column("id", ID, autoincrement=True, nullable=False),
        sa.Column("commit", sa.String(64)),
        sa.Column("target", sa.Text, nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("finished_at", MOMENT),
        sa.Column("written", sa.Integer, nullable=False),
        sa.Column("removed", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deployments"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("fence", sa.Integer, nullable=False),
        sa.Column("holder", sa.String(40)),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("beat", sa.Float, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
