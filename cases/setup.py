"""What an empty instance needs before its first mail. Run by `manage.py setup`; safe to run again."""

from __future__ import annotations

from django.contrib.auth.models import Group, Permission, User
from django.db import transaction

from cases.models import CaseStatus
from routing import audit
from routing.models import EmailToCaseSettings, Queue, RecordType

REPS = "Reps"  # the group of those who may answer cases, made when the first one is put into it
STATUSES = [("New", False, True), ("Working", False, False), ("Escalated", False, False), ("Closed", True, False)]


@transaction.atomic
def set_up_instance() -> EmailToCaseSettings:
    """Make the default queue, statuses, record type and settings row where they are missing; change nothing that is
    there.
    """
    for position, (label, is_closed, is_default) in enumerate(STATUSES):
        is_default = is_default and not CaseStatus.objects.filter(is_default=True).exists()
        CaseStatus.objects.get_or_create(
            label=label, defaults={"is_closed": is_closed, "is_default": is_default, "position": position}
        )
    if not RecordType.objects.filter(is_default=True).exists():
        record_type, _created = RecordType.objects.get_or_create(name="Support")
        RecordType.objects.filter(pk=record_type.pk).update(is_default=True)
    settings_row = EmailToCaseSettings.objects.first()
    if settings_row is None:
        queue, _created = Queue.objects.get_or_create(name="Unassigned")
        settings_row = EmailToCaseSettings.objects.create(pk=1, default_case_owner_queue=queue)
    return settings_row


@transaction.atomic
def let_reply(user: User, *, by: User | None) -> None:
    """Put somebody into the group of reps, which holds the permission to reply to cases. Only superusers may ask."""
    group, _is_new = Group.objects.get_or_create(name=REPS)
    group.permissions.add(Permission.objects.get(content_type__app_label="cases", codename="reply_case"))
    user.groups.add(group)
    audit.record("user-changed", user, by=by, list="rights", added=[f"group {REPS}"], removed=[])


@transaction.atomic
def create_record_type(name: str, *, by: User | None) -> RecordType:
    """The first one is the default."""
    is_first = not RecordType.objects.filter(is_default=True).exists()
    record_type = RecordType.objects.create(name=name, is_default=is_first)
    audit.record("record-type-created", record_type, by=by, changes=audit.changes({}, audit.snapshot(record_type)))
    return record_type
