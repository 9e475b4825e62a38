"""The left pane of the console: /cases/views/, the counts in it: /cases/counts/, and what its reader says there."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cases.selectors.lists import COUNTED_TO
from cases.selectors.navigation import Navigation, navigation
from cases.views.notifications import unread_number
from cases.views.panes import render_pane, wants_fragment
from routing.models import RepPresence
from routing.rep_presence import set_own_presence


@require_safe
@login_required
def views_pane(request: HttpRequest) -> HttpResponse:
    return render_pane(request, "cases/views.html", _context(navigation(request.user)), pane="views", title=_("Views"))


@require_safe
@login_required
def counts(request: HttpRequest) -> HttpResponse:
    """Nothing but the numbers, for the pane that is there: it is asked every ten seconds."""
    context = _context(navigation(request.user)) | unread_number(request)
    return render(request, "cases/counts.html", context)


@require_POST
@login_required
def own_presence(request: HttpRequest) -> HttpResponse:
    """Available, busy, away, offline: asked by HTMX it answers with the new line, else with the pane as a page."""
    status = request.POST.get("status", "")
    if status not in RepPresence.Status.values:
        return HttpResponseBadRequest()
    presence = set_own_presence(request.user, RepPresence.Status(status)) if isinstance(request.user, User) else None
    if presence is None:
        raise Http404
    messages.success(request, _words_of(presence))
    if not wants_fragment(request):
        return redirect("case_views")
    return render(request, "cases/console/own_presence_said.html", _context(navigation(request.user)))


def _words_of(presence: RepPresence) -> str:
    if presence.status == RepPresence.Status.AVAILABLE:
        words = _("You are available: flows give you new cases, until %(capacity)d await an answer.")
        return words % {"capacity": presence.capacity}
    words = _("You are %(status)s: flows give you no new cases. Those you have stay yours.")
    return words % {"status": presence.get_status_display()}


def _context(shown: Navigation) -> dict[str, Any]:
    return {
        "groups": shown.groups,
        "presence": shown.presence,
        "statuses": RepPresence.Status.choices,
        "counted_to": COUNTED_TO,
    }
