"""A provider that posts numbered mails, keeps a ledger of every answer, and judges by it what the instance holds."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from tests.faults.instance import ADDRESS, MAILGUN_KEY, SECRET, Instance

AUTHORIZATION = "Basic " + base64.b64encode(SECRET.encode()).decode()
BOUNDARY = "a-boundary-of-the-provider"
DATE = "Tue, 03 Nov 2026 10:11:12 +0000"
NO_ANSWER = 0  # in the ledger: the connection broke, or nothing listened


@dataclass(frozen=True, slots=True)
class Call:
    """One request as a provider posts it, the same bytes at every try."""

    number: int
    path: str
    content_type: str
    body: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger."""

    number: int
    sha256: str
    status: int
    seconds: float


@dataclass(slots=True)
class Ledger:
    entries: list[Entry] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, entry: Entry) -> None:
        with self.lock:
            self.entries.append(entry)

    @property
    def accepted(self) -> list[Entry]:
        return [entry for entry in self.entries if 200 <= entry.status < 300]

    @property
    def accepted_numbers(self) -> set[int]:
        return {entry.number for entry in self.accepted}

    @property
    def statuses(self) -> set[int]:
        return {entry.status for entry in self.entries}

    @property
    def slowest(self) -> float:
        return max(entry.seconds for entry in self.entries)


# Mails ---------------------------------------------------------------------------------------------------------------


def message_id(number: int) -> str:
    return f"n{number}@burst.example.net"


def raw_mail(
    number: int,
    *,
    text: str = "It worked until yesterday.",
    content_type: str = "text/plain; charset=utf-8",
    answers: int | None = None,
) -> bytes:
    """A plain mail of a sender of its own: a hundred mails of one person would be held as a loop."""
    sender = number if answers is None else answers
    lines = [
        f"Message-ID: <{message_id(number)}>",
        f"From: Customer {sender} <customer{sender}@example.net>",
        f"To: {ADDRESS}",
        f"Subject: Mail {number}",
        f"Date: {DATE}",
        "MIME-Version: 1.0",
        f"Content-Type: {content_type}",
    ]
    if answers is not None:
        lines.append(f"In-Reply-To: <{message_id(answers)}>")
    return ("\r\n".join(lines) + f"\r\n\r\n{text}\r\n").encode()


def as_postmark(number: int, raw: bytes) -> Call:
    body = {
        "FromFull": {"Email": f"customer{number}@example.net", "Name": ""},
        "OriginalRecipient": ADDRESS,
        "Headers": [],
        "RawEmail": raw.decode("ascii"),
    }
    return Call(number, "/anymail/postmark/inbound/", "application/json", json.dumps(body).encode())


def as_mailgun(number: int, raw: bytes) -> Call:
    timestamp, token = str(int(time.time())), secrets.token_hex(25)
    signature = hmac.new(MAILGUN_KEY.encode(), f"{timestamp}{token}".encode(), hashlib.sha256).hexdigest()
    fields = {
        "recipient": ADDRESS.encode(),
        "sender": f"customer{number}@example.net".encode(),
        "timestamp": timestamp.encode(),
        "token": token.encode(),
        "signature": signature.encode(),
        "body-mime": raw,
    }
    parts = [
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode() + value + b"\r\n"
        for name, value in fields.items()
    ]
    body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    return Call(number, "/anymail/mailgun/inbound_mime/", f"multipart/form-data; boundary={BOUNDARY}", body)


def numbered(numbers: Iterable[int], *, text: str = "It worked until yesterday.") -> list[Call]:
    """Mails by turns as Postmark and as Mailgun would post them."""
    return [(as_postmark if n % 2 else as_mailgun)(n, raw_mail(n, text=text)) for n in numbers]


# Posting -------------------------------------------------------------------------------------------------------------


