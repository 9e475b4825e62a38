"""Builders for the mails that these tests analyse; all addresses are in example domains."""

from __future__ import annotations

from typing import Any

from cases.inbound.analysis import AnalysisContext, analyse
from cases.inbound.parsed import Analysis, ParsedEmail, ProviderFacts
from cases.inbound.reader import read_mail
from routing.addresses import MailAddress

OURS = "support@acme.example"


def context(**changes: Any) -> AnalysisContext:
    values: dict[str, Any] = {
        "own_addresses": frozenset((OURS,)),
        "own_message_id": lambda message_id: message_id.endswith("@ours.example"),
    }
    return AnalysisContext(**(values | changes))


def mail(
    text: str = "",
    html: str = "",
    subject: str = "Help with order 7",
    headers: tuple[tuple[str, str], ...] = (),
    **changes: Any,
) -> ParsedEmail:
    """A mail of a customer; `headers` come beside the usual ones."""
    values: dict[str, Any] = {
        "sender": MailAddress("Casey Customer", "casey@example.net"),
        "senders": (MailAddress("Casey Customer", "casey@example.net"),),
        "to": (MailAddress("", OURS),),
        "subject": subject,
        "text_body": text,
        "html_body": html,
        "message_id": "m1@mail.example.net",
        "headers": (("From", "Casey Customer <casey@example.net>"), ("To", OURS), ("Subject", subject), *headers),
    }
    return ParsedEmail(**(values | changes))


def analysed(email: ParsedEmail, facts: ProviderFacts | None = None, **changes: Any) -> Analysis:
    return analyse(email, facts or ProviderFacts("test"), context(**changes))


def analysed_raw(raw: str | bytes, facts: ProviderFacts | None = None, **changes: Any) -> Analysis:
    """Read and analyse a mail written out in full."""
    data = raw.encode() if isinstance(raw, str) else raw
    return analyse(read_mail(data), facts or ProviderFacts("test"), context(**changes), data)
