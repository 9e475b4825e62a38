"""The question how it went, after a case was closed: decided once a case, put to at most one proven person.

The sweeper looks for cases that were closed long enough ago (`ask_after_closing`). What is decided stands on a
SatisfactionRequest, also a refusal: who wonders why a customer was not asked reads it on the case.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import escape

from django.conf import settings
from django.core import signing
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from cases.mail_html import snippet_of
from cases.message_ids import hash_of
from cases.models import Case, CaseEvent, Delivery, EmailAddress, EmailMessage, Outbox, SatisfactionRequest
from cases.outbound.auto_response import NOBODY
from cases.outbound.budgets import lock_budgets, over_budget
from cases.outbound.composing import domain_of_sender, one_line
from cases.outbound.filled_templates import faults_of, fill_template
from cases.outbound.merge_values import merge_values
from cases.outbound.notices import is_ours
from cases.outbound.quoting import ReplyBody, reply_subject, written_html, written_text
from cases.thread_keys import signing_keys
from cases.thread_token import new_message_id, reply_address, token_mark
from routing.addresses import MailAddress, normalise_address
from routing.models import EmailToCaseSettings, RoutingAddress

__all__ = ["ANSWERABLE_FOR", "SALT", "ask_after_closing", "link_to_answer", "refusal_to_ask", "token_of"]

SALT = "cases.satisfaction"
ANSWERABLE_FOR = timedelta(days=14)
# A case that was closed longer ago is not asked about: an address that begins to ask does not ask about its past.
LATEST = timedelta(days=3)
CAME_BACK_WITHIN = timedelta(days=90)
BATCH = 50


@dataclass(frozen=True, slots=True)
class _Verdict:
    """Whom to ask, or why nobody; `is_final`: a later round would decide the same."""

    customer: MailAddress
    because: str = ""
    is_final: bool = True


def ask_after_closing(*, limit: int = BATCH, now: datetime | None = None) -> int:
    """Decide about cases that are due, oldest closing first; returns how many. Several at once are safe."""
    now = now or timezone.now()
    asking = RoutingAddress.objects.not_deleted().filter(asks_satisfaction=True)
    done = 0
    for address in asking.select_related("satisfaction_template"):
        if refusal_to_ask(address):
            continue
        for case in _due(address, now)[: limit - done]:
            done += _decide(case, address, now)
    return done


def refusal_to_ask(address: RoutingAddress) -> str:
    """Why this address asks nobody now; "" when it does. Asked again at the moment of sending."""
    if not address.asks_satisfaction:
        return "the address does not ask"
    if address.is_deleted or not address.is_active:
        return "the address is not in use"
    if not address.is_verified:
        return "the address is not verified"
    template = address.satisfaction_template
    if template is None or not template.is_active:
        return "the template of the question is switched off"
    return "the template of the question is not finished" if faults_of(template) else ""


def _due(address: RoutingAddress, now: datetime) -> QuerySet[Case]:
    closed_by = now - timedelta(hours=address.satisfaction_hours)
    return (
        Case.objects.filter(routing_address=address, closed_at__lte=closed_by, closed_at__gt=closed_by - LATEST)
        .filter(merged_into__isnull=True, satisfaction__isnull=True)
        .order_by("closed_at", "pk")
    )


@transaction.atomic
def _decide(case: Case, address: RoutingAddress, now: datetime) -> int:
    """The settings row is locked first: of two cases of a customer in the same moment one is asked about."""
    organisation = lock_budgets()
    locked = _due(address, now).filter(pk=case.pk).select_for_update(of=("self",)).first()
    if locked is None:
        return 0  # opened again, or decided by another sweeper
    verdict = _verdict(locked, address, organisation, now=now)
    if not verdict.is_final:
        return 0
    request = SatisfactionRequest.objects.create(
        case=locked,
        routing_address=address,
        recipient=verdict.customer.address,
        refused_because=verdict.because[:255],
        decided_at=now,
        nonce=secrets.token_urlsafe(24)[:32],
        expires_at=now + ANSWERABLE_FOR,
    )
    if not verdict.because:
        _write(request, address, verdict.customer, organisation, now=now)
    return 1


def _verdict(case: Case, address: RoutingAddress, organisation: EmailToCaseSettings, *, now: datetime) -> _Verdict:
    answered = Outbox.objects.answers_that_left().filter(case=case).exists()
    if not answered:
        if Outbox.objects.answers_on_their_way().filter(case=case).exists():
            return _Verdict(MailAddress("", ""), "a reply is on its way", is_final=False)
        return _Verdict(MailAddress("", ""), "no reply was sent: there is nothing to judge")
    if not case.record_type.asks_satisfaction:
        return _Verdict(MailAddress("", ""), f"cases of the type “{case.record_type}” are not asked about")
    mail = _newest_mail_of_customer(case)
    if mail is None:
        return _Verdict(MailAddress("", ""), "no mail of the customer is here")
    customer = MailAddress(mail.from_name, mail.from_address)
    if because := _refusal_of_customer(mail):
        return _Verdict(customer, because)
    came_back = Delivery.objects.filter(
        recipient=mail.from_address,
        state__in=[Delivery.State.BOUNCED, Delivery.State.COMPLAINED],
        at__gt=now - CAME_BACK_WITHIN,
    )
    if came_back.exists():
        return _Verdict(customer, f"mail to {mail.from_address} came back")
    days = address.satisfaction_window_days
    if _asked(mail.from_address).filter(decided_at__gt=now - timedelta(days=days)).exists():
        return _Verdict(customer, f"{mail.from_address} was asked within {days} days")
    if over := over_budget(mail.from_address, now=now, limits=organisation):
        return _Verdict(customer, over.because, is_final=False)
    return _Verdict(customer)


def _newest_mail_of_customer(case: Case) -> EmailMessage | None:
    mails = EmailMessage.objects.filter(case=case, incoming=True, from_address__iexact=case.supplied_email)
    return mails.only("from_address", "from_name", "is_automatic", "dmarc").order_by("-received_at", "-pk").first()


def _refusal_of_customer(mail: EmailMessage) -> str:
    recipient = mail.from_address
    if mail.is_automatic:
        return "a machine wrote the customer's newest mail"
    local, at, _domain = recipient.rpartition("@")
    if not at or len(recipient) > 254 or normalise_address(recipient) != recipient or not local.isascii():
        return "the customer has no usable address"
    if NOBODY.fullmatch(local):
        return f"nobody reads mail to {recipient}"
    if is_ours(recipient):
        return f"{recipient} is one of our own addresses"
    return "" if mail.dmarc == "pass" else f"nothing proves that {recipient} sent the mail"


def _asked(recipient: str) -> QuerySet[SatisfactionRequest]:
    return SatisfactionRequest.objects.filter(recipient=recipient, refused_because="")


def token_of(request: SatisfactionRequest) -> str:
    return signing.dumps({"r": request.pk, "n": request.nonce}, salt=SALT)


def link_to_answer(request: SatisfactionRequest) -> str:
    return settings.E2C_PUBLIC_URL + reverse("satisfaction", kwargs={"token": token_of(request)})


def _write(
    request: SatisfactionRequest,
    address: RoutingAddress,
    customer: MailAddress,
    organisation: EmailToCaseSettings,
    *,
    now: datetime,
) -> None:
    """Message, address lines, Outbox row and a line of the history."""
    case, keys, link = request.case, signing_keys(), link_to_answer(request)
    text, html, subject = _words(case, address, customer, link)
    mark = token_mark(case.pk, keys)
    body = ReplyBody(signature=address.signature, token_mark=mark if organisation.token_in_body else "")
    identifier = new_message_id(case.pk, domain_of_sender(address.email_address), keys)
    message = EmailMessage.objects.create(
        case=case,
        incoming=False,
        status=EmailMessage.Status.QUEUED,
        from_address=address.email_address,
        from_name=one_line(address.display_name, limit=100),
        subject=one_line(f"{subject} {mark}" if organisation.token_in_subject else subject),
        text_body=written_text(text, body),
        html_body=written_html(html, body) if html and organisation.html_email else "",
        # The link is its reader's alone: colleagues who read the case could answer with it.
        reply_text=text.replace(link, "…"),
        snippet=snippet_of(text.replace(link, "…")),
        message_identifier=identifier,
        message_identifier_hash=hash_of(identifier),
        message_date=now,
        received_at=now,
        is_automatic=True,
        automatic_kind="bulk",
        template=address.satisfaction_template,
    )
    lines = [EmailAddress(email_message=message, role=EmailAddress.Role.TO, address=customer.address)]
    lines[0].name = one_line(customer.name, limit=100)
    if address.signed_reply_to:
        reply_to = reply_address(address.email_address, case.pk, keys)
        lines.append(EmailAddress(email_message=message, role=EmailAddress.Role.REPLY_TO, address=reply_to))
    EmailAddress.objects.bulk_create(lines)
    Outbox.objects.create(
        key=f"survey:{case.pk}",
        kind=Outbox.Kind.SURVEY,
        case=case,
        email_message=message,
        from_address=address,
        recipient=customer.address,
        subject=message.subject,
        message_identifier=identifier,
    )
    CaseEvent.objects.create(
        case=case,
        kind=CaseEvent.Kind.SATISFACTION_ASKED,
        email_message=message,
        because=f"{customer.address}, until {request.expires_at:%Y-%m-%d}",
    )


def _words(case: Case, address: RoutingAddress, customer: MailAddress, link: str) -> tuple[str, str, str]:
    """(text, HTML or "", subject) of the question, the link in each."""
    template = address.satisfaction_template
    if template is None:
        raise ValueError("A question has a template.")
    values = merge_values(case, author=None, send_from=address, customer=customer) | {"satisfaction.link": link}
    with translation.override(address.language or settings.LANGUAGE_CODE):
        filled = fill_template(template, values)
        invitation = _("Tell us how it went:")
    text, html, shown = filled.text, filled.html, escape(link)
    if link not in text:
        text = f"{text.rstrip()}\n\n{invitation}\n{link}"
    if html:
        anchor = f'<a href="{shown}">{shown}</a>'
        html = html.replace(shown, anchor) if shown in html else f"{html}<p>{escape(invitation)} {anchor}</p>"
    return text, html, filled.subject or reply_subject(case.subject)
