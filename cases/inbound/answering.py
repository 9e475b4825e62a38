"""Whether a mail gets an automatic answer. Asked before its row is settled, so that the trail says what came of it."""

from __future__ import annotations

from datetime import datetime

from cases.inbound.decision import AppendToCase, OpenCase, ReadEmail
from cases.inbound.trail import Trail
from cases.models import InboundEmail
from cases.outbound.auto_response import PlannedAnswer, WrittenMail, plan_answer
from cases.outbound.notices import NotQueued
from routing.choices import AutoResponsePolicy
from routing.models import EmailToCaseSettings
from routing.named_settings import of_address

__all__ = ["plan_auto_response"]

FROM_FILES = "ingest"  # the provider of mail that a command read


def plan_auto_response(
    inbound: InboundEmail,
    mail: ReadEmail,
    decision: OpenCase | AppendToCase,
    settings_row: EmailToCaseSettings,
    trail: Trail,
    *,
    now: datetime,
) -> PlannedAnswer | None:
    """The answer to this mail, or a line of the trail that says why there is none. Asks nothing, and says nothing,
    when the address answers nobody.
    """
    address = mail.routing_address
    if address is None or address.auto_response_policy == AutoResponsePolicy.OFF or not settings_row.enabled:
        return None
    planned = plan_answer(_written_mail(inbound, mail, decision), address, now=now)
    if isinstance(planned, NotQueued):
        trail.note("auto-response", "none", planned.because, planned.setting)
        return None
    because = f"{planned.recipient.address} is answered from {address.email_address}"
    trail.note("auto-response", "queued", because, of_address(address.pk, "auto_response_policy"))
    return planned


def _written_mail(inbound: InboundEmail, mail: ReadEmail, decision: OpenCase | AppendToCase) -> WrittenMail:
    email, analysis = mail.email, mail.analysis
    return WrittenMail(
        sender=email.sender,
        subject=email.subject,
        message_id=email.message_id,
        references=email.references,
        # What a provider posts was just written, whatever the sender's clock says. A file may be from an archive.
        written_at=email.date if inbound.provider == FROM_FILES and email.date else inbound.received_at,
        opens_case=isinstance(decision, OpenCase),
        is_from_person=analysis.auto_response_allowed,
        is_proven=analysis.authentication.dmarc == "pass",
        doubt=_doubt(mail, decision),
    )


def _doubt(mail: ReadEmail, decision: OpenCase | AppendToCase) -> str:
    """Why an answer might reach somebody whom it is none of the business of; "" when it does not."""
    if mail.own_sender_because:
        return mail.own_sender_because
    if mail.email.sender_is_ambiguous:
        return "it is not clear who the sender is"
    if mail.facts.envelope_sender in ("", "<>"):
        return "it came with an empty return path, as machines send it"
    if mail.facts.spam_detected:
        return f"{mail.facts.provider} marks it as spam"
    if isinstance(decision, OpenCase) and decision.original_sender is not None:
        return "a colleague forwarded it: the customer did not write to us"
    if isinstance(decision, AppendToCase) and not decision.thread.sender_is_participant:
        return "the sender does not take part in the case"
    return ""
