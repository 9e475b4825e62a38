"""Headers, text and files to one ParsedEmail: the same for a raw mail and for a provider's parsed one."""

from __future__ import annotations

import re
from collections.abc import MutableSet, Sequence
from dataclasses import replace

from cases.inbound.parsed import MailAddress, ParsedAttachment, ParsedEmail
from cases.inbound.reader.bodies import read_contents
from cases.inbound.reader.charsets import clean_text, decode_header_bytes, one_line
from cases.inbound.reader.fields import ADDRESS_HEADERS, Field, unfold
from cases.inbound.reader.headers import decode_words, header_text, read_date, read_message_id, read_message_ids
from cases.inbound.reader.limits import DEFAULT_LIMITS, Limits, Tnef
from cases.inbound.reader.parts import Part, split_mail
from routing.addresses import read_address_list, read_sender

__all__ = ["read_mail_in_process", "read_pieces"]

# In the order in which a recipient is looked for.
_DELIVERED_TO = ("delivered-to", "x-original-to", "x-forwarded-to", "envelope-to")
# RFC 5322 section 3.6: at most one of each.
_ONLY_ONCE = ("from", "to", "cc", "subject", "date", "message-id", "content-type")
_RESENT = ("resent-to", "resent-cc", "resent-bcc")


def read_mail_in_process(
    raw: bytes, *, limits: Limits = DEFAULT_LIMITS, tnef: Tnef = Tnef.KEEP, charset: str = ""
) -> ParsedEmail:
    """Read a mail here and now, whatever it costs: linear in its size. Raises nothing but TnefFound, if asked to.

    `charset` is what a person says of the text parts and of raw 8-bit headers; "" for what the mail says.
    """
    defects: set[str] = set()
    root = split_mail(raw, limits, defects)
    contents = read_contents(root, limits, defects, tnef=tnef, charset=charset)
    declared = charset or _declared_charset(root)
    fields = [(field.name, _raw_text(field, declared)) for field in root.fields]
    return _assemble(
        fields,
        text=contents.text,
        html=contents.html,
        attachments=contents.attachments,
        defects=defects,
        size=len(raw),
        limits=limits,
    )


def read_pieces(
    headers: Sequence[tuple[str, str]],
    text: str | None,
    html: str | None,
    attachments: Sequence[ParsedAttachment],
    *,
    limits: Limits = DEFAULT_LIMITS,
) -> ParsedEmail:
    """A mail that a provider posts in pieces, with the same tolerance and the same caps. Never raises.

    Header values may be encoded (RFC 2047) or decoded, folded or not; None stands for a text that the mail does not
    have. `size` of the result is the sum of what was given, for the mail itself is not at hand.
    """
    defects: set[str] = set()
    fields: list[tuple[str, str]] = []
    left = limits.headers_in_pieces
    for name, value in headers:
        if len(fields) >= limits.headers or left <= 0:
            defects.add("headers_cut")
            break
        cap = min(limits.address_header if name.lower() in ADDRESS_HEADERS else limits.header_value, left)
        left -= len(value[:cap])
        if len(value) > cap:
            defects.add("header_value_cut")
        fields.append((one_line(name)[:200], clean_text(value[:cap])))
    bodies = [clean_text(body or "") for body in (text, html)]
    if any(len(body) > limits.text for body in bodies):
        defects.add("text_cut")
    if len(attachments) > limits.attachments:
        defects.add("attachments_cut")
    size = sum(len(name) + len(value) for name, value in headers) + sum(len(body) for body in bodies)
    return _assemble(
        fields,
        text=bodies[0][: limits.text],
        html=bodies[1][: limits.text],
        attachments=[_clean_attachment(attachment) for attachment in attachments[: limits.attachments]],
        defects=defects,
        size=size + sum(len(attachment.content) for attachment in attachments),
        limits=limits,
    )


