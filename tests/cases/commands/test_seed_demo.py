"""seed_demo: an organisation, and cases made of mails that went the way of every mail."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pytest
from django.contrib.auth import get_user_model

from cases.demo import DEMO_PASSWORDS, active_demo_users
from cases.demo_data.mails import compose
from cases.demo_data.seeding import threads_for
from cases.demo_data.threads import FIRST_THREADS
from cases.models import (
    Attachment,
    Case,
    CaseEvent,
    CaseLink,
    Contact,
    Draft,
    EmailMessage,
    InboundEmail,
    Mention,
    Outbox,
)
from routing import permission_sets
from routing.models import Queue, RoutingAddress
from tests.cases.commands.running import run

User = get_user_model()


@pytest.fixture
def demo_mode(db: None, settings: Any) -> Any:
    settings.E2C_MODE = "demo"
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    return settings


def test_a_dozen_cases_come_out_of_a_dozen_conversations(demo_mode: Any) -> None:
    ran = run("seed_demo")

    assert ran.exit_code == 0
    assert Case.objects.count() == 12
    assert Counter(InboundEmail.objects.values_list("state", flat=True)) == {
        "case": 12,
        "appended": 9,
        "duplicate": 2,
        "quarantined": 1,
        "rejected": 3,
    }
    assert set(InboundEmail.objects.exclude(reason="").values_list("reason", flat=True)) == {
        "same_mail",
        "no_routing_address",
        "bounce_unmatched",
        "automatic_unmatched",
        "blocked_sender",
    }
    assert EmailMessage.objects.filter(thread_basis="their_message_id").count() == 9
    assert {case.subject for case in Case.objects.all()} == {thread.mails[0].subject for thread in FIRST_THREADS}


def test_the_stranger_opens_a_case_that_possibly_belongs_to_the_long_one(demo_mode: Any) -> None:
    run("seed_demo")

    stranger = Case.objects.get(supplied_email="jo@example.com")
    assert stranger.possibly_belongs_to is not None
    assert stranger.possibly_belongs_to.subject == "Nightly import stops after 10,000 rows"
    assert stranger.possibly_belongs_to.messages.count() == 8


def test_pictures_and_files_are_attachments(demo_mode: Any) -> None:
    run("seed_demo")

    assert set(Attachment.objects.values_list("file_name", flat=True)) == {
        "console.txt",
        "chart.png",
        "invoice-2041.pdf",
        "timings.csv",
    }


def test_the_organisation_has_three_addresses_two_queues_and_two_users(demo_mode: Any) -> None:
    run("seed_demo", "--cases", "0")

    verified = {address.email_address: address.is_verified for address in RoutingAddress.objects.all()}
    rep, admin = User.objects.get(username="rep"), User.objects.get(username="admin")
    billing = RoutingAddress.objects.get(email_address="billing@demo.example")
    assert verified == {"support@demo.example": True, "billing@demo.example": True, "sales@demo.example": False}
    assert set(rep.case_queues.values_list("name", flat=True)) == {"Support", "Billing"}
    assert set(Queue.objects.values_list("name", flat=True)) == {"Support", "Billing", "Unassigned"}
    assert admin.is_superuser
    assert not rep.is_superuser
    assert permission_sets.may_send_from(rep, billing).allowed is True
    assert permission_sets.may_send_from(admin, billing).allowed is False
    assert Contact.objects.count() == 6


def test_demo_users_sign_in_with_the_demo_passwords(demo_mode: Any) -> None:
    ran = run("seed_demo", "--cases", "0")

    assert active_demo_users() == sorted(DEMO_PASSWORDS)
    assert "Sign in as rep with the password rep-demo" in ran.lines


def test_outside_demo_mode_nobody_gets_a_demo_password(db: None, settings: Any) -> None:
    settings.E2C_MODE = "local"

    run("seed_demo", "--cases", "0")

    assert active_demo_users() == []
    assert User.objects.get(username="admin").has_usable_password() is False


def test_production_refuses(db: None, settings: Any) -> None:
    settings.E2C_MODE = "production"

    ran = run("seed_demo")

    assert ran.exit_code == 1
    assert "E2C_MODE is production" in ran.stderr
    assert (User.objects.count(), RoutingAddress.objects.count()) == (0, 0)


def test_a_second_run_adds_nothing(demo_mode: Any) -> None:
    run("seed_demo")
    before = (Case.objects.count(), InboundEmail.objects.count(), User.objects.count())

    ran = run("seed_demo")

    assert ran.lines[0] == "The demonstration data is there."
    assert (Case.objects.count(), InboundEmail.objects.count(), User.objects.count()) == before


def test_a_run_that_was_cut_short_is_completed(demo_mode: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop() -> None:
        if InboundEmail.objects.count() == 5:
            raise KeyboardInterrupt

    monkeypatch.setattr("cases.management.commands.seed_demo.Command._count_mail", lambda self: stop())
    with pytest.raises(KeyboardInterrupt):
        run("seed_demo")
    monkeypatch.undo()

    run("seed_demo")

    assert Case.objects.count() == 12


def test_more_cases_can_be_added_later(demo_mode: Any) -> None:
    run("seed_demo", "--cases", "3")

    ran = run("seed_demo", "--cases", "15")

    assert ran.lines[0] == "Demonstration cases added: 12."
    assert Case.objects.count() == 15


def test_the_past_of_the_demonstration_is_in_its_rows(demo_mode: Any) -> None:
    run("seed_demo")

    long_case = Case.objects.get(subject="Nightly import stops after 10,000 rows")
    messages = list(long_case.messages.order_by("received_at"))
    assert long_case.created_at == messages[0].received_at
    assert long_case.last_activity_at == messages[-1].received_at
    assert long_case.source == messages[0]
    assert [round((later.received_at - messages[0].received_at).total_seconds() / 3600) for later in messages] == [
        0, 2, 4, 6, 8, 10, 12, 14,
    ]  # fmt: skip


def test_a_rep_has_worked_on_some_of_the_cases(demo_mode: Any) -> None:
    run("seed_demo")

    rep = User.objects.get(username="rep")
    taken = Case.objects.get(subject="Cannot sign in after the update")
    assert Counter(Case.objects.values_list("status__label", flat=True)) == {
        "New": 8,
        "Working": 1,
        "Escalated": 1,
        "Closed": 2,
    }
    assert Case.objects.filter(closed_at__isnull=False).count() == 2
    assert taken.owner_user == rep
    assert [decision.kind for decision in taken.decisions.all()] == ["initial", "manual"]


def test_a_lived_in_demonstration_shows_mail_in_every_state(demo_mode: Any) -> None:
    run("seed_demo", "--lived-in")

    replies = Counter(Outbox.objects.filter(kind="reply").values_list("state", flat=True))
    assert replies == {"sent": 2, "failed": 1, "uncertain": 1, "queued": 1, "approval": 1}
    assert Mention.objects.filter(user__username="rep").exists()
    assert Case.objects.get(subject__startswith="Label printer").messages.count() == 60
    assert Case.objects.filter(snoozed_until__isnull=False).count() == 1
    assert Case.objects.filter(merged_into__isnull=False).count() == 1
    assert CaseLink.objects.count() == 1
    assert Draft.objects.get().case is not None


def test_a_demonstration_is_lived_in_once(demo_mode: Any) -> None:
    run("seed_demo", "--lived-in")
    before = (Outbox.objects.count(), CaseEvent.objects.count(), EmailMessage.objects.count())

    run("seed_demo", "--lived-in")

    assert (Outbox.objects.count(), CaseEvent.objects.count(), EmailMessage.objects.count()) == before


def test_the_fast_way_writes_whole_cases(demo_mode: Any) -> None:
    ran = run("seed_demo", "--cases", "60", "--fast")

    case = Case.objects.order_by("-id").first()
    assert ran.lines[0] == "Demonstration cases added: 60."
    assert Case.objects.count() == 60
    assert InboundEmail.objects.filter(state="case").count() == 12
    assert case is not None
    assert case.source is not None
    assert case.source.case_id == case.pk
    assert case.decisions.get().kind == "initial"
    assert case.participants.get().address == case.supplied_email


def test_the_same_threads_give_the_same_bytes() -> None:
    moment = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

    def all_bytes() -> list[bytes]:
        threads = threads_for(0, 40)
        return [compose(thread, index, sent_at=moment) for thread in threads for index in range(len(thread.mails))]

    assert all_bytes() == all_bytes()


def test_a_negative_number_exits_64(demo_mode: Any) -> None:
    assert run("seed_demo", "--cases", "-1").exit_code == 64
    assert run("seed_demo", "--cases", "many").exit_code == 64
