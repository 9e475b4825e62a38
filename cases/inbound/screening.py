"""May this mail become a case, or join one? Answers with a value: Proceed, or a refusal with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from django.db.models import Count, Q

from cases.inbound.parsed import Analysis, ParsedEmail, ProviderFacts
from cases.models import Case, EmailMessage, InboundEmail
from cases.reasons import Reason
from routing.address_patterns import AddressPatterns
from routing.choices import RefusalAction
from routing.models import EmailToCaseSettings, RoutingAddress
from routing.named_settings import NamedSetting, of_address, of_organisation

# One sender, one subject, one text, this often in an hour: two machines are talking to each other.
IDENTICAL_MAILS_PER_HOUR = 20


@dataclass(frozen=True, slots=True)
class Proceed:
    because: str = "nothing speaks against it"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A mail that stays out of the cases, with its reason. `notice`: tell the sender once, if allowed."""

    reason: Reason
    because: str
    notice: bool = False
    setting: NamedSetting | None = None
    state: ClassVar[InboundEmail.State]


class Held(Refusal):
    state = InboundEmail.State.HELD


class Quarantined(Refusal):
    state = InboundEmail.State.QUARANTINED


class Rejected(Refusal):
    state = InboundEmail.State.REJECTED


@dataclass(frozen=True, slots=True)
class Screened:
    """What the checks look at."""

    email: ParsedEmail
    analysis: Analysis
    facts: ProviderFacts
    routing_address: RoutingAddress | None
    settings_row: EmailToCaseSettings
    now: datetime
    snippet: str
    own_sender_because: str  # why the sender counts as ourselves; "" when it does not
    own_sender_setting: NamedSetting | None = None

    @property
    def sender_address(self) -> str:
        return self.email.sender.address if self.email.sender else ""


Check = Callable[[Screened], "Refusal | None"]


def screen_sender(mail: Screened, *, waved_through: str = "") -> Proceed | Refusal:
    """Refusals that hold for every mail, part of a case or not. A person may have waved one reason through."""
    return first_refusal(mail, (refuse_own_loop, refuse_blocked_sender, hold_sender_over_limit), waved_through)


def screen_new_case(mail: Screened, *, daily_count: int, waved_through: str = "") -> Proceed | Refusal:
    """Refusals for a mail that would open a case. Without a routing address there is nothing to wave through to."""

    def hold_over_limit(mail: Screened) -> Refusal | None:
        return over_daily_limit(mail, daily_count)

    checks: tuple[Check, ...] = (
        need_routing_address,
        refuse_unmatched_automatic,
        hold_when_switched_off,
        refuse_unauthorized_sender,
        hold_for_review,
        hold_over_limit,
    )
    return first_refusal(mail, checks, waved_through)


def first_refusal(mail: Screened, checks: tuple[Check, ...], waved_through: str = "") -> Proceed | Refusal:
    for check in checks:
        refusal = check(mail)
        if refusal and refusal.reason != waved_through:
            return refusal
    return Proceed()


def refuse_own_loop(mail: Screened) -> Refusal | None:
    if mail.own_sender_because:
        return Rejected(Reason.OWN_LOOP, mail.own_sender_because, setting=mail.own_sender_setting)
    return None


def refuse_blocked_sender(mail: Screened) -> Refusal | None:
    address = mail.routing_address
    if (
        address
        and address.block_email_from
        and AddressPatterns.parse(address.block_email_from).matches(mail.sender_address)
    ):
        because = f"{address.email_address} blocks mail from {mail.sender_address}"
        return Rejected(Reason.BLOCKED_SENDER, because, setting=of_address(address.pk, "block_email_from"))
    return None


def hold_sender_over_limit(mail: Screened) -> Refusal | None:
    """The loop guard: beyond the hourly limit, a sender's mails wait instead of flooding the cases."""
    limit = mail.settings_row.sender_hourly_limit
    if not limit or not mail.sender_address:
        return None
    # The limit bounds this count too: of a machine that has written for years only the newest mails are looked at.
    newest = EmailMessage.objects.filter(incoming=True, from_address=mail.sender_address).order_by("-id")
    within_the_hour = Q(received_at__gte=mail.now - timedelta(hours=1))
    identical = Q(subject=mail.email.subject[:1000], snippet=mail.snippet)
    written = newest[: max(limit, IDENTICAL_MAILS_PER_HOUR)].aggregate(
        mails=Count("pk", filter=within_the_hour), identical=Count("pk", filter=within_the_hour & identical)
    )
    if written["mails"] >= limit:
        return Held(
            Reason.LOOP_SUSPECTED,
            f"{mail.sender_address} wrote {written['mails']} mails within the hour; the limit is {limit}",
            setting=of_organisation("sender_hourly_limit"),
        )
    if written["identical"] >= IDENTICAL_MAILS_PER_HOUR:
        return Held(
            Reason.LOOP_SUSPECTED,
            f"{mail.sender_address} wrote the same mail {written['identical']} times within the hour",
        )
    return None


