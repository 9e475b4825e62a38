"""The hostile mails: small ones are files beside this module, large ones are the patterns that they were made of."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator
from pathlib import Path

HERE = Path(__file__).parent


def hostile_mail(identifier: str) -> bytes:
    """The bytes of one hostile mail, such as "MB05"; manifest.jsonl says what must happen to it."""
    made = _MADE.get(identifier)
    return made() if made else (HERE / f"{identifier}.eml").read_bytes()


def hostile_ids() -> Iterator[str]:
    """Every mail there is, sorted."""
    yield from sorted({path.stem for path in HERE.glob("*.eml")} | set(_MADE))


def _mail(tag: str, name: str, *, subject: bytes = b"", to: bytes = b"support@acme.example", rest: bytes) -> bytes:
    return (
        b"From: Casey Customer <casey@example.net>\r\nTo: "
        + to
        + b"\r\nSubject: "
        + (subject or f"Help with order {tag}".encode())
        + f"\r\nMessage-ID: <{tag}.{name}@mail.example.net>\r\nDate: Tue, 03 Nov 2026 10:11:12 +0000\r\n".encode()
        + b"MIME-Version: 1.0\r\n"
        + rest
    )


def _text(tag: str) -> bytes:
    return f"Content-Type: text/plain; charset=utf-8\r\n\r\nHello, my order {tag} has not come.\r\n".encode()


def _page(tag: str, middle: bytes) -> bytes:
    before, after = f"<p>before-{tag}</p>".encode(), f"<p>after-{tag}</p>\r\n".encode()
    return b"Content-Type: text/html; charset=utf-8\r\n\r\n" + before + middle + after


def _mixed(boundary: str, parts: bytes) -> bytes:
    start = f'Content-Type: multipart/mixed; boundary="{boundary}"\r\n\r\n'.encode()
    return start + parts + f"--{boundary}--\r\n".encode()


def _subject_of_100_kb() -> bytes:
    return _mail("f7c7ba81", "xcnhijsxna", subject=b"S" * 100_000 + b"f7c7ba81", rest=_text("f7c7ba81"))


def _parts_100_000() -> bytes:
    parts = b"--btmdnqcnstzdc\r\n\r\nx\r\n" * 100_000
    return _mail("b390b69d", "hxsfrzmytp", rest=_mixed("btmdnqcnstzdc", parts))


def _attachments_5000() -> bytes:
    part = b"--baktctgrdsckk\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nx\r\n"
    return _mail("17b4ab55", "juaepuzhid", rest=_mixed("baktctgrdsckk", part * 5000))


def _encoded_words_20_000() -> bytes:
    subject = b" ".join([b"=?utf-8?q?a?="] * 20_000)
    return _mail("baac3e11", "sivxhhhksh", subject=subject, rest=_text("baac3e11"))


def _parameters_20_000() -> bytes:
    parameters = "".join(f"; a{number}=b" for number in range(20_000)).encode()
    body = b"\r\n\r\nHello, my order 2f7130f9 has not come.\r\n"
    return _mail("2f7130f9", "vziydajizr", rest=b"Content-Type: text/plain" + parameters + body)


def _recipients_20_000() -> bytes:
    names = ",\r\n ".join([f'"U {number}" <u{number}@example.org>' for number in range(20_000)])
    to = f"{names},\r\n support@acme.example".encode()
    return _mail("ee1a8cf6", "mxyixbmdkr", to=to, rest=_text("ee1a8cf6"))


def _headers_100_000() -> bytes:
    headers = "".join(f"X-{number}: y\r\n" for number in range(100_000)).encode()
    return _mail("dff66229", "rpixdtvrdv", rest=headers + b"\r\nbody\r\n")


def _open_tags_100_000() -> bytes:
    return _mail("25652f8a", "dhjuecfvfj", rest=_page("25652f8a", b"<div>" * 100_000))


def _half_tags_50_000() -> bytes:
    return _mail("dd3fad3a", "jmbwnvwmng", rest=_page("dd3fad3a", b"<a" * 50_000))


def _quotes_of_every_kind() -> bytes:
    lines = [b"> " * 500] * 200 + [b"On Mon, 1 Jan " + b"a" * 300 + b" at wrote"] * 300
    body = b"\r\n".join([*lines, b"-" * 50_000, b"\t" * 50_000 + b"x"])
    return _mail("683b5bb2", "xhhayqsxqu", rest=b"Content-Type: text/plain; charset=utf-8\r\n\r\n" + body)


def _attachment_of_3_mb() -> bytes:
    content = b"%PDF-1.4\n" + random.Random(19).randbytes(3_000_000)
    parts = (
        b"--bvipfuippcraq\r\nContent-Type: text/plain\r\n\r\nsee attached\r\n--bvipfuippcraq\r\n"
        b'Content-Type: application/pdf\r\nContent-Disposition: attachment; filename="scan.pdf"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(content) + b"\r\n"
    )
    return _mail("64eda853", "kuasesnimz", rest=_mixed("bvipfuippcraq", parts))


_MADE: dict[str, Callable[[], bytes]] = {
    "HD13": _subject_of_100_kb,
    "MB03": _parts_100_000,
    "MB04": _attachments_5000,
    "MB05": _encoded_words_20_000,
    "MB07": _parameters_20_000,
    "MB09": _recipients_20_000,
    "MB11": _headers_100_000,
    "MB13": _open_tags_100_000,
    "MB15": _half_tags_50_000,
    "MB16": _quotes_of_every_kind,
    "MB19": _attachment_of_3_mb,
}
