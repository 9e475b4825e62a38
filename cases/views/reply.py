"""Answer from the case page: reply, undo, send again. Every refusal shows its sentence and keeps the text."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cases.forms.reply import ReplyForm, new_key
from cases.models import Case, EmailMessage, Outbox, SendDecision
from cases.outbound.allowed_senders import Senders, allowed_senders, record_decision
from cases.outbound.delivery import CannotCancel, CannotResend
from cases.outbound.replies import (
    CannotReply,
    SendingNotAllowed,
    SentBefore,
    Unseen,
    cancel_reply,
    discard_draft,
    reply_to_case,
    send_again,
)
from cases.selectors.conversation import find_visible_case, visible_messages
from cases.views.case_page import render_case
from cases.views.composer import newest_message, posted_composer
from routing.sending_rules import Permission

FORBIDDEN, CONFLICT, UNPROCESSABLE = 403, 409, 422


@require_POST
@login_required
def reply(request: HttpRequest, number: int) -> HttpResponse:
    user, case = request.user, find_visible_case(request.user, number)
    if case is None or not isinstance(user, User):
        raise Http404
    senders = allowed_senders(user, case)
    form = ReplyForm(request.POST, request.FILES, senders=senders)
    if not form.is_valid():
        return _show_again(request, case, form, senders, status=_record_refusal(form, user, case))
    typed = form.cleaned_data
    try:
        message = reply_to_case(
            case=case,
            author=user,
            send_from=typed["send_from"],
            to=typed["to"],
            cc=typed["cc"],
            bcc=typed["bcc"],
            subject=typed["subject"],
            text=typed["text"],
            attachments=typed["attachments"],
            now=timezone.now(),
            key=typed["key"],
            last_seen=typed["last_seen"] or 0,
        )
    except SendingNotAllowed as refusal:
        form.add_error("send_from", str(refusal))
        return _show_again(request, case, form, allowed_senders(user, case), status=FORBIDDEN)
    except CannotReply as refusal:
        form.add_error(refusal.field or None, str(refusal))
        return _show_again(request, case, form, senders, status=UNPROCESSABLE)
    except Unseen as stop:
        return _show_again(request, case, form, senders, status=CONFLICT, notice=str(stop))
    except SentBefore as stop:
        return _show_again(request, case, form, senders, status=CONFLICT, notice=str(stop), key=new_key())
    if typed["draft"]:
        discard_draft(typed["draft"], case=case, by=user)
    return _to_message(message)


def _record_refusal(form: ReplyForm, user: User, case: Case) -> int:
    """The status of the answer; that somebody asked for an address that is not theirs is kept."""
    if form.refused_sender is None:
        return UNPROCESSABLE
    address, because = form.refused_sender
    record_decision(Permission(False, because), stage=SendDecision.Stage.FORM, user=user, address=address, case=case)
    return FORBIDDEN


def _show_again(
    request: HttpRequest,
    case: Case,
    form: ReplyForm,
    senders: Senders,
    *,
    status: int,
    notice: str | Promise = "",
    key: str = "",
) -> HttpResponse:
    notices = [notice] if notice else []
    if request.FILES:
        notices.append(_("Choose your files again: a browser does not keep them."))
    composer = posted_composer(
        form,
        senders,
        last_seen=newest_message(case),
        key=key or form.cleaned_data.get("key") or new_key(),
        notices=tuple(notices),
    )
    return render_case(request, case, composer=composer, status=status)


@require_POST
@login_required
def undo(request: HttpRequest, number: int, message_id: int) -> HttpResponse:
    user, message = _user_and_mail(request, number, message_id)
    try:
        cancel_reply(message, by=user)
    except (CannotCancel, SendingNotAllowed) as refusal:
        messages.error(request, str(refusal))
        return _to_message(message)
    if message.created_by_id != user.pk:
        return redirect("case", number=number)
    # Undo is mostly a wish to correct something: the text is open again.
    return redirect(reverse("case", kwargs={"number": number}) + f"?draft={message.pk}#reply")


@require_POST
@login_required
def again(request: HttpRequest, number: int, message_id: int) -> HttpResponse:
    """A failed or uncertain reply once more, as it is."""
    user, message = _user_and_mail(request, number, message_id)
    try:
        send_again(message, by=user)
    except (CannotResend, SendingNotAllowed) as refusal:
        messages.error(request, str(refusal))
    return _to_message(message)


def _user_and_mail(request: HttpRequest, number: int, message_id: int) -> tuple[User, EmailMessage]:
    """A mail that was written here, on a case that the user may see."""
    if not isinstance(request.user, User):
        raise Http404
    message = get_object_or_404(
        visible_messages(request.user, number).select_related("case", "created_by"),
        pk=message_id,
        incoming=False,
        outbox__kind=Outbox.Kind.REPLY,
    )
    return request.user, message


def _to_message(message: EmailMessage) -> HttpResponse:
    return redirect(reverse("case", kwargs={"number": message.case.number}) + f"#message-{message.pk}")
