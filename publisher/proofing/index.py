"""The index of a store: of every issue what a list and a report need, in one file.

It is read without the models of config.yaml and of editions, which take longer to load than to find nothing changed.
"""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgpack

from publisher.diagnostics import Diagnostic, Severity, Span
from publisher.diagnostics.model import UNTIL_LATER
from publisher.diagnostics.sentences import kept, revived

SUM = 16  # bytes of a checksum; it guards against damage, not against an enemy


class IndexRow(NamedTuple):
    """What the index holds of an issue: the key of its entry (empty where it has none), whether it is a draft, its
    findings as judged among the others, what the rules across issues look at, and the light part of its edition (empty
    where it has none). Where it was but read for another's sake, ``findings`` is None, and the key that of its facts.
    """

    key: bytes
    draft: bool
    findings: tuple[Diagnostic, ...] | None
    facts: bytes
    light: bytes

    @property
    def lasts(self) -> bool:
        """Whether its findings hold for as long as no content changes."""
        return self.findings is not None and all(finding.code != UNTIL_LATER for finding in self.findings)


def read_index(file: Path, common: bytes) -> dict[str, IndexRow]:
    """The rows by slug that were kept for ``common``; none where there are none, or none that can be used."""
    try:
        held = file.read_bytes()
        if held[:32] != common or checksum(held[32 + SUM :]) != held[32 : 32 + SUM]:
            return {}
        rows = msgpack.unpackb(held[32 + SUM :])
        return {
            slug: IndexRow(key, draft, None if findings is None else as_findings(findings), facts, light)
            for slug, (key, draft, findings, facts, light) in rows.items()
        }
    except Exception:  # damaged bytes fail in any way there is
        return {}


def write_index(file: Path, common: bytes, rows: Mapping[str, IndexRow]) -> None:
    """Keep the rows. A disk that refuses costs time, not correctness."""
    from publisher.documents.atomic import write_file  # a run that finds nothing changed writes nothing

    found = {slug: None if row.findings is None else as_data(row.findings) for slug, row in rows.items()}
    packed = msgpack.packb({slug: (*row[:2], found[slug], *row[3:]) for slug, row in rows.items()})
    with suppress(OSError):
        write_file(file, common + checksum(packed) + packed)


def key_of_issue(common: bytes, slug: str, digest: bytes, beside: bytes = b"") -> bytes:
    """What an entry is found by: ``common``, for all that issues share, the digest of the issue's folder, and what
    stands for the issues ``beside`` it that it follows from.
    """
    return hashlib.sha256(b"%b%b %b%b" % (common, slug.encode(), digest, beside)).digest()


def checksum(content: bytes) -> bytes:
    """What tells damaged bytes."""
    return hashlib.blake2b(content, digest_size=SUM).digest()


def as_data(findings: Iterable[Diagnostic]) -> list[Any]:
    """Findings as plain data."""
    return [(f.path, f.span, f.severity, f.code, kept(f.message), f.help and kept(f.help)) for f in findings]


def as_findings(data: Iterable[Any]) -> tuple[Diagnostic, ...]:
    """What :func:`as_data` made plain. Raises whatever wrong data lead to."""
    return tuple(
        Diagnostic(str(path), Span(*map(int, span)), Severity(severity), str(code), revived(message), revived(advice))
        for path, span, severity, code, message, advice in data
    )
