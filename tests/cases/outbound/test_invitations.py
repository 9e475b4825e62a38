"""An invitation is answered from an address that was invited, by somebody who may send from it."""

from __future__ import annotations

from datetime import timedelta
from email import message_from_bytes
from email import policy as mail_policy
from typing import Any

import pytest
from django.core import mail
from django.core.mail import get_connection
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from icalendar import Calendar

from cases.models import Case, CaseEvent, EmailMessage, Outbox, SendDecision
from cases.outbound.invitations import answer_to_invitation, given_answer
from cases.outbound.messages import compose, written_out
from cases.outbound.replies import CannotReply, SendingNotAllowed, SentBefore
from tests.cases.test_calendars import invitation
from tests.factories import EmailMessageFactory, RoutingAddressFactory, UserFactory
from tests.mails import ingest_mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]


def invited(**parts: Any) -> EmailMessage:
    """A mail with an invitation, settled into a case."""
    content = invitation("DTSTART;TZID=Europe/Berlin:20261201T100000", "DURATION:PT1H", "SUMMARY:Lamps", **parts)
    body = (
        "--b\r\nContent-Type: text/plain\r\n\r\nPlease come.\r\n"
        f"--b\r\nContent-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\n{content.decode()}\r\n--b--\r\n"
    )
    settled = ingest_mail(
        sender="Jane <jane@example.com>", body=body, content_type="multipart/alternative; boundary=b"
    )
    assert settled.message is not None
    return EmailMessage.objects.select_related("case__routing_address").get(pk=settled.message.pk)


@pytest.fixture
def message() -> EmailMessage:
    RoutingAddressFactory(email_address="support@company.example", display_name="Gold Support", verified=True)
    return invited()


def test_answer_is_a_reply_with_an_itip_part(message: EmailMessage) -> None:
    user = UserFactory(superuser=True)

    sent = answer_to_invitation(
        case=message.case, message=message, position=0, answer="accept", by=user, now=timezone.now()
    )

    outbox = Outbox.objects.get(email_message=sent)
    assert (outbox.kind, outbox.recipient, outbox.state) == ("reply", "jane@example.com", "queued")
    raw = written_out(compose(outbox, get_connection()))
    written = message_from_bytes(raw, policy=mail_policy.default)
    assert (written["To"], written["From"]) == ("jane@example.com", "Gold Support <support@company.example>")
    assert str(written["Subject"]).startswith("Re: Accepted: Lamps")
    [part] = [part for part in written.walk() if part.get_content_type() == "text/calendar"]
    assert (part.get_param("method"), part.get_content_charset()) == ("REPLY", "utf-8")
    assert part.get_content_disposition() is None
    calendar = Calendar.from_ical(part.get_content())
    [event] = calendar.walk("VEVENT")
    assert (calendar["METHOD"], event["UID"], event["SEQUENCE"]) == ("REPLY", "one@example.com", 2)
    assert str(event["ATTENDEE"]) == "mailto:support@company.example"
    assert event["ATTENDEE"].params["PARTSTAT"] == "ACCEPTED"
    assert SendDecision.objects.get().allowed
    happened = CaseEvent.objects.get(kind=CaseEvent.Kind.INVITATION_ANSWERED)
    assert (happened.actor, happened.because) == (user, "Accepted: Lamps")
    assert given_answer(message.case, "one@example.com") == "accept"


def test_answer_through_a_providers_api_goes_as_a_file(message: EmailMessage) -> None:
    sent = answer_to_invitation(
        case=message.case,
        message=message,
        position=0,
        answer="decline",
        by=UserFactory(superuser=True),
        now=timezone.now(),
    )
    connection = get_connection("anymail.backends.test.EmailBackend")

    written = compose(Outbox.objects.get(email_message=sent), connection).message()

    [part] = [part for part in written.walk() if part.get_content_type() == "text/calendar"]
    assert (part.get_filename(), part.get_content_disposition()) == ("invite.ics", "attachment")
    assert b"PARTSTAT=DECLINED" in part.get_payload(decode=True)


def test_invited_address_answers_and_not_the_one_of_the_case(message: EmailMessage) -> None:
    other = RoutingAddressFactory(email_address="gold@company.example", verified=True)
    case = message.case
    Case.objects.filter(pk=case.pk).update(routing_address=other)
    case.refresh_from_db()

    sent = answer_to_invitation(
        case=case, message=message, position=0, answer="tentative", by=UserFactory(superuser=True), now=timezone.now()
    )

    assert sent.from_address == "support@company.example"


@pytest.mark.parametrize("obstacle", ["no permission", "not verified", "controlled"])
def test_who_may_not_send_may_not_answer(obstacle: str) -> None:
    RoutingAddressFactory(
        email_address="support@company.example",
        verified=obstacle != "not verified",
        controlled=obstacle == "controlled",
    )
    message = invited()
    user = UserFactory() if obstacle == "no permission" else UserFactory(superuser=True)

    with pytest.raises(SendingNotAllowed):
        answer_to_invitation(
            case=message.case, message=message, position=0, answer="accept", by=user, now=timezone.now()
        )

    assert not Outbox.objects.filter(kind="reply").exists()
    assert not CaseEvent.objects.filter(kind=CaseEvent.Kind.INVITATION_ANSWERED).exists()
    assert mail.outbox == []


