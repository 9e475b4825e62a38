from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from routing.conditions import FIELDS, OPERATORS, BadConditions, read_conditions
from routing.facts import RoutingFacts

FACTS = RoutingFacts(
    received_at=datetime(2030, 1, 2, 10, tzinfo=UTC),
    sender_address="casey@shop.example.net",
    sender_name="Casey Customer",
    subject="Invoice 7 is wrong",
    body="Please start over.",
    dmarc="pass",
    has_attachment=True,
    routing_address="support@company.example",
    priority="High",
)


def holds(stored: Any) -> bool:
    return read_conditions(stored).ask(FACTS).holds


@pytest.mark.parametrize(
    ("field", "operator", "value", "expected"),
    [
        ("subject", "contains", "INVOICE", True),
        ("subject", "does_not_contain", "invoice", False),
        ("subject", "starts_with", "invoice", True),
        ("subject", "ends_with", "wrong", True),
        ("body", "has_word", "art", False),
        ("body", "has_word", "start", True),
        ("sender_domain", "is_within", "example.net", True),
        ("sender_domain", "is_within", "ample.net", False),
        ("sender_domain", "is", "example.net", False),
        ("sender_address", "is_one_of", ["a@b.example", "Casey@Shop.example.net"], True),
        ("priority", "is_not", "High", False),
        ("company", "is_empty", True, True),
        ("sender_name", "is_empty", False, True),
        ("has_attachment", "is", True, True),
        ("contact_known", "is", True, False),
    ],
)
def test_each_operator(field: str, operator: str, value: Any, expected: bool) -> None:
    assert holds({"field": field, "operator": operator, "value": value}) is expected


@pytest.mark.parametrize(
    ("field", "operator", "value"),
    [
        ("sender_domain", "is", "bücher.example"),
        ("sender_domain", "is", "Bücher.Example."),
        ("sender_domain", "is", "@bücher.example"),
        ("sender_domain", "is_within", "*.bücher.example"),
        ("sender_domain", "is_one_of", ["other.example", "bücher.example"]),
        ("sender_address", "is", "Casey@Bücher.example"),
        ("sender_address", "ends_with", "@bücher.example"),
        ("subject", "contains", "caf\u00e9"),
        ("subject", "has_word", "cafe\u0301"),
    ],
)
def test_names_are_typed_as_people_read_them(field: str, operator: str, value: Any) -> None:
    """Facts hold a domain as DNS knows it, and a subject as its writer's system composes letters."""
    facts = replace(FACTS, sender_address="casey@xn--bcher-kva.example", subject="Your cafe\u0301 bill")

    assert read_conditions({"field": field, "operator": operator, "value": value}).ask(facts).holds
    assert str(value[0] if isinstance(value, list) else value) in str(
        read_conditions({"field": field, "operator": operator, "value": value})
    )


def test_the_end_of_an_address_keeps_its_at_sign() -> None:
    ends = {"field": "sender_address", "operator": "ends_with", "value": "@example.net"}

    assert not read_conditions(ends).ask(FACTS).holds  # casey@shop.example.net
    assert not read_conditions(ends).ask(replace(FACTS, sender_address="casey@notexample.net")).holds


def test_unknown_business_hours_satisfy_neither_yes_nor_no() -> None:
    assert not holds({"field": "in_business_hours", "operator": "is", "value": True})
    assert not holds({"field": "in_business_hours", "operator": "is", "value": False})


def test_nothing_always_holds() -> None:
    for stored in ({}, None, {"all": []}):
        assert read_conditions(stored).always_holds
        assert holds(stored)


def test_nested_conditions_and_their_reason() -> None:
    invoice = {"field": "subject", "operator": "contains", "value": "invoice"}
    known = {"field": "contact_known", "operator": "is", "value": True}
    conditions = read_conditions({"all": [invoice, {"any": [known, {"not": known}]}]})

    outcome = conditions.ask(FACTS)

    assert outcome.holds
    assert outcome.because == ("Subject contains “invoice” and not (Sender is a known contact is yes)")
    assert str(conditions) == (
        "Subject contains “invoice” and (Sender is a known contact is yes or not (Sender is a known contact is yes))"
    )


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ([1], "expected a condition, not list"),
        ({"any": []}, "an empty list never holds"),
        ({"all": {}}, "expected a list"),
        ({"all": [], "any": []}, "stands alone"),
        ({"field": "colour", "operator": "is", "value": "red"}, "there is no field “colour”"),
        ({"field": "subject", "operator": "is_within", "value": "x"}, "takes no operator “is_within”"),
        ({"field": "subject", "operator": "is", "value": ""}, "the value is missing"),
        ({"field": "subject", "operator": "is", "value": 7}, "the value is a text"),
        ({"field": "subject", "operator": "is", "value": "x" * 1001}, "more than 1000"),
        ({"field": "has_attachment", "operator": "is", "value": "yes"}, "true or false"),
        ({"field": "priority", "operator": "is_one_of", "value": []}, "a list of 1 to 100"),
        ({"field": "subject", "operator": "is", "value": "x", "extra": 1}, "unknown key extra"),
        ({"not": {"not": {"not": {"not": {"not": {"not": {}}}}}}}, "nested deeper"),
        ({"all": [{"field": "subject", "value": "x"}] * 51}, "More than 50"),
    ],
)
def test_bad_conditions_say_what_is_wrong(stored: Any, words: str) -> None:
    with pytest.raises(BadConditions, match=words):
        read_conditions(stored)


def test_every_field_is_a_fact_and_every_kind_has_operators() -> None:
    for name, field in FIELDS.items():
        assert hasattr(FACTS, name)
        assert OPERATORS[field.kind]
