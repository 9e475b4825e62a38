"""The full-text index of mails: one row a mail, written in the transaction that writes the mail.

Same mail, same results on both databases: the words are made here (cases.search_words), and each database stores them
as they are - PostgreSQL as a tsvector, SQLite in an FTS5 table. A trigger could not make the words, and SQLite would
lose it the next time a migration rebuilds the table of mails.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connection

from cases.models import Attachment, EmailAddress, EmailMessage
from cases.search_query import PART_LETTERS
from cases.search_words import MAX_PART_BYTES, MAX_TEXT, indexed_words

BATCH = 500
# A phrase never begins in one part of a mail and ends in the next.
GAP = 2
MAX_POSITION = 16_383
RECIPIENT_ROLES = (EmailAddress.Role.TO, EmailAddress.Role.CC, EmailAddress.Role.BCC)

_WRITE = {
    "postgresql": (
        "INSERT INTO cases_messagesearch (message_id, words) VALUES (%s, %s::tsvector)"
        " ON CONFLICT (message_id) DO UPDATE SET words = EXCLUDED.words"
    ),
    "sqlite": (
        "INSERT OR REPLACE INTO cases_messagesearch (rowid, subject, sender, recipients, body)"
        " VALUES (%s, %s, %s, %s, %s)"
    ),
}
_FORGET = {
    "postgresql": "DELETE FROM cases_messagesearch WHERE message_id = %s",
    "sqlite": "DELETE FROM cases_messagesearch WHERE rowid = %s",
}


@dataclass(frozen=True, slots=True)
class SearchRow:
    """What a mail is found by. Files are part of the text, before it: they are not what is left out."""

    message_id: int
    subject: str
    sender: str
    recipients: str
    body: str

    @property
    def words(self) -> tuple[list[str], ...]:
        parts = [
            list(indexed_words(part, most_bytes=MAX_PART_BYTES))
            for part in (self.subject, self.sender, self.recipients)
        ]
        return (*parts, list(indexed_words(self.body)))


def search_row(
    message: EmailMessage, *, people: Iterable[tuple[str, str]] = (), file_names: Iterable[str] = ()
) -> SearchRow:
    """`people`: (address, name) of its recipients."""
    return SearchRow(
        message_id=message.pk,
        subject=message.subject,
        sender=f"{message.from_name} {message.from_address}",
        recipients=" ".join(f"{name} {address}" for address, name in people),
        body=" ".join([*file_names, message.text_body[:MAX_TEXT] or message.reply_text[:MAX_TEXT]]),
    )


def write_search_rows(rows: Sequence[SearchRow]) -> None:
    """Make these mails findable, or findable anew. One statement for one mail."""
    if not rows:
        return
    values = [_values_of(row) for row in rows]
    with connection.cursor() as cursor:
        if len(values) == 1:
            cursor.execute(_WRITE[connection.vendor], values[0])
        else:
            cursor.executemany(_WRITE[connection.vendor], values)


def index_messages(keys: Sequence[int]) -> None:
    """Index these mails again as they stand in the database. Four statements."""
    messages = EmailMessage.objects.filter(pk__in=keys).only(
        "subject", "from_name", "from_address", "text_body", "reply_text"
    )
    people: dict[int, list[tuple[str, str]]] = {}
    for key, address, name in EmailAddress.objects.filter(
        email_message__in=keys, role__in=RECIPIENT_ROLES
    ).values_list("email_message_id", "address", "name"):
        people.setdefault(key, []).append((address, name))
    files: dict[int, list[str]] = {}
    for key, name in Attachment.objects.filter(email_message__in=keys).values_list("email_message_id", "file_name"):
        files.setdefault(key, []).append(name)
    write_search_rows(
        [
            search_row(message, people=people.get(message.pk, ()), file_names=files.get(message.pk, ()))
            for message in messages
        ]
    )


def index_all() -> int:
    """Index every mail again, the newest first. Returns how many. Each batch is a transaction of its own."""
    last, count = None, 0
    while True:
        messages = EmailMessage.objects.order_by("-pk")
        older = messages if last is None else messages.filter(pk__lt=last)
        keys = list(older.values_list("pk", flat=True)[:BATCH])
        if not keys:
            return count
        index_messages(keys)
        last, count = keys[-1], count + len(keys)


def forget_messages(keys: Sequence[int]) -> None:
    """For whoever deletes mails: nothing of them stays in the index."""
    with connection.cursor() as cursor:
        cursor.executemany(_FORGET[connection.vendor], [(key,) for key in keys])


def _values_of(row: SearchRow) -> tuple[int | str, ...]:
    if connection.vendor == "sqlite":
        return (row.message_id, *(" ".join(words) for words in row.words))
    return (row.message_id, tsvector_of(row.words))


def tsvector_of(parts: tuple[list[str], ...]) -> str:
    """The literal of a tsvector: each word with its positions, each with the weight of its part (A to D); words of the
    first three parts once more as words of their part.
    """
    positions: dict[str, list[str]] = {}
    at = 0
    for weight, letter, words in zip("ABCD", (*PART_LETTERS.values(), ""), parts, strict=True):
        for word in words:
            at += 1
            for lexeme in (word, f"{letter}:{word}") if letter else (word,):
                if at <= MAX_POSITION:
                    positions.setdefault(lexeme, []).append(f"{at}{weight}")
                else:
                    positions.setdefault(lexeme, [f"{MAX_POSITION}{weight}"])
        at += GAP
    return " ".join(f"'{lexeme}':{','.join(places)}" for lexeme, places in positions.items())
