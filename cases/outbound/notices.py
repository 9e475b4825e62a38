"""Notices: fixed texts from E2C_SYSTEM_FROM, queued in the transaction of the thing they tell about.

None of them answers a machine, none carries the text of a mail, and all have a limit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from django.conf import settings
from django.contrib.auth import get_user_model
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from cases.models import Case, EmailMessage, InboundEmail, Outbox
from cases.outbound.budgets import over_budget
from cases.outbound.composing import domain_of_sender, one_line, split_sender
from cases.reasons import Reason
from cases.thread_keys import signing_keys
from cases.thread_token import new_message_id
from routing.addresses import domain_of, normalise_address
from routing.models import Connection, RoutingAddress
from routing.named_settings import NamedSetting

__all__ = [
    "NotQueued",
    "Verdicts",
    "is_ours",
    "owner_addresses",
    "queue_connection_notices",
    "queue_notice",
    "queue_over_limit_alert",
    "queue_owner_notice",
    "queue_refusal_notice",
    "short_hash",
]

# One notice about a case in this time, however many mails join it.
OWNER_NOTICE_INTERVAL = timedelta(minutes=5)
MOST_MEMBERS = 100  # of a queue that are told
MOST_CONFIGURERS = 10

REFUSAL_TEMPLATES = {
    Reason.UNAUTHORIZED_SENDER: "email/refused_unauthorized_sender.txt",
    Reason.OVER_LIMIT: "email/refused_over_limit.txt",
}


class Verdicts(Protocol):
    """What is known about who sent a mail; RFC 8601 words, None = not known."""

    @property
    def dmarc(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class NotQueued:
    """No notice was queued; `reason` is a slug, `because` a sentence for the trail, `setting` what decided it."""

    reason: str
    because: str
    setting: NamedSetting | None = None


def queue_refusal_notice(
    inbound: InboundEmail, *, reason: str, recipient: str, authentication: Verdicts, now: datetime | None = None
) -> Outbox | NotQueued:
    """Tell the sender of a rejected mail, once, that it was not accepted. In the caller's transaction.

    The caller answers for a person having written the mail (RFC 3834 section 2). The sender must be proven: whoever
    gets mail for a forged From would be hit by our notice. Of the verdicts only DMARC speaks of the From header.
    """
    now = now or timezone.now()
    template = REFUSAL_TEMPLATES.get(Reason(reason))
    if template is None:
        return NotQueued("no_text", f"there is no notice for {reason}")
    address = normalise_address(recipient)
    if address is None or len(address) > 254:
        return NotQueued("no_recipient", "the sender has no usable address")
    if authentication.dmarc != "pass":
        return NotQueued("not_authenticated", f"nothing proves that {address} sent the mail")
    if is_ours(address):
        return NotQueued("own_address", f"{address} is one of our own addresses")
    key = f"notice:{reason}:{inbound.pk}"
    if Outbox.objects.filter(key=key).exists():
        return NotQueued("already_queued", "the sender was told before")
    if over := over_budget(address, now=now):
        return NotQueued("over_budget", over.because, over.setting)
    public = inbound.routing_address.email_address if inbound.routing_address else ""
    language = inbound.routing_address.language if inbound.routing_address else ""
    with translation.override(language or settings.LANGUAGE_CODE):
        return queue_notice(
            key=key,
            recipient=address,
            subject=_("Your email was not accepted"),
            text=render_to_string(template, {"public_address": public}),
            answers=inbound,
        )


def queue_owner_notice(
    case: Case, email_message: EmailMessage, *, delivery_failed: bool = False, now: datetime | None = None
) -> Outbox | NotQueued:
    """Tell the address of the queue that owns a case that a mail joined it. In the caller's transaction.

    People, members of the queue among them, are told by cases.notifications, as each of them wants it. At most one
    notice per case in OWNER_NOTICE_INTERVAL; the mails in between are on the case page. Automatic mail is not worth
    one, a bounce is: somebody has to act (`delivery_failed`: a provider reported one for our own mail). Whether owners
    want notices is the caller's question.
    """
    now = now or timezone.now()
    is_bounce = delivery_failed or email_message.is_bounce
    if email_message.is_automatic and not is_bounce:
        return NotQueued("automatic_mail", "nobody is told about automatic mail")
    recipient = normalise_address(case.owner_queue.email) if case.owner_queue is not None else None
    if recipient is None or is_ours(recipient):
        return NotQueued("no_recipient", "no queue with an address owns the case")
    if Outbox.objects.filter(
        kind=Outbox.Kind.NOTICE, recipient=recipient, created_at__gt=now - OWNER_NOTICE_INTERVAL, case=case
    ).exists():
        return NotQueued("told_recently", "the queue was told about this case minutes ago")
    # Two mails that join at the same moment meet in the unique key; the interval above is what counts otherwise.
    window = int(now.timestamp() // OWNER_NOTICE_INTERVAL.total_seconds())
    with translation.override(settings.LANGUAGE_CODE):
        words = _("Delivery failed on case") if is_bounce else _("New email on case")
        text = render_to_string(
            "email/owner_notice.txt",
            {
                "is_bounce": is_bounce,
                "number": case.number_text,
                "subject": one_line(case.subject),
                "link": f"{settings.E2C_PUBLIC_URL}/cases/{case.number}/",
            },
        )
        return queue_notice(
            key=f"owner:{case.pk}:{window}:{short_hash(recipient)}",
            recipient=recipient,
            subject=f"{words} {case.number_text}: {case.subject}",
            text=text,
            case=case,
        )


def queue_connection_notices(connection: Connection, words: str, *, now: datetime | None = None) -> list[Outbox]:
    """Tell those who may configure that mail waits for a connection they have to mend; once a day for each of them."""
    now = now or timezone.now()
    link = reverse("admin:routing_connection_change", args=[connection.pk])
    with translation.override(settings.LANGUAGE_CODE):
        return queue_alert(
            key=f"connection:{connection.pk}:{now:%Y%m%d}",
            subject=_("Mail waits for the connection “%(name)s”") % {"name": connection.name},
            template="email/connection_notice.txt",
            context={
                "name": one_line(connection.name),
                "account": connection.account,
                "words": one_line(words, limit=500),
                "link": f"{settings.E2C_PUBLIC_URL}{link}",
            },
        )


def queue_over_limit_alert(*, now: datetime) -> list[Outbox]:
    """Tell those who may configure that mail waited a day for the daily limit in vain; once a day for each of them."""
    link = reverse("admin:cases_inboundemail_changelist")
    with translation.override(settings.LANGUAGE_CODE):
        return queue_alert(
            key=f"over-limit:{now:%Y%m%d}",
            subject=_("Mail waited a day for the daily limit"),
            template="email/over_limit_alert.txt",
            context={"link": f"{settings.E2C_PUBLIC_URL}{link}?state__exact={InboundEmail.State.QUARANTINED}"},
        )


def queue_alert(*, key: str, subject: str, template: str, context: Mapping[str, object]) -> list[Outbox]:
    """Tell those who may configure of something that only they can mend; each of them once a key (at most 40
    characters). In the caller's transaction.
    """
    configurers = get_user_model().objects.with_perm(
        "routing.customize_application", backend="django.contrib.auth.backends.ModelBackend"
    )
    found = configurers.exclude(email="").order_by("pk").values_list("email", flat=True)[:MOST_CONFIGURERS]
    addresses = dict.fromkeys(address for text in found if (address := normalise_address(text)))
    with translation.override(settings.LANGUAGE_CODE):
        text = render_to_string(template, dict(context))
    return [
        queue_notice(key=f"{key}:{short_hash(address)}", recipient=address, subject=subject, text=text)
        for address in addresses
        if not is_ours(address)
    ]


def owner_addresses(case: Case) -> list[str]:
    """Where the owner reads mail, each address once. People who left get nothing."""
    found: Iterable[str] = ()
    if case.owner_user is not None:
        found = [case.owner_user.email] if case.owner_user.is_active else []
    elif case.owner_queue is not None:
        queue = case.owner_queue
        found = [queue.email]
        if queue.notify_members:
            found = [
                queue.email,
                *queue.members.filter(is_active=True).order_by("pk").values_list("email", flat=True)[:MOST_MEMBERS],
            ]
    return list(dict.fromkeys(address for text in found if text and (address := normalise_address(text))))


def is_ours(address: str) -> bool:
    """Whether mail to this address comes back to us: a notice would become a case, or go round."""
    return (
        domain_of(address) == settings.E2C_INBOUND_DOMAIN
        or address == normalise_address(split_sender(settings.E2C_SYSTEM_FROM)[1])
        or RoutingAddress.objects.filter(email_address__iexact=address, deleted_at__isnull=True).exists()
    )


def queue_notice(
    *,
    key: str,
    recipient: str,
    subject: str,
    text: str,
    case: Case | None = None,
    answers: InboundEmail | None = None,
) -> Outbox:
    """The row of a notice; the one that is there already when its key is."""
    row, _created = Outbox.objects.get_or_create(
        key=key[:64],
        defaults={
            "kind": Outbox.Kind.NOTICE,
            "case": case,
            "answers": answers,
            "recipient": recipient,
            "subject": one_line(subject),
            "text_body": text,
            # Not signed for the case: whoever answers a notice does not write to the customer's thread.
            "message_identifier": new_message_id(None, domain_of_sender(settings.E2C_SYSTEM_FROM), signing_keys()),
        },
    )
    return row


def short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
