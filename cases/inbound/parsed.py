"""The frozen values that travel between reading a mail and writing a case. Pure: no Django, no database.

`reader` makes a ParsedEmail from bytes; `analysis` makes an Analysis from a ParsedEmail; `settle` decides from both.
Text in these values is clean: no NUL, no lone surrogate, no CR (line ends are "\\n"), ready for any database.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from routing.addresses import MailAddress

__all__ = [
    "Analysis",
    "Authentication",
    "Bounce",
    "ForwardedOriginal",
    "MailAddress",
    "ParsedAttachment",
    "ParsedEmail",
    "ProviderFacts",
]


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """What the provider said about a mail beside the mail itself; nothing of it comes from the sender."""

    provider: str
    envelope_sender: str | None = None
    envelope_recipients: tuple[str, ...] = ()
    spam_detected: bool | None = None
    spam_score: float | None = None
    # Verdicts the provider computed ("pass", "fail", ...), keyed spf, dkim, dmarc; empty when it gives none.
    authentication: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ParsedAttachment:
    """One part that is a file: bytes as decoded, the name as data only (never a path)."""

    file_name: str  # "" when the mail gave none
    content_type: str  # as declared, lower-case, "application/octet-stream" when unreadable
    content: bytes
    inline: bool = False
    content_id: str = ""  # without angle brackets


@dataclass(frozen=True, slots=True)
class ParsedEmail:
    """One mail as read. Lists keep the order of the mail; addresses are normalised (routing.addresses)."""

    sender: MailAddress | None  # None: no readable From
    senders: tuple[MailAddress, ...] = ()  # every From address found
    # True for two From headers, two From addresses, or a From such as `casey@a.example <x@b.example>` that programs
    # read differently; such a mail is never treated as a known customer's.
    sender_is_ambiguous: bool = False
    reply_to: tuple[MailAddress, ...] = ()
    to: tuple[MailAddress, ...] = ()
    cc: tuple[MailAddress, ...] = ()
    bcc: tuple[MailAddress, ...] = ()
    resent_to: tuple[MailAddress, ...] = ()  # Resent-To, then Resent-Cc, Resent-Bcc
    # Delivered-To, X-Original-To, X-Forwarded-To, Envelope-To (best first), addresses only.
    delivered_to: tuple[str, ...] = ()
    subject: str = ""
    date: datetime | None = None  # aware, UTC; None when missing, unreadable or absurd
    message_id: str = ""  # without angle brackets; "" when missing or malformed
    in_reply_to: tuple[str, ...] = ()
    references: tuple[str, ...] = ()  # oldest first, as in the header
    thread_index: str = ""  # Outlook's Thread-Index as sent (base64)
    headers: tuple[tuple[str, str], ...] = ()  # decoded, in order; capped
    text_body: str = ""
    html_body: str = ""
    attachments: tuple[ParsedAttachment, ...] = ()
    # What had to be guessed, cut or skipped: slugs such as "charset_guessed", "base64_truncated", "parts_cut".
    defects: tuple[str, ...] = ()
    size: int = 0  # bytes of the mail

    def header(self, name: str) -> str:
        """The first header of that name, decoded; "" when absent."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), "")

    def header_all(self, name: str) -> list[str]:
        """Every header of that name, in order."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]


@dataclass(frozen=True, slots=True)
class Bounce:
    """A delivery report (RFC 3464 or a server's own form) about a mail that somebody sent."""

    recipients: tuple[str, ...] = ()
    status: str = ""  # enhanced status code "5.1.1" (RFC 3463); "" when unknown
    hard: bool = False
    delayed: bool = False  # a warning: the server still tries
    reason: str = ""  # the server's own sentence
    original_message_id: str = ""  # without angle brackets


@dataclass(frozen=True, slots=True)
class ForwardedOriginal:
    """The mail that the sender forwarded, inline or attached, and what the sender wrote above it."""

    from_name: str = ""
    from_address: str = ""
    subject: str = ""
    date: str = ""  # as written in the forward
    to: str = ""
    body: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Authentication:
    """SPF, DKIM and DMARC results in the words of RFC 8601 ("pass", "fail", "none", ...); None = not known."""

    spf: str | None = None
    dkim: str | None = None
    dmarc: str | None = None
    by: str | None = None  # who computed them: a provider's name, an authserv-id we trust, or "computed"

    @property
    def failed_dmarc(self) -> bool:
        return self.dmarc == "fail"


# automatic_kind values, docs/inbound.md's table; "" = a person wrote it.
AUTOMATIC_KINDS = (
    "bounce",
    "out_of_office",
    "auto_reply",
    "challenge",
    "read_receipt",
    "bulk",
    "feedback_report",
    "own_loop",
)


@dataclass(frozen=True, slots=True)
class Analysis:
    """What kind of mail this is and which part of it is new. Computed for every mail before any verdict."""

    automatic_kind: str = ""
    automatic_because: str = ""
    is_list_mail: bool = False
    bounce: Bounce | None = None
    reply_text: str = ""  # the new part only, plain text
    forwarded: ForwardedOriginal | None = None
    authentication: Authentication = Authentication()
    is_thanks: bool = False  # nothing but thanks: does not reopen a case

    @property
    def is_automatic(self) -> bool:
        return bool(self.automatic_kind)

    @property
    def is_bounce(self) -> bool:
        return self.automatic_kind == "bounce"

    @property
    def auto_response_allowed(self) -> bool:
        """RFC 3834 section 2: never answer automatic or list mail automatically."""
        return not self.is_automatic and not self.is_list_mail
