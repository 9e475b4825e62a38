"""The conversation of one case: /cases/<number>/."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from cases.mail_html import FRAME_SANDBOX, text_to_html
from cases.models import Attachment, Case, CaseEvent, EmailAddress, EmailMessage
from cases.outbound.quoting import reply_subject
from cases.selectors.conversation import (
    TEXT_SHOWN,
    events_of,
    find_visible_case,
    is_raw_for_reps,
    messages_of,
    tasks_of,
)
from cases.selectors.cursor import Cursor
from cases.views.composer import Composer, new_composer, newest_message, wants_composer
from cases.views.panes import render_pane
from cases.views.sent_mail import SentMail, sent_mail

OPEN_MESSAGES = (
    3  # the newest ones, beside the mail that opened the case; older ones show who, when and what in a line
)

# Where answers go is not who takes part; of our own mail it is the signed reply address.
UNSHOWN_ROLES = (EmailAddress.Role.REPLY_TO,)

# What a rep should know before trusting a mail, by flag slug.
WARNINGS: dict[str, str | Promise] = {
    "sender_unknown": _("The mail names no readable sender."),
    "sender_ambiguous": _("Mail programs read the sender of this mail differently. Do not rely on the name shown."),
    "new_participant": _("The sender was not part of this case before. They answered with a valid link to it."),
    "dmarc_failed": _("The sender's domain says this mail is not from there (DMARC failed). It may be forged."),
}
ROLES_OF_THEIRS = (EmailAddress.Role.TO, EmailAddress.Role.CC, EmailAddress.Role.REPLY_TO)
ROLES_OF_OURS = (EmailAddress.Role.TO, EmailAddress.Role.CC, EmailAddress.Role.BCC)
AUTOMATIC_KINDS: dict[str, str | Promise] = {
    "bounce": _("Delivery report"),
    "out_of_office": _("Out of office"),
    "auto_reply": _("Automatic reply"),
    "challenge": _("Sender check"),
    "read_receipt": _("Read receipt"),
    "bulk": _("Newsletter or notification"),
    "feedback_report": _("Spam complaint"),
    "own_loop": _("Our own mail"),
}


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """One mail as the template shows it."""

    message: EmailMessage
    recipients: list[tuple[str | Promise, list[EmailAddress]]]
    text: SafeString
    whole_text: SafeString | None  # None: `text` is all of it
    text_goes_on: bool
    files: list[Attachment]
    minor_files: list[Attachment]  # pictures inside the mail and files the case had already
    warnings: list[str | Promise]
    badges: list[str | Promise]
    is_open: bool
    has_raw: bool  # the request that brought it may be downloaded
    sending: SentMail | None  # None: it came in
    other_subject: str  # "" when it is the case's, with or without "Re:"


@dataclass(frozen=True, slots=True)
class TimelineItem:
    at: datetime
    shown: ShownMessage | None = None
    event: CaseEvent | None = None


@require_safe
@login_required
def case_page(request: HttpRequest, number: int) -> HttpResponse:
    """With `?reply=1`, `?all=1` or `?draft=<message>` the composer is open."""
    user, case = request.user, find_visible_case(request.user, number)
    if case is None or not isinstance(user, User):
        raise Http404
    composer = None
    if wants_composer(request) and not case.is_merged:
        composer = new_composer(request, case, user, last_seen=newest_message(case))
    return render_case(request, case, composer=composer)


def render_case(request: HttpRequest, case: Case, *, composer: Composer | None, status: int = 200) -> HttpResponse:
    """`case` comes from find_visible_case."""
    page = messages_of(case, before=Cursor.read(request.GET.get("before", "")))
    newest = {message.pk for message in page.messages[-OPEN_MESSAGES:]}
    shown = [
        show_message(
            message,
            is_open=message.pk in newest or message.pk == case.source_id,
            subject=case.subject,
            reader_id=request.user.pk,
        )
        for message in page.messages
        # Drafts are their author's alone.
        if message.status != EmailMessage.Status.DRAFT or message.created_by_id == request.user.pk
    ]
    since = page.messages[0].received_at if page.earlier else None
    items = [TimelineItem(each.message.received_at, shown=each) for each in shown]
    items += [TimelineItem(event.at, event=event) for event in events_of(case) if since is None or event.at >= since]
    items.sort(key=lambda item: (item.at, item.event is not None))
    context = {
        "case": case,
        "timeline": items,
        "message_count": len(shown),
        "newest_key": shown[-1].message.pk if shown else None,
        "earlier": page.earlier,
        "is_latest_page": "before" not in request.GET,
        "tasks": tasks_of(case),
        "people": people_of(case, [each.message for each in shown]),
        "opening": next((each for each in shown if each.message.pk == case.source_id), None),
        "frame_sandbox": FRAME_SANDBOX,
        "composer": composer,
    }
    return render_pane(
        request,
        "cases/case.html",
        context,
        pane="conversation",
        title=f"{case.number_text} {case.subject}",
        status=status,
    )


def show_message(message: Any, *, is_open: bool, subject: str, reader_id: int | None) -> ShownMessage:
    """`message` comes from selectors.messages_of, with its `text_start`, `reply_start` and `has_html`; `subject` is
    that of its case.
    """
    whole, reply = message.text_start, message.reply_start.strip()
    first = reply or whole
    has_more = bool(reply) and not message.has_html and len(whole.strip()) > len(reply)
    attachments = list(message.attachments.all())
    told_minor = message.special_parts.get("minor", ())
    in_cards = {each["position"] for each in message.special_parts.get("mails", ())}
    minor = [
        each
        for each in attachments
        if each.is_repeated or (each.inline and each.content_id) or each.position in told_minor
    ]
    return ShownMessage(
        message=message,
        recipients=[
            (role.label, [each for each in message.addresses.all() if each.role == role])
            for role in (ROLES_OF_THEIRS if message.incoming else ROLES_OF_OURS)
            if any(each.role == role for each in message.addresses.all())
        ],
        text=_linked(first),
        whole_text=_linked(whole) if has_more else None,
        text_goes_on=len(whole) > TEXT_SHOWN,
        files=[each for each in attachments if each not in minor and each.position not in in_cards],
        minor_files=minor,
        warnings=[WARNINGS[flag] for flag in message.flags if flag in WARNINGS],
        badges=badges_of(message),
        is_open=is_open,
        has_raw=is_raw_for_reps(message),
        sending=sent_mail(message, reader_id=reader_id),
        other_subject="" if reply_subject(message.subject) == reply_subject(subject) else message.subject,
    )


def badges_of(message: EmailMessage) -> list[str | Promise]:
    badges: list[str | Promise] = []
    if message.is_automatic:
        badges.append(AUTOMATIC_KINDS.get(message.automatic_kind, _("Automatic")))
    if message.incoming and message.dmarc == "pass":
        badges.append(_("Sender's domain confirmed"))
    if message.status == EmailMessage.Status.DRAFT:
        badges.append(message.get_status_display())
    return badges


def people_of(case: Case, messages: Sequence[EmailMessage]) -> list[tuple[str, str]]:
    """(address, name) of everybody but us who wrote or received these mails, in order of appearance."""
    people: dict[str, str] = {}
    ours = {message.from_address for message in messages if not message.incoming}
    if case.routing_address is not None:
        ours |= {case.routing_address.email_address, case.routing_address.services_address}
    for message in messages:
        everybody = [(message.from_address, message.from_name)]
        # Where answers to us shall go is an address of ours.
        named = [each for each in message.addresses.all() if message.incoming or each.role != "reply_to"]
        everybody += [(each.address, each.name) for each in named]
        for address, name in everybody:
            if address and address not in ours and not people.get(address):
                people[address] = name
    return list(people.items())[:50]


def _linked(text: str) -> SafeString:
    return mark_safe(text_to_html(text[:TEXT_SHOWN]))  # noqa: S308 - text_to_html escapes everything but its own links
