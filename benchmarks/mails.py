"""The mails of the benchmarks: a text of 2 KB, a letter in HTML of 37 KB, and mails with files. Each is a new one."""

from __future__ import annotations

import base64
import random

from benchmarks.surroundings import ADDRESS, Call, as_mailgun, as_postmark, raw_mail

__all__ = ["ADDRESS", "html_mail", "mail_with_file", "mailgun", "mix", "postmark", "raw_mail", "reply_to", "text_mail"]

WORDS = ("order", "late", "letter", "when", "expect", "answer", "question", "invoice", "number", "please", "still")
random_words = random.Random(1)


def sentence_lines(size: int) -> str:
    """About `size` bytes of text in lines, and never twice the same."""
    lines = []
    while size > 0:
        line = " ".join(random_words.choices(WORDS, k=12))
        lines.append(line)
        size -= len(line) + 2
    return "\r\n".join(lines)


def text_mail(number: int) -> bytes:
    return raw_mail(number, text=sentence_lines(1_700))


def html_mail(number: int) -> bytes:
    """Text and HTML, the HTML as mail programs write it: 27 KB of tables and styles."""
    rows = "\r\n".join(
        f'<tr><td style="padding:4px;font-family:Arial">{line}</td><td><a href="https://example.net/{n}">{n}</a></td></tr>'
        for n, line in enumerate(sentence_lines(14_000).split("\r\n"))
    )
    html = (
        f'<html><head><style>td {{ color: #333 }}</style></head><body><table width="100%">{rows}</table></body></html>'
    )
    parts = [f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{sentence_lines(5_000)}"]
    parts.append(f"--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{html}\r\n--b--")
    return raw_mail(number, text="\r\n".join(parts), content_type='multipart/alternative; boundary="b"')


def mail_with_file(number: int, size: int) -> bytes:
    """`size`: bytes of the file before base64."""
    file = base64.encodebytes(random.Random(number).randbytes(size)).decode().replace("\n", "\r\n")
    parts = [f"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{sentence_lines(500)}"]
    parts.append(
        "--b\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n"
        f'Content-Disposition: attachment; filename="file{number}.bin"\r\n\r\n{file}\r\n--b--'
    )
    return raw_mail(number, text="\r\n".join(parts), content_type='multipart/mixed; boundary="b"')


def reply_to(number: int, answered: int) -> bytes:
    return raw_mail(number, text=sentence_lines(1_700), answers=answered)


def mix(number: int) -> bytes:
    """Of 20 mails: 14 text, 5 HTML, 1 with a file of 300 KB."""
    kind = number % 20
    return mail_with_file(number, 300_000) if kind == 0 else html_mail(number) if kind <= 5 else text_mail(number)


def mailgun(raw: bytes, number: int) -> Call:
    return as_mailgun(number, raw)


def postmark(raw: bytes, number: int) -> Call:
    return as_postmark(number, raw)
