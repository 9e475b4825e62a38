"""Thousands of cases straight into the tables, for benchmarks of pages and searches. No mail is stored or settled."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction

from cases.demo_data.mails import Thread, message_id
from cases.demo_data.seeding import (
    DemoOrganisation,
    note_seeded,
    seed,
    seeded_cases,
    set_up_demo_organisation,
    started_at,
)
from cases.demo_data.threads import FIRST_THREADS
from cases.demo_data.variations import further_threads
from cases.lifecycle import default_status
from cases.message_ids import hash_of
from cases.models import Case, CaseEvent, CaseStatus, EmailAddress, EmailMessage, Participant, RoutingDecision
from cases.search_index import search_row, write_search_rows

BATCH = 500


def write_cases(count: int) -> int:
    """Write demonstration cases until there are `count`, the first dozen by mail. Returns how many were missing."""
    missing = seed(min(count, len(FIRST_THREADS)))
    organisation = set_up_demo_organisation()
    first, now = seeded_cases(), started_at()
    if first >= count:
        return missing
    threads = further_threads(first, count)
    statuses = [default_status(), *CaseStatus.objects.filter(is_closed=True)[:1]]
    while batch := list(islice(threads, BATCH)):
        with transaction.atomic():
            write_threads(batch, organisation, statuses, now)
            first += len(batch)
            note_seeded(first)
        missing += len(batch)
    return missing


def write_threads(
    threads: list[Thread], organisation: DemoOrganisation, statuses: list[CaseStatus], now: datetime
) -> None:
    cases = Case.objects.bulk_create(_case(thread, organisation, statuses, now) for thread in threads)
    messages = EmailMessage.objects.bulk_create(
        _message(thread, index, case, moment)
        for thread, case in zip(threads, cases, strict=True)
        for index, moment in enumerate(_moments(thread, now))
    )
    first_messages: dict[int, EmailMessage] = {}
    for message in messages:
        first_messages.setdefault(message.case_id, message)
    for case in cases:
        case.source = first_messages[case.pk]
    Case.objects.bulk_update(cases, ["source"], batch_size=BATCH)
    EmailAddress.objects.bulk_create(
        EmailAddress(
            email_message=message, role=EmailAddress.Role.TO, address=message.case.routing_address.email_address
        )
        for message in messages
        if message.case.routing_address is not None
    )
    EmailAddress.objects.bulk_create(
        EmailAddress(email_message=message, role=EmailAddress.Role.CC, address=person.address, name=person.name)
        for message, mail in zip(messages, (mail for thread in threads for mail in thread.mails), strict=True)
        for person in mail.cc
    )
    Participant.objects.bulk_create(
        participant for thread, case in zip(threads, cases, strict=True) for participant in _participants(thread, case)
    )
    write_search_rows(
        [
            search_row(message, people=[(message.case.routing_address.email_address, "")])
            for message in messages
            if message.case.routing_address is not None
        ]
    )
    RoutingDecision.objects.bulk_create(
        RoutingDecision(
            case=case,
            kind=RoutingDecision.Kind.INITIAL,
            owner_user_id=case.owner_user_id,
            owner_queue_id=case.owner_queue_id,
            because=f"case owner of {case.routing_address.email_address}" if case.routing_address else "",
        )
        for case in cases
    )
    CaseEvent.objects.bulk_create(
        CaseEvent(
            case_id=message.case_id,
            kind=CaseEvent.Kind.CASE_OPENED
            if first_messages[message.case_id] is message
            else CaseEvent.Kind.EMAIL_ADDED,
            email_message=message,
            because="demonstration data",
            told_at=now,  # it is long ago: nobody is told
        )
        for message in messages
    )


def _moments(thread: Thread, now: datetime) -> list[datetime]:
    moment, moments = now - thread.mails[0].after, []
    for index, mail in enumerate(thread.mails):
        moment += mail.after if index else timedelta()
        moments.append(moment)
    return moments


def _case(thread: Thread, organisation: DemoOrganisation, statuses: list[CaseStatus], now: datetime) -> Case:
    address = organisation.address(thread.address) or organisation.support
    moments = _moments(thread, now)
    first = thread.mails[0]
    # Most of what is older than a month was answered and closed.
    is_closed = len(statuses) > 1 and now - moments[-1] > timedelta(days=30)
    return Case(
        subject=first.subject,
        description=first.text,
        status=statuses[-1] if is_closed else statuses[0],
        priority=address.case_priority,
        origin=address.case_origin,
        record_type=address.case_record_type,
        owner_user=address.owner_user,
        owner_queue=address.owner_queue,
        supplied_email=first.sender.address,
        supplied_name=first.sender.name,
        routing_address=address,
        created_at=moments[0],
        last_activity_at=moments[-1],
        last_inbound_at=moments[-1],
        closed_at=moments[-1] + timedelta(hours=1) if is_closed else None,
    )


def _participants(thread: Thread, case: Case) -> list[Participant]:
    """The customer, and whom the mails name in Cc."""
    customer = Participant(
        case=case, address=case.supplied_email, name=case.supplied_name, role=Participant.Role.CUSTOMER
    )
    copied = {person.address: person.name for mail in thread.mails for person in mail.cc}
    copied.pop(case.supplied_email, None)
    return [customer] + [
        Participant(case=case, address=address, name=name, role=Participant.Role.COPIED)
        for address, name in copied.items()
    ]


def _message(thread: Thread, index: int, case: Case, moment: datetime) -> EmailMessage:
    mail = thread.mails[index]
    identifier = message_id(thread, index).strip("<>")
    answered = message_id(thread, index - 1).strip("<>") if index else ""
    return EmailMessage(
        case=case,
        incoming=True,
        from_address=mail.sender.address,
        from_name=mail.sender.name,
        subject=mail.subject or f"Re: {thread.mails[0].subject}",
        text_body=mail.text,
        reply_text=mail.text,
        snippet=" ".join(mail.text.split())[:200],
        dedupe_key=hashlib.sha256(identifier.encode()).hexdigest(),
        message_identifier=identifier,
        message_identifier_hash=hash_of(identifier),
        in_reply_to=answered,
        in_reply_to_hash=hash_of(answered),
        message_date=moment,
        received_at=moment,
        thread_basis=EmailMessage.ThreadBasis.THEIR_MESSAGE_ID if index else EmailMessage.ThreadBasis.NONE,
        sender_is_participant=bool(index),
    )
