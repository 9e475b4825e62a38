"""What kind of file is it? Told from its first bytes where they tell, else as the sender declared it. Pure."""

from __future__ import annotations

import puremagic

HEAD = 2048  # bytes; signatures stand at the start
# What a sender may call a file without it being dangerous to show; bytes decide for everything else.
UNKNOWN = "application/octet-stream"


def detect_type(content: bytes, file_name: str, declared: str) -> str:
    """A MIME type, lower case. Used to choose an icon and to allow inline images; downloads are always attachments."""
    declared = declared.lower() or UNKNOWN
    if declared.startswith(("text/", "message/", "multipart/")) or not content:
        return declared
    try:
        found = puremagic.from_string(content[:HEAD], mime=True, filename=None)
    except (puremagic.PureError, ValueError):
        return declared if not declared.startswith("image/") else UNKNOWN
    return str(found or declared).lower()
