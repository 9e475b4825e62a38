"""What must be true of the database at any quiet moment, as SQL that finds the rows for which it is not.

For tests that throw anything at the project: call `assert_invariants()` at the end. Runs on SQLite and PostgreSQL.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from cases.inbound.accept import raw_bytes
from cases.models import RawBody

__all__ = ["assert_invariants", "broken_invariants"]

UNSETTLED_FOR = timedelta(minutes=5)

# Each finds broken rows: (what is wrong, key, more). %(late)s: what was received before this should be settled.
INVARIANTS: dict[str, str] = {
    "I2 every mail is settled in time, every refusal has a reason": """
        SELECT id, state, reason FROM cases_inboundemail
        WHERE (state IN ('received', 'processing') AND received_at < %(late)s AND lease_until IS NULL)
           OR (state IN ('duplicate', 'held', 'quarantined', 'rejected') AND reason = '')
    """,
    "I2 every settled mail has a trail": """
        SELECT id, state FROM cases_inboundemail
        WHERE state NOT IN ('received', 'processing') AND CAST(trail AS text) = '[]'
    """,
    "I3 a mail is on a case if and only if its outcome says so, and once": """
        SELECT d.id, d.state, count(m.id) FROM cases_inboundemail d
        LEFT JOIN cases_emailmessage m ON m.inbound_email_id = d.id GROUP BY d.id, d.state
        HAVING count(m.id) <> CASE WHEN d.state IN ('case', 'appended') THEN 1 ELSE 0 END
    """,
    "I3 every case has one first owner's decision": """
        SELECT c.id, count(d.id) FROM cases_case c
        LEFT JOIN cases_routingdecision d ON d.case_id = c.id AND d.kind = 'initial'
        GROUP BY c.id HAVING count(d.id) <> 1
    """,
    "I4 one mail per key": """
        SELECT dedupe_key, count(*) FROM cases_emailmessage WHERE incoming GROUP BY dedupe_key HAVING count(*) > 1
    """,
    # "merged" stands for the proof of the case that was merged: a strong one when the sender is flagged or a machine.
    "I5 nobody is appended without authority": """
        SELECT m.id, m.thread_basis FROM cases_emailmessage m JOIN cases_inboundemail d ON d.id = m.inbound_email_id
        WHERE d.state = 'appended' AND m.approved_by_id IS NULL AND NOT (
            m.thread_basis IN ('reply_address', 'our_message_id', 'token_body', 'token_subject')
            OR (m.thread_basis IN ('their_message_id', 'thread_index', 'merged') AND m.sender_is_participant)
            OR (m.thread_basis = 'merged' AND (m.is_automatic OR CAST(m.flags AS text) LIKE %(new_participant)s))
        )
    """,
    "I5 nobody whose domain disowns the mail takes part by it": """
        SELECT m.id, m.dmarc FROM cases_emailmessage m JOIN cases_inboundemail d ON d.id = m.inbound_email_id
        WHERE d.state = 'appended' AND m.dmarc = 'fail' AND m.sender_is_participant AND m.approved_by_id IS NULL
    """,
    "I6 every send from an address was verified and allowed at that moment": """
        SELECT o.id, o.state FROM cases_outbox o JOIN routing_routingaddress a ON a.id = o.from_address_id
        LEFT JOIN cases_senddecision p ON p.outbox_id = o.id AND p.stage = 'send' AND p.allowed
        WHERE o.state IN ('sent', 'uncertain')
          AND (p.id IS NULL OR a.verified_at IS NULL OR (o.sent_at IS NOT NULL AND a.verified_at > o.sent_at))
    """,
    "I6 every reply has an address of ours that it leaves from": """
        SELECT id, state FROM cases_outbox WHERE kind = 'reply' AND from_address_id IS NULL
    """,
    "I8 no automatic mail answers a machine, or somebody whom nothing proves": """
        SELECT o.id, m.automatic_kind FROM cases_outbox o
        LEFT JOIN cases_emailmessage m ON m.inbound_email_id = o.answers_id
        WHERE o.kind = 'auto' AND (m.id IS NULL OR m.is_automatic OR m.dmarc <> 'pass')
    """,
    "I8 an automatic answer goes to the one who wrote, and to nobody else": """
        SELECT o.id, o.recipient FROM cases_outbox o JOIN cases_emailmessage m ON m.inbound_email_id = o.answers_id
        JOIN cases_emailaddress a ON a.email_message_id = o.email_message_id AND a.role <> 'reply_to'
        WHERE o.kind = 'auto' AND (o.recipient <> m.from_address OR a.role <> 'to' OR a.address <> o.recipient)
    """,
    "I8 nobody gets more automatic mail in a day than the budget": """
        SELECT recipient, count(*) FROM cases_outbox
        WHERE (kind = 'auto' OR (kind = 'notice' AND case_id IS NULL)) AND state <> 'cancelled'
          AND created_at > %(yesterday)s
        GROUP BY recipient
        HAVING count(*) > (SELECT automatic_mail_recipient_budget FROM routing_emailtocasesettings WHERE id = 1)
    """,
}


def broken_invariants(ledger: Iterable[tuple[str, int]] = ()) -> dict[str, list[Any]]:
    """The broken rows by invariant; empty when all hold.

    `ledger`: (sha256 of the body, status of the answer) of every request that was posted, for I1: each 2xx has its
    bytes. The stored bytes are hashed again in any case.
    """
    parameters = {"late": timezone.now() - UNSETTLED_FOR, "new_participant": "%new_participant%"}
    parameters["yesterday"] = timezone.now() - timedelta(days=1)
    broken: dict[str, list[Any]] = {}
    stored = set()
    for raw in RawBody.objects.select_related("blob").iterator(chunk_size=100):
        content = raw_bytes(raw)
        stored.add(raw.sha256)
        if (hashlib.sha256(content).hexdigest(), len(content)) != (raw.sha256, raw.size):
            broken.setdefault("I1 stored bytes are those that were hashed", []).append(raw.pk)
    lost = [sha256 for sha256, status in ledger if 200 <= status <= 299 and sha256 not in stored]
    if lost:
        broken["I1 every 2xx has its bytes"] = lost
    with connection.cursor() as cursor:
        for name, sql in INVARIANTS.items():
            used = {key: value for key, value in parameters.items() if f"%({key})s" in sql}
            cursor.execute(sql, used or None)
            if rows := cursor.fetchall():
                broken[name] = rows
    return broken


def assert_invariants(ledger: Iterable[tuple[str, int]] = ()) -> None:
    """`ledger` as for `broken_invariants`. Mail that is being settled at this moment is nobody's fault."""
    assert broken_invariants(ledger) == {}
