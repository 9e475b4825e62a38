from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

# The kinds that can concern somebody personally (cases.notifications), as the index of untold events lists them.
TOLD_KINDS = (
    "case_opened",
    "email_added",
    "bounce_added",
    "owner_assigned",
    "reply_taken_back",
    "reply_failed",
    "reply_uncertain",
    "approval_requested",
    "reply_approved",
    "reply_rejected",
    "service_level_near",
    "service_level_broken",
    "note_added",
    "note_edited",
    "task_due",
    "satisfaction_answered",
)


class CaseEvent(models.Model):
    """One line of a case's history. Append-only, but for the mark that notifications leave."""

    class Kind(models.TextChoices):
        CASE_OPENED = "case_opened", _("Case opened")
        EMAIL_ADDED = "email_added", _("Email added")
        BOUNCE_ADDED = "bounce_added", _("Delivery failed")
        OWNER_ASSIGNED = "owner_assigned", _("Owner assigned")
        STATUS_CHANGED = "status_changed", _("Status changed")
        CASE_REOPENED = "case_reopened", _("Case reopened")
        MERGED = "merged", _("Merged")
        JOINED = "joined", _("Mail joined")
        NOTICE_FAILED = "notice_failed", _("Notice failed")
        REPLY_QUEUED = "reply_queued", _("Reply written")
        REPLY_SENT = "reply_sent", _("Reply sent")
        REPLY_TAKEN_BACK = "reply_taken_back", _("Reply taken back")
        REPLY_FAILED = "reply_failed", _("Reply not sent")
        REPLY_UNCERTAIN = "reply_uncertain", _("Reply uncertain")
        APPROVAL_REQUESTED = "approval_requested", _("Approval asked for")
        REPLY_APPROVED = "reply_approved", _("Reply approved")
        REPLY_REJECTED = "reply_rejected", _("Reply rejected")
        SENDING_RESCHEDULED = "sending_rescheduled", _("Time of sending changed")
        CUSTOMER_CHANGED = "customer_changed", _("Customer changed")
        INVITATION_ANSWERED = "invitation_answered", _("Invitation answered")
        SERVICE_LEVEL_NEAR = "service_level_near", _("Service level nearly over")
        SERVICE_LEVEL_BROKEN = "service_level_broken", _("Service level broken")
        ROUTING_FAILED = "routing_failed", _("Routing failed")
        MAIL_REREAD = "mail_reread", _("Mail read anew")
        PRIORITY_CHANGED = "priority_changed", _("Priority changed")
        TYPE_CHANGED = "type_changed", _("Type changed")
        SUBJECT_CHANGED = "subject_changed", _("Subject changed")
        FIELD_CHANGED = "field_changed", _("Field changed")
        TAGS_CHANGED = "tags_changed", _("Tags changed")
        SNOOZED = "snoozed", _("Snoozed")
        WOKEN = "woken", _("Back from snooze")
        LINKED = "linked", _("Linked")
        UNLINKED = "unlinked", _("Link removed")
        MAIL_MOVED = "mail_moved", _("Mail moved")
        NOTE_ADDED = "note_added", _("Note added")
        NOTE_EDITED = "note_edited", _("Note edited")
        TASK_ADDED = "task_added", _("Task added")
        TASK_CHANGED = "task_changed", _("Task changed")
        SATISFACTION_ASKED = "satisfaction_asked", _("Customer asked how it went")
        SATISFACTION_ANSWERED = "satisfaction_answered", _("Customer said how it went")
        TASK_DUE = "task_due", _("Task due")

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=30, choices=Kind.choices)
    at = models.DateTimeField(auto_now_add=True)
    # null: the system did it.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    because = models.CharField(max_length=500, blank=True)
    email_message = models.ForeignKey(
        "cases.EmailMessage", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    detail = models.JSONField(default=dict, blank=True)
    # When cases.notifications made the notifications of it; null: it has not yet, or its kind concerns nobody.
    told_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("case event")
        verbose_name_plural = _("case events")
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(kind__in=TOLD_KINDS, told_at__isnull=True),
                name="case_event_untold",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.because}"
