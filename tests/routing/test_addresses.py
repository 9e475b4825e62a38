"""Addresses as the world writes them."""

from __future__ import annotations

import time

import pytest

from routing.address_patterns import AddressPatterns, BadAddressPattern
from routing.addresses import (
    MAX_ADDRESSES,
    MailAddress,
    display_address,
    domain_of,
    normalise_address,
    read_address_list,
    read_sender,
    strip_plus_tag,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Casey@Example.NET", "casey@example.net"),
        ("  <casey@example.net>, ", "casey@example.net"),
        ("mailto:casey@example.net?subject=x", "casey@example.net"),
        ("'casey@example.net'", "casey@example.net"),
        ("casey@example.net.", "casey@example.net"),
        ("casey+order@example.net", "casey+order@example.net"),
        ("info@bücher.example", "info@xn--bcher-kva.example"),
        ("info@XN--BCHER-KVA.example", "info@xn--bcher-kva.example"),
        ("用户@例子.example", "用户@xn--fsqu00a.example"),
        ('"casey customer"@example.net', '"casey customer"@example.net'),
        ("casey@[192.0.2.1]", "casey@[192.0.2.1]"),
        ("root@localhost", "root@localhost"),
    ],
)
def test_address_has_one_spelling(text: str, address: str) -> None:
    assert normalise_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "casey",
        "@",
        "@@@",
        "<>",
        "casey@",
        "@example.net",
        "a@b@c.example",
        "casey@exa mple.net",
        "a b@example.net",
        "casey@example.net\x00@evil.example",
        "casey@-�.example",
        "x" * 400 + "@example.net",
        "casey@.example.",
    ],
)
def test_what_is_no_address_is_none(text: str) -> None:
    assert normalise_address(text) is None


def test_internationalised_domain_is_shown_in_its_own_script() -> None:
    assert display_address("info@xn--bcher-kva.example") == "info@bücher.example"
    assert display_address("info@xn--\u00e9.example") == "info@xn--\u00e9.example"
    assert display_address("casey@example.net") == "casey@example.net"


def test_domain_of_an_address() -> None:
    assert domain_of("casey@example.net") == "example.net"
    assert domain_of("casey") == ""


@pytest.mark.parametrize(
    ("address", "parts"),
    [
        ("support+case.1@acme.example", ("support@acme.example", "case.1")),
        ("support+a+b@acme.example", ("support@acme.example", "a+b")),
        ("support@acme.example", ("support@acme.example", "")),
        ("+tag@acme.example", ("+tag@acme.example", "")),
        ('"a+b"@acme.example', ('"a+b"@acme.example', "")),
    ],
)
def test_plus_tag_is_split_off(address: str, parts: tuple[str, str]) -> None:
    assert strip_plus_tag(address) == parts


@pytest.mark.parametrize(
    ("header", "addresses"),
    [
        ("casey@example.net", [("", "casey@example.net")]),
        ("Casey Customer <casey@example.net>", [("Casey Customer", "casey@example.net")]),
        ('"Customer, Casey" <casey@example.net>', [("Customer, Casey", "casey@example.net")]),
        ('"a \\"b\\" c" <casey@example.net>', [('a "b" c', "casey@example.net")]),
        ("casey@example.net (Casey (the) Customer)", [("Casey (the) Customer", "casey@example.net")]),
        ("Casey <casey@example.net(home)>", [("Casey", "casey@example.net")]),
        ("a@x.example; b@x.example,, c@x.example", [("", "a@x.example"), ("", "b@x.example"), ("", "c@x.example")]),
        (
            "Friends: a@x.example, B <b@x.example>;, c@x.example",
            [("", "a@x.example"), ("B", "b@x.example"), ("", "c@x.example")],
        ),
        ("undisclosed-recipients:;", []),
        ("<@relay.example,@b.example:casey@example.net>", [("", "casey@example.net")]),
        ("casey @ example . net", [("", "casey@example.net")]),
        ("Casey Customer casey@example.net", [("Casey Customer", "casey@example.net")]),
        ("A <a@x.example, B <b@x.example>", [("A", "a@x.example"), ("B", "b@x.example")]),
        ("<<casey@example.net>>", [("", "casey@example.net")]),
        ("A\r\n <a@x.example>,\r\n\tB <b@x.example>", [("A", "a@x.example"), ("B", "b@x.example")]),
        ("", []),
        ('"', []),
        ("<>", []),
        (",,;;", []),
    ],
)
def test_address_list_is_read(header: str, addresses: list[tuple[str, str]]) -> None:
    assert read_address_list(header) == [MailAddress(name, address) for name, address in addresses]


