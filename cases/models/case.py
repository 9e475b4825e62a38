from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from cases.models.contact import domain_of_field
from routing.choices import Origin, Priority

NUMBER_OFFSET = 1000
OwnerKeys = tuple[int | None, ...]
# The orders of the list that are no fields (cases.selectors.list_sorts); indexes of open cases have the same words.
PRIORITY_RANK = models.Case(
    models.When(priority=Priority.HIGH, then=models.Value(0)),
    models.When(priority=Priority.MEDIUM, then=models.Value(1)),
    default=models.Value(2),
    output_field=models.SmallIntegerField(),
)
WAITING_SINCE = Coalesce("last_inbound_at", "created_at")
# Cases without a running clock come last, on both databases.
DUE_NEXT = Coalesce("next_due_at", models.Value(datetime(9000, 1, 1, tzinfo=UTC), models.DateTimeField()))
OWNER_FIELDS = frozenset({"owner_user", "owner_user_id", "owner_queue", "owner_queue_id", "routing_version"})
# What a row that was read earlier must not write back when it is saved as a whole.
WRITTEN_ELSEWHERE = OWNER_FIELDS | {"next_due_at"}


class OwnerWrittenElsewhere(RuntimeError):
    """Only cases.assignment writes an owner: every owner has a RoutingDecision that says why."""


class CaseStatus(models.Model):
    label = models.CharField(_("label"), max_length=40, unique=True)
    is_closed = models.BooleanField(_("closed"), default=False)
    is_default = models.BooleanField(_("default for new cases"), default=False)
    position = models.PositiveSmallIntegerField(_("position"), default=0)

    class Meta:
        verbose_name = _("case status")
        verbose_name_plural = _("case statuses")
        ordering = ["position", "label"]
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"],
                condition=models.Q(is_default=True),
                name="case_status_one_default",
                violation_error_message=_("Another status is the default already."),
            ),
            models.CheckConstraint(
                condition=models.Q(is_default=False) | models.Q(is_closed=False),
                name="case_status_default_is_open",
                violation_error_message=_("A new case cannot start closed."),
            ),
        ]

    def __str__(self) -> str:
        return self.label


class CaseQuerySet(models.QuerySet["Case"]):
    def with_number(self, number: int) -> CaseQuerySet:
        return self.filter(pk=number - NUMBER_OFFSET)

    def update(self, **fields: Any) -> int:
        if OWNER_FIELDS & fields.keys():
            raise OwnerWrittenElsewhere("Use cases.assignment.assign to change the owner of a case.")
        return super().update(**fields)

    def write_owner(self, **fields: Any) -> int:
        """For cases.assignment alone."""
        return super().update(**fields)


