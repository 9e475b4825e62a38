"""The configuration as a file at a page of the admin: who may, what is shown, and that only that is done."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cases.configuration import export_configuration
from routing.models import AuditEvent, EmailToCaseSettings, Queue, RoutingAddress
from tests.factories import ContactFactory, QueueFactory, RoutingAddressFactory, UserFactory
from tests.mails import ingest_mail

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

URL = "/admin/routing/emailtocasesettings/configuration/"
FILE = """version: 1
queues:
  - name: Billing
    email: billing@company.example
routing_addresses:
  - email_address: support@company.example
    owner: queue:Billing
    signature: |
      Kind regards
      Support
"""


@pytest.fixture
def configurer() -> User:
    user: User = UserFactory(username="configurer", staff=True)
    user.set_unusable_password()
    user.save()
    user.user_permissions.add(*Permission.objects.filter(codename__in=["customize_application"]))
    return user


@pytest.fixture
def page(client: Client, configurer: User) -> Client:
    client.force_login(configurer)
    return client


@pytest.fixture
def address() -> RoutingAddress:
    QueueFactory(name="Repairs")
    return RoutingAddressFactory(
        email_address="support@company.example",
        routing_name="Support",
        owner_queue=Queue.objects.get(name="Repairs"),
        case_priority="Low",
    )


def apply(page: Client, text: str = FILE, **fields: Any) -> Any:
    """Look, then do what was shown."""
    shown = page.post(URL, {"text": text, "look": "1"})
    return page.post(URL, {"text": text, "seal": shown.context["seal"], "apply": "1"} | fields)


@pytest.mark.usefixtures("address")
def test_a_file_is_looked_at_and_nothing_is_written(page: Client) -> None:
    before = export_configuration()

    shown = page.post(URL, {"text": FILE, "look": "1"})

    rows = {(row.state, row.noun, row.name): row for row in shown.context["rows"]}
    changed = rows["changed", "routing address", "support@company.example"].differences
    assert ("added", "queue", "Billing") in rows
    assert [(each.field, each.before, each.after) for each in changed] == [
        ("signature", '""', '"Kind regards\nSupport\n"'),
        ("owner", "queue:Repairs", "queue:Billing"),
    ]
    assert [(name, names) for name, names, _more in shown.context["unlisted"]] == [
        ("queues", ["Repairs", "Unassigned"])
    ]
    assert export_configuration() == before
    assert not AuditEvent.objects.filter(action="configuration-imported").exists()


def test_what_was_shown_is_done_once_and_stands_in_the_audit_log(
    page: Client, address: RoutingAddress, configurer: User
) -> None:
    done = apply(page)

    address.refresh_from_db()
    event = AuditEvent.objects.get(action="configuration-imported")
    assert (done.status_code, done["Location"]) == (302, URL)
    assert str(address.owner_queue) == "Billing"
    assert address.signature == "Kind regards\nSupport\n"
    assert event.actor == configurer
    assert event.detail["changes"] == [
        "+ queue Billing",
        '~ routing address support@company.example: signature "" -> "Kind regards\nSupport\n"',
        "~ routing address support@company.example: owner queue:Repairs -> queue:Billing",
    ]
    assert page.post(URL, {"text": FILE, "look": "1"}).context["count"] == 0


@pytest.mark.parametrize("meanwhile", ["what the file is about", "something else"])
def test_a_change_meanwhile_is_shown_and_nothing_is_done(
    page: Client, address: RoutingAddress, meanwhile: str
) -> None:
    shown = page.post(URL, {"text": FILE, "look": "1"})
    if meanwhile == "something else":
        EmailToCaseSettings.objects.update(daily_limit=17)
    else:
        RoutingAddress.objects.update(signature="Typed by a colleague")

    answer = page.post(URL, {"text": FILE, "seal": shown.context["seal"], "apply": "1"})

    assert answer.status_code == 409
    assert "no longer what it was" in answer.text
    assert answer.context["seal"] != shown.context["seal"]
    assert not Queue.objects.filter(name="Billing").exists()
    assert not AuditEvent.objects.filter(action="configuration-imported").exists()
    again = page.post(URL, {"text": FILE, "seal": answer.context["seal"], "apply": "1"})
    assert again.status_code == 302
    assert Queue.objects.filter(name="Billing").exists()


@pytest.mark.usefixtures("address")
def test_without_having_looked_nothing_is_done(page: Client) -> None:
    for seal in ("", "x" * 64):
        assert page.post(URL, {"text": FILE, "seal": seal, "apply": "1"}).status_code == 409

    assert not Queue.objects.filter(name="Billing").exists()


def test_another_text_than_the_one_that_was_shown_is_not_merged(page: Client, address: RoutingAddress) -> None:
    shown = page.post(URL, {"text": FILE, "look": "1"})

    answer = page.post(URL, {"text": FILE.replace("Kind", "Un-kind"), "seal": shown.context["seal"], "apply": "1"})

    address.refresh_from_db()
    assert (answer.status_code, address.signature) == (409, "")


def test_the_dry_run_shows_which_mail_would_go_elsewhere(page: Client, address: RoutingAddress) -> None:
    ingest_mail(subject="A lamp")
    before = export_configuration()

    tried = page.post(URL, {"text": FILE, "try": "1", "dry_days": "7"})

    [changed] = tried.context["comparison"].changed
    assert changed.differences == [("owner", "queue Repairs", "queue Billing")]
    assert tried.context["looked_at"] == 1
    assert "A lamp" in tried.text
    assert export_configuration() == before


def test_the_download_is_the_export_without_secrets_and_without_what_one_may_not_see(
    page: Client, address: RoutingAddress, configurer: User
) -> None:
    ContactFactory(name="Casey Customer")
    configurer.set_password("horse battery")
    configurer.save()
    page.force_login(configurer)

    answer = page.get(f"{URL}download/")

    document = yaml.safe_load(answer.content)
    assert answer["Content-Disposition"].startswith('attachment; filename="email-to-case-')
    assert not {"contacts", "groups"} & set(document)
    assert "pbkdf2" not in answer.text
    assert "password" not in answer.text
    assert document["routing_addresses"][0]["email_address"] == "support@company.example"
    page.force_login(UserFactory(username="root", superuser=True))
    assert yaml.safe_load(page.get(f"{URL}download/").content) == yaml.safe_load(export_configuration())


def test_an_uploaded_file_is_taken_as_it_is(page: Client, address: RoutingAddress) -> None:
    upload = SimpleUploadedFile("config.yaml", b"\xef\xbb\xbf" + FILE.replace("\n", "\r\n").encode())

    shown = page.post(URL, {"file": upload, "text": "", "look": "1"})

    assert shown.context["count"] == 3


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Choose a file, or paste its text."),
        ("version: 1\nqueues: &a [*a]\n", "anchors and aliases"),
        ("version: 1\nqueues: " + "[" * 3000, "nested deeper than"),
        ("version: 1\nqueues:\n  - name: A\n    owner: x\n", "Line 4:"),
        ("version: 1\nqueues: <script>alert(1)</script>\n", "must be a list, not &lt;script&gt;"),
        ("x" * 1_048_577, "This is larger than 1024 KB"),
    ],
    ids=lambda text: text[:20],
)
def test_a_file_that_cannot_be_used_says_why(page: Client, text: str, words: str) -> None:
    answer = page.post(URL, {"text": text, "look": "1"})

    assert answer.status_code == 422
    assert words in answer.text
    assert "<script>alert" not in answer.text


def test_bytes_that_are_no_text_and_files_that_are_too_large_say_so(page: Client) -> None:
    for content, words in ((b"version: 1 # \xe9\n", "not UTF-8"), (b"#" * 1_048_577, "larger than")):
        answer = page.post(URL, {"file": SimpleUploadedFile("c.yaml", content), "look": "1"})
        assert (answer.status_code, words in answer.text) == (422, True)


# --- a file is no way to rights ---


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ("users:\n  - username: configurer\n    is_superuser: true\n", "only superusers change these"),
        (
            "users:\n  - username: configurer\n    permissions: [cases.view_all_cases]\n",
            "only superusers change these",
        ),
        ("users:\n  - username: new\n", "only superusers change these"),
        ("users:\n  - username: root\n    password: guessed\n", "only superusers set passwords"),
        ("groups:\n  - name: Mine\n", "you may not see these"),
        ("contacts:\n  - name: A\n    email: a@b.example\n", "you may not see these"),
        (
            "routing_addresses:\n  - email_address: support@company.example\n    verified: true\n",
            "verified by the mail",
        ),
    ],
)
def test_whoever_configures_gains_nothing_that_no_page_gives(
    page: Client, address: RoutingAddress, section: str, words: str
) -> None:
    UserFactory(username="root", superuser=True).set_password("guessed")
    before = export_configuration()
    text = f"version: 1\nqueues:\n  - name: New\n{section}"

    for fields in ({"look": "1"}, {"apply": "1", "seal": "x"}, {"try": "1"}):
        answer = page.post(URL, {"text": text} | fields)
        assert (answer.status_code, words in answer.text) == (422, True)

    assert export_configuration() == before


def test_the_own_export_can_be_merged_by_whoever_configures(page: Client, address: RoutingAddress) -> None:
    text = page.get(f"{URL}download/").text

    shown = page.post(URL, {"text": text, "look": "1"})

    assert (shown.status_code, shown.context["count"]) == (200, 0)


def test_a_superuser_may_merge_users_too(client: Client) -> None:
    client.force_login(UserFactory(username="root", superuser=True))

    done = apply(client, "version: 1\nusers:\n  - username: dana\n    password: horse battery\n")

    event = AuditEvent.objects.get(action="configuration-imported")
    assert done.status_code == 302
    assert User.objects.get(username="dana").check_password("horse battery")
    assert event.detail["changes"] == ["+ user dana", "~ user dana: password set"]


@pytest.mark.parametrize("permission", ["", "view_emailtocasesettings", "change_emailtocasesettings"])
def test_staff_who_may_not_configure_get_nothing(client: Client, permission: str) -> None:
    user = UserFactory(staff=True)
    user.user_permissions.add(*Permission.objects.filter(codename=permission))
    client.force_login(user)
    before = export_configuration()

    answers = [client.get(URL), client.get(f"{URL}download/"), client.post(URL, {"text": FILE, "apply": "1"})]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert export_configuration() == before


def test_a_post_without_its_token_is_refused(configurer: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(configurer)

    assert browser.post(URL, {"text": FILE, "apply": "1"}).status_code == 403
    assert browser.put(URL).status_code in (403, 405)


def test_the_page_asks_the_database_little(page: Client) -> None:
    page.get(URL)

    with CaptureQueriesContext(connection) as captured:
        page.get(URL)

    assert len(captured) <= 8
