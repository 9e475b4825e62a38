"""The back office of mail: read-only history, retry by POST, exact bytes, and lists that cost the same at any size."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.admin.history import COUNTED_TO, HistoryAdmin
from cases.blobs import put_many
from cases.models import (
    Attachment,
    Case,
    CaseEvent,
    EmailMessage,
    HookRun,
    InboundEmail,
    LoopTest,
    Outbox,
    PendingRouting,
    RefusedCall,
    RoutingDecision,
)
from routing.models import AuditEvent, FlowStep, RoutingFlow
from tests.factories import (
    CaseFactory,
    CaseStatusFactory,
    CaseTaskFactory,
    ContactFactory,
    EmailMessageFactory,
    InboundEmailFactory,
    RawBodyFactory,
    RoutingAddressFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

SCRIPT = """</title><script>window.pwned=1</script>"><img src=x onerror=window.pwned=1>"""
HISTORY = [
    "attachment",
    "case",
    "caseevent",
    "casetask",
    "emailmessage",
    "hookrun",
    "inboundemail",
    "looptest",
    "outbox",
    "pendingrouting",
    "refusedcall",
    "routingdecision",
    "trackingrequest",
]
MOST_QUERIES = 10  # of a list: session, user, the filters' choices, a bounded count, the rows


@pytest.fixture
def office(client: Client) -> Client:
    client.force_login(UserFactory(superuser=True))
    return client


def staff(client: Client, *permissions: str) -> Client:
    user = UserFactory(staff=True)
    for name in permissions:
        app_label, codename = name.split(".")
        user.user_permissions.add(Permission.objects.get(content_type__app_label=app_label, codename=codename))
    client.force_login(user)
    return client


def quarantined(**fields: Any) -> InboundEmail:
    facts = {
        "state": "quarantined",
        "reason": "no_routing_address",
        "because": "nobody@acme.example is no routing address",
        "trail": [{"step": "route", "verdict": "no_match", "because": "looked at 1 recipient"}],
        "settled_at": timezone.now(),
    }
    return InboundEmailFactory(**(facts | fields))


def page_of(inbound: InboundEmail, name: str = "change") -> str:
    return reverse(f"admin:cases_inboundemail_{name}", args=[inbound.pk])


def one_of_each(words: str = "words") -> None:
    """Rows in every table of the back office, with a stranger's words wherever there is room for them."""
    case = CaseFactory(subject=words, supplied_name=words[:255], supplied_email=words[:200])
    message = EmailMessageFactory(case=case, subject=words, from_name=words, from_address=words, snippet=words[:200])
    (blob,) = put_many([b"x"]).values()
    Attachment.objects.create(
        email_message=message, blob=blob, position=0, file_name=words, declared_type=words, content_type=words
    )
    event = CaseEvent.objects.create(case=case, kind="case_opened", because=words, detail={"x": words})
    HookRun.objects.create(event=event, hook=words, last_error=words, state="failed")
    flow = RoutingFlow.objects.create(name=words[:80])
    step = FlowStep.objects.create(flow=flow, label=words[:80], queue=case.owner_queue)
    PendingRouting.objects.create(case=case, step=step, routing_version=0, since=timezone.now())
    CaseTaskFactory(case=case, subject=words)
    RoutingDecision.objects.filter(case=case).update(because=words)
    quarantined(subject=words, from_address=words, because=words, last_error=words, headers={"X": words}, path=words)
    Outbox.objects.create(key=words[:64], kind="notice", case=case, recipient=words, subject=words, detail=words)
    test = Outbox.objects.create(key=f"t{words}"[:64], kind="test", recipient=words, state="failed", detail=words)
    LoopTest.objects.create(
        routing_address=RoutingAddressFactory(), sent_to=words, nonce=words[-32:], outbox=test, asked_at=timezone.now()
    )
    ContactFactory(name=words, email=words, company=words)
    RefusedCall.objects.create(
        hour=timezone.now(), provider=words[:30], reason="bad_signature", last_at=timezone.now(), count=1
    )


@pytest.mark.parametrize("model", HISTORY)
def test_history_has_no_form_to_add_change_or_delete(office: Client, model: str) -> None:
    one_of_each()

    assert office.get(reverse(f"admin:cases_{model}_changelist")).status_code == 200
    assert office.get(reverse(f"admin:cases_{model}_add")).status_code == 403
    row = admin.site._registry[next(m for m in admin.site._registry if m._meta.label_lower == f"cases.{model}")].model
    for found in row.objects.all()[:1]:
        assert office.get(reverse(f"admin:cases_{model}_change", args=[found.pk])).status_code == 200
        assert office.post(reverse(f"admin:cases_{model}_change", args=[found.pk]), {"x": 1}).status_code == 403
        assert office.post(reverse(f"admin:cases_{model}_delete", args=[found.pk]), {"post": "yes"}).status_code == 403
        assert row.objects.filter(pk=found.pk).exists()


