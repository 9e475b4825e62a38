from __future__ import annotations

import json
from email import message_from_bytes, policy
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from anymail.backends.postmark import EmailBackend as PostmarkBackend
from django.core.mail import EmailMessage

from routing.connections import system_connection
from routing.email_backends import FileBackend


@pytest.fixture
def outbox(tmp_path: Path, settings: Any) -> Path:
    settings.E2C_EMAIL_URL = "file:"
    settings.E2C_DATA_DIR = tmp_path
    return tmp_path / "outbox"


def message(**changes: Any) -> EmailMessage:
    values = {
        "subject": "Grüße",
        "body": "Hällo\n.\nFrom here",
        "from_email": "Support <support@company.example>",
        "to": ["Casey <casey@example.net>"],
        "cc": ["cc@example.net"],
        "bcc": ["bcc@example.net"],
    }
    return EmailMessage(**(values | changes))


def test_hand_over_is_an_eml_with_its_envelope_beside_it(outbox: Path) -> None:
    mail = message()
    mail.e2c_idempotency_key = "reply-7"  # type: ignore[attr-defined]

    assert system_connection().send_messages([mail]) == 1

    (eml,), (beside,) = list(outbox.glob("*.eml")), list(outbox.glob("*.json"))
    assert eml.stem == beside.stem
    assert json.loads(beside.read_text()) == {
        "envelope": {
            "from": "support@company.example",
            "to": ["casey@example.net", "cc@example.net", "bcc@example.net"],
        },
        "idempotency_key": "reply-7",
    }
    parsed = message_from_bytes(eml.read_bytes(), policy=policy.default)
    assert parsed["Subject"] == "Grüße"
    assert parsed["Bcc"] is None
    assert parsed.get_content().splitlines() == ["Hällo", ".", "From here"]
    assert b"\r\n" in eml.read_bytes()


def test_key_in_a_header_is_taken_out_before_writing(outbox: Path) -> None:
    system_connection().send_messages([message(headers={"X-E2C-Idempotency-Key": "notice-1"})])

    (eml,), (beside,) = list(outbox.glob("*.eml")), list(outbox.glob("*.json"))
    assert json.loads(beside.read_text())["idempotency_key"] == "notice-1"
    assert b"X-E2C" not in eml.read_bytes()


def test_each_message_of_a_batch_is_its_own_hand_over(outbox: Path) -> None:
    assert system_connection().send_messages([message(), message(), message(to=[], cc=[], bcc=[])]) == 2

    assert len(list(outbox.glob("*.eml"))) == 2
    assert json.loads(next(iter(outbox.glob("*.json"))).read_text())["idempotency_key"] is None


def test_connection_of_a_provider_uses_the_given_endpoint(settings: Any) -> None:
    settings.E2C_EMAIL_URL = "anymail+postmark://key@"
    settings.E2C_ESP_API_URL = "http://127.0.0.1:9/esp"

    connection = system_connection()

    assert isinstance(connection, PostmarkBackend)
    assert connection.api_url == "http://127.0.0.1:9/esp/"


@pytest.mark.parametrize(
    ("esp", "credentials"),
    [
        ("brevo", "k"),
        ("mailersend", "k"),
        ("mailgun", "k"),
        ("mailjet", "k:s"),
        ("mailtrap", "k"),
        ("mandrill", "k"),
        ("postal", "k"),
        ("postmark", "k"),
        ("resend", "k"),
        ("sendgrid", "k"),
        ("sparkpost", "k"),
        ("amazon_ses", ""),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_every_provider_can_be_built_from_its_url(esp: str, credentials: str, settings: Any) -> None:
    settings.E2C_EMAIL_URL = f"anymail+{esp}://{credentials}@"
    settings.E2C_ESP_API_URL = "http://127.0.0.1:9/"

    assert isinstance(system_connection(), import_module(f"anymail.backends.{esp}").EmailBackend)


def test_folder_can_be_chosen(tmp_path: Path) -> None:
    FileBackend(folder=tmp_path / "here").send_messages([message()])

    assert len(list((tmp_path / "here").glob("*.eml"))) == 1
