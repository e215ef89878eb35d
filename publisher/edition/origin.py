"""Who or what wrote the texts of an issue: the labels for readers, and the records in pages and files.

Measures for labelling AI-generated content, in force in China since 1 September 2025, and GB 45438-2025: a visible
label and the metadata key ``AIGC``. Regulation (EU) 2024/1689, Art. 50(4), since 2 August 2026: disclosure, unless a
person reviewed the text and takes responsibility for it. None of this is legal advice: docs/provenance.md.
"""

import re
from collections.abc import Iterator

from publisher.config import Config
from publisher.edition.model import EditionOrigin
from publisher.issue.markdown.cjk import one_line
from publisher.issue.model import Grade, Issue, Origin
from publisher.language import Locale

_SAYS_AI = re.compile(r"(?<![A-Za-z])AI(?![A-Za-z])|人工智[能慧]")
IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def origins_of(issue: Issue) -> Iterator[tuple[str, Origin, str]]:
    """Yield each text that a model wrote: its name, its origin, and the file that contains it.

    The name is ``issue``, ``intro``, ``key_points``, an item's anchor, or anchor and part: ``openai-pbc.body``.
    """
    given = dict(issue.generated)
    points = issue.key_points
    if points and points.points and points.generated_by and not given.keys() & {"", "key_points"}:
        given["key_points"] = Origin(points.generated_by)
    for part, origin in given.items():
        yield part or "issue", origin, issue.places.path
    for item in issue.items:
        for part, origin in item.generated:
            yield f"{item.anchor}.{part}" if part else item.anchor, origin, item.places.path


def record(issue: Issue) -> tuple[EditionOrigin, ...]:
    """The origins in the form that the edition stores."""
    return tuple(
        EditionOrigin(where, one_line(origin.by), origin.grade.value, tuple(map(one_line, origin.reviewed_by)))
        for where, origin, _path in origins_of(issue)
    )


class Labels:
    """Labels of generated texts, in one language."""

    def __init__(self, words: Locale, config: Config) -> None:
        self._words, self._ai = words, config.newsletter.name_models == "ai"

    def model(self, name: str) -> str:
        """A model's name; with ``name_models: ai``, marked as AI unless the name says so."""
        name = one_line(name)
        return f"AI（{name}）" if self._ai and not _SAYS_AI.search(name) else name

    def of(self, origin: Origin, part: str = "") -> str:
        """One line: what the model did, its name, the reviewers. The label of a headline or a whole issue says so."""
        label = self._words(f"origin_{origin.grade}", model=self.model(origin.by))
        if origin.reviewed_by:
            names = self._words.join(tuple(map(one_line, origin.reviewed_by)))
            label = self._words("origin_reviewed", label=label, names=names)
        return self._words(f"origin_{part}", label=label) if part in {"headline", "issue"} else label


def source_type(origins: tuple[EditionOrigin, ...]) -> str:
    """Digital source type of a page (IPTC NewsCodes): written by a model, with its help, or in part by one."""
    if all(origin.grade == Grade.ASSISTED for origin in origins):
        return IPTC + "algorithmicallyEnhanced"
    whole = any(origin.where == "issue" and origin.grade != Grade.ASSISTED for origin in origins)
    return IPTC + ("trainedAlgorithmicMedia" if whole else "compositeWithTrainedAlgorithmicMedia")
