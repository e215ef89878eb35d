"""Save an article as a draft of a 公众号, through WeChat's API. Nothing here publishes.

https://developers.weixin.qq.com/doc/offiaccount/: stable_token, media/uploadimg, material/add_material, draft/add,
draft/update. Messages contain neither secrets nor tokens.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import delete, select

from publisher.channels.tables import wechat_drafts, wechat_media
from publisher.channels.wechat import Article
from publisher.config.values import secret_url
from publisher.database import Database
from publisher.database.bulk import insert_once
from publisher.diagnostics import counted, listed, say
from publisher.documents.yaml import read_data
from publisher.edition.model import Asset
from publisher.errors import ServiceError, UsageError, without_addresses

URL = "https://api.weixin.qq.com"
_VARIABLES = ("PUBLISHER_WECHAT_APPID", "PUBLISHER_WECHAT_SECRET")
_STALE = frozenset({40001, 40014, 42001})
"""Error codes of an expired or invalid token, which is renewed once."""
_GONE = 40007
_ADDRESS = re.compile(r"invalid ip (\S+)")
m, d = wechat_media.c, wechat_drafts.c


class _AnsweredError(ServiceError):
    """WeChat answered with an error code."""

    def __init__(self, code: int, told: str) -> None:
        strange = {"means": say("WeChat answers {told}", told=told)}
        strange["action"] = say("see WeChat's list of return codes (全局返回码)")
        means, advice = read_data(Path(__file__).with_name("wechat.yaml")).get(code, strange).values()
        address = _ADDRESS.search(told)
        where = f" ({address[1]})" if address else ""
        super().__init__(say("{means}{where} [{code}]", means=say(means), where=where, code=code), help=say(advice))
        self.code = code


def credentials() -> tuple[str, str]:
    """Return AppID and AppSecret. Raises UsageError if one is not in the environment."""
    appid, secret = (os.environ.get(name, "").strip() for name in _VARIABLES)
    if missing := [name for name, value in zip(_VARIABLES, (appid, secret), strict=True) if not value]:
        advice = say("they are in the account's console, under 开发接口管理")
        names = listed(missing, say("{one} and {other}"))
        message = counted("{names} is not set", "{names} are not set", len(missing), names=names)
        raise UsageError(message, help=advice)
    return appid, secret


def save_draft(article: Article, slug: str, database: Database) -> bool:
    """Add an article to the account's drafts, or replace its earlier draft; return whether one was replaced.

    Uploads are recorded in the database and not repeated. Raises UsageError, ServiceError.
    """
    with _WechatAccount.opened(database) as account:
        html, files = article.html, {one.file: one for one in article.pictures}
        for picture, asset in zip(article.pictures, article.assets, strict=True):
            html = html.replace(f'src="{picture.url}"', f'src="{account.body(asset)}"')
        assert article.thumb is not None
        cover = article.assets[list(files).index(article.thumb)]
        content = {
            "title": article.title,
            "author": article.author,
            "digest": article.digest,
            "content": html,
            "content_source_url": article.source,
        }
        return account.save(slug, content, cover)


class _NoSuchCallError(ServiceError):
    """The server does not know the call."""


class _WechatAccount:
    """WeChat account, with an access token that is renewed once."""

    def __init__(self, client: httpx.Client, database: Database, appid: str, secret: str) -> None:
        self._client, self._database, self._appid, self._secret = client, database, appid, secret
        self._token = ""

    @classmethod
    @contextmanager
    def opened(cls, database: Database) -> Iterator[_WechatAccount]:
        appid, secret = credentials()
        url = secret_url("PUBLISHER_WECHAT_URL", URL, UsageError)
        logging.getLogger("httpx").setLevel(logging.WARNING)  # URLs contain the token
        timeout = httpx.Timeout(60.0, connect=10.0)
        with httpx.Client(base_url=url, timeout=timeout, follow_redirects=False) as client:
            yield cls(client, database, appid, secret)

    def body(self, asset: Asset) -> str:
        """WeChat's URL of a picture in the body. GIFs become materials, because ``uploadimg`` does not accept them."""
        return self._upload("body", asset, "/cgi-bin/media/uploadimg" if asset.media_type != "image/gif" else None)[1]

    def save(self, slug: str, content: dict[str, Any], cover: Asset) -> bool:
        """Update the draft, or add one if there is none or it has been deleted."""
        with self._database.connect() as connection:
            known = connection.scalar(select(d.media_id).where(d.account == self._appid, d.slug == slug))
        full = content | {"thumb_media_id": self._upload("cover", cover)[0]}
        if known:
            try:
                self._call("/cgi-bin/draft/update", json={"media_id": known, "index": 0, "articles": full})
            except _AnsweredError as error:
                if error.code != _GONE:
                    raise
            else:
                self._keep_draft(slug, known)
                return True
        try:
            made = self._call("/cgi-bin/draft/add", json={"articles": [full]})
        except _AnsweredError as error:
            if error.code != _GONE:
                raise
            full["thumb_media_id"] = self._upload("cover", cover, anew=True)[0]  # the cover was deleted there
            made = self._call("/cgi-bin/draft/add", json={"articles": [full]})
        self._keep_draft(slug, str(made["media_id"]))
        return False

    def _keep_draft(self, slug: str, media_id: str) -> None:
        row = {"account": self._appid, "slug": slug, "media_id": media_id, "saved_at": datetime.now(UTC)}
        with self._database.begin() as connection:
            connection.execute(delete(wechat_drafts).where(d.account == self._appid, d.slug == slug))
            insert_once(connection, wechat_drafts, row)

    def _upload(self, kind: str, asset: Asset, path: str | None = None, *, anew: bool = False) -> tuple[str, str]:
        """Media id and URL of a picture, uploaded if the account does not have it."""
        digest = hashlib.sha256(asset.content).hexdigest()
        this = (m.account == self._appid) & (m.kind == kind) & (m.digest == digest)
        with self._database.connect() as connection:
            known = connection.execute(select(m.media_id, m.url).where(this)).first()
        if known and not anew:
            return known.media_id, known.url
        file = (asset.name.rpartition("/")[2], asset.content, asset.media_type)
        made = self._call(path or "/cgi-bin/material/add_material?type=image", files={"media": file})
        found = str(made.get("media_id", "")), str(made.get("url", ""))
        row = {"account": self._appid, "kind": kind, "digest": digest, "media_id": found[0], "url": found[1]}
        with self._database.begin() as connection:
            connection.execute(delete(wechat_media).where(this))
            insert_once(connection, wechat_media, row)
        return found

    def _call(self, path: str, **body: Any) -> dict[str, Any]:
        """Call the API with the token; if it has expired, once more with a new one."""
        self._token = self._token or self._ask_token(renew=False)
        try:
            return self._ask(path, self._token, **body)
        except _AnsweredError as error:
            if error.code not in _STALE:
                raise
        self._token = self._ask_token(renew=True)
        return self._ask(path, self._token, **body)

    def _ask_token(self, *, renew: bool) -> str:
        asked = {"grant_type": "client_credential", "appid": self._appid, "secret": self._secret}
        try:
            found = self._ask("/cgi-bin/stable_token", json=asked | {"force_refresh": renew})
        except _NoSuchCallError:  # a relay in front of the API may only know the older call
            found = self._ask("/cgi-bin/token", method="GET", params=asked)
        return str(found.get("access_token", ""))

    def _ask(self, path: str, token: str = "", method: str = "POST", **body: Any) -> dict[str, Any]:
        if "json" in body:  # WeChat does not decode JSON escapes: send UTF-8
            text = json.dumps(body.pop("json"), ensure_ascii=False).encode()
            body |= {"content": text, "headers": {"content-type": "application/json; charset=utf-8"}}
        url = httpx.URL(path).copy_merge_params({"access_token": token}) if token else path
        try:
            answer = self._client.request(method, url, **body)
            found = answer.json() if answer.is_success else None
        except (httpx.HTTPError, ValueError) as error:
            fault = say("WeChat gave no answer to {path} ({kind})", path=path, kind=type(error).__name__)
            advice = say("is the network up? Then run it again: what was uploaded is known")
            raise ServiceError(fault, help=advice) from None
        if answer.status_code == 404:
            advice = say("correct PUBLISHER_WECHAT_URL")
            raise _NoSuchCallError(say("nothing answers to {path}", path=path), help=advice)
        if not isinstance(found, dict):
            fault = say("WeChat answers {status} to {path}", status=answer.status_code, path=path)
            raise ServiceError(fault, help=say("try again later"))
        if code := int(found.get("errcode") or 0):
            told = without_addresses(f"{code}: {found.get('errmsg', '')}")[:200]
            for hidden in filter(None, (self._secret, self._token, token)):
                told = told.replace(hidden, "(secret)")
            raise _AnsweredError(code, told)
        return found
