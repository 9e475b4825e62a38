"""One action on the cases that were chosen in a list, and undo for what reps have just done."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from cases.acting import CannotChange, NotAllowed
from cases.bulk import MOST_CASES, BulkResult, change_cases
from cases.models import CaseEvent
from cases.undoing import UNDOABLE, undo_change
from cases.views.answers import with_undo
from cases.views.case_forms import key_of
from cases.views.panes import wants_fragment

SHOWN_NUMBERS = 5


@require_POST
@login_required
def bulk(request: HttpRequest) -> HttpResponse:
    """`numbers` repeated, `action` as "word" or "word:value"; else the value stands in `<action>_value` or `value`."""
    user = request.user
    if not isinstance(user, User):
        raise Http404
    action, _colon, value = request.POST.get("action", "").partition(":")
    value = value or request.POST.get(f"{action}_value") or request.POST.get("value", "")
    if action == "assign" and value == "me":
        action, value = "take", ""
    numbers = [key_of(text) for text in request.POST.getlist("numbers")]
    try:
        result = change_cases(numbers=numbers, action=action, value=value, by=user)
    except (CannotChange, NotAllowed) as refusal:
        messages.error(request, str(refusal))
        return _back(request)
    _tell(request, result)
    return _back(request)


def _tell(request: HttpRequest, result: BulkResult) -> None:
    """How many were changed, with undo, and for each reason why others were not."""
    count = len(result.changed)
    words = ngettext("%(count)d case was changed.", "%(count)d cases were changed.", count) % {"count": count}
    if result.unchanged:
        words += " " + ngettext("%(count)d was so already.", "%(count)d were so already.", len(result.unchanged)) % {
            "count": len(result.unchanged)
        }
    kinds = CaseEvent.objects.filter(pk__in=result.events[:1]).values_list("kind", flat=True)
    may_undo = any(kind in UNDOABLE for kind in kinds)
    messages.success(request, with_undo(request, words, result.events) if may_undo else words)
    for because, numbers in result.reasons.items():
        named = ", ".join(f"{number:08d}" for number in numbers[:SHOWN_NUMBERS])
        more = f" +{len(numbers) - SHOWN_NUMBERS}" if len(numbers) > SHOWN_NUMBERS else ""
        messages.error(
            request, _("Not changed: %(numbers)s. %(because)s") % {"numbers": named + more, "because": because}
        )


@require_POST
@login_required
def undo(request: HttpRequest) -> HttpResponse:
    """`events`: the keys of one's own changes, separated by commas."""
    user = request.user
    if not isinstance(user, User):
        raise Http404
    keys = [key_of(text) for text in request.POST.get("events", "").split(",")][:MOST_CASES]
    undone, refusals = 0, dict[str, int]()
    for event in CaseEvent.objects.filter(pk__in=keys, actor=user).select_related("case").order_by("-pk"):
        try:
            undo_change(event=event, by=user)
            undone += 1
        except (CannotChange, NotAllowed) as refusal:
            refusals[str(refusal)] = refusals.get(str(refusal), 0) + 1
    words = [_("Undone.")] if undone == 1 else []
    if undone > 1:
        words = [_("%(count)d changes were undone.") % {"count": undone}]
    words += list(refusals)
    if not wants_fragment(request):
        (messages.success if undone else messages.error)(request, " ".join(words) or _("This cannot be undone."))
        return _back(request)
    context = {"words": " ".join(words) or _("This cannot be undone."), "is_error": not undone, "as_toast": True}
    response = render(request, "cases/act/done.html", context)
    response.headers["HX-Trigger"] = "cases-changed, case-changed"
    return response


def _back(request: HttpRequest) -> HttpResponse:
    """To the page it was asked from, when that is one of ours."""
    wanted = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}, require_https=request.is_secure()):
        return redirect(wanted)
    return redirect("case_list")
