"""Prove that whoever set up a routing address can read its mail: a mail with a signed link, confirmed by a person.

The link is signed, lives 72 hours, works once and only for the exact address it was sent to. It is never stored: the
row keeps a nonce, the signature proves the rest. Opening the link changes nothing (mail scanners do that), its button
does.
"""

from __future__ import annotations

import base64
import enum
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import make_msgid, parseaddr
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core import signing
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from routing import audit
from routing.connections import system_connection
from routing.models import RoutingAddress, VerificationMail

LINK_LIFETIME = timedelta(hours=72)
# One address is not flooded, neither by double clicks nor by an account that somebody took over.
MINIMUM_INTERVAL = timedelta(minutes=1)
HOURLY_LIMIT = 5
# And one routing address cannot be pointed at one stranger after another.
HOURLY_LIMIT_PER_ROW = 20

_SIGNER_SALT = "routing.verification"
# What every token begins with: base64 of {"nonce":
_TOKEN_START = "eyJub25jZSI6"  # noqa: S105 - no secret: every token begins so
# Payload, time and signature of Django's TimestampSigner, its colons perhaps encoded by a link rewriter.
_COLON = r"(?::|%(?:25)*3[Aa]|&#(?:58|x3[Aa]);)"
_TOKEN = re.compile(rf"{_TOKEN_START}[A-Za-z0-9_-]{{20,300}}{_COLON}[A-Za-z0-9]{{4,8}}{_COLON}[A-Za-z0-9_-]{{43}}")
_ENCODED_COLON = re.compile(_COLON)
# To hide a link, its rest on the next lines has to go as well: mail programs wrap and quote long lines.
_LINK = re.compile(
    rf"(?:https?://[^\s\"'<>]{{0,500}}?)?{_TOKEN_START}[A-Za-z0-9_:%&#;=-]*"
    r"(?:\r?\n[>| \t]*(?=[A-Za-z0-9_:%-]{16})[A-Za-z0-9_:%&#;=-]+)*/?"
)
# The same in base64, which writes it in one of three ways: by how many bytes stand before it. Its ends depend on what
# is beside it and are left out.
_TOKEN_START_IN_BASE64 = tuple(
    base64.b64encode(b"-" * before + _TOKEN_START.encode())[(0, 4, 4)[before] : -4] for before in range(3)
)
_LONGEST_FORWARD = 1024 * 1024  # bytes; a verification mail has two thousand
_MAX_TOKEN_LENGTH = 400
_IDENTIFIER = re.compile(r"[^\s@/]{1,200}@[^\s@/]{1,250}")
_MASKED = "[verification link removed]"


class VerificationRefused(Exception):
    """No verification mail was sent. The message says why, for the person who asked for it."""


