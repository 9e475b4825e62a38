"""Mint and recognise the generated email services address. Pure.

Form: <token>@<inbound domain>; the token is 26 base32 characters (130 random bits), lower case, so that mail systems
that lower-case local parts cannot break it, and long enough that nobody guesses one.
"""

from __future__ import annotations

import re
import secrets

ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"
TOKEN_LENGTH = 26
TOKEN = re.compile(rf"[a-z2-7]{{{TOKEN_LENGTH}}}")


def mint_services_token() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(TOKEN_LENGTH))


def services_address_for(token: str, inbound_domain: str) -> str:
    return f"{token}@{inbound_domain}"


def services_token_of(address: str) -> str | None:
    """The token when `address` has the form of a services address at any domain, else None.

    The domain is not compared: a company that moves to another inbound domain keeps its forwards working.
    """
    local_part = address.partition("@")[0].partition("+")[0].lower()
    return local_part if TOKEN.fullmatch(local_part) else None
