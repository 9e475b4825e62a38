"""The pages of reps: who gets them, what stands on them, what they cost."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.blobs import put_many
from cases.mail_html import FRAME_POLICY
from cases.middleware import POLICY
from cases.models import (
    Approval,
    Attachment,
    Case,
    CaseComment,
    CaseEvent,
    CaseVisit,
    Delivery,
    Draft,
    EmailAddress,
    EmailMessage,
    Outbox,
    SatisfactionRequest,
    ServiceClock,
)
from tests.cases.outbound.people import allow_replies
from tests.factories import (
    CaseFactory,
    CaseTaskFactory,
    EmailMessageFactory,
    InboundEmailFactory,
    QueueFactory,
    RoutingAddressFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

MOST_QUERIES = 8
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
SCRIPT = """</title><script>window.pwned=1</script>"><img src=x onerror=window.pwned=1>"""


@pytest.fixture
def queue() -> Any:
    return QueueFactory()


@pytest.fixture
def rep(queue: Any) -> Any:
    user = UserFactory()
    queue.members.add(user)
    return user


@pytest.fixture
def page(client: Client, rep: Any) -> Client:
    client.force_login(rep)
    return client


def attach(message: EmailMessage, content: bytes, **fields: Any) -> Attachment:
    (blob,) = put_many([content]).values()
    facts = {"position": 0, "file_name": "a.bin", "declared_type": "x/y", "content_type": "application/octet-stream"}
    return Attachment.objects.create(email_message=message, blob=blob, **(facts | fields))


def urls_of(case: Case, message: EmailMessage, file: Attachment) -> list[str]:
    one, both = {"number": case.number}, {"number": case.number, "message_id": message.pk}
    return [
        reverse("case", kwargs=one),
        reverse("message_html", kwargs=both),
        reverse("message_text", kwargs=both),
        reverse("message_headers", kwargs=both),
        reverse("message_raw", kwargs=both),
        reverse("inline_image", kwargs=both | {"attachment_id": file.pk}),
        reverse("attachment", kwargs=one | {"attachment_id": file.pk, "name": "a.png"}),
    ]


@pytest.fixture
def everything(queue: Any) -> tuple[Case, EmailMessage, Attachment]:
    case = CaseFactory(owner_queue=queue, subject="Broken lamp")
    message = EmailMessageFactory(
        case=case, html_body="<p>Hello</p>", headers=[["Subject", "Hello"]], inbound_email=InboundEmailFactory()
    )
    return (
        case,
        message,
        attach(message, PNG, file_name="a.png", content_type="image/png", inline=True, content_id="a1"),
    )


def test_every_page_sends_strangers_to_the_login(client: Client, everything: Any) -> None:
    for url in [reverse("case_list"), *urls_of(*everything)]:
        response = client.get(url)

        assert response.status_code == 302, url
        assert response.headers["Location"].startswith("/login/?next="), url


def test_every_page_of_anothers_case_is_not_found(client: Client, everything: Any) -> None:
    other = UserFactory()
    other.user_permissions.add(Permission.objects.get(codename="reply_case"))
    client.force_login(other)

    for url in urls_of(*everything):
        response = client.get(url)

        assert response.status_code == 404, url
        assert b"Broken lamp" not in response.content


def test_every_page_of_ones_own_case_opens(page: Client, everything: Any) -> None:
    for url in urls_of(*everything):
        assert page.get(url).status_code == 200, url


def test_parts_of_a_case_are_not_found_under_the_number_of_another(page: Client, queue: Any, everything: Any) -> None:
    _case, message, file = everything
    mine = CaseFactory(owner_queue=queue)

    for url in urls_of(mine, message, file)[1:]:
        assert page.get(url).status_code == 404, url


def test_a_user_made_inactive_is_out_at_the_next_click(page: Client, rep: Any, everything: Any) -> None:
    rep.is_active = False
    rep.save()

    for url in urls_of(*everything):
        assert page.get(url).status_code == 302, url


@pytest.mark.parametrize("number", ["1", "00000000", "999999999999", "9999999999999999999999"])
def test_numbers_without_a_case_are_not_found(page: Client, number: str) -> None:
    assert page.get(f"/cases/{number}/").status_code == 404


