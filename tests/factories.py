"""One factory per model, with traits. Times are now unless a test says otherwise."""

from __future__ import annotations

import hashlib
import secrets
from typing import Any

import factory
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.utils import timezone
from factory.django import DjangoModelFactory

from cases.models import (
    Case,
    CaseStatus,
    CaseTask,
    Contact,
    EmailMessage,
    InboundEmail,
    Participant,
    RawBody,
    RoutingDecision,
)
from routing.models import (
    Connection,
    EmailToCaseSettings,
    PermissionSet,
    PermissionSetMember,
    Queue,
    RecordType,
    RoutingAddress,
)


class UserFactory(DjangoModelFactory):
    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"rep{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@company.example")
    is_active = True

    class Params:
        staff = factory.Trait(is_staff=True)
        superuser = factory.Trait(is_staff=True, is_superuser=True)


class QueueFactory(DjangoModelFactory):
    class Meta:
        model = Queue

    name = factory.Sequence(lambda n: f"Queue {n}")


class RecordTypeFactory(DjangoModelFactory):
    class Meta:
        model = RecordType
        django_get_or_create = ("name",)

    name = "Support"


class CaseStatusFactory(DjangoModelFactory):
    class Meta:
        model = CaseStatus
        django_get_or_create = ("label",)

    label = "New"
    is_default = True

    class Params:
        closed = factory.Trait(label="Closed", is_default=False, is_closed=True, position=9)


class EmailToCaseSettingsFactory(DjangoModelFactory):
    class Meta:
        model = EmailToCaseSettings
        django_get_or_create = ("id",)

    id = 1
    default_case_owner_queue = factory.SubFactory(QueueFactory, name="Unassigned")


class RoutingAddressFactory(DjangoModelFactory):
    class Meta:
        model = RoutingAddress

    routing_name = factory.Sequence(lambda n: f"Support {n}")
    email_address = factory.Sequence(lambda n: f"support{n}@company.example")
    owner_queue = factory.SubFactory(QueueFactory)
    case_record_type = factory.SubFactory(RecordTypeFactory)

    class Params:
        verified = factory.Trait(
            verified_at=factory.LazyFunction(timezone.now), verified_email=factory.SelfAttribute("email_address")
        )
        controlled = factory.Trait(controlled_by_permission_set=True)
        deleted = factory.Trait(deleted_at=factory.LazyFunction(timezone.now))


class ConnectionFactory(DjangoModelFactory):
    """An SMTP server on this machine; its secrets come from `put_secrets`."""

    class Meta:
        model = Connection

    name = factory.Sequence(lambda n: f"Connection {n}")
    kind = Connection.Kind.SMTP
    account = factory.Sequence(lambda n: f"support{n}@company.example")
    host = "127.0.0.1"
    security = Connection.Security.NONE

    class Params:
        gmail = factory.Trait(kind=Connection.Kind.GMAIL, client_id="client-1")
        microsoft365 = factory.Trait(kind=Connection.Kind.MICROSOFT365, client_id="client-1")


class PermissionSetFactory(DjangoModelFactory):
    class Meta:
        model = PermissionSet

    label = factory.Sequence(lambda n: f"Permission set {n}")
    group = factory.LazyAttribute(
        lambda permission_set: Group.objects.create(name=f"permission set: {permission_set.label}")
    )


class PermissionSetMemberFactory(DjangoModelFactory):
    """A membership alone; use routing.permission_sets to make one that also enters the group."""

    class Meta:
        model = PermissionSetMember

    permission_set = factory.SubFactory(PermissionSetFactory)
    user = factory.SubFactory(UserFactory)


class ContactFactory(DjangoModelFactory):
    class Meta:
        model = Contact

    name = factory.Sequence(lambda n: f"Customer {n}")
    email = factory.Sequence(lambda n: f"customer{n}@example.net")


class CaseFactory(DjangoModelFactory):
    """A case with its owner and the initial decision that gave it one."""

    class Meta:
        model = Case
        skip_postgeneration_save = True

    subject = factory.Sequence(lambda n: f"Help with order {n}")
    status = factory.SubFactory(CaseStatusFactory)
    record_type = factory.SubFactory(RecordTypeFactory)
    owner_queue = factory.SubFactory(QueueFactory)
    supplied_email = "casey@example.net"
    supplied_name = "Casey Customer"
    created_at = factory.LazyFunction(timezone.now)
    last_activity_at = factory.SelfAttribute("created_at")

    class Params:
        closed = factory.Trait(
            status=factory.SubFactory(CaseStatusFactory, closed=True), closed_at=factory.LazyFunction(timezone.now)
        )

    @factory.post_generation
    def decision(case, create: bool, extracted: Any, **kwargs: Any) -> None:
        if create:
            RoutingDecision.objects.create(
                case=case, kind="initial", owner_user=case.owner_user, owner_queue=case.owner_queue, because="test"
            )


class ParticipantFactory(DjangoModelFactory):
    class Meta:
        model = Participant

    case = factory.SubFactory(CaseFactory)
    address = "casey@example.net"
    role = Participant.Role.CUSTOMER


def message_hash(identifier: str) -> str:
    return hashlib.sha256(identifier.lower().encode()).hexdigest()[:32]


class EmailMessageFactory(DjangoModelFactory):
    """An incoming mail of its case; `outgoing` makes one that we sent."""

    class Meta:
        model = EmailMessage

    case = factory.SubFactory(CaseFactory)
    incoming = True
    from_address = "casey@example.net"
    from_name = "Casey Customer"
    subject = factory.SelfAttribute("case.subject")
    text_body = "Hello, my order has not come."
    reply_text = factory.SelfAttribute("text_body")
    message_identifier = factory.Sequence(lambda n: f"m{n}.abcdefghij@mail.example.net")
    message_identifier_hash = factory.LazyAttribute(lambda message: message_hash(message.message_identifier))
    dedupe_key = factory.LazyFunction(lambda: secrets.token_hex(32))
    received_at = factory.LazyFunction(timezone.now)

    class Params:
        outgoing = factory.Trait(
            incoming=False, dedupe_key=None, status=EmailMessage.Status.SENT, from_address="support@company.example"
        )


class CaseTaskFactory(DjangoModelFactory):
    class Meta:
        model = CaseTask

    case = factory.SubFactory(CaseFactory)
    subject = "Answer the customer"


class RawBodyFactory(DjangoModelFactory):
    class Meta:
        model = RawBody

    content = b"Subject: hello\r\n\r\nhello\r\n"
    sha256 = factory.LazyAttribute(lambda raw: hashlib.sha256(raw.content).hexdigest())
    size = factory.LazyAttribute(lambda raw: len(raw.content))


class InboundEmailFactory(DjangoModelFactory):
    class Meta:
        model = InboundEmail

    provider = "ingest"
    received_at = factory.LazyFunction(timezone.now)
    raw = factory.SubFactory(RawBodyFactory)
