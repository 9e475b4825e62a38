"""One mail as the conversation shows it: which text first, which files, what to beware of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext_lazy as _

from cases.inbound.analysis.parts import holds_quote
from cases.mail_html import split_text, text_to_html
from cases.models import Attachment, EmailAddress, EmailMessage
from cases.outbound.quoting import reply_subject
from cases.selectors.conversation import TEXT_SHOWN, is_raw_for_reps
from cases.selectors.cursor import Cursor
from cases.selectors.files import is_minor
from cases.views.sent_mail import SentMail, sent_mail

# What a rep should know before trusting a mail, by flag slug.
WARNINGS: dict[str, str | Promise] = {
    "sender_unknown": _("The mail names no readable sender."),
    "sender_ambiguous": _("Mail programs read the sender of this mail differently. Do not rely on the name shown."),
    "new_participant": _("The sender was not part of this case before. They answered with a valid link to it."),
    "dmarc_failed": _("The sender's domain says this mail is not from there (DMARC failed). It may be forged."),
}
# Where answers go is not who takes part; of our own mail it is the signed reply address.
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
class Related:
    """Another mail of the case that this one is about. `before`: the page that ends with it, where that is another."""

    message_id: int
    words: str | Promise
    before: Cursor | None = None


@dataclass(frozen=True, slots=True)
class ShownMessage:
    """One mail as the template shows it."""

    message: EmailMessage
    recipients: list[tuple[str | Promise, list[EmailAddress]]]
    text: SafeString  # the new words
    above: SafeString  # an earlier mail above them
    below: SafeString  # an earlier mail or a signature
    below_label: str | Promise
    text_goes_on: bool
    files: list[Attachment]
    minor_files: list[Attachment]  # pictures inside the mail and files the case had already
    warnings: list[str | Promise]
    badges: list[str | Promise]
    is_open: bool
    has_raw: bool  # the request that brought it may be downloaded
    sending: SentMail | None  # None: it came in
    other_subject: str  # "" when it is the case's, with or without "Re:"
    related: Sequence[Related]


def related_mails(messages: Sequence[Any]) -> dict[int, list[Related]]:
    """By key of a mail: the mail that a bounce is about, wherever it stands, and the bounces of a mail that are on
    the same page. `messages` come from selectors.messages_of.
    """
    here = {each.pk for each in messages}
    related: dict[int, list[Related]] = {}
    for bounce in messages:
        about = bounce.bounced_id
        if about is None:
            continue
        # The key after it: its page ends with the mail itself.
        before = Cursor(bounce.bounced_at, about + 1) if about not in here else None
        related.setdefault(bounce.pk, []).append(Related(about, _("The mail that was not delivered"), before))
        if about in here:
            related.setdefault(about, []).append(Related(bounce.pk, _("Delivery report")))
    return related


def show_message(
    message: Any,
    *,
    is_open: bool,
    subject: str,
    reader_id: int | None,
    related: Sequence[Related] = (),
) -> ShownMessage:
    """`message` comes from selectors.messages_of, with its `text_start`, `reply_start` and `has_html`; `subject` is
    that of its case.
    """
    whole = message.text_start
    # HTML is folded in its own page.
    above, text, below = split_text(whole, message.reply_start.strip()) if not message.has_html else ("", whole, "")
    attachments = list(message.attachments.all())
    in_cards = {each["position"] for each in message.special_parts.get("mails", ())}
    minor = [each for each in attachments if is_minor(each, message)]
    return ShownMessage(
        message=message,
        recipients=[
            (role.label, [each for each in message.addresses.all() if each.role == role])
            for role in (ROLES_OF_THEIRS if message.incoming else ROLES_OF_OURS)
            if any(each.role == role for each in message.addresses.all())
        ],
        text=_linked(text.strip("\n")),
        above=_linked(above),
        below=_linked(below),
        below_label=_("Earlier mail") if below and holds_quote(below) else _("Signature"),
        text_goes_on=len(whole) > TEXT_SHOWN,
        files=[each for each in attachments if each not in minor and each.position not in in_cards],
        minor_files=minor,
        warnings=[WARNINGS[flag] for flag in message.flags if flag in WARNINGS],
        badges=badges_of(message),
        is_open=is_open,
        has_raw=is_raw_for_reps(message),
        sending=sent_mail(message, reader_id=reader_id),
        other_subject="" if reply_subject(message.subject) == reply_subject(subject) else message.subject,
        related=related,
    )


def badges_of(message: EmailMessage) -> list[str | Promise]:
    badges: list[str | Promise] = []
    if message.is_automatic and not message.incoming:
        badges.append(_("Automatic answer"))
    elif message.is_automatic:
        badges.append(AUTOMATIC_KINDS.get(message.automatic_kind, _("Automatic")))
    if message.incoming and message.dmarc == "pass":
        badges.append(_("Sender's domain confirmed"))
    if message.status == EmailMessage.Status.DRAFT:
        badges.append(message.get_status_display())
    return badges


def _linked(text: str) -> SafeString:
    return mark_safe(text_to_html(text[:TEXT_SHOWN]))  # noqa: S308 - text_to_html escapes everything but its own links
