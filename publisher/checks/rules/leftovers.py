"""Leftovers that should have been removed before publishing: merge conflicts, template texts, merge tags of other
tools, headers and footers of another mail, remarks of a chatbot.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from urllib.parse import unquote

from publisher.checks.context import Context, fields
from publisher.checks.html import without_comments
from publisher.checks.markdown import Text
from publisher.diagnostics import Diagnostic, Fault, Place, Severity, define, say
from publisher.documents.yaml_typos import shortened
from publisher.issue.model import Prose, Status
from publisher.issue.personal import PLACEHOLDER
from publisher.language.locale import every
from publisher.regex import regex

CONFLICT = define("merge-conflict", Severity.ERROR)
PLACEHOLDER_LEFT = define("placeholder-left", Severity.ERROR)
PLACEHOLDERS = ("title", "intro", "point", "headline", "body", "commentary")
"""Keys of the template texts in a new issue that an editor replaces; other template texts are comments."""
ADDED = ("added_body", "added_commentary")
"""Keys of the template texts of ``publisher add``, which are reported in drafts too."""
CHAT_REMARK = define("chat-remark", Severity.WARNING)
UNFINISHED = define("unfinished-text", Severity.WARNING)
_UNFINISHED = regex(
    r"^(?:[（(\[【]?(?:TODO|TBD|FIXME|待补充?|待补齐|待写|待完善|此处(?:填写|补充)[^\n。]{0,12})[）)\]】。]?|(?:TODO|TBD|FIXME|待补充)[:：][^\n]*"
    r"|[Ll]orem ipsum dolor\b[^\n]*)[ \t]*$",
    re.MULTILINE,
)
_NOTES = ("TODO", "TBD", "FIXME", "待补", "待写", "待完善", "此处", "orem ipsum")
_NO_TEXT = regex(
    r"undefined|null|nan|\[object object\]|untitled|todo|tbd|404 not found|403 forbidden|502 bad gateway|access denied"
    r"|page not found|无标题|無標題|未命名|未找到标题|获取失败|待定|待补充?|lorem ipsum.*",
    re.IGNORECASE,
)
"""Values in place of a title: output of a program that had none, or a reminder to write one."""
_TITLES = frozenset({"title", "headline", "subject", "subtitle", "preheader"})
MERGE_TAG = define("merge-tag", Severity.WARNING)
_PERSON = r"(?:first|last|full|given|sur|user)[ _-]?name|[fl]name|name|first|last|e-?mail(?:[ _-]?address)?"
_WAY = (
    r"un(?:subscribe|sub)(?:[ _-]?(?:url|link|me))?|(?:view|read)_in_browser(?:_url)?|web_?version(?:_?(?:url|link))?"
)
_OF = r"(?:recipient|subscriber|contact|user|member|person|customer|profile)s?[._]"
_NAME = rf"(?:(?:{_OF})?(?:{_PERSON}|{_WAY})|(?:recipient|subscriber|contact)\.[a-z_]+)"
_REST = r"\s*(?:[|,:=][^{}%\[\]<>\n]{0,60})?"
_TAG = regex(
    r"\*\|(?:[A-Z][A-Z0-9_]*:)?[A-Z][A-Z0-9_]*\|\*"
    rf"|\{{\{{\{{?\s*[$.@]?{_NAME}{_REST}\}}\}}\}}?"
    rf"|\{{\$\s*{_NAME}{_REST}\}}|\$\{{{_NAME}\}}"
    rf"|\{{(?:{_WAY})\}}"
    rf"|%%{_NAME}%%|(?<![A-Za-z0-9_%])%{_NAME}%(?![A-Za-z0-9_%])"
    rf"|\[\[\s*{_NAME}{_REST}\]\]"
    rf"|\[(?:[FL]NAME|(?:FIRST|LAST)_?NAME|EMAIL_?ADDRESS|UNSUBSCRIBE(?:_URL)?|WEBVERSION)\]"
    rf"|<%=\s*@?{_NAME}\s*%>",
    re.IGNORECASE,
)
_SIGN = regex(r"[{%]|\[(?:\[|[A-Z_]{5,}\])|\*\|")  # first characters of merge tags
_CASED = regex(r"\*\|[^a-z]*\|\*|\[[^a-z\[\]]*\]|[^*\[].*|\[\[.*", re.DOTALL)
_WAYS = regex(_WAY, re.IGNORECASE)
_ABOUT = regex(
    r"templat|jinja|\bvue|mustache|handlebars|liquid|twig|django|angular|svelte|blade|\bhelm\b|ansible|interpolat"
    r"|placeholder|variable|merge tag|模板|插值|变量|變數|占位|テンプレート|変数",
    re.IGNORECASE,
)
_CODE = regex(r"<(code|kbd|pre|samp)\b.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_MADE = r"(?:version|draft|text|translation)(?: (?:of|with|that|in|for)\b[^\n]*)?"
_INPUT = "(?:文本|内容|內容|文章|原文|模板)"
_WORK = "(?:总结|總結|生成|整理|处理|處理|翻译|翻譯|润色|潤色|改写|改寫|定制)"
_CHAT = regex(
    r"【\d+(?::\d+)?†[^【】\n]*】|[:：]contentReference\[oaicite:\d+\](?:\{index=\d+\})?|\bcite(?:turn\d+[a-z]+\d+)+"
    r"|^(?:certainly|sure|of course|absolutely)[!,.] here(?:'s|’s| is) (?:an?|the|your) (?:[\w-]+ ){0,3}"
    r"(?:version|draft|summary|translation|rewrite|outline|newsletter|paragraph|introduction)\b[^\n]*:[ \t]*$"
    rf"|^here(?:'s|’s| is) (?:an?|the|your) (?:polished|rewritten|improved|refined) {_MADE}:[ \t]*$"
    rf"|^here(?:'s|’s| is) your (?:revised|updated|edited|translated) {_MADE}:[ \t]*$"
    r"|\A(?:i(?:'|’| a)m sorry, (?:but )?)?as an ai (?:language )?model, i\b[^\n]*"
    r"|^(?:以下|下面)是我?(?:根据您[^\n]{0,20})?[为给][您你](?:生成|撰写|改写|润色)[^\n]*[:：][ \t]*$"
    r"|^好的[，,！!。]\s*(?:以下|下面)是我?(?:根据您[^\n]{0,20})?[为给][您你]"
    r"(?:生成|撰写|改写|润色|翻译|(?:整理|准备)(?![^\n]{0,12}单[:：]))[^\n]*[:：][ \t]*$"
    r"|^(?:当然(?:可以)?|没问题)[，,！!。]\s*(?:以下|下面)是(?:[为给帮][您你])?(?:润色|优化|修改|改写|重写|精简|翻译|整理)"
    r"[后过好]?的[^\n]{0,12}(?:版本?|内容|文[本字章案]|译文|段落|标题|稿)[^\n]{0,6}[:：][ \t]*$"
    r"|^(?:如果您|如果你|如您|若您)(?:需要|愿意|希望)，我(?:还|也)?可以(?:继续|进一步)[为帮给替][您你]"
    r"(?![^\n]*(?:回[信复]|来信|邮件|联系))[^\n]{0,12}"
    r"(?:扩展|改写|润色|翻译|生成|改成|调整|优化|细化)[^\n]*$"
    r"|^(?:i hope this helps[.!] )?(?:would you like me to"
    r"|(?:let me know )?if you(?:'|’)d like(?: me to|, I can)(?: also)?) "
    r"(?:rewrite|refine|revise|shorten|polish|adjust) "
    r"(?:this|that|it|these|them|the (?:text|draft|tone)|any|further)\b[^\n]*$"
    r"|^(?:如果?|若)[您你]?需要?(?:进一步|其他|更多)?的?(?:修改|调整|润色|完善)[^\n，,。]{0,12}"
    r"[，,]请(?:随时)?告诉我[。！!.]?[ \t]*$"
    r"|^希望(?:这|以上)对您有所帮助[！!。.]?[ \t]*$"
    r"|^希望(?:这|這|以上)[^\n，,。！!]{0,12}(?:符合|满足|滿足)[您你]的(?:要求|需求|期望)[！!。.]?[ \t]*$"
    r"|^[（(]?(?:好的[，,！!。] ?)?[请請][您你]?(?:提供|将|將|把|粘贴|貼上)"
    rf"(?:[^\n。！!]{{0,40}}{_INPUT}[^\n。！!]{{0,30}}"
    rf"我(?!们|們)[^\n]{{0,40}}(?:[为為给給帮幫替][您你][^\n]{{0,20}}{_WORK}|[您你]的?要求)|需要我?{_WORK}的)[^\n]*$"
    r"|^以下是[^\n，,。]{0,4}[您你][所的]?(?:提供|要求)[^\n]{0,40}"
    rf"(?:摘要|总结|總結|概述|要点|要點|译文|譯文|{_INPUT})[^\n]{{0,12}}[:：][ \t]*$"
    r"|^[（(]注[:：][^\n，,]{0,6}根据您的要求[^\n]*[)）][ \t]*$"
    r"|^(?:(?:sure|certainly|of course|i(?:'|’)d be (?:happy|glad) to help)\b[^\n]{0,60})?please"
    r" (?:provide|share|paste) (?:me )?(?:with )?(?:the|your) [^\n.]{0,30}(?:text|article|content)\b[^\n.]{0,60}"
    r"\b(?:(?:like|want|need) me to|so (?:that )?i can|and i(?:'|’)ll)\b[^\n]*$"
    r"|^here(?:'s|’s| is) (?:an?|the) (?:[\w-]+ ){0,3}(?:summary|translation|outline|overview)[^\n]{0,40}"
    r"\byou(?:(?:'|’)ve)? (?:provided|shared)[^\n]{0,20}:[ \t]*$"
    r"|\A(?:很?抱歉[，,]\s*)?作为一个\s?(?:AI|人工智能)(?:语言)?(?:模型|助手)，我[^\n]*",
    re.MULTILINE | re.IGNORECASE,
)
"""Citation marks of chatbots, and sentences addressed to their user; “Here is the list:” is addressed to readers."""
_CHAT_SIGNS = (
    *("†", "oaicite", "citeturn", "here's", "here’s", "here is", "as an ai", "like me to", "d like, i"),
    *(give + you for give in "为為给給帮幫替" for you in "您你"), "有所帮助", "作为一个", "以下是", "下面是", "的要求",
    *("您要求", "告诉我", "please provide", "please share", "please paste", "的需求", "的期望"),
)  # fmt: skip
MAIL_LEFTOVER = define("mail-leftover", Severity.WARNING)
_THIS = r"(?: this| the| it)?(?: e-?mail| message| newsletter)?"
_AROUND = regex(
    r"(?:(?:(?P<way>unsubscribe(?: here| from this \w+)?|opt out"
    r"|(?:退订|取消订阅)(?:本?邮件)?)"
    rf"|(?P<sure>click here to unsubscribe|点击?(?:此处|这里|此)(?:退订|取消订阅)(?:本?邮件)?"
    rf"|(?:view|read|open){_THIS} in (?:your |the |a )?(?:web ?)?browser|view online|(?:view )?web version"
    rf"|(?:was{_THIS} )?forwarded{_THIS}(?: to you)?\? ?(?:(?:subscribe|sign up)(?: here| now)?)?"
    rf"|(?:having )?(?:trouble|problems) (?:viewing|reading){_THIS}\?"
    r"|(?:请?点击?(?:此处|这里|此))?在?(?:浏览器|网页)(?:中|里|上)?(?:查看|打开|阅读)(?:(?:[本此]|这封)?邮件)?|查看网页版|网页版)"
    r"|(?:manage|update|change) (?:your )?(?:subscription|preferences|profile)|subscribe|sign up|privacy policy"
    r"|forward(?: to a friend)?|share|advertise|contact us|(?:管理|更新)?(?:订阅|偏好|订阅偏好)"
    r"|转发给朋友|分享|隐私政策|联系我们)[.。!！]?(?: ?[|｜·•/] ?| [-–—] | |$)){1,12}",
    re.IGNORECASE,
)
"""Links of a mail's header or footer. One or two words alone may be a heading, or the text of a button."""
_MAIL_SIGNS = (
    "unsub", "opt out", "browser", "web version", "online", "forwarded", "trouble", "problems",
    "退订", "取消订阅", "浏览器", "网页",
)  # fmt: skip
_LINE = regex(r"^[^\n]{1,400}$", re.MULTILINE)  # including URLs
_LINK = regex(r"\[([^\[\]]*)\]\([^()\s]*\)(?:\{\.button\})?")
Written = tuple[str, Callable[[int, int], Place]]


