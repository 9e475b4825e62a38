from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class EmailMessage(models.Model):
    """One mail on a case, in or out, as read or as sent. `dedupe_key` is unique: no case holds two of one mail."""

    class Status(models.TextChoices):
        NEW = "new", _("New")
        READ = "read", _("Read")
        REPLIED = "replied", _("Replied")
        FORWARDED = "forwarded", _("Forwarded")
        DRAFT = "draft", _("Draft")
        QUEUED = "queued", _("Queued")
        SENDING = "sending", _("Being sent")
        SENT = "sent", _("Sent")
        UNCERTAIN = "uncertain", _("Uncertain")
        FAILED = "failed", _("Failed")

    class ThreadBasis(models.TextChoices):
        """What tied a mail to its case."""

        REPLY_ADDRESS = "reply_address", _("signed reply address")
        OUR_MESSAGE_ID = "our_message_id", _("answers a mail we sent")
        TOKEN_BODY = "token_body", _("thread token in the text")
        TOKEN_SUBJECT = "token_subject", _("thread token in the subject")
        THEIR_MESSAGE_ID = "their_message_id", _("answers a mail of this case")
        THREAD_INDEX = "thread_index", _("Outlook conversation")
        MERGED = "merged", _("merged case")
        MANUAL = "manual", _("joined by a person")
        NONE = "none", _("no sign of a thread")

    # The defect of a mail whose texts and files lost a verification link: its bytes still have it.
    LINK_REMOVED = "verification_link_removed"

    case = models.ForeignKey("cases.Case", on_delete=models.PROTECT, related_name="messages")
    # The case that a person moved it out of, the first one of several: our ids and tokens in it name that case.
    moved_from = models.ForeignKey(
        "cases.Case", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    inbound_email = models.OneToOneField(
        "cases.InboundEmail", null=True, blank=True, on_delete=models.PROTECT, related_name="email_message"
    )
    incoming = models.BooleanField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.NEW)
    from_address = models.CharField(max_length=254, blank=True)
    from_name = models.CharField(max_length=255, blank=True)
    subject = models.CharField(max_length=1000, blank=True)
    text_body = models.TextField(blank=True)
    html_body = models.TextField(blank=True)  # as received; cleaned when shown
    reply_text = models.TextField(blank=True)  # the new part only
    snippet = models.CharField(max_length=200, blank=True)
    # Keys of a mail. Ids can be 998 characters long, so what is indexed is a hash (cases.message_ids.hash_of).
    dedupe_key = models.CharField(max_length=64, null=True, blank=True, unique=True)
    message_identifier = models.CharField(max_length=998, blank=True)  # without angle brackets
    message_identifier_hash = models.CharField(max_length=32, blank=True, db_index=True)
    in_reply_to = models.TextField(blank=True)  # ids without angle brackets, space-separated
    in_reply_to_hash = models.CharField(max_length=32, blank=True, db_index=True)  # of the first id
    references = models.TextField(blank=True)
    thread_index = models.CharField(max_length=500, blank=True)
    thread_index_hash = models.CharField(max_length=32, blank=True, db_index=True)  # of the conversation's root
    headers = models.JSONField(null=True, blank=True)  # [[name, value], ...] when the routing address saves them
    message_date = models.DateTimeField(null=True, blank=True)  # the Date header; order is by received_at
    received_at = models.DateTimeField()
    is_automatic = models.BooleanField(default=False)
    automatic_kind = models.CharField(max_length=20, blank=True)
    is_bounce = models.BooleanField(default=False)
    bounce = models.JSONField(null=True, blank=True)
    forwarded_original = models.JSONField(null=True, blank=True)
    spf = models.CharField(max_length=12, blank=True)
    dkim = models.CharField(max_length=12, blank=True)
    dmarc = models.CharField(max_length=12, blank=True)
    authenticated_by = models.CharField(max_length=255, blank=True)
    thread_basis = models.CharField(max_length=20, choices=ThreadBasis.choices, default=ThreadBasis.NONE)
    sender_is_participant = models.BooleanField(default=False)  # at the moment it was joined
    flags = models.JSONField(
        default=list, blank=True
    )  # slugs to warn about: sender_ambiguous, new_participant, dmarc_failed, ...
    defects = models.JSONField(default=list, blank=True)  # what the reader had to guess or cut
    # What pages tell of parts beside the text: cases.inbound.special_parts.SpecialParts.as_json.
    special_parts = models.JSONField(default=dict, blank=True)
    also_received_by = models.JSONField(default=list, blank=True)  # other routing addresses this mail reached
    template = models.ForeignKey(
        "routing.EmailTemplate", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )  # who joined it by hand
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    idempotency_key = models.CharField(max_length=64, null=True, blank=True, unique=True)

    class Meta:
        verbose_name = _("email message")
        verbose_name_plural = _("email messages")
        ordering = ["received_at", "id"]
        indexes = [
            models.Index(fields=["case", "received_at", "id"], name="message_by_case"),
            models.Index(fields=["from_address", "-id"], name="message_by_sender"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(incoming=False) | models.Q(dedupe_key__isnull=False),
                name="incoming_message_has_dedupe_key",
            )
        ]

    def __str__(self) -> str:
        return self.subject

    @property
    def is_case_source(self) -> bool:
        return self.case.source_id == self.pk


class EmailAddress(models.Model):
    """One address in a header of a mail."""

    class Role(models.TextChoices):
        TO = "to", "To"
        CC = "cc", "Cc"
        BCC = "bcc", "Bcc"
        REPLY_TO = "reply_to", "Reply-To"

    email_message = models.ForeignKey(EmailMessage, on_delete=models.CASCADE, related_name="addresses")
    role = models.CharField(max_length=8, choices=Role.choices)
    address = models.CharField(max_length=254)
    name = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["address"], name="email_address_address")]

    def __str__(self) -> str:
        return self.address


class Delivery(models.Model):
    """What became of one mail we sent for one recipient."""

    class State(models.TextChoices):
        QUEUED = "queued", _("queued")
        SENT = "sent", _("sent")
        DELIVERED = "delivered", _("delivered")
        DEFERRED = "deferred", _("deferred")
        BOUNCED = "bounced", _("bounced")
        COMPLAINED = "complained", _("complained")
        OPENED = "opened", _("opened")

    email_message = models.ForeignKey(EmailMessage, on_delete=models.CASCADE, related_name="deliveries")
    recipient = models.CharField(max_length=254)
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    provider_id = models.CharField(max_length=255, blank=True, db_index=True)
    detail = models.CharField(max_length=500, blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["email_message", "recipient"], name="delivery_once_per_recipient")
        ]

    def __str__(self) -> str:
        return f"{self.recipient}: {self.state}"