def need_routing_address(mail: Screened) -> Refusal | None:
    if mail.routing_address is None:
        because = "none of its recipients is a routing address"
        return Quarantined(Reason.NO_ROUTING_ADDRESS, because, setting=NamedSetting("routing_address"))
    if mail.routing_address.is_deleted:
        return Quarantined(Reason.ADDRESS_DELETED, f"{mail.routing_address.email_address} was deleted")
    return None


def refuse_unmatched_automatic(mail: Screened) -> Refusal | None:
    """Automatic mail that matches nothing (docs/inbound.md, automatic mail)."""
    kind = mail.analysis.automatic_kind
    if kind == "bounce":
        return Rejected(Reason.BOUNCE_UNMATCHED, "a bounce, and no mail that we sent matches it")
    if kind in ("out_of_office", "challenge", "read_receipt"):
        return Rejected(Reason.AUTOMATIC_UNMATCHED, f"{kind.replace('_', ' ')}, and no mail or case matches it")
    if kind == "feedback_report":
        return Held(Reason.COMPLAINT_REVIEW, "a spam complaint, and no mail that we sent matches it")
    if kind == "bulk" and mail.settings_row.hold_bulk:
        return Held(Reason.BULK_REVIEW, mail.analysis.automatic_because, setting=of_organisation("hold_bulk"))
    return None


def hold_when_switched_off(mail: Screened) -> Refusal | None:
    if not mail.settings_row.enabled:
        because = "Email-to-Case is switched off in its settings"
        return Held(Reason.DISABLED, because, setting=of_organisation("enabled"))
    address = mail.routing_address
    if address and not address.is_active:
        because = f"{address.email_address} is switched off"
        return Held(Reason.ADDRESS_INACTIVE, because, setting=of_address(address.pk, "is_active"))
    return None


def refuse_unauthorized_sender(mail: Screened) -> Refusal | None:
    address = mail.routing_address
    if not address or not address.accept_email_from:
        return None
    if not mail.email.sender_is_ambiguous and AddressPatterns.parse(address.accept_email_from).matches(
        mail.sender_address
    ):
        return None
    who = mail.sender_address or "an unreadable sender"
    return Rejected(
        Reason.UNAUTHORIZED_SENDER,
        f"{address.email_address} does not accept mail from {who}",
        notice=mail.settings_row.unauthorized_sender_action == RefusalAction.BOUNCE,
        setting=of_address(address.pk, "accept_email_from"),
    )


def hold_for_review(mail: Screened) -> Refusal | None:
    if mail.facts.spam_detected and mail.settings_row.hold_spam:
        because = f"{mail.facts.provider} marks it as spam"
        return Held(Reason.SPAM_REVIEW, because, setting=of_organisation("hold_spam"))
    authentication = mail.analysis.authentication
    if authentication.failed_dmarc and mail.settings_row.hold_dmarc_failures:
        because = f"it fails DMARC, says {authentication.by}"
        return Held(Reason.AUTHENTICATION_REVIEW, because, setting=of_organisation("hold_dmarc_failures"))
    return None


def over_daily_limit(mail: Screened, daily_count: int) -> Refusal | None:
    limit = mail.settings_row.daily_limit
    if not limit or daily_count < limit:
        return None
    because = f"{daily_count} cases were opened by mail within 24 hours; the limit is {limit}"
    action, setting = mail.settings_row.over_limit_action, of_organisation("daily_limit")
    if action == RefusalAction.REQUEUE:
        return Held(Reason.OVER_LIMIT, because, setting=setting)
    return Rejected(Reason.OVER_LIMIT, because, notice=action == RefusalAction.BOUNCE, setting=setting)


def count_cases_of_day(now: datetime) -> int:
    """Cases opened by mail in the 24 hours before `now`."""
    return Case.objects.filter(created_at__gt=now - timedelta(days=1), source__isnull=False).count()
