"""Signs of a thread that only we can make."""

from __future__ import annotations

import base64
import hashlib
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.message_ids import clean_id, hash_of, thread_index_root
from cases.thread_token import (
    MOST_CASE_ID,
    case_of_message_id,
    case_of_reply_address,
    case_token,
    find_case_tokens,
    new_message_id,
    read_case_token,
    reply_address,
    token_mark,
)

KEYS = ["first-key-for-tests", "older-key-for-tests"]
case_ids = st.integers(min_value=1, max_value=MOST_CASE_ID)


def changed(text: str, position: int, character: str) -> str:
    position %= len(text)
    return text[:position] + character + text[position + 1 :]


@given(case_ids)
def test_token_names_its_case_and_survives_change_of_case(case_id: int) -> None:
    token = case_token(case_id, KEYS)

    assert token == token.lower()
    assert len(token) <= 35
    assert read_case_token(token, KEYS) == case_id
    assert read_case_token(token.upper(), KEYS) == case_id


@given(case_ids, st.integers(min_value=0), st.characters())
def test_token_with_one_character_changed_names_no_case(case_id: int, position: int, character: str) -> None:
    token = case_token(case_id, KEYS)
    other = changed(token, position, character)

    found = read_case_token(other, KEYS)

    assert found == (case_id if other.lower() == token and other.isascii() else None)


@given(case_ids, st.integers(min_value=0), st.characters())
def test_message_id_with_one_character_changed_names_no_case(case_id: int, position: int, character: str) -> None:
    identifier = new_message_id(case_id, "company.example", KEYS)
    other = changed(identifier, position, character)

    found = case_of_message_id(other, KEYS)

    assert found == (case_id if other.lower() == identifier and other.isascii() else None)


@given(st.text())
def test_no_text_makes_the_readers_fail(text: str) -> None:
    assert read_case_token(text, KEYS) is None
    assert find_case_tokens(text, KEYS) == []
    assert case_of_message_id(text, KEYS) is None
    assert case_of_reply_address(text, KEYS) is None


def test_token_of_another_instance_names_no_case() -> None:
    token = case_token(7, ["another-key"])

    assert read_case_token(token, KEYS) is None


def test_token_signed_with_an_older_key_still_names_its_case() -> None:
    assert read_case_token(case_token(7, KEYS[1:]), KEYS) == 7


def test_no_key_signs_nothing_and_proves_nothing() -> None:
    with pytest.raises(ValueError, match="needs a key"):
        case_token(7, [])

    assert read_case_token(case_token(7, KEYS), []) is None
    assert read_case_token(case_token(7, KEYS), [""]) is None


@pytest.mark.parametrize("case_id", [0, -1, MOST_CASE_ID + 1])
def test_only_a_possible_case_id_gets_a_token(case_id: int) -> None:
    with pytest.raises(ValueError, match="positive number"):
        case_token(case_id, KEYS)


def test_case_number_alone_names_no_case() -> None:
    for text in ("[ref:e2c-7]", "Case 00001007", "[ref:e2c-h]", "e2c-haaaaaaaaaaaaaaaaaa"):
        assert find_case_tokens(text, KEYS) == []


def test_tokens_are_found_in_order_and_once() -> None:
    first, second = token_mark(7, KEYS), token_mark(8, KEYS)

    assert find_case_tokens(f"Re: {second} and {first} and {second}", KEYS) == [8, 7]


@pytest.mark.parametrize("broken_by", ["\r\n ", "\n> ", "=\n", " ", "\u00ad", "\u200b", "\n\t"])
def test_token_broken_by_a_mail_client_is_found(broken_by: str) -> None:
    mark = token_mark(123456, KEYS)

    for position in range(5, len(mark) - 1):
        assert find_case_tokens(f"text {mark[:position]}{broken_by}{mark[position:]} text", KEYS) == [123456]


