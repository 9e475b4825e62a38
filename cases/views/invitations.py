"""Invitations in a mail: what can be answered, asked for by their cards, and the answer itself."""

from __future__ import annotations

import secrets

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from cases.outbound.invitations import answer_to_invitation, offered_answer
from cases.outbound.replies import CannotReply, SendingNotAllowed, SentBefore
from cases.views.mail_parts import back_to_mail, visible_mail
from cases.views.panes import render_pane, wants_fragment

MOST_POSITION = 32_767  # what the column of an attachment's position holds

ANSWER_LABELS: dict[str, str | Promise] = {
    "accept": _("Accept"),
    "tentative": _("Maybe"),
    "decline": _("Decline"),
}
GIVEN_LABELS: dict[str, str | Promise] = {
    "accept": _("Accepted."),
    "tentative": _("Answered: maybe."),
    "decline": _("Declined."),
}


@require_safe
@login_required
def invitation(request: HttpRequest, number: int, message_id: int) -> HttpResponse:
    """Who would answer the invitation in the attachment `?position=`, or why nobody can, and what was answered."""
    case, message = visible_mail(request, number, message_id)
    position = _position(request.GET.get("position", ""))
    told = next((each for each in message.special_parts.get("invitations", ()) if each["position"] == position), None)
    if told is None or told["method"] != "REQUEST" or case.is_merged or not isinstance(request.user, User):
        raise Http404
    offer = offered_answer(case, told, by=request.user)
    context = {
        "case": case,
        "message": message,
        "invitation": told,
        "offer": offer,
        "given": GIVEN_LABELS.get(offer.given, ""),
        "answers": ANSWER_LABELS,
        "key": secrets.token_urlsafe(12),
    }
    if wants_fragment(request):
        return render(request, "cases/invitation_answer.html", context)
    title = f"{case.number_text} {case.subject}"
    return render_pane(request, "cases/invitation_page.html", context, pane="conversation", title=title)


@require_POST
@login_required
def answer(request: HttpRequest, number: int, message_id: int) -> HttpResponse:
    case, message = visible_mail(request, number, message_id)
    if not isinstance(request.user, User):
        raise Http404
    try:
        sent = answer_to_invitation(
            case=case,
            message=message,
            position=_position(request.POST.get("position", "")),
            answer=request.POST.get("answer", ""),
            by=request.user,
            now=timezone.now(),
            key=request.POST.get("key", "")[:100],
        )
    except (CannotReply, SendingNotAllowed, SentBefore) as refusal:
        messages.error(request, str(refusal))
        return back_to_mail(number, message_id)
    return back_to_mail(number, sent.pk)


def _position(word: str) -> int:
    if not (word.isascii() and word.isdigit()) or int(word[:6]) > MOST_POSITION:
        raise Http404
    return int(word[:6])
