"""From an empty instance to the first case: the steps, what is done and what is next, each with its form or page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.admin.first_steps_forms import FirstAddressForm, QueueForm, RecordTypeForm, RepForm
from cases.selectors.visible import visible_cases
from cases.setup import create_record_type, let_reply, set_up_instance
from cases.setup_checks.calls_seen import provider_urls
from cases.setup_checks.first_steps import FirstSteps, Step, first_steps, summary
from cases.setup_checks.way_out import try_way_out
from routing import audit, queues
from routing.admin.access import can_configure, first_steps_url, signed_in
from routing.admin.forwarding import forwarding_guides
from routing.models import Queue, RoutingAddress

__all__ = ["first_steps_page"]

SaveAddress = Callable[[HttpRequest, RoutingAddress, forms.ModelForm], None]
MOST_ADDRESSES = 20
OPENED = ("webhook", "forward")  # somebody may have a guide open there while the page looks again


def first_steps_page(request: HttpRequest, context: dict[str, Any], *, save_address: SaveAddress) -> HttpResponse:
    """The page, and the POST of each of its forms: an `act` in the form says which."""
    if not can_configure(request):
        raise PermissionDenied
    addresses = list(_addresses()[:MOST_ADDRESSES])
    address = _chosen(request, addresses)
    steps = first_steps(address, now=timezone.now())
    step = _step(request, steps)
    bound: dict[str, forms.BaseForm] = {}
    if request.method == "POST":
        answer = _act(request, steps, step, save_address)
        if isinstance(answer, HttpResponse):
            return answer
        bound = answer
    context |= {
        "title": _("First steps"),
        "first_steps": steps,
        "summary": summary(steps),
        "step": step,
        "following": steps.after(step.key),
        "body": f"admin/cases/first_steps/{step.key}.html",
        "address": address,
        "other_addresses": [each for each in addresses if each != address],
        "number": steps.steps.index(step) + 1,
        "keeps_body": step.key in OPENED,
        "is_live": step.may_change_by_itself and not step.is_done,
        **_parts(request, steps, step),
        **bound,
    }
    return TemplateResponse(request, "admin/cases/first_steps.html", context)


def _addresses() -> Any:
    related = ("owner_user", "owner_queue", "fallback_queue", "assignment_rule", "flow", "connection")
    return RoutingAddress.objects.not_deleted().select_related(*related).order_by("pk")


def _chosen(request: HttpRequest, addresses: list[RoutingAddress]) -> RoutingAddress | None:
    """The one that is asked for, else the first that is switched on."""
    asked = request.GET.get("address", "")
    ranked = sorted(addresses, key=lambda each: (str(each.pk) != asked, not each.is_active))
    return ranked[0] if ranked else None


def _step(request: HttpRequest, steps: FirstSteps) -> Step:
    asked = request.GET.get("step", "")
    by_key = {step.key: step for step in steps.steps}
    return by_key.get(asked) or steps.next_step or steps.steps[-1]


def _parts(request: HttpRequest, steps: FirstSteps, step: Step) -> dict[str, Any]:
    """What the body of this step shows beside its lines."""
    user = signed_in(request)
    match step.key:
        case "team":
            return {"queue_form": QueueForm(), "record_type_form": RecordTypeForm()}
        case "rep":
            return {
                "rep_form": RepForm(gives_rights=user.is_superuser),
                "may_add_users": user.has_perm("auth.add_user"),
            }
        case "address":
            return {"address_form": FirstAddressForm(queue=steps.queue, trial=settings.E2C_TRIAL)}
        case "webhook":
            return {"provider_urls": provider_urls(), "inbound_domain": settings.E2C_INBOUND_DOMAIN}
        case "forward" if steps.address is not None:
            return {"guides": forwarding_guides(steps.address.email_address, steps.address.services_address)}
        case "case" if steps.first_case is not None:
            return {"case": visible_cases(user).filter(pk=steps.first_case.pk).first()}
    return {}


# Forms ---------------------------------------------------------------------------------------------------------------
def _act(
    request: HttpRequest, steps: FirstSteps, step: Step, save_address: SaveAddress
) -> HttpResponse | dict[str, forms.BaseForm]:
    """A response, or the form that could not be taken, for the page to show."""
    act = request.POST.get("act", "")
    by = signed_in(request)
    if act == "basics":
        audit.record("defaults-made", set_up_instance(), by=by)
        messages.success(request, gettext("What was missing is there now; nothing else was changed."))
    elif act == "try":
        result = try_way_out(by=by)
        (messages.success if result.works else messages.error)(request, str(result))
    elif act == "queue":
        queue_form = QueueForm(request.POST)
        if not queue_form.is_valid():
            return {"queue_form": queue_form}
        queues.create_queue(queue_form.cleaned_data["name"], by=by)
    elif act == "record_type":
        type_form = RecordTypeForm(request.POST)
        if not type_form.is_valid():
            return {"record_type_form": type_form}
        create_record_type(type_form.cleaned_data["name"], by=by)
    elif act == "rep" and steps.queue is not None:
        rep_form = RepForm(request.POST, gives_rights=by.is_superuser)
        if not rep_form.is_valid():
            return {"rep_form": rep_form}
        _put_into(steps.queue, rep_form, by=by)
    elif act == "address":
        address_form = FirstAddressForm(request.POST, trial=settings.E2C_TRIAL)
        if not address_form.is_valid():
            return {"address_form": address_form}
        with transaction.atomic():
            save_address(request, address_form.save(commit=False), address_form)
        return HttpResponseRedirect(first_steps_url("address", address=address_form.instance.pk))
    return HttpResponseRedirect(first_steps_url(step.key, address=steps.address.pk if steps.address else None))


@transaction.atomic
def _put_into(queue: Queue, form: RepForm, *, by: Any) -> None:
    user = form.cleaned_data["user"]
    queues.add_member(queue, user, by=by)
    if form.cleaned_data.get("may_reply"):
        let_reply(user, by=by)