class Case(models.Model):
    """One matter of one customer, in Salesforce's words. Its number is made from its key and proves nothing about a
    thread.
    """

    class Awaiting(models.TextChoices):
        US = "us", _("us")
        CUSTOMER = "customer", _("the customer")

    subject = models.CharField(_("subject"), max_length=500, blank=True)
    description = models.TextField(_("description"), blank=True)
    status = models.ForeignKey(CaseStatus, on_delete=models.PROTECT, related_name="+", verbose_name=_("status"))
    priority = models.CharField(_("priority"), max_length=20, choices=Priority.choices, default=Priority.MEDIUM)
    origin = models.CharField(_("origin"), max_length=20, choices=Origin.choices, default=Origin.EMAIL)
    record_type = models.ForeignKey(
        "routing.RecordType", on_delete=models.PROTECT, related_name="+", verbose_name=_("record type")
    )
    # Written by cases.assignment only; exactly one of the two.
    owner_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="owned_cases",
        verbose_name=_("owner"),
    )
    owner_queue = models.ForeignKey(
        "routing.Queue",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="cases",
        verbose_name=_("owner queue"),
    )
    routing_version = models.PositiveIntegerField(default=1, editable=False)
    contact = models.ForeignKey(
        "cases.Contact",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="cases",
        verbose_name=_("contact"),
    )
    supplied_email = models.CharField(_("supplied email"), max_length=254, blank=True)
    supplied_domain = models.GeneratedField(
        expression=domain_of_field("supplied_email"), output_field=models.CharField(max_length=254), db_persist=True
    )
    supplied_name = models.CharField(_("supplied name"), max_length=255, blank=True)
    routing_address = models.ForeignKey(
        "routing.RoutingAddress",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="cases",
        verbose_name=_("routing address"),
    )
    # The mail that opened the case; set once, in the transaction that opens it.
    source = models.OneToOneField(
        "cases.EmailMessage",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="opened_case",
        verbose_name=_("source"),
    )
    awaiting = models.CharField(_("awaiting"), max_length=10, choices=Awaiting.choices, default=Awaiting.US)
    created_at = models.DateTimeField(_("opened at"))
    last_activity_at = models.DateTimeField(_("last activity"))
    last_inbound_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    reopened_count = models.PositiveIntegerField(default=0)
    # When the first open service clock ends; kept by cases.service_levels with every change of a clock.
    next_due_at = models.DateTimeField(null=True, blank=True, editable=False)
    merged_into = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="merged_cases",
        verbose_name=_("merged into"),
    )
    # A weak sign of a thread (docs/inbound.md): a person joins with one click or waves it off.
    possibly_belongs_to = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="possible_parts",
        verbose_name=_("possibly belongs to"),
    )
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True, blank=True)
    tags = models.ManyToManyField("cases.Tag", blank=True, related_name="cases", verbose_name=_("tags"))
    custom_fields = models.JSONField(default=dict, blank=True)  # {CaseField.slug: value}
    follows = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="follow_ups",
        verbose_name=_("follow-up of"),
    )

    objects = CaseQuerySet.as_manager()

    _owner_read: OwnerKeys | None = None  # as it stands in the database

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        permissions = [
            ("view_all_cases", "Can see every case"),
            ("reply_case", "Can reply to cases"),
            ("approve_reply", "Can approve mail of others"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(owner_user__isnull=True, owner_queue__isnull=False)
                | models.Q(owner_user__isnull=False, owner_queue__isnull=True),
                name="case_has_one_owner",
                violation_error_message=_("A case is owned by one user or by one queue."),
            ),
            models.CheckConstraint(
                condition=~models.Q(merged_into=models.F("pk")), name="case_not_merged_into_itself"
            ),
        ]
        indexes = [
            models.Index(fields=["-last_activity_at", "-id"], name="case_by_activity"),
            models.Index(fields=["owner_queue", "-last_activity_at", "-id"], name="case_by_queue"),
            models.Index(fields=["owner_user", "-last_activity_at", "-id"], name="case_by_user"),
            models.Index(fields=["supplied_email", "-id"], name="case_by_customer"),
            models.Index(fields=["supplied_domain", "-last_activity_at", "-id"], name="case_by_domain"),
            models.Index(
                fields=["snoozed_until"], condition=models.Q(snoozed_until__isnull=False), name="case_by_snooze"
            ),
            models.Index(fields=["-created_at", "-id"], name="case_by_opening"),
            models.Index(
                fields=["routing_address", "closed_at"],
                condition=models.Q(closed_at__isnull=False),
                name="case_by_closing",
            ),
            # Open cases are a small part of all: their lists must not walk past the closed ones.
            models.Index(
                fields=["-last_activity_at", "-id"], condition=models.Q(closed_at__isnull=True), name="case_open"
            ),
            models.Index(
                fields=["owner_queue", "-last_activity_at", "-id"],
                condition=models.Q(closed_at__isnull=True),
                name="case_open_by_queue",
            ),
            models.Index(
                fields=["owner_user", "-last_activity_at", "-id"],
                condition=models.Q(closed_at__isnull=True),
                name="case_open_by_user",
            ),
            models.Index(
                PRIORITY_RANK,
                models.F("last_activity_at").desc(),
                models.F("id").desc(),
                condition=models.Q(closed_at__isnull=True),
                name="case_open_by_priority",
            ),
            models.Index(
                models.F("awaiting").desc(),
                WAITING_SINCE,
                "id",
                condition=models.Q(closed_at__isnull=True),
                name="case_open_by_waiting",
            ),
            models.Index(
                DUE_NEXT,
                models.F("last_activity_at").desc(),
                models.F("id").desc(),
                condition=models.Q(closed_at__isnull=True),
                name="case_open_by_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number_text} {self.subject}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding and self._owner_read not in (None, self._owner_now()):
            raise OwnerWrittenElsewhere("Use cases.assignment.assign to change the owner of a case.")
        if not self._state.adding and not args and kwargs.get("update_fields") is None:
            # A case that was read before a colleague took it must not write the old owner back.
            kwargs["update_fields"] = [
                field.name
                for field in self._meta.concrete_fields
                if not field.primary_key
                and not field.generated
                and field.name not in WRITTEN_ELSEWHERE
                and field.attname in self.__dict__
            ]
        super().save(*args, **kwargs)

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any]) -> Case:  # type: ignore[override]
        case = super().from_db(db, field_names, values)
        case._owner_read = case._owner_now()
        return case

    def _owner_now(self) -> OwnerKeys:
        # Deferred fields were not read, so they cannot have been changed in memory either.
        return tuple(self.__dict__.get(name) for name in ("owner_user_id", "owner_queue_id", "routing_version"))

    @property
    def number(self) -> int:
        """The number that people see. Not secret, not stored: key + 1000."""
        return self.pk + NUMBER_OFFSET

    @property
    def number_text(self) -> str:
        return f"{self.number:08d}" if self.pk else "-"

    @property
    def is_closed(self) -> bool:
        return self.closed_at is not None

    @property
    def is_merged(self) -> bool:
        return self.merged_into_id is not None
