"""What each provider says about a mail beside the mail itself: envelope, spam, SPF, DKIM and DMARC. Pure.

Only what the provider itself adds counts. A header that the sender could have written the same way is believed only
where the provider puts it: above the first server that is not the provider's own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from cases.inbound.captured_message import CapturedMessage
from cases.inbound.parsed import ProviderFacts
from cases.inbound.reader.charsets import one_line

__all__ = ["facts_of_event", "facts_of_row"]

LONGEST_ADDRESS = 320
MOST_RECIPIENTS = 1000


class Event(Protocol):
    """anymail.signals.AnymailInboundEvent."""

    esp_event: Any
    message: CapturedMessage


def facts_of_row(provider: str, envelope_sender: str, envelope_recipients: Sequence[str]) -> ProviderFacts:
    """For mail that came as it is. "<>" is the null sender; "" means that nobody said."""
    sender = None if not envelope_sender else envelope_sender.removeprefix("<").removesuffix(">")
    return ProviderFacts(provider, sender, tuple(envelope_recipients))


def facts_of_event(provider: str, event: Event) -> ProviderFacts:
    message = event.message
    said = _READERS.get(provider, _nothing)(event.esp_event, message)
    recipients = texts(said.get("recipients")) or texts(message.envelope_recipient)
    cleaned = (one_line(address)[:LONGEST_ADDRESS] for address in recipients[:MOST_RECIPIENTS])
    sender = said.get("sender", message.envelope_sender)
    return ProviderFacts(
        provider=provider,
        envelope_sender=one_line(sender)[:LONGEST_ADDRESS].strip("<>") if isinstance(sender, str) else None,
        envelope_recipients=tuple(dict.fromkeys(address for address in cleaned if address)),
        spam_detected=said.get("spam", message.spam_detected),
        spam_score=number(message.spam_score),
        authentication={
            method: verdict for method, verdict in said.get("authentication", {}).items() if verdict is not None
        },
    )


# --- tolerant reads ---


def texts(value: Any) -> list[str]:
    """A text or a list of texts as a list; anything else is left out."""
    values: Iterable[Any] = value if isinstance(value, list | tuple) else [value]
    return [each for each in values if isinstance(each, str)]


def section(value: Any, *keys: str) -> Any:
    """The value under a path of keys; None when something on the way is missing or no mapping."""
    for key in keys:
        if not isinstance(value, Mapping):
            return None
        value = value.get(key)
    return value


def number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


_SAME_WORDS = {"failed": "fail", "passed": "pass", "temperror": "temperror", "permerror": "permerror"}
_VERDICTS = frozenset({"pass", "fail", "softfail", "neutral", "none", "temperror", "permerror", "policy"})


def verdict(written: Any) -> str | None:
    """A verdict in the words of RFC 8601; None for what is none of them."""
    word = re.split(r"[\s(;]", written.strip().lower(), maxsplit=1)[0] if isinstance(written, str) else ""
    word = _SAME_WORDS.get(word, word)
    return word if word in _VERDICTS else None


def provider_header(headers: Iterable[tuple[str, str]], name: str, *, servers_above: int) -> str | None:
    """A header that the provider put above the sender's: before Received number `servers_above` + 1 from the top."""
    received = 0
    for key, value in headers:
        if key.lower() == "received":
            received += 1
            if received > servers_above:
                return None
        elif key.lower() == name.lower():
            return value
    return None


# --- one reader for each provider that says more than Anymail takes ---


def _nothing(_esp_event: Any, _message: CapturedMessage) -> dict[str, Any]:
    return {}


_SES_VERDICTS = {"PASS": "pass", "FAIL": "fail", "GRAY": "none", "PROCESSING_FAILED": "temperror"}


def _amazon_ses(esp_event: Any, _message: CapturedMessage) -> dict[str, Any]:
    receipt = section(esp_event, "receipt")
    return {
        "recipients": section(receipt, "recipients"),
        "authentication": {
            method: _SES_VERDICTS.get(str(section(receipt, f"{method}Verdict", "status")).upper())
            for method in ("spf", "dkim", "dmarc")
        },
    }


