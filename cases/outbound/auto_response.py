"""Automatic answers: one fixed text to the person who wrote, once in a window, from the address that was written to.

Two steps in the transaction that writes the mail: `plan_answer` asks every rule and says why not, `write_answer`
writes the message and its Outbox row. RFC 3834 says what may be answered; the rest keeps two machines from talking for
ever: the sender's domain must prove the mail, one answer in a window, budgets, and a breaker for each address.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q

from cases.mail_html import snippet_of
from cases.message_ids import hash_of
from cases.models import Case, EmailAddress, EmailMessage, InboundEmail, Outbox
from cases.outbound.budgets import lock_budgets, over_budget
from cases.outbound.composing import domain_of_sender, one_line
from cases.outbound.filled_templates import FilledTemplate, faults_of, fill_template
from cases.outbound.merge_values import merge_values
from cases.outbound.notices import NotQueued
from cases.outbound.quoting import ReplyBody, header_id, reference_chain, reply_subject, written_html, written_text
from cases.thread_keys import signing_keys
from cases.thread_token import new_message_id, reply_address, token_mark
from routing.addresses import MailAddress, normalise_address
from routing.breaker import stop_auto_response
from routing.choices import AutoResponsePolicy
from routing.models import EmailToCaseSettings, RoutingAddress
from routing.named_settings import of_address

__all__ = ["NOBODY", "PlannedAnswer", "WrittenMail", "plan_answer", "refusal_of_address", "write_answer"]

# What is older was not written now: an archive that is read in, or a mail that waited for a person.
OLDEST_ANSWERED = timedelta(days=3)
BREAKER_WINDOW = timedelta(hours=1)

# Nobody reads what comes to these (RFC 2142 section 4, RFC 3834 section 2, and what shops and services write from).
NOBODY = re.compile(
    r"(?:mailer-daemon|postmaster|daemon|bounces?|(?:do[-_.]?not|no)[-_.]?reply|owner|.+-(?:request|owner|bounces?))"
    r"(?:[+=-].*)?"
)


@dataclass(frozen=True, slots=True)
class WrittenMail:
    """What the rules ask about the mail that would be answered."""

    sender: MailAddress | None
    subject: str
    message_id: str
    references: tuple[str, ...]
    written_at: datetime
    opens_case: bool
    is_from_person: bool  # neither a machine nor a list
    is_proven: bool  # DMARC: the only verdict that speaks of the From header
    doubt: str = ""  # why the sender may be somebody else, ourselves, or unwelcome; "" when nothing says so


@dataclass(frozen=True, slots=True)
class PlannedAnswer:
    mail: WrittenMail
    recipient: MailAddress
    send_from: RoutingAddress
    organisation: EmailToCaseSettings
    key: str


def plan_answer(mail: WrittenMail, address: RoutingAddress, *, now: datetime) -> PlannedAnswer | NotQueued:
    """Whether this mail is answered, and if not, why. In the transaction that writes it: the settings row stays locked
    until the end, so that of two mails in the same moment one is answered. Five statements at most.
    """
    if refusal := _refusal_of_mail(mail, address, now=now):
        return refusal
    stored = RoutingAddress.objects.select_related("auto_response_template").filter(pk=address.pk).first()
    if stored is None or (because := refusal_of_address(stored)):
        by_policy = of_address(address.pk, "auto_response_policy")
        return NotQueued("address", because if stored else "the address is gone", by_policy)
    sender = mail.sender
    if sender is None:
        raise ValueError("A mail without a sender is not answered.")
    organisation = lock_budgets()
    key = _key(stored, sender.address, now=now)
    if _was_answered(stored, sender.address, key, now=now):
        hours = stored.auto_response_hours
        because = f"{sender.address} got an answer within the last {hours} hours"
        return NotQueued("answered_recently", because, of_address(stored.pk, "auto_response_hours"))
    if _trip_breaker(stored, now=now):
        because = f"{stored.email_address} sent too many answers in an hour and stopped"
        return NotQueued("breaker", because, of_address(stored.pk, "auto_response_hourly_limit"))
    if over := over_budget(sender.address, now=now, limits=organisation):
        return NotQueued("over_budget", over.because, over.setting)
    return PlannedAnswer(mail, sender, stored, organisation, key)


def refusal_of_address(address: RoutingAddress) -> str:
    """Why this address answers nobody now; "" when it does. Asked again at the moment of sending."""
    if address.auto_response_policy == AutoResponsePolicy.OFF:
        return "automatic answers of the address are off"
    if address.is_deleted or not address.is_active:
        return "the address is not in use"
    if not address.is_verified:
        return "the address is not verified"
    if address.auto_response_stopped_at is not None:
        return "the address sent too many answers and waits for a person to let it go on"
    template = address.auto_response_template
    if template is None or not template.is_active:
        return "the template of the answer is switched off"
    return "the template of the answer is not finished" if faults_of(template) else ""


def _refusal_of_mail(mail: WrittenMail, address: RoutingAddress, *, now: datetime) -> NotQueued | None:
    """The rules that need no database, in the order in which a person would ask."""
    if not mail.is_from_person:
        return NotQueued("automatic_mail", "automatic and list mail is never answered")
    if address.auto_response_policy == AutoResponsePolicy.NEW_CASES and not mail.opens_case:
        because = "only mail that opens a case is answered"
        return NotQueued("not_new", because, of_address(address.pk, "auto_response_policy"))
    if mail.doubt:
        return NotQueued("doubtful", mail.doubt)
    recipient = mail.sender.address if mail.sender else ""
    local, at, _domain = recipient.rpartition("@")
    if not at or len(recipient) > 254 or normalise_address(recipient) != recipient or not local.isascii():
        return NotQueued("no_recipient", "the sender has no usable address")
    if NOBODY.fullmatch(local):
        return NotQueued("nobody_reads", f"nobody reads mail to {recipient}")
    if not mail.is_proven:
        return NotQueued("not_authenticated", f"nothing proves that {recipient} sent the mail")
    if now - mail.written_at > OLDEST_ANSWERED:
        return NotQueued("too_old", "the mail is older than three days")
    return None


def _key(address: RoutingAddress, recipient: str, *, now: datetime) -> str:
    """The same for all mails of a sender in one stretch of the window: whatever else fails, two answers meet in it."""
    stretch = int(now.timestamp() // (address.auto_response_hours * 3600))
    digest = hashlib.sha256(recipient.encode()).hexdigest()[:24]
    return f"auto:{address.pk}:{stretch}:{digest}"


def _was_answered(address: RoutingAddress, recipient: str, key: str, *, now: datetime) -> bool:
    since = now - timedelta(hours=address.auto_response_hours)
    recently = Q(kind=Outbox.Kind.AUTO, recipient=recipient, from_address=address, created_at__gt=since)
    return Outbox.objects.filter(recently | Q(key=key)).exists()


def _trip_breaker(address: RoutingAddress, *, now: datetime) -> bool:
    """Stop the address when it sent its limit in an hour. Only a person lets it go on."""
    since = max(now - BREAKER_WINDOW, address.auto_response_resumed_at or now - BREAKER_WINDOW)
    sent = Outbox.objects.filter(kind=Outbox.Kind.AUTO, from_address=address, created_at__gt=since).count()
    if sent < address.auto_response_hourly_limit:
        return False
    stop_auto_response(address, sent=sent, at=now)
    return True


def write_answer(plan: PlannedAnswer, case: Case, inbound: InboundEmail, *, now: datetime) -> Outbox:
    """The answer as it will leave: message, address lines, Outbox row. Three statements."""
    address, keys = plan.send_from, signing_keys()
    filled = _filled(plan, case)
    mark = token_mark(case.pk, keys)
    body = ReplyBody(signature=address.signature, token_mark=mark if plan.organisation.token_in_body else "")
    identifier = new_message_id(case.pk, domain_of_sender(address.email_address), keys)
    answered = header_id(plan.mail.message_id)
    message = EmailMessage.objects.create(
        case=case,
        incoming=False,
        status=EmailMessage.Status.QUEUED,
        from_address=address.email_address,
        from_name=one_line(address.display_name, limit=100),
        subject=_subject(filled, plan, mark if plan.organisation.token_in_subject else ""),
        text_body=written_text(filled.text, body),
        html_body=written_html(filled.html, body) if filled.html and plan.organisation.html_email else "",
        reply_text=filled.text,
        snippet=snippet_of(filled.text),
        message_identifier=identifier,
        message_identifier_hash=hash_of(identifier),
        in_reply_to=answered,
        in_reply_to_hash=hash_of(answered),
        references=" ".join(reference_chain(plan.mail.references, answered)),
        message_date=now,
        received_at=now,
        is_automatic=True,
        automatic_kind="auto_reply",
        template=address.auto_response_template,
    )
    EmailAddress.objects.bulk_create(_address_lines(message, plan, case, keys))
    return Outbox.objects.create(
        key=plan.key,
        kind=Outbox.Kind.AUTO,
        case=case,
        email_message=message,
        answers=inbound,
        from_address=address,
        recipient=plan.recipient.address,
        subject=message.subject,
        message_identifier=identifier,
    )


def _filled(plan: PlannedAnswer, case: Case) -> FilledTemplate:
    template = plan.send_from.auto_response_template
    if template is None:
        raise ValueError("An answer has a template.")
    # Sender and subject of this mail: those of the case may be another person's words.
    values = merge_values(
        case, author=None, send_from=plan.send_from, customer=plan.recipient, subject=plan.mail.subject
    )
    return fill_template(template, values)


def _subject(filled: FilledTemplate, plan: PlannedAnswer, mark: str) -> str:
    if not filled.subject:
        return reply_subject(plan.mail.subject, token_mark=mark)
    return f"{one_line(filled.subject, limit=200)} {mark}" if mark else filled.subject


def _address_lines(message: EmailMessage, plan: PlannedAnswer, case: Case, keys: list[str]) -> list[EmailAddress]:
    """One recipient, whatever Cc and Reply-To of the mail say: those are words of whoever wrote it."""
    address = plan.send_from
    lines = [
        EmailAddress(
            email_message=message,
            role=EmailAddress.Role.TO,
            address=plan.recipient.address,
            name=one_line(plan.recipient.name, limit=100),
        )
    ]
    if address.signed_reply_to:
        lines.append(
            EmailAddress(
                email_message=message,
                role=EmailAddress.Role.REPLY_TO,
                address=reply_address(address.email_address, case.pk, keys),
                name=one_line(address.display_name, limit=100),
            )
        )
    return lines
