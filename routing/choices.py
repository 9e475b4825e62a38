"""Picklists that a routing address stamps on new cases, in Salesforce's words; stored as shown."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Priority(models.TextChoices):
    LOW = "Low", _("Low")
    MEDIUM = "Medium", _("Medium")
    HIGH = "High", _("High")


class Origin(models.TextChoices):
    EMAIL = "Email", _("Email")
    PHONE = "Phone", _("Phone")
    WEB = "Web", _("Web")


class TaskStatus(models.TextChoices):
    NOT_STARTED = "Not Started", _("Not Started")
    IN_PROGRESS = "In Progress", _("In Progress")
    COMPLETED = "Completed", _("Completed")
    WAITING = "Waiting on someone else", _("Waiting on someone else")
    DEFERRED = "Deferred", _("Deferred")


class Strategy(models.TextChoices):
    """How the first owner of a case is chosen."""

    OWNER = "owner", _("Case owner of this address")
    RULES = "rules", _("Assignment rules")
    FLOW = "flow", _("Routing flow")


class ClosedCasePolicy(models.TextChoices):
    """What an answer to a closed case does."""

    REOPEN_WITHIN = "reopen_within", _("Reopen within some days, then open a follow-up case")
    ALWAYS_REOPEN = "always_reopen", _("Always reopen")
    ATTACH_ONLY = "attach_only", _("Attach the mail, leave the case closed")


class RefusalAction(models.TextChoices):
    """What happens to a mail that may not open a case. None of them loses the mail: each leaves its row and the raw
    mail.
    """

    BOUNCE = "bounce", _("Bounce: reject it and send one notice to an authenticated person")
    DISCARD = "discard", _("Discard: reject it without a notice")
    REQUEUE = "requeue", _("Requeue: hold it and try again until the limit resets")


class AutoResponsePolicy(models.TextChoices):
    """Which mail of a person is answered by itself."""

    OFF = "off", _("Off")
    NEW_CASES = "new_cases", _("Mail that opens a case")
    EVERY_MAIL = "every_mail", _("Every mail of a person")
