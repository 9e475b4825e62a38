"""What pages tell of the parts of a mail that are neither its text nor plain files. Pure; bounded; raises nothing.

Seals (signed, encrypted), invitations, mails inside the mail, and files that are no files to people: the signature
itself, a picture of one pixel, another form of an invitation that is shown.
"""

from __future__ import annotations

import struct
from dataclasses import asdict, dataclass
from typing import Any

from cases.calendars import Invitation, NotAnInvitation, read_invitation
from cases.inbound.analysis import html_to_text
from cases.inbound.parsed import ParsedAttachment, ParsedEmail
from cases.inbound.reader import Limits, read_mail_in_process
from cases.inbound.reader.limits import Tnef
from cases.inbound.reader.prescan import why_bounded

__all__ = ["NestedMail", "SpecialParts", "find_special_parts"]

MOST_CARDS = 10  # of each kind
MOST_CALENDARS = 20  # files that are read for them: each may have thousands of lines
LARGEST_NESTED = 20_000_000  # bytes; a larger mail is a file
NESTED_TEXT = 400  # characters
_NESTED_LIMITS = Limits(depth=10, parts=100, attachments=100, text=20_000, headers=200, addresses=50)

# Content types of seals. "x-" forms are older (RFC 8551 section 4.1).
_SMIME_SIGNATURE = ("application/pkcs7-signature", "application/x-pkcs7-signature")
_SMIME_ENVELOPE = ("application/pkcs7-mime", "application/x-pkcs7-mime")
# They hold nothing but the seal: no text, no file.
_ONLY_SEALS = (*_SMIME_SIGNATURE, "application/pgp-signature", "application/pgp-encrypted")
_CALENDAR = ("text/calendar", "application/ics")
# Object identifier of CMS' signedData (RFC 5652 section 5.1); other contents of an S/MIME file are encrypted.
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_INLINE_PGP = {"-----BEGIN PGP MESSAGE-----": "pgp_encrypted", "-----BEGIN PGP SIGNED MESSAGE-----": "pgp_signed"}
_SEARCHED_TEXT = 200_000  # characters


@dataclass(frozen=True, slots=True)
class NestedMail:
    """A mail attached to a mail, as its card shows it. `position` is the attachment's."""

    position: int
    from_name: str
    from_address: str
    subject: str
    date: str  # ISO 8601 UTC; "" when unreadable
    text: str
    files: int


@dataclass(frozen=True, slots=True)
class SpecialParts:
    seals: tuple[str, ...] = ()  # smime_signed, smime_encrypted, pgp_signed, pgp_encrypted
    invitations: tuple[tuple[int, Invitation], ...] = ()  # with the attachment's position
    mails: tuple[NestedMail, ...] = ()
    minor: tuple[int, ...] = ()  # positions of attachments that nobody would call a file

    def as_json(self) -> dict[str, Any]:
        """For EmailMessage.special_parts: {} when there is nothing to tell."""
        told = {
            "seals": list(self.seals),
            "invitations": [{"position": position} | each.as_json() for position, each in self.invitations],
            "mails": [asdict(each) for each in self.mails],
            "minor": list(self.minor),
        }
        return {name: value for name, value in told.items() if value}


def find_special_parts(email: ParsedEmail) -> SpecialParts:
    seals = {name: None for mark, name in _INLINE_PGP.items() if mark in email.text_body[:_SEARCHED_TEXT]}
    invitations: list[tuple[int, Invitation]] = []
    mails: list[NestedMail] = []
    minor: list[int] = []
    calendars = 0
    for position, file in enumerate(email.attachments):
        if seal := _seal_of(file):
            seals[seal] = None
            if file.content_type in _ONLY_SEALS:
                minor.append(position)
        elif _is_calendar(file):
            calendars += 1
            invitation = _invitation_of(file) if calendars <= MOST_CALENDARS else None
            if invitation is None or len(invitations) >= MOST_CARDS:
                continue
            if not file.file_name or any(_is_same(invitation, each) for _position, each in invitations):
                minor.append(position)
            if not any(_is_same(invitation, each) for _position, each in invitations):
                invitations.append((position, invitation))
        elif file.content_type == "message/rfc822" and len(mails) < MOST_CARDS:
            if nested := _nested_mail(position, file.content):
                mails.append(nested)
        elif _is_pixel(file):
            minor.append(position)
    return SpecialParts(tuple(seals), tuple(invitations), tuple(mails), tuple(minor))


def _seal_of(file: ParsedAttachment) -> str:
    kind, name = file.content_type, file.file_name.lower()
    if kind in _SMIME_SIGNATURE or name == "smime.p7s":
        return "smime_signed"
    if kind in _SMIME_ENVELOPE or name == "smime.p7m":
        return "smime_signed" if _SIGNED_DATA in file.content[:64] else "smime_encrypted"
    if kind == "application/pgp-signature":
        return "pgp_signed"
    if kind == "application/pgp-encrypted":
        return "pgp_encrypted"
    return ""


def _is_calendar(file: ParsedAttachment) -> bool:
    return file.content_type in _CALENDAR or (
        file.file_name.lower().endswith(".ics") and file.content_type in ("application/octet-stream", "text/plain")
    )


def _invitation_of(file: ParsedAttachment) -> Invitation | None:
    try:
        return read_invitation(file.content)
    except NotAnInvitation:
        return None


def _is_same(one: Invitation, other: Invitation) -> bool:
    return (one.uid, one.sequence, one.start) == (other.uid, other.sequence, other.start)


def _nested_mail(position: int, content: bytes) -> NestedMail | None:
    """None for a mail that is too much to read on the side."""
    if len(content) > LARGEST_NESTED or why_bounded(content, _NESTED_LIMITS):
        return None
    email = read_mail_in_process(content, limits=_NESTED_LIMITS, tnef=Tnef.KEEP)
    return NestedMail(
        position=position,
        from_name=email.sender.name[:150] if email.sender else "",
        from_address=email.sender.address[:254] if email.sender else "",
        subject=email.subject[:300],
        date=email.date.isoformat() if email.date else "",
        text=_first_words(email),
        files=sum(not file.inline for file in email.attachments),
    )


def _first_words(email: ParsedEmail) -> str:
    text = email.text_body or html_to_text(email.html_body[:20_000])
    return "\n".join(line for line in text.strip()[:NESTED_TEXT].split("\n") if line.strip())


def _is_pixel(file: ParsedAttachment) -> bool:
    """A GIF or PNG of at most two by two: it tells that a mail was read, and shows nothing."""
    head = file.content[:24]
    if head.startswith((b"GIF87a", b"GIF89a")) and len(head) >= 10:
        width, height = struct.unpack_from("<HH", head, 6)
    elif head.startswith(b"\x89PNG\r\n\x1a\n") and len(head) >= 24:
        width, height = struct.unpack_from(">II", head, 16)
    else:
        return False
    return bool(width <= 2 and height <= 2)