@pytest.mark.parametrize("model", [*HISTORY, "contact", "casestatus"])
def test_strangers_words_are_inert_in_every_column_and_page(office: Client, model: str) -> None:
    one_of_each(SCRIPT)
    registered = next(m for m in admin.site._registry if m._meta.label_lower == f"cases.{model}")
    urls = [reverse(f"admin:cases_{model}_changelist")]
    urls += [reverse(f"admin:cases_{model}_change", args=[row.pk]) for row in registered.objects.all()[:2]]

    for url in urls:
        content = office.get(url).content.decode()

        assert "<script>window.pwned" not in content
        assert "<img src=x" not in content


@pytest.mark.parametrize("model", HISTORY)
@pytest.mark.parametrize("count", [1, 60])
def test_lists_cost_the_same_at_any_size(office: Client, model: str, count: int) -> None:
    for number in range(count):
        one_of_each(f"words {number}")

    with CaptureQueriesContext(connection) as captured:
        response = office.get(reverse(f"admin:cases_{model}_changelist"))

    assert response.status_code == 200
    assert len(captured) <= MOST_QUERIES
    for each in captured:
        assert "html_body" not in each["sql"]
        assert "COUNT(*)" not in each["sql"] or "LIMIT" in each["sql"]


def test_large_tables_have_the_settings_for_large_tables() -> None:
    for model, model_admin in admin.site._registry.items():
        if model._meta.app_label == "cases" and isinstance(model_admin, HistoryAdmin):
            assert model_admin.show_full_result_count is False
            assert model_admin.paginator(model.objects.order_by("pk"), 50).count <= COUNTED_TO


@pytest.mark.parametrize(
    "term", ["casey@example.net", "CASEY@example.net ", "key", "999999999999999999999999", "x' OR 1=1"]
)
def test_inbound_mail_is_found_by_exact_sender_or_number(office: Client, term: str) -> None:
    inbound = quarantined(from_address="casey@example.net", subject="Broken lamp")
    wanted = str(inbound.pk) if term == "key" else term

    content = office.get(reverse("admin:cases_inboundemail_changelist"), {"q": wanted}).content.decode()

    assert ("Broken lamp" in content) is (term.strip().lower() in ("casey@example.net", "key"))


def test_the_page_of_a_mail_says_why_in_words(office: Client) -> None:
    inbound = quarantined()

    content = office.get(page_of(inbound)).content.decode()

    assert "None of its recipients is a routing address." in content
    assert "nobody@acme.example is no routing address" in content
    assert "looked at 1 recipient" in content
    assert inbound.raw.sha256 in content


def test_the_page_of_a_settled_mail_leads_to_its_case_and_offers_no_retry(office: Client) -> None:
    inbound = InboundEmailFactory(state="case")
    message = EmailMessageFactory(inbound_email=inbound)

    content = office.get(page_of(inbound)).content.decode()

    assert reverse("case", kwargs={"number": message.case.number}) in content
    assert page_of(inbound, "retry") not in content


