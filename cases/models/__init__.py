from cases.models.attachment import Attachment, Blob
from cases.models.case import Case, CaseQuerySet, CaseStatus
from cases.models.contact import Contact, Participant
from cases.models.email_message import Delivery, EmailAddress, EmailMessage
from cases.models.event import CaseEvent
from cases.models.heartbeat import Heartbeat
from cases.models.inbound_email import InboundEmail, ProviderToken, RawBody, RefusedCall
from cases.models.outbox import Outbox
from cases.models.routing_decision import RoutingDecision
from cases.models.send_decision import SendDecision
from cases.models.task import CaseTask
from cases.models.tracking import TrackingRequest

__all__ = [
    "Attachment",
    "Blob",
    "Case",
    "CaseEvent",
    "CaseQuerySet",
    "CaseStatus",
    "CaseTask",
    "Contact",
    "Delivery",
    "EmailAddress",
    "EmailMessage",
    "Heartbeat",
    "InboundEmail",
    "Outbox",
    "Participant",
    "ProviderToken",
    "RawBody",
    "RefusedCall",
    "RoutingDecision",
    "SendDecision",
    "TrackingRequest",
]
