"""What the composer asks for while somebody writes: templates, quick texts, people. JSON."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from cases.forms.composer import is_key
from cases.models import Case
from cases.outbound.templates import find_quick_texts, template_for
from cases.selectors.conversation import find_visible_case
from cases.selectors.correspondents import find_people
from routing.models import EmailTemplate, RoutingAddress


@require_safe
@login_required
def template(request: HttpRequest, number: int, template_id: int) -> HttpResponse:
    """A template filled in for this case; `?send_from=<id>`: the address it is to be sent from."""
    return _template(request, _case(request, number), template_id)


@require_safe
@login_required
def template_of_new(request: HttpRequest, template_id: int) -> HttpResponse:
    return _template(request, None, template_id)


def _template(request: HttpRequest, case: Case | None, template_id: int) -> HttpResponse:
    found = get_object_or_404(EmailTemplate, pk=template_id, is_active=True)
    filled = template_for(found, case=case, author=_user(request), send_from=_address(request, case))
    return JsonResponse(
        {"subject": filled.subject, "html": filled.html, "text": filled.text, "unfilled": list(filled.unfilled)}
    )


@require_safe
@login_required
def quick_texts(request: HttpRequest, number: int) -> HttpResponse:
    return _quick_texts(request, _case(request, number))


@require_safe
@login_required
def quick_texts_of_new(request: HttpRequest) -> HttpResponse:
    return _quick_texts(request, None)


def _quick_texts(request: HttpRequest, case: Case | None) -> HttpResponse:
    query = request.GET.get("q", "").strip()[:60]
    found = find_quick_texts(query, case=case, author=_user(request), send_from=_address(request, case))
    return JsonResponse([{"shortcut": short, "name": name, "text": text} for short, name, text in found], safe=False)


@require_safe
@login_required
def people(request: HttpRequest) -> HttpResponse:
    """Addresses that begin like `?q=`, of what this user may see; those of `?case=` first."""
    number = request.GET.get("case", "")
    case = find_visible_case(request.user, int(number)) if is_key(number) else None
    found = find_people(request.user, request.GET.get("q", "").strip()[:100], case=case)
    return JsonResponse(
        [{"address": person.address, "name": person.name, "hint": person.hint} for person in found], safe=False
    )


def _user(request: HttpRequest) -> User:
    if not isinstance(request.user, User):
        raise Http404
    return request.user


def _case(request: HttpRequest, number: int) -> Case:
    case = find_visible_case(request.user, number)
    if case is None:
        raise Http404
    return case


def _address(request: HttpRequest, case: Case | None) -> RoutingAddress | None:
    word = request.GET.get("send_from", "")
    if is_key(word):
        return RoutingAddress.objects.not_deleted().filter(pk=int(word)).first()
    return case.routing_address if case is not None else None