_REPLACE = say("replace it, or delete it; or leave the issue a draft")


def check(context: Context) -> Iterator[Diagnostic]:
    """Check for all kinds of leftovers; template texts of a new issue only if it is ready."""
    yield from _conflicts(context)
    yield from _placeholders(context)
    yield from _merge_tags(context)
    yield from _chat(context)
    yield from _around_mail(context)


def _around_mail(context: Context) -> Iterator[Diagnostic]:
    """Lines that consist of links of another mail's header or footer, as pasted with its text."""
    for text in context.texts:
        for words, place in text.written if any(map(text.prose.text.lower().__contains__, _MAIL_SIGNS)) else ():
            for start, line in ((found.start(), found[0]) for found in _LINE.finditer(words)):
                found = _AROUND.fullmatch(" ".join(_LINK.sub(r"\1", line).strip(" \t*_|｜").split()))
                alone = found and found[0] == found["way"] and "](" not in line
                if found and not alone and (found["sure"] or found["way"]):
                    message = say("“{words}” is left from another email", words=shortened(found[0]))
                    advice = say("delete it: each message has links to unsubscribe and to its page")
                    yield MAIL_LEFTOVER.at(place(start, start + len(line)), message, help=advice)


def _chat(context: Context) -> Iterator[Diagnostic]:
    """A chatbot's sentences to its user, and its citation marks, which are dead. Text that is also quoted is exempt."""
    for text in context.texts:
        whole = text.prose.text.lower()
        if not any(sign in whole for sign in _CHAT_SIGNS):
            continue
        lines = (line.strip() for line in text.prose.text.split("\n"))
        quoted = {line.lstrip("> ") for line in lines if line.startswith(">")}
        for words, place in text.written:
            for found in _CHAT.finditer(words):
                if (said := found[0].strip()) not in quoted:
                    message = say("“{words}” is what a chat leaves, not a text for readers", words=shortened(said))
                    yield CHAT_REMARK.at(place(*found.span()), message, help=say("delete it"))


