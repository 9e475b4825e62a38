"""Who asks, behind proxies: clients are told apart, and none of them names its own address."""

from __future__ import annotations

from typing import Any

import pytest
from axes.models import AccessAttempt
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from cases.inbound.provider_views import provider_paths
from cases.middleware import ClientAddressMiddleware
from cases.models import RefusedCall
from cases.views.satisfaction import MOST_WRONG

pytestmark = pytest.mark.django_db

PROXY, MINE, YOURS = "10.0.0.1", "192.0.2.7", "2001:db8::9"


def address_seen(forwarded: str | None) -> str:
    seen: list[str] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(request.META["REMOTE_ADDR"])
        return HttpResponse()

    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    ClientAddressMiddleware(view)(RequestFactory().get("/", headers=headers, REMOTE_ADDR=PROXY))
    return seen[0]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (1, MINE, MINE),
        (1, f"{YOURS}, {MINE}", MINE),  # the client wrote the first part itself
        (1, f"127.0.0.1,{YOURS} , {MINE} ", MINE),
        (2, f"{YOURS}, {MINE}, 10.0.0.2", MINE),
        (1, "192.0.2.7:51000", MINE),
        (1, "[2001:DB8::9]:51000", YOURS),
        (1, "2001:0db8:0::9", YOURS),
        # Whoever comes past the proxies, or through one that writes something else: as without the header.
        (2, MINE, PROXY),
        (1, None, PROXY),
        (1, "", PROXY),
        (1, "unknown", PROXY),
        (1, f"{MINE}, <script>", PROXY),
        (1, f"{MINE},", PROXY),
    ],
)
def test_the_address_is_what_the_outermost_trusted_proxy_saw(
    settings: Any, proxies: int, forwarded: str | None, expected: str
) -> None:
    settings.E2C_TRUSTED_PROXIES = proxies

    assert address_seen(forwarded) == expected


def wrong_password(client: Client, forwarded: str) -> int:
    posted = {"username": "lee", "password": "wrong"}
    status: int = client.post("/login/", posted, headers={"X-Forwarded-For": forwarded}).status_code
    return status


def test_wrong_passwords_of_one_client_lock_out_no_other(client: Client, settings: Any) -> None:
    settings.E2C_TRUSTED_PROXIES = 1

    answers = [wrong_password(client, f"198.51.100.{number}, {MINE}") for number in range(11)]

    assert answers[-1] == 429
    assert wrong_password(client, f"{MINE}, {YOURS}") == 200
    assert set(AccessAttempt.objects.values_list("ip_address", flat=True)) == {MINE, YOURS}


def test_without_the_setting_the_header_is_not_read(client: Client) -> None:
    answers = [wrong_password(client, f"192.0.2.{number}") for number in range(11)]

    assert answers[-1] == 429
    assert set(AccessAttempt.objects.values_list("ip_address", flat=True)) == {"127.0.0.1"}


def test_guesses_at_feedback_links_are_counted_for_each_client(client: Client, settings: Any) -> None:
    settings.E2C_TRUSTED_PROXIES = 1

    def guess(forwarded: str) -> int:
        status: int = client.get("/feedback/guess/", headers={"X-Forwarded-For": forwarded}).status_code
        return status

    statuses = [guess(f"198.51.100.{number % 200}, {MINE}") for number in range(MOST_WRONG + 1)]

    assert (statuses[0], statuses[-1]) == (410, 429)
    assert guess(YOURS) == 410


def test_a_refused_call_names_who_called(client: Client, settings: Any) -> None:
    settings.E2C_PROVIDERS = [path.provider for path in provider_paths()]
    settings.E2C_TRUSTED_PROXIES = 1

    client.post(
        "/anymail/postmark/inbound/", b"{}", "application/json", headers={"X-Forwarded-For": f"1.1.1.1, {MINE}"}
    )

    assert RefusedCall.objects.get().last_remote_address == MINE
