"""Header texts that cannot be broken out of, and the marks of automatic mail. Pure."""

from __future__ import annotations

import re
from email.utils import formataddr

__all__ = ["automatic_headers", "bracketed", "domain_of_sender", "one_line", "sender_header", "split_sender"]

MOST_SUBJECT = 250  # characters; longer subjects are cut by mail programs anyway

# Everything that ends a line for somebody (CR, LF, VT, FF, FS, GS, RS, NEL, U+2028, U+2029), other controls, what
# cannot be encoded, and the marks that turn the direction of the text around.
_NOT_IN_A_LINE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u202a-\u202e\u2066-\u2069]+")


def one_line(text: str, *, limit: int = MOST_SUBJECT) -> str:
    """The text as one header line: line ends and controls become blanks, too long a text is cut with an ellipsis.

    "=?" would start an encoded word (RFC 2047): mail programs would show something else than we read.
    """
    line = " ".join(_NOT_IN_A_LINE.sub(" ", text).replace("=?", "= ?").split())
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def automatic_headers(*, answers_a_mail: bool) -> dict[str, str]:
    """Headers that keep other machines from answering: RFC 3834 section 5, and those of older programs."""
    return {
        "Auto-Submitted": "auto-replied" if answers_a_mail else "auto-generated",
        "X-Auto-Response-Suppress": "All",  # MS-OXCMAIL 2.2.3.2.14
        "Precedence": "bulk",
    }


def sender_header(configured: str) -> str:
    """A configured `Name <address>` as a From header without line ends, the name quoted where it must be."""
    name, address = split_sender(configured)
    return formataddr((name, address), charset="utf-8") if address.isascii() else address


def split_sender(configured: str) -> tuple[str, str]:
    """(name, address) of a configured `Name <address>` or bare address. A comma in the name is part of the name."""
    name, bracket, address = one_line(configured, limit=500).rpartition("<")
    if not bracket:
        return "", address.strip()
    return name.strip().strip('"').strip(), address.strip("> ")


def domain_of_sender(configured: str) -> str:
    """The domain of a configured `Name <address>`, for Message-IDs; "localhost" when it has none."""
    _local, at, domain = split_sender(configured)[1].rpartition("@")
    return domain.lower() if at and domain else "localhost"


def bracketed(identifier: str) -> str:
    return f"<{identifier}>"