@pytest.mark.parametrize("size", [100, 300_000])
def test_the_download_is_byte_for_byte_what_was_posted(office: Client, size: int) -> None:
    body = bytes(range(256)) * (size // 256 + 1)
    (blob,) = put_many([body]).values()
    raw = RawBodyFactory(content=None, blob=blob, sha256=blob.sha256, size=blob.size)
    inbound = quarantined(raw=raw)

    response = office.get(page_of(inbound, "download"))

    content = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    assert hashlib.sha256(content).hexdigest() == inbound.raw.sha256
    assert response.headers["Content-Disposition"] == f'attachment; filename="inbound-{inbound.pk}.txt"'
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert "sandbox" in response.headers["Content-Security-Policy"]


def test_the_raw_mail_as_text_is_text(office: Client) -> None:
    inbound = quarantined(raw=RawBodyFactory(content=b"<script>alert(1)</script>\xff\x00" + b"x" * 300_000))

    response = office.get(page_of(inbound, "raw"))

    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.content.decode().startswith("<script>alert(1)</script>\N{REPLACEMENT CHARACTER}")
    assert "[The rest is in the download.]" in response.content.decode()


def test_retry_puts_the_mail_back_into_the_queue_and_leaves_an_audit_line(office: Client) -> None:
    inbound = quarantined()

    response = office.post(page_of(inbound, "retry"), follow=True)

    inbound.refresh_from_db()
    assert (inbound.state, inbound.waved_through) == ("received", "")
    assert "The mail is tried again." in response.content.decode()
    assert AuditEvent.objects.filter(action="retry-inbound-email").count() == 1


def test_the_second_of_two_admins_who_click_is_told_so(office: Client) -> None:
    inbound = quarantined()

    office.post(page_of(inbound, "retry"))
    response = office.post(page_of(inbound, "retry"), follow=True)

    assert "there is nothing to retry or discard" in response.content.decode()
    assert AuditEvent.objects.filter(action="retry-inbound-email").count() == 1


def test_letting_a_mail_through_names_the_check_it_skips(office: Client) -> None:
    inbound = quarantined(state="rejected", reason="blocked_sender")

    office.post(page_of(inbound, "wave_through"))

    inbound.refresh_from_db()
    assert (inbound.state, inbound.waved_through) == ("received", "blocked_sender")


def test_discarding_needs_a_reason_and_keeps_the_mail(office: Client) -> None:
    inbound = quarantined()

    office.post(page_of(inbound, "discard"), {"reason": "  "})
    inbound.refresh_from_db()
    assert inbound.state == "quarantined"
    office.post(page_of(inbound, "discard"), {"reason": "advertising"})

    inbound.refresh_from_db()
    assert (inbound.state, inbound.reason) == ("rejected", "discarded")
    assert "advertising" in inbound.because
    assert bytes(inbound.raw.content) == b"Subject: hello\r\n\r\nhello\r\n"


@pytest.mark.parametrize("name", ["retry", "wave_through", "discard"])
def test_actions_need_post_a_token_and_the_permission(client: Client, name: str) -> None:
    inbound = quarantined()
    staff(client, "cases.view_inboundemail")

    assert client.get(page_of(inbound, name)).status_code == 405
    assert client.post(page_of(inbound, name), {"reason": "x"}).status_code == 403
    assert page_of(inbound, name) not in client.get(page_of(inbound)).content.decode()
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(UserFactory(superuser=True))
    assert strict.post(page_of(inbound, name), {"reason": "x"}).status_code == 403
    inbound.refresh_from_db()
    assert inbound.state == "quarantined"


@pytest.mark.parametrize("permission", ["cases.retry_inboundemail", "routing.customize_application"])
def test_either_permission_allows_to_retry(client: Client, permission: str) -> None:
    inbound = quarantined()
    staff(client, "cases.view_inboundemail", permission)

    client.post(page_of(inbound, "retry"))

    inbound.refresh_from_db()
    assert inbound.state == "received"


@pytest.mark.parametrize("name", ["change", "download", "raw", "retry", "wave_through", "discard"])
def test_inbound_mail_is_for_those_who_may_view_it(client: Client, name: str) -> None:
    inbound = quarantined(subject="Broken lamp")

    for user in (None, UserFactory(), UserFactory(staff=True)):
        client.logout()
        if user is not None:
            client.force_login(user)
        for response in (client.get(page_of(inbound, name)), client.post(page_of(inbound, name), {"reason": "x"})):
            assert response.status_code in (302, 403, 405)
            assert b"Broken lamp" not in response.content
    inbound.refresh_from_db()
    assert inbound.state == "quarantined"


def test_staff_see_no_case_in_the_back_office_that_is_not_theirs_to_see(client: Client) -> None:
    message = EmailMessageFactory(case=CaseFactory(subject="Secret lamp"), subject="Secret lamp")
    staff(client, "cases.view_case", "cases.view_emailmessage", "cases.view_routingdecision")

    for model in ("case", "emailmessage", "routingdecision"):
        content = client.get(reverse(f"admin:cases_{model}_changelist")).content.decode()

        assert "Secret lamp" not in content
        assert message.case.number_text not in content
    assert client.get(reverse("admin:cases_case_change", args=[message.case.pk])).status_code == 302


def test_a_case_is_found_by_its_number(office: Client) -> None:
    wanted, other = CaseFactory(subject="Broken lamp"), CaseFactory(subject="Other thing")

    content = office.get(reverse("admin:cases_case_changelist"), {"q": wanted.number_text}).content.decode()

    assert "Broken lamp" in content
    assert other.subject not in content


def test_the_first_page_says_what_waits(office: Client) -> None:
    for _number in range(3):
        quarantined()
    InboundEmailFactory(state="held", reason="over_limit")
    InboundEmailFactory(received_at=timezone.now() - timedelta(minutes=125))
    RefusedCall.objects.create(
        hour=timezone.now(), provider="mailgun", reason="bad_signature", count=7, last_at=timezone.now()
    )

    response = office.get("/admin/")

    assert {str(figure.label): figure.value for figure in response.context["figures"]} == {
        "Quarantined mail": "3",
        "Held mail": "1",
        "Oldest unsettled mail": "2 h 5 min",
        "Refused calls": "7",
        "Uncertain sends": "0",
        "Missing canaries": "0",
    }
    for figure in response.context["figures"]:
        assert office.get(figure.url).status_code == 200


def test_the_first_page_says_nothing_to_staff_who_may_not_see_mail(client: Client) -> None:
    quarantined()

    response = staff(client).get("/admin/")

    assert "figures" not in response.context


def test_statuses_are_edited_and_contacts_found(office: Client) -> None:
    status = CaseStatusFactory(label="Waiting", is_default=False)
    ContactFactory(name="Casey Customer", email="Casey@example.net")

    office.post(reverse("admin:cases_casestatus_change", args=[status.pk]), {"label": "Parked", "position": 3})

    status.refresh_from_db()
    assert status.label == "Parked"
    content = office.get(reverse("admin:cases_contact_changelist"), {"q": "casey@EXAMPLE.net"}).content.decode()
    assert "Casey Customer" in content
    assert not Case.objects.exists()
    assert not EmailMessage.objects.exists()
