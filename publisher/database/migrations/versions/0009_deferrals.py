"""What each large receiver did with a mailing, and the recipients that wait because it defers: no claim sees them."""

import sqlalchemy as sa
from alembic import op

revision = "0009_deferrals"
down_revision = "0008_channels"

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "receiver_tallies",
        sa.Column("mailing_id", ID, autoincrement=False, nullable=False),
        sa.Column("receiver", sa.String(40), nullable=False),
        sa.Column("accepted", sa.Integer, nullable=False),
        sa.Column("deferred", sa.Integer, nullable=False),
        sa.Column("held", sa.Integer),
        sa.PrimaryKeyConstraint("mailing_id", "receiver", name="pk_receiver_tallies"),
        sa.ForeignKeyConstraint(["mailing_id"], ["mailings.id"], name="fk_receiver_tallies_mailing_id_mailings"),
    )
    op.add_column("recipients", sa.Column("held", sa.Integer, nullable=False, server_default="0"))
    op.drop_index("ix_recipients_pending", "recipients")
    pending, columns = sa.text("state = 'pending'"), ["mailing_id", "held", "attempts", "number"]
    op.create_index("ix_recipients_pending", "recipients", columns, sqlite_where=pending, postgresql_where=pending)
