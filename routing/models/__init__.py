from routing.models.address import RoutingAddress, RoutingAddressQuerySet
from routing.models.audit import AuditEvent
from routing.models.email_template import EmailTemplate, QuickText
from routing.models.permission_set import PermissionSet, PermissionSetMember, RoutingAddressGrant
from routing.models.queue import Queue, QueueMember
from routing.models.record_type import RecordType
from routing.models.settings import EmailToCaseSettings
from routing.models.verification_mail import VerificationMail

__all__ = [
    "AuditEvent",
    "EmailTemplate",
    "EmailToCaseSettings",
    "PermissionSet",
    "PermissionSetMember",
    "Queue",
    "QueueMember",
    "QuickText",
    "RecordType",
    "RoutingAddress",
    "RoutingAddressGrant",
    "RoutingAddressQuerySet",
    "VerificationMail",
]