def _conflicts(context: Context) -> Iterator[Diagnostic]:
    """The markers of a git merge conflict, in order."""
    for text in (text for text in context.texts if "<<<<<<< " in text.prose.text):
        opened, parted = None, False
        for number, line in enumerate(text.prose.lines):
            if opened is None and line.startswith("<<<<<<< "):
                opened, parted = number, False
            elif opened is not None and line == "=======":
                parted = True
            elif opened is not None and parted and line.startswith(">>>>>>> "):
                place, opened = text.prose.place(opened, 0, 7), None
                advice = say("keep one version; delete the lines of <, = and >")
                yield CONFLICT.at(place, say("a merge conflict is not resolved"), help=advice)


def _placeholders(context: Context) -> Iterator[Diagnostic]:
    """Template texts: of ``publisher new`` in a ready issue, of ``publisher add`` in any."""
    issue, written = context.issue, "\n".join(text.prose.text for text in context.texts)
    added = tuple(text for text in _every(ADDED) if text in written)
    for place in (place for text in context.texts if (place := _place(text.prose, added))):
        message = say("this text is still to be written")
        yield PLACEHOLDER_LEFT.at(place, message, help=say("write it, or delete it"))
    if issue.status is not Status.READY:
        return
    texts = _every(PLACEHOLDERS)
    plain = [(issue.title, issue.places.of("title")), *((i.headline, i.places.of("headline")) for i in issue.items)]
    found = [place for text, place in plain if text in texts]
    texts = tuple(text for text in texts if text in written)  # usually empty
    found += [place for text in context.texts if (place := _place(text.prose, texts))]
    for place in found:
        message = say("this text is still to be filled in, and the issue is ready")
        yield PLACEHOLDER_LEFT.at(place, message, help=_REPLACE)
    titles = (line for line in fields(context) if line.key in _TITLES and _NO_TEXT.fullmatch(line.text.strip()))
    places = [line.whole for line in titles]
    places += [
        place(*found.span())
        for text in context.texts
        if any(sign in text.prose.text for sign in _NOTES)
        for words, place in text.written
        for found in _UNFINISHED.finditer(words)
    ]
    for place in places:
        yield UNFINISHED.at(place, say("this text is not finished, and the issue is ready"), help=_REPLACE)


