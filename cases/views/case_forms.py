"""The forms of the actions: GET /cases/<number>/do/<action>/, for the head of a case or as a page of its own."""

from __future__ import annotations

import re
from typing import Any

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.utils import timezone
from django.views.decorators.http import require_safe

from cases.customers import contacts_with_address
from cases.models import Case, CaseStatus, CaseTask, EmailMessage
from cases.selectors.conversation import find_visible_case
from cases.selectors.people import reps
from cases.selectors.related import cases_of_same_customer
from cases.snoozing import PRESETS
from cases.tags import tags_like
from cases.views.answers import show_form, visible_case
from routing.choices import Priority
from routing.models import Queue, RecordType

MOST_OFFERED = 200  # colleagues or queues in one list
MOST_MAILS = 60  # to choose from when some are moved
FORMS = frozenset(
    {
        *("assign", "status", "priority", "type", "subject", "snooze", "close", "tag"),
        *("merge", "link", "move", "customer", "task-owner"),
    }
)


@require_safe
@login_required
def case_form(request: HttpRequest, number: int, action: str) -> HttpResponse:
    user, case = request.user, visible_case(request, number)
    if action not in FORMS or not isinstance(user, User):
        raise Http404
    return show_form(request, case, action, form_context(action, case, user, request.GET))


def form_context(action: str, case: Case, user: User, typed: QueryDict) -> dict[str, Any]:
    """What the form shows, and what was typed into it before it was refused."""
    context: dict[str, Any] = {"typed": typed}
    match action:
        case "assign":
            context |= {"reps": _reps(), "queues": Queue.objects.order_by("name")[:MOST_OFFERED]}
        case "status":
            context |= {"statuses": CaseStatus.objects.all()}
        case "priority":
            context |= {"priorities": Priority.choices}
        case "type":
            context |= {"types": RecordType.objects.order_by("name")}
        case "snooze":
            context |= {"presets": PRESETS.items(), "zone": timezone.get_current_timezone_name()}
        case "tag":
            context |= {"tags": case.tags.all(), "known": tags_like("", size=100)}
        case "merge" | "link":
            context |= {"found": _found(case, user, typed), "query": typed.get("q", "")}
        case "move":
            context |= {"mails": _mails(case), "others": cases_of_same_customer(user, case)[:8]}
            context |= {"chosen": set(typed.getlist("messages"))}
        case "customer":
            context |= {"contacts": contacts_with_address(case.supplied_email)}
        case "task-owner":
            tasks = CaseTask.objects.filter(case=case, pk=key_of(typed.get("task", "")))
            context |= {"reps": _reps(), "task": tasks.first()}
    return context


def _reps() -> list[User]:
    return list(reps().order_by("first_name", "last_name", "username")[:MOST_OFFERED])


def _found(case: Case, user: User, typed: QueryDict) -> list[Case]:
    """The case with the number that was asked for; without one the other cases of the customer."""
    query = typed.get("q", "").strip()
    if not query:
        return list(cases_of_same_customer(user, case)[:8])
    number = number_of(query)
    found = find_visible_case(user, number) if number else None
    if found is not None:
        return [found] if found.pk != case.pk else []
    return list(cases_of_same_customer(user, case, address=query)[:8]) if "@" in query else []


def _mails(case: Case) -> list[EmailMessage]:
    """The newest, oldest first."""
    mails = EmailMessage.objects.filter(case=case).exclude(status=EmailMessage.Status.DRAFT)
    shown = mails.only("from_name", "from_address", "received_at", "snippet", "incoming")
    return list(shown.order_by("-received_at", "-pk")[:MOST_MAILS])[::-1]


def key_of(text: str) -> int:
    """A key as typed; 0 for anything that is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else 0


def number_of(text: str) -> int:
    """A case number as a person writes it: with its zeros, a # before it, or as an address of the console."""
    found = re.fullmatch(r"(?:.*/cases/)?#?\s*([0-9]{1,12})/?", text.strip())
    return int(found[1]) if found else 0
