"""Undo Content-Transfer-Encoding, and the older encodings inside text, as far as it goes. Nothing here raises."""

from __future__ import annotations

import binascii
import re
from collections.abc import MutableSet
from dataclasses import dataclass

__all__ = ["KNOWN_PRIVATE_ENCODINGS", "EmbeddedFile", "decode_transfer", "take_embedded_files"]

KNOWN_PRIVATE_ENCODINGS = ("x-uuencode", "x-uue", "x-unix-uuencode")
_BLANKS = b" \t\r\n"
_BASE64_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(set(range(256)) - set(_BASE64_ALPHABET))
_BAD_QUOTED = re.compile(rb"=(?![0-9A-Fa-f]{2}|[ \t]*(?:\r?\n|\r)|\Z)")
_LOOSE_SOFT_BREAK = re.compile(rb"=[ \t]*(?:[ \t]\r?\n|\r(?!\n))")
_UU_FILE = re.compile(rb"^begin(?:-base64)? [0-7]{3,4} ([^\r\n]{1,255})\r?\n", re.MULTILINE)
_YENC_FILE = re.compile(
    rb"^=ybegin [^\r\n]{0,200}?name=([^\r\n]{1,255})\r?\n(?:=ypart [^\r\n]{0,200}\r?\n)?", re.MULTILINE
)
_YENC_END = re.compile(rb"^=yend[^\r\n]*(?:\r?\n|\Z)", re.MULTILINE)
_UU_END = re.compile(rb"^(?:end|====)[ \t]*(?:\r?\n|\Z)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """A file that a program wrote into the text itself."""

    name: bytes
    content: bytes


def decode_transfer(data: bytes, encoding: str, defects: MutableSet[str]) -> bytes:
    """The bytes that `encoding` stands for. An unknown encoding means the bytes as they are (RFC 2045 section 6.4)."""
    if encoding in ("", "7bit", "8bit", "binary", "7-bit", "8-bit", "none"):
        return data
    if encoding == "base64":
        return _decode_base64(data, defects)
    if encoding in ("quoted-printable", "quotedprintable"):
        if _BAD_QUOTED.search(data):
            defects.add("quoted_printable_damaged")
        # The decoder knows no blanks behind a soft line break, and drops the text after one that ends in a bare CR.
        return binascii.a2b_qp(_LOOSE_SOFT_BREAK.sub(b"=\r\n", data))
    if encoding in KNOWN_PRIVATE_ENCODINGS or encoding in ("uuencode", "uue"):
        _, files = take_embedded_files(data)
        return files[0].content if files else data
    defects.add("transfer_encoding_unknown")
    return data


def _decode_base64(data: bytes, defects: MutableSet[str]) -> bytes:
    compact = data.translate(None, _BLANKS)
    try:
        return binascii.a2b_base64(compact, strict_mode=True)
    except (binascii.Error, ValueError):
        defects.add("base64_damaged")
    # Padding in the middle: several encoded pieces in a row, or a footer that a list server added in plain text.
    pieces = [piece for piece in re.split(rb"=+", compact) if piece]
    decoded = [_decode_base64_piece(pieces[0])] if pieces else []
    for piece in pieces[1:]:
        if piece.translate(None, _BASE64_ALPHABET) or len(piece) < 16:
            break
        decoded.append(_decode_base64_piece(piece))
    return b"".join(decoded)


def _decode_base64_piece(piece: bytes) -> bytes:
    letters = piece.replace(b"-", b"+").replace(b"_", b"/").translate(None, _NOT_BASE64)
    rest = len(letters) % 4
    if rest == 1:  # six bits are no byte
        letters, rest = letters[:-1], 0
    try:
        return binascii.a2b_base64(letters + b"=" * (-rest % 4))
    except (binascii.Error, ValueError):
        return b""


def take_embedded_files(text: bytes, *, limit: int = 100) -> tuple[bytes, list[EmbeddedFile]]:
    """(text without them, the uuencoded and yEnc files in it). A file without an end or content stays text."""
    files: list[EmbeddedFile] = []
    if b"begin" not in text:
        return text, files
    kept: list[bytes] = []
    position = 0
    for start_pattern, end_pattern, decode in ((_UU_FILE, _UU_END, _decode_uu), (_YENC_FILE, _YENC_END, _decode_yenc)):
        kept, position = [], 0
        while len(files) < limit:
            start = start_pattern.search(text, position)
            end = end_pattern.search(text, start.end()) if start else None
            if start is None or end is None:
                break
            content = decode(text[start.end() : end.start()], start.group().startswith(b"begin-base64"))
            if content:
                kept.append(text[position : start.start()])
                files.append(EmbeddedFile(start.group(1).strip().strip(b'"'), content))
            else:
                kept.append(text[position : end.end()])
            position = end.end()
        text = b"".join(kept) + text[position:]
    return text, files


def _decode_uu(lines: bytes, is_base64: bool) -> bytes:
    if is_base64:
        return _decode_base64(lines, set())
    decoded = []
    for line in lines.splitlines():
        if not line or line[0] in b" `":
            continue
        try:
            decoded.append(binascii.a2b_uu(line))
        except binascii.Error:
            # Mail servers strip blanks at line ends, others pad: keep what the length letter promises.
            count = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                decoded.append(binascii.a2b_uu(line[:count].ljust(count)))
            except binascii.Error:
                return b""  # a letter that no uuencoder writes: this was text
    return b"".join(decoded)


_YENC_SHIFT = bytes((value - 42) % 256 for value in range(256))
_YENC_ESCAPED = re.compile(rb"=(.)", re.DOTALL)


def _decode_yenc(lines: bytes, _is_base64: bool) -> bytes:
    joined = lines.replace(b"\r", b"").replace(b"\n", b"")
    unescaped = _YENC_ESCAPED.sub(lambda match: bytes([(match.group(1)[0] - 64) % 256]), joined)
    return unescaped.translate(_YENC_SHIFT)
