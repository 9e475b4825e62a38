"""What a row of the list says beside its case. Nothing here reads a body."""

from __future__ import annotations

from typing import Any

from django.db.models import Case as Choose
from django.db.models import CharField, Exists, OuterRef, Subquery, Value, When

from cases.models import Approval, CaseQuerySet, Draft, EmailMessage, Outbox, Tag
from cases.selectors.list_filters import unread_by
from cases.selectors.service_clocks import next_clock_value

TAG_SEPARATOR = "\x1f"  # no name of a tag has it: forms refuse control characters


class _JoinedNames(Subquery):
    """The names that a query finds, in one word."""

    template = "(SELECT STRING_AGG(name, CHR(31)) FROM (%(subquery)s) named)"
    output_field = CharField()

    def as_sqlite(self, compiler: Any, connection: Any, **options: Any) -> Any:
        return self.as_sql(
            compiler, connection, template="(SELECT GROUP_CONCAT(name, CHAR(31)) FROM (%(subquery)s) named)", **options
        )


def with_row_facts(cases: CaseQuerySet, user: Any) -> CaseQuerySet:
    """The annotations that rows show, in the statement of the cases themselves."""
    # What a rep took back to write on is not for the others.
    mails = EmailMessage.objects.filter(case=OuterRef("pk")).exclude(status=EmailMessage.Status.DRAFT)
    last = mails.order_by("-received_at", "-pk")
    unsent = Outbox.objects.filter(
        case=OuterRef("pk"), kind=Outbox.Kind.REPLY, state__in=[Outbox.State.FAILED, Outbox.State.UNCERTAIN]
    )
    waiting = Approval.objects.filter(case=OuterRef("pk"), state=Approval.State.WAITING)
    names = Tag.objects.filter(cases=OuterRef("pk")).order_by("name").values("name")
    return (
        cases.select_related("status", "owner_user", "owner_queue")
        .defer("description", "custom_fields")
        .annotate(
            last_snippet=Subquery(last.values("snippet")[:1]),
            last_incoming=Subquery(last.values("incoming")[:1]),
            is_unread=Choose(When(unread_by(user), then=Value(True)), default=Value(False)),
            has_draft=Exists(Draft.objects.filter(case=OuterRef("pk"), author=user)),
            has_failed_mail=Exists(unsent),
            waits_for_approval=Exists(waiting),
            tag_names=_JoinedNames(names),
            next_warn_at=next_clock_value("warn_at"),
        )
    )


def tags_of(case: Any) -> list[str]:
    """Of a case that was read with with_row_facts."""
    return case.tag_names.split(TAG_SEPARATOR) if case.tag_names else []
