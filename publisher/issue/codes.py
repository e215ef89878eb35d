"""What can be wrong with the files of an issue, and with an issue before there is one."""

from __future__ import annotations

from publisher.config.segments import BAD_AUDIENCE
from publisher.diagnostics import Severity, define

NO_FRONT_MATTER = define("front-matter-missing", Severity.ERROR, fixed=True)
FRONT_MATTER_OPEN = define("front-matter-unclosed", Severity.ERROR, fixed=True)
CONTAINER_OPEN = define("container-unclosed", Severity.ERROR, fixed=True)
CONTAINER_SECOND = define("container-second", Severity.ERROR, fixed=True)
CONTAINER_NESTED = define("container-nested", Severity.ERROR, fixed=True)
CONTAINER_UNKNOWN = define("container-unknown", Severity.ERROR, fixed=True)
CONTAINER_STRAY_END = define("container-stray-end", Severity.ERROR, fixed=True)
TEXT_AFTER_CONTAINER = define("text-after-container", Severity.ERROR, fixed=True)
FENCE_OPEN = define("code-fence-unclosed", Severity.ERROR, fixed=True)
EMPTY_BODY = define("empty-body", Severity.ERROR, fixed=True)
TWICE = define("given-twice", Severity.ERROR, fixed=True)
BAD_DATE = define("bad-date", Severity.ERROR, fixed=True)
BAD_ANCHOR = define("bad-anchor", Severity.ERROR, fixed=True)
ITEM_LEFT_OUT = define("item-left-out", Severity.ERROR, fixed=True)
ITEM_MISSING = define("item-missing", Severity.ERROR, fixed=True)
ITEM_TWICE = define("item-twice", Severity.ERROR, fixed=True)
NO_ITEMS = define("no-items", Severity.ERROR, fixed=True)
IMAGE_MISSING = define("image-missing", Severity.ERROR, fixed=True)
IMAGE_OUTSIDE = define("image-outside-repository", Severity.ERROR, fixed=True)
NOT_A_PICTURE = define("not-a-picture", Severity.ERROR, fixed=True)
IMAGE_UNREADABLE = define("image-unreadable", Severity.ERROR, fixed=True)
SVG_IN_MAIL = define("svg-in-mail", Severity.ERROR, fixed=True)
IMAGE_ADDRESS = define("image-address", Severity.ERROR, fixed=True)
IMAGE_REMOTE = define("image-remote", Severity.ERROR, fixed=True)
IMAGE_WITHOUT_ALT = define("image-without-alt", Severity.ERROR, fixed=True)
NO_SCHEME = define("link-without-scheme", Severity.ERROR, fixed=True)
UNSAFE_SCHEME = define("unsafe-link-scheme", Severity.ERROR, fixed=True)
BAD_LINK = define("bad-link", Severity.ERROR, fixed=True)
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
EMPTY_COMMENTARY = define("empty-commentary", Severity.ERROR, fixed=True)
