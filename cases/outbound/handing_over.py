"""The one call to the provider, and what its answer, or its silence, means.

Three kinds of "no": a refusal that is over by itself (tried again), a refusal for good, and silence after the mail was
under way. Only the provider knows what silence means, so the mail is `uncertain` and a person decides.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parseaddr, parsedate_to_datetime

import requests
from anymail.exceptions import AnymailAPIError, AnymailError, AnymailRecipientsRefused, AnymailRequestsAPIError
from django.core.mail import EmailMessage as DjangoEmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.core.mail.message import sanitize_address
from django.utils import timezone
from urllib3.exceptions import NewConnectionError

from cases.outbound.messages import written_out
from routing.oauth import NeedsConnecting, TokenNotNow
from routing.sealing import CannotSeal, CannotUnseal

__all__ = ["Accepted", "Answer", "NotNow", "Refused", "Unclear", "hand_over", "open_connection"]

LONGEST_DETAIL = 500
# Gmail says with a code for good that the account has sent all that it may on one day:
# https://support.google.com/a/answer/3726730
USED_UP, AFTER_USED_UP = "550 5.4.5", timedelta(hours=1)
# What Amazon SES answers to a mail by SMTP: its id, which it also writes over our Message-ID.
_SES_ID = re.compile(r"250 Ok ([0-9a-f]{16}-[0-9a-f]{8}-[0-9a-f-]{27}-\d{6})$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has the mail. `refused` names recipients it turned away, with its words."""

    provider_id: str = ""
    detail: str = ""
    refused: dict[str, str] = field(default_factory=dict)
    provider_ids: dict[str, str] = field(default_factory=dict)  # per recipient, where providers number them so


@dataclass(frozen=True, slots=True)
class NotNow:
    """The provider certainly does not have the mail, and may take it later; `whole_service`: nor any other.

    `waits_for_person`: time alone mends nothing; the mail waits for days, and no attempt is used up.
    """

    detail: str
    retry_after: timedelta | None = None
    whole_service: bool = False
    waits_for_person: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """The provider certainly does not have the mail, and never will."""

    detail: str


@dataclass(frozen=True, slots=True)
class Unclear:
    """The provider may have the mail, or not."""

    detail: str


Answer = Accepted | NotNow | Refused | Unclear


def open_connection(connection: BaseEmailBackend) -> NotNow | None:
    """Connect, greet and log in, before the mail counts as being sent. None when that worked.

    Whatever fails here is over before the mail was mentioned. A wrong password, or a permission that was withdrawn,
    waits for somebody to mend it.
    """
    try:
        connection.open()
    except NeedsConnecting as error:
        return NotNow(str(error)[:LONGEST_DETAIL], whole_service=True, waits_for_person=True)
    except TokenNotNow as error:
        return NotNow(str(error)[:LONGEST_DETAIL], whole_service=True)
    except (smtplib.SMTPAuthenticationError, CannotSeal, CannotUnseal) as error:
        return NotNow(_words(error), whole_service=True, waits_for_person=True)
    except Exception as error:  # noqa: BLE001 - each SDK has its own errors; recorded on the row, and the mail waits
        return NotNow(_words(error), whole_service=True)
    return None


def hand_over(connection: BaseEmailBackend, message: DjangoEmailMessage) -> Answer:
    """Give one mail to the provider, once. `connection` is open; errors of the provider become answers."""
    try:
        if isinstance(connection, SmtpBackend):
            return _hand_over_smtp(connection.connection, message)
        connection.send_messages([message])
    except AnymailRecipientsRefused as error:
        return Refused(_words(error))
    except AnymailRequestsAPIError as error:
        return _read_http_error(error)
    except AnymailAPIError as error:
        return _read_sdk_error(error)
    except AnymailError as error:
        return Refused(_words(error))  # raised while the call is prepared: this mail does not fit this provider
    except Exception as error:  # noqa: BLE001 - whatever a backend raises is recorded; the call may have reached the provider
        return Unclear(_words(error))
    return _read_status(message)


def _hand_over_smtp(smtp: smtplib.SMTP | None, message: DjangoEmailMessage) -> Answer:
    """The dialogue of RFC 5321 section 3.3 by hand: smtplib's sendmail does not tell how far it came."""
    if smtp is None:
        return NotNow("There is no connection to the mail server.")
    content = written_out(message)
    encoding = message.encoding or "utf-8"
    sender = sanitize_address(getattr(message, "envelope_sender", "") or message.from_email, encoding)
    recipients = list(dict.fromkeys(sanitize_address(recipient, encoding) for recipient in message.recipients()))
    refused: dict[str, tuple[int, str]] = {}
    try:
        smtp.ehlo_or_helo_if_needed()
        code, words = smtp.mail(sender, [f"size={len(content)}"] if smtp.has_extn("size") else [])
        if code != 250:
            return _read_smtp_code(code, words)
        for recipient in recipients:
            code, words = smtp.rcpt(recipient)
            if code not in (250, 251):
                refused[recipient] = (code, _text(words))
            if code == 421:
                return _read_smtp_code(code, words)
        if len(refused) == len(recipients):
            # Nobody got it, so nobody gets it twice: one "later" among the refusals is enough to try again.
            code, answer = min(refused.values())
            return _read_smtp_code(code, answer)
    except (smtplib.SMTPException, OSError) as error:
        return NotNow(_words(error))
    try:
        code, words = smtp.data(content)
    except smtplib.SMTPDataError as error:
        return _read_smtp_code(error.smtp_code, error.smtp_error)  # the answer to DATA itself: no content was sent
    except (smtplib.SMTPException, OSError) as error:
        return Unclear(_words(error))
    if code != 250:
        return _read_smtp_code(code, words)
    detail = f"{code} {_text(words)}"[:LONGEST_DETAIL]
    ses = _SES_ID.fullmatch(detail)
    return Accepted(
        provider_id=ses[1] if ses else "",
        detail=detail,
        refused={_bare(recipient): f"{code} {answer}" for recipient, (code, answer) in refused.items()},
    )


