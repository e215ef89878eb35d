"""What feedback shows that an operator has to hear of, as tripwires."""

from __future__ import annotations

from publisher.database import Database
from publisher.delivery.mailings import newest
from publisher.delivery.tripwires import Tripped, after_the_fact
from publisher.feedback.apply import Applied


def tripped_by(database: Database, applied: Applied) -> list[Tripped]:
    """What a run of events set off: second copies, and messages refused for what is in them."""
    found: list[Tripped] = []
    with database.connect() as connection:
        for slug in sorted({slug for slug, _recipient in applied.second_copies}):
            if mailing := newest(connection, slug):
                found += after_the_fact(connection, mailing)
    for slug, count in sorted(applied.content_faults.items()):
        saw = f"{count} receiving servers refused {slug or 'a message'} for what is in it"
        advice = "look at its size, links and attachments; the addresses are not to blame and stay"
        found.append(Tripped("content-refused", slug, saw, advice, stops=False))
    for slug, count in sorted(applied.never_mailed.items()):
        saw = f"the provider accepted {count} messages of {slug or 'no issue here'} and then did not mail them"
        advice = "they count as rejected; publisher report says why"
        found.append(Tripped("never-mailed", slug, saw, advice, stops=False))
    return found
