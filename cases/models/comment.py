from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class CaseComment(models.Model):
    """An internal note on a case. Never part of a mail."""

    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="comments")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    body = models.TextField(_("note"))
    created_at = models.DateTimeField(auto_now_add=True)
    edited_at = models.DateTimeField(null=True, blank=True)  # earlier words: CommentVersion
    # Who is mentioned may see the case from then on (cases.selectors.visible.visible_cases).
    mentions = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="cases.Mention", related_name="mentioned_in", blank=True
    )

    class Meta:
        verbose_name = _("internal note")
        verbose_name_plural = _("internal notes")
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["case", "created_at", "id"], name="comment_by_case")]

    def __str__(self) -> str:
        return self.body[:80]


class CommentVersion(models.Model):
    """What a note said before its author edited it."""

    comment = models.ForeignKey(CaseComment, on_delete=models.CASCADE, related_name="versions")
    body = models.TextField()
    replaced_at = models.DateTimeField()

    class Meta:
        verbose_name = _("earlier words of a note")
        verbose_name_plural = _("earlier words of notes")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.body[:80]


class Mention(models.Model):
    comment = models.ForeignKey(CaseComment, on_delete=models.CASCADE, related_name="mention_rows")
    # The case once more, so that "may this user see the case" is one look into an index.
    case = models.ForeignKey("cases.Case", on_delete=models.CASCADE, related_name="mentions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mention_rows")
    created_at = models.DateTimeField(auto_now_add=True)
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = _("mention")
        verbose_name_plural = _("mentions")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["comment", "user"], name="mention_once_per_note")]
        indexes = [models.Index(fields=["user", "case"], name="mention_by_user")]

    def __str__(self) -> str:
        return f"@{self.user}"
