"""What mail that leaves depends on: somebody who may send, the Email action, automatic answers and their templates."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils import timezone

from cases.outbound.auto_response import refusal_of_address
from cases.outbound.filled_templates import faults_of
from cases.outbound.satisfaction import refusal_to_ask
from cases.selectors.canaries import missing_canaries
from cases.setup_checks.finding import Finding, ok, wrong
from routing.choices import AutoResponsePolicy
from routing.models import EmailTemplate, EmailToCaseSettings, RecordType, RoutingAddress
from routing.sender_overview import count_senders
from routing.sending_rules import refusal_by_state


def check_senders() -> Iterator[Finding]:
    """Addresses that are controlled have a check of their own."""
    name = "senders"
    usable = [each for each in RoutingAddress.objects.not_deleted() if refusal_by_state(each) is None]
    open_to_all = [each for each in usable if not each.controlled_by_permission_set]
    counts = count_senders(open_to_all)
    if open_to_all and not any(counts.values()):
        remedy = "Give the permission “Can reply to cases” to the reps, by a group."
        yield wrong(name, "Nobody may reply to cases: no active user has the permission.", remedy)
    else:
        yield ok(name, "Somebody may send from each verified address that is open to all reps.")


def check_email_action() -> Iterator[Finding]:
    name = "email_action"
    chosen = [("all cases", EmailToCaseSettings.load().default_from)]
    types = RecordType.objects.filter(default_from__isnull=False).select_related("default_from")
    chosen += [(f"cases of the type {each.name}", each.default_from) for each in types]
    refused = [
        (what, address.email_address, refusal.because)
        for what, address in chosen
        if address is not None and (refusal := refusal_by_state(address))
    ]
    for what, address, because in refused:
        message = f"The predefined From for {what}, {address}, is passed over. {because}"
        yield wrong(name, message, "Verify or switch on the address, or choose another one on the page Email action.")
    if not refused:
        yield ok(name, "No predefined From is one that nothing can be sent from.")


def check_templates() -> Iterator[Finding]:
    name = "templates"
    broken = [(template, faults_of(template)) for template in EmailTemplate.objects.filter(is_active=True)]
    broken = [(template, faults) for template, faults in broken if faults]
    for template, faults in broken:
        what = ", ".join(fault for fault in faults if fault) or "no text"
        yield wrong(name, f"The email template “{template}” is not finished: {what}.", "Correct it on its page.")
    if not broken:
        yield ok(name, "Every active email template has a text and fields that exist.")


def check_canaries() -> Iterator[Finding]:
    name = "canaries"
    missing = missing_canaries(timezone.now()).select_related("routing_address")
    for test in missing:
        email_address = test.routing_address.email_address
        message = f"The canary to {email_address} of {test.asked_at:%Y-%m-%d %H:%M} UTC has not come back."
        yield wrong(name, message, "Open the page of the address: the way of the test mail says where it stopped.")
    if not missing:
        yield ok(name, "No canary is missing.")


def check_auto_responses() -> Iterator[Finding]:
    name = "auto_responses"
    answering = RoutingAddress.objects.not_deleted().exclude(auto_response_policy=AutoResponsePolicy.OFF)
    refused = [
        (address.email_address, because)
        for address in answering.select_related("auto_response_template")
        if (because := refusal_of_address(address))
    ]
    for email_address, because in refused:
        remedy = "Open the page of the address: it says what to do."
        yield wrong(name, f"Automatic answers of {email_address} are on, but nobody gets one: {because}.", remedy)
    if not refused:
        yield ok(name, "Every address that answers by itself can.")


def check_questions() -> Iterator[Finding]:
    name = "satisfaction"
    asking = RoutingAddress.objects.not_deleted().filter(asks_satisfaction=True)
    refused = [
        (address.email_address, because)
        for address in asking.select_related("satisfaction_template")
        if (because := refusal_to_ask(address))
    ]
    for email_address, because in refused:
        remedy = "Open the page of the address, or its template."
        yield wrong(name, f"{email_address} should ask customers how it went, but asks nobody: {because}.", remedy)
    if not refused:
        yield ok(name, "Every address that asks how it went can.")
