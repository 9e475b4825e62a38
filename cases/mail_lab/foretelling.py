"""What would become of a mail: through the real door, reader, decision and writing, and then rolled back.

What is foretold is not worked out a second time: rows are written as they would be, read, and given back. No file is
stored, no worker is told, and what is only done after a commit is not done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import get_random_string
from django.utils.translation import gettext as _

from cases.inbound.accept import RequestFacts
from cases.inbound.circumstances import load_circumstances
from cases.inbound.decision import Circumstances, ReadEmail, decide
from cases.inbound.door import Refused, authentic_request, brings_mail, check_basic_auth, read_body
from cases.inbound.provider_views import ProviderPath
from cases.inbound.reading import NotAMail, ReadFailed, TemporaryFailure, read_email, take_apart
from cases.inbound.settle import lock_thread, write
from cases.inbound.settled import Settled, describe_outcome
from cases.inbound.trail import Trail
from cases.models import Case, EmailMessage, InboundEmail, Outbox, PendingRouting, RawBody
from routing.named_settings import NamedSetting, in_environment, of_address

__all__ = ["Foretold", "Leaving", "Stamp", "became", "foretell", "judge"]

Values = dict[str, Any]

ENVIRONMENT_OF_REFUSAL = {401: "E2C_WEBHOOK_SECRET", 413: "E2C_MAX_BODY_MB"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the door answers a call, and why when it turns it away."""

    status: int
    reason: str = ""
    setting: NamedSetting | None = None

    @property
    def is_welcome(self) -> bool:
        return self.status == 200


@dataclass(frozen=True, slots=True)
class Stamp:
    what: str
    value: str
    because: str
    setting: NamedSetting | None = None


@dataclass(frozen=True, slots=True)
class Leaving:
    """A mail that would be sent."""

    kind: str
    recipient: str
    subject: str


@dataclass(slots=True)
class Foretold:
    """`values`: what `became` says of the row that the mail becomes. `mail`: None when it could not be read."""

    values: Values
    trail: list[dict[str, Any]]
    mail: ReadEmail | None = None
    stamps: list[Stamp] = field(default_factory=list)
    leaving: list[Leaving] = field(default_factory=list)
    failure: str = ""  # an exception: the mail would be tried again, and be quarantined in the end


def judge(
    request: HttpRequest, path: ProviderPath, *, checked_with: Mapping[str, str] | None = None
) -> tuple[Verdict, RequestFacts, bytes]:
    """What the webhook would answer, without storing or counting anything. `checked_with`: see ProviderRequest."""
    nothing = RequestFacts("", "", "")
    if path.provider not in settings.E2C_PROVIDERS:
        because = _("E2C_PROVIDERS does not list this provider: its path answers nobody")
        return Verdict(404, because, in_environment("E2C_PROVIDERS")), nothing, b""
    try:
        check_basic_auth(request)
        body = read_body(request, limit=settings.E2C_MAX_BODY)
        facts = RequestFacts.of(request)
        rebuilt = authentic_request(request, path, facts, body, checked_with=checked_with)
    except Refused as refused:
        variable = ENVIRONMENT_OF_REFUSAL.get(refused.status)
        setting = in_environment(variable) if variable else None
        return Verdict(refused.status, refused.reason, setting), nothing, b""
    except Exception as error:  # noqa: BLE001 - as at the webhook: the provider would try again
        return Verdict(503, f"{type(error).__name__}: {error}"[:300]), nothing, b""
    if not brings_mail(path, rebuilt):
        return Verdict(400, _("this request brings no mail")), nothing, b""
    return Verdict(200), facts, body


def foretell(provider: str, body: bytes, facts: RequestFacts, *, sender: str = "", recipient: str = "") -> Foretold:
    """`sender` and `recipient`: the envelope of a mail that came by SMTP; the others carry theirs in the request."""
    inbound = InboundEmail(
        received_at=timezone.now(),
        provider=provider,
        method=facts.method,
        path=facts.path,
        query=facts.query,
        headers=dict(facts.headers),
        remote_address=facts.remote_address,
        raw=RawBody(sha256="", size=len(body), content=body),
        envelope_sender=sender,
        envelope_recipients=[recipient] if recipient else [],
    )
    circumstances = load_circumstances()
    settled = Settled(inbound, Trail())
    try:
        # All that takes time, and asks others, while no transaction is open.
        apart = take_apart(inbound, dry_run=True)
        mail = read_email(inbound, settled.trail, dry_run=True, directory=circumstances.directory, apart=apart)
    except NotAMail as refusal:
        return _unread(settled, InboundEmail.State.REJECTED, "not_a_mail", str(refusal))
    except ReadFailed as failure:
        return _unread(settled, InboundEmail.State.QUARANTINED, failure.reason, str(failure))
    except (TemporaryFailure, OSError) as failure:
        return _unread(settled, InboundEmail.State.RECEIVED, "", str(failure))
    return _rolled_back(lambda: _settled(settled, mail, circumstances))


def _rolled_back(work: Callable[[], Foretold]) -> Foretold:
    with transaction.atomic():
        foretold = work()
        transaction.set_rollback(True)
    return foretold


def _unread(settled: Settled, state: str, reason: str, because: str) -> Foretold:
    inbound = settled.inbound
    inbound.state, inbound.reason, inbound.because = state, str(reason), because
    settled.trail.note("read", str(reason) or "later", because)
    return Foretold(became(inbound), settled.trail.as_json())