class Provider:
    """Posts calls and writes each answer into the ledger."""

    def __init__(self, instance: Instance, *, timeout: float = 30) -> None:
        self.instance = instance
        self.timeout = timeout
        self.ledger = Ledger()

    def post(self, call: Call) -> int:
        started = time.monotonic()
        status = self._status(call)
        self.ledger.note(Entry(call.number, call.sha256, status, time.monotonic() - started))
        return status

    def _status(self, call: Call) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.instance.port, timeout=self.timeout)
        try:
            connection.request("POST", call.path, call.body, headers(call))
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return NO_ANSWER
        finally:
            connection.close()

    def post_until_accepted(self, call: Call, *, tries: int = 200, pause: float = 0.1) -> None:
        """As a provider retries, only faster."""
        for _ in range(tries):
            if 200 <= self.post(call) < 300:
                return
            time.sleep(pause)
        raise AssertionError(f"Mail {call.number} was not accepted in {tries} tries")

    def burst(self, calls: Iterable[Call], *, clients: int = 8, each: Callable[[Call], object] | None = None) -> None:
        """Post all calls from several clients; returns when every one has its last answer."""
        with ThreadPoolExecutor(clients) as pool:
            list(pool.map(each or self.post, calls))


def headers(call: Call) -> dict[str, str]:
    return {"Authorization": AUTHORIZATION, "Content-Type": call.content_type, "Connection": "close"}


# Judging -------------------------------------------------------------------------------------------------------------


def faults(instance: Instance, ledger: Ledger) -> list[str]:
    """What speaks against "nothing lost, nothing doubled". Call it when all mail is settled."""
    return [
        *_answers_without_bytes(instance, ledger),
        *_mails_lost_or_doubled(instance, ledger),
        *(f"{name}: {rows}" for name, sql in INVARIANTS.items() if (rows := instance.rows(sql))),
    ]


def _answers_without_bytes(instance: Instance, ledger: Ledger) -> list[str]:
    """I1: every 2xx has a row of its own, whose bytes are those that were posted."""
    stored: Counter[str] = Counter()
    found = []
    for sha256, content, blob in instance.rows(
        "SELECT r.sha256, r.content, r.blob_id FROM cases_inboundemail i JOIN cases_rawbody r ON r.id = i.raw_id"
    ):
        stored[sha256] += 1
        kept = bytes(content) if content is not None else instance.blob(blob)
        if hashlib.sha256(kept).hexdigest() != sha256:
            found.append(f"the stored bytes of {sha256} are others")
    promised = Counter(entry.sha256 for entry in ledger.accepted)
    found += [
        f"{sha256}: {count} times 2xx, {stored[sha256]} rows"
        for sha256, count in promised.items()
        if stored[sha256] < count
    ]
    return found


def _mails_lost_or_doubled(instance: Instance, ledger: Ledger) -> list[str]:
    written = Counter(name for (name,) in instance.rows("SELECT message_identifier FROM cases_emailmessage"))
    return [
        f"mail {number} stands {written[message_id(number)]} times"
        for number in sorted(ledger.accepted_numbers)
        if written[message_id(number)] != 1
    ]


# Each finds the rows that must not be.
INVARIANTS = {
    "I2 unsettled, or an outcome without a reason": """
        SELECT id, state FROM cases_inboundemail WHERE state IN ('received', 'processing')
        OR (state IN ('duplicate', 'held', 'quarantined', 'rejected') AND coalesce(reason, '') = '')""",
    "I3 outcome and record disagree": """
        SELECT i.id, i.state, count(m.id) FROM cases_inboundemail i
        LEFT JOIN cases_emailmessage m ON m.inbound_email_id = i.id GROUP BY i.id, i.state
        HAVING count(m.id) <> CASE WHEN i.state IN ('case', 'appended') THEN 1 ELSE 0 END""",
    "I4 one mail twice": """
        SELECT dedupe_key, count(*) FROM cases_emailmessage WHERE incoming GROUP BY dedupe_key HAVING count(*) > 1""",
    "half a case": """
        SELECT c.id FROM cases_case c WHERE c.source_id IS NULL
        OR (SELECT count(*) FROM cases_routingdecision d WHERE d.case_id = c.id AND d.kind = 'initial') <> 1
        OR (SELECT count(*) FROM cases_caseevent e WHERE e.case_id = c.id AND e.kind = 'case_opened') <> 1
        OR (SELECT count(*) FROM cases_participant p WHERE p.case_id = c.id) = 0""",
    "a case that no mail opened": """
        SELECT c.id FROM cases_case c JOIN cases_emailmessage m ON m.id = c.source_id
        JOIN cases_inboundemail i ON i.id = m.inbound_email_id WHERE i.state <> 'case' OR m.case_id <> c.id""",
}
