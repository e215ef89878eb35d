"""What can be wrong with the form of a Markdown item."""

from __future__ import annotations

from publisher.diagnostics import Code, Severity, define

__all__ = ["Code"]

NO_FRONT_MATTER = define("front-matter-missing", Severity.ERROR, fixed=True)
FRONT_MATTER_OPEN = define("front-matter-unclosed", Severity.ERROR, fixed=True)
CONTAINER_OPEN = define("container-unclosed", Severity.ERROR, fixed=True)
CONTAINER_SECOND = define("container-second", Severity.ERROR, fixed=True)
CONTAINER_NESTED = define("container-nested", Severity.ERROR, fixed=True)
CONTAINER_UNKNOWN = define("container-unknown", Severity.ERROR, fixed=True)
CONTAINER_STRAY_END = define("container-stray-end", Severity.ERROR, fixed=True)
TEXT_AFTER_CONTAINER = define("text-after-container", Severity.ERROR, fixed=True)
FENCE_OPEN = define("code-fence-unclosed", Severity.ERROR, fixed=True)