def _settled(settled: Settled, mail: ReadEmail, circumstances: Circumstances) -> Foretold:
    """In a transaction that the caller rolls back."""
    inbound, now = settled.inbound, timezone.now()
    settled.mail = mail
    inbound.raw.save(force_insert=True)
    inbound.state, inbound.claim_token = InboundEmail.State.PROCESSING, get_random_string(32)
    inbound.lease_until, inbound.attempts = now + timedelta(minutes=5), 1
    inbound.raw = inbound.raw  # takes over the key that it has now
    inbound.save(force_insert=True)
    try:
        with transaction.atomic():
            lock_thread(mail)
            settled.decision = decide(mail, inbound, circumstances, settled.trail, now=now)
            write(settled, mail, settled.decision, circumstances, [])
            describe_outcome(settled)
    except Exception as error:  # noqa: BLE001 - shown: settling would record it and try again
        return Foretold(
            became(inbound), settled.trail.as_json(), mail, failure=f"{type(error).__name__}: {error}"[:300]
        )
    stored = InboundEmail.objects.select_related("routing_address").get(pk=inbound.pk)
    message = _message_of(stored)
    of_mail = Q(answers=stored) if message is None else Q(answers=stored) | Q(case=message.case)
    leaving = [
        Leaving(str(each.get_kind_display()), each.recipient, each.subject)
        for each in Outbox.objects.filter(
            of_mail, created_at__gte=now, state=Outbox.State.QUEUED, requested_by__isnull=True
        ).order_by("pk")
    ]
    stamps = _stamps(message.case, settled.trail) if message is not None and message.is_case_source else []
    return Foretold(became(stored), list(stored.trail), mail, stamps, leaving)


def _message_of(inbound: InboundEmail) -> EmailMessage | None:
    if inbound.pk is None:
        return None
    found = EmailMessage.objects.filter(inbound_email=inbound)
    return found.select_related(
        "case__owner_user", "case__owner_queue", "case__status", "case__record_type", "case__contact"
    ).first()


def became(inbound: InboundEmail) -> Values:
    """What a settled mail became, in values that do not depend on keys: the same of a foretold and of a real one."""
    message = _message_of(inbound)
    duplicate_of = inbound.duplicate_of
    case = message.case if message is not None else duplicate_of.case if duplicate_of is not None else None
    opened = message is not None and message.is_case_source
    address = inbound.routing_address
    values: Values = {
        "outcome": str(inbound.state),
        "reason": str(inbound.reason),
        "routing_address": address.email_address if address is not None else "",
        "also_received_by": list(inbound.also_received_by),
        # A case that the mail opens has its number only when it is there.
        "case": "new" if opened else case.number_text if case is not None else "",
    }
    if message is None or case is None:
        return values
    return values | {
        "thread_basis": message.thread_basis,
        "automatic_kind": message.automatic_kind,
        "subject": case.subject,
        "owner": _owner_of(case),
        "status": case.status.label,
        "priority": case.priority,
        "origin": case.origin,
        "record_type": case.record_type.name,
        "contact": str(case.contact) if case.contact is not None else "",
        "supplied": f"{case.supplied_name} <{case.supplied_email}>",
        "possibly": case.possibly_belongs_to.number_text if case.possibly_belongs_to is not None else "",
        "awaiting": case.awaiting,
        "participants": sorted(case.participants.values_list("address", flat=True)),
        "tasks": sorted(case.tasks.values_list("subject", "status")),
        "waits": PendingRouting.objects.filter(case=case).exists(),
        "from": message.from_address,
        "headers_kept": bool(message.headers),
    }


def _owner_of(case: Case) -> str:
    if case.owner_queue is not None:
        return f"queue {case.owner_queue.name}"
    return str(case.owner_user) if case.owner_user is not None else ""


def _stamps(case: Case, trail: Trail) -> list[Stamp]:
    """Each value of a new case with where it comes from."""
    address = case.routing_address
    by_address = _("set on %(address)s") % {"address": address.email_address} if address else _("the usual one")
    decision = case.decisions.first()
    owner_because = decision.because if decision is not None else ""
    of_owner = next((line.setting for line in trail.lines if line.step == "owner"), None)

    def on_address(field: str) -> NamedSetting | None:
        return of_address(address.pk, field) if address is not None else None

    names_type = address is not None and address.case_record_type_id is not None
    stamps = [
        Stamp(_("Owner"), _owner_of(case), owner_because, of_owner),
        Stamp(_("Status"), case.status.label, _("the default status of new cases")),
        Stamp(_("Priority"), str(case.get_priority_display()), by_address, on_address("case_priority")),
        Stamp(_("Origin"), str(case.get_origin_display()), by_address, on_address("case_origin")),
        Stamp(
            _("Record type"),
            case.record_type.name,
            by_address if names_type else _("the default record type: the address names none"),
            on_address("case_record_type"),
        ),
    ]
    if case.possibly_belongs_to is not None:
        because = _("its signs are too weak to join it")
        stamps.append(Stamp(_("Possibly belongs to"), case.possibly_belongs_to.number_text, because))
    kept = address is not None and address.save_email_headers
    stamps += [
        Stamp(_("Supplied email"), case.supplied_email or "–", _("the sender of the mail")),
        Stamp(
            _("Task"),
            ", ".join(case.tasks.values_list("subject", flat=True)) or _("none"),
            by_address,
            on_address("create_task"),
        ),
        Stamp(_("Headers kept"), _("all") if kept else _("none"), by_address, on_address("save_email_headers")),
    ]
    return stamps
