"""Whether mail leaves through the service of E2C_EMAIL_URL: what happened last, and a try that sends nothing."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils.translation import gettext as _

from cases.models import Outbox
from cases.setup_checks.address_proof import said_at
from cases.setup_checks.proof_lines import OK, TODO, WRONG, ProofLine
from routing import audit
from routing.connection_trial import TrialResult, try_system_service
from routing.models import AuditEvent, VerificationMail

__all__ = ["last_try_line", "try_way_out"]

TRIED = "outgoing-mail-tested"


def try_way_out(*, by: User | None) -> TrialResult:
    """Connect and log in as a mail would; the audit log keeps what happened. Not in a transaction: it is slow."""
    result = try_system_service()
    audit.record(TRIED, "E2C_EMAIL_URL", by=by, works=result.works, words=str(result)[:500])
    return result


def last_try_line() -> ProofLine:
    """By the newest of three: a test, a verification mail, a mail of the outbox. Three statements."""
    title = _("Last try")
    known = []
    tried = AuditEvent.objects.filter(action=TRIED).order_by("-id").first()
    if tried is not None:
        known.append((tried.at, bool(tried.detail.get("works")), str(tried.detail.get("words", ""))))
    asked = VerificationMail.objects.exclude(state=VerificationMail.State.SENDING).order_by("-id").first()
    if asked is not None:
        has_left = asked.state != VerificationMail.State.FAILED
        words = _("A verification mail left.") if has_left else asked.detail
        known.append((asked.created_at, has_left, words))
    ours = Q(from_address__isnull=True) | Q(from_address__connection__isnull=True)
    settled = Outbox.objects.filter(ours, state__in=[Outbox.State.SENT, Outbox.State.FAILED])
    mail = settled.order_by("-id").only("created_at", "sent_at", "state", "detail").first()
    if mail is not None:
        has_left = mail.state == Outbox.State.SENT
        known.append((mail.sent_at or mail.created_at, has_left, _("A mail left.") if has_left else mail.detail))
    if not known:
        return ProofLine("last_try", title, TODO, _("Nothing has left yet."), _("Press “Test”."))
    at, works, words = max(known, key=lambda each: each[0])
    words = f"{said_at(at)}: {words}"
    if works:
        return ProofLine("last_try", title, OK, words)
    return ProofLine("last_try", title, WRONG, words, _("Correct E2C_EMAIL_URL, start again, and press “Test”."))