def test_the_root_leads_to_the_cases(client: Client) -> None:
    response = client.get("/")

    assert (response.status_code, response.headers["Location"]) == (302, "/cases/")


# Queries -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("count", [0, 1, 60])
@pytest.mark.parametrize("view", ["mine", "queues", "open", "closed"])
def test_the_list_costs_at_most_eight_queries(page: Client, rep: Any, queue: Any, count: int, view: str) -> None:
    second = QueueFactory()
    second.members.add(rep)
    for number in range(count):
        owner = (
            {"owner_user": rep, "owner_queue": None}
            if number % 3 == 0
            else {"owner_queue": (queue, second)[number % 2]}
        )
        EmailMessageFactory(case=CaseFactory(**owner))

    with CaptureQueriesContext(connection) as captured:
        response = page.get(f"/cases/?view={view}")

    assert response.status_code == 200
    assert len(captured) <= MOST_QUERIES
    assert not [each["sql"] for each in captured if "OFFSET" in each["sql"] or "html_body" in each["sql"]]


@pytest.mark.parametrize("count", [1, 40])
def test_a_case_page_costs_at_most_eight_queries(page: Client, rep: Any, queue: Any, count: int) -> None:
    case = CaseFactory(owner_queue=queue, routing_address=RoutingAddressFactory(), possibly_belongs_to=CaseFactory())
    for number in range(count):
        message = EmailMessageFactory(
            case=case, html_body="<p>x</p>", inbound_email=InboundEmailFactory(), created_by=rep
        )
        EmailAddress.objects.create(email_message=message, role="to", address="a@example.org")
        attach(message, b"%d" % number)
        CaseEvent.objects.create(case=case, kind="status_changed", actor=rep, because="Working")
        CaseTaskFactory(case=case, owner=rep)

    with CaptureQueriesContext(connection) as captured:
        response = page.get(f"/cases/{case.number}/")

    assert response.status_code == 200
    assert len(captured) <= MOST_QUERIES


@pytest.mark.django_db(transaction=True)
def test_a_case_that_was_lived_in_costs_no_more(page: Client, rep: Any, queue: Any) -> None:
    """Counted as the database counts: BEGIN and COMMIT are statements, too. At the first look and at the next ones."""
    rep.user_permissions.add(
        *Permission.objects.filter(content_type__app_label="cases", codename__in=["reply_case", "approve_reply"])
    )
    for _ in range(5):
        QueueFactory().members.add(rep)
    now, address = timezone.now(), RoutingAddressFactory()
    case = CaseFactory(owner_queue=queue, routing_address=address, snoozed_until=now + timedelta(days=1))
    for number in range(200):
        EmailMessageFactory(case=case, outgoing=number % 3 == 0, created_by=rep if number % 3 == 0 else None)
    for message in EmailMessage.objects.order_by("-pk")[:30]:
        EmailAddress.objects.create(email_message=message, role="to", address="a@example.org")
        for number in range(4):
            attach(message, b"%d" % number, position=number, content_type="image/png", content_id=f"p{number}@x")
        CaseEvent.objects.create(case=case, kind="status_changed", actor=rep, because="Working")
        CaseComment.objects.create(case=case, author=rep, body="Ask the workshop")
        CaseTaskFactory(case=case, owner=rep)
    for number, (state, fields) in enumerate(
        [("approval", {}), ("queued", {"is_scheduled": True, "not_before": now + timedelta(days=1)}), ("failed", {})]
    ):
        written = EmailMessageFactory(case=case, outgoing=True, created_by=UserFactory())
        outbox = Outbox.objects.create(
            key=f"reply:{number}", kind="reply", case=case, email_message=written, state=state, **fields
        )
        Delivery.objects.create(email_message=written, recipient="a@example.org", state="bounced", at=now)
        if state == "approval":
            Approval.objects.create(outbox=outbox, case=case, requested_by=written.created_by, required_because="x")
    SatisfactionRequest.objects.create(
        case=case, routing_address=address, recipient="casey@example.net", decided_at=now, expires_at=now
    )
    for kind in ServiceClock.Kind:
        ServiceClock.objects.create(case=case, kind=kind, started_at=now, due_at=now)
    CaseVisit.objects.create(case=case, user=UserFactory(), seen_at=now, viewing_at=now, replying_at=now)
    Draft.objects.create(author=rep, case=case, mode="reply", key="k" * 24)

    for _look in range(3):
        with CaptureQueriesContext(connection) as captured:
            response = page.get(f"/cases/{case.number}/")
        assert response.status_code == 200
        assert len(captured) <= MOST_QUERIES, [each["sql"][:200] for each in captured]
    assert CaseVisit.objects.get(case=case, user=rep).seen_at > now


