"""A run killed with SIGKILL at every possible moment, then repeated: one deployment, one mailing, nothing twice."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from .newsroom import PEOPLE, SLUG, Newsroom, config, digest_in, git

pytestmark = pytest.mark.chaos


def copy(room: Newsroom, to: Path, number: int) -> Newsroom:
    """The same newsroom again, with a bucket and readers of its own."""
    bucket = f"archive-{number}"
    shutil.copytree(room.root, to)
    made = Newsroom(to, room.aws, room.ses, room.edge, room.zygote, bucket, room.environment)
    where = {"LocationConstraint": "eu-west-1"}
    room.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
    made.newsletter.write("config.yaml", config(room.edge.url, bucket))
    git(to, "commit", "-qam", f"Move to {bucket}")
    people = readers(number)
    engine = create_engine(f"sqlite:///{to}/.publisher/publisher.db")
    with engine.begin() as connection:
        for old, new in zip(PEOPLE, people, strict=True):
            values = {"old": old, "new": new}
            columns = "address = :new, address_key = :new, mailbox_key = :new"
            connection.execute(text(f"UPDATE subscribers SET {columns} WHERE address = :old"), values)
    engine.dispose()
    return made


def readers(number: int) -> tuple[str, ...]:
    return tuple(f"{number}-{name}" for name in PEOPLE)


def account(room: Newsroom) -> dict[str, int]:
    engine = create_engine(f"sqlite:///{room.root}/.publisher/publisher.db")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM mailings")).scalar_one() == 1
        rows = connection.execute(text("SELECT state, count(*) FROM recipients GROUP BY state")).all()
    engine.dispose()
    return {row[0]: row[1] for row in rows}


def run(room: Newsroom, **more: Any) -> dict[str, Any]:
    return room.zygote.run(room.root, "publish", environment=room.environment, watch=True, **more)


def test_killed_at_every_moment_and_repeated(newsroom: Newsroom, tmp_path: Path) -> None:
    newsroom.set_up()
    newsroom.subscribers(*PEOPLE)
    newsroom.issue()
    newsroom.commit("The issue")
    whole = run(copy(newsroom, tmp_path / "whole", 0))
    assert whole["status"] == 0, whole["err"]
    moments = whole["moments"]
    assert sum("outbound-bulk" in m for m in moments) == 1
    unknown = []
    for number, moment in enumerate(moments, start=1):
        room = copy(newsroom, tmp_path / str(number), number)
        newsroom.aws.calls.clear()
        killed = run(room, kill=number)
        assert killed["status"] == -9, (moment, killed)
        again = run(room)
        assert again["status"] in {0, 1}, (moment, again["err"])
        states = account(room)
        assert sum(states.values()) == len(PEOPLE), (moment, states)
        got = Counter(m.to for m in room.ses.account.accepted if m.to in readers(number))
        assert not [who for who, times in got.items() if times > 1], moment
        # Who is uncertain may or may not have it; everybody else has it, once.
        assert set(states) <= {"submitted", "uncertain"}, (moment, states)
        assert again["status"] == (1 if states.get("uncertain") else 0), (moment, again["err"])
        assert len(got) >= states.get("submitted", 0), moment
        unknown += [number] if "uncertain" in states else []
        puts = Counter(room.puts())
        assert [key for key, times in puts.items() if times > 1] == [], moment
        assert digest_in(room.page(SLUG) or ""), moment
    # Only from the claim to the record of its outcome is it ever open who got it.
    assert unknown == list(range(unknown[0], unknown[0] + len(unknown)))
    assert any("outbound-bulk" in moments[at - 1] for at in unknown)
    assert len(unknown) <= 4
    third = run(room)
    assert (third["status"], room.puts()) == (0, [])
