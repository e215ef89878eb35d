"""Tables of channels: the outbox of announcements, and uploads to WeChat. They hold no subscriber data."""

from sqlalchemy import Column, String, Table, Text

from publisher.database.metadata import Instant, metadata

announcements = Table(
    "announcements",
    metadata,
    Column("slug", String(255), primary_key=True),
    Column("channel", String(40), primary_key=True),
    Column("state", String(12), nullable=False),  # outbox.AnnouncementState
    Column("reason", String(80), nullable=False),
    Column("changed_at", Instant, nullable=False),
)

wechat_media = Table(
    "wechat_media",
    metadata,
    Column("account", String(64), primary_key=True),  # the AppID
    Column("kind", String(12), primary_key=True),  # body or cover
    Column("digest", String(64), primary_key=True),  # SHA-256 of the picture
    Column("media_id", String(255), nullable=False),  # empty for a picture of the body
    Column("url", Text, nullable=False),
)

wechat_drafts = Table(
    "wechat_drafts",
    metadata,
    Column("account", String(64), primary_key=True),
    Column("slug", String(255), primary_key=True),
    Column("media_id", String(255), nullable=False),
    Column("saved_at", Instant, nullable=False),
)
