"""The back office of mail: what came in and what became of it. History is shown, never edited."""

from cases.admin import (
    addresses,
    background,
    case,
    configuration,
    connections,
    email_message,
    inbound_email,
    outbound,
    refused_call,
    send_decision,
    settings_page,
    templates,
)

__all__ = [
    "addresses",
    "background",
    "case",
    "configuration",
    "connections",
    "email_message",
    "inbound_email",
    "outbound",
    "refused_call",
    "send_decision",
    "settings_page",
    "templates",
]
