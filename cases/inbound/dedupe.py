"""Which mails are one mail? Pure.

The key covers Message-ID, From and Date together, so that somebody who borrows a Message-ID hides no mail, and every
delivery of one mail - a provider's retry, a replay, a second routing address - has the same key.
"""

from __future__ import annotations

import hashlib

from cases.inbound.parsed import ParsedEmail


def dedupe_key(email: ParsedEmail) -> str:
    """64 hex characters: hash(Message-ID, From, Date), or hash(From, Date, Subject, body) without a Message-ID."""
    sender = "\n".join(person.address for person in email.senders)
    date = email.date.isoformat() if email.date else email.header("Date").strip()
    if email.message_id:
        parts = ["id", email.message_id, sender, date]
    else:
        files = [hashlib.sha256(file.content).hexdigest() for file in email.attachments]
        parts = ["content", sender, date, email.subject, email.text_body, email.html_body, *files]
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def thread_root(email: ParsedEmail) -> str:
    """The id that all mails of a thread share when their headers are whole: what workers lock. "" = none."""
    for ids in (email.references, email.in_reply_to, (email.message_id,)):
        if ids and ids[0]:
            return ids[0].lower()
    return ""
