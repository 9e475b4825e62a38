"""What stored mail would become if the form on the screen were saved. Nothing is saved."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.forms import BaseModelForm
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.admin.history import is_key
from cases.inbound.replay import compare
from cases.models import InboundEmail
from routing.admin.access import can_configure
from routing.models import AssignmentRule, EmailToCaseSettings, RoutingAddress, RoutingFlow

__all__ = ["DAYS", "MOST_MAILS", "chosen_mails", "dry_run_page"]

MODELS = {
    model._meta.model_name: model for model in (AssignmentRule, EmailToCaseSettings, RoutingAddress, RoutingFlow)
}
MOST_MAILS = 100  # newest first; replay.compare stops earlier when its time is over
DAYS = (1, 7, 30, 90)
NEW = "new"


def dry_run_page(request: HttpRequest, context: dict[str, Any], model_name: str, object_id: str) -> HttpResponse:
    """The caller has made sure that the form was posted, and that the person may see inbound mail."""
    if not can_configure(request):
        raise PermissionDenied
    form, formsets = _posted_forms(request, model_name, object_id)
    context |= {"title": _("What would change"), "about": form.instance, "most": MOST_MAILS}
    if not form.is_valid() or not all(formset.is_valid() for formset in formsets):
        return TemplateResponse(request, "admin/cases/inboundemail/dry_run.html", context | {"has_errors": True})

    def save() -> None:
        # Read anew each time: a form that was saved and rolled back does not save the same again.
        again, rows = _posted_forms(request, model_name, object_id)
        again.save()
        for formset in rows:
            formset.is_valid()
            formset.save()

    mails, is_cut = chosen_mails(request.POST)
    comparison = compare(mails, save)
    context |= {
        "comparison": comparison,
        "looked_at": len(comparison.compared),
        "unchanged": len(comparison.compared) - len(comparison.changed),
        "is_cut": is_cut,
    }
    return TemplateResponse(request, "admin/cases/inboundemail/dry_run.html", context)


def _posted_forms(request: HttpRequest, model_name: str, object_id: str) -> tuple[BaseModelForm[Any], list[Any]]:
    """The form and the rows as the page itself would read them."""
    model = MODELS.get(model_name)
    if model is None:
        raise Http404
    page: Any = admin.site._registry[model]
    row = None if object_id == NEW else page.get_object(request, object_id)
    if row is None and object_id != NEW:
        raise Http404
    form = page.get_form(request, row, change=row is not None)(request.POST, instance=row)
    form.is_valid()  # fills the instance, which the rows belong to
    formsets, _inlines = page._create_formsets(request, form.instance, change=row is not None)
    return form, formsets


def chosen_mails(typed: QueryDict) -> tuple[list[InboundEmail], bool]:
    """One mail, or those of the last days. True: there were more than are looked at."""
    mails = InboundEmail.objects.select_related("raw__blob").order_by("-received_at", "-pk")
    number, address = typed.get("dry_mail", "").strip(), typed.get("dry_address", "")
    if number:
        return list(mails.filter(pk=int(number) if is_key(number) else 0)), False
    asked = typed.get("dry_days", "")
    days = next((each for each in DAYS if str(each) == asked), 7)
    mails = mails.filter(received_at__gte=timezone.now() - timedelta(days=days))
    mails = mails.exclude(state=InboundEmail.State.DUPLICATE)
    if is_key(address):
        mails = mails.filter(routing_address=int(address))
    found = list(mails[: MOST_MAILS + 1])
    return found[:MOST_MAILS], len(found) > MOST_MAILS
