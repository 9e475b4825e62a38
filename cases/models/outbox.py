from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.models.claimable import Claimable

FORWARD = "forward"  # as Draft.Mode has it


class OutboxQuerySet(models.QuerySet["Outbox"]):
    def answers_that_left(self) -> OutboxQuerySet:
        """Replies of people that the provider took: what a customer can count as an answer. A forward asks or tells
        somebody else.
        """
        return self._answers().filter(sent_at__isnull=False)

    def answers_on_their_way(self) -> OutboxQuerySet:
        """Replies of people that leave as soon as they can."""
        on_their_way = [Outbox.State.QUEUED, Outbox.State.SENDING]
        return self._answers().filter(state__in=on_their_way, is_scheduled=False)

    def _answers(self) -> OutboxQuerySet:
        # Without a mode the comparison is neither true nor false in SQL.
        is_answer = models.Q(composed__mode__isnull=True) | ~models.Q(composed__mode=FORWARD)
        return self.filter(is_answer, kind=Outbox.Kind.REPLY)


class Outbox(Claimable):
    """The intent to send one mail: the truth about sending. Handed to the provider at most once by a machine."""

    class Kind(models.TextChoices):
        REPLY = "reply", _("reply")
        AUTO = "auto", _("automatic answer")
        SURVEY = "survey", _("question after closing")
        NOTICE = "notice", _("notice")
        TEST = "test", _("test")

    class State(models.TextChoices):
        # Written and complete, but somebody has to approve it first (cases.models.Approval).
        AWAITING_APPROVAL = "approval", _("waits for approval")
        QUEUED = "queued", _("queued")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        UNCERTAIN = "uncertain", _("uncertain")
        FAILED = "failed", _("failed")
        CANCELLED = "cancelled", _("cancelled")

    key = models.CharField(_("key"), max_length=64, unique=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    case = models.ForeignKey("cases.Case", null=True, blank=True, on_delete=models.PROTECT, related_name="outbox")
    email_message = models.OneToOneField(
        "cases.EmailMessage", null=True, blank=True, on_delete=models.PROTECT, related_name="outbox"
    )
    answers = models.ForeignKey(
        "cases.InboundEmail", null=True, blank=True, on_delete=models.SET_NULL, related_name="answered_by"
    )  # the mail that a notice or automatic answer is about
    from_address = models.ForeignKey(
        "routing.RoutingAddress", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )  # null: E2C_SYSTEM_FROM
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )  # of a test mail: who asked for it; of a person's mail: who made it leave again. Must be permitted to send it
    recipient = models.CharField(_("to"), max_length=254)
    subject = models.CharField(_("subject"), max_length=1000, blank=True)
    text_body = models.TextField(blank=True)
    message_identifier = models.CharField(max_length=255, blank=True, db_index=True)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.QUEUED)
    detail = models.CharField(_("detail"), max_length=500, blank=True)
    provider_id = models.CharField(max_length=255, blank=True)
    human_resends = models.PositiveIntegerField(default=0)
    # Of a person's mail, what its message does not say and its composer would need again: {"mode": Draft.Mode,
    # "answers": key of the mail answered or forwarded, "html": as written, "answers_join", "typed": what its form
    # held, as one word}.
    composed = models.JSONField(default=dict, blank=True)
    # Sent later on purpose: it is taken back when the customer writes before it leaves.
    is_scheduled = models.BooleanField(default=False)
    # Send and close: the case closes when the mail sets out (cases.outbound.closing).
    closes_case = models.BooleanField(default=False)
    not_before = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)

    objects = OutboxQuerySet.as_manager()

    class Meta:
        verbose_name = _("outgoing mail")
        verbose_name_plural = _("outgoing mails")
        ordering = ["-id"]
        indexes = [
            models.Index(
                fields=["lease_until", "id"], condition=models.Q(state__in=["queued", "sending"]), name="outbox_open"
            ),
            models.Index(fields=["kind", "recipient", "created_at"], name="outbox_budget"),
            models.Index(fields=["kind", "created_at"], name="outbox_daily_budget"),
            models.Index(
                fields=["claim_token"], condition=models.Q(state__in=["queued", "sending"]), name="outbox_claimed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} to {self.recipient}"

    @property
    def is_forward(self) -> bool:
        return bool(self.composed.get("mode") == FORWARD)
