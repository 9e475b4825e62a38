"""The wrong-recipient guard on the page: the same rules while somebody writes and when the mail is sent."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST

from cases.forms.composer import ComposerForm, is_key
from cases.mail_html.outgoing import outgoing_html
from cases.models import Case, Draft, DraftFile, EmailMessage
from cases.outbound.allowed_senders import Senders
from cases.outbound.guard import Risk, risks_of, seen
from cases.outbound.guard_facts import gather_facts, typed_recipients
from cases.selectors.conversation import find_visible_case, visible_messages
from cases.views.composer import may_close


def risks_of_form(form: ComposerForm, *, case: Case | None, user: User, answers: EmailMessage | None) -> list[Risk]:
    """Of a form as it is, valid or not."""
    data = form.data
    html = str(data.get("html", ""))[:1_000_000]
    text = outgoing_html(html, pictures={}).text if html.strip() else str(data.get("text", ""))
    sending = gather_facts(
        author=user,
        case=case,
        answers=answers,
        recipients=typed_recipients(*(str(data.get(name, ""))[:20_000] for name in ("to", "cc", "bcc"))),
        # Of an answer an empty subject is the subject of the case.
        subject=str(data.get("subject", "")) or (case.subject if case else ""),
        text=text[:100_000],
        has_files=_has_files(form, user),
        can_answer_into_case=data.get("mode") != Draft.Mode.FORWARD or bool(data.get("answers_join")),
    )
    return risks_of(sending)


@require_POST
@login_required
def warnings(request: HttpRequest, number: int) -> HttpResponse:
    """The warnings for what stands in the composer now; empty when there are none. Sends nothing."""
    user, case = request.user, find_visible_case(request.user, number)
    if case is None or not isinstance(user, User):
        raise Http404
    chosen = request.POST.get("message", "")
    answers = visible_messages(user, number).filter(pk=int(chosen)).first() if is_key(chosen) else None
    return _answer(request, case, user, answers)


@require_POST
@login_required
def warnings_of_new(request: HttpRequest) -> HttpResponse:
    if not isinstance(request.user, User):
        raise Http404
    return _answer(request, None, request.user, None)


def _answer(request: HttpRequest, case: Case | None, user: User, answers: EmailMessage | None) -> HttpResponse:
    form = ComposerForm(request.POST, request.FILES, senders=Senders([], []))
    risks = risks_of_form(form, case=case, user=user, answers=answers)
    context = {"warnings": [risk.words for risk in risks], "confirmed": seen(risks), "may_close": may_close(case)}
    return render(request, "cases/compose/warnings.html", context)


def _has_files(form: ComposerForm, user: User) -> bool:
    """Chosen in the form, kept with the draft, or coming along with a forwarded mail."""
    if any(name == "attachments" for name in form.files) or form.data.get("mode") == Draft.Mode.FORWARD:
        return True
    word = str(form.data.get("draft", ""))
    return is_key(word) and DraftFile.objects.filter(draft=int(word), draft__author=user).exists()
