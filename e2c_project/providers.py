"""Which variables each inbound provider needs before its webhook may answer. Names are Anymail's URL names."""

from __future__ import annotations

from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

from e2c_project import env


@dataclass(frozen=True, slots=True)
class Credential:
    """One variable of a provider and the Anymail setting it fills ("" = ours, not Anymail's)."""

    variable: str
    anymail_setting: str
    demo_prefix: str = ""  # in demo mode a value is made: this and 32 random bytes; "" = no demo value can be made
    is_required: bool = True


CREDENTIALS: dict[str, tuple[Credential, ...]] = {
    "amazon_ses": (Credential("E2C_SNS_TOPICS", "", "arn:aws:sns:eu-central-1:000000000000:demo-"),),
    "brevo": (Credential("E2C_BREVO_API_KEY", "BREVO_API_KEY", "demo-"),),
    "mailersend": (
        Credential("E2C_MAILERSEND_INBOUND_SECRET", "MAILERSEND_INBOUND_SECRET", "demo-"),
        Credential("E2C_MAILERSEND_SIGNING_SECRET", "MAILERSEND_SIGNING_SECRET", is_required=False),  # of tracking
    ),
    "mailgun": (Credential("E2C_MAILGUN_WEBHOOK_SIGNING_KEY", "MAILGUN_WEBHOOK_SIGNING_KEY", "demo-"),),
    "mailjet": (),
    "mailtrap": (
        Credential("E2C_MAILTRAP_API_TOKEN", "MAILTRAP_API_TOKEN", "demo-"),
        Credential("E2C_MAILTRAP_INBOUND_SECRET", "MAILTRAP_INBOUND_SECRET", is_required=False),
        Credential("E2C_MAILTRAP_TRACKING_SECRET", "MAILTRAP_TRACKING_SECRET", is_required=False),
    ),
    "mandrill": (
        Credential("E2C_MANDRILL_WEBHOOK_KEY", "MANDRILL_WEBHOOK_KEY", "demo-"),
        # Mandrill signs the URL it calls, user:password included; set this where a proxy shows us another one.
        Credential("E2C_MANDRILL_WEBHOOK_URL", "MANDRILL_WEBHOOK_URL", is_required=False),
    ),
    "postal": (Credential("E2C_POSTAL_WEBHOOK_KEY", "POSTAL_WEBHOOK_KEY"),),
    "postmark": (),
    "resend": (
        Credential("E2C_RESEND_INBOUND_SECRET", "RESEND_INBOUND_SECRET"),
        Credential("E2C_RESEND_API_KEY", "RESEND_API_KEY", "demo-"),
        Credential("E2C_RESEND_SIGNING_SECRET", "RESEND_SIGNING_SECRET", is_required=False),  # of tracking
    ),
    "sendgrid": (
        Credential("E2C_SENDGRID_TRACKING_KEY", "SENDGRID_TRACKING_WEBHOOK_VERIFICATION_KEY", is_required=False),
    ),
    "sparkpost": (),
}
# Anymail keeps an older URL for Brevo; it is the same provider here.
ALIASES = {"ses": "amazon_ses", "sendinblue": "brevo"}


def chosen_providers(names: list[str] | None, credentials: dict[str, str]) -> list[str]:
    """The providers whose paths answer: those listed, else every one whose credentials are all set."""
    if names is None:
        return [name for name in CREDENTIALS if not missing_credentials([name], credentials)]
    chosen = [ALIASES.get(name.lower(), name.lower()) for name in names]
    unknown = [name for name in chosen if name not in CREDENTIALS]
    if unknown:
        raise ImproperlyConfigured(
            f"E2C_PROVIDERS names {unknown[0]!r}; known providers are {', '.join(sorted(CREDENTIALS))}."
        )
    return chosen


def read_credentials(demo_values: dict[str, str]) -> dict[str, str]:
    """Values by variable name: from the environment, else the demo ones."""
    variables = [c.variable for needs in CREDENTIALS.values() for c in needs]
    return {variable: env.text(variable) or demo_values.get(variable, "") for variable in variables}


def missing_credentials(providers: list[str], credentials: dict[str, str]) -> list[tuple[str, str]]:
    """(provider, variable) pairs that stop the web server from starting."""
    return [
        (name, c.variable)
        for name in providers
        for c in CREDENTIALS[name]
        if c.is_required and not credentials.get(c.variable)
    ]


def anymail_settings(credentials: dict[str, str]) -> dict[str, str]:
    return {
        c.anymail_setting: credentials[c.variable]
        for needs in CREDENTIALS.values()
        for c in needs
        if c.anymail_setting and credentials.get(c.variable)
    }


def demo_makers() -> dict[str, str]:
    return {c.variable: c.demo_prefix for needs in CREDENTIALS.values() for c in needs if c.demo_prefix}
