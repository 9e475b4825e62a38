"""SMTP with an access token instead of a password, as Gmail and Microsoft 365 want it.

Sources: https://developers.google.com/workspace/gmail/imap/xoauth2-protocol and
https://learn.microsoft.com/exchange/client-developer/legacy-protocols/how-to-authenticate-an-imap-pop-smtp-application-by-using-oauth
"""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from typing import Any

from django.core.mail.backends.smtp import EmailBackend
from django.views.decorators.debug import sensitive_variables

TokenSource = Callable[[str], str]


class XOAuth2Backend(EmailBackend):
    """`token_source(rejected)` gives an access token; `rejected` is one that the server did not take, "" at first."""

    def __init__(self, *, username: str, token_source: TokenSource, **options: Any) -> None:
        super().__init__(username="", password="", **options)  # Django itself logs in with neither
        self.account = username
        self.token_source = token_source

    @sensitive_variables()
    def open(self) -> bool | None:
        """Connect and log in. A token that was withdrawn before its time is replaced once."""
        if self.connection is not None:
            return False
        token = self.token_source("")
        try:
            self._open_with(token)
        except smtplib.SMTPAuthenticationError:
            self._open_with(self.token_source(token))
        return True

    @sensitive_variables()
    def _open_with(self, token: str) -> None:
        super().open()
        smtp = self.connection
        assert smtp is not None  # noqa: S101 - Django's raises when there is none
        try:
            smtp.ehlo_or_helo_if_needed()
            if "XOAUTH2" not in smtp.esmtp_features.get("auth", "").upper().split():
                raise smtplib.SMTPNotSupportedError("The mail server does not offer the login XOAUTH2.")
            smtp.auth("XOAUTH2", _answers(self.account, token))
        except BaseException:
            self.close()
            raise


def _answers(account: str, token: str) -> Callable[..., str]:
    def answer(challenge: bytes | None = None) -> str:
        # A challenge is the server's refusal in JSON; it says 535 once it got an empty answer.
        return f"user={account}\x01auth=Bearer {token}\x01\x01" if challenge is None else ""

    return answer