@pytest.mark.parametrize(
    ("position", "answer", "method"), [(5, "accept", "REQUEST"), (0, "delegate", "REQUEST"), (0, "accept", "CANCEL")]
)
def test_only_a_request_is_answered(position: int, answer: str, method: str) -> None:
    RoutingAddressFactory(email_address="support@company.example", verified=True)
    message = invited(method=method)

    with pytest.raises(CannotReply):
        answer_to_invitation(
            case=message.case,
            message=message,
            position=position,
            answer=answer,
            by=UserFactory(superuser=True),
            now=timezone.now(),
        )

    assert not Outbox.objects.filter(kind="reply").exists()


def test_two_clicks_of_one_form_are_one_answer(client: Any, message: EmailMessage) -> None:
    client.force_login(UserFactory(superuser=True))
    url = reverse("answer_invitation", kwargs={"number": message.case.number, "message_id": message.pk})
    form = {"position": "0", "answer": "accept", "key": "form1"}

    responses = [client.post(url, form) for _ in range(2)]

    sent = EmailMessage.objects.get(incoming=False)
    page = reverse("case", kwargs={"number": message.case.number})
    assert [response["Location"] for response in responses] == [f"{page}#message-{sent.pk}"] * 2
    assert Outbox.objects.filter(kind="reply").count() == 1
    assert CaseEvent.objects.filter(kind=CaseEvent.Kind.INVITATION_ANSWERED).count() == 1


def test_a_second_click_seconds_later_is_the_same_answer(message: EmailMessage) -> None:
    user, now = UserFactory(superuser=True), timezone.now()

    def click(answer: str, seconds: int) -> EmailMessage:
        return answer_to_invitation(
            case=message.case,
            message=message,
            position=0,
            answer=answer,
            by=user,
            now=now + timedelta(seconds=seconds),
            key="form1",
        )

    sent = click("accept", 0)

    assert click("accept", 3) == sent
    with pytest.raises(SentBefore):
        click("decline", 4)
    assert Outbox.objects.filter(kind="reply").count() == 1
    assert CaseEvent.objects.filter(kind=CaseEvent.Kind.INVITATION_ANSWERED).count() == 1


@pytest.mark.parametrize("position", ["", "-1", "99999999999", "x", "²"])
def test_positions_that_cannot_be_are_not_found(client: Any, message: EmailMessage, position: str) -> None:
    client.force_login(UserFactory(superuser=True))
    url = reverse("answer_invitation", kwargs={"number": message.case.number, "message_id": message.pk})

    response = client.post(url, {"position": position, "answer": "accept"})

    assert response.status_code == 404
    assert not Outbox.objects.filter(kind="reply").exists()


def offer_of(client: Any, message: EmailMessage, *, position: str = "0", **headers: str) -> Any:
    url = reverse("invitation", kwargs={"number": message.case.number, "message_id": message.pk})
    return client.get(f"{url}?position={position}", headers=headers)


@pytest.mark.parametrize("count", [1, 12])
def test_page_with_invitations_costs_no_more(client: Any, message: EmailMessage, count: int) -> None:
    for _number in range(count - 1):
        EmailMessageFactory(case=message.case, special_parts=message.special_parts)
    client.force_login(UserFactory(superuser=True))

    with CaptureQueriesContext(connection) as captured:
        page = client.get(reverse("case", kwargs={"number": message.case.number})).content.decode()
    with CaptureQueriesContext(connection) as of_one:
        offer_of(client, message, **{"HX-Request": "true"})

    assert page.count("Answer this invitation") == count
    assert len(captured) <= 8
    assert len(of_one) <= 12


def test_page_shows_the_invitation_and_who_would_answer(client: Any, message: EmailMessage) -> None:
    client.force_login(UserFactory(superuser=True))

    page = client.get(reverse("case", kwargs={"number": message.case.number})).content.decode()

    assert '<time class="local-time" datetime="2026-12-01T09:00:00+00:00">' in page
    assert f'/messages/{message.pk}/invitation/?position=0"' in page
    page = offer_of(client, message).content.decode()
    assert "Answers <bdi>jane@example.com</bdi> as <bdi>support@company.example</bdi>." in page
    assert page.count('name="answer"') == 3


def test_page_says_why_somebody_cannot_answer(client: Any, message: EmailMessage) -> None:
    user = UserFactory(username="reader")
    message.case.owner_queue.members.add(user)
    client.force_login(user)

    page = offer_of(client, message).content.decode()

    assert "You cannot answer this invitation. reader does not have the permission to reply to cases." in page
    assert 'name="answer"' not in page


def test_answer_that_was_given_is_shown(client: Any, message: EmailMessage) -> None:
    user = UserFactory(superuser=True)
    answer_to_invitation(case=message.case, message=message, position=0, answer="accept", by=user, now=timezone.now())
    client.force_login(user)

    part = offer_of(client, message, **{"HX-Request": "true"}).content.decode()

    assert "<strong>Accepted.</strong>" in part
    assert "<html" not in part


@pytest.mark.parametrize("position", ["", "5", "x"])
def test_there_is_no_answer_without_an_invitation(client: Any, message: EmailMessage, position: str) -> None:
    client.force_login(UserFactory(superuser=True))

    assert offer_of(client, message, position=position).status_code == 404
