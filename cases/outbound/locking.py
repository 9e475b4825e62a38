"""The order in which a mail and its case are locked: first the case, then the Outbox row, then everything of the mail.

Whoever changes a mail on its way and its case in one transaction begins with `lock_case_of`. Two who lock in different
orders wait for each other until the database ends one of them.
"""

from __future__ import annotations

from cases.models import Case, Outbox

__all__ = ["lock_case_of"]

MOST_MOVES = 5  # of a mail to another case, between two statements


def lock_case_of(outbox: Outbox) -> None:
    """Lock the case that the mail is on now, until the caller's transaction ends; `outbox` follows it there.

    The row in memory may be old: a merge moves the mail, and holds the lock of the case it leaves. So the key is read,
    that case is locked, and the key is read again. No join: a query that waited for a lock sees the joined rows as
    they were before it waited.
    """
    for _turn in range(MOST_MOVES):
        case_id = _case_id_of(outbox)
        if case_id is not None:
            Case.objects.select_for_update().only("pk").get(pk=case_id)
        if case_id is None or _case_id_of(outbox) == case_id:
            break
    else:
        raise RuntimeError(f"Outbox {outbox.pk} moves from case to case")
    outbox.case_id = case_id
    message = outbox.email_message
    if message is not None and case_id is not None:
        message.case_id = case_id


def _case_id_of(outbox: Outbox) -> int | None:
    return Outbox.objects.filter(pk=outbox.pk).values_list("case_id", flat=True).first()
