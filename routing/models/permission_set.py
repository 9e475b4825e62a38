from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from guardian.models import GroupObjectPermissionBase


class PermissionSet(models.Model):
    """Who may send from which routing addresses. Its auth Group carries the grants; nothing else may use it."""

    label = models.CharField(_("label"), max_length=80, unique=True)
    description = models.CharField(_("description"), max_length=255, blank=True)
    is_active = models.BooleanField(
        _("active"),
        default=True,
        help_text=_("An inactive permission set grants nothing; its members and addresses are kept."),
    )
    requires_approval = models.BooleanField(
        _("mail needs approval"),
        default=False,
        help_text=_("Mail that members send by this permission set waits until somebody approves it."),
    )
    group = models.OneToOneField(Group, on_delete=models.PROTECT, related_name="permission_set", editable=False)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="routing.PermissionSetMember", related_name="permission_sets"
    )

    class Meta:
        verbose_name = _("permission set")
        verbose_name_plural = _("permission sets")
        ordering = ["label"]

    def __str__(self) -> str:
        return self.label


class PermissionSetMember(models.Model):
    permission_set = models.ForeignKey(PermissionSet, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="permission_set_memberships",
        verbose_name=_("user"),
    )
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True, help_text=_("Empty: never."))

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        constraints = [models.UniqueConstraint(fields=["permission_set", "user"], name="permission_set_member_once")]

    def __str__(self) -> str:
        return f"{self.user} in {self.permission_set}"

    @property
    def has_expired(self) -> bool:
        return self.expires_at is not None and self.expires_at <= timezone.now()


class RoutingAddressGrant(GroupObjectPermissionBase):
    """guardian's group grant with a real foreign key: it goes with its address; no later row inherits it."""

    content_object = models.ForeignKey("routing.RoutingAddress", on_delete=models.CASCADE, related_name="grants")

    class Meta(GroupObjectPermissionBase.Meta):
        verbose_name = _("sending grant")
        verbose_name_plural = _("sending grants")

    def __str__(self) -> str:
        return f"{self.group} may send from {self.content_object}"
