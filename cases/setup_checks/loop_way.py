"""The way of a test mail, step by step, and what a customer's mail to the same address would become."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage as MailMessage
from email.utils import format_datetime

from django.utils.translation import gettext as _

from cases.inbound.replay import WouldBe, would_become
from cases.models import InboundEmail, LoopTest, Outbox, RawBody
from cases.setup_checks.address_proof import said_at
from cases.setup_checks.proof_lines import OK, TODO, UNKNOWN, WRONG, ProofLine
from routing.choices import AutoResponsePolicy, ClosedCasePolicy
from routing.models import RoutingAddress
from routing.permission_sets import who_can_send

__all__ = ["LoopWay", "Stamp", "stamps_of", "way_of"]

BROKEN_AFTER = timedelta(minutes=2)
STRANGER = "A customer <customer@example.com>"
STILL_OPEN = (Outbox.State.QUEUED, Outbox.State.SENDING)


@dataclass(frozen=True, slots=True)
class Stamp:
    what: str
    value: str
    because: str


@dataclass(frozen=True, slots=True)
class LoopWay:
    """`verdict`: under_way, arrived or broken."""

    test: LoopTest
    verdict: str
    steps: list[ProofLine] = field(default_factory=list)

    @property
    def is_under_way(self) -> bool:
        return self.verdict == "under_way"


def way_of(test: LoopTest, *, now: datetime) -> LoopWay:
    """At most one query, while the mail has not come back."""
    steps = [ProofLine("queued", _("Queued"), OK, said_at(test.asked_at)), _sent(test.outbox)]
    if test.arrived_at is not None:
        return LoopWay(test, "arrived", [*steps, *_arrived(test)])
    is_late = test.asked_at < now - BROKEN_AFTER
    has_failed = test.outbox.state not in (*STILL_OPEN, Outbox.State.SENT)
    steps.append(_not_back(test, is_late=is_late or has_failed))
    return LoopWay(test, "broken" if is_late or has_failed else "under_way", steps)


def _sent(outbox: Outbox) -> ProofLine:
    title = _("Left here")
    if outbox.state == Outbox.State.SENT:
        return ProofLine("sent", title, OK, said_at(outbox.sent_at or outbox.created_at))
    words = outbox.get_state_display() + (f": {outbox.detail}" if outbox.detail else "")
    if outbox.state in STILL_OPEN:
        return ProofLine("sent", title, TODO, words, _("The workers, or the sweeper, send it."))
    return ProofLine("sent", title, WRONG, words, _("Correct E2C_EMAIL_URL and E2C_SYSTEM_FROM."))


def _arrived(test: LoopTest) -> list[ProofLine]:
    arrived_at = test.arrived_at or test.asked_at
    seconds = max(0, round((arrived_at - test.asked_at).total_seconds()))
    by_forward = test.matched_by.startswith("services address")
    words = _("%(day)s, after %(seconds)s s, by its %(sign)s") % {
        "day": said_at(arrived_at),
        "seconds": seconds,
        "sign": test.matched_by,
    }
    step = "" if by_forward else _("It came in without the forward: your provider receives the public address itself.")
    back = ProofLine("back", _("Came back"), OK, words, step)
    if test.from_intact:
        sender = ProofLine("from", _("From unchanged"), OK, _("as it left"))
    else:
        words = _("The forward put another sender in the place of ours; it will do so with customers.")
        sender = ProofLine("from", _("From changed"), WRONG, words, _("Redirect instead of forwarding."))
    return [back, sender, *(_verdict(name, getattr(test, name.lower())) for name in ("SPF", "DKIM", "DMARC"))]


def _verdict(name: str, verdict: str) -> ProofLine:
    """Of our own system mail as it arrived. A forward breaks SPF by its nature; DKIM has to hold."""
    if not verdict:
        return ProofLine(name, name, UNKNOWN, _("Nobody told."))
    if verdict == "pass":
        return ProofLine(name, name, OK, verdict)
    if name == "SPF":
        return ProofLine(name, name, UNKNOWN, verdict, _("Usual behind a forward; DKIM is what survives it."))
    return ProofLine(name, name, UNKNOWN if verdict in ("none", "temperror") else WRONG, verdict)


def _not_back(test: LoopTest, *, is_late: bool) -> ProofLine:
    title, address = _("Came back"), test.routing_address
    elsewhere = (
        InboundEmail.objects.filter(
            received_at__gte=test.asked_at,
            reason="own_loop",
            because__startswith=f"our own test mail for {test.sent_to} came back, but reached another address",
        )
        .select_related("routing_address")
        .first()
    )
    if elsewhere is not None:
        words = _("It came back, but to the services address of %(other)s.") % {
            "other": elsewhere.routing_address.email_address if elsewhere.routing_address else _("another address")
        }
        step = _("Forward %(email)s to %(services)s.")
    elif not is_late:
        return ProofLine("back", title, TODO, _("Not yet. This page looks again by itself."))
    elif test.outbox.state != Outbox.State.SENT:
        words, step = _("It cannot come back: it did not leave here."), _("See the step before.")
    else:
        words = _("Not within two minutes. It left here, so it is lost between your mail system and this one.")
        step = _(
            "Look for it in the mailbox of %(email)s. It is there: the forward to %(services)s is missing or goes "
            "elsewhere. It is not: look in its spam folder and at the MX record of its domain. It was forwarded: look "
            "whether your provider calls the webhook, under Refused calls and Inbound mail."
        )
    step %= {"email": test.sent_to, "services": address.services_address}
    return ProofLine("back", title, WRONG, words, step)


def stamps_of(address: RoutingAddress, *, now: datetime) -> tuple[WouldBe, list[Stamp]]:
    """What a stranger's mail that comes now by the forward would become, decided by the real pipeline and rolled back.

    The list is empty when it would not open a case; the outcome says why.
    """
    would = would_become(_mail_of_a_stranger(address, now))
    if would.outcome != InboundEmail.State.CASE:
        return would, []
    return would, [*_of_the_case(address, would), *_of_the_mail(address), _answering(address)]


def _mail_of_a_stranger(address: RoutingAddress, now: datetime) -> InboundEmail:
    mail = MailMessage()
    mail["From"], mail["To"], mail["Subject"] = STRANGER, address.email_address, "Test"
    mail["Date"], mail["Message-ID"] = format_datetime(now), f"<setup-{now:%Y%m%d%H%M%S%f}@example.com>"
    mail.set_content("Test")
    raw = mail.as_bytes()
    return InboundEmail(
        provider="ingest",
        received_at=now,
        raw=RawBody(content=raw, size=len(raw), sha256=""),
        envelope_sender="customer@example.com",
        envelope_recipients=[address.services_address],
    )


def _of_the_case(address: RoutingAddress, would: WouldBe) -> list[Stamp]:
    of_address = _("set on this address")
    return [
        Stamp(
            _("Record type"),
            would.record_type,
            of_address if address.case_record_type_id else _("the default record type: this address names none"),
        ),
        Stamp(_("Priority"), address.get_case_priority_display(), of_address),
        Stamp(_("Origin"), address.get_case_origin_display(), of_address),
        Stamp(_("Owner"), would.owner, would.owner_because),
    ]


def _of_the_mail(address: RoutingAddress) -> list[Stamp]:
    of_address = _("set on this address")
    task = (
        Stamp(_("Task"), address.get_task_status_display(), _("a task for the owner, closed by the answer"))
        if address.create_task
        else Stamp(_("Task"), _("none"), _("“create task from email” is off"))
    )
    template = address.auto_response_template
    answer = (
        Stamp(_("Automatic answer"), _("none"), _("switched off on this address"))
        if address.auto_response_policy == AutoResponsePolicy.OFF
        else Stamp(
            _("Automatic answer"), template.name if template else "–", address.get_auto_response_policy_display()
        )
    )
    closed = str(address.get_closed_case_policy_display())
    if address.closed_case_policy == ClosedCasePolicy.REOPEN_WITHIN:
        closed = f"{closed}: {address.reopen_days}"
    return [
        task,
        answer,
        Stamp(_("Headers kept"), _("all") if address.save_email_headers else _("none"), of_address),
        Stamp(_("Mail to a closed case"), closed, of_address),
    ]


def _answering(address: RoutingAddress) -> Stamp:
    names = [sender.user.get_username() for sender in who_can_send(address) if sender.may_reply]
    shown = ", ".join(names[:5]) + (f" + {len(names) - 5}" if len(names) > 5 else "")
    if not address.is_verified:
        because = _("the address is not verified")
    elif address.controlled_by_permission_set:
        because = _("controlled by permission set")
    else:
        because = _("not controlled: everybody who may reply to cases")
    return Stamp(_("Who can answer"), shown or _("nobody"), because)
