from __future__ import annotations

from email.utils import parseaddr

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from routing.address_patterns import AddressPatterns
from routing.addresses import domain_of, normalise_address
from routing.choices import AutoResponsePolicy, ClosedCasePolicy, Origin, Priority, Strategy, TaskStatus
from routing.services_address import mint_services_token, services_address_for, services_token_of


def validate_address_patterns(text: str) -> None:
    try:
        AddressPatterns.parse(text)
    except ValueError as error:
        raise ValidationError(str(error)) from error


class RoutingAddressQuerySet(models.QuerySet["RoutingAddress"]):
    def not_deleted(self) -> RoutingAddressQuerySet:
        return self.filter(deleted_at__isnull=True)

    def verified(self) -> RoutingAddressQuerySet:
        """The query of `RoutingAddress.is_verified`."""
        return self.filter(verified_at__isnull=False, verified_email=models.F("email_address"))


class RoutingAddress(models.Model):
    """An address customers write to, the services address its mail is forwarded to, and what it stamps on new cases.

    Source: Salesforce Help, "Add Routing Addresses for Email-to-Case".
    """

    # Identity
    routing_name = models.CharField(
        _("routing name"),
        max_length=254,
        help_text=_("How admins and reps call this address, such as “Gold Support”."),
    )
    email_address = models.CharField(
        _("email address"),
        max_length=254,
        help_text=_(
            "An existing address at which customers reach you. Changing it makes a new verification necessary."
        ),
    )
    services_token = models.CharField(max_length=64, unique=True, editable=False, default=mint_services_token)
    is_active = models.BooleanField(
        _("active"),
        default=True,
        help_text=_("Switched off, new mail to this address is held; replies still join their cases."),
    )
    verified_at = models.DateTimeField(_("verified at"), null=True, blank=True, editable=False)
    verified_email = models.CharField(_("verified email address"), max_length=254, blank=True, editable=False)
    priority_order = models.PositiveSmallIntegerField(
        _("order"),
        default=100,
        help_text=_(
            "When one mail reaches several addresses and nothing else decides, the lower number stamps the case."
        ),
    )
    # Email
    display_name = models.CharField(
        _("display name"), max_length=120, blank=True, help_text=_("Name shown beside the address in mail we send.")
    )
    signature = models.TextField(
        _("signature"), blank=True, help_text=_("Plain text under mail sent from this address.")
    )
    signed_reply_to = models.BooleanField(
        _("signed reply address"),
        default=True,
        help_text=_(
            "Replies ask for answers to an address with a signed tag (support+…@). Switch it off where the mail "
            "system does not deliver such addresses; then Message-IDs and tokens find the case."
        ),
    )
    connection = models.ForeignKey(
        "routing.Connection",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="routing_addresses",
        verbose_name=_("connection"),
        help_text=_(
            "The mail service that mail from this address leaves through; its account must be this address. "
            "Empty: the service of E2C_EMAIL_URL."
        ),
    )
    auto_response_policy = models.CharField(
        _("automatic answer"),
        max_length=12,
        choices=AutoResponsePolicy.choices,
        default=AutoResponsePolicy.OFF,
        help_text=_("Sent to people whose domain confirms that the mail is theirs, never to machines."),
    )
    auto_response_template = models.ForeignKey(
        "routing.EmailTemplate",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("template of the automatic answer"),
    )
    auto_response_hours = models.PositiveSmallIntegerField(
        _("hours between automatic answers to a sender"),
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(720)],
        help_text=_("Whoever writes again within these hours gets no second one."),
    )
    auto_response_hourly_limit = models.PositiveIntegerField(
        _("automatic answers in an hour, at most"),
        default=100,
        validators=[MinValueValidator(1)],
        help_text=_("At more than these the address stops answering by itself until somebody lets it go on."),
    )
    # The breaker: stopped when the hourly limit was reached; what was sent before it was let go on counts no more.
    auto_response_stopped_at = models.DateTimeField(null=True, blank=True, editable=False)
    auto_response_resumed_at = models.DateTimeField(null=True, blank=True, editable=False)
    asks_satisfaction = models.BooleanField(
        _("ask how it went"),
        default=False,
        help_text=_("One mail to the customer after a case is closed, with a link to a page of two buttons."),
    )
    satisfaction_template = models.ForeignKey(
        "routing.EmailTemplate",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("template of the question"),
        help_text=_("{{ satisfaction.link }} is the link; without it the link stands under the text."),
    )
    satisfaction_hours = models.PositiveSmallIntegerField(
        _("hours after closing"),
        default=24,
        validators=[MinValueValidator(1), MaxValueValidator(720)],
        help_text=_("A case that is opened again before is not asked about."),
    )
    satisfaction_window_days = models.PositiveSmallIntegerField(
        _("days between questions to a customer"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(365)],
        help_text=_("Of all addresses together."),
    )
    language = models.CharField(
        _("language"),
        max_length=10,
        blank=True,
        choices=settings.LANGUAGES,
        help_text=_("Language of automatic mail sent for this address."),
    )
    save_email_headers = models.BooleanField(
        _("save email headers"), default=False, help_text=_("Keep every header of each mail on the email message.")
    )
    accept_email_from = models.TextField(
        _("accept email from"),
        blank=True,
        validators=[validate_address_patterns],
        help_text=_(
            "Only these senders may open cases: addresses, domains (example.com) and subdomains (*.example.com), "
            "separated by commas or lines. Empty: everybody."
        ),
    )
    block_email_from = models.TextField(
        _("block email from"),
        blank=True,
        validators=[validate_address_patterns],
        help_text=_("Mail from these senders is always rejected. Same form."),
    )
    unwrap_forwards_from = models.TextField(
        _("take the customer from forwards of"),
        blank=True,
        validators=[validate_address_patterns],
        help_text=_(
            "When one of these colleagues forwards a mail here, the new case belongs to the person who wrote the "
            "forwarded mail. Same form. Empty: reps decide on the case page. List only senders you trust: the "
            "forwarded mail says whatever its forwarder wants."
        ),
    )
    controlled_by_permission_set = models.BooleanField(
        _("controlled by permission set"),
        default=False,
        help_text=_(
            "Only users to whom a permission set grants this address can send from it. Superusers are no exception."
        ),
    )
    # Tasks
    create_task = models.BooleanField(
        _("create task from email"),
        default=False,
        help_text=_("Make a task for the case owner for each new customer mail; it closes when answered."),
    )
    task_status = models.CharField(
        _("task status"),
        max_length=40,
        choices=TaskStatus.choices,
        default=TaskStatus.NOT_STARTED,
        help_text=_("Status of the tasks made."),
    )
    # Case
    case_record_type = models.ForeignKey(
        "routing.RecordType",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("case record type"),
        help_text=_("Empty: the default record type."),
    )
    case_priority = models.CharField(
        _("case priority"), max_length=20, choices=Priority.choices, default=Priority.MEDIUM
    )
    case_origin = models.CharField(_("case origin"), max_length=20, choices=Origin.choices, default=Origin.EMAIL)
    closed_case_policy = models.CharField(
        _("mail to a closed case"),
        max_length=20,
        choices=ClosedCasePolicy.choices,
        default=ClosedCasePolicy.REOPEN_WITHIN,
    )
    reopen_days = models.PositiveSmallIntegerField(
        _("reopen within days"),
        default=14,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text=_("After these days an answer opens a follow-up case."),
    )
    # Routing
    strategy = models.CharField(_("routing"), max_length=10, choices=Strategy.choices, default=Strategy.OWNER)
    owner_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("case owner (user)"),
    )
    owner_queue = models.ForeignKey(
        "routing.Queue",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("case owner (queue)"),
        help_text=_("A user or a queue. Neither: the default case owner of the Email-to-Case settings."),
    )
    assignment_rule = models.ForeignKey(
        "routing.AssignmentRule",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="addresses",
        verbose_name=_("assignment rule"),
        help_text=_("When none of its entries holds, the fallback queue gets the case, else the case owner."),
    )
    flow = models.ForeignKey(
        "routing.RoutingFlow",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="addresses",
        verbose_name=_("routing flow"),
    )
    fallback_queue = models.ForeignKey(
        "routing.Queue",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        verbose_name=_("fallback queue"),
        help_text=_("Gets every case for which the flow names nobody, or fails."),
    )

    created_at = models.DateTimeField(auto_now_add=True)
    # Soft delete: history keeps its address, the services address is never given to another one.
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)
    canary_hours = models.PositiveSmallIntegerField(
        _("hours between test mails"),
        default=0,
        validators=[MaxValueValidator(24 * 7)],
        help_text=_(
            "Sends a test mail to the address so often, and tells those who may configure when one does not come back "
            "through the forward within 15 minutes. 0: never."
        ),
    )
    # Evidence for the set-up checklist.
    forwarding_seen_at = models.DateTimeField(_("forwarding seen at"), null=True, blank=True, editable=False)
    last_mail_at = models.DateTimeField(_("last mail at"), null=True, blank=True, editable=False)

    objects = RoutingAddressQuerySet.as_manager()

    class Meta:
        verbose_name = _("routing address")
        verbose_name_plural = _("routing addresses")
        ordering = ["routing_name", "id"]
        permissions = [("send_from_routingaddress", "Can send from this routing address")]
        constraints = [
            models.UniqueConstraint(
                Lower("email_address"),
                condition=models.Q(deleted_at__isnull=True),
                name="routing_address_email_unique",
                violation_error_message=_("Another routing address already uses this email address."),
            ),
            models.CheckConstraint(
                condition=models.Q(owner_user__isnull=True) | models.Q(owner_queue__isnull=True),
                name="routing_address_owner_user_xor_queue",
                violation_error_message=_("The case owner is a user or a queue, not both."),
            ),
            models.CheckConstraint(
                condition=(
                    models.Q(strategy="owner", assignment_rule__isnull=True, flow__isnull=True)
                    | models.Q(strategy="rules", assignment_rule__isnull=False, flow__isnull=True)
                    | models.Q(
                        strategy="flow",
                        flow__isnull=False,
                        fallback_queue__isnull=False,
                        assignment_rule__isnull=True,
                    )
                ),
                name="routing_address_strategy_has_what_it_needs",
                violation_error_message=_(
                    "Choose the assignment rule for rules; the flow and its fallback queue for a flow; none of them "
                    "for a case owner."
                ),
            ),
            models.CheckConstraint(
                condition=models.Q(auto_response_policy="off") | models.Q(auto_response_template__isnull=False),
                name="routing_address_auto_response_has_template",
                violation_error_message=_("Choose the template of the automatic answer."),
            ),
            models.CheckConstraint(
                condition=models.Q(asks_satisfaction=False) | models.Q(satisfaction_template__isnull=False),
                name="routing_address_question_has_template",
                violation_error_message=_("Choose the template of the question."),
            ),
            models.CheckConstraint(
                condition=models.Q(verified_at__isnull=True) | ~models.Q(verified_email=""),
                name="routing_address_verified_names_email",
                violation_error_message=_("A verification names the exact address that was verified."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.routing_name} <{self.email_address}>"

    def clean(self) -> None:
        normalised = normalise_address(self.email_address)
        if normalised is None:
            raise ValidationError({"email_address": _("Enter one email address, such as support@example.com.")})
        if services_token_of(normalised) and domain_of(normalised) == settings.E2C_INBOUND_DOMAIN:
            raise ValidationError(
                {
                    "email_address": _(
                        "This is a generated services address. Enter the address that your customers write to."
                    )
                }
            )
        if normalised == normalise_address(parseaddr(settings.E2C_SYSTEM_FROM)[1]):
            raise ValidationError(
                {"email_address": _("The system sends its own notices from this address; mail would go in circles.")}
            )
        self.email_address = normalised
        if self.connection is not None and (refusal := self.connection.refusal_for(normalised)):
            raise ValidationError({"connection": refusal})
        if settings.E2C_TRIAL:
            self.routing_name = normalised

    @property
    def is_verified(self) -> bool:
        """Verified for the address it has now: changing the address voids the verification."""
        return self.verified_at is not None and self.verified_email == self.email_address

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None

    @property
    def services_address(self) -> str:
        """The generated address that the company forwards this address to."""
        return services_address_for(self.services_token, settings.E2C_INBOUND_DOMAIN)
