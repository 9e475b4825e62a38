"""Who else is here, and did something come in? Asked by an open case every ten seconds."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from cases.models import EmailMessage
from cases.presence import note_visit
from cases.views.answers import visible_case
from cases.views.case_forms import key_of

MOST_COUNTED = 20  # new mails that are told


@require_POST
@login_required
def live(request: HttpRequest, number: int) -> HttpResponse:
    """`?seen=` is the newest mail on the page; `composing=1` says that an answer is being written.

    A POST, for it notes that somebody is here. Three statements, one more when that has to be written.
    """
    case = visible_case(request, number)
    seen = key_of(request.GET.get("seen", ""))
    new = (
        EmailMessage.objects.filter(case=case, incoming=True, pk__gt=seen).order_by("-pk").values_list("pk", flat=True)
    )
    keys = list(new[:MOST_COUNTED])
    presence = note_visit(case, request.user, composing=request.POST.get("composing") == "1", has_seen_all=not keys)
    context = {"case": case, "presence": presence, "new_count": len(keys), "newest": keys[-1] if keys else None}
    return render(request, "cases/case/live.html", context)
