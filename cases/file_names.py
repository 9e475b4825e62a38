"""File names of strangers, made fit for a save dialog. Pure: stored files have names of their own."""

from __future__ import annotations

from cases.mail_html import hide_bidi_controls

MAX_FILE_NAME = 150  # characters
MAX_EXTENSION = 10
# Controls (a header would be split), separators of paths, and what file systems refuse.
REPLACED = dict.fromkeys([*range(32), *range(127, 160), 0x2028, 0x2029, *map(ord, '/\\:*?"<>|')], "_")


def safe_file_name(name: str, fallback: str) -> str:
    """One path component without control or bidi characters, not hidden, not endless; else `fallback`."""
    name = name.encode("utf-8", "replace").decode("utf-8")
    name = hide_bidi_controls(name).translate(REPLACED).strip(" .")
    if len(name) > MAX_FILE_NAME:
        stem, dot, extension = name.rpartition(".")
        if dot and len(extension) <= MAX_EXTENSION:
            name = f"{stem[: MAX_FILE_NAME - len(extension) - 1]}.{extension}"
        else:
            name = name[:MAX_FILE_NAME]
    return name or fallback