def test_encoded_word_is_decoded_after_the_list_was_split() -> None:
    words = {"=?x?q?a?=": "Eve <eve@evil.example>, Bob\r\nBcc: x@evil.example"}

    read = read_address_list("=?x?q?a?= <casey@example.net>", decode=lambda text: words.get(text, text))

    assert read == [MailAddress("Eve <eve@evil.example>, Bob Bcc: x@evil.example", "casey@example.net")]


def test_comma_inside_an_encoded_word_separates_nothing() -> None:
    read = read_address_list("=?utf-8?q?Customer,_Casey?= <casey@example.net>")

    assert read == [MailAddress("=?utf-8?q?Customer,_Casey?=", "casey@example.net")]


def test_address_list_is_cut_at_the_limit() -> None:
    header = ", ".join(f"u{number}@example.net" for number in range(MAX_ADDRESSES + 500))

    assert len(read_address_list(header)) == MAX_ADDRESSES


@pytest.mark.parametrize(
    "unit", ['"', '("', "<", "(", ")", '"\\', "=?a?q?", "a ", ",", "<a@b.c>,", ":", '"<a@b>" ', "\\("]
)
def test_time_to_read_a_list_is_linear(unit: str) -> None:
    header = unit * (250_000 // len(unit))
    started = time.process_time()

    read_sender([header])

    assert time.process_time() - started < 3


@pytest.mark.parametrize(
    ("headers", "address", "is_ambiguous"),
    [
        (["Casey <casey@example.net>"], "casey@example.net", False),
        (["casey@example.net <casey@example.net>"], "casey@example.net", False),
        (['"casey@example.net" <attacker@evil.example>'], "attacker@evil.example", False),
        (["casey@example.net (attacker@evil.example)"], "casey@example.net", False),
        (["casey@example.net <attacker@evil.example>"], "attacker@evil.example", True),
        (["<casey@example.net>attacker@evil.example"], "casey@example.net", True),
        (["<casey@example.net> <attacker@evil.example>"], "casey@example.net", True),
        (["casey@example.net attacker@evil.example"], "casey@example.net", True),
        (["casey@example.net, attacker@evil.example"], "casey@example.net", True),
        (['"casey@example.net"@evil.example'], '"casey@example.net"@evil.example', True),
        (["casey@example.net", "attacker@evil.example"], "casey@example.net", True),
        (["casey@example.net", "casey@example.net"], "casey@example.net", True),
        (["casey@example.net@evil.example"], None, False),
        (["undisclosed-recipients:;"], None, False),
        ([], None, False),
    ],
)
def test_sender_and_whether_programs_could_disagree_on_it(
    headers: list[str], address: str | None, is_ambiguous: bool
) -> None:
    sender, senders, ambiguous = read_sender(headers)

    assert (sender.address if sender else None) == address
    assert ambiguous is is_ambiguous
    assert sender is None or senders[0] == sender


def test_wholly_encoded_sender_is_read_but_ambiguous() -> None:
    sender, _, is_ambiguous = read_sender(["=?x?q?a?="], decode=lambda _: "Casey <casey@example.net>")

    assert sender == MailAddress("Casey", "casey@example.net")
    assert is_ambiguous


@pytest.mark.parametrize(
    ("address", "matches"),
    [
        ("casey@one.example", True),
        ("Casey@ONE.example", True),
        ("other@one.example", False),
        ("anyone@two.example", True),
        ("anyone@sub.two.example", False),
        ("anyone@three.example", True),
        ("anyone@a.four.example", True),
        ("anyone@a.b.four.example", True),
        ("anyone@four.example", False),
        ("anyone@notfour.example", False),
        ("info@bücher.example", True),
        ("nobody", False),
    ],
)
def test_patterns_match_addresses_domains_and_subdomains(address: str, matches: bool) -> None:
    patterns = AddressPatterns.parse("casey@one.example, two.example;@three.example\n*.four.example bücher.example")

    assert patterns.matches(address) is matches


def test_empty_patterns_are_false_and_match_nothing() -> None:
    patterns = AddressPatterns.parse(" \n, ")

    assert not patterns
    assert not patterns.matches("casey@example.net")


@pytest.mark.parametrize(
    "entry", ["example", "*", "*.", "@", "a@@b.example", "*a@b.example", "-x.example", "a@b@c.example"]
)
def test_bad_pattern_is_named_with_what_is_allowed(entry: str) -> None:
    with pytest.raises(BadAddressPattern, match="Write addresses") as raised:
        AddressPatterns.parse(f"good.example, {entry}")

    assert raised.value.entry == entry
    assert entry in str(raised.value)
