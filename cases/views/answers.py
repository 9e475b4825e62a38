"""How the actions of a case answer: with HTMX in place, so that a half-written mail beside it stays; else by a page.

Done: what stands on the page is told to look again (`case-changed`, `cases-changed`), and a toast offers to undo it.
Refused: the form comes back with the sentence beside its control.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe

from cases.acting import CannotChange, ChangedMeanwhile, NotAllowed
from cases.models import Case, CaseEvent
from cases.selectors.conversation import find_visible_case
from cases.views.panes import render_pane, wants_fragment

__all__ = ["Done", "done", "refused", "show_form", "status_of", "visible_case", "with_undo"]

FORBIDDEN, CONFLICT, UNPROCESSABLE = 403, 409, 422


@dataclass(frozen=True, slots=True)
class Done:
    """What an action did: the words of its toast, the event that can be undone or is new in the history."""

    words: str
    event: CaseEvent | None = None
    may_undo: bool = False
    go_to: str = ""  # where the work goes on, when that is not this case


def visible_case(request: HttpRequest, number: int) -> Case:
    case = find_visible_case(request.user, number)
    if case is None:
        raise Http404
    return case


def done(request: HttpRequest, case: Case, result: Done) -> HttpResponse:
    words: str = result.words
    if result.may_undo and result.event is not None:
        words = with_undo(request, result.words, [result.event.pk], case=case)
    if not wants_fragment(request):
        messages.success(request, words)
        return redirect(result.go_to) if result.go_to else redirect("case", number=case.number)
    if result.go_to:
        messages.success(request, words)
        return _tell(HttpResponse(status=204), redirect_to=result.go_to)
    return _tell(render(request, "cases/act/done.html", {"words": words, "event": result.event}))


def refused(
    request: HttpRequest, case: Case, error: CannotChange | NotAllowed, *, action: str, context: dict[str, Any] | None
) -> HttpResponse:
    """`context` is that of the action's form; None: it has none, the sentence is all there is to show."""
    status = status_of(error)
    if context is not None:
        context |= {"error": str(error), "error_field": getattr(error, "field", "")}
        return show_form(request, case, action, context, status=status)
    if wants_fragment(request):
        return render(request, "cases/act/done.html", {"words": str(error), "is_error": True}, status=status)
    messages.error(request, str(error))
    return redirect("case", number=case.number)


def status_of(error: CannotChange | NotAllowed) -> int:
    if isinstance(error, NotAllowed):
        return FORBIDDEN
    return CONFLICT if isinstance(error, ChangedMeanwhile) else UNPROCESSABLE


def show_form(
    request: HttpRequest, case: Case, action: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    """The form alone into the place that the page has for it, or as a page."""
    context |= {"case": case, "action": action, "form_template": f"cases/act/{action}.html"}
    if wants_fragment(request) and request.htmx.target == "case-action":  # type: ignore[attr-defined]
        return render(request, "cases/act/form.html", context, status=status)
    title = f"{case.number_text} {case.subject}"
    return render_pane(request, "cases/act/page.html", context, pane="conversation", title=title, status=status)


def with_undo(request: HttpRequest, words: str, events: Sequence[int], *, case: Case | None = None) -> SafeString:
    """The words and a form that takes the events back: works in a toast and on a page without JavaScript."""
    context = {"words": words, "events": ",".join(map(str, events)), "case": case}
    return mark_safe(render_to_string("cases/act/undo.html", context, request=request))  # noqa: S308 - a template of ours


def _tell(response: HttpResponse, *, redirect_to: str = "") -> HttpResponse:
    response.headers["HX-Trigger"] = "cases-changed, case-changed"
    if redirect_to:
        response.headers["HX-Redirect"] = redirect_to
    return response
