"""The words of the archive's own furniture, by language. An issue's own words are the edition's.

``labels`` in config.yaml overrides a word: ``labels: {en: {archive_search: Find}}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from babel.dates import format_date

from publisher.config import Config
from publisher.edition.language import Words, locale_of
from publisher.edition.model import Edition

CATALOGS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "skip": "Skip to the content",
        "archive": "All issues",
        "latest": "Latest issue",
        "read": "Read the issue",
        "earlier": "Earlier issues",
        "topics": "Topics",
        "topic": "Topic",
        "search": "Search",
        "search_hint": "Search every issue",
        "search_none": "Nothing found.",
        "search_plain": "Search needs JavaScript. Every issue and topic is listed here instead.",
        "newer": "Newer",
        "older": "Older",
        "neighbours": "Neighbouring issues",
        "site": "Site",
        "subscribe": "Subscribe",
        "subscribe_lead": "Each issue in your inbox. One click and you are out again.",
        "email": "Email address",
        "feeds": "Feeds",
        "items_feed": "Items",
        "draft": "Draft",
        "draft_note": "This is a draft. It has not been published.",
        "missing_title": "There is nothing here",
        "missing": "The page may have moved, or the address has a mistake in it. Every issue is in the archive.",
        "to_archive": "To the archive",
        "empty": "The first issue is on its way.",
        "minutes": "{minutes} min read",
        "count": "{count} issues",
        "count_one": "1 issue",
        "corrected": "Corrected on {date}, after it went out. The text mailed to subscribers was the earlier one.",
        "withdrawn_title": "This issue was withdrawn",
        "withdrawn": "It was withdrawn on {date}. Every other issue is in the archive.",
    },
    "zh_Hans": {
        "skip": "跳到正文",
        "archive": "往期",
        "latest": "最新一期",
        "read": "阅读本期",
        "earlier": "往期内容",
        "topics": "话题",
        "topic": "话题",
        "search": "搜索",
        "search_hint": "搜索全部往期",
        "search_none": "没有找到。",
        "search_plain": "搜索需要 JavaScript。以下是全部期刊与话题。",
        "newer": "下一期",
        "older": "上一期",
        "neighbours": "前后两期",
        "site": "站点",
        "subscribe": "订阅",
        "subscribe_lead": "每期送到邮箱，一键即可退订。",
        "email": "邮箱地址",
        "feeds": "订阅源",
        "items_feed": "逐条",
        "draft": "草稿",
        "draft_note": "这是草稿，尚未发布。",
        "missing_title": "这里什么也没有",
        "missing": "页面可能已经移动，或地址有误。全部往期都在归档中。",
        "to_archive": "前往归档",
        "empty": "第一期即将发布。",
        "minutes": "约 {minutes} 分钟",
        "count": "共 {count} 期",
        "count_one": "共 1 期",
        "corrected": "本期发出后于{date}更正。订阅者收到的是更正前的版本。",
        "withdrawn_title": "本期已撤下",
        "withdrawn": "本期已于{date}撤下。其他各期都在归档中。",
    },
    "zh_Hant": {
        "skip": "跳到正文",
        "archive": "往期",
        "latest": "最新一期",
        "read": "閱讀本期",
        "earlier": "往期內容",
        "topics": "話題",
        "topic": "話題",
        "search": "搜尋",
        "search_hint": "搜尋全部往期",
        "search_none": "沒有找到。",
        "search_plain": "搜尋需要 JavaScript。以下是全部期刊與話題。",
        "newer": "下一期",
        "older": "上一期",
        "neighbours": "前後兩期",
        "site": "網站",
        "subscribe": "訂閱",
        "subscribe_lead": "每期送到信箱，一鍵即可退訂。",
        "email": "電子郵件地址",
        "feeds": "訂閱源",
        "items_feed": "逐條",
        "draft": "草稿",
        "draft_note": "這是草稿，尚未發布。",
        "missing_title": "這裡什麼也沒有",
        "missing": "頁面可能已經移動，或網址有誤。全部往期都在彙整中。",
        "to_archive": "前往彙整",
        "empty": "第一期即將發布。",
        "minutes": "約 {minutes} 分鐘",
        "count": "共 {count} 期",
        "count_one": "共 1 期",
        "corrected": "本期發出後於{date}更正。訂閱者收到的是更正前的版本。",
        "withdrawn_title": "本期已撤下",
        "withdrawn": "本期已於{date}撤下。其他各期都在彙整中。",
    },
    "ja": {
        "skip": "本文へ",
        "archive": "バックナンバー",
        "latest": "最新号",
        "read": "この号を読む",
        "earlier": "これまでの号",
        "topics": "トピック",
        "topic": "トピック",
        "search": "検索",
        "search_hint": "すべての号を検索",
        "search_none": "見つかりませんでした。",
        "search_plain": "検索には JavaScript が必要です。すべての号とトピックを以下に示します。",
        "newer": "次の号",
        "older": "前の号",
        "neighbours": "前後の号",
        "site": "サイト",
        "subscribe": "購読",
        "subscribe_lead": "毎号をメールでお届けします。解除はワンクリックです。",
        "email": "メールアドレス",
        "feeds": "フィード",
        "items_feed": "記事別",
        "draft": "下書き",
        "draft_note": "これは下書きです。まだ公開されていません。",
        "missing_title": "ページが見つかりません",
        "missing": "移動したか、アドレスに誤りがあります。すべての号はバックナンバーにあります。",
        "to_archive": "バックナンバーへ",
        "empty": "創刊号を準備中です。",
        "minutes": "約{minutes}分",
        "count": "全{count}号",
        "count_one": "全1号",
        "corrected": "この号は配信後、{date}に訂正されました。メールでお届けしたのは訂正前のものです。",
        "withdrawn_title": "この号は取り下げられました",
        "withdrawn": "{date}に取り下げられました。ほかの号はバックナンバーにあります。",
    },
}


def declared() -> dict[str, list[str]]:
    """Every word that ``labels`` may replace, with its text in English."""
    return {f"archive_{name}": [text] for name, text in CATALOGS["en"].items()}


class SiteWords:
    """The archive's words in one language; English where a language has no catalog."""

    def __init__(self, language: str, config: Config) -> None:
        self.language = language
        self.words = Words.of(language, config)
        self.dir = self.words.direction
        own = {name.removeprefix("archive_"): text for name, text in self.words.labels if name.startswith("archive_")}
        self._furniture = {**CATALOGS["en"], **CATALOGS[self.words.catalog], **own}

    def __getitem__(self, name: str) -> str:
        return self._furniture[name]

    def count(self, number: int) -> str:
        """So many issues."""
        return self["count_one"] if number == 1 else self["count"].replace("{count}", str(number))

    def number(self, edition: Edition) -> str:
        """Which issue, or nothing."""
        return "" if edition.number is None else self.words("number", number=edition.number)

    def minutes(self, edition: Edition) -> str:
        """How long it takes to read, in short."""
        return self["minutes"].replace("{minutes}", str(edition.length.minutes))

    def day(self, edition: Edition) -> str:
        """The date, as the language writes it."""
        return self.words.date(edition.date)

    def on(self, name: str, day: date) -> str:
        """A sentence with the day in it."""
        return self[name].replace("{date}", self.words.date(day))

    def short_day(self, edition: Edition) -> str:
        """Month and day, for a list under its year."""
        pattern = "M月d日" if self.words.counts_characters else "d MMM"
        return format_date(edition.date, pattern, locale=locale_of(self.language))
