"""Announcements wait in the database until they are posted; and what WeChat has is known by its ids."""

import sqlalchemy as sa
from alembic import op

revision = "0008_channels"
down_revision = "0007_generation"

MOMENT = sa.String(32)


def upgrade() -> None:
    op.create_table(
        "announcements",
        sa.Column("slug", sa.String(255), nullable=False),
        sa.Column("channel", sa.String(40), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("reason", sa.String(80), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("slug", "channel", name="pk_announcements"),
    )
    op.create_table(
        "wechat_media",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("media_id", sa.String(255), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("account", "kind", "digest", name="pk_wechat_media"),
    )
    op.create_table(
        "wechat_drafts",
        sa.Column("account", sa.String(64), nullable=False),
        sa.Column("slug", sa.String(255), nullable=False),
        sa.Column("media_id", sa.String(255), nullable=False),
        sa.Column("saved_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("account", "slug", name="pk_wechat_drafts"),
    )
