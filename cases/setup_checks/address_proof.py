"""The live checklist of a routing address: each line from what really happened, none from what a form says."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import parseaddr

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.models import Case, EmailMessage, InboundEmail, LoopTest, Outbox
from cases.selectors.canaries import OVERDUE_AFTER
from cases.setup_checks.proof_lines import OK, TODO, UNKNOWN, WRONG, ProofLine
from routing.domain_checks import findings_of, kept_check, service_of, words_of
from routing.models import Connection, DomainCheck, RoutingAddress, VerificationMail
from routing.permission_sets import who_can_send

__all__ = [
    "AddressProof",
    "forwarding_line",
    "proof_of",
    "said_at",
    "senders_line",
    "verified_line",
    "way_out_line",
]

LOOKED_BACK = timedelta(days=7)
LIVE_FOR = timedelta(minutes=15)  # a verification mail is usually opened by then
MOST_MAILS = 200  # that are looked at for rewritten senders, and cases for answers
MANY_REWRITTEN = 0.2  # of the mails: below it, colleagues wrote to the address themselves
REWRITTEN = ("srs0=", "srs1=", "srs0+", "srs1+", "prvs=", "btv1==")  # how forwarders mark what they rewrote
PROVES_THREADS = (
    EmailMessage.ThreadBasis.REPLY_ADDRESS,
    EmailMessage.ThreadBasis.OUR_MESSAGE_ID,
    EmailMessage.ThreadBasis.TOKEN_BODY,
    EmailMessage.ThreadBasis.TOKEN_SUBJECT,
)
DNS_TITLES = {"spf": "SPF", "dkim": "DKIM", "dmarc": "DMARC"}


@dataclass(frozen=True, slots=True)
class AddressProof:
    lines: list[ProofLine]
    checked: DomainCheck | None  # the answers of DNS that the lines tell
    domain: str

    @property
    def missing(self) -> list[ProofLine]:
        """What stands between the address and its first proven case."""
        return [line for line in self.lines if line.state in (TODO, WRONG)]


def proof_of(address: RoutingAddress, *, last_test: LoopTest | None, now: datetime) -> AddressProof:
    """Some twelve queries, each bounded by an index. Asks nobody outside."""
    checked = kept_check(address)
    lines = [
        ProofLine("saved", _("Saved"), OK, said_at(address.created_at)),
        verified_line(address, now),
        forwarding_line(address, last_test, now),
        _from_intact(address, last_test, now),
        _threads(address),
        *_dns(address, checked),
        senders_line(address),
        way_out_line(address),
        _last_in(address),
        _last_out(address),
        _canary(address, now),
    ]
    return AddressProof(lines, checked, address.email_address.rpartition("@")[2])


def said_at(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"


def verified_line(address: RoutingAddress, now: datetime) -> ProofLine:
    title = _("Verified")
    if address.is_verified and address.verified_at:
        return ProofLine("verified", title, OK, _("since %(day)s") % {"day": said_at(address.verified_at)})
    mail = VerificationMail.objects.filter(routing_address=address).first()
    if mail is None:
        return ProofLine(
            "verified",
            title,
            TODO,
            _("No verification mail was sent yet."),
            _("Press “Verify”."),
        )
    if mail.state == VerificationMail.State.FAILED:
        words = _("The verification mail could not be sent: %(why)s") % {"why": mail.detail}
        return ProofLine("verified", title, WRONG, words, _("Correct E2C_EMAIL_URL, then send it again."))
    words = _("A verification mail was sent %(day)s.") % {"day": said_at(mail.created_at)}
    step = _("Open it in the mailbox of %(email)s and press its button.") % {"email": address.email_address}
    is_fresh = mail.created_at > now - LIVE_FOR
    return ProofLine("verified", title, TODO, words, step, is_waiting=is_fresh)


def forwarding_line(address: RoutingAddress, test: LoopTest | None, now: datetime) -> ProofLine:
    title = _("Forwarding")
    step = _("Forward %(email)s to %(services)s in your mail system, then send a test mail.") % {
        "email": address.email_address,
        "services": address.services_address,
    }
    if test is not None and test.arrived_at is None and test.asked_at < now - OVERDUE_AFTER:
        words = _("The test mail of %(day)s has not come back.") % {"day": said_at(test.asked_at)}
        return ProofLine("forwarding", title, WRONG, words, step)
    if address.forwarding_seen_at:
        words = _("First seen %(day)s") % {"day": said_at(address.forwarding_seen_at)}
        return ProofLine("forwarding", title, OK, words)
    return ProofLine("forwarding", title, TODO, _("No mail has come through the forward yet."), step)


def _from_intact(address: RoutingAddress, test: LoopTest | None, now: datetime) -> ProofLine:
    title = _("Sender kept by the forward")
    step = _("Redirect instead of forwarding: the From of customers must stay as it is.")
    if test is not None and test.from_intact is False:
        words = _("The test mail came back with another From than it left with.")
        return ProofLine("from", title, WRONG, words, step)
    seen, rewritten = _rewritten(address, now)
    counted = {"rewritten": rewritten, "seen": seen}
    if rewritten and rewritten >= seen * MANY_REWRITTEN:
        words = _("%(rewritten)s of the last %(seen)s mails name one of our own addresses as their sender.") % counted
        return ProofLine("from", title, WRONG, words, step)
    if test is not None and test.from_intact:
        words = _("The test mail came back with its From unchanged.")
        return ProofLine("from", title, OK, words)
    if seen:
        words = _("%(rewritten)s of the last %(seen)s mails name one of our own addresses as their sender.") % counted
        return ProofLine("from", title, OK, words)
    return ProofLine("from", title, UNKNOWN, _("No mail to judge by."), _("Send a test mail."))


def _rewritten(address: RoutingAddress, now: datetime) -> tuple[int, int]:
    """(mails of the last days, those whose From is ours or bears the mark of a forwarder): such mail opens no case."""
    senders = list(
        InboundEmail.objects.filter(routing_address=address, received_at__gt=now - LOOKED_BACK)
        .exclude(from_address__iexact=parseaddr(settings.E2C_SYSTEM_FROM)[1])  # our own test mail
        .order_by("-id")
        .values_list("from_address", flat=True)[:MOST_MAILS]
    )
    senders = [each.lower() for each in senders if each]
    ours = {
        each.lower()
        for each in RoutingAddress.objects.not_deleted()
        .filter(email_address__in=set(senders))
        .values_list("email_address", flat=True)
    }
    return len(senders), sum(each in ours or each.startswith(REWRITTEN) for each in senders)


def _threads(address: RoutingAddress) -> ProofLine:
    title = _("Answers find their case")
    cases = Case.objects.filter(routing_address=address).order_by("-id").values_list("pk", flat=True)[:MOST_MAILS]
    answer = (
        EmailMessage.objects.filter(case__in=list(cases), incoming=True, thread_basis__in=PROVES_THREADS)
        .order_by("-id")
        .first()
    )
    if answer is not None:
        words = _("Last one %(day)s by %(sign)s") % {
            "day": said_at(answer.received_at),
            "sign": answer.get_thread_basis_display(),
        }
        return ProofLine("threads", title, OK, words)
    words = _("No answer to a mail of ours has come back yet.")
    step = _("Answer a case from this address to yourself, and answer that mail.")
    return ProofLine("threads", title, UNKNOWN, words, step)


def _dns(address: RoutingAddress, checked: DomainCheck | None) -> list[ProofLine]:
    if not settings.E2C_DNS:
        words = _("Not asked: E2C_DNS is off.")
        step = _("Set E2C_DNS=1 where this machine can reach DNS.")
        return [ProofLine(name, title, UNKNOWN, words, step) for name, title in DNS_TITLES.items()]
    if checked is None:
        return [
            ProofLine(name, title, UNKNOWN, _("Not asked yet."), _("Press “Check DNS now”."))
            for name, title in DNS_TITLES.items()
        ]
    lines = []
    for finding in findings_of(checked):
        words, step = words_of(finding)
        source = service_of(address).source
        if source and finding.name == "dkim" and finding.state != OK:
            step = f"{step} {source}"
        title = DNS_TITLES[finding.name]
        lines.append(ProofLine(finding.name, title, finding.state, words, step, finding.host, finding.record))
    return lines


def senders_line(address: RoutingAddress) -> ProofLine:
    title = _("Who can send")
    if not address.is_active:
        return ProofLine("senders", title, UNKNOWN, _("The address is switched off: nobody can."))
    if not address.is_verified:
        words, step = _("Nobody: it is not verified."), _("Verify the address.")
        return ProofLine("senders", title, TODO, words, step)
    count = sum(sender.may_reply for sender in who_can_send(address))
    if count:
        words = ngettext("%(count)s person", "%(count)s people", count) % {"count": count}
        because = _("through permission sets") if address.controlled_by_permission_set else _("every rep")
        return ProofLine("senders", title, OK, f"{words}, {because}")
    if address.controlled_by_permission_set:
        words = _("Nobody: no member of a permission set that grants it may reply to cases.")
        return ProofLine("senders", title, WRONG, words, _("Grant it in a permission set that has members."))
    words = _("Nobody: no active user has the permission to reply to cases.")
    return ProofLine("senders", title, TODO, words, _("Give it to the reps by a group."))


def way_out_line(address: RoutingAddress) -> ProofLine:
    title = _("Way out")
    connection = address.connection
    if connection is None:
        scheme = settings.E2C_EMAIL_URL.partition(":")[0]
        if scheme in ("file", "memory"):
            words = _("E2C_EMAIL_URL is %(scheme)s: mail stays on this machine.") % {"scheme": scheme}
            return ProofLine("connection", title, TODO, words, _("Set E2C_EMAIL_URL, or choose a connection."))
        return ProofLine("connection", title, OK, _("E2C_EMAIL_URL (%(scheme)s)") % {"scheme": scheme})
    words = f"{connection.name}: {connection.get_state_display()}"
    if connection.state == Connection.State.WORKS:
        return ProofLine("connection", title, OK, words)
    if connection.state == Connection.State.UNTESTED:
        return ProofLine("connection", title, UNKNOWN, words, _("Press Test on the page of the connection."))
    detail = f"{words}. {connection.state_detail}" if connection.state_detail else words
    return ProofLine("connection", title, WRONG, detail, _("Open the page of the connection and mend it."))


def _last_in(address: RoutingAddress) -> ProofLine:
    title = _("Last mail in")
    if address.last_mail_at:
        return ProofLine("mail_in", title, OK, said_at(address.last_mail_at))
    return ProofLine("mail_in", title, UNKNOWN, _("None yet."), _("Write to it from outside: it becomes a case."))


def _last_out(address: RoutingAddress) -> ProofLine:
    title = _("Last mail out")
    last = (
        Outbox.objects.filter(from_address=address, state__in=[Outbox.State.SENT, Outbox.State.FAILED])
        .order_by("-id")
        .first()
    )
    if last is None:
        return ProofLine("mail_out", title, UNKNOWN, _("None yet."))
    if last.state == Outbox.State.FAILED:
        words = _("The last one was refused: %(why)s") % {"why": last.detail or last.get_state_display()}
        return ProofLine("mail_out", title, WRONG, words, _("Look at it in the outgoing mail."))
    return ProofLine("mail_out", title, OK, said_at(last.sent_at or last.created_at))


def _canary(address: RoutingAddress, now: datetime) -> ProofLine:
    title = _("Canary")
    if not address.canary_hours:
        step = _("Set “hours between test mails” below, and be told when mail stops.")
        return ProofLine("canary", title, UNKNOWN, _("No test mail is sent by a schedule."), step)
    if not (address.is_active and address.is_verified):
        return ProofLine("canary", title, TODO, _("Runs once the address is verified and active."))
    last = LoopTest.objects.filter(routing_address=address, is_canary=True).first()
    if last is None:
        return ProofLine("canary", title, TODO, _("The first one is due."), _("The sweeper sends it."))
    if last.arrived_at is not None:
        return ProofLine("canary", title, OK, _("The last one came back %(day)s.") % {"day": said_at(last.arrived_at)})
    if last.asked_at < now - OVERDUE_AFTER:
        words = _("The one of %(day)s has not come back.") % {"day": said_at(last.asked_at)}
        if last.alerted_at:
            words += " " + _("An alert was sent %(day)s.") % {"day": said_at(last.alerted_at)}
        return ProofLine("canary", title, WRONG, words, _("Look at the way of the test mail below."))
    return ProofLine("canary", title, OK, _("One is under way since %(day)s.") % {"day": said_at(last.asked_at)})
