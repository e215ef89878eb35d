"""From a committed file to an inbox, through the real commands on the embedded defaults."""

from __future__ import annotations

import email
import email.policy
import json
from pathlib import Path

from .conftest import CONFIG, Newsletter

SLUG = "2024-12-29-weekly"
COUNTS = ("audience", "excluded", "pending", "claimed", "submitted", "rejected", "uncertain")


def outbox(newsletter: Newsletter) -> list[Path]:
    return sorted((newsletter.root / "outbox" / SLUG).glob("*.eml"))


def test_send_writes_one_message_a_recipient_and_never_a_second(newsletter: Newsletter) -> None:
    newsletter.issue()
    newsletter.subscribers("ann@example.com", "ben@example.com", "cy@example.com")
    assert newsletter.run("send", SLUG).status == 0
    first = {p.name: p.read_bytes() for p in outbox(newsletter)}
    assert len(first) == 3
    assert newsletter.run("send", SLUG).status == 0
    assert {p.name: p.read_bytes() for p in outbox(newsletter)} == first


def test_status_accounts_for_everybody(newsletter: Newsletter) -> None:
    newsletter.issue()
    newsletter.subscribers("ann@example.com", "ben@example.com", "cy@example.com")
    before = newsletter.run("status", SLUG, "--format", "json").json
    assert before["state"] == "new"
    assert all(before[c] == 0 for c in COUNTS)
    newsletter.run("subscribers", "remove", "cy@example.com")
    assert newsletter.run("send", SLUG).status == 0
    after = newsletter.run("status", SLUG, "--format", "json").json
    assert after["issue"] == SLUG
    assert after["digest"].startswith("sha256:")
    assert after["audience"] == sum(after[c] for c in COUNTS[1:])
    assert (after["submitted"], after["excluded"]) == (2, after["audience"] - 2)
    assert sum(after["excluded_by_reason"].values()) == after["excluded"]
    assert [after[c] for c in ("delivered", "bounced", "complained")] == [0, 0, 0]
    listed = newsletter.run("status", "--format", "json").json
    assert [row["issue"] for row in listed] == [SLUG]


def test_a_message_is_what_a_mail_provider_asks_for(newsletter: Newsletter) -> None:
    newsletter.issue()
    newsletter.subscribers("ann@example.com")
    assert newsletter.run("send", SLUG).status == 0
    message = email.message_from_bytes(outbox(newsletter)[0].read_bytes(), policy=email.policy.default)
    assert message["to"].addresses[0].addr_spec == "ann@example.com"
    assert message["from"].addresses[0].display_name == "AI 周报"
    assert message["subject"] == "一周"
    assert message["list-unsubscribe"].startswith("<https://letters.weekly.test/unsubscribe/")
    assert message["list-unsubscribe-post"] == "List-Unsubscribe=One-Click"
    assert message["list-id"]
    assert message["message-id"]
    assert message["date"]
    assert message["x-publisher-edition"].startswith("sha256:")
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "text/html"]
    link = message["list-unsubscribe"].split(">")[0][1:]
    for part in message.iter_parts():
        assert link in part.get_content()
    assert "ann@example.com" not in str(message["x-publisher-edition"]) + str(message["list-id"])


def test_excluded_have_their_reason(newsletter: Newsletter) -> None:
    newsletter.issue()
    newsletter.subscribers("ann@example.com", "ben@example.com", "Ann@example.com")
    assert newsletter.run("suppressions", "add", "ben@example.com").status == 0
    assert newsletter.run("send", SLUG).status == 0
    status = newsletter.run("status", SLUG, "--format", "json").json
    assert status["submitted"] == 1
    assert sum(status["excluded_by_reason"].values()) == 2
    assert len(status["excluded_by_reason"]) == 2


def test_a_dry_run_and_a_test_leave_the_account_alone(newsletter: Newsletter) -> None:
    newsletter.issue()
    newsletter.subscribers("ann@example.com")
    assert newsletter.run("send", SLUG, "--dry-run").status == 0
    assert outbox(newsletter) == []
    assert newsletter.run("send", SLUG, "--test", "editor@example.com").status == 0
    assert newsletter.run("status", SLUG, "--format", "json").json["state"] == "new"


def test_events_settle_and_suppress(newsletter: Newsletter) -> None:
    newsletter.issue()
    newsletter.subscribers("ann@example.com", "ben@example.com", "cy@example.com")
    assert newsletter.run("send", SLUG).status == 0
    ids = {}
    for path in outbox(newsletter):
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        ids[message["to"].addresses[0].addr_spec] = path.stem
    mail = {"timestamp": "2024-12-29T01:00:00.000Z", "source": "weekly@news.weekly.test"}

    def event(kind: str, address: str, **more: object) -> str:
        tags = {"recipient": [ids[address]]}
        return json.dumps(
            {
                "eventType": kind,
                "mail": mail | {"messageId": f"m-{ids[address]}", "destination": [address], "tags": tags},
            }
            | more
        )

    at = "2024-12-29T01:00:05.000Z"
    bounced = {"bounceType": "Permanent", "bounceSubType": "General", "timestamp": at, "feedbackId": "f1"}
    complained = {"timestamp": at, "feedbackId": "f2", "complainedRecipients": [{"emailAddress": "cy@example.com"}]}
    lines = [
        event("Delivery", "ann@example.com", delivery={"timestamp": at, "recipients": ["ann@example.com"]}),
        event(
            "Bounce", "ben@example.com", bounce=bounced | {"bouncedRecipients": [{"emailAddress": "ben@example.com"}]}
        ),
        event("Complaint", "cy@example.com", complaint=complained),
    ]
    newsletter.write("events.jsonl", "\n".join(lines * 2) + "\n")
    assert newsletter.run("events", "apply", "events.jsonl").status == 0
    status = newsletter.run("status", SLUG, "--format", "json").json
    assert (status["delivered"], status["bounced"], status["complained"]) == (1, 1, 1)
    listed = newsletter.run("suppressions", "list").out
    assert "ben@example.com" in listed
    assert "cy@example.com" in listed


def test_publish_is_safe_to_repeat(newsletter: Newsletter) -> None:
    newsletter.issue()
    newsletter.subscribers("ann@example.com", "ben@example.com")
    assert newsletter.run("publish", "--unmailed", "all").status == 0  # it is dated long ago
    first = {p.name: p.read_bytes() for p in outbox(newsletter)}
    assert len(first) == 2
    assert newsletter.run("publish").status == 0
    assert {p.name: p.read_bytes() for p in outbox(newsletter)} == first


def test_no_address_reaches_the_site_or_the_log(newsletter: Newsletter) -> None:
    newsletter.issue()
    newsletter.subscribers("ann@example.com")
    ran = newsletter.run("publish", "--unmailed", "all")
    assert ran.status == 0
    assert "ann@example.com" not in ran.out + ran.err
    assert [p for p in (newsletter.root / "dist").rglob("*") if p.is_file() and b"ann@example" in p.read_bytes()] == []


def test_smtp_without_a_service_url_is_refused(newsletter: Newsletter) -> None:
    newsletter.issue()
    newsletter.write("config.yaml", CONFIG.split("service:")[0] + "delivery: {transport: smtp}\n")
    assert newsletter.run("check").status == 2
