"""`senders` and `reply` as scripts use them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from cases.models import Case, EmailMessage, Outbox, SendDecision
from routing.models import RoutingAddress
from tests.cases.commands.running import run
from tests.cases.outbound.people import case_with_mail, rep, verified_address
from tests.factories import RoutingAddressFactory, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("organisation")]

MESSAGE_KEYS = {
    *("id", "incoming", "status", "from", "to", "cc", "bcc", "subject", "text", "html", "html_safe", "reply_text"),
    *("forwarded_original", "bounce", "is_automatic", "automatic_kind", "authentication", "message_identifier"),
    *("in_reply_to", "references", "thread_basis", "date", "received_at", "headers", "attachments", "deliveries"),
    "created_by",
}


@pytest.fixture
def ana() -> User:
    return rep("ana")


@pytest.fixture
def support() -> RoutingAddress:
    return verified_address("support@company.example", display_name="Support")


@pytest.fixture
def case(ana: User, support: RoutingAddress) -> Case:
    return case_with_mail(ana, address=support, message_identifier="first@mail.example.net")


@pytest.fixture
def body(tmp_path: Path) -> str:
    path = tmp_path / "body.txt"
    path.write_text("Grüße,\nit left us today.\n", encoding="utf-8")
    return str(path)


def test_senders_prints_what_a_user_may_send_from(case: Case) -> None:
    RoutingAddressFactory(email_address="new@company.example", routing_name="Z")

    ran = run("senders", "--user", "ana", "--case", case.number_text)

    assert ran.exit_code == 0
    assert ran.json == {
        "allowed": [
            {
                "address": "support@company.example",
                "because": "Every rep may send from it: it is not controlled by permission set.",
            }
        ],
        "refused": [{"address": "new@company.example", "because": "The routing address is not verified."}],
    }


def test_senders_without_a_case(case: Case) -> None:
    assert [row["address"] for row in run("senders", "--user", "ana").json["allowed"]] == ["support@company.example"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["--user", "nobody"], "There is no user nobody."),
        (["--user", "ana", "--case", "99999"], "There is no case 99999."),
        (["--user", "ana", "--case", "x"], "There is no case x."),
    ],
)
def test_senders_of_nobody_or_nothing(ana: User, arguments: list[str], error: str) -> None:
    ran = run("senders", *arguments)

    assert (ran.exit_code, ran.json) == (1, {"error": error})


def test_reply_queues_the_mail_and_prints_it(case: Case, body: str) -> None:
    ran = run("reply", str(case.number), "--user", "ana", "--from", "Support@company.example", "--body-file", body)

    assert ran.exit_code == 0
    message = EmailMessage.objects.get(incoming=False)
    shown = ran.json
    assert shown.keys() >= MESSAGE_KEYS
    assert (shown["id"], shown["incoming"], shown["status"]) == (message.pk, False, "queued")
    assert shown["created_by"] == "ana"
    assert shown["from"] == {"name": "Support", "address": "support@company.example"}
    assert shown["to"] == [{"name": None, "address": "casey@example.net"}]
    assert shown["reply_text"] == "Grüße,\nit left us today."
    assert shown["in_reply_to"] == "<first@mail.example.net>"
    assert Outbox.objects.get().state == "queued"


def test_reply_to_chosen_recipients(case: Case, body: str) -> None:
    ran = run(
        *("reply", case.number_text, "--user", "ana", "--from", "support@company.example", "--body-file", body),
        *("--to", "Sam <sam@example.org>, kim@example.org", "--cc", "lee@example.org"),
    )

    assert [row["address"] for row in ran.json["to"]] == ["sam@example.org", "kim@example.org"]
    assert [row["address"] for row in ran.json["cc"]] == ["lee@example.org"]


def test_each_call_is_one_mail(case: Case, body: str) -> None:
    for _ in range(2):
        run("reply", str(case.number), "--user", "ana", "--from", "support@company.example", "--body-file", body)

    assert Outbox.objects.count() == 2


def test_refusal_is_one_sentence_and_exit_code_1(case: Case, body: str) -> None:
    verified_address("gold@company.example", controlled_by_permission_set=True)

    ran = run("reply", str(case.number), "--user", "ana", "--from", "gold@company.example", "--body-file", body)

    assert (ran.exit_code, ran.json) == (1, {"error": "No permission set grants it."})
    assert Outbox.objects.count() == 0
    assert SendDecision.objects.get().allowed is False


def test_superuser_is_no_exception(case: Case, body: str) -> None:
    UserFactory(username="root", superuser=True)
    RoutingAddressFactory(email_address="new@company.example")

    ran = run("reply", str(case.number), "--user", "root", "--from", "new@company.example", "--body-file", body)

    assert (ran.exit_code, ran.json) == (1, {"error": "The routing address is not verified."})


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"number": "99999"}, "There is no case 99999."),
        ({"--user": "nobody"}, "There is no user nobody."),
        ({"--from": "other@company.example"}, "There is no routing address other@company.example."),
        ({"--body-file": "/nowhere/body"}, "/nowhere/body could not be read: No such file or directory."),
        ({"--to": "casey"}, "“casey” is not one email address."),
    ],
)
def test_what_is_wrong_is_said(case: Case, body: str, changed: dict[str, str], error: str) -> None:
    options: dict[str, Any] = {"--user": "ana", "--from": "support@company.example", "--body-file": body} | changed
    number = options.pop("number", str(case.number))

    ran = run("reply", number, *(word for option in options.items() for word in option))

    assert (ran.exit_code, ran.json) == (1, {"error": error})
    assert Outbox.objects.count() == 0


def test_empty_body_is_refused(case: Case, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")

    ran = run(
        *("reply", str(case.number), "--user", "ana", "--from", "support@company.example"),
        *("--body-file", str(tmp_path / "empty")),
    )

    assert (ran.exit_code, ran.json) == (1, {"error": "Write something to send."})


def test_missing_argument_is_a_usage_error(case: Case) -> None:
    assert run("reply", str(case.number), "--user", "ana").exit_code == 64
    assert run("senders").exit_code == 64
