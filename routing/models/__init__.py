from routing.models.address import RoutingAddress, RoutingAddressQuerySet
from routing.models.assignment_rule import AssignmentRule, RuleEntry
from routing.models.audit import AuditEvent
from routing.models.business_hours import BusinessHours
from routing.models.connection import Connection, Secrets
from routing.models.domain_check import DomainCheck
from routing.models.email_template import EmailTemplate, QuickText
from routing.models.flow import FlowStep, RepPresence, RoutingFlow, Skill
from routing.models.permission_set import PermissionSet, PermissionSetMember, RoutingAddressGrant
from routing.models.queue import Queue, QueueMember
from routing.models.record_type import RecordType
from routing.models.service_level import ServiceLevel
from routing.models.settings import EmailToCaseSettings
from routing.models.verification_mail import VerificationMail

__all__ = [
    "AssignmentRule",
    "AuditEvent",
    "BusinessHours",
    "Connection",
    "DomainCheck",
    "EmailTemplate",
    "EmailToCaseSettings",
    "FlowStep",
    "PermissionSet",
    "PermissionSetMember",
    "Queue",
    "QueueMember",
    "QuickText",
    "RecordType",
    "RepPresence",
    "RoutingAddress",
    "RoutingAddressGrant",
    "RoutingAddressQuerySet",
    "RoutingFlow",
    "RuleEntry",
    "Secrets",
    "ServiceLevel",
    "Skill",
    "VerificationMail",
]
