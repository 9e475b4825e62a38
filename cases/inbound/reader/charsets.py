"""Bytes of any origin to clean text: the declared charset if it works, else the likeliest. Nothing here raises."""

from __future__ import annotations

import codecs
import re
from collections.abc import MutableSet
from functools import lru_cache

__all__ = [
    "clean_text",
    "codec_for",
    "decode_as",
    "decode_body",
    "decode_header_bytes",
    "decode_words_bytes",
    "one_line",
]

# What senders declare and what they mean. Mostly the WHATWG Encoding Standard: supersets that read the same and more.
_MEANT = {
    "iso-8859-1": "cp1252",
    "iso8859-1": "cp1252",
    "latin1": "cp1252",
    "latin-1": "cp1252",
    "l1": "cp1252",
    "ansi": "cp1252",
    "x-ansi": "cp1252",
    "cp-1252": "cp1252",
    "x-cp1252": "cp1252",
    "iso-8859-9": "cp1254",
    "iso8859-9": "cp1254",
    "latin5": "cp1254",
    "iso-8859-11": "cp874",
    "tis-620": "cp874",
    "iso-8859-8-i": "iso-8859-8",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-6-i": "iso-8859-6",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "x-gbk": "gb18030",
    "gbk": "gb18030",
    "cp936": "gb18030",
    "euc-cn": "gb18030",
    "big5": "big5hkscs",
    "big-5": "big5hkscs",
    "x-x-big5": "big5hkscs",
    "cn-big5": "big5hkscs",
    "shift_jis": "cp932",
    "shift-jis": "cp932",
    "sjis": "cp932",
    "x-sjis": "cp932",
    "ms_kanji": "cp932",
    "windows-31j": "cp932",
    "iso-2022-jp": "iso2022_jp_ext",
    "x-euc-jp": "euc_jp",
    "ks_c_5601-1987": "cp949",
    "ks_c_5601-1989": "cp949",
    "ks_c_5601": "cp949",
    "ksc_5601": "cp949",
    "ksc5601": "cp949",
    "euc-kr": "cp949",
    "korean": "cp949",
    "x-windows-949": "cp949",
    "macintosh": "mac_roman",
    "x-mac-roman": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic",
    "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8",
    "x-unknown": "utf-8",
    "us-ascii": "utf-8",
    "ascii": "utf-8",
    "ansi_x3.4-1968": "utf-8",
    "x-user-defined": "utf-8",
    "unicode": "utf-16",
    "ucs-2": "utf-16",
}
# Codecs of Python that are no charsets of mail: some transform bytes, some take quadratic time. UTF-7 is read where
# text stays text, and never in HTML: there its only use today is to carry markup past a filter.
_UTF7 = ("utf-7", "utf_7", "utf7", "unicode-1-1-utf-7")
_NOT_CHARSETS = {*_UTF7, "idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem"}
_LATIN = {"cp1252", "iso8859-15", "cp1254", "latin-1", "iso8859-1"}
_CHARSET_JUNK = re.compile(r"[^a-z0-9._:+-]+")
_META_CHARSET = re.compile(rb"<meta[^<>]{0,200}?charset\s{0,9}=[\s\"']{0,9}([a-z0-9._:+-]{2,40})", re.IGNORECASE)
_GUESS_SAMPLE = 4096
_GUESS_AT_LEAST = 32

_NOT_STORABLE = re.compile("[\x00\ud800-\udfff]")
_CONTROLS = re.compile("[\x01-\x08\x0b-\x1f\x7f]+")
_LINE_BREAKS = re.compile("[\t\n\x0b\x0c\r\x1c-\x1e\x85\u2028\u2029]+")


