"""Words and times as the case pages show them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy

from cases.comments import EDITABLE_FOR
from cases.file_names import safe_file_name
from cases.mail_html import hide_bidi_controls
from cases.models import Attachment, Case
from routing.setting_links import ShownSetting, shown_setting

register = template.Library()


def age_of(at: datetime, now: datetime) -> str:
    """Short and calm: "now", "5 min", "3 h", "2 d", then the date."""
    seconds = (now - at).total_seconds()
    if seconds < 60:
        return _("now")
    if seconds < 3600:
        return _("%d min") % (seconds // 60)
    if seconds < 86_400:
        return _("%d h") % (seconds // 3600)
    if seconds < 7 * 86_400:
        return _("%d d") % (seconds // 86_400)
    local = timezone.localtime(at)
    return date_format(local, "j M" if local.year == timezone.localtime(now).year else "j M Y")


@register.simple_tag
def age(at: datetime | None) -> str | SafeString:
    """A time as its age; the exact time is in the title, which times.js puts into the reader's zone."""
    if at is None:
        return ""
    local = timezone.localtime(at)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        f"{date_format(local, 'DATETIME_FORMAT')} {local.tzname()}",
        age_of(at, timezone.now()),
    )


def moment_words(at: datetime, now: datetime) -> str:
    """A time near now as people say it: "today 17:00", "tomorrow 08:00"; further away with its date."""
    local = timezone.localtime(at)
    days = (local.date() - timezone.localtime(now).date()).days
    clock = date_format(local, "TIME_FORMAT")
    near = {0: _("today %s"), 1: _("tomorrow %s"), -1: _("yesterday %s")}
    return near[days] % clock if days in near else date_format(local, "DATETIME_FORMAT")


@register.simple_tag
def moment(at: datetime | None) -> str | SafeString:
    """A time in full; times.js says it in the reader's zone, without it the zone stands beside it."""
    if at is None:
        return ""
    words = f"{moment_words(at, timezone.now())} {timezone.localtime(at).tzname()}"
    return format_html('<time datetime="{}" data-moment>{}</time>', at.isoformat(), words)


# How the history writes a time into its words, whoever reads it (CaseEvent.because).
_WRITTEN_MOMENT = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC")


@register.filter
def with_moments(text: str) -> SafeString:
    """Words of the history, each time in them as the other times of the page."""

    def told(written: re.Match[str]) -> str:
        try:
            at = datetime.strptime(written[0], "%Y-%m-%d %H:%M UTC").replace(tzinfo=UTC)
        except ValueError:
            return written[0]
        return str(moment(at))

    return mark_safe(_WRITTEN_MOMENT.sub(told, conditional_escape(text)))  # noqa: S308 - escaped, then times of ours


@register.filter
def is_editable_by(note: Any, user: Any) -> bool:
    """Whether the page offers to correct a note of the timeline; the use case asks again."""
    return note.username == user.get_username() and timezone.now() - note.at <= EDITABLE_FOR


@register.filter
def person(user: Any) -> str:
    """A user by full name, else user name."""
    return (user.get_full_name() or user.get_username()) if user is not None else ""


@register.filter
def owner(case: Case) -> str:
    if case.owner_user is not None:
        return person(case.owner_user)
    return case.owner_queue.name if case.owner_queue is not None else ""


@register.filter
def one_line(text: str) -> str:
    """For page titles, which cannot isolate the direction of a stranger's words."""
    return " ".join(hide_bidi_controls(str(text)).split())[:120]


@register.filter
def initial(text: str) -> str:
    """The first letter or digit of a name, for its round sign."""
    return next((letter.upper() for letter in text if letter.isalnum()), "?")


@register.filter
def link_name(attachment: Attachment) -> str:
    """The last part of an attachment's URL, so that the link itself says what it is."""
    return safe_file_name(attachment.file_name, f"attachment-{attachment.pk}")


@register.filter
def name_ending(attachment: Attachment) -> str:
    """What stands on the sign of a file: "PDF", "DOCX"; nothing longer."""
    ending = attachment.file_name.rpartition(".")[2] if "." in attachment.file_name else ""
    return ending.upper() if ending.isalnum() and ending.isascii() and len(ending) <= 4 else ""


TRAIL_STEPS: dict[str, str | Promise] = {
    "read": lazy("Read"),
    "analyse": lazy("Who wrote it"),
    "route": lazy("Which address"),
    "deduplicate": lazy("Seen before?"),
    "thread": lazy("Which case"),
    "closed case policy": lazy("Closed case"),
    "screen": lazy("Whether to accept"),
    "customer": lazy("Customer"),
    "contact": lazy("Contact"),
    "owner": lazy("Owner"),
    "write": lazy("What was done"),
    "notice": lazy("Notice"),
    "auto-response": lazy("Automatic answer"),
    "person": lazy("A person"),
}


@register.simple_tag(takes_context=True)
def deciding_setting(context: Any, line: Any) -> ShownSetting | None:
    """The setting that decided a line of a trail; None for old lines, and where no setting did."""
    named = line.get("setting") if isinstance(line, dict) else getattr(line, "setting", None)
    return shown_setting(named, context.get("request"))


@register.filter
def trail_step(slug: str) -> str | Promise:
    """A step of the trail in words; the slug of one that is not known here."""
    return TRAIL_STEPS.get(slug, slug)