# What stands on the pages --------------------------------------------------------------------------------------------
def test_the_list_shows_subject_snippet_customer_owner_and_number(page: Client, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue, subject="Broken lamp", supplied_name="Casey Customer")
    EmailMessageFactory(case=case, snippet="It does not shine")

    content = page.get("/cases/?view=queues").content.decode()

    for words in ("Broken lamp", "It does not shine", "Casey Customer", queue.name, case.number_text, "awaits us"):
        assert words in content


def test_strangers_words_are_inert_and_isolated_everywhere(page: Client, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue, subject=SCRIPT, supplied_name="<img src=x onerror=window.pwned=1>")
    EmailMessageFactory(
        case=case, from_name="<img src=x onerror=window.pwned=1>", subject=SCRIPT + "2", snippet=SCRIPT
    )

    for url in ("/cases/?view=queues", f"/cases/{case.number}/"):
        content = page.get(url).content.decode()

        assert "<script>window" not in content
        assert "<img src=x" not in content
        assert "<bdi>&lt;/title&gt;&lt;script&gt;" in content


def test_a_page_title_carries_no_bidi_control(page: Client, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue, subject="\u202egnp.exe\u2066")

    content = page.get(f"/cases/{case.number}/").content.decode()

    assert f"<title>{case.number_text} gnp.exe</title>" in content
    assert "<bdi>\u202egnp.exe\u2066</bdi>" in content


def test_a_name_that_is_an_address_stands_beside_the_real_address(page: Client, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue)
    EmailMessageFactory(case=case, from_name="support@acme.example", from_address="attacker@evil.example")

    content = page.get(f"/cases/{case.number}/").content.decode()

    assert "<bdi>support@acme.example</bdi>" in content
    assert "<bdi>attacker@evil.example</bdi>" in content


def test_new_text_comes_first_and_the_quoted_mail_is_folded(page: Client, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue)
    EmailMessageFactory(case=case, text_body="New words\n\n> old words", reply_text="New words")

    content = page.get(f"/cases/{case.number}/").content.decode()

    first, _fold, rest = content.partition("<summary>Earlier mail</summary>")
    assert "New words" in first
    assert "old words" not in first
    assert "old words" in rest


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("sender_ambiguous", "Mail programs read the sender of this mail differently"),
        ("new_participant", "was not part of this case before"),
        ("dmarc_failed", "DMARC failed"),
        ("sender_unknown", "names no readable sender"),
    ],
)
def test_flags_are_sentences(page: Client, queue: Any, flag: str, words: str) -> None:
    case = CaseFactory(owner_queue=queue)
    EmailMessageFactory(case=case, flags=[flag])

    assert words in page.get(f"/cases/{case.number}/").content.decode()


def test_an_unverified_address_is_a_banner(page: Client, queue: Any) -> None:
    unverified = CaseFactory(owner_queue=queue, routing_address=RoutingAddressFactory())
    verified = CaseFactory(owner_queue=queue, routing_address=RoutingAddressFactory(verified=True))

    assert "The address is not verified." in page.get(f"/cases/{unverified.number}/").content.decode()
    assert "The address is not verified." not in page.get(f"/cases/{verified.number}/").content.decode()


def test_the_trail_of_the_opening_mail_says_why_the_case_is_here(page: Client, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue)
    trail = [
        {"step": "route", "verdict": "matched", "because": "reached support@acme.example by its services address"}
    ]
    case.source = EmailMessageFactory(case=case, inbound_email=InboundEmailFactory(trail=trail))
    case.save()

    assert (
        "reached support@acme.example by its services address" in page.get(f"/cases/{case.number}/").content.decode()
    )


