"""What an account of WeChat has of ours, by its ids: a picture is uploaded once, and a draft updated."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Connection, delete, select

from publisher.channels.tables import wechat_drafts, wechat_media
from publisher.database.bulk import insert_once

m, d = wechat_media.c, wechat_drafts.c


def media(connection: Connection, account: str, kind: str, digest: str) -> tuple[str, str] | None:
    """Media id and address of a picture."""
    this = (m.account == account) & (m.kind == kind) & (m.digest == digest)
    row = connection.execute(select(m.media_id, m.url).where(this)).first()
    return (row.media_id, row.url) if row else None


def keep_media(connection: Connection, account: str, kind: str, digest: str, media_id: str, url: str) -> None:
    """Write that a picture was uploaded, in place of what was known of it."""
    connection.execute(delete(wechat_media).where(m.account == account, m.kind == kind, m.digest == digest))
    row = {"account": account, "kind": kind, "digest": digest, "media_id": media_id, "url": url}
    insert_once(connection, wechat_media, row)


def draft(connection: Connection, account: str, slug: str) -> str | None:
    """The media id of an issue's draft."""
    return connection.scalar(select(d.media_id).where(d.account == account, d.slug == slug))


def keep_draft(connection: Connection, account: str, slug: str, media_id: str) -> None:
    """Write which draft is the issue's."""
    connection.execute(delete(wechat_drafts).where(d.account == account, d.slug == slug))
    row = {"account": account, "slug": slug, "media_id": media_id, "saved_at": datetime.now(UTC)}
    insert_once(connection, wechat_drafts, row)
