"""The live checklist of a routing address in its page."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import template
from django.conf import settings
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from cases.models import LoopTest
from cases.outbound.loop_tests import last_tests_of
from cases.setup_checks.address_proof import AddressProof, proof_of
from cases.setup_checks.loop_way import LoopWay, stamps_of, way_of
from routing.models import RoutingAddress

register = template.Library()

# So long after a test or verification mail the page looks again by itself.
LIVE_FOR = timedelta(minutes=15)
STATES: dict[str, str | Promise] = {
    "ok": _("ok"),
    "todo": _("to do"),
    "wrong": _("wrong"),
    "unknown": _("unknown"),
}


@register.filter
def proof_word(state: str) -> str | Promise:
    return STATES[state]


@register.inclusion_tag("admin/cases/address_proof.html", takes_context=True)
def address_proof(context: Any, address: RoutingAddress) -> dict[str, Any]:
    shown = {name: context.get(name) for name in ("csrf_token", "may_configure")}
    return shown | proof_context(address, now=timezone.now())


def proof_context(address: RoutingAddress, *, now: datetime) -> dict[str, Any]:
    test = last_tests_of([address]).get(address.pk)
    if test is not None:
        test.routing_address = address  # as the page has it: no query
    proof = proof_of(address, last_test=test, now=now)
    way = way_of(test, now=now) if test is not None else None
    context: dict[str, Any] = {
        "address": address,
        "proof": proof,
        "way": way,
        "is_live": _is_live(proof, way, test, now),
        "dns_is_on": settings.E2C_DNS,
    }
    if test is not None and test.arrived_at is not None:
        context["would"], context["stamps"] = stamps_of(address, now=now)
    return context


def _is_live(proof: AddressProof, way: LoopWay | None, test: LoopTest | None, now: datetime) -> bool:
    """Whether something may change in the next minutes without a click here."""
    if test is not None and test.arrived_at is None and test.asked_at > now - LIVE_FOR:
        return True
    return any(line.key == "verified" and line.is_waiting for line in proof.lines) or bool(way and way.is_under_way)
