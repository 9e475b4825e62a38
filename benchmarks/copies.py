"""Many times the cases that are there, written by the database itself: a million in minutes. PostgreSQL alone."""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.models import ForeignKey, Max, Model

from cases.models import Case, CaseEvent, EmailAddress, EmailMessage, Participant, RoutingDecision

__all__ = ["multiply"]

# In the order in which rows name each other; constraints are looked at when the transaction ends.
COPIED: list[type[Model]] = [Case, EmailMessage, EmailAddress, Participant, RoutingDecision, CaseEvent]

# Each copy has people of its own, or one customer would have written a thousand cases.
_OTHER_PERSON = "replace({column}, '@', '.' || n || '@')"
_OTHER_ID = "'copy' || n || '.' || message_identifier"
_OTHERWISE = {
    ("cases_case", "supplied_email"): _OTHER_PERSON,
    ("cases_emailmessage", "from_address"): _OTHER_PERSON,
    ("cases_participant", "address"): _OTHER_PERSON,
    ("cases_emailaddress", "address"): f"CASE role WHEN 'to' THEN address ELSE {_OTHER_PERSON} END",
    ("cases_emailmessage", "dedupe_key"): "encode(sha256((dedupe_key || n)::bytea), 'hex')",
    ("cases_emailmessage", "message_identifier"): _OTHER_ID,
    # As cases.message_ids.hash_of makes it.
    (
        "cases_emailmessage",
        "message_identifier_hash",
    ): f"left(encode(sha256(convert_to(lower({_OTHER_ID}), 'UTF8')), 'hex'), 32)",
    ("cases_emailmessage", "inbound_email_id"): "NULL",
    ("cases_emailmessage", "idempotency_key"): "NULL",
}


def multiply(times: str) -> dict[str, Any]:
    """`times` as many cases as there are, with their mails, people, decisions, events and words of the search."""
    steps = {model: _highest(model) for model in COPIED}
    with transaction.atomic(), connection.cursor() as cursor:
        for model in COPIED:
            cursor.execute(_copy_of(model, steps), {"last": int(times) - 1})
        cursor.execute(
            "INSERT INTO cases_messagesearch (message_id, words) SELECT message_id + n * %(step)s, words"
            " FROM cases_messagesearch, generate_series(1, %(last)s) n",
            {"step": steps[EmailMessage], "last": int(times) - 1},
        )
        for model in COPIED:
            cursor.execute(
                "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [model._meta.db_table, _highest(model)]
            )
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return {"cases": Case.objects.count()}


def _highest(model: type[Model]) -> int:
    return int(model._default_manager.aggregate(highest=Max("pk"))["highest"])


def _copy_of(model: type[Model], steps: dict[type[Model], int]) -> str:
    quoted, table = connection.ops.quote_name, model._meta.db_table
    columns, values = [], []
    for field in model._meta.local_concrete_fields:
        if field.generated:
            continue
        column = quoted(field.column)
        about = model if field.primary_key else field.related_model if isinstance(field, ForeignKey) else None
        otherwise = _OTHERWISE.get((table, field.column))
        columns.append(column)
        if otherwise is not None:
            values.append(otherwise.format(column=column))
        elif about in steps:
            values.append(f"{column} + n * {steps[about]}")
        else:
            values.append(column)
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) SELECT {', '.join(values)}"  # noqa: S608 - our own columns
        f" FROM {table}, generate_series(1, %(last)s) n"
    )
