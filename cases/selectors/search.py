"""Which cases hold the words that somebody looks for. The candidates only: who may see them is asked by the list.

A word can stand in every mail there is. So the newest matches are taken, and the page says when there may be more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import Any

from django.db import OperationalError, connection
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value

from cases.models import EmailMessage
from cases.search_query import SearchQuery

MOST_CANDIDATES = 1000  # matching mails
MOST_OF_MINE = 4000  # mails that are looked into one by one

# Words stand in a few mails or in most of them. PostgreSQL would have to choose between looking up all mails that have
# them and walking back from the newest one, and in between both are long: a word of one mail in thirty is in 30,000 of
# a million, and thirty times a thousand mails are walked past. So the newest mails are walked through first. That
# finds what is frequent, and tells how far back the index has to be asked for what is not.
WALKED = 2000  # keys of mails
MOST_WALKED = 30_000  # beyond it the index is asked: looking into a mail costs about a microsecond

# PostgreSQL gives up in time. The function behind @@ cannot use the index, which is the point.
_WALK = (
    "SET LOCAL statement_timeout = 1500;"
    " SELECT max(message_id) FROM cases_messagesearch;"
    " SELECT found.message_id, mail.case_id FROM"
    " (SELECT message_id FROM cases_messagesearch WHERE"
    " message_id > (SELECT max(message_id) FROM cases_messagesearch) - %s AND ts_match_vq(words, %s::tsquery)"
    " ORDER BY message_id DESC LIMIT %s)"
    " found JOIN cases_emailmessage mail ON mail.id = found.message_id"
    " WHERE mail.status <> 'draft' OR mail.created_by_id = %s ORDER BY found.message_id DESC;"
    " SET LOCAL statement_timeout = DEFAULT"
)
_LOOK_UP = (
    "SET LOCAL statement_timeout = 1500;"
    " WITH matches AS MATERIALIZED"
    " (SELECT message_id FROM cases_messagesearch WHERE words @@ %s::tsquery AND message_id > %s)"
    " SELECT found.message_id, mail.case_id FROM"
    " (SELECT message_id FROM matches ORDER BY message_id DESC LIMIT %s) found"
    " JOIN cases_emailmessage mail ON mail.id = found.message_id"
    " WHERE mail.status <> 'draft' OR mail.created_by_id = %s ORDER BY found.message_id DESC;"
    " SET LOCAL statement_timeout = DEFAULT"
)
# FTS5 keeps the mails of a word in order and stops by itself.
_SQLITE = (
    "SELECT found.message_id, mail.case_id FROM"
    " (SELECT rowid AS message_id FROM cases_messagesearch WHERE cases_messagesearch MATCH %s"
    " ORDER BY rowid DESC LIMIT %s) found"
    " JOIN cases_emailmessage mail ON mail.id = found.message_id"
    " WHERE mail.status <> 'draft' OR mail.created_by_id = %s ORDER BY found.message_id DESC"
)
Rows = list[tuple[int, int]]  # message, case


@dataclass(frozen=True, slots=True)
class Candidates:
    """`messages`: of each case the newest mail that matched, newest first."""

    messages: dict[int, int] = field(default_factory=dict)
    is_capped: bool = False  # there may be older ones
    took_too_long: bool = False  # nothing was found in time

    @property
    def cases(self) -> list[int]:
        return list(self.messages)


def find_candidates(search: SearchQuery, *, user: Any, among: QuerySet[Any, Any] | None) -> Candidates:
    """One statement among few mails, else two, seldom three; one more for a user who sees a part of the cases and
    looks for what stands in very many mails.

    `among`: the keys of the cases that this user sees, the newest ones; None: all. The newest matches of everybody
    may hold none of theirs, so then their own mails are looked into.
    """
    try:
        rows = _newest_matches(search, user)
        is_capped = len(rows) > MOST_CANDIDATES
        if is_capped and among is not None:
            rows = rows[:MOST_CANDIDATES] + _matches_among(search, user, among)
    except OperationalError:
        # Cancelled by statement_timeout: said to the reader, who can add a word.
        if connection.vendor != "postgresql":
            raise
        return Candidates(took_too_long=True)
    newest: dict[int, int] = {}
    for message, case in sorted(rows, reverse=True):
        newest.setdefault(case, message)
    return Candidates(newest, is_capped)


def _newest_matches(search: SearchQuery, user: Any) -> Rows:
    """At most one more than MOST_CANDIDATES: then there are older ones."""
    most = MOST_CANDIDATES + 1
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(_SQLITE, [search.as_fts5(), most, user.pk])
            return cursor.fetchall()
        words = search.as_tsquery()
        rows, newest = _walk(cursor, words, WALKED, most, user)
        if len(rows) >= most or newest <= WALKED:
            return rows
        # Not so many among the newest were chance but in one case of forty.
        at_least = len(rows) - 2 * sqrt(len(rows))
        back = int(WALKED * most / at_least) if at_least >= 1 else newest
        if back < newest:
            if back <= MOST_WALKED:
                rows, newest = _walk(cursor, words, back, most, user)
            else:
                rows = _look_up(cursor, words, newest - back, most, user)
            if len(rows) >= most:
                return rows
        return _look_up(cursor, words, 0, most, user)


def _walk(cursor: Any, words: str, back: int, most: int, user: Any) -> tuple[Rows, int]:
    """The matches among the newest mails, and the key of the newest mail."""
    cursor.execute(_WALK, [back, words, most, user.pk])
    cursor.nextset()  # past the answer to SET
    newest = cursor.fetchone()[0] or 0
    cursor.nextset()
    return cursor.fetchall(), newest


def _look_up(cursor: Any, words: str, since: int, most: int, user: Any) -> Rows:
    """The matches after a key, by the index."""
    cursor.execute(_LOOK_UP, [words, since, most, user.pk])
    cursor.nextset()  # past the answer to SET
    rows: Rows = cursor.fetchall()
    return rows


def _matches_among(search: SearchQuery, user: Any, among: QuerySet[Any, Any]) -> Rows:
    mails = EmailMessage.objects.filter(
        ~Q(status=EmailMessage.Status.DRAFT) | Q(created_by=user), HoldsWords(search), case__in=among
    )
    return list(mails.order_by().values_list("pk", "case_id")[:MOST_OF_MINE])


class HoldsWords(Func):
    """Whether the words stand in this mail; for a condition on mails."""

    output_field = BooleanField()

    def __init__(self, search: SearchQuery) -> None:
        super().__init__(F("pk"), Value(search.as_tsquery()), Value(search.as_fts5()))

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **options: Any) -> tuple[str, Any]:
        key, tsquery, fts5 = (compiler.compile(each) for each in self.get_source_expressions())
        if connection.vendor == "sqlite":
            template, words = _HOLDS_SQLITE, fts5
        else:
            template, words = _HOLDS_POSTGRESQL, tsquery
        return template.format(key=key[0], words=words[0]), (*key[1], *words[1])


_HOLDS_POSTGRESQL = (
    "EXISTS (SELECT 1 FROM cases_messagesearch holds"
    " WHERE holds.message_id = {key} AND holds.words @@ {words}::tsquery)"
)
_HOLDS_SQLITE = "EXISTS (SELECT 1 FROM cases_messagesearch WHERE rowid = {key} AND cases_messagesearch MATCH {words})"