def _read_smtp_code(code: int, words: bytes | str) -> Answer:
    detail = f"{code} {_text(words)}"[:LONGEST_DETAIL]
    if 400 <= code <= 499:
        # RFC 5321 section 3.8: after 421 the server closes the channel; everything else speaks of this mail.
        return NotNow(detail, whole_service=code == 421)
    if code == 530:  # RFC 4954 section 6: log in first
        return NotNow(detail, whole_service=True, waits_for_person=True)
    if detail.startswith(USED_UP):
        return NotNow(detail, AFTER_USED_UP, whole_service=True)
    if 500 <= code <= 599:
        return Refused(detail)
    return Unclear(detail)


def _read_http_error(error: AnymailRequestsAPIError) -> Answer:
    status, detail = error.status_code, _words(error)
    if status is None:
        return NotNow(detail, whole_service=True) if _never_connected(error) else Unclear(detail)
    if status in (401, 429, 503):  # 401: our key is wrong, and somebody has to correct it
        return NotNow(detail, _retry_after(error.response), whole_service=True, waits_for_person=status == 401)
    if 400 <= status <= 499 and status != 408:
        return Refused(detail)
    return Unclear(detail)


def _never_connected(error: BaseException) -> bool:
    """Whether the connection to the provider failed before the request could be sent."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    causes = _causes(error)
    return any(isinstance(cause, (NewConnectionError, ssl.SSLCertVerificationError)) for cause in causes)


def _causes(error: BaseException) -> list[BaseException]:
    """The error and everything it was made from; requests hides urllib3's reason in its arguments."""
    found: list[BaseException] = []
    open_ends: list[object] = [error]
    while open_ends and len(found) < 20:
        cause = open_ends.pop()
        if isinstance(cause, BaseException) and cause not in found:
            found.append(cause)
            open_ends += [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args]
    return found


def _retry_after(response: requests.Response | None) -> timedelta | None:
    """RFC 9110 section 10.2.3: seconds or a date; None when absent or unreadable."""
    value = response.headers.get("Retry-After", "").strip() if response is not None else ""
    if value.isascii() and value.isdigit():
        return timedelta(seconds=min(int(value[:9]), 86_400))
    try:
        return max(parsedate_to_datetime(value) - timezone.now(), timedelta(0)) if value else None
    except (TypeError, ValueError, IndexError):
        return None


def _read_sdk_error(error: AnymailAPIError) -> Answer:
    """Amazon SES: Anymail wraps what botocore raises."""
    cause, detail = error.__cause__, _words(error)
    response = getattr(cause, "response", None)
    if isinstance(response, dict):
        code = str(response.get("Error", {}).get("Code", ""))
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status in (429, 503) or "Throttl" in code or code == "TooManyRequestsException":
            return NotNow(detail, whole_service=True)
        if isinstance(status, int) and 400 <= status <= 499:
            return Refused(detail)
    if type(cause).__name__ in ("EndpointConnectionError", "ConnectTimeoutError", "NoCredentialsError"):
        return NotNow(detail, whole_service=True)
    return Unclear(detail)


def _read_status(message: DjangoEmailMessage) -> Answer:
    """What Anymail learned about each recipient; other backends tell nothing, and raise when they fail."""
    status = getattr(message, "anymail_status", None)
    recipients = getattr(status, "recipients", None) or {}
    ids = {_bare(address): str(each.message_id or "") for address, each in recipients.items()}
    states = {each.status for each in recipients.values()}
    if states and states <= {"invalid", "rejected", "failed"}:
        return Refused(f"The provider says {', '.join(sorted(states))}.")
    if states and states <= {"unknown", None} and not any(ids.values()):
        return Unclear("The provider's answer says nothing about any recipient.")
    return Accepted(
        provider_id=next((identifier for identifier in ids.values() if identifier), "")[:255],
        refused={
            _bare(address): f"the provider says {each.status}"
            for address, each in recipients.items()
            if each.status in ("invalid", "rejected", "failed")
        },
        provider_ids=ids,
    )


def _bare(address: str) -> str:
    return (parseaddr(address)[1] or address).strip().strip("<>").lower()


def _text(words: bytes | str) -> str:
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    return " ".join(text.replace("\x00", " ").split())


def _words(error: BaseException) -> str:
    return _text(f"{type(error).__name__}: {error}")[:LONGEST_DETAIL]