def test_repeated_and_inline_files_are_behind_a_fold(page: Client, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue)
    message = EmailMessageFactory(case=case)
    attach(message, b"1", position=0, file_name="invoice.pdf")
    attach(message, b"2", position=1, file_name="logo.png", is_repeated=True)
    attach(message, b"3", position=2, file_name="photo.png", inline=True, content_id="a1")

    content = page.get(f"/cases/{case.number}/").content.decode()

    before, _fold, behind = content.partition("2 more files")
    assert "invoice.pdf" in before
    assert "logo.png" not in before
    assert "logo.png" in behind
    assert "photo.png" in behind


def test_two_files_of_one_name_are_both_listed_and_downloadable(page: Client, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue)
    message = EmailMessageFactory(case=case)
    files = [attach(message, b"same bytes", position=position, file_name="a.txt") for position in (0, 1)]

    content = page.get(f"/cases/{case.number}/").content.decode()

    for file in files:
        url = reverse("attachment", kwargs={"number": case.number, "attachment_id": file.pk, "name": "a.txt"})
        assert url in content
        assert b"".join(page.get(url).streaming_content) == b"same bytes"  # type: ignore[attr-defined]


def test_long_conversations_are_paged_from_the_newest(page: Client, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue)
    start = timezone.now()
    for number in range(45):
        EmailMessageFactory(
            case=case, text_body=f"mail {number:02d} text", received_at=start + timedelta(minutes=number)
        )

    first = page.get(f"/cases/{case.number}/")
    before = first.context["earlier"]
    second = page.get(f"/cases/{case.number}/?before={before}")

    assert "mail 44 text" in first.content.decode()
    assert "mail 04 text" not in first.content.decode()
    assert "mail 04 text" in second.content.decode()
    assert second.context["earlier"] is None


def test_a_case_without_mail_says_so(page: Client, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue)

    assert "This case has no mail." in page.get(f"/cases/{case.number}/").content.decode()


def test_an_empty_list_says_what_to_do(client: Client) -> None:
    client.force_login(UserFactory())

    assert "An administrator can add you to one." in client.get("/cases/").content.decode()


# Mail in its frame ---------------------------------------------------------------------------------------------------
def test_the_frame_is_sandboxed_and_has_its_own_policy(page: Client, everything: Any) -> None:
    case, message, _file = everything
    url = reverse("message_html", kwargs={"number": case.number, "message_id": message.pk})

    content = page.get(f"/cases/{case.number}/").content.decode()
    frame = page.get(url)

    assert 'sandbox="allow-same-origin allow-popups allow-popups-to-escape-sandbox"' in content
    assert f'src="{url}"' in content
    assert frame.headers["Content-Security-Policy"] == FRAME_POLICY
    assert frame.headers["Referrer-Policy"] == "no-referrer"
    assert frame.headers["X-Frame-Options"] == "SAMEORIGIN"


def test_remote_images_need_a_click(page: Client, queue: Any) -> None:
    case = CaseFactory(owner_queue=queue)
    message = EmailMessageFactory(case=case, html_body='<img src="https://pictures.example/a.png">')
    url = reverse("message_html", kwargs={"number": case.number, "message_id": message.pk})

    blocked, asked = page.get(url), page.get(url + "?images=1")

    assert b"pictures.example" not in blocked.content
    assert b"1 picture from another server is not loaded." in blocked.content
    assert b"Show once" in blocked.content
    assert b"https://pictures.example/a.png" in asked.content
    assert "img-src 'self' https:" in asked.headers["Content-Security-Policy"]