def _brevo(esp_event: Any, _message: CapturedMessage) -> dict[str, Any]:
    listed = section(esp_event, "Recipients")
    recipients = listed if isinstance(listed, list) else []
    return {"recipients": [each if isinstance(each, str) else section(each, "Address") for each in recipients]}


_SPF_CODES = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}  # RFC 7208 section 4.6.2


def _mailersend(esp_event: Any, _message: CapturedMessage) -> dict[str, Any]:
    data = section(esp_event, "data")
    listed = section(data, "recipients", "rcptTo")
    return {
        "recipients": [section(each, "email") for each in listed] if isinstance(listed, list) else [],
        "authentication": {
            "spf": _SPF_CODES.get(str(section(data, "spf_check", "code"))),
            # False is also what stands there when nothing was checked.
            "dkim": "pass" if section(data, "dkim_check") is True else None,
        },
    }


def _mailgun(_esp_event: Any, message: CapturedMessage) -> dict[str, Any]:
    return {
        "recipients": re.split(r"\s*,\s*", message.envelope_recipient or ""),
        "authentication": {
            "spf": verdict(provider_header(message.all_headers(), "X-Mailgun-Spf", servers_above=0)),
            "dkim": verdict(provider_header(message.all_headers(), "X-Mailgun-Dkim-Check-Result", servers_above=0)),
        },
    }


def _mandrill(esp_event: Any, _message: CapturedMessage) -> dict[str, Any]:
    signed, valid = (section(esp_event, "msg", "dkim", key) for key in ("signed", "valid"))
    return {
        "authentication": {
            "spf": verdict(section(esp_event, "msg", "spf", "result")),
            "dkim": None if signed is None else "none" if not signed else "pass" if valid else "fail",
        }
    }


def _postal(esp_event: Any, message: CapturedMessage) -> dict[str, Any]:
    status = section(esp_event, "spam_status")
    return {"spam": status == "Spam" if isinstance(status, str) else message.spam_detected}


def _postmark(esp_event: Any, _message: CapturedMessage) -> dict[str, Any]:
    # In its list of headers Postmark's own Received stands on top, its verdict right below.
    headers = [(str(each.get("Name")), str(each.get("Value"))) for each in section(esp_event, "Headers") or ()]
    return {"authentication": {"spf": verdict(provider_header(headers, "Received-SPF", servers_above=1))}}


def _resend(esp_event: Any, _message: CapturedMessage) -> dict[str, Any]:
    data = section(esp_event, "data")
    told = texts(section(data, "received_for"))
    return {"recipients": told or [*texts(section(data, "to")), *texts(section(data, "bcc"))]}


def _sendgrid(esp_event: Any, _message: CapturedMessage) -> dict[str, Any]:
    post = getattr(esp_event, "POST", {})
    try:
        envelope = json.loads(post.get("envelope", ""))
    except ValueError:
        envelope = None
    # "{@example.com : pass, @mail.example.com : fail}", or "none"
    dkim = [found for found in map(verdict, re.findall(r":\s*(\w+)", post.get("dkim", ""))) if found]
    return {
        "recipients": section(envelope, "to"),
        "authentication": {
            "spf": verdict(post.get("SPF")),
            "dkim": "pass" if "pass" in dkim else dkim[0] if dkim else verdict(post.get("dkim")),
        },
    }


_READERS: dict[str, Callable[[Any, CapturedMessage], dict[str, Any]]] = {
    "amazon_ses": _amazon_ses,
    "brevo": _brevo,
    "mailersend": _mailersend,
    "mailgun": _mailgun,
    "mandrill": _mandrill,
    "postal": _postal,
    "postmark": _postmark,
    "resend": _resend,
    "sendgrid": _sendgrid,
}
