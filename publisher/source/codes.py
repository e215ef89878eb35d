"""What can be wrong with the form of a Markdown item."""

from __future__ import annotations

from publisher.diagnostics import Code, Severity, define

__all__ = ["Code"]

NO_FRONT_MATTER = define(
    "front-matter-missing",
    Severity.ERROR,
    """The Markdown item does not begin with front matter.

## Why it matters

The headline stands in the front matter, and an item without one cannot be shown.

## Example

    The text begins at once.

Begin with `---`, `headline: …`, `---`, each on its line.
""",
    fixed=True,
)
FRONT_MATTER_OPEN = define(
    "front-matter-unclosed",
    Severity.ERROR,
    """The front matter has no end.

## Why it matters

Without the second `---` nobody can tell keys from text.

## Example

    ---
    headline: …
    The text begins here.

Write `---` on a line of its own before the text.
""",
    fixed=True,
)
CONTAINER_OPEN = define(
    "container-unclosed",
    Severity.ERROR,
    """The commentary container is not closed.

## Why it matters

Where the commentary ends would be a guess.

## Example

    ::: commentary
    Our view.

Write `:::` on a line of its own at the end.
""",
    fixed=True,
)
CONTAINER_SECOND = define(
    "container-second",
    Severity.ERROR,
    """An item has a second commentary.

## Why it matters

An item has one commentary, under one label. Of two, one would be lost.

## Example

    ::: commentary
    One view.
    :::

    ::: commentary
    Another view.
    :::
""",
    fixed=True,
)
CONTAINER_NESTED = define(
    "container-nested",
    Severity.ERROR,
    """A container begins inside another.

## Why it matters

Containers do not nest; most often the `:::` that ends the first one is missing.

## Example

    ::: commentary
    Our view.
    ::: commentary
""",
    fixed=True,
)
CONTAINER_UNKNOWN = define(
    "container-unknown",
    Severity.ERROR,
    """There is no such container.

## Why it matters

Readers would see the colons, and not the frame that was meant.

## Example

    ::: note

The only container is `::: commentary`.
""",
    fixed=True,
)
CONTAINER_STRAY_END = define(
    "container-stray-end",
    Severity.ERROR,
    """A container ends that never began.

## Why it matters

Readers would see the colons.

## Example

A line with `:::` and no `::: commentary` before it.
""",
    fixed=True,
)
TEXT_AFTER_CONTAINER = define(
    "text-after-container",
    Severity.ERROR,
    """Text follows the commentary.

## Why it matters

The commentary closes an item. Text after it belongs to the body, before the container, or to the commentary, inside it.

## Example

    ::: commentary
    Our view.
    :::
    And another thing.
""",
    fixed=True,
)
FENCE_OPEN = define(
    "code-fence-unclosed",
    Severity.ERROR,
    """A code fence is not closed.

## Why it matters

Everything down to the end of the file, the commentary too, becomes code.

## Example

    ```python
    print("hello")

Write the same fence on a line of its own at the end of the code.
""",
    fixed=True,
)
