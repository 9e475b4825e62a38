from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Draft(models.Model):
    """What stands in a composer, as typed: saved by itself, its author's alone, gone when it is sent or discarded."""

    class Mode(models.TextChoices):
        REPLY = "reply", _("reply")
        REPLY_ALL = "reply_all", _("reply to all")
        FORWARD = "forward", _("forward")
        NEW = "new", _("new mail")

    # null: a new mail, whose case is made when it is sent.
    case = models.ForeignKey("cases.Case", null=True, blank=True, on_delete=models.CASCADE, related_name="drafts")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="drafts")
    mode = models.CharField(max_length=10, choices=Mode.choices, default=Mode.REPLY)
    answers = models.ForeignKey(
        "cases.EmailMessage", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )  # the mail that is answered or forwarded
    send_from = models.ForeignKey(
        "routing.RoutingAddress", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # As typed: half an address is kept as well.
    to = models.TextField(blank=True)
    cc = models.TextField(blank=True)
    bcc = models.TextField(blank=True)
    subject = models.CharField(max_length=1000, blank=True)
    html = models.TextField(blank=True)  # of the editor; "" when it was written as plain text
    text = models.TextField(blank=True)
    # The key under which it will be sent: however often it is submitted, it is one mail.
    key = models.CharField(max_length=64, unique=True)
    last_seen = models.BigIntegerField(default=0)  # id of the newest message that its author had on the page
    template = models.ForeignKey(
        "routing.EmailTemplate", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    send_at = models.DateTimeField(null=True, blank=True)  # to be sent later; null: at once
    # Of a forward: whoever gets it may answer into the case (cases.outbound.forwarding).
    answers_join = models.BooleanField(default=False)
    # Why it came back to its author: rejected, not sent, overtaken by the customer. "" when it was never on its way.
    came_back_because = models.CharField(max_length=500, blank=True)
    version = models.PositiveIntegerField(default=1)  # two tabs: the older one is told, nothing is overwritten
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        ordering = ["-updated_at", "-id"]
        indexes = [models.Index(fields=["author", "-updated_at"], name="draft_by_author")]

    def __str__(self) -> str:
        return f"{self.get_mode_display()} {self.pk}"


class DraftFile(models.Model):
    """A file that was added to a draft, stored already; inline: a picture in its text."""

    draft = models.ForeignKey(Draft, on_delete=models.CASCADE, related_name="files")
    blob = models.ForeignKey("cases.Blob", on_delete=models.PROTECT, related_name="draft_files")
    file_name = models.CharField(max_length=255)
    declared_type = models.CharField(max_length=127, blank=True)
    content_type = models.CharField(max_length=127)
    inline = models.BooleanField(default=False)
    content_id = models.CharField(max_length=255, blank=True)
    added_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("file of a draft")
        verbose_name_plural = _("files of drafts")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.file_name
