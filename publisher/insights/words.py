"""The report's words in the newsletter's language: English, Chinese in both scripts, Japanese; else English.

They stand here and not in the edition's catalogs: those speak to readers, this page to the people who publish.
"""

from __future__ import annotations

from publisher.edition.language import catalog_of

_ORDER = ("en", "zh_Hans", "zh_Hant", "ja")
_WORDS = {
    "report": ("Delivery report", "投递报告", "投遞報告", "配信レポート"),
    "account": ("The account", "账目", "帳目", "内訳"),
    "account_help": (
        "Every person of the audience, once.",
        "受众中的每一个人，恰好一次。",
        "受眾中的每一個人，恰好一次。",
        "対象者の全員を、一人一回ずつ。",
    ),
    "unbalanced": (
        "The account does not sum to the audience that was frozen: tell the operator.",
        "账目与冻结时的受众人数不符：请通知运维人员。",
        "帳目與凍結時的受眾人數不符：請通知維運人員。",
        "内訳の合計が確定時の対象者数と一致しません。運用担当者に連絡してください。",
    ),
    "audience": ("Audience", "受众", "受眾", "対象者"),
    "excluded": ("Excluded", "已排除", "已排除", "除外"),
    "pending": ("Pending", "待发送", "待發送", "未送信"),
    "claimed": ("Being sent", "发送中", "發送中", "送信中"),
    "submitted": ("Submitted", "已提交", "已提交", "受付済み"),
    "rejected": ("Rejected", "被拒绝", "被拒絕", "拒否"),
    "uncertain": ("Uncertain", "结果不明", "結果不明", "結果不明"),
    "delivered": ("Delivered", "已送达", "已送達", "配信済み"),
    "bounced": ("Bounced", "退信", "退信", "不達"),
    "complained": ("Complained", "投诉", "投訴", "苦情"),
    "unsubscribed": ("Unsubscribed after", "收信后退订", "收信後退訂", "受信後の解除"),
    "not_known": ("not known", "未知", "未知", "不明"),
    "unheard": ("No word yet", "尚无回音", "尚無回音", "反応なし"),
    "second_copies": ("Second copies", "重复投递", "重複投遞", "二重配信"),
    "of_submitted": ("of the submitted", "占已提交", "占已提交", "受付済みに対して"),
    "why_excluded": ("Why excluded", "排除原因", "排除原因", "除外の理由"),
    "why_rejected": ("Why rejected", "被拒绝的原因", "被拒絕的原因", "拒否の理由"),
    "over_time": ("Over time", "时间进程", "時間進程", "時間の経過"),
    "over_time_help": (
        "Counts since the first message, added up.",
        "自第一封邮件起的累计人数。",
        "自第一封郵件起的累計人數。",
        "最初の一通からの累計。",
    ),
    "as_table": ("As a table", "以表格查看", "以表格檢視", "表で見る"),
    "time": ("From", "起始时间", "起始時間", "開始時刻"),
    "later": ("later", "之后", "之後", "その後"),
    "by_domain": ("By domain", "按域名", "按網域", "ドメイン別"),
    "by_domain_help": (
        "Domains with fewer than five recipients are not named.",
        "不足五位收件人的域名不单独列出。",
        "不足五位收件人的網域不單獨列出。",
        "宛先が5人未満のドメインは表示しません。",
    ),
    "domain": ("Domain", "域名", "網域", "ドメイン"),
    "others": ("All others", "其他", "其他", "その他"),
    "share": ("Share", "占比", "占比", "割合"),
    "bounces": ("Bounces by reason", "退信原因", "退信原因", "不達の理由"),
    "complaints": ("Complaints", "投诉类型", "投訴類型", "苦情の種類"),
    "reason": ("Reason", "原因", "原因", "理由"),
    "people": ("People", "人数", "人數", "人数"),
    "permanent": ("Permanent", "永久", "永久", "恒久的"),
    "transient": ("Transient", "暂时", "暫時", "一時的"),
    "undetermined": ("Undetermined", "未定", "未定", "不明"),
    "tracking": ("Opens and clicks", "打开与点击", "開啟與點擊", "開封とクリック"),
    "tracking_help": (
        "Machines are told apart by their user agent, which is a guess.",
        "机器与读者依客户端标识区分，仅为推测。",
        "機器與讀者依用戶端識別區分，僅為推測。",
        "機械かどうかはユーザーエージェントによる推定です。",
    ),
    "opened": ("Readers who opened", "打开的读者", "開啟的讀者", "開封した読者"),
    "opened_machine": ("Opened by machines only", "仅机器打开", "僅機器開啟", "機械のみの開封"),
    "clicked": ("Readers who clicked", "点击的读者", "點擊的讀者", "クリックした読者"),
    "clicked_machine": ("Clicked by machines only", "仅机器点击", "僅機器點擊", "機械のみのクリック"),
    "link": ("Link", "链接", "連結", "リンク"),
    "readers": ("Readers", "读者", "讀者", "読者"),
    "clicks": ("Clicks", "点击", "點擊", "クリック"),
    "machine_clicks": ("Machine clicks", "机器点击", "機器點擊", "機械のクリック"),
    "none": ("None.", "无。", "無。", "なし。"),
    "state": ("State", "状态", "狀態", "状態"),
    "frozen": ("Frozen", "冻结于", "凍結於", "確定"),
    "finished": ("Finished", "完成于", "完成於", "完了"),
    "edition": ("Edition", "版本摘要", "版本摘要", "版のダイジェスト"),
    "commit": ("Commit", "提交", "提交", "コミット"),
    "mailing_number": ("Mailing", "第几次投递", "第幾次投遞", "配信の回数"),
    "written": ("Written", "生成于", "產生於", "作成"),
    "no_feedback": (
        "No feedback has come in: delivered, bounced and complained are known from events only.",
        "尚未收到反馈：送达、退信与投诉只能由事件得知。",
        "尚未收到回饋：送達、退信與投訴只能由事件得知。",
        "まだ反応がありません。配信・不達・苦情はイベントからのみ分かります。",
    ),
    "state_new": ("new", "未开始", "未開始", "未開始"),
    "state_pending": ("frozen", "已冻结", "已凍結", "確定済み"),
    "state_sending": ("being sent", "发送中", "發送中", "送信中"),
    "state_stopped": ("stopped", "已停止", "已停止", "停止"),
    "state_paused": ("paused", "已暂停", "已暫停", "一時停止"),
    "state_cancelled": ("cancelled", "已取消", "已取消", "取消"),
    "state_uncertain": ("some outcomes unknown", "部分结果不明", "部分結果不明", "一部結果不明"),
    "state_done": ("done", "已完成", "已完成", "完了"),
    "why_unsubscribed": ("unsubscribed", "已退订", "已退訂", "解除済み"),
    "why_unconfirmed": ("not confirmed", "未确认", "未確認", "未確認"),
    "why_suppressed": ("suppressed", "禁止投递", "禁止投遞", "配信停止"),
    "why_invalid": ("invalid address", "地址无效", "地址無效", "無効なアドレス"),
    "why_segment": ("outside this issue's audience", "不在本期受众内", "不在本期受眾內", "この号の対象外"),
    "why_reached": ("reached by an earlier mailing", "此前已收到", "此前已收到", "以前の配信で受信済み"),
    "why_duplicate": ("duplicate address", "地址重复", "地址重複", "重複アドレス"),
    "why_erased": ("erased", "已删除", "已刪除", "削除済み"),
}


class ReportWords:
    """``words("delivered")`` in one language; a name that is no word comes back as it is."""

    def __init__(self, language: str) -> None:
        catalog = catalog_of(language)
        self._column = _ORDER.index(catalog) if catalog in _ORDER else 0
        self.language = language if catalog != "en" or language.lower().startswith("en") else "en"

    def __call__(self, name: str, otherwise: str | None = None) -> str:
        """The word by that name; else ``otherwise``, else the name."""
        words = _WORDS.get(name)
        return words[self._column] if words else (name if otherwise is None else otherwise)


def complete() -> bool:
    """Whether every word is there in every language."""
    return all(len(words) == len(_ORDER) and all(words) for words in _WORDS.values())
