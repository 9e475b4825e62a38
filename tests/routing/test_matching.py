"""Which of our addresses a mail reached, and which of them stamps the case."""

from __future__ import annotations

import pytest

from routing.matching import Directory, Recipient, find_routing_addresses
from tests.factories import RoutingAddressFactory

pytestmark = pytest.mark.django_db


def reached(*recipients: Recipient) -> list[str]:
    directory = Directory.of([recipient.address for recipient in recipients])
    return [match.routing_address.email_address for match in find_routing_addresses(recipients, directory)]


def test_the_envelope_goes_before_delivery_headers_and_these_before_to() -> None:
    for name in ("a", "b", "c"):
        RoutingAddressFactory(email_address=f"{name}@company.example")

    found = reached(
        Recipient("c@company.example", 2, "To"),
        Recipient("b@company.example", 1, "delivery header"),
        Recipient("a@company.example", 0, "envelope"),
    )

    assert found == ["a@company.example", "b@company.example", "c@company.example"]


def test_within_headers_the_order_of_appearance_counts_and_not_the_order_number() -> None:
    RoutingAddressFactory(email_address="first@company.example", priority_order=9)
    RoutingAddressFactory(email_address="second@company.example", priority_order=1)

    found = reached(Recipient("first@company.example", 2, "To"), Recipient("second@company.example", 2, "Cc"))

    assert found == ["first@company.example", "second@company.example"]


def test_an_address_taken_again_after_deletion_is_the_living_one() -> None:
    RoutingAddressFactory(email_address="support@company.example", deleted=True)
    living = RoutingAddressFactory(email_address="support@company.example")

    (match,) = find_routing_addresses(
        [Recipient("SUPPORT@company.example", 2, "To")], Directory.of(["SUPPORT@company.example"])
    )

    assert match.routing_address == living


def test_a_deleted_address_beats_no_plus_tag_of_a_living_one() -> None:
    RoutingAddressFactory(email_address="old@company.example", deleted=True)
    RoutingAddressFactory(email_address="support@company.example")

    found = reached(Recipient("old@company.example", 0, "envelope"), Recipient("support+vip@company.example", 2, "To"))

    assert found == ["support@company.example", "old@company.example"]


def test_a_services_address_is_found_at_any_domain_and_with_a_tag() -> None:
    address = RoutingAddressFactory()

    found = reached(Recipient(f"{address.services_token}+x@old.inbound.example", 0, "envelope"))

    assert found == [address.email_address]


def test_all_addresses_are_one_query_and_none_when_there_are_many(django_assert_num_queries: object) -> None:
    RoutingAddressFactory.create_batch(3)

    with django_assert_num_queries(1):  # type: ignore[operator]
        few = Directory.of_all(most=3)

    assert few is not None
    assert Directory.of_all(most=2) is None
