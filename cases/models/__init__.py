from cases.models.approval import Approval
from cases.models.attachment import Attachment, Blob
from cases.models.case import Case, CaseQuerySet, CaseStatus
from cases.models.comment import CaseComment, CommentVersion, Mention
from cases.models.contact import Contact, Participant
from cases.models.draft import Draft, DraftFile
from cases.models.email_message import Delivery, EmailAddress, EmailMessage
from cases.models.event import CaseEvent
from cases.models.heartbeat import Heartbeat
from cases.models.hook_run import HookRun
from cases.models.inbound_email import InboundEmail, ProviderToken, RawBody, RefusedCall
from cases.models.loop_test import LoopTest
from cases.models.notification import Notification, NotificationChoice
from cases.models.outbox import Outbox
from cases.models.pending_routing import PendingRouting
from cases.models.routing_decision import RoutingDecision
from cases.models.satisfaction import SatisfactionRequest
from cases.models.send_decision import SendDecision
from cases.models.service_clock import ServiceClock
from cases.models.tag import CaseField, CaseLink, Tag
from cases.models.task import CaseTask
from cases.models.tracking import TrackingRequest
from cases.models.visit import CaseVisit, SavedView

__all__ = [
    "Approval",
    "Attachment",
    "Blob",
    "Case",
    "CaseComment",
    "CaseEvent",
    "CaseField",
    "CaseLink",
    "CaseQuerySet",
    "CaseStatus",
    "CaseTask",
    "CaseVisit",
    "CommentVersion",
    "Contact",
    "Delivery",
    "Draft",
    "DraftFile",
    "EmailAddress",
    "EmailMessage",
    "Heartbeat",
    "HookRun",
    "InboundEmail",
    "LoopTest",
    "Mention",
    "Notification",
    "NotificationChoice",
    "Outbox",
    "Participant",
    "PendingRouting",
    "ProviderToken",
    "RawBody",
    "RefusedCall",
    "RoutingDecision",
    "SatisfactionRequest",
    "SavedView",
    "SendDecision",
    "ServiceClock",
    "Tag",
    "TrackingRequest",
]
