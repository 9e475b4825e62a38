from __future__ import annotations

from typing import Any

import pytest

from cases.inbound.replay import compare, would_become
from cases.models import Case, EmailMessage, InboundEmail
from routing.models import AssignmentRule, FlowStep, Queue, RepPresence, RoutingAddress, RoutingFlow, RuleEntry
from tests.factories import QueueFactory, RoutingAddressFactory, UserFactory
from tests.mails import ingest, ingest_mail, mint_message_id, raw_mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]


@pytest.fixture
def support() -> RoutingAddress:
    return RoutingAddressFactory(email_address="support@company.example", owner_queue=QueueFactory(name="Repairs"))


def stored() -> list[InboundEmail]:
    return list(InboundEmail.objects.select_related("raw__blob").order_by("pk"))


def counts() -> tuple[int, ...]:
    return (Case.objects.count(), EmailMessage.objects.count(), InboundEmail.objects.count(), Queue.objects.count())


def test_a_settled_mail_would_become_what_it_became(support: RoutingAddress) -> None:
    case = ingest_mail(subject="Invoice").case
    assert case is not None
    ingest(raw_mail(headers=[f"In-Reply-To: {mint_message_id(case.pk)}"]))
    ingest_mail(to="nobody@company.example")
    before = counts()

    opened, appended, lost = [would_become(inbound) for inbound in stored()]

    assert (opened.outcome, opened.owner) == ("case", "queue Repairs")
    assert opened.routing_address == "support@company.example"
    assert (appended.outcome, appended.case) == ("appended", case.number_text)
    assert (lost.outcome, lost.reason) == ("quarantined", "no_routing_address")
    assert [line["step"] for line in opened.trail][-2:] == ["screen", "owner"]
    assert counts() == before


def test_replies_that_came_later_do_not_change_what_an_opening_mail_would_be(support: RoutingAddress) -> None:
    first = raw_mail(message_id="<first.abcdefghij@mail.example.net>")
    ingest(first)
    ingest(raw_mail(headers=["In-Reply-To: <first.abcdefghij@mail.example.net>"]))

    assert would_become(stored()[0]).outcome == "case"


def test_compare_shows_what_a_rule_would_change_and_changes_nothing(support: RoutingAddress) -> None:
    ingest_mail(subject="Invoice 7")
    ingest_mail(subject="Broken lamp")
    billing = QueueFactory(name="Billing")
    before = counts()

    def route_invoices() -> None:
        rule = AssignmentRule.objects.create(name="Rules")
        invoice = {"field": "subject", "operator": "contains", "value": "invoice"}
        RuleEntry.objects.create(rule=rule, label="Invoices", conditions=invoice, owner_queue=billing)
        RoutingAddress.objects.update(strategy="rules", assignment_rule=rule)

    comparison = compare(stored(), route_invoices)

    assert comparison.left_out == 0
    assert [each.inbound.subject for each in comparison.changed] == ["Invoice 7"]
    [changed] = comparison.changed
    assert changed.differences == [("owner", "queue Repairs", "queue Billing")]
    assert changed.after.owner_because == "entry “Invoices” of “Rules”: Subject contains “invoice”"
    assert not AssignmentRule.objects.exists()
    assert counts() == before


def test_compare_with_another_address_and_a_block_list(support: RoutingAddress) -> None:
    ingest_mail()

    def block() -> None:
        RoutingAddress.objects.update(block_email_from="example.net")

    [changed] = compare(stored(), block).changed

    assert changed.differences[:2] == [("outcome", "case", "rejected"), ("reason", "", "blocked_sender")]


def test_compare_with_a_flow_gives_nobody_a_turn(support: RoutingAddress) -> None:
    ingest_mail()
    queue = QueueFactory(name="Members")
    rep: Any = UserFactory()
    queue.members.add(rep)
    presence = RepPresence.objects.create(user=rep, status="available")

    def use_flow() -> None:
        flow = RoutingFlow.objects.create(name="Flow")
        FlowStep.objects.create(flow=flow, label="Members", target="members", queue=queue)
        RoutingAddress.objects.update(strategy="flow", flow=flow, fallback_queue=queue)

    [changed] = compare(stored(), use_flow).changed

    assert changed.after.owner == str(rep)
    presence.refresh_from_db()
    assert presence.last_assigned_at is None


def flow_of_two(support: RoutingAddress, **step: Any) -> RoutingFlow:
    """Ana and Bo, members of Members, of whom a flow chooses one."""
    queue = QueueFactory(name="Members")
    for name in ("ana", "bo"):
        rep: Any = UserFactory(username=name, first_name="", last_name="")
        queue.members.add(rep)
        RepPresence.objects.create(user=rep, status="available", capacity=5)
    flow: RoutingFlow = RoutingFlow.objects.create(name="Flow")
    FlowStep.objects.create(flow=flow, label="All", target="members", queue=queue, **step)
    RoutingAddress.objects.filter(pk=support.pk).update(fallback_queue=queue)
    return flow


@pytest.mark.parametrize(
    ("method", "owner", "because"),
    [
        ("round_robin", "a member of Members, by turn", "step “All”: always; it is the turn of ana now"),
        (
            "least_loaded",
            "a member of Members, the least loaded",
            "step “All”: always; ana is the least loaded with 0 of 5 cases now",
        ),
    ],
)
def test_mails_that_several_reps_would_share_name_none_of_them_as_the_owner(
    support: RoutingAddress, method: str, owner: str, because: str
) -> None:
    flow = flow_of_two(support, method=method)
    for _ in range(3):
        ingest_mail()

    changed = compare(stored(), lambda: RoutingAddress.objects.update(strategy="flow", flow=flow)).changed

    assert [each.after.owner for each in changed] == [owner] * 3
    assert {each.after.owner_because for each in changed} == {because}


def test_a_change_that_gives_turns_to_the_same_reps_changes_nothing(support: RoutingAddress) -> None:
    flow = flow_of_two(support)
    RoutingAddress.objects.update(strategy="flow", flow=flow)
    for _ in range(3):
        ingest_mail()

    comparison = compare(stored(), lambda: RoutingFlow.objects.update(description="Other words"))

    assert len(comparison.compared) == 3
    assert comparison.changed == []


def test_the_only_rep_who_is_free_is_named(support: RoutingAddress) -> None:
    flow = flow_of_two(support)
    RepPresence.objects.filter(user__username="ana").update(status="away")
    ingest_mail()

    [changed] = compare(stored(), lambda: RoutingAddress.objects.update(strategy="flow", flow=flow)).changed

    assert changed.after.owner == "bo"


def test_what_the_time_does_not_reach_is_said(support: RoutingAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    ingest_mail()
    monkeypatch.setattr("cases.inbound.replay.LONGEST_COMPARISON", -1.0)

    comparison = compare(stored(), lambda: None)

    assert (comparison.compared, comparison.left_out) == ([], 1)


def test_a_change_that_fails_is_raised_and_leaves_nothing(support: RoutingAddress) -> None:
    ingest_mail()

    def fail() -> None:
        QueueFactory(name="Half")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        compare(stored(), fail)

    assert not Queue.objects.filter(name="Half").exists()
