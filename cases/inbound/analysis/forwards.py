"""The mail that somebody forwarded, inline or attached, and the comment above it. Pure.

A forward is only ever proposed as such ("make Jane the contact?"): everything in it was written by the forwarder.
"""

from __future__ import annotations

import re

from cases.inbound.analysis.boundaries import ATTRIBUTION, FORWARD, HEADERS, ORIGINAL, Boundary, next_text
from cases.inbound.analysis.html_text import html_to_text
from cases.inbound.analysis.lines import Line, join_lines
from cases.inbound.analysis.replies import new_lines
from cases.inbound.analysis.reports import content_type
from cases.inbound.analysis.words.folding import fold, without_tags
from cases.inbound.analysis.words.headers import FORWARD_PREFIXES, REPLY_PREFIXES
from cases.inbound.parsed import ForwardedOriginal, ParsedAttachment, ParsedEmail
from cases.inbound.reader import TooComplex, UnreadableMail, read_mail
from routing.addresses import MailAddress, read_address_list

MAX_ATTACHED = 10_000_000
_PREFIX = re.compile(r"[\s\[(]{0,4}([^\s:：\[\]()]{1,14})\s{0,2}(?:\[\d{1,3}\])?\s?[:：]")
_MAILTO = re.compile(r"[<\[]\s?mailto:[^<>\[\]\s]{1,320}[>\]]", re.IGNORECASE)


def find_forward(email: ParsedEmail, lines: list[Line], boundaries: list[Boundary]) -> ForwardedOriginal | None:
    """The forwarded mail, or None. An inline forward is taken before an attached one."""
    boundary = _inline_forward(email, lines, boundaries)
    if boundary is not None:
        return _read_inline(lines, boundaries, boundary)
    attached = [part for part in email.attachments if part.content_type in ("message/rfc822", "message/global")]
    if not attached or content_type(email) == "multipart/digest":
        return None
    if _is_forward_subject(email.subject) or (len(attached) == 1 and not _answers(email)):
        return _read_attached(attached[0], join_lines(new_lines(lines, boundaries)))
    return None


# --- inline ---------------------------------------------------------------------------------------------------------
def _inline_forward(email: ParsedEmail, lines: list[Line], boundaries: list[Boundary]) -> Boundary | None:
    """The boundary where a forwarded mail begins, if the first earlier mail was forwarded and not answered."""
    first = next((boundary for boundary in boundaries if _is_outermost(lines, boundary)), None)
    if first is None:
        return None
    if first.kind == FORWARD:
        return first
    if first.kind not in (HEADERS, ORIGINAL) or not first.headers.get("from"):
        return None
    if _is_forward_subject(email.subject) or (_prefix(email.subject) == "vs" and first.subject_label == "emne"):
        # "VS:" forwards in Danish and Norwegian and answers in Finnish.
        return first
    # Apple quotes the header block of a forward; nobody answers with one.
    if first.kind == HEADERS and first.depth == 1 and not _answers(email):
        return first
    if first.kind == ORIGINAL and not _answers(email) and not new_lines(lines[: first.start], []):
        return first
    return None


def _is_outermost(lines: list[Line], boundary: Boundary) -> bool:
    """Whether nothing quoted stands above it: a forward inside an answered mail was not forwarded to us."""
    if boundary.depth == 0:
        return True
    above = lines[: boundary.start]
    return boundary.depth == 1 and not any(line.depth and not line.is_blank for line in above[-400:])


def _read_inline(lines: list[Line], boundaries: list[Boundary], boundary: Boundary) -> ForwardedOriginal:
    headers = dict(boundary.headers)
    start = boundary.end
    if not headers:
        # "Forwarded message" and then at once an attribution or the text itself.
        following = next_text(lines, start)
        attribution = next(
            (found for found in boundaries if found.kind == ATTRIBUTION and found.start == following), None
        )
        if attribution is not None:
            text = " ".join(line.text for line in lines[attribution.start : attribution.end])
            headers["from"] = text if "@" in text else ""
            start = attribution.end
    sender = _sender(headers.get("from", ""))
    body = [
        Line(line.text, max(line.depth - boundary.depth, 0))
        for line in lines[start:]
        if line.depth >= boundary.depth or line.is_blank
    ]
    return ForwardedOriginal(
        from_name=sender.name,
        from_address=sender.address,
        subject=headers.get("subject", "")[:1000],
        date=headers.get("date", "")[:200],
        to=_MAILTO.sub("", headers.get("to", "")).strip()[:2000],
        body=join_lines(body),
        comment=join_lines(
            new_lines(lines[: boundary.start], [found for found in boundaries if found.end <= boundary.start])
        ),
    )


def _sender(value: str) -> MailAddress:
    """Name and address of a From line as programs show it: with "[mailto:...]", bold marks or no address at all."""
    value = value.replace("*", "")[:500]
    found = read_address_list(_MAILTO.sub(" ", value)) or read_address_list(
        value.replace("[mailto:", "<").replace("[", "<").replace("]", ">").replace("<mailto:", "<")
    )
    if found:
        name = found[0].name
        return MailAddress("" if name.lower() == found[0].address else name, found[0].address)
    return MailAddress(value.strip(" \"'<>[]"), "")


# --- attached -------------------------------------------------------------------------------------------------------
def _read_attached(part: ParsedAttachment, comment: str) -> ForwardedOriginal | None:
    """The first attached mail. None when it is too large or cannot be read: it stays an attachment."""
    if len(part.content) > MAX_ATTACHED:
        return None
    try:
        original = read_mail(part.content)
    except (TooComplex, UnreadableMail):
        return None
    if original.sender is None and not original.subject:
        return None
    return ForwardedOriginal(
        from_name=original.sender.name if original.sender else "",
        from_address=original.sender.address if original.sender else "",
        subject=original.subject,
        date=original.header("Date")[:200],
        to=original.header("To")[:2000],
        body=original.text_body.strip() or html_to_text(original.html_body),
        comment=comment,
    )


def _prefix(subject: str) -> str:
    """The outermost prefix of a subject, folded: "re", "wg"; "" without one."""
    found = _PREFIX.match(without_tags(subject[:120])[:60])
    return fold(found.group(1)) if found else ""


def _is_forward_subject(subject: str) -> bool:
    return _prefix(subject) in FORWARD_PREFIXES


def _answers(email: ParsedEmail) -> bool:
    return bool(email.in_reply_to) or _prefix(email.subject) in REPLY_PREFIXES
