"""One measurement in a process of its own: ``python -m tools.bench_send.one NAME ROOT PEOPLE``; prints JSON."""

from __future__ import annotations

import gc
import json
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import String, cast, func, update

from publisher.audience.tables import subscribers
from publisher.database import open_database
from publisher.delivery import mailings
from publisher.delivery.freeze import freeze
from publisher.delivery.ledger import Claim
from publisher.delivery.send import Options, envelope_factory, send
from publisher.delivery.sender import Interrupt, SendProgress
from publisher.edition.model import Slot, Slotted
from publisher.mail.message import Envelope, compose
from publisher.providers import open_transport
from tests.delivery.world import add_people, make_config, make_letter
from tools.bench_send.bare import MAILING, send_bulk

PARAGRAPH = "这是一段普通的正文，长度与一周要闻里的一则相仿，用来让消息有真实的分量。" * 6


def letter() -> Any:
    """A letter of the size of a real digest: 30 kB of HTML, 12 kB of text."""
    html = Slotted((f"<p>{PARAGRAPH}</p>" * 36, Slot.UNSUBSCRIBE_URL, "<br>", Slot.PREFERENCES_URL))
    return make_letter(html=html, text=Slotted((f"{PARAGRAPH}\n" * 16, Slot.UNSUBSCRIBE_URL, "\n")))


def transport_alone(root: Path, people: int, *, bulk: bool) -> dict[str, float]:
    """The sender's own calls from threads only: no ledger, no pace, no stored outcomes."""
    transport = open_transport(make_config(root, "ses", bulk=bulk))
    transport.open(compose(make_config(root), letter()))
    address = envelope_factory(make_config(root), letter(), MAILING)
    began, processor = time.monotonic(), time.process_time()

    def one(start: int) -> int:
        batch: list[Envelope] = []
        for n in range(start, min(start + transport.most, people)):
            claim = Claim(n, 1, f"{n:024x}", f"reader{n}@example.com", "")
            batch.append(address(f"{MAILING}-{n + 1}", claim))
        return len(transport.submit(batch))

    with ThreadPoolExecutor(transport.parallel) as pool:
        sent = sum(pool.map(one, range(0, people, transport.most)))
    return {"sent": sent, "seconds": time.monotonic() - began, "processor": time.process_time() - processor}


def varied() -> Any:
    """That letter in three variants, which the people share evenly."""
    conditions = ("not number < 2", "number < 1", "number >= 1 and number < 2")
    variants = tuple(
        replace(letter(), name=str(n), condition=one, digest=f"sha256:{n:064}") for n, one in enumerate(conditions)
    )
    return replace(letter(), variants=variants)


def ledger(root: Path, _count: int, written: Callable[[], Any] = letter) -> dict[str, float]:
    """The sender as it is. People must have been added."""
    config = make_config(root, "ses")
    database = open_database(config)
    began: list[tuple[float, float]] = []
    started = Options(started=lambda _: began.append((time.monotonic(), time.process_time())))
    sent = send(config, database, written(), started)
    seconds, processor = time.monotonic() - began[0][0], time.process_time() - began[0][1]
    return {"sent": sent.account.submitted, "seconds": seconds, "processor": processor}


def people(root: Path, count: int) -> dict[str, float]:
    """Fill the audience."""
    database = open_database(make_config(root))
    add_people(database, count)
    with database.begin() as connection:
        third = func.json_object("number", cast(subscribers.c.id % 3, String))
        connection.execute(update(subscribers).values(attributes=third))
    return {}


def freezing(root: Path, _count: int) -> dict[str, float]:
    """The freezing transaction alone."""
    database = open_database(make_config(root))
    began = time.monotonic()
    with database.begin() as connection:
        mailing = freeze(connection, letter())
    return {"sent": mailing.audience, "seconds": time.monotonic() - began}


def resuming(root: Path, _count: int) -> dict[str, float]:
    """From the call of ``send`` over a frozen mailing to the first message accepted."""
    config = make_config(root, "ses")
    database = open_database(config)
    interrupt = Interrupt()
    first: list[float] = []

    def watch(progress: SendProgress) -> None:
        if progress.submitted or progress.in_flight:
            first.append(time.monotonic())
            interrupt.request()

    began = time.monotonic()
    send(config, database, letter(), Options(interrupt=interrupt, progress=watch))
    with database.connect() as connection:
        mailing = mailings.newest(connection, letter().slug)
        assert mailing is not None
    return {"seconds": first[0] - began, "sent": mailing.audience}


MEASURES = {
    "bare-bulk": lambda root, n: send_bulk(make_config(root, "ses"), letter(), n),
    "transport": lambda root, n: transport_alone(root, n, bulk=True),
    "one-by-one": lambda root, n: transport_alone(root, n, bulk=False),
    "ledger": ledger,
    "variants": lambda root, n: ledger(root, n, varied),
    "people": people,
    "freeze": freezing,
    "resume": resuming,
}


def main() -> None:
    """Measure and print."""
    gc.set_threshold(50_000, 20, 50)  # as publisher.cli.app has it; for the bare loop too
    name, root, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    found = MEASURES[name](root, count)
    found["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


if __name__ == "__main__":
    main()
