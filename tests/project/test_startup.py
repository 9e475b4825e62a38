from __future__ import annotations

from pathlib import Path

import pytest

from tests.project.processes import PRODUCTION, environment, manage, python

START = ("-c", "from e2c_project.startup import refuse_unsafe_start; refuse_unsafe_start(); print('started')")


def start(tmp_path: Path, **variables: str) -> tuple[int, str]:
    """(exit code, standard error) of a process that asks whether it may serve."""
    done = python(*START, env=environment(tmp_path, DJANGO_SETTINGS_MODULE="e2c_project.settings", **variables))
    assert (done.returncode == 0) == ("started" in done.stdout)
    return done.returncode, done.stderr


def test_demo_mode_starts_with_generated_secrets(tmp_path: Path) -> None:
    code, stderr = start(tmp_path, E2C_MODE="demo")

    assert (code, stderr) == (0, "")


def test_local_mode_starts_with_a_webhook_secret(tmp_path: Path) -> None:
    code, stderr = start(tmp_path, E2C_WEBHOOK_SECRET="post:office", E2C_LOG_LEVEL="ERROR")

    assert (code, stderr) == (0, "")


@pytest.mark.parametrize("secret", [{}, {"E2C_WEBHOOK_SECRET": ""}, {"E2C_WEBHOOK_SECRET": "  "}])
def test_a_missing_webhook_secret_stops_the_start_and_is_named(tmp_path: Path, secret: dict[str, str]) -> None:
    code, stderr = start(tmp_path, **secret)

    assert code == 1
    assert stderr.splitlines() == [
        "Not started: E2C_WEBHOOK_SECRET is not set: anybody could post mail. Set it to user:password."
    ]


def test_a_webhook_secret_without_a_password_stops_the_start(tmp_path: Path) -> None:
    code, stderr = start(tmp_path, E2C_WEBHOOK_SECRET="post:")

    assert code == 1
    assert "E2C_WEBHOOK_SECRET" in stderr


@pytest.mark.parametrize(
    ("provider", "variable"),
    [
        ("amazon_ses", "E2C_SNS_TOPICS"),
        ("brevo", "E2C_BREVO_API_KEY"),
        ("mailersend", "E2C_MAILERSEND_INBOUND_SECRET"),
        ("mailgun", "E2C_MAILGUN_WEBHOOK_SIGNING_KEY"),
        ("mandrill", "E2C_MANDRILL_WEBHOOK_KEY"),
        ("postal", "E2C_POSTAL_WEBHOOK_KEY"),
        ("resend", "E2C_RESEND_INBOUND_SECRET"),
        ("resend", "E2C_RESEND_API_KEY"),
    ],
)
def test_a_listed_provider_without_its_credential_stops_the_start(
    tmp_path: Path, provider: str, variable: str
) -> None:
    code, stderr = start(tmp_path, E2C_WEBHOOK_SECRET="post:office", E2C_PROVIDERS=provider, E2C_LOG_LEVEL="ERROR")

    assert code == 1
    assert f"Not started: {variable} is not set, and E2C_PROVIDERS lists {provider}, which needs it." in stderr


def test_production_starts_when_everything_is_set(tmp_path: Path) -> None:
    manage("setup", env=environment(tmp_path, **PRODUCTION))

    code, stderr = start(tmp_path, **PRODUCTION)

    assert (code, stderr) == (0, "")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SECRET_KEY", ""),
        ("SECRET_KEY", "demo-0123456789"),
        ("E2C_SECRET_KEY_FALLBACKS", "demo-0123456789"),
        ("E2C_THREAD_KEYS", "demo-0123456789"),
        ("E2C_WEBHOOK_SECRET", ""),
        ("E2C_WEBHOOK_SECRET", "demo:demo-0123456789"),
        ("E2C_WEBHOOK_SECRET", "post:demo-0123456789"),
        ("E2C_MAILGUN_WEBHOOK_SIGNING_KEY", "demo-0123456789"),
        ("E2C_DEBUG", "1"),
        ("E2C_ALLOWED_HOSTS", "*"),
        ("E2C_ALLOWED_HOSTS", ""),
        ("E2C_PUBLIC_URL", ""),
        ("E2C_PUBLIC_URL", "http://cases.example.com"),
        ("E2C_INBOUND_DOMAIN", ""),
        ("E2C_INBOUND_DOMAIN", "inbound.demo.example"),
        ("E2C_SYSTEM_FROM", ""),
        ("E2C_SYSTEM_FROM", "Email-to-Case <no-reply@demo.example>"),
    ],
)
def test_production_does_not_start_on_an_unsafe_value(tmp_path: Path, variable: str, value: str) -> None:
    code, stderr = start(tmp_path, **(PRODUCTION | {variable: value}))

    assert code == 1
    [sentence] = stderr.splitlines()
    assert sentence.startswith(f"Not started: {variable} ")


