"""What beside words says that a mail server wrote a mail. Pure."""

from __future__ import annotations

from cases.inbound.analysis.words.failures import DAEMON_LOCAL_PARTS, DAEMON_NAMES, POSTMASTER_LOCAL_PARTS
from cases.inbound.analysis.words.folding import fold
from cases.inbound.parsed import ParsedEmail, ProviderFacts


class Evidence:
    """What beside words says that a mail server wrote.

    `daemon`: only servers use that name. `postmaster`, `named`: servers and their people do. `null_path`: all sorts of
    notifications do. `automatic`: some machine wrote, perhaps a shop's. `returned_to`: it went where bounces go.
    """

    def __init__(self, email: ParsedEmail, facts: ProviderFacts) -> None:
        sender = email.sender
        local = sender.address.partition("@")[0] if sender else ""
        from_header = fold(email.header("From")[:400])
        name = fold(sender.name) if sender else from_header
        self.null_path = has_null_return_path(email, facts)
        self.daemon = local.startswith(DAEMON_LOCAL_PARTS) or from_header.replace('"', "").startswith(
            ("mailer-daemon", "mailer daemon", "mail delivery sub", "mail delivery sys")
        )
        self.named = name.startswith(DAEMON_NAMES) or any(f"({known}" in from_header for known in DAEMON_NAMES)
        self.postmaster = local.startswith("postmaster")
        self.empty_sender = sender is None and bool(self.named or "<>" in from_header or not from_header)
        self.failed_recipients = bool(email.header("X-Failed-Recipients"))
        automatic = email.header("Auto-Submitted").split(";")[0].split("(")[0].strip().lower()
        self.automatic = automatic not in ("", "no") or local in POSTMASTER_LOCAL_PARTS or self.failed_recipients

        self.returned_to = any(
            "bounce" in part or part.startswith("owner-") or part.endswith(("-owner", "-admin", "-errors"))
            for part in (
                address.partition("@")[0]
                for address in (*(to.address for to in email.to[:5]), *email.delivered_to[:5])
            )
        )

    @property
    def strong(self) -> bool:
        return self.daemon or self.null_path or self.postmaster or self.named or self.empty_sender

    @property
    def any(self) -> bool:
        return self.strong or self.automatic or self.returned_to


def has_null_return_path(email: ParsedEmail, facts: ProviderFacts) -> bool:
    """RFC 5321 section 4.5.5: notifications leave with MAIL FROM:<>. Alone it proves nothing."""
    if facts.envelope_sender is not None:
        return facts.envelope_sender.strip() in ("", "<>")
    if any(
        value.strip() == "<>"
        for name in ("Return-Path", "X-Envelope-From", "Envelope-From")
        for value in email.header_all(name)
    ):
        return True
    # A server on the way noted it: Exim and Sendmail, and qmail for its own.
    return any(
        "(envelope-from <>" in value or "invoked for bounce" in value for value in email.header_all("Received")[:30]
    )
