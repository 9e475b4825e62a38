"""Mail that waits for a second pair of eyes: the list of an approver, and the decision."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from cases.forms.composer import is_key
from cases.outbound.approvals import CannotApprove, approve, reject
from cases.outbound.changing import OtherWords
from cases.outbound.composed import CannotReply, SendingNotAllowed, Unseen
from cases.outbound.taking_back import CannotCancel
from cases.selectors.approvals import is_approver, list_waiting
from cases.views.outgoing import to_message, user_and_mail
from cases.views.panes import render_pane


@require_safe
@login_required
def approvals(request: HttpRequest) -> HttpResponse:
    may = is_approver(request.user)
    context = {"may_approve": may, "approvals": list_waiting(request.user) if may else []}
    return render_pane(request, "cases/approvals.html", context, pane="list", title=_("Awaiting approval"))


@require_POST
@login_required
def approve_mail(request: HttpRequest, number: int, message_id: int) -> HttpResponse:
    user, message = user_and_mail(request, number, message_id)
    seen, typed = request.POST.get("last_seen", ""), request.POST
    words = OtherWords(typed.get("subject", ""), typed.get("text", "")) if "text" in typed else None
    try:
        approve(message, by=user, now=timezone.now(), last_seen=int(seen) if is_key(seen) else None, words=words)
    except (CannotApprove, CannotReply, SendingNotAllowed, Unseen) as refusal:
        messages.error(request, str(refusal))
    return to_message(message)


@require_POST
@login_required
def reject_mail(request: HttpRequest, number: int, message_id: int) -> HttpResponse:
    user, message = user_and_mail(request, number, message_id)
    try:
        reject(message, by=user, reason=request.POST.get("reason", ""), now=timezone.now())
    except (CannotApprove, CannotCancel) as refusal:
        messages.error(request, str(refusal))
        return to_message(message)
    return redirect("case", number=number)
