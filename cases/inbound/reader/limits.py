"""How much of one mail is read. What lies beyond stays in the stored raw mail and is named in ParsedEmail.defects."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["DEFAULT_LIMITS", "Limits", "Tnef", "TnefFound", "TooComplex", "UnreadableMail"]


class TooComplex(Exception):
    """Reading the mail would cost more than we spend on one mail. `reason` is a sentence for an administrator."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class UnreadableMail(Exception):
    """The reader itself failed on the mail. `reason` is a sentence for an administrator."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Tnef(Enum):
    """What to do with winmail.dat. Its parser is not ours and can be made to run for ever, so it runs in a process."""

    REFUSE = "refuse"  # raise TnefFound
    UNPACK = "unpack"
    KEEP = "keep"  # as the file it is


class TnefFound(Exception):
    """The mail holds a winmail.dat file and is to be read where that may be unpacked."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Sizes are bytes (text: characters), times seconds. Every step is linear, so these bound time and memory."""

    # Kept of one mail.
    header_block: int = 4_000_000  # beyond it header lines are not read
    headers: int = 1000  # headers that nothing here reads are dropped after this many; the others are always kept
    header_value: int = 20_000
    address_header: int = 256_000  # 1200 recipients are 44 kB
    addresses: int = 2000  # per header
    headers_in_pieces: int = 512_000  # characters of all headers together, of a mail that its provider took apart
    references: int = 200  # the newest
    depth: int = 30  # multiparts inside multiparts; a deeper one is kept as a file
    parts: int = 1000
    attachments: int = 500
    text: int = 4_000_000  # of the text body and of the HTML body
    unpacked: int = 200_000_000  # bytes of all attachments together, which may grow by TNEF only
    # Beyond any of these the mail is read in a bounded process of its own.
    in_process_size: int = 40_000_000
    in_process_header_block: int = 256_000
    in_process_encoded_words: int = 2000  # in the header block
    in_process_parameters: int = 5000  # semicolons in the header block
    in_process_boundaries: int = 200
    in_process_parts: int = 2000  # lines that look like a boundary
    # What that process may use.
    cpu_seconds: int = 10
    memory: int = 500_000_000
    wall_seconds: float = 20.0


DEFAULT_LIMITS = Limits()
