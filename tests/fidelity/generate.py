"""Markdown newsletters of every construct, seeded; each word and each address in them is unique, hence traceable."""

from __future__ import annotations

import random
from collections.abc import Callable


class Maker:
    """Writes one newsletter. ``wanted`` are its words and addresses."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self.wanted: list[str] = []
        self._after: list[str] = []
        self._count = 0

    def newsletter(self) -> str:
        """A title, an intro and some stories."""
        blocks = [f"# {self.word()} {self.word()}", self.block()]
        for _ in range(self._random.randint(2, 4)):
            blocks.append(f"## {self.word()} {self.word()}")
            blocks += [self.paragraph(), *(self.block() for _ in range(self._random.randint(2, 7)))]
            blocks += self._after
            self._after = []
        return "\n\n".join(blocks) + "\n"

    def word(self) -> str:
        self._count += 1
        number, letters = self._count, ""
        while number:
            number, digit = divmod(number, 24)
            letters = chr(ord("a") + digit) + letters
        made = f"zq{letters}zy"
        self.wanted.append(made)
        return self._random.choice([made, made, f"字{made}文"])

    def address(self) -> str:
        self._count += 1
        made = f"https://example.com/p{self._count}" + self._random.choice(
            ["", "/", "?a=1&b=2", "#part", "/%E4%B8%AD", "/a_b(c)"]
        )
        self.wanted.append(made)
        return made

    def inline(self) -> str:
        return self._random.choice(INLINES)(self)

    def paragraph(self) -> str:
        joins = [" ", "\n", ", ", "，", "。"]
        return self.word() + "".join(
            self._random.choice(joins) + self.inline() for _ in range(self._random.randint(1, 6))
        )

    def block(self) -> str:
        return self._random.choice(BLOCKS)(self)

    def later(self, definition: str) -> str:
        """A label, and its definition below the story."""
        label = f"{len(self._after)}{self._random.choice('abc')}"
        self._after.append(definition.replace("LABEL", label))
        return label

    def indented(self, text: str, by: str) -> str:
        return text.replace("\n", f"\n{by}")


INLINES: list[Callable[[Maker], str]] = [
    lambda m: m.word(),
    lambda m: f"*{m.word()}*",
    lambda m: f"**{m.word()} {m.word()}**{m.word()}",
    lambda m: f"~~{m.word()}~~",
    lambda m: f"_{m.word()} **{m.word()}**_",
    lambda m: f"`{m.word()}`",
    lambda m: f"``{m.word()} ` <{m.word()}>``",
    lambda m: f"[{m.word()}]({m.address().replace('(c)', '')})".replace("a_b)", "a_b(c))"),
    lambda m: f"[{m.word()}](<{m.address()}> 'x')",
    lambda m: f"[{m.word()}][{m.later(f'[LABEL]: <{m.address()}>')}]",
    lambda m: f"[{m.word()}][nowhere]",
    lambda m: f"<{m.address()}>",
    lambda m: f"{m.address().replace('(c)', '')} {m.word()}".replace("a_b ", "a_b(c) "),
    lambda m: f"{m.word()}[^{m.later(f'[^LABEL]: {m.word()} <{m.address()}>')}]",
    lambda m: f"^[{m.word()} [{m.word()}](<{m.address()}>)]",
    lambda m: f"[^{m.word()}]",
    lambda m: f"{m.word()}  \n{m.word()}",
    lambda m: f"{m.word()}\\\n{m.word()}",
    lambda m: f"\\*{m.word()}\\* &lt;{m.word()}&gt; &copy;{m.word()}",
    lambda m: f"Vec<{m.word()}>",
    lambda m: f"<{m.word()} {m.word()}>",
    lambda m: f"a<b {m.word()} c>d",
    lambda m: f"1 < {m.word()} > 2",
    lambda m: f"<b>{m.word()}</b><br>{m.word()}",
    lambda m: f"<a href='{m.address()}'>{m.word()}</a>",
    lambda m: f'<A HREF="{m.address()}"><em>{m.word()}</em></A>',
    lambda m: f"<font color=red>{m.word()}</font>",
    lambda m: f"<!-- note --> {m.word()}",
    lambda m: f"<title>{m.word()}</title>",
    lambda m: f"<?{m.word()}?>",
    lambda m: f"<![CDATA[{m.word()}]]>",
    lambda m: f"<ruby>{m.word()}<rp>(</rp><rt>{m.word()}</rt><rp>)</rp></ruby>",
    lambda m: f"{{{{ {m.word()} }}}} {{% {m.word()} %}}",
    lambda m: f"H<sub>{m.word()}</sub>O<sup>{m.word()}</sup>",
    lambda m: f"![{m.word()}](images/a.gif)",
    lambda m: f"**{m.word()} ** {m.word()}",
    lambda m: f"[{m.word()}]（{m.address()}）",
    lambda m: f"<kbd>{m.word()}</kbd> <code>{m.word()} | {m.word()}</code>",
    lambda m: f"${m.word()}$ {m.word()}\\|{m.word()}",
]

BLOCKS: list[Callable[[Maker], str]] = [
    lambda m: m.paragraph(),
    lambda m: m.paragraph(),
    lambda m: f"### {m.inline()}".replace("\n", " "),
    lambda m: f"{m.word()}\n-----",
    lambda m: f"##{m.word()}",
    lambda m: f"- {m.inline()}\n- {m.inline()}".replace("  \n", " "),
    lambda m: f"1. {m.word()}\n\n   {m.word()}\n2. {m.word()}\n   - {m.word()}\n     > {m.word()}",
    lambda m: f"- [ ] {m.word()}\n- [x] {m.word()}",
    lambda m: f"> {m.word()}\n> {m.word()}\n>\n> > {m.word()}\n{m.word()}",
    lambda m: f"```python\n{m.word()} = <{m.word()}>\n\n  {m.word()}\n```",
    lambda m: f"~~~\n{m.word()}\n~~~",
    lambda m: f"    {m.word()} {m.word()}\n\n    {m.word()}",
    lambda m: f"| {m.word()} | {m.word()} |\n|:--|--:|\n| {m.word()} | `{m.word()}` |\n| {m.word()} |",
    lambda m: f"| {m.word()} | {m.word()} |\n|---|---|\n| `{m.word()}|{m.word()}` | {m.word()} |",
    lambda m: f"{m.word()} | {m.word()}\n---|---\n{m.word()} | [{m.word()}](<{m.address()}>) | {m.word()}",
    lambda m: f"> | {m.word()} |\n> |---|\n> | {m.word()} | {m.word()} |",
    lambda m: f"| {m.word()} |\n|---|---|\n| {m.word()} |",
    lambda m: f"* * *\n\n{m.word()}",
    lambda m: f"<table><tr><th>{m.word()}<td>{m.word()}<tr><td>{m.word()}<td>{m.word()}</table>{m.word()}",
    lambda m: f"<center>{m.word()}</center><address>{m.word()}</address><aside>{m.word()}</aside>{m.word()}",
    lambda m: f"<ruby>{m.word()}<rp>(<rt>{m.word()}<rp>)</ruby> <Foo/> {m.word()} <{m.word()}/>",
    lambda m: f"<figure><img src='images/a.gif' alt='{m.word()}'></img><figcaption>{m.word()}</figcaption></figure>",
    lambda m: f"- ::: callout {m.word()}\n  {m.word()}\n  :::\n- {m.word()}",
    lambda m: f"<div>\n<p>{m.word()}</p>\n<h2>{m.word()}</h2>\n</div>",
    lambda m: f"<details><summary>{m.word()}</summary>\n\n{m.word()}\n\n</details>",
    lambda m: f'<table><tr><td>{m.word()}</td><td><a href="{m.address()}">{m.word()}</a></td></tr></table>',
    lambda m: f"<pre>\n{m.word()}\n  {m.word()}\n</pre>",
    lambda m: f"<center>{m.word()}</center>\n{m.word()}",
    lambda m: f"<section>\n{m.word()} Vec<{m.word()}>\n</section>",
    lambda m: f"<dl><dt>{m.word()}</dt><dd>{m.word()}</dd></dl>",
    lambda m: f"<figure><figcaption>{m.word()}</figcaption></figure>",
    lambda m: f"<form>{m.word()}</form>",
    lambda m: f"<select><option>{m.word()}</option></select> {m.word()}",
    lambda m: f"<textarea>{m.word()}</textarea>",
    lambda m: f"<noscript>{m.word()}</noscript>",
    lambda m: f"<video controls>{m.word()}</video>",
    lambda m: f"<svg><text>{m.word()}</text></svg>",
    lambda m: f"<script>{m.word()}</script>",
    lambda m: f"<style>.a {{}}</style>\n{m.word()}",
    lambda m: f'<button>{m.word()}</button> <input value="x"> {m.word()}',
    lambda m: f"<!DOCTYPE {m.word()}>",
    lambda m: f"<!-- a\n\nb -->\n{m.word()}",
    lambda m: f"[^u{len(m.wanted)}]: {m.word()} unused\n\n    {m.word()}\n\n    - {m.word()}\n\n{m.word()}",
    lambda m: f"{m.word()}[^m{len(m.wanted)}]\n\n[^m{len(m.wanted)}]: {m.word()}\n\n    {m.word()}\n\n    - {m.word()}",
    lambda m: f"#{m.word()} {m.word()}",
    lambda m: f"+ {m.word()}\n\n  ```\n  {m.word()}\n  ```\n\n  | {m.word()} |\n  |---|\n  | {m.word()} |",
    lambda m: f"<p>{m.word()}</p> {m.word()} **{m.word()}**",
    lambda m: f"<https://example.com/{m.word()}> and mailto:{m.word()}@example.com",
    lambda m: f'<p><IMG SRC="images/a.gif" ALT="{m.word()}"> <abbr title="x">{m.word()}</abbr> <q>{m.word()}</q></p>',
    lambda m: f"{m.word()}\n<div>{m.word()}\n\n{m.word()}",
    lambda m: f"- <title> {m.word()}\n- {m.word()}\n\n{m.word()}",
    lambda m: f"{m.word()} <textarea> {m.word()}\n{m.word()}",
    lambda m: f"<!-- a\n{m.word()}",
    lambda m: f"### {m.word()} ###\n#### {m.word()}#",
    lambda m: f"[d{len(m.wanted)}]: <{m.address()}>",
    lambda m: (
        f"[e{len(m.wanted)}]: <{m.address()}>\n[e{len(m.wanted) - 1}]: <{m.address()}>\n\n"
        f"[{m.word()}][e{len(m.wanted) - 3}]"
    ),
    lambda m: f"* {m.word()}\n\n      {m.word()}\n\n* * {m.word()}\n    1) {m.word()}\n",
    lambda m: f"<ul><li>{m.word()}<li>{m.word()}</ul>{m.word()}",
    lambda m: f"<table>\n{m.word()}<tr><td>{m.word()}</td></tr></table>",
    lambda m: f"<h2>{m.word()}</h2>\n\n<h6>{m.word()}</h6>",
    lambda m: f"<p>{m.word()}<p>{m.word()} <a href={m.address()}>{m.word()}",
    lambda m: f"<object>{m.word()}</object> <math><mi>{m.word()}</mi></math>",
    lambda m: (
        f"<audio src=x>{m.word()}</audio>\n\n<canvas>{m.word()}</canvas>\n\n<map><area href='{m.address()}'></map>"
    ),
    lambda m: f"<option>{m.word()}</option> <label>{m.word()}</label> <legend>{m.word()}</legend>",
    lambda m: f"<template>{m.word()}</template>\n\n<iframe>{m.word()}</iframe>",
    lambda m: f"<plaintext>{m.word()}\n\n<xmp>{m.word()}</xmp> <listing>{m.word()}</listing>",
    lambda m: f"<noembed>{m.word()}</noembed> <noframes>{m.word()}</noframes>",
    lambda m: f"<head>{m.word()}</head><body>{m.word()}</body>",
    lambda m: f"<a href='{m.address()}'><img src='images/a.gif' alt='{m.word()}'></a>",
    lambda m: f"[![{m.word()}](images/a.gif)](<{m.address()}>)",
    lambda m: f"<dialog>{m.word()}</dialog> <main>{m.word()}</main> <big>{m.word()}</big>",
    lambda m: f"&#{'0'}; &#x1; {m.word()} &notanentity; &amp;lt;{m.word()}",
    lambda m: f"{m.word()}\\\n\n\\[{m.word()}\\]({m.word()})",
]
