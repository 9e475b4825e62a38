"""The forms of delivery failures that flufl.bounce knows: Exim, qmail, Postfix, Exchange, GroupWise, Yahoo... Pure."""

from __future__ import annotations

import logging
import re
from email.message import Message

from flufl.bounce import all_failures

from cases.inbound.parsed import ParsedEmail

# The detectors log each exception of theirs; here it only means "no form recognised".
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL)

# Bounded, so that no text can make it look at one character many times.
ADDRESS = re.compile(r"[A-Za-z0-9._%+=/&'#*!~-]{1,80}@[A-Za-z0-9.-]{1,200}\.[A-Za-z0-9-]{1,40}")


def known_forms(email: ParsedEmail, text: str) -> tuple[set[str], set[str]]:
    """Recipients that failed for now, and for good, by the forms that flufl.bounce knows.

    It gets a mail built from what was read, cut to a bounded size, not the sender's MIME structure.
    """
    for multipart in (False, True):
        message = _rebuilt(email, text, multipart=multipart)
        try:
            temporary, permanent = all_failures(message)
        except (ValueError, LookupError, TypeError, AttributeError, AssertionError, RecursionError):
            # A detector stumbled over a mail of no form it knows, or over brackets in brackets in its From.
            continue
        found = _decoded(temporary), _decoded(permanent)
        if found[0] or found[1]:
            return found
    return set(), set()


def _rebuilt(email: ParsedEmail, text: str, *, multipart: bool) -> Message:
    message = Message()
    for name, value in email.headers[:200]:
        if name.lower() in (
            "from",
            "to",
            "subject",
            "x-failed-recipients",
            "x-mailer",
            "sender",
            "return-path",
            "message-id",
        ):
            message[name] = " ".join(value.split())[:500]
    if "From" not in message:
        message["From"] = email.sender.address if email.sender else "<>"
    part = message
    if multipart:
        part = Message()
        message["Content-Type"] = "multipart/mixed"
    part["Content-Type"] = "text/plain"
    part.set_payload(text.encode("ascii", "replace").decode("ascii"))
    if multipart:
        message.set_payload([part])
    return message


def _decoded(addresses: frozenset[bytes]) -> set[str]:
    found = {address.decode("ascii", "ignore").strip().strip("<>").rstrip(".").lower() for address in addresses}
    return {
        address
        for address in found
        if ADDRESS.fullmatch(address) or ("@" in address and len(address) < 200 and " " not in address)
    }
