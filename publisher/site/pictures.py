"""The copies of pictures that pages show: files of the archive, made once, on every core where it pays."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from publisher.edition.model import Edition, Front
from publisher.edition.page_copy import MADE_BY, copies, page_copies
from publisher.proofing.together import cores, workers
from publisher.site.model import Target, key_of
from publisher.site.output import keep_in

_WORTH_PROCESSES = 8  # pictures

Scaled = dict[Front, Edition]
"""The pictures that have copies, each with an edition that holds it."""


def scaled(editions: Iterable[Edition]) -> Scaled:
    """The pictures of ``editions`` that have copies."""
    return {front: edition for edition in editions for front in edition.media if front.scaled}


def copy_targets(pictures: Scaled) -> Iterator[Target]:
    """A file a copy."""
    held: dict[str, bytes] = {}  # of the last picture
    for front, edition in pictures.items():
        for path, key in _keys(front).items():
            yield Target.under(path, key, partial(_copy, held, front, edition, path), costly=True)


def make_ahead(pictures: Scaled, cache: Path) -> None:
    """Have the copies of many pictures in ``cache`` before they are asked for one by one."""
    with suppress(OSError, RuntimeError):  # a pool that broke: they are made one by one
        known = {*os.listdir(cache)} if cache.is_dir() else set()  # noqa: PTH208 - thousands of names
        lacking = [front for front in pictures if not known.issuperset(_keys(front).values())]
        if len(lacking) < _WORTH_PROCESSES:
            return
        with workers(cores()) as pool:
            for at in range(0, len(lacking), _WORTH_PROCESSES):  # so many originals are in memory
                some = lacking[at : at + _WORTH_PROCESSES]
                for front, made in zip(
                    some, pool.map(page_copies, some, [pictures[one].bytes_of(one.name) for one in some]), strict=True
                ):
                    for path, key in _keys(front).items():
                        keep_in(cache, key, made[path])


def _keys(front: Front) -> dict[str, str]:
    return {path: key_of(b"", path, MADE_BY) for made in copies(front).values() for path, _ in made}


def _copy(held: dict[str, bytes], front: Front, edition: Edition, path: str) -> bytes:
    if path not in held:
        held.clear()
        held.update(page_copies(front, edition.bytes_of(front.name)))
    return held[path]
