"""Keys made from the ids that mails carry: Message-ID and Outlook's Thread-Index. Pure.

Ids can be 998 characters long and are written by anybody, so what the database indexes is a short hash of them.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

__all__ = ["HASH_LENGTH", "clean_id", "hash_of", "thread_index_root"]

HASH_LENGTH = 32  # hex digits, 128 bits
MAX_ID_LENGTH = 998  # RFC 5322 section 2.1.1: the longest line, so the longest id
MAX_THREAD_INDEX_LENGTH = 8000  # characters; an honest one grows by 5 bytes with every answer
# MS-OXOMSG 2.2.1.3 (PidTagConversationIndex): a header of 22 bytes, then 5 bytes for each answer.
CONVERSATION_HEADER_BYTES = 22

_ANGLES = re.compile(r"<([^<>]*)>")
_BLANKS = re.compile(r"[\s\x00-\x1f\x7f]+")


def hash_of(identifier: str) -> str:
    """The indexed key of an id without angle brackets: 32 hex digits, upper and lower case alike; "" for ""."""
    if not identifier:
        return ""
    return hashlib.sha256(identifier.lower().encode("utf-8", "surrogatepass")).hexdigest()[:HASH_LENGTH]


def clean_id(text: str) -> str:
    """An id as we store it: without angle brackets, blanks, controls, cut to 998; "" when nothing is left."""
    bracketed = _ANGLES.search(text[: 2 * MAX_ID_LENGTH])
    return _BLANKS.sub("", bracketed.group(1) if bracketed else text[: 2 * MAX_ID_LENGTH]).strip("<>")[:MAX_ID_LENGTH]


def thread_index_root(header: str) -> str:
    """The indexed key of the Outlook conversation that a Thread-Index header names; "" when it is malformed.

    All mails of a conversation share the first 22 bytes.
    """
    text = _BLANKS.sub("", header[:MAX_THREAD_INDEX_LENGTH]).rstrip("=")
    try:
        index = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return ""
    if len(index) < CONVERSATION_HEADER_BYTES:
        return ""
    return hashlib.sha256(index[:CONVERSATION_HEADER_BYTES]).hexdigest()[:HASH_LENGTH]
