"""The page of sending decisions: administrators read it, nobody edits it."""

from __future__ import annotations

import pytest
from django.test import Client

from cases.models import SendDecision
from tests.cases.outbound.people import verified_address
from tests.factories import CaseFactory, UserFactory

pytestmark = pytest.mark.django_db


def test_refusals_are_listed_with_their_reason(client: Client) -> None:
    decision = SendDecision.objects.create(
        user_name="<b>ana</b>",
        address=verified_address("gold@company.example"),
        case=CaseFactory(),
        stage="form",
        allowed=False,
        because="No permission set grants it.",
    )
    client.force_login(UserFactory(superuser=True))

    listed = client.get("/admin/cases/senddecision/?allowed__exact=0").content.decode()
    shown = client.get(f"/admin/cases/senddecision/{decision.pk}/change/").content.decode()

    for html in (listed, shown):
        assert "No permission set grants it." in html
        assert "gold@company.example" in html
        assert "<b>ana</b>" not in html
    assert client.post(f"/admin/cases/senddecision/{decision.pk}/delete/").status_code == 403
    assert client.get("/admin/cases/senddecision/add/").status_code == 403


def test_staff_who_may_not_configure_see_nothing(client: Client) -> None:
    client.force_login(UserFactory(staff=True))

    assert client.get("/admin/cases/senddecision/").status_code == 403
