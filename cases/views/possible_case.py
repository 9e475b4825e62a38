"""The two answers to "possibly belongs to case N": join it, or keep the cases apart."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cases.acting import CannotChange, NotAllowed
from cases.merging import dismiss_possible_case, join_possible_case
from cases.selectors.conversation import find_visible_case


@require_POST
@login_required
def join(request: HttpRequest, number: int) -> HttpResponse:
    case = find_visible_case(request.user, number)
    if case is None:
        raise Http404
    other = case.possibly_belongs_to
    if other is not None and find_visible_case(request.user, other.number) is None:
        raise Http404
    try:
        target = join_possible_case(case=case, by=request.user)
    except (CannotChange, NotAllowed) as refusal:
        messages.error(request, str(refusal))
        return redirect("case", number=number)
    messages.success(request, _("Case %(number)s was joined to this one.") % {"number": case.number_text})
    return redirect("case", number=target.number)


@require_POST
@login_required
def keep_apart(request: HttpRequest, number: int) -> HttpResponse:
    case = find_visible_case(request.user, number)
    if case is None:
        raise Http404
    try:
        dismiss_possible_case(case=case, by=request.user)
    except (CannotChange, NotAllowed) as refusal:
        messages.error(request, str(refusal))
    return redirect("case", number=number)
