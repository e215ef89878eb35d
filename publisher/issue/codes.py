"""What can be wrong with an issue before there is one."""

from __future__ import annotations

from publisher.config.segments import BAD_AUDIENCE
from publisher.diagnostics import Severity, define

EMPTY_BODY = define(
    "empty-body",
    Severity.ERROR,
    """The item has no text.

## Why it matters

Readers would get a headline and nothing below it.

## Example

    ---
    headline: OpenAI 计划重组公司结构
    ---
""",
    fixed=True,
)
TWICE = define(
    "given-twice",
    Severity.ERROR,
    """The body or the commentary is given in two places.

## Why it matters

One of the two would be lost.

## Example

    ---
    headline: …
    commentary: Our view.
    ---
    Text.

    ::: commentary
    Another view.
    :::
""",
    fixed=True,
)
BAD_DATE = define(
    "bad-date",
    Severity.ERROR,
    """The date or time cannot be read.

## Why it matters

`01/02/2025` is January in one country and February in another.

## Example

    date: 29.12.2024

Write `date: 2024-12-29`, and `publish_at: 2024-12-29T08:00:00+08:00`.
""",
    fixed=True,
)
BAD_ANCHOR = define(
    "bad-anchor",
    Severity.ERROR,
    """The anchor cannot be part of an address.

## Why it matters

Readers share links to single stories. An anchor has to survive every mail client and chat.

## Example

    anchor: OpenAI PBC

Write `anchor: openai-pbc`: lower-case letters, digits, and single hyphens between them.
""",
    fixed=True,
)
ITEM_LEFT_OUT = define(
    "item-left-out",
    Severity.ERROR,
    """issue.yaml gives an order of items and leaves this file out.

## Why it matters

The story would reach nobody, and nobody would notice.

## Example

    items:
      - openai-pbc.md

beside `openai-pbc.md` and `deepseek.md`.
""",
    fixed=True,
)
ITEM_MISSING = define(
    "item-missing",
    Severity.ERROR,
    """The order names a file that does not exist.

## Why it matters

A story that was announced would be missing.

## Example

    items:
      - opnai-pbc.md

beside `openai-pbc.md`.
""",
    fixed=True,
)
ITEM_TWICE = define(
    "item-twice",
    Severity.ERROR,
    """The order names a file twice.

## Why it matters

Readers would get the same story again.

## Example

    items:
      - openai-pbc.md
      - openai-pbc.md
""",
    fixed=True,
)
NO_ITEMS = define(
    "no-items",
    Severity.ERROR,
    """The issue has no items.

## Why it matters

An empty message in the inbox is a reason to leave.

## Example

`issues/2024-12-29-weekly/issue.yaml` and no other file.
""",
    fixed=True,
)
IMAGE_MISSING = define(
    "image-missing",
    Severity.ERROR,
    """The picture does not exist.

## Why it matters

Readers would see a broken frame.

## Example

    cover: {image: images/cover.jpg, alt: …}

without `images/cover.jpg` in the issue's folder.
""",
    fixed=True,
)
IMAGE_OUTSIDE = define(
    "image-outside-repository",
    Severity.ERROR,
    """The picture stands outside the repository.

## Why it matters

What is not committed is not reviewed, and not there when the issue is built elsewhere.

## Example

    cover: {image: ../../../Desktop/cover.jpg, alt: …}
""",
    fixed=True,
)
NOT_A_PICTURE = define(
    "not-a-picture",
    Severity.ERROR,
    """What is named as a picture is none, or is more than one.

## Why it matters

A picture is published with the issue, for everybody. A database, a list of readers or a key must never be, nor a web
page or an SVG with script in it, which would run under the archive's own address.

## Example

    cover: {image: ../../people.csv, alt: …}

Pictures end in `.jpg`, `.jpeg`, `.png`, `.gif`, `.webp` or `.avif`, hold what their name says (no text, web page, PDF,
HEIC photograph or Git LFS pointer), and stand in no hidden folder.
""",
    fixed=True,
)
IMAGE_UNREADABLE = define(
    "image-unreadable",
    Severity.ERROR,
    """The picture cannot be opened.

## Why it matters

The file is empty, cut off, larger than any picture of a newsletter (50 MB, 50 million pixels), or not one the system
lets us read. Readers would see a hole.

## Example

`cover: {image: images/cover.jpg}` where the download of `images/cover.jpg` stopped half-way.
""",
    fixed=True,
)
SVG_IN_MAIL = define(
    "svg-in-mail",
    Severity.ERROR,
    """The picture is an SVG.

## Why it matters

Gmail, Outlook and Yahoo show none: most readers would see a hole where the drawing is.

## Example

    ![Sales by year](images/chart.svg)

Export the drawing as `images/chart.png`, 1,200 pixels wide, and name that.
""",
    fixed=True,
)
IMAGE_ADDRESS = define(
    "image-address",
    Severity.ERROR,
    """The picture is named by something that shows nothing in a reader's mail.

## Why it matters

A path of the editor's own computer, an FTP address or a picture written out as `data:` is there for its author and for
nobody else: Gmail and Outlook drop it.

## Example

    ![The chart](C:\\Users\\ann\\chart.png)

Save the picture to `images/` and write `![The chart](images/chart.png)`.
""",
    fixed=True,
)
IMAGE_REMOTE = define(
    "image-remote",
    Severity.ERROR,
    """The picture is an address on the web.

## Why it matters

Somebody else could change or remove the picture after the message is in the inbox, and would learn who opened it.

## Example

    cover: {image: https://example.com/cover.jpg, alt: …}

Save the picture to `images/` and write `images/cover.jpg`.
""",
    fixed=True,
)
IMAGE_WITHOUT_ALT = define(
    "image-without-alt",
    Severity.ERROR,
    """The picture has no alternative text.

## Why it matters

Half of all mail clients hide pictures at first, and some readers never see any: the alternative text is what they get.

## Example

    cover: {image: images/cover.jpg}

Add `alt: A chip rises like a city at dusk`.
""",
    fixed=True,
)
NO_SCHEME = define(
    "link-without-scheme",
    Severity.ERROR,
    """The link has no scheme.

## Why it matters

In a message there is no page for it to be relative to: a click leads nowhere.

## Example

    source: {name: Example, url: example.com}

Write `https://example.com`.
""",
    fixed=True,
)
UNSAFE_SCHEME = define(
    "unsafe-link-scheme",
    Severity.ERROR,
    """The link's scheme is not one that readers may be sent to.

## Why it matters

`javascript:` and `data:` links run programs, `file:` links point at the reader's own disk. Mail clients remove them or
mark the message as dangerous.

## Example

    [our page](javascript:alert(1))

Links begin with `https:`, `http:`, `mailto:` or `tel:`.
""",
    fixed=True,
)
BAD_LINK = define(
    "bad-link",
    Severity.ERROR,
    """The address of the link is broken.

## Why it matters

A click leads nowhere.

## Example

    source: {name: Example, url: "https://exa mple.com"}
""",
    fixed=True,
)
EVERY = {
    code.name: code
    for code in (
        EMPTY_BODY,
        BAD_AUDIENCE,
        BAD_DATE,
        BAD_ANCHOR,
        IMAGE_WITHOUT_ALT,
        IMAGE_REMOTE,
        IMAGE_ADDRESS,
        NO_SCHEME,
        UNSAFE_SCHEME,
        BAD_LINK,
    )
}
"""The codes that validators of the raw models refuse with, by name."""
EMPTY_COMMENTARY = define(
    "empty-commentary",
    Severity.ERROR,
    """The commentary container is empty.

## Why it matters

Readers would see a label with nothing after it.

## Example

    ::: commentary
    :::
""",
    fixed=True,
)
