"""Who else is here, and did something come in? Asked by an open case every ten seconds."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from cases.presence import note_visit
from cases.selectors.conversation import new_since
from cases.selectors.history import NewLines, lines_since
from cases.views.answers import visible_case
from cases.views.case_forms import key_of


@require_POST
@login_required
def live(request: HttpRequest, number: int) -> HttpResponse:
    """`seen` is the newest mail on the page, `changes` the newest event; `composing=1` says that an answer is being
    written. What others changed since the last look (`told`) makes the head and the panel ask anew.

    A POST, for it notes that somebody is here. Three statements, one more when that has to be written, and one when
    something changed.
    """
    case = visible_case(request, number)
    seen = key_of(request.POST.get("seen") or request.GET.get("seen", ""))
    changed = key_of(request.POST.get("changes", ""))
    told = max(key_of(request.POST.get("told", "")), changed)
    new = new_since(case, seen)
    is_changed = (case.newest_event or 0) > changed  # type: ignore[attr-defined]  # annotated by find_visible_case
    lines = lines_since(case, changed, reader=request.user) if is_changed else NewLines(0, 0, changed)
    composing = request.POST.get("composing") == "1"
    presence = note_visit(case, request.user, composing=composing, has_seen_all=not new.count)
    context = {"case": case, "presence": presence, "new": new, "seen": seen, "lines": lines, "changed": changed}
    response = render(request, "cases/case/live.html", context | {"told": max(told, lines.newest)})
    if lines.newest > told:
        response.headers["HX-Trigger"] = "case-changed"
    return response
