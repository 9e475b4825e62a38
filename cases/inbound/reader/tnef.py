"""Unpack winmail.dat, the envelope in which Outlook hides files and text (MS-OXTNEF)."""

from __future__ import annotations

import logging
import mimetypes
import re
import struct
from collections.abc import MutableSet
from dataclasses import dataclass
from typing import Any

from cases.inbound.parsed import ParsedAttachment
from cases.inbound.reader.charsets import clean_text, decode_body, one_line

__all__ = ["UnpackedTnef", "unpack_tnef"]

logging.getLogger("tnefparse").setLevel(logging.CRITICAL)  # it reports each oddity of a sender's file as our error

_SIGNATURE = b"\x78\x9f\x3e\x22"
_MAX_DEPTH = 5
_MAX_RTF = 20_000_000


@dataclass(frozen=True, slots=True)
class UnpackedTnef:
    text: str
    html: str
    attachments: tuple[ParsedAttachment, ...]


def unpack_tnef(content: bytes, defects: MutableSet[str]) -> UnpackedTnef | None:
    """What the file holds; None when it cannot be read, and the file itself is all there is to keep."""
    if not content.startswith(_SIGNATURE):
        return None
    # Imported here: the parser costs 25 ms to import and few mails need it.
    from tnefparse import TNEF

    unpacked: Any = TNEF.__new__(TNEF)
    try:
        unpacked.__init__(content, do_checksum=False)
    except Exception:  # noqa: BLE001 - a parser of a binary format, fed by strangers, fails in every way there is
        # What it had read until then is kept on the object.
        defects.add("tnef_damaged")
    text, html, rtf = _bodies(unpacked)
    attachments = _files(unpacked, depth=0)
    if rtf:
        attachments.append(ParsedAttachment("body.rtf", "application/rtf", rtf))
    return UnpackedTnef(text, html, tuple(attachments)) if text or html or attachments else None


def _bodies(unpacked: Any) -> tuple[str, str, bytes]:
    """(text, HTML, RTF) of the message inside."""
    charset = str(getattr(unpacked, "codepage", None) or "cp1252")
    text, html = (_as_text(getattr(unpacked, name, None), charset) for name in ("body", "htmlbody"))
    compressed = getattr(unpacked, "_rtfbody", None)
    return text, html, decompress_rtf(compressed) if isinstance(compressed, bytes) else b""


def _as_text(value: Any, charset: str) -> str:
    if isinstance(value, (list, tuple)):
        value = value[0] if value else ""
    if isinstance(value, bytes):
        value = decode_body(value.rstrip(b"\x00"), charset)
    return clean_text(value.rstrip("\x00")) if isinstance(value, str) else ""


def _files(unpacked: Any, depth: int) -> list[ParsedAttachment]:
    files: list[ParsedAttachment] = []
    charset = str(getattr(unpacked, "codepage", None) or "cp1252")
    for attachment in getattr(unpacked, "attachments", None) or ():
        data = getattr(attachment, "data", b"")
        embedded = getattr(attachment, "embed", None)
        if embedded is not None and depth < _MAX_DEPTH:
            inner = _files(embedded, depth + 1)
            text, html, rtf = _bodies(embedded)
            name = _name(attachment, charset) or "message"
            if html or text:
                kind = ("html", "text/html") if html else ("txt", "text/plain")
                files.append(ParsedAttachment(f"{name}.{kind[0]}", kind[1], (html or text).encode()))
            elif rtf:
                files.append(ParsedAttachment(f"{name}.rtf", "application/rtf", rtf))
            if inner or html or text or rtf:
                files.extend(inner)
                continue
        if isinstance(data, bytes) and data:
            name = _name(attachment, charset)
            files.append(
                ParsedAttachment(name, _type(attachment, name), data, content_id=_property(attachment, _CONTENT_ID))
            )
    return files


# Property tags of MS-OXPROPS: PidTagAttachLongFilename, PidTagAttachContentId, PidTagAttachMimeTag.
_LONG_NAME, _CONTENT_ID, _MIME_TAG = 0x3707, 0x3712, 0x370E
_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")


def _property(attachment: Any, tag: int) -> str:
    value = next((each.data for each in attachment.mapi_attrs if each.name == tag), "")
    return one_line(_as_text(value, "cp1252"))[:998]


def _name(attachment: Any, charset: str) -> str:
    return _property(attachment, _LONG_NAME) or one_line(_as_text(getattr(attachment, "_name", ""), charset))[:1000]


def _type(attachment: Any, name: str) -> str:
    declared = _property(attachment, _MIME_TAG).lower()
    if _TYPE.fullmatch(declared):
        return declared
    return mimetypes.guess_type(name)[0] or "application/octet-stream"


# MS-OXRTFCP section 2.1.2.1: what the window holds before the first byte.
_RTF_WINDOW = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor "
    rb"MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0"
    + b"\r\n"
    + rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)


def decompress_rtf(compressed: bytes) -> bytes:
    """Compressed RTF (MS-OXRTFCP section 3.1) as RTF, at most 20 MB of it; b"" for what is none."""
    if len(compressed) < 16:
        return b""
    _, raw_size, kind, _ = struct.unpack_from("<4I", compressed)
    if kind == 0x414C454D:  # "MELA": not compressed
        return compressed[16 : 16 + raw_size]
    if kind != 0x75465A4C:  # "LZFu"
        return b""
    window = bytearray(_RTF_WINDOW.ljust(4096, b"\x00"))
    write, position, output = len(_RTF_WINDOW), 16, bytearray()
    limit = min(raw_size, _MAX_RTF)
    while position < len(compressed) and len(output) < limit:
        control = compressed[position]
        position += 1
        for bit in range(8):
            if not control >> bit & 1:
                run = bytearray(compressed[position : position + 1])
                position += 1
            elif position + 2 > len(compressed):
                return bytes(output)
            else:
                token = compressed[position] << 8 | compressed[position + 1]
                position += 2
                read = token >> 4
                if read == write:
                    return bytes(output[:limit])
                run = bytearray()
                for step in range((token & 15) + 2):
                    byte = window[(read + step) & 4095]
                    run.append(byte)
                    window[(write + step) & 4095] = byte
            for step, byte in enumerate(run):
                window[(write + step) & 4095] = byte
            write = (write + len(run)) & 4095
            output += run
    return bytes(output[:limit])
