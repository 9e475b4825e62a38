"""What the analysis must know about this instance. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _never_ours(_message_id: str) -> bool:
    return False


# Answers a DNS TXT question: the name (no final dot needed) -> the record's text, None when there is none.
# Raises OSError or TimeoutError when the question could not be answered.
TxtResolver = Callable[[str], "str | None"]


@dataclass(frozen=True, slots=True)
class AnalysisContext:
    """Facts about this instance. All addresses are normalised (routing.addresses) and lower case."""

    # Routing addresses, their services addresses and the system's From: a mail from one of them is our own.
    own_addresses: frozenset[str] = frozenset()
    # Whether a Message-ID (without angle brackets) is one that this instance minted.
    own_message_id: Callable[[str], bool] = _never_ours
    # authserv-ids (RFC 8601 section 2.5) whose Authentication-Results are believed; compared without case.
    trusted_authserv_ids: frozenset[str] = frozenset()
    # None: no DNS question is asked and nothing is computed.
    resolver: TxtResolver | None = None
