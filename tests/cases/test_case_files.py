"""All files of a case on one page: in order, apart from what is no file to people, and safe to open."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.blobs import put_many
from cases.models import Attachment, Case, EmailMessage
from cases.selectors.cursor import Cursor
from cases.selectors.files import files_of
from cases.views.case_files import MOST_PREVIEWED, kind_of
from tests.factories import CaseFactory, EmailMessageFactory, QueueFactory, UserFactory

pytestmark = pytest.mark.django_db

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


@pytest.fixture
def rep() -> Any:
    return UserFactory()


@pytest.fixture
def case(rep: Any) -> Case:
    queue = QueueFactory()
    queue.members.add(rep)
    return CaseFactory(owner_queue=queue)


@pytest.fixture
def page(client: Client, rep: Any) -> Client:
    client.force_login(rep)
    return client


def attach(message: EmailMessage, content: bytes = b"x", **fields: Any) -> Attachment:
    (blob,) = put_many([content]).values()
    facts = {"position": 0, "file_name": "a.bin", "declared_type": "x/y", "content_type": "application/octet-stream"}
    return Attachment.objects.create(email_message=message, blob=blob, **(facts | fields))


def test_files_stand_newest_first_with_who_sent_them(page: Client, case: Case) -> None:
    now = timezone.now()
    old = EmailMessageFactory(case=case, from_name="Casey Customer", received_at=now - timedelta(days=1))
    new = EmailMessageFactory(case=case, outgoing=True, received_at=now)
    attach(old, file_name="old.pdf", content_type="application/pdf")
    attach(new, file_name="new.txt", content_type="text/plain")

    response = page.get(reverse("case_files", kwargs={"number": case.number}))

    assert [each.file.file_name for each in response.context["files"]] == ["new.txt", "old.pdf"]
    content = response.content.decode()
    assert "Casey Customer" in content
    assert "sent by us" in content
    assert f"#message-{old.pk}" in content


def test_pictures_in_the_text_and_repeated_logos_stand_apart(page: Client, case: Case) -> None:
    message = EmailMessageFactory(case=case, special_parts={"minor": [3]})
    attach(message, position=0, file_name="invoice.pdf")
    attach(message, position=1, file_name="logo.png", is_repeated=True)
    attach(message, position=2, file_name="photo.png", inline=True, content_id="a1")
    attach(message, position=3, file_name="smime.p7s")

    context = page.get(reverse("case_files", kwargs={"number": case.number})).context

    assert [each.file.file_name for each in context["files"]] == ["invoice.pdf"]
    assert {each.file.file_name for each in context["minor_files"]} == {"logo.png", "photo.png", "smime.p7s"}


@pytest.mark.parametrize(
    ("content_type", "size", "previewed"),
    [
        ("image/png", 10, True),
        ("image/svg+xml", 10, False),
        ("text/html", 10, False),
        ("image/png", MOST_PREVIEWED + 1, False),
    ],
)
def test_only_small_pictures_that_cannot_run_are_previewed(
    page: Client, case: Case, content_type: str, size: int, previewed: bool
) -> None:
    file = attach(EmailMessageFactory(case=case), PNG, file_name="a.png", content_type=content_type)
    type(file.blob).objects.filter(pk=file.blob_id).update(size=size)

    content = page.get(reverse("case_files", kwargs={"number": case.number})).content.decode()

    assert ("<img" in content) is previewed


def test_pages_of_files_lose_and_repeat_none(case: Case, rep: Any) -> None:
    at = timezone.now()
    keys = {
        attach(EmailMessageFactory(case=case, received_at=at), position=number, content=b"%d" % number).pk
        for number in range(7)
    }

    first = files_of(case, reader_id=rep.pk, size=3)
    second = files_of(case, reader_id=rep.pk, size=3, before=Cursor.read(str(first.older)))
    third = files_of(case, reader_id=rep.pk, size=3, before=Cursor.read(str(second.older)))

    found = [file.pk for part in (first, second, third) for file in part.files]
    assert sorted(found) == sorted(keys)
    assert third.older is None


def test_files_of_drafts_are_their_authors_alone(page: Client, case: Case, rep: Any) -> None:
    attach(EmailMessageFactory(case=case, status="draft", created_by=UserFactory()), file_name="theirs.pdf")
    attach(EmailMessageFactory(case=case, status="draft", created_by=rep), file_name="mine.pdf")

    context = page.get(reverse("case_files", kwargs={"number": case.number})).context

    assert [each.file.file_name for each in context["files"]] == ["mine.pdf"]


@pytest.mark.parametrize("count", [0, 1, 60])
def test_the_page_of_files_costs_at_most_eight_queries(
    page: Client, case: Case, count: int, django_assert_max_num_queries: Any
) -> None:
    message = EmailMessageFactory(case=case)
    for number in range(count):
        attach(message, position=number, content=b"%d" % number)

    with django_assert_max_num_queries(8):
        response = page.get(reverse("case_files", kwargs={"number": case.number}))

    assert response.status_code == 200


def test_nobody_else_sees_the_files(client: Client, case: Case) -> None:
    attach(EmailMessageFactory(case=case), file_name="secret.pdf")
    client.force_login(UserFactory())

    assert client.get(reverse("case_files", kwargs={"number": case.number})).status_code == 404


@pytest.mark.parametrize(
    ("content_type", "words"),
    [
        ("image/png", "Picture"),
        ("application/pdf", "PDF"),
        ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "Table"),
        ("application/octet-stream", "File"),
    ],
)
def test_types_have_words(content_type: str, words: str) -> None:
    assert str(kind_of(content_type)) == words
