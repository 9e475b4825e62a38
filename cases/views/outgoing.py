"""What a person does with a mail that is on its way: undo, edit, send again, another time."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from cases.forms.composer import SendAtForm
from cases.models import Draft, EmailMessage, Outbox
from cases.outbound.composed import CannotReply, SendingNotAllowed
from cases.outbound.taking_back import (
    CannotCancel,
    CannotResend,
    cancel_reply,
    edit_failed,
    reschedule,
    send_again,
)
from cases.selectors.conversation import find_visible_case, visible_messages


@require_POST
@login_required
def undo(request: HttpRequest, number: int, message_id: int) -> HttpResponse:
    """Take it back while it waits for its moment, its time or its approval."""
    return _open_again(request, number, message_id, cancel_reply)


@require_POST
@login_required
def edit(request: HttpRequest, number: int, message_id: int) -> HttpResponse:
    """A mail that failed is open again."""
    return _open_again(request, number, message_id, edit_failed)


@require_POST
@login_required
def again(request: HttpRequest, number: int, message_id: int) -> HttpResponse:
    """A failed or uncertain mail once more, as it is."""
    user, message = user_and_mail(request, number, message_id)
    try:
        send_again(message, by=user)
    except (CannotResend, SendingNotAllowed) as refusal:
        messages.error(request, str(refusal))
    return to_message(message)


@require_POST
@login_required
def schedule(request: HttpRequest, number: int, message_id: int) -> HttpResponse:
    """Another time for a mail that waits for its time; without one, now."""
    user, message = user_and_mail(request, number, message_id)
    form = SendAtForm(request.POST)
    if not form.is_valid():
        messages.error(request, " ".join(str(error) for errors in form.errors.values() for error in errors))
        return to_message(message)
    try:
        reschedule(message, by=user, send_at=form.cleaned_data["send_at"], now=timezone.now())
    except (CannotReply, SendingNotAllowed) as refusal:
        messages.error(request, str(refusal))
    return to_message(message)


def user_and_mail(request: HttpRequest, number: int, message_id: int) -> tuple[User, EmailMessage]:
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


def to_message(message: EmailMessage) -> HttpResponse:
    return redirect(reverse("case", kwargs={"number": message.case.number}) + f"#message-{message.pk}")


def _open_again(
    request: HttpRequest, number: int, message_id: int, become_draft: Callable[..., Draft | None]
) -> HttpResponse:
    """A wish to take something back is mostly one to correct it: the text is open again, for its author."""
    if not EmailMessage.objects.filter(pk=message_id).exists() and (case := find_visible_case(request.user, number)):
        # The second click of two: the first one made it a draft.
        draft_id = case.my_draft  # type: ignore[attr-defined]  # annotated by find_visible_case
        return redirect(_with_draft(number, draft_id)) if draft_id else redirect("case", number=number)
    user, message = user_and_mail(request, number, message_id)
    try:
        draft = become_draft(message, by=user)
    except (CannotCancel, SendingNotAllowed) as refusal:
        messages.error(request, str(refusal))
        return to_message(message)
    if draft is None or draft.author_id != user.pk:
        return redirect("case", number=number)
    return redirect(_with_draft(number, draft.pk))


def _with_draft(number: int, draft_id: int) -> str:
    return reverse("case", kwargs={"number": number}) + f"?draft={draft_id}#reply"