def test_token_without_its_brackets_is_found() -> None:
    assert find_case_tokens(f"quoted ref:{case_token(9, KEYS)}: text", KEYS) == [9]


def test_scan_for_tokens_is_linear() -> None:
    for text in ("[ref:" * 400_000, "[ref:e2c-" + "a" * 2_000_000, "e2c-" * 500_000, "[ " * 1_000_000):
        started = time.process_time()

        assert find_case_tokens(text, KEYS) == []

        assert time.process_time() - started < 5  # seconds; a quadratic scan would take hours


@given(case_ids)
def test_reply_address_names_its_case(case_id: int) -> None:
    address = reply_address("support@company.com", case_id, KEYS)

    assert address.startswith("support+e2c-")
    assert address.endswith("@company.com")
    assert len(address.partition("@")[0]) <= 64
    assert case_of_reply_address(address.upper(), KEYS) == case_id


def test_reply_address_keeps_a_plus_tag_of_the_public_address() -> None:
    address = reply_address("support+de@company.com", 5, KEYS)

    assert address == f"support+de+{case_token(5, KEYS)}@company.com"
    assert case_of_reply_address(address, KEYS) == 5


def test_reply_address_with_too_long_a_local_part_stays_public() -> None:
    public = f"{'a' * 50}@company.com"

    assert reply_address(public, 5, KEYS) == public


def test_public_address_and_bare_token_are_no_reply_address() -> None:
    assert case_of_reply_address("support@company.com", KEYS) is None
    assert case_of_reply_address(f"{case_token(5, KEYS)}@company.com", KEYS) is None


def test_message_id_is_fresh_and_names_its_case() -> None:
    first, second = (new_message_id(5, "Company.Example", KEYS) for _ in range(2))

    assert first != second
    assert first.endswith("@company.example")
    assert case_of_message_id(f"<{first.upper()}>", KEYS) == 5


def test_message_id_without_a_case_names_none() -> None:
    assert case_of_message_id(new_message_id(None, "company.example", KEYS), KEYS) is None


def test_token_does_not_pass_as_message_id_signature() -> None:
    signature = case_token(5, KEYS)[-18:]
    nonce = "a" * 16

    assert case_of_message_id(f"e2c.{nonce}.f{signature}@company.example", KEYS) is None


def test_hash_of_id_ignores_case_and_is_empty_for_nothing() -> None:
    assert hash_of("") == ""
    assert hash_of("AbC@Example.net") == hash_of("abc@example.net")
    assert hash_of("abc@example.net") == "cfc38d9ad256d3852522dae51c0c30af"
    assert len(hash_of("lone \ud800 surrogate")) == 32


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        ("<a.b@c.example>", "a.b@c.example"),
        (" <a.b\r\n @c.example> ", "a.b@c.example"),
        ("a.b@c.example", "a.b@c.example"),
        ("<>", ""),
        ("", ""),
        ("<" + "a" * 3000, "a" * 998),
    ],
)
def test_id_is_stored_without_brackets_and_blanks(text: str, identifier: str) -> None:
    assert clean_id(text) == identifier


def test_mails_of_one_outlook_conversation_share_their_root() -> None:
    start = bytes([1]) + bytes(range(21))
    root, answer = (base64.b64encode(index).decode() for index in (start, start + b"\x80\x00\x00\x01\x00"))
    other = base64.b64encode(bytes([1]) + bytes(range(1, 22))).decode()

    roots = [thread_index_root(header) for header in (root, f"{root[:20]}\r\n {root[20:]}", root.rstrip("="), answer)]

    assert set(roots) == {hashlib.sha256(start).hexdigest()[:32]}
    assert thread_index_root(other) not in roots


@pytest.mark.parametrize("header", ["", "AQHZ", "not base64 !!", "é" * 40, "="])
def test_malformed_thread_index_has_no_root(header: str) -> None:
    assert thread_index_root(header) == ""
