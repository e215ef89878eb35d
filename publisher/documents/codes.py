"""What can be wrong with YAML itself, before anybody asks what it means."""

from __future__ import annotations

from publisher.diagnostics import Severity, define

SYNTAX = define(
    "yaml-syntax",
    Severity.ERROR,
    """The YAML cannot be read.

## Why it matters

Nothing after the fault can be understood, so the rest of this file is not checked until it is mended.

## Example

    title: Weekly: the year in review

The second colon begins a mapping. Write `title: "Weekly: the year in review"`.
""",
    fixed=True,
)
DUPLICATE_KEY = define(
    "yaml-duplicate-key",
    Severity.ERROR,
    """A mapping has the same key twice.

## Why it matters

Most YAML readers keep the last one in silence, and the words of the first are lost.

## Example

    headline: First
    headline: Second
""",
    fixed=True,
)
TOO_DEEP = define(
    "yaml-too-deep",
    Severity.ERROR,
    """The YAML is nested deeper than sixty levels.

## Why it matters

Nothing in an issue nests deeper than six. Deep nesting is an accident or an attack, and crashes readers of YAML.

## Example

A thousand opening brackets: `[[[[[[…`. Text that begins with a bracket wants quotes.
""",
    fixed=True,
)
ALIAS = define(
    "yaml-alias",
    Severity.ERROR,
    """The YAML uses an anchor or an alias.

## Why it matters

Aliases let a small file grow to gigabytes, and a `&` or `*` at the start of a text is nearly always meant as text.

## Example

    headline: *Breaking* news

Write `headline: "*Breaking* news"`.
""",
    fixed=True,
)
TAG = define(
    "yaml-tag",
    Severity.ERROR,
    """The YAML uses a tag.

## Why it matters

Tags make objects of a program out of text; an issue is words. A `!` at the start of a text is nearly always meant
as text.

## Example

    headline: !important news

Write `headline: "!important news"`.
""",
    fixed=True,
)
SEVERAL_DOCUMENTS = define(
    "yaml-several-documents",
    Severity.ERROR,
    """The file holds more than one YAML document.

## Why it matters

Only the first would be read, and what stands after the second `---` would be lost.

## Example

    title: Weekly
    ---
    date: 2024-12-29
""",
    fixed=True,
)
COMPLEX_KEY = define(
    "yaml-complex-key",
    Severity.ERROR,
    """A key is not a plain word.

## Why it matters

Every key of the format is a word. A list or a mapping as a key is a slip of the pen, such as `{{ name }}` without
quotes.

## Example

    headline: {{ name }}

Write `headline: "{{ name }}"`.
""",
    fixed=True,
)
CUT_AT_HASH = define(
    "text-cut-at-hash",
    Severity.ERROR,
    """A text goes on after ` #`, and YAML takes the rest for a comment.

## Why it matters

The words after the `#` would reach nobody, and nothing would look wrong.

## Example

    title: Our Weekly #52

Write `title: "Our Weekly #52"`. A comment has a space after its `#`: `title: Our Weekly  # keep it short`.
""",
)
