"""Send from the composer: reply, forward, new mail. Every refusal shows its sentence and keeps what was typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from cases.forms.composer import ComposerForm, is_key, new_key
from cases.models import Case, Draft, EmailMessage, SendDecision
from cases.outbound.allowed_senders import Senders, allowed_senders, record_decision
from cases.outbound.composed import CannotReply, Composed, SendingNotAllowed, SentBefore, Unseen
from cases.outbound.guard import Risk, is_confirmed
from cases.outbound.sending import check_beforehand, queue_mail
from cases.selectors.conversation import find_visible_case, visible_messages
from cases.selectors.drafts import own_drafts
from cases.views.case_page import render_case
from cases.views.composer import (
    Composer,
    new_composer,
    newest_message,
    posted_composer,
    seen_on_page,
    wanted_mode,
)
from cases.views.panes import render_pane
from cases.views.warnings import risks_of_form
from routing.models import EmailTemplate
from routing.sending_rules import Permission

FORBIDDEN, CONFLICT, UNPROCESSABLE = 403, 409, 422


@dataclass(frozen=True, slots=True)
class Posted:
    """A composer as it came back. `case` is None for a new mail."""

    request: HttpRequest
    user: User
    case: Case | None
    form: ComposerForm
    senders: Senders
    mode: Draft.Mode
    answers: EmailMessage | None


@require_safe
@login_required
def compose(request: HttpRequest, number: int) -> HttpResponse:
    """The composer alone for a place that asks for it, else the case with the composer open:
    `?mode=reply|reply_all|forward[&message=<id>]` or `?draft=<id>`.
    """
    user, case = request.user, find_visible_case(request.user, number)
    if case is None or not isinstance(user, User):
        raise Http404
    composer = None
    if not case.is_merged and case.may_reply:  # type: ignore[attr-defined]  # annotated by find_visible_case
        mode = wanted_mode(request) or Draft.Mode.REPLY
        composer = new_composer(request, case, user, mode=mode, last_seen=seen_on_page(request, case))
        if request.htmx.target == "reply":  # type: ignore[attr-defined]  # the conversation is there already
            context = {"case": case, "composer": composer, "form": composer.form}
            return render(request, "cases/composer.html", context)
    return render_case(request, case, composer=composer)


@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def new_mail(request: HttpRequest) -> HttpResponse:
    """Write first; what is sent opens a case."""
    user = request.user
    if not isinstance(user, User):
        raise Http404
    if request.method == "POST":
        return _send(_posted(request, user, None))
    return _show_new(request, new_composer(request, None, user, mode=Draft.Mode.NEW, last_seen=0))


@require_POST
@login_required
def reply(request: HttpRequest, number: int) -> HttpResponse:
    user, case = request.user, find_visible_case(request.user, number)
    if case is None or not isinstance(user, User):
        raise Http404
    return _send(_posted(request, user, case))


def _posted(request: HttpRequest, user: User, case: Case | None) -> Posted:
    """The form says what kind of mail it is, and of which one; where it does not, its draft does."""
    senders = allowed_senders(user, case)
    if case is None:
        senders = Senders(senders.allowed, [])
    form = ComposerForm(request.POST, request.FILES, senders=senders)
    word = request.POST.get("draft", "")
    draft = own_drafts(user).filter(pk=int(word), case=case).first() if is_key(word) else None
    mode = request.POST.get("mode") or (draft.mode if draft else "")
    chosen = request.POST.get("message") or (str(draft.answers_id or "") if draft else "")
    if case is None:
        return Posted(request, user, None, form, senders, Draft.Mode.NEW, None)
    answers = None
    if is_key(chosen):
        mails = visible_messages(user, case.number).filter(pk=int(chosen))
        answers = mails.prefetch_related("addresses").first()
    mode = Draft.Mode(mode) if mode in Draft.Mode.values else Draft.Mode.REPLY
    return Posted(request, user, case, form, senders, mode, answers)


def _send(posted: Posted) -> HttpResponse:
    form, case, user = posted.form, posted.case, posted.user
    if not form.is_valid():
        return _show_again(posted, status=_record_refusal(posted))
    try:
        composed = _composed(posted)
        check_beforehand(posted.mode, composed, now=timezone.now())
    except CannotReply as refusal:
        form.add_error(refusal.field or None, str(refusal))
        return _show_again(posted, status=UNPROCESSABLE)
    risks = risks_of_form(form, case=case, user=user, answers=posted.answers)
    if not is_confirmed(risks, form.cleaned_data["confirmed"]):
        return _show_again(posted, status=CONFLICT, risks=risks)
    try:
        message = queue_mail(mode=posted.mode, case=case, author=user, composed=composed, now=timezone.now())
    except SendingNotAllowed as refusal:
        form.add_error("send_from", str(refusal))
        return _show_again(posted, status=FORBIDDEN)
    except CannotReply as refusal:
        form.add_error(refusal.field or None, str(refusal))
        return _show_again(posted, status=UNPROCESSABLE)
    except Unseen as stop:
        return _show_again(posted, status=CONFLICT, notice=str(stop))
    except SentBefore as stop:
        return _show_again(posted, status=CONFLICT, notice=str(stop), key=new_key())
    return redirect(reverse("case", kwargs={"number": message.case.number}) + f"#message-{message.pk}")


def _composed(posted: Posted) -> Composed:
    typed = posted.form.cleaned_data
    template = EmailTemplate.objects.filter(pk=typed["template"]).first() if typed["template"] else None
    return Composed(
        send_from=typed["send_from"],
        to=typed["to"],
        cc=typed["cc"],
        bcc=typed["bcc"],
        subject=typed["subject"],
        text=typed["text"],
        html=typed["html"],
        attachments=typed["attachments"],
        draft=typed["draft"],
        answers=posted.answers,
        kept=typed["kept"] if typed["kept_shown"] else None,
        answers_join=typed["answers_join"],
        template=template,
        send_at=typed["send_at"],
        closes=typed["closes"],
        key=typed["key"],
        last_seen=typed["last_seen"] or 0,
    )


def _record_refusal(posted: Posted) -> int:
    """The status of the answer; that somebody asked for an address that is not theirs is kept."""
    if posted.form.refused_sender is None:
        return UNPROCESSABLE
    address, because = posted.form.refused_sender
    answer = Permission(False, because)
    record_decision(answer, stage=SendDecision.Stage.FORM, user=posted.user, address=address, case=posted.case)
    return FORBIDDEN


def _show_again(
    posted: Posted,
    *,
    status: int,
    notice: str | Promise = "",
    key: str = "",
    risks: Sequence[Risk] = (),
) -> HttpResponse:
    notices = [notice] if notice else []
    if posted.request.FILES:
        notices.append(_("Choose your files again: a browser does not keep them."))
    composer = posted_composer(
        posted.form,
        # A refusal may have changed what may be sent from.
        allowed_senders(posted.user, posted.case) if status == FORBIDDEN else posted.senders,
        posted.user,
        posted.case,
        mode=posted.mode,
        answers=posted.answers,
        last_seen=newest_message(posted.case) if posted.case else 0,
        key=key or posted.form.cleaned_data.get("key") or new_key(),
        notices=notices,
        risks=risks,
    )
    if posted.case is None:
        return _show_new(posted.request, composer, status=status)
    return render_case(posted.request, posted.case, composer=composer, status=status)


def _show_new(request: HttpRequest, composer: Composer, *, status: int = 200) -> HttpResponse:
    title = _("New mail")
    return render_pane(
        request, "cases/new_mail.html", {"composer": composer}, pane="conversation", title=title, status=status
    )