def _every(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(text for name in names for text in every("starter", name))


def _place(prose: Prose, texts: tuple[str, ...]) -> Place | None:
    for number, line in enumerate(prose.lines if texts else ()):
        for text in texts:
            if text in line:
                start = line.index(text)
                return prose.place(number, start, start + len(text))
    return None


def _merge_tags(context: Context) -> Iterator[Diagnostic]:
    """Check plain-text fields, texts without code, and the URLs in them."""
    heads = [item.headline for item in context.issue.items]
    for line in fields(context):
        found = list(_tags(line.text, line.place))
        yield from found if found and not _ABOUT.search(line.text) else ()
    for text in context.texts:
        if "{" in text.prose.text or "%" in text.prose.text or "[" in text.prose.text or "*|" in text.prose.text:
            about = text.prose.text + (heads[text.item] if text.item is not None else "")
            found = list(_of_text(text))
            yield from found if found and not _ABOUT.search(about) else ()


def _of_text(text: Text) -> Iterator[Diagnostic]:
    told = [finding for words, place in _written(text) for finding in _tags(words, place)]
    yield from told
    for link in text.parts.links:
        span = link.place.span
        for found in _TAG.finditer(unquote(link.url)):
            if not PLACEHOLDER.fullmatch(found[0]) and not any(
                each.span.line == span.line and each.span.column in range(span.column, span.end_column) for each in told
            ):
                yield _told(found[0]).at(link.place)


def _written(text: Text) -> Iterator[Written]:
    yield from text.written
    for piece in text.raw:
        if piece.token.type == "html_block":
            yield _CODE.sub(lambda code: " " * len(code[0]), without_comments(piece.words)), piece.place


def _tags(words: str, place: Callable[[int, int], Place]) -> Iterator[Diagnostic]:
    for found in _TAG.finditer(words) if _SIGN.search(words) else ():
        if _CASED.fullmatch(found[0]) and not PLACEHOLDER.fullmatch(found[0]):
            yield _told(found[0]).at(place(found.start(), found.end()))


@lru_cache(maxsize=256)
def _told(tag: str) -> Fault:
    message = say("{tag} is a merge tag of another tool: readers would get it as it is written", tag=shortened(tag))
    way = say("delete it: each message has links to unsubscribe and to its page")
    advice = way if _WAYS.search(tag) else say("write words for every reader, or put it in backticks")
    return Fault(MERGE_TAG, message, advice)