def test_a_secret_is_never_part_of_the_sentence(tmp_path: Path) -> None:
    code, stderr = start(tmp_path, **(PRODUCTION | {"E2C_WEBHOOK_SECRET": "post:demo-0123456789"}))

    assert code == 1
    assert "0123456789" not in stderr


def test_every_fault_has_its_own_sentence(tmp_path: Path) -> None:
    code, stderr = start(tmp_path, E2C_MODE="production", E2C_LOG_LEVEL="ERROR")

    assert code == 1
    named = [line.removeprefix("Not started: ").split()[0] for line in stderr.splitlines()]
    assert named == [
        "E2C_WEBHOOK_SECRET",
        "SECRET_KEY",
        "E2C_ALLOWED_HOSTS",
        "E2C_INBOUND_DOMAIN",
        "E2C_PUBLIC_URL",
        "E2C_SYSTEM_FROM",
    ]


def test_production_does_not_start_on_a_demo_user_with_the_demo_password(tmp_path: Path) -> None:
    demo = environment(tmp_path, E2C_MODE="demo")
    manage("setup", env=demo)
    manage("seed_demo", "--cases", "0", env=demo)

    code, stderr = start(tmp_path, **PRODUCTION)

    assert code == 1
    assert stderr.splitlines() == [
        "Not started: the user 'admin' still has the demonstration's password: change it or switch the user off.",
        "Not started: the user 'lead' still has the demonstration's password: change it or switch the user off.",
        "Not started: the user 'rep' still has the demonstration's password: change it or switch the user off.",
    ]


def test_the_web_server_stops_at_once_instead_of_starting_workers_again(tmp_path: Path) -> None:
    arguments = ("-m", "gunicorn", "e2c_project.wsgi", "--bind", "127.0.0.1:0", "--no-control-socket")

    done = python(*arguments, env=environment(tmp_path, E2C_MODE="production", E2C_LOG_LEVEL="ERROR"))

    assert done.returncode != 0
    assert "Not started: E2C_WEBHOOK_SECRET is not set" in done.stderr


def test_commands_that_need_no_secret_run_without_one_in_production(tmp_path: Path) -> None:
    done = manage("setup", env=environment(tmp_path, E2C_MODE="production", E2C_LOG_LEVEL="ERROR"))

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("E2C_MODE", "staging"),
        ("PORT", "http"),
        ("E2C_MAX_BODY_MB", "0"),
        ("E2C_TRIAL", "maybe"),
        ("E2C_TIME_ZONE", "Berlin"),
        ("E2C_TRUSTED_PROXIES", "-1"),
        ("E2C_PROVIDERS", "x"),
        ("E2C_LOG_FORMAT", "xml"),
        ("DATABASE_URL", "mysql://e2c:the-password@db/e2c"),
        ("DATABASE_URL", "e2c:the-password@db"),
        ("DATABASE_URL", "postgres://e2c:the-password@[db/e2c"),
    ],
)
def test_a_bad_value_stops_every_command_with_a_sentence_that_names_the_variable(
    tmp_path: Path, variable: str, value: str
) -> None:
    done = manage("check", env=environment(tmp_path, **{variable: value}))

    assert done.returncode == 1
    [sentence] = done.stderr.splitlines()
    assert sentence.startswith(f"{variable} ")
    assert "the-password" not in done.stderr


def test_a_new_data_folder_is_closed_to_other_users(tmp_path: Path) -> None:
    manage("check", env=environment(tmp_path / "new"))

    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
