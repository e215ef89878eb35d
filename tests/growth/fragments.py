"""Fragments that are repeated until a text is long: each construct of the format, sound and broken.

``§`` is the number of the repetition, so that labels differ. ``→`` parts what is repeated first from what is repeated
after it: all the openers, then all the closers.
"""

from __future__ import annotations

MARKDOWN = (
    "word ", "a", " ", "\n", "word\n", "word\n\n", "word  \n", "word\\\n", "\t", "*", "**",
    "***", "*a", "*a* ", "**a** ", "a**b", "** a ", "*→a*", "_", "_a_ ", "__a", "~~",
    "~~a~~ ", "`", "`a", "`a` ", "``a` ", "`→``", "```\n", "```\na\n```\n", "~~~\n",
    "    code\n", "\ta\n\n", "\\", "\\*", "&amp;", "&", "&#1;", "&#x4e2d;", "[", "]", "[]",
    "[[", "[a", "[a](", "[a](b", "[a](https://e.com/a) ", "[a]( https://e.com/a ) ",
    "[here](https://e.com)\n", "![", "![a](b.png) ", "![a](https://e.com/b.png)\n\n",
    "[![a](b)](c)", "[→]", "![→](a)", "[a](<", "[a](<b c> 'x", '[a](b "c") ',
    "[a]（https://e.com） ", "【a】(https://e.com)", "[a][b§] ",
    "[a§]\n\n[a§]: https://e.com/§\n\n", "[a§] →[a§]: https://e.com/§\n", "[a]: b\n",
    "[a§]: https://e.com/§\n", "[a§]: <\n", "[a§]: b 'c\n", "[a]\n\n[a]: b\n\n", "[^a§] ",
    "[^a] ", "[^a§]: note\n\n", "[^a]: note\n\n", "[^a§]\n\n[^a§]: note\n\n",
    "[^a§] →[^a§]: note\n", "^[note] ", "^[", "[^", "[^a]:", "# a\n", "## a\n\n", "##a\n",
    "#", "# ", "a\n===\n", "a\n---\n", "---\n", "***\n", "- ", "- a\n", "- a\n\n",
    "* a\n  * b\n", "1. a\n", "1) a\n\n   b\n", "> ", "> a\n", "> a\nb\n\n", ">\n", "> - ",
    "|", "|a", "|a|b|\n", "| a | b |\n|---|---|\n| c | d |\n\n", "|-", "|a|\n|-|\n|a|b|\n",
    "\\|", "https://e.com/a，", "https://e.com/a ", "https://e.com/", "http://",
    "https://e.com/a?utm_source=b ", "<https://e.com/a> ", "<https://e.com", "a@e.com ",
    "a@e.com *b* ", "mailto:a@e.com ", "www.e.com ", "//e.com ", "https://e.com/(", "https://e.com/a_b*c",
    "ftp://e.com ", "http:", "a:", "a@", "a.", "https://e.com/中，", "https://e.com/docs下载 ",
    "::: note\n", ":::\n", "：：：\n", "::: commentary\n:::\n", "+ ", "=", "-", "~", "^", ":",
    "'", '"', "(", ")", "((a) ", "(→)", "{", "{{ name }} ", "{% if a %}", "*|FNAME|* ",
    "%name% ", "<<<<<<< a\n", "<<<<<<< a\n=======\n", "<<<<<<< a\n=======\n>>>>>>> b\n",
    "=======\n", ">>>>>>> a\n",
)  # fmt: skip
HTML = (
    "<", ">", "<>", "</", "<a", "<a ", "<a>", "<a href", '<a href="',
    '<a href="https://e.com/a">b</a> ', "<b>", "<b>a</b> ", "<b>\n", "</b>", "<b>→</b>",
    "<br>", "word<br>", "word<br>\n", "<br/>", "<p>", "<p>a</p>\n", "<p>a\n\n", "<div>",
    "<div>\n", "<div>\n\n", "<div>a</div>\n\n", "</div>\n", "<div>\n→</div>\n", "<span>",
    "<span>a</span>", "<i>*a*</i> ",
    "<details>\n<summary>a</summary>\n\nb\n\n</details>\n\n", "<pre>", "<pre>\n",
    "<pre>a</pre>\n", "<pre>a</pre> ", "<code>", "<code>a</code> ", "<table>",
    "<table><tr><td>a</td></tr></table>\n", "<tr>", "<td>", "<td>a</td>", "<ul><li>",
    "<li>a</li>\n", "<hr>", "<img>", '<img src="a.png" alt="b">',
    '<img src="https://e.com/a.png" alt="b">\n\n', "<h2>a</h2>\n", "<h1>", "<!--", "<!-- ",
    "<!-- a -->", "<!-- a -->\n", "<!-- a -->\n\n", "<!-->", "<!-- a\n\n", "‹!-- ", "-->",
    "<!--→-->", "<!", "<!a", "<!A>", "<!DOCTYPE html>", "<?", "<?a?>", "<? a\n",
    "<![CDATA[", "<![CDATA[a]]>", "<![CDATA[a]]>\n\n", "]]>", "<script>",
    "<script>a</script>", "<script>\n", "<style>", "<style>a{}</style>\n", "<style>\n",
    "<title>", "<title>a</title> ", "a <title>b ", "<title>a</title>\n\n", "<textarea>",
    "<textarea>a</textarea> ", "<select>", "<select><option>a</select> ", "<form>",
    "<form>a</form>\n\n", "<sup>1</sup>", "10</sup> ", "<svg>", "<svg><a></svg>", "<math>", "<iframe>",
    "<iframe src='a'></iframe>\n", "<template>", "<noscript>", "<object>", "<plaintext>",
    "<xmp>", "<font color=red>a</font> ", "<center>a</center>\n\n", "<b onclick=a>b</b> ",
    "<b style='a'>b</b>", '<a href="javascript:a">b</a> ', "<b a=1", "<b a='",
    "<b a b c d>", "Vec<T> ", "<branch-name> ", "a<b and c>d ", "<a b>", "<T", "< a",
    "a < b ", "<1>", "<a/", "<a /=>", "&lt;a&gt; ", "&nbsp;", "&nbsp", "<b\n", "<b a='\n",
    "<a-b>", "<a:b>", "<!-- publisher: ignore=vague-link-text -->\n\n",
    "[here](https://e.com) <!-- publisher: ignore=vague-link-text -->\n\n",
    "<!-- publisher: ignore=a -->",
)  # fmt: skip
CJK = (
    "中", "中文，", "中文\n", "中文。\n\n", "中,文", "中，，", "。。", "。。。 ", "，", "“", "”", "“中", "“→”",
    "‘’", "《中", "《》", "（中）", "（", "）", "「→」", "【中】", "**中。**文", "**中", "*中*", "~~中~~",
    "中**文**", "……", "——", "中a", "中 a ", "１２", "3亿 ", "1,600 ", "1,", "１）", "十", "万亿", "一二三",
    "けいおん!", "雅虎!", "テスト", "한국", "中\u3000", "\u3000", "\u200b", "\u202e", "\u2066",
    "\ufeff", "\xad", "é", "👍", "👨\u200d👩", "𠀀", "\u2028", "\x07", "�", "中`a`文",
    "中<b>文</b>", "点评：", "[中](https://e.com/中)", "##标题\n", "中\n*文*\n",
)  # fmt: skip
YAML = (
    "a: b\n", "a§: b\n", "a: b §\n", "- a\n", "- ", "? ", "[", "]", "{", "}", "[a, ",
    "{a: ", "{a§: b, ", "a, ", "'", '"', '"a" ', "'a' ", "a # b\n", " #a", "#a\n", "# \n",
    "&a ", "*a ", "!a ", "!!str ", "%a\n", "--- \n", "...\n", "|\n", ">\n", "a:\n  ",
    "  a\n", "\\", "\\n", "\\u4e2d", "''", "a：b\n", "a:b\n", "- a: b\n", "\ta: b\n",
    "a\n\n", "@", "`", "a: [b]\n", "a: {b: c}\n", "/x?y={z", "，", "a: |\n  b\n", "a: >\n  b\n",
    "? a\n: b\n", "<<: a\n", "- - ", "a: a: b\n", 'a: "b" c\n', "<<<<<<< a\n",
    "headline: a\n", "tags: [a]\n", "<!-- publisher: ignore=a -->\n",
    "# publisher: ignore=a\n", "a: b # publisher: ignore=a,b\n",
    "source: {name: a, url: b}\n",
)  # fmt: skip
LISTS = (
    "- a§\n", "- {name: a§, url: 'https://e.com/§'}\n", "- 中§\n", "- 1§% of a\n",
    "- [a](https://e.com/§)\n", "- {a: b}\n", "- [a]\n", "- \n",
    "- {headline: a§, body: b}\n",
)  # fmt: skip
PROSE = tuple(dict.fromkeys((*MARKDOWN, *HTML, *CJK)))


def repeated(fragment: str, size: int) -> str:
    """The fragment, over and over, to at most ``size`` bytes of UTF-8 (and at least once)."""
    parts = fragment.split("→")
    return "".join(_run(part, size // len(parts)) for part in parts)


def _run(part: str, size: int) -> str:
    count = max(1, size // len(part.replace("§", "12345").encode()))
    return "".join(part.replace("§", str(n)) for n in range(count)) if "§" in part else part * count