class VerificationThrottled(VerificationRefused):
    """Too many mails to this address; `retry_at` is when the next one may go."""

    def __init__(self, retry_at: datetime) -> None:
        self.retry_at = retry_at
        seconds = max(1, round((retry_at - timezone.now()).total_seconds()))
        wait = (
            _("%(count)s seconds") % {"count": seconds}
            if seconds < 90
            else _("%(count)s minutes") % {"count": -(-seconds // 60)}
        )
        super().__init__(_("A verification mail was sent a short while ago. Try again in %(wait)s.") % {"wait": wait})


class Outcome(enum.Enum):
    """What a link does, or did."""

    READY = "ready"
    CONFIRMED = "confirmed"
    ALREADY_DONE = "already_done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """`address` is None when the link is refused: a refusal tells nothing about any address."""

    outcome: Outcome
    address: RoutingAddress | None = None


# --- sending ---------------------------------------------------------------------------------------------------------


def send_verification(address: RoutingAddress, *, by: User | None) -> VerificationMail:
    """Mail the link to the address and record what became of it; a failed hand-over is a row with state `failed`.

    Raises VerificationThrottled, or VerificationRefused for an address that is verified or deleted. Call it outside of
    transactions: it talks to the mail service.
    """
    mail = _reserve(address, by=by)
    message = _compose(mail)
    try:
        system_connection().send_messages([message])
    except Exception as error:  # noqa: BLE001 - mail services fail in their own ways; each is recorded on the row
        mail.state = VerificationMail.State.FAILED
        mail.detail = f"{type(error).__name__}: {error}".splitlines()[0][:500]
    else:
        mail.state = VerificationMail.State.SENT
    # A link may be confirmed before this line runs; that state stands.
    VerificationMail.objects.filter(pk=mail.pk, state=VerificationMail.State.SENDING).update(
        state=mail.state, detail=mail.detail
    )
    audit.record(f"verification-{mail.state}", address, by=by, to=mail.email_address, detail=mail.detail)
    return mail


@transaction.atomic
def _reserve(address: RoutingAddress, *, by: User | None) -> VerificationMail:
    """The row of a mail about to be sent. The lock on the address makes two clicks wait for each other."""
    stored = RoutingAddress.objects.select_for_update().get(pk=address.pk)
    if stored.is_deleted:
        raise VerificationRefused(_("The routing address was deleted."))
    if stored.is_verified:
        raise VerificationRefused(_("This address is verified already."))
    _check_throttle(stored)
    return VerificationMail.objects.create(
        routing_address=stored,
        email_address=stored.email_address,
        nonce=secrets.token_urlsafe(24)[:32],
        message_identifier=make_msgid("verify", domain=_system_domain()).strip("<>"),
    )


def _check_throttle(address: RoutingAddress) -> None:
    """Failed hand-overs do not count: whoever repairs the mail service should not have to wait."""
    now = timezone.now()
    recent = VerificationMail.objects.filter(created_at__gt=now - timedelta(hours=1)).exclude(
        state=VerificationMail.State.FAILED
    )
    to_address = list(
        recent.filter(email_address=address.email_address).order_by("-created_at").values_list("created_at", flat=True)
    )
    retry_at = to_address[0] + MINIMUM_INTERVAL if to_address else now
    if len(to_address) >= HOURLY_LIMIT:
        retry_at = max(retry_at, to_address[HOURLY_LIMIT - 1] + timedelta(hours=1))
    of_row = list(recent.filter(routing_address=address).order_by("-created_at").values_list("created_at", flat=True))
    if len(of_row) >= HOURLY_LIMIT_PER_ROW:
        retry_at = max(retry_at, of_row[HOURLY_LIMIT_PER_ROW - 1] + timedelta(hours=1))
    if retry_at > now:
        raise VerificationThrottled(retry_at)


def _system_domain() -> str:
    return parseaddr(settings.E2C_SYSTEM_FROM)[1].rpartition("@")[2] or "localhost"


def _compose(mail: VerificationMail) -> EmailMultiAlternatives:
    """The mail, in the address's language. Its link starts with E2C_PUBLIC_URL, never with a Host header."""
    address = mail.routing_address
    context: dict[str, Any] = {
        "address": address,
        "email_address": mail.email_address,
        "link": settings.E2C_PUBLIC_URL + reverse("routing:verify", args=[_token_for(mail)]),
        "hours": int(LINK_LIFETIME.total_seconds() // 3600),
    }
    with translation.override(address.language or settings.LANGUAGE_CODE):
        message = EmailMultiAlternatives(
            subject=" ".join(render_to_string("email/verification.subject.txt", context).split()),
            body=render_to_string("email/verification.txt", context),
            from_email=settings.E2C_SYSTEM_FROM,
            to=[mail.email_address],
            headers={
                "Message-ID": f"<{mail.message_identifier}>",
                "Auto-Submitted": "auto-generated",  # RFC 3834 section 5
                "X-Auto-Response-Suppress": "All",  # Exchange's way of saying that no answer is wanted
            },
        )
        message.attach_alternative(render_to_string("email/verification.html", context), "text/html")
    message.e2c_idempotency_key = f"verification-{mail.pk}"  # type: ignore[attr-defined]
    return message


def _token_for(mail: VerificationMail) -> str:
    return signing.TimestampSigner(salt=_SIGNER_SALT).sign_object({"nonce": mail.nonce, "email": mail.email_address})


# --- the link --------------------------------------------------------------------------------------------------------


def look_at(token: str) -> Confirmation:
    """What the button behind this link would do now. Changes nothing."""
    mail = _mail_of_token(token, max_age=LINK_LIFETIME)
    return Confirmation(Outcome.REFUSED) if mail is None else _state_of(mail)


@transaction.atomic
def confirm(token: str, *, by: User | None = None) -> Confirmation:
    """Verify the address a good link was sent to. A second use says that it is done; all else is the same refusal."""
    mail = _mail_of_token(token, max_age=LINK_LIFETIME)
    if mail is None:
        return Confirmation(Outcome.REFUSED)
    # Lock before looking: two clicks at once are one confirmation and one "already done".
    address = RoutingAddress.objects.select_for_update().get(pk=mail.routing_address_id)
    mail = VerificationMail.objects.select_related("routing_address").get(pk=mail.pk)
    state = _state_of(mail)
    if state.outcome is not Outcome.READY:
        return state
    mail.confirmed_at = timezone.now()
    mail.state = VerificationMail.State.CONFIRMED
    mail.save(update_fields=["confirmed_at", "state"])
    address.verified_at, address.verified_email = mail.confirmed_at, mail.email_address
    address.save(update_fields=["verified_at", "verified_email"])
    audit.record("verification-confirmed", address, by=by, email_address=mail.email_address)
    return Confirmation(Outcome.CONFIRMED, address)


def _state_of(mail: VerificationMail) -> Confirmation:
    address = mail.routing_address
    if address.is_deleted or address.email_address != mail.email_address:
        return Confirmation(Outcome.REFUSED)
    if address.is_verified:
        return Confirmation(Outcome.ALREADY_DONE, address)
    if mail.state == VerificationMail.State.CONFIRMED:
        return Confirmation(Outcome.REFUSED)  # used, and the address was changed and changed back since
    return Confirmation(Outcome.READY, address)


def _mail_of_token(token: str, *, max_age: timedelta | None) -> VerificationMail | None:
    """The mail a token was signed for; None when it is cut, forged, too old or of another instance."""
    if len(token) > _MAX_TOKEN_LENGTH:
        return None
    try:
        signed = signing.TimestampSigner(salt=_SIGNER_SALT).unsign_object(token, max_age=max_age)
        nonce, email_address = str(signed["nonce"]), str(signed["email"])
    except (signing.BadSignature, ValueError, KeyError, TypeError):
        return None
    return (
        VerificationMail.objects.select_related("routing_address")
        .filter(nonce=nonce, email_address=email_address)
        .first()
    )


@transaction.atomic
def mark_verified(address: RoutingAddress, *, by: User | None, because: str) -> None:
    """Take an address as verified on an operator's word, which the audit log keeps. For commands, never for pages."""
    address.verified_at, address.verified_email = timezone.now(), address.email_address
    address.save(update_fields=["verified_at", "verified_email"])
    audit.record("address-marked-verified", address, by=by, because=because, email_address=address.email_address)


# --- the mail that comes back through the company's forward ----------------------------------------------------------


def verification_mail_of(text: str) -> VerificationMail | None:
    """The verification mail that a Message-ID names or whose link a text holds, however old; None for all else."""
    identifier = text.strip().strip("<>")
    if _IDENTIFIER.fullmatch(identifier):
        return VerificationMail.objects.filter(message_identifier__iexact=identifier).first()
    for match in _TOKEN.finditer(text):
        if mail := _mail_of_token(_ENCODED_COLON.sub(":", match.group()), max_age=None):
            return mail
    return None


def mask_links(text: str) -> str:
    """The text or HTML without any verification link: what people who may not verify can be shown."""
    return _LINK.sub(_MASKED, text)


def mask_file(content: bytes) -> bytes:
    """An attached file without any verification link: a mail is often forwarded as a file.

    In base64 a link cannot be cut out, so a mail that holds one that way goes whole.
    """
    if _TOKEN_START.encode() in content:
        return mask_links(content.decode("latin-1")).encode("latin-1")
    if len(content) <= _LONGEST_FORWARD and b"base64" in content.lower():
        joined = b"".join(content.split())
        if any(start in joined for start in _TOKEN_START_IN_BASE64):
            return _MASKED.encode()
    return content


def recognise_returned(message_ids: Iterable[str], body: str) -> VerificationMail | None:
    """Whether a mail that came in is a verification mail of ours, by its Message-ID or the signed link in `body`.

    If so, the company's forward works: that is recorded. The caller must store the mail's texts through `mask_links`.
    """
    mail = next((found for each in message_ids if (found := verification_mail_of(each))), None)
    mail = mail or verification_mail_of(body)
    if mail is not None:
        note_returned(mail)
    return mail


@transaction.atomic
def note_returned(mail: VerificationMail) -> None:
    """Record that this mail came back. Evidence about an address that was changed since is not evidence any more."""
    now = timezone.now()
    VerificationMail.objects.filter(pk=mail.pk, returned_at__isnull=True).update(returned_at=now)
    RoutingAddress.objects.filter(
        pk=mail.routing_address_id, email_address=mail.email_address, forwarding_seen_at__isnull=True
    ).update(forwarding_seen_at=now)