def clean_text(text: str) -> str:
    """Text that every database stores: NUL and lone surrogates are U+FFFD, line ends "\\n". The one scrub function."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\x00" in text or not text.isascii():
        text = _NOT_STORABLE.sub("\ufffd", text)
    return text


def one_line(text: str) -> str:
    """Clean text for one header value: no line break of any alphabet, no control character, no blanks around it."""
    if text.isprintable():  # the plain case: no control, no surrogate, no separator but the blank
        return text.strip()
    return _CONTROLS.sub("", _LINE_BREAKS.sub(" ", clean_text(text))).strip()


@lru_cache(maxsize=256)
def codec_for(charset: str) -> str | None:
    """Name of the Python codec that reads a declared charset; None for what is no charset."""
    name = _CHARSET_JUNK.sub("", charset.lower().replace("\x00", ""))[:60].strip("-_.:")
    name = _MEANT.get(name, name)
    if name.startswith("cp-"):
        name = "cp" + name[3:]
    for candidate in (name, name.replace("windows", "cp"), name.removeprefix("x-")):
        if not candidate or candidate in _NOT_CHARSETS:
            continue
        try:
            info = codecs.lookup(candidate)
            "".encode(candidate)  # refuses what is no text encoding (rot13, base64, zlib)
        except (LookupError, ValueError, UnicodeError):
            continue
        if info.name in _NOT_CHARSETS:
            return None
        return _MEANT.get(info.name, info.name)
    return None


def _decode_strictly(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except (UnicodeError, ValueError, LookupError):
        return None


def _decode_utf7(data: bytes, charset: str) -> str | None:
    """The text if UTF-7 (RFC 2152) is declared and right."""
    return _decode_strictly(data, "utf-7") if charset.lower().strip() in _UTF7 else None


def _looks_wrong(data: bytes, codec: str) -> bool:
    """Whether the declared codec reads the bytes but cannot be meant."""
    if codec in _LATIN:
        # Text in a Latin charset is valid UTF-8 by accident next to never.
        return not data.isascii() and _decode_strictly(data, "utf-8") is not None
    if codec.startswith(("utf-16", "utf-32")):
        return b"\x00" not in data and data.isascii() and not data.startswith((b"\xff\xfe", b"\xfe\xff"))
    return False


def decode_body(data: bytes, charset: str, *, is_html: bool = False, defects: MutableSet[str] | None = None) -> str:
    """The text of a body part. `defects` gets "charset_guessed" or "charset_errors" where the declaration failed."""
    noted: MutableSet[str] = set() if defects is None else defects
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
        charset = "utf-8"
    codec = codec_for(charset) if charset else None
    if codec is None and not is_html and (text := _decode_utf7(data, charset)) is not None:
        return clean_text(text)
    if codec in (None, "utf-8") and b"\x1b$" in data:
        codec = "iso2022_jp_ext"  # Japanese mail often forgets to say so; the escape means nothing else
    if data.isascii() and b"\x1b" not in data and not (codec or "").startswith(("utf-16", "utf-32", "hz")):
        if charset and codec is None:
            noted.add("charset_guessed")
        return clean_text(data.decode("ascii"))
    if codec and not _looks_wrong(data, codec):
        is_cut = codec.startswith("utf-16") and len(data) % 2  # a cut last character must not cost the whole text
        text = _decode_strictly(data[:-1] if is_cut else data, codec)
        if text is not None:
            return clean_text(text.removeprefix("\ufeff"))
    noted.add("charset_guessed")
    text = _decode_strictly(data, "utf-8")
    if text is not None:
        return clean_text(text)
    if codec and (text := _decode_with_few_errors(data, codec)) is not None:
        noted.discard("charset_guessed")
        noted.add("charset_errors")
        return clean_text(text)
    if is_html and (meta := _META_CHARSET.search(data[:2048])):
        meta_codec = codec_for(meta.group(1).decode("ascii"))
        if meta_codec and (text := _decode_strictly(data, meta_codec)) is not None:
            return clean_text(text)
    return clean_text(_decode_by_guess(data))


def _decode_with_few_errors(data: bytes, codec: str) -> str | None:
    """The text if the codec is right for all but some bytes, such as a character cut in half by a careless program."""
    try:
        text = data.decode(codec, errors="replace")
    except (UnicodeError, ValueError, LookupError):
        return None
    errors = text.count("\ufffd")
    foreign = sum(1 for character in text[:100_000] if character > "\x7f") if len(text) < 100_000 else len(text) // 4
    return text if errors * 4 <= foreign else None


def _decode_by_guess(data: bytes) -> str:
    sample = _foreign_sample(data)
    # In a text with a few accents the detector guesses no better than we do.
    foreign = sum(byte > 0x7F for byte in sample)
    if foreign >= _GUESS_AT_LEAST and foreign * 5 > len(sample) and b"\x00" not in sample:
        # The detector costs 20 ms to import and mail that needs it is rare.
        from charset_normalizer import from_bytes

        guess = from_bytes(sample, steps=5, chunk_size=512).best()
        codec = codec_for(guess.encoding) if guess else None
        if codec and (text := _decode_strictly(data, codec)) is not None:
            return text
    return data.decode("cp1252", errors="replace")


def _foreign_sample(data: bytes) -> bytes:
    """At most 4 kB around the first bytes that are not ASCII: what tells one charset from another."""
    first = next((index for index, byte in enumerate(data[:1_000_000]) if byte > 0x7F), 0)
    start = data.rfind(b"\n", 0, first) + 1
    return data[max(start, first - _GUESS_SAMPLE // 2) :][:_GUESS_SAMPLE]


def decode_as(data: bytes, charset: str) -> str:
    """The text in the one charset that a person names, with U+FFFD for what does not fit; cp1252 for no charset."""
    return clean_text(data.decode(codec_for(charset) or "cp1252", errors="replace").removeprefix("\ufeff"))


def decode_header_bytes(data: bytes, declared: str = "") -> str:
    """Raw header bytes: UTF-8 (RFC 6532), else the charset that the mail declares for its text, else cp1252."""
    if data.isascii():
        text = _decode_strictly(data, "iso2022_jp_ext") if b"\x1b$" in data else None
        return text if text is not None else data.decode("ascii")
    text = _decode_strictly(data, "utf-8")
    if text is None and declared:
        codec = codec_for(declared)
        text = _decode_strictly(data, codec) if codec else None
    return text if text is not None else data.decode("cp1252", errors="replace")


def decode_words_bytes(data: bytes, charset: str) -> str:
    """Bytes of an encoded word or RFC 2231 value: the charset it names, else as decode_header_bytes reads them."""
    codec = codec_for(charset) if charset else None
    if codec is None:
        text = _decode_utf7(data, charset)
        return text if text is not None else decode_header_bytes(data)
    text = None if _looks_wrong(data, codec) else _decode_strictly(data, codec)
    if text is None:
        text = _decode_strictly(data, "utf-8")
    if text is None:
        text = _decode_with_few_errors(data, codec)
    return text if text is not None else data.decode("cp1252", errors="replace")
