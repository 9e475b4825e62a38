"""Who can send from this address, and why; from what can this user send, and why. With links to what decides.

The pages stand under the sending decisions, whose last refusals they show.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from cases.models import SendDecision
from cases.outbound.allowed_senders import allowed_senders
from routing.admin.access import can_configure
from routing.models import PermissionSet, RoutingAddress
from routing.sender_overview import explain_users, notes_on_user
from routing.sending_rules import refusal_by_state

__all__ = ["address_page", "user_page"]

REFUSALS_SHOWN = 10
LONGEST_NAME = 150  # characters of a user name


def address_page(request: HttpRequest, address_id: int, context: dict[str, Any]) -> HttpResponse:
    """Every user with the answer for one address, a page at a time by user name (`?after=`, `?q=`)."""
    _require_configurer(request)
    address = get_object_or_404(RoutingAddress, pk=address_id)
    prefix = request.GET.get("q", "").strip()[:LONGEST_NAME]
    after = request.GET.get("after", "")[:LONGEST_NAME]
    answers, rest = explain_users(address, after=after, starts_with=prefix)
    context |= {
        "title": _("Who can send from %(address)s, and why") % {"address": address.email_address},
        "address": address,
        "address_refusal": refusal_by_state(address),
        "answers": answers,
        "rest": rest,
        "after": after,
        "prefix": prefix,
        "refusals": _last_refusals(SendDecision.objects.filter(address=address)),
        "permission_sets": list(PermissionSet.objects.filter(group__routingaddressgrant__content_object=address)),
    }
    return TemplateResponse(request, "admin/cases/senders_of_address.html", context)


def user_page(request: HttpRequest, user_id: int, context: dict[str, Any]) -> HttpResponse:
    """Every address with the answer for one user."""
    _require_configurer(request)
    user = get_object_or_404(get_user_model(), pk=user_id)
    senders = allowed_senders(user)
    context |= {
        "title": _("From what %(user)s can send, and why") % {"user": user.get_username()},
        "person": user,
        "senders": senders,
        "notes": notes_on_user(user),
        "refusals": _last_refusals(SendDecision.objects.filter(user=user)),
    }
    return TemplateResponse(request, "admin/cases/senders_of_user.html", context)


def _require_configurer(request: HttpRequest) -> None:
    if not can_configure(request):
        raise PermissionDenied


def _last_refusals(decisions: QuerySet[SendDecision]) -> list[SendDecision]:
    return list(decisions.filter(allowed=False).select_related("address").order_by("-pk")[:REFUSALS_SHOWN])
