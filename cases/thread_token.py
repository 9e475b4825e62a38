"""Signs of a thread that only we can make: thread token, reply address, our Message-ID. Pure; keys are passed in.

A token is `e2c-` + the case's id + a signature of 90 bits, all in the 32 characters a-z and 2-7, so that it survives
mail systems that change upper to lower case. The first key signs; every key proves, so keys can be rotated. Nothing in
here accepts a case number without its signature.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import re
import secrets
from collections.abc import Iterator, Sequence

__all__ = [
    "case_of_message_id",
    "case_of_reply_address",
    "case_token",
    "find_case_tokens",
    "new_message_id",
    "read_case_token",
    "reply_address",
    "token_mark",
    "without_thread_signs",
]

PREFIX = "e2c-"
ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"  # RFC 4648 section 6, lower case: no digit looks like a letter
SIGNATURE_CHARACTERS = 18  # of 5 bits: 90 bits
MOST_CASE_ID = 2**63 - 1
MAX_LOCAL_PART = 64  # RFC 5321 section 4.5.3.1.1
MOST_CANDIDATES = 100  # texts that look like a token, in one mail

_TOKEN = re.compile(rf"[eE]2[cC]-([a-zA-Z2-7]{{1,13}})([a-zA-Z2-7]{{{SIGNATURE_CHARACTERS}}})")
_MESSAGE_ID = re.compile(
    rf"[eE]2[cC]\.([a-zA-Z2-7]{{16}})\.([a-zA-Z2-7]{{1,13}})([a-zA-Z2-7]{{{SIGNATURE_CHARACTERS}}})@([!-?A-~]{{1,255}})"
)
# In a text: in our brackets with line ends, quote marks and soft breaks of mail clients inside, or bare. Every
# repetition is bounded and starts at a fixed letter, so that the scan is linear.
_IN_BRACKETS = re.compile(r"\[\s{0,4}[rR][eE][fF]\s{0,4}:([a-zA-Z2-7\-=>\s\u00ad\u200b\u2060\ufeff]{23,120})\]")
_BARE = re.compile(r"(?<![a-zA-Z0-9])[eE]2[cC]-[a-zA-Z2-7]{19,31}(?![a-zA-Z0-9])")
_TAG_OF_ADDRESS = re.compile(r"\+[eE]2[cC]-[a-zA-Z2-7]{19,31}(?=@)")
_BREAKS = re.compile(r"[=>\s\u00ad\u200b\u2060\ufeff]+")


def case_token(case_id: int, keys: Sequence[str]) -> str:
    """The thread token of a case, 23 to 35 characters. Raises ValueError without a key or for an id below 1."""
    return f"{PREFIX}{_encode(case_id)}{_signature(keys[0] if keys else '', 'case', str(case_id))}"


def read_case_token(text: str, keys: Sequence[str]) -> int | None:
    """The id of the case a token was made for; None unless one of the keys made exactly this token."""
    match = _TOKEN.fullmatch(text)
    if match is None:
        return None
    case_id = _decode(match.group(1).lower())
    if case_id is None or not _is_signed(match.group(2).lower(), keys, "case", str(case_id)):
        return None
    return case_id


def token_mark(case_id: int, keys: Sequence[str]) -> str:
    """The token as it stands in subjects and texts: `[ref:e2c-...]`."""
    return f"[ref:{case_token(case_id, keys)}]"


def find_case_tokens(text: str, keys: Sequence[str]) -> list[int]:
    """Ids of the cases whose tokens stand in a subject or a text, in order, each once. Linear in its length."""
    found: dict[int, None] = {}
    for candidate in _candidates(text):
        case_id = read_case_token(candidate, keys)
        if case_id is not None:
            found[case_id] = None
    return list(found)


def _candidates(text: str) -> Iterator[str]:
    bracketed = itertools.islice(_IN_BRACKETS.finditer(text), MOST_CANDIDATES)
    bare = itertools.islice(_BARE.finditer(text), MOST_CANDIDATES)
    spots = [(match.start(), _BREAKS.sub("", match.group(1))) for match in bracketed]
    spots += [(match.start(), match.group()) for match in bare]
    return (candidate for _start, candidate in sorted(spots))


def without_thread_signs(text: str) -> str:
    """The text without anything of ours that proves a thread: marks, bare tokens, the tags of reply addresses, signed
    Message-IDs. Signed or not, by whatever key. For what goes to people who shall not write into the case.
    """
    text = _IN_BRACKETS.sub("", text)
    text = _MESSAGE_ID.sub("", text)
    text = _TAG_OF_ADDRESS.sub("", text)
    return _TOKEN.sub("", text)


def reply_address(public_address: str, case_id: int, keys: Sequence[str]) -> str:
    """`support+<token>@company.com`; the public address as it is when a token would make its local part too long."""
    local, at, domain = public_address.rpartition("@")
    signed = f"{local}+{case_token(case_id, keys)}"
    if not at or local.startswith('"') or len(signed.encode()) > MAX_LOCAL_PART:
        return public_address
    return f"{signed}@{domain}"


def case_of_reply_address(address: str, keys: Sequence[str]) -> int | None:
    """The case that a reply address was made for; None for every other address. The domain is not looked at."""
    local, at, _domain = address.strip().strip("<>").rpartition("@")
    _public, plus, token = local.rpartition("+")
    return read_case_token(token, keys) if at and plus else None


def new_message_id(case_id: int | None, domain: str, keys: Sequence[str]) -> str:
    """A fresh Message-ID without angle brackets; signed when it is for a case, only random when `case_id` is None."""
    domain = domain.lower()
    nonce = base64.b32encode(secrets.token_bytes(10)).decode("ascii").lower()
    if case_id is None:
        return f"e2c.{nonce}@{domain}"
    signature = _signature(keys[0] if keys else "", "message-id", f"{nonce}.{case_id}@{domain}")
    return f"e2c.{nonce}.{_encode(case_id)}{signature}@{domain}"


def case_of_message_id(identifier: str, keys: Sequence[str]) -> int | None:
    """The case that we sent a mail with this Message-ID on; None unless we made exactly this id."""
    match = _MESSAGE_ID.fullmatch(identifier.strip().removeprefix("<").removesuffix(">"))
    if match is None:
        return None
    nonce, encoded, signature, domain = (part.lower() for part in match.groups())
    case_id = _decode(encoded)
    if case_id is None or not _is_signed(signature, keys, "message-id", f"{nonce}.{case_id}@{domain}"):
        return None
    return case_id


def _signature(key: str, purpose: str, content: str) -> str:
    if not key:
        raise ValueError("A thread token needs a key.")
    digest = hmac.new(key.encode(), f"e2c {purpose} {content}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest).decode("ascii").lower()[:SIGNATURE_CHARACTERS]


def _is_signed(signature: str, keys: Sequence[str], purpose: str, content: str) -> bool:
    """Whether one of the keys signed this. Compares in constant time, and with every key."""
    proofs = [hmac.compare_digest(signature, _signature(key, purpose, content)) for key in keys if key]
    return any(proofs)


def _encode(case_id: int) -> str:
    """A positive number in base 32, shortest form."""
    if not 1 <= case_id <= MOST_CASE_ID:
        raise ValueError("A case id is a positive number.")
    digits = ""
    while case_id:
        case_id, digit = divmod(case_id, 32)
        digits = ALPHABET[digit] + digits
    return digits


def _decode(text: str) -> int | None:
    """The number; None unless the text is its shortest form, so that one case has one token."""
    if text.startswith(ALPHABET[0]):
        return None
    case_id = 0
    for character in text:
        case_id = case_id * 32 + ALPHABET.index(character)
    return case_id if case_id <= MOST_CASE_ID else None
