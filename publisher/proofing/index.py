"""Index of a store: one file with the data of every issue that a list and a report need.

It is read without importing the models of config.yaml and of editions, which takes longer than the comparison.
"""

import hashlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgpack

from publisher.diagnostics import Diagnostic, Severity, Span
from publisher.diagnostics.model import PASSING
from publisher.diagnostics.sentences import from_stored, to_stored

SUM = 16  # bytes of a checksum, which detects damage, not forgery


class IndexRow(NamedTuple):
    """Row of an issue in the index: the key of its entry (empty if it has none), whether it is a draft, its findings
    as judged among the others, the facts for the rules across issues, and the light part of its edition (empty if it
    has none). If the issue was read only to judge others, ``findings`` is None and ``key`` is the key of its facts.
    """

    key: bytes
    draft: bool
    findings: tuple[Diagnostic, ...] | None
    facts: bytes
    light: bytes

    @property
    def lasts(self) -> bool:
        """Whether the findings stay valid as long as no content changes."""
        return self.findings is not None and all(finding.code not in PASSING for finding in self.findings)


def read_index(file: Path, common: bytes) -> dict[str, IndexRow]:
    """Return the rows by slug if they were written for ``common``; empty if the file is missing, stale or damaged."""
    try:
        held = file.read_bytes()
        if held[:32] != common or checksum(held[32 + SUM :]) != held[32 : 32 + SUM]:
            return {}
        rows = msgpack.unpackb(held[32 + SUM :])
        return {
            slug: IndexRow(key, draft, None if findings is None else as_findings(findings), facts, light)
            for slug, (key, draft, findings, facts, light) in rows.items()
        }
    except Exception:  # damaged bytes can raise any exception
        return {}


def write_index(file: Path, common: bytes, rows: Mapping[str, IndexRow]) -> None:
    """Write the rows. A write error is ignored: the next run only takes longer."""
    from publisher.documents.atomic import write_file  # loaded only if something has changed

    found = {slug: None if row.findings is None else as_data(row.findings) for slug, row in rows.items()}
    packed = msgpack.packb({slug: (*row[:2], found[slug], *row[3:]) for slug, row in rows.items()})
    with suppress(OSError):
        write_file(file, common + checksum(packed) + packed)


def key_of_issue(common: bytes, slug: str, digest: bytes, beside: bytes = b"") -> bytes:
    """The key of an entry: a hash of ``common``, for all inputs that issues share, the digest of the issue's folder,
    and ``beside``, for the other issues that the edition depends on.
    """
    return hashlib.sha256(b"%b%b %b%b" % (common, slug.encode(), digest, beside)).digest()


def checksum(content: bytes) -> bytes:
    """Checksum that detects damaged bytes."""
    return hashlib.blake2b(content, digest_size=SUM).digest()


def as_data(findings: Iterable[Diagnostic]) -> list[Any]:
    """Convert findings to plain data."""
    return [(f.path, f.span, f.severity, f.code, to_stored(f.message), f.help and to_stored(f.help)) for f in findings]


def as_findings(data: Iterable[Any]) -> tuple[Diagnostic, ...]:
    """Restore findings from :func:`as_data`. Invalid data raise any exception."""
    return tuple(
        Diagnostic(
            str(path), Span(*map(int, span)), Severity(severity), str(code), from_stored(message), from_stored(advice)
        )
        for path, span, severity, code, message, advice in data
    )
