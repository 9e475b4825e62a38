from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _


class DomainCheck(models.Model):
    """The last answers of DNS about a sending domain, for mail that leaves through one service."""

    domain = models.CharField(_("domain"), max_length=253)
    service = models.CharField(_("service"), max_length=253, blank=True)
    checked_at = models.DateTimeField(_("checked at"))
    findings = models.JSONField(default=list)  # routing.dns_checks.DnsFinding, each as an object

    class Meta:
        verbose_name = _("check of a domain")
        verbose_name_plural = _("checks of domains")
        constraints = [models.UniqueConstraint(fields=["domain", "service"], name="domain_check_once")]

    def __str__(self) -> str:
        return self.domain
