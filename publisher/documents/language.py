"""Language tags that editors write."""

from __future__ import annotations

from publisher.diagnostics import say
from publisher.documents.validate import BAD_VALUE, refuse
from publisher.language import canonical
from publisher.language.tags import is_language


def canonical_language(tag: str) -> str:
    """The tag in canonical form (``zh-cn`` → ``zh-CN``). Raises a finding where it is none, or of no known language."""
    found = canonical(tag)
    if found is None:
        better = tag.strip().split(".")[0].replace("_", "-")
        advice = say("write {words}", words=known) if (known := canonical(better)) else say("write zh-CN, en or ja")
        raise refuse(BAD_VALUE, say("{tag!r} is no language tag (BCP 47)", tag=tag), advice)
    if not is_language(found.split("-")[0]):
        raise refuse(
            BAD_VALUE,
            say("there is no language {language!r}", language=tag.strip().split("-")[0]),
            say("write a tag such as zh-CN, en or ja"),
        )
    return found
