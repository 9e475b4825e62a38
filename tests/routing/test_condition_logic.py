from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.condition_logic import can_never_hold, implies
from routing.conditions import read_conditions
from routing.facts import RoutingFacts
from tests.routing.test_conditions import FACTS


def test(field: str, operator: str, value: Any) -> dict[str, Any]:
    return {"field": field, "operator": operator, "value": value}


test.__test__ = False  # type: ignore[attr-defined]
INVOICE = test("subject", "contains", "invoice")
URGENT = test("subject", "has_word", "urgent")
EXAMPLE = test("sender_domain", "is_within", "example.net")


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        (INVOICE, {}),
        ({"all": [INVOICE, URGENT]}, INVOICE),
        (INVOICE, {"any": [URGENT, INVOICE]}),
        ({"any": [INVOICE, {"all": [INVOICE, URGENT]}]}, INVOICE),
        (test("subject", "contains", "invoice 7"), INVOICE),
        (test("subject", "is", "Invoice 7"), INVOICE),
        (test("sender_domain", "is", "shop.example.net"), EXAMPLE),
        (test("sender_domain", "is_within", "shop.example.net"), EXAMPLE),
        (test("priority", "is", "High"), test("priority", "is_one_of", ["High", "Low"])),
        (test("priority", "is", "High"), test("priority", "is_not", "Low")),
        (test("subject", "is", "Hello"), test("subject", "is_empty", False)),
        ({"not": INVOICE}, {"not": {"all": [INVOICE, URGENT]}}),
    ],
)
def test_what_makes_the_other_superfluous(stronger: Any, weaker: Any) -> None:
    assert implies(read_conditions(stronger), read_conditions(weaker))


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        ({}, INVOICE),
        (INVOICE, {"all": [INVOICE, URGENT]}),
        (INVOICE, test("subject", "contains", "invoice 7")),
        ({"any": [INVOICE, URGENT]}, INVOICE),
        (test("sender_domain", "is", "example.network"), EXAMPLE),
        (INVOICE, test("body", "contains", "invoice")),
        (INVOICE, test("subject", "has_word", "invoice")),
    ],
)
def test_what_proves_nothing(stronger: Any, weaker: Any) -> None:
    assert not implies(read_conditions(stronger), read_conditions(weaker))


@pytest.mark.parametrize(
    "stored",
    [
        {"all": [test("priority", "is", "High"), test("priority", "is", "Low")]},
        {"all": [test("has_attachment", "is", True), test("has_attachment", "is", False)]},
        {"all": [INVOICE, {"not": INVOICE}]},
        {"all": [{"all": [INVOICE, URGENT]}, {"not": URGENT}]},
        {"all": [test("subject", "is", "Hello"), INVOICE]},
        {"all": [test("sender_domain", "is_one_of", ["a.example", "b.example"]), EXAMPLE]},
        {"all": [test("company", "is_empty", True), test("company", "is", "Acme")]},
        {"not": {"all": []}},
        {"any": [{"all": [INVOICE, {"not": INVOICE}]}, {"not": {"all": []}}]},
    ],
)
def test_what_no_mail_can_satisfy(stored: Any) -> None:
    assert can_never_hold(read_conditions(stored))


@pytest.mark.parametrize("stored", [{}, INVOICE, {"all": [INVOICE, URGENT]}, {"all": [EXAMPLE, {"not": INVOICE}]}])
def test_what_some_mail_can_satisfy(stored: Any) -> None:
    assert not can_never_hold(read_conditions(stored))


WORDS = st.sampled_from(["a", "ab", "b", "ba", "a.b", "b.a.b", ""])
TESTS = st.one_of(
    st.builds(
        test,
        st.sampled_from(["subject", "company"]),
        st.sampled_from(["is", "is_not", "contains", "does_not_contain", "starts_with", "ends_with", "has_word"]),
        WORDS.filter(bool),
    ),
    st.builds(test, st.just("subject"), st.just("is_one_of"), st.lists(WORDS.filter(bool), min_size=1, max_size=3)),
    st.builds(test, st.just("subject"), st.just("is_empty"), st.booleans()),
    st.builds(test, st.just("sender_domain"), st.sampled_from(["is", "is_within"]), WORDS.filter(bool)),
    st.builds(test, st.just("has_attachment"), st.just("is"), st.booleans()),
)
TREES = st.recursive(
    TESTS,
    lambda inner: st.one_of(
        st.builds(lambda parts: {"all": parts}, st.lists(inner, max_size=3)),
        st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda part: {"not": part}, inner),
    ),
    max_leaves=6,
)


@given(stronger=TREES, weaker=TREES, subject=WORDS, company=WORDS, domain=WORDS, has_attachment=st.booleans())
def test_nothing_is_proven_that_is_not_so(
    stronger: Any, weaker: Any, subject: str, company: str, domain: str, has_attachment: bool
) -> None:
    try:
        one, other = read_conditions(stronger), read_conditions(weaker)
    except ValueError:
        return  # nested too deep
    facts = RoutingFacts(
        received_at=FACTS.received_at,
        subject=subject,
        company=company,
        sender_address=f"x@{domain}",
        has_attachment=has_attachment,
    )

    if one.ask(facts).holds:
        assert not can_never_hold(one)
        if implies(one, other):
            assert other.ask(facts).holds
