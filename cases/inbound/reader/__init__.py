"""Read the bytes of any mail into a ParsedEmail: tolerant of what the world writes, bounded in what it may cost. Pure.

    read_mail -> prescan (a few searches) -> read_mail_in_process -> parts -> bodies -> assemble
                                          -> bounded: the same in a process with limits

fields finds header lines, parts the MIME tree, transfer and charsets undo encodings, headers reads values, bodies
chooses the text and the files. The mail itself is stored before; whatever is left out here is still in it.
"""

from __future__ import annotations

from dataclasses import replace

from cases.inbound.parsed import ParsedEmail
from cases.inbound.reader.assemble import read_mail_in_process, read_pieces
from cases.inbound.reader.bounded import read_mail_bounded
from cases.inbound.reader.charsets import codec_for
from cases.inbound.reader.limits import DEFAULT_LIMITS, Limits, Tnef, TnefFound, TooComplex, UnreadableMail
from cases.inbound.reader.prescan import looks_empty, why_bounded

__all__ = [
    "Limits",
    "TooComplex",
    "UnreadableMail",
    "codec_for",
    "looks_empty",
    "read_mail",
    "read_mail_in_process",
    "read_pieces",
]


def read_mail(raw: bytes, *, limits: Limits = DEFAULT_LIMITS, charset: str = "") -> ParsedEmail:
    """Read a mail, here when it is plain, else in a bounded process.

    `charset`: a person's word on what the text parts are written in, whatever the mail says; "" for the mail's own.
    Raises TooComplex when it costs more than `limits` allow and UnreadableMail when the reader fails on it; both carry
    a `reason` for an administrator. Anything odd short of that is in `defects`.
    """
    why = why_bounded(raw, limits)
    if why:
        return read_mail_bounded(raw, limits=limits, why=why, charset=charset)
    try:
        return read_mail_in_process(raw, limits=limits, tnef=Tnef.REFUSE, charset=charset)
    except TnefFound:
        return _read_with_tnef(raw, limits, charset)


def _read_with_tnef(raw: bytes, limits: Limits, charset: str) -> ParsedEmail:
    """Unpack winmail.dat in a bounded process; if that cannot be done, the mail is plain and the file stays a file."""
    try:
        return read_mail_bounded(raw, limits=limits, why="The mail has a winmail.dat file.", charset=charset)
    except (TooComplex, UnreadableMail):
        email = read_mail_in_process(raw, limits=limits, tnef=Tnef.KEEP, charset=charset)
        return replace(email, defects=(*email.defects, "tnef_unreadable"))