def test_pictures_of_a_mail_are_shown_from_the_mail_itself(page: Client, everything: Any) -> None:
    case, message, file = everything
    EmailMessage.objects.filter(pk=message.pk).update(html_body='<img src="cid:a1"><img src="cid:other">')
    url = reverse("inline_image", kwargs={"number": case.number, "message_id": message.pk, "attachment_id": file.pk})

    content = page.get(
        reverse("message_html", kwargs={"number": case.number, "message_id": message.pk})
    ).content.decode()
    picture = page.get(url)

    assert content.count("src=") == 1
    assert f'src="{url}"' in content
    assert b"".join(picture.streaming_content) == PNG  # type: ignore[attr-defined]
    assert picture.headers["Content-Type"] == "image/png"
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in picture.headers["Content-Security-Policy"]


@pytest.mark.parametrize("content_type", ["image/svg+xml", "text/html", "application/pdf", "image/bmp"])
def test_only_plain_pictures_are_shown_inline(page: Client, queue: Any, content_type: str) -> None:
    message = EmailMessageFactory(case=CaseFactory(owner_queue=queue), html_body='<img src="cid:a1">')
    file = attach(message, b"<svg onload=alert(1)>", content_type=content_type, inline=True, content_id="a1")
    both = {"number": message.case.number, "message_id": message.pk}

    assert page.get(reverse("inline_image", kwargs=both | {"attachment_id": file.pk})).status_code == 404
    assert b"src=" not in page.get(reverse("message_html", kwargs=both)).content


# Downloads -----------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a.html", 'attachment; filename="a.html"'),
        ("a.svg", 'attachment; filename="a.svg"'),
        ("../../etc/passwd", 'attachment; filename="_.._etc_passwd"'),
        ('a"b\r\nSet-Cookie: x=1.txt', 'attachment; filename="a_b__Set-Cookie_ x=1.txt"'),
        ("", None),
        ("..", None),
        ("\u202efdp.exe", 'attachment; filename="fdp.exe"'),
        ("a" * 400 + ".pdf", 'attachment; filename="' + "a" * 146 + '.pdf"'),
    ],
)
def test_attachments_are_saved_under_a_safe_name(page: Client, queue: Any, name: str, shown: str | None) -> None:
    message = EmailMessageFactory(case=CaseFactory(owner_queue=queue))
    file = attach(message, b"<script>window.opener.pwned=1</script>", file_name=name[:255], content_type="text/html")
    if len(name) > 255:
        shown = 'attachment; filename="' + "a" * 150 + '"'

    response = page.get(
        reverse("attachment", kwargs={"number": message.case.number, "attachment_id": file.pk, "name": "x"})
    )

    assert response.headers["Content-Disposition"] == (shown or f'attachment; filename="attachment-{file.pk}"')
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
    assert b"".join(response.streaming_content) == b"<script>window.opener.pwned=1</script>"  # type: ignore[attr-defined]


def test_a_mail_is_downloaded_as_received(page: Client, everything: Any) -> None:
    case, message, _file = everything

    response = page.get(reverse("message_raw", kwargs={"number": case.number, "message_id": message.pk}))

    assert b"".join(response.streaming_content) == b"Subject: hello\r\n\r\nhello\r\n"  # type: ignore[attr-defined]
    assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert response.headers["Content-Disposition"].startswith("attachment;")


# Possibly the same matter --------------------------------------------------------------------------------------------
def test_one_click_joins_a_case_to_the_one_it_possibly_belongs_to(page: Client, rep: Any, queue: Any) -> None:
    allow_replies(rep)
    target = CaseFactory(owner_queue=queue)
    case = CaseFactory(owner_queue=queue, possibly_belongs_to=target)
    message = EmailMessageFactory(case=case)

    assert f"Join to {target.number_text}" in page.get(f"/cases/{case.number}/").content.decode()
    response = page.post(reverse("case_join", kwargs={"number": case.number}))

    assert response.headers["Location"] == reverse("case", kwargs={"number": target.number})
    message.refresh_from_db()
    assert message.case == target


def test_one_click_keeps_cases_apart(page: Client, rep: Any, queue: Any) -> None:
    allow_replies(rep)
    case = CaseFactory(owner_queue=queue, possibly_belongs_to=CaseFactory(owner_queue=queue))

    page.post(reverse("case_keep_apart", kwargs={"number": case.number}))

    case.refresh_from_db()
    assert case.possibly_belongs_to is None
    assert case.merged_into is None


