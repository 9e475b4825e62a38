from __future__ import annotations

import pytest

from routing.email_url import BadEmailUrl, parse_email_url


def test_file_needs_nothing_else() -> None:
    assert parse_email_url("file:").backend == "routing.email_backends.FileBackend"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (
            "smtp://rep%40x:p%3Ass@mail.example:587?tls=1",
            ("mail.example", 587, "rep@x", "p:ss", False, True),
        ),
        ("smtp://mail.example", ("mail.example", 25, "", "", False, False)),
        ("smtp://mail.example?tls=1", ("mail.example", 587, "", "", False, True)),
        ("smtps://u:p@mail.example", ("mail.example", 465, "u", "p", True, False)),
    ],
)
def test_smtp_options(url: str, expected: tuple[object, ...]) -> None:
    service = parse_email_url(url)

    names = ("host", "port", "username", "password", "use_ssl", "use_tls")
    assert service.backend == "django.core.mail.backends.smtp.EmailBackend"
    assert tuple(service.options[name] for name in names) == expected
    assert service.options["timeout"] == 30


def test_provider_gets_its_key_under_its_own_name_and_another_endpoint() -> None:
    service = parse_email_url("anymail+postmark://k%2Fey@", api_url="http://127.0.0.1:9/esp")

    assert service.backend == "anymail.backends.postmark.EmailBackend"
    assert service.options == {"server_token": "k/ey", "api_url": "http://127.0.0.1:9/esp"}


def test_provider_with_two_secrets_and_options() -> None:
    mailjet = parse_email_url("anymail+mailjet://key:secret@")
    mailgun = parse_email_url("anymail+mailgun://key@?sender_domain=mg.example.com")

    assert mailjet.options == {"api_key": "key", "secret_key": "secret"}
    assert mailgun.options == {"sender_domain": "mg.example.com", "api_key": "key"}


@pytest.mark.parametrize(
    "url",
    [
        "",
        "nonsense",
        "ftp://x",
        "smtp://",
        "smtp://host:no",
        "anymail+nobody://k@",
        "anymail+postmark://@",
        "anymail+postal://k@",
    ],
)
def test_bad_url_names_the_variable(url: str) -> None:
    with pytest.raises(BadEmailUrl, match="E2C_EMAIL_URL"):
        parse_email_url(url)


def test_secrets_stay_out_of_errors_and_reprs() -> None:
    with pytest.raises(BadEmailUrl) as error:
        parse_email_url("anymail+nobody://canary-secret@")

    assert "canary" not in str(error.value)
    assert "canary" not in repr(parse_email_url("smtp://u:canary@host"))
