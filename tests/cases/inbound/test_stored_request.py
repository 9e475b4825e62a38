"""Forms as providers post them, read without limits that lose mail and without touching a byte."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.inbound.accept import RequestFacts
from cases.inbound.exact_text import exact_bytes, exact_text
from cases.inbound.stored_request import read_form, rebuilt_request
from tests.cases.provider_requests import BOUNDARY, multipart

MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


@given(st.binary(max_size=200))
def test_bytes_survive_as_text(value: bytes) -> None:
    assert exact_bytes(exact_text(value)) == value


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), st.binary(max_size=200), max_size=5))
def test_multipart_fields_survive(fields: dict[str, bytes]) -> None:
    form = read_form(multipart(fields), MULTIPART)

    assert {field.name: field.value for field in form.fields} == {
        name: value for name, value in fields.items() if f"\r\n--{BOUNDARY}".encode() not in value
    }


@given(st.binary(max_size=300))
def test_any_body_is_read_without_an_error(body: bytes) -> None:
    read_form(body, MULTIPART)
    read_form(f"--{BOUNDARY}\r\n".encode() + body, MULTIPART)
    read_form(body, "application/x-www-form-urlencoded")


def test_urlencoded_fields_keep_their_bytes() -> None:
    form = read_form(b"a=%ff+x&b=&=c&a=last&d", "application/x-www-form-urlencoded; charset=utf-8")

    assert [(field.name, field.value) for field in form.fields] == [
        ("a", b"\xff x"), ("b", b""), ("", b"c"), ("a", b"last"), ("d", b"")
    ]  # fmt: skip
    assert form.text("a") == "last"


def test_form_that_is_cut_gives_what_is_there() -> None:
    body = multipart({"first": b"1", "body-mime": b"x" * 100})

    form = read_form(body[:-50], MULTIPART)

    assert [field.name for field in form.fields] == ["first", "body-mime"]


@pytest.mark.parametrize("name", ["/", "..", "../../etc/passwd", "C:\\\\a.txt", "a%22b.txt", ""])
def test_file_names_are_data(name: str) -> None:
    form = read_form(multipart({}, {"f": (name, "text/plain", b"x")}), MULTIPART)
    request = rebuilt_request(
        RequestFacts("POST", "/", "", {"Content-Type": MULTIPART}), multipart({}, {"f": (name, "text/plain", b"x")})
    )

    assert form.fields[0].file_name == name.replace("\\\\", "\\").replace("%22", '"')
    assert request.FILES["f"].read() == b"x"


def test_field_in_another_charset_is_decoded_as_the_form_says() -> None:
    body = multipart(
        {"charsets": '{"text": "windows-1252", "html": "no-such"}', "text": "h\x80".encode("latin-1"), "html": "ä"}
    )

    request = rebuilt_request(RequestFacts("POST", "/", "", {"Content-Type": MULTIPART}), body)

    assert (request.POST["text"], request.POST["html"], "charsets" in request.POST) == ("h€", "ä", False)
