"""What stands beside a conversation, in requests of its own: the panel and its slower parts, and the head alone."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cases.case_fields import fields_of
from cases.models import EmailMessage
from cases.selectors.conversation import tasks_of
from cases.selectors.related import cases_of_same_customer, linked_cases, owners_of
from cases.views.answers import visible_case
from cases.views.case_forms import key_of
from cases.views.panes import render_pane, wants_fragment

EARLIER_PER_PAGE = 6
MOST_PEOPLE = 50


@require_safe
@login_required
def panel(request: HttpRequest, number: int) -> HttpResponse:
    """Six statements. Earlier cases and the reasons are asked for by the page, or by who opens them."""
    case = visible_case(request, number)
    context = {
        "case": case,
        "fields": fields_of(case),
        "tags": list(case.tags.all()),
        "tasks": tasks_of(case),
        "people": list(case.participants.order_by("pk")[:MOST_PEOPLE]),
        "links": linked_cases(request.user, case),
    }
    if wants_fragment(request):
        return render(request, "cases/case/panel.html", context)
    title = f"{case.number_text} {case.subject}"
    return render_pane(request, "cases/act/panel_page.html", context, pane="conversation", title=title)


@require_safe
@login_required
def head(request: HttpRequest, number: int) -> HttpResponse:
    """The head of a case anew, after something was done to it."""
    case = visible_case(request, number)
    newest = key_of(request.GET.get("newest", ""))
    context = {"case": case, "newest_key": newest or None, "message_count": key_of(request.GET.get("count", ""))}
    return render(request, "cases/case/head.html", context)


@require_safe
@login_required
def earlier_cases(request: HttpRequest, number: int) -> HttpResponse:
    """Other cases of the customer that the reader may see: EARLIER_PER_PAGE, before `?before=<number>`."""
    case = visible_case(request, number)
    others = cases_of_same_customer(request.user, case)
    before = key_of(request.GET.get("before", ""))
    if before:
        others = others.filter(pk__lt=before)
    found = list(others[: EARLIER_PER_PAGE + 1])
    context = {
        "case": case,
        "others": found[:EARLIER_PER_PAGE],
        "before": found[EARLIER_PER_PAGE - 1].pk if len(found) > EARLIER_PER_PAGE else None,
        "is_first": not before,
    }
    if wants_fragment(request):
        return render(request, "cases/act/earlier_cases.html", context)
    title = f"{case.number_text} {case.subject}"
    return render_pane(request, "cases/act/earlier_page.html", context, pane="conversation", title=title)


@require_safe
@login_required
def why(request: HttpRequest, number: int) -> HttpResponse:
    """Why the case is here, and whose it was: the trail of the mail that opened it, and each decision about owners."""
    case = visible_case(request, number)
    opening = (
        EmailMessage.objects.filter(opened_case=case).select_related("inbound_email").only("inbound_email__trail")
    )
    mail = opening.first()
    trail = mail.inbound_email.trail if mail is not None and mail.inbound_email is not None else []
    context = {"case": case, "trail": trail, "decisions": owners_of(case)}
    if wants_fragment(request):
        return render(request, "cases/act/why.html", context)
    title = f"{case.number_text} {case.subject}"
    return render_pane(request, "cases/act/why_page.html", context, pane="conversation", title=title)
