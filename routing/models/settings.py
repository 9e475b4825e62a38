from __future__ import annotations

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from routing.choices import RefusalAction


class EmailToCaseSettings(models.Model):
    """The organisation's Email-to-Case page: one row, made by `manage.py setup`."""

    enabled = models.BooleanField(
        _("Email-to-Case enabled"),
        default=True,
        help_text=_("Switched off, new mail is held and waits; replies still join their cases."),
    )
    notify_case_owner_on_new_email = models.BooleanField(
        _("notify case owner on new email"),
        default=False,
        help_text=_("Send the owner a short notice when a mail joins one of their cases."),
    )
    dedupe_attachments = models.BooleanField(
        _("hide repeated attachments"),
        default=True,
        help_text=_("A file that this case has already, such as a logo in every reply, is not listed again."),
    )
    token_in_subject = models.BooleanField(
        _("thread token in subject"),
        default=False,
        help_text=_("Put the case's thread token into the subject of mail we send."),
    )
    token_in_body = models.BooleanField(
        _("thread token in body"),
        default=True,
        help_text=_("Put the case's thread token under the text of mail we send."),
    )
    use_headers_for_threading = models.BooleanField(
        _("use email headers for threading"),
        default=True,
        help_text=_("Let In-Reply-To, References and Thread-Index find the case, as well as tokens."),
    )
    html_email = models.BooleanField(
        _("formatted email"), default=True, help_text=_("Reps write with formatting. Off: plain text only.")
    )
    signature_before_thread = models.BooleanField(
        _("signature before the thread"),
        default=True,
        help_text=_("The signature stands between the reply and the mail it quotes. Off: at the very end."),
    )
    reply_with_new_content_only = models.BooleanField(
        _("reply with new content only"), default=False, help_text=_("Replies quote nothing of the mail they answer.")
    )
    # The predefined value of the Email action for all record types that have none of their own.
    default_from = models.ForeignKey(
        "routing.RoutingAddress",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("predefined From"),
        help_text=_("Replies start with this address. Empty: the address that the customer wrote to."),
    )
    over_limit_action = models.CharField(
        _("over limit action"),
        max_length=10,
        choices=RefusalAction.choices,
        default=RefusalAction.REQUEUE,
        help_text=_("What happens to new mail beyond the limits below."),
    )
    unauthorized_sender_action = models.CharField(
        _("unauthorized sender action"),
        max_length=10,
        choices=[c for c in RefusalAction.choices if c[0] != RefusalAction.REQUEUE],
        default=RefusalAction.DISCARD,
        help_text=_("What happens to mail from senders an address does not accept."),
    )
    daily_limit = models.PositiveIntegerField(
        _("daily limit"), default=100_000, help_text=_("New cases by mail in 24 hours; 0 switches the limit off.")
    )
    sender_hourly_limit = models.PositiveIntegerField(
        _("hourly limit per sender"),
        default=1000,
        help_text=_(
            "Mails that one sender may turn into cases in an hour; more are held as a suspected loop. 0: no limit."
        ),
    )
    hold_spam = models.BooleanField(
        _("hold spam for review"),
        default=True,
        help_text=_("Mail that the provider marks as spam waits for a person."),
    )
    hold_bulk = models.BooleanField(
        _("hold bulk mail for review"),
        default=False,
        help_text=_("Newsletters and generated notifications wait for a person instead of opening cases."),
    )
    hold_dmarc_failures = models.BooleanField(
        _("hold mail that fails DMARC"),
        default=False,
        help_text=_(
            "New mail whose sender's domain disowns it waits for a person. Off, it opens a case that says so. It "
            "never joins another case by itself."
        ),
    )
    automatic_mail_daily_budget = models.PositiveIntegerField(
        _("automatic mail per day"),
        default=1000,
        help_text=_("Notices and automatic answers sent in 24 hours, over all recipients."),
    )
    automatic_mail_recipient_budget = models.PositiveIntegerField(
        _("automatic mail per recipient and day"),
        default=3,
        help_text=_("Notices and automatic answers to one address in 24 hours."),
    )
    # Queue XOR user; `setup` makes the queue "Unassigned" and puts it here.
    default_case_owner_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("default case owner (user)"),
    )
    default_case_owner_queue = models.ForeignKey(
        "routing.Queue",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("default case owner (queue)"),
        help_text=_("Owns cases whose routing address names no owner, or an owner who is not active."),
    )
    automated_case_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        verbose_name=_("automated case user"),
        help_text=_("Named in a case's history for what Email-to-Case does by itself. Empty: the system."),
    )
    max_attachments = models.PositiveIntegerField(
        _("attachments per mail"),
        default=200,
        validators=[MinValueValidator(1)],
        help_text=_("More than these are left in the raw mail and marked."),
    )

    class Meta:
        verbose_name = _("Email-to-Case settings")
        verbose_name_plural = _("Email-to-Case settings")
        permissions = [("customize_application", "Customize Application: configure Email-to-Case")]
        constraints = [
            models.CheckConstraint(condition=models.Q(pk=1), name="email_to_case_settings_one_row"),
            models.CheckConstraint(
                condition=models.Q(default_case_owner_user__isnull=True)
                | models.Q(default_case_owner_queue__isnull=True),
                name="default_case_owner_user_xor_queue",
                violation_error_message=_("The default case owner is a user or a queue, not both."),
            ),
        ]

    def __str__(self) -> str:
        return str(_("Email-to-Case settings"))

    def clean(self) -> None:
        """Mail that no address names an owner for goes to the default one: without one it could open no case."""
        if self.default_case_owner_user_id is None and self.default_case_owner_queue_id is None:
            raise ValidationError({"default_case_owner_queue": _("Choose the default case owner: a user or a queue.")})
        if self.default_case_owner_user is not None and not self.default_case_owner_user.is_active:
            raise ValidationError({"default_case_owner_user": _("The default case owner must be an active user.")})

    @classmethod
    def load(cls) -> EmailToCaseSettings:
        """The one row; defaults (unsaved) on an instance where `setup` has not run yet."""
        return cls.objects.select_related("default_case_owner_user", "default_case_owner_queue").first() or cls(pk=1)
