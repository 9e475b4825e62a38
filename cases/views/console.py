"""The left pane of the console: /cases/views/, and the counts in it: /cases/counts/."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cases.selectors.lists import COUNTED_TO
from cases.selectors.navigation import navigation
from cases.views.panes import render_pane


@require_safe
@login_required
def views_pane(request: HttpRequest) -> HttpResponse:
    context = {"groups": navigation(request.user), "counted_to": COUNTED_TO}
    return render_pane(request, "cases/views.html", context, pane="views", title=_("Views"))


@require_safe
@login_required
def counts(request: HttpRequest) -> HttpResponse:
    """Nothing but the numbers, for the pane that is there: it is asked every ten seconds."""
    return render(request, "cases/counts.html", {"groups": navigation(request.user), "counted_to": COUNTED_TO})
