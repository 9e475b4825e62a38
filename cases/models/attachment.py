from django.db import models
from django.utils.translation import gettext_lazy as _


class Blob(models.Model):
    """Bytes stored once under their SHA-256; several attachments and raw bodies may point at one."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    size = models.PositiveBigIntegerField()
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        verbose_name = _("stored file")
        verbose_name_plural = _("stored files")

    def __str__(self) -> str:
        return self.sha256


class Attachment(models.Model):
    """A file of a mail. The name is data: it is shown and sent in a header, never used as a path."""

    email_message = models.ForeignKey("cases.EmailMessage", on_delete=models.CASCADE, related_name="attachments")
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="attachments")
    position = models.PositiveSmallIntegerField()
    file_name = models.CharField(_("file name"), max_length=255)
    declared_type = models.CharField(max_length=127)
    content_type = models.CharField(
        _("type"), max_length=127
    )  # detected from the bytes where they tell, else as declared
    inline = models.BooleanField(default=False)
    content_id = models.CharField(max_length=255, blank=True)
    # The case had these bytes already (a logo in every reply): kept, but not listed among the files.
    is_repeated = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["email_message", "position"], name="attachment_position_once")]

    def __str__(self) -> str:
        return self.file_name
