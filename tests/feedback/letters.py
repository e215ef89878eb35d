"""Reports of real mail servers, in the shapes that they write, about a message of ours. Names are our own."""

from __future__ import annotations

import base64
import email
from collections.abc import Callable

Mail = bytes


def headers_of(message: Mail) -> str:
    return message.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("ascii") + "\n"


def to_of(message: Mail) -> str:
    return str(email.message_from_bytes(message)["To"])


def report(
    fields: str,
    given_back: str,
    *,
    kind: str = "delivery-status",
    sender: str = "MAILER-DAEMON@mx.example.net",
    part: str = "text/rfc822-headers",
    encoding: str = "7bit",
    words: str = "It could not be delivered.",
) -> Mail:
    """A multipart/report: words for people, fields for machines, the mail that is given back."""
    if encoding == "base64":
        given_back = base64.encodebytes(given_back.encode()).decode()
    return f"""\
Return-Path: <>
From: Mail Delivery System <{sender}>
To: weekly@news.example.com
Subject: Undelivered Mail Returned to Sender
Date: Mon, 04 May 2026 08:05:00 +0000 (UTC)
Auto-Submitted: auto-generated
MIME-Version: 1.0
Content-Type: multipart/report; report-type={kind};
\tboundary="B0C3.1777881900/mx.example.net"

This is a MIME-encapsulated message.

--B0C3.1777881900/mx.example.net
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

{words}

--B0C3.1777881900/mx.example.net
Content-Type: message/{kind}

{fields}
--B0C3.1777881900/mx.example.net
Content-Type: {part}
Content-Transfer-Encoding: {encoding}

{given_back}
--B0C3.1777881900/mx.example.net--
""".encode()


def postfix(message: Mail) -> Mail:
    to = to_of(message)
    fields = f"""\
Reporting-MTA: dns; mx.example.net
X-Postfix-Queue-ID: 4B0C3
X-Postfix-Sender: rfc822; weekly@news.example.com
Arrival-Date: Mon,  4 May 2026 08:04:59 +0000 (UTC)

Final-Recipient: rfc822; {to}
Original-Recipient: rfc822;{to}
Action: failed
Status: 5.1.1
Remote-MTA: dns; mail.example.org
Diagnostic-Code: smtp; 550 5.1.1 <{to}>: Recipient address rejected:
    User unknown in virtual mailbox table
"""
    return report(fields, message.replace(b"\r\n", b"\n").decode("utf-8"), part="message/rfc822")


def postfix_delayed(message: Mail) -> Mail:
    fields = f"""\
Reporting-MTA: dns; mx.example.net
Arrival-Date: Mon,  4 May 2026 08:04:59 +0000 (UTC)

Final-Recipient: rfc822; {to_of(message)}
Action: delayed
Status: 4.4.1
Diagnostic-Code: X-Postfix; connect to mail.example.org[192.0.2.1]:25: Connection timed out
Will-Retry-Until: Sat,  9 May 2026 08:04:59 +0000 (UTC)
"""
    return report(fields, headers_of(message))


def exim(message: Mail) -> Mail:
    """Exim says 5.0.0 and leaves the rest to the words of the server."""
    to = to_of(message)
    fields = f"""\
Reporting-MTA: dns; exim.example.net

Action: failed
Final-Recipient: rfc822;{to}
Status: 5.0.0
Remote-MTA: dns; mail.example.org
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does not exist {to}
"""
    return report(fields, headers_of(message), part="message/rfc822")


def exchange(message: Mail) -> Mail:
    to = to_of(message)
    fields = f"""\
Reporting-MTA: dns;AM0PR01.prod.example.com
Received-From-MTA: dns;mx.example.net
Arrival-Date: Mon, 4 May 2026 08:05:01 +0000

Final-Recipient: rfc822;{to}
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {to} not found by SMTP address lookup
X-Display-Name: Reader
"""
    given_back = headers_of(message)
    return report(fields, given_back, encoding="base64", sender="postmaster@example.onmicrosoft.com").replace(
        b"\n", b"\r\n"
    )


def gmail(message: Mail) -> Mail:
    to = to_of(message)
    fields = f"""\
Reporting-MTA: dns; googlemail.com
Arrival-Date: Mon, 04 May 2026 01:05:02 -0700 (PDT)
X-Original-Message-ID: <x@news.example.com>

Final-Recipient: rfc822; {to}
Action: failed
Status: 4.4.1
Remote-MTA: dns; mail.example.org. (192.0.2.1, the server for the domain example.org.)
Diagnostic-Code: smtp; The recipient server did not accept our requests to connect.
Last-Attempt-Date: Mon, 04 May 2026 01:06:02 -0700 (PDT)
"""
    return report(fields, headers_of(message), part="message/rfc822", sender="mailer-daemon@googlemail.com")


def full(message: Mail) -> Mail:
    fields = f"""\
Reporting-MTA: dns; sendmail.example.net

Final-Recipient: RFC822; {to_of(message)}
Action: failed
Status: 5.2.2
Diagnostic-Code: SMTP; 552 5.2.2 Over quota
Last-Attempt-Date: Mon, 4 May 2026 08:05:03 GMT
"""
    return report(fields, headers_of(message))


def policy(message: Mail) -> Mail:
    fields = f"""\
Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; {to_of(message)}
Action: failed
Status: 5.7.26
Diagnostic-Code: smtp; 550-5.7.26 This mail has been blocked because the sender is unauthenticated.
"""
    return report(fields, headers_of(message))


def delivered(message: Mail) -> Mail:
    fields = f"""\
Reporting-MTA: dns; mx.example.net
Arrival-Date: Mon,  4 May 2026 08:04:59 +0000 (UTC)

Final-Recipient: rfc822; {to_of(message)}
Action: delivered (to mailbox)
Status: 2.0.0
"""
    return report(fields, headers_of(message))


def complaint(message: Mail, kind: str = "abuse") -> Mail:
    fields = f"""\
Feedback-Type: {kind}
User-Agent: Feedback/1.0
Version: 1
Original-Mail-From: <weekly@news.example.com>
Arrival-Date: Mon, 04 May 2026 08:10:00 +0000
Reported-Domain: news.example.com
"""
    return report(fields, message.replace(b"\r\n", b"\n").decode(), kind="feedback-report", part="message/rfc822")


def qmail(message: Mail) -> Mail:
    """qmail writes for people only."""
    return f"""\
Return-Path: <>
Date: 4 May 2026 08:05:00 -0000
From: MAILER-DAEMON@qmail.example.net
To: weekly@news.example.com
Subject: failure notice

Hi. This is the qmail-send program at qmail.example.net.
I'm afraid I wasn't able to deliver your message to the following addresses.

<{to_of(message)}>:
Sorry, no mailbox here by that name. (#5.1.1)

--- Below this line is a copy of the message.

{headers_of(message)}
""".encode()


def holiday(_message: Mail) -> Mail:
    return b"""\
From: Reader <reader9@example.com>
To: weekly@news.example.com
Subject: Out of office
Auto-Submitted: auto-replied

Back on Monday.
"""


ALL: dict[str, Callable[[Mail], Mail]] = {
    made.__name__: made
    for made in (postfix, postfix_delayed, exim, exchange, gmail, full, policy, delivered, complaint, qmail, holiday)
}