def test_nobody_joins_into_a_case_they_may_not_see(page: Client, queue: Any) -> None:
    hidden = CaseFactory(subject="Secret of another queue")
    case = CaseFactory(owner_queue=queue, possibly_belongs_to=hidden)
    message = EmailMessageFactory(case=case)

    content = page.get(f"/cases/{case.number}/").content.decode()
    response = page.post(reverse("case_join", kwargs={"number": case.number}))

    assert "Secret of another queue" not in content
    assert hidden.number_text not in content
    assert response.status_code == 404
    message.refresh_from_db()
    assert message.case == case


@pytest.mark.parametrize("name", ["case_join", "case_keep_apart"])
def test_looking_at_a_link_changes_nothing(page: Client, queue: Any, name: str) -> None:
    case = CaseFactory(owner_queue=queue, possibly_belongs_to=CaseFactory(owner_queue=queue))

    assert page.get(reverse(name, kwargs={"number": case.number})).status_code == 405
    case.refresh_from_db()
    assert case.possibly_belongs_to is not None


@pytest.mark.parametrize("name", ["case_join", "case_keep_apart"])
def test_a_form_without_its_token_is_refused(rep: Any, queue: Any, name: str) -> None:
    case = CaseFactory(owner_queue=queue, possibly_belongs_to=CaseFactory(owner_queue=queue))
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(rep)

    assert strict.post(reverse(name, kwargs={"number": case.number})).status_code == 403
    case.refresh_from_db()
    assert case.possibly_belongs_to is not None


# Login and policy ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("address", ["//evil.example", "/\\evil", "https://evil.example/", "javascript:alert(1)"])
def test_after_the_login_nobody_is_sent_to_another_host(client: Client, address: str) -> None:
    UserFactory(username="casey").set_password("x")
    user = UserFactory(username="lee")
    user.set_password("correct horse")
    user.save()

    response = client.post("/login/", {"username": "lee", "password": "correct horse", "next": address})

    assert (response.status_code, response.headers["Location"]) == (302, "/cases/")


def test_wrong_logins_are_throttled_and_say_nothing_about_users(client: Client) -> None:
    user = UserFactory(username="lee")
    user.set_password("correct horse")
    user.save()

    known = client.post("/login/", {"username": "lee", "password": "wrong"}).content.decode()
    unknown = client.post("/login/", {"username": "nobody", "password": "wrong"}).content.decode()
    codes = [client.post("/login/", {"username": "lee", "password": "wrong"}).status_code for _try in range(12)]
    late = client.post("/login/", {"username": "lee", "password": "correct horse"})

    message = "Please enter a correct username and password"
    assert (message in known, message in unknown) == (True, True)
    assert codes[-1] == 429
    assert late.status_code == 429
    assert "Too many attempts" in late.content.decode()


def test_logging_out_needs_a_click(page: Client) -> None:
    assert page.get("/logout/").status_code == 405
    assert page.get("/cases/").status_code == 200
    assert page.post("/logout/").status_code == 302
    assert page.get("/cases/").status_code == 302


def test_pages_allow_no_inline_script(page: Client, everything: Any) -> None:
    for url in ("/cases/", f"/cases/{everything[0].number}/", "/cases/00000000/"):
        response = page.get(url)

        assert response.headers["Content-Security-Policy"] == POLICY
        assert "unsafe-inline" not in POLICY
        assert "<script>" not in response.content.decode()
        assert " style=" not in response.content.decode()


def test_an_error_of_ours_has_a_face_that_needs_no_database(client: Client, monkeypatch: Any) -> None:
    client.raise_request_exception = False
    client.force_login(UserFactory())
    monkeypatch.setattr("cases.views.case_list.reader_of", lambda user: 1 / 0)

    response = client.get("/cases/")

    assert response.status_code == 500
    assert "No mail is lost" in response.content.decode()
    assert response.headers["Content-Security-Policy"] == POLICY


def test_an_admin_without_queues_starts_with_all_open_cases(client: Any) -> None:
    client.force_login(UserFactory(superuser=True))
    case = CaseFactory(subject="Somebody must see this")

    response = client.get("/cases/")

    assert case.subject in response.content.decode()
