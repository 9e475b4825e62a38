"""The pages of what runs by itself, and figures that lead only where their reader may go."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases.models import Case, HookRun, LoopTest, Outbox, PendingRouting
from routing.models import FlowStep, Queue, RoutingFlow
from tests.factories import CaseFactory, InboundEmailFactory, RoutingAddressFactory, UserFactory
from tests.routing.admin.conftest import allow

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]


@pytest.fixture
def page(client: Client) -> Client:
    client.force_login(allow(UserFactory(staff=True), "customize_application"))
    return client


def rows(page: Client, url: str) -> list[str]:
    """The text of each row of a list."""
    shown = page.get(url).content.decode()
    found = re.findall(r"<tr[^>]*>(.*?)</tr>", shown.partition('id="result_list"')[2], re.DOTALL)
    texts = [" ".join(re.sub(r"<[^>]+>", " ", row).split()) for row in found]
    return [text for text in texts if text and "Select all" not in text][1:]


def hook_run(case: Case, **fields: Any) -> HookRun:
    event = case.events.create(kind="case_opened", because="a mail")
    return HookRun.objects.create(event=event, **{"hook": "site.hooks.hear", "state": "done", **fields})


def loop_test(ago: timedelta, **fields: Any) -> LoopTest:
    address = RoutingAddressFactory()
    outbox = Outbox.objects.create(
        key=f"test:{address.pk}", kind="test", recipient=address.email_address, state="sent"
    )
    return LoopTest.objects.create(
        routing_address=address,
        sent_to=address.email_address,
        nonce=f"nonce{address.pk}",
        outbox=outbox,
        asked_at=timezone.now() - ago,
        **fields,
    )


def test_hook_runs_are_found_by_state_and_by_the_number_of_the_case(page: Client) -> None:
    case, other = CaseFactory(), CaseFactory()
    hook_run(case, state="failed", last_error="Traceback: the warehouse does not answer")
    hook_run(other)
    url = "/admin/cases/hookrun/"

    assert len(rows(page, url)) == 2
    [failed] = rows(page, f"{url}?state__exact=failed")
    assert case.number_text in failed
    assert "Case opened" in failed
    assert rows(page, f"{url}?q={case.number_text}") == [failed]
    assert rows(page, f"{url}?q=nonsense") == []


def test_the_page_of_a_hook_run_holds_its_last_error(page: Client) -> None:
    run = hook_run(CaseFactory(), state="failed", last_error="Traceback: the warehouse does not answer")

    assert "the warehouse does not answer" in page.get(f"/admin/cases/hookrun/{run.pk}/change/").content.decode()


def test_a_waiting_case_says_where_it_waits_and_whether_it_still_does(page: Client) -> None:
    queue = Queue.objects.create(name="Overflow")
    step = FlowStep.objects.create(flow=RoutingFlow.objects.create(name="Gold"), label="Experts", queue=queue)
    case, taken = CaseFactory(owner_queue=queue), CaseFactory(owner_queue=queue)
    for each, version in ((case, case.routing_version), (taken, taken.routing_version + 1)):
        PendingRouting.objects.create(case=each, step=step, routing_version=version, since=timezone.now())
    url = "/admin/cases/pendingrouting/"

    assert ["was taken meanwhile" in row for row in rows(page, url)] == [False, True]
    [row] = rows(page, f"{url}?q={case.number}")
    assert "Gold Experts Overflow waits" in row


@pytest.mark.parametrize("result", ["back", "under_way", "missing"])
def test_test_mails_are_told_apart_by_what_became_of_them(page: Client, result: str) -> None:
    tests = {
        "back": loop_test(timedelta(hours=1), arrived_at=timezone.now() - timedelta(minutes=59), from_intact=True),
        "under_way": loop_test(timedelta(minutes=2)),
        "missing": loop_test(timedelta(minutes=16), is_canary=True),
    }
    url = "/admin/cases/looptest/"

    assert len(rows(page, url)) == 3
    [row] = rows(page, f"{url}?result={result}")
    assert tests[result].sent_to in row
    assert rows(page, f"{url}?q={tests[result].sent_to.upper()}") == [row]
    assert len(rows(page, f"{url}?result=missing&is_canary__exact=1")) == 1
    assert rows(page, f"{url}?result=missing_now") == []  # its address runs no canary


def test_the_page_of_a_test_mail_leads_to_the_mail_as_it_came_in(page: Client) -> None:
    inbound = InboundEmailFactory(state="rejected", reason="own_loop")
    test = loop_test(
        timedelta(hours=1), arrived_at=timezone.now(), inbound_email=inbound, matched_by="services address"
    )

    shown = page.get(f"/admin/cases/looptest/{test.pk}/change/").content.decode()

    assert f"/admin/cases/inboundemail/{inbound.pk}/change/" in shown
    assert f"/admin/cases/outbox/{test.outbox_id}/change/" in shown


def test_states_are_words_on_the_pages_of_rows_too(page: Client) -> None:
    run, test = hook_run(CaseFactory(), state="failed"), loop_test(timedelta(hours=1), spf="pass", dkim="none")
    urls = [f"hookrun/{run.pk}", f"looptest/{test.pk}", f"outbox/{test.outbox_id}"]
    pages = [page.get(f"/admin/cases/{url}/change/").content.decode() for url in urls]

    assert ["(&#x27;" in shown for shown in pages] == [False] * 3
    assert [word in shown for word, shown in zip(("failed", "missing", "sent"), pages, strict=True)] == [True] * 3
    assert "SPF pass, DKIM none" in pages[1]


@pytest.mark.parametrize("place", ["/admin/", "/admin/cases/case/figures/"])
@pytest.mark.parametrize(
    "permissions",
    [["view_inboundemail"], ["view_inboundemail", "view_outbox"], ["view_all_cases"], ["customize_application"]],
)
def test_figures_lead_only_where_their_reader_may_go(client: Client, place: str, permissions: list[str]) -> None:
    client.force_login(allow(UserFactory(staff=True), *permissions))

    shown = client.get(place).content.decode()

    links = re.findall(r'<a class="e2c-figure[^"]*" href="([^"]+)"', shown)
    assert {link: client.get(link.replace("&amp;", "&")).status_code for link in links} == dict.fromkeys(links, 200)
    may_see_mail = "view_all_cases" not in permissions
    assert bool(links) == may_see_mail
    assert any("/outbox/" in link for link in links) == bool(
        {"view_outbox", "customize_application"} & set(permissions)
    )
