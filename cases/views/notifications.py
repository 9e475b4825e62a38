"""What a person was told: the bell's list, marking it read, and how they want to be told."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.models import Notification, NotificationChoice
from cases.notifications.choices import Choice, choices_of, save_choices
from cases.notifications.reading import COUNTED_TO, PER_PAGE, count_unread, list_notifications, mark_read
from cases.notifications.words import link_of, sentence_of
from cases.views.case_forms import key_of
from cases.views.panes import render_pane

Kind = Notification.Kind
Mail = NotificationChoice.Mail

HELP: dict[str, Promise] = {
    Kind.IN_QUEUE: lazy(
        "A case that nobody of the queue has taken, and new email on it. Until you choose, the queue decides."
    ),
    Kind.SEND_FAILED: lazy("Mail that you wrote, and mail on your cases."),
    Kind.APPROVAL_ASKED: lazy("Only if you may approve mail."),
    Kind.TASK_DUE: lazy("Yours, and tasks of nobody on your cases."),
}


@dataclass(frozen=True, slots=True)
class ShownNotification:
    notification: Notification
    is_unread: bool
    sentence: str
    link: str


@require_safe
@login_required
def notifications(request: HttpRequest) -> HttpResponse:
    """`?unread=1`: those alone; `?before=<key>`: older ones."""
    unread_only = request.GET.get("unread") == "1"
    before = key_of(request.GET.get("before", "")) or None
    rows = list_notifications(request.user, unread_only=unread_only, before=before)
    shown = [_shown(row) for row in rows[:PER_PAGE]]
    context = {
        "shown": shown,
        "unread_only": unread_only,
        "has_unread": any(each.is_unread for each in shown),
        "is_first_page": before is None,
        "before": shown[-1].notification.pk if len(rows) > PER_PAGE else None,
        "url": request.get_full_path(),
    }
    return render_pane(request, "cases/notifications/list.html", context, pane="list", title=_("Notifications"))


def _shown(row: Notification) -> ShownNotification:
    is_unread = row.read_at is None and not row.is_seen  # type: ignore[attr-defined]  # annotated
    return ShownNotification(row, is_unread, sentence_of(row), link_of(row))


def unread_number(request: HttpRequest) -> dict[str, int]:
    """What the number on the bell is made of. One statement."""
    return {"unread": count_unread(request.user), "unread_counted_to": COUNTED_TO}


@require_safe
@login_required
def unread(request: HttpRequest) -> HttpResponse:
    """The number alone, when the console starts; afterwards it comes with the counts of the views."""
    return render(request, "cases/notifications/number.html", unread_number(request))


@require_POST
@login_required
def read(request: HttpRequest) -> HttpResponse:
    """`id`: one of one's own; `up_to`: all until that one. What belongs to others stays as it is."""
    one, up_to = key_of(request.POST.get("id", "")), key_of(request.POST.get("up_to", ""))
    if one:
        mark_read(request.user, keys=[one])
    elif up_to:
        mark_read(request.user, up_to=up_to)
    response = redirect("notifications")
    if request.POST.get("unread") == "1":
        response["Location"] += "?unread=1"
    return response


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def choices(request: HttpRequest) -> HttpResponse:
    user = request.user
    if not isinstance(user, User):
        raise Http404
    if request.method == "POST":
        chosen = {kind: choice for kind in Kind if (choice := _chosen(kind, request.POST)) is not None}
        save_choices(user, chosen)
        messages.success(request, _("Saved. It holds for what happens from now on."))
        return redirect("notification_choices")
    now = choices_of(user)
    rows = [(kind, HELP.get(kind, ""), now[kind]) for kind in Kind]
    context = {"rows": rows, "mails": Mail.choices, "address": user.email}
    title = _("What you are told of")
    return render_pane(request, "cases/notifications/choices.html", context, pane="conversation", title=title)


def _chosen(kind: Notification.Kind, typed: QueryDict) -> Choice | None:
    """None: the form did not ask for it, or asks for something there is not."""
    mail = typed.get(f"{kind.value}-mail", "")
    return Choice(f"{kind.value}-in-app" in typed, Mail(mail)) if mail in Mail.values else None
