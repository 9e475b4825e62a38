"""Which cases hold the words that somebody looks for. The candidates only: who may see them is asked by the list.

A word can stand in every mail there is. So the newest matches are taken, and the page says when there may be more.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import OperationalError, connection
from django.db.models import BooleanField, F, Func, Q, QuerySet, Value

from cases.models import EmailMessage
from cases.search_query import SearchQuery

MOST_CANDIDATES = 1000  # matching mails
MOST_OF_MINE = 4000  # mails that are looked into one by one

# What is found when words stand in more than MOST_CANDIDATES mails: the newest. PostgreSQL gives up in time.
_NEWEST = {
    "postgresql": (
        "SET LOCAL statement_timeout = 1500;"
        " SELECT found.message_id, mail.case_id FROM"
        " (SELECT message_id FROM cases_messagesearch WHERE words @@ %s::tsquery ORDER BY message_id DESC LIMIT %s)"
        " found JOIN cases_emailmessage mail ON mail.id = found.message_id"
        " WHERE mail.status <> 'draft' OR mail.created_by_id = %s ORDER BY found.message_id DESC;"
        " SET LOCAL statement_timeout = DEFAULT"
    ),
    "sqlite": (
        "SELECT found.message_id, mail.case_id FROM"
        " (SELECT rowid AS message_id FROM cases_messagesearch WHERE cases_messagesearch MATCH %s"
        " ORDER BY rowid DESC LIMIT %s) found"
        " JOIN cases_emailmessage mail ON mail.id = found.message_id"
        " WHERE mail.status <> 'draft' OR mail.created_by_id = %s ORDER BY found.message_id DESC"
    ),
}


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
    """One statement; two for a user who sees a part of the cases and looks for what stands in very many mails.

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


def _newest_matches(search: SearchQuery, user: Any) -> list[tuple[int, int]]:
    with connection.cursor() as cursor:
        words = search.as_tsquery() if connection.vendor == "postgresql" else search.as_fts5()
        cursor.execute(_NEWEST[connection.vendor], [words, MOST_CANDIDATES + 1, user.pk])
        if connection.vendor == "postgresql":
            cursor.nextset()  # past the answer to SET
        return cursor.fetchall()


def _matches_among(search: SearchQuery, user: Any, among: QuerySet[Any, Any]) -> list[tuple[int, int]]:
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
