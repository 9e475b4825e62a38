"""The machine-readable parts of a mail: multipart/report (RFC 6522) and the parts in it. Pure.

Nothing here uses a MIME parser on attached mails: fields are read line by line from a bounded piece of the part.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cases.inbound.parsed import ParsedAttachment, ParsedEmail

DELIVERY_STATUS = ("message/delivery-status", "message/global-delivery-status")
DISPOSITION = ("message/disposition-notification", "message/global-disposition-notification")
FEEDBACK = ("message/feedback-report",)
RETURNED = (
    "message/rfc822",
    "message/global",
    "text/rfc822-headers",
    "message/rfc822-headers",
    "message/global-headers",
)

_MAX_PART = 65_536
_MAX_GROUPS = 200
_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9-]{1,60})[ \t]{0,4}:[ \t]{0,8}(.{0,2000})")
_REPORT_TYPE = re.compile(r"report-type\s{0,4}=\s{0,4}\"?([A-Za-z-]{1,40})", re.IGNORECASE)
_MESSAGE_ID = re.compile(r"<([^<>\s]{1,900})>")


@dataclass(frozen=True, slots=True)
class RecipientStatus:
    """One per-recipient group of a delivery report (RFC 3464 section 2.3); fields as written, "" when absent."""

    recipient: str = ""
    action: str = ""
    status: str = ""
    diagnostic: str = ""


def content_type(email: ParsedEmail) -> str:
    """The mail's own media type, lower case, without parameters."""
    return email.header("Content-Type").split(";", 1)[0].strip().lower()


def report_type(email: ParsedEmail) -> str:
    """The report-type parameter of the mail's Content-Type, lower case; "" when it has none."""
    found = _REPORT_TYPE.search(email.header("Content-Type")[:2000])
    return found.group(1).lower() if found else ""


def parts_of(email: ParsedEmail, types: tuple[str, ...]) -> list[ParsedAttachment]:
    return [part for part in email.attachments if part.content_type in types]


def part_text(part: ParsedAttachment, limit: int = _MAX_PART) -> str:
    """The part's first bytes as text; what is not UTF-8 becomes a replacement character."""
    return part.content[:limit].decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def field_groups(text: str) -> list[dict[str, str]]:
    """Groups of "Name: value" lines, names in lower case, folded lines joined; a blank line ends a group."""
    groups: list[dict[str, str]] = []
    group: dict[str, str] = {}
    name = ""
    for line in text[:_MAX_PART].split("\n"):
        if not line.strip():
            if group:
                groups.append(group)
                group, name = {}, ""
            if len(groups) >= _MAX_GROUPS:
                break
            continue
        if line[0] in " \t" and name:
            group[name] = f"{group[name]} {line.strip()}"[:4000]
            continue
        found = _FIELD.match(line)
        if found:
            name = found.group(1).lower()
            if name in group and name in ("final-recipient", "original-recipient"):
                # Some servers leave out the blank line between two recipients.
                groups.append(group)
                group = {}
            group[name] = found.group(2).strip()
    if group:
        groups.append(group)
    return groups


def recipient_statuses(text: str) -> list[RecipientStatus]:
    """The per-recipient groups of a delivery report's text, in order."""
    statuses = []
    for group in field_groups(text):
        recipient = address_of_field(group.get("original-recipient", "")) or address_of_field(
            group.get("final-recipient", "")
        )
        if not recipient and not ("action" in group and "status" in group):
            continue
        statuses.append(
            RecipientStatus(
                recipient,
                group.get("action", "").split("(")[0].split(";")[0].strip().lower(),
                group.get("status", ""),
                group.get("diagnostic-code", ""),
            )
        )
    return statuses


def address_of_field(value: str) -> str:
    """The address of "rfc822; Jane@Example.net" in lower case; "" when there is none."""
    address = value.rpartition(";")[2].strip().strip("<>").strip()
    # Exchange writes "IMCEAEX-..." and X.400 forms here; only what has the form of an address is one.
    return address.lower() if "@" in address and " " not in address and len(address) <= 320 else ""


def message_id_in(text: str) -> str:
    """The first Message-ID field of a header in text form, without angle brackets; "" when there is none."""
    for line in _unfolded(text):
        if line[:11].lower() in ("message-id:", "message-id "):
            found = _MESSAGE_ID.search(line[:2000])
            if found:
                return found.group(1)
    return ""


def _unfolded(text: str) -> list[str]:
    lines: list[str] = []
    for line in text[:_MAX_PART].split("\n"):
        if line[:1] in (" ", "\t") and lines and line.strip() and len(lines[-1]) < 4000:
            lines[-1] += line
        else:
            lines.append(line.lstrip("> ") if line.startswith(">") else line)
    return lines
