"""What a person does with a part of a mail: make its author the customer, read it anew. Invitations have a
module of their own.
"""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cases.forwarded import NoOriginalSender, make_original_sender_contact
from cases.inbound.rereading import CannotReread, read_as_charset
from cases.models import Case, EmailMessage
from cases.selectors.conversation import find_visible_case, visible_messages


@require_POST
@login_required
def make_contact(request: HttpRequest, number: int, message_id: int) -> HttpResponse:
    case, message = visible_mail(request, number, message_id)
    try:
        make_original_sender_contact(case=case, message=message, by=request.user)
    except NoOriginalSender as refusal:
        messages.error(request, str(refusal))
    return redirect("case", number=number)


@require_POST
@login_required
def charset(request: HttpRequest, number: int, message_id: int) -> HttpResponse:
    _case, message = visible_mail(request, number, message_id)
    try:
        read_as_charset(message, request.POST.get("charset", "")[:40], by=request.user)
    except CannotReread as refusal:
        messages.error(request, _("The mail was not read anew. %(why)s") % {"why": refusal})
    return back_to_mail(number, message_id)


def visible_mail(request: HttpRequest, number: int, message_id: int) -> tuple[Case, EmailMessage]:
    case = find_visible_case(request.user, number)
    message = visible_messages(request.user, number).filter(pk=message_id, incoming=True).first()
    if case is None or message is None:
        raise Http404
    return case, message


def back_to_mail(number: int, message_id: int) -> HttpResponse:
    return redirect(f"{reverse('case', kwargs={'number': number})}#message-{message_id}")
