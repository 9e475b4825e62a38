"""Mail and cases as JSON, to the letter of docs/json.md. Absent values are null, times ISO 8601 UTC, lists oldest
first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from cases.inbound.decision import ReadEmail
from cases.inbound.parsed import Bounce, ForwardedOriginal, MailAddress
from cases.inbound.settled import Settled
from cases.mail_html import safe_html
from cases.models import Case, CaseTask, EmailMessage, RoutingDecision

Json = dict[str, Any]


def time_json(value: datetime | None) -> str | None:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value else None


def bracketed(identifier: str) -> str | None:
    """A Message-ID as it stands in a header, angle brackets and all; null when there is none."""
    return f"<{identifier}>" if identifier else None


def ids_json(identifiers: Iterable[str]) -> list[str]:
    return [f"<{identifier}>" for identifier in identifiers if identifier]


def person_json(name: str, address: str) -> Json | None:
    return {"name": name or None, "address": address} if address else None


def people_json(people: Iterable[MailAddress]) -> list[Json]:
    return [{"name": person.name or None, "address": person.address} for person in people]


def bounce_json(bounce: Bounce | None) -> Json | None:
    if bounce is None:
        return None
    return {
        "recipients": list(bounce.recipients),
        "status": bounce.status or None,
        "hard": bounce.hard,
        "delayed": bounce.delayed,
        "reason": bounce.reason or None,
        "original_message_id": bracketed(bounce.original_message_id),
    }


def forwarded_json(forwarded: ForwardedOriginal | None) -> Json | None:
    if forwarded is None:
        return None
    return {
        "from_name": forwarded.from_name or None,
        "from_address": forwarded.from_address or None,
        "subject": forwarded.subject or None,
        "date": forwarded.date or None,
        "to": forwarded.to or None,
        "body": forwarded.body or None,
        "comment": forwarded.comment or None,
    }


def read_mail_json(
    mail: ReadEmail, *, message: EmailMessage | None, thread_basis: str, received_at: datetime | None
) -> Json:
    """`message` of an ingest line: a mail as read, whatever its outcome; ids and states only when it is on a case."""
    email, analysis = mail.email, mail.analysis
    authentication = analysis.authentication
    return {
        "id": message.pk if message else None,
        "incoming": True,
        "status": message.status if message else None,
        "from": person_json(email.sender.name, email.sender.address) if email.sender else None,
        "to": people_json(email.to),
        "cc": people_json(email.cc),
        "bcc": people_json(email.bcc),
        "reply_to": people_json(email.reply_to),
        "subject": email.subject,
        "text": email.text_body or None,
        "html": email.html_body or None,
        "html_safe": safe_html(email.html_body, inline_urls={}).html if email.html_body else None,
        "reply_text": analysis.reply_text or None,
        "forwarded_original": forwarded_json(analysis.forwarded),
        "bounce": bounce_json(analysis.bounce),
        "is_automatic": analysis.is_automatic,
        "automatic_kind": analysis.automatic_kind or None,
        "authentication": {
            "spf": authentication.spf,
            "dkim": authentication.dkim,
            "dmarc": authentication.dmarc,
            "by": authentication.by,
        },
        "message_identifier": bracketed(email.message_id),
        "in_reply_to": " ".join(ids_json(email.in_reply_to)) or None,
        "references": ids_json(email.references),
        "thread_basis": thread_basis,
        "date": time_json(email.date),
        "received_at": time_json(received_at),
        "headers": [list(header) for header in email.headers] if message is not None and message.headers else None,
        "attachments": [
            {
                "file_name": file.file_name or None,
                "content_type": file.content_type,
                "size": len(file.content),
                "sha256": hashlib.sha256(file.content).hexdigest(),
                "inline": file.inline,
                "content_id": file.content_id or None,
            }
            for file in email.attachments
        ],
        "deliveries": [],
        "created_by": None,
        "defects": list(email.defects),
    }


def settled_json(settled: Settled, *, file: str, sha256: str, full: bool) -> Json:
    """One line of `ingest`."""
    mail = settled.mail
    case = settled.case
    analysis = mail.analysis if mail else None
    thread_basis = settled.thread_basis
    line: Json = {
        "file": file,
        "sha256": sha256,
        "inbound_id": settled.inbound.pk,
        "outcome": settled.state or None,
        "reason": settled.reason or None,
        "because": settled.because or None,
        "case": str(case.number) if case is not None and case.pk else None,
        "message_id": settled.message.pk if settled.message else None,
        "routing_address": mail.routing_address.email_address if mail and mail.routing_address else None,
        "also_received_by": mail.also_received_by if mail else [],
        "thread_basis": thread_basis,
        "is_automatic": analysis.is_automatic if analysis else None,
        "automatic_kind": (analysis.automatic_kind or None) if analysis else None,
        "is_bounce": analysis.is_bounce if analysis else None,
        "auto_response_allowed": analysis.auto_response_allowed if analysis else None,
        "trail": settled.trail.as_json(),
    }
    if full:
        line["message"] = (
            read_mail_json(
                mail, message=settled.message, thread_basis=thread_basis, received_at=settled.inbound.received_at
            )
            if mail
            else None
        )
    return line


def message_json(message: EmailMessage) -> Json:
    """One message of an exported case. Expects addresses, attachments and deliveries prefetched."""
    by_role: dict[str, list[Json]] = {"to": [], "cc": [], "bcc": [], "reply_to": []}
    for row in message.addresses.all():
        by_role[row.role].append({"name": row.name or None, "address": row.address})
    return {
        "id": message.pk,
        "incoming": message.incoming,
        "status": message.status,
        "from": person_json(message.from_name, message.from_address),
        **by_role,
        "subject": message.subject,
        "text": message.text_body or None,
        "html": message.html_body or None,
        "html_safe": safe_html(message.html_body, inline_urls={}).html if message.html_body else None,
        "reply_text": message.reply_text or None,
        "forwarded_original": forwarded_json(
            ForwardedOriginal(**message.forwarded_original) if message.forwarded_original else None
        ),
        "bounce": bounce_json(Bounce(**message.bounce) if message.bounce else None),
        "is_automatic": message.is_automatic,
        "automatic_kind": message.automatic_kind or None,
        "authentication": {
            "spf": message.spf or None,
            "dkim": message.dkim or None,
            "dmarc": message.dmarc or None,
            "by": message.authenticated_by or None,
        },
        "message_identifier": bracketed(message.message_identifier),
        "in_reply_to": " ".join(ids_json(message.in_reply_to.split())) or None,
        "references": ids_json(message.references.split()),
        "thread_basis": message.thread_basis,
        "date": time_json(message.message_date),
        "received_at": time_json(message.received_at),
        "headers": message.headers,
        "attachments": [
            {
                "file_name": file.file_name or None,
                "content_type": file.declared_type,
                "size": file.blob.size,
                "sha256": file.blob_id,
                "inline": file.inline,
                "content_id": file.content_id or None,
            }
            for file in message.attachments.all()
        ],
        "deliveries": [
            {"recipient": row.recipient, "state": row.state, "detail": row.detail or None, "at": time_json(row.at)}
            for row in message.deliveries.all()
        ],
        "created_by": message.created_by.get_username() if message.created_by else None,
        "flags": message.flags,
        "defects": message.defects,
    }


def owner_json(user: Any, queue: Any) -> Json:
    return {"type": "queue", "name": queue.name} if queue else {"type": "user", "name": user.get_username()}


def task_json(task: CaseTask) -> Json:
    return {"subject": task.subject, "status": task.status, "owner": task.owner.get_username() if task.owner else None}


def decision_json(decision: RoutingDecision) -> Json:
    return {
        "kind": decision.kind,
        "owner": owner_json(decision.owner_user, decision.owner_queue),
        "because": decision.because,
        "at": time_json(decision.at),
    }


def case_json(case: Case) -> Json:
    """A whole case with its messages. Query count is constant in their number."""
    messages: Sequence[EmailMessage] = list(
        case.messages.select_related("created_by").prefetch_related("addresses", "attachments__blob", "deliveries")
    )
    also = dict.fromkeys(address for message in messages for address in message.also_received_by)
    return {
        "number": str(case.number),
        "subject": case.subject,
        "description": case.description,
        "status": case.status.label,
        "is_closed": case.is_closed,
        "priority": case.priority,
        "origin": case.origin,
        "record_type": case.record_type.name,
        "owner": owner_json(case.owner_user, case.owner_queue),
        "contact": {"name": case.contact.name, "email": case.contact.email} if case.contact else None,
        "supplied_email": case.supplied_email or None,
        "supplied_name": case.supplied_name or None,
        "routing_address": case.routing_address.email_address if case.routing_address else None,
        "also_received_by": list(also),
        "source_message_id": case.source_id,
        "awaiting": case.awaiting,
        "merged_into": str(case.merged_into.number) if case.merged_into else None,
        "possibly_belongs_to": str(case.possibly_belongs_to.number) if case.possibly_belongs_to else None,
        "follows": str(case.follows.number) if case.follows else None,
        "participants": [
            {"address": row.address, "name": row.name or None, "role": row.role} for row in case.participants.all()
        ],
        "tasks": [task_json(task) for task in case.tasks.select_related("owner")],
        "decisions": [decision_json(row) for row in case.decisions.select_related("owner_user", "owner_queue")],
        "events": [
            {
                "kind": row.kind,
                "at": time_json(row.at),
                "because": row.because or None,
                "actor": row.actor.get_username() if row.actor else None,
            }
            for row in case.events.select_related("actor")
        ],
        "messages": [message_json(message) for message in messages],
        "opened_at": time_json(case.created_at),
        "closed_at": time_json(case.closed_at),
    }
