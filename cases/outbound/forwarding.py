"""A mail passed on: its text, its HTML and its pictures under a block that says whose it is.

A forward goes to people outside the case, so nothing in it may let them write into the case (promise 7): no token, no
signed Reply-To, no Message-ID of ours that is signed, none of those that stand in what is forwarded either. The rep
can want answers in the case; then the mail carries the signs that every reply carries (`Composed.answers_join`).
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from django.conf import settings
from django.utils import formats, timezone, translation
from django.utils.translation import gettext as _

from cases.mail_html import html_as_text, safe_html
from cases.mail_html.text import clean_text
from cases.models import Attachment, EmailAddress, EmailMessage
from cases.outbound.composing import one_line
from cases.thread_token import without_thread_signs
from routing.models import RoutingAddress

__all__ = ["Forwarded", "forwarded_part", "new_content_id", "pictures_in", "whole_files"]

MOST_TEXT = 200_000  # characters of the forwarded mail
MOST_HTML = 500_000
SHOWN_TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


@dataclass(frozen=True, slots=True)
class Forwarded:
    """The forwarded mail as it will stand in ours. `html` is "" when it has none that can be sent; `pictures`: its
    own pictures that the HTML shows, each with its new content id.
    """

    text: str
    html: str
    pictures: tuple[tuple[Attachment, str], ...] = ()


def new_content_id() -> str:
    return f"{secrets.token_hex(12)}@inline"


def whole_files(message: EmailMessage) -> list[Attachment]:
    """What a rep chooses from: the files of a mail without the pictures in its text."""
    shown = {attachment.pk for attachment in pictures_in(message)}
    return [each for each in message.attachments.select_related("blob").order_by("position") if each.pk not in shown]


def pictures_in(message: EmailMessage) -> list[Attachment]:
    """The pictures that the mail's own HTML shows."""
    if not message.html_body:
        return []
    candidates = message.attachments.select_related("blob").exclude(content_id="").filter(content_type__in=SHOWN_TYPES)
    return [each for each in candidates.order_by("position") if f"cid:{each.content_id}" in message.html_body]


def forwarded_part(message: EmailMessage, send_from: RoutingAddress, *, keeps_signs: bool) -> Forwarded:
    """Nothing of the HTML is fetched or fetches: pictures of other hosts are left out."""
    with translation.override(send_from.language or settings.LANGUAGE_CODE):
        heading, lines = _("Forwarded message"), _lines_above(message)
    text = clean_text(message.text_body or html_as_text(message.html_body))[:MOST_TEXT]
    head = "\n".join(f"{name}: {value}" for name, value in lines)
    text = f"---------- {heading} ----------\n{head}\n\n{text.strip()}"
    pictures = tuple((each, new_content_id()) for each in pictures_in(message))
    html = _html_of(message, heading, lines, {each.content_id: f"cid:{new}" for each, new in pictures})
    if keeps_signs:
        return Forwarded(text, html, pictures if html else ())
    text, html = without_thread_signs(text), without_thread_signs(html)
    # Marks that tags tear apart ("e2c-ab<b>cd</b>...") are whole again as soon as somebody reads the text.
    plain = "".join(html_as_text(html).split())
    if without_thread_signs(plain) != plain:
        html = ""
    return Forwarded(text, html, pictures if html else ())


def _html_of(message: EmailMessage, heading: str, lines: list[tuple[str, str]], inline_urls: Mapping[str, str]) -> str:
    if not message.html_body:
        return ""
    cleaned = safe_html(message.html_body, inline_urls=inline_urls)
    if len(cleaned.html) > MOST_HTML:
        return ""
    head = "<br>".join(f"<b>{escape(name)}:</b> {escape(value)}" for name, value in lines)
    return f"<div>---------- {escape(heading)} ----------<br>{head}</div><br><div>{cleaned.html}</div>"


def _lines_above(message: EmailMessage) -> list[tuple[str, str]]:
    at = timezone.localtime(message.message_date or message.received_at, timezone.get_default_timezone())
    people: dict[str, list[str]] = {role: [] for role in EmailAddress.Role.values}
    for each in message.addresses.all():
        people[each.role].append(_person(each.name, each.address))
    lines = [
        (_("From"), _person(message.from_name, message.from_address)),
        (_("Date"), f"{formats.date_format(at, 'j F Y')}, {at.strftime('%H:%M %Z')}"),
        (_("Subject"), one_line(message.subject)),
        (_("To"), ", ".join(people[EmailAddress.Role.TO])),
        (_("Cc"), ", ".join(people[EmailAddress.Role.CC])),
    ]
    return [(name, value) for name, value in lines if value]


def _person(name: str, address: str) -> str:
    name = one_line(name, limit=100)
    return f"{name} <{address}>" if name and address else name or address
