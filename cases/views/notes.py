"""Notes: write one, correct one, and the names that complete an @."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cases.acting import CannotChange, NotAllowed
from cases.comments import add_note, edit_note, may_edit
from cases.models import Case, CaseComment
from cases.selectors.people import colleagues, named_like
from cases.views.answers import status_of, visible_case
from cases.views.panes import render_pane, wants_fragment


@require_safe
@login_required
def colleagues_like(request: HttpRequest, number: int) -> HttpResponse:
    """JSON [{username, name}] of those whose name begins with `?q=`."""
    visible_case(request, number)
    found = named_like(colleagues().exclude(username=request.user.get_username()), request.GET.get("q", ""))
    return JsonResponse(
        [{"username": user.get_username(), "name": user.get_full_name()} for user in found], safe=False
    )


@require_POST
@login_required
def add(request: HttpRequest, number: int) -> HttpResponse:
    user, case = request.user, visible_case(request, number)
    if not isinstance(user, User):
        raise Http404
    try:
        note = add_note(case=case, author=user, body=request.POST.get("body", ""))
    except (CannotChange, NotAllowed) as refusal:
        return _form(request, case, str(refusal), status=status_of(refusal))
    if not wants_fragment(request):
        messages.success(request, _("The note was added."))
        return _to_note(case, note)
    response = render(request, "cases/act/note_added.html", {"case": case, "note": note})
    response.headers["HX-Trigger"] = "cases-changed"
    return response


def _form(request: HttpRequest, case: Case, error: str, *, status: int) -> HttpResponse:
    context = {"case": case, "error": error, "body": request.POST.get("body", ""), "is_open": True}
    if wants_fragment(request):
        return render(request, "cases/act/note_form.html", context, status=status)
    title = f"{case.number_text} {case.subject}"
    return render_pane(request, "cases/act/note_page.html", context, pane="conversation", title=title, status=status)


@require_safe
@login_required
def note(request: HttpRequest, number: int, note_id: int) -> HttpResponse:
    """A note with what it said before, and for its author a form to correct it."""
    case = visible_case(request, number)
    return _show_note(request, case, _note_of(case, note_id))


@require_POST
@login_required
def edit(request: HttpRequest, number: int, note_id: int) -> HttpResponse:
    user, case = request.user, visible_case(request, number)
    found = _note_of(case, note_id)
    if not isinstance(user, User):
        raise Http404
    try:
        edit_note(note=found, by=user, body=request.POST.get("body", ""))
    except (CannotChange, NotAllowed) as refusal:
        return _show_note(request, case, found, error=str(refusal), status=status_of(refusal))
    messages.success(request, _("The note was corrected."))
    return _to_note(case, found)


def _note_of(case: Case, note_id: int) -> CaseComment:
    found = CaseComment.objects.filter(case=case, pk=note_id).select_related("author", "case").first()
    if found is None:
        raise Http404
    return found


def _show_note(
    request: HttpRequest, case: Case, found: CaseComment, *, error: str = "", status: int = 200
) -> HttpResponse:
    context = {
        "case": case,
        "note": found,
        "versions": list(found.versions.order_by("-pk")[:20]),
        "may_edit": may_edit(found, request.user) and not case.is_merged,
        "body": request.POST.get("body", found.body),
        "error": error,
    }
    title = f"{case.number_text} {case.subject}"
    return render_pane(
        request, "cases/act/note_of_case.html", context, pane="conversation", title=title, status=status
    )


def _to_note(case: Case, found: CaseComment) -> HttpResponse:
    return redirect(reverse("case", kwargs={"number": case.number}) + f"#note-{found.pk}")
