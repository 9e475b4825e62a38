"""Read mail addresses as tolerantly as the world writes them, and compare them as mail servers do. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MailAddress:
    """One address with its display name. `address` is normalised: lower case, IDN domain in A-label form."""

    name: str
    address: str