def _clean_attachment(attachment: ParsedAttachment) -> ParsedAttachment:
    content_type = one_line(attachment.content_type).partition(";")[0].strip().lower()
    return replace(
        attachment,
        file_name=header_text(attachment.file_name)[:1000],
        content_type=content_type[:255] or "application/octet-stream",
        content_id=one_line(attachment.content_id).strip('<> "')[:998],
    )


def _declared_charset(root: Part) -> str:
    """The charset of the first text part that names one: likely that of raw 8-bit headers as well."""
    waiting = [root]
    while waiting:
        part = waiting.pop(0)
        if part.charset:
            return part.charset
        waiting[:0] = part.children[:20]
    return ""


def _raw_text(field: Field, declared: str) -> str:
    return decode_header_bytes(unfold(field.value), declared)


_CID_REFERENCE = re.compile(r"cid:([^\s\"'<>)&]{1,998})", re.IGNORECASE)


def _assemble(
    fields: Sequence[tuple[str, str]],
    *,
    text: str,
    html: str,
    attachments: Sequence[ParsedAttachment],
    defects: MutableSet[str],
    size: int,
    limits: Limits,
) -> ParsedEmail:
    """`fields` are (name, unfolded text with its encoded words)."""
    by_name: dict[str, list[str]] = {}
    for name, value in fields:
        by_name.setdefault(name.lower(), []).append(value)

    def first(name: str) -> str:
        return by_name.get(name, ("",))[0]

    def first_decoded(name: str) -> str:
        """Of an id: RFC 2047 forbids encoded words there, some servers write long References in them all the same."""
        return decode_words(first(name))

    def addresses(*names: str) -> tuple[MailAddress, ...]:
        """Of every header of these names. Of a repeated Subject the first wins, but no recipient must get lost."""
        found: list[MailAddress] = []
        for value in (value for name in names for value in by_name.get(name, ())[:10]):
            found.extend(read_address_list(value, decode=decode_words))
        if len(found) >= limits.addresses:
            defects.add("addresses_cut")
        return tuple(found[: limits.addresses])

    sender, senders, is_ambiguous = read_sender(by_name.get("from", []), decode=decode_words)
    if any(len(by_name.get(name, ())) > 1 for name in _ONLY_ONCE):
        defects.add("headers_repeated")
    return ParsedEmail(
        sender=sender,
        senders=senders,
        sender_is_ambiguous=is_ambiguous,
        reply_to=addresses("reply-to"),
        to=addresses("to"),
        cc=addresses("cc"),
        bcc=addresses("bcc"),
        resent_to=addresses(*_RESENT),
        delivered_to=_delivered_to(by_name),
        subject=header_text(first("subject")),
        date=read_date(first("date")),
        message_id=read_message_id(first_decoded("message-id")),
        in_reply_to=read_message_ids(first_decoded("in-reply-to"), newest=limits.references),
        references=read_message_ids(first_decoded("references"), newest=limits.references),
        thread_index=one_line(first("thread-index"))[:1000],
        headers=tuple((name, header_text(value[: limits.header_value])) for name, value in fields),
        text_body=text,
        html_body=html,
        attachments=_mark_inline(attachments, html),
        defects=tuple(sorted(defects)),
        size=size,
    )


def _delivered_to(by_name: dict[str, list[str]]) -> tuple[str, ...]:
    """Every one of these headers counts: each server on the way adds its own."""
    found: dict[str, None] = {}
    for name in _DELIVERED_TO:
        for value in by_name.get(name, [])[:50]:
            found.update((mailbox.address, None) for mailbox in read_address_list(value)[:100])
    return tuple(found)


def _mark_inline(attachments: Sequence[ParsedAttachment], html: str) -> tuple[ParsedAttachment, ...]:
    """A file that the HTML shows is inline, whatever its part says."""
    if not html or not any(attachment.content_id for attachment in attachments):
        return tuple(attachments)
    shown = {match.group(1).lower() for match in _CID_REFERENCE.finditer(html)}
    return tuple(replace(each, inline=True) if each.content_id.lower() in shown else each for each in attachments)
